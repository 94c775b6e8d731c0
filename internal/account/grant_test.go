package account

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/link"
	"chancela/internal/portal"
)

func TestGrantInvitesThePersonWithTheirPowers(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking()))
		one := k.at("ana@exemplo.pt", Applicant)
		if one.State != Invited || one.Name != "Ana Maria Exemplo da Silva" || one.Mobile != "+351912345678" || one.ProvenAt.IsZero() {
			t.Errorf("account is %+v", one)
		}
		known := k.known(one)
		powers := known.BodiesFor(k.p, "order", k.clock.time())
		if len(powers) != 1 || powers[0].BodyNIPC != "590000012" || powers[0].Position != "Técnica superior" {
			t.Errorf("powers are %+v", powers)
		}
		if len(known.BodiesFor(k.p, "site", k.clock.time())) > 0 {
			t.Error("holds a power that was not asked for")
		}
		mails := k.post.of(portal.AccountInvited)
		if len(mails) != 1 || mails[0].Link.Kind != link.Invitation || mails[0].To.Address != "ana@exemplo.pt" || !strings.HasPrefix(mails[0].Values["purposes"], "Pedidos") {
			t.Fatalf("letters: %+v", mails)
		}
		// Ten working days from Monday, 4 May 2026, end on Monday, 18 May.
		if until := mails[0].Link.Expires; until.Format(time.DateOnly) != "2026-05-18" {
			t.Errorf("link lasts until %s", until)
		}
		if k.entries("account.grant") != 1 {
			t.Error("the grant is not on record once")
		}
	})
}

func TestBodyOfTheRegisterKeepsItsNameThereAndANewNameMakesAVersion(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.ImportRegisters(t.Context()))
		must(t, k.admit(k.asking()))
		if got := k.known(k.at("ana@exemplo.pt", Applicant)).Powers[0].BodyName; got != "Município de Exemplo" {
			t.Errorf("body is called %q", got)
		}
		must(t, k.admit(k.asking("mail", "rui@exemplo.pt", "number", "590000136", "called", "Nova, CRL")))
		must(t, k.admit(k.asking("mail", "eva@exemplo.pt", "number", "590000136", "called", "Novíssima, CRL")))
		k.look(func(tx *db.Tx) error {
			body, listed, err := k.Registered(t.Context(), tx, office, "590000136")
			if body.Name != "Novíssima, CRL" || body.Version != 2 || listed {
				t.Errorf("body is %+v, listed %v", body, listed)
			}
			return err
		})
	})
}

func TestPowerEndsWithTheOfficeOrRestsUntilConfirmed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking("until", "2026-05-31")))
		ana := k.known(k.at("ana@exemplo.pt", Applicant))
		if got := ana.Answer(portal.Until, "590000012", ""); got != "2026-05-31" {
			t.Errorf("known end is %q", got)
		}
		lastMoment := time.Date(2026, 5, 31, 22, 59, 59, 0, time.UTC) // 23:59:59 in Lisbon
		if !ana.Powers[0].Runs(lastMoment) || ana.Powers[0].Runs(lastMoment.Add(time.Second)) {
			t.Errorf("power runs until %s", ana.Powers[0].Until)
		}
		must(t, k.admit(k.asking("mail", "rui@exemplo.pt")))
		rui := k.known(k.at("rui@exemplo.pt", Applicant)).Powers[0]
		if !rui.Until.IsZero() || !rui.ConfirmBy.Equal(k.clock.time().AddDate(0, 24, 0)) || rui.Runs(rui.ConfirmBy) {
			t.Errorf("power without an end is %+v", rui)
		}
		refused(t, k.admit(k.asking("mail", "eva@exemplo.pt", "until", "2026-05-03")), fault.Conflict, "account.term-ended")
		if k.at("eva@exemplo.pt", Applicant).ID != "" {
			t.Error("a refused grant left an account")
		}
	})
}

