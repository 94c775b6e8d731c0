package casefile

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/link"
	"chancela/internal/notify"
	"chancela/internal/portal"
)

func TestSubmitFilesTheDraftAndAsksForProof(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted("lang", "en")
		must(t, k.attach(visitor(id), id, "proof", "a"))
		must(t, k.Submit(k.ctx, visitor(id), id))
		c := k.get(id)
		if c.State != Submitted || c.Number != "ONE/2026/000001" || len(c.Revision) != 64 || c.FiledAt != begin || c.Applicant != "Ana Exemplo da Silva" || c.BodyNIPC != "590000012" || c.Lang != i18n.EN {
			t.Errorf("case is %+v", c)
		}
		if k.entries("case.submit", id) != 1 {
			t.Error("not on record")
		}
		mails := k.delivered(2)
		at := slices.IndexFunc(mails, func(m notify.Received) bool { return strings.Contains(m.Subject, "case.submitted") })
		if at < 0 || mails[at].Subject != "EN case.submitted ONE/2026/000001" || !strings.Contains(mails[at].To, "ana@exemplo.pt") || !strings.HasPrefix(mails[at].Text, "Dear Ana Exemplo da Silva,") {
			t.Fatalf("mails: %+v", mails)
		}
		secret := within(mails[at].Text, "https://portal.exemplo.pt/one/confirmar/")
		if looked, err := k.PeekProof(k.ctx, office, secret); err != nil || looked != id || k.get(id).State != Submitted {
			t.Errorf("looking at the link: %s, %v", looked, err)
		}
		if proven, err := k.Prove(k.ctx, actor.Nobody(office), secret); err != nil || proven != id {
			t.Errorf("proving by it: %s, %v", proven, err)
		}
	})
}

func TestSubmitTellsEveryProblemAndWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted("who", "Ana", "number", "501192295", "called", "")
		before := k.snapshot(id)
		err := k.Submit(k.ctx, visitor(id), id)
		e, ok := fault.As(err)
		if !ok || e.Kind != fault.Invalid || len(e.Fields) != 3 {
			t.Errorf("got %v", err)
		}
		if k.snapshot(id) != before || k.get(id).Answers.One("number") != "501192295" {
			t.Error("something was written, or what was typed is lost")
		}
		other := visitor(id)
		other.Portal = "two"
		k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.Submit(k.ctx, other, id) })
		k.untouched(id, fault.NotFound, "fault.not-found", func() error { return k.Submit(k.ctx, actor.Nobody(office), id) })
		must(t, k.Save(k.ctx, visitor(id), id, answered()))
		must(t, k.Submit(k.ctx, visitor(id), id))
		k.untouched(id, fault.Conflict, "case.filed-already", func() error { return k.Submit(k.ctx, visitor(id), id) })
	})
}

func TestOfTwoSubmitsAtOnceOneFiles(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted()
		submit := func() error { return k.Submit(k.ctx, visitor(id), id) }
		oneWon(t, atOnce(submit, submit, submit, submit))
		if n := k.count(`SELECT count(*) FROM case_event WHERE case_id = $1 AND kind = 'filed'`, string(id)); n != 1 {
			t.Errorf("filed %d times", n)
		}
	})
}

func TestNumbersHaveNoHolesWhenManyFileAtOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		var deeds []func() error
		var ids []ID
		for range 8 {
			id := k.drafted()
			ids = append(ids, id)
			deeds = append(deeds, func() error { return k.Submit(k.ctx, visitor(id), id) })
		}
		for _, err := range atOnce(deeds...) {
			must(t, err)
		}
		var numbers []string
		for _, id := range ids {
			numbers = append(numbers, k.get(id).Number)
		}
		slices.Sort(numbers)
		if numbers[0] != "ONE/2026/000001" || numbers[7] != "ONE/2026/000008" || len(slices.Compact(numbers)) != 8 {
			t.Errorf("numbers are %v", numbers)
		}
	})
}

