package casefile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Follow begins a case from an earlier one of one's own that was approved: the same procedure as it is now, filled
// with what was answered then. Nothing of it counts before it is filed and decided anew.
//
// Asked again while such a case is under way, by a second press, another tab or after an answer that was lost, it gives
// the same case. What is the person's to send afresh is not taken over: documents, key requests, what was accepted.
func (s *Service) Follow(ctx context.Context, by actor.Actor, earlier ID, lang i18n.Lang) (id ID, err error) {
	const tries = 3 // of those who begin at once, all but one find afterwards what that one began
	for range tries {
		if id, err = s.followOnce(ctx, by, earlier, lang); !db.Taken(err) {
			break
		}
	}
	if err != nil {
		return "", fmt.Errorf("follow case %s: %w", earlier, err)
	}
	return id, nil
}

func (s *Service) followOnce(ctx context.Context, by actor.Actor, earlier ID, lang i18n.Lang) (id ID, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		before, err := s.find(ctx, tx, earlier)
		if err != nil {
			return err
		}
		if err := before.mine(by); err != nil {
			return err
		}
		if by.Kind != actor.Person || before.State != Approved {
			return fault.New(fault.Conflict, "case.not-now")
		}
		var found bool
		if id, found, err = openFollower(ctx, tx, earlier); err != nil || found {
			return err
		}
		c, err := s.following(ctx, tx, by, before, lang)
		if err != nil {
			return err
		}
		id = c.ID
		if err := s.insert(ctx, tx, c); err != nil {
			return err
		}
		if err := s.counters.Take(ctx, tx, beginsFromHere, c.Portal.Name+"|"+by.Address); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.begin", c.object(), audit.With("follows", string(earlier)))
	})
	return id, err
}

// following is the draft that follows a case: what is known of the person now stands in the locked fields, what they
// answered before in the others.
func (s *Service) following(ctx context.Context, tx *db.Tx, by actor.Actor, before *Case, lang i18n.Lang) (*Case, error) {
	_, proc, err := s.asked(by, before.Procedure.Key)
	if err != nil {
		return nil, err
	}
	c := &Case{
		ID: ID(db.NewID()), Portal: before.Portal, Procedure: proc, State: Draft, Lang: lang, CreatedAt: tx.Now(), ChangedAt: tx.Now(),
		Answers: portal.Answers{}, Follows: before.ID,
	}
	known, err := s.accounts.Known(ctx, tx, by.Portal, by.Person, by.Account)
	if err != nil {
		return nil, err
	}
	bodies := known.BodiesFor(c.Portal, proc.Key, tx.Now())
	body := before.BodyNIPC
	if !slices.ContainsFunc(bodies, func(one account.Power) bool { return one.BodyNIPC == body }) {
		body = "" // they left it: the one body that they act for now, if it is one
	}
	if err := s.byPerson(ctx, tx, by, c, body); err != nil {
		return nil, err
	}
	c.takeOver(before)
	if proc.For == portal.ForPerson {
		c.relock(known)
	}
	return c, nil
}

// takeOver copies the answers of an earlier case to the questions that are still asked.
func (c *Case) takeOver(before *Case) {
	for key, values := range before.Answers {
		name, _, _ := strings.Cut(key, ".")
		f, ok := c.Procedure.Field(name)
		if !ok || !c.Procedure.Known(key) || f.IsFile() || f.Kind == field.CSR || f.Terms != "" {
			continue
		}
		if before.BodyNIPC != c.BodyNIPC && slices.Contains(ofBody(), f.Role) {
			continue // of another body nothing is taken over that it says of itself
		}
		c.Answers[key] = slices.Clone(values)
	}
}

// ofBody are the roles of answers that belong to the body, and not to the person, of a case.
func ofBody() []portal.Role {
	return []portal.Role{portal.BodyPick, portal.BodyNumber, portal.BodyName, portal.BodyKind, portal.Position, portal.Unit, portal.Locality, portal.Until, portal.Since}
}
