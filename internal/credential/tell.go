package credential

import (
	"context"
	"fmt"
	"maps"

	"chancela/internal/account"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// tell mails whoever asked for the credential, in their language, at the address that they have now; more are values
// of the event beside those of every one.
func (s *Service) tell(ctx context.Context, tx *db.Tx, p *portal.Portal, r *row, event portal.Event, more ...i18n.Args) error {
	to, err := s.recipient(ctx, tx, r)
	if err != nil {
		return fmt.Errorf("tell of credential %s: %w", r.id, err)
	}
	l := letter.Letter{
		Portal: p, Event: event, To: to, About: "case/" + r.caseID, Values: r.values(p, to.Lang), Page: s.c.Page + "/" + string(r.id),
	}
	if proc, ok := p.Procedure(r.procedure); ok {
		l.Procedure = proc
	}
	for _, values := range more {
		maps.Copy(l.Values, values)
	}
	return s.c.Letters.Send(ctx, tx, l)
}

func (s *Service) recipient(ctx context.Context, tx *db.Tx, r *row) (letter.To, error) {
	stored := letter.To{Name: r.applicant, Address: r.address, Lang: r.lang}
	if r.account == "" {
		return stored, nil
	}
	one, err := s.c.People.Find(ctx, tx, r.account)
	if db.None(err) || fault.Is(err, fault.NotFound) || err == nil && one.State == account.Closed {
		return stored, nil
	}
	return one.To(), err
}
