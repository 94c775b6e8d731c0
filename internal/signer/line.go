package signer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// LineConfig says where signers are.
type LineConfig struct {
	// Addresses are asked in order, from the one that answered last: unix:PATH or tls:HOST:PORT.
	Addresses []string
	TLS       TLS // for tls: addresses
	Log       *slog.Logger
}

// Line asks a signer. When none answers, everything asked is Unavailable; the next question tries again, so that one
// that comes back is found by itself. It is safe for use by several at once.
type Line struct {
	log     *slog.Logger
	signers []*far

	mu   sync.Mutex
	last int  // the signer that answered last
	lost bool // the operator was told that none answers
}

// far is one signer as it is reached.
type far struct {
	address string
	http    *http.Client
}

// NewLine makes a line; nothing is asked yet, and no signer needs to be there.
func NewLine(c LineConfig) (*Line, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	l := &Line{log: c.Log}
	for _, address := range c.Addresses {
		dial, err := dialer(address, c.TLS)
		if err != nil {
			return nil, err
		}
		l.signers = append(l.signers, &far{address: address, http: &http.Client{
			Transport:     &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
	}
	if len(l.signers) == 0 {
		return nil, errors.New("signer: no address")
	}
	return l, nil
}

// Close lets go of what is open.
func (l *Line) Close() error {
	for _, f := range l.signers {
		f.http.CloseIdleConnections()
	}
	return nil
}

// How long an answer is waited for. Signing takes milliseconds; a signer that waits for its module says so after ten
// seconds.
const (
	longCall  = 90 * time.Second
	shortCall = 20 * time.Second
	briefCall = 3 * time.Second
)

// Issue has the room issue the certificate of an order ([ca.CA.Issue]).
func (l *Line) Issue(ctx context.Context, by actor.Actor, r ca.Request) (ca.Certificate, error) {
	if err := by.MayIn(r.Portal, actor.RunTheProgram); err != nil {
		return ca.Certificate{}, err
	}
	reply, err := ask[issueReply](ctx, l, longCall, pathIssue, issueCall{r})
	return reply.Certificate, err
}

// Seal has the room put a body's seal ([ca.CA.Seal]).
func (l *Line) Seal(ctx context.Context, by actor.Actor, r ca.SealRequest) (ca.Signature, error) {
	if err := by.MayIn(r.Portal, actor.RunTheProgram); err != nil {
		return ca.Signature{}, err
	}
	reply, err := ask[sealReply](ctx, l, longCall, pathSeal, sealCall{r})
	return reply.Signature, err
}

// Answer has the room sign an OCSP answer. The room reads the record anew; if it says something else than it said to
// whoever asks, a moment ago, the answer is not given out: asking again gives it.
func (l *Line) Answer(ctx context.Context, issuer string, statuses []issuance.SingleStatus, nonce []byte) ([]byte, error) {
	question := issuance.StatusRequest{Nonce: nonce}
	var expected []said
	var at time.Time
	for _, one := range statuses {
		at = one.ThisUpdate.UTC()
		question.Asked = append(question.Asked, one.ID)
		expected = append(expected, saidOf(one))
	}
	der, err := question.Encode()
	if err != nil {
		return nil, fmt.Errorf("signer: ask for an answer: %w", err)
	}
	reply, err := ask[answerReply](ctx, l, shortCall, pathAnswer, answerCall{issuer, der, at})
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(reply.Said, expected, func(a, b said) bool {
		return a.Standing == b.Standing && a.At.Equal(b.At) && a.Reason == b.Reason
	}) {
		return nil, fault.New(fault.Conflict, "ca.changed-meanwhile")
	}
	return reply.DER, nil
}

// Stamp has the room sign a time stamp.
func (l *Line) Stamp(ctx context.Context, r issuance.StampRequest) ([]byte, error) {
	der, err := r.Encode()
	if err != nil {
		return nil, fmt.Errorf("signer: ask for a stamp: %w", err)
	}
	reply, err := ask[stampReply](ctx, l, shortCall, pathStamp, stampCall{der})
	return reply.DER, err
}

// Publish has the room make an issuer's list, unless the one in force says everything.
func (l *Line) Publish(ctx context.Context, issuer string) error {
	_, err := ask[listReply](ctx, l, shortCall, pathList, listCall{issuer})
	return err
}

// Health asks how the signer is.
func (l *Line) Health(ctx context.Context) (Health, error) {
	return ask[Health](ctx, l, briefCall, pathHealth, healthCall{})
}

// ask asks the signer that answered last, and the next ones if it cannot be reached.
func ask[T any](ctx context.Context, l *Line, within time.Duration, path string, call any) (reply T, err error) {
	body, err := json.Marshal(call)
	if err != nil {
		return reply, fmt.Errorf("signer: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	l.mu.Lock()
	first := l.last
	l.mu.Unlock()
	for i := range l.signers {
		at := (first + i) % len(l.signers)
		var status int
		var said []byte
		status, said, err = l.signers[at].post(waiting, path, body)
		if err == nil {
			l.answered(at)
			return read[T](status, said)
		}
		if ctx.Err() != nil {
			return reply, ctx.Err()
		}
		if !unreached(err) { // it may have begun: another one shall not do the same meanwhile
			break
		}
	}
	l.none(err)
	return reply, fmt.Errorf("signer: %w (%s)", fault.New(fault.Unavailable, "ca.signer-away"), err.Error())
}

// post sends one call and reads what comes back.
func (f *far) post(ctx context.Context, path string, body []byte) (status int, said []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://signer"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	// Every call may be sent twice: an order has one certificate. So a connection that the signer closed when it was
	// started anew is no reason to fail. (Without a value, the header says so to the transport and is not sent.)
	request.Header["Idempotency-Key"] = nil
	answer, err := f.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	said, err = io.ReadAll(io.LimitReader(answer.Body, mostReply+1))
	if err == nil && len(said) > mostReply {
		err = errors.New("signer: the reply is too large")
	}
	return answer.StatusCode, said, err
}

// unreached says whether a call was never sent.
func unreached(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" || errors.Is(err, errPeer)
}

// read takes a reply, or the refusal in its place.
func read[T any](status int, body []byte) (reply T, err error) {
	switch status {
	case http.StatusOK:
		return decode[T](body)
	case http.StatusUnprocessableEntity, http.StatusServiceUnavailable:
		refused, err := decode[refusal](body)
		if err != nil {
			return reply, err
		}
		return reply, refused.err()
	}
	return reply, fmt.Errorf("signer: it answers %d: are both of one version?", status)
}

// answered remembers who answers, and tells the operator once that one is back.
func (l *Line) answered(at int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = at
	if l.lost {
		l.lost = false
		l.log.Info("signer: it answers again", "address", l.signers[at].address)
	}
}

// none tells the operator once that no signer answers.
func (l *Line) none(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lost {
		l.lost = true
		l.log.Error("signer: none answers; what needs a key waits", "error", err)
	}
}

// Remote is the room that signs as the rooms above use it, where the keys are in another process: the record here, and
// a line to the signer.
type Remote struct {
	*ca.Record
	*Line
}
