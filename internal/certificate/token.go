package certificate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/throttle"
)

// MakeToken makes the token of a mandate and gives it, this once. One that was made before is worth nothing from then
// on. Only the holder may, or who has the same power for the same body.
func (s *Service) MakeToken(ctx context.Context, by actor.Actor, id MandateID) (Token, error) {
	token := Token(tokenMark + rand.Text() + rand.Text()) // 260 bits
	err := s.ofBody(ctx, by, id, "make a token of", func(tx *db.Tx, r mandateRow) error {
		if standing := r.standing(tx.Now()); standing == Closed || standing == Over {
			return fault.New(fault.Conflict, "ca.mandate-over")
		}
		tokenID := db.NewID()
		set, err := setToken(ctx, tx, r.ID, tokenID, token.hash())
		if err != nil {
			return err
		}
		if !set {
			return fault.New(fault.Conflict, "ca.mandate-over")
		}
		return audit.Write(ctx, tx, by, "mandate.token", r.ID.object(), audit.With("token", tokenID))
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// hash is what is kept of a token. It has too many bits to be guessed, so a plain digest is enough.
func (t Token) hash() string {
	sum := sha256.Sum256([]byte(t))
	return hex.EncodeToString(sum[:])
}

// RevokeToken makes the token worth nothing; the mandate stays, and another token can be made.
func (s *Service) RevokeToken(ctx context.Context, by actor.Actor, id MandateID) error {
	return s.ofBody(ctx, by, id, "revoke the token of", func(tx *db.Tx, r mandateRow) error {
		dropped, err := dropToken(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		if !dropped {
			return fault.New(fault.Conflict, "certificate.not-now")
		}
		return audit.Write(ctx, tx, by, "mandate.revoke-token", r.ID.object(), audit.With("token", r.tokenID))
	})
}

// EndMandate ends a mandate for good, with its token; certificates that were issued stay. By its holder or another of
// the body with the same power, or by an officer who may revoke, with reasons (CPA, articles 152 and 153).
func (s *Service) EndMandate(ctx context.Context, by actor.Actor, id MandateID, words string) error {
	officer := by.Kind == actor.Officer
	if n := utf8.RuneCountInString(strings.TrimSpace(words)); officer && (n < leastGround || n > mostGround) {
		return fault.Fields([]fault.Field{wordsProblem(leastGround, mostGround, n)})
	}
	end := func(tx *db.Tx, r mandateRow) error {
		ended, err := endMandate(ctx, tx, r.ID, by.Person)
		if err != nil {
			return err
		}
		if !ended {
			return fault.New(fault.Conflict, "ca.mandate-over")
		}
		if _, err := s.c.CA.EndMandate(ctx, tx, by, r.Portal, r.Case, r.Digest); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "mandate.close", r.ID.object())
	}
	if !officer {
		return s.ofBody(ctx, by, id, "end", end)
	}
	return s.aboutMandate(ctx, by, id, "end", func(tx *db.Tx, r mandateRow) error {
		if err := by.MayIn(r.Portal, actor.RevokeAny); err != nil {
			return err
		}
		return end(tx, r)
	})
}

// ofBody runs a deed of the holder, or of who has the same power for the same body.
func (s *Service) ofBody(ctx context.Context, by actor.Actor, id MandateID, verb string, deed func(*db.Tx, mandateRow) error) error {
	return s.aboutMandate(ctx, by, id, verb, func(tx *db.Tx, r mandateRow) error {
		if by.Kind != actor.Person {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		if err := by.MayIn(r.Portal, actor.ChangeOwn); err != nil {
			return err
		}
		return deed(tx, r)
	})
}

func (s *Service) aboutMandate(ctx context.Context, by actor.Actor, id MandateID, verb string, deed func(*db.Tx, mandateRow) error) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := s.visibleMandate(ctx, tx, by, func() (mandateRow, error) { return mandateByID(ctx, tx, id) })
		if err != nil {
			return err
		}
		return deed(tx, r)
	})
	if err != nil {
		return fmt.Errorf("%s mandate %s: %w", verb, id, err)
	}
	return nil
}

// visibleMandate finds a mandate for those who may see it: its holder, who has the same power for the same body, and
// the officers of its portal. To everybody else it does not exist.
func (s *Service) visibleMandate(ctx context.Context, tx *db.Tx, by actor.Actor, find func() (mandateRow, error)) (mandateRow, error) {
	r, err := find()
	if db.None(err) {
		return mandateRow{}, fault.New(fault.NotFound, "fault.not-found")
	}
	if err != nil {
		return mandateRow{}, err
	}
	if by.Kind == actor.Officer && by.MayIn(r.Portal, actor.SeeCases) == nil {
		return r, nil
	}
	if by.Kind == actor.Person && by.Person != "" && by.MayIn(r.Portal, actor.SeeOwn) == nil {
		if by.Person == r.Holder {
			return r, nil
		}
		holds, err := s.c.Accounts.Holds(ctx, tx, r.Portal, by.Person, r.power, r.BodyNIPC)
		if err != nil || holds {
			return r, err
		}
	}
	return mandateRow{}, fault.New(fault.NotFound, "fault.not-found")
}

// MandateOf shows a mandate: to its holder and body, and to officers.
func (s *Service) MandateOf(ctx context.Context, by actor.Actor, id MandateID) (m Mandate, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		m, err = s.lookMandate(ctx, tx, by, func() (mandateRow, error) { return mandateByID(ctx, tx, id) })
		return err
	})
	if err != nil {
		return Mandate{}, fmt.Errorf("mandate %s: %w", id, err)
	}
	return m, nil
}

