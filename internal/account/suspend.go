package account

import (
	"context"
	"slices"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/link"
)

// administrators is the gate through which whatever may take away an administrator passes one by one: of two who
// remove each other at once, one is still there (E05).
const administrators = "administrators"

// Suspend keeps an account out until it is restored; its sessions end at once, and its links are void.
func (a *Accounts) Suspend(ctx context.Context, by actor.Actor, id actor.AccountID) error {
	return a.change(ctx, by, id, "account.suspend", func(tx *db.Tx, one Account) error {
		if one.State != Active {
			return fault.New(fault.Conflict, "fault.conflict")
		}
		return a.leave(ctx, tx, one, Suspended)
	})
}

// Restore lets a suspended account in again, by the same password.
func (a *Accounts) Restore(ctx context.Context, by actor.Actor, id actor.AccountID) error {
	return a.change(ctx, by, id, "account.restore", func(tx *db.Tx, one Account) error {
		won, err := move(ctx, tx, one.ID, Suspended, Active)
		return lost(won, err)
	})
}

// Close ends an account for good, with the powers granted through it. Its address may be used anew.
func (a *Accounts) Close(ctx context.Context, by actor.Actor, id actor.AccountID) error {
	return a.change(ctx, by, id, "account.close", func(tx *db.Tx, one Account) error {
		if one.State == Closed {
			return fault.New(fault.Conflict, "fault.conflict")
		}
		if err := a.endingOfAccount(ctx, tx, by, one); err != nil {
			return err
		}
		return a.leave(ctx, tx, one, Closed)
	})
}

// SetRoles gives an officer other roles; their sessions end, so that nothing begun with the old ones goes on.
func (a *Accounts) SetRoles(ctx context.Context, by actor.Actor, id actor.AccountID, roles []actor.Role) error {
	roles = slices.Compact(slices.Sorted(slices.Values(roles)))
	if len(roles) == 0 || slices.ContainsFunc(roles, func(r actor.Role) bool { return !slices.Contains(actor.Roles(), r) }) {
		return fault.Fields([]fault.Field{{Name: "roles", Key: "E-LST-01"}})
	}
	detail := audit.With("roles", strings.ReplaceAll(joinRoles(roles), " ", ","))
	return a.change(ctx, by, id, "officer.roles", func(tx *db.Tx, one Account) error {
		if one.Kind != Officer || one.State == Closed {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		return a.changeRoles(ctx, tx, by, one, roles)
	}, detail)
}

// change is what the deeds on an account have in common: who may, one by one where administrators are concerned, and
// the record.
func (a *Accounts) change(ctx context.Context, by actor.Actor, id actor.AccountID, verb string, deed func(*db.Tx, Account) error, details ...audit.Detail) error {
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		one, err := byID(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := mayChange(by, one); err != nil {
			return err
		}
		by.Portal = one.Portal
		if one.Kind == Officer {
			if err := enter(ctx, tx, one.Portal, administrators); err != nil {
				return err
			}
			if one, err = byID(ctx, tx, id); err != nil { // as it is now that nobody else is at it
				return err
			}
		}
		if err := deed(tx, one); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, verb, one.Object(), details...)
	})
}

// mayChange: administrators and the operator see to officers, deciders to applicants; nobody to their own.
func mayChange(by actor.Actor, one Account) error {
	permission := actor.DecideCase
	if one.Kind == Officer || by.Kind == actor.System {
		permission = actor.InviteOfficer
	}
	if err := by.MayIn(one.Portal, permission); err != nil {
		return err
	}
	if by.Person != "" && by.Person == one.Person {
		return fault.New(fault.Forbidden, "officer.own-roles")
	}
	return nil
}

// leave takes an account out of those that may enter, with every link mailed to it.
func (a *Accounts) leave(ctx context.Context, tx *db.Tx, one Account, to State) error {
	if err := a.keepOne(ctx, tx, one, nil); err != nil {
		return err
	}
	won, err := move(ctx, tx, one.ID, one.State, to)
	if err := lost(won, err); err != nil {
		return err
	}
	for _, kind := range []link.Kind{link.Invitation, link.OfficerInvitation, link.Recovery} {
		if err := a.links.VoidAll(ctx, tx, kind, one.Portal, string(one.ID)); err != nil {
			return err
		}
	}
	return a.links.VoidCodes(ctx, tx, link.SignIn, one.Portal, string(one.ID))
}

func lost(won bool, err error) error {
	if err == nil && !won {
		return fault.New(fault.Conflict, "fault.conflict")
	}
	return err
}

func (a *Accounts) changeRoles(ctx context.Context, tx *db.Tx, by actor.Actor, one Account, roles []actor.Role) error {
	if by.Person != "" && by.Person == one.Person {
		return fault.New(fault.Forbidden, "officer.own-roles")
	}
	if err := a.keepOne(ctx, tx, one, roles); err != nil {
		return err
	}
	return setRoles(ctx, tx, one.ID, roles)
}

// keepOne refuses to take the last active administrator of a portal away.
func (a *Accounts) keepOne(ctx context.Context, tx *db.Tx, one Account, roles []actor.Role) error {
	if one.Kind != Officer || one.State != Active || !one.holds(actor.Administrator) || slices.Contains(roles, actor.Administrator) {
		return nil
	}
	others, err := activeAdministrators(ctx, tx, one.Portal, one.ID)
	if err != nil {
		return err
	}
	if others == 0 {
		return fault.New(fault.Conflict, "officer.last-administrator")
	}
	return nil
}
