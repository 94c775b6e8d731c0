package login

import (
	"fmt"
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

func TestFirstSignInOpensTheAccount(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		secret := k.admitted(ana, "+351912345678")
		// A06: looking changes nothing, however often.
		for range 3 {
			opening, err := k.Opening(t.Context(), from(home), link.Invitation, secret)
			if err != nil || opening.User != ana || opening.Officer {
				t.Fatalf("opening %+v: %v", opening, err)
			}
		}
		must(t, k.DefinePassword(t.Context(), from(home), link.Invitation, secret, good))
		if k.at(ana, account.Applicant).State != account.Invited {
			t.Error("active before the first code")
		}
		c, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		if len(c.Channels) != 2 || c.Channels[0].To != "a•••••@exemplo.pt" || c.Channels[1].To != "••• ••• 678" {
			t.Errorf("channels %+v", c.Channels)
		}
		_, err = k.SendCode(t.Context(), from(home), c.Secret, BySMS)
		must(t, err)
		sent := k.post.of(portal.AccountCode)
		if len(sent) != 1 || !sent[0].BySMS || sent[0].To.Mobile != "+351912345678" {
			t.Errorf("sent %+v", sent)
		}
		in, err := k.Confirm(t.Context(), from(home), c.Secret, " "+k.digits()[:3]+" "+k.digits()[3:], agent)
		must(t, err)
		if !in.First || in.Session.Device != "Firefox Linux" || in.Session.Address != home {
			t.Errorf("entered %+v", in)
		}
		by := k.inside(in)
		if by.Kind != actor.Person || by.Strength != actor.ByCode || by.Account != k.at(ana, account.Applicant).ID || by.Portal != office {
			t.Errorf("actor %+v", by)
		}
		if k.at(ana, account.Applicant).State != account.Active || k.entries("account.activate") != 1 || k.entries("login.enter") != 1 {
			t.Error("not active, or not on record")
		}
		if second := k.enter(ana, good); second.First {
			t.Error("the second sign-in is called the first")
		}
	})
}

// A16, A17: unknown, wrong, invited without a password, suspended, much too long: one answer, one hash each, one
// entry each.
func TestEnterTellsNothingApart(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		k.admitted("eva@exemplo.pt", "+351213878046")
		closed := k.officer("rita@exemplo.pt", actor.Decider)
		k.enter("rita@exemplo.pt", better)
		must(t, k.accounts.Suspend(t.Context(), actor.Machine(office), closed.ID))
		before := k.oven.baked.Load()
		tries := [][2]string{
			{"nobody@exemplo.pt", good}, {ana, better}, {"eva@exemplo.pt", good}, {"rita@exemplo.pt", better}, {"not an address", good}, {"", ""},
			{ana, strings.Repeat("k", 1<<20)}, {"nobody@exemplo.pt", strings.Repeat("k", 1<<20)}, {ana, ""}, {ana, good[:len(good)-1]}, {ana, good + " "},
		}
		for i, try := range tries {
			_, err := k.Enter(t.Context(), from(home), try[0], try[1])
			refused(t, err, fault.Invalid, "login.wrong")
			if got := k.oven.baked.Load() - before; got != int64(i+1) {
				t.Fatalf("try %d: %d hashes computed", i+1, got)
			}
		}
		if n := k.entries("login.refuse"); n != len(tries) {
			t.Errorf("%d refusals on record of %d", n, len(tries))
		}
		if k.count(`SELECT COUNT(*) FROM login_challenge WHERE state = 'open'`) != 0 {
			t.Error("a refused sign-in left a challenge")
		}
	})
}

// A09: one account, whatever the spelling, for the look-up and for the count.
func TestSpellingsAreOneUserAndOneBudget(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		spellings := []string{"ana@exemplo.pt", "ANA@exemplo.pt", " Ana@EXEMPLO.PT ", "ａｎａ@exemplo.pt", "ana@ｅｘｅｍｐｌｏ.pt"}
		for _, user := range spellings {
			if _, err := k.Enter(t.Context(), from(home), user, good); err != nil {
				t.Errorf("%q: %v", user, err)
			}
		}
		for i := range passwordHere.Limit {
			_, err := k.Enter(t.Context(), from(abroad), spellings[i%int64(len(spellings))], better)
			refused(t, err, fault.Invalid, "login.wrong")
		}
		_, err := k.Enter(t.Context(), from(abroad), "ANA@Exemplo.Pt", good)
		refused(t, err, fault.Throttled, "throttle.wait")
		// A16: the lock looks the same for somebody who does not exist.
		for range passwordHere.Limit {
			_, _ = k.Enter(t.Context(), from(abroad), "nobody@exemplo.pt", better)
		}
		_, err = k.Enter(t.Context(), from(abroad), "nobody@exemplo.pt", good)
		refused(t, err, fault.Throttled, "throttle.wait")
	})
}

