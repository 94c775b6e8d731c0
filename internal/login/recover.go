package login

import (
	"context"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// recoveryLife is how long a link to a new password lasts (contract: 60 minutes).
const recoveryLife = time.Hour

// AskRecovery mails a link to define a new password, if the address and the body's number are those of one account.
// Whatever is typed, the answer is the same; only whoever asks too often is told so, and told alike (A16).
//
// Who was invited and never defined a password gets a new invitation. Officers get nothing: they are invited anew by
// an administrator, since a mailbox alone must not lead to the officers' side.
func (s *Service) AskRecovery(ctx context.Context, by actor.Actor, address, bodyNIPC string) error {
	p, ok := s.portals.Portal(by.Portal)
	if !ok {
		return nil
	}
	key, isAddress := field.CanonicalEmail(address)
	nipc := ""
	if number, err := field.ParseNIPC(bodyNIPC); err == nil {
		nipc = number
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.throttle.Take(ctx, tx, recoverFrom, by.Portal+"|"+by.Address); err != nil {
			return err
		}
		if !isAddress || nipc == "" {
			return nil
		}
		one, found, err := s.recoverable(ctx, tx, p.Name, key, nipc)
		if err != nil || !found {
			return err
		}
		if err := s.throttle.Take(ctx, tx, recoverTo, string(one.ID)); throttled(err) {
			return nil // enough were sent; the answer stays the same
		} else if err != nil {
			return err
		}
		if one.State == account.Invited {
			return s.accounts.Reinvite(ctx, tx, by, p, one)
		}
		err = s.letters.Send(ctx, tx, letter.Letter{
			Portal: p, Event: portal.AccountRecovery, To: one.To(), About: one.Object(), Values: i18n.Args{},
			Link: letter.Link{Kind: link.Recovery, Subject: string(one.ID), Expires: tx.Now().Add(recoveryLife)},
		})
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "login.ask-recovery", one.Object())
	})
}

// recoverable finds the applicant's account of an address whose person acts, or acted, for the body.
func (s *Service) recoverable(ctx context.Context, tx *db.Tx, portalName, key, nipc string) (account.Account, bool, error) {
	all, err := s.accounts.ByAddress(ctx, tx, portalName, key)
	if err != nil {
		return account.Account{}, false, err
	}
	for _, one := range all {
		if one.Kind != account.Applicant || !one.MayEnter() {
			continue
		}
		acts, err := s.accounts.ActsFor(ctx, tx, one, nipc)
		return one, acts, err
	}
	return account.Account{}, false, nil
}
