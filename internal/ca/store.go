package ca

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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
	offline    bool     // the key is not where this instance's keys are
	profiles   []string // of an issuing authority: what it issues; none for whatever no other does
	made       time.Time
}

const keyColumns = `k.name, k.slot, k.generation, k.purpose, k.portal, k.issuer, k.order_id, k.order_der, k.key_digest, k.serial,
	c.der, COALESCE(c.profile, ''), COALESCE(c.not_before, ''), COALESCE(c.not_after, ''), COALESCE(c.state, ''),
	k.offline, k.profiles, k.made_at`

func scanKey(scan func(...any) error) (k ownKey, err error) {
	var profiles string
	err = scan(&k.name, &k.slot, &k.generation, &k.purpose, &k.portal, &k.issuer, &k.orderID, &k.order, &k.digest, &k.serial,
		&k.der, &k.profile, db.Times(&k.notBefore), db.Times(&k.notAfter), &k.state, &k.offline, &profiles, db.Times(&k.made))
	k.profiles = strings.Fields(profiles)
	return k, err
}

func ownKeys(ctx context.Context, tx *db.Tx) ([]ownKey, error) {
	return db.Collect(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM ca_key k
		LEFT JOIN ca_certificate c ON c.serial = k.serial AND k.serial <> '' ORDER BY k.slot, k.generation`)
}

func insertKey(ctx context.Context, tx *db.Tx, k ownKey) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_key (name, slot, generation, purpose, portal, issuer, order_id, order_der, key_digest, serial, made_at, offline, profiles)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $11, $12) ON CONFLICT DO NOTHING`,
		k.name, k.slot, k.generation, k.purpose, k.portal, k.issuer, k.orderID, k.order, k.digest, tx.Stamp(), k.offline, strings.Join(k.profiles, " "))
	return n == 1, err
}

func certifyKey(ctx context.Context, tx *db.Tx, name string, serial Serial) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE ca_key SET serial = $2 WHERE name = $1 AND serial = ''`, name, string(serial))
	return n == 1, err
}

const columns = `serial, issuer, order_id, portal, case_id, holder, profile, digest, key_digest, approvals, report, state,
	issued_at, not_before, not_after, der, revoked_at, reason, revoked_by, words, due_at, due_reason,
	due_words, due_by, held_until, list, mandate`

func scan(scan func(...any) error) (Certificate, error) {
	var c Certificate
	var approvals, report string
	err := scan(&c.Serial, &c.Issuer, &c.Order, &c.Portal, &c.Case, &c.Holder, &c.Profile, &c.Digest, &c.Key, &approvals, &report,
		&c.State, db.Times(&c.IssuedAt), db.Times(&c.NotBefore), db.Times(&c.NotAfter), &c.DER, db.Times(&c.RevokedAt),
		&c.Reason, &c.RevokedBy, &c.Words, db.Times(&c.DueAt), &c.DueReason,
		&c.DueWords, &c.DueBy, db.Times(&c.HeldUntil), &c.List, &c.Mandate)
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
		due_at, due_reason, list, mandate)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'intended', $14, '', '', '', '', 0, '', '', '', 0, $15, $16)`,
		string(c.Serial), c.Issuer, c.Order, c.Portal, c.Case, string(c.Holder), c.Profile, c.Digest, c.Key,
		string(approvals), string(report), tbsHash, replica, tx.Stamp(), c.List, c.Mandate)
	return err
}

// takeOne counts a certificate under a mandate; false if it is used up or was ended.
func takeOne(ctx context.Context, tx *db.Tx, portal, caseID, digest string, most int) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_mandate (portal, case_id, digest, used, ended_at) VALUES ($1, $2, $3, 1, '')
		ON CONFLICT (portal, case_id, digest) DO UPDATE SET used = ca_mandate.used + 1 WHERE ca_mandate.used < $4 AND ca_mandate.ended_at = ''`,
		portal, caseID, digest, most)
	return n == 1, err
}

// giveBack uncounts a certificate that was never recorded.
func giveBack(ctx context.Context, tx *db.Tx, c Certificate) error {
	_, err := tx.Exec(ctx, `UPDATE ca_mandate SET used = used - 1 WHERE portal = $1 AND case_id = $2 AND digest = $3 AND used > 0`,
		c.Portal, c.Case, c.Mandate)
	return err
}

func usedOf(ctx context.Context, tx *db.Tx, portal, caseID, digest string) (used int, ended bool, err error) {
	err = tx.Row(ctx, `SELECT used, ended_at <> '' FROM ca_mandate WHERE portal = $1 AND case_id = $2 AND digest = $3`, portal, caseID, digest).
		Scan(&used, &ended)
	if db.None(err) {
		return 0, false, nil
	}
	return used, ended, err
}

func endMandate(ctx context.Context, tx *db.Tx, portal, caseID, digest string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_mandate (portal, case_id, digest, used, ended_at) VALUES ($1, $2, $3, 0, $4)
		ON CONFLICT (portal, case_id, digest) DO UPDATE SET ended_at = excluded.ended_at WHERE ca_mandate.ended_at = ''`,
		portal, caseID, digest, tx.Stamp())
	return n == 1, err
}

