package sheet

import (
	"fmt"
	"slices"
)

// labelWidth is the share of the table that its labels have.
const labelWidth = 50.0

// blocks gives the column of the document from top to bottom.
func (c *canvas) blocks() ([]block, error) {
	check, err := c.check()
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		c.issuer(), c.heading(), c.cells(c.References), c.facts(), c.statement(), c.paragraphs(), c.terms(),
		c.decision(), check,
	), nil
}

// prose gives a text as one block a line; gap is the space above the first.
func (c *canvas) prose(s style, x, wide, gap float64, text string) []block {
	if text == "" {
		return nil
	}
	var all []block
	for _, line := range c.wrap(s, wide, text) {
		all = append(all, block{height: s.height(), draw: func(y float64) { c.write(x, y, s, line) }})
	}
	all[0].gap = gap
	if len(all) > 1 { // no first line alone at the foot of a page, no last line alone at the head of one
		all[0].keep, all[len(all)-2].keep = true, true
	}
	return all
}

// kept makes blocks stay with one another and with what follows.
func kept(blocks []block) []block {
	for i := range blocks {
		blocks[i].keep = true
	}
	return blocks
}

func (c *canvas) issuer() []block {
	name := style{size: 12.5, bold: true, colour: c.Ink, lead: 1.3}
	small := style{size: 8.5, colour: c.grey, lead: 1.4}
	all := c.prose(name, left, width, 0, c.Issuer.Name)
	for i, line := range c.Issuer.Lines {
		gap := 0.0
		if i == 0 {
			gap = 0.8
		}
		all = append(all, c.prose(small, left, width, gap, line)...)
	}
	if len(all) == 0 {
		return nil
	}
	return append(all, block{gap: 3.5, height: 0.2, draw: func(y float64) { c.rule(left, right, y, c.hair) }})
}

func (c *canvas) heading() []block {
	title := style{size: 30, bold: true, colour: c.Ink, lead: 1.15}
	number := style{size: 13, colour: c.black, lead: 1.4}
	basis := style{size: 9, colour: c.grey, lead: 1.4}
	all := c.titled(title, number)
	if len(all) > 0 {
		all[0].gap = 7
	}
	return kept(append(all, c.prose(basis, left, width, 1.5, c.Basis)...))
}

// titled puts the number at the right end of the title's line, or under the title where the two do not fit.
func (c *canvas) titled(title, number style) []block {
	lines := c.wrap(title, width, c.Title)
	wide := c.measure(number, c.Number)
	if len(lines) > 1 || c.measure(title, lines[0])+wide+8 > width {
		return append(c.prose(title, left, width, 0, c.Title), c.prose(number, left, width, 0.5, c.Number)...)
	}
	const baseline = 2.4 // by which the smaller letters go down to stand on the line of the larger
	return []block{{height: title.height(), draw: func(y float64) {
		c.write(left, y, title, lines[0])
		c.write(right-wide, y+baseline, number, c.Number)
	}}}
}

// cells gives values side by side under their labels, three to a row.
func (c *canvas) cells(lines []Line) []block {
	label := style{size: 7.5, colour: c.grey, lead: 1.4}
	value := style{size: 10, bold: true, colour: c.black, lead: 1.35}
	const abreast, between = 3, 5.0
	if c.tall(value, (width-between*(abreast-1))/abreast, lines) {
		return c.table(lines)
	}
	var all []block
	for row := range slices.Chunk(lines, abreast) {
		wide := (width - between*(abreast-1)) / abreast
		b := c.row(row, wide, between, func(int) (style, style) { return label, value })
		b.gap = 5
		all = append(all, b)
	}
	return all
}

// tall says whether a text is too long to stand in a cell beside others.
func (c *canvas) tall(s style, wide float64, lines []Line) bool {
	const most = 5
	return slices.ContainsFunc(lines, func(l Line) bool {
		return len(c.wrap(s, wide, l.Label)) > most || len(c.wrap(s, wide, l.Value)) > most
	})
}

