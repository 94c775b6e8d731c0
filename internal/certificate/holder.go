package certificate

import (
	"context"
	"fmt"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// Accept records that the holder looked at the certificate and found it right.
func (s *Service) Accept(ctx context.Context, by actor.Actor, id ID) error {
	return s.own(ctx, by, id, "accept", func(tx *db.Tx, r row, c ca.Certificate) error {
		if c.IsRevoked() {
			return fault.New(fault.Conflict, "E-REV-03")
		}
		if c.State == ca.Suspended {
			return fault.New(fault.Conflict, "ca.suspended")
		}
		if err := s.finished(ctx, tx, r, Accepted); err != nil {
			return err
		}
		if err := s.supersede(ctx, tx, by, r.ID); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, r, portal.CertificateActive, func(lang i18n.Lang) i18n.Args {
			return i18n.Args{"until": i18n.Date(lang, c.NotAfter)}
		}); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "certificate.accept", r.ID.object(), audit.With("certificate", r.serial))
	})
}

// Decline records that the holder does not want it: it is revoked as superseded, since a new order takes its place.
func (s *Service) Decline(ctx context.Context, by actor.Actor, id ID) error {
	return s.own(ctx, by, id, "decline", func(tx *db.Tx, r row, c ca.Certificate) error {
		if err := s.finished(ctx, tx, r, Declined); err != nil {
			return err
		}
		if err := dropRenewal(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, r, portal.CertificateDeclined, func(i18n.Lang) i18n.Args {
			return i18n.Args{"serial": shortSerial(c.Serial)}
		}); err != nil {
			return err
		}
		return s.c.CA.RevokeIn(ctx, tx, by, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded})
	})
}

// own runs a deed of the holder upon their certificate.
func (s *Service) own(ctx context.Context, by actor.Actor, id ID, verb string, deed func(*db.Tx, row, ca.Certificate) error) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, c, err := s.issued(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := by.MayIn(r.Portal, actor.ChangeOwn); err != nil {
			return err
		}
		if by.Kind != actor.Person || by.Person != r.Holder { // others may see it, and do not own it
			return fault.New(fault.NotFound, "fault.not-found")
		}
		return deed(tx, r, c)
	})
	if err != nil {
		return fmt.Errorf("%s the certificate of order %s: %w", verb, id, err)
	}
	return nil
}

// issued finds an order that has its certificate, for those who may see it.
func (s *Service) issued(ctx context.Context, tx *db.Tx, by actor.Actor, id ID) (row, ca.Certificate, error) {
	r, err := s.visible(ctx, tx, by, func() (row, error) { return byID(ctx, tx, id) })
	if err != nil {
		return r, ca.Certificate{}, err
	}
	if r.serial == "" {
		return r, ca.Certificate{}, fault.New(fault.Conflict, "certificate.not-now")
	}
	c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
	return r, c, err
}

func (s *Service) finished(ctx context.Context, tx *db.Tx, r row, to State) error {
	moved, err := finish(ctx, tx, r.ID, to)
	if err != nil {
		return err
	}
	if !moved {
		return fault.New(fault.Conflict, "certificate.not-now")
	}
	return nil
}
