package audit

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"chancela/internal/db"
)

// appendRow takes the next number, which locks the head until the deed is committed, and chains the row to it.
func appendRow(ctx context.Context, tx *db.Tx, r row) error {
	err := tx.Row(ctx, `UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash`).Scan(&r.seq, &r.text[colPrev])
	if err != nil {
		return fmt.Errorf("take a number: %w", err)
	}
	r.text[colAt] = tx.Stamp()
	r.hash = r.digest()
	level, err := strconv.Atoi(r.text[colStrength])
	if err != nil {
		return err
	}
	t := r.text
	_, err = tx.Exec(ctx, `INSERT INTO audit_entry
		(seq, at, portal, kind, person, account, session, roles, strength, opened, address, verb, object, details, prev, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		r.seq, t[colAt], t[colPortal], t[colKind], t[colPerson], t[colAccount], t[colSession], t[colRoles], level, t[colOpened], t[colAddress],
		t[colVerb], t[colObject], t[colDetails], t[colPrev], r.hash)
	if err != nil {
		return fmt.Errorf("insert entry %d: %w", r.seq, err)
	}
	if _, err = tx.Exec(ctx, `UPDATE audit_head SET hash = $1 WHERE id = 1`, r.hash); err != nil {
		return fmt.Errorf("move the head: %w", err)
	}
	return nil
}

// The casts let a value of the wrong type be read, and so be found.
const selectRow = `SELECT CAST(seq AS BIGINT), at, portal, kind, person, account, session, roles, CAST(strength AS TEXT),
	opened, address, verb, object, details, prev, hash FROM audit_entry`

func scanRow(scan func(...any) error) (row, error) {
	var r row
	var text [columns]sql.NullString
	into := make([]any, 0, columns+2)
	into = append(into, &r.seq)
	for i := range text {
		into = append(into, &text[i])
	}
	var hash sql.NullString
	if err := scan(append(into, &hash)...); err != nil {
		return row{}, err
	}
	for i := range text {
		r.text[i] = text[i].String
	}
	r.hash = hash.String
	return r, nil
}

// head is the last entry's number and hash; number 0 and the beginning if there is none.
func head(ctx context.Context, tx *db.Tx) (seq int64, hash string, err error) {
	err = tx.Row(ctx, `SELECT seq, hash FROM audit_head WHERE id = 1`).Scan(&seq, &hash)
	if err != nil {
		return 0, "", fmt.Errorf("read the head: %w", err)
	}
	return seq, hash, nil
}

// after reads the next entries in order.
func after(ctx context.Context, tx *db.Tx, seq int64, limit int) ([]row, error) {
	return db.Collect(ctx, tx, scanRow, selectRow+` WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
}

func hashOf(ctx context.Context, tx *db.Tx, seq int64) (hash string, err error) {
	if seq == 0 {
		return beginning, nil
	}
	err = tx.Row(ctx, `SELECT hash FROM audit_entry WHERE seq = $1`, seq).Scan(&hash)
	return hash, err
}

func find(ctx context.Context, tx *db.Tx, f Filter) ([]row, error) {
	where, args := []string{"portal = $1"}, []any{f.Portal}
	and := func(condition string, value any) {
		args = append(args, value)
		where = append(where, condition+" $"+strconv.Itoa(len(args)))
	}
	if f.Object != "" {
		and("object =", f.Object)
	}
	if f.Verb != "" {
		and("verb =", f.Verb)
	}
	if f.Before != 0 {
		and("seq <", f.Before)
	}
	args = append(args, f.Limit)
	query := selectRow + " WHERE " + strings.Join(where, " AND ") + " ORDER BY seq DESC LIMIT $" + strconv.Itoa(len(args))
	return db.Collect(ctx, tx, scanRow, query, args...)
}

// copyCheckpoint keeps the second copy of a checkpoint.
func copyCheckpoint(ctx context.Context, tx *db.Tx, signer string, c Checkpoint) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit_checkpoint (signer, seq, at, note) VALUES ($1, $2, $3, $4)
		ON CONFLICT (signer, seq) DO NOTHING`, signer, c.Seq, tx.Stamp(), c.Note)
	return err
}

// copied is a checkpoint's second copy.
type copied struct {
	seq  int64
	note string
}

func copiesAfter(ctx context.Context, tx *db.Tx, signer string, seq int64, limit int) ([]copied, error) {
	scan := func(scan func(...any) error) (c copied, err error) {
		err = scan(&c.seq, &c.note)
		return c, err
	}
	return db.Collect(ctx, tx, scan, `SELECT seq, note FROM audit_checkpoint
		WHERE signer = $1 AND seq > $2 ORDER BY seq LIMIT $3`, signer, seq, limit)
}