func ofMandate(ctx context.Context, tx *db.Tx, caseID, digest string, most int) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE case_id = $1 AND case_id <> '' AND mandate = $2 AND state IN ('issued', 'revoked')
		ORDER BY issued_at DESC, serial LIMIT $3`, caseID, digest, most)
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

// due lists those whose scheduled revocation or whose suspension's end had come by a moment, the longest overdue first.
func due(ctx context.Context, tx *db.Tx, by time.Time) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, queryDue, db.Time(by))
}

// dueOfOrders lists those of them that an order stands behind. What was issued under a mandate is left out before they
// are counted off, or many of those would hide the orders', and nobody would be told of these.
func dueOfOrders(ctx context.Context, tx *db.Tx, by time.Time) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, queryDueOfOrders, db.Time(by))
}

// These queries are asked often and find nearly nothing, of a table of millions: each part of them must keep to its own
// partial index. A plain OR or UNION, ordered by the key, reads the whole table.
const (
	queryDue         = dueBegin + dueMiddle + dueEnd
	queryDueOfOrders = dueBegin + ofOrders + dueMiddle + ofOrders + dueEnd

	ofOrders = ` AND case_id <> '' AND mandate = ''`
	dueBegin = `SELECT ` + columns + ` FROM ca_certificate WHERE serial IN (
			SELECT serial FROM (SELECT serial FROM ca_certificate WHERE due_at <> '' AND due_at <= $1 AND state IN ('issued', 'suspended')`
	dueMiddle = ` ORDER BY due_at LIMIT 200) AS to_revoke
			UNION ALL SELECT serial FROM (SELECT serial FROM ca_certificate WHERE held_until <> '' AND held_until <= $1 AND state = 'suspended'`
	dueEnd = ` ORDER BY held_until LIMIT 200) AS to_end
		) ORDER BY serial`
	queryCrosses = `SELECT ` + columns + ` FROM ca_certificate WHERE profile = 'cross-ca' AND state IN ('issued', 'revoked') ORDER BY issued_at, order_id`
)

// changed says that a certificate's standing changed, in the transaction that changes it, whatever the change is: the
// head of its list counts it, and the certificate keeps the count. The head's row is locked until the transaction ends,
// so that the counts of one list are committed in their order, and whoever read up to one has missed none.
func changed(ctx context.Context, tx *db.Tx, c Certificate) error {
	var turn int64
	err := tx.Row(ctx, `INSERT INTO ca_list_head (list, issuer, number, changes) VALUES ($1, $2, 0, 1)
		ON CONFLICT (list) DO UPDATE SET changes = ca_list_head.changes + 1 RETURNING changes`, c.List, c.Issuer).Scan(&turn)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE ca_certificate SET turn = $2 WHERE serial = $1`, string(c.Serial), turn)
	return err
}

