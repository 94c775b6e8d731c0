package field

import (
	"path"
	"strings"
	"unicode"

	"chancela/internal/i18n"
)

// maxFileName is how many letters of a file's name are shown.
const maxFileName = 100

// FileName gives the name of an uploaded file in a form that is safe to show, to send in a header's quoted
// string and to offer for saving: no folder, no letter that hides or turns text, no quote, nothing that a
// spreadsheet or a shell takes for a formula or an option, at most 100 letters, its ending kept. Files are never
// stored under it.
func FileName(lang i18n.Lang, typed string) string {
	if len(typed) > 4096 {
		typed = typed[len(typed)-4096:]
	}
	s := typed[strings.LastIndexAny(typed, `/\`)+1:]
	s = strings.Map(safeLetter, strings.ToValidUTF8(s, "_"))
	s, err := readable(s, "")
	if err != nil {
		s = ""
	}
	s = strings.TrimLeft(strings.Join(strings.Fields(s), " "), ".=+-@~ ")
	s = strings.TrimRight(s, ". ")
	if s == "" {
		return i18n.Say(lang, "field.file-unnamed", nil)
	}
	return shortName(s)
}

// safeLetter replaces what file systems and headers read as more than a letter, and drops what is not seen.
func safeLetter(c rune) rune {
	switch {
	case strings.ContainsRune(`"<>:|?*;%`+"`$&'", c):
		return '_'
	case unicode.Is(unicode.Zs, c):
		return ' '
	case !unicode.IsGraphic(c), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, c), c == '\u2800', c == '\ufffd':
		return -1
	}
	return c
}

func shortName(s string) string {
	letters := []rune(s)
	if len(letters) <= maxFileName {
		return s
	}
	ending := []rune(path.Ext(s))
	if len(ending) > 10 {
		ending = nil
	}
	return string(letters[:maxFileName-len(ending)-1]) + "…" + string(ending)
}
