package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/issuance"
)

// patience is after how long another replica's intent counts as left behind. A signature takes milliseconds, on a slow
// module seconds; and a replica that comes back later finds its intent closed and releases nothing.
const patience = 10 * time.Minute

// begin marks a serial number as being worked on here, until the function it gives is called.
func (s *CA) begin(serial Serial) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight[serial] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.inFlight, serial)
	}
}

func (s *CA) working(serial Serial) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inFlight[serial]
}

// Reconcile closes what a crash left half-done: each intent without a certificate is lost, revoked and put on the
// list, since it may have been signed; its order can then be issued anew. Done at each start, before anything is
// issued, and by [CA.Work].
func (s *CA) Reconcile(ctx context.Context) error {
	var left []Certificate
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		left, err = stale(ctx, tx, s.c.Replica, tx.Now().Add(-patience))
		return err
	})
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	var errs []error
	for _, c := range left {
		if !s.working(c.Serial) {
			errs = append(errs, s.lose(ctx, c))
		}
	}
	return errors.Join(errs...)
}

// lose closes an intent as lost. If it was recorded meanwhile, nothing is changed.
func (s *CA) lose(ctx context.Context, c Certificate) error {
	ctx = context.WithoutCancel(ctx)
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		c.State, c.RevokedAt, c.Reason = Lost, tx.Now(), issuance.Superseded // its order gets another
		entry, err := entryOf(c)
		if err != nil {
			return err
		}
		closed, err := markRevoked(ctx, tx, c, Intended, Lost, entry)
		if err != nil || !closed {
			return err
		}
		if c.Mandate != "" {
			if err := giveBack(ctx, tx, c); err != nil {
				return err
			}
		}
		if err := changed(ctx, tx, c); err != nil {
			return err
		}
		tx.After(func() { s.afterRevoking(ctx, c) })
		return audit.Write(ctx, tx, actor.Machine(c.Portal), "certificate.lose", c.object(), audit.With("order", c.Order))
	})
	if err != nil {
		return fmt.Errorf("close intent %s: %w", c.Serial, err)
	}
	return nil
}

// entryOf encodes a revocation once, so that lists are made by joining entries.
func entryOf(c Certificate) ([]byte, error) {
	return issuance.Revocation{Serial: c.Serial.Number(), At: c.RevokedAt, Reason: c.Reason}.Entry()
}
