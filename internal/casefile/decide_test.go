package casefile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/link"
	"chancela/internal/portal"
)

func (k *kit) decisions(id ID) (all []decision.Entry) {
	k.t.Helper()
	k.look(func(tx *db.Tx) (err error) {
		all, err = decision.Of(k.ctx, tx, string(id))
		return err
	})
	return all
}

// recorded says whether the record of a deed names the last decision by its digest.
func (k *kit) recorded(verb string, id ID) {
	k.t.Helper()
	all := k.decisions(id)
	k.look(func(tx *db.Tx) error {
		entries, err := audit.Entries(k.ctx, tx, audit.Filter{Portal: office, Verb: verb, Object: "case/" + string(id), Limit: 1})
		if err != nil || len(entries) != 1 || entries[0].Details["decision"] != all[len(all)-1].Digest() {
			k.t.Errorf("%s is not on record with its decision: %v %v", verb, entries, err)
		}
		return err
	})
}

func TestApproveHandsTheCaseToItsOutcome(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.drafted("lang", "en")
		must(t, k.attach(visitor(id), id, "proof", "a"))
		must(t, k.Submit(k.ctx, visitor(id), id))
		k.proves(id)
		revision := k.get(id).Revision
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Approve(k.ctx, rui, id, revision) })
		must(t, k.Take(k.ctx, rui, id))
		k.untouched(id, fault.Conflict, "case.changed-meanwhile", func() error { return k.Approve(k.ctx, rui, id, strings.Repeat("0", 64)) })
		k.untouched(id, fault.Conflict, "case.changed-meanwhile", func() error { return k.Approve(k.ctx, rui, id, "") })
		must(t, k.Approve(k.ctx, rui, id, revision))
		c := k.get(id)
		if c.State != Approved || c.DecidedAt != begin {
			t.Errorf("case is %+v", c)
		}
		k.recorded("case.approve", id)
		if e := k.decisions(id)[0]; e.Verdict != decision.Approve || e.Revision != revision || e.Subject != revision || e.Person != rui.Person || e.Session != rui.Session || e.Office != "pelo órgão" || e.Delegation != "Despacho 1" {
			t.Errorf("decision is %+v", e)
		}
		k.account(office, "ana@exemplo.pt", "applicant")
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Approve(k.ctx, rui, id, revision) })
		for _, mail := range k.delivered(5) { // officer's invitation, draft, proven, to review, approved; the invitation is one more
			if strings.Contains(mail.Subject, "case.approved") && (!strings.HasPrefix(mail.Subject, "EN ") || !strings.Contains(mail.Text, "for the organ Test body , by delegation: Despacho 1")) {
				t.Errorf("%s: %s", mail.Subject, mail.Text)
			}
		}
		v, err := k.Open(k.ctx, visitor(id), id)
		if must(t, err); len(v.Decisions) != 1 || v.Decisions[0].Session != "" || v.Decisions[0].Person != "" || v.Decisions[0].Account != "" {
			t.Errorf("the applicant reads %+v", v.Decisions)
		}
	})
}

func TestTwoApprovalsAreOfTwoPersons(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		id := k.filed(ana, "order", "text", "um")
		must(t, k.Take(k.ctx, rui, id))
		revision := k.get(id).Revision
		must(t, k.Approve(k.ctx, rui, id, revision))
		k.recorded("case.approve", id)
		if c := k.get(id); c.State != InReview || len(k.made.granted) != 0 {
			t.Errorf("one approval made it %s", c.State)
		}
		if v, _ := k.Open(k.ctx, ana, id); len(v.Decisions) != 0 {
			t.Errorf("the applicant reads of a decision that is none yet: %+v", v.Decisions)
		}
		second := rui // the same human being by another account, with another role beside
		second.Account, second.Session, second.Roles = "a-second", "s-second", []actor.Role{actor.Decider, actor.CardOperator}
		k.untouched(id, fault.Conflict, "decision.already", func() error { return k.Approve(k.ctx, second, id, revision) })
		for by, want := range map[actor.PersonID]bool{rui.Person: true, eva.Person: false} {
			r, err := k.Review(k.ctx, actor.Actor{Kind: actor.Officer, Portal: office, Person: by, Roles: rui.Roles, Strength: actor.ByCode}, id)
			if must(t, err); r.Approved != want || r.Missing != 1 || r.Names[rui.Person] != "Técnica de Exemplo" {
				t.Errorf("approved %v, missing %d, names %v", r.Approved, r.Missing, r.Names)
			}
		}
		must(t, k.Approve(k.ctx, eva, id, revision))
		if len(k.made.granted) != 1 || len(k.made.granted[0].Approvals) != 2 || k.get(id).State != Approved {
			t.Fatalf("granted %+v", k.made.granted)
		}
		g := k.made.granted[0]
		if g.Revision != revision || g.Case != string(id) || g.Person != ana.Person || g.Answers.One("text") != "um" || g.Author != "pelo órgão" {
			t.Errorf("granted %+v", g)
		}
	})
}

func TestTwoWhoApproveAtOnceGrantOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		id := k.inReview(rui)
		revision := k.get(id).Revision
		oneWon(t, atOnce(
			func() error { return k.Approve(k.ctx, rui, id, revision) }, func() error { return k.Approve(k.ctx, eva, id, revision) },
			func() error { return k.Approve(k.ctx, rui, id, revision) },
		))
		if n := k.count(`SELECT count(*) FROM account WHERE kind = 'applicant'`); n != 1 {
			t.Errorf("%d accounts", n)
		}
		if n := len(k.decisions(id)); n != 1 {
			t.Errorf("%d decisions", n)
		}
		two := k.filed(k.person(rui, "mail", "ze@exemplo.pt", "who", "Zé Outro Exemplo"), "order", "text", "um")
		must(t, k.Take(k.ctx, rui, two))
		revision = k.get(two).Revision
		for range 3 { // one of the two may have to come again; never more than one grant
			atOnce(func() error { return k.Approve(k.ctx, rui, two, revision) }, func() error { return k.Approve(k.ctx, eva, two, revision) })
		}
		if len(k.made.granted) != 1 || k.get(two).State != Approved {
			t.Errorf("granted %d times", len(k.made.granted))
		}
	})
}

func TestApproveAndAnswerAtOnceDoNotMixRevisions(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		for range 4 {
			id := k.filed(ana, "order", "text", "um")
			must(t, k.Take(k.ctx, rui, id))
			revision := k.get(id).Revision
			must(t, k.Approve(k.ctx, rui, id, revision))
			oneWon(t, atOnce(func() error { return k.Approve(k.ctx, eva, id, revision) }, func() error { return k.AskElements(k.ctx, rui, id, []Item{{"text", "está curto"}}) }))
			if k.get(id).State == Approved {
				continue
			}
			atOnce(func() error { return k.Approve(k.ctx, eva, id, revision) }, func() error { return k.Answer(k.ctx, ana, id, portal.Answers{"text": {"dois"}}, "") })
			if c := k.get(id); c.State != InReview || c.Revision == revision {
				t.Errorf("case is %s", c.State)
			}
		}
	})
}

func TestAnEditVoidsApprovals(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		id := k.filed(ana, "order", "text", "um")
		must(t, k.Take(k.ctx, rui, id))
		revision := k.get(id).Revision
		must(t, k.Approve(k.ctx, rui, id, revision))
		must(t, k.AskElements(k.ctx, eva, id, []Item{{"text", "está curto"}}))
		must(t, k.Answer(k.ctx, ana, id, portal.Answers{"text": {"um"}}, "Fica como está.")) // even the same answer is a new look
		now := k.get(id).Revision
		r, err := k.Review(k.ctx, rui, id)
		if must(t, err); r.Missing != 2 || r.Approved {
			t.Errorf("missing %d, approved %v", r.Missing, r.Approved)
		}
		must(t, k.Approve(k.ctx, eva, id, now))
		if k.get(id).State != InReview || len(k.made.granted) != 0 {
			t.Fatal("the voided approval was counted")
		}
		must(t, k.Approve(k.ctx, rui, id, now))
		if len(k.made.granted) != 1 || len(k.made.granted[0].Approvals) != 2 {
			t.Errorf("granted %+v", k.made.granted)
		}
	})
}

