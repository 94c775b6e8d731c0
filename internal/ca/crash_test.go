package ca_test

import (
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// died is what a crash point panics with: nothing behind it runs, as if the process had ended.
type died struct{ point string }

// killedAt runs something with a crash at the n-th time that a point is reached, and says whether it was.
func (i *instance) killedAt(point string, n int, do func()) (reached bool) {
	i.crash = func(at string) {
		if at == point {
			if n--; n == 0 {
				panic(died{point})
			}
		}
	}
	defer func() {
		i.crash = nil
		if p := recover(); p != nil {
			if _, ok := p.(died); !ok {
				panic(p)
			}
			reached = true
		}
	}()
	do()
	return false
}

// whole checks what must hold after any crash once the process has started again.
func (i *instance) whole(t *testing.T) {
	t.Helper()
	err := i.db.Look(t.Context(), func(tx *db.Tx) error {
		var intended, unlisted, doubled int
		if err := tx.Row(t.Context(), `SELECT count(*) FROM ca_certificate WHERE state = 'intended'`).Scan(&intended); err != nil {
			return err
		}
		if err := tx.Row(t.Context(), `SELECT count(*) FROM ca_certificate WHERE state IN ('revoked', 'lost') AND entry IS NULL`).Scan(&unlisted); err != nil {
			return err
		}
		err := tx.Row(t.Context(), `SELECT count(*) FROM (SELECT order_id FROM ca_certificate WHERE state <> 'lost' GROUP BY order_id HAVING count(*) > 1) AS d`).Scan(&doubled)
		if intended+unlisted+doubled > 0 {
			t.Errorf("%d intents left, %d revoked without an entry, %d orders with two certificates", intended, unlisted, doubled)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestACrashAtAnyPointIsRepaired kills the room at every place that can lose something: while it founds, issues,
// revokes, makes a list, seals. A point that nothing reaches fails.
func TestACrashAtAnyPointIsRepaired(t *testing.T) {
	for _, point := range ca.CrashPoints() {
		t.Run(point, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				i := &instance{db: d, keys: keysIn(t.TempDir()), clock: &clock{at: time.Now()}}
				i.start(t)
				reached := i.killedAt(point, 1, func() { found(t, i) })
				i.again(t, func() { found(t, i) })
				r := i.ordered(t, "o1")
				issue := func() {
					if _, err := i.Issue(t.Context(), system, r); err != nil && !fault.Is(err, fault.Conflict) {
						t.Fatal(err)
					}
				}
				reached = i.killedAt(point, 1, issue) || reached
				i.again(t, issue)
				revoke := func() { i.revokeAll(t, r.Case) }
				reached = i.killedAt(point, 1, revoke) || reached
				i.again(t, revoke)
				i.approve(t, "case-seal", "aa11", "ana")
				seal := func() { i.sealed(t, "aa11") }
				reached = i.killedAt(point, 1, seal) || reached
				i.again(t, seal)
				if !reached {
					t.Error("nothing reaches this point")
				}
				i.allListed(t, r.Case)
			})
		})
	}
}

func found(t *testing.T, i *instance) {
	t.Helper()
	if err := i.Found(t.Context(), machine, plan()); err != nil {
		t.Fatal(err)
	}
}

// again starts the room anew and does what was cut off.
func (i *instance) again(t *testing.T, do func()) {
	t.Helper()
	i.start(t)
	do()
	if err := i.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.whole(t)
}

func (i *instance) revokeAll(t *testing.T, caseID string) {
	t.Helper()
	for _, c := range i.of(t, caseID) {
		if c.State != ca.Issued {
			continue
		}
		if err := i.Revoke(t.Context(), officer("ana", actor.Decider), ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}); err != nil {
			t.Fatal(err)
		}
	}
}

func (i *instance) sealed(t *testing.T, subject string) {
	t.Helper()
	if _, err := i.Seal(t.Context(), system, ca.SealRequest{Portal: "exemplo", Subject: subject, Quorum: 1, Digest: make([]byte, 32)}); err != nil {
		t.Fatal(err)
	}
}

// allListed checks that a case has one certificate that was issued, that it and all its lost ones are on the list,
// and that no two have one serial number.
func (i *instance) allListed(t *testing.T, caseID string) {
	t.Helper()
	live := 0
	for _, c := range i.of(t, caseID) {
		if c.State != ca.Lost {
			live++
		}
		on, _ := i.listed(t, c.Issuer, c.Serial)
		if !on || !c.IsRevoked() {
			t.Errorf("%s is %s and on the list: %v", c.Serial, c.State, on)
		}
		if standing, _, err := i.Standing(t.Context(), c.Issuer, c.Serial); err != nil || standing != issuance.Revoked {
			t.Errorf("%s stands %s: %v", c.Serial, standing, err)
		}
	}
	if live != 1 {
		t.Errorf("%d certificates that are not lost", live)
	}
}

func TestAnIntentIsNeverGoodAndNeverSignedLater(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		r := i.ordered(t, "o1")
		if !i.killedAt("ca.intent", 1, func() { _, _ = i.Issue(t.Context(), system, r) }) {
			t.Fatal("the point was not reached")
		}
		left := i.of(t, r.Case)
		if len(left) != 1 || left[0].State != ca.Intended {
			t.Fatalf("%+v", left)
		}
		if standing, _, err := i.Standing(t.Context(), left[0].Issuer, left[0].Serial); err != nil || standing != issuance.Revoked {
			t.Fatalf("an intent stands %s: %v", standing, err)
		}
		i.start(t)
		c, err := i.Issue(t.Context(), system, r)
		if err != nil || c.Serial == left[0].Serial {
			t.Fatalf("issued anew as %s: %v", c.Serial, err)
		}
		if lost := i.find(t, left[0].Serial); lost.State != ca.Lost || lost.DER != nil {
			t.Fatalf("%+v", lost)
		}
	})
}

// TestALateReplicaReleasesNothing: a process stands still behind its signature for so long that another takes it for
// dead; when it goes on, its certificate is revoked already and is not given out.
func TestALateReplicaReleasesNothing(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		r := i.ordered(t, "o1")
		other, err := ca.New(ca.Config{DB: i.db, Keys: i.keys, Base: "http://localhost:8080/pki", Replica: "two"})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		i.crash = func(point string) {
			if point != "ca.signed" {
				return
			}
			if err := other.Reconcile(t.Context()); err != nil {
				t.Error(err)
			}
			if c := i.of(t, r.Case); c[0].State != ca.Intended {
				t.Error("another replica closed an intent that is seconds old")
			}
			i.clock.pass(11 * time.Minute)
			if err := other.Reconcile(t.Context()); err != nil {
				t.Error(err)
			}
		}
		_, err = i.Issue(t.Context(), system, r)
		i.crash = nil
		wantKey(t, err, fault.Conflict, "ca.lost")
		if c := i.of(t, r.Case); len(c) != 1 || c[0].State != ca.Lost {
			t.Fatalf("%+v", c)
		}
		if _, err := i.Issue(t.Context(), system, r); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReconcileLeavesWhatIsUnderWayHere(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		r := i.ordered(t, "o1")
		i.crash = func(point string) {
			if point == "ca.signed" {
				if err := i.Reconcile(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		if _, err := i.Issue(t.Context(), system, r); err != nil {
			t.Fatal(err)
		}
	})
}
