package account

import (
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/link"
	"chancela/internal/portal"
)

func (k *kit) officer(address string, roles ...actor.Role) Account {
	k.t.Helper()
	_, err := k.InviteOfficer(k.t.Context(), actor.Machine(office), Invite{Portal: office, Email: address, Name: "Pessoa de Exemplo", Roles: roles})
	must(k.t, err)
	k.enters(k.at(address, Officer))
	return k.at(address, Officer)
}

func as(one Account) actor.Actor {
	return actor.Actor{Kind: actor.Officer, Portal: one.Portal, Person: one.Person, Account: one.ID, Roles: one.Roles, Strength: actor.ByCode}
}

func TestInviteOfficerMailsALinkAndReinvitingVoidsIt(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		invite := Invite{Portal: office, Email: "rui@exemplo.pt", Name: "Rui Exemplo", Roles: []actor.Role{actor.Decider, actor.Director, actor.Decider}}
		first, err := k.InviteOfficer(t.Context(), actor.Machine(""), invite)
		must(t, err)
		secret, err := k.links.Reveal(t.Context(), k.d, first)
		must(t, err)
		second, err := k.InviteOfficer(t.Context(), actor.Machine(""), invite)
		must(t, err)
		if one := k.at("rui@exemplo.pt", Officer); one.State != Invited || len(one.Roles) != 2 || !one.ProvenAt.IsZero() {
			t.Errorf("account is %+v", one)
		}
		// A07: the earlier link is dead.
		k.look(func(tx *db.Tx) error {
			_, err := k.links.Peek(t.Context(), tx, link.OfficerInvitation, office, secret)
			refused(t, err, fault.Expired, "link.expired")
			return nil
		})
		if mails := k.post.of(portal.OfficerInvited); len(mails) != 2 || mails[1].Made != second || mails[1].Values["role"] == "" {
			t.Errorf("letters: %+v", mails)
		}
		if k.entries("officer.invite") != 2 {
			t.Error("not on record twice")
		}
	})
}

func TestInviteOfficerIsForAdministratorsWhoGetNoLink(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		invite := Invite{Portal: office, Email: "rui@exemplo.pt", Name: "Rui Exemplo", Roles: []actor.Role{actor.Decider}}
		for name, by := range map[string]actor.Actor{
			"a visitor": actor.Nobody(office), "a decider": decider(), "another portal": actor.Machine("two"),
		} {
			if _, err := k.InviteOfficer(t.Context(), by, invite); err == nil {
				t.Errorf("%s may invite", name)
			}
		}
		admin := k.officer("eva@exemplo.pt", actor.Administrator)
		ref, err := k.InviteOfficer(t.Context(), as(admin), invite)
		must(t, err)
		if ref != "" {
			t.Error("an administrator was handed another officer's way in")
		}
		refusal := func() error {
			_, err := k.InviteOfficer(t.Context(), as(admin), Invite{Portal: office, Email: "eva@exemplo.pt", Name: "Eva Exemplo", Roles: []actor.Role{actor.Decider}})
			return err
		}()
		refused(t, refusal, fault.Forbidden, "officer.own-roles")
	})
}

// E02: an officer whose civil number is known is found to be the applicant of a case filed from a private address.
func TestOfficersCivilNumberTellsTheirOwnCases(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		invite := Invite{Portal: office, Email: "rui@exemplo.pt", Name: "Rui Exemplo", Roles: []actor.Role{actor.Decider}, Civil: "00000000"}
		_, err := k.InviteOfficer(t.Context(), actor.Machine(office), invite)
		must(t, err)
		officer := k.at("rui@exemplo.pt", Officer)
		if !k.same(officer.Person, "rui.em.casa@exemplo.pt", k.vault.Mark("civil", "00000000")) {
			t.Error("not recognised before the case is granted")
		}
		must(t, k.admit(k.asking("mail", "rui.em.casa@exemplo.pt", "civil", "00000000")))
		if k.at("rui.em.casa@exemplo.pt", Applicant).Person != officer.Person {
			t.Error("one human being is two persons")
		}
		must(t, k.admit(k.asking("mail", "eva@exemplo.pt", "civil", "11111111")))
		invite.Email = "eva@exemplo.pt"
		_, err = k.InviteOfficer(t.Context(), actor.Machine(office), invite)
		refused(t, err, fault.Conflict, "account.other-person")
	})
}

func TestInviteOfficerTellsAllThatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		_, err := k.InviteOfficer(t.Context(), actor.Machine(office), Invite{Portal: office, Email: "a@@b", Name: "X", Roles: []actor.Role{"emperor"}})
		e, ok := fault.As(err)
		if !ok || e.Kind != fault.Invalid || len(e.Fields) != 3 {
			t.Errorf("got %v", err)
		}
	})
}

