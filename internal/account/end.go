package account

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

// WhatEnds shows what the end of powers, or of a body, would do, to whoever may bring it about.
func (a *Accounts) WhatEnds(ctx context.Context, by actor.Actor, which Which) (v Preview, err error) {
	err = a.db.Look(ctx, func(tx *db.Tx) error {
		p, err := a.mayEnd(ctx, tx, by, which)
		if err != nil {
			return err
		}
		v, err = a.preview(ctx, tx, p, which)
		return err
	})
	if err != nil {
		return Preview{}, fmt.Errorf("what the end of powers would do: %w", err)
	}
	return v, nil
}

// EndPowers ends powers, now or when the given day begins, with all that follows by the portal's rules; a loop carries
// it out ([Accounts.CarryOut]). The digest is that of the list that the person confirmed: if the list is another now,
// nothing happens (Conflict, ending.changed). Confirmed twice, it is the same ending.
func (a *Accounts) EndPowers(ctx context.Context, by actor.Actor, which Which, digest string, on time.Time) (id string, err error) {
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		p, err := a.mayEnd(ctx, tx, by, which)
		if err != nil {
			return err
		}
		if err := enter(ctx, tx, which.Portal, "endings"); err != nil {
			return err
		}
		var found bool
		if id, found, err = endingByDigest(ctx, tx, which.Portal, confirmed(digest, on)); err != nil || found {
			return err // the answer to the first press was lost
		}
		v, err := a.preview(ctx, tx, p, which)
		if err != nil {
			return err
		}
		switch {
		case len(v.Powers) == 0 && which.Person != "":
			return fault.New(fault.NotFound, "fault.not-found")
		case v.Digest != digest:
			return fault.New(fault.Conflict, "ending.changed")
		}
		v.Digest = confirmed(v.Digest, on)
		id, err = a.begin(ctx, tx, by, p, v, causeOf(which), on)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("end powers: %w", err)
	}
	return id, nil
}

// confirmed names what was confirmed: a list, and the day of it. The same list may be set for a day, and then ended now.
func confirmed(digest string, on time.Time) string {
	if on.IsZero() {
		return digest
	}
	return digest + "/" + db.Time(on)
}

func causeOf(which Which) Cause {
	switch {
	case which.Person == "":
		return BodyEnded
	case which.Power != "":
		return PowerEnded
	}
	return Left
}

// mayEnd says whether the actor may end these powers: an officer who decides; the person their own; and whoever
// answers for the people of the body, of others there. A whole body is ended by officers alone. To everybody else
// there is nothing.
func (a *Accounts) mayEnd(ctx context.Context, tx *db.Tx, by actor.Actor, which Which) (*portal.Portal, error) {
	p, ok := a.portals.Portal(which.Portal)
	if !ok || p.Rules.Endings == (portal.Endings{}) {
		return nil, fault.New(fault.NotFound, "fault.not-found")
	}
	if err := by.MayIn(which.Portal, actor.EndPowers); err != nil {
		return nil, err
	}
	if by.Kind == actor.Officer {
		return p, nil
	}
	if which.Person == "" || by.Person == "" {
		return nil, fault.New(fault.NotFound, "fault.not-found")
	}
	if which.Person == by.Person {
		return p, nil
	}
	manages, err := a.manages(ctx, tx, p, by.Person, which.NIPC)
	if err == nil && !manages {
		err = fault.New(fault.NotFound, "fault.not-found")
	}
	return p, err
}

// manages says whether a person answers for the people of a body, by a power in force.
func (a *Accounts) manages(ctx context.Context, tx *db.Tx, p *portal.Portal, person actor.PersonID, nipc string) (bool, error) {
	powers, err := powersOf(ctx, tx, person)
	return nipc != "" && slices.ContainsFunc(powers, func(one Power) bool {
		defined, ok := p.Power(one.Key)
		return ok && defined.Manages && one.BodyNIPC == nipc && one.Runs(tx.Now())
	}), err
}

