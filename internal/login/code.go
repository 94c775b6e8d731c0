package login

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chancela/internal/account"
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

// SendCode sends the six digits of a sign-in by the way chosen. It can be asked again, within what an account, an
// address, a network and the whole program may send (A12).
func (s *Service) SendCode(ctx context.Context, by actor.Actor, secret string, channel Channel) (to Choice, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		c, one, err := s.underway(ctx, tx, by.Portal, secret)
		if err != nil {
			return err
		}
		if to, err = s.chosen(one, channel); err != nil {
			return err
		}
		if err := s.takeSend(ctx, tx, by, one, channel); err != nil {
			return err
		}
		ref, err := s.links.MakeCode(ctx, tx, link.SignIn, one.Portal, string(one.ID), c.id)
		if err != nil {
			return err
		}
		if err := setChannel(ctx, tx, c.id, channel); err != nil {
			return err
		}
		if err := s.mailCode(ctx, tx, one, ref, channel); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "login.code", one.Object(), audit.With("channel", string(channel)))
	})
	return to, err
}

func (s *Service) chosen(one account.Account, channel Channel) (Choice, error) {
	for _, choice := range s.choices(one) {
		if choice.Channel == channel {
			return choice, nil
		}
	}
	return Choice{}, fault.New(fault.Invalid, "login.no-channel")
}

// canText says whether an SMS can go to the account: to Portuguese mobiles only, so that nobody is made to pay for
// numbers abroad or of added value.
func (s *Service) canText(one account.Account) bool {
	p, ok := s.portals.Portal(one.Portal)
	if !ok || s.mailOnly || !field.IsMobile(one.Mobile) {
		return false
	}
	_, ok = p.Text(portal.AccountCode, one.Lang, nil)
	return ok
}

func (s *Service) takeSend(ctx context.Context, tx *db.Tx, by actor.Actor, one account.Account, channel Channel) error {
	if err := s.throttle.Take(ctx, tx, codeSend, string(one.ID)); err != nil {
		return err
	}
	if err := s.throttle.Take(ctx, tx, codeFrom, by.Address); err != nil {
		return err
	}
	to := one.AddressKey
	if channel == BySMS {
		to = one.Mobile
		if err := s.throttle.Take(ctx, tx, smsInAll, "all"); err != nil {
			return err
		}
	}
	return s.throttle.Take(ctx, tx, codeTo, to)
}

func (s *Service) mailCode(ctx context.Context, tx *db.Tx, one account.Account, ref link.Ref, channel Channel) error {
	p, ok := s.portals.Portal(one.Portal)
	if !ok {
		return gone()
	}
	return s.letters.Send(ctx, tx, letter.Letter{
		Portal: p, Event: portal.AccountCode, To: one.To(), About: one.Object(), Values: i18n.Args{}, Code: ref,
		Until: tx.Now().Add(link.CodeLife), BySMS: channel == BySMS,
	})
}

// Entered is a session that has just begun. Its secret is told once.
type Entered struct {
	Secret  string
	Session Session
	// First says that the account was never entered before.
	First bool
}

// Confirm ends a sign-in with the code and opens the session, with a new secret of its own: nothing that the browser
// held before is worth anything inside (A20). agent is what the browser calls itself.
//
// A code that is wrong, used, too old or of another sign-in, and a guess beyond the account's budget, are one answer.
func (s *Service) Confirm(ctx context.Context, by actor.Actor, secret, typed, agent string) (in Entered, err error) {
	if !sixDigits(typed) {
		return Entered{}, fault.New(fault.Invalid, "code.malformed") // nothing is compared, so nothing is counted
	}
	var refused error
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		c, one, err := s.underway(ctx, tx, by.Portal, secret)
		if err != nil {
			return err
		}
		// A wrong guess must be committed, or it would not count: refused is told afterwards.
		if refused, err = s.guess(ctx, tx, c, typed); err != nil || refused != nil {
			return err
		}
		in, err = s.open(ctx, tx, by, c, one, agent)
		return err
	})
	if err != nil {
		return Entered{}, err
	}
	if refused != nil {
		return Entered{}, wrongCode()
	}
	return in, nil
}

// guess compares a code within the budget of its account, whatever the sign-in it is typed in (A08, A11).
func (s *Service) guess(ctx context.Context, tx *db.Tx, c challenge, typed string) (refused, err error) {
	if err := s.throttle.Take(ctx, tx, codeGuess, string(c.account)); throttled(err) {
		return err, nil
	} else if err != nil {
		return nil, err
	}
	return s.links.CheckCode(ctx, tx, link.SignIn, c.portal, string(c.account), c.id, typed)
}

// open makes the session, and the account active if it was only invited.
func (s *Service) open(ctx context.Context, tx *db.Tx, by actor.Actor, c challenge, one account.Account, agent string) (Entered, error) {
	won, err := useChallenge(ctx, tx, c.id)
	if err != nil {
		return Entered{}, err
	}
	if !won {
		return Entered{}, gone()
	}
	secret, hash := newSecret()
	session := begin(one, tx.Now(), actor.ByCode, by.Address, device(agent))
	if err := insertSession(ctx, tx, session, hash); err != nil {
		return Entered{}, err
	}
	if by.SignedIn() { // who comes in anew leaves the session in which they were, whichever account's it was
		if _, err := endSession(ctx, tx, by.Account, by.Session); err != nil {
			return Entered{}, err
		}
	}
	if err := s.forget(ctx, tx, by, one); err != nil {
		return Entered{}, err
	}
	inside := as(one, session.ID, actor.ByCode, by.Address)
	if err := s.accounts.Activate(ctx, tx, inside, one); err != nil {
		return Entered{}, err
	}
	err = audit.Write(ctx, tx, inside, "login.enter", one.Object(), audit.With("channel", string(c.channel)))
	return Entered{Secret: secret, Session: session, First: one.State == account.Invited}, err
}

// forget gives the tries of the password back: whoever tried has shown who they are. Guesses of the code stay counted,
// so that the budget of an hour holds whatever happens in between.
func (s *Service) forget(ctx context.Context, tx *db.Tx, by actor.Actor, one account.Account) error {
	who := one.Portal + "|" + one.AddressKey
	if err := s.throttle.Forget(ctx, tx, passwordHere, who+"|"+by.Address); err != nil {
		return err
	}
	return s.throttle.Forget(ctx, tx, passwordFor, who)
}

// sixDigits says whether what was typed can be a code, spaces aside.
func sixDigits(typed string) bool {
	if len(typed) > 64 {
		return false
	}
	n := 0
	for _, r := range typed {
		switch {
		case r >= '0' && r <= '9':
			n++
		case !unicode.IsSpace(r):
			return false
		}
	}
	return n == 6
}

// maskAddress shows the first letter of an address and its domain: enough to know one's own.
func maskAddress(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" {
		return "•••••"
	}
	_, size := utf8.DecodeRuneInString(local)
	return local[:size] + "•••••@" + domain
}

// maskMobile shows the last three digits.
func maskMobile(mobile string) string {
	if len(mobile) < 3 {
		return "•••••"
	}
	return "••• ••• " + mobile[len(mobile)-3:]
}

// begin makes the session that an account gets at this moment.
func begin(one account.Account, now time.Time, strength actor.Strength, address, device string) Session {
	idle, absolute := lives(one.Kind)
	return Session{
		ID: db.NewID(), Portal: one.Portal, Account: one.ID, Strength: strength, Device: device, Address: address, MadeAt: now, SeenAt: now,
		Expires: now.Add(absolute), epoch: one.Epoch, idle: idle,
	}
}
