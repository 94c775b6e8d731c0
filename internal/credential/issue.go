package credential

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/blob"
	"chancela/internal/ca"
	"chancela/internal/credential/pades"
	"chancela/internal/credential/sheet"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// atOnce is how many are taken up in one round of work.
const atOnce = 10_000

// mostPDF bounds a sealed file; a sheet has less than a hundredth of it.
const mostPDF = 16 << 20

// every is how often the loop looks for what was left over, and soon how often while the seals cannot be reached.
const (
	every = 30 * time.Second
	soon  = 3 * time.Second
)

// Run works until ctx ends: at once after each approval, and every while for what was left over. What waits for seals
// that cannot be reached goes on soon after they can.
func (s *Service) Run(ctx context.Context) error {
	away := false
	for {
		_, err := s.Work(ctx)
		waits := fault.Is(err, fault.Unavailable)
		if err != nil && ctx.Err() == nil && !(waits && away) { // once, and not every while
			s.c.Log.ErrorContext(ctx, "credential: work", "error", err)
		}
		away = waits
		pause := every
		if away {
			pause = soon
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-time.After(pause):
		}
	}
}

func (s *Service) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Work has every credential that was approved sealed and issued, and says how many were. One that fails holds up no
// other, and is taken up again the next time. After a crash anywhere it is enough to do it again.
func (s *Service) Work(ctx context.Context) (int, error) {
	var ids []ID
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		ids, err = toIssue(ctx, tx, atOnce)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find credentials to issue: %w", err)
	}
	issued := 0
	var failed []error
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		done, err := s.issue(ctx, id)
		if err != nil {
			failed = append(failed, fmt.Errorf("issue credential %s: %w", id, err))
		}
		if done {
			issued++
		}
	}
	return issued, errors.Join(failed...)
}

// issue takes one credential from its approval to its sealed file:
//
//  1. It fixes the time that the seal will claim, so that whoever does it again makes the same bytes.
//  2. It draws the sheet of what was approved, which it holds against the digest that the approvals name.
//  3. It asks package ca for the seal, which reads the approvals itself, and keeps the answer.
//  4. It puts the sealed file away.
//  5. It records the file, once, with letter and audit: now it is valid.
//
// A crash after 3 makes the same file again from the seal that was kept; one after 4 leaves a file that no row names,
// for [Service.Sweep].
func (s *Service) issue(ctx context.Context, id ID) (bool, error) {
	r, err := s.timed(ctx, id)
	if err != nil || r.state != Issuing {
		return false, err
	}
	s.c.Crash(pointTimed)
	p, pdf, err := s.draw(r)
	if err != nil {
		return false, err
	}
	sealed, err := s.sealed(ctx, r, pdf)
	if err != nil {
		return false, err
	}
	file, err := s.c.Blobs.Put(ctx, bytes.NewReader(sealed), mostPDF)
	if err != nil {
		return false, fmt.Errorf("put it away: %w", err)
	}
	s.c.Crash(pointStored)
	done, err := s.record(ctx, p, id, file.Name)
	if err != nil {
		return false, err
	}
	if !done { // somebody else was first: ours is nobody's
		return false, s.c.Blobs.Delete(ctx, file.Name)
	}
	s.c.Crash(pointRecorded)
	return true, nil
}

// timed fixes the time of sealing and reads the row.
func (s *Service) timed(ctx context.Context, id ID) (r *row, err error) {
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := setTime(ctx, tx, id); err != nil {
			return err
		}
		r, err = byID(ctx, tx, id)
		return err
	})
	return r, err
}

// draw makes the sheet of exactly what was approved.
func (s *Service) draw(r *row) (*portal.Portal, []byte, error) {
	p, ok := s.c.Portals.Portal(r.portal)
	if !ok {
		return nil, nil, fmt.Errorf("portal %s is not served here", r.portal)
	}
	c, err := r.read()
	if err != nil {
		return nil, nil, err
	}
	pdf, err := sheet.Make(s.paper(p, c, r))
	return p, pdf, err
}

// read gives what was approved, and nothing that was changed since.
func (r *row) read() (c Content, err error) {
	if digestOf([]byte(r.content)) != r.subject {
		return c, errors.New("the stored content is not what was approved")
	}
	err = json.Unmarshal([]byte(r.content), &c)
	return c, err
}

// seal is a signature of the body's with the certificates that speak for it, as kept.
type seal struct {
	Value       []byte
	Certificate []byte
	Chain       [][]byte
}

// sealed puts the body's seal on the sheet: the one that was kept, or a new one.
func (s *Service) sealed(ctx context.Context, r *row, pdf []byte) ([]byte, error) {
	var given seal
	if r.seal != "" {
		if err := json.Unmarshal([]byte(r.seal), &given); err != nil {
			return nil, fmt.Errorf("read the seal that was kept: %w", err)
		}
	} else {
		var err error
		if given, err = s.ask(ctx, r, pdf); err != nil {
			return nil, err
		}
	}
	ready, err := prepare(pdf, given.Certificate, given.Chain, r)
	if err != nil {
		return nil, err
	}
	sealed, err := ready.Finish(given.Value)
	if r.seal != "" && errors.Is(err, pades.BadSeal) {
		// The sheet is drawn otherwise than when the seal was given: the program or the portal's words changed.
		return nil, errors.Join(err, s.forget(ctx, r))
	}
	return sealed, err
}

