package account

import (
	"context"
	"slices"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

// Access is the outcome "account" of a procedure: a person is let in and given powers.
//
// Definitions are checked before a database is open, so Accounts is set by the wiring after they are loaded.
type Access struct{ Accounts *Accounts }

var _ portal.Outcome = (*Access)(nil)

// access are the parameters of the outcome.
type access struct {
	// Powers are granted to everybody who is let in.
	Powers []string `yaml:"powers"`
	// PowersAsked grants those chosen in the field whose role is purposes.
	PowersAsked bool `yaml:"powers-asked"`
	// OnePerBody admits one responsible person per body and power.
	OnePerBody bool    `yaml:"one-per-body"`
	Confirm    confirm `yaml:"confirm"`
}

type confirm struct {
	// Months after which a power without an end rests until it is confirmed; 0 for never.
	Months int `yaml:"months"`
}

func paramsOf(proc *portal.Procedure) (access, portal.Mistakes) {
	var with access
	wrong := proc.Outcome.Params.Into(&with)
	return with, wrong
}

// Check reads the parameters and tells every mistake.
func (o *Access) Check(p *portal.Portal, proc *portal.Procedure) portal.Mistakes {
	with, wrong := paramsOf(proc)
	at := proc.Outcome.At
	expect := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, portal.Mistake{Pos: at, What: what})
		}
	}
	for _, key := range with.Powers {
		_, ok := p.Power(key)
		expect(ok, "powers: \""+key+"\"; expected one of "+powerKeys(p))
	}
	expect(len(with.Powers) > 0 || with.PowersAsked, "outcome account needs powers, or powers-asked: true")
	for _, role := range []portal.Role{portal.ApplicantName, portal.Address} {
		_, ok := proc.WithRole(role)
		expect(ok, "outcome account needs a field with the role "+string(role))
	}
	if with.PowersAsked {
		f, ok := proc.WithRole(portal.Purposes)
		expect(ok, "powers-asked needs a field with the role "+string(portal.Purposes))
		for _, option := range f.Options {
			_, known := p.Power(option.Key)
			expect(known, "option \""+option.Key+"\" of "+f.Key+" is no power; expected one of "+powerKeys(p))
		}
	}
	if with.OnePerBody {
		expect(hasOne(proc, portal.BodyNumber, portal.BodyPick), "one-per-body needs a field with the role "+string(portal.BodyNumber)+" or "+string(portal.BodyPick))
	}
	expect(with.Confirm.Months >= 0 && with.Confirm.Months <= 120, "confirm.months: expected 0 to 120")
	return wrong
}

func hasOne(proc *portal.Procedure, roles ...portal.Role) bool {
	return slices.ContainsFunc(proc.Fields(), func(f portal.Field) bool { return slices.Contains(roles, f.Role) })
}

func powerKeys(p *portal.Portal) string {
	var keys []string
	for _, power := range p.Powers {
		keys = append(keys, power.Key)
	}
	return strings.Join(keys, ", ")
}

// Propose says who would be let in with which powers, and what stands in the way.
func (o *Access) Propose(ctx context.Context, tx *db.Tx, g portal.Grant) (portal.Proposal, error) {
	plan, err := o.Accounts.plan(ctx, tx, g)
	if err != nil {
		return portal.Proposal{}, err
	}
	return portal.Proposal{Lines: plan.lines(), Problems: plan.problems}, nil
}

// Grant lets the person in: in the approval's own transaction, with the letter that tells them. People are let in one
// by one in a portal, so that each sees who was before; the unique indexes hold even if somebody forgets this.
func (o *Access) Grant(ctx context.Context, tx *db.Tx, by actor.Actor, g portal.Grant) error {
	if err := enter(ctx, tx, g.Portal.Name, "admission"); err != nil {
		return err
	}
	plan, err := o.Accounts.plan(ctx, tx, g)
	if err != nil {
		return err
	}
	if len(plan.problems) > 0 {
		return fault.New(fault.Conflict, plan.problems[0])
	}
	return o.Accounts.admit(ctx, tx, by, plan)
}
