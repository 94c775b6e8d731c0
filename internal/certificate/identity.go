package certificate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// The bounds of what an officer writes of the proof: which document was seen, where.
const leastProof, mostProof = 10, 2000

// RecordIdentity records how the subject of a case's order was shown to be who they are; the order is then issued.
//
// Nobody records their own (ETSI EN 319 411-1, REG-6.2.2-26). The record is kept by the room that signs, which issues
// nothing without it.
func (s *Service) RecordIdentity(ctx context.Context, by actor.Actor, caseID string, how How, words string) error {
	if err := proofProblems(how, words); err != nil {
		return err
	}
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := s.visible(ctx, tx, by, func() (row, error) { return byCase(ctx, tx, caseID) })
		if err != nil {
			return err
		}
		if err := by.MayIn(r.Portal, actor.ProveIdentity); err != nil {
			return err
		}
		if err := s.notOwn(ctx, tx, by, r); err != nil {
			return err
		}
		moved, err := move(ctx, tx, r.ID, AwaitingIdentity, Issuing)
		if err != nil {
			return err
		}
		if !moved {
			return fault.New(fault.Conflict, "certificate.not-now")
		}
		tx.After(s.wake)
		return s.c.CA.RecordIdentity(ctx, tx, by, ca.Identity{
			Portal: r.Portal, Case: r.Case, Digest: r.digest, How: string(how), Words: strings.TrimSpace(words),
		})
	})
	if err != nil {
		return fmt.Errorf("record identity of case %s: %w", caseID, err)
	}
	return nil
}

func proofProblems(how How, words string) error {
	var problems []fault.Field
	if !slices.Contains(Ways(), how) {
		problems = append(problems, fault.Field{Name: "how", Key: "E-LST-01"})
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(words)); n < leastProof || n > mostProof {
		problems = append(problems, wordsProblem(leastProof, mostProof, n))
	}
	return fault.Fields(problems)
}

func wordsProblem(least, most, n int) fault.Field {
	return fault.Field{Name: "words", Key: "E-TXT-01", Args: fault.Args{"min": strconv.Itoa(least), "max": strconv.Itoa(most), "n": strconv.Itoa(n)}}
}

// notOwn refuses an officer who is the holder, by whichever of their accounts.
func (s *Service) notOwn(ctx context.Context, tx *db.Tx, by actor.Actor, r row) error {
	holder, err := s.c.Accounts.Find(ctx, tx, r.Account)
	if err != nil {
		return err
	}
	same, err := s.c.Accounts.IsSame(ctx, tx, r.Portal, by.Person, holder.AddressKey, "")
	if err != nil {
		return err
	}
	if same || by.Person == r.Holder {
		return fault.New(fault.Forbidden, "certificate.own")
	}
	return nil
}
