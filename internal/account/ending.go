package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Cause says why powers end.
type Cause string

// The causes.
const (
	Left         Cause = "left"    // the person serves in the body no more: all their powers there
	PowerEnded   Cause = "power"   // one power
	BodyEnded    Cause = "body"    // the body is no more: everybody's powers there
	TermEnded    Cause = "term"    // the term of office came
	AccountEnded Cause = "account" // the account was closed
)

// Effect is what an ending does to a thing that hangs on it.
type Effect string

// The effects. What is proposed is for an officer to decide, and never happens by itself.
const (
	Ends     Effect = "end"
	Proposed Effect = "propose"
	Stays    Effect = "stay"
)

// Thing hangs on powers or on a body: a certificate, a credential.
type Thing struct {
	Kind   string // which room holds it, as the wiring called it
	ID     string // there
	Label  i18n.Text
	Detail string // a number by which people know it
	Holder string // name of the person
	Effect Effect
	DoneAt time.Time // ended, or decided upon; zero until then
}

// Which powers are meant: those of a person at a body, one of them, or everybody's at the body.
type Which struct {
	Portal string
	NIPC   string
	Person actor.PersonID // "" for the whole body
	Power  string         // id of the one; "" for all
}

// Preview is what an ending would do. Whoever confirms it names its digest: another digest is another list.
type Preview struct {
	Which
	Body   string
	Name   string // of the person
	Powers []Held
	Things []Thing
	Digest string
}

// Held is a power with whose it is.
type Held struct {
	Power
	Person actor.PersonID
	Name   string
}

// Count says how many things an effect falls on.
func (v Preview) Count(e Effect) (n int) { return count(v.Things, e) }

func count(things []Thing, e Effect) (n int) {
	for _, one := range things {
		if one.Effect == e {
			n++
		}
	}
	return n
}

// Ending is one that was confirmed, or that a term brought.
type Ending struct {
	ID     string
	Portal string
	Cause  Cause
	NIPC   string
	Body   string
	Person actor.PersonID
	Name   string // of the person
	Reason string
	At     time.Time // when it takes effect
	MadeAt time.Time
	DoneAt time.Time // zero until all of it is done
	By     string    // name of whoever confirmed it; "" for the program
	Powers []Held
	Things []Thing

	kind   actor.Kind
	person actor.PersonID // who confirmed it
	digest string
}

// Count says how many things an effect falls on.
func (e Ending) Count(effect Effect) int { return count(e.Things, effect) }

// Scope is what a room is asked about: what hangs on these powers, or on the body.
type Scope struct {
	Portal *portal.Portal
	NIPC   string
	Person actor.PersonID // "" for everybody's
	Powers []string       // keys
	Body   bool           // the body ends
}

// Dependent is a room that holds what hangs on powers and bodies.
type Dependent interface {
	// Hanging lists what is in force and hangs on the scope, always in the same order. Kind need not be filled.
	Hanging(ctx context.Context, tx *db.Tx, of Scope) ([]Thing, error)
	// End ends one, for a ground of the portal. What ended already is no error; Conflict says to try again later.
	End(ctx context.Context, tx *db.Tx, p *portal.Portal, id string, ground portal.Reason) error
}

// dependent is a room with the name under which its things are kept.
type dependent struct {
	kind string
	room Dependent
}

// Hang adds a room whose things hang on powers. The wiring does, before anything runs.
func (a *Accounts) Hang(kind string, room Dependent) {
	a.dependents = append(a.dependents, dependent{kind, room})
}

func (a *Accounts) dependent(kind string) (Dependent, bool) {
	at := slices.IndexFunc(a.dependents, func(d dependent) bool { return d.kind == kind })
	if at < 0 {
		return nil, false
	}
	return a.dependents[at].room, true
}

// preview finds the powers that are meant and all that hangs on them.
func (a *Accounts) preview(ctx context.Context, tx *db.Tx, p *portal.Portal, which Which) (Preview, error) {
	v := Preview{Which: which}
	var err error
	if v.Powers, err = heldPowers(ctx, tx, which); err != nil {
		return v, err
	}
	if v.Name, err = personName(ctx, tx, which.Person); err != nil {
		return v, err
	}
	if body, found, err := bodyNow(ctx, tx, which.Portal, which.NIPC); err != nil {
		return v, err
	} else if found {
		v.Body = body.Name
	}
	if v.Things, err = a.hanging(ctx, tx, p, v); err != nil {
		return v, err
	}
	v.Digest, err = v.digest()
	return v, err
}

func (a *Accounts) hanging(ctx context.Context, tx *db.Tx, p *portal.Portal, v Preview) ([]Thing, error) {
	of := Scope{Portal: p, NIPC: v.NIPC, Person: v.Person, Body: v.Person == ""}
	for _, power := range v.Powers {
		if !slices.Contains(of.Powers, power.Key) {
			of.Powers = append(of.Powers, power.Key)
		}
	}
	slices.Sort(of.Powers)
	var all []Thing
	for _, d := range a.dependents {
		things, err := d.room.Hanging(ctx, tx, of)
		if err != nil {
			return nil, err
		}
		for _, one := range things {
			one.Kind = d.kind
			all = append(all, one)
		}
	}
	return all, nil
}

// digest names exactly this list: whose powers, which things, and what becomes of each.
func (v Preview) digest() (string, error) {
	type line struct{ Kind, ID, Effect string }
	said := struct {
		Which  Which
		Powers []string
		Things []line
	}{Which: v.Which}
	for _, power := range v.Powers {
		said.Powers = append(said.Powers, power.ID)
	}
	for _, one := range v.Things {
		said.Things = append(said.Things, line{one.Kind, one.ID, string(one.Effect)})
	}
	text, err := json.Marshal(said)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}
