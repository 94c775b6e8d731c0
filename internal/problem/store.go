package problem

import (
	"context"

	"chancela/internal/actor"
	"chancela/internal/db"
)

func nextNumber(ctx context.Context, tx *db.Tx, portal string, year int) (n int64, err error) {
	err = tx.Row(ctx, `INSERT INTO problem_number (portal, year, last) VALUES ($1, $2, 1)
		ON CONFLICT (portal, year) DO UPDATE SET last = problem_number.last + 1 RETURNING last`, portal, int64(year)).Scan(&n)
	return n, err
}

func insert(ctx context.Context, tx *db.Tx, r Report) error {
	_, err := tx.Exec(ctx, `INSERT INTO problem_report (id, portal, number, kind, state, locked, lang, made_at, due_at, answer, person, answered_at)
		VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, '', '', '')`,
		string(r.ID), r.Portal, r.Number, string(r.Kind), r.locked, string(r.Lang), tx.Stamp(), db.Time(r.DueAt))
	return err
}

const columns = `id, portal, number, kind, state, locked, lang, made_at, due_at, answer, person, answered_at`

func scan(scan func(...any) error) (r Report, err error) {
	err = scan(&r.ID, &r.Portal, &r.Number, &r.Kind, &r.State, &r.locked, &r.Lang, db.Times(&r.At), db.Times(&r.DueAt), &r.Answer, &r.person, db.Times(&r.AnsweredAt))
	return r, err
}

func byID(ctx context.Context, tx *db.Tx, id ID) (Report, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM problem_report WHERE id = $1`, string(id)).Scan)
}

// waiting lists the open ones by their term, and behind them the last that were answered.
func waiting(ctx context.Context, tx *db.Tx, portal string) ([]Report, error) {
	open, err := db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM problem_report WHERE portal = $1 AND state = 'open' ORDER BY due_at, id LIMIT 500`, portal)
	if err != nil {
		return nil, err
	}
	answered, err := db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM problem_report WHERE portal = $1 AND state = 'answered'
		ORDER BY answered_at DESC, id LIMIT 50`, portal)
	return append(open, answered...), err
}

func answer(ctx context.Context, tx *db.Tx, id ID, by actor.PersonID, locked string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE problem_report SET state = 'answered', answer = $2, person = $3, answered_at = $4 WHERE id = $1 AND state = 'open'`,
		string(id), locked, string(by), tx.Stamp())
	return n == 1, err
}
