package credential

import (
	"context"
	"errors"

	"chancela/internal/account"
	"chancela/internal/db"
	"chancela/internal/portal"
)

var _ account.Dependent = (*Service)(nil)

// Hanging lists the credentials in force of a body that ends. They are the body's: the end of a person's powers touches
// none, and that of the body touches none by itself either. An officer decides on each.
func (s *Service) Hanging(ctx context.Context, tx *db.Tx, of account.Scope) ([]account.Thing, error) {
	if !of.Body || of.NIPC == "" {
		return nil, nil
	}
	rows, err := ofBody(ctx, tx, of.Portal.Name, of.NIPC)
	if err != nil {
		return nil, err
	}
	var things []account.Thing
	for _, r := range rows {
		if now := r.standing(tx.Now()); now != Valid && now != Suspended {
			continue
		}
		v, err := s.view(ctx, tx, r)
		if err != nil {
			return nil, err
		}
		things = append(things, account.Thing{ID: string(r.id), Label: v.Title, Detail: r.number, Holder: r.body, Effect: account.Proposed})
	}
	return things, nil
}

// End is never asked for: a credential ends by an officer's own act, with its reasons and after a hearing where the law
// asks for one.
func (s *Service) End(context.Context, *db.Tx, *portal.Portal, string, portal.Reason) error {
	return errors.New("credential: none ends but by an officer's act")
}
