package evidence

import (
	"context"
	"fmt"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/blob"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// Remove takes a document out of a case; may must say that the case is still a draft, or waits for elements.
func (s *Service) Remove(ctx context.Context, by actor.Actor, portal, caseID string, id ID, may May) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		doc, err := find(ctx, tx, portal, caseID, id)
		if err != nil {
			return fmt.Errorf("remove evidence %s: %w", id, deadCase(err))
		}
		if err := by.MayIn(doc.Portal, actor.ChangeOwn); err != nil {
			return err
		}
		if err := may.ask(ctx, tx); err != nil {
			return err
		}
		gone, err := remove(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("remove evidence %s: %w", id, err)
		}
		if gone == 0 {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		if err := discount(ctx, tx, caseID, doc.Size); err != nil {
			return fmt.Errorf("remove evidence %s: %w", id, err)
		}
		tx.After(func() { s.drop(ctx, doc.blob) })
		return audit.Write(ctx, tx, by, "evidence.remove", "evidence/"+string(id), audit.With("digest", doc.Digest))
	})
}

// EraseCase is the step that erases all documents of a case: the rows with the caller's transaction, the documents
// right after its commit. What a crash between the two leaves, [Service.Sweep] removes.
func (s *Service) EraseCase(ctx context.Context, tx *db.Tx, caseID string) error {
	docs, err := Of(ctx, tx, caseID)
	if err != nil {
		return fmt.Errorf("erase evidence: %w", err)
	}
	if err := removeAll(ctx, tx, caseID); err != nil {
		return fmt.Errorf("erase evidence: %w", err)
	}
	tx.After(func() {
		for _, doc := range docs {
			s.drop(ctx, doc.blob)
		}
	})
	return nil
}

// UploadTime is longer than any upload takes from its first byte to its row.
const UploadTime = time.Hour

// Sweep deletes the documents that no row names and that are older than [UploadTime], and says how many. It is for
// a background loop, and repeats what a crash interrupted.
func (s *Service) Sweep(ctx context.Context, now time.Time) (int, error) {
	var orphans []blob.Name
	var failed error
	err := s.store.List(ctx, func(b blob.Blob) bool {
		if now.Sub(b.At) < UploadTime {
			return true
		}
		var known bool
		failed = s.db.Look(ctx, func(tx *db.Tx) (err error) {
			known, err = named(ctx, tx, b.Name)
			return err
		})
		if failed == nil && !known {
			orphans = append(orphans, b.Name)
		}
		return failed == nil
	})
	if err != nil || failed != nil {
		return 0, fmt.Errorf("sweep evidence: %w", or(failed, err))
	}
	for n, name := range orphans {
		if err := s.store.Delete(ctx, name); err != nil {
			return n, fmt.Errorf("sweep evidence: %w", err)
		}
	}
	return len(orphans), nil
}

func or(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
