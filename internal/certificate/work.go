package certificate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// acceptDays is how long the holder is asked to look at the certificate. Nothing happens by itself behind them.
const acceptDays = 30

// CrashPoints lists the places where a crash must lose nothing, beside those of package ca.
func CrashPoints() []string { return []string{pointIssued} }

// pointIssued stands behind the certificate's issue, before its order knows of it.
const pointIssued = "certificate.issued"

// wake has the loop look at once.
func (s *Service) wake() {
	select {
	case s.awake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends: at once when an order becomes ready here, and now and then for those that became ready in
// another process or could not be issued before.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		if _, err := s.Work(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.ErrorContext(ctx, "certificate: work", "error", err)
		}
		if err := s.EndDue(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.ErrorContext(ctx, "certificate: what is due", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.awake:
		}
	}
}

// Work has every order that is ready issued, and says how many were. An order is issued once, however often it is
// tried and by however many processes: the room that signs knows it by its id.
func (s *Service) Work(ctx context.Context) (issued int, err error) {
	var waiting []row
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		waiting, err = ready(ctx, tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("orders that are ready: %w", err)
	}
	var errs []error
	for _, r := range waiting {
		if ctx.Err() != nil {
			break
		}
		done, err := s.issue(ctx, r)
		if done {
			issued++
		}
		errs = append(errs, err)
	}
	return issued, errors.Join(errs...)
}

// issue has one order issued, and tells its holder.
func (s *Service) issue(ctx context.Context, r row) (bool, error) {
	if err := s.entitled(ctx, r); err != nil {
		return false, s.held(ctx, r, err)
	}
	c, err := s.c.CA.Issue(ctx, actor.Machine(r.Portal), ca.Request{
		ID: r.ID.object(), Portal: r.Portal, Case: r.Case, Order: r.der, Quorum: r.quorum, Holder: r.Holder, Identity: r.identity,
	})
	if err != nil {
		return false, s.held(ctx, r, err)
	}
	s.c.Crash(pointIssued)
	done := false
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		var err error
		if done, err = markIssued(ctx, tx, r.ID, string(c.Serial), c.NotAfter); err != nil || !done {
			return err // another process was first
		}
		err = s.tell(ctx, tx, r, portal.CertificateIssued, func(lang i18n.Lang) i18n.Args {
			return i18n.Args{"until": i18n.Date(lang, tx.Now().AddDate(0, 0, acceptDays))}
		})
		if err != nil {
			return err
		}
		if err := s.sendCode(ctx, tx, r, c); err != nil {
			return err
		}
		return audit.Write(ctx, tx, actor.Machine(r.Portal), "order.issue", r.ID.object(), audit.With("certificate", string(c.Serial)))
	})
	if err != nil {
		return false, fmt.Errorf("record order %s as issued: %w", r.ID, err)
	}
	return done, nil
}

// Why an order is held, beside refusals of the room that signs.
const (
	heldLint    = "certificate.held.lint"
	heldTrouble = "certificate.held.trouble"
)

// mostAway is how long an order waits at most after the room that signs is back.
const mostAway = 20 * time.Second

// held keeps why an order could not be issued, for officers to see, and when to try again: at growing pauses, since
// what passes by itself passes soon, and the rest waits for people.
func (s *Service) held(ctx context.Context, r row, cause error) error {
	why := heldTrouble
	_, lint := errors.AsType[*ca.LintError](cause)
	refusal, refused := fault.As(cause)
	switch {
	case lint:
		why = heldLint
	case refused && refusal.Kind == fault.Conflict:
		return nil // being issued by another process at this moment
	case refused:
		why = refusal.Key
	}
	pause := min(10*time.Minute, 5*time.Second<<min(r.tries, 10))
	if fault.Is(cause, fault.Unavailable) { // keys or signing room that are away come back by themselves, and asking costs nothing
		pause = min(pause, mostAway)
	}
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error { return hold(ctx, tx, r.ID, why, tx.Now().Add(pause)) })
	if refused {
		s.c.Log.WarnContext(ctx, "certificate: an order is held", "order", r.ID, "why", why)
		return err
	}
	return errors.Join(fmt.Errorf("order %s is held: %w", r.ID, cause), err)
}