// row is one block of cells, as high as its highest.
func (c *canvas) row(lines []Line, wide, between float64, look func(i int) (label, value style)) block {
	type cell struct{ labels, values []string }
	cells := make([]cell, len(lines))
	high := 0.0
	for i, l := range lines {
		label, value := look(i)
		cells[i] = cell{c.wrap(label, wide, l.Label), c.wrap(value, wide, l.Value)}
		high = max(high, float64(len(cells[i].labels))*label.height()+float64(len(cells[i].values))*value.height())
	}
	return block{height: high, draw: func(y float64) {
		for i, cell := range cells {
			label, value := look(i)
			x, y := left+float64(i)*(wide+between), y
			for _, line := range cell.labels {
				c.write(x, y, label, line)
				y += label.height()
			}
			for _, line := range cell.values {
				c.write(x, y, value, line)
				y += value.height()
			}
		}
	}}
}

// facts gives the table of what is attested; its first line says of whom.
func (c *canvas) facts() []block {
	if len(c.Facts) == 0 {
		return nil
	}
	whom := style{size: 11, bold: true, colour: c.black, lead: 1.35}
	return append(append(c.tableHead(), c.fact(whom, c.Facts[0])...), c.rows(c.Facts[1:])...)
}

// table gives lines as rows: labels at the left, values at the right, a hairline under each. It can be cut anywhere,
// so that it holds what no cell would.
func (c *canvas) table(lines []Line) []block { return append(c.tableHead(), c.rows(lines)...) }

func (c *canvas) tableHead() []block {
	return []block{{gap: 5, height: 0.2, keep: true, draw: func(y float64) { c.rule(left, right, y, c.Ink) }}}
}

func (c *canvas) rows(lines []Line) []block {
	value := style{size: 10, colour: c.black, lead: 1.35}
	var all []block
	for _, l := range lines {
		all = append(all, c.fact(value, l)...)
	}
	return all
}

func (c *canvas) fact(value style, l Line) []block {
	const air = 1.0
	label := style{size: 8.5, colour: c.grey, lead: 1.5}
	labels := c.wrap(label, labelWidth-4, l.Label)
	values := c.wrap(value, width-labelWidth, l.Value)
	all := []block{{height: air, keep: true, draw: func(float64) {}}}
	for i := range max(len(labels), len(values)) {
		all = append(all, block{height: value.height(), draw: func(y float64) {
			if i < len(labels) {
				c.write(left, y+(value.height()-label.height())/2, label, labels[i])
			}
			if i < len(values) {
				c.write(left+labelWidth, y, value, values[i])
			}
		}})
	}
	all[len(all)-1].keep = true // the hairline below belongs to the row
	return append(all, block{height: air, draw: func(y float64) { c.rule(left, right, y+air, c.hair) }})
}

// statement sets the formula apart on tinted ground.
func (c *canvas) statement() []block {
	s := style{size: 11.5, colour: c.black, lead: 1.5}
	const air, inset = 4.0, 7.0
	lines := c.prose(s, left+inset, width-2*inset+2, 0, c.Statement)
	if lines == nil {
		return nil
	}
	lines[len(lines)-1].keep = true
	all := slices.Concat(
		[]block{{gap: 6, height: air, keep: true, draw: func(float64) {}}}, lines,
		[]block{{height: air, draw: func(float64) {}}},
	)
	ground := &panel{fill: c.tint, bar: true}
	for i := range all {
		all[i].panel = ground
	}
	return all
}

func (c *canvas) paragraphs() []block {
	s := style{size: 9.5, colour: c.black, lead: 1.5}
	var all []block
	for i, text := range c.Paragraphs {
		gap := 2.0
		if i == 0 {
			gap = 5
		}
		all = append(all, c.prose(s, left, width, gap, text)...)
	}
	return all
}

// terms gives dates and years side by side, the last on the ink itself.
func (c *canvas) terms() []block {
	const abreast, between = 3, 3.0
	if c.tall(c.termLook(true).value, (width-between*(abreast-1))/abreast-2*termInset, c.Terms) {
		return c.table(c.Terms)
	}
	var all []block
	for from := 0; from < len(c.Terms); from += abreast {
		row := c.Terms[from:min(from+abreast, len(c.Terms))]
		all = append(all, c.termRow(row, between, from+len(row) == len(c.Terms)))
	}
	return all
}

