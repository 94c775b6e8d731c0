package sheet

import "slices"

// The paper and its margins, in millimetres (ISO 216, A4).
const (
	paperWidth  = 210.0
	paperHeight = 297.0
	left        = 24.0
	right       = paperWidth - 24.0
	width       = right - left
	bottom      = paperHeight - 19.0
)

// block is a piece of the column that is never cut: a line, a row of cells, the box with the QR code.
type block struct {
	height float64
	gap    float64 // space above it, which the top of a page swallows
	keep   bool    // stays on the page of the block after it
	last   bool    // stands at the foot of the column if the page has room
	panel  *panel  // the tinted ground that it shares with its neighbours
	draw   func(y float64)
}

// panel is a tinted ground under several blocks.
type panel struct {
	fill Colour
	bar  bool // with a bar of the ink at its left
}

// placed is a block with its place on a page.
type placed struct {
	block
	y float64
}

// fit puts the blocks on pages with the widest spacing that needs no more pages than the tightest: a long name
// should not send the box with the code to a page of its own.
func fit(blocks []block, top, end float64) [][]placed {
	const tightest = 0.5
	fewest := len(paginate(spaced(blocks, tightest), top, end))
	for _, share := range []float64{1, 0.85, 0.7} {
		if pages := paginate(spaced(blocks, share), top, end); len(pages) == fewest {
			return pages
		}
	}
	return paginate(spaced(blocks, tightest), top, end)
}

// spaced gives the blocks with a share of the space between them.
func spaced(blocks []block, share float64) []block {
	closer := slices.Clone(blocks)
	for i := range closer {
		closer[i].gap *= share
	}
	return closer
}

// paginate puts the blocks on pages whose column goes from top to end. A group that is kept together and fits on no
// page is cut where it must.
func paginate(blocks []block, top, end float64) [][]placed {
	pages := [][]placed{nil}
	y := top
	for i := 0; i < len(blocks); {
		group := together(blocks[i:])
		page := &pages[len(pages)-1]
		if need := heightOf(group, len(*page) == 0); y+need > end && len(*page) > 0 {
			pages = append(pages, nil)
			y = top
			continue
		}
		for _, b := range group {
			page = &pages[len(pages)-1]
			if len(*page) > 0 {
				y += b.gap
			}
			if y+b.height > end && len(*page) > 0 {
				pages, y = append(pages, nil), top
				page = &pages[len(pages)-1]
			}
			if b.last {
				y = max(y, end-b.height)
			}
			*page = append(*page, placed{b, y})
			y += b.height
		}
		i += len(group)
	}
	return pages
}

// together gives the blocks at the head that stay with one another.
func together(blocks []block) []block {
	for i, b := range blocks {
		if !b.keep {
			return blocks[:i+1]
		}
	}
	return blocks
}

func heightOf(group []block, atTop bool) float64 {
	sum := 0.0
	for i, b := range group {
		if i > 0 || !atTop {
			sum += b.gap
		}
		sum += b.height
	}
	return sum
}
