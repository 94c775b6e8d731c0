package casefile

import (
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/link"
	"chancela/internal/portal"
)

func TestADraftKeepsWhatWasTypedAsItWasTyped(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id, ref, err := k.Begin(k.ctx, actor.Nobody(office), "access", i18n.PT)
		must(t, err)
		must(t, k.Save(k.ctx, visitor(id), id, portal.Answers{"who": {"  ana "}, "mail": {"not an address"}, "number": {"12"}}))
		must(t, k.Save(k.ctx, visitor(id), id, portal.Answers{"called": {"x\x00y"}}))
		v, err := k.Open(k.ctx, visitor(id), id)
		must(t, err)
		if v.Answers.One("who") != "  ana " || v.Answers.One("mail") != "not an address" || v.Answers.One("number") != "12" || v.Answers.One("called") != "x\x00y" {
			t.Errorf("answers are %q", v.Answers)
		}
		secret, err := k.Secret(k.ctx, ref)
		must(t, err)
		if opened, err := k.OpenDraft(k.ctx, office, secret); err != nil || opened != id {
			t.Errorf("the link opens %s, %v", opened, err)
		}
		if _, err := k.OpenDraft(k.ctx, "two", secret); !fault.Is(err, fault.NotFound) {
			t.Errorf("in the other portal: %v", err)
		}
		if k.entries("case.begin", id) != 1 || k.entries("case.save", id) != 2 {
			t.Error("not on record")
		}
	})
}

func TestSaveRefusesWhatTheFormDoesNotHave(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted()
		k.untouched(id, fault.Invalid, "form.unknown-field", func() error { return k.Save(k.ctx, visitor(id), id, portal.Answers{"approved": {"true"}}) })
		k.untouched(id, fault.Invalid, "form.too-much", func() error {
			return k.Save(k.ctx, visitor(id), id, portal.Answers{"called": {strings.Repeat("a", mostTyped)}})
		})
		other := visitor(id)
		other.Case = db.NewID()
		k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.Save(k.ctx, other, id, answered()) })
		other = visitor(id)
		other.Portal = "two"
		k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.Save(k.ctx, other, id, answered()) })
		must(t, k.Submit(k.ctx, visitor(id), id))
		k.untouched(id, fault.Conflict, "case.filed-already", func() error { return k.Save(k.ctx, visitor(id), id, answered()) })
	})
}

func TestTwoTabsThatSaveAtOnceBothDo(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted()
		for _, err := range atOnce(
			func() error { return k.Save(k.ctx, visitor(id), id, portal.Answers{"called": {"Um"}}) },
			func() error { return k.Save(k.ctx, visitor(id), id, portal.Answers{"phone": {"912345678"}}) },
		) {
			must(t, err)
		}
		if c := k.get(id); c.Answers.One("called") != "Um" || c.Answers.One("phone") != "912345678" {
			t.Errorf("answers are %q", c.Answers)
		}
	})
}

func TestBeginIsForThoseWhoMayFile(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		for name, c := range map[string]struct {
			by        actor.Actor
			procedure string
			want      fault.Kind
		}{
			"a visitor an order":       {actor.Nobody(office), "order", fault.Forbidden},
			"an officer an access":     {rui, "access", fault.Forbidden},
			"anybody what there isn't": {actor.Nobody(office), "nothing", fault.NotFound},
			"somebody nowhere":         {actor.Nobody("three"), "access", fault.NotFound},
		} {
			if _, _, err := k.Begin(k.ctx, c.by, c.procedure, i18n.PT); !fault.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		ana := k.person(rui)
		k.deed(func(tx *db.Tx) error {
			_, err := tx.Exec(k.ctx, `UPDATE power SET until_at = $1`, db.Time(k.d.Now()))
			return err
		})
		if _, _, err := k.Begin(k.ctx, ana, "order", i18n.PT); !fault.Is(err, fault.Forbidden) {
			t.Errorf("with a power that ended: %v", err)
		}
	})
}

func TestSensitiveAnswersAreLockedInTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		const civil, tax = "00000000 0 ZZ4", "123456789"
		id := k.submitted("civil", civil, "taxes.nif", tax)
		raw := k.text(`SELECT answers FROM casefile WHERE id = $1`, string(id))
		for _, canary := range []string{civil, "00000000", tax} { // none so short that random base64 spells it
			if strings.Contains(raw, canary) {
				t.Errorf("%s stands in the database: %s", canary, raw)
			}
		}
		if !strings.Contains(raw, "Ana Exemplo") {
			t.Error("the canary's row is not the right one")
		}
		c := k.get(id)
		if c.Answers.One("taxes.nif") != tax || c.Answers.One("civil") == "" || c.civilMark == "" {
			t.Errorf("answers are %q", c.Answers)
		}
	})
}

