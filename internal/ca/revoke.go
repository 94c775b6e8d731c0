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

// reasonAllowed says whether a reason may be given, some not by those whom it is about. Others of RFC 5280 §5.3.1 are not
// used: hold is for suspension, and an authority's compromise is no holder's.
func reasonAllowed(r issuance.Reason, by actor.Kind) bool {
	if r == issuance.PrivilegeWithdrawn {
		return by == actor.Officer || by == actor.System
	}
	return slices.Contains([]issuance.Reason{
		issuance.Unspecified, issuance.KeyCompromise, issuance.AffiliationChanged, issuance.Superseded, issuance.CessationOfOperation,
	}, r)
}

// Right is by what somebody acts upon a certificate who is neither its holder nor an officer. The room above has shown
// that they have it; this one keeps to whom it may belong, and writes it down.
type Right string

// The rights.
const (
	Own    Right = ""     // none beside what the actor is
	OfBody Right = "body" // a person who answers for the subject's body
	OfCode Right = "code" // whoever holds the certificate's revocation code, without signing in
)

// mostWords bounds the grounds that are kept with a deed.
const mostWords = 8000

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
//
// A suspended certificate is revoked as of its suspension: it could not be relied on since, and the date on lists never
// goes forward (ITU-T X.509, reason code: a hold that becomes a revocation keeps the date of the hold).
func (s *Record) RevokeIn(ctx context.Context, tx *db.Tx, by actor.Actor, r Revocation) error {
	c, err := s.locked(ctx, tx, r.Serial)
	if err != nil {
		return err
	}
	if err := c.mayEnd(by, r.Right, actor.RevokeAny); err != nil {
		return err
	}
	if !reasonAllowed(r.Reason, by.Kind) {
		return fault.New(fault.Invalid, "E-LST-01")
	}
	if utf8.RuneCountInString(r.Words) > mostWords {
		return fault.New(fault.Invalid, "decision.too-long")
	}
	if r.At.After(tx.Now()) {
		return s.schedule(ctx, tx, by, c, r)
	}
	from, at := c.State, tx.Now()
	if from == Suspended {
		at = c.RevokedAt
	}
	c.RevokedAt, c.Reason, c.RevokedBy, c.Words = at, r.Reason, by.Person, r.Words
	entry, err := entryOf(c)
	if err != nil {
		return err
	}
	won := false
	if from == Issued || from == Suspended {
		won, err = markRevoked(ctx, tx, c, from, Revoked, entry)
	}
	if err != nil {
		return err
	}
	if !won {
		return fault.New(fault.Conflict, "E-REV-03")
	}
	if from == Suspended {
		if err := endSuspension(ctx, tx, c.Serial, ThenRevoke, by.Person, ""); err != nil {
			return err
		}
	}
	c.State = Revoked
	if err := changed(ctx, tx, c); err != nil {
		return err
	}
	tx.After(func() { s.afterRevoking(context.WithoutCancel(ctx), c) })
	return audit.Write(ctx, tx, by, "certificate.revoke", c.object(), audit.With("reason", strconv.Itoa(int(r.Reason))), audit.With("right", string(r.Right)))
}

// locked finds a certificate and lets nobody else change it until the deed is committed: of two moves at once the
// second sees what the first made of it.
func (s *Record) locked(ctx context.Context, tx *db.Tx, serial Serial) (Certificate, error) {
	if err := lock(ctx, tx, serial); err != nil {
		return Certificate{}, err
	}
	return s.BySerial(ctx, tx, serial)
}

// mayEnd says whether the actor may end the certificate, or suspend it: officers by their permission, its holder, and
// who has the right. To everybody else it does not exist; and our own have no holder, so no right reaches them.
func (c Certificate) mayEnd(by actor.Actor, right Right, anybodys actor.Permission) error {
	switch by.Kind {
	case actor.System:
		return mayRun(by, c.Portal)
	case actor.Officer:
		return by.MayIn(c.Portal, anybodys)
	case actor.Program:
		if err := by.MayIn(c.Portal, actor.UseMandate); err != nil {
			return err
		}
		if by.Case == "" || by.Case != c.Case || c.Mandate == "" { // a token opens the one case that gave it
			return fault.New(fault.NotFound, "fault.not-found")
		}
		return nil
	}
	if err := by.MayIn(c.Portal, actor.ChangeOwn); err != nil {
		return err
	}
	person := by.Kind == actor.Person && by.Person != ""
	if c.Holder != "" && (right == OfCode || person && (right == OfBody || by.Person == c.Holder)) {
		return nil
	}
	return fault.New(fault.NotFound, "fault.not-found")
}

// afterRevoking runs once a change of what lists must say is committed, before its deed returns.
func (s *Record) afterRevoking(ctx context.Context, c Certificate) {
	s.c.Crash(pointRevoked)
	if err := s.turned(ctx, c); err != nil {
		s.c.Log.ErrorContext(ctx, "ca: the register was not read after a revocation", "issuer", c.Issuer, "error", err)
	}
	from, known := s.known(c.Issuer)
	if !known { // a root that was lost before there was one
		return
	}
	if from.offline { // OCSP says it at once; the list can only be made where the key is
		s.c.Log.WarnContext(ctx, "ca: the list of an offline authority must be made anew, in a ceremony", "issuer", c.Issuer)
		return
	}
	if err := s.announce(ctx, c.Issuer); err != nil {
		// The revocation stands; the loop makes the list as soon as it can.
		s.c.Log.ErrorContext(ctx, "ca: no list after a revocation", "issuer", c.Issuer, "error", err)
	}
}
