// Package ca is the room that signs: certificates, revocation lists, answers about status, time stamps, seals of bodies.
//
// There is one way to a certificate, for the root as for a holder's ([CA.Issue]):
//
//  1. It reads the approvals itself, in package decision: enough different people (or a ceremony, for the keys of the
//     beginning) approved exactly these bytes. It takes no other room's word for it. This is asked in the transaction
//     of step 4, so that nobody can void an approval in between.
//  2. It checks: the order is the one that was approved (by its digest), its profile's version makes it, the identity
//     behind it is proven where the profile asks for that, the key was never certified before.
//  3. It builds the certificate with a new random serial number, and lints it. What lints badly is never signed.
//  4. It records its intent: serial number, digest of the to-be-signed bytes, order, approvals. One order has one
//     live intent.
//  5. It signs, outside any transaction.
//  6. It records the certificate, and only then releases it.
//
// A crash between 4 and 6 leaves an intent without a certificate: bytes may have been signed that nobody recorded. No
// serial number is ever signed twice, so [CA.Reconcile] closes it as lost, revoked and on the list, and the order is
// issued anew under another serial number. Revoking is final; what is revoked stays on its issuer's list.
//
// It must never sign what was not linted, never hold a key in the database, never sign inside a transaction, and never
// let a revocation wait for a list. Start reading at [CA.Issue], then [CA.Revoke] and list.go; time stamps at [CA.Stamp].
package ca

import (
	"context"
	"log/slog"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/issuance"
)

// Config is what the room is wired to.
type Config struct {
	DB   *db.DB
	Keys Keys
	// Base is the plain-http address under which lists, issuers and status are answered, without a slash at its end,
	// such as http://localhost:8080/pki. It is written in certificates and can never change for those.
	Base string
	// CPS is the address of the practice statement; "" for none yet.
	CPS string
	// Trust says what certificates may claim; its zero value is a test authority.
	Trust issuance.Trust
	// Listed says why an authority (its certificate, DER) is not proven to issue qualified certificates of a kind, or any
	// for ""; nil if it is. It is asked before each certificate for a holder where Trust is a qualified instance's, and nil
	// itself where it is not.
	Listed func(authority []byte, kind issuance.Statement) error
	// Approvals is the least number of different people for any certificate that no ceremony approved, whatever the
	// caller asks for: a web process that was taken over cannot lower it. 2 if zero.
	Approvals int
	// SealApprovals is, by portal, how many different people approve what its body's seal seals, whatever the caller asks
	// for: the portal's own definition says it, and the room that signs reads that by itself. Approvals where a portal is
	// not named.
	SealApprovals map[string]int
	// ListLife is how long a revocation list is good for; 24 hours if zero (ETSI EN 319 411-1, CSS-6.3.9-05: at least
	// daily). A new one is made at half of it, and at each revocation.
	ListLife time.Duration
	// ListSize is how many certificates one list is for; an authority that issues more to holders begins another list
	// then, and each certificate says which is its. 0 for one list, however long.
	ListSize int
	// AnswerLife is how long an answer about status is good for, which bounds how long a cache somewhere can say good
	// after a revocation; an hour if zero.
	AnswerLife time.Duration
	// Replica names this process among those that share the database, and is the same after a restart: intents it left
	// are then closed at once. Two live processes must never share one.
	Replica string
	// Reference says how far the wall clock may be from UTC at most, as the system's time service knows it
	// ([KernelClock]); nil where time stamps may be given by an unchecked clock, which is for evaluation only.
	Reference func() (time.Duration, error)
	// Monotonic is a clock that nobody can set; time.Since a fixed moment if nil.
	Monotonic func() time.Duration
	// Published is a folder outside the database in which the last list of each name is kept; "" for none.
	Published string
	// Crash is called at each of [CrashPoints]; nil but in tests.
	Crash func(point string)
	// Log gets what an operator must see; slog.Default() if nil.
	Log *slog.Logger
}

// CA is the room's door: the record with the keys. It is safe for use by several at once.
type CA struct {
	*Record

	signers  map[string]issuance.Signer // these are under the record's lock too
	inFlight map[Serial]bool
	books    map[string]*book // by list
	plan     *Plan            // what [CA.Found] was given; a ceremony's goes before it

	time *clock // by which stamps are made
}

// CrashPoints lists the places where a crash must lose nothing: tests end the process at each.
func CrashPoints() []string {
	return []string{
		pointKey, pointLinted, pointIntent, pointSigned, pointRecorded, pointRevoked,
		pointListNumber, pointListSigned, pointListRecorded, pointSealIntent, pointSealed,
	}
}

