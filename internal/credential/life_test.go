package credential_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/credential"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

const words = "Consta do registo comercial a dissolução, inscrita em 2 de junho."

var ground = credential.Ground{Codes: []string{"RV1"}, Words: words}

type deed func(*kit) func(ctx context.Context, by actor.Actor, id credential.ID, g credential.Ground) error

func suspend(k *kit) func(context.Context, actor.Actor, credential.ID, credential.Ground) error {
	return k.Suspend
}
func restore(k *kit) func(context.Context, actor.Actor, credential.ID, credential.Ground) error {
	return k.Restore
}
func revoke(k *kit) func(context.Context, actor.Actor, credential.ID, credential.Ground) error {
	return k.Revoke
}

func TestOnlyTheListedMovesExist(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		state := func(want credential.State) {
			t.Helper()
			if got := k.of("c1"); got.State != want || got.Standing != want {
				t.Errorf("%s (%s), want %s", got.State, got.Standing, want)
			}
		}
		eva := officer("eva")
		refused(t, k.Restore(t.Context(), eva, v.ID, ground), fault.Conflict, "credential.not-now")
		must(t, k.Suspend(t.Context(), eva, v.ID, ground))
		state(credential.Suspended)
		refused(t, k.Suspend(t.Context(), eva, v.ID, ground), fault.Conflict, "credential.not-now")
		must(t, k.Restore(t.Context(), eva, v.ID, credential.Ground{Words: words}))
		state(credential.Valid)
		must(t, k.Revoke(t.Context(), eva, v.ID, ground))
		state(credential.Revoked)
		for _, do := range []deed{suspend, restore, revoke} {
			refused(t, do(k)(t.Context(), eva, v.ID, ground), fault.Conflict, "credential.not-now")
		}
		if k.audited("credential.suspend") != 1 || k.audited("credential.restore") != 1 || k.audited("credential.revoke") != 1 {
			t.Error("not each move is on record once")
		}
		if len(k.post.of(portal.CredentialSuspended)) != 1 || len(k.post.of(portal.CredentialRevoked)) != 1 {
			t.Error("the holder was not told once of each")
		}
		v = k.of("c1")
		var kinds []string
		for _, e := range v.Events {
			kinds = append(kinds, string(e.Kind))
		}
		if got := strings.Join(kinds, " "); got != "issued suspended restored revoked" {
			t.Errorf("history: %s", got)
		}
		last := v.Events[3]
		if last.Name != "Eva Inventada" || last.Words != words || len(last.Reasons) != 1 || last.Reasons[0].PT != "Foi dissolvida." {
			t.Errorf("event %+v", last)
		}
		if _, _, err := k.PDF(t.Context(), person("ana"), v.ID); err != nil {
			t.Errorf("the file of a revoked one is its holder's still: %v", err)
		}
	})
}

func TestNothingIsJudgedBeforeItIsIssuedOrAfterItLapsed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.approve(k.asking("c1"), officer("rui")))
		v := k.of("c1")
		if v.State != credential.Issuing || v.Code != "" || v.HasPDF() {
			t.Errorf("before its issue: %+v", v)
		}
		_, _, err := k.PDF(t.Context(), person("ana"), v.ID)
		refused(t, err, fault.Conflict, "credential.not-issued")
		refused(t, k.Revoke(t.Context(), officer("eva"), v.ID, ground), fault.Conflict, "credential.not-now")
		_, err = k.Work(t.Context())
		must(t, err)
		must(t, k.Suspend(t.Context(), officer("eva"), v.ID, ground))
		k.clock.set(time.Date(2027, 5, 31, 23, 0, 0, 0, time.UTC)) // midnight in Lisbon
		if v = k.of("c1"); v.Standing != credential.Lapsed || v.State != credential.Suspended || !v.Since.Equal(v.ValidUntil) {
			t.Errorf("%s (%s) since %s", v.State, v.Standing, v.Since)
		}
		for _, do := range []deed{suspend, restore, revoke} {
			refused(t, do(k)(t.Context(), officer("eva"), v.ID, ground), fault.Conflict, "credential.not-now")
		}
	})
}

