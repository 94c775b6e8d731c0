// Package problem takes what anybody reports about a certificate, and keeps it until an officer has answered.
//
// A report is not a revocation: a person reads it within 24 hours and decides (ETSI EN 319 411-1, 6.2.4). Somebody who
// has lost both certificate and code asks here to be called back, on the number that is on record and never on the one
// they give. What strangers write is encrypted, and is shown to the officers of the portal alone.
//
// It must never change a certificate, never tell a stranger whether one exists, and never write to an address more often
// than its throttle lets it. Start reading at [Service.Report].
package problem

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
	"chancela/internal/throttle"
	"chancela/internal/vault"
)

// ID names a report within the program; people see its number.
type ID string

// State is where a report stands.
type State string

// The states: open → answered.
const (
	Open     State = "open"
	Answered State = "answered"
)

// Kind is what somebody asks for.
type Kind string

// The kinds.
const (
	Problem  Kind = "problem"   // something is wrong with a certificate or its use
	CallBack Kind = "call-back" // a holder without their code asks to be called, to have it stopped
)

// Term is within how long a report is looked at: 24 hours (ETSI EN 319 411-1, REV-6.2.4-03A, of what may lead to a
// revocation).
const Term = 24 * time.Hour

// Said is what somebody wrote.
type Said struct {
	About     string `json:"about"` // the certificate: serial number, domain, address of a document
	Words     string `json:"words"`
	Mail      string `json:"mail"` // "" for none: then there is no answer but what is done
	Name      string `json:"name"`
	Body      string `json:"body"`
	Telephone string `json:"telephone"`
}

// Report is one of them, as officers see it.
type Report struct {
	ID         ID
	Portal     string
	Number     string
	Kind       Kind
	State      State
	Said       Said
	Lang       i18n.Lang
	At         time.Time
	DueAt      time.Time
	Answer     string
	Name       string // of the officer who answered
	AnsweredAt time.Time

	locked string
	person actor.PersonID
}

// Receipt is what whoever reported gets.
type Receipt struct {
	Number string
	At     time.Time
	DueAt  time.Time
}

// Post sends letters; package letter does.
type Post interface {
	Send(ctx context.Context, tx *db.Tx, what letter.Letter) error
}

// People knows the officers; package account does.
type People interface {
	Officers(ctx context.Context, tx *db.Tx, portal string, p actor.Permission) ([]account.Contact, error)
	PersonName(ctx context.Context, tx *db.Tx, person actor.PersonID) (string, error)
}

// Config is what the room is wired to.
type Config struct {
	DB       *db.DB
	Portals  *portal.Set
	People   People
	Letters  Post
	Vault    *vault.Vault
	Throttle *throttle.Counters
	// Page is the address, within a portal, of the pages about reports; one report's is Page + "/" + its id.
	Page string
}

// Service is the room's door.
type Service struct{ c Config }

// New opens the room.
func New(c Config) *Service { return &Service{c} }

// What keeps strangers from filling the queue, and from having us write to somebody again and again.
func fromNetwork() throttle.Rule {
	return throttle.Rule{Name: "problem.from", Limit: 6, Window: time.Hour}
}

func toAddress() throttle.Rule {
	return throttle.Rule{Name: "problem.to", Limit: 3, Window: 24 * time.Hour}
}

func inPortal() throttle.Rule {
	return throttle.Rule{Name: "problem.in", Limit: 300, Window: time.Hour}
}

// The bounds of what may be written.
const (
	leastWords = 20
	mostWords  = 4000
	mostShort  = 300
)

// Report takes a report from anybody, acknowledges it by mail where an address was given, and tells the officers. All
// that is wrong with it is told at once; too many from one network, or to one address, are Throttled.
func (s *Service) Report(ctx context.Context, by actor.Actor, kind Kind, said Said, lang i18n.Lang) (done Receipt, err error) {
	p, ok := s.c.Portals.Portal(by.Portal)
	if !ok {
		return done, fault.New(fault.NotFound, "fault.not-found")
	}
	if err := said.clean(kind); err != nil {
		return done, err
	}
	if err := s.take(ctx, by, said.Mail); err != nil { // in a deed of its own, so that it stays taken
		return done, fmt.Errorf("report a problem: %w", err)
	}
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r := Report{ID: ID(db.NewID()), Portal: by.Portal, Kind: kind, Said: said, Lang: lang, At: tx.Now(), DueAt: tx.Now().Add(Term)}
		if err := s.file(ctx, tx, &r); err != nil {
			return err
		}
		if err := s.acknowledge(ctx, tx, p, r); err != nil {
			return err
		}
		done = Receipt{Number: r.Number, At: r.At, DueAt: r.DueAt}
		return audit.Write(ctx, tx, by, "problem.report", r.ID.object(), audit.With("kind", string(kind)))
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("report a problem: %w", err)
	}
	return done, nil
}

