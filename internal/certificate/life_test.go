package certificate_test

import (
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/certificate"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

func TestAnOrderIsIssuedOnceItsIdentityIsProven(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.ordered("pessoa", "c1")
		if v.State != certificate.AwaitingIdentity || v.Standing != certificate.None || len(v.Approvals) != 2 {
			t.Fatalf("%+v", v)
		}
		k.work(0)
		if list, err := k.Awaiting(t.Context(), director); err != nil || len(list) != 1 || list[0].ID != v.ID {
			t.Fatalf("awaiting %+v: %v", list, err)
		}
		must(t, k.RecordIdentity(t.Context(), director, "c1", certificate.InPerson, "Cartão de Cidadão visto ao balcão."))
		k.work(1)
		k.work(0)
		v = k.ofCase("c1")
		if v.State != certificate.Issued || v.Standing != certificate.Active || v.Identity == nil || v.Identity.Name != "Pessoa eva" || v.Lint.Passed < 20 || len(v.Lint.Findings) > 0 {
			t.Fatalf("%+v", v)
		}
		if v.Approvals[0].Name != "Pessoa rui" || v.Approvals[1].Name != "Pessoa ivo" || v.Number != "2026/c1" {
			t.Fatalf("%+v", v.Approvals)
		}
		if !slices.Equal(k.post.events(), []portal.Event{portal.CertificateIssued}) {
			t.Fatalf("told %v", k.post.events())
		}
		for _, part := range v.Details {
			if strings.Contains(part.Value, "00000000") {
				t.Errorf("the page shows the number: %+v", part)
			}
		}
	})
}

func TestIdentityIsRecordedByAnotherOfficerOnceAndInWords(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.ordered("pessoa", "c1")
		record := func(by actor.Actor, words string) error {
			return k.RecordIdentity(t.Context(), by, "c1", certificate.InPerson, words)
		}
		const words = "Cartão de Cidadão visto ao balcão."
		wantKey(t, record(officer("ana", actor.Director), words), fault.Forbidden, "certificate.own")
		wantKey(t, record(director, "visto"), fault.Invalid, "form.problems")
		if err := k.RecordIdentity(t.Context(), director, "c1", "telepatia", words); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		if err := record(holder("ana"), words); !fault.Is(err, fault.Forbidden) {
			t.Errorf("the holder recorded: %v", err)
		}
		if err := record(officer("rita", actor.Auditor), words); !fault.Is(err, fault.Forbidden) {
			t.Errorf("an auditor recorded: %v", err)
		}
		elsewhere := director
		elsewhere.Portal = "outro"
		wantKey(t, record(elsewhere, words), fault.NotFound, "fault.not-found")
		must(t, record(director, words))
		wantKey(t, record(decider, words), fault.Conflict, "certificate.not-now")
	})
}

func TestOneOfficerIsNotEnough(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.approve(k.grant("sitio", "c1", nil), "rui")) // as if the room of cases had been deceived
		k.work(0)
		v := k.ofCase("c1")
		if v.State != certificate.Issuing || v.Held != "decision.not-enough" {
			t.Fatalf("%s, held: %q", v.State, v.Held)
		}
	})
}

func TestAVoidedApprovalHoldsTheOrder(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.ordered("sitio", "c1")
		must(t, k.db.InTx(t.Context(), func(tx *db.Tx) error { return decision.Void(t.Context(), tx, decider, "c1", "changed") }))
		k.work(0)
		if v := k.ofCase("c1"); v.Held != "decision.not-enough" || v.Serial != "" {
			t.Fatalf("%+v", v)
		}
		k.work(0) // it rests for a while
	})
}

func TestManyWorkersIssueOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		for _, id := range []string{"c1", "c2", "c3"} {
			k.ordered("sitio", id)
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		total := 0
		for range 4 {
			all.Go(func() {
				n, err := k.Work(t.Context())
				mu.Lock()
				defer mu.Unlock()
				if total += n; err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		k.clock.pass(time.Minute)
		n, err := k.Work(t.Context())
		must(t, err)
		if total += n; total != 3 || len(k.post.events()) != 3 {
			t.Fatalf("issued %d, told %d times", total, len(k.post.events()))
		}
	})
}

type died struct{}

func TestACrashBehindTheIssueDoesNotIssueTwice(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.ordered("sitio", "c1")
		reached := false
		k.crash = func(point string) {
			if slices.Contains(certificate.CrashPoints(), point) {
				reached = true
				panic(died{})
			}
		}
		func() {
			defer func() {
				if p := recover(); p != nil && p != (died{}) {
					panic(p)
				}
			}()
			_, _ = k.Work(t.Context())
		}()
		k.crash = nil
		if !reached {
			t.Fatal("the point was not reached")
		}
		k.open()
		must(t, k.ca.Reconcile(t.Context()))
		k.work(1)
		must(t, k.db.Look(t.Context(), func(tx *db.Tx) error {
			all, err := k.ca.OfCase(t.Context(), tx, "c1")
			if len(all) != 1 {
				t.Errorf("%d certificates", len(all))
			}
			return err
		}))
	})
}

func TestAcceptAndDeclineAreTheHoldersAndFinal(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		one, two := k.issued("c1"), k.issued("c2")
		for _, by := range []actor.Actor{holder("outra"), actor.Nobody(desk), {Kind: actor.Person, Portal: "outro", Person: "ana", Strength: actor.ByDevice}} {
			wantKey(t, k.Accept(t.Context(), by, one.ID), fault.NotFound, "fault.not-found")
			wantKey(t, k.Decline(t.Context(), by, one.ID), fault.NotFound, "fault.not-found")
		}
		if err := k.Accept(t.Context(), decider, one.ID); err == nil {
			t.Error("an officer accepted")
		}
		must(t, k.Accept(t.Context(), holder("ana"), one.ID))
		wantKey(t, k.Accept(t.Context(), holder("ana"), one.ID), fault.Conflict, "certificate.not-now")
		wantKey(t, k.Decline(t.Context(), holder("ana"), one.ID), fault.Conflict, "certificate.not-now")
		must(t, k.Decline(t.Context(), holder("ana"), two.ID))
		if v := k.ofCase("c2"); v.State != certificate.Declined || v.Standing != certificate.Revoked || v.Reason != 4 {
			t.Fatalf("%+v", v.Order)
		}
		if v := k.ofCase("c1"); v.State != certificate.Accepted || v.Standing != certificate.Active {
			t.Fatalf("%+v", v.Order)
		}
		if got := k.post.events(); !slices.Equal(got[2:], []portal.Event{portal.CertificateActive, portal.CertificateDeclined}) {
			t.Fatalf("told %v", got)
		}
	})
}

func TestTheHolderRevokesWithAReason(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		if err := k.Revoke(t.Context(), holder("ana"), v.ID, 9, time.Time{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a holder gave an officer's reason: %v", err)
		}
		wantKey(t, k.Revoke(t.Context(), holder("outra"), v.ID, 1, time.Time{}), fault.NotFound, "fault.not-found")
		must(t, k.Revoke(t.Context(), holder("ana"), v.ID, 1, time.Time{}))
		if v := k.ofCase("c1"); v.Revocation == nil || v.Revocation.Reason != 1 || v.Revocation.Name != "Pessoa ana" || v.MayAccept() {
			t.Fatalf("%+v", v)
		}
		wantKey(t, k.Revoke(t.Context(), holder("ana"), v.ID, 1, time.Time{}), fault.Conflict, "E-REV-03")
		wantKey(t, k.Accept(t.Context(), holder("ana"), v.ID), fault.Conflict, "E-REV-03")
		if got := k.post.events(); len(got) != 3 || got[1] != portal.CertificateRevoked || got[2] != got[1] { // Ana, and Bea who answers for the body
			t.Fatalf("told %v: a refused deed tells nobody", got)
		}
	})
}

