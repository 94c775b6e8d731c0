package ui

import (
	"context"
	"strings"
)

// Field is what every kind of form field has. Its id is [FieldID] of its name.
type Field struct {
	Name     string // the key it is posted under
	Label    string
	Hint     string
	Error    string // what is wrong and what to do; empty when all is well
	Warning  string // worth a look, and does not stop anybody
	Optional bool   // marked «(facultativo)»; everything else is mandatory
	Links    []Link // where more is said: a declaration form, the text that is agreed to
}

// FieldID is the id of a field's control, or of the first control of a group: where the error summary leads.
func FieldID(name string) string { return "campo-" + name }

func (f Field) id() string        { return FieldID(f.Name) }
func (f Field) hintID() string    { return f.id() + "-ajuda" }
func (f Field) errorID() string   { return f.id() + "-erro" }
func (f Field) warningID() string { return f.id() + "-aviso" }

// describedBy lists the ids of what is said about the field; nothing is listed that is not on the page.
func (f Field) describedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.hintID())
	}
	if f.Warning != "" {
		ids = append(ids, f.warningID())
	}
	if f.Error != "" {
		ids = append(ids, f.errorID())
	}
	return strings.Join(ids, " ")
}

// feedback is the class of the field's wrapper.
func (f Field) feedback() string {
	switch {
	case f.Error != "":
		return "has-feedback feedback-danger"
	case f.Warning != "":
		return "has-feedback feedback-warning"
	default:
		return ""
	}
}

// Kind is what a text input takes: the browser's type, keyboard and completion, with a slash between. It never
// sets a rule, and stays with type text where a browser's own control would change or refuse what was typed.
type Kind string

// The kinds of text input.
const (
	Text   Kind = "text//"
	Email  Kind = "email/email/email"
	Phone  Kind = "tel/tel/tel"
	Web    Kind = "url/url/url"
	Number Kind = "text/numeric/"              // digits that are a name, not a quantity: a NIPC
	Date   Kind = "text/numeric/off"           // a day as dd/mm/aaaa, typed
	Code   Kind = "text/numeric/one-time-code" // a confirmation code
)

// part reads one of the three; the zero Kind is Text.
func (k Kind) part(i int) string { return strings.Split(or(string(k), string(Text)), "/")[i] }

func (k Kind) htmlType() string     { return k.part(0) }
func (k Kind) inputMode() string    { return k.part(1) }
func (k Kind) autocomplete() string { return k.part(2) }

// verbatim says that the browser must not mend what is typed.
func (k Kind) verbatim() bool { return k == Email || k == Web || k == Code }

// Width is how long an answer a field expects.
type Width string

// The widths.
const (
	Full   Width = ""
	Medium Width = "medium"
	Short  Width = "short"
)

func (w Width) class() string {
	if w == Full {
		return ""
	}
	return "width-" + string(w)
}

// Input is a one-line text field.
type Input struct {
	Field
	Value        string
	Kind         Kind
	Autocomplete string // over the kind's own
	InputMode    string // over the kind's own
	Width        Width
	Max          int // characters the browser lets in; 0 for no limit
	ReadOnly     bool
}

func (in Input) hinted(ctx context.Context) Field {
	f := in.Field
	if f.Hint == "" && in.Kind == Date {
		f.Hint = Say(ctx, "ui.date.hint")
	}
	return f
}

// width gives dates and codes theirs where nobody said.
func (in Input) width() string {
	if in.Width == Full && (in.Kind == Date || in.Kind == Code) {
		return Short.class()
	}
	return in.Width.class()
}

// Area is a text field of several lines.
type Area struct {
	Field
	Value string
	Rows  int // 0 for 5
	Max   int
	Mono  bool // for what machines wrote: a CSR
}

func (a Area) rows() int {
	if a.Rows == 0 {
		return 5
	}
	return a.Rows
}

// Password is a field for a secret; its value is never sent back.
type Password struct {
	Field
	New bool // being chosen, not entered: managers offer to make one
}

