package problem

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Answer closes a report with what an officer found and did; whoever reported is told, where they gave an address. One
// that is answered is Conflict.
func (s *Service) Answer(ctx context.Context, by actor.Actor, id ID, typed string) error {
	words := strings.TrimSpace(typed)
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := s.find(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := by.MayIn(r.Portal, actor.AnswerProblem); err != nil {
			return err
		}
		if n := utf8.RuneCountInString(words); n < leastWords || n > mostWords {
			return fault.Fields([]fault.Field{{Name: "words", Key: "E-TXT-01", Args: fault.Pairs("min", strconv.Itoa(leastWords), "max", strconv.Itoa(mostWords), "n", strconv.Itoa(n))}})
		}
		won, err := answer(ctx, tx, r.ID, by.Person, s.c.Vault.Lock(r.ID.place()+"/answer", words))
		if err != nil {
			return err
		}
		if !won {
			return fault.New(fault.Conflict, "problem.answered-already")
		}
		if p, ok := s.c.Portals.Portal(r.Portal); ok {
			if err := s.toReporter(ctx, tx, p, r, portal.ProblemAnswered, i18n.Args{"number": r.Number, "answer": words}); err != nil {
				return err
			}
		}
		return audit.Write(ctx, tx, by, "problem.answer", r.ID.object())
	})
	if err != nil {
		return fmt.Errorf("answer report %s: %w", id, err)
	}
	return nil
}

// Queue are the reports of the portal that wait for an answer, the most urgent first, and then those answered last; for
// officers.
func (s *Service) Queue(ctx context.Context, by actor.Actor) (all []Report, err error) {
	if err := by.MayIn(by.Portal, actor.SeeCases); err != nil {
		return nil, err
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		rows, err := waiting(ctx, tx, by.Portal)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := s.open(ctx, tx, &r); err != nil {
				return err
			}
			all = append(all, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reports: %w", err)
	}
	return all, nil
}

// Of shows one report to the officers of its portal.
func (s *Service) Of(ctx context.Context, by actor.Actor, id ID) (r Report, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		r, err = s.find(ctx, tx, by, id)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("report %s: %w", id, err)
	}
	return r, nil
}

func (s *Service) find(ctx context.Context, tx *db.Tx, by actor.Actor, id ID) (Report, error) {
	r, err := byID(ctx, tx, id)
	if db.None(err) {
		return r, fault.New(fault.NotFound, "fault.not-found")
	}
	if err != nil {
		return r, err
	}
	if err := by.MayIn(r.Portal, actor.SeeCases); err != nil {
		return Report{}, err
	}
	return r, s.open(ctx, tx, &r)
}

// open decrypts what was written.
func (s *Service) open(ctx context.Context, tx *db.Tx, r *Report) error {
	said, err := s.c.Vault.Unlock(r.ID.place(), r.locked)
	if err != nil {
		return fmt.Errorf("report %s: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(said), &r.Said); err != nil {
		return fmt.Errorf("report %s: %w", r.ID, err)
	}
	if r.State != Answered {
		return nil
	}
	if r.Answer, err = s.c.Vault.Unlock(r.ID.place()+"/answer", r.Answer); err != nil {
		return fmt.Errorf("answer to report %s: %w", r.ID, err)
	}
	r.Name, err = s.c.People.PersonName(ctx, tx, r.person)
	return err
}