// insertHead begins a list; false if it was there.
func insertHead(ctx context.Context, tx *db.Tx, list, issuer string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_list_head (list, issuer, number, changes) VALUES ($1, $2, 0, 0) ON CONFLICT DO NOTHING`, list, issuer)
	return n == 1, err
}

// countChange has a list made anew, though none of its certificates changed.
func countChange(ctx context.Context, tx *db.Tx, list string) error {
	_, err := tx.Exec(ctx, `UPDATE ca_list_head SET changes = changes + 1 WHERE list = $1`, list)
	return err
}

func countChanges(ctx context.Context, tx *db.Tx, issuer string) error {
	_, err := tx.Exec(ctx, `UPDATE ca_list_head SET changes = changes + 1 WHERE issuer = $1`, issuer)
	return err
}

// liveOf counts the certificates of an issuer that could still be relied on, meant ones too. Our responders do not
// count: they say of the others how they stand, to the end.
func liveOf(ctx context.Context, tx *db.Tx, issuer string) (n int64, err error) {
	err = tx.Row(ctx, `SELECT count(*) FROM ca_certificate WHERE `+liveWhere, issuer, tx.Stamp(), issuance.OCSPResponder).Scan(&n)
	return n, err
}

// liveWhere are the certificates of an issuer ($1) that may be relied on at a moment ($2) or later, but for its own and
// those of its responders ($3).
const liveWhere = `issuer = $1 AND (state = 'intended' OR state IN ('issued', 'suspended') AND not_after > $2)
	AND profile <> $3 AND serial NOT IN (SELECT serial FROM ca_key WHERE name = $1)`

// setLiveDue has all of an ending issuer's certificates revoked now that stand behind cases; what was to be revoked
// sooner, for its own reason, stays.
func setLiveDue(ctx context.Context, tx *db.Tx, issuer string, reason int64, words string) error {
	_, err := tx.Exec(ctx, `UPDATE ca_certificate SET due_at = $2, due_reason = $4, due_words = $5, due_by = ''
		WHERE `+liveWhere+` AND state <> 'intended' AND case_id <> '' AND (due_at = '' OR due_at > $2)`,
		issuer, tx.Stamp(), issuance.OCSPResponder, reason, words)
	return err
}

// liveOwn are the certificates of an ending issuer that no case stands behind: seals, units, what it certified below it.
func liveOwn(ctx context.Context, tx *db.Tx, issuer string) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE `+liveWhere+` AND state <> 'intended' AND case_id = '' ORDER BY serial`,
		issuer, tx.Stamp(), issuance.OCSPResponder)
}

// warnOnce notes that somebody is told of a thing's level; false if they were, and it is no other level and not so long ago.
func warnOnce(ctx context.Context, tx *db.Tx, name string, level Level, again time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_warned (name, level, at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET level = excluded.level, at = excluded.at WHERE ca_warned.level <> excluded.level OR ca_warned.at < $4`,
		name, string(level), tx.Stamp(), db.Time(again))
	return n == 1, err
}

// countOf is how many certificates of an issuer there are, intents left out.
func countOf(ctx context.Context, tx *db.Tx, issuer string) (n int, err error) {
	err = tx.Row(ctx, `SELECT count(*) FROM ca_certificate WHERE issuer = $1 AND state <> 'intended'`, issuer).Scan(&n)
	return n, err
}

func insertEnd(ctx context.Context, tx *db.Tx, e AuthorityEnd) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_ended (issuer, at, words, revokes, reason, shut_at) VALUES ($1, $2, $3, $4, $5, '') ON CONFLICT DO NOTHING`,
		e.Authority, tx.Stamp(), e.Words, e.Revokes, int64(e.Reason))
	return n == 1, err
}

// endings are the authorities that people ended.
func endings(ctx context.Context, tx *db.Tx) ([]ended, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (e ended, err error) {
		var reason int64
		err = scan(&e.Authority, &e.Words, &e.Revokes, &reason, db.Times(&e.shut))
		e.Reason = issuance.Reason(reason)
		return e, err
	}, `SELECT issuer, words, revokes, reason, shut_at FROM ca_ended ORDER BY issuer`)
}

