package casefile

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// Take gives the case to the officer who opens it for review. A case that waits for elements can be taken once their
// term has run out: the request invites and does not bind, and the review goes on with what there is.
func (s *Service) Take(ctx context.Context, by actor.Actor, id ID) error {
	return s.work(ctx, by, id, actor.WorkCase, func(tx *db.Tx, c *Case) error {
		if err := c.may(InReview); err != nil {
			return err
		}
		if c.State == Waiting {
			if !tx.Now().After(c.AnswerBy) {
				return fault.New(fault.Conflict, "case.elements-run", "until", i18n.Date(i18n.PT, c.AnswerBy))
			}
			if err := answerRequests(ctx, tx, c); err != nil {
				return err
			}
			c.resume(tx.Now())
			c.AnswerBy = time.Time{}
		}
		c.State, c.TakenBy = InReview, by.Person
		return s.done(ctx, tx, by, c, "case.take", "taken", "", true)
	})
}

// Return puts a case back in the queue, for another officer.
func (s *Service) Return(ctx context.Context, by actor.Actor, id ID) error {
	return s.work(ctx, by, id, actor.WorkCase, func(tx *db.Tx, c *Case) error {
		if c.State != InReview {
			return fault.New(fault.Conflict, "case.not-now")
		}
		c.State, c.TakenBy = Proven, ""
		return s.done(ctx, tx, by, c, "case.return", "returned", "", true)
	})
}