func TestNobodyFloodsAMailboxWithSubmissions(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		var last ID
		for range mailsTo.Limit {
			last = k.drafted()
			if err := k.Submit(k.ctx, visitor(last), last); err != nil {
				break
			}
		}
		id := k.drafted()
		k.untouched(id, fault.Throttled, "throttle.wait", func() error { return k.Submit(k.ctx, visitor(id), id) })
		if n := k.count(`SELECT count(*) FROM delivery`); int64(n) != mailsTo.Limit {
			t.Errorf("%d mails to one address", n)
		}
		k.clock.pass(time.Hour)
		must(t, k.Submit(k.ctx, visitor(id), id))
	})
}

func TestProvePutsTheCaseInTheQueueAndTellsEverybody(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Director)
		k.officer("aud@exemplo.pt", actor.Auditor)
		k.officerIn("two", "fora@exemplo.pt", actor.Director)
		first, second := k.proven(), k.proven()
		one, two := k.get(first), k.get(second)
		if one.State != Proven || one.ProvenAt != begin || one.DueAt != one.days().Add(begin, 60) {
			t.Errorf("case is %+v", one)
		}
		directors := []actor.PersonID{one.Director, two.Director}
		if !slices.Contains(directors, rui.Person) || !slices.Contains(directors, eva.Person) {
			t.Error("one officer directs both")
		}
		if events := strings.Join(k.told(first), " "); events != "case.proven case.submitted case.to-review case.to-review draft.saved" {
			t.Errorf("told %s", events)
		}
		if k.entries("case.prove", first) != 1 {
			t.Error("not on record")
		}
		var proven, review int
		for _, mail := range k.delivered(4 + 8) { // four invitations, four mails a case: its proof link is used by now, and no dead link is mailed
			switch {
			case strings.HasPrefix(mail.Subject, "PT case.proven"):
				proven++
				secret := within(mail.Text, "https://portal.exemplo.pt/one/acompanhar/")
				if opened, err := k.OpenFollow(k.ctx, office, secret); err != nil || opened != first && opened != second {
					t.Errorf("the link to follow opens %q, %v", opened, err)
				}
				for _, must := range []string{"60 dias úteis", "O silêncio nada decide.", "direção, direcao@exemplo.pt"} {
					if !strings.Contains(mail.Text, must) {
						t.Errorf("%q is not in %s", must, mail.Text)
					}
				}
			case strings.HasPrefix(mail.Subject, "PT case.to-review"):
				review++
				if !strings.Contains(mail.Text, "https://portal.exemplo.pt/one/tecnico/processos/") || strings.Contains(mail.To, "aud@") || strings.Contains(mail.To, "fora@") {
					t.Errorf("to %s: %s", mail.To, mail.Text)
				}
			}
		}
		if proven != 2 || review != 4 {
			t.Errorf("%d mails of proof, %d to officers", proven, review)
		}
	})
}

func TestProveIsDoneOnceByTheRightLink(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.submitted()
		secret := k.secrets(link.Proof, string(id))[0]
		k.untouched(id, fault.NotFound, "link.unknown", func() error { _, err := k.Prove(k.ctx, actor.Nobody("two"), secret); return err })
		draft := k.secrets(link.Draft, string(id))[0]
		k.untouched(id, fault.NotFound, "link.unknown", func() error { _, err := k.Prove(k.ctx, actor.Nobody(office), draft); return err })
		prove := func() error { _, err := k.Prove(k.ctx, actor.Nobody(office), secret); return err }
		won := 0
		for _, err := range atOnce(prove, prove, prove) {
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Expired) && !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("proven %d times", won)
		}
		k.untouched(id, fault.Expired, "link.expired", prove)
	})
}

func TestAProofLinkLastsTenWorkingDays(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.submitted()
		secret := k.secrets(link.Proof, string(id))[0]
		k.clock.pass(14*aDay + 13*time.Hour + 59*time.Minute) // Monday 10 h in Lisbon to Monday two weeks on, a minute to the end of the day
		if _, err := k.PeekProof(k.ctx, office, secret); err != nil {
			t.Errorf("in its last minute: %v", err)
		}
		k.clock.pass(time.Minute)
		k.untouched(id, fault.Expired, "link.expired", func() error { _, err := k.Prove(k.ctx, actor.Nobody(office), secret); return err })
	})
}

