package certificate

import (
	"context"
	"slices"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// Hanging lists the certificates that hang on powers or on a body, and the orders of some that are under way. What
// becomes of them the portal's definition of the power says; when the body ends, none is left.
func (s *Service) Hanging(ctx context.Context, tx *db.Tx, of account.Scope) ([]account.Thing, error) {
	if of.Body && of.NIPC == "" || !of.Body && of.Person == "" {
		return nil, nil
	}
	rows, err := hanging(ctx, tx, of.Portal.Name, of.NIPC, of.Person)
	if err != nil {
		return nil, err
	}
	var things []account.Thing
	for _, r := range rows {
		if !of.Body && !slices.Contains(of.Powers, r.power) {
			continue
		}
		thing := account.Thing{ID: string(r.ID), Label: r.Product, Detail: r.Number, Effect: account.Ends}
		if defined, _ := of.Portal.Power(r.power); !of.Body && defined.Follows != portal.FollowsRevoke {
			thing.Effect = account.Stays
		}
		if r.serial != "" {
			c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
			if err != nil {
				return nil, err
			}
			if c.IsRevoked() || tx.Now().After(c.NotAfter) {
				continue
			}
			thing.Detail = c.Serial.String()
		}
		if thing.Holder, err = s.c.Accounts.PersonName(ctx, tx, r.Holder); err != nil {
			return nil, err
		}
		things = append(things, thing)
	}
	return things, nil
}

// End revokes a certificate for the ground of an ending, or stops its order before it is issued. What ended already is
// no error; Conflict says that it is being issued at this moment.
func (s *Service) End(ctx context.Context, tx *db.Tx, p *portal.Portal, id string, ground portal.Reason) error {
	r, err := byID(ctx, tx, ID(id))
	if err != nil {
		return err
	}
	by := actor.Machine(p.Name)
	if r.serial == "" {
		made, err := s.madeOf(ctx, tx, r)
		if err != nil {
			return err
		}
		if made == "" {
			return s.stop(ctx, tx, by, r, ground)
		}
		r.serial = made // signed, and its order does not know yet
	}
	c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
	if err != nil {
		return err
	}
	if c.IsRevoked() || tx.Now().After(c.NotAfter) {
		return nil
	}
	if err := s.c.CA.RevokeIn(ctx, tx, by, ca.Revocation{Serial: c.Serial, Reason: issuance.Reason(ground.CRL), Words: ground.Code}); err != nil {
		return err
	}
	return s.tellRevoked(ctx, tx, r, c, func(lang i18n.Lang) string { return ground.Text.In(lang) }, "certificate.by.ending")
}

// madeOf is the serial number of an order's certificate of which the order does not know; "" for none. What is being
// signed is Conflict.
func (s *Service) madeOf(ctx context.Context, tx *db.Tx, r row) (string, error) {
	all, err := s.c.CA.OfCase(ctx, tx, r.Case)
	if err != nil {
		return "", err
	}
	serial := ""
	for _, c := range all {
		switch {
		case c.Order != r.ID.object() || c.State == ca.Lost:
		case c.State == ca.Intended:
			return "", fault.New(fault.Conflict, "ca.under-way")
		default:
			serial = string(c.Serial)
		}
	}
	return serial, nil
}

// stop ends an order that is not issued: its approvals are voided, so that the room that signs refuses it from now on,
// whoever holds it in hand. Voiding waits for an intent that is being written, so it is looked for again behind it.
func (s *Service) stop(ctx context.Context, tx *db.Tx, by actor.Actor, r row, ground portal.Reason) error {
	if r.State == Stopped {
		return nil
	}
	if err := decision.Void(ctx, tx, by, r.Case, ground.Code+": "+ground.Text.PT); err != nil {
		return err
	}
	made, err := s.madeOf(ctx, tx, r)
	if err != nil {
		return err
	}
	if made != "" {
		return fault.New(fault.Conflict, "ca.under-way") // signed a moment ago: the next round revokes it
	}
	stopped, err := stopOrder(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	if !stopped {
		return fault.New(fault.Conflict, "certificate.not-now")
	}
	if err := dropRenewal(ctx, tx, r.ID); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "order.stop", r.ID.object(), audit.With("reason", ground.Code))
}

// entitled says whether the right behind an order still stands when it is to be issued: the attributes in a certificate
// are right at that moment, not at the approval (ETSI EN 319 411-1, REG-6.3.1-00B). Of what is signed already nothing is
// asked any more: it is to be recorded.
func (s *Service) entitled(ctx context.Context, r row) error {
	return s.c.DB.Look(ctx, func(tx *db.Tx) error {
		made, err := s.madeOf(ctx, tx, r)
		if err != nil || made != "" || r.power == "" {
			return err
		}
		known, err := s.c.Accounts.Known(ctx, tx, r.Portal, r.Holder, r.Account)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		runs := func(p account.Power) bool { return p.Key == r.power && p.BodyNIPC == r.BodyNIPC && p.Runs(tx.Now()) }
		if !slices.ContainsFunc(known.Powers, runs) {
			return fault.New(fault.Forbidden, "certificate.no-power")
		}
		return nil
	})
}
