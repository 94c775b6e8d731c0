package caller

import (
	"context"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
)

const columns = `id, portal, body_nipc, body, system, digest, person, account, made_at, ended_at`

func scan(scan func(...any) error) (c Caller, err error) {
	err = scan(&c.ID, &c.Portal, &c.BodyNIPC, &c.Body, &c.System, &c.digest, &c.Person, &c.Account, db.Times(&c.MadeAt), db.Times(&c.EndedAt))
	return c, err
}

func byID(ctx context.Context, tx *db.Tx, id ID) (Caller, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM caller WHERE id = $1`, string(id)).Scan)
}

func ofBody(ctx context.Context, tx *db.Tx, portal, nipc string) ([]Caller, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM caller WHERE portal = $1 AND body_nipc = $2 ORDER BY made_at DESC, id LIMIT 200`, portal, nipc)
}

func insert(ctx context.Context, tx *db.Tx, c Caller) error {
	_, err := tx.Exec(ctx, `INSERT INTO caller (id, portal, body_nipc, body, system, digest, person, account, made_at, ended_at, ended_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '')`,
		string(c.ID), c.Portal, c.BodyNIPC, c.Body, c.System, c.digest, string(c.Person), string(c.Account), tx.Stamp())
	return err
}

// end ends a caller; false if it was ended before.
func end(ctx context.Context, tx *db.Tx, id ID, by actor.PersonID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE caller SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at = ''`, string(id), tx.Stamp(), string(by))
	return n == 1, err
}

// addAsked counts one more asking of a caller in a month.
func addAsked(ctx context.Context, tx *db.Tx, id ID, month string) error {
	_, err := tx.Exec(ctx, `INSERT INTO caller_count (caller, month, count, last_at) VALUES ($1, $2, 1, $3)
		ON CONFLICT (caller, month) DO UPDATE SET count = caller_count.count + 1, last_at = $3`, string(id), month, tx.Stamp())
	return err
}

// asked is how often a caller asked in a month, and when last.
func asked(ctx context.Context, tx *db.Tx, id ID, month string) (n int64, last time.Time, err error) {
	err = tx.Row(ctx, `SELECT count, last_at FROM caller_count WHERE caller = $1 AND month = $2`, string(id), month).Scan(&n, db.Times(&last))
	if db.None(err) {
		return 0, time.Time{}, nil
	}
	return n, last, err
}

// askedBy is how often all callers of a body asked in a month, the ended ones too.
func askedBy(ctx context.Context, tx *db.Tx, portal, nipc, month string) (n int64, err error) {
	err = tx.Row(ctx, `SELECT COALESCE(SUM(n.count), 0) FROM caller_count n JOIN caller c ON c.id = n.caller
		WHERE c.portal = $1 AND c.body_nipc = $2 AND n.month = $3`, portal, nipc, month).Scan(&n)
	return n, err
}