func TestCorrectMendsTheAddressAndTheOldLinkDies(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.submitted("mail", "errado@exemplo.pt")
		old, draft, revision := k.secrets(link.Proof, string(id))[0], k.secrets(link.Draft, string(id)+"."), k.get(id).Revision
		k.untouched(id, fault.Invalid, "mail E-EML-01", func() error { return k.Correct(k.ctx, visitor(id), id, portal.Answers{"mail": {"a@"}}) })
		k.untouched(id, fault.NotFound, "fault.not-found", func() error {
			return k.Correct(k.ctx, actor.Nobody(office), id, portal.Answers{"mail": {"b@exemplo.pt"}})
		})
		must(t, k.Correct(k.ctx, visitor(id), id, portal.Answers{"mail": {"ana@exemplo.pt"}, "phone": {"912345678"}, "called": {"Outra Entidade"}}))
		c := k.get(id)
		if c.Address != "ana@exemplo.pt" || c.Answers.One("phone") != "+351912345678" || c.Answers.One("called") != "Município de Exemplo" || c.Revision == revision {
			t.Errorf("case is %+v", c)
		}
		k.untouched(id, fault.Expired, "link.expired", func() error { _, err := k.Prove(k.ctx, actor.Nobody(office), old); return err })
		for _, secret := range draft {
			if _, err := k.OpenDraft(k.ctx, office, secret); !fault.Is(err, fault.Expired) {
				t.Errorf("the draft's link in the wrong mailbox: %v", err)
			}
		}
		if k.entries("case.correct", id) != 1 {
			t.Error("not on record")
		}
		k.proves(id)
		k.untouched(id, fault.Conflict, "case.not-now", func() error {
			return k.Correct(k.ctx, visitor(id), id, portal.Answers{"mail": {"b@exemplo.pt"}})
		})
	})
}

func TestCorrectionsThatAreRefusedTakeNoneOfTheMails(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.submitted()
		for range 20 {
			refused(t, k.Correct(k.ctx, visitor(id), id, portal.Answers{"mail": {"a@"}}), fault.Invalid, "mail E-EML-01")
		}
		sent := 0
		for i := range 20 {
			err := k.Correct(k.ctx, visitor(id), id, portal.Answers{"mail": {"ana" + strings.Repeat("a", i) + "@exemplo.pt"}})
			if err == nil {
				sent++
			} else if !fault.Is(err, fault.Throttled) {
				t.Fatal(err)
			}
		}
		if int64(sent) != mailsOfCase.Limit-1 { // the draft's own mail was one
			t.Errorf("%d corrections were mailed within the hour", sent)
		}
	})
}

func TestResendAnswersAlikeWhateverIsTyped(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		unproven, proven, draft := k.submitted(), k.proven("mail", "rui@exemplo.pt"), k.drafted("mail", "eva@exemplo.pt")
		before := k.count(`SELECT count(*) FROM delivery`)
		for _, c := range [][2]string{
			{"ONE/2026/000001", "rui@exemplo.pt"}, {"ONE/2026/999999", "ana@exemplo.pt"}, {"", "eva@exemplo.pt"}, {"TWO/2026/000001", "ana@exemplo.pt"},
			{"ONE/2026/000001\x00", "ana@exemplo.pt"}, {strings.Repeat("9", 100), "ana@exemplo.pt"}, {"ONE/2026/000001", "not an address"}, {"%", "ana@exemplo.pt"},
		} {
			must(t, k.Resend(k.ctx, actor.Nobody(office), c[0], c[1]))
		}
		must(t, k.Resend(k.ctx, actor.Nobody("two"), "ONE/2026/000001", "ana@exemplo.pt"))
		if n := k.count(`SELECT count(*) FROM delivery`); n != before {
			t.Errorf("%d mails left for what does not match", n-before)
		}
		old := k.secrets(link.Proof, string(unproven))[0]
		k.clock.pass(time.Second)
		must(t, k.Resend(k.ctx, actor.Nobody(office), " one/2026/000001 ", "ANA@exemplo.pt"))
		must(t, k.Resend(k.ctx, actor.Nobody(office), "ONE/2026/000002", "rui@exemplo.pt"))
		if events := strings.Join(k.told(unproven), " "); events != "case.submitted case.unproven draft.saved" {
			t.Errorf("told %s", events)
		}
		if events := strings.Join(k.told(proven), " "); events != "case.follow case.proven case.submitted draft.saved" {
			t.Errorf("told %s", events)
		}
		if _, err := k.PeekProof(k.ctx, office, old); !fault.Is(err, fault.Expired) {
			t.Errorf("the link before: %v", err)
		}
		follow := k.secrets(link.Follow, string(proven))
		if opened, err := k.OpenFollow(k.ctx, office, follow[len(follow)-1]); err != nil || opened != proven {
			t.Errorf("the link opens %s, %v", opened, err)
		}
		k.clock.pass(FollowFor)
		if _, err := k.OpenFollow(k.ctx, office, follow[len(follow)-1]); !fault.Is(err, fault.Expired) {
			t.Errorf("after an hour: %v", err)
		}
		if k.entries("case.resend", unproven) != 1 || k.entries("case.resend", draft) != 0 {
			t.Error("not on record")
		}
	})
}

