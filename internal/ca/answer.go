package ca

import (
	"context"
	"fmt"
	"time"

	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// Standing says what is to be answered about a serial number of an issuer, and when it came to be so ([Record.Find]).
func (s *Record) Standing(ctx context.Context, issuer string, serial Serial) (issuance.Standing, issuance.Revocation, error) {
	number := serial.Number()
	if number == nil {
		return issuance.Unknown, issuance.Revocation{}, nil
	}
	k, err := s.Find(ctx, issuer, number.Bytes())
	if err == nil && k.Standing == issuance.Revoked {
		k.Revocation.Serial = number
	}
	return k.Standing, k.Revocation, err
}

// AnswerLife is how long an answer is good for.
func (s *Record) AnswerLife() time.Duration { return s.c.AnswerLife }

// Now is the time by which answers are made.
func (s *Record) Now() time.Time { return s.c.DB.Now() }

// Is gives the name of the authority that a certificate's identifier in an OCSP request means; "" for none of ours.
func (s *Record) Is(id issuance.CertID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.issuers {
		if one.authority.Is(id) {
			return name
		}
	}
	return ""
}

// AnswerForm is the form of the answers of an issuer's responder, by the generation of its key; 0 is the newest, whose
// generation is given. False if there is none that is good.
func (s *Record) AnswerForm(issuer string, generation uint8) (*issuance.AnswerForm, uint8, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, known := s.issuers[issuer]
	if !known {
		return nil, 0, false
	}
	if generation == 0 {
		generation = from.generation
	}
	form, ok := from.forms[generation]
	return form, generation, ok
}

// Answer signs an OCSP answer by the responder of one issuer, about that issuer's certificates (or unknown ones). It
// is Unavailable when the responder's certificate is not valid now: an answer nobody may rely on is not given.
func (s *CA) Answer(ctx context.Context, issuer string, statuses []issuance.SingleStatus, nonce []byte) ([]byte, error) {
	from, known := s.known(issuer)
	if !known || from.responder == nil || s.c.DB.Now().After(from.responder.Ends()) {
		return nil, fault.New(fault.Unavailable, "ca.no-responder")
	}
	unsigned, err := issuance.PrepareStatus(statuses, nonce, from.responder, s.c.DB.Now())
	if err != nil {
		return nil, fmt.Errorf("answer for %s: %w", issuer, err)
	}
	linted, _, err := s.linter.Lint(unsigned)
	if err != nil {
		return nil, fmt.Errorf("answer for %s: %w", issuer, err)
	}
	signer, err := s.signer(ctx, from.responderKey)
	if err != nil {
		return nil, fmt.Errorf("answer for %s: %w", issuer, err)
	}
	return issuance.Sign(signer, linted)
}