func TestAMailToGoOnWithADraftLeavesOnceAnAddress(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted("mail", "errado@exemplo.pt")
		must(t, k.Save(k.ctx, visitor(id), id, portal.Answers{"called": {"Outro"}}))
		k.clock.pass(time.Second)
		must(t, k.Save(k.ctx, visitor(id), id, portal.Answers{"mail": {"ana@exemplo.pt"}}))
		mails := k.delivered(2)
		if !strings.Contains(mails[0].To, "errado@exemplo.pt") || !strings.Contains(mails[1].To, "ana@exemplo.pt") {
			t.Errorf("mails to %s, %s", mails[0].To, mails[1].To)
		}
		secret := within(mails[0].Text, "https://portal.exemplo.pt/one/rascunho/")
		if opened, err := k.OpenDraft(k.ctx, office, secret); err != nil || opened != id {
			t.Errorf("the link in the mail opens %q, %v", opened, err)
		}
		must(t, k.Submit(k.ctx, visitor(id), id))
		if _, err := k.OpenDraft(k.ctx, office, secret); !fault.Is(err, fault.Expired) {
			t.Errorf("the link in the wrong mailbox still opens the case: %v", err)
		}
		if opened, err := k.OpenDraft(k.ctx, office, within(mails[1].Text, "https://portal.exemplo.pt/one/rascunho/")); err != nil || opened != id {
			t.Errorf("the link in the right one opens %q, %v", opened, err)
		}
	})
}

// within gives the secret behind an address in a text.
func within(text, prefix string) string {
	_, after, _ := strings.Cut(text, prefix)
	end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > 'z' })
	if end < 0 {
		return after
	}
	return after[:end]
}

func TestARudeNameGreetsNobodyBeforeItIsJudged(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted("who", "Ganhou um prémio! https://mau.exemplo/{link}")
		if mail := k.delivered(1)[0]; strings.Contains(mail.Text, "prémio") || strings.Contains(mail.Text, "mau.exemplo") {
			t.Errorf("the mail says: %s", mail.Text)
		}
		if k.get(id).Applicant != "" {
			t.Error("taken as a name")
		}
	})
}

func TestCancelErasesADraftAndItsDocumentsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted()
		must(t, k.attach(visitor(id), id, "proof", "a"))
		links := k.secrets(link.Draft, string(id))
		must(t, k.Cancel(k.ctx, visitor(id), id))
		for _, table := range []string{"casefile", "case_event", "case_term", "evidence", "delivery"} {
			if n := k.count("SELECT count(*) FROM " + table); n != 0 {
				t.Errorf("%s keeps %d rows", table, n)
			}
		}
		for _, secret := range links {
			if _, err := k.OpenDraft(k.ctx, office, secret); !fault.Is(err, fault.Expired) {
				t.Errorf("a link of it: %v", err)
			}
		}
		if k.entries("case.cancel", id) != 1 {
			t.Error("not on record")
		}
		filed := k.submitted()
		k.untouched(filed, fault.Conflict, "case.filed-already", func() error { return k.Cancel(k.ctx, visitor(filed), filed) })
	})
}

func TestAttachAndDetachAreForDraftsOfOnesOwn(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted()
		must(t, k.attach(visitor(id), id, "proof", "a"))
		must(t, k.attach(visitor(id), id, "proof", "b"))
		k.untouched(id, fault.Invalid, "E-FIC-08", func() error { return k.attach(visitor(id), id, "proof", "c") })
		k.untouched(id, fault.Invalid, "form.unknown-field", func() error { return k.attach(visitor(id), id, "who", "c") })
		k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.attach(visitor(ID(db.NewID())), id, "proof", "c") })
		doc := k.documents(id)[0]
		refused(t, k.Detach(k.ctx, visitor(ID(db.NewID())), id, doc.ID), fault.NotFound, "fault.not-found")
		must(t, k.Detach(k.ctx, visitor(id), id, doc.ID))
		must(t, k.Submit(k.ctx, visitor(id), id))
		refused(t, k.attach(visitor(id), id, "proof", "d"), fault.Conflict, "case.filed-already")
		refused(t, k.Detach(k.ctx, visitor(id), id, k.documents(id)[0].ID), fault.Conflict, "case.filed-already")
		if len(k.documents(id)) != 1 {
			t.Errorf("%d documents", len(k.documents(id)))
		}
	})
}

func TestTidyWarnsAndErasesDrafts(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted()
		must(t, k.attach(visitor(id), id, "proof", "a"))
		tidy := func() { must(t, k.Tidy(k.ctx, actor.Machine(""))) }
		k.clock.pass(22 * aDay)
		tidy()
		if events := k.told(id); len(events) != 1 {
			t.Errorf("told %v too early", events)
		}
		k.clock.pass(aDay)
		tidy()
		tidy()
		if events := strings.Join(k.told(id), " "); events != "draft.lapsing draft.saved" {
			t.Errorf("told %s", events)
		}
		must(t, k.Save(k.ctx, visitor(id), id, portal.Answers{"called": {"Voltei"}})) // its days begin anew, the warning too
		k.clock.pass(23 * aDay)
		tidy()
		if n := len(k.told(id)); n != 3 {
			t.Errorf("%d mails; expected another warning", n)
		}
		k.clock.pass(7*aDay - time.Second)
		tidy()
		k.get(id)
		k.clock.pass(time.Second)
		tidy()
		if n := k.count(`SELECT (SELECT count(*) FROM casefile) + (SELECT count(*) FROM evidence) + (SELECT count(*) FROM delivery)`); n != 0 {
			t.Errorf("%d rows stay", n)
		}
		if k.entries("case.warn", id) != 2 || k.entries("case.lapse", id) != 1 {
			t.Error("not on record")
		}
	})
}

