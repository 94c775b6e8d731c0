package casefile

import (
	"context"
	"strconv"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
	"chancela/internal/throttle"
)

type officer = account.Contact

// tell mails the applicant of an event, in their language.
func (s *Service) tell(ctx context.Context, tx *db.Tx, c *Case, event portal.Event, more i18n.Args, with letter.Link) error {
	values := s.values(c, tx.Now(), c.Lang)
	for key, value := range more {
		values[key] = value
	}
	l := letter.Letter{
		Portal: c.Portal, Procedure: c.Procedure, Event: event, About: c.object(), Values: values, Link: with,
		To: letter.To{Name: c.Applicant, Address: c.Address, Lang: c.Lang},
	}
	if with.Kind == "" && c.Account != "" {
		l.Page = "processos/" + string(c.ID)
	}
	return s.letters.Send(ctx, tx, l)
}

// values are those that every mail about a case may hold.
func (s *Service) values(c *Case, at time.Time, lang i18n.Lang) i18n.Args {
	return i18n.Args{
		"number": c.Number, "name": c.Applicant, "body": c.BodyName, "procedure": c.Procedure.Name.In(lang), "portal": c.Portal.Title.In(lang),
		"date": i18n.Date(lang, at), "time": i18n.Clock(lang, at), "year": c.First(portal.Exercise),
	}
}

// termsOf are the values about the term to decide, which the applicant is told when it begins.
func (s *Service) termsOf(c *Case) i18n.Args {
	rules := c.Portal.Rules
	director := rules.Director.Office.In(c.Lang)
	if rules.Director.Contact != "" {
		director += ", " + rules.Director.Contact
	}
	return i18n.Args{
		"term": c.Portal.Say(c.Lang, "case.working-days", i18n.Args{"n": strconv.Itoa(rules.DecideDays)}), "until": i18n.Date(c.Lang, c.DueAt),
		"silence": rules.Silence.In(c.Lang), "director": director,
	}
}

// tellOfficers mails those who may work on the case that it is there; never its own applicant.
func (s *Service) tellOfficers(ctx context.Context, tx *db.Tx, c *Case, officers []officer) error {
	for _, o := range officers {
		if err := s.impeded(ctx, tx, o.Person, c); fault.Is(err, fault.Forbidden) {
			continue
		} else if err != nil {
			return err
		}
		values := s.values(c, tx.Now(), o.Lang)
		values["name"] = o.Name
		values["until"] = i18n.Date(o.Lang, c.DueAt)
		err := s.letters.Send(ctx, tx, letter.Letter{
			Portal: c.Portal, Procedure: c.Procedure, Event: portal.CaseToReview, About: c.object(), Values: values,
			To: letter.To{Name: o.Name, Address: o.Address, Lang: o.Lang}, Page: "tecnico/processos/" + string(c.ID),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Limits of mails that a visitor can cause: to one case, and from one network; and of the cases they begin.
var (
	mailsOfCase  = throttle.Rule{Name: "case-mail", Limit: 5, Window: time.Hour}
	mailsTo      = throttle.Rule{Name: "case-mail-to", Limit: 30, Window: time.Hour}
	asksFromHere = throttle.Rule{Name: "case-ask", Limit: 30, Window: time.Hour}
	// beginsFromHere: drafts begun from one network. Nobody is known yet, and each may hold documents for 30 days.
	// Whole ministries come from one network, so it is as many as may try passwords from it in a quarter of an hour.
	beginsFromHere = throttle.Rule{Name: "case-begin", Limit: 300, Window: time.Hour}
)

// takeMail counts a mail, and no try at a secret: a deed that refuses after it sends none, and gives it back.
func (s *Service) takeMail(ctx context.Context, tx *db.Tx, c *Case) error {
	if err := s.counters.Take(ctx, tx, mailsOfCase, string(c.ID)); err != nil {
		return err
	}
	return s.takeMailTo(ctx, tx, c)
}

// takeMailTo counts a mail to an address that nobody has proven, whichever case of however many it is about.
func (s *Service) takeMailTo(ctx context.Context, tx *db.Tx, c *Case) error {
	if c.addressKey == "" {
		return nil
	}
	return s.counters.Take(ctx, tx, mailsTo, c.Portal.Name+"|"+c.addressKey)
}

// mailed is the subject of a link to go on with a draft: it opens the case only as long as the address is the one it
// was sent to, once the case is filed. A link in a stranger's mailbox dies when the address is corrected.
func (s *Service) mailed(c *Case) string {
	return string(c.ID) + "." + s.vault.Mark("draft", c.addressKey)
}

func (s *Service) throttleAsker(ctx context.Context, tx *db.Tx, by actor.Actor) error {
	return s.counters.Take(ctx, tx, asksFromHere, by.Portal+"|"+by.Address)
}
