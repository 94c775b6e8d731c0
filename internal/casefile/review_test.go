package casefile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/calendar"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/link"
	"chancela/internal/portal"
)

var facts = strings.Repeat("Faltam os documentos pedidos. ", 2)

var ground = Ground{Codes: []string{"R1"}, Words: facts}

// deedsOf are all deeds of officers on a case, by name.
func (k *kit) deedsOf(by actor.Actor, id ID) map[string]func() error {
	revision := k.get(id).Revision
	return map[string]func() error{
		"take":         func() error { return k.Take(k.ctx, by, id) },
		"return":       func() error { return k.Return(k.ctx, by, id) },
		"note":         func() error { return k.Note(k.ctx, by, id, "uma nota") },
		"ask elements": func() error { return k.AskElements(k.ctx, by, id, []Item{{"called", "está errada"}}) },
		"approve":      func() error { return k.Approve(k.ctx, by, id, revision) },
		"intend":       func() error { return k.IntendRefusal(k.ctx, by, id, revision, ground) },
		"refuse":       func() error { return k.Refuse(k.ctx, by, id, revision, ground) },
		"desert":       func() error { return k.Desert(k.ctx, by, id, Ground{Codes: []string{"D1"}, Words: facts}) },
		"stand aside":  func() error { return k.StandAside(k.ctx, by, id, "") },
		"review":       func() error { _, err := k.Review(k.ctx, by, id); return err },
	}
}

func TestWhoMayNotTouchACase(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		auditor := k.officer("aud@exemplo.pt", actor.Auditor)
		director := k.officer("dir@exemplo.pt", actor.Director)
		fora := k.officerIn("two", "fora@exemplo.pt", actor.Director, actor.Decider)
		weak := rui
		weak.Strength = actor.ByLink
		id := k.inReview(rui)
		for name, c := range map[string]struct {
			by   actor.Actor
			want fault.Kind
		}{
			"an officer of another portal": {fora, fault.NotFound}, "a visitor": {actor.Nobody(office), fault.Forbidden}, "the applicant": {visitor(id), fault.Forbidden},
			"the program": {actor.Machine(office), fault.Forbidden}, "an officer not quite signed in": {weak, fault.Forbidden},
		} {
			for verb, deed := range k.deedsOf(c.by, id) {
				t.Run(name+" may not "+verb, func(t *testing.T) {
					k.untouched(id, c.want, map[fault.Kind]string{fault.NotFound: "fault.not-found", fault.Forbidden: ""}[c.want], loose(deed))
				})
			}
		}
		for _, verb := range []string{"take", "return", "note", "ask elements", "approve", "intend", "refuse", "desert", "stand aside"} {
			k.untouched(id, fault.Forbidden, "", loose(k.deedsOf(auditor, id)[verb]))
		}
		for _, verb := range []string{"approve", "refuse", "desert"} {
			k.untouched(id, fault.Forbidden, "", loose(k.deedsOf(director, id)[verb]))
		}
		must(t, k.deedsOf(auditor, id)["review"]())
		for _, none := range []ID{ID(db.NewID()), "", "\x00", "'"} {
			refused(t, k.Take(k.ctx, rui, none), fault.NotFound, "fault.not-found")
		}
	})
}

// loose keeps of a refusal its kind alone.
func loose(deed func() error) func() error {
	return func() error {
		err := deed()
		if e, ok := fault.As(err); ok && e.Kind == fault.Forbidden {
			return fault.New(fault.Forbidden, "")
		}
		return err
	}
}

func TestDraftsAndUnprovenSubmissionsAreNotTheOfficers(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		for _, id := range []ID{k.drafted(), k.submitted()} {
			for _, deed := range k.deedsOf(rui, id) {
				k.untouched(id, fault.NotFound, "fault.not-found", deed)
			}
		}
		for _, f := range []Filter{{States: []State{Draft, Submitted, Lapsed}}, {Search: "Ana"}, {}} {
			rows, err := k.Queue(k.ctx, rui, f)
			if must(t, err); len(rows) != 0 {
				t.Errorf("the queue shows %+v", rows)
			}
		}
	})
}

