package casefile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// Submit files a draft: from here on it has a number, and its answers stand.
//
// A visitor's case waits for the proof of its address; a signed-in person's goes straight to the officers. All
// problems of the form are told at once, and nothing is written if there is one.
func (s *Service) Submit(ctx context.Context, by actor.Actor, id ID) error {
	return s.own(ctx, by, id, func(tx *db.Tx, c *Case) error {
		if c.State != Draft {
			return fault.New(fault.Conflict, "case.filed-already")
		}
		if err := s.stillMay(ctx, tx, by, c); err != nil {
			return err
		}
		if c.Person == "" {
			c.named(tx.Now())
			if err := s.takeMailTo(ctx, tx, c); err != nil {
				return err
			}
		}
		if err := s.file(ctx, tx, c); err != nil {
			return err
		}
		if err := happen(ctx, tx, c, by, "filed", "", false); err != nil {
			return err
		}
		if err := s.hand(ctx, tx, by, c); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.submit", c.object(), audit.With("number", c.Number), audit.With("revision", c.Revision))
	})
}

// hand gives a case to the officers, or asks its visitor first to prove the address.
func (s *Service) hand(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	if c.Person == "" {
		return s.askProof(ctx, tx, c, portal.CaseSubmitted)
	}
	return s.toOfficers(ctx, tx, by, c)
}

// stillMay asks again whether the person holds the power, for this same body: it may have ended while the form was
// open. What is known of them now goes in the locked fields.
func (s *Service) stillMay(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	if by.Kind != actor.Person {
		return by.MayIn(c.Portal.Name, actor.FileCase)
	}
	known, err := s.accounts.Known(ctx, tx, by.Portal, by.Person, by.Account)
	if err != nil {
		return err
	}
	if c.Procedure.For == portal.ForPerson {
		if err := by.MayIn(c.Portal.Name, actor.FileOrder); err != nil {
			return err
		}
		if !opens(c, known.Powers, tx.Now()) {
			return fault.New(fault.Forbidden, "case.no-power")
		}
	}
	c.relock(known)
	return nil
}

// opens says whether one of the powers lets its holder file this case on behalf of its body now.
func opens(c *Case, powers []account.Power, now time.Time) bool {
	return slices.ContainsFunc(powers, func(one account.Power) bool {
		defined, ok := c.Portal.Power(one.Key)
		return ok && one.Runs(now) && one.BodyNIPC == c.BodyNIPC && slices.Contains(defined.Opens, c.Procedure.Key)
	})
}

// otherBody tells a form that names another body than that of the power by which it is filed.
func (c *Case) otherBody(a portal.Answers) []fault.Field {
	var problems []fault.Field
	for _, f := range c.Procedure.Fields() {
		number := a.One(f.Key)
		if c.Person != "" && c.BodyNIPC != "" && number != "" && number != c.BodyNIPC && (f.Role == portal.BodyNumber || f.Role == portal.BodyPick) {
			problems = append(problems, fault.Field{Name: f.Key, Key: "case.other-body"})
		}
	}
	return problems
}

// file judges the draft and gives it its number.
func (s *Service) file(ctx context.Context, tx *db.Tx, c *Case) error {
	docs, err := evidence.Of(ctx, tx, string(c.ID))
	if err != nil {
		return err
	}
	if err := s.judge(ctx, tx, c, docs, tx.Now(), tx.Now(), nil); err != nil {
		return err
	}
	if c.Number, err = nextNumber(ctx, tx, c.Portal); err != nil {
		return err
	}
	s.revise(c, docs)
	c.State, c.FiledAt, c.reminded = Submitted, tx.Now(), 0
	if err := s.change(ctx, tx, c); err != nil {
		return c.repeated(err)
	}
	return index(ctx, tx, c)
}