func TestApprovalsAreOfExactlyWhatWillBeMade(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		k.made.digest = "digest-one"
		first, second := k.filed(ana, "order", "text", "um"), k.filed(ana, "order", "text", "um")
		for _, id := range []ID{first, second} {
			must(t, k.Take(k.ctx, rui, id))
		}
		must(t, k.Approve(k.ctx, rui, first, k.get(first).Revision))
		k.made.digest = "digest-two" // what would be made is another thing by now
		must(t, k.Approve(k.ctx, eva, first, k.get(first).Revision))
		if len(k.made.granted) != 0 {
			t.Fatal("approvals of two things were counted together")
		}
		must(t, k.Approve(k.ctx, rui, first, k.get(first).Revision))
		if len(k.made.granted) != 1 || k.decisions(first)[2].Subject != "digest-two" {
			t.Fatalf("granted %+v", k.made.granted)
		}
		// The same bytes in another case are approved anew, by two.
		must(t, k.Approve(k.ctx, rui, second, k.get(second).Revision))
		if r, _ := k.Review(k.ctx, eva, second); r.Missing != 1 || r.Approved || len(k.made.granted) != 1 {
			t.Errorf("another case's approvals are counted: missing %d, granted %d", r.Missing, len(k.made.granted))
		}
	})
}

func TestAProblemOfTheOutcomeStopsTheApproval(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		id := k.filed(ana, "order", "text", "um")
		must(t, k.Take(k.ctx, rui, id))
		k.made.problems = []string{"account.term-ended"}
		k.untouched(id, fault.Conflict, "account.term-ended", func() error { return k.Approve(k.ctx, rui, id, k.get(id).Revision) })
	})
}

func TestNoRefusalWithoutAHearing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, dir := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("dir@exemplo.pt", actor.Director)
		id := k.inReview(rui)
		c := k.get(id)
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Refuse(k.ctx, rui, id, c.Revision, ground) })
		for name, g := range map[string]Ground{
			"codes E-LST-01":          {Words: facts},
			"words E-TXT-01":          {Codes: []string{"R1"}, Words: "Não."},
			"words decision.not-text": {Codes: []string{"R1"}, Words: facts + "\x00"},
		} {
			k.untouched(id, fault.Invalid, name, func() error { return k.IntendRefusal(k.ctx, dir, id, c.Revision, g) })
		}
		for _, code := range []string{"R2", "D1", "R9", ""} { // another procedure's, another act's, nobody's
			k.untouched(id, fault.Invalid, "codes E-LST-01", func() error {
				return k.IntendRefusal(k.ctx, dir, id, c.Revision, Ground{Codes: []string{"R1", code}, Words: facts})
			})
		}
		k.untouched(id, fault.Conflict, "case.changed-meanwhile", func() error { return k.IntendRefusal(k.ctx, dir, id, "x", ground) })
		must(t, k.IntendRefusal(k.ctx, dir, id, c.Revision, ground))
		k.recorded("case.intend-refusal", id)
		c = k.get(id)
		if c.State != RefusalIntended || c.AnswerBy != c.days().Add(begin, 10) || c.PausedAt != begin {
			t.Errorf("case is %+v", c)
		}
		k.clock.pass(c.AnswerBy.Sub(k.d.Now())) // to the very end of the term
		k.untouched(id, fault.Conflict, "case.hearing-runs", func() error { return k.Refuse(k.ctx, rui, id, c.Revision, ground) })
		k.clock.pass(3*aDay + time.Second)
		must(t, k.Refuse(k.ctx, rui, id, c.Revision, ground))
		k.recorded("case.refuse", id)
		end := k.get(id)
		if end.State != Refused || !end.PausedAt.IsZero() || end.DueAt != c.days().Add(c.DueAt, 10) {
			t.Errorf("case is %+v", end)
		}
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Speak(k.ctx, visitor(id), id, "Tarde demais.") })
		v, err := k.Open(k.ctx, visitor(id), id)
		if must(t, err); len(v.Decisions) != 2 || v.Decisions[1].Verdict != decision.Refuse || v.Decisions[1].Reasons[0].Code != "R1" {
			t.Errorf("the applicant reads %+v", v.Decisions)
		}
	})
}

