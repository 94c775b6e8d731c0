//go:build pkcs11

package ca_test

import (
	"crypto/x509"
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/issuance/hsm"
	"chancela/internal/issuance/hsm/hsmtest"
)

// onToken runs a test on both engines, each with a token of its own; nothing is founded.
func onToken(t *testing.T, test func(t *testing.T, i *instance, k *hsmtest.Token)) {
	t.Helper()
	c := &clock{at: time.Now().Truncate(time.Second)}
	dbtest.EachAt(t, c.now, func(t *testing.T, d *db.DB) {
		k := hsmtest.New(t)
		m, err := hsm.New(hsm.Config{
			Library: k.Library, Token: hsmtest.Label, PIN: hsmtest.PIN, LoginPause: time.Nanosecond, Retry: time.Nanosecond, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		i := &instance{db: d, clock: c, keys: m}
		i.start(t)
		test(t, i, k)
	})
}

// answer has the responder speak about a certificate, and openssl judge what it said.
func (i *instance) answer(t *testing.T, c ca.Certificate) (string, error) {
	t.Helper()
	chain, err := i.ChainOf(c)
	if err != nil {
		t.Fatal(err)
	}
	issuer, leaf := parsed(t, chain[0]), parsed(t, c.DER)
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
	der, err := i.Answer(t.Context(), c.Issuer, []issuance.SingleStatus{
		{ID: request.Asked[0], Standing: standing, Revocation: revocation, ThisUpdate: now, NextUpdate: now.Add(i.AnswerLife())},
	}, nil)
	if err != nil {
		return "", err
	}
	said, err := openssl(t, "ocsp", "-respin", file(t, "answer.der", der), "-issuer", file(t, "issuer.pem", issuance.PEM(chain[0])),
		"-cert", file(t, "cert.pem", issuance.PEM(c.DER)), "-CAfile", file(t, "root.pem", issuance.PEM(chain...)), "-no_nonce")
	if err != nil {
		t.Fatalf("openssl: %v\n%s", err, said)
	}
	return said, nil
}

func parsed(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// intents counts what was meant to be signed for a case, whatever became of it.
func (i *instance) intents(t *testing.T, id string) int { return len(i.of(t, "case-"+id)) }

func TestTokenHoldsAHierarchyThatStrangersAccept(t *testing.T) {
	onToken(t, func(t *testing.T, i *instance, k *hsmtest.Token) {
		if err := i.Found(t.Context(), machine, plan()); err != nil {
			t.Fatal(err)
		}
		if err := i.Found(t.Context(), machine, plan()); err != nil {
			t.Fatal(err)
		}
		c := i.issue(t, "one")
		if said, err := i.verify(t, c); !ok(said, err) {
			t.Errorf("%v\n%s", err, said)
		}
		if said, err := i.answer(t, c); err != nil || !strings.Contains(said, "Response verify OK") || !strings.Contains(said, ": good") {
			t.Errorf("%v\n%s", err, said)
		}
		if err := i.Revoke(t.Context(), officer("ana", actor.Decider), ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		if on, _ := i.listed(t, c.Issuer, c.Serial); !on {
			t.Error("a revoked certificate is not on the list")
		}
		i.checkList(t, c)
		if said, err := i.answer(t, c); err != nil || !strings.Contains(said, ": revoked") {
			t.Errorf("%v\n%s", err, said)
		}
		i.start(t) // as a process that starts anew, with the same token
		if said, err := i.verify(t, i.issue(t, "two")); !ok(said, err) {
			t.Errorf("%v\n%s", err, said)
		}
		for _, name := range []string{"raiz-teste", "emissora-teste", "emissora-teste-ocsp-1", "seal-exemplo-1"} {
			if says := k.Says(t, "--login", "--pin", hsmtest.PIN, "--list-objects", "--type", "privkey"); strings.Count(says, " "+name+"\n") != 1 {
				t.Errorf("the token holds not one key %s:\n%s", name, says)
			}
		}
	})
}

// checkList has openssl judge the issuer's list, and the certificate by it.
func (i *instance) checkList(t *testing.T, c ca.Certificate) {
	t.Helper()
	l, err := i.List(t.Context(), c.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := i.ChainOf(c)
	if err != nil {
		t.Fatal(err)
	}
	said, err := openssl(t, "crl", "-inform", "DER", "-in", file(t, "l.crl", l.DER), "-CAfile", file(t, "chain.pem", issuance.PEM(chain...)), "-noout", "-text")
	serial := strings.ToUpper(hex.EncodeToString(parsed(t, c.DER).SerialNumber.Bytes()))
	if err != nil || !strings.Contains(said, "verify OK") || !strings.Contains(said, serial) {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestTokenTakenAwayPausesIssuingAndComesBackByItself(t *testing.T) {
	onToken(t, func(t *testing.T, i *instance, k *hsmtest.Token) {
		if err := i.Found(t.Context(), machine, plan()); err != nil {
			t.Fatal(err)
		}
		before := i.issue(t, "before")
		for _, id := range []string{"first", "second"} {
			r := i.ordered(t, id)
			back := k.Away(t)
			for range 3 {
				if _, err := i.Issue(t.Context(), actor.Machine("exemplo"), r); !fault.Is(err, fault.Unavailable) {
					t.Errorf("issuing without the token: %v", err)
				}
			}
			if n := i.intents(t, id); n != 0 {
				t.Errorf("%d certificates were meant while nothing could sign", n)
			}
			if _, err := i.answer(t, before); !fault.Is(err, fault.Unavailable) {
				t.Errorf("an answer without the token: %v", err)
			}
			if _, err := i.List(t.Context(), before.Issuer); err != nil {
				t.Errorf("the list in force: %v", err)
			}
			back()
			c, err := i.Issue(t.Context(), actor.Machine("exemplo"), r)
			if err != nil {
				t.Fatalf("the token is back: %v", err)
			}
			if said, err := i.verify(t, c); !ok(said, err) {
				t.Errorf("%v\n%s", err, said)
			}
			if said, err := i.answer(t, before); err != nil || !strings.Contains(said, ": good") {
				t.Errorf("%v\n%s", err, said)
			}
		}
		if k.PINTried(t) {
			t.Error("a wrong PIN was given on the way")
		}
	})
}

func TestTokenAwayLosesNoRevocation(t *testing.T) {
	onToken(t, func(t *testing.T, i *instance, k *hsmtest.Token) {
		if err := i.Found(t.Context(), machine, plan()); err != nil {
			t.Fatal(err)
		}
		c := i.issue(t, "one")
		back := k.Away(t)
		if err := i.Revoke(t.Context(), officer("ana", actor.Decider), ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatalf("revoking waits for no key: %v", err)
		}
		if standing, _, err := i.Standing(t.Context(), c.Issuer, c.Serial); err != nil || standing != issuance.Revoked {
			t.Errorf("%s, %v", standing, err)
		}
		back()
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if on, _ := i.listed(t, c.Issuer, c.Serial); !on {
			t.Error("the token is back, and the list does not say what happened meanwhile")
		}
	})
}

func TestTokenThatIsAwayAtTheStartIsFoundedOnWhenItComes(t *testing.T) {
	onToken(t, func(t *testing.T, i *instance, k *hsmtest.Token) {
		back := k.Away(t)
		if err := i.Found(t.Context(), machine, plan()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
		if err := i.Work(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
		back()
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if said, err := i.verify(t, i.issue(t, "one")); !ok(said, err) {
			t.Errorf("%v\n%s", err, said)
		}
	})
}

// TestTokenFoundsOverCrashes ends the founding behind each key that it makes, as a crash does, and goes on.
func TestTokenFoundsOverCrashes(t *testing.T) {
	onToken(t, func(t *testing.T, i *instance, k *hsmtest.Token) {
		const slots = 6 // root, issuing authority, a responder of each, a unit of time stamps, a seal
		for range slots {
			if !i.killedAt("ca.key", 1, func() { _ = i.Found(t.Context(), machine, plan()) }) {
				t.Fatal("no crash happened: this test has nothing to look for")
			}
			i.start(t)
			if err := i.foundNext(t); err != nil {
				t.Fatal(err)
			}
		}
		if err := i.Found(t.Context(), machine, plan()); err != nil {
			t.Fatal(err)
		}
		says := k.Says(t, "--login", "--pin", hsmtest.PIN, "--list-objects", "--type", "privkey")
		if n := strings.Count(says, "Private Key Object"); n != slots {
			t.Errorf("%d keys on the token for %d slots:\n%s", n, slots, says)
		}
	})
}

// foundNext goes on with the founding until the next key is made, and dies behind that one's certificate.
func (i *instance) foundNext(t *testing.T) (err error) {
	t.Helper()
	i.killedAt("ca.recorded", 1, func() { err = i.Found(t.Context(), machine, plan()) })
	i.start(t)
	return err
}