// MandateOfCase shows a case's mandate to the same people; false if the case has none, or none for them.
func (s *Service) MandateOfCase(ctx context.Context, by actor.Actor, caseID string) (m Mandate, found bool, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		m, err = s.lookMandate(ctx, tx, by, func() (mandateRow, error) { return mandateByCase(ctx, tx, caseID) })
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return Mandate{}, false, nil
	}
	return m, err == nil, err
}

// Mandates are the signed-in person's, newest first, without what only their pages say.
func (s *Service) Mandates(ctx context.Context, by actor.Actor) ([]Mandate, error) {
	if err := by.MayIn(by.Portal, actor.SeeOwn); err != nil {
		return nil, err
	}
	if by.Kind != actor.Person || by.Person == "" {
		return nil, nil
	}
	var all []Mandate
	err := s.c.DB.Look(ctx, func(tx *db.Tx) error {
		rows, err := mandatesOf(ctx, tx, by.Portal, by.Person)
		for _, r := range rows {
			r.Standing = r.standing(tx.Now())
			all = append(all, r.Mandate)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("mandates of person %s: %w", by.Person, err)
	}
	return all, nil
}

func (s *Service) lookMandate(ctx context.Context, tx *db.Tx, by actor.Actor, find func() (mandateRow, error)) (Mandate, error) {
	r, err := s.visibleMandate(ctx, tx, by, find)
	if err != nil {
		return Mandate{}, err
	}
	use, err := s.c.CA.UseOf(ctx, tx, r.Portal, r.Case, r.Digest)
	if err != nil {
		return Mandate{}, err
	}
	r.Used = use.Used
	r.Standing = r.standing(tx.Now())
	m, err := issuance.ParseMandate(r.der)
	if err != nil {
		return Mandate{}, err
	}
	r.Details = append(partsOf(m.Subject), alternatives(issuance.Order{DNSNames: m.DNSNames, Emails: m.Emails})...)
	if r.Approvals, err = s.approversOf(ctx, tx, r.Portal, r.Digest); err != nil {
		return Mandate{}, err
	}
	issued, err := s.c.CA.OfMandate(ctx, tx, r.Case, r.Digest, mostShown)
	if err != nil {
		return Mandate{}, err
	}
	for _, c := range issued {
		r.Latest = append(r.Latest, underOf(c, tx.Now()))
	}
	live := r.Standing == Running || r.Standing == UsedUp
	r.MayUse = by.Kind == actor.Person && live
	r.MayEnd = live && (by.Kind == actor.Person || by.MayIn(r.Portal, actor.RevokeAny) == nil)
	return r.Mandate, nil
}

// approversOf names who approved exactly these bytes.
func (s *Service) approversOf(ctx context.Context, tx *db.Tx, portalName, digest string) ([]Approval, error) {
	entries, err := decision.ApproversOf(ctx, tx, portalName, digest)
	if err != nil {
		return nil, err
	}
	var all []Approval
	for _, e := range entries {
		name, err := s.c.Accounts.PersonName(ctx, tx, e.Person)
		if err != nil {
			return nil, err
		}
		all = append(all, Approval{ID: string(e.ID), Name: name, Office: e.Office, Delegation: e.Delegation, At: e.At})
	}
	return all, nil
}

// wrongTokens bounds how often one network may show what is no token. A token has too many bits to be guessed; this
// keeps whoever tries from costing anybody anything.
func wrongTokens() throttle.Rule {
	return throttle.Rule{Name: "certificate-token", Limit: 30, Window: 10 * time.Minute}
}