// setShut notes that an ended authority's key signs nothing any more; false if that was noted before.
func setShut(ctx context.Context, tx *db.Tx, issuer string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE ca_ended SET shut_at = $2 WHERE issuer = $1 AND shut_at = ''`, issuer, tx.Stamp())
	return n == 1, err
}

// isShut says whether an authority's key signs nothing any more.
func isShut(ctx context.Context, tx *db.Tx, issuer string) (shut bool, err error) {
	err = tx.Row(ctx, `SELECT EXISTS (SELECT 1 FROM ca_ended WHERE issuer = $1 AND shut_at <> '')`, issuer).Scan(&shut)
	return shut, err
}

// hasLast says whether no other list of an issuer follows, and whether one of them is still to be made.
func hasLast(ctx context.Context, tx *db.Tx, issuer string) (last, lacks bool, err error) {
	if last, err = isEnded(ctx, tx, issuer); err != nil || !last {
		return false, false, err
	}
	live, err := liveOf(ctx, tx, issuer)
	if err != nil || live > 0 {
		return false, false, err
	}
	all, err := heads(ctx, tx)
	for _, h := range all {
		if h.issuer != issuer {
			continue
		}
		l, whole, err := listState(ctx, tx, h.list)
		if err != nil && !db.None(err) {
			return true, true, err
		}
		lacks = lacks || !whole || !l.Last
	}
	return true, lacks, err
}

func isEnded(ctx context.Context, tx *db.Tx, issuer string) (ended bool, err error) {
	err = tx.Row(ctx, `SELECT EXISTS (SELECT 1 FROM ca_ended WHERE issuer = $1)`, issuer).Scan(&ended)
	return ended, err
}

// head is how far a list is: the number last given, the one in force, and how often its content changed.
type head struct {
	list, issuer    string
	number, changes int64
	inForce         int64 // number of the list in force, 0 for none
}

func heads(ctx context.Context, tx *db.Tx) ([]head, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (h head, err error) {
		err = scan(&h.list, &h.issuer, &h.number, &h.changes, &h.inForce)
		return h, err
	}, `SELECT h.list, h.issuer, h.number, h.changes, COALESCE((SELECT max(l.number) FROM ca_list l WHERE l.list = h.list), 0)
		FROM ca_list_head h ORDER BY h.list`)
}

// lacking are the lists of an issuer that do not say all that they must.
func lacking(ctx context.Context, tx *db.Tx, issuer string) ([]string, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (list string, err error) { return list, scan(&list) },
		`SELECT h.list FROM ca_list_head h WHERE h.issuer = $1
		AND h.changes <> COALESCE((SELECT l.changes FROM ca_list l WHERE l.list = h.list ORDER BY l.number DESC LIMIT 1), -1) ORDER BY h.list`, issuer)
}

// nextNumber takes the next number of a list, and locks its head until the transaction ends.
func nextNumber(ctx context.Context, tx *db.Tx, list, issuer string) (number, changes int64, err error) {
	err = tx.Row(ctx, `INSERT INTO ca_list_head (list, issuer, number, changes) VALUES ($1, $2, 1, 0)
		ON CONFLICT (list) DO UPDATE SET number = ca_list_head.number + 1 RETURNING number, changes`, list, issuer).Scan(&number, &changes)
	return number, changes, err
}

// registered is a row of the register: all that an answer about status needs.
type registered struct {
	serial, issuer, list string
	state                State
	revokedAt, ends      string
	reason               int64
}

func (r *registered) into() []any {
	return []any{&r.serial, &r.issuer, &r.list, &r.state, &r.revokedAt, &r.reason, &r.ends}
}

const registerColumns = `serial, issuer, list, state, revoked_at, reason, not_after`

// eachRegistered reads the standing of all that was ever issued.
func eachRegistered(ctx context.Context, tx *db.Tx, take func(registered)) error {
	return eachRow(ctx, tx, take, `SELECT `+registerColumns+` FROM ca_certificate WHERE state <> 'intended'`)
}

func registeredOf(ctx context.Context, tx *db.Tx, serial string) (r registered, intended time.Time, err error) {
	err = tx.Row(ctx, `SELECT `+registerColumns+`, intended_at FROM ca_certificate WHERE serial = $1`, serial).
		Scan(append(r.into(), db.Times(&intended))...)
	return r, intended, err
}

// eachTurned reads the standing of what changed on a list after a turn.
func eachTurned(ctx context.Context, tx *db.Tx, list string, after int64, take func(registered)) error {
	return eachRow(ctx, tx, take, `SELECT `+registerColumns+` FROM ca_certificate WHERE list = $1 AND turn > $2 AND turn > 0`, list, after)
}

func eachRow(ctx context.Context, tx *db.Tx, take func(registered), query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var r registered
	into := r.into()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		take(r)
	}
	return rows.Err()
}

// turned is a certificate whose standing changed, as its list must say it.
type turned struct {
	serial Serial
	turn   int64
	state  State
	entry  []byte // of the list, encoded; nothing for one that is good again
}

// on says whether it is on its list.
func (t turned) on() bool { return t.state != Issued && t.state != Intended }

// turnedAfter are the certificates of a list that changed after a turn, in the order of their turns.
func turnedAfter(ctx context.Context, tx *db.Tx, list string, after int64) ([]turned, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (t turned, err error) {
		err = scan(&t.serial, &t.turn, &t.state, &t.entry)
		return t, err
	}, `SELECT serial, turn, state, entry FROM ca_certificate WHERE list = $1 AND turn > $2 AND turn > 0 ORDER BY turn`, list, after)
}

func scanList(scan func(...any) error) (l List, err error) {
	err = scan(&l.Name, &l.Number, &l.changes, db.Times(&l.ThisUpdate), db.Times(&l.NextUpdate), &l.Last, &l.DER)
	return l, err
}

func listInForce(ctx context.Context, tx *db.Tx, list string) (List, error) {
	return scanList(tx.Row(ctx, `SELECT list, number, changes, this_update, next_update, last, der FROM ca_list
		WHERE list = $1 ORDER BY number DESC LIMIT 1`, list).Scan)
}

// listState is what is asked of a list before another is made: all but its bytes.
func listState(ctx context.Context, tx *db.Tx, list string) (l List, whole bool, err error) {
	var changes int64
	err = tx.Row(ctx, `SELECT l.list, h.issuer, l.number, l.changes, l.this_update, l.next_update, l.last, h.changes
		FROM ca_list l JOIN ca_list_head h ON h.list = l.list WHERE l.list = $1 ORDER BY l.number DESC LIMIT 1`, list).
		Scan(&l.Name, &l.Issuer, &l.Number, &l.changes, db.Times(&l.ThisUpdate), db.Times(&l.NextUpdate), &l.Last, &changes)
	return l, err == nil && l.changes == changes, err
}

// standsOn is the number of the list in force, if what was last said of a certificate was counted when it was made; 0 if
// not.
func standsOn(ctx context.Context, tx *db.Tx, serial Serial) (number int64, err error) {
	err = tx.Row(ctx, `SELECT l.number FROM ca_certificate c JOIN ca_list l ON l.list = c.list
		WHERE c.serial = $1 AND l.changes >= c.turn AND l.number = (SELECT MAX(number) FROM ca_list WHERE list = c.list)`, string(serial)).Scan(&number)
	if db.None(err) {
		return 0, nil
	}
	return number, err
}

// listsKept are how many lists of a name stay in the database.
const listsKept = 8

// insertList stores a list, unless one with a higher number is in force already, or the last one.
func insertList(ctx context.Context, tx *db.Tx, l List) (bool, error) {
	if _, err := tx.Exec(ctx, `UPDATE ca_list_head SET number = number WHERE list = $1`, l.Name); err != nil { // locks
		return false, err
	}
	now, _, err := listState(ctx, tx, l.Name)
	if err != nil && !db.None(err) || err == nil && now.Number >= l.Number {
		return false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ca_list (list, number, changes, this_update, next_update, last, der) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		l.Name, l.Number, l.changes, db.Time(l.ThisUpdate), db.Time(l.NextUpdate), l.Last, l.DER)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM ca_list WHERE list = $1 AND number <= $2`, l.Name, l.Number-listsKept)
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

