package credential

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// params are the parameters of the outcome, as a procedure's definition gives them.
type params struct {
	At    portal.Pos  `yaml:"-"`
	Title portal.Text `yaml:"title"`
	// Number is the form of its number: {year} of issue and {seq} within portal and year.
	Number string `yaml:"number"`
	// Formula is what is attested. It and Purpose may hold {year} (the exercício), {body}, {body-number} and the portal's values.
	Formula portal.Text `yaml:"formula"`
	Purpose portal.Text `yaml:"purpose"`
	Lines   []line      `yaml:"lines"`
	// ValidUntil is the last day, MM-DD, of the year ValidYears after the exercício.
	ValidUntil string `yaml:"valid-until"`
	ValidYears int    `yaml:"valid-years"`
	// Public are the fields told to whoever verifies.
	Public []string `yaml:"public"`
	// Renews says that a new one takes the place of earlier ones of the same body and exercício.
	Renews bool `yaml:"renews"`
}

// line is a fact on the paper: the answer to a question. It is left out where there is no answer.
type line struct {
	At    portal.Pos  `yaml:"-"`
	Label portal.Text `yaml:"label"`
	Field string      `yaml:"field"`
}

func paramsOf(proc *portal.Procedure) (params, portal.Mistakes) {
	var with params
	wrong := proc.Outcome.Params.Into(&with)
	return with, wrong
}

// holes are the placeholders of texts.
var holes = regexp.MustCompile(`\{([^{}\s]+)\}`)

// mostYears bounds how long after its exercício a credential may be good.
const mostYears = 20

// checker gathers mistakes.
type checker struct {
	p     *portal.Portal
	proc  *portal.Procedure
	with  params
	wrong portal.Mistakes
}

func (c *checker) expect(ok bool, at portal.Pos, what string) {
	if !ok {
		c.wrong = append(c.wrong, portal.Mistake{Pos: at, What: what})
	}
}

// Check reads the parameters and tells every mistake.
func (o *Outcome) Check(p *portal.Portal, proc *portal.Procedure) portal.Mistakes {
	with, wrong := paramsOf(proc)
	c := &checker{p: p, proc: proc, with: with, wrong: wrong}
	if c.with.At.File == "" {
		c.with.At = proc.Outcome.At
	}
	c.texts()
	c.number()
	c.lines()
	c.validity()
	return c.wrong
}

func (c *checker) texts() {
	at := c.with.At
	c.expect(!c.with.Title.IsZero(), at, "outcome credential needs a title")
	c.expect(!c.with.Formula.IsZero(), at, "outcome credential needs a formula: what it attests")
	for _, text := range []portal.Text{c.with.Title, c.with.Formula, c.with.Purpose} {
		for _, hole := range holes.FindAllStringSubmatch(text.PT+" "+text.EN, -1) {
			_, value := c.p.Values[hole[1]]
			c.expect(value || slices.Contains(ownHoles(), hole[1]), at, "placeholder "+hole[0]+" has no value; expected "+strings.Join(ownHoles(), ", ")+" or a value of the portal")
		}
	}
}

func ownHoles() []string { return []string{"year", "body", string(portal.BodyNumber)} }

// number keeps numbers from being given twice: the sequence is the portal's, and begins anew each year.
func (c *checker) number() {
	for _, part := range []string{"{year}", "{seq}"} {
		c.expect(strings.Contains(c.with.Number, part), c.with.At, "number needs "+part+", so that no two credentials have the same")
	}
	rest := strings.NewReplacer("{year}", "", "{seq}", "").Replace(c.with.Number)
	c.expect(numberRest.MatchString(rest), c.with.At, "number: beside {year} and {seq}, expected at most 20 capital letters, digits, / and -")
}

var numberRest = regexp.MustCompile(`^[A-Z0-9/-]{0,20}$`)

func (c *checker) lines() {
	c.expect(len(c.with.Lines) > 0 && len(c.with.Lines) <= 60, c.with.At, "outcome credential needs lines, 60 at most")
	printed := map[string]bool{}
	for _, l := range c.with.Lines {
		f, ok := c.proc.Field(l.Field)
		c.expect(!l.Label.IsZero(), l.At, "line "+l.Field+" needs a label")
		c.expect(ok, l.At, "field \""+l.Field+"\" is not of this procedure")
		c.expect(!ok || prints(f), l.At, "field \""+l.Field+"\" is of kind "+string(f.Kind)+", which does not stand on a credential")
		c.expect(!printed[l.Field], l.At, "field \""+l.Field+"\" stands twice")
		printed[l.Field] = true
	}
	for _, key := range c.with.Public {
		c.expect(printed[key], c.with.At, "public: \""+key+"\" is in no line: only what is printed can be told")
	}
}

// prints says whether answers of the field can stand on paper: no personal number, no file, no table, no request.
func prints(f portal.Field) bool {
	return !field.Sensitive(f.Kind) && !slices.Contains([]field.Kind{portal.Rows, field.File, field.CSR, field.Area, field.Domains}, f.Kind)
}

func (c *checker) validity() {
	_, err := time.Parse(time.DateOnly, "2025-"+c.with.ValidUntil) // no leap year: a 29 February would be missing in most
	c.expect(err == nil, c.with.At, "valid-until: expected a day as MM-DD, and not 02-29")
	c.expect(c.with.ValidYears >= 0 && c.with.ValidYears <= mostYears, c.with.At, "valid-years: expected 0 to 20")
	_, ok := c.proc.WithRole(portal.Exercise)
	c.expect(ok, c.with.At, "outcome credential needs a field with the role "+string(portal.Exercise)+", which its validity counts from")
	c.expect(!c.with.Renews || c.hasBody(), c.with.At, "renews needs a field with the role "+string(portal.BodyNumber)+" or "+string(portal.BodyPick))
}

func (c *checker) hasBody() bool {
	return slices.ContainsFunc(c.proc.Fields(), func(f portal.Field) bool {
		return f.Role == portal.BodyNumber || f.Role == portal.BodyPick
	})
}

// until is the last moment of the last day, in Lisbon; false if the exercício is no year.
func (with params) until(year string) (time.Time, bool) {
	day, err := time.ParseInLocation(time.DateOnly, year+"-"+with.ValidUntil, i18n.Lisbon())
	if err != nil {
		return time.Time{}, false
	}
	// The next day's first moment, less the least time that is stored: right on days of 23 and 25 hours too.
	next := time.Date(day.Year()+with.ValidYears, day.Month(), day.Day()+1, 0, 0, 0, 0, i18n.Lisbon())
	return next.Add(-time.Microsecond).UTC(), true
}
