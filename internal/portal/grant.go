package portal

import (
	"context"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
)

// Grant is what an approval hands to the outcome of its procedure.
type Grant struct {
	Portal    *Portal
	Procedure *Procedure     // in the version that the case was filed under
	Case      string         // id
	Number    string         // as people read it
	Follows   string         // id of the earlier case that it was begun from, such as a renewal's; "" for none
	Revision  string         // digest of what was approved
	Answers   Answers        // of that revision
	Evidence  []Document     // of that revision
	Lang      i18n.Lang      // of the applicant
	Person    actor.PersonID // who filed, if signed in
	Account   actor.AccountID
	Approvals []string // ids in package decision
	Author    string   // name of who decided, as acts print it
	At        time.Time
}

// Document names a piece of evidence within a grant.
type Document struct {
	Slot   string // the field's key
	Name   string
	Digest string // SHA-256, hex
}

// Proposal is what a grant would make, shown to the officer before they approve it.
type Proposal struct {
	// Digest of exactly what will be made, which the approval names and the room that makes it checks; empty where
	// the revision's digest says all.
	Digest string
	Lines  []Line
	// Problems stop an approval: a name that does not match, a power that ended. Message keys.
	Problems []string
}

// Line is a fact with its label.
type Line struct {
	Label, Value string
}

// Outcome is what an approval makes: an account, a certificate, a credential, or a record alone.
//
// Rooms implement it and the wiring registers it; the engine of cases knows no more of it than this.
type Outcome interface {
	// Check reads the parameters of a procedure's outcome and tells every mistake.
	Check(p *Portal, proc *Procedure) Mistakes
	// Propose says what the grant would make. It changes nothing.
	Propose(ctx context.Context, tx *db.Tx, g Grant) (Proposal, error)
	// Grant records the intent in the approval's own transaction, queues its notices, and audits. What needs a key
	// or a network happens afterwards, from the intent.
	Grant(ctx context.Context, tx *db.Tx, by actor.Actor, g Grant) error
}

// Foreteller is an outcome that knows, while a form is still its applicant's, what an approval would be refused for:
// whoever can mend it is told beside the field, and does not hear of it from an officer.
type Foreteller interface {
	// Foretell tells the problems of answers that the applicant can mend. It changes nothing.
	Foretell(ctx context.Context, tx *db.Tx, g Grant) ([]fault.Field, error)
}

// Trial is what a grant would make if it were made now, tried by the code that makes it.
type Trial struct {
	Made   bool   // it could be made far enough to be shown; otherwise the stops say why not
	Text   []Line // the thing made, field by field; labels are message keys
	Passed int    // rules that it keeps
	Stops  []Stop // rules that stop it
}

// Passes says whether nothing stops it.
func (t Trial) Passes() bool { return t.Made && len(t.Stops) == 0 }

// Stop is one rule that stops what is tried.
type Stop struct {
	Rule   string // its name: a message key, or a lint's
	Says   string // message key; "" where Detail says it
	Args   fault.Args
	Cites  string // the clause that it comes from; "" for a rule of the portal
	Detail string // what was found, in the rule's own words
}

// Rehearser is an outcome that can be tried before anybody decides: would it pass, which rule stops it, what would be
// made? It changes nothing.
type Rehearser interface {
	Rehearse(ctx context.Context, tx *db.Tx, g Grant) (Trial, error)
}

// Outcomes are the outcomes that the wiring registers, by kind.
type Outcomes map[string]Outcome

// First is the answer that has a role, in a grant; "" if there is none.
func (g Grant) First(role Role) string { return g.Procedure.By(role, g.Answers) }

// All are the answers of the field that has a role.
func (g Grant) All(role Role) []string {
	f, ok := g.Procedure.WithRole(role)
	if !ok {
		return nil
	}
	return g.Answers[f.Key]
}

// By finds the first answer of a role among a form's answers. Several fields may have one role, asked under
// different conditions; the first that is answered counts.
func (p *Procedure) By(role Role, a Answers) string {
	for f := range p.each() {
		if f.Role == role {
			if value := a.One(f.Key); value != "" {
				return value
			}
		}
	}
	return ""
}