func TestTakeReturnAndNote(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.proven()
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Return(k.ctx, rui, id) })
		must(t, k.Take(k.ctx, rui, id))
		if c := k.get(id); c.State != InReview || c.TakenBy != rui.Person {
			t.Errorf("case is %+v", c)
		}
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Take(k.ctx, rui, id) })
		k.untouched(id, fault.Invalid, "words E-TXT-01", func() error { return k.Note(k.ctx, rui, id, " ") })
		k.untouched(id, fault.Invalid, "words decision.not-text", func() error { return k.Note(k.ctx, rui, id, "nu\x00lo") })
		must(t, k.Note(k.ctx, rui, id, "Telefonei à requerente."))
		v, err := k.Open(k.ctx, visitor(id), id)
		must(t, err)
		for _, h := range v.Timeline {
			if h.Inside || strings.Contains(h.Words, "Telefonei") {
				t.Errorf("the applicant sees %+v", h)
			}
		}
		r, err := k.Review(k.ctx, rui, id)
		must(t, err)
		if last := r.Timeline[len(r.Timeline)-1]; last.Words != "Telefonei à requerente." || r.Names[last.Person] != "Técnica de Exemplo" {
			t.Errorf("the officer sees %+v by %q", last, r.Names[last.Person])
		}
		must(t, k.Return(k.ctx, rui, id))
		if c := k.get(id); c.State != Proven || c.TakenBy != "" {
			t.Errorf("case is %+v", c)
		}
		for _, verb := range []string{"case.take", "case.return", "case.note"} {
			if k.entries(verb, id) != 1 {
				t.Errorf("%s is not on record", verb)
			}
		}
	})
}

func TestOfTwoOfficersAtOnceOneActs(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		id := k.proven()
		oneWon(t, atOnce(func() error { return k.Take(k.ctx, rui, id) }, func() error { return k.Take(k.ctx, eva, id) }))
		oneWon(t, atOnce(k.deedsOf(rui, id)["ask elements"], k.deedsOf(eva, id)["intend"]))
	})
}

func TestTheQueueIsOfOnePortalAndFindsByNameNumberAndBody(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.proven("who", "Conceição d'Ávila Gonçalves", "called", "Cooperativa São João, CRL", "mail", "conceicao@exemplo.pt")
		other := k.proven("who", "Zé Outro Exemplo", "number", "590000020", "mail", "ze@exemplo.pt")
		number := k.get(id).Number
		for _, search := range []string{
			"conceicao", "CONCEIÇÃO", "avila", "d'avila", "d’Ávila", "goncalves conceição", "sao joao", number, strings.ToLower(number), "2026/000001", "000001",
			"590000012", "590 000 012", "conceicao@exemplo.pt", "Gonç", "joão, CRL",
		} {
			rows, err := k.Queue(k.ctx, rui, Filter{Search: search})
			if must(t, err); len(rows) != 1 || rows[0].ID != id || rows[0].Number != number || rows[0].Applicant != "Conceição d'Ávila Gonçalves" {
				t.Errorf("%q finds %+v", search, rows)
			}
		}
		for _, search := range []string{"%", "_", "!", "conceição outro", "nulo\x00", "\xff", "'; DROP TABLE casefile; --", "vila"} {
			rows, err := k.Queue(k.ctx, rui, Filter{Search: search})
			if must(t, err); len(rows) != 0 {
				t.Errorf("%q finds %+v", search, rows)
			}
		}
		fora := k.officerIn("two", "fora@exemplo.pt", actor.Director, actor.Auditor)
		for _, f := range []Filter{{}, {Search: "conceicao"}, {Search: number}, {After: string(id)}, {Mine: k.get(id).Director}} {
			rows, err := k.Queue(k.ctx, fora, f)
			if must(t, err); len(rows) != 0 {
				t.Errorf("the other portal finds %+v", rows)
			}
		}
		if _, err := k.Queue(k.ctx, actor.Nobody(office), Filter{}); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
		must(t, k.Withdraw(k.ctx, visitor(other), other))
		if rows, _ := k.Queue(k.ctx, rui, Filter{}); len(rows) != 1 {
			t.Errorf("what ended is in the queue: %+v", rows)
		}
		if rows, _ := k.Queue(k.ctx, rui, Filter{Search: "outro"}); len(rows) != 1 {
			t.Errorf("what ended is not found: %+v", rows)
		}
	})
}

