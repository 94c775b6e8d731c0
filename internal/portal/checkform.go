package portal

import (
	"maps"
	"slices"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/field"
)

func (c *checker) procedure(proc *Procedure) {
	at := proc.At
	line := func(path ...string) Pos { return c.where(at.File, path...) }
	c.expect(keyForm.MatchString(proc.Key), line("key"), "key: %q; expected lower-case letters, digits, - and _", proc.Key)
	same := 0
	for _, other := range c.p.Procedures {
		if other.Key == proc.Key {
			same++
		}
	}
	c.expect(same == 1, line("key"), "key: %q stands in %d procedures", proc.Key, same)
	c.expect(!proc.Title.IsZero() && !proc.Name.IsZero() && !proc.Submit.Label.IsZero(), at, "expected title, name and submit.label")
	c.expect(proc.For == ForVisitor || proc.For == ForPerson, line("for"), "for: %q; expected visitor or person", proc.For)
	if proc.Page != "" {
		_, ok := c.p.Page(proc.Page)
		c.expect(ok, line("page"), "page: %q has no pages/%s.pt.md", proc.Page, proc.Page)
	}
	c.form(proc)
	c.decide(proc)
	for _, event := range slices.Sorted(maps.Keys(proc.Mails)) {
		id := proc.Mails[event]
		_, known := Events()[event]
		c.expect(known, line("mails", string(event)), "mails: %q; expected an event: %s", event, strings.Join(eventNames(), ", "))
		_, ok := c.p.Mails.Mails[id]
		c.expect(ok, line("mails", string(event)), "mails: %s names %q, which mails.yaml lacks", event, id)
	}
	outcome, ok := c.outcomes[proc.Outcome.Kind]
	if !ok {
		c.wrong.add(proc.Outcome.At, "outcome.kind: %q; expected one of %s", proc.Outcome.Kind, strings.Join(sorted(c.outcomes), ", "))
		return
	}
	c.wrong = append(c.wrong, outcome.Check(c.p, proc)...)
}

func (c *checker) form(proc *Procedure) {
	c.expect(len(proc.Fields()) > 0, c.where(proc.At.File, "steps"), "expected steps with fields")
	seen := map[string]bool{}
	for _, f := range slices.Concat(proc.Fields(), proc.AskLater) {
		c.expect(!seen[f.Key], f.At, "field %q stands twice", f.Key)
		seen[f.Key] = true
		if f.namesBody() {
			seen[f.Key+classFact], seen[f.Key+domainsFact] = true, true
		}
		for _, column := range f.Columns { // a condition on it holds when it holds for a row
			seen[f.Key+"."+column.Key] = true
		}
		c.field(f)
	}
	for _, f := range proc.AskLater {
		c.expect(f.IsFile(), f.At, "ask-later: field %s has the kind %q; expected file: answers are the form's", f.Key, f.Kind)
	}
	if proc.For == ForVisitor {
		for _, role := range []Role{Address, ApplicantName} {
			_, ok := proc.WithRole(role)
			c.expect(ok, proc.At, "expected a field with role %s: a visitor is reached and known by it", role)
		}
	}
	for _, rule := range proc.Checks {
		c.expect(seen[rule.Field], rule.At, "field: %q is not one of this form", rule.Field)
		c.says(rule.At, rule.Says)
		c.condition(proc, rule.At, seen, &rule.When)
	}
	c.expect(proc.OnePer == "" || seen[proc.OnePer], c.where(proc.At.File, "one-per"), "one-per: %q is not a field of this form", proc.OnePer)
	for _, f := range proc.Fields() {
		c.condition(proc, f.At, seen, f.When)
		c.condition(proc, f.At, seen, f.Required)
		c.expect(f.Required == nil || f.Optional, f.At, "field %s: required says when an optional field is mandatory; expected optional: true", f.Key)
		for _, o := range f.Options {
			c.condition(proc, o.At, seen, o.When)
		}
	}
}

func (c *checker) condition(proc *Procedure, at Pos, known map[string]bool, cond *Condition) {
	c.wrong = append(c.wrong, cond.mistakes(proc, at)...)
	for _, key := range cond.fields() {
		c.expect(known[key], at, "the condition asks about %q, which is not a field of this form", key)
	}
	for _, region := range cond.regions() {
		c.expect(slices.Contains(regionNames(), region), at, "region: %q; expected one of %s", region, strings.Join(regionNames(), ", "))
	}
}

// regionNames lists the postal regions that a condition may name.
func regionNames() []string {
	var names []string
	for _, r := range []field.Region{field.Lisboa, field.ValeDoTejo, field.BeiraLitoral, field.DouroMinho, field.TrasOsMontes, field.BeiraInt, field.Alentejo, field.Algarve, field.Madeira, field.Acores} {
		names = append(names, string(r))
	}
	return names
}

