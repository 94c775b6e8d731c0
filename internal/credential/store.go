package credential

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/blob"
	"chancela/internal/db"
	"chancela/internal/i18n"
)

// row is a credential as stored.
type row struct {
	id                                            ID
	portal, procedure, caseID, caseNumber         string
	person                                        actor.PersonID
	account                                       actor.AccountID
	applicant, address                            string
	lang                                          i18n.Lang
	nipc, body, year                              string
	renews                                        bool
	subject                                       string
	quorum                                        int64
	approvals                                     []string
	content                                       string
	decided                                       decided
	number                                        string
	edition                                       int64
	code                                          string
	state                                         State
	version                                       int64
	approvedAt, until, sealingAt, issuedAt, since time.Time
	seal                                          string
	blob                                          blob.Name
	digest                                        string
	replacedBy                                    ID
}

func (r *row) object() string { return "credential/" + string(r.id) }

const columns = `c.id, c.portal, c.procedure_key, c.case_id, c.case_number, c.person, c.account, c.applicant, c.address, c.lang,
	c.body_number, c.body_name, c.exercise, c.renews, c.subject, c.quorum, c.approvals, c.content, c.decided, c.number, c.edition,
	c.code, c.state, c.version, c.approved_at, c.valid_until, c.sealing_at, c.seal, c.issued_at, c.blob, c.digest, c.since, c.replaced_by`

func scan(scan func(...any) error) (*row, error) {
	r := &row{}
	var approvals, decided string
	err := scan(&r.id, &r.portal, &r.procedure, &r.caseID, &r.caseNumber, &r.person, &r.account, &r.applicant, &r.address, &r.lang,
		&r.nipc, &r.body, &r.year, &r.renews, &r.subject, &r.quorum, &approvals, &r.content, &decided, &r.number, &r.edition,
		&r.code, &r.state, &r.version, db.Times(&r.approvedAt), db.Times(&r.until), db.Times(&r.sealingAt), &r.seal,
		db.Times(&r.issuedAt), &r.blob, &r.digest, db.Times(&r.since), &r.replacedBy)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(approvals), &r.approvals); err != nil {
		return nil, fmt.Errorf("approvals of credential %s: %w", r.id, err)
	}
	if err := json.Unmarshal([]byte(decided), &r.decided); err != nil {
		return nil, fmt.Errorf("who decided credential %s: %w", r.id, err)
	}
	return r, nil
}

// nextNumber takes the next number of a portal and year.
func nextNumber(ctx context.Context, tx *db.Tx, portal string, year int) (last int64, err error) {
	err = tx.Row(ctx, `INSERT INTO credential_number (portal, year, last) VALUES ($1, $2, 1)
		ON CONFLICT (portal, year) DO UPDATE SET last = credential_number.last + 1 RETURNING last`, portal, year).Scan(&last)
	return last, err
}

// insert says whether the row was new: the same was approved before otherwise.
func insert(ctx context.Context, tx *db.Tx, r *row) (bool, error) {
	approvals, err := json.Marshal(r.approvals)
	if err != nil {
		return false, err
	}
	decided, err := r.decided.encode()
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO credential (id, portal, procedure_key, case_id, case_number, person, account, applicant, address,
		lang, body_number, body_name, exercise, renews, subject, quorum, approvals, content, decided, number, edition, code, code_digest,
		state, version, approved_at, valid_until, sealing_at, seal, issued_at, blob, digest, since, replaced_by, reminded)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
		$27, '', '', '', '', '', $28, '', 0) ON CONFLICT (portal, subject) DO NOTHING`,
		string(r.id), r.portal, r.procedure, r.caseID, r.caseNumber, string(r.person), string(r.account), r.applicant, r.address,
		string(r.lang), r.nipc, r.body, r.year, r.renews, r.subject, r.quorum, string(approvals), r.content, decided, r.number, r.edition,
		r.code, digestOf([]byte(r.code)), string(r.state), r.version, db.Time(r.approvedAt), db.Time(r.until), db.Time(r.since))
	return n == 1, err
}

func byID(ctx context.Context, tx *db.Tx, id ID) (*row, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM credential c WHERE c.id = $1`, string(id)).Scan)
}

