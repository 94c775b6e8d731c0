package login

import (
	"context"
	"fmt"
	"slices"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// Opening is what a link to define a password leads to, for the page that asks for it.
type Opening struct {
	Name    string
	User    string // the address, which is the user name
	Officer bool
}

// Opening looks what a link to define a password opens, and changes nothing: scanners of mail look too (A06).
func (s *Service) Opening(ctx context.Context, by actor.Actor, kind link.Kind, secret string) (opening Opening, err error) {
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		one, _, err := s.opened(ctx, tx, by.Portal, kind, secret)
		opening = Opening{Name: one.Name, User: one.Address, Officer: one.Kind == account.Officer}
		return err
	})
	return opening, err
}

// opened finds the account that a link lets define a password. A link of another kind, portal or side of the desk is
// unknown (A04).
func (s *Service) opened(ctx context.Context, tx *db.Tx, portalName string, kind link.Kind, secret string) (account.Account, link.Link, error) {
	if !slices.Contains([]link.Kind{link.Invitation, link.OfficerInvitation, link.Recovery}, kind) {
		return account.Account{}, link.Link{}, fault.New(fault.NotFound, "link.unknown")
	}
	found, err := s.links.Peek(ctx, tx, kind, portalName, secret)
	if err != nil {
		return account.Account{}, found, err
	}
	one, err := s.accounts.Find(ctx, tx, actor.AccountID(found.Subject))
	if err != nil {
		return one, found, err
	}
	if one.Portal != portalName || !one.MayEnter() || (one.Kind == account.Officer) != (kind == link.OfficerInvitation) {
		return account.Account{}, found, fault.New(fault.Expired, "link.expired")
	}
	return one, found, nil
}

// DefinePassword sets the password of the account that a single-use link opens: after an approval, for an officer
// invited, or to recover.
//
// Nothing else changes: the code is asked for at the next sign-in as at every one, and goes where it went before, so
// that a mailbox alone opens nothing new (A02). Every session ends and every other link and code of the account is
// void (A03, A07); whoever had a password before is told.
func (s *Service) DefinePassword(ctx context.Context, by actor.Actor, kind link.Kind, secret, typed string) error {
	var one account.Account
	var words []string
	var beside []door
	err := s.db.Look(ctx, func(tx *db.Tx) (err error) {
		if one, _, err = s.opened(ctx, tx, by.Portal, kind, secret); err != nil {
			return err
		}
		if words, err = s.contextOf(ctx, tx, one); err != nil {
			return err
		}
		beside, err = s.doors(ctx, tx, one.Portal, one.AddressKey)
		return err
	})
	if err != nil {
		return err
	}
	locked, err := s.prepare(ctx, one, beside, words, typed)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if _, err := s.links.Use(ctx, tx, kind, by.Portal, secret); err != nil {
			return err // of several at once, one is let in
		}
		now, err := s.accounts.Find(ctx, tx, one.ID)
		if err != nil {
			return err
		}
		if !now.MayEnter() {
			return fault.New(fault.Expired, "link.expired")
		}
		if err := putPassword(ctx, tx, one.ID, one.Portal, one.AddressKey, locked); err != nil {
			return err
		}
		if err := s.accounts.Prove(ctx, tx, one.ID); err != nil {
			return err
		}
		if err := s.changed(ctx, tx, now, has(beside, one.ID)); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "login.define-password", one.Object(), audit.With("by", string(kind)))
	})
}

func has(doors []door, id actor.AccountID) bool {
	return slices.ContainsFunc(doors, func(d door) bool { return d.account.ID == id })
}

