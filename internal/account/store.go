package account

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

// enter lets one deed at a time change something of a portal, until it is committed.
func enter(ctx context.Context, tx *db.Tx, portalName, what string) error {
	_, err := tx.Exec(ctx, `INSERT INTO account_gate (portal, what, passed) VALUES ($1, $2, 1)
		ON CONFLICT (portal, what) DO UPDATE SET passed = account_gate.passed + 1`, portalName, what)
	return err
}

const accountColumns = `a.id, a.portal, a.person, a.kind, a.state, p.name, a.address, a.address_key, a.telephone, a.mobile, a.lang,
	a.roles, a.epoch, a.case_number, a.made_at, a.proven_at, a.activated_at`

const fromAccounts = ` FROM account a JOIN person p ON p.id = a.person `

func scanAccount(scan func(...any) error) (Account, error) {
	var a Account
	var roles string
	err := scan(&a.ID, &a.Portal, &a.Person, &a.Kind, &a.State, &a.Name, &a.Address, &a.AddressKey, &a.Telephone, &a.Mobile, &a.Lang,
		&roles, &a.Epoch, &a.CaseNumber, db.Times(&a.MadeAt), db.Times(&a.ProvenAt), db.Times(&a.ActivatedAt))
	for _, role := range strings.Fields(roles) {
		a.Roles = append(a.Roles, actor.Role(role))
	}
	return a, err
}

func joinRoles(roles []actor.Role) string {
	texts := make([]string, len(roles))
	for i, role := range roles {
		texts[i] = string(role)
	}
	return strings.Join(texts, " ")
}

func byID(ctx context.Context, tx *db.Tx, id actor.AccountID) (Account, error) {
	a, err := scanAccount(tx.Row(ctx, `SELECT `+accountColumns+fromAccounts+`WHERE a.id = $1`, string(id)).Scan)
	if db.None(err) {
		return Account{}, fault.New(fault.NotFound, "fault.not-found")
	}
	if err != nil {
		return Account{}, fmt.Errorf("find account %s: %w", id, err)
	}
	return a, nil
}

// byAddress lists the accounts of an address that are not closed: at most one of each kind.
func byAddress(ctx context.Context, tx *db.Tx, portalName, addressKey string) ([]Account, error) {
	return db.Collect(ctx, tx, scanAccount, `SELECT `+accountColumns+fromAccounts+
		`WHERE a.portal = $1 AND a.address_key = $2 AND a.state <> 'closed' ORDER BY a.kind`, portalName, addressKey)
}

func officers(ctx context.Context, tx *db.Tx, portalName string) ([]Account, error) {
	return db.Collect(ctx, tx, scanAccount, `SELECT `+accountColumns+fromAccounts+
		`WHERE a.portal = $1 AND a.kind = 'officer' AND a.state <> 'closed' ORDER BY p.name, a.id`, portalName)
}

func accountsOf(ctx context.Context, tx *db.Tx, person actor.PersonID) ([]Account, error) {
	return db.Collect(ctx, tx, scanAccount, `SELECT `+accountColumns+fromAccounts+
		`WHERE a.person = $1 AND a.state <> 'closed' ORDER BY a.made_at, a.id`, string(person))
}

func insertAccount(ctx context.Context, tx *db.Tx, a Account) error {
	_, err := tx.Exec(ctx, `INSERT INTO account (id, portal, person, kind, state, address, address_key, telephone, mobile, lang, roles,
		epoch, case_number, made_at, proven_at, activated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, $14, '')`,
		string(a.ID), a.Portal, string(a.Person), string(a.Kind), string(a.State), a.Address, a.AddressKey, a.Telephone, a.Mobile, string(a.Lang),
		joinRoles(a.Roles), a.CaseNumber, tx.Stamp(), db.Time(a.ProvenAt))
	if db.Taken(err) {
		return fault.New(fault.Conflict, "account.address-taken")
	}
	if err != nil {
		return fmt.Errorf("new account: %w", err)
	}
	return hadAddress(ctx, tx, a.Portal, a.AddressKey, a.Person)
}