func TestNothingLapsesUnwarnedThoughTheProgramWasDown(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		draft, filed := k.drafted(), k.submitted("mail", "rui@exemplo.pt")
		k.clock.pass(40 * aDay)
		must(t, k.Tidy(k.ctx, actor.Machine("")))
		if k.get(draft).State != Draft || k.get(filed).State != Submitted {
			t.Fatal("ended without a warning")
		}
		if events := strings.Join(k.told(filed), " "); events != "case.submitted draft.lapsing draft.saved" {
			t.Errorf("told %s; expected one mail, not all that are late", events)
		}
		k.clock.pass(7*aDay - time.Second)
		must(t, k.Tidy(k.ctx, actor.Machine("")))
		k.proves(filed) // the link of the warning works to the end
		k.clock.pass(time.Second)
		must(t, k.Tidy(k.ctx, actor.Machine("")))
		if k.count(`SELECT count(*) FROM casefile WHERE id = $1`, string(draft)) != 0 || k.get(filed).State != Proven {
			t.Error("the draft stays, or the proven case does not")
		}
	})
}

func TestTidyRemindsAndErasesUnprovenSubmissionsButTheirNumbers(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.submitted("civil", "00000000 0 ZZ4")
		number := k.get(id).Number
		for _, c := range []struct {
			pass time.Duration
			told int
		}{{2 * aDay, 2}, {aDay, 3}, {6 * aDay, 3}, {aDay, 4}, {13 * aDay, 5}, {6 * aDay, 5}} {
			k.clock.pass(c.pass)
			for range 2 {
				must(t, k.Tidy(k.ctx, actor.Machine("")))
			}
			if events := k.told(id); len(events) != c.told {
				t.Errorf("after %s more: %v; expected %d", c.pass, events, c.told)
			}
		}
		secret := k.secrets(link.Proof, string(id))[0]
		k.clock.pass(aDay)
		must(t, k.Tidy(k.ctx, actor.Machine("")))
		c := k.get(id)
		if c.State != Lapsed || c.Number != number || c.Applicant != "" || c.Address != "" || c.addressKey != "" || c.civilMark != "" || c.BodyNIPC != "" || len(c.Answers) != 0 || c.Revision != "" {
			t.Errorf("left: %+v", c)
		}
		if n := k.count(`SELECT (SELECT count(*) FROM case_term) + (SELECT count(*) FROM delivery)`); n != 0 {
			t.Errorf("%d terms and messages stay", n)
		}
		if _, err := k.Prove(k.ctx, actor.Nobody(office), secret); !fault.Is(err, fault.Expired) {
			t.Errorf("proof afterwards: %v", err)
		}
		next := k.submitted()
		if k.get(next).Number == number {
			t.Error("the number was given twice")
		}
	})
}

func TestTidyAtOnceRemindsOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.submitted()
		k.clock.pass(3 * aDay)
		tidy := func() error { return k.Tidy(k.ctx, actor.Machine("")) }
		for _, err := range atOnce(tidy, tidy, tidy) {
			must(t, err)
		}
		if events := k.told(id); len(events) != 3 {
			t.Errorf("told %v", events)
		}
	})
}

func TestTidyIsTheProgramsOwn(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Administrator)
		for _, by := range []actor.Actor{rui, actor.Nobody(office)} {
			refused(t, k.Tidy(k.ctx, by), fault.Forbidden, "fault.forbidden")
		}
		id := k.submitted()
		k.clock.pass(3 * aDay)
		must(t, k.Tidy(k.ctx, actor.Machine("two"))) // the other portal's
		if events := k.told(id); len(events) != 2 {
			t.Errorf("told %v", events)
		}
	})
}

func TestBeginningEndsAfterEnoughFromOneNetwork(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		by := actor.Nobody(office)
		by.Address = "192.0.2.0/24"
		begin := func() error {
			_, _, err := k.Begin(k.ctx, by, "access", i18n.PT)
			return err
		}
		for range beginsFromHere.Limit {
			must(t, begin())
		}
		before := k.count(`SELECT count(*) FROM casefile`)
		refused(t, begin(), fault.Throttled, "throttle.wait")
		if k.count(`SELECT count(*) FROM casefile`) != before {
			t.Error("what was refused began a case")
		}
		by.Address = "198.51.100.0/24"
		must(t, begin())
	})
}
