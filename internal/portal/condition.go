package portal

import (
	"slices"
	"strings"
	"time"

	"chancela/internal/field"
	"chancela/internal/i18n"
)

// Condition is a question about answers that a definition asks. Exactly one of All, Any, Not and Field is set; with
// Field, the tests that are set must all hold.
type Condition struct {
	At    Pos         `yaml:"-"`
	All   []Condition `yaml:"all"`
	Any   []Condition `yaml:"any"`
	Not   *Condition  `yaml:"not"`
	Field string      `yaml:"field"`
	// In holds when an answer is one of these.
	In []string `yaml:"in"`
	// Filled holds when there is an answer; false asks for none.
	Filled *bool `yaml:"filled"`
	// After and Before compare dates (and years) with another field's answer, with "today", or with
	// "end-of:FIELD", the last day of a year; both must be there. "not: {field: a, after: b}" says «not after».
	After  string `yaml:"after"`
	Before string `yaml:"before"`
	// OlderThan holds when the date is more than so many days before today.
	OlderThan int `yaml:"older-than"`
	// AfterDay holds when the date comes after this day (MM-DD) of its own year.
	AfterDay string `yaml:"after-day"`
	// Same holds when the answer is the same as another field's, in whatever spelling.
	Same string `yaml:"same"`
	// Region holds when the postal code lies in one of these, by the names of [field.Region].
	Region []string `yaml:"region"`
	// Less holds when the number is less than this.
	Less *int `yaml:"less"`
	// Outside holds when an address or a domain lies under none of the known domains of the body that this field
	// names; it does not hold where none are known ("field: FIELD.domains, filled: false" asks that).
	Outside string `yaml:"outside"`
	// MadeOf holds when every word of the answer stands in one of these fields' answers.
	MadeOf []string `yaml:"made-of"`
}

// Answers are what was typed or stored, by field key; most fields have one value.
type Answers map[string][]string

// One is the first value of a field, "" if there is none.
func (a Answers) One(key string) string {
	if values := a[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Holds says whether the condition holds for the answers on that day.
func (c *Condition) Holds(a Answers, now time.Time) bool {
	switch {
	case c == nil:
		return true
	case len(c.All) > 0:
		return !slices.ContainsFunc(c.All, func(one Condition) bool { return !one.Holds(a, now) })
	case len(c.Any) > 0:
		return slices.ContainsFunc(c.Any, func(one Condition) bool { return one.Holds(a, now) })
	case c.Not != nil:
		return !c.Not.Holds(a, now)
	}
	return c.tests(a, now)
}

func (c *Condition) tests(a Answers, now time.Time) bool {
	values := a[c.Field]
	if c.Filled != nil && *c.Filled != (len(values) > 0) {
		return false
	}
	if len(c.In) > 0 && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(c.In, v) }) {
		return false
	}
	if c.Same != "" && (len(values) == 0 || field.Fold(values[0]) != field.Fold(a.One(c.Same))) {
		return false
	}
	if region, _ := field.PostalRegion(a.One(c.Field)); len(c.Region) > 0 && !slices.Contains(c.Region, string(region)) {
		return false
	}
	if c.Less != nil && !less(a.One(c.Field), *c.Less) {
		return false
	}
	if _, stray := c.stray(a); c.Outside != "" && !stray {
		return false
	}
	if len(c.MadeOf) > 0 && !madeOf(a.One(c.Field), c.parts(a)) {
		return false
	}
	return c.dates(a, now)
}

// stray finds the address or domain by which the condition, or one within it, holds as one outside a body's own.
func (c *Condition) stray(a Answers) (string, bool) {
	if c == nil {
		return "", false
	}
	if domains := a[c.Outside+domainsFact]; c.Outside != "" && len(domains) > 0 {
		return outside(a[c.Field], domains)
	}
	for _, one := range slices.Concat(c.All, c.Any) {
		if host, ok := one.stray(a); ok {
			return host, true
		}
	}
	return c.Not.stray(a)
}

// parts are the answers of the fields that MadeOf names.
func (c *Condition) parts(a Answers) []string {
	var all []string
	for _, key := range c.MadeOf {
		all = append(all, a[key]...)
	}
	return all
}

func (c *Condition) dates(a Answers, now time.Time) bool {
	if c.After == "" && c.Before == "" && c.OlderThan == 0 && c.AfterDay == "" {
		return true
	}
	day := a.One(c.Field)
	if len(day) != len(time.DateOnly) {
		return false
	}
	if other := moment(c.After, a, now); c.After != "" && (other == "" || day <= other) {
		return false
	}
	if other := moment(c.Before, a, now); c.Before != "" && (other == "" || day >= other) {
		return false
	}
	if c.OlderThan > 0 && day >= now.In(i18n.Lisbon()).AddDate(0, 0, -c.OlderThan).Format(time.DateOnly) {
		return false
	}
	return c.AfterDay == "" || day[5:] > c.AfterDay
}

