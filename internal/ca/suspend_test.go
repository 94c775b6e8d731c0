package ca_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

var holder = actor.Actor{Kind: actor.Person, Portal: "exemplo", Person: "titular", Strength: actor.ByCode}

// person issues a natural person's certificate to the holder.
func (i *instance) person(t *testing.T, id string) ca.Certificate {
	t.Helper()
	key, err := issuance.GenerateKey(issuance.ECP256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := issuance.CheckKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	o, der := orderOf(t, issuance.PersonAuthentication, map[issuance.Attribute]string{
		issuance.Country: "PT", issuance.Organization: "Município de Exemplo", issuance.OrganizationIdentifier: issuance.BodyIdentifier("590000004"),
		issuance.Surname: "Exemplo", issuance.GivenName: "Inventada", issuance.SerialNumber: "IDCPT-00000000", issuance.CommonName: "Inventada Exemplo",
	}, nil, public)
	i.approve(t, "case-"+id, digestOf(t, o), "ana", "rui")
	must(t, i.deed(t, func(tx *db.Tx) error {
		return i.RecordIdentity(t.Context(), tx, officer("eva", actor.Director), ca.Identity{Portal: "exemplo", Case: "case-" + id, Digest: digestOf(t, o), How: "in-person"})
	}))
	c, err := i.Issue(t.Context(), actor.Machine("exemplo"), ca.Request{ID: id, Portal: "exemplo", Case: "case-" + id, Order: der, Quorum: 2, Holder: "titular"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// deed runs a step as a deed of its own.
func (i *instance) deed(t *testing.T, step func(tx *db.Tx) error) error {
	t.Helper()
	return i.db.InTx(t.Context(), step)
}

func (i *instance) suspend(t *testing.T, by actor.Actor, w ca.Suspension) error {
	t.Helper()
	if w.Until.IsZero() {
		w.Until = i.clock.now().Add(30 * 24 * time.Hour)
	}
	if w.Then == "" {
		w.Then = ca.ThenReinstate
	}
	return i.deed(t, func(tx *db.Tx) error { return i.SuspendIn(t.Context(), tx, by, w) })
}

func (i *instance) reinstate(t *testing.T, by actor.Actor, c ca.Certificate) error {
	t.Helper()
	return i.deed(t, func(tx *db.Tx) error { return i.ReinstateIn(t.Context(), tx, by, c.Serial, "Factos.") })
}

func (i *instance) cancel(t *testing.T, by actor.Actor, c ca.Certificate, right ca.Right) error {
	t.Helper()
	return i.deed(t, func(tx *db.Tx) error { return i.CancelIn(t.Context(), tx, by, c.Serial, right) })
}

func (i *instance) holds(t *testing.T, c ca.Certificate) (all []ca.Hold) {
	t.Helper()
	must(t, i.deed(t, func(tx *db.Tx) (err error) {
		all, err = i.HoldsOf(t.Context(), tx, c.Serial)
		return err
	}))
	return all
}

// standing wants what OCSP says of it.
func (i *instance) standing(t *testing.T, c ca.Certificate, want issuance.Standing, reason issuance.Reason) issuance.Revocation {
	t.Helper()
	got, r, err := i.Standing(t.Context(), c.Issuer, c.Serial)
	if err != nil || got != want || r.Reason != reason {
		t.Fatalf("%s %+v %v; want %s, reason %d", got, r, err, want, reason)
	}
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// crl is what openssl reads in the list in force.
func (i *instance) crl(t *testing.T, c ca.Certificate) (text, path string) {
	t.Helper()
	l, err := i.List(t.Context(), c.Issuer)
	must(t, err)
	chain, err := i.ChainOf(c)
	must(t, err)
	der := file(t, "list.der", l.DER)
	text, err = openssl(t, "crl", "-inform", "DER", "-in", der, "-noout", "-text", "-CAfile", file(t, "issuer.pem", issuance.PEM(chain[0])))
	if err != nil || !strings.Contains(text, "verify OK") {
		t.Fatalf("%v: %s", err, text)
	}
	pem, err := openssl(t, "crl", "-inform", "DER", "-in", der)
	must(t, err)
	return text, file(t, "list.pem", []byte(pem))
}

func TestASuspensionIsOnTheListAtOnceAndOffItWhenItEnds(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.person(t, "o1")
		_, before := i.listed(t, c.Issuer, c.Serial)
		must(t, i.suspend(t, holder, ca.Suspension{Serial: c.Serial, Words: "Perdi o computador."}))
		began := i.clock.now()
		if r := i.standing(t, c, issuance.Revoked, issuance.CertificateHold); !r.At.Equal(began) {
			t.Errorf("since %s; want %s", r.At, began)
		}
		text, list := i.crl(t, c)
		if !strings.Contains(text, "Certificate Hold") {
			t.Fatalf("no hold in %s", text)
		}
		if said, err := i.verify(t, c, "-crl_check", "-CRLfile", list); err == nil || !strings.Contains(said, "revoked") {
			t.Fatalf("openssl relies on a suspended certificate: %v: %s", err, said)
		}
		wantKey(t, i.suspend(t, holder, ca.Suspension{Serial: c.Serial}), fault.Conflict, "ca.suspended")

		i.clock.pass(time.Hour)
		must(t, i.reinstate(t, decider, c))
		i.standing(t, c, issuance.Good, 0)
		on, after := i.listed(t, c.Issuer, c.Serial)
		if on || after < before+2 {
			t.Fatalf("still on list %d: %v", after, on)
		}
		text, list = i.crl(t, c)
		if strings.Contains(text, "Certificate Hold") || strings.Contains(text, "Remove From CRL") {
			t.Fatalf("%s", text)
		}
		if said, err := i.verify(t, c, "-crl_check", "-CRLfile", list, "-attime", strconv.FormatInt(i.clock.now().Unix(), 10)); !ok(said, err) {
			t.Fatalf("%v: %s", err, said)
		}
		wantKey(t, i.reinstate(t, decider, c), fault.Conflict, "ca.not-suspended")
		all := i.holds(t, c)
		if len(all) != 1 || !all[0].From.Equal(began) || !all[0].EndedAt.Equal(began.Add(time.Hour)) || all[0].Ended != ca.ThenReinstate || all[0].EndedBy != "ana" || all[0].By != "titular" {
			t.Fatalf("%+v", all)
		}
		for at, want := range map[time.Time]bool{began.Add(-time.Second): false, began: true, began.Add(59 * time.Minute): true, began.Add(time.Hour): false} {
			if all[0].Covers(at) != want {
				t.Errorf("at %s: %v", at, !want)
			}
		}
	})
}

func TestARevocationOfASuspendedCertificateKeepsTheDateOfTheHold(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.person(t, "o1")
		must(t, i.suspend(t, holder, ca.Suspension{Serial: c.Serial}))
		began := i.clock.now()
		i.clock.pass(48 * time.Hour)
		must(t, i.Revoke(t.Context(), holder, ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise}))
		if r := i.standing(t, c, issuance.Revoked, issuance.KeyCompromise); !r.At.Equal(began) {
			t.Errorf("revoked as of %s; want %s", r.At, began)
		}
		text, _ := i.crl(t, c)
		if !strings.Contains(text, "Key Compromise") || strings.Contains(text, "Certificate Hold") {
			t.Fatal(text)
		}
		all := i.holds(t, c)
		if len(all) != 1 || all[0].Ended != ca.ThenRevoke || !all[0].EndedAt.Equal(i.clock.now()) {
			t.Fatalf("%+v", all)
		}
	})
}

