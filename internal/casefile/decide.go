package casefile

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// Approve approves exactly the revision that the officer saw, and hands the case to its procedure's outcome once
// enough different persons have.
//
// Whoever filed the case, may gain by it, or has approved it already may not approve it.
func (s *Service) Approve(ctx context.Context, by actor.Actor, id ID, revision string) error {
	return s.work(ctx, by, id, actor.DecideCase, func(tx *db.Tx, c *Case) error {
		if err := c.decidable(by, revision); err != nil {
			return err
		}
		return s.approve(ctx, tx, by, c, nil, "")
	})
}

// approve records an approval of the case but for the parts left out, and grants it once enough people have.
func (s *Service) approve(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, left []Part, weighing string) error {
	if reviewed, err := c.reviewedBy(ctx, tx, by.Person); err != nil {
		return err
	} else if reviewed {
		return fault.New(fault.Forbidden, "case.reviewed")
	}
	grant, proposal, err := s.proposal(ctx, tx, c, left)
	if err != nil {
		return err
	}
	if len(proposal.Problems) > 0 {
		return fault.New(fault.Conflict, proposal.Problems[0])
	}
	subject := subjectOf(c, proposal, left)
	entry := s.entry(c, decision.Approve, subject, nil)
	entry.Reasons, entry.Weighing = partly(left), weighing
	recorded, err := s.record(ctx, tx, by, entry)
	if err != nil {
		return err
	}
	standing, err := approvals(ctx, tx, c, subject)
	if err != nil {
		return err
	}
	if len(decision.People(standing, decision.Approve)) < c.Procedure.Decide.Approvals {
		return s.done(ctx, tx, by, c, "case.approve", "approved-one", "", true, recorded) // another person is still to approve
	}
	for _, e := range standing {
		grant.Approvals = append(grant.Approvals, string(e.ID))
	}
	if err := s.approved(ctx, tx, by, c, grant, left, recorded); err != nil {
		return err
	}
	if len(left) > 0 {
		return s.notifyPart(ctx, tx, c, left, weighing)
	}
	return s.tell(ctx, tx, c, portal.CaseApproved, c.authorship(), letter.Link{})
}

// reviewedBy says whether a person may not approve because they reviewed, where the procedure keeps the two apart
// (ecce-content §9, rule 13): whoever took the case at any time has reviewed it. The person counts, not the account.
func (c *Case) reviewedBy(ctx context.Context, tx *db.Tx, person actor.PersonID) (bool, error) {
	if !c.Procedure.Decide.ReviewerApart {
		return false, nil
	}
	took, err := reviewers(ctx, tx, c.ID)
	return slices.Contains(took, person), err
}

// proposal is what an approval hands over, and what would be made of it.
func (s *Service) proposal(ctx context.Context, tx *db.Tx, c *Case, left []Part) (portal.Grant, portal.Proposal, error) {
	grant, err := s.grant(ctx, tx, c)
	if err != nil {
		return portal.Grant{}, portal.Proposal{}, err
	}
	grant.Answers = c.except(KeysOf(left))
	proposal, err := s.outcomes[c.Procedure.Outcome.Kind].Propose(ctx, tx, grant)
	return grant, proposal, err
}

// approvals are those of this case that stand, of this revision and of exactly what will be made. The same may be made
// by two cases, and the approvals of one are none of the other's.
func approvals(ctx context.Context, tx *db.Tx, c *Case, subject string) ([]decision.Entry, error) {
	standing, err := decision.Standing(ctx, tx, string(c.ID), c.Revision)
	return slices.DeleteFunc(standing, func(e decision.Entry) bool { return e.Verdict != decision.Approve || e.Subject != subject }), err
}

// record adds a decision and gives its digest for the audit, so that nobody can change it unseen.
func (s *Service) record(ctx context.Context, tx *db.Tx, by actor.Actor, e decision.Entry) (audit.Detail, error) {
	id, err := decision.Record(ctx, tx, by, e)
	if err != nil {
		return audit.Detail{}, err
	}
	recorded, err := decision.Find(ctx, tx, id)
	return audit.With("decision", recorded.Digest()), err
}

