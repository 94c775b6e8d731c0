package ca_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/issuance"

	"pgregory.net/rapid"
)

// listedMoves are those of docs/decisions/states.md for a certificate that was issued.
var listedMoves = map[ca.State][]ca.State{
	ca.Issued:    {ca.Suspended, ca.Revoked},
	ca.Suspended: {ca.Issued, ca.Revoked},
	ca.Revoked:   {},
}

// try is one thing that somebody tries to do with the certificate.
type try struct {
	who  string
	what string
	mine bool // whether it is theirs to do, in some state
	do   func(t *testing.T, i *instance, c ca.Certificate) error
}

// tries are those of the holder, the body, an officer, whoever holds the code, the program and a thief.
func tries() []try {
	thief, body := holder, holder
	thief.Person, body.Person = "ladrao", "responsavel"
	nobody, machine := actor.Nobody("exemplo"), actor.Machine("exemplo")
	suspend := func(by actor.Actor, right ca.Right) func(*testing.T, *instance, ca.Certificate) error {
		return func(t *testing.T, i *instance, c ca.Certificate) error {
			return i.suspend(t, by, ca.Suspension{Serial: c.Serial, Right: right, Until: i.clock.now().Add(time.Hour)})
		}
	}
	revoke := func(by actor.Actor, right ca.Right, in time.Duration) func(*testing.T, *instance, ca.Certificate) error {
		return func(t *testing.T, i *instance, c ca.Certificate) error {
			return i.Revoke(t.Context(), by, ca.Revocation{Serial: c.Serial, Reason: issuance.CessationOfOperation, Right: right, At: i.clock.now().Add(in)})
		}
	}
	reinstate := func(by actor.Actor) func(*testing.T, *instance, ca.Certificate) error {
		return func(t *testing.T, i *instance, c ca.Certificate) error { return i.reinstate(t, by, c) }
	}
	cancel := func(by actor.Actor, right ca.Right) func(*testing.T, *instance, ca.Certificate) error {
		return func(t *testing.T, i *instance, c ca.Certificate) error { return i.cancel(t, by, c, right) }
	}
	due := func(t *testing.T, i *instance, c ca.Certificate) error {
		i.clock.pass(20 * time.Minute)
		return i.deed(t, func(tx *db.Tx) error { return i.EndDueIn(t.Context(), tx, machine, c.Serial) })
	}
	return []try{
		{"holder", "suspend", true, suspend(holder, ca.Own)}, {"body", "suspend", true, suspend(body, ca.OfBody)},
		{"code", "suspend", true, suspend(nobody, ca.OfCode)}, {"officer", "suspend", true, suspend(decider, ca.Own)},
		{"holder", "revoke", true, revoke(holder, ca.Own, 0)}, {"code", "revoke", true, revoke(nobody, ca.OfCode, 0)},
		{"officer", "schedule", true, revoke(decider, ca.Own, 30*time.Minute)}, {"body", "schedule", true, revoke(body, ca.OfBody, 50*time.Minute)},
		{"officer", "cancel", true, cancel(decider, ca.Own)}, {"holder", "cancel", true, cancel(holder, ca.Own)},
		{"officer", "reinstate", true, reinstate(decider)}, {"program", "due", true, due},
		{"thief", "suspend", false, suspend(thief, ca.Own)}, {"thief", "revoke", false, revoke(thief, ca.Own, 0)},
		{"thief", "schedule", false, revoke(thief, ca.Own, time.Hour)}, {"thief", "reinstate", false, reinstate(thief)},
		{"thief", "cancel", false, cancel(thief, ca.Own)}, {"holder", "reinstate", false, reinstate(holder)},
		{"body", "reinstate", false, reinstate(body)}, {"code", "reinstate", false, reinstate(nobody)},
		{"code", "cancel", false, cancel(nobody, ca.OfCode)}, {"visitor", "revoke", false, revoke(nobody, ca.Own, 0)},
	}
}

// TestOnlyListedMovesHappen draws who tries what in which order, three at a time in a race, and holds the record
// against the listed moves after each round: where the certificate stands, what OCSP and the list say, which times of
// suspension are on record.
func TestOnlyListedMovesHappen(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		run := 0
		rapid.Check(t, func(r *rapid.T) {
			run++
			c := i.person(t, fmt.Sprintf("m%d", run))
			all := tries()
			was := ca.Issued
			for range rapid.IntRange(1, 5).Draw(r, "rounds") {
				picked := rapid.SliceOfN(rapid.IntRange(0, len(all)-1), 1, 3).Draw(r, "who")
				errs := raced(t, i, c, all, picked)
				now := i.find(t, c.Serial)
				if !reaches(was, now.State, len(picked)) {
					r.Fatalf("from %s to %s by %v", was, now.State, named(all, picked))
				}
				for n, one := range picked {
					if !all[one].mine && errs[n] == nil {
						r.Fatalf("the %s could %s", all[one].who, all[one].what)
					}
				}
				if problem := disagrees(t, i, now); problem != "" {
					r.Fatalf("%s, after %v from %s", problem, named(all, picked), was)
				}
				was = now.State
				i.clock.pass(time.Minute)
			}
		})
	})
}

func raced(t *testing.T, i *instance, c ca.Certificate, all []try, picked []int) []error {
	errs := make([]error, len(picked))
	var racing sync.WaitGroup
	for n, one := range picked {
		racing.Go(func() { errs[n] = all[one].do(t, i, c) })
	}
	racing.Wait()
	return errs
}

// reaches says whether so many listed moves at most lead from one state to the other.
func reaches(from, to ca.State, moves int) bool {
	if from == to {
		return true
	}
	return moves > 0 && slices.ContainsFunc(listedMoves[from], func(next ca.State) bool { return reaches(next, to, moves-1) })
}

func named(all []try, picked []int) (names []string) {
	for _, one := range picked {
		names = append(names, all[one].who+" "+all[one].what)
	}
	return names
}

// disagrees says what of the record does not hold together; "" for nothing.
func disagrees(t *testing.T, i *instance, c ca.Certificate) string {
	standing, r, err := i.Standing(t.Context(), c.Issuer, c.Serial)
	must(t, err)
	on, _ := i.listed(t, c.Issuer, c.Serial)
	running := 0
	for _, h := range i.holds(t, c) {
		if h.EndedAt.IsZero() {
			running++
		}
	}
	held := 0
	if c.State == ca.Suspended {
		held = 1
	}
	switch {
	case (standing == issuance.Good) != (c.State == ca.Issued):
		return fmt.Sprintf("OCSP says %s of a certificate that is %s", standing, c.State)
	case on != (c.State != ca.Issued):
		return fmt.Sprintf("on the list: %v, of a certificate that is %s", on, c.State)
	case running != held || c.HeldUntil.IsZero() != (held == 0):
		return fmt.Sprintf("%d suspensions run of a certificate that is %s until %s", running, c.State, c.HeldUntil)
	case c.State == ca.Suspended && r.Reason != issuance.CertificateHold, c.State == ca.Revoked && r.Reason == issuance.CertificateHold:
		return fmt.Sprintf("reason %d of a certificate that is %s", r.Reason, c.State)
	case c.State == ca.Revoked && !c.DueAt.IsZero():
		return "a date is set for what is revoked"
	}
	return ""
}