func TestASuspensionEndsByItselfAsItWasSet(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		back, gone, short := i.person(t, "o1"), i.person(t, "o2"), i.person(t, "o3")
		must(t, i.suspend(t, holder, ca.Suspension{Serial: back.Serial, Until: i.clock.now().Add(24 * time.Hour)}))
		must(t, i.suspend(t, holder, ca.Suspension{Serial: gone.Serial, Until: i.clock.now().Add(24 * time.Hour), Then: ca.ThenRevoke}))
		must(t, i.suspend(t, holder, ca.Suspension{Serial: short.Serial, Until: i.clock.now().Add(72 * time.Hour)}))
		began := i.clock.now()
		must(t, i.Work(t.Context()))
		i.standing(t, back, issuance.Revoked, issuance.CertificateHold)
		i.clock.pass(24*time.Hour + 2*time.Minute)
		must(t, i.Work(t.Context()))
		i.standing(t, back, issuance.Good, 0)
		if r := i.standing(t, gone, issuance.Revoked, issuance.Unspecified); !r.At.Equal(began) {
			t.Errorf("revoked as of %s", r.At)
		}
		i.standing(t, short, issuance.Revoked, issuance.CertificateHold)
		wantKey(t, i.reinstate(t, decider, gone), fault.Conflict, "E-REV-03")
		if err := i.suspend(t, holder, ca.Suspension{Serial: back.Serial, Until: i.clock.now().Add(ca.LongestSuspension + time.Minute)}); err == nil {
			t.Error("suspended for longer than any rule allows")
		}
		must(t, i.suspend(t, holder, ca.Suspension{Serial: back.Serial}))
	})
}

