package account

import (
	"context"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
)

// These are the steps by which package login learns of accounts and tells what happened to them.

// Find looks up an account; NotFound if there is none.
func (a *Accounts) Find(ctx context.Context, tx *db.Tx, id actor.AccountID) (Account, error) {
	return byID(ctx, tx, id)
}

// ByAddress lists the accounts of an address that are not closed: at most one of each kind.
func (a *Accounts) ByAddress(ctx context.Context, tx *db.Tx, portalName, addressKey string) ([]Account, error) {
	return byAddress(ctx, tx, portalName, addressKey)
}

// ActsFor says whether the account's person has or had a power for a body.
func (a *Accounts) ActsFor(ctx context.Context, tx *db.Tx, one Account, nipc string) (bool, error) {
	return hasPower(ctx, tx, one.Person, nipc)
}

// Prove records that the holder of an account opened what was mailed to its address.
//
// The address of an officer is first proven so, long after the account was made. If somebody else has proven the
// same address meanwhile, as an applicant, the two are one person: whoever reads that mailbox. The officer's account
// goes to that person, who thus cannot decide on what they filed themselves.
func (a *Accounts) Prove(ctx context.Context, tx *db.Tx, id actor.AccountID) error {
	first, err := prove(ctx, tx, id)
	if err != nil || !first {
		return err
	}
	one, err := byID(ctx, tx, id)
	if err != nil {
		return err
	}
	other, found, err := provenAt(ctx, tx, one.Portal, one.AddressKey, id)
	if err != nil || !found || other == one.Person {
		return err
	}
	return adopt(ctx, tx, one, other)
}

// Activate makes an invited account active at its first complete sign-in; nothing happens to one that is active.
func (a *Accounts) Activate(ctx context.Context, tx *db.Tx, by actor.Actor, one Account) error {
	first, err := activate(ctx, tx, one.ID)
	if err != nil || !first {
		return err
	}
	return audit.Write(ctx, tx, by, "account.activate", one.Object())
}

// EndSessions ends every session of an account, whoever holds it and wherever.
func (a *Accounts) EndSessions(ctx context.Context, tx *db.Tx, id actor.AccountID) error {
	return nextEpoch(ctx, tx, id)
}