// A15: whoever guesses from elsewhere, from however many networks, does not lock the holder out.
func TestGuessingFromElsewhereLocksNobodyOut(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.officer(rui, actor.Decider)
		k.enter(rui, better)
		key := office + "|" + rui
		k.deed(func(tx *db.Tx) error { // a hundred networks tried already
			for range passwordFor.Limit {
				if err := k.throttle.Take(t.Context(), tx, passwordFor, key); err != nil {
					return err
				}
			}
			return nil
		})
		_, err := k.Enter(t.Context(), from(abroad), rui, better)
		refused(t, err, fault.Throttled, "throttle.wait")
		if _, err := k.Enter(t.Context(), from(home), rui, better); err != nil {
			t.Errorf("the holder is locked out at home: %v", err)
		}
	})
}

// A08: at most ten codes are compared for an account in an hour, whatever the sign-ins, and all at once.
func TestCodeGuessesAreCountedOverAllSignIns(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		one := k.applicant()
		var guessed atomic.Int64
		for range 3 { // as many codes as may be sent
			c, err := k.Enter(t.Context(), from(home), ana, good)
			must(t, err)
			_, err = k.SendCode(t.Context(), from(home), c.Secret, ByMail)
			must(t, err)
			wrong := other(k.digits())
			var wait sync.WaitGroup
			for i := range 8 {
				wait.Go(func() {
					_, err := k.Confirm(t.Context(), from(fmt.Sprintf("203.0.%d.0/24", i)), c.Secret, wrong, agent)
					refused(t, err, fault.Invalid, "login.code")
					guessed.Add(1)
				})
			}
			wait.Wait()
		}
		if tries := k.count(`SELECT SUM(tries) FROM code`); tries > codeGuess.Limit || tries == 0 {
			t.Errorf("%d guesses compared of %d", tries, guessed.Load())
		}
		// One more, right: refused, and looks like a wrong one.
		k.clock.pass(20 * time.Minute)
		c, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		_, err = k.SendCode(t.Context(), from(home), c.Secret, ByMail)
		must(t, err)
		_, err = k.Confirm(t.Context(), from(home), c.Secret, k.digits(), agent)
		refused(t, err, fault.Invalid, "login.code")
		k.clock.pass(time.Hour)
		k.enter(ana, good)
		if k.at(ana, account.Applicant).ID != one.ID {
			t.Error("another account")
		}
	})
}

// other is a code that is not this one.
func other(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// A10: a code opens one session, of two who type it at once too, and with spaces in it no second.
func TestCodeOpensOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		c, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		_, err = k.SendCode(t.Context(), from(home), c.Secret, ByMail)
		must(t, err)
		code := k.digits()
		var won atomic.Int64
		var wait sync.WaitGroup
		for i := range 4 {
			wait.Go(func() {
				if _, err := k.Confirm(t.Context(), from(home), c.Secret, strings.Repeat(" ", i)+code, agent); err == nil {
					won.Add(1)
				} else if _, told := fault.As(err); !told {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if won.Load() != 1 || k.count(`SELECT COUNT(*) FROM session`) != 1 {
			t.Errorf("%d won, %d sessions", won.Load(), k.count(`SELECT COUNT(*) FROM session`))
		}
	})
}

// A11: the code of one sign-in is worth nothing in another.
func TestCodeIsBoundToItsSignIn(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		mine, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		theirs, err := k.Enter(t.Context(), from(abroad), ana, good)
		must(t, err)
		_, err = k.SendCode(t.Context(), from(home), mine.Secret, ByMail)
		must(t, err)
		_, err = k.Confirm(t.Context(), from(abroad), theirs.Secret, k.digits(), agent)
		refused(t, err, fault.Invalid, "login.code")
		_, err = k.Confirm(t.Context(), from(home), mine.Secret, k.digits(), agent)
		must(t, err)
	})
}

// A12: sends have one budget for the account, and SMS go to Portuguese mobiles only.
func TestSendsAreBudgetedAndSMSGoesToMobilesOnly(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.DefinePassword(t.Context(), from(home), link.Invitation, k.admitted(ana, "+351213878046"), good))
		c, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		_, err = k.SendCode(t.Context(), from(home), c.Secret, BySMS)
		refused(t, err, fault.Invalid, "login.no-channel")
		for range codeSend.Limit {
			c, err = k.Enter(t.Context(), from(home), ana, good) // a new sign-in brings no new budget
			must(t, err)
			_, err = k.SendCode(t.Context(), from(home), c.Secret, ByMail)
			must(t, err)
		}
		_, err = k.SendCode(t.Context(), from(abroad), c.Secret, ByMail)
		refused(t, err, fault.Throttled, "throttle.wait")
		if n := len(k.post.of(portal.AccountCode)); n != int(codeSend.Limit) {
			t.Errorf("%d codes sent", n)
		}
	})
}