// originOf finds the record that an officer made of the subject of a certificate, be it for that certificate or for an
// earlier one from which it was taken, and how often it was used again.
func originOf(ctx context.Context, tx *db.Tx, c Certificate) (origin Identity, used int, found bool, err error) {
	caseID, digest := c.Case, c.Digest
	err = tx.Row(ctx, `SELECT origin_case, origin_digest FROM ca_identity_reuse WHERE portal = $1 AND case_id = $2 AND digest = $3`,
		c.Portal, c.Case, c.Digest).Scan(&caseID, &digest)
	if err != nil && !db.None(err) {
		return origin, 0, false, err
	}
	if origin, err = identityOf(ctx, tx, c.Portal, caseID, digest); db.None(err) {
		return origin, 0, false, nil
	}
	if err != nil {
		return origin, 0, false, err
	}
	err = tx.Row(ctx, `SELECT COALESCE(max(number), 0) FROM ca_identity_reuse WHERE portal = $1 AND origin_case = $2 AND origin_digest = $3`,
		c.Portal, caseID, digest).Scan(&used)
	return origin, used, err == nil, err
}

// insertReuse counts a use of an officer's record; false if another took that number.
func insertReuse(ctx context.Context, tx *db.Tx, r Reuse, digest string, origin Identity, number int) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_identity_reuse (portal, case_id, digest, serial, signed, origin_case, origin_digest, number, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		r.Portal, r.Case, digest, string(r.Earlier), r.Signed, origin.Case, origin.Digest, int64(number), tx.Stamp())
	return n == 1, err
}

