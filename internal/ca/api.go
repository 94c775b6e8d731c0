package ca

import (
	"context"
	"errors"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/issuance"
)

var errUnfinished = errors.New("ca: being built")

type issuer struct{}

// Issue issues the certificate of an order, once. See the package's comment for its steps.
func (s *CA) Issue(ctx context.Context, by actor.Actor, r Request) (Certificate, error) {
	return Certificate{}, errUnfinished
}

// Found makes what is missing of the hierarchy and renews what ends soon: idempotent, and goes on after a crash.
func (s *CA) Found(ctx context.Context, by actor.Actor, p Plan) error { return errUnfinished }

// Work does once what [CA.Run] does.
func (s *CA) Work(ctx context.Context) error { return errUnfinished }

// Reconcile closes what a crash left half-done. Done at each start, before anything is issued.
func (s *CA) Reconcile(ctx context.Context) error { return errUnfinished }

// Revoke ends a certificate for good.
func (s *CA) Revoke(ctx context.Context, by actor.Actor, r Revocation) error { return errUnfinished }

// RevokeIn is the step of [CA.Revoke].
func (s *CA) RevokeIn(ctx context.Context, tx *db.Tx, by actor.Actor, r Revocation) error {
	return errUnfinished
}

// RecordIdentity is the step that records how the subject of an order was shown to be who they are.
func (s *CA) RecordIdentity(ctx context.Context, tx *db.Tx, by actor.Actor, i Identity) error {
	return errUnfinished
}

// IdentityOf is what was recorded of an order's subject; false for nothing.
func (s *CA) IdentityOf(ctx context.Context, tx *db.Tx, portal, caseID, digest string) (Identity, bool, error) {
	return Identity{}, false, errUnfinished
}

// BySerial finds a certificate. A fault NotFound says that there is none.
func (s *CA) BySerial(ctx context.Context, tx *db.Tx, serial Serial) (Certificate, error) {
	return Certificate{}, errUnfinished
}

// ByOrder finds the certificate of an order; false if it has none yet. Lost ones do not count.
func (s *CA) ByOrder(ctx context.Context, tx *db.Tx, id string) (Certificate, bool, error) {
	return Certificate{}, false, errUnfinished
}

// OfCase are all certificates of a case, lost ones too.
func (s *CA) OfCase(ctx context.Context, tx *db.Tx, caseID string) ([]Certificate, error) {
	return nil, errUnfinished
}

// KeyUsed says whether a public key (by fingerprint) was certified, or meant to be, for any order but this one.
func (s *CA) KeyUsed(ctx context.Context, tx *db.Tx, fingerprint, butOrder string) (bool, error) {
	return false, errUnfinished
}

// Seal signs prepared bytes with the seal of a portal's body, if exactly that subject was approved.
func (s *CA) Seal(ctx context.Context, by actor.Actor, r SealRequest) (Signature, error) {
	return Signature{}, errUnfinished
}

// SealOf is the certificate in force of a portal's seal, with its chain; it is needed to prepare what is sealed.
func (s *CA) SealOf(ctx context.Context, portal string) (certificate []byte, chain [][]byte, err error) {
	return nil, nil, errUnfinished
}

// Authorities are our issuers, the root first.
func (s *CA) Authorities() []Authority { return nil }

// ChainOf gives the certificates above one of ours, its issuer first.
func (s *CA) ChainOf(c Certificate) ([][]byte, error) { return nil, errUnfinished }

// List is an issuer's revocation list in force.
type List struct {
	Issuer     string
	Number     int64
	DER        []byte
	ThisUpdate time.Time
	NextUpdate time.Time
}

// List gives an issuer's list in force; a fault NotFound says that there is no such issuer.
func (s *CA) List(ctx context.Context, issuer string) (List, error) { return List{}, errUnfinished }

// Answer signs an OCSP answer about certificates of one issuer.
func (s *CA) Answer(ctx context.Context, issuer string, statuses []issuance.SingleStatus, nonce []byte) ([]byte, error) {
	return nil, errUnfinished
}