// approved ends the review: the outcome records what it will make, in this same transaction.
func (s *Service) approved(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, grant portal.Grant, left []Part, recorded audit.Detail) error {
	c.end(Approved, tx.Now())
	kind := "approved"
	details := []audit.Detail{recorded}
	if c.LeftOut = KeysOf(left); len(left) > 0 {
		kind = "approved-in-part"
		details = append(details, audit.With("left-out", strings.Join(c.LeftOut, ",")))
	}
	if err := s.done(ctx, tx, by, c, "case.approve", kind, c.partWords(left), false, details...); err != nil {
		return err
	}
	return s.outcomes[c.Procedure.Outcome.Kind].Grant(ctx, tx, by, grant)
}

// subjectOf is what an approval names: exactly what will be made, or the revision, but for what is left out of it,
// where that says all.
func subjectOf(c *Case, p portal.Proposal, left []Part) string {
	if p.Digest != "" {
		return p.Digest
	}
	return partedSubject(c.Revision, left)
}

// decidable says whether the officer may decide this revision of the case now.
func (c *Case) decidable(by actor.Actor, revision string) error {
	if c.State != InReview && c.State != RefusalIntended && c.State != Heard {
		return fault.New(fault.Conflict, "case.not-now")
	}
	if c.Revision != revision {
		return fault.New(fault.Conflict, "case.changed-meanwhile")
	}
	if !slices.ContainsFunc(c.Procedure.Decide.Roles, by.Holds) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return nil
}

// grant makes up what an approval hands over.
func (s *Service) grant(ctx context.Context, tx *db.Tx, c *Case) (portal.Grant, error) {
	docs, err := evidence.Of(ctx, tx, string(c.ID))
	if err != nil {
		return portal.Grant{}, err
	}
	g := portal.Grant{
		Portal: c.Portal, Procedure: c.Procedure, Case: string(c.ID), Number: c.Number, Follows: string(c.Follows), Revision: c.Revision, Answers: c.Answers, Lang: c.Lang,
		Person: c.Person, Account: c.Account, Author: c.Portal.Rules.Decider.Office.In(c.Lang), At: tx.Now(),
	}
	for _, doc := range c.filed(docs) {
		g.Evidence = append(g.Evidence, portal.Document{Slot: doc.Slot, Name: doc.Name, Digest: doc.Digest})
	}
	return g, nil
}

// Ground is a typed reason of an unfavourable act with the officer's own words: a code alone is never enough.
type Ground struct {
	Codes []string
	Words string
	// Weighing is what the officer makes of what was said in the hearing (CPA 125.º, 126.º ⚖).
	Weighing string
}

// leastWords of an unfavourable act's own facts (CPA 152.º, 153.º ⚖; ecce-content §9, rule 9).
const leastWords = 30

func (c *Case) grounded(g Ground, why string) error {
	var problems []fault.Field
	if len(g.Codes) == 0 {
		problems = append(problems, fault.Field{Name: "codes", Key: "E-LST-01"})
	}
	if len(g.Codes) > 20 {
		return fault.Fields([]fault.Field{{Name: "codes", Key: "E-LST-01"}})
	}
	for _, code := range g.Codes {
		reason, ok := c.Portal.Reason(code)
		if !ok || reason.For != why || why == "refuse" && !slices.Contains(c.Procedure.Decide.Reasons, code) {
			problems = append(problems, fault.Field{Name: "codes", Key: "E-LST-01"})
		}
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(g.Words)); n < leastWords || n > 8000 {
		problems = append(problems, fault.Field{Name: "words", Key: "E-TXT-01", Args: fault.Args{"min": strconv.Itoa(leastWords), "max": "8000", "n": strconv.Itoa(n)}})
	}
	for name, words := range map[string]string{"words": g.Words, "weighing": g.Weighing} {
		if worded(words, 0, 8000) != nil {
			problems = append(problems, fault.Field{Name: name, Key: "decision.not-text"})
		}
	}
	return fault.Fields(problems)
}

