package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/queue"
)

// Failure says why a message did not leave. Its text is stored and logged, so it holds no address and none of the
// server's own words, which often repeat the address.
type Failure struct {
	Word    string // of notify.reason.<word>
	Code    string // of the server, such as "550 5.1.1", or ""
	ForGood bool   // no further try can cure it
}

// Error gives word and code.
func (f *Failure) Error() string { return strings.TrimSpace(f.Word + " " + f.Code) }

// The words of failures.
const (
	bounced     = "bounced"     // refused for good: no such address, a full mailbox, an unwanted text
	deferred    = "deferred"    // refused for now
	unreachable = "unreachable" // no server, or it broke off
	insecure    = "insecure"    // no TLS, or a certificate that does not hold
	misset      = "misset"      // the server does not know us: an operator must look
	expired     = "expired"     // worth nothing any more
	outOfTries  = "out-of-tries"
	malformed   = "malformed" // cannot be sent by this channel as it is
)

func (s *Service) mail(ctx context.Context, job queue.Job, p mailPayload) error {
	return s.deliver(ctx, job, p.Delivery, p.Mail.Until, func() error {
		text, secrets, err := s.reveal(ctx, p.Mail.Text, p.Mail.Reveals)
		if err != nil {
			return err
		}
		return s.config.Mail.SendMail(ctx, Letter{
			ID: p.Delivery, At: p.Queued, FromName: p.Mail.FromName, To: p.Mail.To, ReplyTo: p.Mail.ReplyTo,
			Lang: p.Mail.Lang, Subject: p.Mail.Subject, Text: text, links: secrets,
		})
	})
}

func (s *Service) sms(ctx context.Context, job queue.Job, p smsPayload) error {
	return s.deliver(ctx, job, p.Delivery, p.SMS.Until, func() error {
		text, _, err := s.reveal(ctx, p.SMS.Text, p.SMS.Reveals)
		if err != nil {
			return err
		}
		if plainSMS(text) != nil {
			return &Failure{Word: malformed, ForGood: true}
		}
		return s.config.SMS.SendSMS(ctx, Text{ID: p.Delivery, At: p.Queued, To: p.SMS.To, Text: text})
	})
}

// deliver sends a message once, however often its job runs, and notes what came of it.
func (s *Service) deliver(ctx context.Context, job queue.Job, id string, until time.Time, send func() error) error {
	var d Delivery
	err := s.db.Look(ctx, func(tx *db.Tx) (err error) {
		d, err = find(ctx, tx, id)
		return err
	})
	if db.None(err) || err == nil && d.State == Sent {
		return nil // its case was erased, or an earlier run was not told that it had succeeded
	}
	if err != nil {
		return fmt.Errorf("delivery %s: %w", id, err)
	}
	if !until.IsZero() && s.db.Now().After(until) {
		return s.note(ctx, func(tx *db.Tx) error { return noteFailed(ctx, tx, id, expired) })
	}
	err = send()
	if err == nil {
		return s.note(ctx, func(tx *db.Tx) error { return noteSent(ctx, tx, id) })
	}
	return s.failed(ctx, job, id, err)
}

func (s *Service) failed(ctx context.Context, job queue.Job, id string, err error) error {
	failure, told := errors.AsType[*Failure](err)
	if !told {
		failure = &Failure{Word: unreachable}
		err = fmt.Errorf("delivery %s: %w", id, err)
	}
	switch {
	case failure.Word == expired:
		return s.note(ctx, func(tx *db.Tx) error { return noteFailed(ctx, tx, id, expired) })
	case failure.ForGood:
		noted := s.note(ctx, func(tx *db.Tx) error { return noteFailed(ctx, tx, id, failure.Error()) })
		if noted != nil {
			return noted // tried again: better a second bounce than a failure that nobody sees
		}
		return queue.GiveUp(err)
	case job.Last:
		reason := strings.TrimSpace(outOfTries + " " + failure.Code)
		return errors.Join(err, s.note(ctx, func(tx *db.Tx) error { return noteFailed(ctx, tx, id, reason) }))
	}
	return errors.Join(err, s.note(ctx, func(tx *db.Tx) error { return noteTry(ctx, tx, id, failure.Error()) }))
}

// note writes what came of a try, even if the try's time is up: a mail that left must be known to have left.
func (s *Service) note(ctx context.Context, change func(*db.Tx) error) error {
	return s.db.InTx(context.WithoutCancel(ctx), change)
}

// reveal puts the secrets in their places, all at once, so that no secret's own text is taken for a placeholder.
func (s *Service) reveal(ctx context.Context, text string, reveals []Reveal) (string, []string, error) {
	var pairs, secrets []string
	for _, r := range reveals {
		if s.config.Reveal == nil {
			return "", nil, errors.New("nobody to ask for secrets")
		}
		secret, err := s.config.Reveal(ctx, r.Ref)
		if fault.Is(err, fault.Expired) || fault.Is(err, fault.NotFound) {
			return "", nil, &Failure{Word: expired, ForGood: true}
		}
		if err != nil {
			return "", nil, errors.New("secret was not told") // the cause may name it
		}
		pairs = append(pairs, "{"+r.Placeholder+"}", secret)
		secrets = append(secrets, secret)
	}
	return strings.NewReplacer(pairs...).Replace(text), secrets, nil
}
