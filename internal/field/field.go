// Package field holds the kinds of value that a form can ask for, and the rules of each.
//
// Everything here is a pure function: text as it was typed goes in, and out comes the one form in which the
// program stores and compares it, or what is wrong with it, as the key of a message. There is one parser for
// each kind in the whole program, so that what one page accepts no other reads differently.
//
// It must never look anything up (whether an address, a body or a domain exists is asked elsewhere), never log
// a value, and never look at more than 64 KiB of what a stranger sent. Patterns say [0-9], never \d or
// [unicode.IsDigit]: full-width digits are not digits of a NIPC.
//
// Start reading at [Check]. The kinds carry names that may equal keys of portals' forms.
package field

import (
	"slices"
	"time"

	"chancela/internal/fault"
)

// Kind says what sort of value a form asks for.
type Kind string

// The closed list of kinds.
const (
	Text     Kind = "text"     // one line
	Area     Kind = "area"     // several lines
	Name     Kind = "name"     // a person's name, as on the identity document
	Choice   Kind = "choice"   // one of Rule.Options
	Choices  Kind = "choices"  // several of Rule.Options
	Tick     Kind = "tick"     // a check box; stored as "true", or as nothing
	Date     Kind = "date"     // stored as 2006-01-02
	NIPC     Kind = "nipc"     // number of a legal person; stored as nine digits
	NIF      Kind = "nif"      // tax number of a natural person; stored as nine digits
	Phone    Kind = "phone"    // Portuguese number; stored as E.164
	Mobile   Kind = "mobile"   // Portuguese mobile number; stored as E.164
	Email    Kind = "email"    // address; stored with its domain as a lower-case A-label
	Postal   Kind = "postal"   // postal code; stored as 0000-000
	Certidao Kind = "certidao" // access code of a permanent certificate; stored as 0000-0000-0000
	Civil    Kind = "civil"    // civil identification number; stored as eight digits
	Document Kind = "document" // number of another identity document
	Country  Kind = "country"  // ISO 3166-1 alpha-2
	URL      Kind = "url"      // https, at one of Rule.Hosts where there are any
	Year     Kind = "year"     // four digits
	Integer  Kind = "integer"  // zero or more
	Money    Kind = "money"    // euros; stored as 1234.50
	CAE      Kind = "cae"      // class of economic activity, CAE-Rev.4
	CSR      Kind = "csr"      // certificate request; stored as one PEM block; looked into elsewhere
	Domains  Kind = "domains"  // DNS names, one a line; stored as A-labels
	File     Kind = "file"     // ids of uploads, which package evidence judges
	Body     Kind = "body"     // id of a body of the register
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{Text, Area, Name, Choice, Choices, Tick, Date, NIPC, NIF, Phone, Mobile, Email, Postal, Certidao, Civil,
		Document, Country, URL, Year, Integer, Money, CAE, CSR, Domains, File, Body}
}

// Known says whether there is such a kind.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// Several says whether a value of the kind may have several parts.
func (k Kind) Several() bool { return k == Choices || k == Domains || k == File }

// Sensitive says whether values of the kind are never shown whole, never logged, never searched in clear.
func Sensitive(kind Kind) bool {
	switch kind {
	case NIF, Civil, Document, Certidao:
		return true
	}
	return false
}

// Rule is what a form asks of a value. The zero value of each member asks for nothing beyond the kind.
type Rule struct {
	Kind     Kind
	Optional bool

	// Min and Max bound the characters of Text, Area and Name, the number of Integer, Year and Money (euros),
	// and Max the parts of Choices, Domains and File. Zero stands for the kind's own bound.
	Min, Max int
	// MinLetters is how many letters a text must hold, so that "--" is no name of a body.
	MinLetters int

	FirstDigits string   // NIPC: first digits that the portal admits, such as "56"; empty for any
	Options     []string // Choice, Choices: the values admitted
	MinChosen   int      // Choices: how many at least; one unless Optional
	Hosts       []string // URL: hosts admitted, with their sub-domains; empty for any
	Wildcards   bool     // Domains: whether *.example.pt is admitted

	NotAfterToday  bool   // Date, Year
	NotBeforeToday bool   // Date
	NotBefore      string // Date: the first day admitted, as 2006-01-02
	NotAfter       string // Date: the last day admitted, as 2006-01-02
	Over           bool   // Year: only one that has ended, as a financial year whose accounts are closed
	FarYears       int    // Date: more years ahead than these are doubted (A-DAT-07)

	// Doubt is the key of the warning that is told where the value is possible but unlikely: a Text that holds
	// none of the words of Expect (compared by Fold), an Integer below DoubtBelow.
	Doubt      string
	Expect     []string
	DoubtBelow int

	// Missing and Wrong are keys told in place of the kind's own: where there is no value, and where there is
	// one that breaks the rule. A text that is too long or holds letters that are not admitted is still told so.
	Missing, Wrong string
}

// Finding is one thing to say about a value: a problem (E-…), or a warning (A-…) that stops nobody.
type Finding struct {
	Key     string
	Args    fault.Args
	Warning bool
}