// IntendRefusal tells the applicant that refusal is likely, and why, and hears them first (CPA 121.º, 122.º ⚖).
func (s *Service) IntendRefusal(ctx context.Context, by actor.Actor, id ID, revision string, g Ground) error {
	return s.work(ctx, by, id, actor.WorkCase, func(tx *db.Tx, c *Case) error {
		if err := c.hearable(tx.Now(), revision); err != nil {
			return err
		}
		if err := c.grounded(g, "refuse"); err != nil {
			return err
		}
		return s.hear(ctx, tx, by, c, s.entry(c, decision.IntendRefuse, c.Revision, &g), c.Portal.Say(c.Lang, "case.scope.whole", nil), c.reasons(g, c.Lang))
	})
}

// hearable says whether a hearing on this revision may begin now. Whoever was heard is heard again before they are
// refused on other grounds, or more than they were told of; a hearing that runs is run to its end first.
func (c *Case) hearable(now time.Time, revision string) error {
	if err := c.may(RefusalIntended); err != nil {
		return err
	}
	if c.Revision != revision {
		return fault.New(fault.Conflict, "case.changed-meanwhile")
	}
	if c.State == RefusalIntended {
		return c.heardOut(now)
	}
	return nil
}

// hear begins the hearing: the intention is on record, the term to decide stands still, the applicant is told.
func (s *Service) hear(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, intended decision.Entry, scope, reasons string) error {
	recorded, err := s.record(ctx, tx, by, intended)
	if err != nil {
		return err
	}
	if c.State == RefusalIntended {
		c.resume(c.AnswerBy) // the hearing before held the term up to its own end only
	}
	words := c.partWords(PartsOf(intended))
	if words == "" {
		words = intended.Reasons[0].Words
	}
	c.State, c.reminded = RefusalIntended, 0
	c.AnswerBy = c.days().Add(tx.Now(), c.Portal.Rules.HearingDays)
	c.PausedAt = tx.Now() // CPA 121.º, n.º 3 ⚖: the hearing suspends the term
	if err := s.done(ctx, tx, by, c, "case.intend-refusal", "refusal-intended", words, false, recorded); err != nil {
		return err
	}
	return s.tell(ctx, tx, c, portal.HearingBegun, i18n.Args{
		"scope": scope, "reasons": reasons, "until": i18n.Date(c.Lang, c.AnswerBy), "days": strconv.Itoa(c.Portal.Rules.HearingDays),
	}, s.follow(tx, c))
}

// Speak files what the applicant says in the hearing; once.
func (s *Service) Speak(ctx context.Context, by actor.Actor, id ID, words string) error {
	if err := worded(words, 2, 20000); err != nil {
		return err
	}
	return s.own(ctx, by, id, func(tx *db.Tx, c *Case) error {
		if err := c.may(Heard); err != nil {
			return err
		}
		if err := s.bring(ctx, tx, by, c); err != nil {
			return err
		}
		c.State = Heard
		c.resume(tx.Now())
		if err := s.done(ctx, tx, by, c, "case.speak", "heard", words, false); err != nil {
			return err
		}
		return s.tell(ctx, tx, c, portal.CaseAnswered, nil, letter.Link{})
	})
}

// bring files the documents that came with the statement: a new revision, which voids approvals of the one before.
func (s *Service) bring(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	docs, err := evidence.Of(ctx, tx, string(c.ID))
	if err != nil || len(docs) == len(c.filed(docs)) {
		return err
	}
	s.revise(c, docs)
	return decision.Void(ctx, tx, by, string(c.ID), "edited")
}

// Refuse refuses the case: never without a hearing, whose term has run out or in which the applicant has spoken, and
// never without reasons, author and remedies (CPA 114.º, 121.º, 151.º–153.º ⚖).
func (s *Service) Refuse(ctx context.Context, by actor.Actor, id ID, revision string, g Ground) error {
	return s.work(ctx, by, id, actor.DecideCase, func(tx *db.Tx, c *Case) error {
		if err := c.may(Refused); err != nil {
			return err
		}
		if err := c.decidable(by, revision); err != nil {
			return err
		}
		if err := c.heardOut(tx.Now()); err != nil {
			return err
		}
		if _, whole, err := heardOn(ctx, tx, c); err != nil {
			return err
		} else if !whole {
			return fault.New(fault.Conflict, "case.heard-on-part") // the whole was never put to the applicant
		}
		if err := c.grounded(g, "refuse"); err != nil {
			return err
		}
		if err := c.weighed(g.Weighing); err != nil {
			return err
		}
		return s.unfavourable(ctx, tx, by, c, decision.Refuse, Refused, g)
	})
}

