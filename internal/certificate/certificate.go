// Package certificate keeps orders of certificates and what came of them, for holders and officers.
//
// It is the outcome "certificate" of a procedure ([Outcome]): it makes the order of a case's answers, shows the officer
// exactly what would be issued, and records the order when enough officers have approved it. A loop ([Service.Work])
// has each ready order issued by package ca, once, and tells the holder. Nothing of a key request is used but its key;
// names come from the case, and names in the request that differ stop the approval.
//
// It is the outcome "mandate" too ([MandateOutcome]): what is approved is that a program of the body has so many
// certificates of fixed names issued until a day, which it does by a token ([Service.Admit], then [Service.IssueUnder]).
//
// Afterwards it is the room of a certificate's life: its holder, whoever answers for the body, officers, and whoever
// holds its revocation code end or suspend it, now or on a date, and all parties are told ([Service.Revoke],
// [Service.Suspend], [Service.Stop], [Service.EndDue]).
//
// It must never decide, never sign, never hold a key, and never show a certificate to anybody but its holder, those who
// answer for the body and the officers of its portal. Start reading at [Outcome.Propose], then [Service.Work] and
// [Service.Of].
package certificate

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
	"chancela/internal/throttle"
)

// ID names an order within the program; people see the number of its case.
type ID string

// State is where an order stands.
type State string

// The states: awaiting-identity → issuing → issued → accepted | declined; stopped before it is issued.
const (
	AwaitingIdentity State = "awaiting-identity" // until an officer records how the subject's identity was proven
	Issuing          State = "issuing"           // ready; the loop has it issued
	Issued           State = "issued"            // good from its issue; the holder has yet to look at it
	Accepted         State = "accepted"
	Declined         State = "declined" // the holder declined it: it was revoked
	Stopped          State = "stopped"  // the right behind it ended before it was issued: it never will be
)

// Standing is what may be done with the certificate now, read from its record and the date.
type Standing string

// The standings.
const (
	None      Standing = ""          // not issued yet
	Active    Standing = "active"    // may be relied on
	Suspended Standing = "suspended" // not for a while
	Revoked   Standing = "revoked"   // never again
	Expired   Standing = "expired"
)

// How is the way in which an identity was proven.
type How string

// The ways there are. More come with the means of the State.
const InPerson How = "in-person"

// Ways lists them, for the form.
func Ways() []How { return []How{InPerson} }

// Part is one attribute of a name, or another fact, as pages show it.
type Part struct{ Label, Value string }

// Order is one order with its certificate, as lists show it.
type Order struct {
	ID        ID
	Portal    string
	Procedure string
	Case      string
	Number    string // of the case
	Product   i18n.Text
	Profile   string
	State     State
	Standing  Standing
	Holder    actor.PersonID
	Account   actor.AccountID
	Subject   string // whom it speaks for, in a word: a person's name, a body's, the domain
	Body      string
	BodyNIPC  string
	MadeAt    time.Time
	IssuedAt  time.Time
	ClosedAt  time.Time // accepted or declined
	NotBefore time.Time
	NotAfter  time.Time
	Serial    string    // with colons, as other tools show it; "" until issued
	RevokedAt time.Time // or suspended since
	Reason    int       // of the revocation: RFC 5280 §5.3.1
	HeldUntil time.Time // when its suspension ends by itself; zero for none
	DueAt     time.Time // when a scheduled revocation takes effect; zero for none
	DueReason int
	OfPerson  bool // it speaks for a natural person: it may be suspended
	// Held says why the loop could not issue it yet, as a message key; "" for nothing.
	Held string
}

// MayAccept says whether the holder is still to accept or decline.
func (o Order) MayAccept() bool { return o.State == Issued && o.Standing == Active }

// MayRevoke says whether there is something to revoke.
func (o Order) MayRevoke() bool { return o.Standing == Active || o.Standing == Suspended }

// MaySuspend says whether it may be suspended now.
func (o Order) MaySuspend() bool { return o.Standing == Active && o.OfPerson }

// MayReinstate says whether an officer may make it good again.
func (o Order) MayReinstate() bool { return o.Standing == Suspended }

