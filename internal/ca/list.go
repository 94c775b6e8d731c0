package ca

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"sync"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// List is a revocation list in force.
type List struct {
	Name       string // in its address: the issuer's, with a number where the issuer has several
	Issuer     string
	Number     int64
	DER        []byte
	ThisUpdate time.Time
	NextUpdate time.Time
	Last       bool // no other follows: its issuer has ended
	changes    int64
}

// book is what is kept of a list between two of it: its entries, encoded and linted.
type book struct {
	mu      sync.Mutex // one list of a name is made at a time
	entries *issuance.Entries
	turn    int64 // up to which they are
}

// List gives a list in force by its name; NotFound where there is no such list, Unavailable where it has run out: an
// old list is never given for a new one.
func (s *Record) List(ctx context.Context, name string) (l List, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		l, err = listInForce(ctx, tx, name)
		if db.None(err) {
			if _, known := s.known(name); known {
				return fault.New(fault.Unavailable, "ca.no-list")
			}
			return fault.New(fault.NotFound, "fault.not-found")
		}
		if err == nil && !l.inForce(tx.Now()) {
			return fault.New(fault.Unavailable, "ca.no-list")
		}
		return err
	})
	if err != nil {
		return List{}, fmt.Errorf("list %s: %w", name, err)
	}
	return l, nil
}

func (l List) inForce(at time.Time) bool { return at.Before(l.NextUpdate) }

// ListNumber is the number of a list in force, 0 for none: whoever keeps a list asks whether it still is. It is said
// from memory, as of a moment that may lie back where the database does not answer.
func (s *Record) ListNumber(ctx context.Context, name string) (number int64, asOf time.Time, err error) {
	if asOf := s.upToDate(ctx); !asOf.IsZero() {
		return s.feed.number(name), asOf, nil
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		asOf = tx.Now()
		l, _, err := listState(ctx, tx, name)
		if number = l.Number; db.None(err) {
			return nil
		}
		return err
	})
	return number, asOf, err
}

// listFor is the name of the list that an issuer's next certificate says: one list holds no more certificates than the
// settings say, and an authority that issues to holders begins another then. What a certificate says stays.
func (s *Record) listFor(ctx context.Context, from *issuer) (string, error) {
	if s.c.ListSize <= 0 || from.root {
		return from.name, nil
	}
	there := s.register.of(from.name)
	if !s.feed.isWhole() { // a process that does not answer, or does not yet
		err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
			there, err = countOf(ctx, tx, from.name)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	n := there / s.c.ListSize
	for ; n > 0; n++ { // the name of another authority is none of this one's lists
		name := from.name + "-" + strconv.Itoa(n)
		if _, taken := s.known(name); !taken {
			return name, nil
		}
	}
	return from.name, nil
}

func (s *Record) listURL(name string) string { return s.c.Base + "/crl/" + name + ".crl" }

// openList sees to it that a list that a certificate is to say is there before the certificate is. Where it is the
// second one, the first is made anew, since it now says that it is one of several.
func (s *CA) openList(ctx context.Context, from *issuer, name string) error {
	if name == from.name || s.feed.number(name) > 0 {
		return nil
	}
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		added, err := insertHead(ctx, tx, name, from.name)
		if err != nil || !added {
			return err
		}
		if err := countChange(ctx, tx, from.name); err != nil {
			return err
		}
		return audit.Write(ctx, tx, actor.Machine(""), "list.open", "list/"+name)
	})
	if err == nil {
		err = errors.Join(s.publish(ctx, from.name, from.name, false), s.publish(ctx, name, from.name, false))
	}
	if err == nil && s.feed.isWhole() {
		err = s.CatchUp(ctx)
	}
	if err != nil {
		return fmt.Errorf("open list %s: %w", name, err)
	}
	return nil
}

// book gives what is kept of a list.
func (s *CA) book(name string) *book {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.books[name] == nil {
		s.books[name] = &book{}
	}
	return s.books[name]
}

