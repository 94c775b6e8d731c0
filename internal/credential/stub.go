package credential

import (
	"context"
	"errors"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

var errUnfinished = errors.New("credential: being built")

// Outcome is the outcome "credential" of a procedure: what was approved is printed and sealed.
//
// Definitions are checked before a database is open, so Service is set by the wiring after they are loaded.
type Outcome struct{ Service *Service }

var _ portal.Outcome = (*Outcome)(nil)

// Check reads the parameters and tells every mistake.
func (o *Outcome) Check(p *portal.Portal, proc *portal.Procedure) portal.Mistakes { return nil }

// Propose says exactly what would be printed and sealed, and what stands in the way.
func (o *Outcome) Propose(ctx context.Context, tx *db.Tx, g portal.Grant) (portal.Proposal, error) {
	return portal.Proposal{}, errUnfinished
}

// Grant records the intent in the approval's own transaction.
func (o *Outcome) Grant(ctx context.Context, tx *db.Tx, by actor.Actor, g portal.Grant) error {
	return errUnfinished
}

// Mine are the credentials that the signed-in person asked for, and those of the bodies they act for; newest first.
func (s *Service) Mine(ctx context.Context, by actor.Actor) ([]View, error) {
	return nil, errUnfinished
}

// Of shows one credential to its holder, to whoever acts for its body, and to the portal's officers.
func (s *Service) Of(ctx context.Context, by actor.Actor, id ID) (View, error) {
	return View{}, errUnfinished
}

// OfCase shows a case's newest credential to the same people, and to whoever opened the case by its link; false if the
// case has none.
func (s *Service) OfCase(ctx context.Context, by actor.Actor, caseID string) (View, bool, error) {
	return View{}, false, errUnfinished
}

// PDF gives the sealed file, to the same people as [Service.Of], with a plain name for it.
func (s *Service) PDF(ctx context.Context, by actor.Actor, id ID) (name string, pdf []byte, err error) {
	return "", nil, errUnfinished
}

// Suspend says that the credential is not to be relied on for now.
func (s *Service) Suspend(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return errUnfinished
}

// Restore lifts a suspension.
func (s *Service) Restore(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return errUnfinished
}

// Revoke ends a credential for good.
func (s *Service) Revoke(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return errUnfinished
}

// Work has every credential that was approved sealed and issued, and says how many were.
func (s *Service) Work(ctx context.Context) (int, error) { return 0, errUnfinished }

// Run works until ctx ends: at once after each approval, and every while for what was left over.
func (s *Service) Run(ctx context.Context) error { return errUnfinished }

// Sweep deletes files that a crash left without a credential, and says how many.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int, error) { return 0, errUnfinished }

// Answer is what a stranger is told of a credential: as it stood at a moment. The wiring makes the answer of package
// status of it.
type Answer struct {
	State      State     // Valid, Lapsed, Suspended, Revoked, Replaced or NotYet
	Since      time.Time // of a state other than Valid
	At         time.Time // the moment that the answer is about
	Code       string    // "" when asked by body
	Number     string
	Portal     string
	Title      i18n.Text
	Issuer     i18n.Text
	Body       string
	BodyNIPC   string
	IssuedAt   time.Time
	Until      time.Time
	ReplacedBy string // number of the credential in its place
	Facts      []Fact // public ones only
	Digest     string // SHA-256 of the sealed file, hex
}

// Lookup finds by code, in whatever spelling people use, and says how the credential stood at a moment (zero or to
// come is now); false for every code that is wrong or unknown.
func (s *Service) Lookup(ctx context.Context, code string, at time.Time) (Answer, bool, error) {
	return Answer{}, false, errUnfinished
}

// LookupBody says the same of all that a body has from a portal that allows the question, newest first; without codes.
func (s *Service) LookupBody(ctx context.Context, portalName, nipc string, at time.Time) ([]Answer, error) {
	return nil, errUnfinished
}
