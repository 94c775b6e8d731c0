package casefile

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
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// A chore is something that time brings to cases in a state: after so long without a change, to those that had at
// least so many reminders and fewer than its own number. It then stands as that reminder, and those before it are
// never sent late.
type chore struct {
	state  State
	after  time.Duration
	least  int64
	number int64
	do     func(*Service, context.Context, *db.Tx, actor.Actor, *Case, int64) error
}

const aDay = 24 * time.Hour

// chores of a day, the latest of each state first. Reminders of an unproven address after 3 and 10 days (ecce-content
// §6.1, E01r); warning 7 days before the end of 30 (contract); warning of a standstill after 5 months (CPA 132.º ⚖).
// Nothing ends that was not warned.
var chores = []chore{
	{Draft, KeepDrafts, 1, 99, (*Service).lapse},
	{Draft, KeepDrafts - WarnBefore, 0, 1, (*Service).warnLapse},
	{Submitted, KeepDrafts, 3, 99, (*Service).lapse},
	{Submitted, KeepDrafts - WarnBefore, 0, 3, (*Service).warnLapse},
	{Submitted, 10 * aDay, 0, 2, (*Service).remindProof},
	{Submitted, 3 * aDay, 0, 1, (*Service).remindProof},
	{Waiting, 152 * aDay, 0, 1, (*Service).warnStandstill},
}

// Tidy does what time brings: reminders, warnings, and the end of drafts and unproven submissions. Each case is a
// deed of its own, so that one that fails holds up no other.
func (s *Service) Tidy(ctx context.Context, by actor.Actor) error {
	if by.Kind != actor.System {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	var failed error
	for _, one := range chores {
		var due []ID
		err := s.db.Look(ctx, func(tx *db.Tx) (err error) {
			due, err = overdue(ctx, tx, one.state, tx.Now().Add(-one.after), one.least, one.number)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range due {
			if err := s.chore(ctx, by, id, one); err != nil && !fault.Is(err, fault.Conflict) {
				failed = errors.Join(failed, fmt.Errorf("tidy case %s: %w", id, err))
			}
		}
	}
	return failed
}

func (s *Service) chore(ctx context.Context, by actor.Actor, id ID, one chore) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if by.Portal != "" && by.Portal != c.Portal.Name {
			return nil
		}
		if c.State != one.state || c.ChangedAt.After(tx.Now().Add(-one.after)) || c.reminded < one.least || c.reminded >= one.number {
			return nil // its applicant came back meanwhile, or another replica did it
		}
		in := by
		in.Portal = c.Portal.Name // the record of the portal that it is about
		return one.do(s, ctx, tx, in, c, one.number)
	})
}

// reminder counts a reminder without making the case look changed: its age goes on.
func (s *Service) reminder(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, verb string, number int64) error {
	if err := remind(ctx, tx, c, number, c.ChangedAt); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, verb, c.object())
}

func (s *Service) remindProof(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, number int64) error {
	if err := s.askProof(ctx, tx, c, portal.CaseUnproven); err != nil {
		return err
	}
	return s.reminder(ctx, tx, by, c, "case.remind", number)
}

// warnLapse warns of the end. Where the program was down when it should have, the end waits for the warning.
func (s *Service) warnLapse(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, number int64) error {
	ends := c.ChangedAt.Add(KeepDrafts)
	if least := tx.Now().Add(WarnBefore); ends.Before(least) {
		ends = least
		c.ChangedAt = ends.Add(-KeepDrafts)
	}
	if c.addressKey != "" {
		to := letter.Link{Kind: link.Draft, Subject: s.mailed(c), Expires: ends}
		if c.State == Submitted {
			to.Kind, to.Subject = link.Proof, string(c.ID)
		}
		if err := s.tell(ctx, tx, c, portal.DraftLapsing, i18n.Args{"until": i18n.Date(c.Lang, ends)}, to); err != nil {
			return err
		}
	}
	return s.reminder(ctx, tx, by, c, "case.warn", number)
}

func (s *Service) lapse(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, _ int64) error {
	if err := s.erase(ctx, tx, c); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "case.lapse", c.object(), audit.With("number", c.Number))
}

func (s *Service) warnStandstill(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, number int64) error {
	asked, err := requests(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	var items []Item
	for _, r := range asked {
		if r.Answered.IsZero() {
			items = append(items, Item{Field: r.Field, Reason: r.Reason})
		}
	}
	months := int(tx.Now().Sub(c.ChangedAt) / (30 * aDay))
	err = s.tell(ctx, tx, c, portal.CaseStandstill, i18n.Args{"months": strconv.Itoa(months), "list": c.listed(items)}, letter.Link{})
	if err != nil {
		return err
	}
	return s.reminder(ctx, tx, by, c, "case.warn", number)
}
