package field

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// plain maps what compatibility decomposition leaves: strokes and ligatures that people type without, and the
// several hyphens, quotes and apostrophes.
var plain = strings.NewReplacer(
	"ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "æ", "ae", "œ", "oe", "ı", "i", "ħ", "h",
	"‐", "-", "‑", "-", "–", "-", "—", "-", "−", "-",
	"’", "'", "‘", "'", "ʼ", "'", "´", "'", "`", "'", "“", `"`, "”", `"`, "«", `"`, "»", `"`,
)

// Fold gives the form by which texts are searched and compared: without accents, case, width, ligatures and
// superfluous spaces. «Associação  de  Évora» and «ASSOCIACAO DE EVORA» fold alike. It is never shown.
func Fold(s string) string {
	if len(s) > MaxTyped {
		s = s[:MaxTyped]
	}
	s = strings.ToValidUTF8(s, " ")
	// Case folding can make new letters to decompose, and decomposing new letters to fold (İ, ŉ): twice is enough.
	for range 2 {
		s = strip(cases.Fold().String(norm.NFKD.String(s)))
	}
	return strings.Join(strings.Fields(norm.NFC.String(plain.Replace(s))), " ")
}

// strip leaves out marks and everything unseen; control characters become spaces.
func strip(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.Is(unicode.M, c), unicode.Is(unicode.Cf, c):
			return -1
		case unicode.IsControl(c):
			return ' '
		}
		return c
	}, s)
}
