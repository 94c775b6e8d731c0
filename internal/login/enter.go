package login

import (
	"context"
	"fmt"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/link"
)

// Channel is a way by which a code is sent.
type Channel string

// The channels.
const (
	ByMail Channel = "mail"
	BySMS  Channel = "sms"
)

// Challenge is a sign-in of which the password was right.
type Challenge struct {
	// Secret names it to the browser; it opens nothing by itself.
	Secret   string
	Channels []Choice
	Expires  time.Time
	First    bool // nobody has come in to this account yet
}

// Choice is a way to receive the code, with its destination as it may be shown.
type Choice struct {
	Channel Channel
	To      string // masked
}

// challengeLife is how long a sign-in may take (contract: 10 minutes).
const challengeLife = 10 * time.Minute

// door is an account that a user name leads to, with its password.
type door struct {
	account account.Account
	locked  string // the hash as stored, encrypted
	hashed  hashed
}

// Enter begins a sign-in with user name and password.
//
// Whoever is unknown, invited but without a password, suspended, or mistaken gets the same answer after the same
// work: one hash is computed in every case, and one entry written. An address that has an account on each side of
// the desk has two passwords; the one given chooses.
func (s *Service) Enter(ctx context.Context, by actor.Actor, user, password string) (Challenge, error) {
	key, _ := field.CanonicalEmail(user) // A09: one form before lookup and count
	var doors []door
	err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
		if doors, err = s.doors(ctx, tx, by.Portal, key); err != nil {
			return err
		}
		return s.takeTry(ctx, tx, by, key, doors)
	})
	if err != nil {
		return Challenge{}, err
	}
	right, ok, err := s.compare(ctx, doors, password)
	if err != nil {
		return Challenge{}, err
	}
	if !ok {
		return Challenge{}, s.refuse(ctx, by, doors)
	}
	return s.challenge(ctx, by, right)
}

// doors lists the accounts that an address opens at this moment.
func (s *Service) doors(ctx context.Context, tx *db.Tx, portalName, addressKey string) ([]door, error) {
	accounts, err := s.accounts.ByAddress(ctx, tx, portalName, addressKey)
	if err != nil {
		return nil, err
	}
	stored, err := passwords(ctx, tx, portalName, addressKey)
	if err != nil {
		return nil, err
	}
	var doors []door
	for _, one := range accounts {
		locked, has := stored[one.ID]
		if !has || !one.MayEnter() {
			continue
		}
		h, err := s.unlock(one.ID, locked)
		if err != nil {
			return nil, err
		}
		doors = append(doors, door{account: one, locked: locked, hashed: h})
	}
	return doors, nil
}

// place is where a password stands: moved to another account's row it does not open.
func place(id actor.AccountID) string { return "login_password/" + string(id) }

func (s *Service) unlock(id actor.AccountID, locked string) (hashed, error) {
	phc, err := s.vault.Unlock(place(id), locked)
	if err != nil {
		return hashed{}, fmt.Errorf("password of account %s: %w", id, err)
	}
	h, err := parsePHC(phc)
	if err != nil {
		return hashed{}, fmt.Errorf("password of account %s: %w", id, err)
	}
	return h, nil
}

// takeTry counts a try, known user or not, and refuses when there are none left.
func (s *Service) takeTry(ctx context.Context, tx *db.Tx, by actor.Actor, key string, doors []door) error {
	who := by.Portal + "|" + key
	if err := s.throttle.Take(ctx, tx, passwordFrom, by.Address); err != nil {
		return err
	}
	if err := s.throttle.Take(ctx, tx, passwordHere, who+"|"+by.Address); err != nil {
		return err
	}
	for _, d := range doors {
		familiar, err := cameFrom(ctx, tx, d.account.ID, by.Address, tx.Now().Add(-knownFor))
		if err != nil || familiar {
			return err
		}
	}
	return s.throttle.Take(ctx, tx, passwordFor, who)
}

