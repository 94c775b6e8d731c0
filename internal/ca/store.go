package ca

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/issuance"
)

// ownKey is one of our own keys with the certificate that it has, if any.
type ownKey struct {
	name       string
	slot       string
	generation int64
	purpose    string
	portal     string
	issuer     string
	orderID    string
	order      []byte
	digest     string // of the public key
	serial     Serial
	der        []byte // of its certificate
	profile    string // of its certificate
	notBefore  time.Time
	notAfter   time.Time
	state      State
}

const keyColumns = `k.name, k.slot, k.generation, k.purpose, k.portal, k.issuer, k.order_id, k.order_der, k.key_digest, k.serial,
	c.der, COALESCE(c.profile, ''), COALESCE(c.not_before, ''), COALESCE(c.not_after, ''), COALESCE(c.state, '')`

func scanKey(scan func(...any) error) (k ownKey, err error) {
	err = scan(&k.name, &k.slot, &k.generation, &k.purpose, &k.portal, &k.issuer, &k.orderID, &k.order, &k.digest, &k.serial,
		&k.der, &k.profile, db.Times(&k.notBefore), db.Times(&k.notAfter), &k.state)
	return k, err
}

func ownKeys(ctx context.Context, tx *db.Tx) ([]ownKey, error) {
	return db.Collect(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM ca_key k
		LEFT JOIN ca_certificate c ON c.serial = k.serial AND k.serial <> '' ORDER BY k.slot, k.generation`)
}

func insertKey(ctx context.Context, tx *db.Tx, k ownKey) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_key (name, slot, generation, purpose, portal, issuer, order_id, order_der, key_digest, serial, made_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10) ON CONFLICT DO NOTHING`,
		k.name, k.slot, k.generation, k.purpose, k.portal, k.issuer, k.orderID, k.order, k.digest, tx.Stamp())
	return n == 1, err
}

func certifyKey(ctx context.Context, tx *db.Tx, name string, serial Serial) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE ca_key SET serial = $2 WHERE name = $1 AND serial = ''`, name, string(serial))
	return n == 1, err
}

const columns = `serial, issuer, order_id, portal, case_id, holder, profile, digest, key_digest, approvals, report, state,
	issued_at, not_before, not_after, der, revoked_at, reason, revoked_by, words, due_at, due_reason,
	due_words, due_by, held_until`

func scan(scan func(...any) error) (Certificate, error) {
	var c Certificate
	var approvals, report string
	err := scan(&c.Serial, &c.Issuer, &c.Order, &c.Portal, &c.Case, &c.Holder, &c.Profile, &c.Digest, &c.Key, &approvals, &report,
		&c.State, db.Times(&c.IssuedAt), db.Times(&c.NotBefore), db.Times(&c.NotAfter), &c.DER, db.Times(&c.RevokedAt),
		&c.Reason, &c.RevokedBy, &c.Words, db.Times(&c.DueAt), &c.DueReason,
		&c.DueWords, &c.DueBy, db.Times(&c.HeldUntil))
	if err != nil {
		return Certificate{}, err
	}
	if err := json.Unmarshal([]byte(approvals), &c.Approvals); err != nil {
		return Certificate{}, fmt.Errorf("approvals of certificate %s: %w", c.Serial, err)
	}
	if err := json.Unmarshal([]byte(report), &c.Report); err != nil {
		return Certificate{}, fmt.Errorf("report of certificate %s: %w", c.Serial, err)
	}
	return c, nil
}

func bySerial(ctx context.Context, tx *db.Tx, serial Serial) (Certificate, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM ca_certificate WHERE serial = $1`, string(serial)).Scan)
}

func byOrder(ctx context.Context, tx *db.Tx, id string) (Certificate, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM ca_certificate WHERE order_id = $1 AND state <> 'lost'`, id).Scan)
}

func ofCase(ctx context.Context, tx *db.Tx, caseID string) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE case_id = $1 AND case_id <> '' ORDER BY intended_at, serial`, caseID)
}

