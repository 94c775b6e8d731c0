package account

import (
	"context"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
	"chancela/internal/throttle"
)

// Limits of the invitations that a visitor can cause: from one network, and to one address.
var (
	asksFromHere  = throttle.Rule{Name: "invitation-ask", Limit: 30, Window: time.Hour}
	invitesToHere = throttle.Rule{Name: "invitation-mail", Limit: 3, Window: time.Hour}
)

// AskInvitation mails an applicant who never defined a password a new link to do so. Whatever is typed, the answer is
// the same: nothing tells who has an account here (A16). Officers are invited anew by an administrator.
func (a *Accounts) AskInvitation(ctx context.Context, by actor.Actor, typed string) error {
	p, ok := a.portals.Portal(by.Portal)
	if !ok {
		return nil
	}
	key, ok := field.CanonicalEmail(typed)
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := a.throttle.Take(ctx, tx, asksFromHere, by.Portal+"|"+by.Address); err != nil {
			return err
		}
		if !ok {
			return nil
		}
		all, err := byAddress(ctx, tx, by.Portal, key)
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.Kind != Applicant || one.State != Invited {
				continue
			}
			if err := a.throttle.Take(ctx, tx, invitesToHere, string(one.ID)); fault.Is(err, fault.Throttled) {
				return nil // enough were sent; the answer stays the same
			} else if err != nil {
				return err
			}
			return a.Reinvite(ctx, tx, by, p, one)
		}
		return nil
	})
}

// Reinvite is the step that mails an invited applicant a new link; the one before it dies.
func (a *Accounts) Reinvite(ctx context.Context, tx *db.Tx, by actor.Actor, p *portal.Portal, one Account) error {
	err := a.letters.Send(ctx, tx, letter.Letter{
		Portal: p, Event: portal.AccountReinvited, To: one.To(), About: one.Object(), Values: i18n.Args{"number": one.CaseNumber},
		Link: invitation(p, one, tx.Now()),
	})
	if err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "account.reinvite", one.Object())
}
