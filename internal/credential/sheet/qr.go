package sheet

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// encode makes the QR code of an address. Level M mends 15 %: enough for a paper that was folded.
func encode(address string) (barcode.Barcode, error) {
	code, err := qr.Encode(address, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("sheet: QR code of the address: %w", err)
	}
	return code, nil
}

// qr draws a QR code with its quiet zone (ISO/IEC 18004, 6.3.8: four modules) into a square. All dark modules are
// one path: readers that smooth edges would draw hairlines between rectangles of their own.
func (c *canvas) qr(code barcode.Barcode, x, y, side float64) {
	const quiet = 4
	n := code.Bounds().Dx()
	module := side / float64(n+2*quiet)
	c.fill(x, y, side, side, c.white)
	c.pdf.SetFillColor(0, 0, 0)
	var path strings.Builder
	for row := range n {
		for from := 0; from < n; from++ {
			run := 0
			for from+run < n && dark(code, from+run, row) {
				run++
			}
			if run > 0 {
				px, py := x+float64(from+quiet)*module, y+float64(row+quiet+1)*module
				fmt.Fprintf(&path, "%.3f %.3f %.3f %.3f re\n", px/point, (paperHeight-py)/point, float64(run)*module/point, module/point)
				from += run
			}
		}
	}
	c.pdf.RawWriteStr(path.String() + "f\n")
}

func dark(code barcode.Barcode, x, y int) bool {
	return color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128
}