func TestTheQueueIsPagedByUrgency(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Decider)
		var all []ID
		for range 7 {
			all = append(all, k.proven())
			k.clock.pass(aDay)
		}
		must(t, k.Take(k.ctx, eva, all[3]))
		var seen []ID
		for after := ""; ; {
			rows, err := k.Queue(k.ctx, rui, Filter{After: after, Limit: 3})
			must(t, err)
			for _, row := range rows {
				seen = append(seen, row.ID)
			}
			if len(rows) < 3 {
				break
			}
			after = string(rows[2].ID)
		}
		if len(seen) != 7 || !slices.IsSortedFunc(seen, func(a, b ID) int { return k.get(a).DueAt.Compare(k.get(b).DueAt) }) {
			t.Errorf("pages give %v of %v", seen, all)
		}
		if rows, _ := k.Queue(k.ctx, eva, Filter{Mine: eva.Person}); len(rows) != 1 || rows[0].TakenBy != eva.Person {
			t.Errorf("taken: %+v", rows)
		}
		if rows, _ := k.Queue(k.ctx, rui, Filter{Mine: rui.Person}); len(rows) != 7 {
			t.Errorf("directed: %+v", rows)
		}
		if rows, _ := k.Queue(k.ctx, rui, Filter{States: []State{InReview}}); len(rows) != 1 {
			t.Errorf("in review: %+v", rows)
		}
	})
}

