package evidence

import (
	"context"
	"strings"

	"chancela/internal/blob"
	"chancela/internal/db"
)

const columns = `id, portal, case_id, slot, name, kind, size, digest, blob, findings, scan, added_by, added_at`

func insert(ctx context.Context, tx *db.Tx, d Doc) error {
	findings := make([]string, len(d.Findings))
	for i, f := range d.Findings {
		findings[i] = string(f)
	}
	_, err := tx.Exec(ctx, `INSERT INTO evidence (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		string(d.ID), d.Portal, d.Case, d.Slot, d.Name, string(d.Kind), d.Size, d.Digest, string(d.blob),
		strings.Join(findings, " "), string(d.Scan), d.By, db.Time(d.At))
	return err
}

func scanDoc(scan func(...any) error) (d Doc, err error) {
	var findings string
	err = scan(&d.ID, &d.Portal, &d.Case, &d.Slot, &d.Name, &d.Kind, &d.Size, &d.Digest, &d.blob,
		&findings, &d.Scan, &d.By, db.Times(&d.At))
	for _, f := range strings.Fields(findings) {
		d.Findings = append(d.Findings, Finding(f))
	}
	return d, err
}

// find gives a document of a case; that of another case does not exist.
func find(ctx context.Context, tx *db.Tx, portal, caseID string, id ID) (Doc, error) {
	return scanDoc(tx.Row(ctx, `SELECT `+columns+` FROM evidence WHERE id = $1 AND case_id = $2 AND portal = $3`,
		string(id), caseID, portal).Scan)
}

// Of lists the documents of a case, in the order in which they came.
func Of(ctx context.Context, tx *db.Tx, caseID string) ([]Doc, error) {
	return db.Collect(ctx, tx, scanDoc, `SELECT `+columns+` FROM evidence WHERE case_id = $1 ORDER BY added_at, id`, caseID)
}

func every(ctx context.Context, tx *db.Tx) ([]Doc, error) {
	return db.Collect(ctx, tx, scanDoc, `SELECT `+columns+` FROM evidence ORDER BY id`)
}

// twin gives the name of a document with the same content in the same place, or "". One document may serve two places.
func twin(ctx context.Context, tx *db.Tx, caseID, slot, digest string) (name string, err error) {
	err = tx.Row(ctx, `SELECT name FROM evidence WHERE case_id = $1 AND slot = $2 AND digest = $3`, caseID, slot, digest).Scan(&name)
	if db.None(err) {
		return "", nil
	}
	return name, err
}

// count adds to what a case holds and gives the new totals. The row is locked until the commit, so totals never race.
func count(ctx context.Context, tx *db.Tx, caseID string, files, bytes int64) (allFiles, allBytes int64, err error) {
	err = tx.Row(ctx, `INSERT INTO evidence_total (case_id, files, bytes) VALUES ($1, $2, $3)
		ON CONFLICT (case_id) DO UPDATE SET files = evidence_total.files + excluded.files, bytes = evidence_total.bytes + excluded.bytes
		RETURNING files, bytes`, caseID, files, bytes).Scan(&allFiles, &allBytes)
	return allFiles, allBytes, err
}

func discount(ctx context.Context, tx *db.Tx, caseID string, bytes int64) error {
	_, err := tx.Exec(ctx, `UPDATE evidence_total SET files = files - 1, bytes = bytes - $2 WHERE case_id = $1`, caseID, bytes)
	return err
}

func remove(ctx context.Context, tx *db.Tx, id ID) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM evidence WHERE id = $1`, string(id))
}

func removeAll(ctx context.Context, tx *db.Tx, caseID string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM evidence WHERE case_id = $1`, caseID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM evidence_total WHERE case_id = $1`, caseID)
	return err
}

func named(ctx context.Context, tx *db.Tx, name blob.Name) (bool, error) {
	var n int64
	err := tx.Row(ctx, `SELECT count(*) FROM evidence WHERE blob = $1`, string(name)).Scan(&n)
	return n > 0, err
}
