package ca_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

const decided = "Decidido em ensaio, perante duas testemunhas."

// ends is the end of the kit's issuing authority, with what it has issued.
func (i *instance) ends(t *testing.T) ca.AuthorityEnd {
	t.Helper()
	return ca.AuthorityEnd{Authority: i.Authorities()[1].Name, Revokes: true, Reason: issuance.CessationOfOperation, Words: decided}
}

// lastList checks an ended authority's last list with openssl, and gives it.
func (i *instance) lastList(t *testing.T, authority string) *x509.RevocationList {
	t.Helper()
	l, err := i.LastList(t.Context(), authority)
	if err != nil {
		t.Fatal(err)
	}
	said, err := openssl(t, "crl", "-inform", "DER", "-in", file(t, "last.der", l.DER), "-noout", "-text", "-CAfile", file(t, "issuer.pem", issuance.PEM(i.Authorities()[1].Certificate)))
	if err != nil || !strings.Contains(said, "Next Update: Dec 31 23:59:59 9999 GMT") || !strings.Contains(said, "verify OK") {
		t.Errorf("%v: %s", err, said)
	}
	list, err := x509.ParseRevocationList(l.DER)
	if err != nil {
		t.Fatal(err)
	}
	expired := []byte{0x06, 0x03, 0x55, 0x1d, 60} // expiredCertsOnCRL, as on every list of ours: those that expired stay on it
	if !bytes.Contains(list.RawTBSRevocationList, expired) {
		t.Error("the last list does not say that expired certificates are on it")
	}
	return list
}

func has(list *x509.RevocationList, serial ca.Serial) bool {
	for _, e := range list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(new(big.Int).SetBytes(serial.Number().Bytes())) == 0 {
			return true
		}
	}
	return false
}

func TestAnAuthorityDoesNotEndOverCertificatesInForce(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		e := i.ends(t)
		for name, bend := range map[string]func(*ca.AuthorityEnd){
			"unknown": func(e *ca.AuthorityEnd) { e.Authority = "outra" }, "no words": func(e *ca.AuthorityEnd) { e.Words = "" },
			"a reason for officers": func(e *ca.AuthorityEnd) { e.Reason = issuance.PrivilegeWithdrawn },
		} {
			bad := e
			bend(&bad)
			if _, err := i.End(t.Context(), machine, bad); err == nil {
				t.Errorf("ended: %s", name)
			}
		}
		if _, err := i.End(t.Context(), decider, e); !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
			t.Fatalf("an officer ends an authority: %v", err)
		}
		e.Revokes = false
		_, err := i.End(t.Context(), machine, e)
		wantKey(t, err, fault.Conflict, "ca.still-live")
		if err := i.Shut(t.Context(), machine, e.Authority); !fault.Is(err, fault.Conflict) {
			t.Errorf("the key of an authority that goes on is destroyed: %v", err)
		}
		if again := i.find(t, c.Serial); again.State != ca.Issued || !again.DueAt.IsZero() {
			t.Errorf("refused, and yet %+v", again)
		}
		if _, err := i.Issue(t.Context(), system, i.ordered(t, "o2")); err != nil {
			t.Error(err)
		}
	})
}

// TestAnAuthorityEndsWithWhatItIssued from the first word to the destroyed key: what is in force is revoked by the rule of
// scheduled revocations, the last list comes behind the last of them, and status is answered all the while.
func TestAnAuthorityEndsWithWhatItIssued(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		e := i.ends(t)
		left, err := i.End(t.Context(), machine, e)
		if err != nil || left != 1 {
			t.Fatalf("%d left: %v", left, err)
		}
		if got := i.find(t, c.Serial); got.DueAt.IsZero() || got.DueReason != issuance.CessationOfOperation {
			t.Errorf("not due: %+v", got)
		}
		if _, err := i.LastList(t.Context(), e.Authority); !fault.Is(err, fault.Conflict) {
			t.Errorf("a last list over a certificate in force: %v", err)
		}
		_, err = i.Issue(t.Context(), system, i.ordered(t, "o2"))
		wantKey(t, err, fault.Conflict, "ca.ended")
		i.clock.pass(2 * time.Minute) // the room of orders did not come
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, err := i.End(t.Context(), machine, e); err != nil || left != 0 {
			t.Fatalf("%d left: %v", left, err)
		}
		list := i.lastList(t, e.Authority)
		if !has(list, c.Serial) {
			t.Error("what ended with the authority is not on its last list")
		}
		i.clock.pass(80 * 24 * time.Hour) // its responder is renewed: status goes on
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		i.answersRevoked(t, c)
		if again := i.lastList(t, e.Authority); again.Number.Cmp(list.Number) != 0 {
			t.Errorf("a list followed the last: %s after %s", again.Number, list.Number)
		}
		i.shut(t, e.Authority)
		i.answersRevoked(t, c)
	})
}

