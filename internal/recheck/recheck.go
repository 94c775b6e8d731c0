// Package recheck reads again, each night, what was issued, by a path of its own: the database's row, the certificate's
// bytes parsed anew, the lints of today, the approved order, the revocation list and the OCSP answer as they are served
// to strangers over HTTP. All of them must agree; where they do not, the operator is told.
//
// What was issued, suspended or revoked since the night before is read in each; of all the rest, a share, so that each
// certificate's turn comes once in [Turn]. A night is a row; its parts are jobs of the queue, each of which moves the
// row on in the transaction that keeps its findings. So one process does each part, whichever it is, and a crash
// repeats at most one.
//
// It must never change anything that it reads, never ask the rooms that issued what they think, never follow an address
// in a certificate that is not ours, and never be quiet about what it could not read. Start reading at [Service.Begin],
// then look.go for one certificate.
package recheck

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/queue"
)

// Turn is how long it takes until every certificate was read once.
const Turn = 30 * 24 * time.Hour

// Config is what the room is wired to.
type Config struct {
	DB    *db.DB
	Queue *queue.Queue
	// Authorities are our issuers; of the room that issues nothing else is asked.
	Authorities func() []ca.Authority
	// Trust is what certificates may claim.
	Trust issuance.Trust
	// Base is the address below which everything of ours is served, as certificates name it.
	Base string
	// Client asks as strangers do; one that waits ten seconds and follows nothing, if nil.
	Client *http.Client
	// Tell has the operator told of a night's findings, in the transaction that ends the night; nil for the log alone.
	Tell func(ctx context.Context, tx *db.Tx, n Night, found []Finding) error
	// Pause is how long a night waits before its first part, so that a process that has just started serves by then.
	Pause time.Duration
	Log   *slog.Logger
}

// Kind is what is wrong.
type Kind string

// The kinds. The words recheck.kind.* say them.
const (
	Unreadable        Kind = "unreadable"      // the bytes are no certificate
	OtherBytes        Kind = "other-bytes"     // not those that were meant to be signed
	OtherDates        Kind = "other-dates"     // the row has other dates, or another serial number
	OtherKey          Kind = "other-key"       // the row has another key
	BadSignature      Kind = "bad-signature"   // not its issuer's
	NotApproved       Kind = "not-approved"    // says something else than the order that was approved
	Lint              Kind = "lint"            // a lint of today finds something
	NoIssuer          Kind = "no-issuer"       // its issuer is none of ours
	ForeignAddress    Kind = "foreign-address" // names an address that is not ours
	NotListed         Kind = "not-listed"      // ended, and not on the list that it names
	Listed            Kind = "listed"          // on the list, and not ended
	BadList           Kind = "list"            // a list cannot be had, read or relied on
	BadAnswer         Kind = "answer"          // an OCSP answer cannot be had, read or relied on
	AnsweredOtherwise Kind = "answered-otherwise"
	OtherDeeds        Kind = "deeds" // the record of deeds tells another story of it
)

// Kinds lists them.
func Kinds() []Kind {
	return []Kind{
		Unreadable, OtherBytes, OtherDates, OtherKey, BadSignature, NotApproved, Lint, NoIssuer, ForeignAddress, NotListed, Listed, BadList,
		BadAnswer, AnsweredOtherwise, OtherDeeds,
	}
}

// Finding is one thing that does not agree.
type Finding struct {
	Day    string
	Serial ca.Serial // "" for a list or a service as a whole
	Issuer string
	Kind   Kind
	Detail string
	At     time.Time
}

// Night is one re-check.
type Night struct {
	Day     string // of its beginning, UTC
	Since   time.Time
	Part    Part
	Place   string
	Old     string
	Quota   int64
	Read    int64
	BeganAt time.Time
	EndedAt time.Time // zero while it goes on
}

// Part is a stretch of a night.
type Part string

// The parts, in their order.
const (
	Issued Part = "issued" // what was issued lately
	Ended  Part = "ended"  // what was suspended, revoked or lost lately
	Old    Part = "old"    // a share of all others
	Done   Part = "done"
)

// Service is the room's door.
type Service struct {
	c      Config
	linter *issuance.Linter
}

const job = "recheck.part"

// payload says which part a job is to do, so that one that comes late does nothing.
type payload struct {
	Day   string
	Part  Part
	Place string
}

// New opens the room and names its job to the queue.
func New(c Config) (*Service, error) {
	linter, err := issuance.NewLinter()
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	c.Base = strings.TrimSuffix(c.Base, "/") + "/"
	s := &Service{c: c, linter: linter}
	queue.Handle(c.Queue, job, func(ctx context.Context, j queue.Job, p payload) error { return s.part(ctx, p, j.Last) })
	return s, nil
}

// hour is when a night begins, UTC: when Lisbon sleeps, in summer and winter.
const hour = 2

// overlap has what was issued around the beginning of the night before read again, by a clock that lagged.
const overlap = time.Hour

// Begin begins the night, if its hour has come and nobody has begun it. Every process may call it at any time.
func (s *Service) Begin(ctx context.Context, by actor.Actor) error {
	if err := by.MayIn("", actor.RunTheProgram); err != nil {
		return err
	}
	if s.c.DB.Now().Hour() < hour {
		return nil
	}
	return s.begin(ctx)
}

