package casefile

import (
	"context"
	"errors"
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
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// KeepDrafts is how long a draft, or a submission whose address is not proven, is kept without a change
// (contract: 30 days), and WarnBefore how long before its end it is warned of.
const (
	KeepDrafts = 30 * 24 * time.Hour
	WarnBefore = 7 * 24 * time.Hour
)

// linkDays are the working days that a link to a draft or to prove an address lasts (contract).
const linkDays = 10

// Begin starts a draft of a procedure. For a visitor, the link that Begin returns opens the draft again: floor 6
// keeps its secret in the browser.
func (s *Service) Begin(ctx context.Context, by actor.Actor, key string, lang i18n.Lang) (id ID, ref link.Ref, err error) {
	return s.BeginFor(ctx, by, key, lang, "")
}

// BeginFor starts a draft on behalf of one of the bodies that a signed-in person has a power for; "" where there is
// one only, or for oneself. Whoever has several must say which: nothing is filed for a body by chance.
func (s *Service) BeginFor(ctx context.Context, by actor.Actor, key string, lang i18n.Lang, body string) (id ID, ref link.Ref, err error) {
	p, proc, err := s.asked(by, key)
	if err != nil {
		return "", "", err
	}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		c := &Case{ID: ID(db.NewID()), Portal: p, Procedure: proc, State: Draft, Lang: lang, CreatedAt: tx.Now(), ChangedAt: tx.Now(), Answers: portal.Answers{}}
		if err := s.byPerson(ctx, tx, by, c, body); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, c); err != nil {
			return err
		}
		if err := s.counters.Take(ctx, tx, beginsFromHere, p.Name+"|"+by.Address); err != nil { // what is refused begins nothing
			return err
		}
		id = c.ID
		if by.Kind == actor.Visitor {
			if ref, err = s.links.Make(ctx, tx, link.Draft, p.Name, string(c.ID), tx.Now().Add(KeepDrafts)); err != nil {
				return err
			}
		}
		return audit.Write(ctx, tx, by, "case.begin", c.object())
	})
	return id, ref, err
}

// asked finds the procedure and asks whether the actor may file it at all.
func (s *Service) asked(by actor.Actor, key string) (*portal.Portal, *portal.Procedure, error) {
	p, ok := s.portals.Portal(by.Portal)
	if !ok {
		return nil, nil, fault.New(fault.NotFound, "fault.not-found")
	}
	proc, ok := p.Procedure(key)
	if !ok {
		return nil, nil, fault.New(fault.NotFound, "fault.not-found")
	}
	permission := actor.FileCase
	if proc.For == portal.ForPerson {
		permission = actor.FileOrder
	}
	return p, proc, by.MayIn(p.Name, permission)
}

// byPerson fills a new draft with what is known of a signed-in person, who must hold a power that opens the procedure.
func (s *Service) byPerson(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, body string) error {
	for _, f := range c.Procedure.Fields() {
		if f.Default != "" {
			c.Answers[f.Key] = []string{f.Default}
		}
	}
	if by.Kind != actor.Person {
		return nil
	}
	known, err := s.accounts.Known(ctx, tx, by.Portal, by.Person, by.Account)
	if err != nil {
		return err
	}
	c.Person, c.Account, c.Applicant, c.Address, c.addressKey = by.Person, by.Account, known.Name, known.Address, known.AddressKey
	if c.Procedure.For == portal.ForPerson {
		power, err := powerFor(known.BodiesFor(c.Portal, c.Procedure.Key, tx.Now()), body)
		if err != nil {
			return err
		}
		c.BodyNIPC, c.BodyName = power.BodyNIPC, power.BodyName
	}
	for _, f := range c.Procedure.Fields() {
		if value := known.Answer(portal.Role(f.From), c.BodyNIPC, c.BodyName); f.From != "" && value != "" {
			c.Answers[f.Key] = []string{value}
		}
	}
	return nil
}

// powerFor is the power by which the case is filed for a body.
func powerFor(powers []account.Power, body string) (account.Power, error) {
	for _, power := range powers {
		if power.BodyNIPC == body || body == "" && len(powers) == 1 {
			return power, nil
		}
	}
	if body == "" && len(powers) > 1 {
		return account.Power{}, fault.Fields([]fault.Field{{Name: BodyField, Key: "case.which-body"}})
	}
	return account.Power{}, fault.New(fault.Forbidden, "case.no-power")
}

// BodyField is what the problem of a body that was not chosen is called.
const BodyField = "on-behalf-of"

// relock puts what is known of a signed-in person in the locked fields, whatever stands there: what was typed never
// does, and what is known may have changed since the draft was begun.
func (c *Case) relock(known account.Known) {
	c.Answers = cloned(c.Answers)
	for _, f := range c.Procedure.Fields() {
		if !f.Locked {
			continue
		}
		delete(c.Answers, f.Key)
		if value := known.Answer(portal.Role(f.From), c.BodyNIPC, c.BodyName); f.From != "" && value != "" {
			c.Answers[f.Key] = []string{value}
		}
	}
}

