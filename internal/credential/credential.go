// Package credential issues titles on paper that a machine can check: a PDF of our own drawing under the electronic
// seal of the portal's body, and keeps their life.
//
// It is the outcome "credential" of a procedure ([Outcome]). What the officer approves is the [Content]: every word
// of the portal and of the case that will stand on the paper; its digest is the subject that the approval names. The
// approval's own transaction draws number and verification code, which come later as a serial number does, and leaves
// an intent. A loop ([Service.Work]) draws the sheet, has package ca seal it (which reads the approvals itself), puts
// it away and records it, once. Suspending, restoring and revoking are deeds of officers, with reasons, added to a
// history that is never changed; that a credential lapsed is read from its date.
//
// It must never print what was not approved, never record two sealed files for one credential, never change the
// history, and never tell a stranger more than the definition makes public. Package pades seals, package sheet draws;
// neither knows what a credential is. Start reading at [Outcome.Propose], then [Service.Work], [Service.Revoke] and
// [Service.Lookup].
package credential

import (
	"context"
	"log/slog"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/blob"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// ID names a credential within the program; people know its number, strangers its code.
type ID string

// State is where a credential stands.
type State string

// The states that are stored: issuing → valid ⇄ suspended → revoked | replaced.
const (
	Issuing   State = "issuing" // approved; being sealed
	Valid     State = "valid"
	Suspended State = "suspended"
	Revoked   State = "revoked"  // for good
	Replaced  State = "replaced" // a newer one of the same body and year took its place
)

// Two more standings are read from dates and never stored.
const (
	Lapsed State = "lapsed"  // its day has passed
	NotYet State = "not-yet" // at the moment asked about it was not issued yet
)

// View is a credential as its holder and the portal's officers see it.
type View struct {
	ID          ID
	Portal      string
	Procedure   string // key
	Number      string // as people read it
	Title       i18n.Text
	State       State // as stored
	Standing    State // now: State, or [Lapsed]
	Code        string
	Verify      string // the public address of its verification
	CaseID      string
	CaseNumber  string
	Holder      actor.PersonID
	Body        string
	BodyNIPC    string
	Year        string // the exercício that it is about
	ApprovedAt  time.Time
	IssuedAt    time.Time // zero while issuing
	ValidUntil  time.Time // the last moment of its last day
	Since       time.Time // of the present state
	ReplacedBy  string    // number of the credential in its place
	Replacement ID
	Lines       []portal.Line // as printed
	Facts       []Fact        // the same in both languages
	Statement   i18n.Text     // the formula
	Purpose     i18n.Text
	Approved    []string // who approved: names
	Office      string   // in which office
	Subject     string   // digest of what was approved
	Digest      string   // SHA-256 of the sealed file, hex; "" while issuing
	SealedAt    time.Time
	Events      []Event // oldest first
}

// HasPDF says whether there is a sealed file to download.
func (v View) HasPDF() bool { return v.Digest != "" }

// MaySuspend, MayRestore and MayRevoke say which moves of an officer exist now.
func (v View) MaySuspend() bool { return v.Standing == Valid }

// MayRestore says whether a suspension can be lifted.
func (v View) MayRestore() bool { return v.Standing == Suspended }

// MayRevoke says whether there is something to revoke.
func (v View) MayRevoke() bool { return v.Standing == Valid || v.Standing == Suspended }

// Fact is one line of the paper, in both languages.
type Fact struct {
	Field  string // key of the question that it answers
	Label  i18n.Text
	Value  i18n.Text
	Public bool // told to whoever verifies
}

// Event is one thing that happened to a credential.
type Event struct {
	At      time.Time
	Kind    EventKind
	Name    string      // of the officer; "" for the program
	Codes   []string    // of the portal's reasons
	Reasons []i18n.Text // their texts
	Words   string      // the officer's own
}

// EventKind says what happened; words are credential.event.KIND.
type EventKind string

// The kinds of event.
const (
	WasIssued    EventKind = "issued"
	WasSuspended EventKind = "suspended"
	WasRestored  EventKind = "restored"
	WasRevoked   EventKind = "revoked"
	WasReplaced  EventKind = "replaced"
)

// Ground is why an officer suspends, restores or revokes: codes of the portal's reasons (for: revoke) with the
// officer's own words, never a code alone. Restoring needs words only.
type Ground struct {
	Codes []string
	Words string
}

// Sealer has the seals of the portals' bodies, and reads the approvals itself; package ca does.
type Sealer interface {
	// SealOf is the certificate in force of a portal's seal, with its chain.
	SealOf(ctx context.Context, portal string) (certificate []byte, chain [][]byte, err error)
	// Seal signs prepared bytes, if exactly that subject was approved.
	Seal(ctx context.Context, by actor.Actor, r ca.SealRequest) (ca.Signature, error)
}

// People says who somebody is and on whose behalf they may ask; package account does.
type People interface {
	Known(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID, account actor.AccountID) (account.Known, error)
	PersonName(ctx context.Context, tx *db.Tx, person actor.PersonID) (string, error)
	Find(ctx context.Context, tx *db.Tx, id actor.AccountID) (account.Account, error)
	// IsSame says whether somebody at the address is this person, by whatever account.
	IsSame(ctx context.Context, tx *db.Tx, portal string, person actor.PersonID, addressKey, civilMark string) (bool, error)
}

// Post sends letters; package letter does.
type Post interface {
	Send(ctx context.Context, tx *db.Tx, what letter.Letter) error
}

// Config is what the room is wired to.
type Config struct {
	DB      *db.DB
	Sealer  Sealer
	People  People
	Portals *portal.Set
	Letters Post
	// Blobs keeps the sealed files; it is used for nothing else: [Service.Sweep] deletes whatever has no row here.
	Blobs blob.Store
	// Base is the public address of the program, without a slash at its end: the QR code leads to Base/verificar/CODE.
	Base string
	// Page is the address, within a portal, of the pages about credentials; one's own is Page + "/" + its id.
	Page string
	// Notice and Watermark are printed on every sheet, such as that this is an instance for evaluation; "" for none.
	Notice, Watermark string
	// Crash is called at each of [CrashPoints]; nil but in tests.
	Crash func(point string)
	// Log gets what an operator must see; slog.Default() if nil.
	Log *slog.Logger
}

// Service is the room's door. It is safe for use by several at once.
type Service struct {
	c    Config
	wake chan struct{}
}

// New opens the room.
func New(c Config) *Service {
	if c.Crash == nil {
		c.Crash = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{c: c, wake: make(chan struct{}, 1)}
}

// verifyPath leads to the public verification; it is printed on paper and can never change (contract of addresses).
const verifyPath = "/verificar/"

func (s *Service) verifyAt(code string) string { return s.c.Base + verifyPath + code }

// CrashPoints lists the places where a crash must lose nothing: tests end the process at each.
func CrashPoints() []string { return []string{pointTimed, pointSealed, pointStored, pointRecorded} }

// The crash points: each stands just behind what it names.
const (
	pointTimed    = "credential.timed"    // the time of sealing is on record
	pointSealed   = "credential.sealed"   // the seal was given, and nothing kept
	pointStored   = "credential.stored"   // the file is put away, and no row names it
	pointRecorded = "credential.recorded" // all is done
)
