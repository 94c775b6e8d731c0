package credential

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/credential/sheet"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// paper lays out the sheet: what was approved, and the little that came later.
//
// The document is in Portuguese, the language of the acts; how to verify it is said in English too, since whoever is
// shown one may read no other.
func (s *Service) paper(p *portal.Portal, c Content, r *row) sheet.Sheet {
	say := func(key string, args i18n.Args) string { return p.Say(i18n.PT, key, args) }
	address := i18n.Args{"address": s.verifyAt(r.code)}
	decision := r.decided.signature()
	decision.Heading = say("credential.paper.decided", nil)
	return sheet.Sheet{
		Lang: i18n.PT, Ink: inkOf(c.Issuer.Ink), Made: r.sealingAt,
		Issuer: sheet.Issuer{Name: c.Issuer.Name.PT, Lines: c.Issuer.lines(say("credential.paper.number-of-body", nil))},
		Title:  c.Title.PT, Number: say("credential.paper.number", i18n.Args{"number": r.number}),
		Basis:      c.basis(say),
		References: references(say, r), Facts: c.lines(), Statement: c.Statement.PT, Paragraphs: []string{c.Purpose.PT}, Terms: c.terms(say, r),
		Decision: decision,
		Check: sheet.Check{
			Heading: say("credential.paper.check", nil), Label: say("credential.paper.code", nil), Code: r.code, Address: address["address"],
			Sentence: say("credential.paper.confirm", address) + "\n" + p.Say(i18n.EN, "credential.paper.confirm", address),
		},
		Seal: say("credential.paper.seal", nil), Notice: s.c.Notice, Watermark: s.c.Watermark,
	}
}

// references are left out of a first edition, so that the usual document is one page.
func references(say func(string, i18n.Args) string, r *row) []sheet.Line {
	if r.edition < 2 {
		return nil
	}
	return []sheet.Line{{Label: say("credential.paper.edition", nil), Value: strconv.FormatInt(r.edition, 10)}}
}

// terms are the dates; the exercício is among them unless a line says it.
func (c Content) terms(say func(string, i18n.Args) string, r *row) []sheet.Line {
	var terms []sheet.Line
	if !slices.ContainsFunc(c.Facts, func(f Fact) bool { return f.Value.PT == c.Year }) {
		terms = append(terms, sheet.Line{Label: say("credential.paper.year", nil), Value: c.Year})
	}
	return append(terms,
		sheet.Line{Label: say("credential.paper.case", nil), Value: c.Number},
		sheet.Line{Label: say("credential.paper.issued", nil), Value: i18n.Date(i18n.PT, r.approvedAt)},
		sheet.Line{Label: say("credential.paper.until", nil), Value: i18n.Date(i18n.PT, r.until)})
}

func (i Issuer) lines(numberLabel string) []string {
	first := i.Address
	if i.NIPC != "" {
		first = numberLabel + " " + field.Show(field.NIPC, i18n.PT, i.NIPC) + " · " + i.Address
	}
	return []string{strings.Trim(first, " ·"), strings.Join(i.Contacts, " · ")}
}

func (c Content) basis(say func(string, i18n.Args) string) string {
	if c.Basis.PT == "" {
		return ""
	}
	return say("credential.paper.basis", i18n.Args{"law": c.Basis.PT})
}

func (c Content) lines() []sheet.Line {
	lines := make([]sheet.Line, len(c.Facts))
	for i, f := range c.Facts {
		lines[i] = sheet.Line{Label: f.Label.PT, Value: f.Value.PT}
	}
	return lines
}

// inkOf reads #rrggbb; black for anything else.
func inkOf(colour string) sheet.Colour {
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 24)
	if err != nil {
		return sheet.Colour{}
	}
	return sheet.Colour{R: uint8(n >> 16), G: uint8(n >> 8), B: uint8(n)}
}

// dayOf is the day that a moment falls on, where the law counts days.
func dayOf(t time.Time) string { return t.In(i18n.Lisbon()).Format(time.DateOnly) }

// fileName is a plain name for the file: what it is and its number, in ASCII.
func fileName(title i18n.Text, number string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, field.Fold(title.PT+" "+number))
	return strings.Join(strings.FieldsFunc(plain, func(r rune) bool { return r == '-' }), "-") + ".pdf"
}
