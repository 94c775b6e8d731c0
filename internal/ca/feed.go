package ca

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"chancela/internal/db"
	"chancela/internal/issuance"
)

// feed keeps the register up with the record. Each list's head counts the changes of its certificates, in the order
// in which they were committed, so the feed asks for the counts alone, and reads what came after those that it knows:
// each second, for what other processes did, and after each revocation of this one, before its deed returns.
type feed struct {
	mu    sync.Mutex       // one reads at a time
	seen  map[string]int64 // by list: the changes that the register holds
	tried time.Time        // when the record was last asked out of turn

	state   sync.RWMutex     // of what follows
	whole   bool             // everything was read once
	missed  int              // changes of this process before that
	asOf    time.Time        // up to when the register is known to be right
	asked   time.Time        // the same, by the clock that nobody can set
	numbers map[string]int64 // by list: of the one in force
}

const (
	feedPause = time.Second
	// feedFresh is how long what was read counts as now: another replica's revocation is seen within it.
	feedFresh = 3 * time.Second
	// feedWait bounds how long a database that does not answer is waited for.
	feedWait = 2 * time.Second
	// loadWait bounds how long reading everything may take.
	loadWait = 5 * time.Minute
	// loadAgain is how often the hierarchy is read anew: renewed responders of other replicas.
	loadAgain = 15 * time.Second
)

// Feed reads the register, and keeps it up with the record until ctx ends. Without it, and before it has read
// everything, answers come from the record itself.
func (s *Record) Feed(ctx context.Context) error {
	tick := time.NewTicker(feedPause)
	defer tick.Stop()
	loaded, behind := time.Now(), outage{}
	for {
		err := s.CatchUp(ctx)
		if err == nil && time.Since(loaded) > loadAgain {
			err, loaded = s.Load(ctx), time.Now()
		}
		if ctx.Err() == nil {
			behind.note(ctx, s.c.Log, err, time.Now())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// outage is how long the register has been behind the record, and what was said of it.
type outage struct {
	since time.Time // the first failure; zero while there is none
	loud  bool      // somebody was called
}

// alarmAfter is how long the record is not read before somebody must look. One look that fails may be a busy machine,
// and costs no answer its truth: what this process revokes is in the register at once. What other replicas revoke
// should be seen within [feedFresh]; behind some of that, answers are older than is promised.
const alarmAfter = 5 * feedFresh

// note takes in how a look at the record went, and says once each what is to be said of it.
func (o *outage) note(ctx context.Context, log *slog.Logger, err error, now time.Time) {
	switch {
	case err == nil && o.since.IsZero():
	case err == nil:
		*o = outage{}
		log.InfoContext(ctx, "ca: the register is up with the record again")
	case o.since.IsZero():
		o.since = now
		log.WarnContext(ctx, "ca: the register could not be brought up with the record; it is tried again", "error", err)
	case !o.loud && now.Sub(o.since) >= alarmAfter:
		o.loud = true
		log.ErrorContext(ctx, "ca: the register cannot be kept up with the record; answers go on from what is known", "error", err)
	}
}

// CatchUp reads what changed in the record since the last time; everything the first time.
func (s *Record) CatchUp(ctx context.Context) error {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	if !s.feed.isWhole() {
		return s.readAll(ctx)
	}
	return s.readTurned(ctx)
}

func (f *feed) isWhole() bool {
	f.state.RLock()
	defer f.state.RUnlock()
	return f.whole
}

// readAll fills the register from one consistent state of the record.
func (s *Record) readAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadWait)
	defer cancel()
	fresh, seen := newRegister(), map[string]int64{}
	begun := time.Now()
	var now []head
	var at time.Time
	missed := s.feed.missedSoFar()
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		if now, err = heads(ctx, tx); err != nil {
			return err
		}
		at = tx.Now()
		for _, h := range now {
			seen[h.list] = h.changes
		}
		var wrong error
		err = eachRegistered(ctx, tx, func(r registered) {
			if err := fresh.put(r, false); err != nil {
				wrong = err
			}
		})
		return errors.Join(err, wrong)
	})
	if err != nil {
		return fmt.Errorf("read the register: %w", err)
	}
	s.register.take(fresh)
	s.feed.seen = seen
	for !s.feed.confirm(now, at, begun, missed) { // a revocation of this process came meanwhile: it is read before anything is answered
		missed = s.feed.missedSoFar()
		if now, at, begun, err = s.readHeads(ctx); err != nil {
			return fmt.Errorf("read the register: %w", err)
		}
	}
	return nil
}