// StandAside takes an officer off a case that they have declared themselves impeded in (CPA 69.º–70.º ⚖), for good:
// what they approved of it stands no more, and another officer directs it. It is the one move that is open to the
// officer whose own case it is.
//
//nolint:gocognit // every way in which an officer may have touched a case is undone here, in one place
func (s *Service) StandAside(ctx context.Context, by actor.Actor, id ID, why string) error {
	if err := worded(why, 0, 4000); err != nil {
		return err
	}
	return s.seen(ctx, by, id, actor.WorkCase, func(tx *db.Tx, c *Case) error {
		if c.State.Decided() {
			return fault.New(fault.Conflict, "case.not-now")
		}
		gone, err := stoodAside(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if slices.Contains(gone, by.Person) {
			return fault.New(fault.Conflict, "case.stood-aside")
		}
		if c.TakenBy == by.Person {
			c.TakenBy = ""
			if c.State == InReview {
				c.State = Proven
			}
		}
		if err := s.unapprove(ctx, tx, by, c); err != nil {
			return err
		}
		if err := happen(ctx, tx, c, by, "stood-aside", why, true); err != nil {
			return err
		}
		if c.Director == by.Person {
			officers, err := s.accounts.Officers(ctx, tx, c.Portal.Name, actor.WorkCase)
			if err != nil {
				return err
			}
			if c.Director, err = s.leastLoaded(ctx, tx, c, officers); err != nil {
				return err
			}
		}
		if err := s.change(ctx, tx, c); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.stand-aside", c.object(), audit.With("revision", c.Revision), audit.With("state", string(c.State)), audit.With("director", string(c.Director)))
	})
}

// unapprove voids what was decided on the case if the officer is among those who approved it.
func (s *Service) unapprove(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	standing, err := decision.Standing(ctx, tx, string(c.ID), c.Revision)
	if err != nil {
		return err
	}
	if !slices.Contains(decision.People(standing, decision.Approve), by.Person) {
		return nil
	}
	return decision.Void(ctx, tx, by, string(c.ID), "stood-aside")
}

// HasCodes says whether the case holds a code that is masked, and that whoever reviews may have to look something up by.
func (c *Case) HasCodes() bool {
	return slices.ContainsFunc(c.Procedure.Fields(), func(f portal.Field) bool { return field.Lookable(f.Kind) && c.Answers.One(f.Key) != "" })
}

// ShowCodes puts on record that an officer had the codes of a case shown whole, to look something up by them. It
// refuses whoever does not work on the case, and a case that holds none.
func (s *Service) ShowCodes(ctx context.Context, by actor.Actor, id ID) error {
	return s.work(ctx, by, id, actor.WorkCase, func(tx *db.Tx, c *Case) error {
		if !c.HasCodes() {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		if err := happen(ctx, tx, c, by, "codes-shown", "", true); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.show-codes", c.object(), audit.With("revision", c.Revision))
	})
}

// Note keeps a note of work, which the applicant does not see.
func (s *Service) Note(ctx context.Context, by actor.Actor, id ID, words string) error {
	if err := worded(words, 2, 4000); err != nil {
		return err
	}
	return s.work(ctx, by, id, actor.WorkCase, func(tx *db.Tx, c *Case) error {
		if err := happen(ctx, tx, c, by, "note", words, true); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.note", c.object())
	})
}

// Item is one thing that the applicant is asked to correct or bring.
type Item struct {
	Field  string
	Reason string
}

// AskElements asks the applicant to correct answers or bring documents, each with its reason; only those open again.
// The request invites, it does not refuse (CPA 108.º ⚖); the term stands still meanwhile if the portal's data says so.
func (s *Service) AskElements(ctx context.Context, by actor.Actor, id ID, items []Item) error {
	return s.work(ctx, by, id, actor.WorkCase, func(tx *db.Tx, c *Case) error {
		if err := c.may(Waiting); err != nil {
			return err
		}
		if err := c.askable(items); err != nil {
			return err
		}
		for _, item := range items {
			if err := insertRequest(ctx, tx, c, Request{Field: item.Field, Reason: item.Reason}); err != nil {
				return err
			}
		}
		c.State, c.reminded = Waiting, 0
		c.AnswerBy = c.days().Add(tx.Now(), c.Portal.Rules.ElementsDays)
		if c.Portal.Rules.ElementsSuspend {
			c.PausedAt = tx.Now()
		}
		if err := s.done(ctx, tx, by, c, "case.ask-elements", "elements-asked", "", false); err != nil {
			return err
		}
		return s.tell(ctx, tx, c, portal.ElementsAsked, i18n.Args{
			"list": c.listed(items), "until": i18n.Date(c.Lang, c.AnswerBy), "days": strconv.Itoa(c.Portal.Rules.ElementsDays),
		}, s.follow(tx, c))
	})
}

func (c *Case) askable(items []Item) error {
	var problems []fault.Field
	if len(items) == 0 {
		problems = append(problems, fault.Field{Name: "items", Key: "case.elements.none"})
	}
	seen := map[string]bool{}
	for _, item := range items {
		f, ok := c.Procedure.Field(item.Field)
		switch {
		case !ok || seen[item.Field]:
			problems = append(problems, fault.Field{Name: "items", Key: "form.unknown-field"})
		case f.Locked: // nobody types it, so nobody can correct it here
			problems = append(problems, fault.Field{Name: "items", Key: "case.elements.locked"})
		}
		seen[item.Field] = true
		if worded(item.Reason, 3, 1000) != nil {
			problems = append(problems, fault.Field{Name: "reason." + item.Field, Key: "E-GER-01"})
		}
	}
	return fault.Fields(problems)
}

// listed writes the items as the mail shows them, one a line.
func (c *Case) listed(items []Item) string {
	var lines []string
	for _, item := range items {
		f, _ := c.Procedure.Field(item.Field)
		lines = append(lines, "– "+f.DocumentName(c.Lang)+": "+item.Reason)
	}
	return "\n" + strings.Join(lines, "\n")
}

// askedFor says whether the applicant is asked for this field now.
func (s *Service) askedFor(ctx context.Context, tx *db.Tx, c *Case, key string) error {
	asked, err := requests(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(asked, func(r Request) bool { return r.Field == key && r.Answered.IsZero() }) {
		return fault.New(fault.Forbidden, "case.not-asked")
	}
	return nil
}

// Answer files what was asked for: a new revision, which voids approvals of the one before.
func (s *Service) Answer(ctx context.Context, by actor.Actor, id ID, typed portal.Answers, words string) error {
	if err := worded(words, 0, 20000); err != nil {
		return err
	}
	return s.own(ctx, by, id, func(tx *db.Tx, c *Case) error {
		if c.State != Waiting {
			return fault.New(fault.Conflict, "case.not-now")
		}
		if err := s.refile(ctx, tx, c, typed); err != nil {
			return err
		}
		if err := answerRequests(ctx, tx, c); err != nil {
			return err
		}
		if err := decision.Void(ctx, tx, by, string(c.ID), "edited"); err != nil {
			return err
		}
		c.State, c.AnswerBy = InReview, time.Time{}
		if c.TakenBy == "" {
			c.State = Proven
		}
		c.resume(tx.Now())
		if err := s.done(ctx, tx, by, c, "case.answer", "answered", words, false); err != nil {
			return err
		}
		return s.tell(ctx, tx, c, portal.CaseAnswered, nil, letter.Link{})
	})
}

// refile puts the answers that were asked for in place of the old ones, and judges the whole form again.
func (s *Service) refile(ctx context.Context, tx *db.Tx, c *Case, typed portal.Answers) error {
	asked, err := requests(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	docs, err := evidence.Of(ctx, tx, string(c.ID))
	if err != nil {
		return err
	}
	c.Answers = cloned(c.Answers)
	var open []string
	var problems []fault.Field
	for _, r := range asked {
		f, ok := c.Procedure.Field(r.Field)
		if !r.Answered.IsZero() || !ok || f.Locked {
			continue
		}
		open = append(open, f.Key)
		if !f.IsFile() {
			c.answer(f, typed)
		} else if !slices.ContainsFunc(docs, func(d evidence.Doc) bool { return d.Slot == f.Key && !c.isFiled(d.ID) }) {
			problems = append(problems, fault.Field{Name: f.Key, Key: "E-FIC-01", Args: fault.Args{"documento": f.DocumentName(c.Lang)}})
		}
	}
	if err := fault.Fields(problems); err != nil {
		return err
	}
	// A document that came too late for an earlier request is not filed with this one unless it is asked for again.
	docs = slices.DeleteFunc(docs, func(d evidence.Doc) bool { return !c.isFiled(d.ID) && !slices.Contains(open, d.Slot) })
	if err := s.judge(ctx, tx, c, docs, c.FiledAt, tx.Now(), open); err != nil {
		return err
	}
	s.revise(c, docs)
	return index(ctx, tx, c)
}

// answer puts what was typed in one field in place of what stood there.
func (c *Case) answer(f portal.Field, typed portal.Answers) {
	c.Answers[f.Key] = slices.Clone(typed[f.Key])
	for _, column := range f.Columns {
		c.Answers[f.Key+"."+column.Key] = slices.Clone(typed[f.Key+"."+column.Key])
	}
}

// resume lets the term to decide run again, moved by the working days it stood still. A hearing in which nobody spoke
// holds it up to its own end only (CPA 121.º, n.º 3 ⚖).
func (c *Case) resume(now time.Time) {
	if c.PausedAt.IsZero() {
		return
	}
	c.DueAt = c.days().Add(c.DueAt, c.days().Between(c.PausedAt, now))
	c.PausedAt = time.Time{}
}

// end closes the case in a state that nothing leads out of.
func (c *Case) end(in State, now time.Time) {
	until := now
	if c.State == RefusalIntended && c.AnswerBy.Before(now) {
		until = c.AnswerBy
	}
	c.resume(until)
	c.State, c.DecidedAt, c.AnswerBy = in, now, time.Time{}
}

// Withdraw ends the case at its applicant's wish, at any moment before the decision (CPA 131.º ⚖).
func (s *Service) Withdraw(ctx context.Context, by actor.Actor, id ID) error {
	return s.own(ctx, by, id, func(tx *db.Tx, c *Case) error {
		if err := c.may(Withdrawn); err != nil {
			return err
		}
		c.end(Withdrawn, tx.Now())
		if err := s.links.VoidAll(ctx, tx, link.Proof, c.Portal.Name, string(c.ID)); err != nil {
			return err
		}
		if err := s.done(ctx, tx, by, c, "case.withdraw", "withdrawn", "", false); err != nil {
			return err
		}
		return s.tell(ctx, tx, c, portal.CaseWithdrawn, nil, letter.Link{})
	})
}

// own is what every deed of an applicant begins with: find, and is it theirs.
func (s *Service) own(ctx context.Context, by actor.Actor, id ID, do func(*db.Tx, *Case) error) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := c.mine(by); err != nil {
			return err
		}
		return do(tx, c)
	})
}

// work is what every deed of an officer begins with: find, may they, and is it not their own.
func (s *Service) work(ctx context.Context, by actor.Actor, id ID, permission actor.Permission, do func(*db.Tx, *Case) error) error {
	return s.seen(ctx, by, id, permission, func(tx *db.Tx, c *Case) error {
		if err := s.impeded(ctx, tx, by.Person, c); err != nil {
			return err
		}
		return do(tx, c)
	})
}

// seen finds a case that the officer may see in this capacity, their own too.
func (s *Service) seen(ctx context.Context, by actor.Actor, id ID, permission actor.Permission, do func(*db.Tx, *Case) error) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := by.MayIn(c.Portal.Name, permission); err != nil {
			return err
		}
		if c.State == Draft || c.State == Submitted || c.State == Lapsed {
			return fault.New(fault.NotFound, "fault.not-found") // not the officers' yet, or no more
		}
		return do(tx, c)
	})
}

