package casefile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

const (
	partFacts = "A ata que juntou é de outra entidade, de 2019 (exemplo)."
	weighing  = "O que disse não altera a falta da ata, que continua por juntar."
)

// several files a request for three things, in review by an officer.
func (k *kit) several(by actor.Actor) ID {
	k.t.Helper()
	id, _, err := k.Begin(k.ctx, actor.Nobody(office), "several", i18n.PT)
	must(k.t, err)
	must(k.t, k.Save(k.ctx, visitor(id), id, portal.Answers{"who": {"Ana Exemplo da Silva"}, "mail": {"ana@exemplo.pt"}, "things": {"uma", "duas", "tres"}}))
	must(k.t, k.attach(visitor(id), id, "basis", "prova"))
	must(k.t, k.Submit(k.ctx, visitor(id), id))
	k.proves(id)
	must(k.t, k.Take(k.ctx, by, id))
	return id
}

func second() []Part { return []Part{{Key: "duas", Code: "R1", Words: partFacts}} }

func TestNoPartIsLeftOutWithoutItsHearing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		id := k.several(rui)
		revision := k.get(id).Revision
		k.untouched(id, fault.Conflict, "case.unheard", func() error { return k.ApproveInPart(k.ctx, rui, id, revision, second(), "") })
		must(t, k.IntendRefusalOf(k.ctx, rui, id, revision, second()))
		k.recorded("case.intend-refusal", id)
		if c := k.get(id); c.State != RefusalIntended || c.AnswerBy.IsZero() || c.PausedAt.IsZero() {
			t.Errorf("case is %+v", c)
		}
		k.untouched(id, fault.Conflict, "case.hearing-runs", func() error { return k.ApproveInPart(k.ctx, rui, id, revision, second(), "") })
		k.untouched(id, fault.Conflict, "case.hearing-runs", func() error { return k.IntendRefusalOf(k.ctx, rui, id, revision, second()) })
		k.clock.pass(16 * 24 * time.Hour)
		other := []Part{{Key: "uma", Code: "R1", Words: partFacts}}
		k.untouched(id, fault.Invalid, "case.parts.unheard", func() error { return k.ApproveInPart(k.ctx, rui, id, revision, other, "") })
		k.untouched(id, fault.Conflict, "case.heard-on-part", func() error {
			return k.Refuse(k.ctx, rui, id, revision, Ground{Codes: []string{"R1"}, Words: partFacts})
		})
		must(t, k.ApproveInPart(k.ctx, rui, id, revision, second(), ""))
		must(t, k.Approve(k.ctx, eva, id, revision)) // of the whole: it does not add up with that of a part
		if len(k.made.granted) != 0 || k.get(id).State != RefusalIntended {
			t.Fatal("an approval of a part and one of the whole were taken for two")
		}
		must(t, k.ApproveInPart(k.ctx, eva, id, revision, second(), ""))
		c := k.get(id)
		if c.State != Approved || !slices.Equal(c.LeftOut, []string{"duas"}) {
			t.Errorf("case is %s without %v", c.State, c.LeftOut)
		}
		if g := k.made.granted; len(g) != 1 || !slices.Equal(g[0].Answers["things"], []string{"uma", "tres"}) || len(g[0].Approvals) != 2 || g[0].Revision != revision {
			t.Errorf("granted %+v", g)
		}
		if !slices.Equal(c.Answers["things"], []string{"uma", "duas", "tres"}) {
			t.Error("what was asked is no longer on file")
		}
		k.recorded("case.approve", id)
		v, err := k.Open(k.ctx, visitor(id), id)
		must(t, err)
		last := v.Decisions[len(v.Decisions)-1]
		if parts := PartsOf(last); last.Verdict != decision.Approve || len(parts) != 1 || parts[0] != second()[0] {
			t.Errorf("the applicant reads %+v", last)
		}
		for _, event := range []string{"case.hearing", "case.approved-in-part"} {
			if !slices.Contains(k.told(id), event) {
				t.Errorf("nobody was told of %s", event)
			}
		}
		if slices.Contains(k.told(id), "case.approved") {
			t.Error("the applicant is told of an approval of the whole too")
		}
	})
}

func TestNoticesOfAPartSayWhatWasGrantedAndWhatWasNot(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		id := k.several(rui)
		must(t, k.IntendRefusalOf(k.ctx, rui, id, k.get(id).Revision, second()))
		must(t, k.Speak(k.ctx, visitor(id), id, "Discordo, pelas razões que aqui deixo."))
		for _, by := range []actor.Actor{rui, eva} {
			must(t, k.ApproveInPart(k.ctx, by, id, k.get(id).Revision, second(), weighing))
		}
		want := map[string][]string{
			"case.hearing":          {"quanto a: Segunda coisa", "R1. Falta um requisito (artigo 1.º)", partFacts},
			"case.approved-in-part": {"Primeira coisa; Terceira coisa Segunda coisa", "R1. Falta um requisito (artigo 1.º)", partFacts, weighing, "Pode reclamar.", "Despacho 1"},
		}
		for _, mail := range k.delivered(8) { // two invitations, proven, two to review, hearing, answered, approved in part
			for event, sentences := range want {
				if !strings.Contains(mail.Subject, event) {
					continue
				}
				delete(want, event)
				for _, sentence := range sentences {
					if !strings.Contains(strings.Join(strings.Fields(mail.Text), " "), sentence) {
						t.Errorf("%s does not say %q: %s", event, sentence, mail.Text)
					}
				}
			}
		}
		if len(want) > 0 {
			t.Errorf("not sent: %v", want)
		}
	})
}