func hadAddress(ctx context.Context, tx *db.Tx, portalName, addressKey string, person actor.PersonID) error {
	_, err := tx.Exec(ctx, `INSERT INTO person_address (portal, address_key, person, since) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		portalName, addressKey, string(person), tx.Stamp())
	if err != nil {
		return fmt.Errorf("address of person %s: %w", person, err)
	}
	return nil
}

// move changes an account's state from one to another and says whether it stood there. Leaving what may enter, and
// coming back, ends every session.
func move(ctx context.Context, tx *db.Tx, id actor.AccountID, from, to State) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE account SET state = $1, epoch = epoch + 1 WHERE id = $2 AND state = $3`, string(to), string(id), string(from))
	if err != nil {
		return false, fmt.Errorf("account %s from %s to %s: %w", id, from, to, err)
	}
	return n == 1, nil
}

// activate is the one change of state that ends no session: the first one is being opened.
func activate(ctx context.Context, tx *db.Tx, id actor.AccountID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE account SET state = 'active', activated_at = $1 WHERE id = $2 AND state = 'invited'`, tx.Stamp(), string(id))
	if err != nil {
		return false, fmt.Errorf("activate account %s: %w", id, err)
	}
	return n == 1, nil
}

func nextEpoch(ctx context.Context, tx *db.Tx, id actor.AccountID) error {
	if _, err := tx.Exec(ctx, `UPDATE account SET epoch = epoch + 1 WHERE id = $1`, string(id)); err != nil {
		return fmt.Errorf("end sessions of account %s: %w", id, err)
	}
	return nil
}

func setRoles(ctx context.Context, tx *db.Tx, id actor.AccountID, roles []actor.Role) error {
	_, err := tx.Exec(ctx, `UPDATE account SET roles = $1, epoch = epoch + 1 WHERE id = $2`, joinRoles(roles), string(id))
	if err != nil {
		return fmt.Errorf("roles of account %s: %w", id, err)
	}
	return nil
}

func prove(ctx context.Context, tx *db.Tx, id actor.AccountID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE account SET proven_at = $1 WHERE id = $2 AND proven_at = ''`, tx.Stamp(), string(id))
	if err != nil {
		return false, fmt.Errorf("prove address of account %s: %w", id, err)
	}
	return n == 1, nil
}

// provenAt finds the person who has proven an address, through another account than this.
func provenAt(ctx context.Context, tx *db.Tx, portalName, addressKey string, but actor.AccountID) (actor.PersonID, bool, error) {
	var person actor.PersonID
	err := tx.Row(ctx, `SELECT person FROM account WHERE portal = $1 AND address_key = $2 AND id <> $3 AND proven_at <> '' AND state <> 'closed'
		ORDER BY made_at, id LIMIT 1`, portalName, addressKey, string(but)).Scan(&person)
	if db.None(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("who has proven an address: %w", err)
	}
	return person, true, nil
}

// adopt gives an account to another person, with the address.
func adopt(ctx context.Context, tx *db.Tx, a Account, person actor.PersonID) error {
	if _, err := tx.Exec(ctx, `UPDATE account SET person = $1 WHERE id = $2`, string(person), string(a.ID)); err != nil {
		return fmt.Errorf("account %s to person %s: %w", a.ID, person, err)
	}
	return hadAddress(ctx, tx, a.Portal, a.AddressKey, person)
}

func activeAdministrators(ctx context.Context, tx *db.Tx, portalName string, but actor.AccountID) (int, error) {
	all, err := officers(ctx, tx, portalName)
	n := 0
	for _, one := range all {
		if one.ID != but && one.State == Active && one.holds(actor.Administrator) {
			n++
		}
	}
	return n, err
}

