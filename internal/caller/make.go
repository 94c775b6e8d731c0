package caller

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// The bounds: of a system's name, and of how many good callers a body has at a time.
const (
	leastName   = 3
	mostName    = 120
	mostCallers = 20
)

// Made is a new caller with its secret, which nobody can show again.
type Made struct {
	ID     ID
	Secret string
	System string
}

// Make makes a caller for a body, by somebody whose power for it opens time stamps. Problems name the field "system".
func (s *Service) Make(ctx context.Context, by actor.Actor, nipc, system string) (Made, error) {
	made := Made{ID: ID(db.NewID()), System: strings.Join(strings.Fields(system), " ")}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return Made{}, err
	}
	made.Secret = base64.RawURLEncoding.EncodeToString(secret)
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		body, err := s.body(ctx, tx, by, nipc)
		if err != nil {
			return err
		}
		if n := utf8.RuneCountInString(made.System); n < leastName || n > mostName || strings.ContainsFunc(made.System, unicode.IsControl) {
			return fault.Fields([]fault.Field{{Name: "system", Key: "E-TXT-01", Args: fault.Pairs(
				"min", strconv.Itoa(leastName), "max", strconv.Itoa(mostName), "n", strconv.Itoa(n))}})
		}
		all, err := ofBody(ctx, tx, by.Portal, nipc)
		if err != nil {
			return err
		}
		good := 0
		for _, one := range all {
			if one.EndedAt.IsZero() {
				good++
			}
		}
		if good >= mostCallers {
			return fault.New(fault.Conflict, "caller.too-many", "n", strconv.Itoa(mostCallers))
		}
		one := Caller{
			ID: made.ID, Portal: by.Portal, BodyNIPC: nipc, Body: body.Name, System: made.System, Person: by.Person, Account: by.Account,
			digest: digestOf(made.Secret),
		}
		if err := insert(ctx, tx, one); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "caller.make", made.ID.object())
	})
	if err != nil {
		return Made{}, fmt.Errorf("make caller: %w", err)
	}
	return made, nil
}

// End ends a caller at once and for good, by anybody whose power for its body opens time stamps.
func (s *Service) End(ctx context.Context, by actor.Actor, id ID) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		one, err := byID(ctx, tx, id)
		if db.None(err) || err == nil && one.Portal != by.Portal {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		if err != nil {
			return err
		}
		if _, err := s.body(ctx, tx, by, one.BodyNIPC); err != nil {
			return err
		}
		ended, err := end(ctx, tx, id, by.Person)
		if err != nil {
			return err
		}
		if !ended {
			return fault.New(fault.Conflict, "caller.ended")
		}
		return audit.Write(ctx, tx, by, "caller.end", id.object())
	})
	if err != nil {
		return fmt.Errorf("end caller %s: %w", id, err)
	}
	return nil
}

// body is the body of that number for which the actor may make and end callers; to everybody else there is none.
func (s *Service) body(ctx context.Context, tx *db.Tx, by actor.Actor, nipc string) (Body, error) {
	if err := by.MayIn(by.Portal, actor.ManageCallers); err != nil {
		return Body{}, err
	}
	known, err := s.c.Accounts.Known(ctx, tx, by.Portal, by.Person, by.Account)
	if err != nil {
		return Body{}, err
	}
	for _, body := range s.bodies(known, by.Portal, tx.Now()) {
		if body.NIPC == nipc {
			return body, nil
		}
	}
	return Body{}, fault.New(fault.NotFound, "fault.not-found")
}

// Mine are the bodies for which the actor may make callers, with those they have; none for everybody else.
func (s *Service) Mine(ctx context.Context, by actor.Actor) (all []Body, err error) {
	if err := by.MayIn(by.Portal, actor.ManageCallers); err != nil {
		return nil, err
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		known, err := s.c.Accounts.Known(ctx, tx, by.Portal, by.Person, by.Account)
		if err != nil {
			return err
		}
		all = s.bodies(known, by.Portal, tx.Now())
		for i := range all {
			if err := s.fill(ctx, tx, by.Portal, &all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("callers of person %s: %w", by.Person, err)
	}
	return all, nil
}

func (s *Service) fill(ctx context.Context, tx *db.Tx, portal string, body *Body) error {
	callers, err := ofBody(ctx, tx, portal, body.NIPC)
	if err != nil {
		return err
	}
	month := monthOf(tx.Now())
	for _, one := range callers {
		if one.Asked, one.LastAt, err = asked(ctx, tx, one.ID, month); err != nil {
			return err
		}
		if one.Maker, err = s.c.Accounts.PersonName(ctx, tx, one.Person); err != nil {
			return err
		}
		body.Asked += one.Asked
		body.Callers = append(body.Callers, one)
	}
	return nil
}
