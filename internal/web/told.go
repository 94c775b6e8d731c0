package web

import (
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/web/ui"
)

// told is what is wrong with a form that is no procedure's, in words, by the name of the field on the page.
type told struct {
	summary []ui.Problem
	errors  map[string]string
}

// tell puts problems in words. names gives a field of the page for what a room calls it; what it does not name is said
// of the form as a whole.
func (v *visit) tell(problems []fault.Field, names map[string]string) told {
	t := told{errors: map[string]string{}}
	for _, p := range problems {
		text, name := i18n.Fill(v.say(p.Key), p.Args), names[p.Name]
		if _, said := t.errors[name]; said {
			continue
		}
		t.errors[name] = text
		t.summary = append(t.summary, ui.Problem{Field: name, Text: text})
	}
	return t
}

// field is a field with what is wrong with it; the summary then says which field it is.
func (t told) field(name, label, hint string) ui.Field {
	for i, p := range t.summary {
		if p.Field == name && p.Text == t.errors[name] {
			t.summary[i].Text = label + ": " + p.Text
		}
	}
	return ui.Field{Name: name, Label: label, Hint: hint, Error: t.errors[name]}
}
