package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/credential"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/portals"
)

func TestMistakesOfADefinitionAreTold(t *testing.T) {
	for name, c := range map[string]struct{ old, new, says string }{
		"nothing wrong":                 {"", "", ""},
		"an unknown parameter":          {"renews: true", "renewing: true", "renewing"},
		"no title":                      {"title: {pt: Título, en: Title}", "", "needs a title"},
		"no formula":                    {"formula:", "purposes:", "needs a formula"},
		"a placeholder without a value": {"{body}.", "{bodie}.", "{bodie}"},
		"numbers that repeat":           {"{year}/{seq}", "{year}", "{seq}"},
		"numbers of any letters":        {"{year}/{seq}", "{year}/{seq}<b>", "capital letters"},
		"a line about nothing":          {"field: began", "field: beginning", "\"beginning\" is not of this procedure"},
		"a line twice":                  {"field: began", "field: called", "stands twice"},
		"a personal number":             {"field: began", "field: civil", "does not stand on a credential"},
		"public but not printed":        {"public: [called, branches]", "public: [called, mail]", "only what is printed"},
		"no day":                        {`valid-until: "05-31"`, `valid-until: "02-29"`, "valid-until"},
		"no day at all":                 {`valid-until: "05-31"`, ``, "valid-until"},
		"a day that is none":            {`valid-until: "05-31"`, `valid-until: "13-01"`, "valid-until"},
		"for ever":                      {"valid-years: 2", "valid-years: 99", "valid-years"},
	} {
		t.Run(name, func(t *testing.T) {
			p := portalOf(t, desk)
			wrong := (&credential.Outcome{}).Check(p, procedure(t, desk, strings.Replace(usual, c.old, c.new, 1)))
			if c.says == "" && len(wrong) > 0 || c.says != "" && !strings.Contains(wrong.Error(), c.says) {
				t.Errorf("told %q, want %q", wrong.Error(), c.says)
			}
			for _, one := range wrong {
				if one.Line < 15 {
					t.Errorf("%s stands at line %d", one.What, one.Line)
				}
			}
		})
	}
}

func TestRolesThatADefinitionNeeds(t *testing.T) {
	proc := procedure(t, desk, usual)
	for i := range proc.Steps[0].Fields {
		proc.Steps[0].Fields[i].Role = ""
	}
	told := (&credential.Outcome{}).Check(portalOf(t, desk), proc).Error()
	holds(t, told, string(portal.Exercise), string(portal.BodyNumber))
}

// anything is an outcome that has no opinion of its parameters.
type anything struct{}

func (anything) Check(*portal.Portal, *portal.Procedure) portal.Mistakes { return nil }
func (anything) Propose(context.Context, *db.Tx, portal.Grant) (portal.Proposal, error) {
	return portal.Proposal{}, nil
}
func (anything) Grant(context.Context, *db.Tx, actor.Actor, portal.Grant) error { return nil }

func TestTheEmbeddedPortalsHaveNoMistakesInTheirCredentials(t *testing.T) {
	kinds := portal.Outcomes{"account": anything{}, "certificate": anything{}, "mandate": anything{}, "record": anything{}, "credential": &credential.Outcome{}}
	_, err := portal.LoadAll(kinds, portals.Files)
	if wrong, ok := errors.AsType[portal.Mistakes](err); ok {
		for _, one := range wrong {
			if strings.Contains(one.What, "redential") {
				t.Error(one)
			}
		}
	} else if err != nil {
		t.Fatal(err)
	}
}

func TestEveryStateAndEventHasWords(t *testing.T) {
	for _, key := range []string{
		"state.issuing", "state.valid", "state.suspended", "state.revoked", "state.replaced", "state.lapsed", "state.not-yet",
		"event.issued", "event.suspended", "event.restored", "event.revoked", "event.replaced", "already", "own", "not-now", "not-issued",
		"problem.past", "problem.no-year", "problem.no-body", "problem.no-seal", "problem.unprintable", "problem.unprintable-name",
	} {
		if text, ok := i18n.Word("credential." + key); !ok || text.PT == "" || text.EN == "" {
			t.Errorf("credential.%s has no words", key)
		}
	}
}