func TestTheNoticeOfARefusalIsWhole(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.inReview(rui, "lang", "en")
		revision := k.get(id).Revision
		must(t, k.IntendRefusal(k.ctx, rui, id, revision, ground))
		must(t, k.Speak(k.ctx, visitor(id), id, "Junto os documentos."))
		must(t, k.Refuse(k.ctx, rui, id, revision, Ground{Codes: []string{"R1"}, Words: facts + "{link}", Weighing: facts + "Não convence."}))
		found := map[string]bool{}
		for _, mail := range k.delivered(7) { // invitation, draft, proven, to review, hearing, answered, refused
			for event, parts := range map[string][]string{
				"EN case.hearing": {"R1. A requirement is not met (artigo 1.º)", "Faltam os documentos", "20 July 2026", "10", "/one/acompanhar/"},
				"EN case.refused": {"for the organ", "Test body", "by delegation: Despacho 1", "R1. A requirement is not met (artigo 1.º)", "(link)", "Weighing of the statement:", "Não convence.", "You may complain.", "/one/acompanhar/"},
			} {
				if !strings.HasPrefix(mail.Subject, event) {
					continue
				}
				found[event] = true
				for _, part := range parts {
					if !strings.Contains(mail.Text, part) {
						t.Errorf("%s lacks %q: %s", event, part, mail.Text)
					}
				}
				if opened, err := k.OpenFollow(k.ctx, office, within(mail.Text, "/one/acompanhar/")); err != nil || opened != id {
					t.Errorf("%s: its link opens %q, %v", event, opened, err)
				}
			}
		}
		if len(found) != 2 {
			t.Errorf("found %v", found)
		}
	})
}

func TestWhatIsSaidInTheHearingIsWeighed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.inReview(rui)
		c := k.get(id)
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Speak(k.ctx, visitor(id), id, "Ainda não.") })
		must(t, k.IntendRefusal(k.ctx, rui, id, c.Revision, ground))
		k.untouched(id, fault.Invalid, "words E-TXT-01", func() error { return k.Speak(k.ctx, visitor(id), id, "") })
		k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.Speak(k.ctx, actor.Nobody(office), id, "Eu cá acho.") })
		k.clock.pass(2 * aDay)
		must(t, k.Speak(k.ctx, visitor(id), id, "Junto os documentos."))
		heard := k.get(id)
		if heard.State != Heard || !heard.PausedAt.IsZero() || heard.DueAt != c.days().Add(c.DueAt, 2) || heard.Revision != c.Revision {
			t.Errorf("case is %+v", heard)
		}
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Speak(k.ctx, visitor(id), id, "Outra vez.") })
		k.untouched(id, fault.Invalid, "weighing case.weighing", func() error { return k.Refuse(k.ctx, rui, id, c.Revision, ground) })
		weighed := ground
		weighed.Weighing = facts
		must(t, k.Refuse(k.ctx, rui, id, c.Revision, weighed))
		if k.get(id).State != Refused || k.entries("case.speak", id) != 1 {
			t.Error("not refused, or not on record")
		}
	})
}

func TestDocumentsOfTheHearingMakeANewRevision(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Decider)
		id, _, err := k.Begin(k.ctx, actor.Nobody(office), "question", "pt-PT")
		must(t, err)
		must(t, k.Cancel(k.ctx, visitor(id), id))
		id = k.inReview(rui)
		revision := k.get(id).Revision
		must(t, k.IntendRefusal(k.ctx, rui, id, revision, ground))
		must(t, k.attach(visitor(id), id, "proof", "a"))
		must(t, k.attach(visitor(id), id, "proof", "b"))
		must(t, k.Detach(k.ctx, visitor(id), id, k.documents(id)[1].ID))
		if r, err := k.Review(k.ctx, rui, id); err != nil || len(r.Documents) != 0 {
			t.Errorf("the officer sees what was not said yet: %v", r.Documents)
		}
		must(t, k.Speak(k.ctx, visitor(id), id, "Junto os documentos."))
		c := k.get(id)
		if c.Revision == revision {
			t.Error("the documents are not in the revision")
		}
		k.untouched(id, fault.Conflict, "case.changed-meanwhile", func() error { return k.Approve(k.ctx, eva, id, revision) })
		if r, _ := k.Review(k.ctx, rui, id); len(r.Documents) != 1 {
			t.Errorf("the officer sees %d documents", len(r.Documents))
		}
		must(t, k.Approve(k.ctx, eva, id, c.Revision)) // approved after all
		if k.get(id).State != Approved {
			t.Error("not approved")
		}
	})
}

