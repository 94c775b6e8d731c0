package ca_test

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

var system = actor.Machine("exemplo")

func TestFoundMakesAHierarchyThatOpensslAccepts(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		if said, err := i.verify(t, c); !ok(said, err) {
			t.Fatalf("%v: %s", err, said)
		}
		seal, chain, err := i.SealOf(t.Context(), "exemplo")
		if err != nil || len(chain) != 2 {
			t.Fatalf("seal: %v, chain of %d", err, len(chain))
		}
		if said, err := openssl(t, "verify", "-CAfile", file(t, "root.pem", issuance.PEM(chain[1])), "-untrusted", file(t, "i.pem", issuance.PEM(chain[0])), file(t, "s.pem", issuance.PEM(seal))); !ok(said, err) {
			t.Fatalf("%v: %s", err, said)
		}
	})
}

func TestFoundTwiceChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		before := i.Authorities()
		i.start(t)
		if err := i.Found(t.Context(), machine, plan()); err != nil {
			t.Fatal(err)
		}
		after := i.Authorities()
		if len(before) != 2 || len(after) != 2 || !before[0].Root {
			t.Fatalf("%d and %d authorities", len(before), len(after))
		}
		for n := range before {
			if !bytes.Equal(before[n].Certificate, after[n].Certificate) {
				t.Errorf("authority %s has another certificate", after[n].Name)
			}
		}
	})
}

func TestFoundIsTheProgramsAlone(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		for _, by := range []actor.Actor{officer("ana", actor.Decider, actor.Administrator), actor.Nobody("exemplo"), system} {
			if err := i.Found(t.Context(), by, plan()); !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", by.Kind, err)
			}
		}
	})
}

func TestResponderAndSealAreRenewedBeforeTheyEnd(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		first := i.Authorities()[1].ResponderEnd
		i.clock.pass(61 * 24 * time.Hour) // 29 days are left of 90
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again := i.Authorities()[1].ResponderEnd; !again.After(first) {
			t.Fatalf("the responder still ends %s", again)
		}
		seal, _, err := i.SealOf(t.Context(), "exemplo")
		if err != nil {
			t.Fatal(err)
		}
		i.clock.pass(3*365*24*time.Hour - 90*24*time.Hour)
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if renewed, _, err := i.SealOf(t.Context(), "exemplo"); err != nil || bytes.Equal(seal, renewed) {
			t.Fatalf("the seal was not renewed: %v", err)
		}
	})
}

func TestIssueIsForApprovedBytesOnly(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		o, der := website(t)
		digest := digestOf(t, o)
		r := ca.Request{ID: "o1", Portal: "exemplo", Case: "c1", Order: der, Quorum: 2}
		refused := func(why string, r ca.Request) {
			t.Helper()
			if _, err := i.Issue(t.Context(), system, r); !fault.Is(err, fault.Forbidden) {
				t.Fatalf("%s: %v", why, err)
			}
		}
		refused("nobody approved", r)
		i.approve(t, "c1", digest, "ana", "ana")
		refused("one person twice", r)
		r.Quorum = 1
		refused("the caller asks for one alone", r)
		i.approve(t, "c2", digest, "rui")
		refused("another case's approval", r)
		i.approve(t, "c1", digest, "rui")
		changed, err := issuance.ParseOrder(der)
		if err != nil {
			t.Fatal(err)
		}
		changed.DNSNames = []string{"outra.exemplo.pt"}
		other, err := changed.Encode()
		if err != nil {
			t.Fatal(err)
		}
		refused("changed after approval", ca.Request{ID: "o1", Portal: "exemplo", Case: "c1", Order: other, Quorum: 2})
		refused("asked for another case", ca.Request{ID: "o1", Portal: "exemplo", Case: "c3", Order: der, Quorum: 2})
		if _, err := i.Issue(t.Context(), system, r); err != nil {
			t.Fatal(err)
		}
		if all := i.of(t, "c1"); len(all) != 1 || len(all[0].Approvals) != 2 {
			t.Fatalf("%d certificates: %+v", len(all), all)
		}
	})
}

func TestAVoidedApprovalApprovesNothing(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		r := i.ordered(t, "o1")
		err := i.db.InTx(t.Context(), func(tx *db.Tx) error {
			return decision.Void(t.Context(), tx, officer("ana", actor.Decider), r.Case, "changed")
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.Issue(t.Context(), system, r); !fault.Is(err, fault.Forbidden) {
			t.Fatal(err)
		}
	})
}

func TestNoCeremonyApprovesAHoldersCertificate(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		o, der := website(t)
		err := i.db.InTx(t.Context(), func(tx *db.Tx) error {
			return decision.RecordCeremony(t.Context(), tx, system, "exemplo", digestOf(t, o), "forged")
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = i.Issue(t.Context(), system, ca.Request{ID: "o1", Portal: "exemplo", Order: der, Quorum: 1})
		wantKey(t, err, fault.Forbidden, "ca.not-approved")
	})
}

