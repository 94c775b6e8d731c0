package ca_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

var decider = officer("ana", actor.Decider)

func TestRevokeIsSeenAtOnceAndIsFinal(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		_, before := i.listed(t, c.Issuer, c.Serial)
		if standing, _, err := i.Standing(t.Context(), c.Issuer, c.Serial); err != nil || standing != issuance.Good {
			t.Fatalf("%s %v", standing, err)
		}
		if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		standing, r, err := i.Standing(t.Context(), c.Issuer, c.Serial)
		if err != nil || standing != issuance.Revoked || r.Reason != issuance.KeyCompromise {
			t.Fatalf("%s %+v %v", standing, r, err)
		}
		if on, after := i.listed(t, c.Issuer, c.Serial); !on || after <= before {
			t.Fatalf("on the list: %v; number %d after %d", on, after, before)
		}
		err = i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded})
		wantKey(t, err, fault.Conflict, "E-REV-03")
		if again := i.find(t, c.Serial); again.Reason != issuance.KeyCompromise {
			t.Fatal("a second revocation changed the first")
		}
	})
}

func TestRevokeAtOnceHasOneWinner(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		var all sync.WaitGroup
		errs := make([]error, 8)
		for n := range errs {
			all.Go(func() {
				errs[n] = i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded})
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Fatalf("%d revoked it", won)
		}
	})
}

func TestRevokeIsForItsPeopleAndReasons(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		person := func(portal, id string) actor.Actor {
			return actor.Actor{Kind: actor.Person, Portal: portal, Person: actor.PersonID(id), Strength: actor.ByDevice}
		}
		elsewhere := decider
		elsewhere.Portal = "outro"
		for _, one := range []struct {
			who  string
			by   actor.Actor
			why  issuance.Reason
			kind fault.Kind
		}{
			{"somebody else", person("exemplo", "outrem"), issuance.Superseded, fault.NotFound},
			{"the holder's id in another portal", person("outro", "titular"), issuance.Superseded, fault.NotFound},
			{"a visitor", actor.Nobody("exemplo"), issuance.Superseded, fault.NotFound},
			{"an officer who only directs", officer("eva", actor.Director), issuance.Superseded, fault.Forbidden},
			{"an officer of another portal", elsewhere, issuance.Superseded, fault.NotFound},
			{"the holder, for what an officer alone may say", person("exemplo", "titular"), issuance.PrivilegeWithdrawn, fault.Invalid},
			{"the holder, for hold", person("exemplo", "titular"), issuance.CertificateHold, fault.Invalid},
			{"an officer, for an authority's compromise", decider, issuance.CACompromise, fault.Invalid},
		} {
			if err := i.Revoke(t.Context(), one.by, ca.Revocation{Serial: c.Serial, Reason: one.why}); !fault.Is(err, one.kind) {
				t.Errorf("%s: %v", one.who, err)
			}
		}
		for _, a := range i.Authorities() {
			if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: a.Serial, Reason: issuance.Superseded}); !fault.Is(err, fault.NotFound) {
				t.Errorf("an officer revokes %s: %v", a.Name, err)
			}
		}
		if err := i.Revoke(t.Context(), person("exemplo", "titular"), ca.Revocation{Serial: c.Serial, Reason: issuance.CessationOfOperation}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAScheduledRevocationHappensOnItsDay(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		day := i.clock.now().Add(24 * time.Hour)
		if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.AffiliationChanged, At: day}); err != nil {
			t.Fatal(err)
		}
		work := func(want ca.State) {
			t.Helper()
			if err := i.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
			if now := i.find(t, c.Serial); now.State != want {
				t.Fatalf("%s; want %s", now.State, want)
			}
		}
		work(ca.Issued)
		i.clock.pass(25 * time.Hour)
		work(ca.Revoked)
		if on, _ := i.listed(t, c.Issuer, c.Serial); !on {
			t.Fatal("not on the list")
		}
	})
}

