package login

import (
	"context"
	"strings"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// Session is a stretch of being signed in, in one browser.
type Session struct {
	ID       string
	Portal   string
	Account  actor.AccountID
	Strength actor.Strength
	Device   string // browser and system, as far as it says
	Address  string // where from, shortened to a network
	MadeAt   time.Time
	SeenAt   time.Time
	Expires  time.Time // whatever happens
	Current  bool      // the one that asks, in a list

	epoch   int64
	idle    time.Duration
	endedAt time.Time
}

// IdleEnd is when the session ends if nothing is asked of it until then.
func (s Session) IdleEnd() time.Time {
	if end := s.SeenAt.Add(s.idle); end.Before(s.Expires) {
		return end
	}
	return s.Expires
}

// lives are how long a session lasts without a request, and in all (OWASP ASVS 7.3.1 and 7.3.2: officers 15 minutes
// to 1 hour and 12 to 24 hours; NIST SP 800-63B-4, AAL2: 1 hour and 24 hours).
func lives(kind account.Kind) (idle, absolute time.Duration) {
	if kind == account.Officer {
		return 30 * time.Minute, 12 * time.Hour
	}
	return time.Hour, 24 * time.Hour
}

// alive says whether the session still stands, for its account as it is now.
func (s Session) alive(one account.Account, now time.Time) bool {
	return s.endedAt.IsZero() && now.Before(s.IdleEnd()) && one.State == account.Active && one.Epoch == s.epoch
}

// touchAfter is how old the note of the last request may be: a request does not write each time.
const touchAfter = time.Minute

// Session tells who holds a secret. State and roles of the account are those of this moment, so whatever was taken
// away is gone with the next request (A21, E04). Expired if there is no such session, or no longer.
func (s *Service) Session(ctx context.Context, secret string) (actor.Actor, Session, error) {
	var session Session
	var one account.Account
	if !wellFormed(secret) {
		return actor.Actor{}, Session{}, ended()
	}
	err := s.db.Look(ctx, func(tx *db.Tx) (err error) {
		session, one, err = s.standing(ctx, tx, digest(secret))
		return err
	})
	if err != nil {
		return actor.Actor{}, Session{}, err
	}
	if now := s.db.Now(); now.Sub(session.SeenAt) >= touchAfter {
		if err := s.db.InTx(ctx, func(tx *db.Tx) error { return seen(ctx, tx, session.ID) }); err != nil {
			return actor.Actor{}, Session{}, err
		}
		session.SeenAt = now
	}
	session.Current = true
	return as(one, session.ID, session.Strength, session.Address), session, nil
}

func (s *Service) standing(ctx context.Context, tx *db.Tx, hash string) (Session, account.Account, error) {
	session, ok, err := sessionBy(ctx, tx, hash)
	if err != nil {
		return session, account.Account{}, err
	}
	if !ok {
		return session, account.Account{}, ended()
	}
	one, err := s.accounts.Find(ctx, tx, session.Account)
	if err != nil {
		return session, one, err
	}
	if !session.alive(one, tx.Now()) {
		return session, one, ended()
	}
	return session, one, nil
}

func ended() error { return fault.New(fault.Expired, "login.session-ended") }

// Sessions lists the sessions of the actor's own account that stand, the last used first.
func (s *Service) Sessions(ctx context.Context, by actor.Actor) (all []Session, err error) {
	if err := by.MayIn(by.Portal, actor.ManageOwnAccount); err != nil {
		return nil, err
	}
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		one, err := s.accounts.Find(ctx, tx, by.Account)
		if err != nil {
			return err
		}
		stored, err := sessionsOf(ctx, tx, by.Account)
		for _, session := range stored {
			if session.alive(one, tx.Now()) {
				session.Current = session.ID == by.Session
				all = append(all, session)
			}
		}
		return err
	})
	return all, err
}

// End ends one session of the actor's own account: this one to sign out, another to shut out a lost device. One that
// has ended already stays so.
func (s *Service) End(ctx context.Context, by actor.Actor, id string) error {
	if !by.SignedIn() {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		was, err := endSession(ctx, tx, by.Account, id)
		if err != nil || !was {
			return err
		}
		return audit.Write(ctx, tx, by, "login.leave", "account/"+string(by.Account), audit.With("session", id))
	})
}

// EndOthers ends every session of the actor's own account but the one that asks.
func (s *Service) EndOthers(ctx context.Context, by actor.Actor) error {
	if err := by.MayIn(by.Portal, actor.ManageOwnAccount); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := endOthers(ctx, tx, by.Account, by.Session)
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(ctx, tx, by, "login.leave-others", "account/"+string(by.Account))
	})
}

// Sweep erases what is over: sign-ins after a day, sessions once the network that they came from no longer counts.
func (s *Service) Sweep(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		return sweep(ctx, tx, tx.Now().Add(-24*time.Hour), tx.Now().Add(-knownFor))
	})
}

// device names browser and system by what the browser calls itself: two known words, so that nothing that a stranger
// sent is stored or shown.
func device(agent string) string {
	if len(agent) > 1024 {
		agent = agent[:1024]
	}
	browser := firstIn(agent, "Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari")
	system := firstIn(agent, "Android", "Android", "iPhone", "iOS", "iPad", "iPadOS", "Windows", "Windows", "Macintosh", "macOS", "Linux", "Linux")
	return strings.TrimSpace(browser + " " + system)
}

// firstIn gives the name behind the first mark that the text holds; marks and names alternate.
func firstIn(text string, marks ...string) string {
	for i := 0; i+1 < len(marks); i += 2 {
		if strings.Contains(text, marks[i]) {
			return marks[i+1]
		}
	}
	return ""
}
