package portals_test

import (
	"context"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/portal"
	"chancela/portals"
)

// anything is an outcome that has no opinion of its parameters: each room checks its own.
type anything struct{}

func (anything) Check(*portal.Portal, *portal.Procedure) portal.Mistakes { return nil }

func (anything) Propose(context.Context, *db.Tx, portal.Grant) (portal.Proposal, error) {
	return portal.Proposal{}, nil
}

func (anything) Grant(context.Context, *db.Tx, actor.Actor, portal.Grant) error { return nil }

func TestTheEmbeddedPortalsHaveNoMistakes(t *testing.T) {
	kinds := portal.Outcomes{"account": anything{}, "certificate": anything{}, "mandate": anything{}, "credential": anything{}, "record": anything{}}
	set, err := portal.LoadAll(kinds, portals.Files)
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	if len(set.Portals) < 2 {
		t.Fatalf("%d portals", len(set.Portals))
	}
}
