package ca

import (
	"context"
	"time"

	"chancela/internal/issuance"
)

// What follows is asked by a process that holds no key, and that may have been taken over: it is believed in nothing.
// What it asks to have issued or sealed goes the way of every other ([CA.Issue], [CA.Seal]), by the approvals on record.

// AnswerAsked is [CA.Answer] for somebody else: how each certificate stands is read from the record here, whatever
// whoever asks believes, and said with the answer.
func (s *CA) AnswerAsked(ctx context.Context, issuer string, asked []issuance.CertID, nonce []byte) ([]byte, []issuance.SingleStatus, error) {
	now := s.Now().Truncate(time.Second)
	statuses := make([]issuance.SingleStatus, len(asked))
	for i, id := range asked {
		statuses[i] = issuance.SingleStatus{ID: id, Standing: issuance.Unknown, ThisUpdate: now, NextUpdate: now.Add(s.AnswerLife())}
		if id.Serial.Sign() <= 0 || s.Is(id) != issuer { // a responder speaks for one issuer
			continue
		}
		k, err := s.findInRecord(ctx, issuer, id.Serial.Bytes()) // whoever asks may have revoked a moment ago: memory is not enough
		if err != nil {
			return nil, nil, err
		}
		k = s.notAhead(k)
		statuses[i].Standing, statuses[i].Revocation = k.Standing, k.Revocation
		statuses[i].Revocation.Serial = id.Serial
	}
	der, err := s.Answer(ctx, issuer, statuses, nonce)
	return der, statuses, err
}

// Publish makes those of an issuer's lists that do not say everything.
func (s *CA) Publish(ctx context.Context, issuer string) error { return s.publishLacking(ctx, issuer) }