func (s *Service) begin(ctx context.Context) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		n := Night{Day: tx.Now().Format(time.DateOnly), Part: Issued, BeganAt: tx.Now()}
		last, err := lastNight(ctx, tx)
		if err != nil && !db.None(err) {
			return err
		}
		if err == nil {
			n.Old, n.Since = last.Old, last.BeganAt.Add(-overlap)
		}
		if n.Quota, err = share(ctx, tx); err != nil {
			return err
		}
		begun, err := insertNight(ctx, tx, n)
		if err != nil || !begun {
			return err
		}
		return s.c.Queue.Enqueue(ctx, tx, job, payload{n.Day, n.Part, n.Place}, queue.Options{At: tx.Now().Add(s.c.Pause), MaxTries: 6})
	})
	if err != nil {
		return fmt.Errorf("begin the nightly re-check: %w", err)
	}
	return nil
}

// most bounds what one job reads: a job has a minute.
const most = 100

// part reads one stretch of a night, and moves the night on. When it is the last try, what cannot be had is a finding;
// before it, it is a reason to try again.
func (s *Service) part(ctx context.Context, p payload, last bool) error {
	var n Night
	var rows []row
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		if n, err = night(ctx, tx, p.Day); err != nil {
			return err
		}
		rows, err = stretch(ctx, tx, n, most)
		return err
	})
	if err != nil {
		return fmt.Errorf("nightly re-check: %w", err)
	}
	if n.Part != p.Part || n.Place != p.Place {
		return nil // somebody did it already
	}
	r := s.reader(n.Day)
	for _, one := range rows {
		if err := s.one(ctx, r, one); err != nil {
			return fmt.Errorf("nightly re-check: %w", err)
		}
	}
	if r.away && !last {
		return fault.New(fault.Unavailable, "fault.unavailable")
	}
	return s.moveOn(ctx, n, n.after(rows), r.found)
}

// one reads a certificate. What was changed while it was read is not held against it: the next night reads it again.
func (s *Service) one(ctx context.Context, r *reader, one row) error {
	before := len(r.found)
	if err := r.read(ctx, one); err != nil || len(r.found) == before {
		return err
	}
	return s.c.DB.Look(ctx, func(tx *db.Tx) error {
		same, err := stands(ctx, tx, one)
		if err == nil && !same {
			r.found = r.found[:before]
		}
		return err
	})
}

// after is where a night stands behind these rows.
func (n Night) after(rows []row) Night {
	n.Read += int64(len(rows))
	if len(rows) > 0 {
		n.Place = rows[len(rows)-1].place(n.Part)
	}
	if n.Part == Old {
		n.Quota -= int64(len(rows))
		n.Old = n.Place
		switch {
		case n.Quota <= 0:
			n.Part = Done
		case len(rows) < most: // the end of all: the next night begins anew
			n.Part, n.Old = Done, ""
		}
		return n
	}
	if len(rows) < most {
		next := map[Part]Part{Issued: Ended, Ended: Old}
		n.Part, n.Place = next[n.Part], ""
		if n.Part == Old {
			n.Place = n.Old
		}
	}
	return n
}

// moveOn keeps what was found and moves the night on, unless somebody else did; the last time it tells.
func (s *Service) moveOn(ctx context.Context, from, to Night, found []Finding) error {
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		if to.Part == Done {
			to.EndedAt = tx.Now()
		}
		moved, err := move(ctx, tx, from, to)
		if err != nil || !moved {
			return err
		}
		for _, f := range found {
			if err := insertFinding(ctx, tx, f); err != nil {
				return err
			}
		}
		if to.Part == Done {
			return s.end(ctx, tx, to)
		}
		return s.c.Queue.Enqueue(ctx, tx, job, payload{to.Day, to.Part, to.Place}, queue.Options{MaxTries: 6})
	})
}

// end tells, and puts the night on record.
func (s *Service) end(ctx context.Context, tx *db.Tx, n Night) error {
	found, err := findingsOf(ctx, tx, n.Day)
	if err != nil {
		return err
	}
	tx.After(func() {
		for _, f := range found {
			s.c.Log.ErrorContext(ctx, "recheck: what was issued does not agree", "serial", string(f.Serial), "issuer", f.Issuer, "kind", string(f.Kind), "detail", f.Detail)
		}
		s.c.Log.InfoContext(ctx, "recheck: the night is over", "read", n.Read, "findings", len(found))
	})
	if len(found) > 0 && s.c.Tell != nil {
		if err := s.c.Tell(ctx, tx, n, found); err != nil {
			return err
		}
	}
	return audit.Write(ctx, tx, actor.Machine(""), "recheck.end", "recheck/"+n.Day,
		audit.With("read", strconv.FormatInt(n.Read, 10)), audit.With("findings", strconv.Itoa(len(found))))
}

// Last is the last night and what it found; false where there was none.
func (s *Service) Last(ctx context.Context) (n Night, found []Finding, ok bool, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		if n, err = lastNight(ctx, tx); db.None(err) {
			return nil
		} else if err != nil {
			return err
		}
		ok = true
		found, err = findingsOf(ctx, tx, n.Day)
		return err
	})
	return n, found, ok, err
}
