package ca

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chancela/internal/db"
	"chancela/internal/issuance"
)

// Watched is one thing of ours that ends: a key with its certificate, or a list.
type Watched struct {
	Kind    string // root, issuing, responder, seal, stamp: the purposes of keys; or list
	Name    string // of the key's slot, or of the list
	Portal  string // of a seal; "" otherwise
	Subject string // of the certificate; of a list its issuer's name
	Address string // of a list
	Ends    time.Time
	// Certificate is when the certificate ends, where its key stops signing before.
	Certificate time.Time
	// Warn is from when somebody should look: what renews itself should have done so by then, and for what people renew
	// there is time left to.
	Warn time.Time
	// Itself says that it is renewed without anybody's doing.
	Itself bool
}

// Level is how a thing of ours stands.
type Level string

// The levels.
const (
	Fine  Level = "good"
	Soon  Level = "soon"
	Ended Level = "ended"
)

// At says how it stands at a moment.
func (w Watched) At(now time.Time) Level {
	switch {
	case !now.Before(w.Ends):
		return Ended
	case !now.Before(w.Warn):
		return Soon
	}
	return Fine
}

// StampURL is where time stamps are asked for.
func (s *Record) StampURL() string { return s.c.Base + "/tsa" }

// Days are the whole days left at a moment; below 0 for what has ended.
func (w Watched) Days(now time.Time) int {
	left := w.Ends.Sub(now)
	if left < 0 {
		return int(left/(24*time.Hour)) - 1
	}
	return int(left / (24 * time.Hour))
}

const (
	// authorityNotice is how long before an authority's end somebody should look: its successor takes a ceremony, and its
	// certificates end with it.
	authorityNotice = 365 * 24 * time.Hour
	// renewalGrace is how long after its day a renewal that happens by itself may be missing.
	renewalGrace = 48 * time.Hour
)

// renewsBefore is how long before their end the keys of a purpose are renewed by themselves; 0 for those that people
// renew.
func renewsBefore(purpose string) time.Duration {
	switch purpose {
	case purposeResponder:
		return renewResponder
	case purposeSeal:
		return renewSeal
	case purposeStamp:
		return renewUnit
	}
	return 0
}

// Watched is everything of ours that ends and is in force: of each key the newest generation, and of each list the one
// that is given out. What was revoked, and what its successor has replaced, is not there.
func (s *Record) Watched(ctx context.Context) ([]Watched, error) {
	var keys []ownKey
	var lists []List
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		if keys, err = ownKeys(ctx, tx); err != nil {
			return err
		}
		all, err := heads(ctx, tx)
		for _, h := range all {
			l, _, failed := listState(ctx, tx, h.list)
			if failed != nil && !db.None(failed) {
				return failed
			}
			if l.Name, l.Issuer = h.list, h.issuer; !l.Last {
				lists = append(lists, l)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("what of ours ends: %w", err)
	}
	newest := map[string]ownKey{}
	for _, k := range keys { // in the order of generations
		if k.state == Issued && !s.isOver(k) {
			newest[k.slot] = k
		}
	}
	var out []Watched
	for _, k := range newest {
		out = append(out, k.watched())
	}
	for _, l := range lists {
		w := Watched{Kind: "list", Name: l.Name, Subject: l.Issuer, Address: s.listURL(l.Name), Ends: l.NextUpdate, Itself: true}
		w.Warn = l.NextUpdate.Add(-s.c.ListLife / 4) // a new one comes at half of its life
		out = append(out, w)
	}
	order := []string{purposeRoot, purposeIssuing, purposeResponder, "list", purposeStamp, purposeSeal}
	slices.SortFunc(out, func(a, b Watched) int {
		if d := slices.Index(order, a.Kind) - slices.Index(order, b.Kind); d != 0 {
			return d
		}
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out, nil
}

// isOver says whether a key's end needs nobody's eye any more: that of an authority that people ended, and of the
// responders that it cannot renew.
func (s *Record) isOver(k ownKey) bool {
	if one, known := s.known(k.name); known && one.ended != nil {
		return true
	}
	from, known := s.known(k.issuer)
	return known && from.shut() && k.purpose == purposeResponder
}

func (k ownKey) watched() Watched {
	w := Watched{Kind: k.purpose, Name: k.slot, Portal: k.portal, Ends: k.ends(), Certificate: k.notAfter}
	if d, err := issuance.Describe(k.der); err == nil {
		w.Subject = d.Subject.String()
	}
	before := renewsBefore(k.purpose)
	if w.Itself = before > 0; w.Itself {
		w.Warn = w.Ends.Add(renewalGrace - before)
	} else {
		w.Warn = w.Ends.Add(-authorityNotice)
	}
	return w
}

// WarnOnce is the step that says whether somebody should be told of a thing's level now, and notes that they are: once
// when it comes to be so, and then once a week while it lasts, whichever replica asks.
func (s *Record) WarnOnce(ctx context.Context, tx *db.Tx, w Watched) (bool, error) {
	return warnOnce(ctx, tx, w.Kind+"/"+w.Name, w.At(tx.Now()), tx.Now().Add(-7*24*time.Hour))
}
