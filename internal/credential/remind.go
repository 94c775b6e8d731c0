package credential

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// reminder is one letter about the end of a credential: sent once, as soon as no more than so many days are left, and
// never late: one that is due stands for those before it.
type reminder struct {
	number int64 // counts what was sent; the row keeps it
	left   time.Duration
	event  portal.Event
}

const aDay = 24 * time.Hour

// reminders are sent 60, 30 and 7 days before the end, and once it has passed; the latest first.
func reminders() []reminder {
	return []reminder{
		{4, 0, portal.CredentialLapsed},
		{3, 7 * aDay, portal.CredentialEnding},
		{2, 30 * aDay, portal.CredentialEnding},
		{1, 60 * aDay, portal.CredentialEnding},
	}
}

// Remind tells whoever asked for a credential that its end is near, and that it has come. Nobody is told of one whose
// body has a later one already. Each is a deed of its own, so that one that fails holds up no other.
func (s *Service) Remind(ctx context.Context, by actor.Actor) error {
	if by.Kind != actor.System {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	var failed error
	for _, one := range reminders() {
		var due []ID
		err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
			due, err = ending(ctx, tx, tx.Now().Add(one.left), one.number)
			return err
		})
		if err != nil {
			return fmt.Errorf("credentials that end: %w", err)
		}
		for _, id := range due {
			if err := s.remind(ctx, by, id, one); err != nil {
				failed = errors.Join(failed, fmt.Errorf("remind of credential %s: %w", id, err))
			}
		}
	}
	return failed
}

func (s *Service) remind(ctx context.Context, by actor.Actor, id ID, one reminder) error {
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		p, ok := s.c.Portals.Portal(r.portal)
		if !ok {
			return nil // the portal was taken away; nobody is left to speak for it
		}
		won, err := setReminded(ctx, tx, r, one.number)
		if err != nil || !won {
			return err // another replica did it, or it was revoked meanwhile
		}
		in := by
		in.Portal = r.portal // the record of the portal that it is about
		if err := s.tell(ctx, tx, p, r, one.event, r.left(tx.Now())); err != nil {
			return err
		}
		return audit.Write(ctx, tx, in, "credential.remind", r.object(), audit.With("event", string(one.event)))
	})
}

// left says how many days are left, and for which year the next one would be.
func (r *row) left(now time.Time) i18n.Args {
	values := i18n.Args{"days": strconv.Itoa(int((r.until.Sub(now) + aDay - 1) / aDay)), "next-year": ""}
	if year, err := strconv.Atoi(r.year); err == nil {
		values["next-year"] = strconv.Itoa(year + 1)
	}
	return values
}
