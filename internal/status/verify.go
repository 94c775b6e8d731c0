package status

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/throttle"
)

// tries bounds guessing from one network. A code has 60 random bits, a serial number 127: what this keeps off is load.
func tries() throttle.Rule {
	return throttle.Rule{Name: "status.verify", Limit: 240, Window: 10 * time.Minute}
}

// Verify says how what has the code, or the certificate of the serial number, stands at a moment (zero for now, and
// one to come is now too). A code that is wrong and one that is unknown get the same answer, [NotFound]. Asking without
// end is throttled.
func (s *Service) Verify(ctx context.Context, by actor.Actor, code string, at time.Time) (Answer, error) {
	at, err := s.begin(ctx, by, at)
	if err != nil {
		return Answer{}, err
	}
	a, found, err := s.certificate(ctx, code, at)
	for _, source := range s.c.Sources {
		if found || err != nil {
			break
		}
		a, found, err = source.Lookup(ctx, code, at)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("verify: %w", err)
	}
	if !found {
		return Answer{State: NotFound, At: at}, nil
	}
	a.At = at
	return a, nil
}

// OfBody says all that a body has from a portal that allows the question (fault NotFound otherwise); without codes.
func (s *Service) OfBody(ctx context.Context, by actor.Actor, portalName, nipc string, at time.Time) ([]Answer, error) {
	p, ok := s.c.Portals.Portal(portalName)
	if !ok || !p.Verify.ByBody {
		return nil, fault.New(fault.NotFound, "fault.not-found")
	}
	at, err := s.begin(ctx, by, at)
	if err != nil {
		return nil, err
	}
	var all []Answer
	for _, source := range s.c.Sources {
		asked, ok := source.(ByBody)
		if !ok {
			continue
		}
		some, err := asked.LookupBody(ctx, portalName, nipc, at)
		if err != nil {
			return nil, fmt.Errorf("verify by body: %w", err)
		}
		all = append(all, some...)
	}
	for i := range all {
		all[i].At = at
	}
	return all, nil
}

// begin takes a try, in a transaction of its own so that it stays taken, and gives the moment that is asked about.
func (s *Service) begin(ctx context.Context, by actor.Actor, at time.Time) (time.Time, error) {
	now := s.c.DB.Now()
	if at.IsZero() || at.After(now) {
		at = now
	}
	if by.Kind == actor.System {
		return at, nil
	}
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.c.Throttle.Take(ctx, tx, tries(), by.Address) })
	return at, err
}

// leastSerial is how many digits a serial number has at least; ours have some 32, and nothing shorter is looked up.
const leastSerial = 16

// certificate answers about a certificate of ours by its serial number.
func (s *Service) certificate(ctx context.Context, typed string, at time.Time) (Answer, bool, error) {
	serial, ok := ca.ParseSerial(typed)
	if !ok || len(serial) < leastSerial {
		return Answer{}, false, nil
	}
	var c ca.Certificate
	var holds []ca.Hold
	var list int64
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		if c, err = s.c.CA.BySerial(ctx, tx, serial); err != nil {
			return err
		}
		if holds, err = s.c.CA.HoldsOf(ctx, tx, serial); err != nil {
			return err
		}
		list, err = s.c.CA.StandsOn(ctx, tx, c)
		return err
	})
	if fault.Is(err, fault.NotFound) || err == nil && len(c.DER) == 0 { // never issued: nobody has it
		return Answer{}, false, nil
	}
	if err != nil {
		return Answer{}, false, err
	}
	a, err := answerOf(c, holds, at)
	a.ListNumber = list
	return a, err == nil, err
}

// answerOf says of a certificate what it shows itself, and how it stood.
func answerOf(c ca.Certificate, holds []ca.Hold, at time.Time) (Answer, error) {
	d, err := issuance.Describe(c.DER)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{
		Kind: "certificate", Code: c.Serial.String(), Portal: c.Portal, Title: say("status.certificate"), Issuer: d.Issuer.Value(issuance.CommonName),
		IssuedAt: c.IssuedAt, From: c.NotBefore, Until: c.NotAfter,
	}
	a.State, a.Since = stateOf(c, holds, at)
	if a.State == Revoked {
		a.Reason = say("status.reason." + strconv.Itoa(int(c.Reason)))
	}
	if c.IsRevoked() {
		a.RevokedAt = c.RevokedAt
	}
	for _, h := range holds {
		a.Suspensions = append(a.Suspensions, Span{From: h.From, Until: h.EndedAt})
	}
	for _, part := range d.Subject {
		a.Facts = append(a.Facts, Line{Label: say("status.attribute." + string(part.Type)), Value: shown(part)})
	}
	for _, name := range d.DNSNames {
		a.Facts = append(a.Facts, Line{Label: say("status.dns"), Value: i18n.Text{PT: name, EN: name}})
	}
	return a, nil
}

// stateOf says how a certificate stood at a moment, and since when. Revocation is final: later expiry changes nothing. A
// suspension is over when it is over; one that became a revocation is a revocation from its first moment.
func stateOf(c ca.Certificate, holds []ca.Hold, at time.Time) (State, time.Time) {
	switch {
	case at.Before(c.NotBefore):
		return NotYet, time.Time{}
	case c.IsRevoked() && !at.Before(c.RevokedAt):
		return Revoked, c.RevokedAt
	case at.After(c.NotAfter):
		return Lapsed, c.NotAfter
	}
	for _, h := range holds {
		if h.Covers(at) {
			return Suspended, h.From
		}
	}
	return Valid, time.Time{}
}

// shown masks the number that tells a person apart: the page is public.
func shown(p issuance.Part) i18n.Text {
	value := p.Value
	if p.Type == issuance.SerialNumber {
		value = field.Show(field.Civil, i18n.PT, value)
	}
	return i18n.Text{PT: value, EN: value}
}

func say(key string) i18n.Text {
	return i18n.Text{PT: i18n.Say(i18n.PT, key, nil), EN: i18n.Say(i18n.EN, key, nil)}
}
