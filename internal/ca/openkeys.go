package ca

import (
	"context"
	"errors"
	"fmt"

	"chancela/internal/db"
	"chancela/internal/issuance"
)

// OpenKeys opens every key of ours whose certificate is in force, and compares it with what is on record. It says how
// many are right, and of each other one what is wrong.
func (s *CA) OpenKeys(ctx context.Context) (right int, err error) {
	var keys []ownKey
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		all, err := ownKeys(ctx, tx)
		for _, k := range all {
			if from, known := s.known(k.name); known && from.shut() {
				continue
			}
			if k.state == Issued && !k.offline && tx.Now().Before(k.notAfter) {
				keys = append(keys, k)
			}
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keys on record: %w", err)
	}
	var errs []error
	for _, k := range keys {
		if err := s.openKey(ctx, k); err != nil {
			errs = append(errs, err)
			continue
		}
		right++
	}
	return right, errors.Join(errs...)
}

func (s *CA) openKey(ctx context.Context, k ownKey) error {
	signer, err := s.signer(ctx, k.name)
	if err != nil {
		return err
	}
	public, err := issuance.CheckKey(signer.Public())
	if err != nil {
		return fmt.Errorf("key %s: %w", k.name, err)
	}
	if public.Fingerprint() != k.digest {
		return fmt.Errorf("ca: the key store's key %s is not the one on record", k.name)
	}
	return nil
}
