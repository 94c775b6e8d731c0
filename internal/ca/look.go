package ca

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// BySerial finds a certificate or an intent. A fault NotFound says that there is none.
func (s *Record) BySerial(ctx context.Context, tx *db.Tx, serial Serial) (Certificate, error) {
	c, err := bySerial(ctx, tx, serial)
	if db.None(err) {
		return Certificate{}, fault.New(fault.NotFound, "fault.not-found")
	}
	return c, err
}

// ByOrder finds the certificate of an order; false if it has none yet. Lost ones do not count.
func (s *Record) ByOrder(ctx context.Context, tx *db.Tx, id string) (Certificate, bool, error) {
	c, err := byOrder(ctx, tx, id)
	if db.None(err) || err == nil && c.State == Intended {
		return Certificate{}, false, nil
	}
	return c, err == nil, err
}

// OfCase are all certificates of a case, lost ones too, in the order in which they were meant.
func (s *Record) OfCase(ctx context.Context, tx *db.Tx, caseID string) ([]Certificate, error) {
	return ofCase(ctx, tx, caseID)
}

// OfHolder are the certificates that were issued to a person of a portal, newest first.
func (s *Record) OfHolder(ctx context.Context, tx *db.Tx, portal string, holder actor.PersonID) ([]Certificate, error) {
	return ofHolder(ctx, tx, portal, holder)
}

// KeyUsed says whether a public key (by fingerprint) was certified, or meant to be, for any order but this one, or is
// one of our own.
func (s *Record) KeyUsed(ctx context.Context, tx *db.Tx, fingerprint, butOrder string) (bool, error) {
	return keyUsed(ctx, tx, fingerprint, butOrder)
}

// RecordIdentity is the step that records how the subject of an order was shown to be who they are. Whether the
// officer is the subject, the order's room asks before. What is recorded stays; a second record is Conflict.
func (s *Record) RecordIdentity(ctx context.Context, tx *db.Tx, by actor.Actor, i Identity) error {
	if err := by.MayIn(i.Portal, actor.ProveIdentity); err != nil {
		return err
	}
	if by.Person == "" || i.Case == "" || i.Digest == "" || i.How == "" {
		return fmt.Errorf("record identity: case %q, order %q, how %q: all are needed", i.Case, i.Digest, i.How)
	}
	if utf8.RuneCountInString(i.Words) > 8000 {
		return fault.New(fault.Invalid, "decision.too-long")
	}
	added, err := insertIdentity(ctx, tx, by, i)
	if err != nil {
		return err
	}
	if !added {
		return fault.New(fault.Conflict, "ca.identity-already")
	}
	return audit.Write(ctx, tx, by, "identity.record", "case/"+i.Case, audit.With("digest", i.Digest), audit.With("how", i.How))
}

// IdentityOf is what was recorded of an order's subject; false for nothing.
func (s *Record) IdentityOf(ctx context.Context, tx *db.Tx, portal, caseID, digest string) (Identity, bool, error) {
	i, err := identityOf(ctx, tx, portal, caseID, digest)
	if db.None(err) {
		return Identity{}, false, nil
	}
	return i, err == nil, err
}

// Terms are the numbers by which the room works, for whoever publishes them.
type Terms struct {
	ListLife   time.Duration // how long a revocation list is good for
	AnswerLife time.Duration // and an answer about status
	Approvals  int           // people who approve a certificate
}

// Terms are those in force.
func (s *Record) Terms() Terms { return Terms{s.c.ListLife, s.c.AnswerLife, s.c.Approvals} }
