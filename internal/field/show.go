package field

import (
	"strings"
	"time"
	"unicode/utf8"

	"chancela/internal/i18n"
)

// Show gives a stored value as people read it in a language. Sensitive values show only their end; the labels
// of choices belong to the portal, which shows them itself. What does not look stored is shown as it is, or
// masked whole where the kind is sensitive.
func Show(kind Kind, lang i18n.Lang, stored string) string {
	if stored == "" && kind != Tick {
		return ""
	}
	switch kind {
	case NIF, Civil, Document:
		return masked(stored, 3)
	case Certidao:
		return strings.ReplaceAll(masked(stored, 4), "••••• ", "••••-••••-")
	case NIPC:
		return threes(stored)
	case Phone, Mobile:
		return showPhone(stored)
	case Date:
		return showDate(lang, stored)
	case Tick:
		return showTick(lang, stored)
	case Country:
		return showCountry(lang, stored)
	case Integer:
		return grouped(stored, lang)
	case Money:
		return showMoney(lang, stored)
	}
	return stored
}

// masked keeps the last letters of a value, and less where that would be half of it or more.
func masked(s string, last int) string {
	n := utf8.RuneCountInString(s)
	if n < 2*last {
		return "•••••"
	}
	letters := []rune(s)
	return "••••• " + string(letters[n-last:])
}

// threes parts nine digits in groups of three.
func threes(s string) string {
	if len(s) != 9 || !digits(s) {
		return s
	}
	return s[:3] + " " + s[3:6] + " " + s[6:]
}

func showPhone(s string) string {
	if rest, ok := strings.CutPrefix(s, "+351"); ok && len(rest) == 9 {
		return "+351 " + threes(rest)
	}
	return s
}

func showDate(lang i18n.Lang, s string) string {
	day, err := time.ParseInLocation(time.DateOnly, s, i18n.Lisbon())
	if err != nil {
		return s
	}
	return i18n.Date(lang, day.Add(12*time.Hour)) // noon: no change of hour can move it to another day
}

func showTick(lang i18n.Lang, s string) string {
	if s == "true" {
		return i18n.Say(lang, "field.yes", nil)
	}
	return i18n.Say(lang, "field.no", nil)
}

func showCountry(lang i18n.Lang, code string) string {
	if text, ok := i18n.Word(countryWords + code); ok {
		return text.In(lang)
	}
	return code
}

// grouped parts digits in threes: by a no-break space in Portuguese, where four digits stay together, by a comma
// in English.
func grouped(s string, lang i18n.Lang) string {
	mark, least := "\u00a0", 5
	if lang == i18n.EN {
		mark, least = ",", 4
	}
	if !digits(s) || len(s) < least {
		return s
	}
	var out strings.Builder
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			out.WriteString(mark)
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

func showMoney(lang i18n.Lang, s string) string {
	euros, cents, ok := strings.Cut(s, ".")
	switch {
	case !ok:
		return s
	case lang == i18n.EN:
		return "€" + grouped(euros, lang) + "." + cents
	}
	return grouped(euros, lang) + "," + cents + "\u00a0€"
}

// Lookable says whether a value that is masked wherever it is shown must still be read whole by whoever has to look
// something up by it: an access code of a public register. What tells people apart never is.
func Lookable(kind Kind) bool { return kind == Certidao }
