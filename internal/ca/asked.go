package ca

import (
	"context"
	"time"

	"chancela/internal/issuance"
)

// What follows is asked by a process that holds no key, and that may have been taken over: it is believed in nothing.
// What it asks to have issued or sealed goes the way of every other ([CA.Issue], [CA.Seal]), by the approvals on record.

// mostPast is how far back an answer may be dated by whoever asks: as long as a question is on its way. So the answer
// says to the second what whoever asks keeps it by.
const mostPast = 30 * time.Second

// AnswerAsked is [CA.Answer] for somebody else: how each certificate stands is read from the record here, whatever
// whoever asks believes, and said with the answer. It is made at the moment that is asked for, if that is just now.
func (s *CA) AnswerAsked(ctx context.Context, issuer string, asked []issuance.CertID, nonce []byte, at time.Time) ([]byte, []issuance.SingleStatus, error) {
	now := s.Now().Truncate(time.Second)
	if at = at.Truncate(time.Second); at.After(now) || at.Before(now.Add(-mostPast)) {
		at = now
	}
	statuses := make([]issuance.SingleStatus, len(asked))
	for i, id := range asked {
		statuses[i] = issuance.SingleStatus{ID: id, Standing: issuance.Unknown}
		if id.Serial.Sign() <= 0 || s.Is(id) != issuer { // a responder speaks for one issuer
			continue
		}
		k, _, _, err := s.readRecord(ctx, issuer, id.Serial.Bytes()) // whoever asks may have revoked a moment ago: memory is not enough
		if err != nil {
			return nil, nil, err
		}
		k = s.notAhead(k)
		if k.Revocation.At.After(at) {
			at = now
		}
		statuses[i].Standing, statuses[i].Revocation = k.Standing, k.Revocation
		statuses[i].Revocation.Serial = id.Serial
		statuses[i].Expired = !k.Ends.IsZero() && now.After(k.Ends)
	}
	for i := range statuses {
		statuses[i].ThisUpdate, statuses[i].NextUpdate = at, at.Add(s.AnswerLife())
	}
	der, err := s.answer(ctx, issuer, statuses, nonce, at)
	return der, statuses, err
}

// Publish makes those of an issuer's lists that do not say everything.
func (s *CA) Publish(ctx context.Context, issuer string) error { return s.publishLacking(ctx, issuer) }
