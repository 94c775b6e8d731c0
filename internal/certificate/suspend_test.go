package certificate_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/certificate"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

const facts = "Factos de ensaio, ditos por extenso para o registo."

// ocsp wants what OCSP says of an order's certificate.
func (k *kit) ocsp(v certificate.View, want issuance.Standing, reason issuance.Reason) {
	k.t.Helper()
	serial, _ := ca.ParseSerial(v.Serial)
	got, r, err := k.ca.Standing(k.t.Context(), "emissora", serial)
	if err != nil || got != want || r.Reason != reason {
		k.t.Fatalf("%s, reason %d, %v; want %s, reason %d", got, r.Reason, err, want, reason)
	}
}

// code is the revocation code that the holder was sent last.
func (k *kit) code() string {
	k.t.Helper()
	_, sent := k.post.to(portal.CertificateCode)
	code, err := k.links.RevealCode(k.t.Context(), k.db, sent.Code)
	must(k.t, err)
	return code
}

func TestTheHolderSuspendsAndAnOfficerReinstates(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		must(t, k.Suspend(t.Context(), holder("ana"), v.ID, 1))
		k.ocsp(v, issuance.Revoked, issuance.CertificateHold)
		v = k.ofCase("c1")
		if v.Standing != certificate.Suspended || !v.HeldUntil.Equal(k.clock.now().AddDate(0, 0, 30)) || v.MayAccept() || v.MaySuspend() || !v.MayRevoke() || len(v.Holds) != 1 || v.Holds[0].Name != "Pessoa ana" {
			t.Fatalf("%+v", v)
		}
		wantKey(t, k.Suspend(t.Context(), holder("ana"), v.ID, 1), fault.Conflict, "ca.suspended")
		wantKey(t, k.Accept(t.Context(), holder("ana"), v.ID), fault.Conflict, "ca.suspended")
		if got, last := k.post.to(portal.CertificateSuspended); !slices.Equal(got, []string{"ana@exemplo.pt", "bea@exemplo.pt"}) || last.Values["requester"] != "titular" || last.Values["until"] == "" {
			t.Fatalf("told %v: %v", got, last.Values)
		}
		if list, err := k.Held(t.Context(), director); err != nil || len(list) != 1 || list[0].ID != v.ID {
			t.Fatalf("%+v %v", list, err)
		}
		for _, by := range []actor.Actor{holder("ana"), holder("bea"), holder("outra"), actor.Nobody(desk), director, officer("rita", actor.Auditor)} {
			if err := k.Reinstate(t.Context(), by, v.ID, facts); !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
				t.Errorf("%s %s reinstated it: %v", by.Kind, by.Person, err)
			}
		}
		wantKey(t, k.Reinstate(t.Context(), decider, v.ID, "curto"), fault.Invalid, "form.problems")
		must(t, k.Reinstate(t.Context(), decider, v.ID, facts))
		k.ocsp(v, issuance.Good, 0)
		wantKey(t, k.Reinstate(t.Context(), decider, v.ID, facts), fault.Conflict, "ca.not-suspended")
		if got, _ := k.post.to(portal.CertificateReinstated); len(got) != 2 {
			t.Fatalf("told %v", got)
		}
		v = k.ofCase("c1")
		if v.Standing != certificate.Active || v.Holds[0].EndedName != "Pessoa rui" || v.Holds[0].EndWords != facts {
			t.Fatalf("%+v", v.Holds)
		}
	})
}

func TestWhoAnswersForTheBodySuspendsAndRevokes(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		one, two := k.issued("c1"), k.issued("c2")
		bea, dina := holder("bea"), holder("dina")
		list, err := k.OfBodies(t.Context(), bea)
		if must(t, err); len(list) != 2 {
			t.Fatalf("%d certificates", len(list))
		}
		if list, err := k.OfBodies(t.Context(), dina); err != nil || len(list) != 0 {
			t.Fatalf("another body's: %v %v", list, err)
		}
		if v, err := k.Of(t.Context(), bea, one.ID); err != nil || v.Own {
			t.Fatalf("%+v %v", v, err)
		}
		for _, by := range []actor.Actor{dina, holder("outra")} {
			wantKey(t, k.Suspend(t.Context(), by, one.ID, 1), fault.NotFound, "fault.not-found")
			wantKey(t, k.Revoke(t.Context(), by, one.ID, 1, time.Time{}), fault.NotFound, "fault.not-found")
			wantKey(t, k.Cancel(t.Context(), by, one.ID), fault.NotFound, "fault.not-found")
		}
		wantKey(t, k.Accept(t.Context(), bea, one.ID), fault.NotFound, "fault.not-found")
		wantKey(t, k.NewCode(t.Context(), bea, one.ID), fault.NotFound, "fault.not-found")
		must(t, k.Suspend(t.Context(), bea, one.ID, 3))
		must(t, k.Revoke(t.Context(), bea, one.ID, 3, time.Time{}))
		k.ocsp(one, issuance.Revoked, issuance.AffiliationChanged)
		if _, last := k.post.to(portal.CertificateRevoked); last.Values["requester"] == "titular" {
			t.Fatalf("%v", last.Values)
		}
		k.clock.pass(200 * 24 * time.Hour) // the power ended
		wantKey(t, k.Revoke(t.Context(), bea, two.ID, 3, time.Time{}), fault.NotFound, "fault.not-found")
		k.ocsp(two, issuance.Good, 0)
	})
}