// answersRevoked has the authority's responder speak, and checks what it said.
func (i *instance) answersRevoked(t *testing.T, c ca.Certificate) {
	t.Helper()
	chain, err := i.ChainOf(c)
	if err != nil {
		t.Fatal(err)
	}
	issuer, _ := x509.ParseCertificate(chain[0])
	leaf, _ := x509.ParseCertificate(c.DER)
	asked, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	request, err := issuance.ParseStatusRequest(asked)
	if err != nil {
		t.Fatal(err)
	}
	standing, revocation, err := i.Standing(t.Context(), c.Issuer, c.Serial)
	if err != nil {
		t.Fatal(err)
	}
	now := i.Now()
	der, err := i.Answer(t.Context(), c.Issuer, []issuance.SingleStatus{{ID: request.Asked[0], Standing: standing, Revocation: revocation, ThisUpdate: now, NextUpdate: now.Add(time.Hour)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ocsp.ParseResponseForCert(der, leaf, issuer)
	if err != nil || answer.Status != ocsp.Revoked || answer.RevocationReason != int(issuance.CessationOfOperation) {
		t.Errorf("%v: %+v", err, answer)
	}
}

// shut destroys the key, and looks at what is left.
func (i *instance) shut(t *testing.T, authority string) {
	t.Helper()
	for range 2 {
		if err := i.Shut(t.Context(), machine, authority); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := i.keys.Open(t.Context(), authority); err == nil {
		t.Error("the key is still there")
	}
	i.start(t)
	if _, err := i.OpenKeys(t.Context()); err != nil {
		t.Errorf("what was destroyed is missed: %v", err)
	}
	if err := i.Found(t.Context(), machine, plan()); err != nil {
		t.Errorf("a start behind the end: %v", err)
	}
	all, err := i.Watched(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		if w.Name == authority || w.Name == authority+"-ocsp" {
			t.Errorf("somebody is warned of the end of %s, which has ended", w.Name)
		}
	}
	if a := i.Authorities()[1]; !a.Ended || a.Issues {
		t.Errorf("%+v", a)
	}
}

// TestTheEndOfAnAuthorityGoesOnWhereItWasKilled at each point between its first row and the destroyed key.
func TestTheEndOfAnAuthorityGoesOnWhereItWasKilled(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		e := i.ends(t)
		end := func() { _, _ = i.End(context.WithoutCancel(t.Context()), machine, e) }
		ending := ca.EndingPoints()
		for _, point := range []string{ending[0], "ca.list-number", "ca.list-signed", "ca.list-recorded"} {
			if point != ending[0] {
				i.clock.pass(2 * time.Minute)
			}
			reached := i.killedAt(point, 1, func() { end(); _ = i.Work(t.Context()) })
			if !reached && point != "ca.list-recorded" {
				t.Errorf("nothing reaches %s", point)
			}
			i.start(t)
		}
		i.clock.pass(2 * time.Minute)
		if err := i.Work(t.Context()); err != nil { // nobody gives the command again
			t.Fatal(err)
		}
		if !has(i.lastList(t, e.Authority), c.Serial) {
			t.Error("not on the last list")
		}
		if !i.killedAt(ending[1], 1, func() { _ = i.Shut(t.Context(), machine, e.Authority) }) {
			t.Errorf("nothing reaches %s", ending[1])
		}
		i.start(t)
		if _, err := i.Issue(t.Context(), actor.Machine("exemplo"), i.ordered(t, "o3")); err == nil {
			t.Error("a key that counts as gone signs")
		}
		i.shut(t, e.Authority)
	})
}

// TestWhatIsUnderAMandateDoesNotHideWhatPeopleAreToldOf: orders' certificates are found by their room without the others
// that are due; those end here.
func TestWhatIsUnderAMandateDoesNotHideWhatPeopleAreToldOf(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		ordered, under := i.issue(t, "o1"), i.issue(t, "o2")
		must(t, i.deed(t, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE ca_certificate SET mandate = 'exemplo' WHERE serial = $1`, string(under.Serial))
			return err
		}))
		e := i.ends(t)
		if left, err := i.End(t.Context(), machine, e); err != nil || left != 2 {
			t.Fatalf("%d left: %v", left, err)
		}
		must(t, i.deed(t, func(tx *db.Tx) error {
			due, err := i.DueIn(t.Context(), tx)
			if len(due) != 1 || due[0].Serial != ordered.Serial {
				t.Errorf("due: %+v", due)
			}
			return err
		}))
		i.clock.pass(2 * time.Minute)
		must(t, i.Work(t.Context()))
		if got := i.find(t, under.Serial); got.State != ca.Revoked {
			t.Errorf("under the mandate: %s", got.State)
		}
	})
}
