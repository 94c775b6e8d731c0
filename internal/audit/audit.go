// Package audit is the record of deeds: who did what to which object, when, and how surely they were known.
//
// Every deed calls [Write] as its last step, in its own transaction: what cannot be recorded does not happen. Each
// entry's hash covers all its columns and the hash of the entry before. A chain alone can be cut short or computed
// anew by whoever holds the database, so a [Keeper] signs its head each second with a key that the database does not
// hold, and appends the signature to a file outside it; [Verify] reads both and names what was changed.
//
// An entry must never hold personal data or a secret: the record is kept longer than either may be. So a detail is an
// id, a digest, a number, a time or a word of the program, and [Write] refuses whatever has a space, an @ or a letter
// that such things lack. What the record cannot show: an entry that somebody with the program's own database password
// appends at the end, in the program's own way.
//
// Start reading at [Write]; then chain.go, keeper.go, verify.go.
package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
)

// Entry is one deed on record.
type Entry struct {
	Seq      int64
	At       time.Time
	Portal   string
	Kind     actor.Kind
	Person   actor.PersonID
	Account  actor.AccountID
	Session  string
	Roles    []actor.Role // those the officer held at that moment
	Strength actor.Strength
	Opened   string // the case that a proven link opened to a visitor
	Address  string // shortened to a network
	Verb     string // such as case.approve
	Object   string // such as case/<id>
	Details  map[string]string
	Hash     string
}

// Detail is one fact about a deed: an id, a digest, a number, a time, a word of the program. Never anything that a
// person typed, never a name, an address, a secret.
type Detail struct{ Name, Value string }

// With makes a detail.
func With(name, value string) Detail { return Detail{name, value} }

const (
	mostDetails = 32
	longestText = 256 // of an object or a detail's value, in bytes
)

var (
	verbShape   = regexp.MustCompile(`^[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)+$`)
	nameShape   = regexp.MustCompile(`^[a-z]+[a-z0-9]*([.-][a-z0-9]+)*$`)
	objectShape = regexp.MustCompile(`^[a-z]+(-[a-z]+)*/[0-9A-Za-z._:/=+-]+$`)
	valueShape  = regexp.MustCompile(`^[0-9A-Za-z._:,/=+-]*$`)
)

// Write records a deed. It is a step, and the last one of its deed: it takes the lock that orders the record, and
// whatever comes after it in the transaction makes every other deed wait.
//
// The verb is "noun.verb" and the object "noun/id". A shape that could carry a person's words is an error of ours,
// and the deed does not happen.
func Write(ctx context.Context, tx *db.Tx, by actor.Actor, verb, object string, details ...Detail) error {
	text, err := describe(verb, object, details)
	if err != nil {
		return fmt.Errorf("audit %s: %w", verb, err)
	}
	r := rowOf(by, verb, object, text)
	if err := appendRow(ctx, tx, r); err != nil {
		return fmt.Errorf("audit %s: %w", verb, err)
	}
	return nil
}

// describe checks what a deed says of itself and writes the details as canonical JSON: one object of text values, its
// names sorted, no spaces.
func describe(verb, object string, details []Detail) (string, error) {
	switch {
	case !verbShape.MatchString(verb):
		return "", fmt.Errorf("verb is not of the form noun.verb")
	case len(object) > longestText || !objectShape.MatchString(object):
		return "", fmt.Errorf("object is not of the form noun/id")
	case len(details) > mostDetails:
		return "", fmt.Errorf("%d details; at most %d", len(details), mostDetails)
	}
	all := make(map[string]string, len(details))
	for _, d := range details {
		if !nameShape.MatchString(d.Name) {
			return "", fmt.Errorf("name of a detail is not a word")
		}
		// The value stays out of the message: what is refused here may be just what must not be written down.
		if len(d.Value) > longestText || !valueShape.MatchString(d.Value) {
			return "", fmt.Errorf("detail %s is not an id, digest, number, time or word", d.Name)
		}
		if _, twice := all[d.Name]; twice {
			return "", fmt.Errorf("detail %s stands twice", d.Name)
		}
		all[d.Name] = d.Value
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(all); err != nil { // a map's names come out sorted
		return "", err
	}
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n"))), nil
}

// Filter chooses entries for a page.
type Filter struct {
	Portal string // exactly this portal; "" is what belongs to none. Nothing of another portal is ever shown.
	Object string // exactly this object, if not ""
	Verb   string // exactly this verb, if not ""
	Before int64  // entries with a smaller number, if not 0
	Limit  int    // at most 200; 50 if 0
}

const mostEntries = 200

// Entries looks up the record of a portal, newest first. The caller asks whether the actor may ([actor.SeeAudit]).
func Entries(ctx context.Context, tx *db.Tx, f Filter) ([]Entry, error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	f.Limit = min(f.Limit, mostEntries)
	rows, err := find(ctx, tx, f)
	if err != nil {
		return nil, fmt.Errorf("look up the record: %w", err)
	}
	entries := make([]Entry, 0, len(rows))
	for _, r := range rows {
		e, err := r.entry()
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", r.seq, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}
