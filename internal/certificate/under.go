package certificate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// Bearer is a program that showed the token of a mandate.
type Bearer struct {
	By  actor.Actor
	row mandateRow
}

// Certified is a certificate that a program gets or asks about.
type Certified struct {
	Under
	Again bool     // it was issued to an earlier request for the same key
	Chain [][]byte // DER: the certificate, its issuer, the root
}

// unknownToken is all that is said to whoever shows no token of ours: which of the reasons it is stays with us.
func unknownToken() error { return fault.New(fault.Forbidden, "certificate.token-unknown") }

// Admit finds out whose token it is. To one that was revoked, replaced, or whose mandate has ended, as to one that
// never was, the answer is the same (Forbidden, certificate.token-unknown), and tries are counted by where they come
// from.
func (s *Service) Admit(ctx context.Context, from string, token Token) (Bearer, error) {
	var r mandateRow
	known := strings.HasPrefix(string(token), tokenMark) && len(token) < 200
	if known {
		err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
			if r, err = mandateByToken(ctx, tx, token.hash()); db.None(err) {
				known = false
				return nil
			}
			if err != nil {
				return err
			}
			if standing := r.standing(tx.Now()); standing == Closed || standing == Over {
				known = false
				return nil
			}
			known, err = s.c.Accounts.Holds(ctx, tx, r.Portal, r.Holder, r.power, r.BodyNIPC)
			return err
		})
		if err != nil {
			return Bearer{}, fmt.Errorf("admit a program: %w", err)
		}
	}
	if !known {
		return Bearer{}, s.countWrong(ctx, from)
	}
	return Bearer{row: r, By: actor.Actor{
		Kind: actor.Program, Portal: r.Portal, Session: r.tokenID, Strength: actor.ByToken, Case: r.Case, Address: from,
	}}, nil
}

func (s *Service) countWrong(ctx context.Context, from string) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.c.Counters.Take(ctx, tx, wrongTokens(), from) })
	if err != nil {
		return err
	}
	return unknownToken()
}

// orderID names the order of a key under the mandate: whoever asks twice for one key, since an answer was lost, asks
// for the same.
func (b Bearer) orderID(key issuance.Key) string { return b.row.ID.object() + "/" + key.Fingerprint() }

// IssueUnder has the key of a key request (PKCS#10, PEM or DER) certified under the bearer's mandate. Asked again for
// the same key it gives the same certificate, as long as that is good. Names and extensions of the request are not
// used; names that differ from what was approved are refused (certificate.request-differs), since whoever sent them
// expects them.
func (s *Service) IssueUnder(ctx context.Context, b Bearer, request []byte) (Certified, error) {
	if err := b.By.MayIn(b.row.Portal, actor.UseMandate); err != nil {
		return Certified{}, err
	}
	read, err := issuance.ReadRequest(request) // the signing room asks for the proof of possession
	if err != nil {
		return Certified{}, err
	}
	key, err := s.keyUnder(b, read)
	if err != nil {
		return Certified{}, err
	}
	begun := s.c.DB.Now()
	c, err := s.issueOnce(ctx, b, ca.Request{
		ID: b.orderID(key), Portal: b.row.Portal, Case: b.row.Case, Mandate: b.row.der, Proof: request, Quorum: b.row.quorum, Holder: b.row.Holder,
		Token: b.row.tokenID,
	})
	if err != nil {
		return Certified{}, fmt.Errorf("issue under mandate %s: %w", b.row.ID, err)
	}
	if !c.IsGood(s.c.DB.Now()) { // a key whose certificate was revoked or has expired gets no other
		return Certified{}, fault.New(fault.Conflict, "E-CSR-04")
	}
	return s.issuedOf(c, c.IssuedAt.Before(begun))
}

