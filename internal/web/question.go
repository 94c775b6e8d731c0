package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/casefile"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// asking shows the questions of a form with what was typed, and what is wrong with it.
type asking struct {
	v        *visit
	view     casefile.View
	answers  portal.Answers
	problems map[string]string // by name of the field
	warnings map[string]string
	searches map[string]string // what was searched for, by field
	rows     int               // how many rows a question of rows shows at least
	whole    bool              // shows codes that open a public register whole: whoever reviews has to look there
}

func (v *visit) asking(view casefile.View) *asking {
	return &asking{v: v, view: view, answers: view.Answers, problems: map[string]string{}, warnings: map[string]string{}, searches: map[string]string{}, rows: 3}
}

// blame puts what is wrong beside the fields, and lists it for the summary.
func (a *asking) blame(problems []fault.Field) []ui.Problem {
	var all []ui.Problem
	for _, p := range problems {
		text := i18n.Fill(a.v.say(p.Key), p.Args)
		if _, told := a.problems[p.Name]; !told {
			a.problems[p.Name] = text
		}
		label := text
		if f, ok := a.view.Procedure.Field(strings.SplitN(p.Name, ".", 2)[0]); ok {
			label = a.v.text(f.Label) + ": " + text
		}
		all = append(all, ui.Problem{Field: a.place(p.Name), Text: label})
	}
	return all
}

// place is where on the page a field is answered: a body that is not among what was found is searched for first.
func (a *asking) place(name string) string {
	f, ok := a.view.Procedure.Field(name)
	if ok && f.Kind == field.Body && len(a.v.bodies(a.searches[name], a.answers.One(name))) == 0 {
		return search(name)
	}
	return name
}

func (a *asking) warn(warnings []fault.Field) {
	for _, w := range warnings {
		a.warnings[w.Name] = i18n.Fill(a.v.say(w.Key), w.Args)
	}
}

// questions are the components of the fields that are asked for these answers.
func (a *asking) questions(fields []portal.Field) []templ.Component {
	var all []templ.Component
	for _, f := range fields {
		all = append(all, a.question(f))
	}
	return all
}

func (a *asking) base(f portal.Field, name string) ui.Field {
	return ui.Field{
		Name: name, Label: a.v.text(f.Label), Hint: a.v.text(f.Hint), Error: a.problems[name], Warning: a.warnings[name],
		Optional: !f.Mandatory(a.answers, a.v.s.now()) && f.Kind != field.Tick,
	}
}

func (a *asking) question(f portal.Field) templ.Component {
	if f.Locked { // known, and not asked: a form that brings it is refused
		return ui.Facts([]ui.Fact{{Label: a.v.text(f.Label), Text: a.shown(f)}})
	}
	switch f.Kind {
	case field.File:
		return ui.FileInput(a.upload(f))
	case field.Body:
		return a.body(f)
	case portal.Rows:
		return a.table(f)
	case field.Choice, field.Country:
		if f.Radio {
			return ui.Radios(a.choice(f))
		}
		return ui.Select(a.choice(f))
	case field.Choices:
		return ui.Checkboxes(a.choice(f))
	case field.Tick:
		return ui.Checkbox(ui.Check{Field: a.ticked(f), Value: "true", Checked: a.answers.One(f.Key) == "true"})
	}
	return a.written(f, f.Key, strings.Join(a.answers[f.Key], "\n"))
}

// ticked gives a declaration the link to the text that it accepts.
func (a *asking) ticked(f portal.Field) ui.Field {
	base := a.base(f, f.Key)
	if f.Terms != "" {
		base.Links = []ui.Link{{Text: a.v.say("web.terms"), Href: a.v.at(f.Terms)}}
	}
	return base
}

// written is a question answered by typing.
func (a *asking) written(f portal.Field, name, value string) templ.Component {
	base := a.base(f, name)
	switch f.Kind {
	case field.CSR:
		return ui.Blocks([]templ.Component{ui.TextArea(ui.Area{Field: base, Value: value, Rows: rowsOf(f.Kind), Mono: true}), ui.KeyMaker(base)})
	case field.Area, field.Domains:
		return ui.TextArea(ui.Area{Field: base, Value: value, Rows: rowsOf(f.Kind)})
	}
	in := ui.Input{Field: base, Value: value, Kind: inputKinds[f.Kind], Autocomplete: autocompletes[f.Role], Width: widthOf(f)}
	if f.Kind == field.Date {
		in.Value = dayAsTyped(value)
	}
	return ui.TextInput(in)
}

