package notify

import (
	"context"
	"time"

	"chancela/internal/db"
)

// Channel is the way a message goes.
type Channel string

// The channels.
const (
	ByMail Channel = "mail"
	BySMS  Channel = "sms"
)

// State is how far a message has come.
type State string

// The states. Their words are notify.state.<state>.
const (
	Queued State = "queued" // waits, or waits for another try
	Sent   State = "sent"   // the next server took it
	Failed State = "failed" // will not be tried again
)

// Delivery is what is kept of a message: neither its words nor its address.
type Delivery struct {
	ID      string
	Portal  string
	Case    string
	Kind    string
	Channel Channel
	State   State
	Tries   int64
	Reason  string // of the last failure: a word of notify.reason.<word>, then perhaps the server's code
	Queued  time.Time
	Sent    time.Time
	Failed  time.Time
}

// OfCase is the look at what was sent about a case, in the order in which it was queued.
func OfCase(ctx context.Context, tx *db.Tx, caseID string) ([]Delivery, error) {
	return ofCase(ctx, tx, caseID)
}

// Failures is the look at the latest messages of a portal that were not delivered; every portal's if portal is "".
func Failures(ctx context.Context, tx *db.Tx, portal string, most int) ([]Delivery, error) {
	return failures(ctx, tx, portal, most)
}

// ForgetCase is the step that erases what is kept about a case's messages; those still queued are not sent.
func ForgetCase(ctx context.Context, tx *db.Tx, caseID string) error {
	return removeAll(ctx, tx, caseID)
}