func TestListsAreRenewedAtHalfTheirLifeAndNeverGivenOld(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		issuer := i.Authorities()[1].Name
		_, first := i.listed(t, issuer, "00")
		work := func() int64 {
			t.Helper()
			if err := i.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, n := i.listed(t, issuer, "00")
			return n
		}
		if again := work(); again != first {
			t.Fatalf("a list was made for nothing: %d after %d", again, first)
		}
		i.clock.pass(13 * time.Hour)
		second := work()
		if second <= first {
			t.Fatalf("number %d after %d", second, first)
		}
		i.clock.pass(25 * time.Hour)
		if _, err := i.List(t.Context(), issuer); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("an old list was given: %v", err)
		}
		if third := work(); third <= second {
			t.Fatalf("number %d after %d", third, second)
		}
	})
}

func TestListsOfRevocationsAtOnceHoldThemAll(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		var certs []ca.Certificate
		for n := range 6 {
			certs = append(certs, i.issue(t, "o"+string(rune('0'+n))))
		}
		var all sync.WaitGroup
		for _, c := range certs {
			all.Go(func() {
				if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.Unspecified}); err != nil {
					t.Error(err)
				}
				if on, _ := i.listed(t, c.Issuer, c.Serial); !on {
					t.Error("not on the list when its revocation returned")
				}
			})
		}
		all.Wait()
		for _, c := range certs {
			if on, _ := i.listed(t, c.Issuer, c.Serial); !on {
				t.Errorf("%s vanished", c.Serial)
			}
		}
	})
}

func TestOpensslReadsTheListAndRefusesTheRevoked(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		good, bad := i.issue(t, "o1"), i.issue(t, "o2")
		if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: bad.Serial, Reason: issuance.CessationOfOperation}); err != nil {
			t.Fatal(err)
		}
		l, err := i.List(t.Context(), good.Issuer)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := i.ChainOf(good)
		if err != nil {
			t.Fatal(err)
		}
		path := file(t, "list.der", l.DER)
		said, err := openssl(t, "crl", "-inform", "DER", "-in", path, "-noout", "-text", "-CAfile", file(t, "issuer.pem", issuance.PEM(chain[0])))
		if err != nil || !strings.Contains(said, "verify OK") || !strings.Contains(said, "Cessation Of Operation") {
			t.Fatalf("%v: %s", err, said)
		}
		pem, err := openssl(t, "crl", "-inform", "DER", "-in", path)
		if err != nil {
			t.Fatal(err)
		}
		list := file(t, "list.pem", []byte(pem))
		if said, err := i.verify(t, good, "-crl_check", "-CRLfile", list); !ok(said, err) {
			t.Fatalf("%v: %s", err, said)
		}
		if said, err := i.verify(t, bad, "-crl_check", "-CRLfile", list); err == nil || !strings.Contains(said, "revoked") {
			t.Fatalf("%v: %s", err, said)
		}
	})
}

func TestSealSignsWhatWasApprovedAlone(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		digest := sha256.Sum256([]byte("documento preparado"))
		r := ca.SealRequest{Portal: "exemplo", Subject: "ab12", Quorum: 1, Digest: digest[:]}
		if _, err := i.Seal(t.Context(), system, r); !fault.Is(err, fault.Forbidden) {
			t.Fatalf("sealed what nobody approved: %v", err)
		}
		i.approve(t, "c1", "ab12", "ana")
		if _, err := i.Seal(t.Context(), decider, r); !fault.Is(err, fault.Forbidden) {
			t.Fatalf("an officer sealed: %v", err)
		}
		r.Quorum = 2
		if _, err := i.Seal(t.Context(), system, r); !fault.Is(err, fault.Forbidden) {
			t.Fatalf("one person for two: %v", err)
		}
		r.Quorum = 1
		s, err := i.Seal(t.Context(), system, r)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(s.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if !ecdsa.VerifyASN1(cert.PublicKey.(*ecdsa.PublicKey), digest[:], s.Value) || len(s.Chain) != 2 {
			t.Fatal("the signature does not verify")
		}
		for range 15 {
			if _, err := i.Seal(t.Context(), system, r); err != nil {
				t.Fatal(err)
			}
		}
		_, err = i.Seal(t.Context(), system, r)
		wantKey(t, err, fault.Conflict, "ca.too-many-seals")
		r.Portal = "outro"
		_, err = i.Seal(t.Context(), actor.Machine("outro"), r)
		wantKey(t, err, fault.Unavailable, "ca.no-seal")
	})
}