func TestResendEndsAfterEnoughTriesFromOneNetwork(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.submitted()
		by := actor.Nobody(office)
		by.Address = "192.0.2.0/24"
		for range asksFromHere.Limit {
			must(t, k.Resend(k.ctx, by, "ONE/2026/000777", "ana@exemplo.pt"))
		}
		refused(t, k.Resend(k.ctx, by, "ONE/2026/000001", "ana@exemplo.pt"), fault.Throttled, "throttle.wait")
		elsewhere := by
		elsewhere.Address = "198.51.100.0/24"
		before := k.count(`SELECT count(*) FROM delivery`)
		for range 10 {
			must(t, k.Resend(k.ctx, elsewhere, "ONE/2026/000001", "ana@exemplo.pt"))
		}
		if n := k.count(`SELECT count(*) FROM delivery`) - before; int64(n) > mailsOfCase.Limit {
			t.Errorf("%d mails about one case within the hour", n)
		}
	})
}

func TestASignedInPersonsLockedAnswersAreWhatIsKnown(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		ana := k.person(k.officer("rui@exemplo.pt", actor.Director, actor.Decider))
		id, _, err := k.Begin(k.ctx, ana, "order", i18n.PT)
		must(t, err)
		must(t, k.Save(k.ctx, ana, id, portal.Answers{"who": {"Outra Pessoa"}, "number": {"590000020"}, "text": {"um"}}))
		k.deed(func(tx *db.Tx) error { // known of her by now
			_, err := tx.Exec(k.ctx, `UPDATE person SET name = 'Ana Exemplo Casada'`)
			return err
		})
		must(t, k.Submit(k.ctx, ana, id))
		c := k.get(id)
		if c.Answers.One("who") != "Ana Exemplo Casada" || c.Answers.One("number") != "590000012" || c.BodyNIPC != "590000012" {
			t.Errorf("answers are %v of %s", c.Answers, c.BodyNIPC)
		}
		if c.State != Proven || c.Person != ana.Person || c.Account != ana.Account {
			t.Errorf("case is %+v", c)
		}
		if events := strings.Join(k.told(id), " "); !strings.Contains(events, "case.proven") || strings.Contains(events, "case.submitted") {
			t.Errorf("told %s", events)
		}
	})
}

func TestNobodyFilesForAnotherBodyThanTheirPowers(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		ana := k.person(k.officer("rui@exemplo.pt", actor.Director, actor.Decider))
		id, _, err := k.Begin(k.ctx, ana, "order", i18n.PT)
		must(t, err)
		must(t, k.Save(k.ctx, ana, id, portal.Answers{"again": {"590000020"}, "text": {"um"}}))
		k.untouched(id, fault.Invalid, "again case.other-body", func() error { return k.Submit(k.ctx, ana, id) })
		must(t, k.Save(k.ctx, ana, id, portal.Answers{"again": {"590000012"}}))
		k.deed(func(tx *db.Tx) error { // her power is now for another body: the draft was for the first
			_, err := tx.Exec(k.ctx, `UPDATE power SET body_nipc = '590000020'`)
			return err
		})
		k.untouched(id, fault.Forbidden, "case.no-power", func() error { return k.Submit(k.ctx, ana, id) })
		k.deed(func(tx *db.Tx) error {
			_, err := tx.Exec(k.ctx, `UPDATE power SET body_nipc = '590000012', until_at = $1`, db.Time(k.d.Now()))
			return err
		})
		k.untouched(id, fault.Forbidden, "case.no-power", func() error { return k.Submit(k.ctx, ana, id) })
		weak := ana
		weak.Strength = actor.ByLink
		k.untouched(id, fault.Forbidden, "case.no-power", func() error { return k.Submit(k.ctx, ana, id) })
		if err := k.Submit(k.ctx, weak, id); err == nil {
			t.Error("filed with a link alone")
		}
	})
}

