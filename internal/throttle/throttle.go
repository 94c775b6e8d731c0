// Package throttle counts tries, so that guessing, flooding and enumerating end after a number of them.
//
// Counters are in the database and shared by all replicas: a budget holds however many sessions, addresses and
// servers somebody spreads their tries over. A window begins with the first try and lasts as long as its rule says;
// what it allowed is gone until it ends. Whom it is counted for is stored as a digest under a key that the database
// does not hold, of one length: no address, number or name of a person is kept, and nobody's long key fills the disk.
// Rows whose window ended are swept ([Counters.Sweep]).
//
// The key of a count must be the canonical spelling of what is counted (an account's id, a network, a number in
// E.164), never what was typed: otherwise each spelling has a budget of its own. Start reading at [Counters.Take].
package throttle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"chancela/internal/db"
	"chancela/internal/fault"
)

// Rule says how often something may be done in how long. Its name is that of the counter: two rules that count
// different things need different names.
type Rule struct {
	Name   string
	Limit  int64
	Window time.Duration
}

// Key is the secret under which those who are counted are digested. It must be kept outside the database and be the
// same for all replicas.
type Key [32]byte

// Counters counts.
type Counters struct{ key Key }

// New makes Counters of a key.
func New(key Key) *Counters { return &Counters{key: key} }

// Take takes one of the tries that a rule allows, and refuses with Throttled once they are used up, saying when to
// come again. Of any number who take at once, no more than the limit are let through.
//
// It is a step, and must be committed before the try is judged: a deed that took a try and then refused would give it
// back. So take in a transaction of its own, judge, and [Counters.Forget] on success where success resets the count.
func (c *Counters) Take(ctx context.Context, tx *db.Tx, rule Rule, key string) error {
	if err := rule.check(); err != nil {
		return err
	}
	who := c.digest(rule, key)
	taken, err := take(ctx, tx, rule, who)
	if err != nil {
		return fmt.Errorf("throttle %s: %w", rule.Name, err)
	}
	if taken {
		return nil
	}
	_, ends, err := find(ctx, tx, rule, who)
	if err != nil {
		return fmt.Errorf("throttle %s: %w", rule.Name, err)
	}
	return refusal(ends.Sub(tx.Now()))
}

// Peek says how many tries are left and, if none, when there will be; it takes none.
func (c *Counters) Peek(ctx context.Context, tx *db.Tx, rule Rule, key string) (left int64, again time.Duration, err error) {
	if err := rule.check(); err != nil {
		return 0, 0, err
	}
	count, ends, err := find(ctx, tx, rule, c.digest(rule, key))
	if err != nil {
		return 0, 0, fmt.Errorf("throttle %s: %w", rule.Name, err)
	}
	if !tx.Now().Before(ends) {
		return rule.Limit, 0, nil
	}
	if left = max(0, rule.Limit-count); left == 0 {
		again = ends.Sub(tx.Now())
	}
	return left, again, nil
}

// Forget gives all tries back: whoever was counted has shown that they may.
func (c *Counters) Forget(ctx context.Context, tx *db.Tx, rule Rule, key string) error {
	if err := forget(ctx, tx, rule, c.digest(rule, key)); err != nil {
		return fmt.Errorf("throttle %s: %w", rule.Name, err)
	}
	return nil
}

// Sweep erases the counters whose window ended, and says how many. It is a step for a loop that runs each minute or
// so: what is kept is then bounded by what was tried within the longest window.
func (c *Counters) Sweep(ctx context.Context, tx *db.Tx) (int64, error) {
	n, err := sweep(ctx, tx)
	if err != nil {
		return 0, fmt.Errorf("sweep throttles: %w", err)
	}
	return n, nil
}

// digest covers the rule's name too, so that one address does not look alike in two counters.
func (c *Counters) digest(rule Rule, key string) string {
	h := hmac.New(sha256.New, c.key[:])
	h.Write([]byte("chancela throttle 1\x00" + rule.Name + "\x00" + key)) // no rule's name has a NUL
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (r Rule) check() error {
	if r.Name == "" || r.Limit < 1 || r.Window <= 0 {
		return fmt.Errorf("throttle rule %q: %d in %s is not a rule", r.Name, r.Limit, r.Window)
	}
	return nil
}

// refusal tells whole minutes, the begun one as a whole: nobody comes back too early.
func refusal(wait time.Duration) error {
	wait = max(wait, time.Second)
	minutes := (wait + time.Minute - 1) / time.Minute
	return fault.Throttle("throttle.wait", wait, "min", strconv.FormatInt(int64(minutes), 10))
}