func ofHolder(ctx context.Context, tx *db.Tx, portal string, holder actor.PersonID) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE holder = $2 AND holder <> '' AND portal = $1 AND state IN ('issued', 'suspended', 'revoked')
		ORDER BY issued_at DESC, serial`, portal, string(holder))
}

// keyUsed looks among what was ever meant to be certified, lost ones too, and among our own keys.
func keyUsed(ctx context.Context, tx *db.Tx, fingerprint, butOrder string) (used bool, err error) {
	err = tx.Row(ctx, `SELECT EXISTS (SELECT 1 FROM ca_certificate WHERE key_digest = $1 AND order_id <> $2)
		OR EXISTS (SELECT 1 FROM ca_key WHERE key_digest = $1 AND order_id <> $2)`, fingerprint, butOrder).Scan(&used)
	return used, err
}

func insertIntent(ctx context.Context, tx *db.Tx, c Certificate, tbsHash, replica string) error {
	approvals, err := json.Marshal(c.Approvals)
	if err != nil {
		return err
	}
	report, err := json.Marshal(c.Report)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ca_certificate (serial, issuer, order_id, portal, case_id, holder, profile, digest, key_digest,
		approvals, report, tbs_hash, replica, state, intended_at, issued_at, not_before, not_after, revoked_at, reason, revoked_by, words,
		due_at, due_reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'intended', $14, '', '', '', '', 0, '', '', '', 0)`,
		string(c.Serial), c.Issuer, c.Order, c.Portal, c.Case, string(c.Holder), c.Profile, c.Digest, c.Key,
		string(approvals), string(report), tbsHash, replica, tx.Stamp())
	return err
}

// markIssued records a certificate; false if its intent was closed meanwhile.
func markIssued(ctx context.Context, tx *db.Tx, c Certificate) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE ca_certificate SET state = 'issued', issued_at = $2, not_before = $3, not_after = $4, der = $5
		WHERE serial = $1 AND state = 'intended'`,
		string(c.Serial), tx.Stamp(), db.Time(c.NotBefore), db.Time(c.NotAfter), c.DER)
	return n == 1, err
}

// markRevoked revokes; false if it was no longer in the state.
func markRevoked(ctx context.Context, tx *db.Tx, c Certificate, from, to State, entry []byte) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE ca_certificate SET state = $3, revoked_at = $4, reason = $5, revoked_by = $6, words = $7, entry = $8, due_at = '', held_until = ''
		WHERE serial = $1 AND state = $2`,
		string(c.Serial), string(from), string(to), db.Time(c.RevokedAt), int64(c.Reason), string(c.RevokedBy), c.Words, entry)
	return n == 1, err
}

// lock holds a certificate's row until the transaction ends.
func lock(ctx context.Context, tx *db.Tx, serial Serial) error {
	_, err := tx.Exec(ctx, `UPDATE ca_certificate SET state = state WHERE serial = $1`, string(serial))
	return err
}

// setDue sets when a certificate will be revoked; zero for not at all.
func setDue(ctx context.Context, tx *db.Tx, serial Serial, by actor.PersonID, r Revocation) error {
	at := ""
	if !r.At.IsZero() {
		at = db.Time(r.At)
	}
	_, err := tx.Exec(ctx, `UPDATE ca_certificate SET due_at = $2, due_reason = $3, due_words = $4, due_by = $5
		WHERE serial = $1 AND state IN ('issued', 'suspended')`, string(serial), at, int64(r.Reason), r.Words, string(by))
	return err
}

func markSuspended(ctx context.Context, tx *db.Tx, c Certificate, entry []byte) error {
	_, err := tx.Exec(ctx, `UPDATE ca_certificate SET state = 'suspended', revoked_at = $2, reason = $3, revoked_by = $4, words = $5, entry = $6, held_until = $7
		WHERE serial = $1 AND state = 'issued'`,
		string(c.Serial), db.Time(c.RevokedAt), int64(c.Reason), string(c.RevokedBy), c.Words, entry, db.Time(c.HeldUntil))
	return err
}

func markReinstated(ctx context.Context, tx *db.Tx, serial Serial) error {
	_, err := tx.Exec(ctx, `UPDATE ca_certificate SET state = 'issued', revoked_at = '', reason = 0, revoked_by = '', words = '', entry = NULL, held_until = ''
		WHERE serial = $1 AND state = 'suspended'`, string(serial))
	return err
}