// Desert declares a case deserted that has stood still too long through its applicant's fault (CPA 132.º ⚖). It is
// a decision like others: nothing lapses by itself once its address is proven.
func (s *Service) Desert(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return s.work(ctx, by, id, actor.DecideCase, func(tx *db.Tx, c *Case) error {
		if err := c.may(Deserted); err != nil {
			return err
		}
		if !slices.ContainsFunc(c.Procedure.Decide.Roles, by.Holds) {
			return fault.New(fault.Forbidden, "fault.forbidden")
		}
		asked, err := requests(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if until := c.standstill(asked); !tx.Now().After(until) {
			return fault.New(fault.Conflict, "case.not-deserted-yet", "until", i18n.Date(i18n.PT, until))
		}
		if err := c.grounded(g, "desert"); err != nil {
			return err
		}
		return s.unfavourable(ctx, tx, by, c, decision.Desert, Deserted, g)
	})
}

// standstill is until when a case that waits for its applicant may not be declared deserted: counted from what they
// were last asked for, whatever officers did to the case since.
func (c *Case) standstill(asked []Request) time.Time {
	since := c.ProvenAt
	for _, r := range asked {
		if r.Answered.IsZero() && r.AskedAt.After(since) {
			since = r.AskedAt
		}
	}
	return since.AddDate(0, c.Portal.Rules.StandstillMonths, 0)
}

func (s *Service) unfavourable(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, verdict decision.Verdict, to State, g Ground) error {
	recorded, err := s.record(ctx, tx, by, s.entry(c, verdict, c.Revision, &g))
	if err != nil {
		return err
	}
	c.end(to, tx.Now())
	verb, event := "case.refuse", portal.CaseRefused
	if to == Deserted {
		verb, event = "case.desert", portal.CaseDeserted
	}
	if err := s.done(ctx, tx, by, c, verb, string(to), g.Words, false, recorded); err != nil {
		return err
	}
	values := c.authorship()
	values["reasons"] = c.reasons(g, c.Lang)
	values["remedies"] = c.Portal.Fill(c.Portal.Rules.Remedies, c.Lang)
	return s.tell(ctx, tx, c, event, values, s.follow(tx, c))
}

// entry is the case's line in the record of decisions.
func (s *Service) entry(c *Case, verdict decision.Verdict, subject string, g *Ground) decision.Entry {
	e := decision.Entry{
		Portal: c.Portal.Name, Case: string(c.ID), Revision: c.Revision, Subject: subject, Verdict: verdict,
		Office: c.Portal.Rules.Decider.Office.PT, Delegation: c.Portal.Rules.Decider.Delegation,
	}
	if g != nil {
		e.Weighing = g.Weighing
		for _, code := range g.Codes {
			e.Reasons = append(e.Reasons, decision.Reason{Code: code, Words: g.Words})
		}
	}
	return e
}

// authorship is who decided, as the notice of an act must say (CPA 151.º ⚖).
func (c *Case) authorship() i18n.Args {
	decider := c.Portal.Rules.Decider
	delegation := ""
	if decider.Delegation != "" {
		delegation = c.Portal.Say(c.Lang, "case.by-delegation", i18n.Args{"act": decider.Delegation})
	}
	office := decider.Office.In(c.Lang)
	return i18n.Args{"author": office, "office": c.Portal.Body.Name.In(c.Lang), "delegation": delegation}
}

// reasons writes the grounds as the notice shows them: each code's text and law, then the facts.
func (c *Case) reasons(g Ground, lang i18n.Lang) string {
	var lines []string
	for _, code := range g.Codes {
		if reason, ok := c.Portal.Reason(code); ok {
			line := code + ". " + reason.Text.In(lang)
			if reason.Law != "" {
				line += " (" + reason.Law + ")"
			}
			lines = append(lines, line)
		}
	}
	lines = append(lines, strings.TrimSpace(g.Words))
	if g.Weighing != "" {
		lines = append(lines, c.Portal.Say(lang, "case.weighed", nil)+" "+strings.TrimSpace(g.Weighing))
	}
	return "\n" + strings.Join(lines, "\n")
}