// begin records an ending with its list, in the deed's own transaction, and ends the powers where it takes effect now.
// What follows is the loop's.
func (a *Accounts) begin(ctx context.Context, tx *db.Tx, by actor.Actor, p *portal.Portal, v Preview, cause Cause, on time.Time) (string, error) {
	e := Ending{
		ID: db.NewID(), Portal: v.Portal, Cause: cause, NIPC: v.NIPC, Body: v.Body, Person: v.Person, Reason: p.Rules.Endings.Power,
		At: tx.Now(), MadeAt: tx.Now(), Powers: v.Powers, Things: v.Things, kind: by.Kind, person: by.Person, digest: v.Digest,
	}
	if cause == BodyEnded {
		e.Reason = p.Rules.Endings.Body
	}
	if on.After(e.At) {
		e.At = on
	}
	if err := insertEnding(ctx, tx, e); err != nil {
		return "", err
	}
	for _, power := range v.Powers {
		if err := limitPower(ctx, tx, power.ID, e.At); err != nil {
			return "", err
		}
	}
	if !e.At.After(tx.Now()) {
		if err := endEach(ctx, tx, e.ID, whyOf(cause)); err != nil {
			return "", err
		}
	}
	tx.After(a.wakeEndings)
	return e.ID, audit.Write(ctx, tx, by, "power.end", "ending/"+e.ID, audit.With("cause", string(cause)), audit.With("person", string(e.Person)),
		audit.With("body", e.NIPC), audit.With("digest", e.digest), audit.With("at", db.Time(e.At)))
}

func whyOf(cause Cause) string {
	switch cause {
	case TermEnded:
		return "lapsed"
	case AccountEnded:
		return "closed"
	}
	return "revoked"
}

// EndingOf shows an ending to officers, to whoever confirmed it, to the person it is about, and to whoever answers for
// the people of the body.
func (a *Accounts) EndingOf(ctx context.Context, by actor.Actor, id string) (e Ending, err error) {
	err = a.db.Look(ctx, func(tx *db.Tx) error {
		if e, err = endingByID(ctx, tx, id); err != nil {
			return err
		}
		if err := a.maySeeEnding(ctx, tx, by, e); err != nil {
			return err
		}
		if e.Name, err = personName(ctx, tx, e.Person); err != nil {
			return err
		}
		e.By, err = personName(ctx, tx, e.person)
		return err
	})
	if err != nil {
		return Ending{}, fmt.Errorf("ending %s: %w", id, err)
	}
	return e, nil
}

func (a *Accounts) maySeeEnding(ctx context.Context, tx *db.Tx, by actor.Actor, e Ending) error {
	unknown := fault.New(fault.NotFound, "fault.not-found")
	if by.Kind == actor.Officer {
		return by.MayIn(e.Portal, actor.SeeCases)
	}
	p, ok := a.portals.Portal(e.Portal)
	if by.Kind != actor.Person || by.Person == "" || by.MayIn(e.Portal, actor.SeeOwn) != nil || !ok {
		return unknown
	}
	if by.Person == e.person || by.Person == e.Person {
		return nil
	}
	manages, err := a.manages(ctx, tx, p, by.Person, e.NIPC)
	if err == nil && !manages {
		return unknown
	}
	return err
}

