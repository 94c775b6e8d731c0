package casefile

import (
	"context"
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

// A chore is something that time brings to cases in a state: after so long without a change, if it had fewer
// reminders than that.
type chore struct {
	state     State
	after     time.Duration
	reminders int
	do        func(*Service, context.Context, *db.Tx, actor.Actor, *Case) error
}

const aDay = 24 * time.Hour

// chores of a day. Reminders of an unproven address after 3 and 10 days (ecce-content §6.1, E01r); warning 7 days
// before the end of 30 (contract); warning of a standstill after 5 months (CPA 132.º ⚖).
var chores = []chore{
	{Draft, KeepDrafts - WarnBefore, 1, (*Service).warnLapse},
	{Draft, KeepDrafts, 99, (*Service).lapse},
	{Submitted, 3 * aDay, 1, (*Service).remindProof},
	{Submitted, 10 * aDay, 2, (*Service).remindProof},
	{Submitted, KeepDrafts - WarnBefore, 3, (*Service).warnLapse},
	{Submitted, KeepDrafts, 99, (*Service).lapse},
	{Waiting, 152 * aDay, 1, (*Service).warnStandstill},
}

// Tidy does what time brings: reminders, warnings, and the end of drafts and unproven submissions. Each case is a
// deed of its own, so that one that fails holds up no other.
func (s *Service) Tidy(ctx context.Context, by actor.Actor) error {
	if by.Kind != actor.System {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	for _, one := range chores {
		var due []ID
		err := s.db.Look(ctx, func(tx *db.Tx) (err error) {
			due, err = overdue(ctx, tx, one.state, tx.Now().Add(-one.after), one.reminders)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range due {
			if err := s.chore(ctx, by, id, one); err != nil && !fault.Is(err, fault.Conflict) {
				return err
			}
		}
	}
	return nil
}

func (s *Service) chore(ctx context.Context, by actor.Actor, id ID, one chore) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.State != one.state || c.ChangedAt.After(tx.Now().Add(-one.after)) {
			return nil // its applicant came back meanwhile
		}
		return one.do(s, ctx, tx, by, c)
	})
}

// reminder counts a reminder without making the case look changed: its age goes on.
func (s *Service) reminder(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, verb string) error {
	if err := remind(ctx, tx, c); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, verb, c.object())
}

func (s *Service) remindProof(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	if err := s.askProof(ctx, tx, c, portal.CaseUnproven); err != nil {
		return err
	}
	return s.reminder(ctx, tx, by, c, "case.remind")
}

func (s *Service) warnLapse(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	ends := c.ChangedAt.Add(KeepDrafts)
	if c.addressKey != "" {
		kind := link.Draft
		if c.State == Submitted {
			kind = link.Proof
		}
		err := s.tell(ctx, tx, c, portal.DraftLapsing, i18n.Args{"until": i18n.Date(c.Lang, ends)}, letter.Link{Kind: kind, Subject: string(c.ID), Expires: ends})
		if err != nil {
			return err
		}
	}
	return s.reminder(ctx, tx, by, c, "case.warn")
}

func (s *Service) lapse(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	if err := s.erase(ctx, tx, c); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "case.lapse", c.object(), audit.With("number", c.Number))
}

func (s *Service) warnStandstill(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
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
	return s.reminder(ctx, tx, by, c, "case.warn")
}