// impeded refuses an officer's own case, and one in which they stood aside. The person is compared, not the account:
// by who filed it, by every address that the officer's person has or had, and by the civil number (CPA 69.º ⚖). An
// officer for whom somebody else asks is a party too.
func (s *Service) impeded(ctx context.Context, tx *db.Tx, person actor.PersonID, c *Case) error {
	keys := []string{c.addressKey}
	if key, ok := field.CanonicalEmail(c.First(portal.Address)); ok && key != c.addressKey {
		keys = append(keys, key)
	}
	own := person == "" || person == c.Person
	for _, key := range keys {
		same, err := s.accounts.IsSame(ctx, tx, c.Portal.Name, person, key, c.civilMark)
		if err != nil {
			return err
		}
		own = own || same
	}
	if own {
		return fault.New(fault.Forbidden, "case.own")
	}
	gone, err := stoodAside(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	if slices.Contains(gone, person) {
		return fault.New(fault.Forbidden, "case.stood-aside")
	}
	return nil
}

// done writes the case back with its line in the timeline and in the audit.
func (s *Service) done(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, verb, kind, words string, inside bool, details ...audit.Detail) error {
	if err := s.change(ctx, tx, c); err != nil {
		return err
	}
	if err := happen(ctx, tx, c, by, kind, words, inside); err != nil {
		return err
	}
	details = append(details, audit.With("revision", c.Revision), audit.With("state", string(c.State)))
	return audit.Write(ctx, tx, by, verb, c.object(), details...)
}

// worded refuses words that are too few or too many, or that no database could give back as they were.
func worded(words string, least, most int) error {
	if !utf8.ValidString(words) || strings.ContainsRune(words, 0) {
		return fault.Fields([]fault.Field{{Name: "words", Key: "decision.not-text"}})
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(words)); n < least || n > most {
		return fault.Fields([]fault.Field{{Name: "words", Key: "E-TXT-01", Args: fault.Args{"min": strconv.Itoa(least), "max": strconv.Itoa(most), "n": strconv.Itoa(n)}}})
	}
	return nil
}

// openLink opens a case by the secret of a reusable link: a draft to go on with, or a case to follow.
func (s *Service) openLink(ctx context.Context, kind link.Kind, portalName, secret string) (id ID, err error) {
	err = s.db.Look(ctx, func(tx *db.Tx) error {
		opened, err := s.links.Peek(ctx, tx, kind, portalName, secret)
		if err != nil {
			return err
		}
		subject, _, bound := strings.Cut(opened.Subject, ".")
		c, err := s.find(ctx, tx, ID(subject))
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Expired, "link.expired") // it was erased
		}
		if err != nil {
			return err
		}
		if c.State == Lapsed || bound && c.State != Draft && opened.Subject != s.mailed(c) {
			return fault.New(fault.Expired, "link.expired")
		}
		id = c.ID
		return nil
	})
	return id, err
}