func TestOneLiveCaseAYearAndBody(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		drafts := make([]ID, 3)
		var deeds []func() error
		for i := range drafts {
			id, _, err := k.Begin(k.ctx, ana, "yearly", i18n.PT)
			must(t, err)
			must(t, k.Save(k.ctx, ana, id, portal.Answers{"year": {"2025"}}))
			drafts[i], deeds = id, append(deeds, func() error { return k.Submit(k.ctx, ana, id) })
		}
		won := -1
		for i, err := range atOnce(deeds...) {
			if err == nil && won < 0 {
				won = i
			} else {
				refused(t, err, fault.Invalid, "year E-EXE-02")
			}
		}
		if won < 0 {
			t.Fatal("none was filed")
		}
		other := drafts[(won+1)%3]
		k.untouched(other, fault.Invalid, "year E-EXE-02", func() error { return k.Submit(k.ctx, ana, other) })
		must(t, k.Save(k.ctx, ana, other, portal.Answers{"year": {"2024"}}))
		must(t, k.Submit(k.ctx, ana, other))
		must(t, k.Withdraw(k.ctx, ana, drafts[won]))
		again := drafts[(won+2)%3]
		must(t, k.Submit(k.ctx, ana, again)) // what was withdrawn is in nobody's way
	})
}

func TestFollowSecretIsForThePortalsOwnCases(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.proven()
		secret, err := k.FollowSecret(k.ctx, office, id)
		must(t, err)
		if opened, err := k.OpenFollow(k.ctx, office, secret); err != nil || opened != id {
			t.Errorf("opens %s, %v", opened, err)
		}
		for _, in := range []string{"two", ""} {
			if _, err := k.FollowSecret(k.ctx, in, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("in %q: %v", in, err)
			}
		}
		if _, err := k.FollowSecret(k.ctx, office, "no such case\x00"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

func TestARevisionSaysEverythingThatWasFiled(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.drafted("civil", "00000000 0 ZZ4")
		must(t, k.attach(visitor(id), id, "proof", "a"))
		must(t, k.Submit(k.ctx, visitor(id), id))
		c, docs := k.get(id), k.documents(id)
		if k.revision(c, docs) != c.Revision {
			t.Error("it cannot be worked out again")
		}
		seen := map[string]bool{c.Revision: true}
		for name, change := range map[string]func(){
			"an answer":    func() { c.Answers["called"] = []string{"Outra"} },
			"a sensitive":  func() { c.Answers["civil"] = []string{"000000000ZZ5"} },
			"one more":     func() { c.Answers["phone"] = []string{"+351912345678"} },
			"a document":   func() { docs[0].Digest = strings.Repeat("0", 64) },
			"its slot":     func() { docs[0].Slot = "extra" },
			"the number":   func() { c.Number += "9" },
			"no documents": func() { docs = nil },
		} {
			change()
			digest := k.revision(c, docs)
			if seen[digest] || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(digest) {
				t.Errorf("%s changes nothing", name)
			}
			seen[digest] = true
			if name == "no documents" {
				docs = k.documents(id)
			}
		}
	})
}

func TestACaseKeepsTheVersionItWasFiledUnder(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		id := k.submitted()
		now, _ := k.portal.Procedure("access")
		old := *now
		now.Version = strings.Repeat("f", 64) // the definitions were changed since
		t.Cleanup(func() { now.Version = old.Version })
		if c := k.get(id); c.Procedure.Version != old.Version || len(c.Procedure.Fields()) != len(old.Fields()) {
			t.Errorf("is in version %s", c.Procedure.Version)
		}
		k.proves(id)
	})
}
