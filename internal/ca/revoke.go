package ca

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// reasonAllowed says whether a reason may be given, some by an officer alone. Others of RFC 5280 §5.3.1 are not used: hold
// is for suspension, and an authority's compromise is no holder's.
func reasonAllowed(r issuance.Reason, officer bool) bool {
	if r == issuance.PrivilegeWithdrawn {
		return officer
	}
	return slices.Contains([]issuance.Reason{
		issuance.Unspecified, issuance.KeyCompromise, issuance.AffiliationChanged, issuance.Superseded, issuance.CessationOfOperation,
	}, r)
}

// Revoke ends a certificate for good: its holder's own, any of the portal's by an officer who may, any by the program.
//
// Once it returns, every answer says revoked, and the list does too unless signing failed; then the list follows as
// soon as it can. A certificate that is revoked already is Conflict (E-REV-03). With a time to come it is scheduled.
func (s *Record) Revoke(ctx context.Context, by actor.Actor, r Revocation) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.RevokeIn(ctx, tx, by, r) })
	if err != nil {
		return fmt.Errorf("revoke %s: %w", r.Serial, err)
	}
	return nil
}

// RevokeIn is the step of [CA.Revoke], for deeds that change more with it.
func (s *Record) RevokeIn(ctx context.Context, tx *db.Tx, by actor.Actor, r Revocation) error {
	c, err := s.BySerial(ctx, tx, r.Serial)
	if err != nil {
		return err
	}
	if err := c.mayRevoke(by); err != nil {
		return err
	}
	if !reasonAllowed(r.Reason, by.Kind == actor.Officer) {
		return fault.New(fault.Invalid, "E-LST-01")
	}
	if utf8.RuneCountInString(r.Words) > 8000 {
		return fault.New(fault.Invalid, "decision.too-long")
	}
	if r.At.After(tx.Now()) {
		return s.schedule(ctx, tx, by, c, r)
	}
	c.RevokedAt, c.Reason, c.RevokedBy, c.Words = tx.Now(), r.Reason, by.Person, r.Words
	entry, err := entryOf(c)
	if err != nil {
		return err
	}
	won, err := markRevoked(ctx, tx, c, Issued, Revoked, entry)
	if err != nil {
		return err
	}
	if !won {
		return fault.New(fault.Conflict, "E-REV-03")
	}
	if err := changed(ctx, tx, c.Issuer); err != nil {
		return err
	}
	tx.After(func() { s.afterRevoking(context.WithoutCancel(ctx), c) })
	return audit.Write(ctx, tx, by, "certificate.revoke", c.object(), audit.With("reason", strconv.Itoa(int(r.Reason))))
}

// mayRevoke says whether the actor may end the certificate. To everybody else it does not exist.
func (c Certificate) mayRevoke(by actor.Actor) error {
	switch by.Kind {
	case actor.System:
		return mayRun(by, c.Portal)
	case actor.Officer:
		return by.MayIn(c.Portal, actor.RevokeAny)
	}
	if err := by.MayIn(c.Portal, actor.ChangeOwn); err != nil {
		return err
	}
	if by.Kind != actor.Person || by.Person == "" || by.Person != c.Holder {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	return nil
}

func (s *Record) schedule(ctx context.Context, tx *db.Tx, by actor.Actor, c Certificate, r Revocation) error {
	won, err := schedule(ctx, tx, c.Serial, r)
	if err != nil {
		return err
	}
	if !won {
		return fault.New(fault.Conflict, "E-REV-03")
	}
	return audit.Write(ctx, tx, by, "certificate.schedule-revocation", c.object(), audit.With("at", db.Time(r.At)),
		audit.With("reason", strconv.Itoa(int(r.Reason))))
}

// afterRevoking runs once the revocation is committed, before its deed returns.
func (s *Record) afterRevoking(ctx context.Context, c Certificate) {
	s.c.Crash(pointRevoked)
	if _, known := s.known(c.Issuer); !known { // a root that was lost before there was one
		return
	}
	if err := s.announce(ctx, c.Issuer); err != nil {
		// The revocation stands; the loop makes the list as soon as it can.
		s.c.Log.ErrorContext(ctx, "ca: no list after a revocation", "issuer", c.Issuer, "error", err)
	}
}

// revokeDue carries out the revocations that were scheduled for now.
func (s *CA) revokeDue(ctx context.Context) error {
	var waiting []Certificate
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		waiting, err = due(ctx, tx)
		return err
	})
	for _, c := range waiting {
		if err := s.Revoke(ctx, actor.Machine(c.Portal), Revocation{Serial: c.Serial, Reason: c.DueReason, Words: c.Words}); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return err
}
