package throttle

import (
	"context"
	"time"

	"chancela/internal/db"
)

// take counts one more, or begins a new window, or changes nothing if the limit is reached: one statement, so that
// those who take at once are counted one after the other. The clock of a replica that is behind begins no new window.
func take(ctx context.Context, tx *db.Tx, rule Rule, who string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO throttle (rule, who, count, ends) VALUES ($1, $2, 1, $3)
		ON CONFLICT (rule, who) DO UPDATE SET
			count = CASE WHEN throttle.ends <= $4 THEN 1 ELSE throttle.count + 1 END,
			ends = CASE WHEN throttle.ends <= $4 THEN $3 ELSE throttle.ends END
		WHERE throttle.ends <= $4 OR throttle.count < $5`,
		rule.Name, who, db.Time(tx.Now().Add(rule.Window)), tx.Stamp(), rule.Limit)
	return n == 1, err
}

// find gives the count and the end of its window; zero if nothing was counted.
func find(ctx context.Context, tx *db.Tx, rule Rule, who string) (count int64, ends time.Time, err error) {
	err = tx.Row(ctx, `SELECT count, ends FROM throttle WHERE rule = $1 AND who = $2`, rule.Name, who).Scan(&count, db.Times(&ends))
	if db.None(err) {
		return 0, time.Time{}, nil
	}
	return count, ends, err
}

func forget(ctx context.Context, tx *db.Tx, rule Rule, who string) error {
	_, err := tx.Exec(ctx, `DELETE FROM throttle WHERE rule = $1 AND who = $2`, rule.Name, who)
	return err
}

func sweep(ctx context.Context, tx *db.Tx) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM throttle WHERE ends <= $1`, tx.Stamp())
}