func insertPerson(ctx context.Context, tx *db.Tx, portalName, name, mark string, lock func(place string) string) (actor.PersonID, error) {
	id := actor.PersonID(db.NewID())
	locked := ""
	if mark != "" {
		locked = lock("person/" + string(id))
	}
	_, err := tx.Exec(ctx, `INSERT INTO person (id, portal, name, civil_mark, civil_locked, made_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		string(id), portalName, name, mark, locked, tx.Stamp())
	if db.Taken(err) {
		return "", fault.New(fault.Conflict, "fault.conflict")
	}
	if err != nil {
		return "", fmt.Errorf("new person: %w", err)
	}
	return id, nil
}

// markPerson keeps the civil number of a person of whom none was known.
func markPerson(ctx context.Context, tx *db.Tx, person actor.PersonID, mark, locked string) error {
	_, err := tx.Exec(ctx, `UPDATE person SET civil_mark = $1, civil_locked = $2 WHERE id = $3 AND civil_mark = ''`, mark, locked, string(person))
	if db.Taken(err) {
		return fault.New(fault.Conflict, "fault.conflict")
	}
	return err
}

func byCivil(ctx context.Context, tx *db.Tx, portalName, mark string) (actor.PersonID, bool, error) {
	var person actor.PersonID
	err := tx.Row(ctx, `SELECT id FROM person WHERE portal = $1 AND civil_mark = $2`, portalName, mark).Scan(&person)
	if db.None(err) {
		return "", false, nil
	}
	return person, err == nil, err
}

func civilMark(ctx context.Context, tx *db.Tx, person actor.PersonID) (mark string, err error) {
	err = tx.Row(ctx, `SELECT civil_mark FROM person WHERE id = $1`, string(person)).Scan(&mark)
	return mark, err
}

func samePerson(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID, addressKey, mark string) (bool, error) {
	var n int64
	err := tx.Row(ctx, `SELECT (SELECT COUNT(*) FROM person_address WHERE portal = $1 AND person = $2 AND address_key = $3 AND address_key <> '')
		+ (SELECT COUNT(*) FROM person WHERE portal = $1 AND id = $2 AND civil_mark = $4 AND civil_mark <> '')`,
		portalName, string(person), addressKey, mark).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("whether person %s is another: %w", person, err)
	}
	return n > 0, nil
}

func personName(ctx context.Context, tx *db.Tx, person actor.PersonID) (name string, err error) {
	err = tx.Row(ctx, `SELECT name FROM person WHERE id = $1`, string(person)).Scan(&name)
	if db.None(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("name of person %s: %w", person, err)
	}
	return name, nil
}

const bodyColumns = `nipc, version, name, acronym, sort, class, domains, listed`

func scanBody(scan func(...any) error) (Body, error) {
	var b Body
	var domains string
	err := scan(&b.NIPC, &b.Version, &b.Name, &b.Acronym, &b.Kind, &b.Class, &domains, &b.Listed)
	b.Domains = strings.Fields(domains)
	return b, err
}

func bodies(ctx context.Context, tx *db.Tx, portalName string) ([]Body, error) {
	return db.Collect(ctx, tx, scanBody, `SELECT `+bodyColumns+` FROM body WHERE portal = $1 AND current ORDER BY nipc`, portalName)
}

func bodyNow(ctx context.Context, tx *db.Tx, portalName, nipc string) (Body, bool, error) {
	b, err := scanBody(tx.Row(ctx, `SELECT `+bodyColumns+` FROM body WHERE portal = $1 AND nipc = $2 AND current`, portalName, nipc).Scan)
	if db.None(err) {
		return Body{}, false, nil
	}
	if err != nil {
		return Body{}, false, fmt.Errorf("find body: %w", err)
	}
	return b, true, nil
}

// putBody makes a version of a body the present one.
func putBody(ctx context.Context, tx *db.Tx, portalName string, b Body) error {
	if _, err := tx.Exec(ctx, `UPDATE body SET current = FALSE WHERE portal = $1 AND nipc = $2 AND current`, portalName, b.NIPC); err != nil {
		return fmt.Errorf("earlier version of a body: %w", err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO body (portal, nipc, version, name, acronym, sort, class, domains, listed, folded, current, since)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, TRUE, $11)`,
		portalName, b.NIPC, b.Version, b.Name, b.Acronym, b.Kind, b.Class, strings.Join(b.Domains, " "), b.Listed, b.folded(), tx.Stamp())
	if db.Taken(err) {
		return fault.New(fault.Conflict, "fault.conflict")
	}
	return err
}

