package audit

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
)

func noon() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.EachAt(t, noon, test)
}

func decider() actor.Actor {
	return actor.Actor{
		Kind: actor.Officer, Portal: "one", Person: "p1", Account: "a1", Session: "s1",
		Roles: []actor.Role{actor.Director, actor.Decider}, Strength: actor.ByCode, Address: "192.0.2.0/24",
	}
}

func write(t *testing.T, d *db.DB, by actor.Actor, verb, object string, details ...Detail) {
	t.Helper()
	err := d.InTx(t.Context(), func(tx *db.Tx) error { return Write(t.Context(), tx, by, verb, object, details...) })
	if err != nil {
		t.Fatal(err)
	}
}

func deeds(t *testing.T, d *db.DB, n int) {
	t.Helper()
	for range n {
		write(t, d, decider(), "case.approve", "case/c1", With("revision", db.NewID()))
	}
}

func entries(t *testing.T, d *db.DB, f Filter) (found []Entry) {
	t.Helper()
	err := d.Look(t.Context(), func(tx *db.Tx) (err error) {
		found, err = Entries(t.Context(), tx, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWriteRecordsWhoDidWhatAndHowSurely(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		write(t, d, decider(), "case.approve", "case/c1", With("revision", "ab12"), With("quorum", "2"))
		visitor := actor.Nobody("one")
		visitor.Case, visitor.Strength = "c1", actor.ByLink
		write(t, d, visitor, "case.withdraw", "case/c1")
		found := entries(t, d, Filter{Portal: "one"})
		if len(found) != 2 || found[0].Seq != 2 || found[0].Opened != "c1" || found[0].Kind != actor.Visitor {
			t.Fatalf("%+v", found)
		}
		e := found[1]
		if e.Person != "p1" || e.Account != "a1" || e.Session != "s1" || e.Strength != actor.ByCode || !e.At.Equal(noon()) ||
			len(e.Roles) != 2 || e.Details["revision"] != "ab12" || e.Details["quorum"] != "2" || e.Address != "192.0.2.0/24" {
			t.Fatalf("%+v", e)
		}
	})
}

func TestWriteRefusesWhatCouldBePersonalOrSecret(t *testing.T) {
	const canary = "Ana Exemplo <ana@example.org>"
	each(t, func(t *testing.T, d *db.DB) {
		for name, c := range map[string]struct {
			verb, object string
			detail       Detail
		}{
			"a name":             {"case.approve", "case/c1", With("who", "Ana Exemplo")},
			"an address":         {"case.approve", "case/c1", With("who", "ana@example.org")},
			"letters of a name":  {"case.approve", "case/c1", With("who", "João")},
			"a line of its own":  {"case.approve", "case/c1", With("x", "a\n{\"forged\":1}")},
			"a long text":        {"case.approve", "case/c1", With("x", strings.Repeat("a", 257))},
			"an object in words": {"case.approve", "case/" + canary, With("x", "1")},
			"no object":          {"case.approve", "", With("x", "1")},
			"a verb in words":    {"approved the case", "case/c1", With("x", "1")},
			"a name with spaces": {"case.approve", "case/c1", With("x y", "1")},
		} {
			err := d.InTx(t.Context(), func(tx *db.Tx) error {
				return Write(t.Context(), tx, decider(), c.verb, c.object, c.detail)
			})
			if err == nil || strings.Contains(err.Error(), c.detail.Value) && c.detail.Value != "1" || strings.Contains(err.Error(), canary) {
				t.Errorf("%s: %v", name, err)
			}
		}
		twice := d.InTx(t.Context(), func(tx *db.Tx) error {
			return Write(t.Context(), tx, decider(), "case.approve", "case/c1", With("x", "1"), With("x", "2"))
		})
		if twice == nil || len(entries(t, d, Filter{Portal: "one"})) != 0 {
			t.Errorf("twice the same name: %v; or something was written", twice)
		}
	})
}

func TestADeedThatFailsLeavesNoEntryAndNoGap(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		refusal := errors.New("no")
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			if err := Write(t.Context(), tx, decider(), "case.approve", "case/c1"); err != nil {
				return err
			}
			return refusal
		})
		if !errors.Is(err, refusal) {
			t.Fatal(err)
		}
		deeds(t, d, 1)
		if found := entries(t, d, Filter{Portal: "one"}); len(found) != 1 || found[0].Seq != 1 {
			t.Fatalf("%+v", found)
		}
	})
}

func TestAKindOfActorThatIsNotOneIsNotRecordedAndSoDoesNotAct(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			return Write(t.Context(), tx, actor.Actor{Portal: "one"}, "case.approve", "case/c1")
		})
		if err == nil {
			t.Fatal("an actor of no kind acted")
		}
	})
}

func TestDeedsAtOnceMakeOneChain(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		k := keeper(t, d, t.TempDir())
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				err := d.InTx(context.Background(), func(tx *db.Tx) error {
					return Write(context.Background(), tx, decider(), "case.take", "case/c1")
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		sign(t, k)
		if r := check(t, d, k); !r.Sound() || r.Entries != 50 || r.Signed != 50 {
			t.Fatalf("%+v", r)
		}
	})
}

func TestEntriesShowOnePortalAndPageBackwards(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		deeds(t, d, 3)
		other := decider()
		other.Portal = "two"
		write(t, d, other, "case.approve", "case/c1")
		write(t, d, decider(), "case.refuse", "case/c2")
		for name, c := range map[string]struct {
			f    Filter
			want []int64
		}{
			"all of a portal":    {Filter{Portal: "one"}, []int64{5, 3, 2, 1}},
			"of another":         {Filter{Portal: "two"}, []int64{4}},
			"of none":            {Filter{}, nil},
			"one object":         {Filter{Portal: "one", Object: "case/c1"}, []int64{3, 2, 1}},
			"one verb":           {Filter{Portal: "one", Verb: "case.refuse"}, []int64{5}},
			"the page before":    {Filter{Portal: "one", Before: 3, Limit: 1}, []int64{2}},
			"no such object":     {Filter{Portal: "one", Object: "case/c1' OR '1'='1"}, nil},
			"a verb and another": {Filter{Portal: "one", Verb: "case.refuse", Object: "case/c1"}, nil},
		} {
			var got []int64
			for _, e := range entries(t, d, c.f) {
				got = append(got, e.Seq)
			}
			if len(got) != len(c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				continue
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("%s: %v, want %v", name, got, c.want)
				}
			}
		}
	})
}

func TestTheHashCoversEveryColumnAndItsBorders(t *testing.T) {
	r := rowOf(decider(), "case.approve", "case/c1", "{}")
	r.seq, r.text[colAt], r.text[colPrev] = 7, "2026-05-04T12:00:00.000000Z", beginning
	before := r.digest()
	for i := range r.text {
		changed := r
		changed.text[i] += "x"
		if changed.digest() == before {
			t.Errorf("column %d is not covered", i)
		}
	}
	moved := r
	moved.text[colPerson], moved.text[colAccount] = "p1a", "1"
	if moved.digest() == before {
		t.Error("a letter may move from one column to the next")
	}
	numbered := r
	numbered.seq = 8
	if numbered.digest() == before {
		t.Error("the number is not covered")
	}
}
