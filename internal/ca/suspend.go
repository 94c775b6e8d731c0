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
	"chancela/internal/issuance"
)

// LongestSuspension bounds every suspension, whatever a portal's rules say: four months, the longest that a public
// authority we know of gives.
const LongestSuspension = 120 * 24 * time.Hour

// Ending is what a suspension ends in.
type Ending string

// The endings.
const (
	ThenReinstate Ending = "reinstate"
	ThenRevoke    Ending = "revoke"
)

// Suspension asks that a certificate be relied on no more for a while.
type Suspension struct {
	Serial Serial
	Until  time.Time // when it ends by itself; never past the certificate's own end
	Then   Ending    // what it then ends in
	Words  string    // grounds
	Right  Right     // of whoever is neither holder nor officer
}

// Hold is a time in which a certificate was suspended.
type Hold struct {
	From    time.Time
	Until   time.Time // when it ends by itself
	Then    Ending
	Right   Right
	By      actor.PersonID // "" for whoever held the code
	Words   string
	EndedAt time.Time // zero while it runs
	Ended   Ending
	EndedBy actor.PersonID // "" for the program
	EndWord string         // an officer's grounds for reinstating
}

// Covers says whether the certificate was suspended at a moment.
func (h Hold) Covers(at time.Time) bool {
	return !at.Before(h.From) && (h.EndedAt.IsZero() || at.Before(h.EndedAt))
}

// MayBeSuspended says whether the certificate is of a kind that may: a natural person's. A seal or a website has no
// holder who could have mislaid a card, and whoever relies on one must be told at once that it is over; the Baseline
// Requirements forbid certificateHold besides.
func (c Certificate) MayBeSuspended() bool { return issuance.IsPersons(c.Profile) }

// SuspendIn is the step that has a certificate relied on no more for a while: its holder's own, any of the portal's by
// an officer who may, by whoever has the right. Lists and answers say certificateHold as soon as it is committed, and
// nothing any more once it ends. What is not issued, or suspended already, is Conflict.
func (s *Record) SuspendIn(ctx context.Context, tx *db.Tx, by actor.Actor, w Suspension) error {
	c, err := s.locked(ctx, tx, w.Serial)
	if err != nil {
		return err
	}
	if err := c.mayEnd(by, w.Right, actor.SuspendAny); err != nil {
		return err
	}
	switch {
	case c.IsRevoked():
		return fault.New(fault.Conflict, "E-REV-03")
	case c.State == Suspended:
		return fault.New(fault.Conflict, "ca.suspended")
	case c.State != Issued || tx.Now().After(c.NotAfter):
		return fault.New(fault.Conflict, "certificate.not-now")
	case !c.MayBeSuspended():
		return fault.New(fault.Conflict, "ca.not-suspendable")
	}
	if w.Until.After(c.NotAfter) {
		w.Until = c.NotAfter
	}
	if err := w.judge(tx.Now()); err != nil {
		return err
	}
	c.RevokedAt, c.Reason, c.RevokedBy, c.Words, c.HeldUntil = tx.Now(), issuance.CertificateHold, by.Person, w.Words, w.Until
	entry, err := entryOf(c)
	if err != nil {
		return err
	}
	c.State = Suspended
	if err := markSuspended(ctx, tx, c, entry); err != nil {
		return err
	}
	if err := insertSuspension(ctx, tx, by.Person, w); err != nil {
		return err
	}
	if err := changed(ctx, tx, c); err != nil {
		return err
	}
	tx.After(func() { s.afterRevoking(context.WithoutCancel(ctx), c) })
	return audit.Write(ctx, tx, by, "certificate.suspend", c.object(), audit.With("until", db.Time(w.Until)),
		audit.With("then", string(w.Then)), audit.With("right", string(w.Right)))
}

func (w Suspension) judge(now time.Time) error {
	if w.Then != ThenReinstate && w.Then != ThenRevoke {
		return fmt.Errorf("suspend %s: it ends in %q", w.Serial, w.Then)
	}
	if !w.Until.After(now) || w.Until.Sub(now) > LongestSuspension+time.Second {
		return fmt.Errorf("suspend %s until %s: out of bounds", w.Serial, db.Time(w.Until))
	}
	if utf8.RuneCountInString(w.Words) > mostWords {
		return fault.New(fault.Invalid, "decision.too-long")
	}
	return nil
}

// ReinstateIn is the step by which an officer, or the program at the end of the term, makes a suspended certificate
// good again. What is not suspended is Conflict: nothing leads out of revoked.
func (s *Record) ReinstateIn(ctx context.Context, tx *db.Tx, by actor.Actor, serial Serial, words string) error {
	c, err := s.locked(ctx, tx, serial)
	if err != nil {
		return err
	}
	if by.Kind != actor.Officer && by.Kind != actor.System { // a thief who holds code or password would give it back to themselves
		return fault.New(fault.NotFound, "fault.not-found")
	}
	if err := c.mayEnd(by, Own, actor.RevokeAny); err != nil {
		return err
	}
	if c.IsRevoked() {
		return fault.New(fault.Conflict, "E-REV-03")
	}
	if c.State != Suspended {
		return fault.New(fault.Conflict, "ca.not-suspended")
	}
	if utf8.RuneCountInString(words) > mostWords {
		return fault.New(fault.Invalid, "decision.too-long")
	}
	return s.reinstate(ctx, tx, by, c, words)
}

func (s *Record) reinstate(ctx context.Context, tx *db.Tx, by actor.Actor, c Certificate, words string) error {
	c.State = Issued
	if err := markReinstated(ctx, tx, c.Serial); err != nil {
		return err
	}
	if err := endSuspension(ctx, tx, c.Serial, ThenReinstate, by.Person, words); err != nil {
		return err
	}
	if err := changed(ctx, tx, c); err != nil {
		return err
	}
	tx.After(func() { s.afterRevoking(context.WithoutCancel(ctx), c) })
	return audit.Write(ctx, tx, by, "certificate.reinstate", c.object())
}

// endHold ends a suspension whose term is over, as it was set.
func (s *Record) endHold(ctx context.Context, tx *db.Tx, by actor.Actor, c Certificate) error {
	holds, err := suspensionsOf(ctx, tx, c.Serial)
	if err != nil {
		return err
	}
	if n := len(holds); n > 0 && holds[n-1].Then == ThenRevoke {
		return s.RevokeIn(ctx, tx, by, Revocation{Serial: c.Serial, Reason: issuance.Unspecified})
	}
	return s.ReinstateIn(ctx, tx, by, c.Serial, "")
}

// HoldsOf are the times in which a certificate was suspended, oldest first.
func (s *Record) HoldsOf(ctx context.Context, tx *db.Tx, serial Serial) ([]Hold, error) {
	return suspensionsOf(ctx, tx, serial)
}

// HeldIn are the suspended certificates of a portal, those first whose suspension ends first.
func (s *Record) HeldIn(ctx context.Context, tx *db.Tx, portal string) ([]Certificate, error) {
	return held(ctx, tx, portal)
}

// StandsOn is the number of the list in force on which a revoked or suspended certificate stands; 0 where the next list
// is the first to say it, or there is nothing to say.
func (s *Record) StandsOn(ctx context.Context, tx *db.Tx, c Certificate) (int64, error) {
	if c.State == Issued || c.State == Intended {
		return 0, nil
	}
	return standsOn(ctx, tx, c.Serial)
}
