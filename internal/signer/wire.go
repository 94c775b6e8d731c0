package signer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chancela/internal/ca"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// The addresses. They carry a version: a signer and a server of different ones refuse one another in words.
const (
	pathIssue  = "/1/issue"
	pathSeal   = "/1/seal"
	pathAnswer = "/1/answer"
	pathStamp  = "/1/stamp"
	pathList   = "/1/list"
	pathHealth = "/1/health"
)

// Bounds on what is read. An order has some hundred bytes, with many names a few thousand; a list does not pass here.
const (
	mostCall  = 128 << 10
	mostReply = 1 << 20
)

// issueCall asks for a certificate.
type issueCall struct{ Request ca.Request }

type issueReply struct{ Certificate ca.Certificate }

// sealCall asks for the seal of a portal's body.
type sealCall struct{ Request ca.SealRequest }

type sealReply struct{ Signature ca.Signature }

// answerCall asks for an OCSP answer by an issuer's responder: the question as RFC 6960 writes it. What the answer is,
// whoever asks does not say.
type answerCall struct {
	Issuer  string
	Request []byte
	At      time.Time // by which whoever asks keeps the answer; another moment than just now does not count
}

type answerReply struct {
	DER  []byte
	Said []said
}

// said is what an answer says of one certificate.
type said struct {
	Standing issuance.Standing
	At       time.Time // of a revocation
	Reason   issuance.Reason
}

// stampCall asks for a time stamp: the question as RFC 3161 writes it.
type stampCall struct{ Request []byte }

type stampReply struct{ DER []byte }

// listCall asks that an issuer's list say what the record says.
type listCall struct{ Issuer string }

type listReply struct{}

type healthCall struct{}

// Health is how a signer is.
type Health struct {
	Replica string // its name among the processes that share the database
	Version string // of the program
	Module  bool   // whether the keys are in a hardware module
	Keys    int    // how many keys open, or sign where they are in a module
	Base    string // the address that its certificates carry
	Roots   []string
	Trouble string // why nothing can be signed now; "" for nothing
	At      time.Time
}

// refusal is what comes instead of a reply: one of the four.
type refusal struct {
	Fault *fault.Error           `json:",omitempty"` // which a person can be told
	Lint  *issuance.Report       `json:",omitempty"` // the lints refuse
	Stamp *issuance.StampFailure `json:",omitempty"` // no stamp, for one of the protocol's reasons
	Ours  string                 `json:",omitempty"` // a fault of ours: its reference in the signer's log
}

// errForeign refuses a body that our own program does not write.
var errForeign = errors.New("signer: the body is not one that this version of the program writes")

// decode reads a body, and takes it only if writing it again gives the same bytes: no field twice or unknown, no other
// spelling, nothing behind it.
func decode[T any](body []byte) (v T, err error) {
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	if err := in.Decode(&v); err != nil {
		return v, errForeign
	}
	again, err := json.Marshal(v)
	if err != nil || !bytes.Equal(again, body) {
		return v, errForeign
	}
	return v, nil
}

// refuse writes down why something was refused; whatever is nobody else's business is a reference.
func refuse(err error, reference string) refusal {
	if lint, ok := errors.AsType[*ca.LintError](err); ok {
		return refusal{Lint: &lint.Report}
	}
	if stamp, ok := errors.AsType[issuance.StampFailure](err); ok {
		return refusal{Stamp: &stamp}
	}
	if told, ok := fault.As(err); ok {
		return refusal{Fault: told}
	}
	return refusal{Ours: reference}
}

// err gives the error that was written down, of the same type.
func (r refusal) err() error {
	switch {
	case r.Fault != nil:
		return r.Fault
	case r.Lint != nil:
		return &ca.LintError{Report: *r.Lint}
	case r.Stamp != nil:
		return *r.Stamp
	}
	return fmt.Errorf("signer: it failed there; its log has reference %s", r.Ours)
}
