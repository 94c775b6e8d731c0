package ca

import (
	"context"
	"fmt"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// End ends an authority for good: it issues no more, and its last lists are published, which no other follows
// (nextUpdate 99991231235959Z; EN 319 411-1 §6.3.9, EN 319 411-2 §6.3.10). Words say who decided it and before whom;
// they stay on record.
//
// It is refused (Conflict) while a certificate of the authority could still be relied on: those are revoked, or run out,
// before. Asked again it publishes what is missing.
func (s *CA) End(ctx context.Context, by actor.Actor, issuer, words string) error {
	if err := mayRun(by, ""); err != nil {
		return err
	}
	if _, known := s.known(issuer); !known {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	if words == "" || utf8.RuneCountInString(words) > 8000 {
		return fault.New(fault.Invalid, "decision.too-long")
	}
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		live, err := liveOf(ctx, tx, issuer)
		if err != nil {
			return err
		}
		if live > 0 {
			return fault.New(fault.Conflict, "ca.still-live")
		}
		added, err := insertEnd(ctx, tx, issuer, words)
		if err != nil || !added {
			return err
		}
		if err := countChanges(ctx, tx, issuer); err != nil { // every list of it is made once more
			return err
		}
		return audit.Write(ctx, tx, by, "authority.end", "authority/"+issuer)
	})
	if err == nil {
		err = s.refreshLists(ctx)
	}
	if err != nil {
		return fmt.Errorf("end authority %s: %w", issuer, err)
	}
	return nil
}
