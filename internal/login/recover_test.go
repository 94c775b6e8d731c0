package login

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/link"
	"chancela/internal/portal"
)

const nipc = "590000012"

// A16: the answer is the same whatever is typed; a letter goes only where both match, and never to an officer.
func TestAskRecoveryTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		k.enter(ana, good)
		k.officer(rui, actor.Decider)
		k.admitted("eva@exemplo.pt", "+351912345678")
		for _, typed := range [][2]string{
			{"nobody@exemplo.pt", nipc}, {ana, "590000020"}, {rui, nipc}, {"", ""}, {"not an address", "x"}, {ana, ""}, {strings.Repeat("a", 1<<16), nipc},
		} {
			if err := k.AskRecovery(t.Context(), from(home), typed[0], typed[1]); err != nil {
				t.Errorf("%.20q is answered %v", typed[0], err)
			}
		}
		if n := len(k.post.of(portal.AccountRecovery)); n != 0 {
			t.Fatalf("%d letters to strangers", n)
		}
		for range 5 {
			must(t, k.AskRecovery(t.Context(), from(home), " ANA@exemplo.pt", "590 000 012"))
		}
		letters := k.post.of(portal.AccountRecovery)
		if len(letters) != int(recoverTo.Limit) || letters[0].To.Address != ana || !letters[0].Link.Expires.Equal(k.clock.time().Add(time.Hour)) {
			t.Errorf("%d letters", len(letters))
		}
		// Who never defined a password gets the invitation anew.
		must(t, k.AskRecovery(t.Context(), from(home), "eva@exemplo.pt", nipc))
		if n := len(k.post.of(portal.AccountReinvited)); n != 1 {
			t.Errorf("%d invitations", n)
		}
	})
}

// A02, A03, A07: recovery changes the password and nothing else; sessions, other links and codes are over.
func TestRecoveryLeavesTheSecondStepAsItWas(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		in := k.enter(ana, good)
		begun, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		must(t, k.AskRecovery(t.Context(), from(abroad), ana, nipc))
		first := k.secretOf(portal.AccountRecovery)
		must(t, k.AskRecovery(t.Context(), from(abroad), ana, nipc))
		second := k.secretOf(portal.AccountRecovery)
		refused(t, k.DefinePassword(t.Context(), from(abroad), link.Recovery, first, better), fault.Expired, "link.expired")
		must(t, k.DefinePassword(t.Context(), from(abroad), link.Recovery, second, better))
		refused(t, k.DefinePassword(t.Context(), from(abroad), link.Recovery, second, better), fault.Expired, "link.expired")
		k.over(in)
		_, err = k.SendCode(t.Context(), from(home), begun.Secret, ByMail)
		refused(t, err, fault.Expired, "login.gone")
		told := k.post.of(portal.PasswordChanged)
		if len(told) != 1 || told[0].To.Address != ana || told[0].Page != "recuperar" {
			t.Errorf("told %+v", told)
		}
		_, err = k.Enter(t.Context(), from(home), ana, good)
		refused(t, err, fault.Invalid, "login.wrong")
		c, err := k.Enter(t.Context(), from(abroad), ana, better)
		must(t, err) // and still a code is asked for
		if _, _, err := k.Session(t.Context(), c.Secret); err == nil {
			t.Error("inside without a code")
		}
		k.enter(ana, better)
	})
}

// A03: of several who use a link at once, one is let in.
func TestLinkDefinesOnePassword(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		secret := k.admitted(ana, "+351912345678")
		var won atomic.Int64
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if err := k.DefinePassword(t.Context(), from(home), link.Invitation, secret, good); err == nil {
					won.Add(1)
				} else if !fault.Is(err, fault.Expired) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 || k.entries("login.define-password") != 1 {
			t.Errorf("%d won", won.Load())
		}
	})
}

// A04, A05: a link opens what it was made for, exactly as it was made, in its own portal.
func TestLinksOpenOnlyWhatTheyAreFor(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		secret := k.admitted(ana, "+351912345678")
		officer := k.invitedOfficer(rui, actor.Decider)
		for name, try := range map[string]func() error{
			"another kind":   func() error { return k.DefinePassword(t.Context(), from(home), link.Recovery, secret, good) },
			"an officer's":   func() error { return k.DefinePassword(t.Context(), from(home), link.OfficerInvitation, secret, good) },
			"an applicant's": func() error { return k.DefinePassword(t.Context(), from(home), link.Invitation, officer, good) },
			"no password's":  func() error { return k.DefinePassword(t.Context(), from(home), link.Draft, secret, good) },
			"another portal": func() error { return k.DefinePassword(t.Context(), actor.Nobody("two"), link.Invitation, secret, good) },
			"cut":            func() error { return k.DefinePassword(t.Context(), from(home), link.Invitation, secret[:51], good) },
			"in capitals": func() error {
				return k.DefinePassword(t.Context(), from(home), link.Invitation, strings.ToUpper(secret), good)
			},
		} {
			if err := try(); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Even a link that should never have been made: an officer recovers by no mailbox.
		var ref link.Ref
		k.deed(func(tx *db.Tx) (err error) {
			ref, err = k.links.Make(t.Context(), tx, link.Recovery, office, string(k.at(rui, account.Officer).ID), tx.Now().Add(time.Hour))
			return err
		})
		stray, err := k.links.Reveal(t.Context(), k.d, ref)
		must(t, err)
		refused(t, k.DefinePassword(t.Context(), from(home), link.Recovery, stray, good), fault.Expired, "link.expired")
		// A weak password uses nothing up.
		problem(t, k.DefinePassword(t.Context(), from(home), link.Invitation, secret, "short"), "pass.short")
		problem(t, k.DefinePassword(t.Context(), from(home), link.Invitation, secret, "Cooperativa Exemplo Figueira"), "pass.context")
		must(t, k.DefinePassword(t.Context(), from(home), link.Invitation, secret, good))
	})
}

// A07: an account that is shut out, or gone, opens by no link that was mailed to it before.
func TestLinksDieWithTheAccount(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		one := k.applicant()
		k.enter(ana, good)
		must(t, k.AskRecovery(t.Context(), from(home), ana, nipc))
		secret := k.secretOf(portal.AccountRecovery)
		must(t, k.accounts.Suspend(t.Context(), actor.Machine(office), one.ID))
		refused(t, k.DefinePassword(t.Context(), from(home), link.Recovery, secret, better), fault.Expired, "link.expired")
		must(t, k.AskRecovery(t.Context(), from(home), ana, nipc))
		if n := len(k.post.of(portal.AccountRecovery)); n != 1 {
			t.Errorf("%d letters: one after suspension", n)
		}
		if k.at(ana, account.Applicant).State != account.Suspended {
			t.Error("recovery brought the account back")
		}
	})
}

func TestLinksExpire(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		k.enter(ana, good)
		must(t, k.AskRecovery(t.Context(), from(home), ana, nipc))
		secret := k.secretOf(portal.AccountRecovery)
		k.clock.pass(time.Hour)
		_, err := k.Opening(t.Context(), from(home), link.Recovery, secret)
		refused(t, err, fault.Expired, "link.expired")
	})
}
