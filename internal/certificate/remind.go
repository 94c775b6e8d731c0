package certificate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// reminder is one letter about the end of a certificate: sent once, as soon as no more than so many days are left, and
// never late: one that is due stands for those before it.
type reminder struct {
	number int64 // counts what was sent; the order keeps it
	left   time.Duration
	event  portal.Event
}

const aDay = 24 * time.Hour

// reminders are sent 60, 30 and 7 days before the end, and once it has passed; the latest first.
func reminders() []reminder {
	return []reminder{
		{4, 0, portal.CertificateExpired},
		{3, 7 * aDay, portal.CertificateEnding},
		{2, 30 * aDay, portal.CertificateEnding},
		{1, 60 * aDay, portal.CertificateEnding},
	}
}

// Remind tells holders that the end of their certificate is near, and that it has come; not of one that was revoked.
// Each is a deed of its own, so that one that fails holds up no other.
func (s *Service) Remind(ctx context.Context, by actor.Actor) error {
	if by.Kind != actor.System {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	var failed error
	for _, one := range reminders() {
		var due []row
		err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
			due, err = ending(ctx, tx, tx.Now().Add(one.left), one.number)
			return err
		})
		if err != nil {
			return fmt.Errorf("certificates that end: %w", err)
		}
		for _, r := range due {
			if err := s.remind(ctx, by, r, one); err != nil {
				failed = errors.Join(failed, fmt.Errorf("remind of order %s: %w", r.ID, err))
			}
		}
	}
	return failed
}

func (s *Service) remind(ctx context.Context, by actor.Actor, r row, one reminder) error {
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		won, err := setReminded(ctx, tx, r.ID, one.number)
		if err != nil || !won {
			return err // another replica did it
		}
		c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
		if err != nil || c.IsRevoked() {
			return err // its holder was told of the revocation
		}
		days := int((c.NotAfter.Sub(tx.Now()) + aDay - 1) / aDay)
		err = s.tell(ctx, tx, r, one.event, func(lang i18n.Lang) i18n.Args {
			return i18n.Args{"until": i18n.Date(lang, c.NotAfter), "days": strconv.Itoa(days), "serial": shortSerial(c.Serial)}
		})
		if err != nil {
			return err
		}
		in := by
		in.Portal = r.Portal // the record of the portal that it is about
		return audit.Write(ctx, tx, in, "order.remind", r.ID.object(), audit.With("event", string(one.event)))
	})
}
