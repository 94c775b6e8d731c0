package credential

import (
	"context"
	"fmt"
	"io"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Mine are the credentials that the signed-in person asked for, and those of the bodies they act for; newest first.
func (s *Service) Mine(ctx context.Context, by actor.Actor) (views []View, err error) {
	if by.Kind != actor.Person || by.Person == "" {
		return nil, fault.New(fault.Forbidden, "fault.forbidden")
	}
	if err := by.MayIn(by.Portal, actor.SeeOwn); err != nil {
		return nil, err
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		bodies, err := s.bodiesOf(ctx, tx, by)
		if err != nil {
			return err
		}
		rows, err := ofHolder(ctx, tx, by.Portal, by.Person, bodies)
		if err != nil {
			return err
		}
		views = make([]View, len(rows))
		for i, r := range rows {
			if views[i], err = s.view(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("credentials of person %s: %w", by.Person, err)
	}
	return views, nil
}

// Of shows one credential to its holder, to whoever acts for its body, and to the portal's officers.
func (s *Service) Of(ctx context.Context, by actor.Actor, id ID) (v View, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		r, err := s.seen(ctx, tx, by, id)
		if err != nil {
			return err
		}
		v, err = s.view(ctx, tx, r)
		return err
	})
	return v, err
}

// OfCase shows a case's newest credential to the same people, and to whoever opened the case by its link; false if the
// case has none.
func (s *Service) OfCase(ctx context.Context, by actor.Actor, caseID string) (v View, found bool, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		r, err := ofCase(ctx, tx, caseID)
		if db.None(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("credential of case %s: %w", caseID, err)
		}
		if err := s.maySee(ctx, tx, by, r); err != nil {
			return err
		}
		found = true
		v, err = s.view(ctx, tx, r)
		return err
	})
	return v, found, err
}

// PDF gives the sealed file, to the same people as [Service.Of], with a plain name for it.
func (s *Service) PDF(ctx context.Context, by actor.Actor, id ID) (name string, pdf []byte, err error) {
	var r *row
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		r, err = s.seen(ctx, tx, by, id)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	if r.blob == "" {
		return "", nil, fault.New(fault.Conflict, "credential.not-issued")
	}
	c, err := r.read()
	if err != nil {
		return "", nil, fmt.Errorf("credential %s: %w", id, err)
	}
	file, err := s.c.Blobs.Open(ctx, r.blob)
	if err != nil {
		return "", nil, fmt.Errorf("open the file of credential %s: %w", id, err)
	}
	defer func() { _ = file.Close() }() // only read
	pdf, err = io.ReadAll(io.LimitReader(file, mostPDF))
	if err != nil {
		return "", nil, fmt.Errorf("read the file of credential %s: %w", id, err)
	}
	return fileName(c.Title, r.number), pdf, nil
}

func (s *Service) seen(ctx context.Context, tx *db.Tx, by actor.Actor, id ID) (*row, error) {
	r, err := find(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return r, s.maySee(ctx, tx, by, r)
}

// maySee lets in the holder, whoever acts for the body, whoever opened the case by its link, and the portal's
// officers. To anybody else it does not exist.
func (s *Service) maySee(ctx context.Context, tx *db.Tx, by actor.Actor, r *row) error {
	if by.Kind == actor.Officer {
		return by.MayIn(r.portal, actor.SeeCases)
	}
	hidden := fault.New(fault.NotFound, "fault.not-found")
	if by.MayIn(r.portal, actor.SeeOwn) != nil {
		return hidden
	}
	if by.Kind == actor.Visitor && by.Case != "" && by.Case == r.caseID || by.Kind == actor.Person && by.Person != "" && by.Person == r.person {
		return nil
	}
	acts, err := s.actsFor(ctx, tx, by, r)
	if err != nil {
		return err
	}
	if !acts {
		return hidden
	}
	return nil
}

// view shows a row with its history.
func (s *Service) view(ctx context.Context, tx *db.Tx, r *row) (View, error) {
	c, err := r.read()
	if err != nil {
		return View{}, fmt.Errorf("credential %s: %w", r.id, err)
	}
	v := View{
		ID: r.id, Portal: r.portal, Procedure: r.procedure, Number: r.number, Title: c.Title, State: r.state, Standing: r.standing(tx.Now()),
		CaseID: r.caseID, CaseNumber: r.caseNumber, Holder: r.person, Body: r.body, BodyNIPC: r.nipc, Year: r.year, ApprovedAt: r.approvedAt,
		IssuedAt: r.issuedAt, ValidUntil: r.until, Since: r.since, Replacement: r.replacedBy, Facts: c.Facts, Statement: c.Statement,
		Purpose: c.Purpose, Approved: r.decided.Names, Office: r.decided.Office, Subject: r.subject, Digest: r.digest, SealedAt: r.sealingAt,
	}
	if v.Standing == Lapsed {
		v.Since = r.until
	}
	for _, f := range c.Facts {
		v.Lines = append(v.Lines, portal.Line{Label: f.Label.PT, Value: f.Value.PT})
	}
	if !r.issuedAt.IsZero() { // a code that answers nothing yet is shown to nobody
		v.Code, v.Verify = r.code, s.verifyAt(r.code)
	}
	if v.ReplacedBy, err = numberOf(ctx, tx, r.replacedBy); err != nil {
		return View{}, err
	}
	v.Events, err = s.history(ctx, tx, r)
	return v, err
}

func (s *Service) history(ctx context.Context, tx *db.Tx, r *row) ([]Event, error) {
	stored, err := eventsOf(ctx, tx, r.id)
	if err != nil {
		return nil, fmt.Errorf("history of credential %s: %w", r.id, err)
	}
	p, served := s.c.Portals.Portal(r.portal)
	events := make([]Event, len(stored))
	for i, e := range stored {
		events[i] = Event{At: e.at, Kind: e.kind, Codes: e.codes, Words: e.words}
		for _, code := range e.codes {
			text := i18n.Text{PT: code, EN: code} // of a reason that the portal has no more
			if served {
				if reason, ok := p.Reason(code); ok {
					text = reason.Text
				}
			}
			events[i].Reasons = append(events[i].Reasons, text)
		}
		if events[i].Name, err = s.c.People.PersonName(ctx, tx, e.person); err != nil {
			return nil, err
		}
	}
	return events, nil
}
