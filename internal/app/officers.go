package app

import (
	"context"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// Invited is an officer's one-time link, for the operator's terminal.
type Invited struct {
	Portal, Name string
	Roles        []string
	URL          string
}

// firsts are the officers with whom an evaluation instance begins: two, so that four eyes are possible.
var firsts = []struct {
	name, address string
	roles         []actor.Role
}{
	{"Técnica de Exemplo", "tecnica@exemplo.pt", []actor.Role{actor.Director, actor.Decider, actor.Administrator, actor.Auditor}},
	{"Decisor de Exemplo", "decisor@exemplo.pt", []actor.Role{actor.Director, actor.Decider}},
}

// FirstOfficers invites the first officers of each portal of an evaluation instance, and again those who have not
// come in yet: each start prints links that work.
func (a *App) FirstOfficers(ctx context.Context) ([]Invited, error) {
	var all []Invited
	for _, p := range a.Portals.Portals {
		for _, one := range firsts {
			in, err := a.cameIn(ctx, p, one.address)
			if err != nil {
				return nil, err
			}
			if in {
				continue
			}
			invited, err := a.Invite(ctx, p.Name, one.address, one.name, one.roles)
			if err != nil {
				return nil, err
			}
			all = append(all, invited)
		}
	}
	return all, nil
}

// cameIn says whether the officer has been here before.
func (a *App) cameIn(ctx context.Context, p *portal.Portal, address string) (in bool, err error) {
	err = a.DB.Look(ctx, func(tx *db.Tx) error {
		accounts, err := a.Accounts.ByAddress(ctx, tx, p.Name, address)
		for _, one := range accounts {
			in = in || one.Kind == account.Officer && one.State != account.Invited
		}
		return err
	})
	return in, err
}

// Invite invites an officer and gives the link that was mailed too.
func (a *App) Invite(ctx context.Context, portalName, address, name string, roles []actor.Role) (Invited, error) {
	ref, err := a.Accounts.InviteOfficer(ctx, actor.Machine(portalName), account.Invite{Portal: portalName, Email: address, Name: name, Roles: roles, Lang: i18n.PT})
	if err != nil {
		return Invited{}, err
	}
	secret, err := a.Links.Reveal(ctx, a.DB, ref)
	if err != nil {
		return Invited{}, err
	}
	invited := Invited{Portal: portalName, Name: name, URL: a.Letters.Address(portalName, link.OfficerInvitation, secret)}
	for _, role := range roles {
		invited.Roles = append(invited.Roles, string(role))
	}
	return invited, nil
}

// Base is the public address of the pages, without a slash at its end.
func (a *App) Base() string { return a.base() }