// Endings lists the latest of a portal, for officers.
func (a *Accounts) Endings(ctx context.Context, by actor.Actor) (all []Ending, err error) {
	if err := by.MayIn(by.Portal, actor.SeeCases); err != nil {
		return nil, err
	}
	err = a.db.Look(ctx, func(tx *db.Tx) error {
		if all, err = latestEndings(ctx, tx, by.Portal); err != nil {
			return err
		}
		for i := range all {
			if all[i].Name, err = personName(ctx, tx, all[i].Person); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

// Keep records that an officer decided against ending a thing that was proposed.
func (a *Accounts) Keep(ctx context.Context, by actor.Actor, id, kind, thing string) error {
	err := a.db.InTx(ctx, func(tx *db.Tx) error {
		e, err := endingByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := by.MayIn(e.Portal, actor.JudgeCredential); err != nil {
			return err
		}
		if _, err := doneThing(ctx, tx, id, kind, thing, Proposed); err != nil {
			return err // what was decided before stays so
		}
		return audit.Write(ctx, tx, by, "ending.keep", "ending/"+id, audit.With("thing", kind+"/"+thing))
	})
	if err != nil {
		return fmt.Errorf("keep what ending %s proposes: %w", id, err)
	}
	return nil
}

// Member is a person with their powers at a body.
type Member struct {
	Person actor.PersonID
	Name   string
	Own    bool // the one who looks
	Powers []Power
}

// Team is a body with its people, for whoever may say of them that they left.
type Team struct {
	NIPC, Body string
	Members    []Member
}

// Teams are the bodies that a signed-in person serves in: with everybody, where they answer for the people; with
// themselves alone, elsewhere.
func (a *Accounts) Teams(ctx context.Context, by actor.Actor) (teams []Team, err error) {
	if by.Kind != actor.Person || by.Person == "" {
		return nil, fault.New(fault.NotFound, "fault.not-found")
	}
	if err := by.MayIn(by.Portal, actor.EndPowers); err != nil {
		return nil, err
	}
	err = a.db.Look(ctx, func(tx *db.Tx) error {
		p, ok := a.portals.Portal(by.Portal)
		if !ok || p.Rules.Endings == (portal.Endings{}) {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		mine, err := powersOf(ctx, tx, by.Person)
		if err != nil {
			return err
		}
		for _, power := range mine {
			if power.BodyNIPC == "" || slices.ContainsFunc(teams, func(t Team) bool { return t.NIPC == power.BodyNIPC }) {
				continue
			}
			team, err := a.team(ctx, tx, p, by.Person, power.BodyNIPC)
			if err != nil {
				return err
			}
			teams = append(teams, team)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("teams of person %s: %w", by.Person, err)
	}
	return teams, nil
}

func (a *Accounts) team(ctx context.Context, tx *db.Tx, p *portal.Portal, by actor.PersonID, nipc string) (Team, error) {
	which := Which{Portal: p.Name, NIPC: nipc, Person: by}
	manages, err := a.manages(ctx, tx, p, by, nipc)
	if err != nil {
		return Team{}, err
	}
	if manages {
		which.Person = ""
	}
	return teamOf(ctx, tx, which, by)
}

// TeamOf is a body with all its people, for officers.
func (a *Accounts) TeamOf(ctx context.Context, by actor.Actor, nipc string) (team Team, err error) {
	if by.Kind != actor.Officer {
		return Team{}, fault.New(fault.NotFound, "fault.not-found")
	}
	if err := by.MayIn(by.Portal, actor.SeeCases); err != nil {
		return Team{}, err
	}
	err = a.db.Look(ctx, func(tx *db.Tx) error {
		team, err = teamOf(ctx, tx, Which{Portal: by.Portal, NIPC: nipc}, "")
		return err
	})
	return team, err
}

func teamOf(ctx context.Context, tx *db.Tx, which Which, own actor.PersonID) (Team, error) {
	team := Team{NIPC: which.NIPC}
	if body, found, err := bodyNow(ctx, tx, which.Portal, which.NIPC); err != nil {
		return team, err
	} else if found {
		team.Body = body.Name
	}
	powers, err := heldPowers(ctx, tx, which)
	for _, power := range powers {
		at := slices.IndexFunc(team.Members, func(m Member) bool { return m.Person == power.Person })
		if at < 0 {
			at = len(team.Members)
			team.Members = append(team.Members, Member{Person: power.Person, Name: power.Name, Own: own != "" && power.Person == own})
		}
		team.Members[at].Powers = append(team.Members[at].Powers, power.Power)
	}
	return team, err
}

// endingOfAccount ends the powers of an account that is closed, body by body.
func (a *Accounts) endingOfAccount(ctx context.Context, tx *db.Tx, by actor.Actor, one Account) error {
	p, ok := a.portals.Portal(one.Portal)
	if !ok {
		return endPowers(ctx, tx, one.ID, "closed")
	}
	powers, err := powersOf(ctx, tx, one.Person)
	if err != nil {
		return err
	}
	bodies := map[string][]Power{}
	for _, power := range powers {
		if power.Account == one.ID {
			bodies[power.BodyNIPC] = append(bodies[power.BodyNIPC], power)
		}
	}
	for nipc, some := range bodies {
		if err := a.endSome(ctx, tx, by, p, Which{Portal: one.Portal, NIPC: nipc, Person: one.Person}, some, AccountEnded); err != nil {
			return err
		}
	}
	return endPowers(ctx, tx, one.ID, "closed")
}

// endSome ends those powers among a person's at a body, with what follows.
func (a *Accounts) endSome(ctx context.Context, tx *db.Tx, by actor.Actor, p *portal.Portal, which Which, some []Power, cause Cause) error {
	v, err := a.preview(ctx, tx, p, which)
	if err != nil {
		return err
	}
	v.Powers = slices.DeleteFunc(v.Powers, func(h Held) bool {
		return !slices.ContainsFunc(some, func(one Power) bool { return one.ID == h.ID })
	})
	if len(v.Powers) == 0 {
		return nil
	}
	if v.Things, err = a.hanging(ctx, tx, p, v); err != nil {
		return err
	}
	if v.Digest, err = v.digest(); err != nil {
		return err
	}
	v.Digest = confirmed(v.Digest, tx.Now())
	_, err = a.begin(ctx, tx, by, p, v, cause, tx.Now())
	return err
}
