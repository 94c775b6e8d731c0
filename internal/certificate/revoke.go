package certificate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// Revoke ends a certificate for good, for one of [Reasons]: its holder does, or whoever answers for the body. It takes
// effect at once; or when the given day begins, if that is to come, and until then may be moved by asking again.
func (s *Service) Revoke(ctx context.Context, by actor.Actor, id ID, reason int, on time.Time) error {
	chosen, err := reasonOf(reason)
	if err != nil {
		return err
	}
	return s.theirs(ctx, by, id, "revoke", func(tx *db.Tx, r row, c ca.Certificate) error {
		return s.revoke(ctx, tx, by, r, c, revocation{
			Revocation: ca.Revocation{Serial: c.Serial, Reason: issuance.Reason(reason), At: on, Right: r.right},
			why:        func(lang i18n.Lang) string { return i18n.Say(lang, chosen.Label, nil) }, requester: requesterOf(r),
		})
	})
}

func reasonOf(code int) (Reason, error) {
	chosen := slices.IndexFunc(Reasons(), func(r Reason) bool { return r.Code == code })
	if chosen < 0 {
		return Reason{}, fault.Fields([]fault.Field{{Name: "reason", Key: "E-LST-01"}})
	}
	return Reasons()[chosen], nil
}

// Who asked for something, as mails say it.
const (
	byHolder  = "certificate.by.holder"
	byBody    = "certificate.by.body"
	byCode    = "certificate.by.code"
	byOfficer = "certificate.by.officer"
	byDate    = "certificate.by.date"
	byTerm    = "certificate.by.term"
)

func requesterOf(r row) string {
	if r.right == ca.OfBody {
		return byBody
	}
	return byHolder
}

// revocation is one with what people are told of it.
type revocation struct {
	ca.Revocation
	why       func(i18n.Lang) string
	requester string
}

// revoke does it, now or on its day, and tells all parties which.
func (s *Service) revoke(ctx context.Context, tx *db.Tx, by actor.Actor, r row, c ca.Certificate, e revocation) error {
	later := e.At.After(tx.Now())
	if later && !e.At.Before(c.NotAfter) {
		return fault.Fields([]fault.Field{{Name: "on", Key: "ca.after-end"}})
	}
	if err := s.c.CA.RevokeIn(ctx, tx, by, e.Revocation); err != nil {
		return err
	}
	if !later {
		return s.tellRevoked(ctx, tx, r, c, e.why, e.requester)
	}
	return s.tellAll(ctx, tx, r, portal.CertificateScheduled, func(lang i18n.Lang) i18n.Args {
		return i18n.Args{"serial": shortSerial(c.Serial), "until": i18n.Date(lang, e.At), "reason": e.why(lang), "requester": i18n.Say(lang, e.requester, nil)}
	})
}

// The bounds of an officer's grounds: a code alone is never enough (CPA, articles 152 and 153).
const leastGround, mostGround = 30, 4000

// RevokeByOfficer ends anybody's certificate of the portal for good, with reasons. Danger does not wait: the holder is
// told at once, and heard afterwards (CPA, article 124(1)(a)). With a day to come it takes effect when that day begins.
func (s *Service) RevokeByOfficer(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return s.anybodys(ctx, by, id, "revoke", actor.RevokeAny, func(tx *db.Tx, p *portal.Portal, r row, c ca.Certificate) error {
		ground, words, err := groundOf(p, g)
		if err != nil {
			return err
		}
		return s.revoke(ctx, tx, by, r, c, revocation{
			Revocation: ca.Revocation{Serial: c.Serial, Reason: issuance.Reason(ground.CRL), Words: ground.Code + ": " + words, At: g.On},
			why:        groundWords(p, ground, words), requester: byOfficer,
		})
	})
}

// groundWords are the grounds with the remedies, as the notice of an act must have them (CPA, article 114).
func groundWords(p *portal.Portal, ground portal.Reason, words string) func(i18n.Lang) string {
	return func(lang i18n.Lang) string {
		return strings.TrimSuffix(ground.Text.In(lang)+". "+words+"\n"+p.Fill(p.Rules.Remedies, lang), ".")
	}
}

// groundOf finds the ground in the portal's list, and judges what the officer wrote.
func groundOf(p *portal.Portal, g Ground) (portal.Reason, string, error) {
	var problems []fault.Field
	ground, ok := p.Reason(g.Code)
	if !ok || ground.For != "revoke" {
		problems = append(problems, fault.Field{Name: "code", Key: "E-LST-01"})
	}
	words, problem := groundText(g.Words)
	return ground, words, fault.Fields(append(problems, problem...))
}

func groundText(typed string) (string, []fault.Field) {
	words := strings.TrimSpace(typed)
	if n := utf8.RuneCountInString(words); n < leastGround || n > mostGround {
		return words, []fault.Field{wordsProblem(leastGround, mostGround, n)}
	}
	return words, nil
}

// Cancel calls off a scheduled revocation before its day: an officer does, or whoever set it.
func (s *Service) Cancel(ctx context.Context, by actor.Actor, id ID) error {
	off := func(tx *db.Tx, r row, c ca.Certificate, requester string) error {
		if err := s.c.CA.CancelIn(ctx, tx, by, c.Serial, r.right); err != nil {
			return err
		}
		return s.tellAll(ctx, tx, r, portal.CertificateUnscheduled, func(lang i18n.Lang) i18n.Args {
			return i18n.Args{"serial": shortSerial(c.Serial), "until": i18n.Date(lang, c.DueAt), "requester": i18n.Say(lang, requester, nil)}
		})
	}
	if by.Kind == actor.Officer {
		return s.anybodys(ctx, by, id, "call off the revocation of", actor.RevokeAny, func(tx *db.Tx, _ *portal.Portal, r row, c ca.Certificate) error {
			return off(tx, r, c, byOfficer)
		})
	}
	return s.theirs(ctx, by, id, "call off the revocation of", func(tx *db.Tx, r row, c ca.Certificate) error { return off(tx, r, c, requesterOf(r)) })
}

// theirs runs a deed of the holder, or of whoever answers for the body, upon a certificate.
func (s *Service) theirs(ctx context.Context, by actor.Actor, id ID, verb string, deed func(*db.Tx, row, ca.Certificate) error) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, c, err := s.issued(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := by.MayIn(r.Portal, actor.ChangeOwn); err != nil {
			return err
		}
		if by.Kind != actor.Person {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		return deed(tx, r, c)
	})
	if err != nil {
		return fmt.Errorf("%s the certificate of order %s: %w", verb, id, err)
	}
	return nil
}

// anybodys runs a deed of an officer upon a certificate of their portal.
func (s *Service) anybodys(ctx context.Context, by actor.Actor, id ID, verb string, may actor.Permission, deed func(*db.Tx, *portal.Portal, row, ca.Certificate) error) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, c, err := s.issued(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := by.MayIn(r.Portal, may); err != nil {
			return err
		}
		p, ok := s.c.Portals.Portal(r.Portal)
		if !ok {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		return deed(tx, p, r, c)
	})
	if err != nil {
		return fmt.Errorf("%s the certificate of order %s: %w", verb, id, err)
	}
	return nil
}
