package recheck

import (
	"context"
	"strings"
	"time"

	"chancela/internal/ca"
	"chancela/internal/db"
)

// row is a certificate's row, read past the room that wrote it.
type row struct {
	serial    ca.Serial
	issuer    string
	portal    string
	profile   string
	digest    string // of the order that was approved
	key       string
	tbsHash   string
	state     ca.State
	issuedAt  time.Time
	notBefore time.Time
	notAfter  time.Time
	der       []byte
	revokedAt time.Time
	reason    int64
	intended  time.Time
}

// place is where the row stands in a part's order.
func (r row) place(p Part) string {
	switch p {
	case Issued:
		return db.Time(r.issuedAt) + " " + string(r.serial)
	case Ended:
		return r.issuer + " " + db.Time(r.revokedAt) + " " + string(r.serial)
	}
	return string(r.serial)
}

const columns = `serial, issuer, portal, profile, digest, key_digest, tbs_hash, state, issued_at, not_before, not_after, der, revoked_at, reason, intended_at`

func scan(scan func(...any) error) (r row, err error) {
	err = scan(&r.serial, &r.issuer, &r.portal, &r.profile, &r.digest, &r.key, &r.tbsHash, &r.state, db.Times(&r.issuedAt), db.Times(&r.notBefore),
		db.Times(&r.notAfter), &r.der, db.Times(&r.revokedAt), &r.reason, db.Times(&r.intended))
	return r, err
}

// stretch reads the rows of a night's part behind its place.
func stretch(ctx context.Context, tx *db.Tx, n Night, most int) ([]row, error) {
	switch n.Part {
	case Issued:
		from, _, _ := strings.Cut(n.Place, " ")
		return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE issued_at <> '' AND issued_at >= $1 AND issued_at || ' ' || serial > $2
			ORDER BY issued_at, serial LIMIT $3`, max(from, db.Time(n.Since)), n.Place, most)
	case Ended:
		return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE state IN ('suspended', 'revoked', 'lost') AND revoked_at >= $1
			AND issuer || ' ' || revoked_at || ' ' || serial > $2 ORDER BY issuer, revoked_at, serial LIMIT $3`, db.Time(n.Since), n.Place, most)
	case Old:
		return db.Collect(ctx, tx, scan, `SELECT `+columns+` FROM ca_certificate WHERE serial > $1 ORDER BY serial LIMIT $2`,
			n.Place, min(int64(most), n.Quota))
	}
	return nil, nil
}

// stands says whether a row is still as it was read.
func stands(ctx context.Context, tx *db.Tx, r row) (same bool, err error) {
	err = tx.Row(ctx, `SELECT EXISTS (SELECT 1 FROM ca_certificate WHERE serial = $1 AND state = $2 AND revoked_at = $3)`,
		string(r.serial), string(r.state), db.Time(r.revokedAt)).Scan(&same)
	return same, err
}

// share is how many certificates a night reads of all, so that each one's turn comes.
func share(ctx context.Context, tx *db.Tx) (n int64, err error) {
	err = tx.Row(ctx, `SELECT count(*) FROM ca_certificate`).Scan(&n)
	nights := int64(Turn / (24 * time.Hour))
	return n/nights + 1, err
}

const nightColumns = `day, since, part, place, old, quota, read, began_at, ended_at`

func scanNight(scan func(...any) error) (n Night, err error) {
	err = scan(&n.Day, db.Times(&n.Since), &n.Part, &n.Place, &n.Old, &n.Quota, &n.Read, db.Times(&n.BeganAt), db.Times(&n.EndedAt))
	return n, err
}

func lastNight(ctx context.Context, tx *db.Tx) (Night, error) {
	return scanNight(tx.Row(ctx, `SELECT `+nightColumns+` FROM recheck_night ORDER BY day DESC LIMIT 1`).Scan)
}

func night(ctx context.Context, tx *db.Tx, day string) (Night, error) {
	return scanNight(tx.Row(ctx, `SELECT `+nightColumns+` FROM recheck_night WHERE day = $1`, day).Scan)
}

func insertNight(ctx context.Context, tx *db.Tx, n Night) (bool, error) {
	count, err := tx.Exec(ctx, `INSERT INTO recheck_night (day, since, part, place, old, quota, read, began_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '') ON CONFLICT DO NOTHING`,
		n.Day, db.Time(n.Since), string(n.Part), n.Place, n.Old, n.Quota, db.Time(n.BeganAt))
	return count == 1, err
}

// move moves a night on from where it was read; false if it stands elsewhere by now.
func move(ctx context.Context, tx *db.Tx, from, to Night) (bool, error) {
	count, err := tx.Exec(ctx, `UPDATE recheck_night SET part = $4, place = $5, old = $6, quota = $7, read = $8, ended_at = $9
		WHERE day = $1 AND part = $2 AND place = $3 AND ended_at = ''`,
		from.Day, string(from.Part), from.Place, string(to.Part), to.Place, to.Old, to.Quota, to.Read, db.Time(to.EndedAt))
	return count == 1, err
}

func insertFinding(ctx context.Context, tx *db.Tx, f Finding) error {
	_, err := tx.Exec(ctx, `INSERT INTO recheck_finding (day, serial, issuer, kind, detail, found_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		f.Day, string(f.Serial), f.Issuer, string(f.Kind), f.Detail, tx.Stamp())
	return err
}

func findingsOf(ctx context.Context, tx *db.Tx, day string) ([]Finding, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (f Finding, err error) {
		err = scan(&f.Day, &f.Serial, &f.Issuer, &f.Kind, &f.Detail, db.Times(&f.At))
		return f, err
	}, `SELECT day, serial, issuer, kind, detail, found_at FROM recheck_finding WHERE day = $1 ORDER BY issuer, serial, kind`, day)
}
