// Package login lets people in: password, then a code; sessions; recovery of a lost password.
//
// A sign-in has two steps that are always both asked: [Service.Enter] with the password gives a challenge,
// [Service.SendCode] sends six digits to the address or the mobile of the account, [Service.Confirm] opens the session.
// Unknown users, wrong passwords, accounts that are not open: one answer for all, at one cost. What is tried is
// counted by account and by where it comes from, so that guesses end and nobody is locked out from elsewhere. The
// secrets of challenges and sessions are random, and only their digests are stored.
//
// A session says nothing of what its holder may: the state and roles of the account are read anew at each request.
// This room must never change a second factor on the strength of a mailbox, never tell whether an account exists, and
// never log a user name. Start reading at [Service.Enter] and [Service.Session].
package login

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/link"
	"chancela/internal/portal"
	"chancela/internal/throttle"
	"chancela/internal/vault"
)

// Config is what the room is wired to.
type Config struct {
	DB       *db.DB
	Portals  *portal.Set
	Accounts *account.Accounts
	Letters  account.Post
	Links    *link.Links
	Throttle *throttle.Counters
	Vault    *vault.Vault
	// RecoveryPage is the path within a portal of the page that asks for a recovery, for the letter that tells of a
	// changed password.
	RecoveryPage string
	// MailOnly says that this instance has no way out for SMS: codes are offered by mail only.
	MailOnly bool
}

// Service is the room's door.
type Service struct {
	mailOnly     bool
	db           *db.DB
	portals      *portal.Set
	accounts     *account.Accounts
	letters      account.Post
	links        *link.Links
	throttle     *throttle.Counters
	vault        *vault.Vault
	recoveryPage string
	oven         *oven
	dummy        hashed // of a password that nobody has, for users that do not exist
}

// New opens the room.
func New(c Config) *Service {
	o := newOven()
	return &Service{
		mailOnly: c.MailOnly, db: c.DB, portals: c.Portals, accounts: c.Accounts, letters: c.Letters, links: c.Links, throttle: c.Throttle, vault: c.Vault,
		recoveryPage: c.RecoveryPage, oven: o, dummy: o.nobody(),
	}
}

// secretBytes are the random bytes of a secret: 256 bits (OWASP ASVS 7.2.3 asks for 128).
const secretBytes = 32

// newSecret makes a secret and the digest under which it is stored.
func newSecret() (secret, hash string) {
	var bits [secretBytes]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand stops the program instead
	secret = base64.RawURLEncoding.EncodeToString(bits[:])
	return secret, digest(secret)
}

// digest is what is stored of a secret. It has too many bits to be guessed, so one round of SHA-256 is enough, and it
// covers the text as it was given: another encoding of the same bits is another secret (A05).
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// wellFormed spares the database what cannot be a secret.
func wellFormed(secret string) bool {
	return len(secret) == base64.RawURLEncoding.EncodedLen(secretBytes)
}

// Limits of tries. Each key is canonical: an account's id, an address in its one form, a network.
var (
	// passwordHere: tries at one account from one network. Whoever guesses from elsewhere uses up their own.
	passwordHere = throttle.Rule{Name: "password-here", Limit: 10, Window: 15 * time.Minute}
	// passwordFrom: tries from one network at any account. Whole ministries come from one.
	passwordFrom = throttle.Rule{Name: "password-from", Limit: 300, Window: 15 * time.Minute}
	// passwordFor: tries at one account from networks that it never came from (NIST SP 800-63B-4, 3.2.2: at most 100
	// in a row). Networks that it came from are not counted, or anybody could lock its holder out (A15).
	passwordFor = throttle.Rule{Name: "password-for", Limit: 100, Window: 24 * time.Hour}
	// codeGuess: codes compared for one account, over all its sign-ins (A08).
	codeGuess = throttle.Rule{Name: "code-guess", Limit: 10, Window: time.Hour}
	// codeSend: codes sent for one account (A12).
	codeSend = throttle.Rule{Name: "code-send", Limit: 3, Window: 15 * time.Minute}
	// codeFrom: codes sent at the asking of one network.
	codeFrom = throttle.Rule{Name: "code-from", Limit: 60, Window: 15 * time.Minute}
	// codeTo: codes sent to one address or telephone, whoever's accounts have it.
	codeTo = throttle.Rule{Name: "code-to", Limit: 12, Window: time.Hour}
	// smsInAll: what the program spends on SMS in an hour, whatever happens.
	smsInAll = throttle.Rule{Name: "sms-all", Limit: 2000, Window: time.Hour}
	// recoverFrom and recoverTo: links asked for from one network, and mailed for one account.
	recoverFrom = throttle.Rule{Name: "recover-from", Limit: 30, Window: time.Hour}
	recoverTo   = throttle.Rule{Name: "recover-to", Limit: 3, Window: time.Hour}
)

// knownFor is how long a network from which an account's holder came in counts as theirs.
const knownFor = 90 * 24 * time.Hour

// wrong is the one answer to a sign-in that fails, whatever the reason (A16).
func wrong() error { return fault.New(fault.Invalid, "login.wrong") }

// wrongCode is the one answer to a code that does not open: wrong, used, too old, of another sign-in, or one guess
// too many.
func wrongCode() error { return fault.New(fault.Invalid, "login.code") }

// gone tells that the sign-in must begin anew.
func gone() error { return fault.New(fault.Expired, "login.gone") }

// as is the actor that somebody is once they came in.
func as(one account.Account, session string, strength actor.Strength, address string) actor.Actor {
	a := actor.Actor{
		Kind: actor.Person, Portal: one.Portal, Person: one.Person, Account: one.ID, Session: session, Strength: strength, Address: address,
	}
	if one.Kind == account.Officer {
		a.Kind, a.Roles = actor.Officer, one.Roles
	}
	return a
}
