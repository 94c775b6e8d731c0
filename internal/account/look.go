package account

import (
	"context"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// Mine is what a signed-in person may read of themselves: account, powers.
func (a *Accounts) Mine(ctx context.Context, by actor.Actor) (known Known, err error) {
	if !by.SignedIn() {
		return Known{}, fault.New(fault.Forbidden, "fault.forbidden")
	}
	err = a.db.Look(ctx, func(tx *db.Tx) error {
		known, err = a.Known(ctx, tx, by.Portal, by.Person, by.Account)
		return err
	})
	return known, err
}

// Staff lists the officers of a portal, for whoever invites them.
func (a *Accounts) Staff(ctx context.Context, by actor.Actor) (all []Account, err error) {
	if err := by.MayIn(by.Portal, actor.InviteOfficer); err != nil {
		return nil, err
	}
	err = a.db.Look(ctx, func(tx *db.Tx) error {
		all, err = officers(ctx, tx, by.Portal)
		return err
	})
	return all, err
}