func TestWhoMayJudge(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		director := officer("eva")
		director.Roles = []actor.Role{actor.Director, actor.Auditor, actor.Administrator}
		elsewhere := officer("eva")
		elsewhere.Portal = "outro"
		weak := officer("eva")
		weak.Strength = actor.ByLink
		for name, c := range map[string]struct {
			by   actor.Actor
			kind fault.Kind
			key  string
		}{
			"who does not decide":           {director, fault.Forbidden, "fault.forbidden"},
			"an officer of another portal":  {elsewhere, fault.NotFound, "fault.not-found"},
			"an officer not well signed in": {weak, fault.Forbidden, "fault.too-weak"},
			"the holder":                    {person("ana"), fault.Forbidden, "fault.forbidden"},
			"a visitor":                     {actor.Nobody(desk), fault.Forbidden, "fault.forbidden"},
			"the program":                   {actor.Machine(desk), fault.Forbidden, "fault.forbidden"},
			"the holder, as an officer":     {officer("ana"), fault.Forbidden, "credential.own"},
			"the holder by another account": {officer("dois"), fault.Forbidden, "credential.own"},
			"who acts for the body":         {officer("luis"), fault.Forbidden, "credential.own"},
		} {
			for _, do := range []deed{suspend, restore, revoke} {
				t.Run(name, func(t *testing.T) { refused(t, do(k)(t.Context(), c.by, v.ID, ground), c.kind, c.key) })
			}
		}
		refused(t, k.Revoke(t.Context(), officer("eva"), "none", ground), fault.NotFound, "fault.not-found")
		if k.of("c1").State != credential.Valid || len(k.of("c1").Events) != 1 || k.audited("credential.revoke") != 0 {
			t.Error("a refused move left something")
		}
		must(t, k.Revoke(t.Context(), officer("past"), v.ID, ground)) // acted for the body once
	})
}

func TestGroundsAreACodeOfThePortalAndOwnWords(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		for name, c := range map[string]struct {
			g      credential.Ground
			fields string
		}{
			"no code":                 {credential.Ground{Words: words}, "codes"},
			"a code of a refusal":     {credential.Ground{Codes: []string{"RC1"}, Words: words}, "codes"},
			"an unknown code":         {credential.Ground{Codes: []string{"RV1", "X"}, Words: words}, "codes"},
			"a code twice":            {credential.Ground{Codes: []string{"RV1", "RV1"}, Words: words}, "codes"},
			"a code alone":            {credential.Ground{Codes: []string{"RV1"}}, "words"},
			"few words":               {credential.Ground{Codes: []string{"RV1"}, Words: strings.Repeat("é", 29)}, "words"},
			"spaces":                  {credential.Ground{Codes: []string{"RV1"}, Words: "a" + strings.Repeat(" ", 40)}, "words"},
			"too many words":          {credential.Ground{Codes: []string{"RV1"}, Words: strings.Repeat("a", 8001)}, "words"},
			"words no database keeps": {credential.Ground{Codes: []string{"RV1"}, Words: words + "\x00"}, "words"},
			"nothing":                 {credential.Ground{}, "codes words"},
		} {
			t.Run(name, func(t *testing.T) {
				f, ok := fault.As(k.Revoke(t.Context(), officer("eva"), v.ID, c.g))
				if !ok || f.Kind != fault.Invalid {
					t.Fatalf("got %v", f)
				}
				var names []string
				for _, field := range f.Fields {
					names = append(names, field.Name)
				}
				if got := strings.Join(names, " "); got != c.fields {
					t.Errorf("problems with %q, want %q", got, c.fields)
				}
			})
		}
		must(t, k.Suspend(t.Context(), officer("eva"), v.ID, credential.Ground{Codes: []string{"RV1"}, Words: strings.Repeat("é", 30)}))
	})
}

// D10's like: a race has exactly one winner.
func TestTwoOfficersAtOnceOneWins(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		var wait sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			wait.Go(func() { errs[i] = k.Revoke(t.Context(), officer([]string{"rui", "eva"}[i%2]), v.ID, ground) })
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		}
		if won != 1 || len(k.of("c1").Events) != 2 || len(k.post.of(portal.CredentialRevoked)) != 1 || k.audited("credential.revoke") != 1 {
			t.Errorf("%d won, %d events", won, len(k.of("c1").Events))
		}
	})
}

func TestHistoryIsOnlyAddedTo(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		must(t, k.Suspend(t.Context(), officer("eva"), v.ID, ground))
		before := k.of("c1").Events
		k.clock.set(begin.Add(time.Hour))
		must(t, k.Restore(t.Context(), officer("eva"), v.ID, credential.Ground{Words: words}))
		after := k.of("c1").Events
		for i := range before {
			if before[i].At != after[i].At || before[i].Kind != after[i].Kind || before[i].Words != after[i].Words {
				t.Errorf("event %d changed", i)
			}
		}
		if len(after) != len(before)+1 {
			t.Errorf("%d events", len(after))
		}
	})
}