// MaxTyped is how many bytes of a value are looked at; more are refused unread.
const MaxTyped = 64 << 10

// maxParts bounds the parts of one value, whatever the rule says.
const maxParts = 1000

// Check brings what was typed into the form in which it is stored, and says what is wrong or doubtful about it.
//
// clean is nil where there is nothing (an optional value left empty, a box not ticked) and where there is a
// problem; the page then shows again what was typed. Checking a clean value gives the same clean value.
// Only kinds that are [Kind.Several] may come in several parts. now is the time by which "today" is told, in
// Lisbon's zone.
func Check(rule Rule, typed []string, now time.Time) (clean []string, found []Finding) {
	if tooMuch(typed) {
		return nil, []Finding{{Key: "E-GER-02"}}
	}
	typed = filled(typed)
	if len(typed) == 0 {
		return nil, rule.missing()
	}
	if len(typed) > 1 && !rule.Kind.Several() {
		return nil, []Finding{{Key: "E-GER-03"}}
	}
	clean, err := rule.judge(typed, now)
	if err != nil {
		return nil, []Finding{rule.problem(err)}
	}
	if len(clean) == 0 {
		return nil, rule.missing()
	}
	return clean, rule.doubts(clean[0], now)
}

func tooMuch(typed []string) bool {
	size := 0
	for _, s := range typed {
		size += len(s)
	}
	return size > MaxTyped || len(typed) > maxParts
}

// filled leaves out the parts that hold nothing but white space.
func filled(typed []string) []string {
	return slices.DeleteFunc(slices.Clone(typed), func(s string) bool { return trim(s) == "" })
}

func (r Rule) missing() []Finding {
	if r.Optional {
		return nil
	}
	return []Finding{{Key: first(r.Missing, missingKey(r.Kind))}}
}

func missingKey(kind Kind) string {
	switch kind {
	case Choice, Choices, Country:
		return "E-LST-01"
	case Tick:
		return "E-DEC-01"
	case Body:
		return "E-ENT-01"
	}
	return "E-GER-01"
}

// problem gives the finding of a refusal, in the portal's words where the rule has some.
func (r Rule) problem(err error) Finding {
	refusal, ok := fault.As(err)
	if !ok { // no parser returns anything else
		return Finding{Key: "E-GER-03"}
	}
	found := Finding{Key: refusal.Key, Args: refusal.Args}
	switch refusal.Key {
	case "E-TXT-02", "E-TXT-03", keyTooLong, "E-GER-03", "E-CSR-05":
		// What the person must know to put it right; a general sentence would hide it.
	default:
		found.Key = first(r.Wrong, refusal.Key)
	}
	if found.Key == keyTooLong {
		found.Key = "E-TXT-01"
	}
	return found
}

// judge sends the value to the parser of its kind; an unknown kind is refused, never waved through.
func (r Rule) judge(typed []string, now time.Time) ([]string, error) {
	switch r.Kind {
	case Choices:
		return r.choices(typed)
	case Domains:
		return r.domains(typed)
	case File:
		return r.tokens(typed)
	case Tick:
		return tick(typed[0])
	}
	clean, err := r.one(typed[0], now)
	if err != nil || clean == "" {
		return nil, err
	}
	return []string{clean}, nil
}

// one judges one value by its kind: a table of kinds, and long for that reason alone.
//
//nolint:funlen // one case a kind
func (r Rule) one(typed string, now time.Time) (string, error) {
	switch r.Kind {
	case Text:
		return r.text(typed)
	case Area:
		return r.area(typed)
	case Name:
		return r.name(typed)
	case Choice:
		return r.choice(typed)
	case Date:
		return r.date(typed, now)
	case NIPC:
		return r.nipc(typed)
	case NIF:
		return ParseNIF(typed)
	case Phone:
		return ParsePhone(typed)
	case Mobile:
		return ParseMobile(typed)
	case Email:
		return ParseEmail(typed)
	case Postal:
		return ParsePostal(typed)
	case Certidao:
		return ParseCertidao(typed)
	case Civil:
		return ParseCivil(typed)
	case Document:
		return ParseDocument(typed)
	case Country:
		return ParseCountry(typed)
	case URL:
		return r.link(typed)
	case Year:
		return r.year(typed, now)
	case Integer:
		return r.integer(typed)
	case Money:
		return r.money(typed)
	case CAE:
		return ParseCAE(typed)
	case CSR:
		return ParseCSR(typed)
	case Body:
		return token(typed)
	}
	return "", refuse("E-GER-03")
}

// doubts lists the warnings of a clean value.
func (r Rule) doubts(clean string, now time.Time) []Finding {
	switch r.Kind {
	case Text, Area:
		return r.doubtText(clean)
	case Integer:
		return r.doubtInteger(clean)
	case Date:
		return r.doubtDate(clean, now)
	case Postal:
		if _, ok := PostalRegion(clean); !ok {
			return []Finding{{Key: "A-CP-02", Warning: true}}
		}
	}
	return nil
}

// refuse makes the refusal of a value.
func refuse(key string, pairs ...string) error { return fault.New(fault.Invalid, key, pairs...) }

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
