// Package decision holds what was decided: approvals and refusals, over exactly which bytes, by whom, in which
// capacity, how surely they were known, with which reasons.
//
// Rows are only ever added: what an edit makes worthless is voided by a further row ([Void]), never changed or
// erased. People are counted, not accounts. The rooms of cases write here and the room that signs reads here, through
// [Enough], which is the one way to a signature: the keys of the beginning pass through it too, by a ceremony
// ([RecordCeremony]). It must never issue, notify or move a case, and never take an approval of one revision, of one
// case or of one portal for another's.
//
// All functions are steps: they take the caller's transaction, so that the decision and what it changes are one.
// Start reading at [Record], then [Enough].
package decision

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// ID names a decision.
type ID string

// Verdict says what was decided.
type Verdict string

// The verdicts. A proposal binds nobody; an intention opens the hearing of the applicant; approve, refuse and desert
// decide.
const (
	ProposeApprove Verdict = "propose-approve"
	ProposeRefuse  Verdict = "propose-refuse"
	Approve        Verdict = "approve"
	IntendRefuse   Verdict = "intend-refuse"
	Refuse         Verdict = "refuse"
	Desert         Verdict = "desert"

	voided   Verdict = "void"     // what was decided before stands no more
	ceremony Verdict = "ceremony" // a key of the beginning, by the operator before witnesses
)

// Voided says whether a row of the history is one that ended what stood before it.
func (v Verdict) Voided() bool { return v == voided }

// Ceremony says whether a row is the record of a ceremony.
func (v Verdict) Ceremony() bool { return v == ceremony }

// rule says who may give a verdict, and what it must bring.
type rule struct {
	may     actor.Permission
	reasons bool // must bring reasons: an administrative act against somebody is reasoned (CPA, art. 152.º)
}

var rules = map[Verdict]rule{
	ProposeApprove: {may: actor.WorkCase},
	ProposeRefuse:  {may: actor.WorkCase, reasons: true},
	Approve:        {may: actor.DecideCase},
	IntendRefuse:   {may: actor.WorkCase, reasons: true}, // who directs the procedure hears (CPA, art. 122.º)
	Refuse:         {may: actor.DecideCase, reasons: true},
	Desert:         {may: actor.DecideCase, reasons: true},
}

// Reason is one ground of a decision: its code in the portal's list, and the officer's own words.
type Reason struct {
	Code  string `json:"code"`
	Words string `json:"words"`
	// Part is what the ground stands against, where only a part of what is asked is left out; "" for the whole.
	Part string `json:"part,omitempty"`
}

// Entry is one decision. The caller of [Record] fills the first part; the second is taken from the transaction, the
// history and the actor, never from the caller.
type Entry struct {
	Portal     string
	Case       string
	Revision   string // digest of the case's revision that was decided on
	Subject    string // digest of exactly what shall be issued; "" if the outcome issues nothing
	Verdict    Verdict
	Office     string // the office in which the officer acts, as the act shows it
	Delegation string // by which delegation of powers, if by one
	Reasons    []Reason
	Weighing   string // how what the applicant said was weighed

	ID       ID
	Number   int64 // its place in the history of the case, from 1
	Round    int64 // how often the case's decisions were voided before
	At       time.Time
	Kind     actor.Kind
	Person   actor.PersonID
	Account  actor.AccountID
	Session  string
	Strength actor.Strength
	Roles    string // held at that moment, sorted, with commas
	Minutes  string // of a ceremony; why, of a void
}

// Digest covers every part of the entry: put it in the audit entry of the deed, and nobody can change the decision
// afterwards without its being seen.
func (e Entry) Digest() string {
	h := sha256.New()
	put := func(s string) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(s)))
		h.Write(size[:])
		h.Write([]byte(s))
	}
	for _, s := range e.columns() {
		put(s)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (e Entry) columns() []string {
	return []string{
		"chancela decision 1", string(e.ID), e.Case, number(e.Number), number(e.Round), db.Time(e.At), e.Portal,
		string(e.Verdict), e.Revision, e.Subject, string(e.Kind), string(e.Person), string(e.Account), e.Session,
		number(int64(e.Strength)), e.Roles, e.Office, e.Delegation, encode(e.Reasons), e.Weighing, e.Minutes,
	}
}

// Limits on what an officer writes; the forms say them first.
const (
	mostReasons = 50
	longestText = 20_000 // letters of any one text
)

// whole checks what an officer brought.
func (e Entry) whole(r rule) error {
	if r.reasons && len(e.Reasons) == 0 {
		return fault.New(fault.Invalid, "decision.reasons-missing")
	}
	texts := []string{e.Office, e.Delegation, e.Weighing}
	for _, reason := range e.Reasons {
		if r.reasons && (reason.Code == "" || reason.Words == "") {
			return fault.New(fault.Invalid, "decision.reasons-missing")
		}
		texts = append(texts, reason.Code, reason.Words, reason.Part)
	}
	if len(e.Reasons) > mostReasons {
		return fault.New(fault.Invalid, "decision.too-long")
	}
	return writable(texts...)
}

// writable refuses texts that are too long or that a database could not give back as they were.
func writable(texts ...string) error {
	for _, s := range texts {
		if utf8.RuneCountInString(s) > longestText {
			return fault.New(fault.Invalid, "decision.too-long")
		}
		if !storable(s) {
			return fault.New(fault.Invalid, "decision.not-text")
		}
	}
	return nil
}