// searchBodies finds the register's bodies of which some word begins as each word asked.
func searchBodies(ctx context.Context, tx *db.Tx, portalName string, asked []string) ([]Body, error) {
	var where strings.Builder
	args := []any{portalName}
	for _, word := range asked {
		args = append(args, "% "+escaped(word)+"%")
		where.WriteString(` AND folded LIKE $` + strconv.Itoa(len(args)) + ` ESCAPE '!'`)
	}
	args = append(args, int64(mostFound))
	return db.Collect(ctx, tx, scanBody, `SELECT `+bodyColumns+` FROM body WHERE portal = $1 AND current AND listed`+where.String()+
		` ORDER BY folded, nipc LIMIT $`+strconv.Itoa(len(args)), args...)
}

// escaped keeps what was typed from being a pattern.
func escaped(word string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(word)
}

func hasAccount(ctx context.Context, tx *db.Tx, portalName, nipc string) (bool, error) {
	var n int64
	err := tx.Row(ctx, `SELECT COUNT(*) FROM power w JOIN account a ON a.id = w.account
		WHERE w.portal = $1 AND w.body_nipc = $2 AND w.ended_at = '' AND (w.until_at = '' OR w.until_at > $3) AND a.state <> 'closed'`,
		portalName, nipc, tx.Stamp()).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("whether a body has an account: %w", err)
	}
	return n > 0, nil
}

func scanPower(scan func(...any) error) (Power, error) {
	var p Power
	err := scan(&p.ID, &p.Key, &p.Account, &p.BodyNIPC, &p.BodyName, &p.Case, &p.Position, &p.Unit, &p.Locality,
		db.Times(&p.From), db.Times(&p.Until), db.Times(&p.ConfirmBy))
	return p, err
}

func powersOf(ctx context.Context, tx *db.Tx, person actor.PersonID) ([]Power, error) {
	return db.Collect(ctx, tx, scanPower, `SELECT w.id, w.power_key, w.account, w.body_nipc, COALESCE(b.name, ''), w.case_id, w.position, w.unit,
		w.locality, w.from_at, w.until_at, w.confirm_by FROM power w
		LEFT JOIN body b ON b.portal = w.portal AND b.nipc = w.body_nipc AND b.current
		WHERE w.person = $1 AND w.ended_at = '' ORDER BY w.from_at, w.id`, string(person))
}

// holds says whether a power runs now, for a body that the register does not rule out.
func holds(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID, power, nipc string) (holds bool, err error) {
	err = tx.Row(ctx, `SELECT EXISTS (SELECT 1 FROM power w LEFT JOIN body b ON b.portal = w.portal AND b.nipc = w.body_nipc AND b.current
		WHERE w.person = $1 AND w.portal = $2 AND w.power_key = $3 AND w.body_nipc = $4 AND w.ended_at = '' AND w.from_at <= $5
		AND (w.until_at = '' OR w.until_at > $5) AND (w.confirm_by = '' OR w.confirm_by > $5) AND COALESCE(b.class, '') <> $6)`,
		string(person), portalName, power, nipc, tx.Stamp(), string(portal.NotEligible)).Scan(&holds)
	return holds, err
}

// answering lists the accounts in use whose person has one of the powers for a body, running at a moment.
func answering(ctx context.Context, tx *db.Tx, portalName, nipc string, keys []string, now time.Time) ([]Account, error) {
	found, err := db.Collect(ctx, tx, func(scan func(...any) error) (one struct {
		account, key string
	}, err error,
	) {
		return one, scan(&one.account, &one.key)
	}, `SELECT account, power_key FROM power WHERE portal = $1 AND body_nipc = $2 AND ended_at = '' AND from_at <= $3
		AND (until_at = '' OR until_at > $3) AND (confirm_by = '' OR confirm_by > $3) ORDER BY from_at, id`, portalName, nipc, db.Time(now))
	var all []Account
	for _, one := range found {
		if !slices.Contains(keys, one.key) || slices.ContainsFunc(all, func(a Account) bool { return string(a.ID) == one.account }) {
			continue
		}
		a, err := byID(ctx, tx, actor.AccountID(one.account))
		if err != nil {
			return nil, err
		}
		if a.State == Active {
			all = append(all, a)
		}
	}
	return all, err
}