func byCode(ctx context.Context, tx *db.Tx, code string) (*row, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM credential c WHERE c.code_digest = $1 AND c.issued_at <> ''`, digestOf([]byte(code))).Scan)
}

func ofCase(ctx context.Context, tx *db.Tx, caseID string) (*row, error) {
	return scan(tx.Row(ctx, `SELECT `+columns+` FROM credential c WHERE c.case_id = $1 ORDER BY c.approved_at DESC, c.id LIMIT 1`, caseID).Scan)
}

// mostListed bounds what one look lists.
const mostListed = 200

// ofHolder lists what a person asked for, and what the bodies have.
func ofHolder(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID, bodies []string) ([]*row, error) {
	args := []any{portal, string(person)}
	var in []string
	for _, nipc := range bodies {
		args = append(args, nipc)
		in = append(in, "$"+strconv.Itoa(len(args)))
	}
	where := `c.person = $2`
	if len(in) > 0 {
		where += ` OR c.body_number IN (` + strings.Join(in, ", ") + `)`
	}
	args = append(args, mostListed)
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM credential c WHERE c.portal = $1 AND (`+where+`)
		ORDER BY c.approved_at DESC, c.id LIMIT $`+strconv.Itoa(len(args)), args...)
}

// ofBody lists what was issued to a body.
func ofBody(ctx context.Context, tx *db.Tx, portal, nipc string) ([]*row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM credential c
		WHERE c.portal = $1 AND c.body_number = $2 AND c.body_number <> '' AND c.issued_at <> ''
		ORDER BY c.approved_at DESC, c.id LIMIT $3`, portal, nipc, mostListed)
}

// editions counts those of the same body and exercício before.
func editions(ctx context.Context, tx *db.Tx, r *row) (n int64, err error) {
	if r.nipc == "" {
		return 0, nil
	}
	err = tx.Row(ctx, `SELECT count(*) FROM credential WHERE portal = $1 AND procedure_key = $2 AND body_number = $3 AND exercise = $4`,
		r.portal, r.procedure, r.nipc, r.year).Scan(&n)
	return n, err
}

// earlierOf lists the live ones of the same body and exercício.
func earlierOf(ctx context.Context, tx *db.Tx, c Content) ([]*row, error) {
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM credential c WHERE c.portal = $1 AND c.procedure_key = $2
		AND c.body_number = $3 AND c.body_number <> '' AND c.exercise = $4 AND c.state IN ('issuing', 'valid', 'suspended')
		ORDER BY c.approved_at, c.id`, c.Portal, c.Procedure, c.BodyNIPC, c.Year)
}

// earlierThan lists the live ones that a newly issued one takes the place of.
func earlierThan(ctx context.Context, tx *db.Tx, r *row) ([]*row, error) {
	if !r.renews || r.nipc == "" {
		return nil, nil
	}
	return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM credential c WHERE c.portal = $1 AND c.procedure_key = $2
		AND c.body_number = $3 AND c.exercise = $4 AND c.edition < $5 AND c.state IN ('issuing', 'valid', 'suspended')
		ORDER BY c.id`, r.portal, r.procedure, r.nipc, r.year, r.edition)
}

// toIssue lists the ids of what was approved and is not issued, oldest first.
func toIssue(ctx context.Context, tx *db.Tx, limit int) ([]ID, error) {
	one := func(scan func(...any) error) (id ID, err error) { return id, scan(&id) }
	return db.Collect(ctx, tx, one, `SELECT id FROM credential WHERE state = 'issuing' ORDER BY approved_at, id LIMIT $1`, limit)
}

// setTime fixes the time that the seal claims, unless it is fixed already.
func setTime(ctx context.Context, tx *db.Tx, id ID) error {
	_, err := tx.Exec(ctx, `UPDATE credential SET sealing_at = $2 WHERE id = $1 AND sealing_at = ''`, string(id), tx.Stamp())
	return err
}

// setSeal keeps the seal that was given; false if another was kept before.
func setSeal(ctx context.Context, tx *db.Tx, id ID, seal string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE credential SET seal = $2 WHERE id = $1 AND seal = '' AND state = 'issuing'`, string(id), seal)
	return n == 1, err
}

// forgetSeal lets another be asked for: this one does not fit what would be printed now.
func forgetSeal(ctx context.Context, tx *db.Tx, id ID, seal string) error {
	_, err := tx.Exec(ctx, `UPDATE credential SET seal = '', sealing_at = '' WHERE id = $1 AND seal = $2 AND state = 'issuing'`, string(id), seal)
	return err
}

