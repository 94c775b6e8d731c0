// Package sheet draws the paper of an issued document: one A4 sheet, or as many as the words need, as a PDF.
//
// It knows nothing of what is issued: every word on the paper but the page numbers comes in a [Sheet], so that any
// portal can issue any kind of document with it. It must never print what the reader would not see as it was meant:
// a letter that the fonts lack, a control character or a turned direction of writing is refused, not dropped. It
// puts no script, link, form or attachment into a file, and the same Sheet gives the same bytes.
//
// The file is made towards PDF/A-2b (fonts and colour profile embedded, XMP metadata, identifiers) without claiming
// it. Package pades seals it. Start reading at [Make].
package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"chancela/internal/i18n"
)

// Sheet is what stands on the paper, from top to bottom. Texts that are empty leave no trace.
type Sheet struct {
	Lang   i18n.Lang
	Ink    Colour
	Issuer Issuer

	Title      string // what it is, large; also the file's title
	Number     string // beside the title
	Basis      string // the law by which it is issued
	References []Line // short marks side by side: number, process, version
	Facts      []Line // the table: what is attested of whom; the first says of whom, and stands out
	Statement  string // the formula itself, set apart
	Paragraphs []string
	Terms      []Line // dates and years side by side; the last is the one that matters, and stands out
	Decision   Decision
	Check      Check
	Seal       string // the note that says that the file carries an electronic seal

	Notice    string // a warning above everything, such as that this is an instance for evaluation
	Watermark string // one word across each page, under the text

	Made time.Time // the time written into the file; there must be one
}

// Issuer is who issues, and how to reach them.
type Issuer struct {
	Name  string
	Lines []string // number, address, contacts
}

// Line is a value with its label.
type Line struct {
	Label string
	Value string
}

// Decision is who decided, and in which office.
type Decision struct {
	Heading string
	Name    string
	Lines   []string // office, delegation
}

// Check is how a stranger finds out whether the paper still holds. Without an Address the whole block is left out.
type Check struct {
	Heading  string
	Label    string // what the code is called
	Code     string
	Address  string // goes into the QR code as it stands
	Sentence string // in words, with the address in it
}

// Colour is a colour in sRGB.
type Colour struct{ R, G, B uint8 }

// Make draws the sheet.
//
// It returns a [TextError] if a text cannot be printed faithfully, and an error of that kind only: everything else
// that fails is ours.
func Make(s Sheet) ([]byte, error) {
	if s.Made.IsZero() {
		return nil, errors.New("sheet: no time of making was given") // the library would take the host's clock
	}
	s, err := printable(s)
	if err != nil {
		return nil, err
	}
	c, err := newCanvas(s)
	if err != nil {
		return nil, err
	}
	blocks, err := c.blocks()
	if err != nil {
		return nil, err
	}
	if err := c.pdf.Error(); err != nil {
		return nil, fmt.Errorf("sheet: measure the words: %w", err)
	}
	c.draw(fit(blocks, c.top(), bottom))
	var out bytes.Buffer
	if err := c.pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("sheet: write the document: %w", err)
	}
	return identify(out.Bytes())
}