func TestWhatTheApplicantHasNotSentIsNoPartOfWhatIsApproved(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.inReview(rui)
		c := k.get(id)
		must(t, k.IntendRefusal(k.ctx, rui, id, c.Revision, ground))
		must(t, k.attach(visitor(id), id, "proof", "a"))
		k.look(func(tx *db.Tx) error {
			g, err := k.grant(k.ctx, tx, k.get(id))
			if len(g.Evidence) != 0 {
				t.Errorf("granted with %v", g.Evidence)
			}
			return err
		})
	})
}

func TestDesertOnlyAfterSixMonthsOfStandstill(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		id, idle := k.inReview(rui), k.inReview(rui, "mail", "ze@exemplo.pt")
		d := Ground{Codes: []string{"D1"}, Words: facts}
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Desert(k.ctx, rui, id, d) })
		must(t, k.AskElements(k.ctx, rui, id, []Item{{"called", "está incompleta"}}))
		k.clock.pass(152 * aDay)
		must(t, k.Tidy(k.ctx, actor.Machine("")))
		must(t, k.Tidy(k.ctx, actor.Machine("")))
		if n := k.count(`SELECT count(*) FROM delivery WHERE kind = 'case.standstill'`); n != 1 {
			t.Errorf("warned %d times after five months", n)
		}
		must(t, k.StandAside(k.ctx, eva, id, "")) // officers' own doings do not begin the six months anew
		k.clock.pass(begin.AddDate(0, 6, 0).Sub(k.d.Now()))
		must(t, k.Tidy(k.ctx, actor.Machine("")))
		k.untouched(id, fault.Conflict, "case.not-deserted-yet", func() error { return k.Desert(k.ctx, rui, id, d) })
		k.clock.pass(time.Second)
		k.untouched(id, fault.Invalid, "codes E-LST-01", func() error { return k.Desert(k.ctx, rui, id, ground) })
		k.untouched(idle, fault.Conflict, "case.not-now", func() error { return k.Desert(k.ctx, rui, idle, d) }) // it waits for us
		must(t, k.Desert(k.ctx, rui, id, d))
		k.recorded("case.desert", id)
		if c := k.get(id); c.State != Deserted || !slices.Contains(k.told(id), "case.deserted") {
			t.Errorf("case is %s, told %v", c.State, k.told(id))
		}
		k.clock.pass(400 * aDay)
		must(t, k.Tidy(k.ctx, actor.Machine("")))
		if c := k.get(idle); c.State != InReview { // whatever time passes, silence decides nothing
			t.Errorf("time made it %s", c.State)
		}
	})
}

func TestOnlyTheListedMovesExist(t *testing.T) {
	all := []State{Draft, Submitted, Proven, InReview, Waiting, RefusalIntended, Heard, Approved, Refused, Withdrawn, Deserted, Lapsed}
	var names []string
	for _, s := range all {
		names = append(names, string(s))
	}
	if !slices.Equal(names, portal.States()) {
		t.Errorf("a portal names the states %v", portal.States())
	}
	for _, to := range []State{Refused} {
		for _, from := range all {
			c := Case{State: from}
			if (c.may(to) == nil) != (from == RefusalIntended || from == Heard) {
				t.Errorf("from %s to %s", from, to)
			}
		}
	}
	for _, from := range all {
		if c := (&Case{State: from}); (c.may(Lapsed) == nil) != (from == Submitted) || (c.may(Deserted) == nil) != (from == Waiting) {
			t.Errorf("%s lapses or is deserted", from)
		}
		if ends := slices.Contains([]State{Approved, Refused, Withdrawn, Deserted, Lapsed}, from); from.Decided() != ends {
			t.Errorf("%s: decided is %v", from, from.Decided())
		}
	}
}

func TestFollowLinksLastAsLongAsTheHearing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		k.portal.Rules.HearingDays = 30
		t.Cleanup(func() { k.portal.Rules.HearingDays = 10 })
		id := k.inReview(rui)
		k.clock.pass(time.Second)
		must(t, k.IntendRefusal(k.ctx, rui, id, k.get(id).Revision, ground))
		all := k.secrets(link.Follow, string(id))
		k.clock.pass(k.get(id).AnswerBy.Sub(k.d.Now()) - time.Second)
		if _, err := k.OpenFollow(k.ctx, office, all[len(all)-1]); err != nil {
			t.Errorf("on the last day to speak: %v", err)
		}
	})
}
