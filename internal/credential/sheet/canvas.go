package sheet

import (
	"strconv"
	"strings"

	"chancela/internal/i18n"

	"codeberg.org/go-pdf/fpdf"
)

// Heights on the page, in millimetres.
const (
	plainBand = 5.0
	noticeAir = 2.6
	belowBand = 8.0
	firstTop  = 19.0 // where the words begin, unless the band reaches further down
	footer    = paperHeight - 13.5
)

const (
	family = "Noto Sans"
	point  = 25.4 / 72 // one typographic point in millimetres
)

// style is how words look.
type style struct {
	size   float64 // in points
	bold   bool
	colour Colour
	lead   float64 // from one line to the next, in sizes
}

// canvas is the document while it is drawn.
type canvas struct {
	Sheet
	pdf *fpdf.Fpdf

	tint, hair, grey, black, white, warning Colour
}

func newCanvas(s Sheet) (*canvas, error) {
	c := &canvas{
		Sheet: s, pdf: fpdf.New("P", "mm", "A4", ""),
		black: Colour{26, 28, 32}, grey: Colour{95, 101, 110}, hair: Colour{205, 210, 217}, white: Colour{255, 255, 255},
		warning: Colour{178, 24, 24},
	}
	if s.Ink == (Colour{}) {
		c.Ink = c.black
	}
	c.tint = c.Ink.towards(c.white, 0.94)
	c.pdf.SetMargins(0, 0, 0)
	c.pdf.SetAutoPageBreak(false, 0)
	c.pdf.SetCatalogSort(true)
	c.pdf.AddUTF8FontFromBytes(family, "", regularTTF)
	c.pdf.AddUTF8FontFromBytes(family, "B", boldTTF)
	if err := describe(c.pdf, s); err != nil {
		return nil, err
	}
	return c, c.pdf.Error()
}

// towards mixes a colour with another.
func (a Colour) towards(b Colour, share float64) Colour {
	mix := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*share) }
	return Colour{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B)}
}

func (c *canvas) font(s style) {
	weight := ""
	if s.bold {
		weight = "B"
	}
	c.pdf.SetFont(family, weight, s.size)
	c.pdf.SetTextColor(int(s.colour.R), int(s.colour.G), int(s.colour.B))
}

// write puts one line of text with its left edge at x and the top of its line at y.
func (c *canvas) write(x, y float64, s style, text string) {
	const ascent = 0.78 // of the letters within a line of one size, in sizes
	c.font(s)
	c.pdf.Text(x, y+s.height()/2-s.size*point/2+s.size*point*ascent+0.05*s.size*point, text)
}

func (c *canvas) measure(s style, text string) float64 {
	c.font(s)
	return c.pdf.GetStringWidth(text)
}

// height is from one line to the next.
func (s style) height() float64 { return s.size * point * s.lead }

func (c *canvas) fill(x, y, w, h float64, colour Colour) {
	c.pdf.SetFillColor(int(colour.R), int(colour.G), int(colour.B))
	c.pdf.Rect(x, y, w, h, "F")
}

func (c *canvas) rule(x1, x2, y float64, colour Colour) {
	c.pdf.SetDrawColor(int(colour.R), int(colour.G), int(colour.B))
	c.pdf.SetLineWidth(0.2)
	c.pdf.Line(x1, y, x2, y)
}

// draw puts the pages on paper.
func (c *canvas) draw(pages [][]placed) {
	for i, page := range pages {
		c.pdf.AddPage()
		c.head()
		c.panels(page)
		for _, p := range page {
			p.draw(p.y)
		}
		c.foot(i+1, len(pages))
		c.watermark()
	}
}

// panels draws the tinted grounds, each in one piece, so that no seam shows between the lines on it.
func (c *canvas) panels(page []placed) {
	for i := 0; i < len(page); {
		from := i
		for i++; i < len(page) && page[i].panel == page[from].panel; i++ {
		}
		ground, top := page[from].panel, page[from].y
		if ground == nil {
			continue
		}
		high := page[i-1].y + page[i-1].height - top
		c.fill(left, top, width, high, ground.fill)
		if ground.bar {
			c.fill(left, top, 1.4, high, c.Ink)
		}
	}
}

// watermark writes one word across the page, as large as the page lets it; over the text, but so thin that it takes
// nothing from it: under it, tinted grounds would hide it.
func (c *canvas) watermark() {
	if c.Watermark == "" {
		return
	}
	const angle, long, largest, veil = 52.0, 230.0, 150.0, 0.11
	s := style{size: 100, bold: true, colour: c.warning, lead: 1}
	s.size = min(s.size*long/c.measure(s, c.Watermark), largest)
	wide := c.measure(s, c.Watermark)
	c.pdf.SetAlpha(veil, "Normal")
	c.pdf.TransformBegin()
	c.pdf.TransformRotate(angle, paperWidth/2, paperHeight/2)
	c.pdf.Text(paperWidth/2-wide/2, paperHeight/2+s.size*point*0.35, c.Watermark)
	c.pdf.TransformEnd()
	c.pdf.SetAlpha(1, "Normal")
}

func (c *canvas) noticeStyle() style { return style{size: 9.5, bold: true, colour: c.white, lead: 1.4} }

func (c *canvas) noticeLines() []string { return c.wrap(c.noticeStyle(), width, c.Notice) }

// band is the height of the coloured band at the head of each page.
func (c *canvas) band() float64 {
	if c.Notice == "" {
		return plainBand
	}
	return float64(len(c.noticeLines()))*c.noticeStyle().height() + 2*noticeAir
}

// top is where the column of a page begins.
func (c *canvas) top() float64 { return max(firstTop, c.band()+belowBand) }

// head draws the band: of the ink, or of the colour of warnings with the notice in it.
func (c *canvas) head() {
	if c.Notice == "" {
		c.fill(0, 0, paperWidth, plainBand, c.Ink)
		return
	}
	c.fill(0, 0, paperWidth, c.band(), c.warning)
	s := c.noticeStyle()
	for i, line := range c.noticeLines() {
		c.write((paperWidth-c.measure(s, line))/2, noticeAir+float64(i)*s.height(), s, line)
	}
}

// foot says on every page which document it is a page of.
func (c *canvas) foot(n, total int) {
	s := style{size: 7.5, colour: c.grey, lead: 1.3}
	page := i18n.Say(c.Lang, "credential-sheet.page", i18n.Args{"n": strconv.Itoa(n), "total": strconv.Itoa(total)})
	wide := c.measure(s, page)
	c.rule(left, right, footer, c.hair)
	c.write(right-wide, footer+1.5, s, page)
	what := strings.Join(strings.Fields(c.Title+" "+c.Number), " ")
	if c.Issuer.Name != "" {
		what += " · " + c.Issuer.Name
	}
	c.write(left, footer+1.5, s, c.shorten(s, width-wide-6, what))
}
