package link_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/link"
)

// code makes a code for account a1 and a challenge and reveals its digits.
func (b bench) code(challenge string) string {
	b.t.Helper()
	var ref link.Ref
	err := b.d.InTx(context.Background(), func(tx *db.Tx) (err error) {
		ref, err = b.links.MakeCode(context.Background(), tx, link.SignIn, "one", "a1", challenge)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	digits, err := b.links.RevealCode(context.Background(), b.d, ref)
	if err != nil {
		b.t.Fatal(err)
	}
	return digits
}

// check is the deed that the package's documentation shows.
func (b bench) check(kind link.CodeKind, portal, account, challenge, typed string) error {
	var refused error
	err := b.d.InTx(context.Background(), func(tx *db.Tx) (err error) {
		refused, err = b.links.CheckCode(context.Background(), tx, kind, portal, account, challenge, typed)
		return err
	})
	if err == nil {
		err = refused
	}
	return err
}

// wrong is a code that is not the right one.
func wrong(right string) string {
	if right[0] == '9' {
		return "0" + right[1:]
	}
	return string(right[0]+1) + right[1:]
}

func TestACodeConfirmsOnceWithOrWithoutSpaces(t *testing.T) {
	each(t, func(b bench) {
		for _, form := range []string{"%s%s", " %s %s\n", "%s\u00a0%s", "\t%s\u2009%s"} {
			right := b.code("s1")
			if len(right) != 6 || strings.Trim(right, "0123456789") != "" {
				b.t.Fatalf("%q is not six digits", right)
			}
			typed := fmt.Sprintf(form, right[:3], right[3:])
			if err := b.check(link.SignIn, "one", "a1", "s1", typed); err != nil {
				b.t.Errorf("%q: %v", typed, err)
			}
			for _, again := range []string{typed, right, right + " "} {
				refused(b.t, "a second time", b.check(link.SignIn, "one", "a1", "s1", again), fault.Expired, "code.expired")
			}
		}
	})
}

func TestACodeIsGoodOnlyForWhoAskedAndWhatFor(t *testing.T) {
	each(t, func(b bench) {
		right := b.code("s1")
		for name, err := range map[string]error{
			"another session": b.check(link.SignIn, "one", "a1", "s2", right),
			"another account": b.check(link.SignIn, "one", "a2", "s1", right),
			"another portal":  b.check(link.SignIn, "two", "a1", "s1", right),
			"another purpose": b.check(link.ChangeAddress, "one", "a1", "s1", right),
		} {
			refused(b.t, name, err, fault.Expired, "code.expired")
		}
		if err := b.check(link.SignIn, "one", "a1", "s1", right); err != nil {
			b.t.Errorf("those tries used it up: %v", err)
		}
	})
}

func TestACodeIsGuessedFiveTimesAndNoMore(t *testing.T) {
	each(t, func(b bench) {
		right := b.code("s1")
		for _, malformed := range []string{"", "12345", "1234567", "12345a", "１２３４５６", "12-3456", strings.Repeat("1", 1<<16)} {
			refused(b.t, malformed[:min(9, len(malformed))], b.check(link.SignIn, "one", "a1", "s1", malformed), fault.Invalid, "code.malformed")
		}
		for left := link.CodeTries - 1; left > 0; left-- {
			err := b.check(link.SignIn, "one", "a1", "s1", wrong(right))
			refused(b.t, "wrong", err, fault.Invalid, "code.wrong")
			if f, _ := fault.As(err); f.Args["left"] != fmt.Sprint(left) {
				b.t.Errorf("says %s left, not %d", f.Args["left"], left)
			}
		}
		refused(b.t, "the fifth", b.check(link.SignIn, "one", "a1", "s1", wrong(right)), fault.Expired, "code.expired")
		refused(b.t, "the right one, sixth", b.check(link.SignIn, "one", "a1", "s1", right), fault.Expired, "code.expired")
	})
}

func TestGuessesAtOnceAreCountedOneByOne(t *testing.T) {
	each(t, func(b bench) {
		right := b.code("s1")
		var compared atomic.Int64
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := b.check(link.SignIn, "one", "a1", "s1", wrong(right)); fault.Is(err, fault.Invalid) {
					compared.Add(1)
				} else if !fault.Is(err, fault.Expired) {
					b.t.Error(err)
				}
			})
		}
		all.Wait()
		if compared.Load() != link.CodeTries-1 { // the fifth is told that it was the last
			b.t.Errorf("%d guesses were compared", compared.Load())
		}
		refused(b.t, "afterwards", b.check(link.SignIn, "one", "a1", "s1", right), fault.Expired, "code.expired")
	})
}

func TestARightCodeTypedByManyAtOnceLetsOneIn(t *testing.T) {
	each(t, func(b bench) {
		right := b.code("s1")
		var in atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := b.check(link.SignIn, "one", "a1", "s1", right); err == nil {
					in.Add(1)
				} else if !fault.Is(err, fault.Expired) {
					b.t.Error(err)
				}
			})
		}
		all.Wait()
		if in.Load() != 1 {
			b.t.Errorf("%d were let in", in.Load())
		}
	})
}

func TestANewCodeVoidsTheOldOne(t *testing.T) {
	each(t, func(b bench) {
		old := b.code("s1")
		fresh := b.code("s2")
		refused(b.t, "the old one", b.check(link.SignIn, "one", "a1", "s1", old), fault.Expired, "code.expired")
		if err := b.check(link.SignIn, "one", "a1", "s2", fresh); err != nil {
			b.t.Error(err)
		}
		last := b.code("s3")
		err := b.d.InTx(b.t.Context(), func(tx *db.Tx) error { return b.links.VoidCodes(b.t.Context(), tx, link.SignIn, "one", "a1") })
		if err != nil {
			b.t.Fatal(err)
		}
		refused(b.t, "void", b.check(link.SignIn, "one", "a1", "s3", last), fault.Expired, "code.expired")
	})
}

func TestACodeLastsTenMinutes(t *testing.T) {
	each(t, func(b bench) {
		right := b.code("s1")
		b.clock.pass(link.CodeLife)
		refused(b.t, "too old", b.check(link.SignIn, "one", "a1", "s1", right), fault.Expired, "code.expired")
		right = b.code("s1")
		b.clock.pass(link.CodeLife - time.Microsecond)
		if err := b.check(link.SignIn, "one", "a1", "s1", right); err != nil {
			b.t.Error(err)
		}
	})
}

func TestTheDatabaseHoldsNoDigits(t *testing.T) {
	each(t, func(b bench) {
		right := b.code("s1")
		b.exec(`UPDATE code SET challenge = 's2'`) // a row moved to one's own sign-in
		refused(b.t, "moved", b.check(link.SignIn, "one", "a1", "s2", right), fault.Invalid, "code.wrong")
		seen := map[string]bool{}
		for i := range 40 {
			seen[b.code(fmt.Sprint("s", i))] = true
		}
		if len(seen) < 35 {
			b.t.Errorf("40 codes have %d values", len(seen))
		}
	})
}
