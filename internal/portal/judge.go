package portal

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
)

// Judgement is what a form's rules say of its answers.
type Judgement struct {
	Clean    Answers       // in the form in which they are stored; only of fields that are asked
	Problems []fault.Field // in the form's order; with any, the form cannot be sent
	Warnings []fault.Field // told, but stop nobody
}

// Asked lists the fields of a step that are asked for these answers.
func (s Step) Asked(a Answers, now time.Time) []Field {
	return slices.DeleteFunc(slices.Clone(s.Fields), func(f Field) bool { return !f.When.Holds(a, now) })
}

// Choices are the options that are offered for these answers.
func (f Field) Choices(a Answers, now time.Time) []Option {
	return slices.DeleteFunc(slices.Clone(f.Options), func(o Option) bool { return !o.When.Holds(a, now) })
}

// Mandatory says whether the field must be answered, given the other answers.
func (f Field) Mandatory(a Answers, now time.Time) bool {
	return !f.Optional || f.Required != nil && f.Required.Holds(a, now)
}

// Judge judges every answer of the form, all problems at once. Files are judged by their count only: what they
// hold was judged when they were added. Answers of fields that the form does not have, or does not ask for here, are
// left out of what is clean (mass assignment); whoever takes a form from outside asks [Procedure.Known] first.
func (p *Procedure) Judge(typed Answers, now time.Time) Judgement {
	return p.judge(p.Steps, typed, typed, now)
}

// JudgeStep judges the answers of one step, with the answers of the others beside them.
func (p *Procedure) JudgeStep(step int, typed Answers, now time.Time) Judgement {
	return p.judge(p.Steps[step:step+1], typed, typed, now)
}

func (p *Procedure) judge(steps []Step, typed, all Answers, now time.Time) Judgement {
	j := Judgement{Clean: Answers{}}
	beside := maps.Clone(all)
	if beside == nil {
		beside = Answers{}
	}
	p.facts(beside)
	for _, step := range steps {
		for _, f := range step.Fields {
			if !f.When.Holds(beside, now) {
				f.forget(beside)
				p.facts(beside)
				continue
			}
			j.field(f, typed, beside, now)
			if nipc := beside.One(f.Key); f.Kind == field.Body && nipc != "" && !p.listed(nipc) {
				j.tell(fault.Field{Name: f.Key, Key: firstOf(f.Wrong, "E-ENT-01")}, false)
			}
			p.facts(beside)
		}
	}
	inSteps := func(key string) bool {
		return slices.ContainsFunc(steps, func(s Step) bool { return s.has(key) })
	}
	for _, check := range p.Checks {
		if inSteps(check.Field) && !j.blames(check.Field) && check.When.Holds(beside, now) {
			j.tell(fault.Field{Name: check.Field, Key: check.Says, Args: argsOf(check, beside)}, check.Warning)
		}
	}
	return j
}

// forget takes a field's answers away, those of its columns too: what is not asked decides nothing.
func (f Field) forget(a Answers) {
	delete(a, f.Key)
	for _, column := range f.Columns {
		delete(a, f.Key+"."+column.Key)
	}
}

func (s Step) has(key string) bool {
	return slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Key == key })
}

func (j *Judgement) blames(key string) bool {
	return slices.ContainsFunc(j.Problems, func(f fault.Field) bool { return f.Name == key })
}

func (j *Judgement) tell(f fault.Field, warning bool) {
	if warning {
		j.Warnings = append(j.Warnings, f)
		return
	}
	j.Problems = append(j.Problems, f)
}

