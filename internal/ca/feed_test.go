package ca_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// replica is another process on the same database.
func (i *instance) replica(t *testing.T) *instance {
	t.Helper()
	other := &instance{db: i.db, clock: i.clock, keys: i.keys, listSize: i.listSize}
	var err error
	other.CA, err = ca.New(ca.Config{DB: i.db, Keys: i.keys, Base: "http://localhost:8080/pki", Replica: "two", Monotonic: i.clock.monotonic, ListSize: i.listSize})
	if err == nil {
		err = other.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func (i *instance) catchUp(t *testing.T) {
	t.Helper()
	if err := i.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (i *instance) stands(t *testing.T, c ca.Certificate) ca.Known {
	t.Helper()
	k, err := i.Find(t.Context(), c.Issuer, c.Serial.Number().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestARevocationIsInTheRegisterWhenItReturnsAndSoonInEveryReplicas(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		other := i.replica(t)
		c := i.issue(t, "o1")
		i.catchUp(t)
		other.catchUp(t)
		late := i.issue(t, "o2") // behind what the other replica has read
		for _, one := range []*instance{i, other} {
			for _, cert := range []ca.Certificate{c, late} {
				if k := one.stands(t, cert); k.Standing != issuance.Good || k.Place == 0 || !k.Ends.Equal(cert.NotAfter) {
					t.Fatalf("%+v", k)
				}
			}
		}
		if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		before := i.stands(t, late)
		if k := i.stands(t, c); k.Standing != issuance.Revoked || k.Revocation.Reason != issuance.KeyCompromise {
			t.Fatalf("the replica that revoked says %+v", k)
		}
		if err := other.Revoke(t.Context(), decider, ca.Revocation{Serial: late.Serial, Reason: issuance.Superseded}); err != nil {
			t.Fatal(err)
		}
		if k := other.stands(t, c); k.Standing != issuance.Revoked { // what it read after its own revocation holds the other's
			t.Fatalf("%+v", k)
		}
		i.catchUp(t)
		if k := i.stands(t, late); k.Standing != issuance.Revoked || k.Turn == before.Turn {
			t.Fatalf("after reading what changed: %+v, before %+v", k, before)
		}
	})
}

// TestTheRegisterSaysWhatTheRecordSays plays a random history on two replicas, and asks each, and one that starts at its
// end, about every number.
func TestTheRegisterSaysWhatTheRecordSays(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		seed := rand.Uint64()
		dice := rand.New(rand.NewPCG(seed, 1))
		replicas := []*instance{i, i.replica(t)}
		var all []ca.Certificate
		for n := range 60 {
			at := replicas[dice.IntN(2)]
			switch what := dice.IntN(10); {
			case what < 5 || len(all) == 0:
				all = append(all, at.issue(t, fmt.Sprint("o", n)))
			case what < 8:
				one := all[dice.IntN(len(all))]
				err := at.Revoke(t.Context(), decider, ca.Revocation{Serial: one.Serial, Reason: []issuance.Reason{0, 1, 3, 4, 5, 9}[dice.IntN(6)]})
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Fatal(err)
				}
			case what < 9:
				at.catchUp(t)
			default:
				at.killedAt("ca.intent", 1, func() { at.issue(t, fmt.Sprint("lost", n)) })
				i.clock.pass(11 * time.Minute) // so that any replica may close it
				if err := at.Reconcile(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, one := range append(replicas, i.replica(t)) {
			one.catchUp(t)
			one.sameAsRecord(t, seed)
		}
	})
}

func (i *instance) sameAsRecord(t *testing.T, seed uint64) {
	t.Helper()
	n := 0
	err := i.db.Look(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT serial, issuer, state, reason, revoked_at, not_after FROM ca_certificate WHERE state <> 'intended'`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var serial ca.Serial
			var issuer, state string
			var reason int
			var revoked, ends time.Time
			if err := rows.Scan(&serial, &issuer, &state, &reason, db.Times(&revoked), db.Times(&ends)); err != nil {
				return err
			}
			n++
			k, err := i.Find(t.Context(), issuer, serial.Number().Bytes())
			want := issuance.Good
			if state != "issued" {
				want = issuance.Revoked
			}
			if err != nil || k.Place == 0 || k.Standing != want || want == issuance.Revoked && (int(k.Revocation.Reason) != reason || !k.Revocation.At.Equal(revoked.Truncate(time.Second))) ||
				!ends.IsZero() && !k.Ends.Equal(ends.Truncate(time.Second)) {
				t.Errorf("seed %d: %s is %s %d %s in the record: %+v %v", seed, serial, state, reason, revoked, k, err)
			}
			if r, ok := i.Registered(k.Place); !ok || r.Issuer != issuer || ca.SerialOf(new(big.Int).SetBytes(r.Serial)) != serial {
				t.Errorf("seed %d: place %d holds %+v", seed, k.Place, r)
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, more := i.Registered(uint32(n + 1)); more {
		t.Errorf("seed %d: the register holds more than the %d of the record", seed, n)
	}
}

func TestWhatIsRevokedWhileTheRegisterIsReadIsInIt(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		for n := range 5 {
			c := i.issue(t, fmt.Sprint("o", n))
			fresh := i.replica(t)
			var both sync.WaitGroup
			both.Go(func() {
				if err := fresh.CatchUp(t.Context()); err != nil {
					t.Error(err)
				}
			})
			both.Go(func() {
				if err := fresh.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}); err != nil {
					t.Error(err)
				}
				if k := fresh.stands(t, c); k.Standing != issuance.Revoked {
					t.Errorf("after its revocation it is %+v", k)
				}
			})
			both.Wait()
			if k := fresh.stands(t, c); k.Standing != issuance.Revoked {
				t.Errorf("afterwards it is %+v", k)
			}
		}
	})
}

func TestWithoutADatabaseAnswersGoOnFromWhatIsKnown(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		i.catchUp(t)
		if err := i.Fresh(); err != nil {
			t.Fatal(err)
		}
		if err := i.db.Close(); err != nil {
			t.Fatal(err)
		}
		if k := i.stands(t, c); k.Standing != issuance.Good || k.AsOf.IsZero() {
			t.Fatalf("%+v", k)
		}
		if _, err := i.Find(t.Context(), c.Issuer, []byte{1, 2, 3}); err == nil {
			t.Fatal("what is not known is said to be unknown without asking the record")
		}
		if err := i.CatchUp(t.Context()); err == nil {
			t.Fatal("a closed database was read")
		}
	})
}

// TestOneLookThatFailsCallsNobody: a busy machine misses a look now and then, and no answer is wrong by it.
func TestOneLookThatFailsCallsNobody(t *testing.T) {
	var said bytes.Buffer
	d := dbtest.Open(t, dbtest.SQLite(t), time.Now)
	record, err := ca.New(ca.Config{DB: d, Keys: catest.NewKeys(), Base: "http://localhost:8080/pki", Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err == nil {
		err = errors.Join(record.CatchUp(t.Context()), d.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = record.Feed(ctx) }()
		for _, one := range []struct {
			wait   time.Duration
			errors int
		}{{14 * time.Second, 0}, {20 * time.Second, 1}} {
			<-time.After(one.wait)
			synctest.Wait()
			if text := said.String(); strings.Count(text, "level=WARN") != 1 || strings.Count(text, "level=ERROR") != one.errors {
				t.Errorf("after another %s: %s", one.wait, text)
			}
		}
	})
}

// sharded runs a test with lists of two certificates each.
func sharded(t *testing.T, test func(t *testing.T, i *instance)) {
	t.Helper()
	each(t, func(t *testing.T, i *instance) {
		i.listSize = 4 // the authority has certified its responder, the seal and the unit already
		i.start(t)
		i.catchUp(t)
		test(t, i)
	})
}

// listOf reads the list that a certificate says, and whether it is on it.
func (i *instance) listOf(t *testing.T, c ca.Certificate) (list *x509.RevocationList, on bool) {
	t.Helper()
	cert, err := x509.ParseCertificate(c.DER)
	if err != nil || len(cert.CRLDistributionPoints) != 1 || cert.CRLDistributionPoints[0] != "http://localhost:8080/pki/crl/"+c.List+".crl" {
		t.Fatalf("%v says %v: %v", c.List, cert.CRLDistributionPoints, err)
	}
	l, err := i.List(t.Context(), c.List)
	if err != nil {
		t.Fatal(err)
	}
	if list, err = x509.ParseRevocationList(l.DER); err != nil {
		t.Fatal(err)
	}
	return list, slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return ca.SerialOf(e.SerialNumber) == c.Serial })
}

func TestAListIsForSoManyCertificatesAndEachSaysItsOwn(t *testing.T) {
	sharded(t, func(t *testing.T, i *instance) {
		var all []ca.Certificate
		names := map[string]int{}
		for n := range 9 {
			c := i.issue(t, fmt.Sprint("o", n))
			all = append(all, c)
			names[c.List]++
			i.listOf(t, c) // it is there when the certificate is
		}
		if len(names) != 3 || names["emissora-teste"] != 1 || names["emissora-teste-1"] != 4 || names["emissora-teste-2"] != 4 {
			t.Fatalf("%v", names)
		}
		for _, c := range all {
			if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range all {
			list, on := i.listOf(t, c)
			if !on || len(list.RevokedCertificateEntries) != names[c.List] {
				t.Errorf("%s: on its list: %v, of %d entries", c.Serial, on, len(list.RevokedCertificateEntries))
			}
			if !slices.ContainsFunc(list.Extensions, func(e pkix.Extension) bool {
				return e.Id.String() == "2.5.29.28" && e.Critical && strings.Contains(string(e.Value), "/pki/crl/"+c.List+".crl")
			}) {
				t.Errorf("%s: the list does not say which it is", c.List)
			}
		}
		if urls, err := i.ListsOf(t.Context(), "emissora-teste"); err != nil || len(urls) != 3 {
			t.Errorf("%v %v", urls, err)
		}
		i.start(t) // what a process that starts anew makes of it
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		i.clock.pass(13 * time.Hour)
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if list, on := i.listOf(t, c); !on || list.ThisUpdate.Before(i.clock.now().Add(-time.Minute)) {
				t.Errorf("%s is not on its renewed list", c.Serial)
			}
		}
	})
}

func TestOpensslTakesTheListThatACertificateSaysAndNoOther(t *testing.T) {
	sharded(t, func(t *testing.T, i *instance) {
		first, second := i.issue(t, "o1"), i.issue(t, "o2")
		if first.List == second.List {
			t.Fatal(first.List)
		}
		pem := func(name string) string {
			l, err := i.List(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			said, err := openssl(t, "crl", "-inform", "DER", "-in", file(t, "list.der", l.DER))
			if err != nil {
				t.Fatal(said)
			}
			return file(t, "list.pem", []byte(said))
		}
		check := func(c ca.Certificate, list string) (string, error) {
			return i.verify(t, c, "-crl_check", "-extended_crl", "-CRLfile", pem(list))
		}
		if said, err := check(second, second.List); !ok(said, err) {
			t.Errorf("%v: %s", err, said)
		}
		if said, err := check(first, first.List); !ok(said, err) {
			t.Errorf("%v: %s", err, said)
		}
		if said, err := check(second, first.List); err == nil {
			t.Errorf("the other list was taken for its own: %s", said)
		}
		if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: second.Serial, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		if said, err := check(second, second.List); err == nil || !strings.Contains(said, "revoked") {
			t.Errorf("%v: %s", err, said)
		}
	})
}

func TestAListFromTheFutureIsMadeAnewWhenTheClockIsRight(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		c := i.issue(t, "o1")
		i.clock.jump(24 * time.Hour)
		if err := i.Revoke(t.Context(), decider, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}); err != nil {
			t.Fatal(err)
		}
		_, ahead := i.listed(t, c.Issuer, c.Serial)
		i.clock.jump(-24 * time.Hour)
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, on := i.listOf(t, c)
		if now := i.clock.now(); !on || list.ThisUpdate.After(now) || list.Number.Int64() <= ahead || !list.NextUpdate.After(now) {
			t.Errorf("on the list: %v; %s to %s at %s, number %s after %d", on, list.ThisUpdate, list.NextUpdate, now, list.Number, ahead)
		}
		for _, e := range list.RevokedCertificateEntries {
			if e.RevocationTime.After(list.ThisUpdate) {
				t.Errorf("an entry of %s on a list of %s", e.RevocationTime, list.ThisUpdate)
			}
		}
		i.catchUp(t)
		if k := i.stands(t, c); k.Revocation.At.After(i.clock.now()) {
			t.Errorf("revoked at %s, which is to come", k.Revocation.At)
		}
		i.clock.jump(48 * time.Hour) // and forward again: what has run out by it is made anew before it is given
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list, _ := i.listOf(t, c); !list.NextUpdate.After(i.clock.now()) {
			t.Errorf("a list that ran out at %s", list.NextUpdate)
		}
	})
}
