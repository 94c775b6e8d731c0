package certificate

import (
	"context"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
)

// row is an order as it is stored: with what pages do not show.
type row struct {
	Order
	digest   string
	der      []byte
	quorum   int
	identity bool
	tries    int
	serial   string
	power    string   // key of the power that it was ordered by
	right    ca.Right // by which whoever asks comes to it
}

const columns = `id, portal, procedure_key, case_id, number, product_pt, product_en, profile, digest, order_der, quorum, identity, person, account,
	subject, body, body_nipc, power, state, held, tries, serial, made_at, issued_at, closed_at`

func scan(scan func(...any) error) (r row, err error) {
	err = scan(&r.ID, &r.Portal, &r.Procedure, &r.Case, &r.Number, &r.Product.PT, &r.Product.EN, &r.Profile, &r.digest, &r.der, &r.quorum,
		&r.identity, &r.Holder, &r.Account, &r.Subject, &r.Body, &r.BodyNIPC, &r.power, &r.State, &r.Held, &r.tries, &r.serial,
		db.Times(&r.MadeAt), db.Times(&r.IssuedAt), db.Times(&r.ClosedAt))
	return r, err
}

func byID(ctx context.Context, tx *db.Tx, id ID) (row, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM certificate_order WHERE id = $1`, string(id)).Scan)
}

func bySerial(ctx context.Context, tx *db.Tx, serial string) (row, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM certificate_order WHERE serial = $1 AND serial <> ''`, serial).Scan)
}

// byNumber finds the order that has a certificate by its serial number, or by the number of the case.
func byNumber(ctx context.Context, tx *db.Tx, portal, number string) (row, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM certificate_order WHERE portal = $1 AND serial <> '' AND (serial = $2 OR upper(number) = $2)
		ORDER BY made_at DESC LIMIT 1`, portal, number).Scan)
}

// issuedFor lists the orders of a body that have their certificate, newest first.
func issuedFor(ctx context.Context, tx *db.Tx, portal, nipc string) ([]row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM certificate_order WHERE portal = $1 AND body_nipc = $2 AND body_nipc <> '' AND serial <> ''
		ORDER BY made_at DESC, id LIMIT 500`, portal, nipc)
}

// setWarned notes that the end of a suspension was told; false if it was before.
func setWarned(ctx context.Context, tx *db.Tx, id ID, until time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_order SET hold_told = $2 WHERE id = $1 AND hold_told <> $2`, string(id), db.Time(until))
	return n == 1, err
}

func byCase(ctx context.Context, tx *db.Tx, caseID string) (row, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM certificate_order WHERE case_id = $1`, caseID).Scan)
}

func ofPerson(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID) ([]row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM certificate_order WHERE portal = $1 AND person = $2 AND person <> ''
		ORDER BY made_at DESC, id LIMIT 500`, portal, string(person))
}

// ofBody gives the orders of a profile for a body, but for one case's.
func ofBody(ctx context.Context, tx *db.Tx, portal, nipc, profile, butCase string) ([]row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM certificate_order WHERE portal = $1 AND body_nipc = $2 AND profile = $3 AND case_id <> $4
		ORDER BY made_at DESC, id LIMIT 5000`, portal, nipc, profile, butCase)
}

func awaiting(ctx context.Context, tx *db.Tx, portal string) ([]row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM certificate_order WHERE portal = $1 AND state = 'awaiting-identity'
		ORDER BY made_at, id LIMIT 500`, portal)
}

func ready(ctx context.Context, tx *db.Tx) ([]row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM certificate_order WHERE state = 'issuing' AND next_try <= $1 ORDER BY next_try, id LIMIT 100`,
		tx.Stamp())
}

// keyOrdered says whether another case orders the same key.
func keyOrdered(ctx context.Context, tx *db.Tx, fingerprint, butCase string) (ordered bool, err error) {
	err = tx.Row(ctx, `SELECT EXISTS (SELECT 1 FROM certificate_order WHERE key_digest = $1 AND case_id <> $2)`, fingerprint, butCase).Scan(&ordered)
	return ordered, err
}

func insert(ctx context.Context, tx *db.Tx, id ID, p *plan, state State) error {
	g := p.grant
	_, err := tx.Exec(ctx, `INSERT INTO certificate_order (id, portal, procedure_key, case_id, number, product_pt, product_en, profile, digest, order_der,
		key_digest, quorum, identity, person, account, subject, body, body_nipc, power, state, held, tries, next_try, serial, made_at, issued_at, ends_at, reminded, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, '', 0, $21, '', $21, '', '', 0, '')`,
		string(id), g.Portal.Name, g.Procedure.Key, g.Case, g.Number, p.with.Product.PT, p.with.Product.EN, p.profile.Key, p.digest, p.der,
		p.key.Fingerprint(), g.Procedure.Decide.Approvals, g.Procedure.Decide.Identity, string(g.Person), string(g.Account), p.subject(), p.body, p.nipc, p.with.Power,
		string(state), tx.Stamp())
	return err
}

