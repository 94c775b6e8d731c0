package login

import (
	"context"
	"fmt"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
)

// passwords gives the stored hashes, still encrypted, of an address's accounts, by account.
func passwords(ctx context.Context, tx *db.Tx, portalName, addressKey string) (map[actor.AccountID]string, error) {
	type row struct {
		account actor.AccountID
		locked  string
	}
	rows, err := db.Collect(ctx, tx, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.account, &r.locked)
		return r, err
	}, `SELECT account, locked FROM login_password WHERE portal = $1 AND address_key = $2`, portalName, addressKey)
	all := make(map[actor.AccountID]string, len(rows))
	for _, r := range rows {
		all[r.account] = r.locked
	}
	return all, err
}

func putPassword(ctx context.Context, tx *db.Tx, account actor.AccountID, portalName, addressKey, locked string) error {
	_, err := tx.Exec(ctx, `INSERT INTO login_password (account, portal, address_key, locked, set_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account) DO UPDATE SET locked = excluded.locked, address_key = excluded.address_key, set_at = excluded.set_at`,
		string(account), portalName, addressKey, locked, tx.Stamp())
	if err != nil {
		return fmt.Errorf("password of account %s: %w", account, err)
	}
	return nil
}

// replacePassword changes a password that is still the one given; false if it was changed meanwhile.
func replacePassword(ctx context.Context, tx *db.Tx, account actor.AccountID, from, to string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE login_password SET locked = $1, set_at = $2 WHERE account = $3 AND locked = $4`, to, tx.Stamp(), string(account), from)
	if err != nil {
		return false, fmt.Errorf("password of account %s: %w", account, err)
	}
	return n == 1, nil
}

// challenge is a sign-in under way, as stored.
type challenge struct {
	id      string
	portal  string
	account actor.AccountID
	epoch   int64
	channel Channel
	state   string
	expires time.Time
}

func insertChallenge(ctx context.Context, tx *db.Tx, c challenge, hash string) error {
	_, err := tx.Exec(ctx, `INSERT INTO login_challenge (id, hash, portal, account, epoch, channel, state, made_at, expires)
		VALUES ($1, $2, $3, $4, $5, '', 'open', $6, $7)`, c.id, hash, c.portal, string(c.account), c.epoch, tx.Stamp(), db.Time(c.expires))
	if err != nil {
		return fmt.Errorf("new challenge: %w", err)
	}
	return nil
}

func challengeBy(ctx context.Context, tx *db.Tx, hash string) (challenge, bool, error) {
	var c challenge
	err := tx.Row(ctx, `SELECT id, portal, account, epoch, channel, state, expires FROM login_challenge WHERE hash = $1`, hash).
		Scan(&c.id, &c.portal, &c.account, &c.epoch, &c.channel, &c.state, db.Times(&c.expires))
	if db.None(err) {
		return challenge{}, false, nil
	}
	if err != nil {
		return challenge{}, false, fmt.Errorf("find challenge: %w", err)
	}
	return c, true, nil
}

func setChannel(ctx context.Context, tx *db.Tx, id string, channel Channel) error {
	_, err := tx.Exec(ctx, `UPDATE login_challenge SET channel = $1 WHERE id = $2 AND state = 'open'`, string(channel), id)
	return err
}

// useChallenge says whether this deed is the one that ended the sign-in.
func useChallenge(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE login_challenge SET state = 'used' WHERE id = $1 AND state = 'open'`, id)
	return n == 1, err
}

const sessionColumns = `id, portal, account, epoch, strength, device, address, made_at, seen_at, idle_s, expires, ended_at`

func scanSession(scan func(...any) error) (Session, error) {
	var s Session
	var idle int64
	err := scan(&s.ID, &s.Portal, &s.Account, &s.epoch, &s.Strength, &s.Device, &s.Address, db.Times(&s.MadeAt), db.Times(&s.SeenAt),
		&idle, db.Times(&s.Expires), db.Times(&s.endedAt))
	s.idle = time.Duration(idle) * time.Second
	return s, err
}

func insertSession(ctx context.Context, tx *db.Tx, s Session, hash string) error {
	_, err := tx.Exec(ctx, `INSERT INTO session (id, hash, portal, account, epoch, strength, device, address, made_at, seen_at, idle_s, expires, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, '')`,
		s.ID, hash, s.Portal, string(s.Account), s.epoch, int64(s.Strength), s.Device, s.Address, tx.Stamp(), int64(s.idle/time.Second), db.Time(s.Expires))
	if err != nil {
		return fmt.Errorf("new session: %w", err)
	}
	return nil
}

func sessionBy(ctx context.Context, tx *db.Tx, hash string) (Session, bool, error) {
	s, err := scanSession(tx.Row(ctx, `SELECT `+sessionColumns+` FROM session WHERE hash = $1`, hash).Scan)
	if db.None(err) {
		return Session{}, false, nil
	}
	if err != nil {
		return Session{}, false, fmt.Errorf("find session: %w", err)
	}
	return s, true, nil
}

func sessionsOf(ctx context.Context, tx *db.Tx, account actor.AccountID) ([]Session, error) {
	return db.Collect(ctx, tx, scanSession, `SELECT `+sessionColumns+` FROM session WHERE account = $1 AND ended_at = '' AND expires > $2
		ORDER BY seen_at DESC, id`, string(account), tx.Stamp())
}

// seen notes that a session is in use. It never brings back one that ended.
func seen(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE session SET seen_at = $1 WHERE id = $2 AND ended_at = '' AND seen_at < $1`, tx.Stamp(), id)
	return err
}

func endSession(ctx context.Context, tx *db.Tx, account actor.AccountID, id string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE session SET ended_at = $1 WHERE id = $2 AND account = $3 AND ended_at = ''`, tx.Stamp(), id, string(account))
	return n == 1, err
}

func endOthers(ctx context.Context, tx *db.Tx, account actor.AccountID, but string) (int64, error) {
	return tx.Exec(ctx, `UPDATE session SET ended_at = $1 WHERE account = $2 AND id <> $3 AND ended_at = ''`, tx.Stamp(), string(account), but)
}

// renewSession gives a session another secret and the account's present epoch; false if it has ended.
func renewSession(ctx context.Context, tx *db.Tx, account actor.AccountID, id, hash string, epoch int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE session SET hash = $1, epoch = $2, seen_at = $3 WHERE id = $4 AND account = $5 AND ended_at = ''`,
		hash, epoch, tx.Stamp(), id, string(account))
	return n == 1, err
}

// cameFrom says whether an account of an address came in from a network since a moment.
func cameFrom(ctx context.Context, tx *db.Tx, account actor.AccountID, network string, since time.Time) (bool, error) {
	var n int64
	err := tx.Row(ctx, `SELECT COUNT(*) FROM session WHERE account = $1 AND address = $2 AND made_at > $3`, string(account), network, db.Time(since)).Scan(&n)
	return n > 0, err
}

// sweep erases sign-ins and sessions that ended so long ago that nobody asks about them.
func sweep(ctx context.Context, tx *db.Tx, challenges, sessions time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM login_challenge WHERE expires < $1`, db.Time(challenges)); err != nil {
		return fmt.Errorf("sweep challenges: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM session WHERE expires < $1`, db.Time(sessions)); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	return nil
}