// setIssued records the sealed file; false if one is on record, or it is no more to be issued.
func setIssued(ctx context.Context, tx *db.Tx, id ID, file blob.Name) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE credential SET state = 'valid', version = version + 1, issued_at = $2, since = $2, blob = $3, digest = $4
		WHERE id = $1 AND state = 'issuing' AND blob = ''`, string(id), tx.Stamp(), string(file), file.Digest())
	return n == 1, err
}

// setState moves a credential from the version that was read; false if somebody else was first.
func setState(ctx context.Context, tx *db.Tx, r *row, to State, by ID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE credential SET state = $3, version = version + 1, since = $4, replaced_by = $5
		WHERE id = $1 AND version = $2`, string(r.id), r.version, string(to), tx.Stamp(), string(by))
	return n == 1, err
}

// ending lists the ids of those in force that end by a moment and of which fewer reminders were sent; those whose body
// has a later one are left out.
func ending(ctx context.Context, tx *db.Tx, by time.Time, reminders int64) ([]ID, error) {
	one := func(scan func(...any) error) (id ID, err error) { return id, scan(&id) }
	return db.Collect(ctx, tx, one, `SELECT c.id FROM credential c
		WHERE c.state IN ('valid', 'suspended') AND c.reminded < $1 AND c.valid_until < $2
		AND NOT EXISTS (SELECT 1 FROM credential n WHERE n.portal = c.portal AND n.procedure_key = c.procedure_key
			AND n.body_number = c.body_number AND n.body_number <> '' AND n.valid_until > c.valid_until AND n.state IN ('valid', 'suspended'))
		ORDER BY c.valid_until, c.id LIMIT $3`, reminders, db.Time(by), atOnce)
}

// setReminded counts a reminder; false if it, or a later one, was sent before, or it is no more in force. It is no
// change of the credential: its version stays.
func setReminded(ctx context.Context, tx *db.Tx, r *row, number int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE credential SET reminded = $2 WHERE id = $1 AND reminded < $2 AND state IN ('valid', 'suspended')`, string(r.id), number)
	return n == 1, err
}

// event is what happened to a credential, as stored.
type event struct {
	at     time.Time
	kind   EventKind
	actor  actor.Kind
	person actor.PersonID
	codes  []string
	words  string
}

// addEvent adds to the history. It is called after the row's own change, which locks it.
func addEvent(ctx context.Context, tx *db.Tx, id ID, by actor.Actor, kind EventKind, g Ground) error {
	codes := g.Codes
	if codes == nil {
		codes = []string{}
	}
	text, err := json.Marshal(codes)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO credential_event (credential, seq, at, kind, actor, person, account, codes, words)
		SELECT $1, 1 + coalesce(max(seq), 0), $2, $3, $4, $5, $6, $7, $8 FROM credential_event WHERE credential = $1`,
		string(id), tx.Stamp(), string(kind), string(by.Kind), string(by.Person), string(by.Account), string(text), g.Words)
	return err
}

func eventsOf(ctx context.Context, tx *db.Tx, id ID) ([]event, error) {
	one := func(scan func(...any) error) (e event, err error) {
		var codes string
		if err = scan(db.Times(&e.at), &e.kind, &e.actor, &e.person, &codes, &e.words); err != nil {
			return e, err
		}
		return e, json.Unmarshal([]byte(codes), &e.codes)
	}
	return db.Collect(ctx, tx, one, `SELECT at, kind, actor, person, codes, words FROM credential_event WHERE credential = $1 ORDER BY seq`, string(id))
}

func hasBlob(ctx context.Context, tx *db.Tx, name blob.Name) (bool, error) {
	var n int64
	err := tx.Row(ctx, `SELECT count(*) FROM credential WHERE blob = $1`, string(name)).Scan(&n)
	return n > 0, err
}

// numberOf is the number of a credential; "" for none.
func numberOf(ctx context.Context, tx *db.Tx, id ID) (number string, err error) {
	if id == "" {
		return "", nil
	}
	err = tx.Row(ctx, `SELECT number FROM credential WHERE id = $1`, string(id)).Scan(&number)
	return number, err
}