func TestOnlyTheProgramIssues(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		r := i.ordered(t, "o1")
		for _, by := range []actor.Actor{officer("ana", actor.Decider), {Kind: actor.Person, Portal: "exemplo", Person: "titular", Strength: actor.ByDevice}, actor.Machine("outro")} {
			if _, err := i.Issue(t.Context(), by, r); err == nil {
				t.Errorf("%s of %s issued", by.Kind, by.Portal)
			}
		}
	})
}

func TestAPersonsCertificateNeedsTheProofOfIdentity(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
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
			issuance.GivenName: "Inventada", issuance.Surname: "d’Exemplo", issuance.SerialNumber: "IDCPT-00000000", issuance.CommonName: "Inventada d’Exemplo",
		}, nil, public)
		r := ca.Request{ID: "o1", Portal: "exemplo", Case: "c1", Order: der, Quorum: 2} // the caller does not ask for it
		i.approve(t, "c1", digestOf(t, o), "ana", "rui")
		_, err = i.Issue(t.Context(), system, r)
		wantKey(t, err, fault.Forbidden, "ca.identity-missing")
		identity := ca.Identity{Portal: "exemplo", Case: "c1", Digest: digestOf(t, o), How: "in-person", Words: "Cartão de Cidadão visto ao balcão."}
		record := func(by actor.Actor) error {
			return i.db.InTx(t.Context(), func(tx *db.Tx) error { return i.RecordIdentity(t.Context(), tx, by, identity) })
		}
		if err := record(actor.Actor{Kind: actor.Person, Portal: "exemplo", Person: "titular", Strength: actor.ByDevice}); !fault.Is(err, fault.Forbidden) {
			t.Fatalf("a person recorded: %v", err)
		}
		if err := record(officer("eva", actor.Director)); err != nil {
			t.Fatal(err)
		}
		if err := record(officer("eva", actor.Director)); !fault.Is(err, fault.Conflict) {
			t.Fatalf("recorded twice: %v", err)
		}
		if _, err := i.Issue(t.Context(), system, r); err != nil {
			t.Fatal(err)
		}
	})
}

func TestIssueAgainGivesTheSameCertificate(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		r := i.ordered(t, "o1")
		one, err := i.Issue(t.Context(), system, r)
		if err != nil {
			t.Fatal(err)
		}
		two, err := i.Issue(t.Context(), system, r)
		if err != nil || two.Serial != one.Serial || !bytes.Equal(one.DER, two.DER) {
			t.Fatalf("%v: %s and %s", err, one.Serial, two.Serial)
		}
		r.Order = i.ordered(t, "o2").Order
		_, err = i.Issue(t.Context(), system, r)
		wantKey(t, err, fault.Conflict, "ca.other-order")
	})
}

func TestIssueAtOnceManyTimesGivesOneCertificate(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		r := i.ordered(t, "o1")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := i.Issue(t.Context(), system, r); err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := i.of(t, r.Case); len(got) != 1 || got[0].State != ca.Issued {
			t.Fatalf("%d certificates: %+v", len(got), got)
		}
	})
}

func TestAKeyIsCertifiedOnce(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		r := i.ordered(t, "o1")
		c, err := i.Issue(t.Context(), system, r)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.Revoke(t.Context(), officer("ana", actor.Decider), ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		again := r
		again.ID = "o2"
		_, err = i.Issue(t.Context(), system, again)
		wantKey(t, err, fault.Invalid, "E-CSR-04") // revoked for compromise, and asked for anew
	})
}

func TestNoCertificateForAKeyOfOurs(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		signer, err := i.keys.Open(t.Context(), "seal-exemplo-1")
		if err != nil {
			t.Fatal(err)
		}
		public, err := issuance.CheckKey(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		o, der := orderOf(t, issuance.Website, map[issuance.Attribute]string{
			issuance.Country: "PT", issuance.Organization: "Município de Exemplo", issuance.OrganizationIdentifier: issuance.BodyIdentifier("590000004"),
		}, []string{"www.exemplo.pt"}, public)
		i.approve(t, "c1", digestOf(t, o), "ana", "rui")
		_, err = i.Issue(t.Context(), system, ca.Request{ID: "o1", Portal: "exemplo", Case: "c1", Order: der, Quorum: 2})
		wantKey(t, err, fault.Invalid, "E-CSR-04")
	})
}

func TestEveryDeedIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		if err := i.Revoke(t.Context(), officer("ana", actor.Decider), ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}); err != nil {
			t.Fatal(err)
		}
		var verbs []string
		err := i.db.Look(t.Context(), func(tx *db.Tx) error {
			entries, err := audit.Entries(t.Context(), tx, audit.Filter{Portal: "exemplo", Object: "certificate/" + string(c.Serial)})
			for _, e := range entries {
				verbs = append(verbs, e.Verb)
			}
			return err
		})
		if err != nil || len(verbs) != 3 || verbs[0] != "certificate.revoke" || verbs[1] != "certificate.issue" || verbs[2] != "certificate.intend" {
			t.Fatalf("%v %v", verbs, err)
		}
	})
}