// judge holds the answers against the form's rules, all of them, and puts their clean form in the case. What was
// filed is judged by the day on which it was: a date that was to come then need not be to come now. The fields named
// fresh are answered anew, and are judged by today.
func (s *Service) judge(ctx context.Context, tx *db.Tx, c *Case, docs []evidence.Doc, filed, now time.Time, fresh []string) error {
	answers := withFiles(c, docs)
	judged := c.Procedure.Judge(answers, filed)
	isFresh := func(name string) bool {
		name, _, _ = strings.Cut(name, ".")
		return slices.Contains(fresh, name)
	}
	if len(fresh) > 0 {
		today := c.Procedure.Judge(answers, now)
		judged.Problems = slices.DeleteFunc(judged.Problems, func(f fault.Field) bool { return isFresh(f.Name) })
		for _, problem := range today.Problems {
			if isFresh(problem.Name) {
				judged.Problems = append(judged.Problems, problem)
			}
		}
		for key, values := range today.Clean {
			if isFresh(key) {
				judged.Clean[key] = values
			}
		}
	}
	told, err := s.foretold(ctx, tx, c, judged.Clean)
	if err != nil {
		return err
	}
	if c.State != Draft { // what is not open cannot be mended
		told = slices.DeleteFunc(told, func(f fault.Field) bool { return !isFresh(f.Name) })
	}
	if err := fault.Fields(slices.Concat(judged.Problems, c.otherBody(judged.Clean), told)); err != nil {
		return err
	}
	c.Answers = judged.Clean
	c.factsOf(s, now)
	return nil
}

// revise makes what now stands in the case its revision.
func (s *Service) revise(c *Case, docs []evidence.Doc) {
	c.documents = nil
	for _, doc := range docs {
		c.documents = append(c.documents, string(doc.ID))
	}
	c.Revision = s.revision(c, docs)
}

// repeated tells that another live case asks the same, beside the field that makes it so.
func (c *Case) repeated(err error) error {
	e, ok := fault.As(err)
	if !ok || e.Key != "case.repeated" {
		return err
	}
	return fault.Fields([]fault.Field{{Name: c.Procedure.OnePer, Key: "E-EXE-02", Args: fault.Args{"ano": c.Answers.One(c.Procedure.OnePer)}}})
}

// withFiles puts the ids of the documents where the form asks for them.
func withFiles(c *Case, docs []evidence.Doc) portal.Answers {
	all := portal.Answers{}
	for key, values := range c.Answers {
		if f, ok := c.Procedure.Field(key); !ok || !f.IsFile() {
			all[key] = values
		}
	}
	for _, doc := range docs {
		all[doc.Slot] = append(all[doc.Slot], string(doc.ID))
	}
	return all
}

// factsOf takes from the answers what the case is found and compared by.
func (c *Case) factsOf(s *Service, now time.Time) {
	c.named(now)
	if nipc := c.First(portal.BodyNumber); nipc != "" {
		c.BodyNIPC = nipc
	}
	if nipc := c.First(portal.BodyPick); nipc != "" {
		c.BodyNIPC = nipc
		for _, body := range c.Portal.Register {
			if body.NIPC == nipc {
				c.BodyName = body.Name
			}
		}
	}
	if name := c.First(portal.BodyName); name != "" {
		c.BodyName = name
	}
	if number := c.First(portal.CivilNumber); number != "" {
		c.civilMark = s.vault.Mark("civil", number)
	}
	c.onePer = ""
	if key := c.Procedure.OnePer; key != "" {
		c.onePer = c.BodyNIPC + "|" + field.Fold(c.Answers.One(key))
	}
}

