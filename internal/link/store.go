package link

import (
	"context"
	"fmt"
	"time"

	"chancela/internal/db"
)

// enter locks whatever links or codes of one subject are about, until the deed is committed: of two made at once, the
// second sees the first and makes it void.
func enter(ctx context.Context, tx *db.Tx, portal, kind, subject string) error {
	_, err := tx.Exec(ctx, `INSERT INTO link_gate (portal, kind, subject, made) VALUES ($1, $2, $3, 1)
		ON CONFLICT (portal, kind, subject) DO UPDATE SET made = link_gate.made + 1`, portal, kind, subject)
	return err
}

func insert(ctx context.Context, tx *db.Tx, k Link) error {
	_, err := tx.Exec(ctx, `INSERT INTO link (ref, kind, portal, subject, made, expires, state, ended)
		VALUES ($1, $2, $3, $4, $5, $6, 'open', '')`,
		string(k.Ref), string(k.Kind), k.Portal, k.Subject, tx.Stamp(), db.Time(k.Expires))
	return err
}

func find(ctx context.Context, tx *db.Tx, ref Ref) (Link, error) {
	var k Link
	err := tx.Row(ctx, `SELECT ref, kind, portal, subject, made, expires, state FROM link WHERE ref = $1`, string(ref)).
		Scan(&k.Ref, &k.Kind, &k.Portal, &k.Subject, db.Times(&k.Made), db.Times(&k.Expires), &k.state)
	if db.None(err) {
		return Link{}, unknown()
	}
	if err != nil {
		return Link{}, fmt.Errorf("find link %s: %w", ref, err)
	}
	return k, nil
}

func closeAll(ctx context.Context, tx *db.Tx, kind Kind, portal, subject string) error {
	_, err := tx.Exec(ctx, `UPDATE link SET state = 'void', ended = $1
		WHERE portal = $2 AND kind = $3 AND subject = $4 AND state = 'open'`, tx.Stamp(), portal, string(kind), subject)
	return err
}

// use says whether this deed is the one that used the link.
func use(ctx context.Context, tx *db.Tx, ref Ref) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE link SET state = 'used', ended = $1 WHERE ref = $2 AND state = 'open'`, tx.Stamp(), string(ref))
	return n == 1, err
}

func insertCode(ctx context.Context, tx *db.Tx, c code) error {
	_, err := tx.Exec(ctx, `INSERT INTO code (ref, kind, portal, subject, challenge, made, expires, tries, state, ended)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 'open', '')`,
		string(c.ref), string(c.kind), c.portal, c.subject, c.challenge, tx.Stamp(), db.Time(c.expires))
	return err
}

func closeCodes(ctx context.Context, tx *db.Tx, kind CodeKind, portal, subject string) error {
	_, err := tx.Exec(ctx, `UPDATE code SET state = 'void', ended = $1
		WHERE portal = $2 AND kind = $3 AND subject = $4 AND state = 'open'`, tx.Stamp(), portal, string(kind), subject)
	return err
}

const codeColumns = `ref, kind, portal, subject, challenge, expires, tries, state`

func (c *code) fields() []any {
	return []any{&c.ref, &c.kind, &c.portal, &c.subject, &c.challenge, db.Times(&c.expires), &c.tries, &c.state}
}

// openCode finds the open code of a kind and subject; there is at most one.
func openCode(ctx context.Context, tx *db.Tx, kind CodeKind, portal, subject string) (c code, err error) {
	err = tx.Row(ctx, `SELECT `+codeColumns+` FROM code WHERE portal = $1 AND kind = $2 AND subject = $3 AND state = 'open'
		ORDER BY made DESC LIMIT 1`, portal, string(kind), subject).Scan(c.fields()...)
	return c, err
}

func codeByRef(ctx context.Context, tx *db.Tx, ref Ref) (code, error) {
	var c code
	err := tx.Row(ctx, `SELECT `+codeColumns+` FROM code WHERE ref = $1`, string(ref)).Scan(c.fields()...)
	if db.None(err) {
		return code{}, codeExpired()
	}
	if err != nil {
		return code{}, fmt.Errorf("find code %s: %w", ref, err)
	}
	return c, nil
}

// takeTry counts a try on the one code that is open for this challenge and returns it; no row if there is none left.
// The count and the limit are one statement, so that guesses made at once are counted one by one.
func takeTry(ctx context.Context, tx *db.Tx, kind CodeKind, portal, subject, challenge string) (code, error) {
	var c code
	err := tx.Row(ctx, `UPDATE code SET tries = tries + 1
		WHERE portal = $1 AND kind = $2 AND subject = $3 AND challenge = $4 AND state = 'open' AND expires > $5 AND tries < $6
		RETURNING `+codeColumns, portal, string(kind), subject, challenge, tx.Stamp(), CodeTries).Scan(c.fields()...)
	return c, err
}

func useCode(ctx context.Context, tx *db.Tx, ref Ref) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE code SET state = 'used', ended = $1 WHERE ref = $2 AND state = 'open'`, tx.Stamp(), string(ref))
	return n == 1, err
}

// Sweep erases links and codes that expired before a moment. Until then a dead link is told apart from an unknown
// one, so that its reader learns that a new one can be asked for; months are a good time. It is a step.
func Sweep(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	links, err := tx.Exec(ctx, `DELETE FROM link WHERE expires < $1`, db.Time(before))
	if err != nil {
		return 0, fmt.Errorf("sweep links: %w", err)
	}
	codes, err := tx.Exec(ctx, `DELETE FROM code WHERE expires < $1`, db.Time(before))
	if err != nil {
		return 0, fmt.Errorf("sweep codes: %w", err)
	}
	return links + codes, nil
}
