package certificate

import (
	"time"

	"chancela/internal/actor"
	"chancela/internal/i18n"
)

// MandateID names a mandate within the program; people see the number of its case.
type MandateID string

// object names the mandate in the record of deeds.
func (id MandateID) object() string { return "mandate/" + string(id) }

// MandateStanding is what may be done with a mandate now, read from its record and the date.
type MandateStanding string

// The standings of a mandate.
const (
	Running MandateStanding = "running" // certificates may be issued under it
	UsedUp  MandateStanding = "used-up" // as many were issued as were approved
	Over    MandateStanding = "over"    // its day has passed
	Closed  MandateStanding = "closed"  // somebody ended it, for good
)

// Mandate is an approval by which a program of the body has certificates issued, as its page shows it.
type Mandate struct {
	ID        MandateID
	Portal    string
	Procedure string
	Case      string
	Number    string // of the case
	Product   i18n.Text
	Profile   string
	Standing  MandateStanding
	Holder    actor.PersonID
	Account   actor.AccountID
	Subject   string // whom the certificates speak for, in a word
	Body      string
	BodyNIPC  string
	Most      int // certificates in all
	Used      int
	EndsAt    time.Time
	MadeAt    time.Time
	EndedAt   time.Time // ended by somebody; zero for not
	TokenAt   time.Time // when its token was made; zero while there is none
	HasToken  bool
	Digest    string // what was approved
	Details   []Part
	Approvals []Approval
	// Latest are the certificates last issued under it, newest first, at most [mostShown].
	Latest []Under
	MayUse bool // whoever looks may make a token
	MayEnd bool
}

// mostShown bounds the certificates on a mandate's page: the rest is found by serial number.
const mostShown = 50

// Under is one certificate that was issued under a mandate.
type Under struct {
	Serial    string // with colons
	Key       string // the serial number as addresses and forms have it
	Standing  Standing
	IssuedAt  time.Time
	NotAfter  time.Time
	RevokedAt time.Time
	Reason    int
}

// Token is the secret by which a program of the body uses a mandate. It is shown once and stored nowhere: what is kept
// is its digest.
type Token string

// tokenMark begins every token, so that people and scanners of source code know one when they see it.
const tokenMark = "chancela_"

func (r mandateRow) standing(now time.Time) MandateStanding {
	switch {
	case !r.EndedAt.IsZero():
		return Closed
	case !now.Before(r.EndsAt):
		return Over
	case r.Used >= r.Most:
		return UsedUp
	}
	return Running
}
