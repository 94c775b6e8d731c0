package actor_test

import (
	"testing"

	"chancela/internal/actor"
	"chancela/internal/fault"
)

func officer(strength actor.Strength, roles ...actor.Role) actor.Actor {
	return actor.Actor{Kind: actor.Officer, Portal: "one", Person: "p1", Roles: roles, Strength: strength}
}

func TestWhoMayDecide(t *testing.T) {
	for name, c := range map[string]struct {
		who  actor.Actor
		in   string
		want fault.Kind
	}{
		"a decider":                          {officer(actor.ByCode, actor.Decider), "one", ""},
		"a director may not decide":          {officer(actor.ByCode, actor.Director), "one", fault.Forbidden},
		"an auditor may not decide":          {officer(actor.ByDevice, actor.Auditor), "one", fault.Forbidden},
		"a decider of another portal":        {officer(actor.ByCode, actor.Decider), "two", fault.NotFound},
		"a decider who is not yet signed in": {officer(actor.ByLink, actor.Decider), "one", fault.Forbidden},
		"a person":                           {actor.Actor{Kind: actor.Person, Portal: "one", Strength: actor.ByDevice}, "one", fault.Forbidden},
		"a visitor":                          {actor.Nobody("one"), "one", fault.Forbidden},
		"the program":                        {actor.Machine("one"), "one", fault.Forbidden},
	} {
		err := c.who.MayIn(c.in, actor.DecideCase)
		if c.want == "" && err != nil || c.want != "" && !fault.Is(err, c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAnUnknownPermissionAdmitsNobody(t *testing.T) {
	if err := officer(actor.ByDevice, actor.Roles()...).MayIn("one", "no.such"); !fault.Is(err, fault.Forbidden) {
		t.Fatal(err)
	}
}
