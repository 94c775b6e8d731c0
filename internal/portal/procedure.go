package portal

import (
	"iter"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/field"
)

// Role tells the engine what a field of a form is for, whatever the portal calls it.
type Role string

// The roles of fields. They are Go's own words and may read like a field's key.
const (
	ApplicantName Role = "applicant-name" // the person's full name
	Address       Role = "address"        // the e-mail address to prove; the user name of the account
	Telephone     Role = "telephone"      // where the person is called
	MobilePhone   Role = "mobile"         // where codes by SMS may go
	Language      Role = "language"       // of messages: pt-PT or en
	CivilNumber   Role = "civil-number"   // tells persons apart; never shown
	BodyPick      Role = "body"           // a body picked from the register: its NIPC
	BodyName      Role = "body-name"
	BodyNumber    Role = "body-number" // NIPC
	BodyKind      Role = "body-kind"
	Position      Role = "position"
	Unit          Role = "unit"
	Since         Role = "since"    // the office began
	Until         Role = "until"    // the office ends: caps powers and certificates
	Purposes      Role = "purposes" // the powers asked for: option keys are keys of powers
	Reason4Asking Role = "motive"
	Consent       Role = "consent"     // to be notified by e-mail (CPA 112.º)
	KeyRequest    Role = "key-request" // PKCS#10
	DNSNames      Role = "dns-names"
	GivenNames    Role = "given-names"
	Surnames      Role = "surnames"
	ShownName     Role = "shown-name" // common name
	Locality      Role = "locality"
	TechnicalMail Role = "technical-mail"
	Exercise      Role = "exercise" // the year that the case is about
	HowMany       Role = "how-many" // how many certificates one approval is for

	Keeper           Role = "keeper"            // address of whoever is in charge of a seal
	KeeperSubstitute Role = "keeper-substitute" // of whoever stands in for them
)

// Roles lists every role, for the check of definitions.
func Roles() []Role {
	return []Role{
		ApplicantName, Address, Telephone, MobilePhone, Language, CivilNumber, BodyPick, BodyName, BodyNumber, BodyKind, Position, Unit,
		Since, Until, Purposes, Reason4Asking, Consent, KeyRequest, DNSNames, GivenNames, Surnames, ShownName, Locality, TechnicalMail, Exercise, HowMany,
		Keeper, KeeperSubstitute,
	}
}

// Procedure is something that can be asked of a portal.
type Procedure struct {
	At      Pos    `yaml:"-"`
	Portal  string `yaml:"-"`
	Version string `yaml:"-"` // digest of the file: cases keep the version they were filed under
	Source  []byte `yaml:"-"` // the file
	Key     string `yaml:"key"`
	Title   Text   `yaml:"title"`
	// Name is the word for one such asking, used within sentences: «pedido de acesso».
	Name  Text `yaml:"name"`
	Intro Text `yaml:"intro"` // Markdown above the form
	// Page is the slug of an information page that leads to the form; empty for none.
	Page string `yaml:"page"`
	// For says who may file: visitor or person (signed in, with a power that opens this procedure).
	For    string `yaml:"for"`
	Submit Button `yaml:"submit"`
	Cancel Button `yaml:"cancel"`
	// Receipt is the text of the page after filing; After are the steps that follow (PASSO 1…3).
	Receipt      Text    `yaml:"receipt"`
	ReceiptTitle Text    `yaml:"receipt-title"`
	After        []Text  `yaml:"after"`
	AfterNote    Text    `yaml:"after-note"`
	Steps        []Step  `yaml:"steps"`
	Checks       []Check `yaml:"checks"`
	// OnePer refuses a second live case for the same body and value of this field (such as the year).
	OnePer string `yaml:"one-per"`
	// AskLater are documents that an officer may ask for though the form has none for them.
	AskLater []Field     `yaml:"ask-later"`
	Decide   Decide      `yaml:"decide"`
	Outcome  OutcomeSpec `yaml:"outcome"`
	// Mails replace the portal's mail for an event in this procedure: event → mail id.
	Mails map[Event]string `yaml:"mails"`

	register map[string]Registered // see Portal.Bind
}

// Button is a label and the note under it.
type Button struct {
	Label Text `yaml:"label"`
	Note  Text `yaml:"note"`
}

// Step is one page of the form.
type Step struct {
	At     Pos     `yaml:"-"`
	Title  Text    `yaml:"title"`
	Hint   Text    `yaml:"hint"`
	Fields []Field `yaml:"fields"`
}