func TestAScheduledRevocationIsCarriedOutOnItsDayAndTold(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		day := k.clock.now().AddDate(0, 0, 10)
		must(t, k.Revoke(t.Context(), holder("bea"), v.ID, 3, day))
		k.ocsp(v, issuance.Good, 0)
		if got, last := k.post.to(portal.CertificateScheduled); len(got) != 2 || !strings.Contains(last.Values["until"], "14/05/2026") && !strings.Contains(last.Values["until"], "14 de maio") {
			t.Fatalf("told %v: %v", got, last.Values)
		}
		seen := k.ofCase("c1")
		if !seen.DueAt.Equal(day) || seen.DueReason != 3 || seen.MayCancel {
			t.Fatalf("%+v", seen)
		}
		wantKey(t, k.Cancel(t.Context(), holder("ana"), v.ID), fault.Forbidden, "ca.not-your-date")
		wantKey(t, k.Revoke(t.Context(), holder("ana"), v.ID, 3, day.AddDate(0, 0, 1)), fault.Forbidden, "ca.not-your-date")
		if err := k.Revoke(t.Context(), holder("ana"), v.ID, 3, seen.NotAfter); !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		must(t, k.Cancel(t.Context(), holder("bea"), v.ID))
		wantKey(t, k.Cancel(t.Context(), decider, v.ID), fault.Conflict, "ca.no-date")
		must(t, k.RevokeByOfficer(t.Context(), decider, v.ID, certificate.Ground{Code: "RV05", Words: facts, On: day}))
		must(t, k.EndDue(t.Context()))
		k.ocsp(v, issuance.Good, 0)
		k.clock.pass(10*24*time.Hour + time.Second)
		var racing sync.WaitGroup
		for range 3 {
			racing.Go(func() { must(t, k.EndDue(t.Context())) })
		}
		racing.Wait()
		k.ocsp(v, issuance.Revoked, issuance.PrivilegeWithdrawn)
		if got, _ := k.post.to(portal.CertificateRevoked); len(got) != 2 {
			t.Fatalf("told %v", got)
		}
	})
}

func TestTheEndOfASuspensionIsToldBeforeAndWhenItComes(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		must(t, k.SuspendByOfficer(t.Context(), director, v.ID, certificate.Ground{Code: "RV05", Words: facts}))
		warn := func(want int) {
			t.Helper()
			must(t, k.WarnOfHolds(t.Context(), actor.Machine("")))
			if got, _ := k.post.to(portal.CertificateHoldEnding); len(got) != want {
				t.Fatalf("told %v", got)
			}
		}
		warn(0)
		k.clock.pass(26 * 24 * time.Hour)
		warn(3) // holder, who answers for the body, officer
		warn(3)
		k.clock.pass(4*24*time.Hour + time.Second)
		must(t, k.EndDue(t.Context()))
		k.ocsp(v, issuance.Good, 0)
		if got, _ := k.post.to(portal.CertificateReinstated); len(got) != 2 {
			t.Fatalf("told %v", got)
		}
		k.p.Rules.Suspension.Then = portal.ThenRevoke
		must(t, k.Suspend(t.Context(), holder("ana"), v.ID, 0))
		k.clock.pass(30*24*time.Hour + time.Second)
		must(t, k.EndDue(t.Context()))
		k.ocsp(v, issuance.Revoked, issuance.Unspecified)
		if err := k.WarnOfHolds(t.Context(), decider); !fault.Is(err, fault.Forbidden) {
			t.Error(err)
		}
	})
}

func TestAWebsitesCertificateIsNotSuspended(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.ordered("sitio", "c1")
		k.work(1)
		v := k.ofCase("c1")
		if v.MaySuspend() {
			t.Error("the page offers it")
		}
		wantKey(t, k.Suspend(t.Context(), holder("ana"), v.ID, 1), fault.Conflict, "ca.not-suspendable")
		wantKey(t, k.SuspendByOfficer(t.Context(), decider, v.ID, certificate.Ground{Code: "RV05", Words: facts}), fault.Conflict, "ca.not-suspendable")
		_, err := k.Stop(t.Context(), visitor("a"), certificate.Stop{Number: v.Serial, Code: k.code(), Reason: 1})
		wantKey(t, err, fault.Conflict, "ca.not-suspendable")
		if _, err := k.Stop(t.Context(), visitor("a"), certificate.Stop{Number: v.Serial, Code: k.code(), Reason: 1, Revoke: true}); err != nil {
			t.Fatal(err)
		}
		k.ocsp(v, issuance.Revoked, issuance.KeyCompromise)
	})
}

func TestSuspensionByAnOfficerIsForThoseWhoMay(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		g := certificate.Ground{Code: "RV05", Words: facts}
		elsewhere := decider
		elsewhere.Portal = "outro"
		wantKey(t, k.SuspendByOfficer(t.Context(), elsewhere, v.ID, g), fault.NotFound, "fault.not-found")
		for _, by := range []actor.Actor{officer("rita", actor.Auditor), officer("zé", actor.CardOperator), holder("ana")} {
			if err := k.SuspendByOfficer(t.Context(), by, v.ID, g); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%v: %v", by.Roles, err)
			}
		}
		if err := k.SuspendByOfficer(t.Context(), director, v.ID, certificate.Ground{Code: "RP01", Words: "curto"}); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		must(t, k.db.Look(t.Context(), func(tx *db.Tx) error {
			c, err := k.ca.BySerial(t.Context(), tx, serialOf(v))
			if err == nil && c.State != ca.Issued {
				t.Errorf("a refused deed left it %s", c.State)
			}
			return err
		}))
	})
}

func serialOf(v certificate.View) ca.Serial {
	serial, _ := ca.ParseSerial(v.Serial)
	return serial
}