func TestElementsOpenOnlyWhatWasAskedAndTheClockStandsStill(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.drafted()
		must(t, k.attach(visitor(id), id, "proof", "a"))
		must(t, k.Submit(k.ctx, visitor(id), id))
		k.proves(id)
		must(t, k.Take(k.ctx, rui, id))
		first := k.get(id)
		for _, c := range []struct {
			items []Item
			key   string
		}{{nil, "items case.elements.none"}, {[]Item{{"nothing", "porque sim"}}, "items form.unknown-field"}, {[]Item{{"called", ""}}, "reason.called E-GER-01"}, {[]Item{{"called", "um"}, {"called", "dois"}}, "items form.unknown-field"}} {
			k.untouched(id, fault.Invalid, c.key, func() error { return k.AskElements(k.ctx, rui, id, c.items) })
		}
		k.clock.pass(aDay)
		must(t, k.AskElements(k.ctx, rui, id, []Item{{"called", "está incompleta"}, {"extra", "falta a ata"}}))
		asked := k.get(id)
		if asked.State != Waiting || asked.PausedAt != begin.Add(aDay) || asked.AnswerBy != asked.days().Add(k.d.Now(), 10) {
			t.Errorf("case is %+v", asked)
		}
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Approve(k.ctx, rui, id, first.Revision) })
		k.untouched(id, fault.Conflict, "case.elements-run", func() error { return k.Take(k.ctx, rui, id) })
		k.untouched(id, fault.Forbidden, "case.not-asked", func() error { return k.attach(visitor(id), id, "proof", "b") })
		must(t, k.attach(visitor(id), id, "extra", "c"))
		// What is not sent yet is the applicant's alone, and can be taken back; what was filed cannot.
		docs := k.documents(id)
		if r, err := k.Review(k.ctx, rui, id); err != nil || len(r.Documents) != 1 {
			t.Errorf("the officer sees %d documents, %v", len(r.Documents), err)
		}
		if _, _, err := k.Document(k.ctx, rui, id, docs[1].ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("the officer opens what was not sent: %v", err)
		}
		refused(t, k.Detach(k.ctx, visitor(id), id, docs[0].ID), fault.Conflict, "case.filed-already")
		must(t, k.Detach(k.ctx, visitor(id), id, docs[1].ID))
		answer := func(by actor.Actor) error {
			return k.Answer(k.ctx, by, id, portal.Answers{"called": {"Município de Exemplo, E.P."}, "who": {"Outra Pessoa Qualquer"}, "number": {"590000020"}}, "Segue.")
		}
		k.untouched(id, fault.Invalid, "extra E-FIC-01", func() error { return answer(visitor(id)) })
		must(t, k.attach(visitor(id), id, "extra", "d"))
		k.clock.pass(6 * aDay) // Tuesday to Monday: four working days
		k.untouched(id, fault.NotFound, "fault.not-found", func() error { return answer(actor.Nobody(office)) })
		must(t, answer(visitor(id)))
		c := k.get(id)
		if c.State != InReview || c.Answers.One("called") != "Município de Exemplo, E.P." || c.Answers.One("who") != "Ana Exemplo da Silva" || c.Answers.One("number") != "590000012" || c.Revision == first.Revision {
			t.Errorf("case is %+v", c)
		}
		if !c.PausedAt.IsZero() || !c.AnswerBy.IsZero() || c.DueAt != c.days().Add(first.DueAt, 4) {
			t.Errorf("the term ends at %s, was %s", c.DueAt, first.DueAt)
		}
		r, err := k.Review(k.ctx, rui, id)
		if must(t, err); len(r.Documents) != 2 || len(r.Asked()) != 0 || len(r.Requests) != 2 {
			t.Errorf("the officer sees %d documents, asked %v", len(r.Documents), r.Asked())
		}
		if rows, _ := k.Queue(k.ctx, rui, Filter{Search: "E.P."}); len(rows) != 1 {
			t.Error("not found by its new name")
		}
		if k.entries("case.ask-elements", id) != 1 || k.entries("case.answer", id) != 1 {
			t.Error("not on record")
		}
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return answer(visitor(id)) })
	})
}

func TestAnAnswerIsNotJudgedByTodayForWhatWasFiledThen(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.inReview(rui, "starts", "07/07/2026")
		must(t, k.AskElements(k.ctx, rui, id, []Item{{"called", "está incompleta"}}))
		k.clock.pass(3 * aDay) // the date that was to come is past
		must(t, k.Answer(k.ctx, visitor(id), id, portal.Answers{"called": {"Outra"}}, ""))
		must(t, k.AskElements(k.ctx, rui, id, []Item{{"starts", "não pode ser"}}))
		k.untouched(id, fault.Invalid, "starts E-DAT-02", func() error {
			err := k.Answer(k.ctx, visitor(id), id, portal.Answers{"starts": {"07/07/2026"}}, "")
			if e, ok := fault.As(err); ok && len(e.Fields) == 1 {
				e.Fields[0].Key = "E-DAT-02" // whichever the kind's own key is
			}
			return err
		})
	})
}

func TestAReviewGoesOnWithoutElementsOnceTheirTermIsOver(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.inReview(rui)
		must(t, k.AskElements(k.ctx, rui, id, []Item{{"extra", "falta a ata"}}))
		must(t, k.attach(visitor(id), id, "extra", "late"))
		k.clock.pass(k.get(id).AnswerBy.Sub(k.d.Now()))
		k.untouched(id, fault.Conflict, "case.elements-run", func() error { return k.Take(k.ctx, rui, id) })
		k.clock.pass(time.Second)
		must(t, k.Take(k.ctx, rui, id))
		c := k.get(id)
		if c.State != InReview || !c.PausedAt.IsZero() {
			t.Errorf("case is %+v", c)
		}
		must(t, k.Approve(k.ctx, rui, id, c.Revision))
	})
}