// prepare judges a new password and gives what is stored of it: outside any transaction, since hashing takes its time.
// An account shares its salt with the other at its address, so that a sign-in computes one hash; and so the passwords
// of the two must differ, since they tell the accounts apart.
func (s *Service) prepare(ctx context.Context, one account.Account, beside []door, words []string, typed string) (locked string, err error) {
	password, err := judge(typed, words)
	if err != nil {
		return "", err
	}
	var like hashed
	for _, d := range beside {
		if d.account.ID != one.ID {
			like = d.hashed
		}
	}
	h, err := s.oven.hash(ctx, password, like)
	if err != nil {
		return "", err
	}
	if like.sum != nil && h.sameOven(like) && equal(h.sum, like.sum) {
		return "", refusePassword("pass.other-account")
	}
	return s.vault.Lock(place(one.ID), h.phc()), nil
}

// changed ends all that a password opened, and tells its holder if there was one before.
func (s *Service) changed(ctx context.Context, tx *db.Tx, one account.Account, before bool) error {
	if err := s.accounts.EndSessions(ctx, tx, one.ID); err != nil {
		return err
	}
	if err := s.voidSignIns(ctx, tx, one); err != nil {
		return err
	}
	if !before {
		return nil
	}
	p, ok := s.portals.Portal(one.Portal)
	if !ok {
		return fmt.Errorf("portal %s of account %s is gone", one.Portal, one.ID)
	}
	return s.letters.Send(ctx, tx, letter.Letter{
		Portal: p, Event: portal.PasswordChanged, To: one.To(), About: one.Object(), Values: i18n.Args{}, Page: s.recoveryPage,
	})
}

// ChangePassword sets another password for the actor's own account, who gives the present one again. All other
// sessions end; the one that asks goes on under the new secret that is returned.
func (s *Service) ChangePassword(ctx context.Context, by actor.Actor, present, typed string) (secret string, err error) {
	if err := by.MayIn(by.Portal, actor.ManageOwnAccount); err != nil {
		return "", err
	}
	var mine door
	var words []string
	var beside []door
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		one, err := s.accounts.Find(ctx, tx, by.Account)
		if err != nil {
			return err
		}
		if beside, err = s.doors(ctx, tx, one.Portal, one.AddressKey); err != nil {
			return err
		}
		for _, d := range beside {
			if d.account.ID == one.ID {
				mine = d
			}
		}
		if words, err = s.contextOf(ctx, tx, one); err != nil {
			return err
		}
		return s.throttle.Take(ctx, tx, passwordHere, "change|"+string(one.ID))
	})
	if err != nil {
		return "", err
	}
	if mine.locked == "" {
		return "", wrong()
	}
	if _, ok, err := s.compare(ctx, []door{mine}, present); err != nil {
		return "", err
	} else if !ok {
		return "", fault.Fields([]fault.Field{{Name: "present", Key: "pass.present"}})
	}
	locked, err := s.prepare(ctx, mine.account, beside, words, typed)
	if err != nil {
		return "", err
	}
	return s.exchange(ctx, by, mine, locked)
}

// exchange stores the new password in place of the one that was compared, and moves the session to a new secret.
func (s *Service) exchange(ctx context.Context, by actor.Actor, mine door, locked string) (string, error) {
	secret, hash := newSecret()
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		won, err := replacePassword(ctx, tx, by.Account, mine.locked, locked)
		if err != nil {
			return err
		}
		if !won {
			return fault.New(fault.Conflict, "fault.conflict")
		}
		if err := s.changed(ctx, tx, mine.account, true); err != nil {
			return err
		}
		now, err := s.accounts.Find(ctx, tx, by.Account)
		if err != nil {
			return err
		}
		// One step and no more: had anything else ended the sessions meanwhile, this one stays ended.
		if now.State != account.Active || now.Epoch != mine.account.Epoch+1 {
			return ended()
		}
		if won, err = renewSession(ctx, tx, by.Account, by.Session, hash, now.Epoch); err != nil {
			return err
		}
		if !won {
			return ended()
		}
		if err := s.throttle.Forget(ctx, tx, passwordHere, "change|"+string(by.Account)); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "login.change-password", mine.account.Object())
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}
