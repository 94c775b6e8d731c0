package link

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"time"

	"chancela/internal/db"
	"chancela/internal/field"
)

// Revocation is the kind of the code by which whoever holds it ends or suspends one thing at any hour, without signing
// in. It lives as long as the thing does, and has the form of a verification code: 60 random bits and a check symbol.
// Like every code it is derived, so that nothing in the database is or tells it.
const Revocation CodeKind = "revocation"

// MakeRevocationCode makes the code of a subject, good until it ends; the earlier one is void. It is a step; the code
// is to be had from [Links.RevealCode], for the letter that carries it.
func (l *Links) MakeRevocationCode(ctx context.Context, tx *db.Tx, portal, subject string, until time.Time) (Ref, error) {
	if subject == "" || !until.After(tx.Now()) {
		return "", fmt.Errorf("make revocation code: subject %q, until %s: not a code", subject, db.Time(until))
	}
	if err := l.VoidCodes(ctx, tx, Revocation, portal, subject); err != nil {
		return "", err
	}
	made := code{ref: Ref(db.NewID()), kind: Revocation, portal: portal, subject: subject, challenge: "-", expires: until}
	if err := insertCode(ctx, tx, made); err != nil {
		return "", fmt.Errorf("make revocation code: %w", err)
	}
	return made.ref, nil
}

// IsRevocationCode says whether a code, in the spelling of [field.ParseCode], is the one of a subject. It uses nothing
// up, and takes the same time whether there is such a subject or not; how often somebody may ask is for package
// throttle. A subject that is "" has none.
func (l *Links) IsRevocationCode(ctx context.Context, tx *db.Tx, portal, subject, typed string) (bool, error) {
	c, err := openCode(ctx, tx, Revocation, portal, subject)
	none := db.None(err)
	if err != nil && !none {
		return false, fmt.Errorf("revocation code: %w", err)
	}
	if none {
		c = code{ref: Ref("none"), kind: Revocation, portal: portal, subject: subject, expires: tx.Now()}
	}
	right, err := l.symbols(c)
	return same(typed, right) && !none && subject != "" && tx.Now().Before(c.expires), err
}

// symbols derives a code of the form of verification codes.
func (l *Links) symbols(c code) (string, error) {
	mac := l.mac("chancela revocation code 1", string(c.ref), string(c.kind), c.portal, c.subject, c.challenge, db.Time(c.expires))
	stream, err := hkdf.Expand(sha256.New, mac, "symbols", 8*32*4) // a code may have to be drawn more than once
	if err != nil {
		return "", err
	}
	return field.NewCode(bytes.NewReader(stream))
}

// text is a code as it is sent.
func (l *Links) text(c code) (string, error) {
	if c.kind == Revocation {
		return l.symbols(c)
	}
	return l.digits(c), nil
}
