package ca_test

import (
	"testing"
	"time"

	"chancela/internal/ca"
	"chancela/internal/db"
)

func (i *instance) levels(t *testing.T) map[string]ca.Level {
	t.Helper()
	all, err := i.Watched(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]ca.Level{}
	for _, w := range all {
		levels[w.Kind] = w.At(i.clock.now())
	}
	return levels
}

func TestWhatOfOursEndsIsWatchedAndWarnedOfInTime(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		for kind, level := range i.levels(t) {
			if level != ca.Fine {
				t.Errorf("at the beginning %s is %s", kind, level)
			}
		}
		want := func(after time.Duration, work bool, kind string, level ca.Level) {
			t.Helper()
			i.clock.pass(after)
			if work {
				if err := i.Work(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := i.levels(t)[kind]; got != level {
				t.Errorf("%s is %s; want %s", kind, got, level)
			}
		}
		want(19*time.Hour, false, "list", ca.Soon) // it should have been made anew after twelve
		want(6*time.Hour, false, "list", ca.Ended)
		want(0, true, "list", ca.Fine)
		want(62*24*time.Hour, false, "responder", ca.Soon) // it renews itself a month before its end, if somebody lets it
		want(0, true, "responder", ca.Fine)
		want(340*24*time.Hour, false, "stamp", ca.Ended)
		want(0, true, "stamp", ca.Fine)
		if i.levels(t)["root"] != ca.Fine {
			t.Error("years before its end nobody is to be told of the root")
		}
	})
}

func TestTheOperatorIsToldOnceAWeek(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		told := func() bool {
			t.Helper()
			all, err := i.Watched(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var first bool
			err = i.db.InTx(t.Context(), func(tx *db.Tx) (err error) {
				first, err = i.WarnOnce(t.Context(), tx, all[0])
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return first
		}
		if !told() || told() {
			t.Error("not once")
		}
		i.clock.pass(8 * 24 * time.Hour)
		if !told() || told() {
			t.Error("not again after a week")
		}
	})
}
