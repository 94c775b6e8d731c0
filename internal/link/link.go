// Package link makes the secrets that are sent to people: links that prove an address or open one thing, and the
// six digits of a confirmation.
//
// Neither secret is stored, nor a hash of it. A link's secret is the random id of its row and a MAC over all that the
// row says, under a key that the database does not hold; so a stolen copy of the database opens nothing, a changed row
// opens nothing, and a queued mail names only the row's [Ref]: the sender asks [Links.Reveal] at the last moment.
//
// It must never say more to somebody without the secret than that the link is unknown. A secret is accepted exactly as
// it was made: not shorter, longer, in capitals or in another encoding of the same bits. Looking ([Links.Peek]) changes
// nothing, since scanners of mail look; only [Links.Use] does. A subject is an id, never an address or a name.
//
// Start reading at [Links.Make]; codes are in codes.go.
package link

import (
	"context"
	"fmt"
	"time"

	"chancela/internal/db"
	"chancela/internal/fault"
)

// Kind says what a link is for. A link of one kind is unknown to every other.
type Kind string

// The kinds of link.
const (
	Proof             Kind = "proof"              // proves the address that a case or an account was given
	Draft             Kind = "draft"              // goes on with a draft on this or another device
	Follow            Kind = "follow"             // shows the applicant their case without an account
	Invitation        Kind = "invitation"         // lets the person who was granted access define a password
	OfficerInvitation Kind = "officer-invitation" // lets an invited officer define a password
	Recovery          Kind = "recovery"           // lets a person define a new password
	NewAddress        Kind = "new-address"        // proves an address that shall replace the present one
	Undo              Kind = "undo"               // takes back a change of address, from the old address
)

// rule says how a kind of link behaves.
type rule struct {
	again bool // may be opened any number of times until it expires
	alone bool // a new one makes the earlier ones of the same subject void
}

var rules = map[Kind]rule{
	Proof:             {alone: true},
	Draft:             {again: true}, // the same mail is opened each time one goes on, on each device
	Follow:            {again: true}, // every mail about a case carries one; none may close another
	Invitation:        {alone: true},
	OfficerInvitation: {alone: true},
	Recovery:          {alone: true},
	NewAddress:        {alone: true},
	Undo:              {}, // two changes in a row: the first one's link leads back to the right address
}

// Ref names a link or a code without opening it; it may be stored and logged.
type Ref string

// Link is what a secret opens.
type Link struct {
	Ref     Ref
	Kind    Kind
	Portal  string
	Subject string
	Made    time.Time
	Expires time.Time

	state string
}

// Key is the secret from which links and codes follow. It must be kept outside the database, and be the same for all
// replicas; with another key, every link and code sent so far is unknown.
type Key [32]byte

// Links makes and checks links and codes.
type Links struct{ key Key }

// New makes Links of a key.
func New(key Key) *Links { return &Links{key: key} }

// Make makes a link good until a moment, and void those that it takes the place of. It is a step; the secret is to
// be had from [Links.Reveal] after the deed is committed.
func (l *Links) Make(ctx context.Context, tx *db.Tx, kind Kind, portal, subject string, expires time.Time) (Ref, error) {
	rule, known := rules[kind]
	if !known || subject == "" || !expires.After(tx.Now()) {
		return "", fmt.Errorf("make link: kind %q, subject %q, expires %s: not a link", kind, subject, db.Time(expires))
	}
	if err := enter(ctx, tx, portal, string(kind), subject); err != nil {
		return "", fmt.Errorf("make link: %w", err)
	}
	if rule.alone {
		if err := closeAll(ctx, tx, kind, portal, subject); err != nil {
			return "", fmt.Errorf("make link: %w", err)
		}
	}
	made := Link{Ref: Ref(db.NewID()), Kind: kind, Portal: portal, Subject: subject, Made: tx.Now(), Expires: expires}
	if err := insert(ctx, tx, made); err != nil {
		return "", fmt.Errorf("make link: %w", err)
	}
	return made.Ref, nil
}

// VoidAll makes every open link of a kind and subject void: after a change of password or address, or when the
// person is shut out. It is a step.
func (l *Links) VoidAll(ctx context.Context, tx *db.Tx, kind Kind, portal, subject string) error {
	if err := enter(ctx, tx, portal, string(kind), subject); err != nil {
		return fmt.Errorf("void links: %w", err)
	}
	if err := closeAll(ctx, tx, kind, portal, subject); err != nil {
		return fmt.Errorf("void links: %w", err)
	}
	return nil
}

// Reveal gives the secret of a link, for whoever sends it; Expired if the link is used, void or too old by now, so
// that no dead link is mailed.
func (l *Links) Reveal(ctx context.Context, d *db.DB, ref Ref) (secret string, err error) {
	err = d.Look(ctx, func(tx *db.Tx) error {
		found, err := find(ctx, tx, ref)
		if err != nil {
			return err
		}
		if err := found.alive(tx.Now()); err != nil {
			return err
		}
		secret, err = l.secret(found)
		return err
	})
	return secret, err
}

// Peek looks what a secret opens and changes nothing. It refuses with NotFound what is not a secret of this kind and
// portal, and with Expired a link that was good once.
func (l *Links) Peek(ctx context.Context, tx *db.Tx, kind Kind, portal, secret string) (Link, error) {
	ref, ok := refOf(secret)
	if !ok {
		return Link{}, unknown()
	}
	found, err := find(ctx, tx, ref)
	if err != nil {
		return Link{}, err
	}
	// All three are compared before anything is said, the secret in constant time.
	right, err := l.secret(found)
	if err != nil {
		return Link{}, err
	}
	if !same(secret, right) || found.Kind != kind || found.Portal != portal {
		return Link{}, unknown()
	}
	return found, found.alive(tx.Now())
}

// Use opens a link. Of several who use a single-use link at once, one is let in and the others are told Expired; a
// link that may be opened again stays as it is. It is a step, and belongs to the deed that the link is for.
func (l *Links) Use(ctx context.Context, tx *db.Tx, kind Kind, portal, secret string) (Link, error) {
	found, err := l.Peek(ctx, tx, kind, portal, secret)
	if err != nil || rules[kind].again {
		return found, err
	}
	won, err := use(ctx, tx, found.Ref)
	if err != nil {
		return Link{}, fmt.Errorf("use link %s: %w", found.Ref, err)
	}
	if !won {
		return Link{}, expired()
	}
	return found, nil
}

// alive refuses a link that is used, void or too old.
func (k Link) alive(now time.Time) error {
	if k.state != "open" || !now.Before(k.Expires) {
		return expired()
	}
	return nil
}

func unknown() error { return fault.New(fault.NotFound, "link.unknown") }
func expired() error { return fault.New(fault.Expired, "link.expired") }
