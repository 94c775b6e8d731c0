package ca

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
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

// IsResponder says whether a key is that of a responder that is good: what a process that only answers may open.
func (s *Record) IsResponder(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.issuers {
		if slices.ContainsFunc(one.responders, func(r responder) bool { return r.key == key }) {
			return true
		}
	}
	return false
}

// Answer signs an OCSP answer by the responder of one issuer, about that issuer's certificates (or unknown ones). It
// is Unavailable when no responder's certificate is valid now: an answer nobody may rely on is not given.
//
// The newest responder signs whose key is here: a process that only answers may have the next one's later than others.
func (s *CA) Answer(ctx context.Context, issuer string, statuses []issuance.SingleStatus, nonce []byte) ([]byte, error) {
	return s.answer(ctx, issuer, statuses, nonce, s.c.DB.Now())
}

func (s *CA) answer(ctx context.Context, issuer string, statuses []issuance.SingleStatus, nonce []byte, produced time.Time) ([]byte, error) {
	from, known := s.known(issuer)
	err := error(fault.New(fault.Unavailable, "ca.no-responder"))
	if !known {
		return nil, err
	}
	for _, by := range from.responders {
		if s.c.DB.Now().After(by.Ends()) {
			continue
		}
		signer, failed := s.signer(ctx, by.key)
		if errors.Is(failed, fs.ErrNotExist) {
			err = failed
			continue
		}
		if failed != nil {
			return nil, fmt.Errorf("answer for %s: %w", issuer, failed)
		}
		return s.answerBy(by, signer, statuses, nonce, produced)
	}
	return nil, fmt.Errorf("answer for %s: %w", issuer, err)
}

func (s *CA) answerBy(by responder, signer issuance.Signer, statuses []issuance.SingleStatus, nonce []byte, produced time.Time) ([]byte, error) {
	unsigned, err := issuance.PrepareStatus(statuses, nonce, by.Responder, produced)
	if err != nil {
		return nil, fmt.Errorf("answer by %s: %w", by.key, err)
	}
	linted, _, err := s.linter.Lint(unsigned)
	if err != nil {
		return nil, fmt.Errorf("answer by %s: %w", by.key, err)
	}
	return issuance.Sign(signer, linted)
}
