// Package status is what the world may ask about what was issued: without sign-in, at any hour.
//
// Machines ask about certificates by OCSP ([Service.OCSP]) and by list ([Service.List]), and for time stamps
// ([Service.Stamp]); people ask about anything by
// the code or number that stands on it ([Service.Verify]). Each answer is read from the record when it is given, so
// that the first answer after a revocation says revoked, on every replica; only signatures are kept.
//
// It must never answer good for what was never issued, never tell a wrong code from an unknown one, never show more
// than what was issued shows itself, and never change anything. Start reading at [Service.Verify] and [Service.OCSP].
package status

import (
	"context"
	"log/slog"
	"time"

	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
	"chancela/internal/throttle"
)

// State is what is said of something that was issued. The words are status.state.*.
type State string

// The states that people read: Válida, Caducada, Suspensa, Revogada, Substituída, Não encontrada.
const (
	Valid     State = "valid"
	Lapsed    State = "lapsed"
	Suspended State = "suspended"
	Revoked   State = "revoked"
	Replaced  State = "replaced"
	NotYet    State = "not-yet" // on the date asked it was not issued, or not valid, yet
	NotFound  State = "not-found"
)

// Line is one fact that what was issued shows itself, in both languages.
type Line struct {
	Label i18n.Text
	Value i18n.Text
}

// Answer is what is said.
type Answer struct {
	State    State
	Kind     string // certificate, credential: words status.kind.*
	Code     string // as people write it
	Portal   string // "" for none
	Title    i18n.Text
	Issuer   string    // the body or authority that issued it
	At       time.Time // the moment asked about
	IssuedAt time.Time
	From     time.Time // valid from
	Until    time.Time // valid until
	Since    time.Time // of a state other than valid: since when
	Reason   i18n.Text // of a revocation or suspension, where it may be told
	By       string    // number of what it was replaced by; "" for none
	Number   string    // as people read it; "" for none
	Body     string    // in whose favour it was issued, where that is public; "" if not
	NIPC     string    // of the body, as stored; where that is public
	Facts    []Line
	Digest   string // SHA-256 of the sealed document, hex; "" for none
	// Suspensions are the times up to now in which it could not be relied on for a while, oldest first.
	Suspensions []Span
	RevokedAt   time.Time // when it was revoked for good, whatever moment is asked about; zero for never
	ListNumber  int64     // of the revocation list in force, where it stands there now; 0 where it does not
}

// Span is a time between two moments.
type Span struct {
	From  time.Time
	Until time.Time // zero while it runs
}

// Verifiable is something that was issued and may be asked about by its code. The rooms that issue implement it.
type Verifiable interface {
	// Lookup finds by code, in whatever spelling people use; false for every code that is wrong or unknown.
	Lookup(ctx context.Context, code string, at time.Time) (Answer, bool, error)
}

// ByBody is a Verifiable that can also be asked for all that a body of a portal has.
type ByBody interface {
	LookupBody(ctx context.Context, portal, nipc string, at time.Time) ([]Answer, error)
}

// Authority is what answers need of the room that signs: package ca, in this process or in one of its own. All but the
// two that sign read the record.
type Authority interface {
	// Answer signs an OCSP answer, if the record says what it says.
	Answer(ctx context.Context, issuer string, statuses []issuance.SingleStatus, nonce []byte) ([]byte, error)
	// Stamp signs a time stamp.
	Stamp(ctx context.Context, r issuance.StampRequest) ([]byte, error)

	Is(id issuance.CertID) (issuer string)
	Find(ctx context.Context, issuer string, serial []byte) (ca.Known, error)
	Registered(place uint32) (ca.Registered, bool)
	Watched(ctx context.Context) ([]ca.Watched, error)
	Fresh() error
	StampURL() string
	AnswerForm(issuer string, generation uint8) (*issuance.AnswerForm, uint8, bool)
	Authorities() []ca.Authority
	Crosses(ctx context.Context) ([]ca.Cross, error)
	List(ctx context.Context, name string) (ca.List, error)
	ListNumber(ctx context.Context, name string) (number int64, asOf time.Time, err error)
	BySerial(ctx context.Context, tx *db.Tx, serial ca.Serial) (ca.Certificate, error)
	HoldsOf(ctx context.Context, tx *db.Tx, serial ca.Serial) ([]ca.Hold, error)
	StandsOn(ctx context.Context, tx *db.Tx, c ca.Certificate) (int64, error)
	AnswerLife() time.Duration
	Now() time.Time
}

var _ Authority = (*ca.CA)(nil)

// Config is what the room is wired to.
type Config struct {
	DB       *db.DB
	CA       Authority
	Portals  *portal.Set
	Throttle *throttle.Counters
	// Stamps says whether whoever asks gets time stamps.
	Stamps bool
	// Sources are asked in order by [Service.Verify], after certificates.
	Sources []Verifiable
	Log     *slog.Logger
}

// Service is the room's door. It is safe for use by several at once.
type Service struct {
	c       Config
	answers *answers
	lists   *lists

	signatures *signatures
	keys       *failing
}

// New opens the room.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{c: c, answers: newAnswers(), lists: newLists(), signatures: newSignatures(), keys: newFailing()}
}

// Now is the time by which answers are made.
func (s *Service) Now() time.Time { return s.c.CA.Now() }