func insertSuspension(ctx context.Context, tx *db.Tx, by actor.PersonID, w Suspension) error {
	_, err := tx.Exec(ctx, `INSERT INTO ca_suspension (id, serial, began_at, until_at, after, right_of, person, words, ended_at, ended, ended_by, end_words)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', '', '', '')`,
		db.NewID(), string(w.Serial), tx.Stamp(), db.Time(w.Until), string(w.Then), string(w.Right), string(by), w.Words)
	return err
}

func endSuspension(ctx context.Context, tx *db.Tx, serial Serial, how Ending, by actor.PersonID, words string) error {
	_, err := tx.Exec(ctx, `UPDATE ca_suspension SET ended_at = $2, ended = $3, ended_by = $4, end_words = $5 WHERE serial = $1 AND ended_at = ''`,
		string(serial), tx.Stamp(), string(how), string(by), words)
	return err
}

func scanHold(scan func(...any) error) (h Hold, err error) {
	err = scan(db.Times(&h.From), db.Times(&h.Until), &h.Then, &h.Right, &h.By, &h.Words, db.Times(&h.EndedAt), &h.Ended, &h.EndedBy, &h.EndWord)
	return h, err
}

func suspensionsOf(ctx context.Context, tx *db.Tx, serial Serial) ([]Hold, error) {
	return db.Collect(ctx, tx, scanHold, `SELECT began_at, until_at, after, right_of, person, words, ended_at, ended, ended_by, end_words
		FROM ca_suspension WHERE serial = $1 ORDER BY began_at, id`, string(serial))
}

func held(ctx context.Context, tx *db.Tx, portal string) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE held_until <> '' AND portal = $1 AND state = 'suspended'
		ORDER BY held_until, serial LIMIT 500`, portal)
}

// stale lists the intents that nobody works on any more: this replica's own, and those that are old.
func stale(ctx context.Context, tx *db.Tx, replica string, before time.Time) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE state = 'intended' AND (replica = $1 OR intended_at < $2)
		ORDER BY intended_at`, replica, db.Time(before))
}

