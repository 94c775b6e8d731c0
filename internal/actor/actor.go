// Package actor says who does something: in which portal, how strongly signed in, and whether they may.
//
// Every deed takes an Actor as an argument, so that no page can forget who asks. The table of what each role may
// do stands in policy.go and nowhere else. An Actor must never be made from what a form or an address says: floor
// 6 gets it from a session, a proven link or the wiring. Start reading at [Actor.MayIn].
package actor

import (
	"slices"

	"chancela/internal/fault"
)

// Kind is the sort of being that acts.
type Kind string

// The kinds of actor.
const (
	Visitor Kind = "visitor" // nobody known; may follow a link of their own
	Person  Kind = "person"  // an applicant or holder, signed in
	Officer Kind = "officer" // staff of a portal, signed in
	Program Kind = "program" // a body's own, known by the token that an approved case gave
	System  Kind = "system"  // the program itself: a background loop, the operator at the command line
)

// Strength says how surely the actor was recognised. Greater is stronger.
type Strength int

// The strengths, as far as the ways in exist.
const (
	Unknown  Strength = 0 // not recognised
	ByLink   Strength = 1 // holds a secret mailed to an address
	ByToken  Strength = 2 // holds the secret of an approved case, as a program does
	ByCode   Strength = 3 // password, then a code sent to a proven address or telephone
	ByDevice Strength = 4 // phishing-resistant: passkey or Cartão de Cidadão
)

// PersonID names a human being within one portal, whatever accounts they have.
// Four eyes are told apart by it, never by account or address.
type PersonID string

// AccountID names a way of being known to a portal: one address, one set of ways in.
type AccountID string

// Actor is who does a deed.
type Actor struct {
	Kind     Kind
	Portal   string // the portal they act in; empty for System across portals
	Person   PersonID
	Account  AccountID
	Session  string // id of the session, never its secret
	Roles    []Role // an officer's roles in the portal at this moment
	Strength Strength
	Case     string // id of the one case that a proven link opened, for a Visitor, or that gave a Program its token
	Address  string // where from, shortened to a network; for throttles and the audit trail
}

// Nobody is a visitor of a portal.
func Nobody(portal string) Actor { return Actor{Kind: Visitor, Portal: portal} }

// Machine is the program itself acting in a portal.
func Machine(portal string) Actor { return Actor{Kind: System, Portal: portal} }

// SignedIn says whether the actor came in with a session.
func (a Actor) SignedIn() bool { return a.Kind == Person || a.Kind == Officer }

// Holds says whether the actor has the role in their portal.
func (a Actor) Holds(role Role) bool { return a.Kind == Officer && slices.Contains(a.Roles, role) }

// MayIn asks whether the actor may do what the permission names in the given portal.
//
// Nothing crosses between portals: to an actor of another portal, the thing does not exist.
func (a Actor) MayIn(portal string, p Permission) error {
	if a.Kind != System && a.Portal != portal {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	if a.Kind == System && a.Portal != "" && a.Portal != portal {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	rule, known := policy[p]
	if !known || !rule.admits(a) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	if a.SignedIn() && a.Strength < rule.least {
		return fault.New(fault.Forbidden, "fault.too-weak")
	}
	return nil
}
