package status

import (
	"context"
	"errors"
	"sync"
	"time"

	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// MostRequest is how many bytes of an OCSP request are looked at.
const MostRequest = issuance.MaxStatusRequest

// mostCached bounds how long a cache somewhere else is asked to keep an answer, well below what the answer itself
// says: nobody hears good for longer than needed after a revocation (attack line: stale good by cache).
const mostCached = 10 * time.Minute

// Reply is an OCSP answer with what a cache may do with it.
type Reply struct {
	DER      []byte
	Produced time.Time
	Until    time.Time // nextUpdate; zero for an answer that is not signed
	// KeepFor is how long others may keep it; zero for not at all: one with a nonce, one about what was never issued,
	// one about several.
	KeepFor time.Duration
}

// OCSP answers a request (DER). It always gives an answer: what cannot be answered gets one of the bare ones of
// RFC 6960 §4.2.1, which are not signed.
func (s *Service) OCSP(ctx context.Context, der []byte) Reply {
	request, err := issuance.ParseStatusRequest(der)
	if err != nil {
		return Reply{DER: issuance.AnswerMalformed()}
	}
	return s.reply(ctx, request)
}

// OCSPPath answers a request in a GET's path, as it was sent, behind the responder's address.
func (s *Service) OCSPPath(ctx context.Context, path string) Reply {
	der, err := issuance.DecodeStatusPath(path)
	if err != nil {
		return Reply{DER: issuance.AnswerMalformed()}
	}
	return s.OCSP(ctx, der)
}

func (s *Service) reply(ctx context.Context, request issuance.StatusRequest) Reply {
	issuer := s.c.CA.Is(request.Asked[0])
	if issuer == "" { // RFC 5019 §2.2.3: we do not speak for that issuer
		return Reply{DER: issuance.AnswerUnauthorized()}
	}
	r, err := s.signed(ctx, issuer, request)
	switch {
	case fault.Is(err, fault.Unavailable):
		return Reply{DER: issuance.AnswerTryLater()}
	case errors.Is(err, context.Canceled):
		return Reply{DER: issuance.AnswerTryLater()}
	case err != nil:
		s.c.Log.ErrorContext(ctx, "status: no OCSP answer", "issuer", issuer, "error", err)
		return Reply{DER: issuance.AnswerInternalError()}
	}
	return r
}

// signed reads the record, and signs what it says unless the same was signed a moment ago.
func (s *Service) signed(ctx context.Context, issuer string, request issuance.StatusRequest) (Reply, error) {
	now := s.c.CA.Now().Truncate(time.Second)
	statuses := make([]issuance.SingleStatus, len(request.Asked))
	for i, id := range request.Asked {
		standing, revocation, err := s.standing(ctx, issuer, id)
		if err != nil {
			return Reply{}, err
		}
		statuses[i] = issuance.SingleStatus{ID: id, Standing: standing, Revocation: revocation, ThisUpdate: now, NextUpdate: now.Add(s.c.CA.AnswerLife())}
	}
	one := len(statuses) == 1 && len(request.Nonce) == 0
	if one {
		if kept, ok := s.answers.find(statuses[0], now); ok {
			return kept, nil
		}
	}
	der, err := s.c.CA.Answer(ctx, issuer, statuses, request.Nonce)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{DER: der, Produced: now, Until: now.Add(s.c.CA.AnswerLife())}
	if one && statuses[0].Standing != issuance.Unknown {
		r.KeepFor = min(mostCached, s.c.CA.AnswerLife())
		s.answers.keep(statuses[0], r)
	}
	return r, nil
}

// standing is what is said of one certificate; of another issuer's than the first one asked about it is unknown, since
// a responder speaks for one issuer.
func (s *Service) standing(ctx context.Context, issuer string, id issuance.CertID) (issuance.Standing, issuance.Revocation, error) {
	if id.Serial.Sign() <= 0 || s.c.CA.Is(id) != issuer {
		return issuance.Unknown, issuance.Revocation{}, nil
	}
	k, err := s.c.CA.Find(ctx, issuer, id.Serial.Bytes())
	return k.Standing, k.Revocation, err
}

// answers keeps signed answers. What each says was read from the record when it was made, and is read again each time:
// one that says anything else is not found. So a revocation needs to let go of nothing.
type answers struct {
	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	standing issuance.Standing
	at       time.Time // of a revocation
	reason   issuance.Reason
	reply    Reply
}

// mostKept bounds the memory: some 12 MB of answers.
const mostKept = 8192

func newAnswers() *answers { return &answers{kept: map[string]kept{}} }

// find gives an answer that says exactly this and is young: at least half of its life is left for whoever asks.
func (a *answers) find(s issuance.SingleStatus, now time.Time) (Reply, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.kept[string(s.ID.Raw())]
	same := ok && k.standing == s.Standing && k.at.Equal(s.Revocation.At) && k.reason == s.Revocation.Reason
	if !same || now.Before(k.reply.Produced) || now.After(k.reply.Produced.Add(k.reply.Until.Sub(k.reply.Produced)/2)) {
		return Reply{}, false
	}
	r := k.reply
	r.KeepFor = min(r.KeepFor, r.Until.Sub(now))
	return r, true
}

func (a *answers) keep(s issuance.SingleStatus, r Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) >= mostKept {
		clear(a.kept)
	}
	a.kept[string(s.ID.Raw())] = kept{standing: s.Standing, at: s.Revocation.At, reason: s.Revocation.Reason, reply: r}
}