// View is an order with everything behind it.
type View struct {
	Order
	Details     []Part // of the subject and the names, sensitive numbers masked
	Key         string
	Fingerprint string // SHA-256 of the certificate, as people compare it
	Issuer      string
	Usage       []string
	Policies    []string
	OCSP        string
	CRL         string
	CAIssuers   string
	Approvals   []Approval
	Identity    *Proof // nil until recorded
	Lint        Lint
	Digest      string // of the order: what was approved
	Revocation  *Ended // nil unless revoked
	// MayRenew says whether another may be ordered in its place, or has been; Next is what took it, if it is over.
	MayRenew bool
	Next     ID
	Holds    []Hold // times of suspension, oldest first
	// Own says that whoever looks is its holder; neither an officer nor who answers for the body is.
	Own bool
	// MayCancel says that whoever looks may put off or call off the scheduled revocation.
	MayCancel bool
}

// Hold is a time in which the certificate was suspended.
type Hold struct {
	From, Until time.Time
	Name        string // of whoever had it suspended; "" for whoever held the code
	Words       string
	EndedAt     time.Time // zero while it runs
	Revoked     bool      // it ended in revocation
	EndedName   string    // of the officer; "" for the program
	EndWords    string
}

// Approval is one officer's, of exactly this order.
type Approval struct {
	ID         string
	Name       string
	Office     string
	Delegation string
	At         time.Time
}

// Proof is how the subject's identity was proven.
type Proof struct {
	How   How
	Words string
	Name  string // of the officer who recorded it
	At    time.Time
}

// Ended is how a certificate came to be revoked.
type Ended struct {
	At     time.Time
	Reason int
	Name   string // of whoever revoked it
	Words  string // an officer's grounds
}

// Lint is what was checked before it was signed.
type Lint struct {
	Passed   int
	Findings []Part
}

// Reason is a ground by which a holder may revoke.
type Reason struct {
	Code  int    // RFC 5280 §5.3.1
	Label string // message key
}

// label is the message key of a reason by its code, an officer's too.
func (r Reason) label() string { return "certificate.reason." + strconv.Itoa(r.Code) }

// Reasons are those that a holder may choose. Nine (privilegeWithdrawn) is an officer's alone.
func Reasons() []Reason {
	return []Reason{
		{1, "certificate.reason.1"}, {3, "certificate.reason.3"}, {4, "certificate.reason.4"},
		{5, "certificate.reason.5"}, {0, "certificate.reason.0"},
	}
}

// Ground is why an officer revokes or suspends: a code of the portal's list with the officer's own words.
type Ground struct {
	Code  string
	Words string
	On    time.Time // of a revocation: the day on which it takes effect; zero for at once
}

// Format is a form in which a certificate is downloaded.
type Format string

// The formats.
const (
	PEM   Format = "pem"
	DER   Format = "der"
	Chain Format = "chain" // PEM: the certificate, its issuer, the root
)

// File is a download.
type File struct {
	Name string // plain ASCII
	Type string // media type
	Data []byte
}

// Post sends letters; package letter does.
type Post interface {
	Send(ctx context.Context, tx *db.Tx, what letter.Letter) error
}

// People knows persons, their powers and their bodies; package account does.
type People interface {
	Known(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID, id actor.AccountID) (account.Known, error)
	Registered(ctx context.Context, tx *db.Tx, portal, nipc string) (account.Body, bool, error)
	Find(ctx context.Context, tx *db.Tx, id actor.AccountID) (account.Account, error)
	IsSame(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID, addressKey, civilMark string) (bool, error)
	PersonName(ctx context.Context, tx *db.Tx, person actor.PersonID) (string, error)
	// MemberAt is the person of an active account at that address who holds a running power for the body; "" for nobody.
	MemberAt(ctx context.Context, tx *db.Tx, portal, address, nipc string) (actor.PersonID, error)
	Holds(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID, power, nipc string) (bool, error)
	Answering(ctx context.Context, tx *db.Tx, portal, nipc string, powers []string) ([]account.Account, error)
	Officers(ctx context.Context, tx *db.Tx, portal string, p actor.Permission) ([]account.Contact, error)
}

