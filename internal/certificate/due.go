package certificate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// EndDue carries out what was set for a moment that has come, and tells all parties: scheduled revocations, and
// suspensions whose term is over. Each is a deed of its own.
func (s *Service) EndDue(ctx context.Context) error {
	for { // they are read in parts; an authority that ends has many
		done, err := s.endSomeDue(ctx)
		if err != nil || done == 0 {
			return err
		}
	}
}

func (s *Service) endSomeDue(ctx context.Context) (done int, err error) {
	var due []ca.Certificate
	err = s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		due, err = s.c.CA.DueIn(ctx, tx)
		return err
	})
	errs := []error{err}
	for _, c := range due {
		err := s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.endDue(ctx, tx, c) })
		switch {
		case err == nil:
			done++
		case !fault.Is(err, fault.Conflict) && !errors.Is(err, errNoOrder):
			errs = append(errs, fmt.Errorf("end certificate %s: %w", c.Serial, err))
		}
	}
	return done, errors.Join(errs...)
}

// errNoOrder says that a certificate is of no order: the room that signs ends it.
var errNoOrder = errors.New("certificate: of no order")

func (s *Service) endDue(ctx context.Context, tx *db.Tx, c ca.Certificate) error {
	r, err := bySerial(ctx, tx, string(c.Serial))
	if db.None(err) {
		return errNoOrder
	}
	if err != nil {
		return err
	}
	if err := s.c.CA.EndDueIn(ctx, tx, actor.Machine(r.Portal), c.Serial); err != nil {
		return err
	}
	now, err := s.c.CA.BySerial(ctx, tx, c.Serial)
	if err != nil {
		return err
	}
	if !now.IsRevoked() {
		return s.tellReinstated(ctx, tx, r, now, "", byTerm)
	}
	requester := byTerm
	if !c.DueAt.IsZero() && !c.DueAt.After(tx.Now()) {
		requester = byDate
	}
	why := func(lang i18n.Lang) string {
		return i18n.Say(lang, Reason{Code: int(now.Reason)}.label(), nil)
	}
	return s.tellRevoked(ctx, tx, r, now, why, requester)
}

// WarnOfHolds tells the parties, and the officers who may decide, that the end of a suspension is near; once.
func (s *Service) WarnOfHolds(ctx context.Context, by actor.Actor) error {
	if by.Kind != actor.System {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	var errs []error
	for _, p := range s.c.Portals.Portals {
		var held []ca.Certificate
		err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
			held, err = s.c.CA.HeldIn(ctx, tx, p.Name)
			return err
		})
		errs = append(errs, err)
		for _, c := range held {
			if c.HeldUntil.Sub(s.c.DB.Now()) <= time.Duration(p.Rules.Suspension.WarnDays)*24*time.Hour {
				errs = append(errs, s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.warnOfHold(ctx, tx, p, c) }))
			}
		}
	}
	return errors.Join(errs...)
}

func (s *Service) warnOfHold(ctx context.Context, tx *db.Tx, p *portal.Portal, c ca.Certificate) error {
	r, err := bySerial(ctx, tx, string(c.Serial))
	if db.None(err) {
		return nil
	}
	if err != nil {
		return err
	}
	won, err := setWarned(ctx, tx, r.ID, c.HeldUntil)
	if err != nil || !won {
		return err // it was told before
	}
	values := func(lang i18n.Lang) i18n.Args {
		return i18n.Args{"serial": shortSerial(c.Serial), "until": i18n.Date(lang, c.HeldUntil), "then": i18n.Say(lang, "certificate.then."+p.Rules.Suspension.Then, nil)}
	}
	if err := s.tellAll(ctx, tx, r, portal.CertificateHoldEnding, values); err != nil {
		return err
	}
	officers, err := s.c.Accounts.Officers(ctx, tx, r.Portal, actor.RevokeAny)
	if err != nil {
		return err
	}
	for _, o := range officers {
		to := account.Account{Name: o.Name, Address: o.Address, Lang: o.Lang}
		err := s.write(ctx, tx, r, to, letter.Letter{Event: portal.CertificateHoldEnding, Page: "tecnico/" + s.c.Page + "/" + string(r.ID)}, values)
		if err != nil {
			return err
		}
	}
	return audit.Write(ctx, tx, actor.Machine(r.Portal), "certificate.warn-of-hold", r.ID.object())
}