// revision is the digest of what was filed: the procedure's version, every answer, every document. Decisions name it.
// A sensitive answer goes in as its keyed mark: a digest alone could be guessed.
func (s *Service) revision(c *Case, docs []evidence.Doc) string {
	sum := sha256.New()
	put := func(parts ...string) {
		for _, part := range parts {
			_, _ = io.WriteString(sum, strconv.Itoa(len(part))+":"+part)
		}
	}
	put("chancela revision 1", c.Portal.Name, c.Procedure.Key, c.Procedure.Version, c.Number)
	if c.Follows != "" {
		put("follows", string(c.Follows))
	}
	for _, key := range sortedKeys(c.Answers) {
		for _, value := range c.Answers[key] {
			if c.sensitive(key) {
				value = s.vault.Mark(key, value)
			}
			put("answer", key, value)
		}
	}
	sorted := slices.Clone(docs)
	slices.SortFunc(sorted, func(a, b evidence.Doc) int { return strings.Compare(a.Slot+a.Digest, b.Slot+b.Digest) })
	for _, doc := range sorted {
		put("document", doc.Slot, doc.Digest)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func sortedKeys(a portal.Answers) []string {
	keys := make([]string, 0, len(a))
	for key := range a {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// askProof mails the receipt and the proof of address in one message.
func (s *Service) askProof(ctx context.Context, tx *db.Tx, c *Case, event portal.Event) error {
	until := c.days().Add(tx.Now(), linkDays)
	return s.tell(ctx, tx, c, event, nil, letter.Link{Kind: link.Proof, Subject: string(c.ID), Expires: until})
}

// toOfficers puts the case in the queue: its term runs, somebody directs it, the applicant and the officers are told.
func (s *Service) toOfficers(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case) error {
	c.State, c.ProvenAt, c.reminded = Proven, tx.Now(), 0
	c.DueAt = c.days().Add(tx.Now(), c.Portal.Rules.DecideDays)
	officers, err := s.accounts.Officers(ctx, tx, c.Portal.Name, actor.WorkCase)
	if err != nil {
		return err
	}
	if c.Director, err = s.leastLoaded(ctx, tx, c, officers); err != nil {
		return err
	}
	if err := s.change(ctx, tx, c); err != nil {
		return err
	}
	if err := happen(ctx, tx, c, by, "proven", "", false); err != nil {
		return err
	}
	if err := s.tell(ctx, tx, c, portal.CaseProven, s.termsOf(c), s.follow(tx, c)); err != nil {
		return err
	}
	return s.tellOfficers(ctx, tx, c, officers)
}

// follow is the link by which an applicant without an account sees the case (contract: 60 minutes; each mail that
// speaks of the case has its own, as long as the applicant needs to act on it).
func (s *Service) follow(tx *db.Tx, c *Case) letter.Link {
	if c.Account != "" {
		return letter.Link{}
	}
	expires := c.days().Add(tx.Now(), linkDays)
	if c.AnswerBy.After(expires) {
		expires = c.AnswerBy
	}
	return letter.Link{Kind: link.Follow, Subject: string(c.ID), Expires: expires}
}

// Prove proves the address of a case by the secret of its link. Looking at the page changes nothing; this does.
func (s *Service) Prove(ctx context.Context, by actor.Actor, secret string) (id ID, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		opened, err := s.links.Use(ctx, tx, link.Proof, by.Portal, secret)
		if err != nil {
			return err
		}
		c, err := s.find(ctx, tx, ID(opened.Subject))
		if err != nil {
			return err
		}
		if err := c.may(Proven); err != nil {
			return err
		}
		if err := s.toOfficers(ctx, tx, by, c); err != nil {
			return err
		}
		id = c.ID
		return audit.Write(ctx, tx, by, "case.prove", c.object(), audit.With("revision", c.Revision))
	})
	return id, err
}

// Correct mends a mistyped address or telephone before the address is proven. The link sent to the wrong address dies.
func (s *Service) Correct(ctx context.Context, by actor.Actor, id ID, typed portal.Answers) error {
	return s.own(ctx, by, id, func(tx *db.Tx, c *Case) error {
		if c.State != Submitted {
			return fault.New(fault.Conflict, "case.not-now")
		}
		if err := s.mend(ctx, tx, c, typed); err != nil {
			return err
		}
		if err := s.takeMail(ctx, tx, c); err != nil { // counts mails, so a form that is refused takes none
			return err
		}
		if err := s.askProof(ctx, tx, c, portal.CaseSubmitted); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.correct", c.object(), audit.With("revision", c.Revision))
	})
}

// Correctable are the fields of a case that can still be mended before proof.
func (c *Case) Correctable() []portal.Field {
	return slices.DeleteFunc(c.Procedure.Fields(), func(f portal.Field) bool {
		return f.Role != portal.Address && f.Role != portal.Telephone && f.Role != portal.MobilePhone
	})
}

func (s *Service) mend(ctx context.Context, tx *db.Tx, c *Case, typed portal.Answers) error {
	c.Answers = cloned(c.Answers)
	for _, f := range c.Correctable() {
		if values, ok := typed[f.Key]; ok {
			c.Answers[f.Key] = values
		}
	}
	docs, err := evidence.Of(ctx, tx, string(c.ID))
	if err != nil {
		return err
	}
	if err := s.judge(ctx, tx, c, docs, c.FiledAt, tx.Now(), nil); err != nil {
		return err
	}
	s.revise(c, docs)
	c.reminded = 0 // the new address is reminded as the old one would have been
	if err := s.change(ctx, tx, c); err != nil {
		return err
	}
	return index(ctx, tx, c)
}

func cloned(a portal.Answers) portal.Answers {
	all := make(portal.Answers, len(a))
	for key, values := range a {
		all[key] = slices.Clone(values)
	}
	return all
}

// Resend mails a new proof link, or a link to follow the case, if number and address match. Whatever is typed, the
// answer is the same: nothing tells who has a case here.
func (s *Service) Resend(ctx context.Context, by actor.Actor, number, address string) error {
	key, ok := field.CanonicalEmail(address)
	number = strings.ToUpper(strings.TrimSpace(number))
	if !ok || !numberForm.MatchString(number) {
		return nil
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.throttleAsker(ctx, tx, by); err != nil {
			return err
		}
		cases, err := s.of(ctx, tx, `portal = $1 AND number = $2 AND address_key = $3`, by.Portal, number, key)
		if err != nil || len(cases) == 0 {
			return err
		}
		c := cases[0]
		if err := s.takeMail(ctx, tx, c); fault.Is(err, fault.Throttled) {
			return nil // enough were sent; the answer stays the same
		} else if err != nil {
			return err
		}
		if c.State == Submitted {
			err = s.askProof(ctx, tx, c, portal.CaseUnproven)
		} else {
			err = s.tell(ctx, tx, c, portal.CaseFollow, nil, letter.Link{Kind: link.Follow, Subject: string(c.ID), Expires: tx.Now().Add(FollowFor)})
		}
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.resend", c.object())
	})
}

// numberForm is what a number may look like; definitions are held to it.
var numberForm = regexp.MustCompile(`^[0-9A-Z._:/-]{1,60}$`)

// FollowFor is how long a link asked for to follow a case lasts (contract: 60 minutes).
const FollowFor = time.Hour

// leastLoaded gives the case to the officer who directs the fewest open ones and whose own it is not; "" for nobody.
func (s *Service) leastLoaded(ctx context.Context, tx *db.Tx, c *Case, officers []officer) (actor.PersonID, error) {
	var best actor.PersonID
	least := int64(-1)
	for _, o := range officers {
		if !slices.Contains(o.Roles, actor.Director) {
			continue
		}
		if err := s.impeded(ctx, tx, o.Person, c); fault.Is(err, fault.Forbidden) {
			continue
		} else if err != nil {
			return "", err
		}
		n, err := directed(ctx, tx, c.Portal.Name, o.Person)
		if err != nil {
			return "", fmt.Errorf("who directs case %s: %w", c.ID, err)
		}
		if least < 0 || n < least {
			best, least = o.Person, n
		}
	}
	return best, nil
}
