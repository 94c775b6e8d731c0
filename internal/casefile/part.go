package casefile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// Part is something that is asked, one choice of the field that the procedure decides part by part, which is to be
// left out, and why. Leaving it out refuses it: the applicant is heard first, and told with reasons and remedies, as
// of any refusal (CPA 121.º, 152.º ⚖; ecce-content §9, rule 1).
type Part struct {
	Key, Code, Words string
}

// Parts are the parts of which each is granted, or left out, by itself; none where the procedure decides the whole.
func (c *Case) Parts() []string { return c.Answers[c.Procedure.Decide.Parts] }

// PartName is how people call a part.
func (c *Case) PartName(key string, lang i18n.Lang) string {
	f, _ := c.Procedure.Field(c.Procedure.Decide.Parts)
	for _, o := range f.Options {
		if o.Key == key {
			return c.Portal.Fill(o.Label, lang)
		}
	}
	return key
}

// PartNames joins the names of parts in a sentence.
func (c *Case) PartNames(keys []string, lang i18n.Lang) string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = c.PartName(key, lang)
	}
	return strings.Join(names, "; ")
}

// KeysOf are the keys of parts.
func KeysOf(parts []Part) []string {
	keys := make([]string, len(parts))
	for i, part := range parts {
		keys[i] = part.Key
	}
	return keys
}

// except are the answers as they are granted: without the parts that are left out.
func (c *Case) except(parts []string) portal.Answers {
	if len(parts) == 0 {
		return c.Answers
	}
	granted := cloned(c.Answers)
	key := c.Procedure.Decide.Parts
	granted[key] = slices.DeleteFunc(granted[key], func(one string) bool { return slices.Contains(parts, one) })
	return granted
}

// parted judges which parts are to be left out: some, never all, each with its own reason and facts.
func (c *Case) parted(parts []Part) error {
	asked := c.Parts()
	switch {
	case len(parts) == 0:
		return fault.Fields([]fault.Field{{Name: "parts", Key: "case.parts.none"}})
	case len(parts) >= len(asked):
		return fault.Fields([]fault.Field{{Name: "parts", Key: "case.parts.all"}})
	}
	var problems []fault.Field
	seen := map[string]bool{}
	for _, part := range parts {
		if !slices.Contains(asked, part.Key) || seen[part.Key] {
			return fault.Fields([]fault.Field{{Name: "parts", Key: "form.unknown-field"}})
		}
		seen[part.Key] = true
		problems = append(problems, c.grounding(part)...)
	}
	return fault.Fields(problems)
}

// grounding tells what a part lacks of its reasons: they are those of any refusal, for this part alone.
func (c *Case) grounding(part Part) []fault.Field {
	e, ok := fault.As(c.grounded(Ground{Codes: []string{part.Code}, Words: part.Words}, "refuse"))
	if !ok {
		return nil
	}
	for i := range e.Fields {
		e.Fields[i].Name += "." + part.Key
	}
	return e.Fields
}

// partly makes the record's reasons of parts.
func partly(parts []Part) []decision.Reason {
	reasons := make([]decision.Reason, len(parts))
	for i, part := range parts {
		reasons[i] = decision.Reason{Code: part.Code, Words: strings.TrimSpace(part.Words), Part: part.Key}
	}
	return reasons
}

// PartsOf are the parts that a decision is against; none if it is against the whole, or against nothing.
func PartsOf(e decision.Entry) []Part {
	var parts []Part
	for _, r := range e.Reasons {
		if r.Part != "" {
			parts = append(parts, Part{Key: r.Part, Code: r.Code, Words: r.Words})
		}
	}
	return parts
}

// heardOn says on what the applicant was last heard: the parts named to them, or the whole.
func heardOn(ctx context.Context, tx *db.Tx, c *Case) (parts []Part, whole bool, err error) {
	all, err := decision.Of(ctx, tx, string(c.ID))
	if err != nil {
		return nil, false, err
	}
	for _, e := range slices.Backward(all) {
		if e.Verdict == decision.IntendRefuse {
			parts = PartsOf(e)
			return parts, len(parts) == 0, nil
		}
	}
	return nil, false, nil
}

// IntendRefusalOf tells the applicant that parts of what they ask are likely to be left out, and why, and hears them
// first, as before any refusal. They may also agree at once: see [Service.GiveUp].
func (s *Service) IntendRefusalOf(ctx context.Context, by actor.Actor, id ID, revision string, parts []Part) error {
	return s.work(ctx, by, id, actor.WorkCase, func(tx *db.Tx, c *Case) error {
		if err := c.hearable(tx.Now(), revision); err != nil {
			return err
		}
		if err := c.parted(parts); err != nil {
			return err
		}
		entry := s.entry(c, decision.IntendRefuse, c.Revision, nil)
		entry.Reasons = partly(parts)
		scope := c.Portal.Say(c.Lang, "case.scope.part", i18n.Args{"parts": c.PartNames(KeysOf(parts), c.Lang)})
		return s.hear(ctx, tx, by, c, entry, scope, c.against(parts, "", c.Lang))
	})
}

