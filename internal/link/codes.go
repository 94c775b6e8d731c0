package link

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"chancela/internal/db"
	"chancela/internal/fault"
)

// CodeKind says what a code confirms. A code of one kind is worthless for every other.
type CodeKind string

// The kinds of code.
const (
	SignIn        CodeKind = "sign-in"        // the second step of signing in
	ChangeAddress CodeKind = "change-address" // that it is the holder who changes the address
	ChangePhone   CodeKind = "change-phone"   // that a telephone number is the holder's
)

// code is a stored code; its digits follow from the row and the key.
type code struct {
	ref       Ref
	kind      CodeKind
	portal    string
	subject   string
	challenge string
	expires   time.Time
	tries     int64
	state     string
}

// MakeCode makes a code of six digits for an account (subject), good for the one challenge that asked for it: the
// sign-in under way, the change under way. Earlier codes of the same kind and account are void. It is a step; the
// digits are to be had from [Links.RevealCode]. How many codes and guesses an account has in an hour is for throttle
// to count, by account: a new code brings no new budget.
func (l *Links) MakeCode(ctx context.Context, tx *db.Tx, kind CodeKind, portal, subject, challenge string) (Ref, error) {
	if kind == "" || subject == "" || challenge == "" {
		return "", fmt.Errorf("make code: kind %q, subject %q, challenge %q: not a code", kind, subject, challenge)
	}
	if err := l.VoidCodes(ctx, tx, kind, portal, subject); err != nil {
		return "", err
	}
	made := code{
		ref: Ref(db.NewID()), kind: kind, portal: portal, subject: subject, challenge: challenge,
		expires: tx.Now().Add(CodeLife),
	}
	if err := insertCode(ctx, tx, made); err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	return made.ref, nil
}

// VoidCodes makes every open code of a kind and account void. It is a step.
func (l *Links) VoidCodes(ctx context.Context, tx *db.Tx, kind CodeKind, portal, subject string) error {
	if err := enter(ctx, tx, portal, "code/"+string(kind), subject); err != nil {
		return fmt.Errorf("void codes: %w", err)
	}
	if err := closeCodes(ctx, tx, kind, portal, subject); err != nil {
		return fmt.Errorf("void codes: %w", err)
	}
	return nil
}

// RevealCode gives a code as it is sent, for whoever sends it; Expired if it can no longer be used.
func (l *Links) RevealCode(ctx context.Context, d *db.DB, ref Ref) (digits string, err error) {
	err = d.Look(ctx, func(tx *db.Tx) error {
		c, err := codeByRef(ctx, tx, ref)
		if err != nil {
			return err
		}
		if c.state != "open" || c.tries >= CodeTries || !tx.Now().Before(c.expires) {
			return codeExpired()
		}
		digits, err = l.text(c)
		return err
	})
	return digits, err
}

// CheckCode takes one of a code's tries and, if what was typed is the code, uses it up. It is a step.
//
// It returns two things, because a wrong guess must be counted: refused is what to tell the person AFTER the deed is
// committed, err is what rolls the deed back. A deed that returned refused from inside its transaction would give the
// try back, and with it any number of guesses:
//
//	err = d.InTx(ctx, func(tx *db.Tx) error {
//		refused, err = links.CheckCode(ctx, tx, link.SignIn, portal, account, challenge, typed)
//		if err != nil || refused != nil {
//			return err
//		}
//		… what the code is for …
//	})
//	if err == nil {
//		err = refused
//	}
//
// Refused is Invalid for what is not six digits (no try is taken) and for a wrong code, Expired for a code that is
// used, void, too old, out of tries, of another challenge or never was: these look alike.
func (l *Links) CheckCode(ctx context.Context, tx *db.Tx, kind CodeKind, portal, subject, challenge, typed string) (refused, err error) {
	typed, ok := normal(typed)
	if !ok {
		return fault.New(fault.Invalid, "code.malformed"), nil
	}
	c, err := takeTry(ctx, tx, kind, portal, subject, challenge)
	if db.None(err) {
		return codeExpired(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("check code: %w", err)
	}
	if !same(typed, l.digits(c)) {
		if c.tries >= CodeTries {
			return codeExpired(), nil
		}
		return fault.New(fault.Invalid, "code.wrong", "left", strconv.FormatInt(CodeTries-c.tries, 10)), nil
	}
	won, err := useCode(ctx, tx, c.ref)
	if err != nil {
		return nil, fmt.Errorf("use code %s: %w", c.ref, err)
	}
	if !won {
		return codeExpired(), nil
	}
	return nil, nil
}

// normal takes the spaces out of a typed code, of whatever sort: people copy them along.
func normal(typed string) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	typed = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, typed)
	if len(typed) != 6 || strings.Trim(typed, "0123456789") != "" {
		return "", false
	}
	return typed, true
}

func codeExpired() error { return fault.New(fault.Expired, "code.expired") }
