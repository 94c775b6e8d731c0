package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// CrashPoints lists the places where a crash must lose nothing.
func CrashPoints() []string { return []string{pointConfirmed, pointThing} }

const (
	pointConfirmed = "account.ending-confirmed" // an ending is on record, and nothing that follows is done
	pointThing     = "account.ending-thing"     // one of the things that follow has ended, and the others have not
)

// wakeEndings has the loop look at once.
func (a *Accounts) wakeEndings() {
	select {
	case a.awake <- struct{}{}:
	default:
	}
}

// Run carries out endings until ctx ends: at once what is confirmed here, and now and then what was elsewhere, what a
// crash left, and what a term brings.
func (a *Accounts) Run(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		if _, err := a.CarryOut(ctx); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "account: endings", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-a.awake:
		}
	}
}

// CarryOut does what endings still ask for, and says how many are done. Each thing ends in a transaction of its own, with
// its mark; so it ends once, however often this is begun, by however many processes, and goes on after any crash.
func (a *Accounts) CarryOut(ctx context.Context) (done int, err error) {
	errs := []error{a.endTerms(ctx)}
	var due []string
	err = a.db.Look(ctx, func(tx *db.Tx) (err error) {
		due, err = dueEndings(ctx, tx)
		return err
	})
	if err != nil {
		return 0, errors.Join(append(errs, fmt.Errorf("endings that are due: %w", err))...)
	}
	for _, id := range due {
		if ctx.Err() != nil {
			break
		}
		whole, err := a.carryOut(ctx, id)
		if err != nil {
			errs = append(errs, fmt.Errorf("carry out ending %s: %w", id, err))
		}
		if whole {
			done++
		}
	}
	return done, errors.Join(errs...)
}

// endTerms begins an ending for every power whose term has come.
func (a *Accounts) endTerms(ctx context.Context) error {
	var errs []error
	for _, p := range a.portals.Portals {
		if p.Rules.Endings == (portal.Endings{}) {
			continue
		}
		var over []Held
		err := a.db.Look(ctx, func(tx *db.Tx) (err error) {
			over, err = lapsedPowers(ctx, tx, p.Name)
			return err
		})
		errs = append(errs, err)
		for len(over) > 0 {
			first := over[0]
			with := func(h Held) bool { return h.Person == first.Person && h.BodyNIPC == first.BodyNIPC }
			err := a.db.InTx(ctx, func(tx *db.Tx) error { return a.endTerm(ctx, tx, p, first) })
			if err != nil {
				errs = append(errs, fmt.Errorf("end the term of power %s: %w", first.ID, err))
			}
			over = slices.DeleteFunc(over, with)
		}
	}
	return errors.Join(errs...)
}

// endTerm ends a person's powers at a body whose term has come, unless another process did.
func (a *Accounts) endTerm(ctx context.Context, tx *db.Tx, p *portal.Portal, first Held) error {
	if err := enter(ctx, tx, p.Name, "endings"); err != nil {
		return err
	}
	over, err := lapsedPowers(ctx, tx, p.Name)
	if err != nil {
		return err
	}
	var some []Power
	for _, h := range over {
		if h.Person == first.Person && h.BodyNIPC == first.BodyNIPC {
			some = append(some, h.Power)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return a.endSome(ctx, tx, actor.Machine(p.Name), p, Which{Portal: p.Name, NIPC: first.BodyNIPC, Person: first.Person}, some, TermEnded)
}

// carryOut does what one ending asks for; it says whether all of it is done now.
func (a *Accounts) carryOut(ctx context.Context, id string) (bool, error) {
	a.crash(pointConfirmed)
	var e Ending
	var p *portal.Portal
	err := a.db.InTx(ctx, func(tx *db.Tx) (err error) {
		if e, p, err = a.under(ctx, tx, id); err != nil {
			return err
		}
		return a.late(ctx, tx, p, &e)
	})
	if err != nil {
		return false, err
	}
	ground, _ := p.Reason(e.Reason)
	var waits error
	for _, one := range e.Things {
		if one.Effect != Ends || !one.DoneAt.IsZero() {
			continue
		}
		err := a.db.InTx(ctx, func(tx *db.Tx) error { return a.endThing(ctx, tx, p, e, one, ground) })
		if fault.Is(err, fault.Conflict) {
			continue // under way elsewhere at this moment: at the next round
		}
		if err != nil {
			waits = errors.Join(waits, fmt.Errorf("%s %s: %w", one.Kind, one.ID, err))
			continue
		}
		a.crash(pointThing)
	}
	if waits != nil {
		return false, waits
	}
	done := false
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		if done, err = doneEnding(ctx, tx, id); err != nil || !done {
			return err
		}
		return a.finishEnding(ctx, tx, p, e)
	})
	return done, err
}