// hasPower says whether a person ever had a power for a body.
func hasPower(ctx context.Context, tx *db.Tx, person actor.PersonID, nipc string) (bool, error) {
	var n int64
	err := tx.Row(ctx, `SELECT COUNT(*) FROM power WHERE person = $1 AND body_nipc = $2 AND body_nipc <> ''`, string(person), nipc).Scan(&n)
	return n > 0, err
}

// makeWay ends what a new power takes the place of: the person's own of the same kind, and the lapsed ones of others
// that would stand in the way of the one responsible person of a body.
func makeWay(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID, key, nipc string) error {
	_, err := tx.Exec(ctx, `UPDATE power SET ended_at = $1, ended_why = 'replaced'
		WHERE portal = $2 AND power_key = $3 AND body_nipc = $4 AND person = $5 AND ended_at = ''`, tx.Stamp(), portalName, key, nipc, string(person))
	if err != nil {
		return fmt.Errorf("earlier power: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE power SET ended_at = $1, ended_why = 'lapsed'
		WHERE portal = $2 AND power_key = $3 AND body_nipc = $4 AND sole AND ended_at = '' AND until_at <> '' AND until_at <= $1`,
		tx.Stamp(), portalName, key, nipc)
	if err != nil {
		return fmt.Errorf("lapsed power: %w", err)
	}
	return nil
}

// soleHolder finds who else is the one responsible person of a body.
func soleHolder(ctx context.Context, tx *db.Tx, portalName, key, nipc string, but actor.PersonID, now time.Time) (bool, error) {
	var n int64
	err := tx.Row(ctx, `SELECT COUNT(*) FROM power WHERE portal = $1 AND power_key = $2 AND body_nipc = $3 AND person <> $4 AND sole
		AND ended_at = '' AND (until_at = '' OR until_at > $5)`, portalName, key, nipc, string(but), db.Time(now)).Scan(&n)
	return n > 0, err
}

func insertPower(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID, p Power, version int64, sole bool) error {
	_, err := tx.Exec(ctx, `INSERT INTO power (id, portal, power_key, person, account, body_nipc, body_version, case_id, position, unit, locality,
		sole, from_at, until_at, confirm_by, ended_at, ended_why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, '', '')`,
		p.ID, portalName, p.Key, string(person), string(p.Account), p.BodyNIPC, version, p.Case, p.Position, p.Unit, p.Locality,
		sole, db.Time(p.From), db.Time(p.Until), db.Time(p.ConfirmBy))
	if db.Taken(err) {
		return fault.New(fault.Conflict, "account.body-taken")
	}
	if err != nil {
		return fmt.Errorf("new power: %w", err)
	}
	return nil
}

// endPowers ends what was granted through an account.
func endPowers(ctx context.Context, tx *db.Tx, account actor.AccountID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE power SET ended_at = $1, ended_why = $2 WHERE account = $3 AND ended_at = ''`, tx.Stamp(), why, string(account))
	if err != nil {
		return fmt.Errorf("end powers of account %s: %w", account, err)
	}
	return nil
}

// heldPowers lists the powers that are meant and have not ended, with whose they are.
func heldPowers(ctx context.Context, tx *db.Tx, which Which) ([]Held, error) {
	return db.Collect(ctx, tx, scanHeld, `SELECT `+heldColumns+` WHERE w.portal = $1 AND w.body_nipc = $2 AND ($3 = '' OR w.person = $3)
		AND ($4 = '' OR w.id = $4) AND w.ended_at = '' AND (w.body_nipc <> '' OR $3 <> '') ORDER BY w.person, w.from_at, w.id`,
		which.Portal, which.NIPC, string(which.Person), which.Power)
}

const heldColumns = `w.id, w.power_key, w.account, w.body_nipc, COALESCE(b.name, ''), w.case_id, w.position, w.unit,
	w.locality, w.from_at, w.until_at, w.confirm_by, w.person, p.name FROM power w JOIN person p ON p.id = w.person
	LEFT JOIN body b ON b.portal = w.portal AND b.nipc = w.body_nipc AND b.current`

func scanHeld(scan func(...any) error) (h Held, err error) {
	err = scan(&h.ID, &h.Key, &h.Account, &h.BodyNIPC, &h.BodyName, &h.Case, &h.Position, &h.Unit, &h.Locality,
		db.Times(&h.From), db.Times(&h.Until), db.Times(&h.ConfirmBy), &h.Person, &h.Name)
	return h, err
}

// lapsedPowers lists those whose term has come and of which nothing was made yet.
func lapsedPowers(ctx context.Context, tx *db.Tx, portalName string) ([]Held, error) {
	return db.Collect(ctx, tx, scanHeld, `SELECT `+heldColumns+` WHERE w.portal = $1 AND w.ended_at = '' AND w.until_at <> '' AND w.until_at <= $2
		AND NOT EXISTS (SELECT 1 FROM ending_power ep JOIN ending e ON e.id = ep.ending_id WHERE ep.power_id = w.id AND e.done_at = '')
		ORDER BY w.person, w.body_nipc, w.id LIMIT 200`, portalName, tx.Stamp())
}

// managersOf lists the accounts in use of those who have one of the powers for a body, running now.
func managersOf(ctx context.Context, tx *db.Tx, portalName, nipc string, keys []string) ([]Account, error) {
	found, err := db.Collect(ctx, tx, scanHeld, `SELECT `+heldColumns+` WHERE w.portal = $1 AND w.body_nipc = $2 AND w.body_nipc <> '' AND w.ended_at = ''
		ORDER BY w.from_at, w.id`, portalName, nipc)
	var all []Account
	for _, h := range found {
		if !slices.Contains(keys, h.Key) || !h.Runs(tx.Now()) || slices.ContainsFunc(all, func(a Account) bool { return a.ID == h.Account }) {
			continue
		}
		one, err := byID(ctx, tx, h.Account)
		if err != nil {
			return nil, err
		}
		if one.State == Active {
			all = append(all, one)
		}
	}
	return all, err
}

// limitPower has a power end no later than a moment.
func limitPower(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE power SET until_at = $2 WHERE id = $1 AND ended_at = '' AND (until_at = '' OR until_at > $2)`, id, db.Time(at))
	return err
}

// endEach ends the powers of an ending.
func endEach(ctx context.Context, tx *db.Tx, ending, why string) error {
	_, err := tx.Exec(ctx, `UPDATE power SET ended_at = $2, ended_why = $3 WHERE ended_at = ''
		AND id IN (SELECT power_id FROM ending_power WHERE ending_id = $1)`, ending, tx.Stamp(), why)
	return err
}

func insertEnding(ctx context.Context, tx *db.Tx, e Ending) error {
	_, err := tx.Exec(ctx, `INSERT INTO ending (id, portal, cause, body_nipc, body_name, person, digest, reason, at, kind, by_person, made_at, done_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '')`,
		e.ID, e.Portal, string(e.Cause), e.NIPC, e.Body, string(e.Person), e.digest, e.Reason, db.Time(e.At), string(e.kind), string(e.person), tx.Stamp())
	if err != nil {
		return fmt.Errorf("new ending: %w", err)
	}
	for _, power := range e.Powers {
		if _, err := tx.Exec(ctx, `INSERT INTO ending_power (ending_id, power_id) VALUES ($1, $2)`, e.ID, power.ID); err != nil {
			return fmt.Errorf("power of an ending: %w", err)
		}
	}
	for seq, one := range e.Things {
		if err := insertThing(ctx, tx, e.ID, seq, one); err != nil {
			return err
		}
	}
	return nil
}

func insertThing(ctx context.Context, tx *db.Tx, ending string, seq int, one Thing) error {
	_, err := tx.Exec(ctx, `INSERT INTO ending_thing (ending_id, seq, kind, thing, label_pt, label_en, detail, holder, effect, done_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '') ON CONFLICT DO NOTHING`,
		ending, int64(seq), one.Kind, one.ID, one.Label.PT, one.Label.EN, one.Detail, one.Holder, string(one.Effect))
	if err != nil {
		return fmt.Errorf("thing of an ending: %w", err)
	}
	return nil
}

const endingColumns = `id, portal, cause, body_nipc, body_name, person, digest, reason, at, kind, by_person, made_at, done_at`

func scanEnding(scan func(...any) error) (e Ending, err error) {
	err = scan(&e.ID, &e.Portal, &e.Cause, &e.NIPC, &e.Body, &e.Person, &e.digest, &e.Reason, db.Times(&e.At), &e.kind, &e.person,
		db.Times(&e.MadeAt), db.Times(&e.DoneAt))
	return e, err
}

func endingByDigest(ctx context.Context, tx *db.Tx, portalName, digest string) (id string, found bool, err error) {
	err = tx.Row(ctx, `SELECT id FROM ending WHERE portal = $1 AND digest = $2`, portalName, digest).Scan(&id)
	if db.None(err) {
		return "", false, nil
	}
	return id, err == nil, err
}

func endingByID(ctx context.Context, tx *db.Tx, id string) (Ending, error) {
	e, err := scanEnding(tx.Row(ctx, `SELECT `+endingColumns+` FROM ending WHERE id = $1`, id).Scan)
	if db.None(err) {
		return Ending{}, fault.New(fault.NotFound, "fault.not-found")
	}
	if err != nil {
		return Ending{}, err
	}
	return e, e.whole(ctx, tx)
}

// whole reads the powers and things of an ending.
func (e *Ending) whole(ctx context.Context, tx *db.Tx) (err error) {
	e.Powers, err = db.Collect(ctx, tx, scanHeld, `SELECT `+heldColumns+` JOIN ending_power ep ON ep.power_id = w.id WHERE ep.ending_id = $1
		ORDER BY w.person, w.from_at, w.id`, e.ID)
	if err != nil {
		return err
	}
	e.Things, err = db.Collect(ctx, tx, func(scan func(...any) error) (one Thing, err error) {
		err = scan(&one.Kind, &one.ID, &one.Label.PT, &one.Label.EN, &one.Detail, &one.Holder, &one.Effect, db.Times(&one.DoneAt))
		return one, err
	}, `SELECT kind, thing, label_pt, label_en, detail, holder, effect, done_at FROM ending_thing WHERE ending_id = $1 ORDER BY seq`, e.ID)
	return err
}

// dueEndings lists those that take effect now and are not done.
func dueEndings(ctx context.Context, tx *db.Tx) ([]string, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (id string, err error) { return id, scan(&id) },
		`SELECT id FROM ending WHERE done_at = '' AND at <= $1 ORDER BY at, id LIMIT 100`, tx.Stamp())
}

func latestEndings(ctx context.Context, tx *db.Tx, portalName string) ([]Ending, error) {
	all, err := db.Collect(ctx, tx, scanEnding, `SELECT `+endingColumns+` FROM ending WHERE portal = $1 ORDER BY made_at DESC, id LIMIT 100`, portalName)
	for i := range all {
		if err == nil {
			err = all[i].whole(ctx, tx)
		}
	}
	return all, err
}

// doneThing marks a thing as done; false if it was already.
func doneThing(ctx context.Context, tx *db.Tx, ending, kind, thing string, effect Effect) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE ending_thing SET done_at = $5 WHERE ending_id = $1 AND kind = $2 AND thing = $3 AND effect = $4 AND done_at = ''`,
		ending, kind, thing, string(effect), tx.Stamp())
	return n == 1, err
}

// stayThing lets a thing stay that was to end.
func stayThing(ctx context.Context, tx *db.Tx, ending, kind, thing string) error {
	_, err := tx.Exec(ctx, `UPDATE ending_thing SET effect = 'stay' WHERE ending_id = $1 AND kind = $2 AND thing = $3 AND effect = 'end' AND done_at = ''`,
		ending, kind, thing)
	return err
}

// doneEnding marks an ending as done, unless something of it is left; false if it was already, or is not.
func doneEnding(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE ending SET done_at = $2 WHERE id = $1 AND done_at = ''
		AND NOT EXISTS (SELECT 1 FROM ending_thing WHERE ending_id = $1 AND effect = 'end' AND done_at = '')`, id, tx.Stamp())
	return n == 1, err
}
