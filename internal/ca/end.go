package ca

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// AuthorityEnd is the end of an authority, as people decided it.
type AuthorityEnd struct {
	Authority string // its name
	// Revokes says that what is still in force is revoked, for the reason; without it nothing may be in force.
	Revokes bool
	Reason  issuance.Reason
	Words   string // who decided it, before whom; they stay on record
}

// ended is an ending on record.
type ended struct {
	AuthorityEnd
	shut time.Time // since when its key signs nothing any more; zero while it certifies its responders
}

// End ends an authority for good: it issues no more, and once nothing of it can be relied on its last lists are
// published, which no other follows (nextUpdate 99991231235959Z; EN 319 411-1 §6.3.9, EN 319 411-2 §6.3.10). OCSP goes on
// answering, and its key certifies nothing but its responders until [CA.Shut].
//
// It is refused (Conflict) while a certificate of the authority could still be relied on, unless the ending revokes those.
// Then each that a case stands behind is due now, and goes the way of every scheduled revocation: whoever runs the orders
// tells its parties. Left is how many are still to be revoked. All of it is on record before anything follows from it:
// asked again, or by [CA.Work] alone, it goes on where it was.
func (s *CA) End(ctx context.Context, by actor.Actor, e AuthorityEnd) (left int64, err error) {
	if err := s.mayEndAuthority(by, e); err != nil {
		return 0, err
	}
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		live, err := liveOf(ctx, tx, e.Authority)
		if err != nil {
			return err
		}
		already, err := isEnded(ctx, tx, e.Authority)
		if err != nil || already {
			return err
		}
		if live > 0 && !e.Revokes {
			return fault.New(fault.Conflict, "ca.still-live")
		}
		if _, err := insertEnd(ctx, tx, e); err != nil {
			return err
		}
		if err := countChanges(ctx, tx, e.Authority); err != nil { // every list of it is made once more
			return err
		}
		return audit.Write(ctx, tx, by, "authority.end", "authority/"+e.Authority)
	})
	if err == nil {
		s.c.Crash(pointEnded)
		err = errors.Join(s.Load(ctx), s.carryOut(ctx), s.endDue(ctx), s.refreshLists(ctx))
	}
	if err == nil {
		err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
			left, err = liveOf(ctx, tx, e.Authority)
			return err
		})
	}
	if err != nil {
		return left, fmt.Errorf("end authority %s: %w", e.Authority, err)
	}
	return left, nil
}

func (s *CA) mayEndAuthority(by actor.Actor, e AuthorityEnd) error {
	if err := mayRun(by, ""); err != nil {
		return err
	}
	from, known := s.known(e.Authority)
	if !known {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	if from.offline { // its last list comes from the ceremony that ends it ([CA.TakeList])
		return fault.New(fault.Unavailable, "ca.offline")
	}
	if e.Words == "" || utf8.RuneCountInString(e.Words) > mostWords {
		return fault.New(fault.Invalid, "decision.too-long")
	}
	if e.Revokes && (e.Reason == issuance.PrivilegeWithdrawn || !reasonAllowed(e.Reason, by.Kind)) {
		return fault.New(fault.Invalid, "E-LST-01")
	}
	return nil
}

// carryOut revokes what is in force of authorities that were ended with what they had issued: holders' certificates are
// set for now, each of which is a deed of its own; our own are revoked here. Found again by each turn of [CA.Work], so
// that neither a crash nor one that was being issued at that moment is left out.
func (s *CA) carryOut(ctx context.Context) error {
	var errs []error
	for _, e := range s.endings() {
		if e.Revokes && e.shut.IsZero() {
			errs = append(errs, s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.revokeLive(ctx, tx, e) }))
		}
	}
	return errors.Join(errs...)
}

func (s *CA) revokeLive(ctx context.Context, tx *db.Tx, e ended) error {
	if err := setLiveDue(ctx, tx, e.Authority, int64(e.Reason), e.Words); err != nil {
		return err
	}
	own, err := liveOwn(ctx, tx, e.Authority)
	if err != nil {
		return err
	}
	for _, c := range own {
		if err := s.RevokeIn(ctx, tx, actor.Machine(c.Portal), Revocation{Serial: c.Serial, Reason: e.Reason, Words: e.Words}); err != nil {
			return err
		}
	}
	return nil
}

// endings are those that were read with the hierarchy.
func (s *Record) endings() []ended {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []ended
	for _, one := range s.issuers {
		if one.ended != nil {
			all = append(all, *one.ended)
		}
	}
	return all
}

// LastList is the last list of an ended authority, of its own name; Conflict where it is still to come.
func (s *Record) LastList(ctx context.Context, authority string) (l List, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		last, lacks, err := hasLast(ctx, tx, authority)
		if err != nil {
			return err
		}
		if !last || lacks {
			return fault.New(fault.Conflict, "ca.no-last-list")
		}
		l, err = listInForce(ctx, tx, authority)
		return err
	})
	if err != nil {
		return l, fmt.Errorf("last list of %s: %w", authority, err)
	}
	return l, nil
}

// Shut destroys the key of an ended authority whose last lists are published: it is refused (Conflict) before. OCSP goes
// on as long as its present responder lasts, and the lists for good. Asked again it destroys what is left.
//
// A running server of the same instance lets go of the key by its next turn.
func (s *CA) Shut(ctx context.Context, by actor.Actor, authority string) error {
	if err := mayRun(by, ""); err != nil {
		return err
	}
	from, known := s.known(authority)
	if !known || from.offline {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		last, lacks, err := hasLast(ctx, tx, authority)
		if err != nil {
			return err
		}
		if !last || lacks {
			return fault.New(fault.Conflict, "ca.no-last-list")
		}
		won, err := setShut(ctx, tx, authority)
		if err != nil || !won {
			return err
		}
		return audit.Write(ctx, tx, by, "key.shut", "key/"+authority)
	})
	if err != nil {
		return fmt.Errorf("shut authority %s: %w", authority, err)
	}
	s.c.Crash(pointShut)
	s.forget(authority)
	destroyed, err := s.c.Keys.Destroy(ctx, from.key)
	if err == nil && destroyed {
		err = s.c.DB.InTx(ctx, func(tx *db.Tx) error { return audit.Write(ctx, tx, by, "key.destroy", "key/"+authority) })
	}
	if err != nil {
		return fmt.Errorf("destroy the key of %s: %w", authority, err)
	}
	return s.Load(ctx)
}

// forget lets go of an opened key.
func (s *CA) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.signers, name)
}

// forgetShut lets go of the keys that another process destroyed.
func (s *CA) forgetShut() {
	for _, e := range s.endings() {
		if !e.shut.IsZero() {
			s.forget(e.Authority)
		}
	}
}