// issueOnce waits for the other of two who ask for one key at the same moment, and gives what that one got.
func (s *Service) issueOnce(ctx context.Context, b Bearer, r ca.Request) (ca.Certificate, error) {
	const tries, pause = 20, 100 * time.Millisecond
	for try := 0; ; try++ {
		c, err := s.c.CA.Issue(ctx, actor.Machine(b.row.Portal), r)
		if refused, ok := fault.As(err); !ok || refused.Key != "ca.under-way" || try == tries {
			return c, err
		}
		select {
		case <-ctx.Done():
			return ca.Certificate{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// requestUnder reads a key request, with its proof of possession, and holds it against the mandate.
func (s *Service) requestUnder(b Bearer, data []byte) (issuance.Key, error) {
	request, err := issuance.ParseRequest(data)
	if err != nil {
		return issuance.Key{}, err
	}
	return s.keyUnder(b, request)
}

// keyUnder holds a key request against the mandate and gives its key.
func (s *Service) keyUnder(b Bearer, request issuance.Request) (issuance.Key, error) {
	if err := s.c.KnownKeys.Refuse(request.Key); err != nil {
		return issuance.Key{}, err
	}
	m, _, err := s.mandates.Parse(b.row.der)
	if err != nil {
		return issuance.Key{}, err
	}
	o, err := m.Order(request.Key)
	if err != nil {
		return issuance.Key{}, err
	}
	if asksOtherwise(request, o) {
		return issuance.Key{}, fault.New(fault.Invalid, requestDiffers)
	}
	return request.Key, nil
}

func (s *Service) issuedOf(c ca.Certificate, again bool) (Certified, error) {
	above, err := s.c.CA.ChainOf(c)
	if err != nil {
		return Certified{}, err
	}
	return Certified{Under: underOf(c, s.c.DB.Now()), Again: again, Chain: append([][]byte{c.DER}, above...)}, nil
}

func underOf(c ca.Certificate, now time.Time) Under {
	o := Order{}
	o.with(c, now)
	return Under{Serial: o.Serial, Key: string(c.Serial), Standing: o.Standing, IssuedAt: c.IssuedAt, NotAfter: c.NotAfter, RevokedAt: o.RevokedAt, Reason: o.Reason}
}

// TryUnder says what [Service.IssueUnder] would do, and shows the certificate. It uses no key of ours, takes none of
// the mandate's certificates, and keeps nothing.
func (s *Service) TryUnder(ctx context.Context, b Bearer, request []byte) (portal.Trial, error) {
	if err := b.By.MayIn(b.row.Portal, actor.UseMandate); err != nil {
		return portal.Trial{}, err
	}
	key, err := s.requestUnder(b, request)
	if stop, ok := stopOf(err); ok {
		return portal.Trial{Stops: []portal.Stop{stop}}, nil
	}
	if err != nil {
		return portal.Trial{}, err
	}
	trial, err := s.tryUnder(ctx, b, key)
	if err != nil {
		return portal.Trial{}, err
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		used, err := s.c.CA.KeyUsed(ctx, tx, key.Fingerprint(), b.orderID(key))
		if err != nil {
			return err
		}
		use, err := s.c.CA.UseOf(ctx, tx, b.row.Portal, b.row.Case, b.row.Digest)
		if used {
			trial.Stops = append(trial.Stops, portal.Stop{Rule: "E-CSR-04", Says: "E-CSR-04"})
		}
		if use.Used >= b.row.Most {
			trial.Stops = append(trial.Stops, portal.Stop{Rule: "ca.mandate-used-up", Says: "ca.mandate-used-up"})
		}
		return err
	})
	return trial, err
}

func (s *Service) tryUnder(ctx context.Context, b Bearer, key issuance.Key) (portal.Trial, error) {
	m, _, err := s.mandates.Parse(b.row.der)
	if err != nil {
		return portal.Trial{}, err
	}
	o, err := m.Order(key)
	if err != nil {
		return portal.Trial{}, err
	}
	der, err := o.Encode()
	if err != nil {
		return portal.Trial{}, err
	}
	t, err := s.c.CA.Try(ctx, der)
	if stop, ok := stopOf(err); ok {
		return portal.Trial{Stops: []portal.Stop{stop}}, nil
	}
	if err != nil {
		return portal.Trial{}, err
	}
	return trialOf(t)
}

// stopOf is a refusal as the rule that stops a request.
func stopOf(err error) (portal.Stop, bool) {
	refused, ok := fault.As(err)
	if !ok {
		return portal.Stop{}, false
	}
	return portal.Stop{Rule: refused.Key, Says: refused.Key, Args: refused.Args}, true
}

// OneUnder is a certificate that was issued under the bearer's mandate; to it no other exists.
func (s *Service) OneUnder(ctx context.Context, b Bearer, serial string) (Certified, error) {
	var c ca.Certificate
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		c, err = s.findUnder(ctx, tx, b.row, serial)
		return err
	})
	if err != nil {
		return Certified{}, fmt.Errorf("certificate under mandate %s: %w", b.row.ID, err)
	}
	return s.issuedOf(c, true)
}

func (s *Service) findUnder(ctx context.Context, tx *db.Tx, r mandateRow, typed string) (ca.Certificate, error) {
	serial, ok := ca.ParseSerial(typed)
	if !ok {
		return ca.Certificate{}, fault.New(fault.NotFound, "fault.not-found")
	}
	c, err := s.c.CA.BySerial(ctx, tx, serial)
	if err != nil {
		return c, err
	}
	issued := c.State == ca.Issued || c.State == ca.Revoked
	if !issued || c.Case != r.Case || c.Mandate != r.Digest || c.Portal != r.Portal {
		return ca.Certificate{}, fault.New(fault.NotFound, "fault.not-found")
	}
	return c, nil
}

// RevokeUnder revokes a certificate that was issued under the bearer's mandate, for one of [Reasons]. Asked again for
// the same reason, since an answer was lost, it says the same; for another it is Conflict (E-REV-03).
func (s *Service) RevokeUnder(ctx context.Context, b Bearer, serial string, reason int) (Certified, error) {
	if err := b.By.MayIn(b.row.Portal, actor.UseMandate); err != nil {
		return Certified{}, err
	}
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.revokeUnder(ctx, tx, b.By, b.row, serial, reason, "") })
	if err != nil && !fault.Is(err, fault.Conflict) {
		return Certified{}, fmt.Errorf("revoke under mandate %s: %w", b.row.ID, err)
	}
	one, findErr := s.OneUnder(ctx, b, serial)
	if findErr != nil {
		return Certified{}, findErr
	}
	if err != nil && one.Reason != reason {
		return Certified{}, err
	}
	return one, nil
}

// RevokeOne is the same for people: the mandate's holder, and who has the same power for the same body.
func (s *Service) RevokeOne(ctx context.Context, by actor.Actor, id MandateID, serial string, reason int) error {
	return s.ofBody(ctx, by, id, "revoke a certificate under", func(tx *db.Tx, r mandateRow) error {
		return s.revokeUnder(ctx, tx, by, r, serial, reason, ca.OfBody)
	})
}

func (s *Service) revokeUnder(ctx context.Context, tx *db.Tx, by actor.Actor, r mandateRow, serial string, reason int, right ca.Right) error {
	if !slices.ContainsFunc(Reasons(), func(one Reason) bool { return one.Code == reason }) {
		return fault.Fields([]fault.Field{{Name: "reason", Key: "E-LST-01"}})
	}
	c, err := s.findUnder(ctx, tx, r, serial)
	if err != nil {
		return err
	}
	return s.c.CA.RevokeIn(ctx, tx, by, ca.Revocation{Serial: c.Serial, Reason: issuance.Reason(reason), Right: right})
}

// ChainPEM writes a chain as PEM, the certificate first.
func ChainPEM(chain [][]byte) []byte { return issuance.PEM(chain...) }
