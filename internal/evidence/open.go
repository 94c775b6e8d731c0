package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"

	"chancela/internal/actor"
	"chancela/internal/blob"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// Open hands out a document of a case to one who may see it. The caller closes it, and serves it as an attachment
// under [Doc.FileName], of [Kind.MediaType], with nosniff and a sandbox.
//
// A document that the scanner has not judged yet, or that no longer matches its digest, is Unavailable.
func (s *Service) Open(ctx context.Context, by actor.Actor, portal, caseID string, id ID, may May) (Doc, io.ReadCloser, error) {
	var doc Doc
	err := s.db.Look(ctx, func(tx *db.Tx) (err error) {
		if doc, err = find(ctx, tx, portal, caseID, id); err != nil {
			return fmt.Errorf("open evidence %s: %w", id, deadCase(err))
		}
		if err := mayRead(by, doc.Portal); err != nil {
			return err
		}
		return may.ask(ctx, tx)
	})
	if err != nil {
		return Doc{}, nil, err
	}
	if doc.Scan == Held {
		return Doc{}, nil, fault.New(fault.Unavailable, "evidence.held")
	}
	content, err := s.store.Open(ctx, doc.blob)
	if errors.Is(err, blob.ErrRotten) || errors.Is(err, blob.ErrNotFound) {
		s.log.Error("a document is lost or rotten: restore it from the backup", "evidence", id, "error", err)
		return Doc{}, nil, fault.New(fault.Unavailable, "evidence.rotten")
	}
	if err != nil {
		return Doc{}, nil, fmt.Errorf("open evidence %s: %w", id, err)
	}
	return doc, content, nil
}

func mayRead(by actor.Actor, portal string) error {
	if by.Kind == actor.Officer {
		return by.MayIn(portal, actor.SeeCases)
	}
	return by.MayIn(portal, actor.SeeOwn)
}

// Check reads every document of every case and says which are lost or rotten, for the operator's check.
func (s *Service) Check(ctx context.Context, each func(ID, error)) error {
	var docs []Doc
	err := s.db.Look(ctx, func(tx *db.Tx) (err error) {
		docs, err = every(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("check evidence: %w", err)
	}
	for _, doc := range docs {
		content, err := s.store.Open(ctx, doc.blob)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			each(doc.ID, err)
			continue
		}
		_ = content.Close()
	}
	return nil
}