// Save keeps what was typed in a draft, as it was typed: nothing is judged here, so nothing typed is lost.
// Answers of fields that the form does not have are refused; those of locked fields are passed over. Two tabs that
// save at once both do: each brings its own fields.
func (s *Service) Save(ctx context.Context, by actor.Actor, id ID, typed portal.Answers) error {
	const tries = 5
	var err error
	for range tries {
		err = s.save(ctx, by, id, typed)
		if e, ok := fault.As(err); !ok || e.Key != "case.changed-meanwhile" {
			return err
		}
	}
	return err
}

func (s *Service) save(ctx context.Context, by actor.Actor, id ID, typed portal.Answers) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := s.ownDraft(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := c.put(typed); err != nil {
			return err
		}
		before := c.Address
		c.named(tx.Now())
		c.reminded = 0 // it is worked on: its 30 days, and the warning before their end, begin anew
		if err := s.change(ctx, tx, c); err != nil {
			return err
		}
		if err := s.offerResume(ctx, tx, by, c, before); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.save", c.object())
	})
}

// offerResume mails the link to go on with a draft, once its address is there and each time it changes.
func (s *Service) offerResume(ctx context.Context, tx *db.Tx, by actor.Actor, c *Case, before string) error {
	if by.Kind != actor.Visitor || c.addressKey == "" || c.Address == before || len(c.Procedure.Steps) < 2 {
		return nil
	}
	if err := s.takeMail(ctx, tx, c); fault.Is(err, fault.Throttled) {
		return nil // a draft is saved whether or not another mail may be sent
	} else if err != nil {
		return err
	}
	return s.tell(ctx, tx, c, portal.DraftSaved, nil, letter.Link{Kind: link.Draft, Subject: s.mailed(c), Expires: c.days().Add(tx.Now(), linkDays)})
}