// E02: the civil number makes two accounts one person; so does an address that was proven.
func TestTwoAccountsOfOneHumanBeingAreOnePerson(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking("civil", "00000000")))
		must(t, k.admit(k.asking("civil", "00000000", "mail", "ana@outro.exemplo.pt", "wanted", "sites")))
		first, second := k.at("ana@exemplo.pt", Applicant), k.at("ana@outro.exemplo.pt", Applicant)
		if first.ID == second.ID || first.Person != second.Person {
			t.Errorf("accounts %s and %s, persons %s and %s", first.ID, second.ID, first.Person, second.Person)
		}
		if !k.same(first.Person, "ana@outro.exemplo.pt", "") || !k.same(first.Person, "", k.vault.Mark("civil", "00000000")) {
			t.Error("the person is not recognised by the other address and the number")
		}
		if k.same(first.Person, "rui@exemplo.pt", k.vault.Mark("civil", "11111111")) || k.same(first.Person, "", "") {
			t.Error("somebody else is taken for the person")
		}
	})
}

func TestGrantRefusesOneMailboxForTwoPeople(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking("civil", "00000000")))
		must(t, k.admit(k.asking("civil", "11111111", "mail", "rui@exemplo.pt")))
		refused(t, k.admit(k.asking("civil", "11111111")), fault.Conflict, "account.other-person")
		refused(t, k.admit(k.asking("civil", "22222222")), fault.Conflict, "account.other-person")
	})
}

// A22: an address that nobody has proven joins nobody to anything.
func TestUnprovenAddressesNeverMerge(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		_, err := k.InviteOfficer(t.Context(), actor.Machine(office), Invite{Portal: office, Email: "ana@exemplo.pt", Name: "Outra Pessoa", Roles: []actor.Role{actor.Decider}})
		must(t, err)
		must(t, k.admit(k.asking()))
		officer, applicant := k.at("ana@exemplo.pt", Officer), k.at("ana@exemplo.pt", Applicant)
		if officer.Person == applicant.Person {
			t.Fatal("an unproven invitation was joined to whoever proved the address")
		}
		// Until then they are held to be one where four eyes are told apart (E02).
		if !k.same(officer.Person, "ana@exemplo.pt", "") {
			t.Error("the officer at the applicant's address is not held to be the same")
		}
		// Once the mailbox's reader opens the officer's invitation too, both are that reader.
		k.enters(officer)
		if got := k.at("ana@exemplo.pt", Officer); got.Person != applicant.Person || got.State != Active {
			t.Errorf("officer's account is %+v", got)
		}
	})
}

func TestOfficerInvitedAtAnApplicantsProvenAddressIsThatPerson(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking()))
		_, err := k.InviteOfficer(t.Context(), actor.Machine(office), Invite{Portal: office, Email: "ANA@exemplo.pt", Name: "Ana Exemplo", Roles: []actor.Role{actor.Decider}})
		must(t, err)
		if k.at("ana@exemplo.pt", Officer).Person != k.at("ana@exemplo.pt", Applicant).Person {
			t.Error("one mailbox is two persons")
		}
	})
}

func TestPersonWhoIsInsideGetsThePowersAndIsToldAtEveryAddress(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking("civil", "00000000")))
		k.enters(k.at("ana@exemplo.pt", Applicant))
		must(t, k.admit(k.asking("civil", "00000000", "wanted", "sites")))
		if n := len(k.post.of(portal.AccountInvited)); n != 1 {
			t.Errorf("%d invitations", n)
		}
		if n := len(k.post.of(portal.PowersChanged)); n != 1 {
			t.Errorf("%d letters about powers", n)
		}
		// Somebody asks under Ana's number from elsewhere: Ana hears of it where she reads.
		must(t, k.admit(k.asking("civil", "00000000", "mail", "ana@outro.exemplo.pt")))
		told := k.post.of(portal.PowersChanged)
		if len(told) != 2 || told[1].To.Address != "ana@exemplo.pt" {
			t.Errorf("told %d", len(told))
		}
		if powers := k.known(k.at("ana@exemplo.pt", Applicant)).Powers; len(powers) != 2 {
			t.Errorf("%d powers; the same twice is one", len(powers))
		}
	})
}

