package link_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/link"
)

// clock is a time that a test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 5, 4, 12, 0, 0, 123456789, time.UTC).Add(time.Duration(c.offset.Load()))
}

func (c *clock) pass(d time.Duration) { c.offset.Add(int64(d)) }

// bench is one database, its clock and links.
type bench struct {
	t     *testing.T
	d     *db.DB
	links *link.Links
	clock *clock
}

func each(t *testing.T, test func(b bench)) {
	t.Helper()
	c := &clock{}
	dbtest.EachAt(t, c.now, func(t *testing.T, d *db.DB) {
		c.offset.Store(0)
		test(bench{t, d, link.New(link.Key{1, 2, 3}), c})
	})
}

func (b bench) make(kind link.Kind, portal, subject string) (ref link.Ref, secret string) {
	b.t.Helper()
	err := b.d.InTx(context.Background(), func(tx *db.Tx) (err error) {
		ref, err = b.links.Make(context.Background(), tx, kind, portal, subject, tx.Now().Add(time.Hour))
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	secret, err = b.links.Reveal(context.Background(), b.d, ref)
	if err != nil {
		b.t.Fatal(err)
	}
	return ref, secret
}

func (b bench) use(kind link.Kind, portal, secret string) (opened link.Link, err error) {
	err = b.d.InTx(context.Background(), func(tx *db.Tx) (err error) {
		opened, err = b.links.Use(context.Background(), tx, kind, portal, secret)
		return err
	})
	return opened, err
}

func (b bench) peek(kind link.Kind, portal, secret string) (opened link.Link, err error) {
	err = b.d.Look(context.Background(), func(tx *db.Tx) (err error) {
		opened, err = b.links.Peek(context.Background(), tx, kind, portal, secret)
		return err
	})
	return opened, err
}

func (b bench) exec(statement string, args ...any) {
	b.t.Helper()
	err := b.d.InTx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), statement, args...)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// refused wants a refusal of a kind, with words in both languages.
func refused(t *testing.T, what string, err error, kind fault.Kind, key string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Kind != kind || f.Key != key {
		t.Errorf("%s: %v, want %s %s", what, err, kind, key)
	}
	if _, has := i18n.Word(key); !has {
		t.Errorf("%s has no words", key)
	}
}

func TestALinkOpensOnceAndLookingChangesNothing(t *testing.T) {
	each(t, func(b bench) {
		ref, secret := b.make(link.Proof, "one", "c1")
		for range 3 { // scanners of mail look too
			k, err := b.peek(link.Proof, "one", secret)
			if err != nil || k.Ref != ref || k.Subject != "c1" || !k.Expires.Equal(b.d.Now().Add(time.Hour)) {
				b.t.Fatalf("%+v, %v", k, err)
			}
		}
		if k, err := b.use(link.Proof, "one", secret); err != nil || k.Subject != "c1" {
			b.t.Fatalf("%+v, %v", k, err)
		}
		_, err := b.use(link.Proof, "one", secret)
		refused(b.t, "used twice", err, fault.Expired, "link.expired")
		_, err = b.peek(link.Proof, "one", secret)
		refused(b.t, "looked at when used", err, fault.Expired, "link.expired")
		_, err = b.links.Reveal(b.t.Context(), b.d, ref)
		refused(b.t, "revealed when used", err, fault.Expired, "link.expired")
	})
}

func TestOfManyWhoUseALinkAtOnceOneWins(t *testing.T) {
	each(t, func(b bench) {
		for range 10 {
			_, secret := b.make(link.Recovery, "one", "a1")
			var won, lost atomic.Int64
			var all sync.WaitGroup
			start := make(chan struct{})
			for range 16 {
				all.Go(func() {
					<-start
					switch _, err := b.use(link.Recovery, "one", secret); {
					case err == nil:
						won.Add(1)
					case fault.Is(err, fault.Expired):
						lost.Add(1)
					default:
						b.t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			if won.Load() != 1 || lost.Load() != 15 {
				b.t.Errorf("%d won, %d were told that it is used", won.Load(), lost.Load())
			}
		}
	})
}

func TestOfManyMadeAtOnceOneStaysGood(t *testing.T) {
	each(t, func(b bench) {
		var all sync.WaitGroup
		refs := make([]link.Ref, 20)
		for i := range refs {
			all.Go(func() {
				err := b.d.InTx(context.Background(), func(tx *db.Tx) (err error) {
					refs[i], err = b.links.Make(context.Background(), tx, link.Recovery, "one", "a1", tx.Now().Add(time.Hour))
					return err
				})
				if err != nil {
					b.t.Error(err)
				}
			})
		}
		all.Wait()
		good := 0
		for _, ref := range refs {
			if _, err := b.links.Reveal(context.Background(), b.d, ref); err == nil {
				good++
			}
		}
		if good != 1 {
			b.t.Errorf("%d of 20 recovery links are good", good)
		}
	})
}

func TestASecretIsTakenExactlyAsItWasMadeAndForWhatItWasMade(t *testing.T) {
	each(t, func(b bench) {
		_, secret := b.make(link.Proof, "one", "c1")
		_, other := b.make(link.Proof, "one", "c2")
		last := secret[:len(secret)-1]
		bad := map[string]string{
			"truncated": last, "lengthened": secret + "a", "padded": secret + "====", "padded to size": last + "=",
			"in capitals": strings.ToUpper(secret), "one capital": oneCapital(secret),
			"with a space": secret + " ", "with a newline": last + "\n", "newline inside": secret[:20] + "\n" + secret[20:],
			"empty": "", "not base32": strings.Repeat("0", len(secret)), "NUL": "\x00" + secret[1:],
			"another's proof": secret[:26] + other[26:], "huge": strings.Repeat("a", 1<<20),
		}
		for _, letter := range "abcdefghijklmnopqrstuvwxyz234567" { // those with the same first bit decode to the same bytes
			if other := last + string(letter); other != secret {
				bad["ending in "+string(letter)] = other
			}
		}
		for what, typed := range bad {
			_, err := b.use(link.Proof, "one", typed)
			refused(b.t, what, err, fault.NotFound, "link.unknown")
		}
		for _, kind := range []link.Kind{link.Draft, link.Follow, link.Invitation, link.OfficerInvitation, link.Recovery, link.NewAddress, link.Undo, ""} {
			_, err := b.use(kind, "one", secret)
			refused(b.t, "as "+string(kind), err, fault.NotFound, "link.unknown")
		}
		for _, portal := range []string{"two", "", "One"} {
			_, err := b.use(link.Proof, portal, secret)
			refused(b.t, "in portal "+portal, err, fault.NotFound, "link.unknown")
		}
		if _, err := b.use(link.Proof, "one", secret); err != nil {
			b.t.Errorf("the refused tries used it up: %v", err)
		}
	})
}

// oneCapital puts the first letter that is no digit in capitals.
func oneCapital(secret string) string {
	at := strings.IndexFunc(secret, unicode.IsLower)
	return secret[:at] + strings.ToUpper(secret[at:at+1]) + secret[at+1:]
}

func TestAChangedRowOpensNothing(t *testing.T) {
	each(t, func(b bench) {
		for _, change := range []string{
			`subject = 'a2'`, `kind = 'recovery'`, `portal = 'two'`, `expires = '2099-01-01T00:00:00.000000Z'`,
		} {
			ref, secret := b.make(link.Invitation, "one", "a1")
			b.exec(`UPDATE link SET `+change+` WHERE ref = $1`, string(ref))
			for _, kind := range []link.Kind{link.Invitation, link.Recovery} {
				for _, portal := range []string{"one", "two"} {
					_, err := b.peek(kind, portal, secret)
					refused(b.t, change, err, fault.NotFound, "link.unknown")
				}
			}
		}
	})
}

func TestWhoeverHasTheDatabaseHasNoSecret(t *testing.T) {
	each(t, func(b bench) {
		ref, secret := b.make(link.Recovery, "one", "a1")
		stranger := link.New(link.Key{9})
		guess, err := stranger.Reveal(b.t.Context(), b.d, ref)
		if err != nil || guess == secret {
			b.t.Fatalf("another key gives the same secret: %v", err)
		}
		_, err = b.use(link.Recovery, "one", guess)
		refused(b.t, "made with another key", err, fault.NotFound, "link.unknown")
		if strings.Contains(secret, string(ref[:25])) == false || strings.Contains(string(ref), secret[26:]) {
			b.t.Error("a secret is the row's id and a proof that is not in the row")
		}
	})
}

func TestALinkExpires(t *testing.T) {
	each(t, func(b bench) {
		ref, secret := b.make(link.Follow, "one", "c1")
		b.clock.pass(time.Hour - time.Microsecond)
		if _, err := b.use(link.Follow, "one", secret); err != nil {
			b.t.Fatal(err)
		}
		b.clock.pass(time.Microsecond)
		_, err := b.use(link.Follow, "one", secret)
		refused(b.t, "too old", err, fault.Expired, "link.expired")
		_, err = b.links.Reveal(b.t.Context(), b.d, ref)
		refused(b.t, "revealed too late", err, fault.Expired, "link.expired")
		err = b.d.InTx(b.t.Context(), func(tx *db.Tx) error {
			_, err := b.links.Make(b.t.Context(), tx, link.Follow, "one", "c1", tx.Now())
			return err
		})
		if err == nil {
			b.t.Error("a link was made that is dead already")
		}
	})
}

func TestOnlyDraftsAndFollowingOpenAgain(t *testing.T) {
	each(t, func(b bench) {
		for kind, again := range map[link.Kind]bool{
			link.Proof: false, link.Draft: true, link.Follow: true, link.Invitation: false, link.OfficerInvitation: false,
			link.Recovery: false, link.NewAddress: false, link.Undo: false,
		} {
			_, secret := b.make(kind, "one", "s1")
			_, first := b.use(kind, "one", secret)
			_, second := b.use(kind, "one", secret)
			if first != nil || (second == nil) != again {
				b.t.Errorf("%s: %v, then %v", kind, first, second)
			}
		}
	})
}

func TestANewLinkVoidsTheOldOnesOfTheSameSubjectOnly(t *testing.T) {
	each(t, func(b bench) {
		for kind, voids := range map[link.Kind]bool{
			link.Proof: true, link.Draft: false, link.Follow: false, link.Invitation: true, link.OfficerInvitation: true,
			link.Recovery: true, link.NewAddress: true, link.Undo: false,
		} {
			_, old := b.make(kind, "one", "s1")
			_, others := b.make(kind, "one", "s2")
			_, elsewhere := b.make(kind, "two", "s1")
			b.make(kind, "one", "s1")
			if _, err := b.peek(kind, "one", old); (err != nil) != voids {
				b.t.Errorf("%s: the old one says %v", kind, err)
			}
			if _, err := b.peek(kind, "one", others); err != nil {
				b.t.Errorf("%s: another subject's: %v", kind, err)
			}
			if _, err := b.peek(kind, "two", elsewhere); err != nil {
				b.t.Errorf("%s: another portal's: %v", kind, err)
			}
		}
	})
}

func TestVoidAllClosesEveryOpenLink(t *testing.T) {
	each(t, func(b bench) {
		_, first := b.make(link.Undo, "one", "a1")
		_, second := b.make(link.Undo, "one", "a1")
		_, others := b.make(link.Undo, "one", "a2")
		err := b.d.InTx(b.t.Context(), func(tx *db.Tx) error { return b.links.VoidAll(b.t.Context(), tx, link.Undo, "one", "a1") })
		if err != nil {
			b.t.Fatal(err)
		}
		for _, secret := range []string{first, second} {
			_, err := b.use(link.Undo, "one", secret)
			refused(b.t, "void", err, fault.Expired, "link.expired")
		}
		if _, err := b.use(link.Undo, "one", others); err != nil {
			b.t.Error(err)
		}
	})
}

func TestMakeRefusesWhatIsNoLinkAndWritesNothing(t *testing.T) {
	each(t, func(b bench) {
		for _, c := range []struct {
			kind    link.Kind
			subject string
		}{{"no-such", "s1"}, {link.Proof, ""}} {
			err := b.d.InTx(b.t.Context(), func(tx *db.Tx) error {
				_, err := b.links.Make(b.t.Context(), tx, c.kind, "one", c.subject, tx.Now().Add(time.Hour))
				return err
			})
			if err == nil {
				b.t.Errorf("%+v was made", c)
			}
		}
		if n := b.count("link") + b.count("link_gate"); n != 0 {
			b.t.Errorf("%d rows", n)
		}
	})
}

func (b bench) count(table string) (n int) {
	b.t.Helper()
	err := b.d.Look(context.Background(), func(tx *db.Tx) error {
		return tx.Row(context.Background(), `SELECT count(*) FROM `+table).Scan(&n)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestSweepErasesTheLongDeadOnly(t *testing.T) {
	each(t, func(b bench) {
		_, old := b.make(link.Follow, "one", "c1")
		b.code("old")
		b.clock.pass(48 * time.Hour)
		_, young := b.make(link.Follow, "one", "c2")
		var n int64
		err := b.d.InTx(b.t.Context(), func(tx *db.Tx) (err error) {
			n, err = link.Sweep(b.t.Context(), tx, tx.Now().Add(-24*time.Hour))
			return err
		})
		if err != nil || n != 2 {
			b.t.Fatalf("%d, %v", n, err)
		}
		_, err = b.peek(link.Follow, "one", old)
		refused(b.t, "swept", err, fault.NotFound, "link.unknown")
		if _, err := b.peek(link.Follow, "one", young); err != nil {
			b.t.Error(err)
		}
	})
}
