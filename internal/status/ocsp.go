package status

import (
	"context"
	"errors"
	"sync"
	"time"

	"chancela/internal/ca"
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
	r, err := s.about(ctx, issuer, request)
	switch {
	case err == nil:
		return r
	case fault.Is(err, fault.Unavailable), ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return Reply{DER: issuance.AnswerTryLater()}
	}
	s.c.Log.ErrorContext(ctx, "status: no OCSP answer", "issuer", issuer, "error", err)
	return Reply{DER: issuance.AnswerInternalError()}
}

// about answers what was asked, from what was signed before where that is enough.
func (s *Service) about(ctx context.Context, issuer string, request issuance.StatusRequest) (Reply, error) {
	now := s.c.CA.Now().Truncate(time.Second)
	all := make([]ca.Known, len(request.Asked))
	for i, id := range request.Asked {
		var err error
		if all[i], err = s.known(ctx, issuer, id); err != nil {
			return Reply{}, err
		}
	}
	if len(all) == 1 {
		return s.aboutOne(ctx, issuer, request.Asked[0], all[0], request.Nonce, now)
	}
	return s.fresh(ctx, issuer, request, all, now)
}

// fresh has an answer signed for this question alone: with a nonce, or about several.
func (s *Service) fresh(ctx context.Context, issuer string, request issuance.StatusRequest, all []ca.Known, now time.Time) (Reply, error) {
	statuses := make([]issuance.SingleStatus, len(all))
	until := now.Add(s.c.CA.AnswerLife())
	for i, k := range all {
		statuses[i] = s.statusOf(request.Asked[i], k, now)
		if statuses[i].NextUpdate.Before(until) {
			until = statuses[i].NextUpdate
		}
	}
	der, err := s.signed(ctx, issuer, statuses, request.Nonce)
	return Reply{DER: der, Produced: now, Until: until}, err
}

// aboutOne answers about one certificate. An answer that is kept is given while it is young; an older one, and one
// without the nonce that was asked for (RFC 9654 §2.1 leaves that to the responder), only where none can be signed now.
func (s *Service) aboutOne(ctx context.Context, issuer string, id issuance.CertID, k ca.Known, nonce []byte, now time.Time) (Reply, error) {
	r, young, ok := s.kept(issuer, id, k, now)
	if nonce != nil {
		r.KeepFor = 0
	}
	if ok && (young && nonce == nil || s.keys.resting(issuer)) {
		return r, nil
	}
	signing, cancel := ctx, context.CancelFunc(func() {})
	if ok { // nobody waits long for a better one than is there
		signing, cancel = context.WithTimeout(ctx, waitForKey)
	}
	defer cancel()
	var better Reply
	var err error
	if nonce == nil {
		better, err = s.sign(signing, issuer, id, k, now)
	} else {
		better, err = s.fresh(signing, issuer, issuance.StatusRequest{Asked: []issuance.CertID{id}, Nonce: nonce}, []ca.Known{k}, now)
	}
	if err != nil && ok && ctx.Err() == nil {
		return r, nil
	}
	return better, err
}

// waitForKey bounds how long a key is waited for where an answer is kept that is still good.
const waitForKey = 2 * time.Second

// known is what is known of one certificate; of another issuer's than the first one asked about it is unknown, since a
// responder speaks for one issuer.
func (s *Service) known(ctx context.Context, issuer string, id issuance.CertID) (ca.Known, error) {
	if id.Serial.Sign() <= 0 || s.c.CA.Is(id) != issuer {
		return ca.Known{Standing: issuance.Unknown, AsOf: s.c.CA.Now()}, nil
	}
	k, err := s.c.CA.Find(ctx, issuer, id.Serial.Bytes())
	if now := s.c.CA.Now(); err == nil && !k.AsOf.Add(s.c.CA.AnswerLife()).After(now.Add(time.Second)) { // too long ago to be said
		return k, fault.New(fault.Unavailable, "ca.no-responder")
	}
	return k, err
}

// answers keeps signed answers whole that are not kept by their signature: those that were asked for unusually, or are
// about certificates that have ended. What each says was read from the record when it was made; one that says anything
// else is not found.
type answers struct {
	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	standing issuance.Standing
	at       time.Time // of a revocation
	reason   issuance.Reason
	expired  bool
	reply    Reply
}

// mostKept bounds the memory: some 12 MB of answers.
const mostKept = 8192

func newAnswers() *answers { return &answers{kept: map[string]kept{}} }

// find gives an answer that says exactly this, and is still good; young ones have half of their life before them.
func (a *answers) find(s issuance.SingleStatus, now time.Time) (r Reply, young, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.kept[string(s.ID.Raw())]
	same := ok && k.standing == s.Standing && k.at.Equal(s.Revocation.At) && k.reason == s.Revocation.Reason && k.expired == s.Expired
	if !same || now.Before(k.reply.Produced) || !now.Before(k.reply.Until) {
		return Reply{}, false, false
	}
	r = k.reply
	r.KeepFor = min(r.KeepFor, r.Until.Sub(now))
	return r, now.Sub(r.Produced) <= r.Until.Sub(r.Produced)/2, true
}

func (a *answers) keep(s issuance.SingleStatus, r Reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) >= mostKept {
		clear(a.kept)
	}
	a.kept[string(s.ID.Raw())] = kept{standing: s.Standing, at: s.Revocation.At, reason: s.Revocation.Reason, expired: s.Expired, reply: r}
}
