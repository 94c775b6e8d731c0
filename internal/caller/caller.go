// Package caller knows which programs of bodies may ask for time stamps: by a user name and a secret of their own.
//
// A body's technician, whose power opens time stamps, makes such a name on the portal ([Service.Make]); the secret is
// shown once, and only its digest is kept. The name is good as long as the power of whoever made it runs and their
// account is active, until somebody of the body with such a power ends it ([Service.End]). Each asking is counted for
// the body and bounded ([Service.Admit]).
//
// It must never keep a secret, never say whether a name or a secret was wrong, and never keep what was stamped: there is
// a count, and no trace. Start reading at [Service.Admit].
package caller

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/internal/throttle"
)

// ID is the user name of a program.
type ID string

// Caller is a program that may ask on behalf of a body.
type Caller struct {
	ID       ID
	Portal   string
	BodyNIPC string
	Body     string // as it was called when this was made
	System   string // in the words of whoever made it
	Person   actor.PersonID
	Account  actor.AccountID
	MadeAt   time.Time
	EndedAt  time.Time // zero while it is good
	Asked    int64     // this month
	LastAt   time.Time // of this month; zero for not yet
	Maker    string    // name of whoever made it; of looks alone

	digest string
}

// Body is a body for which somebody may make callers, with those it has: the good ones, and those ended.
type Body struct {
	NIPC    string
	Name    string
	Limit   int64 // askings a month of the whole body
	Asked   int64 // this month
	Callers []Caller
}

// People knows persons and their powers; package account does.
type People interface {
	Known(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID, id actor.AccountID) (account.Known, error)
	Find(ctx context.Context, tx *db.Tx, id actor.AccountID) (account.Account, error)
	PersonName(ctx context.Context, tx *db.Tx, person actor.PersonID) (string, error)
}

var _ People = (*account.Accounts)(nil)

// Config is what the room is wired to.
type Config struct {
	DB       *db.DB
	Portals  *portal.Set
	Accounts People
	Throttle *throttle.Counters
}

// Service is the room's door. It is safe for use by several at once.
type Service struct{ c Config }

// New opens the room.
func New(c Config) *Service { return &Service{c} }

// perMinute is how often one program may ask in a minute, whatever its body may in a month: a loop gone wild must not
// take the signing of everybody else.
func perMinute() throttle.Rule { return throttle.Rule{Name: "caller", Limit: 600, Window: time.Minute} }

// Admit lets a program ask once more: its name and secret are right, the power behind it runs, and neither its minute nor
// its body's month is used up. It counts.
//
// NotFound is a wrong name or secret, or one that was ended: nobody learns which. Forbidden is a power that runs no more.
func (s *Service) Admit(ctx context.Context, user, secret string) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		one, err := byID(ctx, tx, ID(user))
		if err != nil && !db.None(err) {
			return err
		}
		sum := digestOf(secret)
		right := subtle.ConstantTimeCompare([]byte(sum), []byte(one.digest)) == 1
		if err != nil || !right || !one.EndedAt.IsZero() {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		limit, err := s.limit(ctx, tx, one)
		if err != nil {
			return err
		}
		if err := s.c.Throttle.Take(ctx, tx, perMinute(), string(one.ID)); err != nil {
			return err
		}
		return s.count(ctx, tx, one, limit)
	})
	if err != nil {
		return fmt.Errorf("admit caller: %w", err)
	}
	return nil
}

// limit is what the power behind a caller allows its body in a month; a refusal if it runs no more.
func (s *Service) limit(ctx context.Context, tx *db.Tx, one Caller) (int64, error) {
	refused := fault.New(fault.Forbidden, "caller.no-power")
	holder, err := s.c.Accounts.Find(ctx, tx, one.Account)
	if err != nil {
		return 0, err
	}
	if holder.State != account.Active {
		return 0, refused
	}
	known, err := s.c.Accounts.Known(ctx, tx, one.Portal, one.Person, one.Account)
	if err != nil {
		return 0, err
	}
	for _, body := range s.bodies(known, one.Portal, tx.Now()) {
		if body.NIPC == one.BodyNIPC {
			return body.Limit, nil
		}
	}
	return 0, refused
}

// bodies are those for which somebody holds a running power that opens time stamps.
func (s *Service) bodies(known account.Known, portalName string, now time.Time) (all []Body) {
	p, ok := s.c.Portals.Portal(portalName)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for _, power := range known.Powers {
		defined, ok := p.Power(power.Key)
		if !ok || defined.StampsPerMonth < 1 || power.BodyNIPC == "" || !power.Runs(now) || seen[power.BodyNIPC] {
			continue
		}
		seen[power.BodyNIPC] = true
		all = append(all, Body{NIPC: power.BodyNIPC, Name: power.BodyName, Limit: defined.StampsPerMonth})
	}
	return all
}

func (s *Service) count(ctx context.Context, tx *db.Tx, one Caller, limit int64) error {
	month := monthOf(tx.Now())
	asked, err := askedBy(ctx, tx, one.Portal, one.BodyNIPC, month)
	if err != nil {
		return err
	}
	if asked >= limit {
		next := monthEnd(tx.Now())
		return fault.Throttle("caller.month-used-up", next.Sub(tx.Now()), "n", fmt.Sprint(limit))
	}
	return addAsked(ctx, tx, one.ID, month)
}

// monthOf names a month as Lisbon has it.
func monthOf(t time.Time) string { return t.In(i18n.Lisbon()).Format("2006-01") }

func monthEnd(t time.Time) time.Time {
	local := t.In(i18n.Lisbon())
	return time.Date(local.Year(), local.Month()+1, 1, 0, 0, 0, 0, local.Location())
}

// digestOf is what is kept of a secret: it has 256 random bits, so that one hash is enough.
func digestOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// object names the caller in the record of deeds.
func (id ID) object() string { return "caller/" + string(id) }