// ask has the sheet sealed, outside any transaction, and keeps the answer.
func (s *Service) ask(ctx context.Context, r *row, pdf []byte) (given seal, err error) {
	given.Certificate, given.Chain, err = s.c.Sealer.SealOf(ctx, r.portal)
	if err != nil {
		return given, fmt.Errorf("find the seal: %w", err)
	}
	ready, err := prepare(pdf, given.Certificate, given.Chain, r)
	if errors.Is(err, pades.WrongCert) {
		// The time was fixed before this certificate began: the next try takes another.
		return given, errors.Join(err, s.forget(ctx, r))
	}
	if err != nil {
		return given, err
	}
	answer, err := s.c.Sealer.Seal(ctx, actor.Machine(r.portal), ca.SealRequest{
		Portal: r.portal, Subject: r.subject, Quorum: int(r.quorum), Digest: ready.Digest(),
	})
	if err != nil {
		return given, fmt.Errorf("ask for the seal: %w", err)
	}
	if !bytes.Equal(answer.Certificate, given.Certificate) {
		return given, errors.New("the seal was renewed meanwhile")
	}
	given.Value = answer.Value
	s.c.Crash(pointSealed)
	return given, s.keep(ctx, r, given)
}

// keep records the seal, so that it is asked for once. If somebody else was first, theirs counts, and ours is lost.
func (s *Service) keep(ctx context.Context, r *row, given seal) error {
	text, err := json.Marshal(given)
	if err != nil {
		return err
	}
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := setSeal(ctx, tx, r.id, string(text))
		return err
	})
}

// forget lets the next try take another time and seal.
func (s *Service) forget(ctx context.Context, r *row) error {
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error { return forgetSeal(ctx, tx, r.id, r.seal) })
}

func prepare(pdf, certificate []byte, chain [][]byte, r *row) (pades.Prepared, error) {
	leaf, err := x509.ParseCertificate(certificate)
	if err != nil {
		return pades.Prepared{}, fmt.Errorf("read the seal's certificate: %w", err)
	}
	above := make([]*x509.Certificate, len(chain))
	for i, der := range chain {
		if above[i], err = x509.ParseCertificate(der); err != nil {
			return pades.Prepared{}, fmt.Errorf("read the seal's chain: %w", err)
		}
	}
	return pades.Prepare(pdf, leaf, above, pades.Appearance{At: r.sealingAt, Name: leaf.Subject.CommonName, Final: true})
}

// record makes it valid, and those whose place it takes replaced; false if it is issued already, or no more to be.
func (s *Service) record(ctx context.Context, p *portal.Portal, id ID, file blob.Name) (done bool, err error) {
	by := actor.Machine(p.Name)
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		if done, err = setIssued(ctx, tx, id, file); err != nil || !done {
			return err
		}
		r, err := byID(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := addEvent(ctx, tx, id, by, WasIssued, Ground{}); err != nil {
			return err
		}
		replaced, err := s.replace(ctx, tx, by, r)
		if err != nil {
			return err
		}
		if err := s.tell(ctx, tx, p, r, portal.CredentialIssued); err != nil {
			return err
		}
		for _, one := range replaced {
			if err := audit.Write(ctx, tx, by, "credential.replace", one.object(), audit.With("by", string(id))); err != nil {
				return err
			}
		}
		return audit.Write(ctx, tx, by, "credential.issue", r.object(), audit.With("digest", r.digest), audit.With("subject", r.subject))
	})
	return done, err
}

// replace puts the new one in the place of the earlier.
func (s *Service) replace(ctx context.Context, tx *db.Tx, by actor.Actor, r *row) ([]*row, error) {
	earlier, err := earlierThan(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	for _, one := range earlier {
		moved, err := setState(ctx, tx, one, Replaced, r.id)
		if err != nil {
			return nil, err
		}
		if !moved {
			return nil, fmt.Errorf("replace credential %s: it changed meanwhile", one.id)
		}
		if err := addEvent(ctx, tx, one.id, by, WasReplaced, Ground{}); err != nil {
			return nil, err
		}
	}
	return earlier, nil
}

// sweepAfter is longer than any issue takes from its file to its row.
const sweepAfter = time.Hour

// Sweep deletes files that a crash left without a credential, and says how many.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int, error) {
	var orphans []blob.Name
	var failed error
	err := s.c.Blobs.List(ctx, func(b blob.Blob) bool {
		if now.Sub(b.At) < sweepAfter {
			return true
		}
		var known bool
		failed = s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
			known, err = hasBlob(ctx, tx, b.Name)
			return err
		})
		if failed == nil && !known {
			orphans = append(orphans, b.Name)
		}
		return failed == nil
	})
	if err := errors.Join(failed, err); err != nil {
		return 0, fmt.Errorf("sweep credentials: %w", err)
	}
	for n, name := range orphans {
		if err := s.c.Blobs.Delete(ctx, name); err != nil {
			return n, fmt.Errorf("sweep credentials: %w", err)
		}
	}
	return len(orphans), nil
}

// values are those that every mail about a credential may hold.
func (r *row) values(p *portal.Portal, lang i18n.Lang) i18n.Args {
	values := i18n.Args{
		"credential": r.number, "until": i18n.Date(lang, r.until), "code": r.code, "year": r.year, "number": r.caseNumber, "body": r.body,
	}
	if proc, ok := p.Procedure(r.procedure); ok {
		values["procedure"] = proc.Name.In(lang)
	}
	return values
}