func (s *Service) ownDraft(ctx context.Context, tx *db.Tx, by actor.Actor, id ID) (*Case, error) {
	c, err := s.find(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if err := c.mine(by); err != nil {
		return nil, err
	}
	if c.State != Draft {
		return nil, fault.New(fault.Conflict, "case.filed-already")
	}
	return c, nil
}

// mostTyped bounds the answers of a draft, in bytes; every field's own rule is far below.
const mostTyped = 1 << 20

// put merges typed answers in the case's, field by field.
func (c *Case) put(typed portal.Answers) error {
	for key := range typed {
		if !c.Procedure.Known(key) {
			return fault.New(fault.Invalid, "form.unknown-field")
		}
	}
	c.Answers = cloned(c.Answers)
	for key, values := range typed {
		name, _, _ := strings.Cut(key, ".") // a column is locked with its question
		if f, ok := c.Procedure.Field(name); ok && (f.Locked || f.IsFile()) {
			continue
		}
		c.Answers[key] = slices.Clone(values)
	}
	size := 0
	for key, values := range c.Answers {
		for _, value := range values {
			size += len(key) + len(value)
		}
	}
	if size > mostTyped {
		return fault.New(fault.Invalid, "form.too-much")
	}
	return nil
}

// named takes name, address and language from the answers of a draft, as far as they keep their rules: what does not
// is nobody's name, and greets nobody in a mail of ours.
func (c *Case) named(now time.Time) {
	if c.Person != "" {
		return
	}
	c.Applicant, c.Address, c.addressKey = "", "", ""
	if address, err := field.ParseEmail(c.First(portal.Address)); err == nil {
		c.Address = address
		c.addressKey, _ = field.CanonicalEmail(address)
	}
	c.Applicant = c.sound(portal.ApplicantName, now)
	if lang := i18n.Lang(c.First(portal.Language)); lang == i18n.PT || lang == i18n.EN {
		c.Lang = lang
	}
}

// sound is the answer that has a role if it keeps its field's rule; "" otherwise.
func (c *Case) sound(role portal.Role, now time.Time) string {
	for _, f := range c.Procedure.Fields() {
		if f.Role != role || len(c.Answers[f.Key]) == 0 {
			continue
		}
		clean, found := field.Check(f.Rule(), c.Answers[f.Key], now)
		wrong := slices.ContainsFunc(found, func(one field.Finding) bool { return !one.Warning })
		if !wrong && len(clean) > 0 {
			return clean[0]
		}
	}
	return ""
}

// Attach adds a document to a draft, or to a case that waits for it, and gives its id.
func (s *Service) Attach(ctx context.Context, by actor.Actor, id ID, upload evidence.Upload) (evidence.ID, error) {
	var rule evidence.Rule
	may := func(ctx context.Context, tx *db.Tx) error {
		c, f, err := s.open(ctx, tx, by, id, upload.Slot)
		if err != nil {
			return err
		}
		upload.Portal, upload.Case, rule = c.Portal.Name, string(c.ID), ruleOf(c.Portal, f)
		return s.room(ctx, tx, c, f)
	}
	if err := s.db.Look(ctx, func(tx *db.Tx) error { return may(ctx, tx) }); err != nil {
		return "", err
	}
	doc, err := s.evidence.Add(ctx, by, upload, rule, may)
	if err != nil {
		return "", err
	}
	return doc.ID, s.db.InTx(ctx, func(tx *db.Tx) error { return touch(ctx, tx, id) })
}

// AttachSame adds a document of the case to another of its questions: what was sent once need not be sent again. It is
// judged there anew, and kept or taken out by itself.
func (s *Service) AttachSame(ctx context.Context, by actor.Actor, id ID, document evidence.ID, slot string) (evidence.ID, error) {
	doc, content, err := s.Document(ctx, by, id, document)
	if err != nil {
		return "", err
	}
	added, err := s.Attach(ctx, by, id, evidence.Upload{Slot: slot, Name: doc.Name, Reader: content})
	return added, errors.Join(err, content.Close())
}

// room refuses more documents of one kind than the form has places for.
func (s *Service) room(ctx context.Context, tx *db.Tx, c *Case, f portal.Field) error {
	docs, err := evidence.Of(ctx, tx, string(c.ID))
	if err != nil {
		return err
	}
	n := 0
	for _, doc := range docs {
		if doc.Slot == f.Key {
			n++
		}
	}
	if n >= f.Files {
		return fault.Fields([]fault.Field{{Name: f.Key, Key: "E-FIC-08", Args: fault.Args{"n": strconv.Itoa(f.Files), "max": strconv.Itoa(c.Portal.Rules.CaseMB)}}})
	}
	return nil
}

// Detach takes a document from a draft, or one brought for a request that is not answered yet.
func (s *Service) Detach(ctx context.Context, by actor.Actor, id ID, document evidence.ID) error {
	return s.evidence.Remove(ctx, by, by.Portal, string(id), document, func(ctx context.Context, tx *db.Tx) error {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := c.mine(by); err != nil {
			return err
		}
		if c.State == Draft {
			return nil
		}
		if c.State != Waiting && c.State != RefusalIntended || c.isFiled(document) {
			return fault.New(fault.Conflict, "case.filed-already") // what was filed stays
		}
		return nil
	})
}

// isFiled says whether a document belongs to the revision: others wait to be filed, and only their owner sees them.
func (c *Case) isFiled(document evidence.ID) bool {
	return slices.Contains(c.documents, string(document))
}

// filed are the documents of the revision.
func (c *Case) filed(docs []evidence.Doc) []evidence.Doc {
	return slices.DeleteFunc(slices.Clone(docs), func(doc evidence.Doc) bool { return !c.isFiled(doc.ID) })
}

// open says whether a document may be added now: the case is a draft, or waits for just this.
func (s *Service) open(ctx context.Context, tx *db.Tx, by actor.Actor, id ID, slot string) (*Case, portal.Field, error) {
	c, err := s.find(ctx, tx, id)
	if err != nil {
		return nil, portal.Field{}, err
	}
	if err := c.mine(by); err != nil {
		return nil, portal.Field{}, err
	}
	f, ok := c.Procedure.Field(slot)
	if !ok || !f.IsFile() {
		return nil, portal.Field{}, fault.New(fault.Invalid, "form.unknown-field")
	}
	switch c.State {
	case Draft:
		return c, f, nil
	case Waiting:
		return c, f, s.askedFor(ctx, tx, c, slot)
	case RefusalIntended:
		return c, f, nil // documents may come with what one says in the hearing (CPA 122.º ⚖)
	}
	return nil, f, fault.New(fault.Conflict, "case.filed-already")
}

func ruleOf(p *portal.Portal, f portal.Field) evidence.Rule {
	rule := evidence.Rule{MaxMB: int64(f.MaxMB), MaxFiles: caseMaxFiles, CaseMaxMB: int64(p.Rules.CaseMB)}
	for _, kind := range f.Accepts {
		rule.Kinds = append(rule.Kinds, evidence.Kind(kind))
	}
	return rule
}

// caseMaxFiles bounds the documents of one case; how much they may hold together is the portal's to say.
const caseMaxFiles = 60

// Cancel erases a draft and its documents at once.
func (s *Service) Cancel(ctx context.Context, by actor.Actor, id ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := s.ownDraft(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := s.erase(ctx, tx, c); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "case.cancel", c.object())
	})
}