func TestSuspensionIsForPersonsAndTheirPeople(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		site, c := i.issue(t, "o1"), i.person(t, "o2")
		wantKey(t, i.suspend(t, decider, ca.Suspension{Serial: site.Serial}), fault.Conflict, "ca.not-suspendable")
		i.standing(t, site, issuance.Good, 0)
		stranger, elsewhere, director := holder, holder, officer("eva", actor.Director)
		stranger.Person, elsewhere.Portal = "outrem", "outro"
		nobody := actor.Nobody("exemplo")
		for _, one := range []struct {
			who   string
			by    actor.Actor
			right ca.Right
			kind  fault.Kind
		}{
			{"somebody else", stranger, ca.Own, fault.NotFound},
			{"the holder's id in another portal", elsewhere, ca.Own, fault.NotFound},
			{"a visitor", nobody, ca.Own, fault.NotFound},
			{"a visitor, for the body", nobody, ca.OfBody, fault.NotFound},
			{"a code of another portal", actor.Nobody("outro"), ca.OfCode, fault.NotFound},
			{"an auditor", officer("eva", actor.Auditor), ca.Own, fault.Forbidden},
		} {
			if err := i.suspend(t, one.by, ca.Suspension{Serial: c.Serial, Right: one.right}); !fault.Is(err, one.kind) {
				t.Errorf("%s: %v", one.who, err)
			}
		}
		i.standing(t, c, issuance.Good, 0)
		for _, one := range []struct {
			by    actor.Actor
			right ca.Right
		}{{holder, ca.Own}, {stranger, ca.OfBody}, {nobody, ca.OfCode}, {director, ca.Own}} {
			must(t, i.suspend(t, one.by, ca.Suspension{Serial: c.Serial, Right: one.right}))
			for _, by := range []actor.Actor{holder, stranger, nobody, elsewhere, director} {
				if err := i.reinstate(t, by, c); err == nil {
					t.Errorf("%s gave it back", by.Kind)
				}
			}
			must(t, i.reinstate(t, decider, c))
			i.clock.pass(time.Second)
		}
		for _, a := range i.Authorities() {
			for _, right := range []ca.Right{ca.OfCode, ca.OfBody} {
				if err := i.Revoke(t.Context(), holder, ca.Revocation{Serial: a.Serial, Reason: issuance.Superseded, Right: right}); !fault.Is(err, fault.NotFound) {
					t.Errorf("a right reached %s: %v", a.Name, err)
				}
			}
		}
	})
}

func TestNothingLeadsOutOfRevoked(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.person(t, "o1")
		must(t, i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}))
		for _, by := range []actor.Actor{decider, actor.Machine("exemplo")} {
			wantKey(t, i.reinstate(t, by, c), fault.Conflict, "E-REV-03")
			wantKey(t, i.suspend(t, by, ca.Suspension{Serial: c.Serial}), fault.Conflict, "E-REV-03")
			wantKey(t, i.cancel(t, by, c, ca.Own), fault.Conflict, "ca.no-date")
			wantKey(t, i.Revoke(t.Context(), by, ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise, At: i.clock.now().Add(time.Hour)}), fault.Conflict, "E-REV-03")
			wantKey(t, i.deed(t, func(tx *db.Tx) error { return i.EndDueIn(t.Context(), tx, actor.Machine("exemplo"), c.Serial) }), fault.Conflict, "ca.no-date")
		}
		i.clock.pass(200 * 24 * time.Hour)
		must(t, i.Work(t.Context()))
		i.standing(t, c, issuance.Revoked, issuance.Superseded)
	})
}

func TestTheDateOfARevocationIsMovedAndCalledOffByThoseWhoMay(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.person(t, "o1")
		day := func(n int) time.Time { return i.clock.now().AddDate(0, 0, n) }
		set := func(by actor.Actor, right ca.Right, at time.Time) error {
			return i.Revoke(t.Context(), by, ca.Revocation{Serial: c.Serial, Reason: issuance.AffiliationChanged, At: at, Right: right})
		}
		other := holder
		other.Person = "responsavel"
		wantKey(t, i.cancel(t, decider, c, ca.Own), fault.Conflict, "ca.no-date")
		wantKey(t, set(holder, ca.Own, c.NotAfter), fault.Invalid, "ca.after-end")
		must(t, set(other, ca.OfBody, day(10)))
		wantKey(t, set(holder, ca.Own, day(11)), fault.Forbidden, "ca.not-your-date")
		wantKey(t, i.cancel(t, holder, c, ca.Own), fault.Forbidden, "ca.not-your-date")
		must(t, set(other, ca.OfBody, day(20))) // whoever set it puts it off
		must(t, set(holder, ca.Own, day(5)))    // anyone who may revoke brings it forward
		wantKey(t, i.cancel(t, other, c, ca.OfBody), fault.Forbidden, "ca.not-your-date")
		must(t, i.cancel(t, decider, c, ca.Own))
		i.clock.pass(30 * 24 * time.Hour)
		must(t, i.Work(t.Context()))
		i.standing(t, c, issuance.Good, 0)
		// An officer's reason is carried out by the program too, and a suspension does not stop the date.
		must(t, i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.PrivilegeWithdrawn, At: day(2)}))
		must(t, i.suspend(t, holder, ca.Suspension{Serial: c.Serial}))
		i.clock.pass(49 * time.Hour)
		must(t, i.Work(t.Context()))
		i.standing(t, c, issuance.Revoked, issuance.PrivilegeWithdrawn)
	})
}