func TestGrantToASuspendedAccountIsRefused(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking()))
		one := k.at("ana@exemplo.pt", Applicant)
		k.enters(one)
		must(t, k.Suspend(t.Context(), decider(), one.ID))
		refused(t, k.admit(k.asking("wanted", "sites")), fault.Conflict, "account.suspended")
	})
}

// E05: two approvals for one body at once let one person in.
func TestOneResponsiblePersonPerBodyHoldsInARace(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		var wait sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			g := k.asking("mail", string(rune('a'+i))+"@exemplo.pt")
			g.Procedure = k.p.Procedures[1]
			wait.Go(func() { errs[i] = k.admit(g) })
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			refused(t, err, fault.Conflict, "account.body-taken")
		}
		if won != 1 || k.entries("account.grant") != 1 || len(k.post.of(portal.AccountInvited)) != 1 {
			t.Errorf("%d won, %d on record", won, k.entries("account.grant"))
		}
		k.look(func(tx *db.Tx) error {
			has, err := k.HasAccount(t.Context(), tx, office, "590000012")
			other, _ := k.HasAccount(t.Context(), tx, "two", "590000012")
			if !has || other {
				t.Errorf("has account here %v, in the other portal %v", has, other)
			}
			return err
		})
	})
}

// E05: the same person asked for twice at once is one person with one account.
func TestOnePersonHoldsInARace(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		var wait sync.WaitGroup
		for range 4 {
			g := k.asking("civil", "00000000")
			wait.Go(func() {
				if err := k.admit(g); err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		k.look(func(tx *db.Tx) error {
			var persons, accounts int
			if err := tx.Row(t.Context(), `SELECT (SELECT COUNT(*) FROM person), (SELECT COUNT(*) FROM account)`).Scan(&persons, &accounts); err != nil {
				return err
			}
			if persons != 1 || accounts != 1 {
				t.Errorf("%d persons, %d accounts", persons, accounts)
			}
			return nil
		})
	})
}

func TestLapsedResponsiblePersonMakesWay(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		sole := func(pairs ...string) portal.Grant {
			g := k.asking(pairs...)
			g.Procedure = k.p.Procedures[1]
			return g
		}
		must(t, k.admit(sole("until", "2026-05-31")))
		refused(t, k.admit(sole("mail", "rui@exemplo.pt")), fault.Conflict, "account.body-taken")
		k.clock.pass(40 * 24 * time.Hour)
		must(t, k.admit(sole("mail", "rui@exemplo.pt")))
	})
}

func TestProposalSaysWhatGrantWouldDoAndChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		outcome := &Access{Accounts: k.Accounts}
		var proposal portal.Proposal
		k.look(func(tx *db.Tx) (err error) {
			proposal, err = outcome.Propose(t.Context(), tx, k.asking())
			return err
		})
		text := ""
		for _, line := range proposal.Lines {
			text += line.Label + ": " + line.Value + "\n"
		}
		for _, want := range []string{"Ana Maria Exemplo da Silva", "ana@exemplo.pt", "590 000 012", "Pedidos"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not proposed:\n%s", want, text)
			}
		}
		k.look(func(tx *db.Tx) (err error) {
			proposal, err = outcome.Propose(t.Context(), tx, k.asking("mail", "not an address"))
			return err
		})
		if !slices.Contains(proposal.Problems, "account.no-address") {
			t.Errorf("problems: %v", proposal.Problems)
		}
		sole := k.asking()
		sole.Procedure = k.p.Procedures[1]
		must(t, k.admit(sole))
		another := k.asking("mail", "rui@exemplo.pt")
		another.Procedure = k.p.Procedures[1]
		k.look(func(tx *db.Tx) (err error) {
			proposal, err = outcome.Propose(t.Context(), tx, another)
			return err
		})
		if !slices.Contains(proposal.Problems, "account.body-taken") {
			t.Errorf("problems of a second responsible person: %v", proposal.Problems)
		}
	})
}

