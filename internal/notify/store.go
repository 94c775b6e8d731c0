package notify

import (
	"context"

	"chancela/internal/db"
)

const columns = `id, portal, case_id, kind, channel, state, tries, reason, queued_at, sent_at, failed_at`

func insert(ctx context.Context, tx *db.Tx, d Delivery, mark string) error {
	_, err := tx.Exec(ctx, `INSERT INTO delivery (`+columns+`, mark)
		VALUES ($1, $2, $3, $4, $5, $6, 0, '', $7, '', '', $8)`,
		d.ID, d.Portal, d.Case, d.Kind, string(d.Channel), string(d.State), db.Time(d.Queued), mark)
	return err
}

func scanDelivery(scan func(...any) error) (d Delivery, err error) {
	err = scan(&d.ID, &d.Portal, &d.Case, &d.Kind, &d.Channel, &d.State, &d.Tries, &d.Reason,
		db.Times(&d.Queued), db.Times(&d.Sent), db.Times(&d.Failed))
	return d, err
}

func find(ctx context.Context, tx *db.Tx, id string) (Delivery, error) {
	return scanDelivery(tx.Row(ctx, `SELECT `+columns+` FROM delivery WHERE id = $1`, id).Scan)
}

func ofCase(ctx context.Context, tx *db.Tx, caseID string) ([]Delivery, error) {
	return db.Collect(ctx, tx, scanDelivery,
		`SELECT `+columns+` FROM delivery WHERE case_id = $1 AND case_id <> '' ORDER BY queued_at, id`, caseID)
}

func failures(ctx context.Context, tx *db.Tx, portal string, most int) ([]Delivery, error) {
	return db.Collect(ctx, tx, scanDelivery, `SELECT `+columns+` FROM delivery
		WHERE state = 'failed' AND (portal = $1 OR $1 = '') ORDER BY failed_at DESC, id LIMIT $2`, portal, most)
}

func removeAll(ctx context.Context, tx *db.Tx, caseID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM delivery WHERE case_id = $1 AND case_id <> ''`, caseID)
	return err
}

// noteSent and noteFailed leave a message that was sent as it is: a second run of its job changes nothing.
func noteSent(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE delivery SET state = 'sent', tries = tries + 1, reason = '', sent_at = $2, failed_at = ''
		WHERE id = $1 AND state <> 'sent'`, id, tx.Stamp())
	return err
}

func noteFailed(ctx context.Context, tx *db.Tx, id, reason string) error {
	_, err := tx.Exec(ctx, `UPDATE delivery SET state = 'failed', tries = tries + 1, reason = $3, failed_at = $2
		WHERE id = $1 AND state <> 'sent'`, id, tx.Stamp(), reason)
	return err
}

func noteTry(ctx context.Context, tx *db.Tx, id, reason string) error {
	_, err := tx.Exec(ctx, `UPDATE delivery SET state = 'queued', tries = tries + 1, reason = $2, failed_at = ''
		WHERE id = $1 AND state <> 'sent'`, id, reason)
	return err
}
