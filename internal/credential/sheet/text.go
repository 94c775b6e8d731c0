package sheet

import (
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// Subsets of Noto Sans; see fonts/OFL.txt.
var (
	//go:embed fonts/NotoSans-Regular.ttf
	regularTTF []byte
	//go:embed fonts/NotoSans-Bold.ttf
	boldTTF []byte
	//go:embed sRGB2014.icc
	colourProfile []byte
)

// Bounds of the texts, in bytes and pieces: far above what a document says, far below what could harm.
const (
	maxText    = 4000
	maxShort   = 200 // what stands in the band, or across the page
	maxPieces  = 100
	maxAddress = 500
)

// TextError is a text that cannot be printed as it was meant.
type TextError struct {
	Text string // which text of the [Sheet]: "Title", "Facts"
	Rune rune   // the letter that cannot be printed; 0 if the text as a whole cannot
	Why  string // in English, for the log
}

// Error says where and which letter, never the text itself: it may be a person's name.
func (e *TextError) Error() string {
	if e.Rune == 0 {
		return fmt.Sprintf("sheet: %s %s", e.Text, e.Why)
	}
	return fmt.Sprintf("sheet: %s has %U, %s", e.Text, e.Rune, e.Why)
}

// Printable says whether a text can stand on a sheet, for those who take it in long before it is printed.
func Printable(text string) error {
	_, err := clean("text", text)
	return err
}

// regular is the font whose letters decide what can be printed; the bold one has the same.
var regular = sync.OnceValues(func() (*sfnt.Font, error) { return sfnt.Parse(regularTTF) })

// clean gives the text composed (NFC) and without edges, or a *TextError.
func clean(where, text string) (string, error) {
	switch {
	case len(text) > maxText:
		return "", &TextError{where, 0, "is too long"}
	case !utf8.ValidString(text):
		return "", &TextError{where, 0, "is not UTF-8"}
	}
	text = strings.TrimSpace(norm.NFC.String(text))
	font, err := regular()
	if err != nil {
		return "", fmt.Errorf("sheet: read the font: %w", err)
	}
	var buffer sfnt.Buffer
	for _, r := range text {
		if r == '\n' {
			continue
		}
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return "", &TextError{where, r, "which is not seen"}
		}
		if glyph, err := font.GlyphIndex(&buffer, r); err != nil || glyph == 0 {
			return "", &TextError{where, r, "which the fonts lack"}
		}
	}
	return text, nil
}

// cleaner cleans many texts and keeps the first problem.
type cleaner struct{ err error }

func (c *cleaner) text(where string, text *string) {
	if c.err == nil {
		*text, c.err = clean(where, *text)
	}
}

func (c *cleaner) texts(where string, texts []string) []string {
	c.count(where, len(texts))
	var kept []string
	for _, t := range texts {
		if c.text(where, &t); c.err == nil && t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

func (c *cleaner) lines(where string, lines []Line) []Line {
	c.count(where, len(lines))
	var kept []Line
	for _, l := range lines {
		c.text(where, &l.Label)
		if c.text(where, &l.Value); c.err == nil && l.Value != "" {
			kept = append(kept, l)
		}
	}
	return kept
}

func (c *cleaner) count(where string, n int) {
	if c.err == nil && n > maxPieces {
		c.err = &TextError{where, 0, "has too many pieces"}
	}
}

// printable gives the sheet with all its texts cleaned and its empty pieces left out; the caller's stays as it is.
func printable(s Sheet) (Sheet, error) {
	var c cleaner
	for where, text := range map[string]*string{
		"Issuer": &s.Issuer.Name, "Title": &s.Title, "Number": &s.Number, "Basis": &s.Basis,
		"Statement": &s.Statement, "Seal": &s.Seal, "Notice": &s.Notice, "Watermark": &s.Watermark,
		"Decision": &s.Decision.Name, "Decision heading": &s.Decision.Heading,
		"Check heading": &s.Check.Heading, "Check label": &s.Check.Label, "Code": &s.Check.Code,
		"Address": &s.Check.Address, "Sentence": &s.Check.Sentence,
	} {
		c.text(where, text)
	}
	s.Issuer.Lines = c.texts("Issuer", s.Issuer.Lines)
	s.Paragraphs = c.texts("Paragraphs", s.Paragraphs)
	s.Decision.Lines = c.texts("Decision", s.Decision.Lines)
	s.References = c.lines("References", s.References)
	s.Facts = c.lines("Facts", s.Facts)
	s.Terms = c.lines("Terms", s.Terms)
	for _, text := range []*string{&s.Issuer.Name, &s.Title, &s.Number, &s.Watermark} {
		*text = strings.ReplaceAll(*text, "\n", " ") // these go where there is one line only
	}
	c.short("Notice", s.Notice)
	c.short("Watermark", s.Watermark)
	c.address(s.Check.Address)
	return s, c.err
}

func (c *cleaner) short(where, text string) {
	if c.err == nil && len(text) > maxShort {
		c.err = &TextError{where, 0, "is too long"}
	}
}

// address takes what a QR code may lead to: an absolute web address, so that no portal prints a code that does
// something else on a telephone.
func (c *cleaner) address(address string) {
	if c.err != nil || address == "" {
		return
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(address) > maxAddress || strings.ContainsAny(address, " \n") {
		c.err = &TextError{"Address", 0, "is no web address, or too long"}
	}
}

// Fonts gives the two fonts, for other papers of the program.
func Fonts() (upright, bold []byte) { return slices.Clone(regularTTF), slices.Clone(boldTTF) }