// OpenDraft says which draft a link opens.
func (s *Service) OpenDraft(ctx context.Context, portalName, secret string) (ID, error) {
	return s.openLink(ctx, link.Draft, portalName, secret)
}

// OpenFollow says which case a link lets one follow.
func (s *Service) OpenFollow(ctx context.Context, portalName, secret string) (ID, error) {
	return s.openLink(ctx, link.Follow, portalName, secret)
}

// PeekProof says whether a proof link is good, and changes nothing: a scanner of mails may look.
func (s *Service) PeekProof(ctx context.Context, portalName, secret string) (ID, error) {
	return s.openLink(ctx, link.Proof, portalName, secret)
}

// Secret gives the secret of a link that Begin made, for the browser that began.
func (s *Service) Secret(ctx context.Context, ref link.Ref) (string, error) {
	return s.links.Reveal(ctx, s.db, ref)
}

// FollowSecret makes a link by which whoever has just proven the address follows the case in this browser.
func (s *Service) FollowSecret(ctx context.Context, portalName string, id ID) (string, error) {
	var ref link.Ref
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.Portal.Name != portalName || c.Account != "" {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		if ref, err = s.links.Make(ctx, tx, link.Follow, portalName, string(id), tx.Now().Add(FollowFor)); err != nil {
			return err
		}
		return audit.Write(ctx, tx, actor.Nobody(portalName), "case.follow", c.object())
	})
	if err != nil {
		return "", err
	}
	return s.links.Reveal(ctx, s.db, ref)
}
