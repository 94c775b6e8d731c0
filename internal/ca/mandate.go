package ca

import (
	"context"
	"errors"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// under is the mandate by which a certificate is on its way.
type under struct {
	digest  string // what was approved
	mandate issuance.Mandate
}

// orderOf is the order of a request: the one that was approved, or the one that the approved mandate gives the key of
// the key request. It is derived here, and the proof of possession is checked here, so that no room above can have
// another name certified, or a key whose owner never asked.
func (s *Record) orderOf(r Request) (issuance.Order, *under, error) {
	if len(r.Mandate) == 0 {
		o, err := issuance.ParseOrder(r.Order)
		return o, nil, err
	}
	if len(r.Order) > 0 || r.Case == "" || r.Portal == "" {
		return issuance.Order{}, nil, errors.New("ca: a mandate is a case's, and there is no order beside it")
	}
	m, digest, err := s.mandates.Parse(r.Mandate)
	if err != nil {
		return issuance.Order{}, nil, err
	}
	request, err := issuance.ParseRequest(r.Proof)
	if err != nil {
		return issuance.Order{}, nil, err
	}
	o, err := m.Order(request.Key)
	return o, &under{string(digest), m}, err
}

// take takes one of the certificates that a mandate is for, in the transaction that records the intent: of any number
// who take the last one, one gets it.
func (u *under) take(ctx context.Context, tx *db.Tx, portal, caseID string) error {
	if !tx.Now().Before(u.mandate.Before) {
		return fault.New(fault.Expired, "ca.mandate-over")
	}
	taken, err := takeOne(ctx, tx, portal, caseID, u.digest, u.mandate.Most)
	if err != nil || taken {
		return err
	}
	_, ended, err := usedOf(ctx, tx, portal, caseID, u.digest)
	if err != nil {
		return err
	}
	if ended {
		return fault.New(fault.Expired, "ca.mandate-over")
	}
	return fault.New(fault.Conflict, "ca.mandate-used-up")
}

// Use is how far a mandate is used.
type Use struct {
	Used  int  // certificates that were issued or are on their way; lost ones do not count
	Ended bool // nothing more is issued, whatever is left
}

// UseOf says how far a mandate of a case is used.
func (s *Record) UseOf(ctx context.Context, tx *db.Tx, portal, caseID, digest string) (Use, error) {
	used, ended, err := usedOf(ctx, tx, portal, caseID, digest)
	return Use{used, ended}, err
}

// EndMandate is the step that has nothing more issued under a mandate, for good. Who may, the mandate's room asks; what
// was issued stays. False if it was ended before.
func (s *Record) EndMandate(ctx context.Context, tx *db.Tx, by actor.Actor, portal, caseID, digest string) (bool, error) {
	if digest == "" || caseID == "" {
		return false, errors.New("ca: end of a mandate without case and digest")
	}
	ended, err := endMandate(ctx, tx, portal, caseID, digest)
	if err != nil || !ended {
		return false, err
	}
	return true, audit.Write(ctx, tx, by, "mandate.end", "case/"+caseID, audit.With("digest", digest))
}

// OfMandate are the latest certificates that were issued under a mandate of a case, newest first.
func (s *Record) OfMandate(ctx context.Context, tx *db.Tx, caseID, digest string, most int) ([]Certificate, error) {
	return ofMandate(ctx, tx, caseID, digest, most)
}