// publish makes the next list of a name, unless the one in force says everything and a fresh one is not asked for.
//
// The number is taken first, with what the list must say, in one transaction that locks the head; so of two lists the
// one with the higher number says at least as much. It is signed outside, and stored only if none with a higher number
// was meanwhile. Numbers may be skipped, never repeated.
func (s *CA) publish(ctx context.Context, name, issuer string, fresh bool) error {
	from, known := s.known(issuer)
	if !known {
		return fmt.Errorf("publish list %s: %w", name, fault.New(fault.Unavailable, "ca.no-hierarchy"))
	}
	b := s.book(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := s.readBook(ctx, b, name); err != nil { // so that little is left to be read while the head is locked
		return fmt.Errorf("publish list %s: %w", name, err)
	}
	next, needed, err := s.nextList(ctx, b, name, issuer, fresh)
	if err != nil {
		b.entries = nil // it may hold what was not committed
		return fmt.Errorf("publish list %s: %w", name, err)
	}
	if !needed {
		return nil
	}
	s.c.Crash(pointListNumber)
	if next.DER, err = s.signList(ctx, from, next, b.entries); err != nil {
		return fmt.Errorf("publish list %s: %w", name, err)
	}
	s.c.Crash(pointListSigned)
	s.keepOutside(ctx, next)
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		stored, err := insertList(ctx, tx, next)
		if err != nil || !stored {
			return err
		}
		return audit.Write(ctx, tx, actor.Machine(""), "list.publish", "list/"+name+"/"+strconv.FormatInt(next.Number, 10))
	})
	if err != nil {
		return fmt.Errorf("publish list %s: %w", name, err)
	}
	s.c.Crash(pointListRecorded)
	s.feed.published(next)
	return nil
}

// publishLacking makes those lists of an issuer that do not say everything yet.
func (s *CA) publishLacking(ctx context.Context, issuer string) error {
	var lists []string
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		lists, err = lacking(ctx, tx, issuer)
		return err
	})
	errs := []error{err}
	for _, name := range lists {
		errs = append(errs, s.publish(ctx, name, issuer, false))
	}
	return errors.Join(errs...)
}

// several says whether an issuer has more than one list; each then says which it is.
func several(all []head, issuer string) bool {
	n := 0
	for _, h := range all {
		if h.issuer == issuer {
			n++
		}
	}
	return n > 1
}

// nextList takes a number and reads what the list must say.
func (s *CA) nextList(ctx context.Context, b *book, name, issuer string, fresh bool) (next List, needed bool, err error) {
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		next, needed = List{}, false // the transaction may run again
		now, whole, err := listState(ctx, tx, name)
		if err != nil && !db.None(err) || err == nil && whole && !fresh {
			return err
		}
		last, _, err := hasLast(ctx, tx, issuer)
		if err != nil || last && now.Last && whole { // nothing changes a last list but a revocation
			return err
		}
		needed = true
		next = List{Name: name, Issuer: issuer, ThisUpdate: tx.Now(), NextUpdate: tx.Now().Add(s.c.ListLife), Last: last}
		if last {
			next.NextUpdate = issuance.NoNextUpdate()
		}
		if next.Number, next.changes, err = nextNumber(ctx, tx, name, issuer); err != nil {
			return err
		}
		return s.addTo(ctx, tx, b, name)
	})
	return next, needed, err
}

// readBook brings a list's entries up to the record.
func (s *CA) readBook(ctx context.Context, b *book, name string) error {
	return s.c.DB.Look(ctx, func(tx *db.Tx) error { return s.addTo(ctx, tx, b, name) })
}

// addTo adds to a list's entries what the record has and they have not. Where something was taken from the list or is
// said otherwise, or a revocation lies in the future (it was made by a clock that ran ahead), all are read anew.
func (s *CA) addTo(ctx context.Context, tx *db.Tx, b *book, name string) error {
	if b.entries == nil || b.entries.Latest().After(tx.Now()) {
		b.entries, b.turn = issuance.NewEntries(), 0
	}
	for range 2 {
		more, err := turnedAfter(ctx, tx, name, b.turn)
		if err != nil {
			return err
		}
		err = b.add(more, tx.Now())
		if !errors.Is(err, errRewritten) {
			return err
		}
		b.entries, b.turn = issuance.NewEntries(), 0
	}
	return fmt.Errorf("ca: list %s: a certificate is there twice", name)
}