// take takes over what another register holds.
func (r *register) take(from *register) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows, r.count, r.table, r.issuers, r.counts = from.rows, from.count, from.table, from.issuers, from.counts
}

// readTurned brings the register what changed on each list.
func (s *Record) readTurned(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, feedWait)
	defer cancel()
	now, at, begun, err := s.readHeads(ctx)
	if err != nil {
		return fmt.Errorf("read what changed: %w", err)
	}
	s.feed.confirm(now, at, begun, s.feed.missedSoFar())
	return nil
}

// readHeads reads the heads of the lists, and what changed on those that count more changes than are known.
func (s *Record) readHeads(ctx context.Context) (now []head, at, begun time.Time, err error) {
	begun = time.Now()
	err = s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		at = tx.Now()
		if now, err = heads(ctx, tx); err != nil {
			return err
		}
		var wrong error
		for _, h := range now {
			if h.changes == s.feed.seen[h.list] {
				continue
			}
			err := eachTurned(ctx, tx, h.list, s.feed.seen[h.list], func(r registered) {
				if err := s.register.put(r, false); err != nil {
					wrong = err
				}
			})
			if err != nil {
				return err
			}
		}
		return wrong
	})
	if err == nil {
		for _, h := range now {
			s.feed.seen[h.list] = h.changes
		}
	}
	return now, at, begun, err
}

func (f *feed) missedSoFar() int {
	f.state.RLock()
	defer f.state.RUnlock()
	return f.missed
}

// confirm says that the register is right as of a moment; it is refused if this process changed something that was
// missed since, because the register was not whole yet.
func (f *feed) confirm(now []head, at, begun time.Time, missed int) bool {
	f.state.Lock()
	defer f.state.Unlock()
	if !f.whole && f.missed != missed {
		return false
	}
	f.whole, f.asOf, f.asked = true, at, begun
	if f.numbers == nil {
		f.numbers = map[string]int64{}
	}
	for _, h := range now {
		f.numbers[h.list] = max(f.numbers[h.list], h.inForce) // one that this process has just stored may not be in what was read
	}
	return true
}

// miss notes a change of this process that the register cannot take yet; false if it can.
func (f *feed) miss() bool {
	f.state.Lock()
	defer f.state.Unlock()
	if !f.whole {
		f.missed++
	}
	return !f.whole
}

// fresh says whether what is in memory counts as now, and else up to when it is right; zero for nothing in memory.
func (f *feed) fresh() (now bool, asOf time.Time) {
	f.state.RLock()
	defer f.state.RUnlock()
	return f.whole && time.Since(f.asked) < feedFresh, f.asOf
}

// published notes a list that this process has just stored.
func (f *feed) published(l List) {
	f.state.Lock()
	defer f.state.Unlock()
	if f.whole && f.numbers[l.Name] < l.Number {
		f.numbers[l.Name] = l.Number
	}
}

// number is that of a list in force, as far as the feed knows.
func (f *feed) number(list string) int64 {
	f.state.RLock()
	defer f.state.RUnlock()
	return f.numbers[list]
}

// upToDate has the register brought up if it is not, at most once a second over all who ask, and says up to when it is
// right: now, or an earlier moment where the database does not answer; zero before anything was read.
func (s *Record) upToDate(ctx context.Context) time.Time {
	now, asOf := s.feed.fresh()
	if now {
		return s.c.DB.Now()
	}
	if asOf.IsZero() || !s.feed.mu.TryLock() {
		return asOf
	}
	defer s.feed.mu.Unlock()
	if time.Since(s.feed.tried) < feedPause {
		return asOf
	}
	s.feed.tried = time.Now()
	if err := s.readTurned(ctx); err != nil {
		return asOf
	}
	return s.c.DB.Now()
}

