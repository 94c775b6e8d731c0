package ca

import (
	"context"
	"errors"
	"strconv"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// A revocation may be set for a date to come, such as the end of a term of office. That date counts as the one on which
// it was asked for (ETSI EN 319 411-1, REV-6.2.4-05A), so the 24 hours run from it; until then it may be moved or
// called off.

// schedule sets the date of a revocation, or moves the one that was set.
func (s *Record) schedule(ctx context.Context, tx *db.Tx, by actor.Actor, c Certificate, r Revocation) error {
	if c.State != Issued && c.State != Suspended {
		return fault.New(fault.Conflict, "E-REV-03")
	}
	if !r.At.Before(c.NotAfter) {
		return fault.New(fault.Invalid, "ca.after-end")
	}
	if !c.DueAt.IsZero() && !r.At.Before(c.DueAt) {
		if err := c.mayPutOff(by); err != nil {
			return err
		}
	}
	if err := setDue(ctx, tx, c.Serial, by.Person, r); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "certificate.schedule-revocation", c.object(), audit.With("at", db.Time(r.At)),
		audit.With("reason", strconv.Itoa(int(r.Reason))), audit.With("right", string(r.Right)))
}

// mayPutOff says whether the actor may move the date that is set further off, or call it off: an officer and the
// program may, and whoever set it. To bring it forward, everybody may who may revoke at once.
func (c Certificate) mayPutOff(by actor.Actor) error {
	if by.Kind == actor.Officer || by.Kind == actor.System || by.Person != "" && by.Person == c.DueBy {
		return nil
	}
	return fault.New(fault.Forbidden, "ca.not-your-date")
}

// CancelIn is the step that calls off a scheduled revocation before its date; Conflict where none is set.
func (s *Record) CancelIn(ctx context.Context, tx *db.Tx, by actor.Actor, serial Serial, right Right) error {
	c, err := s.locked(ctx, tx, serial)
	if err != nil {
		return err
	}
	if err := c.mayEnd(by, right, actor.RevokeAny); err != nil {
		return err
	}
	if c.DueAt.IsZero() || c.IsRevoked() || right == OfCode {
		return fault.New(fault.Conflict, "ca.no-date")
	}
	if err := c.mayPutOff(by); err != nil {
		return err
	}
	if err := setDue(ctx, tx, serial, "", Revocation{}); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "certificate.cancel-revocation", c.object(), audit.With("at", db.Time(c.DueAt)))
}

// DueIn are certificates of orders whose scheduled revocation, or the end of whose suspension, has come: the room of their orders
// carries it out and tells people.
func (s *Record) DueIn(ctx context.Context, tx *db.Tx) ([]Certificate, error) {
	return dueOfOrders(ctx, tx, tx.Now())
}

// lateAfter is when this room carries out itself what the room of orders did not: nobody is told then, but what was
// promised to happen happens.
const lateAfter = time.Minute

// endDue carries out what was due a while ago.
func (s *Record) endDue(ctx context.Context) error {
	for { // they are read in parts; an authority that ends has many
		done, err := s.endSomeDue(ctx)
		if err != nil || done == 0 {
			return err
		}
	}
}

func (s *Record) endSomeDue(ctx context.Context) (done int, err error) {
	var late []Certificate
	err = s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		late, err = due(ctx, tx, tx.Now().Add(-lateAfter))
		return err
	})
	errs := []error{err}
	for _, c := range late {
		err := s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.EndDueIn(ctx, tx, actor.Machine(c.Portal), c.Serial) })
		if err == nil {
			done++
		} else if !fault.Is(err, fault.Conflict) {
			errs = append(errs, err)
		}
	}
	return done, errors.Join(errs...)
}

// EndDueIn is the step that carries out what is due of a certificate by now: its scheduled revocation, else the end of
// its suspension as it was set. Conflict says that nothing is, or not any more.
func (s *Record) EndDueIn(ctx context.Context, tx *db.Tx, by actor.Actor, serial Serial) error {
	c, err := s.locked(ctx, tx, serial)
	if err != nil {
		return err
	}
	now := tx.Now()
	switch {
	case c.State != Issued && c.State != Suspended:
	case !c.DueAt.IsZero() && !c.DueAt.After(now):
		return s.RevokeIn(ctx, tx, by, Revocation{Serial: serial, Reason: c.DueReason, Words: c.DueWords})
	case c.State == Suspended && !c.HeldUntil.After(now):
		return s.endHold(ctx, tx, by, c)
	}
	return fault.New(fault.Conflict, "ca.no-date")
}
