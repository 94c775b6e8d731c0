package field

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Bounds where the rule sets none, in characters.
const (
	maxText = 200
	maxArea = 5000
	minName = 3
	maxName = 120
)

// keyTooLong stands for E-TXT-01 where the text is too long, so that a portal's own word for "too short" is
// not told to somebody who wrote too much.
const keyTooLong = "too-long"

// maxMarks is how many combining marks may follow a letter; more are a scribble over the neighbouring lines.
const maxMarks = 4

func (r Rule) text(typed string) (string, error) {
	s, err := line(typed)
	if err != nil || s == "" {
		return "", err
	}
	if err := r.measure(s, r.Min, orDefault(r.Max, maxText)); err != nil {
		return "", err
	}
	if word, mixed := mixedWord(s); mixed {
		return "", refuse("E-TXT-03", "palavra", word)
	}
	return s, nil
}

// area keeps a longer text as it was typed, line by line. Alphabets may mix: it may quote anything.
func (r Rule) area(typed string) (string, error) {
	s := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ").Replace(typed)
	s, err := readable(s, "\n")
	if err != nil {
		return "", err
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRightFunc(l, unicode.IsSpace)
	}
	s = trim(strings.Join(lines, "\n"))
	if s == "" {
		return "", nil
	}
	return s, r.measure(s, r.Min, orDefault(r.Max, maxArea))
}

// name reads a person's name: letters, spaces, hyphens, apostrophes and full stops, two words at least.
//
// Only Latin letters: identity documents carry the name in them, and a name that merely looks like another
// must not reach a certificate.
func (r Rule) name(typed string) (string, error) {
	s, err := line(apostrophes.Replace(foldWidth(typed)))
	if err != nil || s == "" {
		return "", err
	}
	for _, c := range s {
		switch {
		case unicode.Is(unicode.Latin, c), unicode.Is(unicode.Mn, c), strings.ContainsRune(" -'’ʼ.‐·", c):
		case unicode.IsLetter(c):
			return "", refuse("E-NOM-04")
		default:
			return "", refuse("E-NOM-03", "caracter", string(c))
		}
	}
	if words(s) < 2 {
		return "", refuse("E-NOM-01")
	}
	return s, r.measure(s, orDefault(r.Min, minName), orDefault(r.Max, maxName))
}

// apostrophes are the accents and quotes that people type for one: D´Ávila, D`Ávila.
var apostrophes = strings.NewReplacer("´", "'", "`", "'", "‘", "’")

// words counts the words that hold a letter.
func words(s string) int {
	n := 0
	for word := range strings.FieldsSeq(s) {
		if strings.ContainsFunc(word, unicode.IsLetter) {
			n++
		}
	}
	return n
}

func (r Rule) measure(s string, least, most int) error {
	n := utf8.RuneCountInString(s)
	args := []string{"min", strconv.Itoa(max(least, 1)), "max", strconv.Itoa(most), "n", strconv.Itoa(n)}
	if n > most {
		return refuse(keyTooLong, args...)
	}
	if n < least {
		return refuse("E-TXT-01", args...)
	}
	if letters(s) < r.MinLetters {
		return refuse("E-TXT-04", "min", strconv.Itoa(r.MinLetters))
	}
	return nil
}

func letters(s string) int {
	n := 0
	for _, c := range s {
		if unicode.IsLetter(c) {
			n++
		}
	}
	return n
}

func (r Rule) doubtText(clean string) []Finding {
	if r.Doubt == "" || len(r.Expect) == 0 {
		return nil
	}
	folded := Fold(clean)
	for _, word := range r.Expect {
		if strings.Contains(folded, Fold(word)) {
			return nil
		}
	}
	return []Finding{{Key: r.Doubt, Warning: true}}
}

// line reads one line of text: readable, trimmed, spaces collapsed.
func line(typed string) (string, error) {
	s, err := readable(strings.ReplaceAll(trim(typed), "\t", " "), "")
	return strings.Join(strings.Fields(s), " "), err
}

// readable brings text into NFC, drops what cannot be seen and means nothing in our languages (soft hyphens,
// zero-width spaces and joiners: residue of copying), makes every space a plain one, and refuses what hides or
// turns text round: control characters, bidirectional marks and overrides, tags, private and unassigned code
// points, invisible letters, heaps of combining marks, broken UTF-8.
func readable(s, admit string) (string, error) {
	if !utf8.ValidString(s) {
		return "", refuse("E-TXT-02", "caracter", "UTF-8")
	}
	var out strings.Builder
	out.Grow(len(s))
	marks := 0
	for _, c := range s {
		switch {
		case unseen(c):
			continue
		case strings.ContainsRune(admit, c):
		case unicode.Is(unicode.Zs, c):
			c = ' '
		case !unicode.IsGraphic(c), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, c), c == '\u2800', c == utf8.RuneError:
			return "", refuse("E-TXT-02", "caracter", fmt.Sprintf("U+%04X", c))
		}
		if marks = run(marks, c); marks > maxMarks {
			return "", refuse("E-TXT-02", "caracter", fmt.Sprintf("U+%04X", c))
		}
		if ligature(c) {
			out.WriteString(norm.NFKC.String(string(c)))
			continue
		}
		out.WriteRune(c)
	}
	return norm.NFC.String(out.String()), nil
}

// run counts the combining marks in a row.
func run(marks int, c rune) int {
	if unicode.Is(unicode.M, c) {
		return marks + 1
	}
	return 0
}

// ligature tells the letters that copying from a PDF leaves: ﬁ, ﬂ and the like.
func ligature(c rune) bool { return '\ufb00' <= c && c <= '\ufb06' }

func unseen(c rune) bool {
	switch c {
	case '\u00ad', '\u034f', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
		return true
	}
	return unicode.Is(unicode.Variation_Selector, c)
}

// mixedWord finds a word that mixes Latin letters with those of another alphabet: «Cооperativa» with Cyrillic о.
func mixedWord(s string) (string, bool) {
	for word := range strings.FieldsSeq(s) {
		latin, other := false, false
		for _, c := range word {
			switch {
			case !unicode.IsLetter(c), unicode.In(c, unicode.Common, unicode.Inherited):
			case unicode.Is(unicode.Latin, c):
				latin = true
			default:
				other = true
			}
		}
		if latin && other {
			return word, true
		}
	}
	return "", false
}

// foldWidth makes full-width letters plain ones.
func foldWidth(s string) string { return width.Fold.String(s) }

// trim cuts white space of any script from both ends.
func trim(s string) string {
	return strings.TrimFunc(s, func(c rune) bool { return unicode.IsSpace(c) || unseen(c) })
}

func orDefault(n, other int) int {
	if n > 0 {
		return n
	}
	return other
}
