package casefile

import (
	"context"
	"io"
	"slices"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// View is a case with all that hangs on it, as far as the one who looks may see.
type View struct {
	Case
	Documents []evidence.Doc
	Timeline  []Happening
	Requests  []Request
	Decisions []decision.Entry
	Warnings  []fault.Field // of the form's rules
	Foretold  []fault.Field // what an approval would be refused for, while its applicant can mend it
	Trial     portal.Trial  // what would be made now, while nobody has decided; zero where the outcome cannot say
}

// Open shows a case to its applicant: the whole file but notes of work.
func (s *Service) Open(ctx context.Context, by actor.Actor, id ID) (v View, err error) {
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := s.readable(ctx, tx, by, c); err != nil {
			return err
		}
		v, err = s.view(ctx, tx, c, false)
		v.Decisions = c.told(v.Decisions)
		return err
	})
	return v, err
}

func (s *Service) view(ctx context.Context, tx *db.Tx, c *Case, inside bool) (v View, err error) {
	v.Case = *c
	if v.Documents, err = evidence.Of(ctx, tx, string(c.ID)); err != nil {
		return v, err
	}
	if v.Timeline, err = timeline(ctx, tx, c.ID, inside); err != nil {
		return v, err
	}
	if v.Requests, err = requests(ctx, tx, c.ID); err != nil {
		return v, err
	}
	if v.Decisions, err = decision.Of(ctx, tx, string(c.ID)); err != nil {
		return v, err
	}
	judged := c.Procedure.Judge(withFiles(c, v.Documents), tx.Now())
	v.Warnings = judged.Warnings
	if c.State == Draft {
		v.Foretold, err = s.foretold(ctx, tx, c, judged.Clean)
		if err == nil && len(judged.Problems) == 0 {
			v.Trial, err = s.rehearse(ctx, tx, c, judged.Clean)
		}
	}
	return v, err
}

// rehearse tries what an approval of these answers would make.
func (s *Service) rehearse(ctx context.Context, tx *db.Tx, c *Case, answers portal.Answers) (portal.Trial, error) {
	outcome, ok := s.outcomes[c.Procedure.Outcome.Kind].(portal.Rehearser)
	if !ok || c.Person == "" {
		return portal.Trial{}, nil
	}
	grant, err := s.grant(ctx, tx, c)
	if err != nil {
		return portal.Trial{}, err
	}
	grant.Answers = answers
	return outcome.Rehearse(ctx, tx, grant)
}

// foretold is what an approval of these answers would be refused for.
func (s *Service) foretold(ctx context.Context, tx *db.Tx, c *Case, answers portal.Answers) ([]fault.Field, error) {
	outcome, ok := s.outcomes[c.Procedure.Outcome.Kind].(portal.Foreteller)
	if !ok || c.Person == "" {
		return nil, nil
	}
	grant, err := s.grant(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	grant.Answers = answers
	return outcome.Foretell(ctx, tx, grant)
}

// told are the decisions as the applicant may read them: acts, not the steps between officers that led to them, and
// by the office that acts; by whose session is the record's to know.
func (c *Case) told(all []decision.Entry) []decision.Entry {
	var told []decision.Entry
	for _, e := range all {
		act := e.Verdict == decision.Refuse || e.Verdict == decision.Desert || e.Verdict == decision.IntendRefuse || e.Verdict == decision.Approve && c.State == Approved
		if !act {
			continue
		}
		e.Session, e.Account, e.Person, e.Roles = "", "", "", ""
		told = append(told, e)
	}
	return told
}

// WithFiles are the answers with the ids of the documents where the form asks for them, as its rules judge them.
func (v View) WithFiles() portal.Answers { return withFiles(&v.Case, v.Documents) }

// Asked are the requests that still wait for their answer.
func (v View) Asked() []Request {
	return slices.DeleteFunc(slices.Clone(v.Requests), func(r Request) bool { return !r.Answered.IsZero() })
}

// Review is what an officer sees of a case.
type Review struct {
	View
	Proposal portal.Proposal // what an approval would make
	Findings []Finding
	Mine     bool // the officer's own case: nothing to do here but stand aside
	Approved bool // the officer has approved this revision already
	Missing  int  // approvals by other persons still needed
	Reviewed bool // the officer reviewed it, and the procedure keeps reviewers from approving
	// Heard are the parts on which the applicant was last heard, HeardWhole that it was on the whole.
	Heard      []Part
	HeardWhole bool
	Names      map[actor.PersonID]string
}

// Finding is something the program noticed; it informs and decides nothing.
type Finding struct {
	Key  string // words: case.finding.KEY
	Args i18n.Args
	Bad  bool
}

// Review shows a case to an officer: answers beside evidence, and what the program noticed.
func (s *Service) Review(ctx context.Context, by actor.Actor, id ID) (r Review, err error) {
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := by.MayIn(c.Portal.Name, actor.SeeCases); err != nil {
			return err
		}
		if c.State == Draft || c.State == Submitted || c.State == Lapsed {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		if err := s.impeded(ctx, tx, by.Person, c); fault.Is(err, fault.Forbidden) {
			r.Mine = true
		} else if err != nil {
			return err
		}
		if r.View, err = s.view(ctx, tx, c, !r.Mine); err != nil {
			return err
		}
		r.Documents = c.filed(r.Documents) // what the applicant has not sent yet is theirs alone
		if r.Findings, err = s.findings(ctx, tx, c, r.View); err != nil {
			return err
		}
		if err := s.propose(ctx, tx, by, c, &r); err != nil {
			return err
		}
		r.Names, err = s.names(ctx, tx, r)
		return err
	})
	return r, err
}