func rowsOf(kind field.Kind) int {
	if kind == field.CSR {
		return 10
	}
	return 5
}

var inputKinds = map[field.Kind]ui.Kind{
	field.Email: ui.Email, field.Phone: ui.Phone, field.Mobile: ui.Phone, field.URL: ui.Web, field.Date: ui.Date,
	field.NIPC: ui.Number, field.NIF: ui.Number, field.Certidao: ui.Number, field.Year: ui.Number, field.Integer: ui.Number, field.CAE: ui.Number,
}

// autocompletes let the browser fill in what it knows of its owner (WCAG 2.2, 1.3.5). Addresses and telephones have
// theirs from the kind of input.
var autocompletes = map[portal.Role]string{
	portal.ApplicantName: "name", portal.BodyName: "organization",
	portal.GivenNames: "given-name", portal.Surnames: "family-name", portal.Position: "organization-title", portal.Locality: "address-level2",
}

func widthOf(f portal.Field) ui.Width {
	switch f.Kind {
	case field.NIPC, field.NIF, field.Postal, field.Year, field.Integer, field.CAE, field.Money, field.Date:
		return ui.Short
	case field.Phone, field.Mobile, field.Certidao, field.Civil, field.Document:
		return ui.Medium
	}
	return ui.Full
}

// dayAsTyped shows a stored day as people type it; what was typed otherwise stays.
func dayAsTyped(value string) string {
	if len(value) == 10 && value[4] == '-' {
		return value[8:] + "/" + value[5:7] + "/" + value[:4]
	}
	return value
}

func (a *asking) choice(f portal.Field) ui.Choice {
	c := ui.Choice{Field: a.base(f, f.Key)}
	if f.Kind == field.Country {
		for _, code := range field.Countries() {
			c.Options = append(c.Options, ui.Option{Value: code, Text: field.Show(field.Country, a.v.lang, code), Selected: a.answers.One(f.Key) == code})
		}
		return c
	}
	for _, o := range f.Choices(a.answers, a.v.s.now()) {
		selected := false
		for _, value := range a.answers[f.Key] {
			selected = selected || value == o.Key
		}
		c.Options = append(c.Options, ui.Option{Value: o.Key, Text: a.v.text(o.Label), Hint: a.v.text(o.Hint), Selected: selected})
	}
	return c
}

// upload is a question answered by documents, with those that are there already.
func (a *asking) upload(f portal.Field) ui.Upload {
	u := ui.Upload{Field: a.base(f, f.Key), Multiple: f.Files > 1}
	var accept, kinds []string
	for _, kind := range f.Accepts {
		accept = append(accept, evidence.Kind(kind).MediaType())
		kinds = append(kinds, strings.ToUpper(kind))
	}
	u.Accept = strings.Join(accept, ",")
	limits := a.v.say("web.file-limits", "kinds", strings.Join(kinds, ", "), "max", strconv.Itoa(f.MaxMB), "whole", strconv.Itoa(a.v.portal.Rules.CaseMB))
	u.Hint = strings.TrimSpace(u.Hint + " " + limits)
	if f.Minuta != "" && a.view.ID != "" {
		u.Links = []ui.Link{{Text: a.v.say("web.minuta"), Href: a.v.at("processos", string(a.view.ID), "minutas", f.Minuta)}}
	}
	for _, doc := range a.view.Documents {
		if doc.Slot == f.Key {
			u.Files = append(u.Files, a.uploaded(doc))
		}
	}
	u.Same = a.others(f)
	return u
}

// others are the documents of the case that answer other questions and not yet this one: one may serve several.
func (a *asking) others(f portal.Field) ui.Choice {
	c := ui.Choice{Field: ui.Field{Name: same(f.Key), Label: a.v.say("web.same-file"), Optional: true}, Empty: a.v.say("web.same-file.none")}
	seen := map[string]bool{}
	for _, doc := range a.view.Documents {
		seen[doc.Digest] = seen[doc.Digest] || doc.Slot == f.Key
	}
	for _, doc := range a.view.Documents {
		if seen[doc.Digest] || !slices.Contains(f.Accepts, string(doc.Kind)) {
			continue
		}
		seen[doc.Digest] = true
		text := doc.FileName()
		if of, ok := a.view.Procedure.Field(doc.Slot); ok {
			text += " (" + a.v.text(of.Label) + ")"
		}
		c.Options = append(c.Options, ui.Option{Value: string(doc.ID), Text: text})
	}
	return c
}

