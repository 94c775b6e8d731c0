package credential

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"chancela/internal/db"
	"chancela/internal/field"
	"chancela/internal/i18n"
)

// Answer is what a stranger is told of a credential: as it stood at a moment. The wiring makes the answer of package
// status of it. Why it was suspended or revoked is told to nobody but its holder.
type Answer struct {
	State      State     // Valid, Lapsed, Suspended, Revoked, Replaced or NotYet
	Since      time.Time // of a state other than Valid
	At         time.Time // the moment that the answer is about
	Code       string    // "" when asked by body
	Number     string
	Portal     string
	Title      i18n.Text
	Issuer     i18n.Text
	Body       string // "" where the definition makes no line public that says it; so with the number
	BodyNIPC   string // as stored
	IssuedAt   time.Time
	Until      time.Time
	ReplacedBy string // number of the credential in its place
	Facts      []Fact // public ones only
	Digest     string // SHA-256 of the sealed file, hex
}

// Lookup finds by code, in whatever spelling people use, and says how the credential stood at a moment (zero or to
// come is now); false for every code that is wrong or unknown.
func (s *Service) Lookup(ctx context.Context, code string, at time.Time) (a Answer, found bool, err error) {
	clean, wrong := field.ParseCode(code)
	if wrong != nil {
		return Answer{}, false, nil //nolint:nilerr // a code that is none is not found, like any other unknown one
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		r, err := byCode(ctx, tx, clean)
		if db.None(err) || err == nil && subtle.ConstantTimeCompare([]byte(r.code), []byte(clean)) != 1 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look up a code: %w", err)
		}
		found = true
		if a, err = s.answer(ctx, tx, r, at); err == nil {
			a.Code = r.code
		}
		return err
	})
	return a, found && err == nil, err
}

// LookupBody says the same of all that a body has from a portal that allows the question, newest first; without
// codes, which only the holder hands out, and without the file's digest.
func (s *Service) LookupBody(ctx context.Context, portalName, nipc string, at time.Time) (answers []Answer, err error) {
	p, ok := s.c.Portals.Portal(portalName)
	if !ok || !p.Verify.ByBody {
		return nil, nil
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		rows, err := ofBody(ctx, tx, portalName, nipc)
		if err != nil {
			return fmt.Errorf("look up a body: %w", err)
		}
		answers = make([]Answer, len(rows))
		for i, r := range rows {
			if answers[i], err = s.answer(ctx, tx, r, at); err != nil {
				return err
			}
			answers[i].Digest = ""
		}
		return nil
	})
	return answers, err
}

// answer says how a credential stood at a moment, by its history.
func (s *Service) answer(ctx context.Context, tx *db.Tx, r *row, at time.Time) (Answer, error) {
	if at.IsZero() || at.After(tx.Now()) {
		at = tx.Now() // nobody knows what will be
	}
	c, err := r.read()
	if err != nil {
		return Answer{}, fmt.Errorf("credential %s: %w", r.id, err)
	}
	events, err := eventsOf(ctx, tx, r.id)
	if err != nil {
		return Answer{}, fmt.Errorf("history of credential %s: %w", r.id, err)
	}
	a := Answer{
		At: at, Number: r.number, Portal: r.portal, Title: c.Title, Issuer: c.Issuer.Name,
		IssuedAt: r.issuedAt, Until: r.until, Digest: r.digest,
	}
	if c.tells(r.body) {
		a.Body = r.body
	}
	if c.tells(field.Show(field.NIPC, i18n.PT, r.nipc)) {
		a.BodyNIPC = r.nipc
	}
	if a.State, a.Since = stood(events, r.until, at); a.State == Replaced {
		if a.ReplacedBy, err = numberOf(ctx, tx, r.replacedBy); err != nil {
			return Answer{}, err
		}
	}
	for _, f := range c.Facts {
		if f.Public {
			a.Facts = append(a.Facts, f)
		}
	}
	return a, nil
}

// tells says whether a public line of the paper is exactly this.
func (c Content) tells(value string) bool {
	return value != "" && slices.ContainsFunc(c.Facts, func(f Fact) bool { return f.Public && f.Value.PT == value })
}

// stood reads from a history how things stood at a moment, and since when. What was revoked or replaced stays so;
// anything else lapses with its last day.
func stood(events []event, until, at time.Time) (State, time.Time) {
	state, since := NotYet, time.Time{}
	becomes := map[EventKind]State{WasIssued: Valid, WasSuspended: Suspended, WasRestored: Valid, WasRevoked: Revoked, WasReplaced: Replaced}
	for _, e := range events {
		if !e.at.After(at) {
			state, since = becomes[e.kind], e.at
		}
	}
	if (state == Valid || state == Suspended) && at.After(until) {
		return Lapsed, until
	}
	if state == Valid {
		since = time.Time{}
	}
	return state, since
}