// Fresh says why what this process answers may be behind the record; nil if it is not, and before anything was read:
// then each answer comes from the record itself.
func (s *Record) Fresh() error {
	if now, asOf := s.feed.fresh(); !now && !asOf.IsZero() {
		return fmt.Errorf("the record was last read at %s", asOf.Format(time.RFC3339))
	}
	return nil
}

// Find says what is known of a certificate of an issuer: from memory what is there, from the record what is not.
//
// A number that was meant and is not issued counts as revoked: it may have been signed, and is never good. Unknown is
// whatever was never meant, or is of another issuer. While the database does not answer, memory is right up to Known.AsOf.
func (s *Record) Find(ctx context.Context, issuer string, serial []byte) (Known, error) {
	if asOf := s.upToDate(ctx); !asOf.IsZero() {
		if k, ok := s.register.find(issuer, serial); ok {
			k.AsOf = asOf
			return s.notAhead(k), nil
		}
	}
	k, err := s.findInRecord(ctx, issuer, serial)
	if err != nil {
		return Known{}, fmt.Errorf("standing of a certificate: %w", err)
	}
	return s.notAhead(k), nil
}

// notAhead makes a revocation by a replica whose clock is ahead of ours one of now.
func (s *Record) notAhead(k Known) Known {
	if k.Standing == issuance.Revoked && k.Revocation.At.After(k.AsOf) {
		k.Revocation.At = k.AsOf
	}
	return k
}

func (s *Record) findInRecord(ctx context.Context, issuer string, serial []byte) (Known, error) {
	k, r, inMemory, err := s.readRecord(ctx, issuer, serial)
	if err != nil || !inMemory || !s.feed.isWhole() {
		return k, err
	}
	if err := s.register.put(r, true); err != nil {
		return k, err
	}
	if there, ok := s.register.find(issuer, serial); ok {
		there.AsOf = k.AsOf
		return there, nil
	}
	return k, nil
}

// readRecord reads from the record alone, whatever is in memory.
func (s *Record) readRecord(ctx context.Context, issuer string, serial []byte) (k Known, r registered, inMemory bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, feedWait)
	defer cancel()
	k = Known{Standing: issuance.Unknown}
	var intended time.Time
	err = s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		k.AsOf = tx.Now()
		r, intended, err = registeredOf(ctx, tx, serialText(serial))
		return err
	})
	switch {
	case db.None(err) || err == nil && r.issuer != issuer:
		return k, r, false, nil
	case err != nil:
		return k, r, false, err
	case r.state == Intended:
		k.Standing, k.Revocation = issuance.Revoked, issuance.Revocation{At: intended, Reason: issuance.Unspecified}
		return k, r, false, nil
	}
	one, inMemory, err := r.row()
	if err != nil {
		return k, r, false, err
	}
	found := one.known(0)
	found.AsOf = k.AsOf
	return found, r, inMemory, nil
}

// Size is how many certificates the register holds in memory.
func (s *Record) Size() int {
	s.register.mu.RLock()
	defer s.register.mu.RUnlock()
	return int(s.register.count)
}

// Registered gives what the register has at a place, from 1 on; false behind the last.
func (s *Record) Registered(place uint32) (Registered, bool) { return s.register.nth(place) }

// turned brings the register a change that this process has just made, before its deed returns. The record is read, and
// not the change taken for granted: another may have followed it. Only where the database does not answer any more the
// change is put in by itself, and read when it does.
func (s *Record) turned(ctx context.Context, c Certificate) error {
	if s.feed.miss() {
		return nil
	}
	err := s.CatchUp(ctx)
	if err != nil {
		s.enter(c, false)
	}
	return err
}

// enter puts what this process has recorded into the register; what happens before everything was read is read with it.
// With unless, what the feed has brought meanwhile stays.
func (s *Record) enter(c Certificate, unless bool) {
	if !s.feed.isWhole() {
		return
	}
	err := s.register.put(registered{
		serial: string(c.Serial), issuer: c.Issuer, list: c.List, state: c.State, revokedAt: db.Time(c.RevokedAt), ends: db.Time(c.NotAfter),
		reason: int64(c.Reason),
	}, unless)
	if err != nil {
		s.c.Log.Error("ca: not in the register", "certificate", string(c.Serial), "error", err)
	}
}