// under reads an ending that takes effect, and ends its powers if they were to end at a date.
func (a *Accounts) under(ctx context.Context, tx *db.Tx, id string) (Ending, *portal.Portal, error) {
	e, err := endingByID(ctx, tx, id)
	if err != nil {
		return e, nil, err
	}
	p, ok := a.portals.Portal(e.Portal)
	if !ok {
		return e, nil, fault.New(fault.NotFound, "fault.not-found")
	}
	return e, p, endEach(ctx, tx, id, whyOf(e.Cause))
}

// late adds what came to hang on the powers after the list was confirmed: an order that was being approved in that very
// moment, or in the days before a date. It follows as the others do, and stands on the list.
func (a *Accounts) late(ctx context.Context, tx *db.Tx, p *portal.Portal, e *Ending) error {
	which := Which{Portal: e.Portal, NIPC: e.NIPC, Person: e.Person}
	gone, anew, err := e.granted(ctx, tx, which)
	if err != nil {
		return err
	}
	if err := a.spare(ctx, tx, p, e, Preview{Which: which, Powers: anew}); err != nil {
		return err
	}
	now, err := a.hanging(ctx, tx, p, Preview{Which: which, Powers: gone})
	if err != nil {
		return err
	}
	for _, one := range now {
		if slices.ContainsFunc(e.Things, func(t Thing) bool { return t.Kind == one.Kind && t.ID == one.ID }) {
			continue
		}
		if err := insertThing(ctx, tx, e.ID, len(e.Things), one); err != nil {
			return err
		}
		e.Things = append(e.Things, one)
	}
	return nil
}

// granted parts the powers of an ending in those that are gone and those that the person was granted anew since the
// list was confirmed. When a body ends, none counts.
func (e *Ending) granted(ctx context.Context, tx *db.Tx, which Which) (gone, anew []Held, err error) {
	if e.Person == "" {
		return e.Powers, nil, nil
	}
	has, err := heldPowers(ctx, tx, which)
	for _, power := range e.Powers {
		if slices.ContainsFunc(has, func(h Held) bool { return h.Key == power.Key && h.Runs(tx.Now()) }) {
			anew = append(anew, power)
		} else {
			gone = append(gone, power)
		}
	}
	return gone, anew, err
}

// spare lets stay what hangs on a power that was granted anew.
func (a *Accounts) spare(ctx context.Context, tx *db.Tx, p *portal.Portal, e *Ending, anew Preview) error {
	if len(anew.Powers) == 0 {
		return nil
	}
	spared, err := a.hanging(ctx, tx, p, anew)
	if err != nil {
		return err
	}
	for i, one := range e.Things {
		if one.Effect != Ends || !one.DoneAt.IsZero() || !slices.ContainsFunc(spared, func(t Thing) bool { return t.Kind == one.Kind && t.ID == one.ID }) {
			continue
		}
		if err := stayThing(ctx, tx, e.ID, one.Kind, one.ID); err != nil {
			return err
		}
		e.Things[i].Effect = Stays
	}
	return nil
}

