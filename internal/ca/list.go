package ca

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"sync"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// List is an issuer's revocation list in force.
type List struct {
	Issuer     string
	Number     int64
	DER        []byte
	ThisUpdate time.Time
	NextUpdate time.Time
	changes    int64
}

// List gives an issuer's list in force; NotFound where there is no such issuer, Unavailable where its list has run
// out: an old list is never given for a new one.
func (s *Record) List(ctx context.Context, issuer string) (l List, err error) {
	if _, known := s.known(issuer); !known {
		return List{}, fault.New(fault.NotFound, "fault.not-found")
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		l, err = listInForce(ctx, tx, issuer)
		if db.None(err) || err == nil && !tx.Now().Before(l.NextUpdate) {
			return fault.New(fault.Unavailable, "ca.no-list")
		}
		return err
	})
	if err != nil {
		return List{}, fmt.Errorf("list of %s: %w", issuer, err)
	}
	return l, nil
}

// ListNumber is the number of an issuer's list in force, 0 for none: whoever keeps a list asks whether it still is.
func (s *Record) ListNumber(ctx context.Context, issuer string) (number int64, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		number, _, err = numberInForce(ctx, tx, issuer)
		return err
	})
	return number, err
}

// publish makes an issuer's next list, unless the one in force says everything and a fresh one is not asked for.
//
// The number is taken first, with what the list must say, in one transaction that locks the head; so of two lists the
// one with the higher number says at least as much. It is signed outside, and stored only if none with a higher number
// was meanwhile. Numbers may be skipped, never repeated.
func (s *CA) publish(ctx context.Context, name string, fresh bool) error {
	from, known := s.known(name)
	if !known {
		return fmt.Errorf("publish list of %s: %w", name, fault.New(fault.Unavailable, "ca.no-hierarchy"))
	}
	lock := s.listLock(name)
	lock.Lock()
	defer lock.Unlock()
	next, said, needed, err := s.nextList(ctx, name, fresh)
	if err != nil || !needed {
		return err
	}
	s.c.Crash(pointListNumber)
	if next.DER, err = s.signList(ctx, from, next, said); err != nil {
		return fmt.Errorf("publish list of %s: %w", name, err)
	}
	s.c.Crash(pointListSigned)
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		stored, err := insertList(ctx, tx, next)
		if err != nil || !stored {
			return err
		}
		return audit.Write(ctx, tx, actor.Machine(""), "list.publish", "list/"+name+"/"+strconv.FormatInt(next.Number, 10))
	})
	if err != nil {
		return fmt.Errorf("publish list of %s: %w", name, err)
	}
	s.c.Crash(pointListRecorded)
	return nil
}

func (s *CA) listLock(name string) *sync.Mutex {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lists[name] == nil {
		s.lists[name] = &sync.Mutex{}
	}
	return s.lists[name]
}

// nextList takes a number and reads what the list must say.
func (s *CA) nextList(ctx context.Context, name string, fresh bool) (next List, said []byte, needed bool, err error) {
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		_, whole, err := numberInForce(ctx, tx, name)
		if err != nil || whole && !fresh {
			return err
		}
		needed = true
		made, err := lastRevocation(ctx, tx, name)
		if err != nil {
			return err
		}
		if made.Before(tx.Now()) { // else a replica's clock is ahead of ours, and the list is never older than its entries
			made = tx.Now()
		}
		next = List{Issuer: name, ThisUpdate: made, NextUpdate: made.Add(s.c.ListLife)}
		if next.Number, next.changes, err = nextNumber(ctx, tx, name); err != nil {
			return err
		}
		said, err = entries(ctx, tx, name)
		return err
	})
	return next, said, needed, err
}

func (s *CA) signList(ctx context.Context, from *issuer, l List, said []byte) ([]byte, error) {
	unsigned, err := issuance.PrepareList(issuance.List{
		Number: big.NewInt(l.Number), ThisUpdate: l.ThisUpdate, NextUpdate: l.NextUpdate, Entries: said,
	}, from.authority)
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

// refreshLists makes the lists that lack something, or whose half-life is over.
func (s *CA) refreshLists(ctx context.Context) error {
	var errs []error
	for _, a := range s.Authorities() {
		var l List
		var whole bool
		err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
			if l, err = listInForce(ctx, tx, a.Name); db.None(err) {
				return nil
			} else if err != nil {
				return err
			}
			_, whole, err = numberInForce(ctx, tx, a.Name)
			return err
		})
		if err == nil && !(whole && s.c.DB.Now().Before(l.ThisUpdate.Add(s.c.ListLife/2))) {
			err = s.publish(ctx, a.Name, true)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