// move changes an order's state; false if it was no longer in the one it is moved from.
func move(ctx context.Context, tx *db.Tx, id ID, from, to State) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_order SET state = $3, next_try = $4 WHERE id = $1 AND state = $2`, string(id), string(from), string(to), tx.Stamp())
	return n == 1, err
}

// finish is the move behind which there is none: accepted or declined.
func finish(ctx context.Context, tx *db.Tx, id ID, to State) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_order SET state = $2, closed_at = $3 WHERE id = $1 AND state = 'issued'`, string(id), string(to), tx.Stamp())
	return n == 1, err
}

func markIssued(ctx context.Context, tx *db.Tx, id ID, serial string, ends time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_order SET state = 'issued', serial = $2, issued_at = $3, ends_at = $4, held = ''
		WHERE id = $1 AND state = 'issuing'`, string(id), serial, tx.Stamp(), db.Time(ends))
	return n == 1, err
}

// ending lists those whose certificate ends by a moment and of which fewer reminders were sent.
func ending(ctx context.Context, tx *db.Tx, by time.Time, reminders int64) ([]row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM certificate_order
		WHERE state IN ('issued', 'accepted') AND reminded < $1 AND ends_at < $2 ORDER BY ends_at, id LIMIT 10000`, reminders, db.Time(by))
}

// setReminded counts a reminder; false if it, or a later one, was sent before.
func setReminded(ctx context.Context, tx *db.Tx, id ID, number int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_order SET reminded = $2 WHERE id = $1 AND reminded < $2 AND state IN ('issued', 'accepted')`, string(id), number)
	return n == 1, err
}

func hold(ctx context.Context, tx *db.Tx, id ID, why string, next time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE certificate_order SET held = $2, tries = tries + 1, next_try = $3 WHERE id = $1 AND state = 'issuing'`,
		string(id), why, db.Time(next))
	return err
}

// renewal is the row of an order that takes the place of another.
type renewal struct {
	order, renews ID
	changed, ends bool
	reason        int
}

func scanRenewal(scan func(...any) error) (n renewal, err error) {
	err = scan(&n.order, &n.renews, &n.changed, &n.ends, &n.reason)
	return n, err
}

// renewalOf finds what an order takes the place of.
func renewalOf(ctx context.Context, tx *db.Tx, id ID) (renewal, bool, error) {
	n, err := scanRenewal(tx.Row(ctx, `SELECT order_id, renews, changed, ends, reason FROM certificate_renewal WHERE order_id = $1`, string(id)).Scan)
	if db.None(err) {
		return renewal{}, false, nil
	}
	return n, err == nil, err
}

// renewedBy finds the order that takes the place of another, unless it came to nothing.
func renewedBy(ctx context.Context, tx *db.Tx, id ID) (renewal, bool, error) {
	n, err := scanRenewal(tx.Row(ctx, `SELECT order_id, renews, changed, ends, reason FROM certificate_renewal WHERE renews = $1 AND live`, string(id)).Scan)
	if db.None(err) {
		return renewal{}, false, nil
	}
	return n, err == nil, err
}

func insertRenewal(ctx context.Context, tx *db.Tx, n renewal) error {
	_, err := tx.Exec(ctx, `INSERT INTO certificate_renewal (order_id, renews, changed, ends, reason, live) VALUES ($1, $2, $3, $4, $5, TRUE)`,
		string(n.order), string(n.renews), n.changed, n.ends, int64(n.reason))
	return err
}

// dropRenewal lets the earlier certificate be renewed once more: what was to take its place came to nothing.
func dropRenewal(ctx context.Context, tx *db.Tx, id ID) error {
	_, err := tx.Exec(ctx, `UPDATE certificate_renewal SET live = FALSE WHERE order_id = $1`, string(id))
	return err
}

// hanging lists the orders of a body, or of a person there, that came to something or still may.
func hanging(ctx context.Context, tx *db.Tx, portal, nipc string, person actor.PersonID) ([]row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM certificate_order WHERE portal = $1 AND body_nipc = $2 AND ($3 = '' OR person = $3)
		AND state NOT IN ('declined', 'stopped') ORDER BY made_at, id`, portal, nipc, string(person))
}

// stopOrder ends an order that is not issued; false if it is, or was stopped before.
func stopOrder(ctx context.Context, tx *db.Tx, id ID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_order SET state = 'stopped', closed_at = $2 WHERE id = $1 AND state IN ('awaiting-identity', 'issuing')`,
		string(id), tx.Stamp())
	return n == 1, err
}