// Codes makes and knows the codes by which a certificate is ended without signing in; package link does.
type Codes interface {
	MakeRevocationCode(ctx context.Context, tx *db.Tx, portal, subject string, until time.Time) (link.Ref, error)
	IsRevocationCode(ctx context.Context, tx *db.Tx, portal, subject, typed string) (bool, error)
}

var _ Codes = (*link.Links)(nil)

var _ People = (*account.Accounts)(nil)

var _ account.Dependent = (*Service)(nil)

// Authority is what orders need of the room that signs: package ca, in this process or in one of its own.
type Authority interface {
	// Issue issues the certificate of an order, once, if the record shows it approved.
	Issue(ctx context.Context, by actor.Actor, r ca.Request) (ca.Certificate, error)
	// Preview says who would issue an order, and what the lints would say.
	Preview(ctx context.Context, order []byte) (issuer string, report issuance.Report, err error)
	// Says gives the statements of quality that a certificate of the order would make.
	Says(o issuance.Order) []issuance.Statement
	RevokeIn(ctx context.Context, tx *db.Tx, by actor.Actor, r ca.Revocation) error
	CancelIn(ctx context.Context, tx *db.Tx, by actor.Actor, serial ca.Serial, right ca.Right) error
	SuspendIn(ctx context.Context, tx *db.Tx, by actor.Actor, w ca.Suspension) error
	ReinstateIn(ctx context.Context, tx *db.Tx, by actor.Actor, serial ca.Serial, words string) error
	HoldsOf(ctx context.Context, tx *db.Tx, serial ca.Serial) ([]ca.Hold, error)
	HeldIn(ctx context.Context, tx *db.Tx, portal string) ([]ca.Certificate, error)
	DueIn(ctx context.Context, tx *db.Tx) ([]ca.Certificate, error)
	EndDueIn(ctx context.Context, tx *db.Tx, by actor.Actor, serial ca.Serial) error
	RecordIdentity(ctx context.Context, tx *db.Tx, by actor.Actor, i ca.Identity) error
	IdentityOf(ctx context.Context, tx *db.Tx, portal, caseID, digest string) (ca.Identity, bool, error)
	// ReuseIdentity takes the identity from an earlier proof, if the key of an earlier certificate signed the request.
	ReuseIdentity(ctx context.Context, tx *db.Tx, r ca.Reuse) (bool, error)
	BySerial(ctx context.Context, tx *db.Tx, serial ca.Serial) (ca.Certificate, error)
	OfHolder(ctx context.Context, tx *db.Tx, portal string, holder actor.PersonID) ([]ca.Certificate, error)
	// OfCase are all certificates of a case, lost and intended ones too.
	OfCase(ctx context.Context, tx *db.Tx, caseID string) ([]ca.Certificate, error)
	KeyUsed(ctx context.Context, tx *db.Tx, fingerprint, butOrder string) (bool, error)
	ChainOf(c ca.Certificate) ([][]byte, error)
	Try(ctx context.Context, order []byte) (ca.Trial, error)
	UseOf(ctx context.Context, tx *db.Tx, portal, caseID, digest string) (ca.Use, error)
	OfMandate(ctx context.Context, tx *db.Tx, caseID, digest string, most int) ([]ca.Certificate, error)
	EndMandate(ctx context.Context, tx *db.Tx, by actor.Actor, portal, caseID, digest string) (bool, error)
}

var _ Authority = (*ca.CA)(nil)

// Config is what the room is wired to.
type Config struct {
	DB       *db.DB
	CA       Authority
	Accounts People
	Portals  *portal.Set
	Letters  Post
	Codes    Codes
	// Counters count tokens and codes that were tried.
	Counters *throttle.Counters
	// KnownKeys are keys that others have; an order for one is refused.
	KnownKeys issuance.KeyList
	// Page is the address, within a portal, of the pages about certificates; an order's is Page + "/" + its id.
	Page string
	// Crash is called at each of [CrashPoints]; nil but in tests.
	Crash func(point string)
	Log   *slog.Logger
}

// Service is the room's door.
type Service struct {
	c        Config
	awake    chan struct{}
	mandates issuance.Mandates
}

// New opens the room.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Page = strings.Trim(c.Page, "/")
	if c.Crash == nil {
		c.Crash = func(string) {}
	}
	return &Service{c: c, awake: make(chan struct{}, 1)}
}
