package certificate

import (
	"context"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Suspend has a person's certificate relied on no more for a while, at once, for one of [Reasons]: its holder does, or
// whoever answers for the body. The portal's rules say for how long and what then becomes of it; only an officer makes
// it good before.
func (s *Service) Suspend(ctx context.Context, by actor.Actor, id ID, reason int) error {
	chosen, err := reasonOf(reason)
	if err != nil {
		return err
	}
	return s.theirs(ctx, by, id, "suspend", func(tx *db.Tx, r row, c ca.Certificate) error {
		why := func(lang i18n.Lang) string { return i18n.Say(lang, chosen.Label, nil) }
		return s.suspend(ctx, tx, by, r, c, halt{right: r.right, words: why(i18n.PT), why: why, requester: requesterOf(r)})
	})
}

// SuspendByOfficer suspends anybody's certificate of the portal, with reasons; danger does not wait, and the holder is
// told at once.
func (s *Service) SuspendByOfficer(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return s.anybodys(ctx, by, id, "suspend", actor.SuspendAny, func(tx *db.Tx, p *portal.Portal, r row, c ca.Certificate) error {
		ground, words, err := groundOf(p, g)
		if err != nil {
			return err
		}
		return s.suspend(ctx, tx, by, r, c, halt{words: ground.Code + ": " + words, why: groundWords(p, ground, words), requester: byOfficer})
	})
}

// halt is a suspension with what people are told of it.
type halt struct {
	right     ca.Right
	words     string
	why       func(i18n.Lang) string
	requester string
}

func (s *Service) suspend(ctx context.Context, tx *db.Tx, by actor.Actor, r row, c ca.Certificate, h halt) error {
	until, then := s.heldUntil(r, tx.Now())
	if until.After(c.NotAfter) {
		until = c.NotAfter
	}
	err := s.c.CA.SuspendIn(ctx, tx, by, ca.Suspension{Serial: c.Serial, Until: until, Then: then, Words: h.words, Right: h.right})
	if err != nil {
		return err
	}
	return s.tellAll(ctx, tx, r, portal.CertificateSuspended, func(lang i18n.Lang) i18n.Args {
		return i18n.Args{
			"serial": shortSerial(c.Serial), "until": i18n.Date(lang, until), "then": i18n.Say(lang, "certificate.then."+string(then), nil),
			"reason": h.why(lang), "requester": i18n.Say(lang, h.requester, nil),
		}
	})
}

// heldUntil is until when a suspension that begins now lasts by the portal's rules, and what it then ends in.
func (s *Service) heldUntil(r row, now time.Time) (time.Time, ca.Ending) {
	p, ok := s.c.Portals.Portal(r.Portal)
	if !ok { // taken away: the shortest bound, and nothing ends by itself in what cannot be undone
		return now.AddDate(0, 0, 30), ca.ThenReinstate
	}
	rule := p.Rules.Suspension
	return now.Add(time.Duration(rule.Days) * 24 * time.Hour), ca.Ending(rule.Then)
}

// Reinstate makes a suspended certificate good again before its time: an officer does, in words that stay on record.
func (s *Service) Reinstate(ctx context.Context, by actor.Actor, id ID, typed string) error {
	words, problems := groundText(typed)
	return s.anybodys(ctx, by, id, "reinstate", actor.RevokeAny, func(tx *db.Tx, _ *portal.Portal, r row, c ca.Certificate) error {
		if err := fault.Fields(problems); err != nil {
			return err
		}
		if err := s.c.CA.ReinstateIn(ctx, tx, by, c.Serial, words); err != nil {
			return err
		}
		return s.tellReinstated(ctx, tx, r, c, words, byOfficer)
	})
}

func (s *Service) tellReinstated(ctx context.Context, tx *db.Tx, r row, c ca.Certificate, words, requester string) error {
	return s.tellAll(ctx, tx, r, portal.CertificateReinstated, func(lang i18n.Lang) i18n.Args {
		return i18n.Args{"serial": shortSerial(c.Serial), "reason": words, "requester": i18n.Say(lang, requester, nil)}
	})
}