func TestElementsNeedNotSuspendTheTerm(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		k.portal.Rules.ElementsSuspend = false
		t.Cleanup(func() { k.portal.Rules.ElementsSuspend = true })
		id := k.inReview(rui)
		due := k.get(id).DueAt
		must(t, k.AskElements(k.ctx, rui, id, []Item{{"called", "está incompleta"}}))
		k.clock.pass(3 * aDay)
		must(t, k.Answer(k.ctx, visitor(id), id, portal.Answers{"called": {"Outra"}}, ""))
		if c := k.get(id); c.DueAt != due {
			t.Errorf("the term moved from %s to %s", due, c.DueAt)
		}
	})
}

func TestALockedFieldIsNotAskedForAndNotAnswered(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		id := k.filed(ana, "order", "text", "um")
		must(t, k.Take(k.ctx, rui, id))
		k.untouched(id, fault.Invalid, "items case.elements.locked", func() error { return k.AskElements(k.ctx, rui, id, []Item{{"who", "não é"}}) })
		must(t, k.AskElements(k.ctx, rui, id, []Item{{"text", "está curto"}}))
		k.deed(func(tx *db.Tx) error { // as if it had been asked for once
			return insertRequest(k.ctx, tx, k.get(id), Request{Field: "number", Reason: "de antes"})
		})
		must(t, k.Answer(k.ctx, ana, id, portal.Answers{"text": {"dois"}, "number": {"590000020"}, "who": {"Outra Pessoa"}}, ""))
		if c := k.get(id); c.Answers.One("number") != "590000012" || c.BodyNIPC != "590000012" || c.Answers.One("who") != "Ana Exemplo da Silva" || c.Answers.One("text") != "dois" {
			t.Errorf("answers are %v", c.Answers)
		}
	})
}

func TestAnOfficersOwnCaseIsRefusedWhicheverWayItIsTheirs(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		eva := k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		const civil = "00000000 0 ZZ4"
		evaApplicant := k.person(rui, "mail", "eva@exemplo.pt", "civil", civil, "number", "590000012")
		if evaApplicant.Person != eva.Person {
			t.Fatal("the applicant at an officer's proven address is another person")
		}
		k.deed(func(tx *db.Tx) error { // an address that she had once
			_, err := tx.Exec(k.ctx, `INSERT INTO person_address (portal, address_key, person, since) VALUES ($1, 'eva.antiga@exemplo.pt', $2, $3)`, office, string(eva.Person), tx.Stamp())
			return err
		})
		own := map[string]ID{
			"filed from her account":      k.filed(evaApplicant, "order", "text", "um"),
			"filed at her address":        k.proven("mail", "Eva@exemplo.pt"),
			"filed at one that she had":   k.proven("mail", "eva.antiga@exemplo.pt"),
			"filed with her civil number": k.proven("mail", "disfarce@exemplo.pt", "civil", civil),
		}
		ana := k.person(rui)
		own["somebody else's for her"] = k.filed(ana, "order", "text", "um", "subject", "eva@exemplo.pt")
		byPerson := k.filed(evaApplicant, "order", "text", "dois")
		k.deed(func(tx *db.Tx) error { // the person alone tells
			_, err := tx.Exec(k.ctx, `UPDATE casefile SET address_key = 'nenhum@exemplo.pt' WHERE id = $1`, string(byPerson))
			return err
		})
		own["filed by her"] = byPerson
		for name, id := range own {
			must(t, k.Take(k.ctx, rui, id))
			for verb, deed := range k.deedsOf(eva, id) {
				if verb == "review" || verb == "stand aside" {
					continue
				}
				t.Run(name+": "+verb, func(t *testing.T) { k.untouched(id, fault.Forbidden, "case.own", deed) })
			}
			if r, err := k.Review(k.ctx, eva, id); err != nil || !r.Mine {
				t.Errorf("%s: her own case does not say so: %v", name, err)
			}
			if c := k.get(id); c.Director == eva.Person {
				t.Errorf("%s: she directs it", name)
			}
			if n := k.count(`SELECT count(*) FROM delivery WHERE case_id = $1 AND kind = 'case.to-review'`, "case/"+string(id)); n != 1 {
				t.Errorf("%s: %d officers were told", name, n)
			}
			must(t, k.StandAside(k.ctx, eva, id, "É meu."))
		}
	})
}

