package credential

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// Remind tells whoever asked for a credential that its end is near, and that it has come. Nobody is told of one whose
// body has a later one already.
func (s *Service) Remind(ctx context.Context, by actor.Actor) error {
	if by.Kind != actor.System {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return letter.Remind(ctx, s.c.DB, letter.Reminders(portal.CredentialEnding, portal.CredentialLapsed), ending, func(id ID, one letter.Reminder) error {
		if err := s.remind(ctx, by, id, one); err != nil {
			return fmt.Errorf("remind of credential %s: %w", id, err)
		}
		return nil
	})
}

func (s *Service) remind(ctx context.Context, by actor.Actor, id ID, one letter.Reminder) error {
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		p, ok := s.c.Portals.Portal(r.portal)
		if !ok {
			return nil // the portal was taken away; nobody is left to speak for it
		}
		won, err := setReminded(ctx, tx, r, one.Number)
		if err != nil || !won {
			return err // another replica did it, or it was revoked meanwhile
		}
		in := by
		in.Portal = r.portal // the record of the portal that it is about
		if err := s.tell(ctx, tx, p, r, one.Event, r.left(tx.Now())); err != nil {
			return err
		}
		return audit.Write(ctx, tx, in, "credential.remind", r.object(), audit.With("event", string(one.Event)))
	})
}

// left says how many days are left, and for which year the next one would be.
func (r *row) left(now time.Time) i18n.Args {
	values := i18n.Args{"days": strconv.Itoa(letter.DaysLeft(now, r.until)), "next-year": ""}
	if year, err := strconv.Atoi(r.year); err == nil {
		values["next-year"] = strconv.Itoa(year + 1)
	}
	return values
}
