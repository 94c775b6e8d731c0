// Package fault holds the kinds of error that a person can be told about.
//
// A deed that refuses returns an [Error] with a kind and the key of a message; floor 6 turns the kind into a
// status and the key into words of the reader's language. Whatever is not an Error is a fault of ours: the
// person sees a reference, the log has the rest. An Error must never carry a secret or personal data in its
// key; its arguments are shown only to the person who caused it and are never logged.
package fault

import (
	"errors"
	"time"
)

// Kind says what sort of refusal an error is.
type Kind string

// The closed list of kinds.
const (
	Invalid     Kind = "invalid"     // what was typed or sent is wrong; see Fields
	Forbidden   Kind = "forbidden"   // known, signed in, and may not
	NotFound    Kind = "not-found"   // does not exist, or must look as if it did not
	Conflict    Kind = "conflict"    // somebody else was first, or it is done already
	Expired     Kind = "expired"     // was good once: a link, a code, a session
	Throttled   Kind = "throttled"   // too many tries; see Retry
	Unavailable Kind = "unavailable" // something we stand on is away for now
	TooLarge    Kind = "too-large"   // more bytes than the rule admits
	Malformed   Kind = "malformed"   // not what the page of the form sends
)

// Args are the values of a message's {placeholders}.
type Args map[string]string

// Field is one problem of a form, named by the field's key.
type Field struct {
	Name string // the field's key in the form, "" for the form as a whole
	Key  string // message key, such as E-NIPC-03
	Args Args
}

// Error is a refusal that a person can be told about.
type Error struct {
	Kind   Kind
	Key    string
	Args   Args
	Fields []Field       // all problems of a form, in the form's order
	Retry  time.Duration // for Throttled and Unavailable: when to come again
}

// New makes a refusal of the given kind; pairs are placeholder, value, placeholder, value.
func New(kind Kind, key string, pairs ...string) *Error {
	return &Error{Kind: kind, Key: key, Args: Pairs(pairs...)}
}

// Fields makes an Invalid refusal from the problems of a form, or nil if there are none.
func Fields(problems []Field) error {
	if len(problems) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Key: "form.problems", Fields: problems}
}

// Throttle makes a Throttled refusal that says when to come again.
func Throttle(key string, retry time.Duration, pairs ...string) *Error {
	return &Error{Kind: Throttled, Key: key, Args: Pairs(pairs...), Retry: retry}
}

// Pairs turns placeholder, value, placeholder, value into Args; it is nil for none.
func Pairs(pairs ...string) Args {
	if len(pairs) == 0 {
		return nil
	}
	args := make(Args, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		args[pairs[i]] = pairs[i+1]
	}
	return args
}

// Error gives kind and key, never the arguments: they may be personal.
func (e *Error) Error() string {
	s := string(e.Kind) + ": " + e.Key
	for _, f := range e.Fields {
		s += " " + f.Name + "=" + f.Key
	}
	return s
}

// As finds the refusal in an error's chain.
func As(err error) (*Error, bool) {
	e, ok := errors.AsType[*Error](err)
	return e, ok
}

// Is says whether err is a refusal of that kind.
func Is(err error, kind Kind) bool {
	e, ok := As(err)
	return ok && e.Kind == kind
}