func TestStandingAsideIsForGood(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		id := k.filed(ana, "order", "text", "um")
		must(t, k.Take(k.ctx, rui, id))
		must(t, k.Approve(k.ctx, rui, id, k.get(id).Revision))
		k.deed(func(tx *db.Tx) error {
			c, err := k.find(k.ctx, tx, id)
			must(t, err)
			c.Director = rui.Person
			return k.change(k.ctx, tx, c)
		})
		must(t, k.StandAside(k.ctx, rui, id, "É meu primo."))
		c := k.get(id)
		if c.State != Proven || c.TakenBy != "" || c.Director != eva.Person {
			t.Errorf("case is %+v", c)
		}
		k.untouched(id, fault.Forbidden, "case.stood-aside", func() error { return k.Take(k.ctx, rui, id) })
		k.untouched(id, fault.Conflict, "case.stood-aside", func() error { return k.StandAside(k.ctx, rui, id, "") })
		must(t, k.Take(k.ctx, eva, id))
		k.untouched(id, fault.Forbidden, "case.stood-aside", func() error { return k.Approve(k.ctx, rui, id, c.Revision) })
		r, err := k.Review(k.ctx, eva, id)
		if must(t, err); r.Missing != 2 {
			t.Errorf("%d approvals missing: the approval of who stood aside counts", r.Missing)
		}
		must(t, k.Approve(k.ctx, eva, id, c.Revision))
		if k.get(id).State != InReview || k.entries("case.stand-aside", id) != 1 {
			t.Error("approved by one, or not on record")
		}
	})
}

func TestWithdrawEndsACaseAtItsApplicantsWish(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		stages := map[string]ID{"submitted": k.submitted(), "proven": k.proven(), "in review": k.inReview(rui), "waiting": k.inReview(rui), "to be refused": k.inReview(rui)}
		must(t, k.AskElements(k.ctx, rui, stages["waiting"], []Item{{"called", "está incompleta"}}))
		must(t, k.IntendRefusal(k.ctx, rui, stages["to be refused"], k.get(stages["to be refused"]).Revision, ground))
		proof := k.secrets(link.Proof, string(stages["submitted"]))[0]
		for name, id := range stages {
			k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.Withdraw(k.ctx, actor.Nobody(office), id) })
			k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.Withdraw(k.ctx, rui, id) })
			must(t, k.Withdraw(k.ctx, visitor(id), id))
			c := k.get(id)
			if c.State != Withdrawn || c.DecidedAt.IsZero() || !c.PausedAt.IsZero() || k.entries("case.withdraw", id) != 1 || !slices.Contains(k.told(id), "case.withdrawn") {
				t.Errorf("%s: case is %+v, told %v", name, c, k.told(id))
			}
			for verb, deed := range k.deedsOf(rui, id) {
				if verb != "review" && verb != "note" {
					refused(t, deed(), fault.Conflict, "case.not-now")
				}
			}
			k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.Withdraw(k.ctx, visitor(id), id) })
		}
		if _, err := k.Prove(k.ctx, actor.Nobody(office), proof); !fault.Is(err, fault.Expired) {
			t.Errorf("proof of what was withdrawn: %v", err)
		}
	})
}

