// Package account knows who is known to a portal: persons, their accounts and powers, the bodies they act for, the
// register of eligible bodies, officers and their roles.
//
// A person is a human being; an account is one address of theirs, as applicant or as officer. What an approval grants
// is granted to the person, and four eyes are told apart by the person, so that two accounts are not two people. It
// must never join two persons by an address that nobody proved, never give one portal's people to another, and never
// hold a password or a session: that is package login, which asks here for the state of an account each time. Start
// reading at [Account] and [Known], then grant.go.
package account

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
	"chancela/internal/throttle"
	"chancela/internal/vault"
)

// Kind is the side of the desk on which an account stands.
type Kind string

// The kinds of account.
const (
	Applicant Kind = "applicant"
	Officer   Kind = "officer"
)

// State is where an account stands: invited → active ⇄ suspended → closed.
type State string

// The states.
const (
	Invited   State = "invited" // has a link to define a password, or has defined it and never came in
	Active    State = "active"
	Suspended State = "suspended"
	Closed    State = "closed"
)

// Account is one address by which a person is known, on one side of the desk.
type Account struct {
	ID         actor.AccountID
	Portal     string
	Person     actor.PersonID
	Kind       Kind
	State      State
	Name       string // of the person
	Address    string
	AddressKey string // the address in its one canonical form
	Telephone  string // E.164, or ""
	Mobile     string // E.164, Portuguese mobile, or ""
	Lang       i18n.Lang
	Roles      []actor.Role // of an officer
	// Epoch counts what ends every session of the account: another password, other roles, suspension.
	Epoch       int64
	CaseNumber  string // of the asking that made it, as people read it
	MadeAt      time.Time
	ProvenAt    time.Time // when its holder showed that the address is theirs
	ActivatedAt time.Time
}

// MayEnter says whether somebody may sign in by the account at all.
func (a Account) MayEnter() bool { return a.State == Invited || a.State == Active }

// Object names the account in the record of deeds.
func (a Account) Object() string { return "account/" + string(a.ID) }

// To is where letters to the account go.
func (a Account) To() letter.To {
	return letter.To{Name: a.Name, Address: a.Address, Mobile: a.Mobile, Lang: a.Lang}
}

// Power is what a person may ask for, and on whose behalf.
type Power struct {
	ID       string
	Key      string // of the portal's powers
	Account  actor.AccountID
	BodyNIPC string // "" for oneself
	BodyName string // as the body is called now
	Case     string // id of the case that granted it
	Position string
	Unit     string
	Locality string
	From     time.Time
	Until    time.Time // zero for no end
	// ConfirmBy is when a power without an end rests until it is confirmed; zero for never.
	ConfirmBy time.Time
}

// Runs says whether the power is in force.
func (p Power) Runs(now time.Time) bool {
	return !now.Before(p.From) && (p.Until.IsZero() || now.Before(p.Until)) && (p.ConfirmBy.IsZero() || now.Before(p.ConfirmBy))
}

// Body is a legal person that people act for.
type Body struct {
	NIPC    string
	Version int64
	Name    string
	Acronym string
	Kind    string // in the register's words
	Class   string // portal.Eligible, Conditional or NotEligible; "" if it is not in the register
	Domains []string
	Listed  bool // in the register now
}

// Contact is an officer who can be told something.
type Contact struct {
	Person  actor.PersonID
	Account actor.AccountID
	Name    string
	Address string
	Lang    i18n.Lang
	Roles   []actor.Role
}

// Post sends letters; package letter does.
type Post interface {
	Send(ctx context.Context, tx *db.Tx, what letter.Letter) error
}

// Config is what the room is wired to.
type Config struct {
	DB      *db.DB
	Portals *portal.Set
	Letters Post
	Links   *link.Links
	Vault   *vault.Vault
	// Throttle counts what visitors can make the program send.
	Throttle *throttle.Counters
	// Crash is called at each of [CrashPoints]; nil but in tests.
	Crash func(point string)
	Log   *slog.Logger
}

// Accounts is the room's door.
type Accounts struct {
	db       *db.DB
	portals  *portal.Set
	letters  Post
	links    *link.Links
	vault    *vault.Vault
	throttle *throttle.Counters
	crash    func(point string)
	log      *slog.Logger

	dependents []dependent
	awake      chan struct{}
}

// New opens the room.
func New(c Config) *Accounts {
	if c.Crash == nil {
		c.Crash = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Accounts{
		db: c.DB, portals: c.Portals, letters: c.Letters, links: c.Links, vault: c.Vault, throttle: c.Throttle, crash: c.Crash, log: c.Log,
		awake: make(chan struct{}, 1),
	}
}

// Officers lists the active officers of a portal who may do what the permission names, when they are signed in as
// strongly as it asks. It is a look within a deed.
func (a *Accounts) Officers(ctx context.Context, tx *db.Tx, portalName string, p actor.Permission) ([]Contact, error) {
	all, err := officers(ctx, tx, portalName)
	if err != nil {
		return nil, err
	}
	var may []Contact
	for _, one := range all {
		if one.State == Active && asOfficer(one).MayIn(portalName, p) == nil {
			may = append(may, Contact{Person: one.Person, Account: one.ID, Name: one.Name, Address: one.Address, Lang: one.Lang, Roles: one.Roles})
		}
	}
	return may, nil
}

// Answering lists the accounts in use of those who have one of the powers for a body, running now: whoever answers for
// it. It is a look within a deed.
func (a *Accounts) Answering(ctx context.Context, tx *db.Tx, portalName, nipc string, powers []string) ([]Account, error) {
	if nipc == "" || len(powers) == 0 {
		return nil, nil
	}
	all, err := answering(ctx, tx, portalName, nipc, powers, tx.Now())
	if err != nil {
		return nil, fmt.Errorf("who answers for a body of %s: %w", portalName, err)
	}
	return all, nil
}

// asOfficer is the actor that the account would be once signed in, to ask what its roles allow.
func asOfficer(one Account) actor.Actor {
	return actor.Actor{Kind: actor.Officer, Portal: one.Portal, Person: one.Person, Account: one.ID, Roles: one.Roles, Strength: actor.ByDevice}
}

// IsSame says whether the applicant of a case is this person: by any address that the person has or had in the
// portal, proven or not, or by the civil number's mark. Four eyes ask it of an officer.
func (a *Accounts) IsSame(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID, addressKey, civilMark string) (bool, error) {
	if person == "" {
		return false, nil
	}
	return samePerson(ctx, tx, portalName, person, addressKey, civilMark)
}

// PersonName gives the name of a person; "" if there is none of that id.
func (a *Accounts) PersonName(ctx context.Context, tx *db.Tx, person actor.PersonID) (string, error) {
	return personName(ctx, tx, person)
}

// holds says whether the account has a role.
func (a Account) holds(role actor.Role) bool { return slices.Contains(a.Roles, role) }