// Field is one question.
type Field struct {
	At       Pos        `yaml:"-"`
	Key      string     `yaml:"key"`
	Label    Text       `yaml:"label"`
	Hint     Text       `yaml:"hint"`
	Kind     field.Kind `yaml:"kind"`
	Role     Role       `yaml:"role"`
	Optional bool       `yaml:"optional"`
	Min      int        `yaml:"min"`
	Max      int        `yaml:"max"`
	// FirstDigits are the digits that a NIPC may begin with in this portal.
	FirstDigits []string `yaml:"first-digits"`
	Hosts       []string `yaml:"hosts"`
	Past        bool     `yaml:"past"`       // a date not after today
	Future      bool     `yaml:"future"`     // a date not before today
	NotBefore   string   `yaml:"not-before"` // the first day admitted, 2006-01-02
	FarYears    int      `yaml:"far-years"`  // more years ahead are doubted (A-DAT-07)
	Over        bool     `yaml:"over"`       // only a year that has ended
	Wildcards   bool     `yaml:"wildcards"`
	MinLetters  int      `yaml:"min-letters"`
	MinChosen   int      `yaml:"min-chosen"`
	// Expect are words of which a text should hold one; Doubt is the warning told otherwise, or below DoubtBelow.
	Expect     []string `yaml:"expect"`
	Doubt      string   `yaml:"doubt"`
	DoubtBelow int      `yaml:"doubt-below"`
	Radio      bool     `yaml:"radio"` // show a choice as radio buttons
	Default    string   `yaml:"default"`
	Options    []Option `yaml:"options"`
	// When says when the question is asked at all; always if absent.
	When *Condition `yaml:"when"`
	// Required makes an optional field mandatory under a condition.
	Required *Condition `yaml:"required"`
	// Missing and Wrong replace the kind's message keys: where there is no answer, and where it breaks the rule.
	Missing string `yaml:"missing"`
	Wrong   string `yaml:"wrong"`
	// Columns make a question of several rows (kind rows): each row has one answer to every column.
	Columns []Field `yaml:"columns"`
	// Once, on a column, is the message told where two rows have the same answer to it, in whatever spelling.
	Once string `yaml:"once"`
	// Files: kinds (pdf, png, jpeg), megabytes each, and how many.
	Accepts []string `yaml:"accepts"`
	MaxMB   int      `yaml:"max-mb"`
	Files   int      `yaml:"files"`
	// Minuta is the code of the declaration form that the portal offers for this document.
	Minuta string `yaml:"minuta"`
	// Document is the name used within messages: «Junte o documento obrigatório: {documento}.»; the label if empty.
	Document Text `yaml:"document"`
	// Terms is the slug of the page whose text the tick accepts; its digest is kept with the case.
	Terms string `yaml:"terms"`
	// From pre-fills the answer for a signed-in person: a role of what is known of them.
	From string `yaml:"from"`
	// Locked shows the pre-filled answer without letting it be changed.
	Locked bool `yaml:"locked"`
}

// Option is one answer of a list.
type Option struct {
	At    Pos        `yaml:"-"`
	Key   string     `yaml:"key"`
	Label Text       `yaml:"label"`
	Hint  Text       `yaml:"hint"`
	When  *Condition `yaml:"when"`
}

// Check is a rule over several answers: it speaks when its condition holds.
type Check struct {
	At      Pos       `yaml:"-"`
	Field   string    `yaml:"field"` // beside which field it speaks
	Says    string    `yaml:"says"`  // message key
	Warning bool      `yaml:"warning"`
	When    Condition `yaml:"when"`
}

// Decide says who decides, and how many.
type Decide struct {
	At        Pos          `yaml:"-"`
	Approvals int          `yaml:"approvals"` // different persons; 1 by default
	Roles     []actor.Role `yaml:"roles"`     // decider by default
	Reasons   []string     `yaml:"reasons"`   // codes that may ground a refusal
	// Parts is a field of kind choices: each choice is granted, or left out with its reasons, by itself.
	Parts string `yaml:"parts"`
	// ReviewerApart keeps whoever reviewed from being one of several who approve.
	ReviewerApart bool `yaml:"reviewer-apart"`
	// Identity asks an officer to record how the subject's identity was proven before anything is issued.
	Identity bool `yaml:"identity"`
}

// OutcomeSpec names what an approval makes, with the parameters of the room that makes it.
type OutcomeSpec struct {
	At     Pos    `yaml:"-"`
	Kind   string `yaml:"kind"` // account, certificate, credential, record
	Params Params `yaml:"with"`
}

// Fields lists the fields of all steps in order.
func (p *Procedure) Fields() []Field {
	var all []Field
	for _, s := range p.Steps {
		all = append(all, s.Fields...)
	}
	return all
}

// each goes through the fields where they stand: a field is large, and one is looked for at every turn.
func (p *Procedure) each() iter.Seq[*Field] {
	return func(yield func(*Field) bool) {
		for i := range p.Steps {
			for j := range p.Steps[i].Fields {
				if !yield(&p.Steps[i].Fields[j]) {
					return
				}
			}
		}
	}
}

// Field finds a field by its key, among those asked later too.
func (p *Procedure) Field(key string) (Field, bool) {
	for f := range p.each() {
		if f.Key == key {
			return *f, true
		}
	}
	for i := range p.AskLater {
		if p.AskLater[i].Key == key {
			return p.AskLater[i], true
		}
	}
	return Field{}, false
}

// WithRole finds the first field of a role.
func (p *Procedure) WithRole(role Role) (Field, bool) {
	for f := range p.each() {
		if f.Role == role {
			return *f, true
		}
	}
	return Field{}, false
}

// Rows is the kind of a question with several rows of columns. The answers of a column stand under
// the keys "question.column", one value a row.
const Rows field.Kind = "rows"

// IsFile says whether the field carries documents.
func (f Field) IsFile() bool { return f.Kind == field.File }

// Rule is what package field judges an answer by.
func (f Field) Rule() field.Rule {
	options := make([]string, len(f.Options))
	for i, o := range f.Options {
		options[i] = o.Key
	}
	return field.Rule{
		Kind: f.Kind, Optional: f.Optional, Min: f.Min, Max: f.Max, MinLetters: f.MinLetters, MinChosen: f.MinChosen,
		FirstDigits: strings.Join(f.FirstDigits, ""), Options: options, Hosts: f.Hosts, Wildcards: f.Wildcards,
		NotAfterToday: f.Past, NotBeforeToday: f.Future, NotBefore: f.NotBefore, FarYears: f.FarYears, Over: f.Over,
		Doubt: f.Doubt, Expect: f.Expect, DoubtBelow: f.DoubtBelow, Missing: f.Missing, Wrong: f.Wrong,
	}
}