// termAir and termInset are the room around the words of a term.
const (
	termAir   = 2.6
	termInset = 3.5
)

type look struct {
	label, value style
	ground       Colour
}

func (c *canvas) termLook(matters bool) look {
	l := look{
		label:  style{size: 7.5, colour: c.grey, lead: 1.4},
		value:  style{size: 11, bold: true, colour: c.black, lead: 1.4},
		ground: c.tint,
	}
	if matters {
		l.label.colour, l.value.colour, l.ground = c.Ink.towards(c.white, 0.85), c.white, c.Ink
	}
	return l
}

func (c *canvas) termRow(row []Line, between float64, last bool) block {
	wide := (width - between*float64(len(row)-1)) / float64(len(row))
	looks := make([]look, len(row))
	for i := range row {
		looks[i] = c.termLook(last && i == len(row)-1)
	}
	words := c.row(row, wide-2*termInset, between+2*termInset, func(i int) (style, style) { return looks[i].label, looks[i].value })
	high := words.height + 2*termAir
	return block{gap: 5, height: high, draw: func(y float64) {
		for i, l := range looks {
			c.fill(left+float64(i)*(wide+between), y, wide, high, l.ground)
		}
		c.pdf.TransformBegin()
		c.pdf.TransformTranslate(termInset, termAir)
		words.draw(y)
		c.pdf.TransformEnd()
	}}
}

func (c *canvas) decision() []block {
	label := style{size: 7.5, colour: c.grey, lead: 1.4}
	name := style{size: 10.5, bold: true, colour: c.black, lead: 1.4}
	office := style{size: 9, colour: c.black, lead: 1.4}
	all := c.prose(name, left, width, 0, c.Decision.Name)
	for _, line := range c.Decision.Lines {
		all = append(all, c.prose(office, left, width, 0, line)...)
	}
	if len(all) == 0 {
		return nil
	}
	all = append(kept(c.prose(label, left, width, 0, c.Decision.Heading)), all...)
	all[0].gap = 6
	const few = 6
	if len(all) <= few { // who decided stays with the box below, so that no page has a box alone
		kept(all)
	}
	return all
}

// check gives the box by which a stranger finds out: QR code at the left, code, sentence and seal at the right. It
// is one block at the foot of the last page; what is too long for it goes on below as prose.
func (c *canvas) check() ([]block, error) {
	note := style{size: 8, colour: c.grey, lead: 1.45}
	if c.Check.Address == "" {
		return c.prose(note, left, width, 6, c.Seal), nil
	}
	code, err := encode(c.Check.Address)
	if err != nil {
		return nil, err
	}
	const side, inset, between = 34.0, 4.0, 6.0
	x, wide := left+inset+side+between, width-2*inset-side-between
	words := slices.Concat(
		c.prose(style{size: 10, bold: true, colour: c.Ink, lead: 1.5}, x, wide, 0, c.Check.Heading),
		c.prose(style{size: 7.5, colour: c.grey, lead: 1.5}, x, wide, 0.5, c.Check.Label),
		c.prose(style{size: 14, bold: true, colour: c.black, lead: 1.35}, x, wide, 0, c.Check.Code),
		c.prose(style{size: 8.5, colour: c.black, lead: 1.45}, x, wide, 1, c.Check.Sentence),
		c.prose(note, x, wide, 1, c.Seal),
	)
	high := max(side, heightOf(words, true)) + 2*inset
	if high > bottom-c.top() {
		return nil, &TextError{"Check", 0, fmt.Sprintf("takes more than a page (%.0f mm)", high)}
	}
	return []block{{gap: 7, height: high, last: true, draw: func(y float64) {
		c.frame(y, high)
		c.qr(code, left+inset, y+(high-side)/2, side)
		y += (high - heightOf(words, true)) / 2
		for i, b := range words {
			if i > 0 {
				y += b.gap
			}
			b.draw(y)
			y += b.height
		}
	}}}, nil
}

func (c *canvas) frame(y, high float64) {
	c.fill(left, y, width, high, c.white)
	c.pdf.SetDrawColor(int(c.hair.R), int(c.hair.G), int(c.hair.B))
	c.pdf.SetLineWidth(0.3)
	c.pdf.Rect(left, y, width, high, "D")
}
