package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/blob"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// Upload is a document as it arrives.
type Upload struct {
	Portal string
	Case   string
	Slot   string // the key of the form's field that it answers
	Name   string // as the browser gave it; never trusted
	Reader io.Reader
}

// Rule says what a case accepts; it is data of the procedure.
type Rule struct {
	Kinds     []Kind
	MaxMB     int64 // of one document, see [megabyte]
	MaxFiles  int64 // of the whole case
	CaseMaxMB int64 // of the whole case
}

// megabyte is the binary one: the reading in which a file that its owner's computer calls 10 MB still fits.
const megabyte = 1 << 20

// Add takes a document into a case: stored first, then checked from the store, then written down.
//
// A refusal leaves nothing on the disk. After a crash the document may lie in the store without a row, and
// [Service.Sweep] removes it. What is wrong is told as a field of the form, named by the slot.
func (s *Service) Add(ctx context.Context, by actor.Actor, u Upload, rule Rule, may May) (Doc, error) {
	if err := by.MayIn(u.Portal, actor.ChangeOwn); err != nil {
		return Doc{}, err
	}
	// Asked before a byte is taken, so that a stranger cannot fill the disk; asked again in the transaction.
	if err := s.db.Look(ctx, func(tx *db.Tx) error { return may.ask(ctx, tx) }); err != nil {
		return Doc{}, err
	}
	stored, err := s.store.Put(ctx, u.Reader, rule.MaxMB*megabyte)
	if errors.Is(err, blob.ErrTooLarge) {
		return Doc{}, tooLarge(u.Slot, rule)
	}
	if err != nil {
		return Doc{}, fmt.Errorf("add evidence: %w", err)
	}
	doc, err := s.judge(ctx, stored, u, rule)
	if err != nil {
		s.drop(ctx, stored.Name)
		return Doc{}, err
	}
	if err := s.write(ctx, by, &doc, rule, may); err != nil {
		// Only a refusal is sure to have left no row; after any other error the sweeper decides.
		if _, refused := fault.As(err); refused {
			s.drop(ctx, stored.Name)
		}
		return Doc{}, err
	}
	return doc, nil
}

// judge looks at what was stored, a few documents at a time.
func (s *Service) judge(ctx context.Context, stored blob.Blob, u Upload, rule Rule) (Doc, error) {
	select {
	case s.checking <- struct{}{}:
		defer func() { <-s.checking }()
	case <-ctx.Done():
		return Doc{}, ctx.Err()
	}
	content, err := s.content(ctx, stored)
	if err != nil {
		return Doc{}, fmt.Errorf("check evidence: %w", err)
	}
	kind, findings, problem := examine(content, rule.Kinds)
	if problem != "" {
		return Doc{}, refuse(u.Slot, problem, rule)
	}
	scan, err := s.scan(ctx, content)
	if err != nil {
		return Doc{}, refuse(u.Slot, rejected, rule)
	}
	return Doc{
		ID: ID(db.NewID()), Portal: u.Portal, Case: u.Case, Slot: u.Slot, Name: cleanName(u.Name), Kind: kind,
		Size: stored.Size, Digest: stored.Digest(), Findings: findings, Scan: scan, blob: stored.Name,
	}, nil
}

func (s *Service) content(ctx context.Context, stored blob.Blob) ([]byte, error) {
	r, err := s.store.Open(ctx, stored.Name)
	if err != nil {
		return nil, err
	}
	content := make([]byte, stored.Size)
	_, err = io.ReadFull(r, content)
	return content, errors.Join(err, r.Close())
}

var errInfected = errors.New("malware")

func (s *Service) scan(ctx context.Context, content []byte) (Scan, error) {
	if s.scanner == nil {
		return Unscanned, nil
	}
	clean, err := s.scanner.Scan(ctx, strings.NewReader(string(content)))
	if err != nil {
		s.log.Error("scanner did not answer: document held", "error", err)
		return Held, nil
	}
	if !clean {
		return "", errInfected
	}
	return Clean, nil
}

func (s *Service) write(ctx context.Context, by actor.Actor, doc *Doc, rule Rule, may May) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := may.ask(ctx, tx); err != nil {
			return err
		}
		doc.By, doc.At = string(by.Person), tx.Now()
		if earlier, err := twin(ctx, tx, doc.Case, doc.Slot, doc.Digest); err != nil {
			return fmt.Errorf("add evidence: %w", err)
		} else if earlier != "" {
			return duplicate(doc.Slot, earlier)
		}
		files, bytes, err := count(ctx, tx, doc.Case, 1, doc.Size)
		if err != nil {
			return fmt.Errorf("add evidence: %w", err)
		}
		if files > rule.MaxFiles || bytes > rule.CaseMaxMB*megabyte {
			return refuse(doc.Slot, tooMany, rule)
		}
		if err := insert(ctx, tx, *doc); db.Taken(err) {
			return duplicate(doc.Slot, doc.Name) // the twin came between
		} else if err != nil {
			return fmt.Errorf("add evidence: %w", err)
		}
		return audit.Write(ctx, tx, by, "evidence.add", "evidence/"+string(doc.ID), audit.With("digest", doc.Digest))
	})
}

// drop removes a document that no row will name, even if the one who sent it has gone.
func (s *Service) drop(ctx context.Context, name blob.Name) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.store.Delete(ctx, name); err != nil {
		s.log.Warn("a refused document stays until the next sweep", "error", err)
	}
}

// problem is the key of a message about a document (domain codes E-FIC).
type problem string

const (
	wrongKind problem = "E-FIC-03"
	damaged   problem = "E-FIC-04"
	rejected  problem = "E-FIC-05"
	empty     problem = "E-FIC-07"
	tooMany   problem = "E-FIC-08"
)

func refuse(slot string, p problem, rule Rule) error {
	args := fault.Args{}
	switch p {
	case wrongKind:
		kinds := make([]string, len(rule.Kinds))
		for i, k := range rule.Kinds {
			kinds[i] = strings.ToUpper(string(k))
		}
		args["formatos"] = strings.Join(kinds, ", ")
	case tooMany:
		args["n"], args["max"] = strconv.FormatInt(rule.MaxFiles, 10), strconv.FormatInt(rule.CaseMaxMB, 10)
	}
	return fault.Fields([]fault.Field{{Name: slot, Key: string(p), Args: args}})
}

func duplicate(slot, earlier string) error {
	return fault.Fields([]fault.Field{{Name: slot, Key: "E-FIC-06", Args: fault.Pairs("documento", earlier)}})
}

func tooLarge(slot string, rule Rule) error {
	args := fault.Pairs("max", strconv.FormatInt(rule.MaxMB, 10))
	return &fault.Error{Kind: fault.TooLarge, Key: "fault.too-large", Args: args,
		Fields: []fault.Field{{Name: slot, Key: "E-FIC-02", Args: args}}}
}
