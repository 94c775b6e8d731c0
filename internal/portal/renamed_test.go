package portal_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/portal"
	"chancela/internal/portal/portaltest"
	"chancela/portals"
)

// anything is an outcome that has no opinion of its parameters.
type anything struct{}

func (anything) Check(*portal.Portal, *portal.Procedure) portal.Mistakes { return nil }

func (anything) Propose(context.Context, *db.Tx, portal.Grant) (portal.Proposal, error) {
	return portal.Proposal{}, nil
}

func (anything) Grant(context.Context, *db.Tx, actor.Actor, portal.Grant) error { return nil }

var kinds = portal.Outcomes{"account": anything{}, "certificate": anything{}, "mandate": anything{}, "credential": anything{}, "record": anything{}}

func TestARenamedCopyOfAPortalJudgesAsItsOriginal(t *testing.T) {
	names, err := fs.ReadDir(portals.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range names {
		if !entry.IsDir() {
			continue
		}
		dir, err := fs.Sub(portals.Files, entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		first, err := portal.Load(entry.Name(), dir, kinds)
		if err != nil {
			t.Fatalf("\n%v", err)
		}
		renamed, err := portaltest.Renamed(dir)
		if err != nil {
			t.Fatal(err)
		}
		copied, err := portal.Load("renamed-copy", renamed, kinds)
		if err != nil {
			t.Fatalf("%s renamed:\n%v", entry.Name(), err)
		}
		compare(t, first, copied)
	}
}

func compare(t *testing.T, first, copied *portal.Portal) {
	t.Helper()
	filed := 0
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	acts := first.Tour.On(now).Acts
	for i, act := range copied.Tour.On(now).Acts {
		if act.Procedure == "" {
			continue
		}
		filed++
		original, _ := first.Procedure(acts[i].Procedure)
		proc, ok := copied.Procedure(act.Procedure)
		if !ok || original == nil {
			t.Fatalf("%s: no procedure %s", first.Name, act.Procedure)
		}
		if _, known := first.Procedure(proc.Key); known || proc.Fields()[0].Key == original.Fields()[0].Key {
			t.Errorf("%s: %s was not renamed", first.Name, proc.Key)
		}
		a, b := original.Judge(answersOf(acts[i]), now), proc.Judge(answersOf(act), now)
		if proc.Key == copied.Entry && len(b.Problems) > 0 {
			t.Errorf("%s: the access form of the copy finds %v", first.Name, b.Problems)
		}
		if len(a.Problems) != len(b.Problems) || len(a.Warnings) != len(b.Warnings) || len(a.Clean) != len(b.Clean) {
			t.Errorf("%s %s: %v %v; the copy %v %v", first.Name, original.Key, a.Problems, a.Warnings, b.Problems, b.Warnings)
		}
	}
	if filed == 0 {
		t.Errorf("the tour of %s files nothing", first.Name)
	}
	for _, power := range copied.Powers {
		if !strings.HasPrefix(power.Key, "renamed_") {
			t.Errorf("power %s was not renamed", power.Key)
		}
	}
}

func answersOf(act portal.TourAct) portal.Answers {
	answers := portal.Answers{}
	for key, values := range act.Answers {
		answers[key] = values
	}
	for key := range act.Files {
		answers[key] = []string{"upload"}
	}
	return answers
}