// propose adds what an approval would make and how many approvals it lacks.
func (s *Service) propose(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, r *Review) error {
	if c.State.Decided() {
		return nil
	}
	var err error
	if _, r.Proposal, err = s.proposal(ctx, tx, c, nil); err != nil {
		return err
	}
	if r.Trial, err = s.rehearse(ctx, tx, c, c.Answers); err != nil {
		return err
	}
	if r.Reviewed, err = c.reviewedBy(ctx, tx, by.Person); err != nil {
		return err
	}
	if r.Heard, r.HeardWhole, err = heardOn(ctx, tx, c); err != nil {
		return err
	}
	standing, err := approvals(ctx, tx, c, subjectOf(c, r.Proposal, nil))
	if err != nil {
		return err
	}
	people := decision.People(standing, decision.Approve)
	r.Approved = slices.Contains(people, by.Person)
	r.Missing = max(0, c.Procedure.Decide.Approvals-len(people))
	return nil
}

func (s *Service) names(ctx context.Context, tx *db.Tx, r Review) (map[actor.PersonID]string, error) {
	names := map[actor.PersonID]string{}
	add := func(p actor.PersonID) error {
		if _, known := names[p]; known || p == "" {
			return nil
		}
		name, err := s.accounts.PersonName(ctx, tx, p)
		names[p] = name
		return err
	}
	for _, h := range r.Timeline {
		if err := add(h.Person); err != nil {
			return nil, err
		}
	}
	for _, e := range r.Decisions {
		if err := add(e.Person); err != nil {
			return nil, err
		}
	}
	for _, p := range []actor.PersonID{r.TakenBy, r.Director, r.Person} {
		if err := add(p); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// officers are the states of cases that officers see at all: drafts and unproven submissions are their applicants'.
func officers() []State {
	return []State{Proven, InReview, Waiting, RefusalIntended, Heard, Approved, Refused, Withdrawn, Deserted}
}

// Queue lists the cases that wait for officers, the most urgent first.
func (s *Service) Queue(ctx context.Context, by actor.Actor, f Filter) (rows []Row, err error) {
	if err := by.MayIn(by.Portal, actor.SeeCases); err != nil {
		return nil, err
	}
	if len(f.States) == 0 && f.Search == "" {
		f.States = []State{Proven, InReview, Waiting, RefusalIntended, Heard}
	}
	if len(f.States) == 0 {
		f.States = officers()
	}
	f.States = slices.DeleteFunc(slices.Clone(f.States), func(state State) bool { return !slices.Contains(officers(), state) })
	if len(f.States) == 0 {
		return nil, nil
	}
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 25
	}
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		rows, err = queue(ctx, tx, by.Portal, f)
		return err
	})
	return rows, err
}

// Counts are how many open cases wait in each state, and how many of them are an officer's own to work on.
type Counts struct {
	States map[State]int
	Mine   int
}

// Of adds up the cases of some states; of all the open ones if none is named.
func (c Counts) Of(states []State) int {
	n := 0
	for state, count := range c.States {
		if len(states) == 0 || slices.Contains(states, state) {
			n += count
		}
	}
	return n
}

// Counts counts the cases that wait for officers.
func (s *Service) Counts(ctx context.Context, by actor.Actor) (counts Counts, err error) {
	if err := by.MayIn(by.Portal, actor.SeeCases); err != nil {
		return Counts{}, err
	}
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		counts, err = counted(ctx, tx, by.Portal, by.Person)
		return err
	})
	return counts, err
}