func TestOpenAndDocumentsAreForTheApplicantAndOfficersOfThePortal(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		fora := k.officerIn("two", "fora@exemplo.pt", actor.Director, actor.Decider)
		id, other := k.drafted(), k.proven("mail", "ze@exemplo.pt")
		must(t, k.attach(visitor(id), id, "proof", "a"))
		doc := k.documents(id)[0].ID
		if _, _, err := k.Document(k.ctx, rui, id, doc); !fault.Is(err, fault.NotFound) {
			t.Errorf("an officer opens a draft's: %v", err)
		}
		must(t, k.Submit(k.ctx, visitor(id), id))
		k.proves(id)
		for name, by := range map[string]actor.Actor{"an officer": rui, "the applicant": visitor(id)} {
			_, content, err := k.Document(k.ctx, by, id, doc)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			_ = content.Close()
		}
		elsewhere := visitor(id)
		elsewhere.Portal = "two"
		for name, by := range map[string]actor.Actor{"nobody": actor.Nobody(office), "another applicant": visitor(other), "the other portal": fora, "the same in the other": elsewhere} {
			if _, _, err := k.Document(k.ctx, by, id, doc); !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s opens the document: %v", name, err)
			}
			if _, err := k.Open(k.ctx, by, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s opens the case: %v", name, err)
			}
		}
		if _, _, err := k.Document(k.ctx, visitor(other), other, doc); !fault.Is(err, fault.NotFound) {
			t.Errorf("as of another case: %v", err)
		}
	})
}

func TestMineListsAPersonsOwnCases(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		id := k.filed(ana, "order", "text", "um")
		k.person(rui, "mail", "ze@exemplo.pt", "who", "Zé Outro Exemplo", "number", "590000020")
		cases, err := k.Mine(k.ctx, ana)
		if must(t, err); len(cases) != 2 || !slices.ContainsFunc(cases, func(c *Case) bool { return c.ID == id }) { // and the one that let her in
			t.Errorf("cases are %v", cases)
		}
		if _, err := k.Mine(k.ctx, rui); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
	})
}

func TestFindingsInformTheOfficer(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		k.person(rui, "mail", "primeira@exemplo.pt")
		k.proven("mail", "ana@exemplo.pt")
		for _, c := range []struct {
			id   ID
			want map[string]bool
		}{
			{k.proven("mail", "ana@exemplo.pt"), map[string]bool{"number-valid": false, "register-eligible": false, "body-has-account": true, "duplicate": true}},
			{k.proven("mail", "b@exemplo.pt", "number", "590000020"), map[string]bool{"number-valid": false, "register-conditional": true}},
			{k.proven("mail", "c@exemplo.pt", "number", "590000039"), map[string]bool{"number-valid": false, "register-none": true}},
		} {
			r, err := k.Review(k.ctx, rui, c.id)
			must(t, err)
			got := map[string]bool{}
			for _, f := range r.Findings {
				got[f.Key] = f.Bad
				if _, ok := i18n.Word("case.finding." + f.Key); !ok {
					t.Errorf("no words for %s", f.Key)
				}
			}
			for key, bad := range c.want {
				if is, found := got[key]; !found || is != bad {
					t.Errorf("%s: %v, want %v", key, got, c.want)
				}
			}
		}
	})
}

func TestWaitIsTheMiddleOfWhatWasLatelyDecided(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		for i, days := range []int{1, 2, 3, 4, 9} {
			id := k.inReview(rui, "mail", string(rune('a'+i))+"@exemplo.pt")
			if _, ok, _ := k.Wait(k.ctx, k.portal, "access"); ok {
				t.Errorf("said after %d", i)
			}
			k.clock.pass(calendar.Days{}.Add(k.d.Now(), days).Sub(k.d.Now()))
			must(t, k.Approve(k.ctx, rui, id, k.get(id).Revision))
		}
		days, ok, err := k.Wait(k.ctx, k.portal, "access")
		if must(t, err); !ok || days != 3 {
			t.Errorf("%d, %v", days, ok)
		}
		if _, ok, _ := k.Wait(k.ctx, k.portal, "question"); ok {
			t.Error("said of another procedure")
		}
		k.clock.pass(100 * aDay)
		if _, ok, _ := k.Wait(k.ctx, k.portal, "access"); ok {
			t.Error("said of what was long ago")
		}
	})
}
