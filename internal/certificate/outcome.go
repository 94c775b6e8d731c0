package certificate

import (
	"context"
	"errors"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/portal"
)

// Outcome is the outcome "certificate" of a procedure: what was approved is ordered.
//
// Definitions are checked before a database is open, so Service is set by the wiring after they are loaded.
type Outcome struct{ Service *Service }

var _ portal.Outcome = (*Outcome)(nil)

var errUnfinished = errors.New("certificate: being built")

// Check reads the parameters and tells every mistake.
func (o *Outcome) Check(p *portal.Portal, proc *portal.Procedure) portal.Mistakes { return nil }

// Propose says exactly what would be issued, and what stands in the way.
func (o *Outcome) Propose(ctx context.Context, tx *db.Tx, g portal.Grant) (portal.Proposal, error) {
	return portal.Proposal{}, errUnfinished
}

// Grant records the order in the approval's own transaction.
func (o *Outcome) Grant(ctx context.Context, tx *db.Tx, by actor.Actor, g portal.Grant) error {
	return errUnfinished
}
