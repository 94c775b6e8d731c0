package publication

import (
	"context"

	"chancela/internal/db"
	"chancela/internal/i18n"
)

// inForce is the last number given, 0 for none, and whether its texts are these.
func inForce(ctx context.Context, tx *db.Tx, now []Statement) (number int64, same bool, err error) {
	if err := tx.Row(ctx, `SELECT COALESCE(max(number), 0) FROM publication_statement`).Scan(&number); err != nil || number == 0 {
		return 0, false, err
	}
	for _, one := range now {
		last, err := find(ctx, tx, one.Lang, number)
		if err != nil || last.Hash != one.Hash {
			return number, false, err
		}
	}
	return number, true, nil
}

func insert(ctx context.Context, tx *db.Tx, s Statement) error {
	_, err := tx.Exec(ctx, `INSERT INTO publication_statement (number, lang, hash, text, published_at) VALUES ($1, $2, $3, $4, $5)`,
		s.Number, string(s.Lang), s.Hash, s.Text, tx.Stamp())
	return err
}

func find(ctx context.Context, tx *db.Tx, lang i18n.Lang, number int64) (s Statement, err error) {
	err = tx.Row(ctx, `SELECT number, lang, hash, text, published_at FROM publication_statement WHERE lang = $1 AND (number = $2 OR $2 = 0)
		ORDER BY number DESC LIMIT 1`, string(lang), number).Scan(&s.Number, &s.Lang, &s.Hash, &s.Text, db.Times(&s.PublishedAt))
	return s, err
}