// Mine lists a signed-in person's own cases, newest first, with the one that their account was made by.
func (s *Service) Mine(ctx context.Context, by actor.Actor) (cases []*Case, err error) {
	if by.Kind != actor.Person {
		return nil, fault.New(fault.Forbidden, "fault.forbidden")
	}
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		number, err := s.madeBy(ctx, tx, by)
		if err != nil {
			return err
		}
		cases, err = s.of(ctx, tx, `portal = $1 AND (person = $2 OR person = '' AND number = $3 AND number <> '')`, by.Portal, string(by.Person), number)
		return err
	})
	return cases, err
}

// findings are what the program notices by itself.
func (s *Service) findings(ctx context.Context, tx *db.Tx, c *Case, v View) ([]Finding, error) {
	var all []Finding
	note := func(bad bool, key string, pairs ...string) {
		all = append(all, Finding{Key: key, Args: fault.Pairs(pairs...), Bad: bad})
	}
	if c.BodyNIPC != "" {
		note(false, "number-valid", "number", c.BodyNIPC)
		body, found, err := s.accounts.Registered(ctx, tx, c.Portal.Name, c.BodyNIPC)
		if err != nil {
			return nil, err
		}
		if found {
			note(body.Class != portal.Eligible, "register-"+body.Class, "body", body.Name)
		} else if len(c.Portal.Register) > 0 {
			note(true, "register-none", "number", c.BodyNIPC)
		}
		has, err := s.accounts.HasAccount(ctx, tx, c.Portal.Name, c.BodyNIPC)
		if err != nil {
			return nil, err
		}
		if has && c.Person == "" {
			note(true, "body-has-account", "number", c.BodyNIPC)
		}
	}
	twins, err := duplicates(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	for _, number := range twins {
		note(true, "duplicate", "number", number)
	}
	for _, doc := range v.Documents {
		for _, f := range doc.Findings {
			note(f != evidence.Signature, "document", "document", doc.Name, "what", c.Portal.Say(i18n.PT, "evidence.finding."+string(f), nil))
		}
	}
	return all, nil
}

// Wait is how long half of the lately decided cases of a procedure took, in working days; false where too few were.
func (s *Service) Wait(ctx context.Context, p *portal.Portal, procedure string) (days int, ok bool, err error) {
	const few, months = 5, 3
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		spans, err := decidedSince(ctx, tx, p.Name, procedure, tx.Now().AddDate(0, -months, 0))
		if err != nil || len(spans) < few {
			return err
		}
		took := make([]int, len(spans))
		for i, span := range spans {
			took[i] = (&Case{Portal: p}).days().Between(span[0], span[1])
		}
		slices.Sort(took)
		days, ok = took[len(took)/2], true
		return nil
	})
	return days, ok, err
}

// Document hands out a document of a case to its applicant, or to an officer who may see the case.
func (s *Service) Document(ctx context.Context, by actor.Actor, id ID, document evidence.ID) (evidence.Doc, io.ReadCloser, error) {
	return s.evidence.Open(ctx, by, by.Portal, string(id), document, s.mayDocument(by, id, document))
}

func (s *Service) mayDocument(by actor.Actor, id ID, document evidence.ID) evidence.May {
	return func(ctx context.Context, tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if by.Kind == actor.Officer {
			if !slices.Contains(officers(), c.State) || !c.isFiled(document) {
				return fault.New(fault.NotFound, "fault.not-found")
			}
			return by.MayIn(c.Portal.Name, actor.SeeCases)
		}
		return s.readable(ctx, tx, by, c)
	}
}

// readable says whether the actor may read the case as its applicant: it is theirs, or it is the one that their
// account was made by, which they filed before they could sign in. To anybody else it does not exist. It is no deed's
// to ask: that case is decided, and nothing is left to do with it.
func (s *Service) readable(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	refused := c.mine(by)
	if refused == nil || by.Kind != actor.Person || by.Portal != c.Portal.Name || c.Number == "" || c.Person != "" {
		return refused
	}
	number, err := s.madeBy(ctx, tx, by)
	if err != nil || number != c.Number {
		return refused
	}
	return nil
}

// madeBy is the number of the case that made the account by which a person is signed in.
func (s *Service) madeBy(ctx context.Context, tx *db.Tx, by actor.Actor) (string, error) {
	known, err := s.accounts.Known(ctx, tx, by.Portal, by.Person, by.Account)
	return known.MadeBy, err
}
