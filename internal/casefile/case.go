// Package casefile moves cases: draft, submit, prove, take, ask, answer, propose, hear, decide.
//
// A case is one asking of a procedure: a numbered file with answers, evidence, decisions and a timeline. The engine
// knows nothing of what an approval makes (portal.Outcome), nor the key of any field: it finds the name, the address
// or the body by the role that the definition gives a field. Each move of a case is one deed with one audit entry;
// only the moves of [moves] exist, and a race has one winner, since every change names the version it was made
// from. It must never decide by itself: silence and time approve and refuse nothing; only drafts and submissions
// whose address was never proven lapse. Start reading at [Case], then submit.go and approve.go.
package casefile

import (
	"slices"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/calendar"
	"chancela/internal/db"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
	"chancela/internal/throttle"
	"chancela/internal/vault"
)

// ID names a case within the program; people see its number.
type ID string

// State is where a case stands.
type State string

// The states. What people read is the portal's data (statuses), or the words case.state.*.
const (
	Draft           State = "draft"
	Submitted       State = "submitted" // the address is not proven yet
	Proven          State = "proven"
	InReview        State = "in-review"
	Waiting         State = "waiting" // for elements
	RefusalIntended State = "refusal-intended"
	Heard           State = "heard"
	Approved        State = "approved"
	Refused         State = "refused"
	Withdrawn       State = "withdrawn"
	Deserted        State = "deserted"
	Lapsed          State = "lapsed"
)

// moves are the only moves that exist.
var moves = map[State][]State{
	Draft:           {Submitted, Proven},
	Submitted:       {Proven, Withdrawn, Lapsed},
	Proven:          {InReview, Withdrawn},
	InReview:        {Proven, Waiting, RefusalIntended, Approved, Withdrawn},
	Waiting:         {InReview, Withdrawn, Deserted},
	RefusalIntended: {RefusalIntended, Heard, Approved, Refused, Withdrawn},
	Heard:           {RefusalIntended, Approved, Refused, Withdrawn},
}

// Decided says whether the case has its decision, or ended without one.
func (s State) Decided() bool { return len(moves[s]) == 0 }

// Case is one asking, as stored.
type Case struct {
	ID        ID
	Portal    *portal.Portal
	Procedure *portal.Procedure // in the version that the case was filed under
	Number    string
	State     State
	Version   int64
	Lang      i18n.Lang
	Person    actor.PersonID
	Account   actor.AccountID
	Applicant string
	Address   string
	BodyNIPC  string
	BodyName  string
	Answers   portal.Answers // in clear
	Revision  string
	LeftOut   []string // what was asked and not granted, where the procedure decides part by part
	Director  actor.PersonID
	TakenBy   actor.PersonID
	Follows   ID // the earlier case that this one was begun from; "" for none

	CreatedAt, ChangedAt, FiledAt, ProvenAt, DueAt, PausedAt, AnswerBy, DecidedAt time.Time

	addressKey, civilMark, onePer string
	documents                     []string // ids of the documents of the revision
	reminded                      int64
}

// Config is what the room is wired to.
type Config struct {
	DB       *db.DB
	Portals  *portal.Set
	Outcomes portal.Outcomes
	Accounts *account.Accounts
	Evidence *evidence.Service
	Letters  *letter.Letters
	Links    *link.Links
	Vault    *vault.Vault
	Counters *throttle.Counters
}

// Service is the room's door.
type Service struct {
	db       *db.DB
	portals  *portal.Set
	outcomes portal.Outcomes
	accounts *account.Accounts
	evidence *evidence.Service
	letters  *letter.Letters
	links    *link.Links
	vault    *vault.Vault
	counters *throttle.Counters
}

// New opens the room.
func New(c Config) *Service {
	return &Service{
		db: c.DB, portals: c.Portals, outcomes: c.Outcomes, accounts: c.Accounts, evidence: c.Evidence,
		letters: c.Letters, links: c.Links, vault: c.Vault, counters: c.Counters,
	}
}

// may says whether the case can move to a state from where it stands.
func (c *Case) may(to State) error {
	if !slices.Contains(moves[c.State], to) {
		return fault.New(fault.Conflict, "case.not-now")
	}
	return nil
}

// mine says whether the case is the actor's own: filed by them, or opened by a link of its own.
// To anybody else it does not exist.
func (c *Case) mine(by actor.Actor) error {
	if err := by.MayIn(c.Portal.Name, actor.SeeOwn); err != nil {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	owner := by.Kind == actor.Person && by.Person != "" && by.Person == c.Person
	opened := by.Kind == actor.Visitor && by.Case != "" && ID(by.Case) == c.ID
	if !owner && !opened {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	return nil
}

// days are the working days that the portal's body counts.
func (c *Case) days() calendar.Days { return calendar.Days{Municipal: c.Portal.Rules.Holidays} }

func (c *Case) object() string { return "case/" + string(c.ID) }

// First is the answer that has a role; "" if there is none.
func (c *Case) First(role portal.Role) string { return c.Procedure.By(role, c.Answers) }