// moment gives the day that a comparison names, as 2006-01-02.
func moment(name string, a Answers, now time.Time) string {
	if name == "today" {
		return now.In(i18n.Lisbon()).Format(time.DateOnly)
	}
	if year, ok := strings.CutPrefix(name, "end-of:"); ok {
		if y := a.One(year); len(y) == 4 {
			return y + "-12-31"
		}
		return ""
	}
	if day := a.One(name); len(day) == len(time.DateOnly) {
		return day
	}
	return ""
}

func less(typed string, than int) bool {
	n := 0
	for _, r := range typed {
		if r < '0' || r > '9' || n > 1<<40 {
			return false
		}
		n = n*10 + int(r-'0')
	}
	return typed != "" && n < than
}

// fields lists every field that the condition asks about, for the check of definitions.
func (c *Condition) fields() []string {
	if c == nil {
		return nil
	}
	var all []string
	for _, one := range slices.Concat(c.All, c.Any) {
		all = append(all, one.fields()...)
	}
	all = append(all, c.Not.fields()...)
	for _, name := range slices.Concat([]string{c.Field, c.Same, c.After, c.Before, c.Outside}, c.MadeOf) {
		name = strings.TrimPrefix(name, "end-of:")
		if name != "" && name != "today" {
			all = append(all, name)
		}
	}
	return all
}

// mistakes tells what is wrong with the shape of the condition: it must ask one thing, of a field's own answers.
func (c *Condition) mistakes(proc *Procedure, at Pos) (wrong Mistakes) {
	if c == nil {
		return nil
	}
	if c.At.Line > 0 {
		at = c.At
	}
	ways := 0
	for _, way := range []bool{len(c.All) > 0, len(c.Any) > 0, c.Not != nil, c.Field != ""} {
		if way {
			ways++
		}
	}
	switch {
	case ways != 1:
		wrong.add(at, "a condition asks one thing; expected exactly one of all, any, not, field")
	case c.Field == "" && c.asks():
		wrong.add(at, "a test stands without the field that it is about")
	case c.Field != "" && !c.asks():
		wrong.add(at, "the condition on %q asks nothing; expected one of in, filled, after, before, older-than, after-day, same, region, less, outside, made-of", c.Field)
	}
	if _, err := time.Parse("01-02", c.AfterDay); c.AfterDay != "" && err != nil {
		wrong.add(at, "after-day: %q; expected month and day as 03-31", c.AfterDay)
	}
	if options, ok := proc.options(c.Field); ok {
		for _, answer := range c.In {
			if !slices.Contains(options, answer) {
				wrong.add(at, "in: %q is no option of %q; expected one of %s", answer, c.Field, strings.Join(options, ", "))
			}
		}
	}
	for _, one := range slices.Concat(c.All, c.Any) {
		wrong = append(wrong, one.mistakes(proc, at)...)
	}
	return append(wrong, c.Not.mistakes(proc, at)...)
}

// asks says whether a test is set.
func (c *Condition) asks() bool {
	return len(c.In) > 0 || c.Filled != nil || c.After != "" || c.Before != "" || c.OlderThan != 0 || c.AfterDay != "" || c.Same != "" || len(c.Region) > 0 || c.Less != nil || c.Outside != "" || len(c.MadeOf) > 0
}

// options are the answers that a field or column with options can have; false if it has none.
func (p *Procedure) options(key string) (keys []string, ok bool) {
	name, column, inRow := strings.Cut(key, ".")
	f, _ := p.Field(name)
	if f.namesBody() && "."+column == classFact {
		return []string{Eligible, Conditional, NotEligible}, true
	}
	if inRow {
		at := slices.IndexFunc(f.Columns, func(one Field) bool { return one.Key == column })
		if at < 0 {
			return nil, false
		}
		f = f.Columns[at]
	}
	for _, o := range f.Options {
		keys = append(keys, o.Key)
	}
	return keys, len(keys) > 0
}

// regions lists every postal region that the condition names.
func (c *Condition) regions() []string {
	if c == nil {
		return nil
	}
	all := slices.Clone(c.Region)
	for _, one := range slices.Concat(c.All, c.Any) {
		all = append(all, one.regions()...)
	}
	return append(all, c.Not.regions()...)
}
