// Package notify sends mail and SMS: queued in a deed's transaction, sent later, tried again, seen when it fails.
//
// A deed calls [Service.Send] or [Service.SendSMS] with the finished words; a job does the rest. What must never be
// in the database is a secret: the words hold a placeholder such as {link}, the job holds a reference, and the value
// is asked for when the message leaves. What is kept of a message is a row without words or address. A mail may
// arrive twice when a server is cut off after taking it, with the same Message-ID; it is never lost unless it expired.
//
// Nothing here decides who is told what: that is the portal's and the deeds'. Start reading at [Service.Send];
// deliver.go says what is done with each answer of a server; smtp.go and outbox.go are the ways out.
package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"

	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/queue"
)

// Config is what the room stands on.
type Config struct {
	Mail MailSender // required
	SMS  SMSSender  // required
	// Reveal gives the value of a secret by its reference, when the message leaves. A fault of kind Expired or
	// NotFound means that it is worth nothing any more and the message is not sent. Required if secrets are sent.
	Reveal func(ctx context.Context, ref string) (string, error)
	// MarkKey keys the hash of addresses in the table of deliveries; without one there is no mark.
	MarkKey []byte
}

// MailSender is a way out for mail.
type MailSender interface {
	// SendMail sends one letter, or says as a [Failure] why not. It may be called again with the same letter.
	SendMail(ctx context.Context, l Letter) error
}

// SMSSender is a way out for SMS.
type SMSSender interface {
	// SendSMS sends one text, or says as a [Failure] why not. It may be called again with the same text.
	SendSMS(ctx context.Context, t Text) error
}

// Service queues messages, and sends them when the queue runs.
type Service struct {
	db     *db.DB
	queue  *queue.Queue
	config Config
}

// The names of this room's jobs.
const (
	mailJob = "notify.mail"
	smsJob  = "notify.sms"
)

// tries, with the queue's pauses of at most 4 h, go on for nearly 5 days, as mail servers do (RFC 5321, 4.5.4.1).
const tries = 36

// New makes the room and names its jobs to the queue.
func New(d *db.DB, q *queue.Queue, c Config) (*Service, error) {
	if c.Mail == nil || c.SMS == nil {
		return nil, errors.New("notify needs a way out for mail and one for SMS")
	}
	s := &Service{db: d, queue: q, config: c}
	queue.Handle(q, mailJob, s.mail)
	queue.Handle(q, smsJob, s.sms)
	return s, nil
}

// Reveal names a placeholder of a text and the reference of the secret that stands there.
type Reveal struct {
	Placeholder string // without its braces
	Ref         string
}

// Mail is a message to one address. Its words are finished, but for the secrets.
type Mail struct {
	Portal   string
	Case     string // id of the case it is about, or ""
	Kind     string // which of the portal's messages
	FromName string
	To       string
	ReplyTo  string // or ""
	Lang     i18n.Lang
	Subject  string // never with a secret: placeholders in it stay as they are
	Text     string
	Reveals  []Reveal
	Until    time.Time // after this it is worth nothing and is not sent; zero is never
}

// SMS is a short message to one mobile telephone.
type SMS struct {
	Portal  string
	Case    string
	Kind    string
	To      string // as +351912345678
	Text    string // at most 160 characters of ASCII that GSM-7 has, secrets included
	Reveals []Reveal
	Until   time.Time
}

type mailPayload struct {
	Delivery string
	Queued   time.Time
	Mail     Mail
}

type smsPayload struct {
	Delivery string
	Queued   time.Time
	SMS      SMS
}

// Send is the step that queues a mail.
func (s *Service) Send(ctx context.Context, tx *db.Tx, m Mail) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("mail %s: %w", m.Kind, err)
	}
	d := Delivery{ID: db.NewID(), Portal: m.Portal, Case: m.Case, Kind: m.Kind, Channel: ByMail, State: Queued, Queued: tx.Now()}
	if err := insert(ctx, tx, d, s.mark(m.To)); err != nil {
		return fmt.Errorf("mail %s: %w", m.Kind, err)
	}
	return s.queue.Enqueue(ctx, tx, mailJob, mailPayload{d.ID, d.Queued, m}, queue.Options{MaxTries: tries})
}

// SendSMS is the step that queues an SMS.
func (s *Service) SendSMS(ctx context.Context, tx *db.Tx, m SMS) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("SMS %s: %w", m.Kind, err)
	}
	d := Delivery{ID: db.NewID(), Portal: m.Portal, Case: m.Case, Kind: m.Kind, Channel: BySMS, State: Queued, Queued: tx.Now()}
	if err := insert(ctx, tx, d, s.mark(m.To)); err != nil {
		return fmt.Errorf("SMS %s: %w", m.Kind, err)
	}
	return s.queue.Enqueue(ctx, tx, smsJob, smsPayload{d.ID, d.Queued, m}, queue.Options{MaxTries: tries})
}

// mark tells one address from another without telling it.
func (s *Service) mark(address string) string {
	if len(s.config.MarkKey) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, s.config.MarkKey)
	mac.Write([]byte(strings.ToLower(address)))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// A line break in a header would begin another header, or the body (OWASP ASVS 1.3.11).
func (m Mail) check() error {
	for _, header := range []string{m.FromName, m.To, m.ReplyTo, m.Subject} {
		if strings.ContainsFunc(header, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) {
			return errors.New("a control character in a header")
		}
	}
	if !bare(m.To) || m.ReplyTo != "" && !bare(m.ReplyTo) {
		return errors.New("not one plain address")
	}
	if m.Subject == "" || m.Text == "" {
		return errors.New("no subject or no text")
	}
	return nil
}

// bare says whether this is one address and nothing else: no name, no list, no comment.
func bare(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address && len(address) <= 254 // RFC 5321, 4.5.3.1.3
}

var (
	telephone   = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)                   // E.164
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)                             // stands for a secret that is not known yet
	gsm         = regexp.MustCompile(`^[A-Za-z0-9 @$_!"#%&'()*+,./:;<=>?-]*$`) // ASCII of the basic table, 3GPP TS 23.038, 6.2.1
)

// longestSMS is one message of 7-bit characters (3GPP TS 23.040).
const longestSMS = 160

func (m SMS) check() error {
	if !telephone.MatchString(m.To) {
		return errors.New("not a telephone number")
	}
	return plainSMS(placeholder.ReplaceAllString(m.Text, "000000"))
}

func plainSMS(text string) error {
	if text == "" || len(text) > longestSMS {
		return fmt.Errorf("text has %d characters, wants 1 to %d", len(text), longestSMS)
	}
	if !gsm.MatchString(text) {
		return errors.New("text has a character that is not in plain GSM-7")
	}
	return nil
}