// ApproveInPart approves exactly the revision that the officer saw but for parts of it, which are refused: never
// parts on which the applicant was not heard, and not while the hearing runs.
func (s *Service) ApproveInPart(ctx context.Context, by actor.Actor, id ID, revision string, parts []Part, weighing string) error {
	return s.work(ctx, by, id, actor.DecideCase, func(tx *db.Tx, c *Case) error {
		if err := c.decidable(by, revision); err != nil {
			return err
		}
		if err := c.heardOut(tx.Now()); err != nil {
			return err
		}
		if err := c.parted(parts); err != nil {
			return err
		}
		heard, whole, err := heardOn(ctx, tx, c)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if !whole && !slices.Contains(KeysOf(heard), part.Key) {
				return fault.Fields([]fault.Field{{Name: "parts", Key: "case.parts.unheard"}})
			}
		}
		if err := c.weighed(weighing); err != nil {
			return err
		}
		return s.approve(ctx, tx, by, c, parts, weighing)
	})
}

// heardOut says whether the hearing is over: the applicant has spoken, or its term has run out.
func (c *Case) heardOut(now time.Time) error {
	switch {
	case c.State == Heard:
		return nil
	case c.State != RefusalIntended:
		return fault.New(fault.Conflict, "case.unheard")
	case !now.After(c.AnswerBy):
		return fault.New(fault.Conflict, "case.hearing-runs", "until", i18n.Date(i18n.PT, c.AnswerBy))
	}
	return nil
}

// weighed asks that what was said in the hearing be weighed (CPA 125.º, 126.º ⚖), and that its words can be kept.
func (c *Case) weighed(weighing string) error {
	if err := worded(weighing, 0, 8000); err != nil {
		return fault.Fields([]fault.Field{{Name: "weighing", Key: "decision.not-text"}})
	}
	if c.State == Heard && utf8.RuneCountInString(strings.TrimSpace(weighing)) < leastWords {
		return fault.Fields([]fault.Field{{Name: "weighing", Key: "case.weighing"}})
	}
	return nil
}

// partedSubject is what the approvals of a part name: another than those of the whole, so that they never add up.
func partedSubject(subject string, parts []Part) string {
	if len(parts) == 0 {
		return subject
	}
	keys := KeysOf(parts)
	slices.Sort(keys)
	sum := sha256.New()
	for _, part := range append([]string{"chancela part 1", subject}, keys...) {
		_, _ = io.WriteString(sum, strconv.Itoa(len(part))+":"+part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// against writes why parts are left out, as the notice shows it: each part, its reason and law, then its facts.
func (c *Case) against(parts []Part, weighing string, lang i18n.Lang) string {
	var lines []string
	for _, part := range parts {
		lines = append(lines, "– "+c.PartName(part.Key, lang)+":"+c.reasons(Ground{Codes: []string{part.Code}, Words: part.Words}, lang))
	}
	if weighing != "" {
		lines = append(lines, c.Portal.Say(lang, "case.weighed", nil)+" "+strings.TrimSpace(weighing))
	}
	return "\n" + strings.Join(lines, "\n")
}

// partWords are the same, as the timeline keeps them: in the language of the acts, without codes.
func (c *Case) partWords(parts []Part) string {
	lines := make([]string, len(parts))
	for i, part := range parts {
		lines[i] = c.PartName(part.Key, i18n.PT) + ": " + strings.TrimSpace(part.Words)
	}
	return strings.Join(lines, "\n")
}

// notifyPart tells the applicant of an approval that leaves parts out: the act whole, with its remedies (CPA 114.º ⚖).
func (s *Service) notifyPart(ctx context.Context, tx *db.Tx, c *Case, parts []Part, weighing string) error {
	values := c.authorship()
	values["granted"] = c.PartNames(c.except(KeysOf(parts))[c.Procedure.Decide.Parts], c.Lang)
	values["refused"] = c.PartNames(KeysOf(parts), c.Lang)
	values["reasons"] = c.against(parts, weighing, c.Lang)
	values["remedies"] = c.Portal.Fill(c.Portal.Rules.Remedies, c.Lang)
	return s.tell(ctx, tx, c, portal.CaseApprovedInPart, values, s.follow(tx, c))
}

// GiveUp is the applicant's answer that they no longer ask for the parts that are likely to be left out (CPA 131.º,
// n.º 1 ⚖: some of what was asked may be given up). Nothing of it is then refused: the case is a new revision that
// asks for the rest, which voids what was decided on the one before.
func (s *Service) GiveUp(ctx context.Context, by actor.Actor, id ID) error {
	return s.own(ctx, by, id, func(tx *db.Tx, c *Case) error {
		if err := c.may(Heard); err != nil {
			return err
		}
		parts, whole, err := heardOn(ctx, tx, c)
		if err != nil {
			return err
		}
		if whole || len(parts) == 0 {
			return fault.New(fault.Conflict, "case.not-now")
		}
		docs, err := evidence.Of(ctx, tx, string(c.ID))
		if err != nil {
			return err
		}
		words := c.PartNames(KeysOf(parts), i18n.PT)
		c.Answers = c.except(KeysOf(parts))
		if err := s.judge(ctx, tx, c, docs, c.FiledAt, tx.Now(), nil); err != nil {
			return err
		}
		s.revise(c, docs)
		if err := decision.Void(ctx, tx, by, string(c.ID), "edited"); err != nil {
			return err
		}
		c.State = Heard
		c.resume(tx.Now())
		if err := s.done(ctx, tx, by, c, "case.give-up", "given-up", words, false); err != nil {
			return err
		}
		return s.tell(ctx, tx, c, portal.CaseAnswered, nil, letter.Link{})
	})
}