// field judges one answer and puts its clean form beside the others, so that later conditions see it.
func (j *Judgement) field(f Field, typed, beside Answers, now time.Time) {
	if f.Kind == Rows {
		j.rows(f, typed, beside, now)
		return
	}
	rule := f.Rule()
	rule.Optional = !f.Mandatory(beside, now)
	if len(f.Options) > 0 {
		rule.Options = nil
		for _, o := range f.Choices(beside, now) {
			rule.Options = append(rule.Options, o.Key)
		}
	}
	if f.IsFile() {
		rule.Max, rule.Missing = 0, firstOf(f.Missing, "E-FIC-01") // «Junte o documento obrigatório: {documento}.»
	}
	clean, found := field.Check(rule, typed[f.Key], now)
	for _, one := range found {
		args := one.Args
		if f.IsFile() {
			args = fault.Args{"documento": f.DocumentName(i18n.PT)}
		}
		j.tell(fault.Field{Name: f.Key, Key: one.Key, Args: args}, one.Warning)
	}
	delete(beside, f.Key)
	if len(clean) > 0 {
		j.Clean[f.Key], beside[f.Key] = clean, clean
	}
}

// rows judges a question of several rows; rows in which nothing was typed are left out.
func (j *Judgement) rows(f Field, typed, beside Answers, now time.Time) {
	filled := f.FilledRows(typed)
	f.forget(beside)
	if len(filled) == 0 && f.Mandatory(beside, now) {
		j.tell(fault.Field{Name: f.Key, Key: firstOf(f.Missing, "E-GER-01")}, false)
	}
	for at, row := range filled {
		for _, column := range f.Columns {
			key := f.Key + "." + column.Key
			value := valueAt(typed[key], row)
			clean, found := field.Check(column.Rule(), []string{value}, now)
			for _, one := range found {
				j.tell(fault.Field{Name: key + "." + strconv.Itoa(at), Key: one.Key, Args: one.Args}, one.Warning)
			}
			answer := strings.Join(clean, "")
			if column.Once != "" && answer != "" && slices.ContainsFunc(j.Clean[key], alike(answer)) {
				j.tell(fault.Field{Name: key + "." + strconv.Itoa(at), Key: column.Once, Args: fault.Args{"pessoa": answer, "value": answer}}, false)
			}
			j.Clean[key] = append(j.Clean[key], answer)
			beside[key] = j.Clean[key]
		}
	}
}

// alike compares with an answer, in whatever spelling.
func alike(answer string) func(string) bool {
	return func(other string) bool { return field.Fold(other) == field.Fold(answer) }
}

// FilledRows gives the indexes of the rows in which anything was typed.
func (f Field) FilledRows(typed Answers) []int {
	most := 0
	for _, column := range f.Columns {
		most = max(most, len(typed[f.Key+"."+column.Key]))
	}
	var filled []int
	for row := range min(most, 200) {
		for _, column := range f.Columns {
			if strings.TrimSpace(valueAt(typed[f.Key+"."+column.Key], row)) != "" {
				filled = append(filled, row)
				break
			}
		}
	}
	return filled
}

func valueAt(values []string, i int) string {
	if i < len(values) {
		return values[i]
	}
	return ""
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// DocumentName is how messages call the document of a file field.
func (f Field) DocumentName(lang i18n.Lang) string {
	if !f.Document.IsZero() {
		return f.Document.In(lang)
	}
	return f.Label.In(lang)
}

// argsOf gives a check's message the values that it may want: the answer itself, and the one compared with.
func argsOf(c Check, a Answers) fault.Args {
	value := a.One(c.Field)
	if day, err := time.ParseInLocation(time.DateOnly, value, i18n.Lisbon()); err == nil {
		value = i18n.Date(i18n.PT, day)
	}
	args := fault.Args{"data": value, "ano": value, "value": value}
	if host, ok := c.When.stray(a); ok {
		args["domínio"] = host
	} else if all := a[c.Field]; len(all) > 0 {
		args["domínio"] = all[0]
	}
	return args
}

// Known says whether a key may stand in a form's answers: it is a field's, or a column's.
func (p *Procedure) Known(key string) bool {
	for f := range p.each() {
		if f.Key == key {
			return true
		}
		for _, column := range f.Columns {
			if f.Key+"."+column.Key == key {
				return true
			}
		}
	}
	return false
}
