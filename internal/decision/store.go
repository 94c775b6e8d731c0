package decision

import (
	"context"
	"encoding/json"
	"fmt"

	"chancela/internal/db"
)

// next takes the next number of a history and, for a void, the next round.
func next(ctx context.Context, tx *db.Tx, history string, rounds int64) (number, round int64, err error) {
	err = tx.Row(ctx, `INSERT INTO decision_round (history, number, round) VALUES ($1, 1, $2)
		ON CONFLICT (history) DO UPDATE SET number = decision_round.number + 1, round = decision_round.round + $2
		RETURNING number, round`, history, rounds).Scan(&number, &round)
	return number, round, err
}

// hold locks the history of a case until the deed is committed: nothing is decided on it or voided meanwhile.
func hold(ctx context.Context, tx *db.Tx, caseID string) error {
	_, err := tx.Exec(ctx, `UPDATE decision_round SET number = number WHERE history = $1`, caseID)
	return err
}

// insert says whether the row was new; a person's second approval of the same is not an error of the database, so
// that the transaction lives on.
func insert(ctx context.Context, tx *db.Tx, e Entry) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO decision (id, case_id, number, round, at, portal, verdict, revision, subject, kind,
		person, account, session, strength, roles, office, delegation, reasons, weighing, minutes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT DO NOTHING`,
		string(e.ID), e.Case, e.Number, e.Round, tx.Stamp(), e.Portal, string(e.Verdict), e.Revision, e.Subject,
		string(e.Kind), string(e.Person), string(e.Account), e.Session, int64(e.Strength), e.Roles, e.Office,
		e.Delegation, encode(e.Reasons), e.Weighing, e.Minutes)
	return n == 1, err
}

const columns = `d.id, d.case_id, d.number, d.round, d.at, d.portal, d.verdict, d.revision, d.subject, d.kind, d.person,
	d.account, d.session, d.strength, d.roles, d.office, d.delegation, d.reasons, d.weighing, d.minutes`

func scan(scan func(...any) error) (Entry, error) {
	var e Entry
	var reasons string
	err := scan(&e.ID, &e.Case, &e.Number, &e.Round, db.Times(&e.At), &e.Portal, &e.Verdict, &e.Revision, &e.Subject,
		&e.Kind, &e.Person, &e.Account, &e.Session, &e.Strength, &e.Roles, &e.Office, &e.Delegation, &reasons,
		&e.Weighing, &e.Minutes)
	if err != nil {
		return Entry{}, err
	}
	if err := json.Unmarshal([]byte(reasons), &e.Reasons); err != nil {
		return Entry{}, fmt.Errorf("reasons of decision %s: %w", e.ID, err)
	}
	return e, nil
}

func history(ctx context.Context, tx *db.Tx, caseID string) ([]Entry, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM decision d WHERE d.case_id = $1 AND d.case_id <> '' ORDER BY d.number`, caseID)
}

func byID(ctx context.Context, tx *db.Tx, id ID) (Entry, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM decision d WHERE d.id = $1`, string(id)).Scan)
}

// approvalsOf reads the approvals of a subject that no other row of their case made worthless: neither a later void,
// nor a refusal or desertion in the same round.
func approvalsOf(ctx context.Context, tx *db.Tx, portal, subject string) ([]Entry, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM decision d
		WHERE d.portal = $1 AND d.subject = $2 AND d.verdict = 'approve' AND d.person <> ''
		AND NOT EXISTS (SELECT 1 FROM decision v WHERE v.case_id = d.case_id
			AND (v.verdict = 'void' AND v.number > d.number OR v.verdict IN ('refuse', 'desert') AND v.round = d.round))
		ORDER BY d.at, d.case_id, d.number`, portal, subject)
}

func ceremonyOf(ctx context.Context, tx *db.Tx, portal, subject string) (ID, error) {
	var id ID
	err := tx.Row(ctx, `SELECT id FROM decision WHERE portal = $1 AND subject = $2 AND verdict = 'ceremony'`, portal, subject).Scan(&id)
	return id, err
}