func TestOfficersAreThoseActiveWhoMay(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		decides := k.officer("a@exemplo.pt", actor.Decider)
		k.officer("b@exemplo.pt", actor.Auditor)
		_, err := k.InviteOfficer(t.Context(), actor.Machine(office), Invite{Portal: office, Email: "c@exemplo.pt", Name: "Pessoa Convidada", Roles: []actor.Role{actor.Decider}})
		must(t, err)
		k.look(func(tx *db.Tx) error {
			may, err := k.Officers(t.Context(), tx, office, actor.DecideCase)
			if len(may) != 1 || may[0].Account != decides.ID {
				t.Errorf("may decide: %+v", may)
			}
			return err
		})
	})
}

// E05: of two administrators who remove each other at once, one stays.
func TestLastAdministratorStaysInARace(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		a, b := k.officer("a@exemplo.pt", actor.Administrator), k.officer("b@exemplo.pt", actor.Administrator)
		system := actor.Machine(office)
		for range 8 {
			errs := make([]error, 2)
			var wait sync.WaitGroup
			wait.Go(func() { errs[0] = k.Suspend(t.Context(), as(a), b.ID) })
			wait.Go(func() { errs[1] = k.SetRoles(t.Context(), as(b), a.ID, []actor.Role{actor.Auditor}) })
			wait.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("both or none: %v, %v", errs[0], errs[1])
			}
			if errs[0] == nil {
				refused(t, errs[1], fault.Conflict, "officer.last-administrator")
				must(t, k.Restore(t.Context(), system, b.ID))
				continue
			}
			refused(t, errs[0], fault.Conflict, "officer.last-administrator")
			must(t, k.SetRoles(t.Context(), system, a.ID, []actor.Role{actor.Administrator}))
		}
	})
}

func TestNobodyChangesTheirOwnAccount(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		a := k.officer("a@exemplo.pt", actor.Administrator)
		k.officer("b@exemplo.pt", actor.Administrator)
		refused(t, k.SetRoles(t.Context(), as(a), a.ID, []actor.Role{actor.Administrator, actor.Decider}), fault.Forbidden, "officer.own-roles")
		refused(t, k.Suspend(t.Context(), as(a), a.ID), fault.Forbidden, "officer.own-roles")
		if k.entries("officer.roles")+k.entries("account.suspend") != 0 {
			t.Error("a refusal is on record as a deed")
		}
	})
}

func TestSuspensionEndsSessionsAndLinksAndCanBeTakenBack(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking()))
		one := k.at("ana@exemplo.pt", Applicant)
		ref := k.post.of(portal.AccountInvited)[0].Made
		k.enters(one)
		must(t, k.Suspend(t.Context(), decider(), one.ID))
		refused(t, k.Suspend(t.Context(), decider(), one.ID), fault.Conflict, "fault.conflict")
		after := k.at("ana@exemplo.pt", Applicant)
		if after.State != Suspended || after.Epoch == one.Epoch || after.MayEnter() {
			t.Errorf("account is %+v", after)
		}
		_, err := k.links.Reveal(t.Context(), k.d, ref)
		refused(t, err, fault.Expired, "link.expired")
		must(t, k.Restore(t.Context(), decider(), one.ID))
		must(t, k.Close(t.Context(), decider(), one.ID))
		if k.at("ana@exemplo.pt", Applicant).ID != "" || len(k.known(one).Powers) != 0 {
			t.Error("a closed account still stands for something")
		}
		// The address may begin anew, and is the same person's still where four eyes are told apart.
		must(t, k.admit(k.asking()))
		if !k.same(one.Person, "ana@exemplo.pt", "") {
			t.Error("a person who left is no longer recognised")
		}
	})
}

// A16: asking anew for the invitation answers alike whatever is typed, and mails only who is invited.
func TestAskInvitationTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.admit(k.asking()))
		k.officer("rui@exemplo.pt", actor.Decider)
		for _, typed := range []string{"ana@exemplo.pt", " ANA@EXEMPLO.pt", "nobody@exemplo.pt", "rui@exemplo.pt", "not an address", ""} {
			if err := k.AskInvitation(t.Context(), actor.Nobody(office), typed); err != nil {
				t.Errorf("%q is answered %v", typed, err)
			}
		}
		mails := k.post.of(portal.AccountReinvited)
		if len(mails) != 2 || mails[0].To.Address != "ana@exemplo.pt" || mails[0].Values["number"] != "ONE/2026/000001" {
			t.Errorf("letters: %+v", mails)
		}
		for range 5 {
			must(t, k.AskInvitation(t.Context(), actor.Nobody(office), "ana@exemplo.pt"))
		}
		if n := len(k.post.of(portal.AccountReinvited)); n != 3 {
			t.Errorf("%d mails in an hour to one address", n)
		}
		k.clock.pass(2 * time.Hour)
		must(t, k.AskInvitation(t.Context(), actor.Nobody(office), "ana@exemplo.pt"))
		if n := len(k.post.of(portal.AccountReinvited)); n != 4 {
			t.Errorf("%d mails after the hour", n)
		}
	})
}
