package ui

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Theme is a portal's colours, made from one or two: the tints and shades are computed, so that whatever colours a
// body chooses, text on them can be read. The zero Theme is Ágora's own blue.
type Theme struct {
	primary, dark rgb
	set           bool
}

type rgb struct{ r, g, b uint8 }

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// minContrast is what white on the colour, and the colour on white, must have. WCAG 2.2, 1.4.3.
const minContrast = 4.5

// NewTheme makes a theme of a colour like #034ad8; "" gives the zero Theme. It refuses what cannot be read
// against white.
func NewTheme(primary string) (Theme, error) {
	if primary == "" {
		return Theme{}, nil
	}
	if !hexColour.MatchString(primary) {
		return Theme{}, fmt.Errorf("colour %q: expected # and six hex digits", primary)
	}
	t := Theme{primary: parseRGB(primary[1:]), set: true}
	if got := contrast(t.primary, white); got < minContrast {
		return Theme{}, fmt.Errorf("colour %s: contrast %.1f against white, at least %.1f is needed: choose a darker one", primary, got, minContrast)
	}
	t.dark = readable(mix(t.primary, black, 0.58))
	return t, nil
}

// WithDark gives the theme its own colour for headings and the bar at the top; "" leaves the computed one. A
// colour that is too light there is darkened, never refused.
func (t Theme) WithDark(dark string) (Theme, error) {
	if dark == "" || !t.set {
		return t, nil
	}
	if !hexColour.MatchString(dark) {
		return Theme{}, fmt.Errorf("colour %q: expected # and six hex digits", dark)
	}
	t.dark = readable(parseRGB(dark[1:]))
	return t, nil
}

// readable darkens a colour until light text and the focus ring (Ágora's #f408fc) stand out on it. WCAG 2.2, 1.4.3
// and 1.4.11.
func readable(c rgb) rgb {
	focus := rgb{0xf4, 0x08, 0xfc}
	for contrast(c, white) < 10 || contrast(c, focus) < 3 {
		c = mix(c, black, 0.1)
	}
	return c
}

var (
	white = rgb{255, 255, 255}
	black = rgb{0, 0, 0}
)

// parseRGB reads six hex digits that a pattern has checked.
func parseRGB(hex string) rgb {
	n, _ := strconv.ParseUint(hex, 16, 32)
	return rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}
}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// mix moves a colour towards another: 0 stays, 1 arrives.
func mix(from, to rgb, part float64) rgb {
	move := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*part)) }
	return rgb{move(from.r, to.r), move(from.g, to.g), move(from.b, to.b)}
}

// luminance is the relative luminance of WCAG 2.2.
func (c rgb) luminance() float64 {
	channel := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(c.r) + 0.7152*channel(c.g) + 0.0722*channel(c.b)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// css is the style sheet that puts the theme over Ágora's primary colours.
func (t Theme) css() string {
	shades := []struct {
		name string
		rgb  rgb
	}{
		{"50", mix(t.primary, white, 0.98)},
		{"100", mix(t.primary, white, 0.96)},
		{"200", mix(t.primary, white, 0.90)},
		{"300", mix(t.primary, white, 0.73)},
		{"400", mix(t.primary, white, 0.45)},
		{"500", mix(t.primary, white, 0.12)},
		{"600", t.primary},
		{"700", mix(t.primary, black, 0.25)},
		{"800", mix(t.primary, black, 0.45)},
		{"900", t.dark},
	}
	var out strings.Builder
	out.WriteString(":root{")
	for _, s := range shades {
		fmt.Fprintf(&out, "--color-primary-%s:%s;", s.name, s.rgb)
	}
	out.WriteString("}\n")
	return out.String()
}

// color is what a phone paints its bar with.
func (t Theme) color() string {
	if !t.set {
		return "#021c51" // Ágora's primary-900
	}
	return t.dark.String()
}

// Href is the address of the theme's style sheet; "" for the zero Theme.
func (t Theme) Href() string {
	if !t.set {
		return ""
	}
	a, err := t.asset()
	if err != nil {
		return "" // packing bytes in memory does not fail; the portal would be blue
	}
	return StaticPath + a.name
}

func (t Theme) asset() (*asset, error) {
	return newAsset("tema-"+t.primary.String()[1:]+"-"+t.dark.String()[1:]+".css", []byte(t.css()))
}

var (
	errNotATheme = errors.New("not the name of a theme")
	themeName    = regexp.MustCompile(`^tema-([0-9a-f]{6})-([0-9a-f]{6})\.[0-9a-f]{12}\.css$`)
)

// themeAsset computes the theme that a name asks for: replicas need no list of each other's portals. Only the
// one name with the right hash is answered.
func themeAsset(name string) *asset {
	a, err := themeNamed(name)
	if err != nil || a.name != name {
		return nil
	}
	return a
}

func themeNamed(name string) (*asset, error) {
	m := themeName.FindStringSubmatch(name)
	if m == nil {
		return nil, errNotATheme
	}
	t, err := NewTheme("#" + m[1])
	if err != nil {
		return nil, err
	}
	if t, err = t.WithDark("#" + m[2]); err != nil {
		return nil, err
	}
	return t.asset()
}
