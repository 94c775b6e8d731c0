package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/throttle"
)

// gate is one database with a clock that the test moves.
type gate struct {
	t        *testing.T
	d        *db.DB
	counters *throttle.Counters
	passed   *atomic.Int64
}

func each(t *testing.T, test func(g gate)) {
	t.Helper()
	var passed atomic.Int64
	now := func() time.Time {
		return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC).Add(time.Duration(passed.Load()))
	}
	dbtest.EachAt(t, now, func(t *testing.T, d *db.DB) {
		passed.Store(0)
		test(gate{t, d, throttle.New(throttle.Key{1, 2, 3}), &passed})
	})
}

func three() throttle.Rule { return throttle.Rule{Name: "guess", Limit: 3, Window: time.Hour} }

func (g gate) take(rule throttle.Rule, key string) error {
	return g.d.InTx(context.Background(), func(tx *db.Tx) error { return g.counters.Take(context.Background(), tx, rule, key) })
}

func (g gate) left(rule throttle.Rule, key string) (left int64, again time.Duration) {
	g.t.Helper()
	err := g.d.Look(context.Background(), func(tx *db.Tx) (err error) {
		left, again, err = g.counters.Peek(context.Background(), tx, rule, key)
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return left, again
}

func (g gate) rows() (all []string) {
	g.t.Helper()
	err := g.d.Look(context.Background(), func(tx *db.Tx) (err error) {
		all, err = db.Collect(context.Background(), tx, func(scan func(...any) error) (who string, err error) {
			return who, scan(&who)
		}, `SELECT who FROM throttle`)
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return all
}

func throttled(t *testing.T, what string, err error, retry time.Duration) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Kind != fault.Throttled || f.Retry != retry {
		t.Errorf("%s: %v, want to be told to come in %s", what, err, retry)
		return
	}
	if said := i18n.Say(i18n.PT, f.Key, f.Args); strings.ContainsAny(said, "{[") {
		t.Errorf("%s: says %q", what, said)
	}
}

func TestTheLimitHoldsUntilTheWindowEnds(t *testing.T) {
	each(t, func(g gate) {
		for i := range int64(3) {
			if left, again := g.left(three(), "a1"); left != 3-i || again != 0 {
				g.t.Errorf("before try %d: %d left, again in %s", i, left, again)
			}
			if err := g.take(three(), "a1"); err != nil {
				g.t.Fatal(err)
			}
			g.passed.Add(int64(10 * time.Minute))
		}
		throttled(g.t, "the fourth", g.take(three(), "a1"), 30*time.Minute)
		if left, again := g.left(three(), "a1"); left != 0 || again != 30*time.Minute {
			g.t.Errorf("%d left, again in %s", left, again)
		}
		g.passed.Add(int64(30*time.Minute - time.Microsecond))
		throttled(g.t, "at the last moment", g.take(three(), "a1"), time.Second)
		g.passed.Add(int64(time.Microsecond))
		if left, _ := g.left(three(), "a1"); left != 3 {
			g.t.Errorf("%d left in a new window", left)
		}
		for range 3 {
			if err := g.take(three(), "a1"); err != nil {
				g.t.Error(err)
			}
		}
		throttled(g.t, "the next window's fourth", g.take(three(), "a1"), time.Hour)
	})
}

func TestTheLimitHoldsAgainstFiftyAtOnce(t *testing.T) {
	each(t, func(g gate) {
		for window := range 2 { // a new row, then one whose window ended
			var in, out atomic.Int64
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					switch err := g.take(three(), "a1"); {
					case err == nil:
						in.Add(1)
					case fault.Is(err, fault.Throttled):
						out.Add(1)
					default:
						g.t.Error(err)
					}
				})
			}
			all.Wait()
			if in.Load() != 3 || out.Load() != 47 {
				g.t.Errorf("window %d: %d let in, %d sent away", window, in.Load(), out.Load())
			}
			g.passed.Add(int64(time.Hour))
		}
	})
}

func TestCountsAreApartByRuleAndKey(t *testing.T) {
	each(t, func(g gate) {
		for range 3 {
			if err := g.take(three(), "a1"); err != nil {
				g.t.Fatal(err)
			}
		}
		other := three()
		other.Name = "send"
		if err := errors.Join(g.take(three(), "a2"), g.take(other, "a1")); err != nil {
			g.t.Error(err)
		}
		throttled(g.t, "the same", g.take(three(), "a1"), time.Hour)
	})
}

func TestForgetGivesTheTriesBack(t *testing.T) {
	each(t, func(g gate) {
		for range 3 {
			if err := g.take(three(), "a1"); err != nil {
				g.t.Fatal(err)
			}
		}
		err := g.d.InTx(g.t.Context(), func(tx *db.Tx) error { return g.counters.Forget(g.t.Context(), tx, three(), "a1") })
		if err != nil {
			g.t.Fatal(err)
		}
		if left, _ := g.left(three(), "a1"); left != 3 {
			g.t.Errorf("%d left", left)
		}
	})
}

func TestWhatIsStoredNamesNobodyAndIsOfOneLength(t *testing.T) {
	each(t, func(g gate) {
		keys := []string{"ana@example.org", "", strings.Repeat("x", 1<<20), "\x00", "\xff'; DROP TABLE throttle; --"}
		for _, key := range keys {
			if err := g.take(three(), key); err != nil {
				g.t.Fatal(err)
			}
		}
		first := g.rows()
		if len(first) != len(keys) {
			g.t.Errorf("%d rows", len(first))
		}
		for _, who := range first {
			if len(who) != 32 || strings.Trim(who, "0123456789abcdef") != "" {
				g.t.Errorf("stored %.40q", who)
			}
		}
		stranger := gate{g.t, g.d, throttle.New(throttle.Key{9}), g.passed}
		if left, _ := stranger.left(three(), "ana@example.org"); left != 3 {
			g.t.Error("whoever lacks the key can look up whom we counted")
		}
	})
}

func TestSweepErasesWhatEnded(t *testing.T) {
	each(t, func(g gate) {
		for i := range 5 {
			if err := g.take(three(), fmt.Sprint("a", i)); err != nil {
				g.t.Fatal(err)
			}
		}
		g.passed.Add(int64(30 * time.Minute))
		if err := g.take(three(), "late"); err != nil {
			g.t.Fatal(err)
		}
		g.passed.Add(int64(30 * time.Minute))
		var swept int64
		err := g.d.InTx(g.t.Context(), func(tx *db.Tx) (err error) {
			swept, err = g.counters.Sweep(g.t.Context(), tx)
			return err
		})
		if left, _ := g.left(three(), "late"); err != nil || swept != 5 || left != 2 || len(g.rows()) != 1 {
			g.t.Errorf("%d swept, %d rows, %d left: %v", swept, len(g.rows()), left, err)
		}
	})
}

func TestWhatIsNoRuleIsAnErrorOfOursAndCountsNothing(t *testing.T) {
	each(t, func(g gate) {
		for _, rule := range []throttle.Rule{{}, {Name: "x", Limit: 0, Window: time.Hour}, {Name: "x", Limit: 1}, {Limit: 1, Window: 1}} {
			if err := g.take(rule, "a1"); err == nil || fault.Is(err, fault.Throttled) {
				g.t.Errorf("%+v: %v", rule, err)
			}
		}
		if n := len(g.rows()); n != 0 {
			g.t.Errorf("%d rows", n)
		}
	})
}