func (a *asking) uploaded(doc evidence.Doc) ui.Uploaded {
	return ui.Uploaded{
		Name: doc.FileName(), Detail: strings.ToUpper(string(doc.Kind)) + ", " + size(a.v.lang, doc.Size), Digest: doc.Digest,
		Href:   a.v.at("processos", string(a.view.ID), "documentos", string(doc.ID)),
		Remove: ui.Button{Name: doName, Value: "retirar", Action: a.v.at("processos", string(a.view.ID), "retirar", string(doc.ID)), Look: ui.Quiet},
	}
}

// size writes a number of bytes as people read it.
func size(lang i18n.Lang, n int64) string {
	if n < 1<<20 {
		return strconv.FormatInt((n+1023)>>10, 10) + " KB"
	}
	text := strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64)
	if lang == i18n.PT {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text + " MB"
}

// search is the name under which a search in the register is sent; it is not an answer.
func search(key string) string { return key + ".procura" }

// body is a question answered by a body of the register: a search, and what it found as radio buttons.
func (a *asking) body(f portal.Field) templ.Component {
	found := ui.Choice{Field: a.base(f, f.Key)}
	chosen := a.answers.One(f.Key)
	words := a.searches[f.Key]
	for _, b := range a.v.bodies(words, chosen) {
		found.Options = append(found.Options, ui.Option{Value: b.NIPC, Text: b.Name, Hint: strings.TrimSpace(b.Acronym + " " + b.NIPC), Selected: b.NIPC == chosen})
	}
	box := ui.Input{Field: ui.Field{Name: search(f.Key), Label: a.v.say("web.search-body"), Hint: a.v.say("web.search-body.hint"), Optional: false}, Value: words}
	if len(found.Options) == 0 {
		box.Field.Name, box.Field.Label, box.Field.Error = search(f.Key), a.v.text(f.Label), a.problems[f.Key]
		if words != "" {
			box.Field.Warning = a.v.say("web.search-body.none")
		}
	}
	return bodyQuestion(bodySearch{Box: box, Found: found, Button: ui.Button{Text: a.v.say("web.search"), Name: doName, Value: "procurar:" + f.Key, Look: ui.Secondary}})
}

type bodySearch struct {
	Box    ui.Input
	Found  ui.Choice
	Button ui.Button
}

// table is a question of several rows, each a fieldset of its own.
func (a *asking) table(f portal.Field) templ.Component {
	filled := 0
	for _, column := range f.Columns {
		filled = max(filled, len(a.answers[f.Key+"."+column.Key]))
	}
	t := rowsQuestion{Legend: a.v.text(f.Label), Hint: a.v.text(f.Hint), Error: a.problems[f.Key], ID: ui.FieldID(f.Key)}
	for i := range max(filled, a.rows) {
		row := rowOf{Legend: a.v.say("web.row", "n", strconv.Itoa(i+1))}
		for _, column := range f.Columns {
			row.Cells = append(row.Cells, a.cell(f, column, i))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Add = ui.Button{Text: a.v.say("web.add-row"), Name: doName, Value: "linha:" + f.Key, Look: ui.Quiet}
	return rowsView(t)
}

type rowsQuestion struct {
	ID, Legend, Hint, Error string
	Rows                    []rowOf
	Add                     ui.Button
}

type rowOf struct {
	Legend string
	Cells  []templ.Component
}

// cell is one answer of a row. All rows post under one name, in order; the id tells them apart.
func (a *asking) cell(f, column portal.Field, i int) templ.Component {
	name := f.Key + "." + column.Key
	value := ""
	if values := a.answers[name]; i < len(values) {
		value = values[i]
	}
	at := name + "." + strconv.Itoa(i)
	if column.Kind == field.Choice {
		c := ui.Choice{Field: a.base(column, at)}
		for _, o := range column.Options {
			c.Options = append(c.Options, ui.Option{Value: o.Key, Text: a.v.text(o.Label), Selected: o.Key == value})
		}
		return ui.Select(c)
	}
	column.Role = ""
	return a.written(column, at, value)
}