var errRewritten = errors.New("ca: an entry of the list is not what it was")

// add adds entries, none of them later than now: the list says when it was made, and knows nothing of later.
func (b *book) add(more []turned, now time.Time) error {
	for _, t := range more {
		if b.entries.Has(t.serial.Number().Bytes()) {
			b.entries = nil // half-way between two states
			return errRewritten
		}
		if !t.on() {
			b.turn = t.turn
			continue
		}
		entry, err := entryUntil(t.entry, now)
		if err == nil {
			err = b.entries.Add(entry)
		}
		if err != nil {
			b.entries = nil
			return fmt.Errorf("ca: the entry of certificate %s: %w", t.serial, err)
		}
		b.turn = t.turn
	}
	return nil
}

// entryUntil is an entry that lies no later than a moment.
func entryUntil(entry []byte, now time.Time) ([]byte, error) {
	r, err := issuance.ParseEntry(entry)
	if err != nil || !r.At.After(now) {
		return entry, err
	}
	r.At = now
	return r.Entry()
}

func (s *CA) signList(ctx context.Context, from *issuer, l List, said *issuance.Entries) ([]byte, error) {
	list := issuance.List{Number: big.NewInt(l.Number), ThisUpdate: l.ThisUpdate, NextUpdate: l.NextUpdate, Linted: said, Last: l.Last}
	var all []head
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		all, err = heads(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if several(all, l.Issuer) {
		list.Shard = s.listURL(l.Name)
	}
	unsigned, err := issuance.PrepareList(list, from.authority)
	if err != nil {
		return nil, err
	}
	linted, _, err := s.linter.Lint(unsigned)
	if err != nil {
		return nil, err
	}
	signer, err := s.signer(ctx, from.key)
	if err != nil {
		return nil, err
	}
	return issuance.Sign(signer, linted)
}

// skewAllowed is by how much a list may seem to come from the future before another is made: the clocks of two replicas.
const skewAllowed = time.Minute

// refreshLists makes the lists that lack something, whose half-life is over, or that a clock that ran ahead has dated
// in the future: nobody would take them.
func (s *CA) refreshLists(ctx context.Context) error {
	var errs []error
	all, err := s.listsOfAll(ctx)
	for _, one := range all {
		if from, known := s.known(one.issuer); known && from.offline { // its lists come from ceremonies
			continue
		}
		var l List
		var whole, last bool
		err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
			if last, _, err = hasLast(ctx, tx, one.issuer); err != nil {
				return err
			}
			if l, whole, err = listState(ctx, tx, one.list); db.None(err) {
				return nil
			}
			return err
		})
		now := s.c.DB.Now()
		due := !whole || last && !l.Last || !l.Last && !now.Before(l.ThisUpdate.Add(s.c.ListLife/2)) || now.Add(skewAllowed).Before(l.ThisUpdate)
		if err == nil && due {
			err = s.publish(ctx, one.list, one.issuer, true)
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, err)...)
}

// listsOfAll are the lists of our authorities: one of its own name each, and those that were opened.
func (s *Record) listsOfAll(ctx context.Context) (all []head, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		all, err = heads(ctx, tx)
		return err
	})
	all = slices.DeleteFunc(all, func(h head) bool { _, ours := s.known(h.issuer); return !ours })
	for _, a := range s.Authorities() {
		if !slices.ContainsFunc(all, func(h head) bool { return h.list == a.Name }) {
			all = append(all, head{list: a.Name, issuer: a.Name})
		}
	}
	return all, err
}

// ListsOf are the addresses of an authority's lists, the first of its own name.
func (s *Record) ListsOf(ctx context.Context, issuer string) ([]string, error) {
	all, err := s.listsOfAll(ctx)
	var urls []string
	for _, h := range all {
		if h.issuer == issuer {
			urls = append(urls, s.listURL(h.list))
		}
	}
	return urls, err
}
