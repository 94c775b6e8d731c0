package certificate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/letter"
	"chancela/internal/portal"
	"chancela/internal/throttle"
)

// How often somebody may try codes: a code has 60 random bits, so that what these keep off is load, and a guesser could
// not shut the holder out of their own emergency from one network.
func triesFrom() throttle.Rule {
	return throttle.Rule{Name: "certificate.stop.from", Limit: 10, Window: 10 * time.Minute}
}

func triesOf() throttle.Rule {
	return throttle.Rule{Name: "certificate.stop.of", Limit: 100, Window: time.Hour}
}

// Stop is what whoever holds a certificate's revocation code asks for, without signing in.
type Stop struct {
	Number string // the certificate's serial number or that of its order, as people copy it
	Code   string
	Reason int  // one of [Reasons]
	Revoke bool // for good; otherwise it is suspended, and an officer can take that back
}

// Receipt is what somebody who stopped a certificate gets: nothing that they did not know.
type Receipt struct {
	Product i18n.Text
	Serial  string
	At      time.Time
	Until   time.Time // of a suspension
	Revoked bool
}

// Stop ends or suspends a certificate at any hour by the code that came with it. A number that is unknown and a code
// that is wrong get the same answer, after the same work; guessing is throttled by network and by number.
func (s *Service) Stop(ctx context.Context, by actor.Actor, what Stop) (Receipt, error) {
	number, code, chosen, err := what.read()
	if err != nil {
		return Receipt{}, err
	}
	// In a deed of its own, so that the try stays taken whatever comes of it.
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		if err := s.c.Counters.Take(ctx, tx, triesFrom(), by.Address); err != nil {
			return err
		}
		return s.c.Counters.Take(ctx, tx, triesOf(), by.Portal+"/"+number)
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("stop a certificate: %w", err)
	}
	var done Receipt
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		r, c, err := s.byCode(ctx, tx, by, number, code)
		if err != nil {
			return err
		}
		done, err = s.stopped(ctx, tx, by, r, c, what.Revoke, chosen)
		if err != nil {
			return err
		}
		return s.c.Counters.Forget(ctx, tx, triesFrom(), by.Address)
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("stop a certificate: %w", err)
	}
	return done, nil
}

// read judges the form of what was typed, which tells nothing of what there is.
func (w Stop) read() (number, code string, reason Reason, err error) {
	var problems []fault.Field
	number = strings.ToUpper(strings.Join(strings.Fields(w.Number), ""))
	if serial, ok := ca.ParseSerial(w.Number); ok && len(serial) >= leastSerial {
		number = string(serial)
	}
	if number == "" || len(number) > 128 {
		problems = append(problems, fault.Field{Name: "number", Key: "certificate.stop.no-number"})
	}
	code, wrong := field.ParseCode(w.Code)
	if e, ok := fault.As(wrong); ok {
		problems = append(problems, fault.Field{Name: "code", Key: e.Key})
	}
	reason, wrong = reasonOf(w.Reason)
	if wrong != nil {
		problems = append(problems, fault.Field{Name: "reason", Key: "E-LST-01"})
	}
	return number, code, reason, fault.Fields(problems)
}

// leastSerial is how many digits a serial number has at least; an order's number has fewer.
const leastSerial = 16

// byCode finds the certificate that a number names, if the code is its own. What is not found is checked against
// nothing, so that the two refusals take the same time.
func (s *Service) byCode(ctx context.Context, tx *db.Tx, by actor.Actor, number, code string) (row, ca.Certificate, error) {
	r, err := byNumber(ctx, tx, by.Portal, number)
	if err != nil && !db.None(err) {
		return r, ca.Certificate{}, err
	}
	right, err := s.c.Codes.IsRevocationCode(ctx, tx, by.Portal, string(r.ID), code)
	if err != nil {
		return r, ca.Certificate{}, err
	}
	if !right {
		return r, ca.Certificate{}, fault.New(fault.Invalid, "certificate.stop.refused")
	}
	c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
	return r, c, err
}

func (s *Service) stopped(ctx context.Context, tx *db.Tx, by actor.Actor, r row, c ca.Certificate, revoke bool, chosen Reason) (Receipt, error) {
	why := func(lang i18n.Lang) string { return i18n.Say(lang, chosen.Label, nil) }
	done := Receipt{Product: r.Product, Serial: c.Serial.String(), At: tx.Now(), Revoked: revoke}
	if revoke {
		return done, s.revoke(ctx, tx, by, r, c, revocation{
			Revocation: ca.Revocation{Serial: c.Serial, Reason: issuance.Reason(chosen.Code), Right: ca.OfCode}, why: why, requester: byCode,
		})
	}
	done.Until, _ = s.heldUntil(r, tx.Now())
	return done, s.suspend(ctx, tx, by, r, c, halt{right: ca.OfCode, words: why(i18n.PT), why: why, requester: byCode})
}

// NewCode makes a certificate's revocation code anew and sends it to its holder; the earlier one is void.
func (s *Service) NewCode(ctx context.Context, by actor.Actor, id ID) error {
	return s.own(ctx, by, id, "make the revocation code of", func(tx *db.Tx, r row, c ca.Certificate) error {
		if c.IsRevoked() || tx.Now().After(c.NotAfter) {
			return fault.New(fault.Conflict, "certificate.not-now")
		}
		if err := s.sendCode(ctx, tx, r, c); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "certificate.new-code", r.ID.object())
	})
}

// sendCode makes the code and has it written to the holder alone, in a letter apart: who can stop a certificate is not
// told in the same message as that it is there. The code itself is filled in as the letter leaves.
func (s *Service) sendCode(ctx context.Context, tx *db.Tx, r row, c ca.Certificate) error {
	ref, err := s.c.Codes.MakeRevocationCode(ctx, tx, r.Portal, string(r.ID), c.NotAfter)
	if err != nil {
		return err
	}
	holder, err := s.c.Accounts.Find(ctx, tx, r.Account)
	if err != nil {
		return err
	}
	return s.write(ctx, tx, r, holder, letter.Letter{Event: portal.CertificateCode, Code: ref}, func(lang i18n.Lang) i18n.Args {
		return i18n.Args{"serial": c.Serial.String(), "until": i18n.Date(lang, c.NotAfter)}
	})
}