// A13, A20: the secret of the first step opens nothing, and the session's is another; who comes in anew leaves the
// session before.
func TestEachLevelHasItsOwnSecret(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		c, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		_, _, err = k.Session(t.Context(), c.Secret)
		refused(t, err, fault.Expired, "login.session-ended")
		_, err = k.Confirm(t.Context(), from(home), c.Secret, "123456", agent) // no code was asked for
		refused(t, err, fault.Invalid, "login.code")
		first := k.enter(ana, good)
		by := k.inside(first)
		by.Address = home
		c, err = k.Enter(t.Context(), by, ana, good)
		must(t, err)
		_, err = k.SendCode(t.Context(), by, c.Secret, ByMail)
		must(t, err)
		second, err := k.Confirm(t.Context(), by, c.Secret, k.digits(), agent)
		must(t, err)
		if second.Secret == first.Secret || second.Secret == c.Secret {
			t.Error("a secret stayed")
		}
		_, _, err = k.Session(t.Context(), first.Secret)
		refused(t, err, fault.Expired, "login.session-ended")
		_, err = k.Confirm(t.Context(), by, c.Secret, k.digits0(), agent)
		refused(t, err, fault.Expired, "login.gone")
	})
}

func (k *kit) digits0() string { return "000000" }

// A05: a secret is accepted exactly as it was made.
func TestSecretsAreExact(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		in := k.enter(ana, good)
		for _, secret := range []string{"", in.Secret[:len(in.Secret)-1], in.Secret + "A", in.Secret + "=", strings.ToLower(in.Secret), strings.ToUpper(in.Secret), strings.Repeat("A", len(in.Secret)), " " + in.Secret[1:]} {
			_, _, err := k.Session(t.Context(), secret)
			refused(t, err, fault.Expired, "login.session-ended")
		}
	})
}

func TestChallengeEndsInTenMinutesAndBelongsToItsPortal(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		c, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		_, err = k.Underway(t.Context(), actor.Nobody("two"), c.Secret)
		refused(t, err, fault.Expired, "login.gone")
		_, err = k.Underway(t.Context(), from(home), c.Secret)
		must(t, err)
		k.clock.pass(challengeLife)
		_, err = k.SendCode(t.Context(), from(home), c.Secret, ByMail)
		refused(t, err, fault.Expired, "login.gone")
	})
}

// An address on both sides of the desk: the password says which, and one hash tells.
func TestOneAddressOnBothSidesIsToldApartByThePassword(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		applicant := k.applicant()
		secret := k.invitedOfficer(ana, actor.Decider)
		problem(t, k.DefinePassword(t.Context(), from(home), link.OfficerInvitation, secret, good), "pass.other-account")
		must(t, k.DefinePassword(t.Context(), from(home), link.OfficerInvitation, secret, better))
		before := k.oven.baked.Load()
		officer := k.inside(k.enter(ana, better))
		if k.oven.baked.Load()-before != 1 {
			t.Errorf("%d hashes for one sign-in", k.oven.baked.Load()-before)
		}
		person := k.inside(k.enter(ana, good))
		if officer.Kind != actor.Officer || person.Kind != actor.Person || person.Account != applicant.ID || len(person.Roles) != 0 {
			t.Errorf("officer %+v, person %+v", officer, person)
		}
		if officer.Person != person.Person { // E02
			t.Error("one human being is two persons")
		}
	})
}

// C25: what is in the database opens nothing: no password, no secret, no code, no hash to guess at.
func TestDatabaseHoldsNoSecrets(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.applicant()
		c, err := k.Enter(t.Context(), from(home), ana, good)
		must(t, err)
		_, err = k.SendCode(t.Context(), from(home), c.Secret, ByMail)
		must(t, err)
		in, err := k.Confirm(t.Context(), from(home), c.Secret, k.digits(), agent)
		must(t, err)
		var all strings.Builder
		must(t, k.d.Look(t.Context(), func(tx *db.Tx) error {
			for _, query := range []string{`SELECT locked FROM login_password`, `SELECT hash FROM login_challenge`, `SELECT hash || device FROM session`, `SELECT details || object FROM audit_entry`} {
				texts, err := db.Collect(t.Context(), tx, func(scan func(...any) error) (s string, err error) { err = scan(&s); return s, err }, query)
				if err != nil {
					return err
				}
				all.WriteString(strings.Join(texts, "\n"))
			}
			return nil
		}))
		for _, secret := range []string{good, c.Secret, in.Secret, ana, "argon2id"} {
			if strings.Contains(all.String(), secret) {
				t.Errorf("%q stands in the database", secret)
			}
		}
	})
}
