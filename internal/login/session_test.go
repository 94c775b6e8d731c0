package login

import (
	"testing"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/link"
	"chancela/internal/portal"
)

func (k *kit) over(in Entered) {
	k.t.Helper()
	_, _, err := k.Session(k.t.Context(), in.Secret)
	refused(k.t, err, fault.Expired, "login.session-ended")
}

func TestSessionEndsWithoutUseAndInAll(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.officer(rui, actor.Decider)
		idle := k.enter(rui, better)
		k.clock.pass(29 * time.Minute)
		k.inside(idle)
		k.clock.pass(29 * time.Minute)
		k.inside(idle)
		k.clock.pass(30 * time.Minute)
		k.over(idle)
		used := k.enter(rui, better)
		for range 12*60/20 - 1 {
			k.clock.pass(20 * time.Minute)
			k.inside(used)
		}
		k.clock.pass(20 * time.Minute)
		k.over(used)
		k.applicant()
		person := k.enter(ana, good)
		k.clock.pass(59 * time.Minute)
		k.inside(person)
		k.clock.pass(time.Hour)
		k.over(person)
	})
}

// A21, E04: what is taken away is gone with the next request.
func TestSessionFollowsTheAccount(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		system := actor.Machine(office)
		officer := k.officer(rui, actor.Decider, actor.Director)
		in := k.enter(rui, better)
		if by := k.inside(in); !by.Holds(actor.Decider) || by.Person != officer.Person {
			t.Errorf("actor %+v", by)
		}
		must(t, k.accounts.SetRoles(t.Context(), system, officer.ID, []actor.Role{actor.Auditor}))
		k.over(in)
		in = k.enter(rui, better)
		if by := k.inside(in); by.Holds(actor.Decider) || !by.Holds(actor.Auditor) {
			t.Errorf("roles %v", by.Roles)
		}
		c, err := k.Enter(t.Context(), from(home), rui, better)
		must(t, err)
		must(t, k.accounts.Suspend(t.Context(), system, officer.ID))
		k.over(in)
		_, err = k.SendCode(t.Context(), from(home), c.Secret, ByMail) // a sign-in under way ends too
		refused(t, err, fault.Expired, "login.gone")
		must(t, k.accounts.Restore(t.Context(), system, officer.ID))
		k.over(in) // and what ended stays so
		k.clock.pass(time.Hour)
		k.enter(rui, better)
	})
}

func TestSessionsAreListedAndEndedByTheirOwnerOnly(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		k.officer(rui, actor.Decider)
		here, there := k.enter(ana, good), k.enter(ana, good)
		by, stranger := k.inside(here), k.inside(k.enter(rui, better))
		all, err := k.Sessions(t.Context(), by)
		if err != nil || len(all) != 2 {
			t.Fatalf("sessions %+v: %v", all, err)
		}
		for _, one := range all {
			if one.Current != (one.ID == here.Session.ID) {
				t.Errorf("session %+v", one)
			}
		}
		must(t, k.End(t.Context(), stranger, there.Session.ID)) // C03: as if it did not exist
		k.inside(there)
		must(t, k.EndOthers(t.Context(), by))
		k.over(there)
		k.inside(here)
		must(t, k.End(t.Context(), by, here.Session.ID))
		must(t, k.End(t.Context(), by, here.Session.ID))
		k.over(here)
		if k.entries("login.leave") != 1 || k.entries("login.leave-others") != 1 {
			t.Error("not on record once each")
		}
		if _, err := k.Sessions(t.Context(), actor.Nobody(office)); err == nil {
			t.Error("a visitor sees sessions")
		}
	})
}

func TestChangePasswordEndsTheOtherSessionsAndMovesThisOne(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		here, there := k.enter(ana, good), k.enter(ana, good)
		by := k.inside(here)
		_, err := k.ChangePassword(t.Context(), by, better, better)
		problem(t, err, "pass.present")
		_, err = k.ChangePassword(t.Context(), by, good, "short")
		problem(t, err, "pass.short")
		must(t, k.AskRecovery(t.Context(), from(abroad), ana, nipc))
		recovery := k.secretOf(portal.AccountRecovery)
		secret, err := k.ChangePassword(t.Context(), by, good, better)
		must(t, err)
		refused(t, k.DefinePassword(t.Context(), from(abroad), link.Recovery, recovery, good), fault.Expired, "link.expired") // A07
		k.over(here)                                                                                                          // A20: the old secret of this session
		k.over(there)
		if moved := k.inside(Entered{Secret: secret}); moved.Session != here.Session.ID {
			t.Errorf("moved to %+v", moved)
		}
		if n := len(k.post.of(portal.PasswordChanged)); n != 1 {
			t.Errorf("told %d times", n)
		}
		_, err = k.Enter(t.Context(), from(home), ana, good)
		refused(t, err, fault.Invalid, "login.wrong")
		for range passwordHere.Limit {
			_, err = k.ChangePassword(t.Context(), by, "not the present one", good)
			problem(t, err, "pass.present")
		}
		_, err = k.ChangePassword(t.Context(), by, better, good)
		refused(t, err, fault.Throttled, "throttle.wait")
	})
}

func TestSweepErasesWhatIsLongOver(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		k.enter(ana, good)
		k.clock.pass(48 * time.Hour)
		must(t, k.Sweep(t.Context()))
		if k.count(`SELECT COUNT(*) FROM login_challenge`) != 0 || k.count(`SELECT COUNT(*) FROM session`) != 1 {
			t.Error("challenges stay, or sessions do not")
		}
		k.clock.pass(knownFor)
		must(t, k.Sweep(t.Context()))
		if k.count(`SELECT COUNT(*) FROM session`) != 0 {
			t.Error("sessions stay for ever")
		}
	})
}

func TestReinvitedOfficerKeepsThePasswordUntilTheLinkIsUsed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.officer(rui, actor.Decider)
		in := k.enter(rui, better)
		secret := k.invitedOfficer(rui, actor.Decider)
		k.inside(in)
		must(t, k.DefinePassword(t.Context(), from(abroad), link.OfficerInvitation, secret, good))
		k.over(in)
		if k.at(rui, account.Officer).State != account.Active || len(k.post.of(portal.PasswordChanged)) != 1 {
			t.Error("not active, or not told")
		}
		k.enter(rui, good)
	})
}