// EndingPoints are those that only an authority's end comes by.
func EndingPoints() []string { return []string{pointEnded, pointShut} }

// The crash points: each stands just behind what it names.
const (
	pointKey          = "ca.key"      // a key of ours was made, and nothing recorded
	pointLinted       = "ca.linted"   // step 3
	pointIntent       = "ca.intent"   // step 4
	pointSigned       = "ca.signed"   // step 5
	pointRecorded     = "ca.recorded" // step 6
	pointRevoked      = "ca.revoked"  // a revocation is committed and on no list yet
	pointListNumber   = "ca.list-number"
	pointListSigned   = "ca.list-signed"
	pointListRecorded = "ca.list-recorded"
	pointSealIntent   = "ca.seal-intent"
	pointSealed       = "ca.sealed"
	pointEnded        = "ca.ended" // an authority's end is on record, and nothing follows from it yet
	pointShut         = "ca.shut"  // its key counts as gone, and is there
)

// Authority is one of our issuers.
type Authority struct {
	Name         string // in addresses: lower-case letters, digits, hyphens
	Root         bool
	Subject      string
	Certificate  []byte // DER
	Serial       Serial
	NotBefore    time.Time
	NotAfter     time.Time
	Fingerprint  string // SHA-256, as people compare it
	CAIssuers    string // where its certificate is
	CRL          string // where its list is
	OCSP         string
	CPS          string    // "" for none yet
	ResponderEnd time.Time // when its present responder's certificate ends
	Offline      bool      // its key is elsewhere: what it signs, it signs in a ceremony
	State        State     // issued or revoked
	Ended        bool      // people ended it: nothing is issued by it any more
	Issues       bool      // new certificates come from it: the newest of its kind
	Profiles     []string  // what it issues; none for whatever no other does
}

// Plan is the hierarchy of an instance: names come from the wiring, which has them from configuration and portals, or
// from the script of a ceremony.
type Plan struct {
	// Algorithm of all keys whose plan names none of its own; EC P-256 if empty.
	Algorithm issuance.Algorithm
	// Root and Issuing are made by the program itself; a hierarchy that a ceremony founded has none here.
	Root    AuthorityPlan
	Issuing AuthorityPlan
	// Authorities were founded by ceremonies; what is online of them gets its responders from the program.
	Authorities []AuthorityPlan
	Seals       []SealPlan
	// Unit stamps time; one without a name is none.
	Unit UnitPlan
	// Minutes say who ran the ceremony, before whom and how; they stand in the decisions for good.
	Minutes string
}

// AuthorityPlan names an authority and its OCSP responder.
type AuthorityPlan struct {
	Name         string // in addresses and of its key: lower-case letters, digits, hyphens
	Organization string
	Unit         string // "" for none
	CommonName   string // carries TESTE unless the instance is proven qualified
	Responder    string // common name of its responder
	// Algorithm of the authority's key; that of the plan if empty. Its responder's is the plan's.
	Algorithm issuance.Algorithm
}

// UnitPlan is a time-stamping unit, certified by the issuing authority. Each generation of its key is a unit of its own,
// whose number stands behind the common name.
type UnitPlan struct {
	Name         string // of its keys: lower-case letters, digits, hyphens
	Organization string
	NIPC         string // "" where the operator has none
	CommonName   string
}

// SealPlan is the seal of a portal's body.
type SealPlan struct {
	Portal     string
	Body       string // its legal name
	NIPC       string
	CommonName string
}

// New opens the room. Nothing is signed before [CA.Found] or [CA.Load].
func New(c Config) (*CA, error) {
	record, err := openRecord(c)
	if err != nil {
		return nil, err
	}
	s := &CA{
		Record: record, signers: map[string]issuance.Signer{}, inFlight: map[Serial]bool{}, books: map[string]*book{}, time: newClock(record.c),
	}
	s.announce = s.publishLacking
	return s, nil
}

// mayRun says whether the actor is the program itself, which alone works here; the authority is the approvals'.
func mayRun(by actor.Actor, portal string) error { return by.MayIn(portal, actor.RunTheProgram) }

// Run keeps lists fresh, carries out scheduled revocations and renews responders and seals, until ctx ends. One
// replica has to; several may.
func (s *CA) Run(ctx context.Context) error {
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	for {
		if err := s.Work(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.ErrorContext(ctx, "ca: work", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