// insertTaken records a certificate that a ceremony made.
func insertTaken(ctx context.Context, tx *db.Tx, c Certificate, tbsHash string) error {
	if err := insertIntent(ctx, tx, c, tbsHash, ""); err != nil {
		return err
	}
	_, err := markIssued(ctx, tx, c)
	return err
}

// insertCeremony records a ceremony; false if it is on record already.
func insertCeremony(ctx context.Context, tx *db.Tx, f Founding) (bool, error) {
	plan, err := json.Marshal(f.Plan)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO ca_ceremony (digest, name, minutes, plan, adopted_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		f.Digest, f.Ceremony, f.Minutes, string(plan), tx.Stamp())
	return n == 1, err
}

// ceremonyPlans are the plans of the ceremonies on record, in their order.
func ceremonyPlans(ctx context.Context, tx *db.Tx) ([]Plan, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (p Plan, err error) {
		var text string
		if err := scan(&text); err != nil {
			return p, err
		}
		return p, json.Unmarshal([]byte(text), &p)
	}, `SELECT plan FROM ca_ceremony ORDER BY adopted_at, digest`)
}

func crosses(ctx context.Context, tx *db.Tx) ([]Certificate, error) {
	return db.Collect(ctx, tx, scan, queryCrosses)
}

// revokedOf lists what an issuer has revoked. What was lost here is none of an offline authority's.
func revokedOf(ctx context.Context, tx *db.Tx, issuer string) ([]Serial, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (serial Serial, err error) {
		err = scan(&serial)
		return serial, err
	}, `SELECT serial FROM ca_certificate WHERE issuer = $1 AND state = 'revoked'`, issuer)
}

// jumpTo sets the last number given of a list to that of one made elsewhere, and locks its head until the transaction
// ends.
func jumpTo(ctx context.Context, tx *db.Tx, issuer string, number int64) (changes int64, err error) {
	err = tx.Row(ctx, `INSERT INTO ca_list_head (list, issuer, number, changes) VALUES ($1, $1, $2, 0)
		ON CONFLICT (list) DO UPDATE SET number = CASE WHEN ca_list_head.number < excluded.number THEN excluded.number ELSE ca_list_head.number END
		RETURNING changes`, issuer, number).Scan(&changes)
	return changes, err
}

func scanSample(scan func(...any) error) (r sampleRow, err error) {
	err = scan(&r.profile, &r.state, &r.generation, &r.orderID, &r.order)
	return r, err
}

func sampleOf(ctx context.Context, tx *db.Tx, profile string, state SampleState) (sampleRow, error) {
	return scanSample(tx.Row(ctx, `SELECT profile, state, generation, order_id, order_der FROM ca_sample
		WHERE profile = $1 AND state = $2 ORDER BY generation DESC LIMIT 1`, profile, string(state)).Scan)
}

// samples are the newest of each profile and state.
func samples(ctx context.Context, tx *db.Tx) ([]sampleRow, error) {
	return db.Collect(ctx, tx, scanSample, `SELECT profile, state, generation, order_id, order_der FROM ca_sample s
		WHERE generation = (SELECT max(generation) FROM ca_sample n WHERE n.profile = s.profile AND n.state = s.state) ORDER BY profile, state`)
}

func insertSample(ctx context.Context, tx *db.Tx, r sampleRow) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO ca_sample (profile, state, generation, order_id, order_der, made_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		r.profile, string(r.state), r.generation, r.orderID, r.order, tx.Stamp())
	return n == 1, err
}

// headNumber is the last number given of a list; 0 for none.
func headNumber(ctx context.Context, tx *db.Tx, list string) (number int64, err error) {
	err = tx.Row(ctx, `SELECT number FROM ca_list_head WHERE list = $1`, list).Scan(&number)
	if db.None(err) {
		return 0, nil
	}
	return number, err
}

// raiseHead has a list's numbers go on behind one that was published, and the next list made.
func raiseHead(ctx context.Context, tx *db.Tx, list, issuer string, number int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO ca_list_head (list, issuer, number, changes) VALUES ($1, $2, $3, 1)
		ON CONFLICT (list) DO UPDATE SET number = excluded.number, changes = ca_list_head.changes + 1`, list, issuer, number)
	return err
}