func TestAnOfficerRevokesWithGroundsOfThePortal(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		words := "O titular usou o certificado para fins que as condições excluem."
		revoke := func(by actor.Actor, code, words string) error {
			return k.RevokeByOfficer(t.Context(), by, v.ID, certificate.Ground{Code: code, Words: words})
		}
		for _, bad := range [][2]string{{"RV05", "curto"}, {"RP01", words}, {"", words}, {"RV99", words}} {
			if err := revoke(decider, bad[0], bad[1]); !fault.Is(err, fault.Invalid) {
				t.Errorf("%v: %v", bad, err)
			}
		}
		if err := revoke(director, "RV05", words); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a director revoked: %v", err)
		}
		if err := revoke(holder("ana"), "RV05", words); !fault.Is(err, fault.Forbidden) {
			t.Errorf("the holder gave an officer's grounds: %v", err)
		}
		must(t, revoke(decider, "RV05", words))
		if v := k.ofCase("c1"); v.Reason != 9 || !strings.Contains(v.Revocation.Words, words) {
			t.Fatalf("%+v", v.Revocation)
		}
		told := k.post.sent[len(k.post.sent)-1]
		if !strings.Contains(told.Values["reason"], words) || !strings.Contains(told.Values["reason"], "Pode reclamar") {
			t.Fatalf("told %q", told.Values["reason"])
		}
	})
}

func TestOnlyItsPeopleSeeACertificate(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		elsewhere := decider
		elsewhere.Portal = "outro"
		for _, by := range []actor.Actor{holder("outra"), actor.Nobody(desk), elsewhere, officer("gil", actor.Administrator), actor.Machine(desk)} {
			_, err := k.Of(t.Context(), by, v.ID)
			wantKey(t, err, fault.NotFound, "fault.not-found")
			_, err = k.Download(t.Context(), by, v.ID, certificate.PEM)
			wantKey(t, err, fault.NotFound, "fault.not-found")
			if _, found, err := k.OfCase(t.Context(), by, "c1"); found || err != nil {
				t.Errorf("found %v, %v", found, err)
			}
		}
		for _, by := range []actor.Actor{holder("ana"), director, officer("rita", actor.Auditor)} {
			if _, err := k.Of(t.Context(), by, v.ID); err != nil {
				t.Error(err)
			}
		}
		if mine, err := k.Mine(t.Context(), holder("outra")); err != nil || len(mine) != 0 {
			t.Errorf("somebody else's list has %d: %v", len(mine), err)
		}
		if mine, err := k.Mine(t.Context(), holder("ana")); err != nil || len(mine) != 1 || mine[0].Serial != v.Serial || mine[0].Standing != certificate.Active {
			t.Errorf("%+v: %v", mine, err)
		}
	})
}

func TestDownloadsAreTheCertificateAndItsChain(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		der := download(t, k, v.ID, certificate.DER)
		leaf, err := x509.ParseCertificate(der.Data)
		must(t, err)
		chain := certificates(t, download(t, k, v.ID, certificate.Chain).Data)
		if one := certificates(t, download(t, k, v.ID, certificate.PEM).Data); len(one) != 1 || !one[0].Equal(leaf) || len(chain) != 3 || !chain[0].Equal(leaf) {
			t.Fatalf("%d, chain of %d", len(one), len(chain))
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(chain[2])
		between.AddCert(chain[1])
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: k.clock.now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Download(t.Context(), holder("ana"), v.ID, "p12"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

func TestEveryDeedOfAnOrderIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		must(t, k.Accept(t.Context(), holder("ana"), v.ID))
		var verbs []string
		must(t, k.db.Look(t.Context(), func(tx *db.Tx) error {
			entries, err := audit.Entries(t.Context(), tx, audit.Filter{Portal: desk})
			for _, e := range entries {
				verbs = append(verbs, e.Verb)
			}
			return err
		}))
		if want := []string{"certificate.accept", "order.issue", "certificate.issue", "certificate.intend", "identity.record", "certificate.order"}; !slices.Equal(verbs, want) {
			t.Fatalf("%v", verbs)
		}
	})
}

func TestAFaultOfOursIsToldAndTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.ordered("sitio", "c1")
		broken := errors.New("no")
		must(t, k.db.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE certificate_order SET order_der = $1`, []byte("broken"))
			return errors.Join(err, nil)
		}))
		if n, err := k.Work(t.Context()); err == nil || n != 0 || errors.Is(err, broken) {
			t.Fatalf("%d, %v", n, err)
		}
		must(t, k.db.Look(t.Context(), func(tx *db.Tx) error {
			var held string
			var tries int
			err := tx.Row(t.Context(), `SELECT held, tries FROM certificate_order`).Scan(&held, &tries)
			if held != "certificate.held.trouble" || tries != 1 {
				t.Errorf("held %q, tried %d", held, tries)
			}
			return err
		}))
	})
}