// object names the report in the record of deeds.
func (id ID) object() string { return "problem/" + string(id) }

// clean brings what was written into one form, and tells all that is wrong.
func (w *Said) clean(kind Kind) error {
	var problems []fault.Field
	wrong := func(name, key string, pairs ...string) {
		problems = append(problems, fault.Field{Name: name, Key: key, Args: fault.Pairs(pairs...)})
	}
	for name, value := range map[string]*string{"about": &w.About, "name": &w.Name, "body": &w.Body, "telephone": &w.Telephone} {
		*value = strings.TrimSpace(*value)
		if n := utf8.RuneCountInString(*value); n > mostShort || !utf8.ValidString(*value) {
			wrong(name, "E-TXT-01", "min", "1", "max", strconv.Itoa(mostShort), "n", strconv.Itoa(n))
		}
	}
	w.Words = strings.TrimSpace(w.Words)
	if n := utf8.RuneCountInString(w.Words); n < leastWords || n > mostWords || !utf8.ValidString(w.Words) {
		wrong("words", "E-TXT-01", "min", strconv.Itoa(leastWords), "max", strconv.Itoa(mostWords), "n", strconv.Itoa(n))
	}
	for name, value := range w.needed(kind) {
		if value == "" {
			wrong(name, "E-GER-01")
		}
	}
	if w.Mail = strings.TrimSpace(w.Mail); w.Mail != "" {
		clean, err := field.ParseEmail(w.Mail)
		if e, ok := fault.As(err); ok {
			wrong("mail", e.Key)
		}
		w.Mail = clean
	}
	return fault.Fields(problems)
}

func (w *Said) needed(kind Kind) map[string]string {
	if kind == CallBack {
		return map[string]string{"name": w.Name, "body": w.Body, "telephone": w.Telephone}
	}
	return map[string]string{"about": w.About}
}

func (s *Service) take(ctx context.Context, by actor.Actor, mail string) error {
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := s.c.Throttle.Take(ctx, tx, fromNetwork(), by.Address); err != nil {
			return err
		}
		if err := s.c.Throttle.Take(ctx, tx, inPortal(), by.Portal); err != nil || mail == "" {
			return err
		}
		canonical, _ := field.CanonicalEmail(mail)
		return s.c.Throttle.Take(ctx, tx, toAddress(), canonical)
	})
}

func (s *Service) file(ctx context.Context, tx *db.Tx, r *Report) error {
	year := tx.Now().In(i18n.Lisbon()).Year()
	n, err := nextNumber(ctx, tx, r.Portal, year)
	if err != nil {
		return err
	}
	r.Number = fmt.Sprintf("C-%d/%d", year, n)
	said, err := json.Marshal(r.Said)
	if err != nil {
		return err
	}
	r.locked = s.c.Vault.Lock(r.ID.place(), string(said))
	return insert(ctx, tx, *r)
}

// place binds what is encrypted to its row.
func (id ID) place() string { return "problem_report/" + string(id) }

// acknowledge writes to whoever reported, and to the officers who may answer.
func (s *Service) acknowledge(ctx context.Context, tx *db.Tx, p *portal.Portal, r Report) error {
	until := func(lang i18n.Lang) i18n.Args {
		return i18n.Args{"number": r.Number, "until": i18n.Date(lang, r.DueAt) + ", " + i18n.Clock(lang, r.DueAt)}
	}
	if err := s.toReporter(ctx, tx, p, r, portal.ProblemReceived, until(r.Lang)); err != nil {
		return err
	}
	officers, err := s.c.People.Officers(ctx, tx, r.Portal, actor.AnswerProblem)
	if err != nil {
		return err
	}
	for _, o := range officers {
		err := s.c.Letters.Send(ctx, tx, letter.Letter{
			Portal: p, Event: portal.ProblemToReview, To: letter.To{Name: o.Name, Address: o.Address, Lang: o.Lang}, About: r.ID.object(),
			Values: until(o.Lang), Page: s.c.Page + "/" + string(r.ID),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) toReporter(ctx context.Context, tx *db.Tx, p *portal.Portal, r Report, event portal.Event, values i18n.Args) error {
	if r.Said.Mail == "" {
		return nil
	}
	return s.c.Letters.Send(ctx, tx, letter.Letter{
		Portal: p, Event: event, To: letter.To{Name: r.Said.Name, Address: r.Said.Mail, Lang: r.Lang}, About: r.ID.object(), Values: values,
	})
}