func (p Password) autocomplete() string {
	if p.New {
		return "new-password"
	}
	return "current-password"
}

// Choice is a question with fixed answers: [Select], [Radios], [Checkboxes].
type Choice struct {
	Field
	Options []Option
	Empty   string // Select only: the words of the empty first answer; "" for «Selecione»
	Inline  bool   // Radios only: side by side, for two short answers
}

// Option is one answer of a [Choice].
type Option struct {
	Value    string
	Text     string
	Hint     string
	Selected bool
	Group    string // Select only: options with the same group stand together
}

// optionID gives the first option the field's own id, so that the error summary leads there.
func (c Choice) optionID(i int) string {
	if i == 0 {
		return c.id()
	}
	return c.id() + "-" + c.Options[i].Value
}

// optionGroup is a run of options with the same Group.
type optionGroup struct {
	name    string
	options []Option
}

func (c Choice) groups() []optionGroup {
	var all []optionGroup
	for _, o := range c.Options {
		if n := len(all); n > 0 && all[n-1].name == o.Group {
			all[n-1].options = append(all[n-1].options, o)
			continue
		}
		all = append(all, optionGroup{name: o.Group, options: []Option{o}})
	}
	return all
}

// Check is a single box to tick. Its label is the sentence that is agreed to.
type Check struct {
	Field
	Value   string // "" for «sim»
	Checked bool
}

// Upload is a field for files, with those that were sent already. A file sent is kept when the form comes back.
type Upload struct {
	Field
	Accept   string // as the input's accept: "application/pdf,image/png"
	Multiple bool
	Files    []Uploaded
	Same     Choice // documents sent for other questions that may serve this one too; none to leave out
}

// Uploaded is a file that the draft holds.
type Uploaded struct {
	Name   string // as the person called it
	Detail string // kind, size, when
	Digest string // SHA-256 in hex; "" to leave out
	Href   string // to look at it; "" for no link
	State  Pill
	Remove Button // its Text is said by the component; zero for what cannot be removed
}

// Form is a form that posts. Everything it does, it does without script.
type Form struct {
	Action   string
	Files    bool   // carries files
	Autosave string // address that takes the form's fields as they are typed; "" for none
	ID       string // so that buttons elsewhere can belong to it; "" for none
	Hidden   []Hidden
}

// enctype is empty for the browser's default.
func (f Form) enctype() string {
	if f.Files {
		return "multipart/form-data"
	}
	return "application/x-www-form-urlencoded"
}

// Hidden is a value that the form carries along.
type Hidden struct{ Name, Value string }

// Look is how much a button stands out. A page has one Primary.
type Look string

// The looks.
const (
	Primary   Look = "solid-primary"
	Secondary Look = "outline-primary"
	Quiet     Look = "outline-neutral"
	Harmful   Look = "solid-danger" // what cannot be undone
	Plain     Look = "link-primary"
)

func (l Look) class() string {
	if l == "" {
		l = Primary
	}
	return "agora-btn agora-btn-" + string(l)
}

// Button submits the form it stands in.
type Button struct {
	Text   string
	Hidden string // said after Text to those who hear the page: which file, which person
	Look   Look
	Name   string // what the form says was pressed; "" for nothing
	Value  string
	Action string // another address than the form's
	Form   string // id of the form it belongs to, if it stands outside
	Icon   Icon
	Wide   bool // over the whole width
}

// IsZero says whether there is no button.
func (b Button) IsZero() bool { return b == Button{} }

// Problem is one line of the error summary.
type Problem struct {
	Field string // name of the field; "" for the form as a whole
	Text  string
	Href  string // where the field is, if on another page
}

func (p Problem) href() string { return or(p.Href, "#"+FieldID(p.Field)) }

// Search is a box to look for something; it gets, and changes nothing.
type Search struct {
	Action string
	Name   string
	Label  string
	Hint   string
	Value  string
	Button string // "" for «Procurar»
	Hidden []Hidden
}