// field holds one question against what its kind needs: a list of rules.
//
//nolint:gocognit // one rule after the other
func (c *checker) field(f Field) {
	c.expect(keyForm.MatchString(f.Key), f.At, "key: %q; expected lower-case letters, digits and _", f.Key)
	c.expect(!f.Label.IsZero(), f.At, "field %s: expected label", f.Key)
	if f.Kind != Rows && !f.Kind.Known() {
		c.wrong.add(f.At, "field %s: kind %q; expected one of %s", f.Key, f.Kind, strings.Join(kindNames(), ", "))
	}
	if f.Role != "" && !slices.Contains(Roles(), f.Role) {
		c.wrong.add(f.At, "field %s: role %q; expected one of %s", f.Key, f.Role, strings.Join(roleNames(), ", "))
	}
	choice := f.Kind == field.Choice || f.Kind == field.Choices
	c.expect(choice == (len(f.Options) > 0), f.At, "field %s: options belong to the kinds choice and choices, and to no other", f.Key)
	c.expect((f.Kind == Rows) == (len(f.Columns) > 0), f.At, "field %s: columns belong to the kind rows, and to no other", f.Key)
	for _, column := range f.Columns {
		c.field(column)
		c.expect(column.When == nil && column.Required == nil, column.At, "column %s: when and required belong to the whole question", column.Key)
	}
	offered := map[string]bool{}
	for _, o := range f.Options {
		c.expect(o.Key != "" && !offered[o.Key], o.At, "option %q; expected a key of its own", o.Key)
		offered[o.Key] = true
	}
	if f.From != "" && !slices.Contains(Roles(), Role(f.From)) {
		c.wrong.add(f.At, "field %s: from %q; expected one of %s", f.Key, f.From, strings.Join(roleNames(), ", "))
	}
	c.expect(!f.Locked || f.From != "" || f.Default != "", f.At, "field %s: locked, and nothing fills it; expected from or default", f.Key)
	c.expect(f.Default == "" || len(f.Options) == 0 || offered[f.Default], f.At, "field %s: default %q is none of its options", f.Key, f.Default)
	if f.IsFile() {
		c.expect(len(f.Accepts) > 0 && f.MaxMB > 0 && f.Files > 0, f.At, "field %s: a file needs accepts, max-mb and files", f.Key)
		c.expect(f.MaxMB <= c.p.Rules.CaseMB, f.At, "field %s: max-mb: %d; expected no more than rules.case-mb, which is %d", f.Key, f.MaxMB, c.p.Rules.CaseMB)
		for _, kind := range f.Accepts {
			c.expect(slices.Contains([]string{"pdf", "png", "jpeg"}, kind), f.At, "field %s: accepts %q; expected pdf, png or jpeg", f.Key, kind)
		}
	}
	for _, key := range []string{f.Missing, f.Wrong, f.Doubt, f.Once} {
		if key != "" {
			c.says(f.At, key)
		}
	}
	if f.Minuta != "" {
		ok := slices.ContainsFunc(c.p.Minutas, func(m Page) bool { return m.Slug == f.Minuta })
		c.expect(ok, f.At, "field %s: minuta %q has no minutas/%s.pt.md", f.Key, f.Minuta, f.Minuta)
	}
	if f.Terms != "" {
		_, ok := c.p.Page(f.Terms)
		c.expect(ok, f.At, "field %s: terms %q has no page", f.Key, f.Terms)
	}
	if f.Role == Purposes {
		for _, o := range f.Options {
			_, ok := c.p.Power(o.Key)
			c.expect(ok, o.At, "option %s: purposes are powers, and the portal has no power %q", o.Key, o.Key)
		}
	}
}

func (c *checker) decide(proc *Procedure) {
	d := proc.Decide
	c.expect(d.Approvals >= 1 && d.Approvals <= 9, d.At, "approvals: %d; expected 1 to 9", d.Approvals)
	for _, role := range d.Roles {
		c.expect(slices.Contains(knownRoles(), string(role)), d.At, "roles: %q; expected one of %s", role, strings.Join(knownRoles(), ", "))
	}
	for _, code := range d.Reasons {
		reason, ok := c.p.Reason(code)
		c.expect(ok && reason.For == "refuse", d.At, "reasons: %q is not among the portal's reasons for refuse", code)
	}
	c.expect(!d.ReviewerApart || d.Approvals > 1, d.At, "reviewer-apart: expected approvals of 2 or more: where one person decides, they may review too")
	if d.Parts == "" {
		return
	}
	f, ok := proc.Field(d.Parts)
	c.expect(ok && f.Kind == field.Choices, d.At, "parts: %q; expected a field of the kind choices of this form", d.Parts)
	_, _, told := c.p.mailFor(CaseApprovedInPart, proc)
	c.expect(told, d.At, "parts: expected a mail on %s, by which the applicant is notified of what is left out, and why", CaseApprovedInPart)
}

// defaults fills what a definition leaves out: one approval, by a decider.
func (d *Decide) defaults() {
	if d.Approvals == 0 {
		d.Approvals = 1
	}
	if len(d.Roles) == 0 {
		d.Roles = []actor.Role{actor.Decider}
	}
}

func kindNames() []string {
	names := []string{string(Rows)}
	for _, k := range field.Kinds() {
		names = append(names, string(k))
	}
	return names
}

func roleNames() []string {
	var names []string
	for _, r := range Roles() {
		names = append(names, string(r))
	}
	return names
}
