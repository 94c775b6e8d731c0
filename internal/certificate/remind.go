package certificate

import (
	"context"
	"fmt"
	"strconv"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// RenewalPage is the page, below that of a certificate, from which it is renewed.
const RenewalPage = "renovar"

// Remind tells holders that the end of their certificate is near, and that it has come; not of one that was revoked.
func (s *Service) Remind(ctx context.Context, by actor.Actor) error {
	if by.Kind != actor.System {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return letter.Remind(ctx, s.c.DB, letter.Reminders(portal.CertificateEnding, portal.CertificateExpired), ending, func(r row, one letter.Reminder) error {
		if err := s.remind(ctx, by, r, one); err != nil {
			return fmt.Errorf("remind of order %s: %w", r.ID, err)
		}
		return nil
	})
}

func (s *Service) remind(ctx context.Context, by actor.Actor, r row, one letter.Reminder) error {
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		won, err := setReminded(ctx, tx, r.ID, one.Number)
		if err != nil || !won {
			return err // another replica did it
		}
		c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
		if err != nil || c.IsRevoked() {
			return err // its holder was told of the revocation
		}
		page := s.c.Page + "/" + string(r.ID)
		if s.renewalRule(r) != nil && one.Event == portal.CertificateEnding {
			page += "/" + RenewalPage
		}
		err = s.tellOf(ctx, tx, r, page, one.Event, func(lang i18n.Lang) i18n.Args {
			return i18n.Args{"until": i18n.Date(lang, c.NotAfter), "days": strconv.Itoa(letter.DaysLeft(tx.Now(), c.NotAfter)), "serial": shortSerial(c.Serial)}
		})
		if err != nil {
			return err
		}
		in := by
		in.Portal = r.Portal // the record of the portal that it is about
		return audit.Write(ctx, tx, in, "order.remind", r.ID.object(), audit.With("event", string(one.Event)))
	})
}
