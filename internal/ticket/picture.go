package ticket

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// PictureType is the media type of a picture.
const PictureType = "image/svg+xml"

// quietModules is how many light modules a QR code has around it (ISO/IEC 18004).
const quietModules = 4

// Picture returns the QR code of a ticket's code as SVG, a module a unit: it has no size of its own.
func Picture(code string) ([]byte, error) {
	symbol, err := qr.Encode(code, qr.M, qr.AlphaNumeric)
	if err != nil {
		return nil, fmt.Errorf("picture of a ticket: %w", err)
	}
	modules := symbol.Bounds().Dx()
	dark := func(x, y int) bool {
		if x == modules {
			return false
		}
		red, _, _, _ := symbol.At(x, y).RGBA()
		return red == 0
	}

	var path strings.Builder
	for y := range modules {
		for x := 0; x < modules; x++ {
			from := x
			for dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quietModules, y+quietModules, x-from, x-from)
			}
		}
	}
	side := modules + 2*quietModules
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`+"\n", side, side, side, side, path.String()), nil
}