func (a *Accounts) endThing(ctx context.Context, tx *db.Tx, p *portal.Portal, e Ending, one Thing, ground portal.Reason) error {
	won, err := doneThing(ctx, tx, e.ID, one.Kind, one.ID, Ends)
	if err != nil || !won {
		return err // another process did it
	}
	room, ok := a.dependent(one.Kind)
	if !ok {
		return fmt.Errorf("no room holds things of the kind %q", one.Kind)
	}
	return room.End(ctx, tx, p, one.ID, ground)
}

// finishEnding tells everybody what was done, and the officers what is for them to decide.
func (a *Accounts) finishEnding(ctx context.Context, tx *db.Tx, p *portal.Portal, e Ending) error {
	to, err := a.toldOf(ctx, tx, p, e)
	if err != nil {
		return err
	}
	for _, one := range to {
		err := a.letters.Send(ctx, tx, letter.Letter{
			Portal: p, Event: portal.PowersEnded, To: one.To(), About: "ending/" + e.ID, Values: e.values(p, one.Lang, Ends),
		})
		if err != nil {
			return err
		}
	}
	if e.Count(Proposed) > 0 {
		if err := a.tellProposed(ctx, tx, p, e); err != nil {
			return err
		}
	}
	return audit.Write(ctx, tx, actor.Machine(e.Portal), "ending.done", "ending/"+e.ID, audit.With("ended", fmt.Sprint(e.Count(Ends))),
		audit.With("proposed", fmt.Sprint(e.Count(Proposed))))
}

// toldOf lists who is told: the persons whose powers ended, and those who answer for the people of the body.
func (a *Accounts) toldOf(ctx context.Context, tx *db.Tx, p *portal.Portal, e Ending) ([]Account, error) {
	var to []Account
	add := func(some []Account) {
		for _, one := range some {
			if one.State == Active && one.Kind == Applicant && !slices.ContainsFunc(to, func(t Account) bool { return t.ID == one.ID }) {
				to = append(to, one)
			}
		}
	}
	seen := map[actor.PersonID]bool{}
	for _, power := range e.Powers {
		if seen[power.Person] {
			continue
		}
		seen[power.Person] = true
		some, err := accountsOf(ctx, tx, power.Person)
		if err != nil {
			return nil, err
		}
		add(some)
	}
	var keys []string
	for _, power := range p.Powers {
		if power.Manages {
			keys = append(keys, power.Key)
		}
	}
	managers, err := managersOf(ctx, tx, e.Portal, e.NIPC, keys)
	add(managers)
	return to, err
}

func (a *Accounts) tellProposed(ctx context.Context, tx *db.Tx, p *portal.Portal, e Ending) error {
	officers, err := a.Officers(ctx, tx, e.Portal, actor.JudgeCredential)
	if err != nil {
		return err
	}
	for _, one := range officers {
		err := a.letters.Send(ctx, tx, letter.Letter{
			Portal: p, Event: portal.EndingProposed, To: letter.To{Name: one.Name, Address: one.Address, Lang: one.Lang}, About: "ending/" + e.ID,
			Values: e.values(p, one.Lang, Proposed), Page: "tecnico/" + EndingPage + "/" + e.ID,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// EndingPage is where an ending is shown, within a portal.
const EndingPage = "cessacoes"

// values are those that the letters about an ending may hold.
func (e Ending) values(p *portal.Portal, lang i18n.Lang, effect Effect) i18n.Args {
	none := p.Say(lang, "ending.nothing", nil)
	var purposes, list []string
	for _, power := range e.Powers {
		defined, _ := p.Power(power.Key)
		text := p.Fill(defined.Label, lang)
		if e.Person == "" {
			text += " (" + power.Name + ")"
		}
		purposes = append(purposes, text)
	}
	for _, one := range e.Things {
		if one.Effect == effect {
			list = append(list, strings.TrimSpace(one.Label.In(lang)+" "+one.Detail))
		}
	}
	return i18n.Args{
		"body": e.Body, "until": i18n.Date(lang, e.At), "purposes": firstOf(strings.Join(purposes, "; "), none), "list": firstOf(strings.Join(list, "; "), none),
		"number": "", "procedure": "", "year": e.At.In(i18n.Lisbon()).Format("2006"),
	}
}