// compare finds the door that a password opens. It computes one hash for each salt among the doors, which is one,
// since the accounts of an address share it; and one that nobody has if there is no door.
func (s *Service) compare(ctx context.Context, doors []door, typed string) (door, bool, error) {
	password, ok := normal(typed)
	if !ok {
		password = "" // what is too long is not hashed, but costs as much (A18)
	}
	if len(doors) == 0 {
		_, err := s.oven.bake(ctx, password, s.dummy)
		return door{}, false, err
	}
	var right door
	found := false
	var sum []byte
	for i, d := range doors {
		if i == 0 || !d.hashed.sameOven(doors[i-1].hashed) {
			var err error
			if sum, err = s.oven.bake(ctx, password, d.hashed); err != nil {
				return door{}, false, err
			}
		}
		if equal(sum, d.hashed.sum) && ok && !found {
			right, found = d, true
		}
	}
	return right, found, nil
}

// refuse records a sign-in that failed. The record says which account was tried if there is one, and never what was
// typed.
func (s *Service) refuse(ctx context.Context, by actor.Actor, doors []door) error {
	object := "login/unknown"
	if len(doors) > 0 {
		object = doors[0].account.Object()
	}
	err := s.db.InTx(ctx, func(tx *db.Tx) error { return audit.Write(ctx, tx, by, "login.refuse", object) })
	if err != nil {
		return err
	}
	return wrong()
}

// challenge opens the second step.
func (s *Service) challenge(ctx context.Context, by actor.Actor, right door) (Challenge, error) {
	secret, hash := newSecret()
	one := right.account
	c := challenge{id: db.NewID(), portal: one.Portal, account: one.ID, epoch: one.Epoch}
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		c.expires = tx.Now().Add(challengeLife)
		if err := insertChallenge(ctx, tx, c, hash); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "login.password", one.Object())
	})
	if err != nil {
		return Challenge{}, err
	}
	return s.shown(secret, c, one), nil
}

// choices are the ways by which an account can receive a code: its address, and a Portuguese mobile if one is known
// and the portal has words for it.
func (s *Service) choices(one account.Account) []Choice {
	choices := []Choice{{Channel: ByMail, To: maskAddress(one.Address)}}
	if s.canText(one) {
		choices = append(choices, Choice{Channel: BySMS, To: maskMobile(one.Mobile)})
	}
	return choices
}

// Underway looks up a sign-in by its challenge, for the pages between its steps; Expired if it is over.
func (s *Service) Underway(ctx context.Context, by actor.Actor, secret string) (Challenge, error) {
	var c challenge
	var one account.Account
	err := s.db.Look(ctx, func(tx *db.Tx) (err error) {
		c, one, err = s.underway(ctx, tx, by.Portal, secret)
		return err
	})
	if err != nil {
		return Challenge{}, err
	}
	return s.shown(secret, c, one), nil
}

func (s *Service) shown(secret string, c challenge, one account.Account) Challenge {
	return Challenge{Secret: secret, Channels: s.choices(one), Expires: c.expires, First: one.State == account.Invited}
}

// underway finds a challenge that is open, with its account as it is now: whatever happened since the password was
// given ends the sign-in (A13, A21).
func (s *Service) underway(ctx context.Context, tx *db.Tx, portalName, secret string) (challenge, account.Account, error) {
	if !wellFormed(secret) {
		return challenge{}, account.Account{}, gone()
	}
	c, ok, err := challengeBy(ctx, tx, digest(secret))
	if err != nil {
		return c, account.Account{}, err
	}
	if !ok || c.portal != portalName || c.state != "open" || !tx.Now().Before(c.expires) {
		return c, account.Account{}, gone()
	}
	one, err := s.accounts.Find(ctx, tx, c.account)
	if err != nil {
		return c, one, err
	}
	if !one.MayEnter() || one.Epoch != c.epoch {
		return c, one, gone()
	}
	return c, one, nil
}

// voidSignIns ends whatever was mailed to an account by which somebody could come in (A07).
func (s *Service) voidSignIns(ctx context.Context, tx *db.Tx, one account.Account) error {
	for _, kind := range []link.Kind{link.Invitation, link.OfficerInvitation, link.Recovery} {
		if err := s.links.VoidAll(ctx, tx, kind, one.Portal, string(one.ID)); err != nil {
			return err
		}
	}
	return s.links.VoidCodes(ctx, tx, link.SignIn, one.Portal, string(one.ID))
}

// throttled tells a refusal of a count from a fault of the database.
func throttled(err error) bool { return fault.Is(err, fault.Throttled) }
