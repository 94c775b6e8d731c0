package casefile

import (
	"context"
	"fmt"

	"chancela/internal/db"
	"chancela/internal/link"
	"chancela/internal/notify"
	"chancela/internal/portal"
)

// erase takes everything of a case that never was one: its documents, its terms, its links. A draft leaves no
// row; a submission leaves its number and dates, and nothing of the person.
func (s *Service) erase(ctx context.Context, tx *db.Tx, c *Case) error {
	if err := s.evidence.EraseCase(ctx, tx, string(c.ID)); err != nil {
		return err
	}
	if err := notify.ForgetCase(ctx, tx, c.object()); err != nil { // what is not sent yet never is
		return err
	}
	for _, kind := range []link.Kind{link.Draft, link.Proof, link.Follow} {
		if err := s.links.VoidAll(ctx, tx, kind, c.Portal.Name, string(c.ID)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, eraseTerms, string(c.ID)); err != nil {
		return fmt.Errorf("erase case %s: %w", c.ID, err)
	}
	if c.Number == "" {
		if _, err := tx.Exec(ctx, eraseEvents, string(c.ID)); err != nil {
			return fmt.Errorf("erase case %s: %w", c.ID, err)
		}
		_, err := tx.Exec(ctx, eraseCase, string(c.ID))
		return err
	}
	c.Answers, c.Applicant, c.Address, c.addressKey, c.civilMark, c.BodyNIPC, c.BodyName, c.onePer = portal.Answers{}, "", "", "", "", "", "", ""
	c.State, c.Revision, c.documents = Lapsed, "", nil // the digest of a few short answers could be guessed
	return s.change(ctx, tx, c)
}
