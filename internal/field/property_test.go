package field

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"chancela/internal/i18n"

	"pgregory.net/rapid"
)

// typedText draws what people and attackers type: near misses of every kind, and anything at all.
func typedText() *rapid.Generator[string] {
	seeds := []string{"", " ", "Ana Exemplo", "590000012", "PT 590.000.012", "+351 912 345 678", "ana@exemplo.pt", "1900-064", "1111-2222-3333", "000000000ZZ4",
		"04/05/2026", "1.234,56 €", "https://dre.pt/a?b=ç#%41", "www.exemplo.pt\nb.example", "on", "PT", "2025", "\u202e", "ﬁ", "\u0301", "Ａ", "a", "*.a.pt", "MAAwADAA"}
	return rapid.OneOf(rapid.String(), rapid.SampledFrom(seeds), rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(seeds), 0, 4).Draw(t, "parts"), rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "between"))
	}), rapid.StringMatching(`[0-9A-Za-z@.,/:€ +-]{0,40}`))
}

func anyRule() *rapid.Generator[Rule] {
	return rapid.Custom(func(t *rapid.T) Rule {
		return Rule{
			Kind: rapid.SampledFrom(Kinds()).Draw(t, "kind"), Optional: rapid.Bool().Draw(t, "optional"), Wildcards: rapid.Bool().Draw(t, "wildcards"),
			Min: rapid.IntRange(0, 5).Draw(t, "min"), Max: rapid.SampledFrom([]int{0, 10, 500, 5000}).Draw(t, "max"), Options: []string{"on", "PT", "a"},
			FirstDigits: rapid.SampledFrom([]string{"", "56"}).Draw(t, "first"), NotAfterToday: rapid.Bool().Draw(t, "past"),
		}
	})
}

func TestCheckingACleanValueChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := anyRule().Draw(t, "rule")
		clean, found := Check(rule, rapid.SliceOfN(typedText(), 0, 3).Draw(t, "typed"), now)
		if problem(found) && clean != nil {
			t.Fatalf("a value with a problem came out: %q %v", clean, found)
		}
		if problem(found) || clean == nil {
			return
		}
		again, foundAgain := Check(rule, clean, now)
		if !slices.Equal(clean, again) || problem(foundAgain) {
			t.Fatalf("%s: %q became %q %v", rule.Kind, clean, again, foundAgain)
		}
	})
}

func problem(found []Finding) bool {
	return slices.ContainsFunc(found, func(f Finding) bool { return !f.Warning })
}

func TestEveryFindingCanBeToldWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := anyRule().Draw(t, "rule")
		_, found := Check(rule, rapid.SliceOfN(typedText(), 0, 3).Draw(t, "typed"), now)
		for _, f := range found {
			for _, lang := range i18n.Langs() {
				text, ok := i18n.Word(f.Key)
				said := i18n.Fill(text.In(lang), f.Args)
				if !ok || !utf8.ValidString(said) || len(f.Args) == 0 && strings.Contains(said, "{") {
					t.Fatalf("%s %v: %q", f.Key, f.Args, said)
				}
				for name := range f.Args {
					if name != "data" && name != "ano" && !strings.Contains(text.In(lang), "{"+name+"}") {
						t.Fatalf("%s: %s has no place for %s", f.Key, lang, name)
					}
				}
			}
		}
	})
}

func TestCleanValuesAreSafeToStoreAndShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := anyRule().Draw(t, "rule")
		clean, _ := Check(rule, rapid.SliceOfN(typedText(), 0, 3).Draw(t, "typed"), now)
		for _, s := range clean {
			if !utf8.ValidString(s) || s == "" || strings.ContainsAny(s, "\x00\r\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
				t.Fatalf("%s: %q", rule.Kind, s)
			}
			if strings.Contains(s, "\n") && rule.Kind != Area && rule.Kind != CSR {
				t.Fatalf("%s has lines: %q", rule.Kind, s)
			}
			if Show(rule.Kind, i18n.PT, s) == "" {
				t.Fatalf("%s %q shows nothing", rule.Kind, s)
			}
		}
	})
}

func TestFoldingTwiceIsFoldingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := typedText().Draw(t, "text")
		if once := Fold(s); Fold(once) != once {
			t.Fatalf("%q: %q, then %q", s, once, Fold(once))
		}
	})
}

func TestTheCanonicalAddressOfAnAddressIsItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := typedText().Draw(t, "typed")
		canonical, ok := CanonicalEmail(s)
		if again, okAgain := CanonicalEmail(canonical); again != canonical || okAgain != ok {
			t.Fatalf("%q: %q %v, then %q %v", s, canonical, ok, again, okAgain)
		}
		if address, err := ParseEmail(s); err == nil && (!ok || !strings.EqualFold(address, canonical)) {
			t.Fatalf("%q: address %q, canonical %q", s, address, canonical)
		}
	})
}

func TestEveryCodeParsesToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rapid.SliceOfN(rapid.Byte(), 1600, 1600).Draw(t, "random")
		code, err := NewCode(bytes.NewReader(random))
		if err != nil {
			return // a source that is stuck on the symbols left out
		}
		if got, err := ParseCode(code); err != nil || got != code {
			t.Fatalf("%s: %s %v", code, got, err)
		}
	})
}
