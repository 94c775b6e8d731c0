package ca

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// A time stamp is worth what its clock is worth, so the clock is watched in three ways, and nothing is stamped while
// one of them objects (EN 319 421 §7.7.2):
//
//   - against the monotonic clock, which nobody can set: a jump of the wall clock shows at once;
//   - against the time service of the system (Config.Reference), which alone knows how far UTC is: a clock that drifts
//     or is not disciplined shows as a bound of error that is too large;
//   - against the latest second that any replica ever stamped, on record: a clock that was set back while nothing ran,
//     or that lags behind another replica's, shows there.

// errClock says why the clock is not to be relied on.
type errClock struct{ why string }

// Error says it to the operator.
func (e errClock) Error() string { return "ca: the clock is not to be relied on: " + e.why }

// Unwrap says what whoever asked for a stamp is told.
func (e errClock) Unwrap() error { return issuance.TimeNotAvailable }

// clock watches the time by which stamps are made.
type clock struct {
	wall      func() time.Time
	monotonic func() time.Duration
	reference func() (time.Duration, error) // nil for none

	mu     sync.Mutex
	anchor time.Time     // a moment at which wall and monotonic clock were read together
	since  time.Duration // and the monotonic clock then
	failed bool          // the operator was told

	marking sync.Mutex
	marked  time.Time // the latest second that is on record as stamped, as far as we know
}

func newClock(c Config) *clock {
	k := &clock{wall: time.Now, monotonic: c.Monotonic, reference: c.Reference}
	if c.DB != nil {
		k.wall = c.DB.Now
	}
	if k.monotonic == nil {
		start := time.Now()
		k.monotonic = func() time.Duration { return time.Since(start) }
	}
	k.anchor, k.since = k.wall(), k.monotonic()
	return k
}

// now gives the time if the clock may be relied on: it is off by no more than a stamp's accuracy, less the millisecond
// to which a stamp is written.
func (k *clock) now() (time.Time, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	most := issuance.StampAccuracy - time.Millisecond
	at := k.wall()
	if drift := k.drift(at); drift > most || drift < -most {
		return time.Time{}, errClock{fmt.Sprintf("it has jumped by %s", drift)}
	}
	if k.reference == nil {
		return at, nil
	}
	off, err := k.reference()
	if err != nil {
		return time.Time{}, errClock{err.Error()}
	}
	if off > most {
		return time.Time{}, errClock{fmt.Sprintf("it may be off by %s", off)}
	}
	return at, nil
}

// drift is how far the wall clock has moved against the monotonic one since both were read together.
func (k *clock) drift(at time.Time) time.Duration {
	return at.Sub(k.anchor) - (k.monotonic() - k.since)
}

// settle reads both clocks together anew, if the system's time service vouches for the wall clock now: what was
// corrected under its eyes is not held against it for ever. Without such a service nothing vouches, and a jump counts
// until it is undone or the program is started anew.
func (k *clock) settle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reference == nil {
		return
	}
	if off, err := k.reference(); err == nil && off < issuance.StampAccuracy {
		k.anchor, k.since = k.wall(), k.monotonic()
	}
}

// told says whether the operator knows already that the clock fails, or no longer does.
func (k *clock) told(failing bool) (already bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	already = k.failed == failing
	k.failed = failing
	return already
}

// mark puts the second of a stamp on record before the stamp is made, once a second, and refuses to stamp behind what
// is there already, or with a unit that was revoked meanwhile.
func (s *CA) mark(ctx context.Context, by stamper, at time.Time) error {
	second := at.Truncate(time.Second)
	s.time.marking.Lock()
	defer s.time.marking.Unlock()
	if s.time.marked.Before(second) {
		var latest time.Time
		err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
			unit, err := standingOf(ctx, tx, by.serial)
			if err != nil {
				return err
			}
			if unit.state != Issued {
				return fault.New(fault.Unavailable, "ca.no-stamps")
			}
			latest, err = markTime(ctx, tx, second)
			return err
		})
		if err != nil {
			return fmt.Errorf("mark the time: %w", err)
		}
		s.time.marked = latest
	}
	if behind := s.time.marked.Sub(at); behind > issuance.StampAccuracy {
		return errClock{fmt.Sprintf("it lags %s behind what was stamped before", behind)}
	}
	return nil
}

// errNoTimeService is what [KernelClock] says where the kernel tells nothing.
var errNoTimeService = errors.New("no time service disciplines the system's clock")