func TestCheckTellsEveryMistakeOfTheOutcome(t *testing.T) {
	p := desk(t, office)
	outcome := &Access{}
	for _, proc := range p.Procedures {
		if wrong := outcome.Check(p, proc); len(wrong) > 0 {
			t.Error(wrong)
		}
	}
	wrong := outcome.Check(p, procedure(t, "with:\n    powers: [other]\n    confirm: {months: 999}\n    power-asked: true"))
	if len(wrong) != 3 {
		t.Errorf("%d mistakes: %v", len(wrong), wrong)
	}
	if wrong := outcome.Check(p, procedure(t, "with: {}")); len(wrong) != 1 {
		t.Errorf("mistakes: %v", wrong)
	}
}

func TestNothingIsKnownAcrossPortals(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.ImportRegisters(t.Context()))
		must(t, k.admit(k.asking("civil", "00000000")))
		one := k.at("ana@exemplo.pt", Applicant)
		k.look(func(tx *db.Tx) error { // E08
			_, err := k.Known(t.Context(), tx, "two", one.Person, one.ID)
			refused(t, err, fault.NotFound, "fault.not-found")
			all, err := k.ByAddress(t.Context(), tx, "two", "ana@exemplo.pt")
			same, _ := k.IsSame(t.Context(), tx, "two", one.Person, "ana@exemplo.pt", k.vault.Mark("civil", "00000000"))
			if len(all) != 0 || same {
				t.Errorf("the other portal sees %d accounts, same %v", len(all), same)
			}
			return err
		})
	})
}

// C25: the civil number stands in the database only encrypted.
func TestCivilNumberIsNotStoredInClear(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking("civil", "12345674")))
		k.look(func(tx *db.Tx) error {
			var id, mark, locked string
			if err := tx.Row(t.Context(), `SELECT id, civil_mark, civil_locked FROM person`).Scan(&id, &mark, &locked); err != nil {
				return err
			}
			if strings.Contains(mark+locked, "12345674") {
				t.Error("the number stands in the row")
			}
			if got, err := k.vault.Unlock("person/"+id, locked); got != "12345674" {
				t.Errorf("unlocked %q: %v", got, err)
			}
			return nil
		})
	})
}

func TestKnownAnswersWhatFormsAsk(t *testing.T) {
	known := Known{Name: "Ana Maria Exemplo da Silva", Address: "ana@exemplo.pt", Mobile: "+351912345678", Powers: []Power{{BodyNIPC: "1", Position: "Técnica", Unit: "Unidade"}}}
	for role, want := range map[portal.Role]string{
		portal.GivenNames: "Ana Maria", portal.Surnames: "Exemplo da Silva", portal.ApplicantName: "Ana Maria Exemplo da Silva",
		portal.Telephone: "+351912345678", portal.BodyNumber: "1", portal.BodyName: "Um", portal.Position: "Técnica", portal.Unit: "Unidade",
		portal.CivilNumber: "", portal.Until: "",
	} {
		if got := known.Answer(role, "1", "Um"); got != want {
			t.Errorf("%s is %q, want %q", role, got, want)
		}
	}
	if got := known.Answer(portal.Position, "2", "Dois"); got != "" {
		t.Errorf("position in another body is %q", got)
	}
}

func TestSplitNamePartsNamesAsPeopleBearThem(t *testing.T) {
	for full, want := range map[string][2]string{
		"Ana Silva":                     {"Ana", "Silva"},
		"Ana Maria Silva":               {"Ana Maria", "Silva"},
		"Rui Exemplo Santos":            {"Rui", "Exemplo Santos"},
		"Maria da Conceição Silva":      {"Maria da Conceição", "Silva"},
		"João dos Santos":               {"João", "dos Santos"},
		"José Carlos d'Almeida e Sousa": {"José Carlos", "d'Almeida e Sousa"},
		"Madonna":                       {"Madonna", ""},
		"":                              {"", ""},
	} {
		if given, surnames := SplitName(full); given != want[0] || surnames != want[1] {
			t.Errorf("%q parts in %q and %q", full, given, surnames)
		}
	}
}