func TestPartsAreSomeOfWhatIsAskedEachWithItsReason(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.several(rui)
		revision := k.get(id).Revision
		for key, parts := range map[string][]Part{
			"parts case.parts.none":        nil,
			"parts case.parts.all":         {{Key: "uma", Code: "R1", Words: partFacts}, {Key: "duas", Code: "R1", Words: partFacts}, {Key: "tres", Code: "R1", Words: partFacts}},
			"parts form.unknown-field":     {{Key: "quatro", Code: "R1", Words: partFacts}},
			"words.duas E-TXT-01":          {{Key: "duas", Code: "R1", Words: "Curto."}},
			"codes.duas E-LST-01":          {{Key: "duas", Code: "D1", Words: partFacts}},
			"words.duas decision.not-text": {{Key: "duas", Code: "R1", Words: partFacts + "\x00"}},
		} {
			k.untouched(id, fault.Invalid, key, func() error { return k.IntendRefusalOf(k.ctx, rui, id, revision, parts) })
		}
		k.untouched(id, fault.Conflict, "case.changed-meanwhile", func() error { return k.IntendRefusalOf(k.ctx, rui, id, "other", second()) })
		twice := append(second(), second()...)
		k.untouched(id, fault.Invalid, "form.unknown-field", func() error { return k.IntendRefusalOf(k.ctx, rui, id, revision, twice) })
		whole := k.inReview(rui, "mail", "ze@exemplo.pt", "number", "590000020")
		k.untouched(whole, fault.Invalid, "case.parts.all", func() error { return k.IntendRefusalOf(k.ctx, rui, whole, k.get(whole).Revision, second()) })
	})
}

func TestWhatWasSaidInAHearingOnAPartIsWeighed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		id := k.several(rui)
		must(t, k.IntendRefusalOf(k.ctx, rui, id, k.get(id).Revision, second()))
		must(t, k.Speak(k.ctx, visitor(id), id, "Discordo, pelas razões que aqui deixo."))
		revision := k.get(id).Revision
		k.untouched(id, fault.Invalid, "weighing case.weighing", func() error { return k.ApproveInPart(k.ctx, rui, id, revision, second(), "") })
		for _, by := range []actor.Actor{rui, eva} {
			must(t, k.ApproveInPart(k.ctx, by, id, revision, second(), weighing))
		}
		if e := k.decisions(id); e[len(e)-1].Weighing != weighing || k.get(id).State != Approved {
			t.Errorf("decided %+v", e)
		}
	})
}

// CPA 131.º, n.º 1: what is given up is not refused; the rest is asked by a revision of its own.
func TestGivingUpAPartLeavesNothingToRefuse(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director, actor.Decider)
		id := k.several(rui)
		before := k.get(id).Revision
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.GiveUp(k.ctx, visitor(id), id) })
		must(t, k.IntendRefusalOf(k.ctx, rui, id, before, second()))
		k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.GiveUp(k.ctx, actor.Nobody(office), id) })
		must(t, k.GiveUp(k.ctx, visitor(id), id))
		c := k.get(id)
		if c.State != Heard || c.Revision == before || !slices.Equal(c.Answers["things"], []string{"uma", "tres"}) || !c.PausedAt.IsZero() {
			t.Errorf("case is %+v", c)
		}
		if k.entries("case.give-up", id) != 1 {
			t.Error("giving up is not on record")
		}
		for _, by := range []actor.Actor{rui, eva} {
			must(t, k.Approve(k.ctx, by, id, c.Revision))
		}
		if c := k.get(id); c.State != Approved || len(c.LeftOut) != 0 || len(k.made.granted) != 1 {
			t.Errorf("case is %+v", c)
		}
	})
}

// Whoever was heard on a part only is heard again before all is refused.
func TestAHearingOnMoreBeginsAnew(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		id := k.several(rui)
		due := k.get(id).DueAt
		must(t, k.IntendRefusalOf(k.ctx, rui, id, k.get(id).Revision, second()))
		first := k.get(id).AnswerBy
		k.clock.pass(30 * 24 * time.Hour)
		g := Ground{Codes: []string{"R1"}, Words: partFacts}
		must(t, k.IntendRefusal(k.ctx, rui, id, k.get(id).Revision, g))
		c := k.get(id)
		if c.State != RefusalIntended || !c.AnswerBy.After(first) || !c.PausedAt.Equal(k.clock.time()) || c.DueAt != c.days().Add(due, 10) {
			t.Errorf("case is %+v", c)
		}
		k.untouched(id, fault.Conflict, "case.not-now", func() error { return k.GiveUp(k.ctx, visitor(id), id) })
		must(t, k.Speak(k.ctx, visitor(id), id, "Discordo de tudo isto."))
		g.Weighing = weighing
		must(t, k.Refuse(k.ctx, rui, id, k.get(id).Revision, g))
		if k.get(id).State != Refused {
			t.Error("not refused")
		}
	})
}
