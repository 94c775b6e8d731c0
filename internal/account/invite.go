package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// Invite names an officer to be.
type Invite struct {
	Portal string
	Email  string
	Name   string
	Roles  []actor.Role
	Lang   i18n.Lang
	// Civil is the officer's civil identification number, or "". With it, what they file themselves from an address
	// that nobody here knows is still seen to be their own.
	Civil string
}

// InviteOfficer lets an officer in, or in again: it mails them a single-use link to define a password, and voids the
// link before it. For an officer who is active already it is the way to a new password, since officers cannot recover
// one by mail alone; the roles are then those given now.
//
// The operator at the command line gets the link's reference, to hand it over. An administrator does not: with it
// they could come in as the officer, and decide.
func (a *Accounts) InviteOfficer(ctx context.Context, by actor.Actor, invite Invite) (ref link.Ref, err error) {
	if err := by.MayIn(invite.Portal, actor.InviteOfficer); err != nil {
		return "", err
	}
	p, ok := a.portals.Portal(invite.Portal)
	if !ok {
		return "", fault.New(fault.NotFound, "fault.not-found")
	}
	by.Portal = p.Name // the operator's deeds stand in the record of the portal that they are about
	if err := invite.clean(); err != nil {
		return "", err
	}
	err = a.db.InTx(ctx, func(tx *db.Tx) error {
		one, err := a.invited(ctx, tx, by, invite)
		if err != nil {
			return err
		}
		to := invitation(p, one, tx.Now())
		if ref, err = a.links.Make(ctx, tx, to.Kind, p.Name, to.Subject, to.Expires); err != nil {
			return err
		}
		err = a.letters.Send(ctx, tx, letter.Letter{
			Portal: p, Event: portal.OfficerInvited, To: one.To(), About: one.Object(), Values: i18n.Args{"role": roleNames(p, one.Lang, invite.Roles)},
			Link: to, Made: ref,
		})
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "officer.invite", one.Object(), audit.With("person", string(one.Person)), audit.With("roles", strings.ReplaceAll(joinRoles(invite.Roles), " ", ",")))
	})
	if err != nil || by.Kind != actor.System {
		return "", err
	}
	return ref, nil
}

// clean brings what was typed to the form in which it is stored, or tells all that is wrong with it.
func (i *Invite) clean() error {
	var wrong []fault.Field
	address, err := field.ParseEmail(i.Email)
	if e, ok := fault.As(err); ok {
		wrong = append(wrong, fault.Field{Name: "address", Key: e.Key})
	}
	name, found := field.Check(field.Rule{Kind: field.Name, Min: 3, Max: 120}, []string{i.Name}, time.Time{})
	for _, one := range found {
		wrong = append(wrong, fault.Field{Name: "name", Key: one.Key, Args: one.Args})
	}
	i.Roles = slices.Compact(slices.Sorted(slices.Values(i.Roles)))
	if len(i.Roles) == 0 || slices.ContainsFunc(i.Roles, func(r actor.Role) bool { return !slices.Contains(actor.Roles(), r) }) {
		wrong = append(wrong, fault.Field{Name: "roles", Key: "E-LST-01"})
	}
	if i.Civil != "" {
		number, err := field.ParseCivil(i.Civil)
		if e, ok := fault.As(err); ok {
			wrong = append(wrong, fault.Field{Name: "civil", Key: e.Key, Args: e.Args})
		}
		i.Civil = number
	}
	if i.Lang != i18n.EN {
		i.Lang = i18n.PT
	}
	if len(wrong) > 0 {
		return fault.Fields(wrong)
	}
	i.Email, i.Name = address, name[0]
	return nil
}

// invited finds the officer's account or makes it.
func (a *Accounts) invited(ctx context.Context, tx *db.Tx, by actor.Actor, invite Invite) (Account, error) {
	if err := enter(ctx, tx, invite.Portal, administrators); err != nil {
		return Account{}, err
	}
	key, _ := field.CanonicalEmail(invite.Email)
	all, err := byAddress(ctx, tx, invite.Portal, key)
	if err != nil {
		return Account{}, err
	}
	person := actor.PersonID("")
	for _, one := range all {
		if one.Kind == Officer {
			return one, a.reinvited(ctx, tx, by, one, invite)
		}
		if !one.ProvenAt.IsZero() {
			person = one.Person
		}
	}
	if person, err = a.personOf(ctx, tx, invite, person); err != nil {
		return Account{}, err
	}
	if person == by.Person {
		return Account{}, fault.New(fault.Forbidden, "officer.own-roles")
	}
	one := Account{
		ID: actor.AccountID(db.NewID()), Portal: invite.Portal, Person: person, Kind: Officer, State: Invited, Name: invite.Name,
		Address: invite.Email, AddressKey: key, Lang: invite.Lang, Roles: invite.Roles, MadeAt: tx.Now(),
	}
	return one, insertAccount(ctx, tx, one)
}

// personOf finds who the officer is, by the civil number or the address that they have proven as an applicant, or
// makes the person.
func (a *Accounts) personOf(ctx context.Context, tx *db.Tx, invite Invite, atAddress actor.PersonID) (actor.PersonID, error) {
	mark := ""
	lock := func(place string) string { return a.vault.Lock(place, invite.Civil) }
	if invite.Civil != "" {
		mark = a.vault.Mark("civil", invite.Civil)
		known, ok, err := byCivil(ctx, tx, invite.Portal, mark)
		if err != nil {
			return "", err
		}
		if ok && atAddress != "" && known != atAddress {
			return "", fault.New(fault.Conflict, "account.other-person")
		}
		if ok {
			return known, nil
		}
	}
	if atAddress == "" {
		return insertPerson(ctx, tx, invite.Portal, invite.Name, mark, lock)
	}
	if mark == "" {
		return atAddress, nil
	}
	return atAddress, markPerson(ctx, tx, atAddress, mark, lock("person/"+string(atAddress)))
}

// reinvited gives an officer's account what the new invitation says: roles, and the civil number if there was none.
func (a *Accounts) reinvited(ctx context.Context, tx *db.Tx, by actor.Actor, one Account, invite Invite) error {
	if !one.MayEnter() {
		return fault.New(fault.Conflict, "account.suspended")
	}
	if invite.Civil != "" {
		if _, err := a.personOf(ctx, tx, invite, one.Person); err != nil {
			return err
		}
	}
	if slices.Equal(one.Roles, invite.Roles) {
		return nil
	}
	return a.changeRoles(ctx, tx, by, one, invite.Roles)
}

func roleNames(p *portal.Portal, lang i18n.Lang, roles []actor.Role) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = p.Say(lang, "account.role."+string(role), nil)
	}
	return strings.Join(names, ", ")
}
