package credential

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"chancela/internal/credential/sheet"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// profile names the kind of document and the version of its making: a change to what stands on the paper, or to how
// its digest is made, takes another.
const profile = "chancela credential 1"

// Content is all that an officer approves: the words of the portal and of the case that will be printed and sealed.
// Number, code, dates of issue and the names of those who approved come later, as a serial number does.
type Content struct {
	Profile   string
	Portal    string
	Procedure string // key
	Version   string // of the procedure
	Case      string // id: what one case approved is never another's
	Number    string // of the case
	Revision  string // of the case, which covers its evidence
	Issuer    Issuer
	Title     i18n.Text
	Basis     i18n.Text // the law
	Body      string
	BodyNIPC  string
	Year      string
	Facts     []Fact
	Statement i18n.Text
	Purpose   i18n.Text
	Until     string // last day, 2006-01-02
}

// Issuer is the body that issues, as the paper shows it.
type Issuer struct {
	Name     i18n.Text
	NIPC     string
	Address  string
	Contacts []string
	Ink      string // #rrggbb
}

// encode writes the content in its one form, and gives its digest.
func (c Content) encode() (text []byte, digest string, err error) {
	text, err = json.Marshal(c)
	if err != nil {
		return nil, "", fmt.Errorf("write the content of a credential: %w", err)
	}
	return text, digestOf(text), nil
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// contentOf makes up what a grant would have printed.
func contentOf(g portal.Grant, with params) Content {
	c := Content{
		Profile: profile, Portal: g.Portal.Name, Procedure: g.Procedure.Key, Version: g.Procedure.Version, Case: g.Case,
		Number: g.Number, Revision: g.Revision, Issuer: issuerOf(g.Portal),
		Body: g.First(portal.BodyName), BodyNIPC: firstOf(g.First(portal.BodyNumber), g.First(portal.BodyPick)), Year: g.First(portal.Exercise),
		Facts: factsOf(g, with),
	}
	if until, ok := with.until(c.Year); ok {
		c.Until = dayOf(until)
	}
	c.Title, c.Basis = c.filled(g.Portal, with.Title), c.filled(g.Portal, g.Portal.Body.Law)
	c.Statement, c.Purpose = c.filled(g.Portal, with.Formula), c.filled(g.Portal, with.Purpose)
	return c
}

func issuerOf(p *portal.Portal) Issuer {
	i := Issuer{Name: p.Body.Name, NIPC: p.Body.NIPC, Address: p.Body.Address, Ink: p.Look.Primary}
	for _, one := range p.Contacts {
		if slices.Contains([]string{"mail", "phone", "site"}, one.Kind) {
			i.Contacts = append(i.Contacts, p.Fill(one.Value, i18n.PT))
		}
	}
	return i
}

// filled puts the portal's values and then the case's in a text: what the applicant typed is put in last, so that no
// brace in it is ever taken for a placeholder.
func (c Content) filled(p *portal.Portal, text portal.Text) i18n.Text {
	args := i18n.Args{"year": c.Year, "body": c.Body, string(portal.BodyNumber): field.Show(field.NIPC, i18n.PT, c.BodyNIPC)}
	return i18n.Text{PT: i18n.Fill(p.Fill(text, i18n.PT), args), EN: i18n.Fill(p.Fill(text, i18n.EN), args)}
}

func factsOf(g portal.Grant, with params) []Fact {
	var facts []Fact
	for _, l := range with.Lines {
		f, ok := g.Procedure.Field(l.Field)
		if !ok {
			continue
		}
		value := i18n.Text{PT: shown(f, g.Answers, i18n.PT), EN: shown(f, g.Answers, i18n.EN)}
		if value.PT == "" {
			continue
		}
		facts = append(facts, Fact{
			Field: l.Field, Value: value, Public: slices.Contains(with.Public, l.Field),
			Label: i18n.Text{PT: g.Portal.Fill(l.Label, i18n.PT), EN: g.Portal.Fill(l.Label, i18n.EN)},
		})
	}
	return facts
}

// shown writes the answers to a question as people read them; "" if there is none.
func shown(f portal.Field, a portal.Answers, lang i18n.Lang) string {
	var parts []string
	for _, answer := range a[f.Key] {
		if answer == "" {
			continue
		}
		at := slices.IndexFunc(f.Options, func(o portal.Option) bool { return o.Key == answer })
		if at >= 0 {
			parts = append(parts, f.Options[at].Label.In(lang))
		} else {
			parts = append(parts, field.Show(f.Kind, lang, answer))
		}
	}
	return strings.Join(parts, "; ")
}

// unprintable says whether some text cannot stand on paper as it was meant.
func (c Content) unprintable() bool {
	texts := []string{c.Issuer.Name.PT, c.Issuer.Address, c.Title.PT, c.Basis.PT, c.Statement.PT, c.Purpose.PT, c.Number, c.Body}
	texts = append(texts, c.Issuer.Contacts...)
	for _, f := range c.Facts {
		texts = append(texts, f.Label.PT, f.Value.PT)
	}
	return slices.ContainsFunc(texts, func(text string) bool { return sheet.Printable(text) != nil })
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
