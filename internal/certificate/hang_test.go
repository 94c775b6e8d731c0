package certificate_test

import (
	"maps"
	"testing"
	"time"

	"chancela/internal/account"
	"chancela/internal/certificate"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

// hanging is what hangs on Ana's powers at the body.
func (k *kit) hanging(powers ...string) (things []account.Thing) {
	k.t.Helper()
	must(k.t, k.db.Look(k.t.Context(), func(tx *db.Tx) (err error) {
		things, err = k.Hanging(k.t.Context(), tx, account.Scope{Portal: k.p, NIPC: nipc, Person: "ana", Powers: powers})
		return err
	}))
	return things
}

func (k *kit) end(id certificate.ID) error {
	k.t.Helper()
	ground := portal.Reason{Code: "RV02", Text: portal.Text{PT: "Cessação de funções", EN: "End of function"}, CRL: 3}
	return k.db.InTx(k.t.Context(), func(tx *db.Tx) error { return k.End(k.t.Context(), tx, k.p, string(id), ground) })
}

func TestWhatHangsOnAPowerIsInForceOrUnderWayAndFollowsByTheRule(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.p.Powers[0].Follows = portal.FollowsRevoke
		one := k.issued("c1")
		k.ordered("pessoa", "c2")
		site := k.ordered("sitio", "c3")
		k.work(1)
		gone := k.issued("c4")
		must(t, k.Revoke(t.Context(), holder("ana"), gone.ID, 1, time.Time{}))
		things := k.hanging("propria", "sitios")
		effects := map[string]account.Effect{}
		for _, one := range things {
			effects[one.ID] = one.Effect
		}
		want := map[string]account.Effect{string(one.ID): account.Ends, string(k.ofCase("c2").ID): account.Ends, string(site.ID): account.Stays}
		if !maps.Equal(effects, want) {
			t.Fatalf("%+v", things)
		}
		if things = k.hanging("sitios"); len(things) != 1 {
			t.Fatalf("%+v", things)
		}
		must(t, k.end(one.ID))
		must(t, k.end(one.ID)) // ended once, however often it is asked
		if v := k.ofCase("c1"); v.Revocation == nil || v.Revocation.Reason != 3 {
			t.Fatalf("%+v", v.Revocation)
		}
		if things = k.hanging("propria"); len(things) != 1 {
			t.Fatalf("%+v", things)
		}
	})
}

func TestAnOrderThatIsStoppedIsNeverIssued(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.ordered("pessoa", "c1")
		must(t, k.end(v.ID))
		if v = k.ofCase("c1"); v.State != certificate.Stopped {
			t.Fatalf("%s", v.State)
		}
		err := k.RecordIdentity(t.Context(), director, "c1", certificate.InPerson, "Cartão de Cidadão visto ao balcão.")
		wantKey(t, err, fault.Conflict, "certificate.not-now")
		k.work(0)
	})
}

func TestACertificateWhoseOrderDoesNotKnowOfItEndsToo(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.ordered("pessoa", "c1")
		must(t, k.RecordIdentity(t.Context(), director, "c1", certificate.InPerson, "Cartão de Cidadão visto ao balcão."))
		k.crash = func(string) { panic("the process ends here") } // the certificate is signed, and its order does not know
		func() {
			defer func() { _ = recover() }()
			_, _ = k.Work(t.Context())
		}()
		k.crash = nil
		must(t, k.end(v.ID))
		k.work(1) // its order learns of it
		if v = k.ofCase("c1"); v.Standing != certificate.Revoked {
			t.Fatalf("%+v", v.Order)
		}
	})
}

func TestWhatLostItsRightBeforeItWasIssuedIsHeld(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.ordered("pessoa", "c1")
		must(t, k.RecordIdentity(t.Context(), director, "c1", certificate.InPerson, "Cartão de Cidadão visto ao balcão."))
		k.people.mu.Lock()
		had := k.people.powers["ana"]
		k.people.powers["ana"] = nil
		k.people.mu.Unlock()
		k.work(0)
		if v := k.ofCase("c1"); v.Held != "certificate.no-power" {
			t.Fatalf("held for %q", v.Held)
		}
		k.people.mu.Lock()
		k.people.powers["ana"] = had
		k.people.mu.Unlock()
		k.clock.pass(time.Hour)
		k.work(1)
	})
}