// due lists those whose scheduled revocation or whose suspension's end had come by a moment.
func due(ctx context.Context, tx *db.Tx, by time.Time) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate
		WHERE (due_at <> '' AND due_at <= $1 AND state IN ('issued', 'suspended')) OR (held_until <> '' AND held_until <= $1 AND state = 'suspended')
		ORDER BY serial LIMIT 200`, db.Time(by))
}

// changed counts a change of what an issuer's list must say.
func changed(ctx context.Context, tx *db.Tx, issuer string) error {
	_, err := tx.Exec(ctx, `INSERT INTO ca_list_head (issuer, number, changes) VALUES ($1, 0, 1)
		ON CONFLICT (issuer) DO UPDATE SET changes = ca_list_head.changes + 1`, issuer)
	return err
}

// nextNumber takes the next number of an issuer's lists, and locks them until the transaction ends.
func nextNumber(ctx context.Context, tx *db.Tx, issuer string) (number, changes int64, err error) {
	err = tx.Row(ctx, `INSERT INTO ca_list_head (issuer, number, changes) VALUES ($1, 1, 0)
		ON CONFLICT (issuer) DO UPDATE SET number = ca_list_head.number + 1 RETURNING number, changes`, issuer).Scan(&number, &changes)
	return number, changes, err
}

func entries(ctx context.Context, tx *db.Tx, issuer string) ([]byte, error) {
	rows, err := tx.Query(ctx, `SELECT entry FROM ca_certificate WHERE issuer = $1 AND state IN ('suspended', 'revoked', 'lost') ORDER BY revoked_at, serial`, issuer)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all, one []byte
	for rows.Next() {
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, rows.Err()
}

func lastRevocation(ctx context.Context, tx *db.Tx, issuer string) (last time.Time, err error) {
	err = tx.Row(ctx, `SELECT COALESCE(max(revoked_at), '') FROM ca_certificate WHERE issuer = $1 AND state IN ('suspended', 'revoked', 'lost')`, issuer).
		Scan(db.Times(&last))
	return last, err
}

func scanList(scan func(...any) error) (l List, err error) {
	err = scan(&l.Issuer, &l.Number, &l.changes, db.Times(&l.ThisUpdate), db.Times(&l.NextUpdate), &l.DER)
	return l, err
}

func listInForce(ctx context.Context, tx *db.Tx, issuer string) (List, error) {
	return scanList(tx.Row(ctx, `SELECT issuer, number, changes, this_update, next_update, der FROM ca_list
		WHERE issuer = $1 ORDER BY number DESC LIMIT 1`, issuer).Scan)
}

// numberInForce is the number of the list in force, and whether it says all that it must; 0 for no list.
func numberInForce(ctx context.Context, tx *db.Tx, issuer string) (number int64, whole bool, err error) {
	var changes, said int64
	err = tx.Row(ctx, `SELECT l.number, l.changes, h.changes FROM ca_list l JOIN ca_list_head h ON h.issuer = l.issuer
		WHERE l.issuer = $1 ORDER BY l.number DESC LIMIT 1`, issuer).Scan(&number, &said, &changes)
	if db.None(err) {
		return 0, false, nil
	}
	return number, said == changes, err
}

// listsKept are how many lists of an issuer stay in the database.
const listsKept = 8

// insertList stores a list, unless one with a higher number is in force already.
func insertList(ctx context.Context, tx *db.Tx, l List) (bool, error) {
	if _, err := tx.Exec(ctx, `UPDATE ca_list_head SET number = number WHERE issuer = $1`, l.Issuer); err != nil { // locks
		return false, err
	}
	newest, _, err := numberInForce(ctx, tx, l.Issuer)
	if err != nil || newest >= l.Number {
		return false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ca_list (issuer, number, changes, this_update, next_update, der) VALUES ($1, $2, $3, $4, $5, $6)`,
		l.Issuer, l.Number, l.changes, db.Time(l.ThisUpdate), db.Time(l.NextUpdate), l.DER)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM ca_list WHERE issuer = $1 AND number <= $2`, l.Issuer, l.Number-listsKept)
	return true, err
}

func insertIdentity(ctx context.Context, tx *db.Tx, by actor.Actor, i Identity) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_identity (portal, case_id, digest, how, words, person, account, session, strength, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		i.Portal, i.Case, i.Digest, i.How, i.Words, string(by.Person), string(by.Account), by.Session, int64(by.Strength), tx.Stamp())
	return n == 1, err
}

func identityOf(ctx context.Context, tx *db.Tx, portal, caseID, digest string) (Identity, error) {
	i := Identity{Portal: portal, Case: caseID, Digest: digest}
	err := tx.Row(ctx, `SELECT how, words, person, at FROM ca_identity WHERE portal = $1 AND case_id = $2 AND digest = $3`,
		portal, caseID, digest).Scan(&i.How, &i.Words, &i.By, db.Times(&i.At))
	return i, err
}

func sealsOf(ctx context.Context, tx *db.Tx, portal, subject string) (n int64, err error) {
	err = tx.Row(ctx, `SELECT count(*) FROM ca_seal WHERE portal = $1 AND subject = $2`, portal, subject).Scan(&n)
	return n, err
}

func insertSeal(ctx context.Context, tx *db.Tx, id string, r SealRequest, digest string, serial Serial, approvals []string) error {
	list, err := json.Marshal(approvals)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ca_seal (id, portal, subject, digest, serial, approvals, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, r.Portal, r.Subject, digest, string(serial), string(list), tx.Stamp())
	return err
}

// standing is the little that an answer about status needs.
type standing struct {
	state     State
	issuer    string
	revokedAt time.Time
	intended  time.Time
	reason    issuance.Reason
}

func standingOf(ctx context.Context, tx *db.Tx, serial Serial) (standing, error) {
	var s standing
	err := tx.Row(ctx, `SELECT state, issuer, revoked_at, intended_at, reason FROM ca_certificate WHERE serial = $1`, string(serial)).
		Scan(&s.state, &s.issuer, db.Times(&s.revokedAt), db.Times(&s.intended), &s.reason)
	return s, err
}

// markTime puts a second on record as stamped, and gives the latest that is there.
func markTime(ctx context.Context, tx *db.Tx, at time.Time) (latest time.Time, err error) {
	err = tx.Row(ctx, `INSERT INTO ca_stamped (slot, latest) VALUES ('unit', $1)
		ON CONFLICT (slot) DO UPDATE SET latest = CASE WHEN ca_stamped.latest < excluded.latest THEN excluded.latest ELSE ca_stamped.latest END
		RETURNING latest`, db.Time(at)).Scan(db.Times(&latest))
	return latest, err
}