// mandateRow is a mandate as it is stored: with what pages do not show.
type mandateRow struct {
	Mandate
	der     []byte
	quorum  int
	power   string
	tokenID string
}

const mandateColumns = `m.id, m.portal, m.procedure_key, m.case_id, m.number, m.product_pt, m.product_en, m.profile, m.digest, m.mandate_der, m.quorum,
	m.power_key, m.person, m.account, m.subject, m.body, m.body_nipc, m.most, m.ends_at, m.made_at, m.ended_at, m.token_id, m.token_at`

func scanMandate(scan func(...any) error) (r mandateRow, err error) {
	err = scan(&r.ID, &r.Portal, &r.Procedure, &r.Case, &r.Number, &r.Product.PT, &r.Product.EN, &r.Profile, &r.Digest, &r.der, &r.quorum,
		&r.power, &r.Holder, &r.Account, &r.Subject, &r.Body, &r.BodyNIPC, &r.Most, db.Times(&r.EndsAt), db.Times(&r.MadeAt),
		db.Times(&r.EndedAt), &r.tokenID, db.Times(&r.TokenAt))
	r.HasToken = r.tokenID != ""
	return r, err
}

func mandateByID(ctx context.Context, tx *db.Tx, id MandateID) (mandateRow, error) {
	return scanMandate(tx.Row(ctx, `SELECT `+mandateColumns+` FROM certificate_mandate m WHERE m.id = $1`, string(id)).Scan)
}

func mandateByCase(ctx context.Context, tx *db.Tx, caseID string) (mandateRow, error) {
	return scanMandate(tx.Row(ctx, `SELECT `+mandateColumns+` FROM certificate_mandate m WHERE m.case_id = $1`, caseID).Scan)
}

func mandateByToken(ctx context.Context, tx *db.Tx, hash string) (mandateRow, error) {
	return scanMandate(tx.Row(ctx, `SELECT `+mandateColumns+` FROM certificate_mandate m WHERE m.token_hash = $1 AND m.token_hash <> ''`, hash).Scan)
}

func mandatesOf(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID) ([]mandateRow, error) {
	return db.Collect(ctx, tx, scanMandate, `SELECT `+mandateColumns+` FROM certificate_mandate m WHERE m.portal = $1 AND m.person = $2 AND m.person <> ''
		ORDER BY m.made_at DESC, m.id LIMIT 500`, portal, string(person))
}

// runningOf are the names of a body's running mandates, but that of one case.
func runningOf(ctx context.Context, tx *db.Tx, portal, nipc, butCase string) ([]string, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (name string, err error) {
		err = scan(&name)
		return name, err
	}, `SELECT subject FROM certificate_mandate WHERE portal = $1 AND body_nipc = $2 AND case_id <> $3 AND ended_at = '' AND ends_at > $4`,
		portal, nipc, butCase, tx.Stamp())
}

func insertMandate(ctx context.Context, tx *db.Tx, id MandateID, p *mandatePlan) error {
	g := p.grant
	_, err := tx.Exec(ctx, `INSERT INTO certificate_mandate (id, portal, procedure_key, case_id, number, product_pt, product_en, profile, digest, mandate_der,
		quorum, power_key, person, account, subject, body, body_nipc, most, ends_at, made_at, ended_at, ended_by, token_id, token_hash, token_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, '', '', '', '', '')`,
		string(id), g.Portal.Name, g.Procedure.Key, g.Case, g.Number, p.with.Product.PT, p.with.Product.EN, p.profile.Key, p.digest, p.der,
		g.Procedure.Decide.Approvals, p.with.Power, string(g.Person), string(g.Account), p.named(), p.body, p.nipc, p.most, db.Time(p.before),
		tx.Stamp())
	return err
}

// setToken puts a token in the place of the one before; false if the mandate was ended.
func setToken(ctx context.Context, tx *db.Tx, id MandateID, tokenID, hash string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_mandate SET token_id = $2, token_hash = $3, token_at = $4 WHERE id = $1 AND ended_at = ''`,
		string(id), tokenID, hash, tx.Stamp())
	return n == 1, err
}

// dropToken takes the token away; false if there is none.
func dropToken(ctx context.Context, tx *db.Tx, id MandateID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_mandate SET token_id = '', token_hash = '', token_at = '' WHERE id = $1 AND token_hash <> ''`, string(id))
	return n == 1, err
}

func endMandate(ctx context.Context, tx *db.Tx, id MandateID, by actor.PersonID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate_mandate SET ended_at = $2, ended_by = $3, token_id = '', token_hash = '', token_at = ''
		WHERE id = $1 AND ended_at = ''`, string(id), tx.Stamp(), string(by))
	return n == 1, err
}