func TestTheRoomKnowsByItselfHowManyApproveASeal(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		i.sealBy = 2
		i.start(t)
		i.approve(t, "c1", "ab12", "ana")
		r := ca.SealRequest{Portal: "exemplo", Subject: "ab12", Digest: make([]byte, sha256.Size)}
		for _, said := range []int{1, 0, -7} { // whoever asks may have been taken over
			r.Quorum = said
			_, err := i.Seal(t.Context(), system, r)
			wantKey(t, err, fault.Forbidden, "decision.not-enough")
		}
		i.approve(t, "c1", "ab12", "rui")
		if _, err := i.Seal(t.Context(), system, r); err != nil {
			t.Fatal(err)
		}
	})
}

func TestKeyFilesAreClosedToOthersAndNeverWrittenOver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	keys := keysIn(dir)
	if _, err := keys.Open(t.Context(), "raiz"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	one, err := keys.Make(t.Context(), "raiz", issuance.ECP256)
	if err != nil {
		t.Fatal(err)
	}
	two, err := keys.Make(t.Context(), "raiz", issuance.ECP256)
	if err != nil || !one.Public().(*ecdsa.PublicKey).Equal(two.Public()) {
		t.Fatalf("another key: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d files: %v", len(entries), err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	for _, name := range []string{"../raiz", "", "Raiz", "a/b", "raiz-", strings.Repeat("a", 200)} {
		if _, err := keys.Make(t.Context(), name, issuance.ECP256); err == nil {
			t.Errorf("%q was made", name)
		}
	}
}

func TestParseSerialReadsWhatPeopleCopy(t *testing.T) {
	for typed, want := range map[string]ca.Serial{
		"0A:BC": "0abc", "abc": "0abc", "0x0ABC": "0abc", "00 0a bc": "0abc", "7f": "7f",
	} {
		if got, ok := ca.ParseSerial(typed); !ok || got != want {
			t.Errorf("%q: %q %v; want %q", typed, got, ok, want)
		}
	}
	for _, typed := range []string{"", "0", "xyz", "0A-BC", strings.Repeat("ab", 21), strings.Repeat(":", 500)} {
		if got, ok := ca.ParseSerial(typed); ok {
			t.Errorf("%q is %q", typed, got)
		}
	}
}

func FuzzParseSerial(f *testing.F) {
	f.Add("0A:BC")
	f.Add("ff:")
	f.Fuzz(func(t *testing.T, typed string) {
		s, ok := ca.ParseSerial(typed)
		if !ok {
			return
		}
		if again := ca.SerialOf(s.Number()); again != s {
			t.Fatalf("%q is %q and %q", typed, s, again)
		}
	})
}

func TestAReplicaWithALateClockStillMakesListsAndAnswers(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		i.clock.pass(30 * time.Second)
		if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}); err != nil {
			t.Fatal(err)
		}
		i.clock.pass(-20 * time.Second) // what follows happens on another machine
		other := i.issue(t, "o2")
		if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: other.Serial, Reason: issuance.Superseded}); err != nil {
			t.Fatal(err)
		}
		for _, one := range []ca.Certificate{c, other} {
			if on, _ := i.listed(t, one.Issuer, one.Serial); !on {
				t.Errorf("%s is not on the list", one.Serial)
			}
		}
		if _, r, err := i.Standing(t.Context(), c.Issuer, c.Serial); err != nil || r.At.After(i.clock.now()) {
			t.Errorf("revoked at %s, which is to come: %v", r.At, err)
		}
	})
}

func TestARevokedSealIsNotReplacedByItself(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		seal, _, err := i.SealOf(t.Context(), "exemplo")
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(seal)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.Revoke(t.Context(), system, ca.Revocation{Serial: ca.SerialOf(cert.SerialNumber), Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _, err = i.SealOf(t.Context(), "exemplo")
		wantKey(t, err, fault.Unavailable, "ca.no-seal")
	})
}
