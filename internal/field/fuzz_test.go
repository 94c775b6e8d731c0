package field

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"chancela/internal/i18n"
)

// fuzz feeds a parser with foreign text: it must not panic, must give what it gives again for its own result,
// and must give valid text.
func fuzz(f *testing.F, parse func(string) (string, error), seeds ...string) {
	for _, seed := range append(seeds, "", "\x00", "\xff", "\u202e", "０", strings.Repeat("1", 100)) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if len(typed) > MaxTyped {
			return
		}
		clean, err := parse(typed)
		if err != nil {
			if keyOf(err) == "" {
				t.Fatalf("%q: %v cannot be told", typed, err)
			}
			return
		}
		if again, err := parse(clean); err != nil || again != clean || !utf8.ValidString(clean) {
			t.Fatalf("%q: %q, then %q %v", typed, clean, again, err)
		}
	})
}

func FuzzNIPC(f *testing.F) { fuzz(f, ParseNIPC, "PT 590 000 012", "501192295") }
func FuzzNIF(f *testing.F)  { fuzz(f, ParseNIF, "123456789") }
func FuzzPhone(f *testing.F) {
	fuzz(f, ParsePhone, "(+351) 920-000-000", "00351912345678", "213 878 046/7")
}
func FuzzEmail(f *testing.F) {
	fuzz(f, ParseEmail, "ana+x@exemplo.pt", `"a"@b.pt`, "a@xn--0.pt", "a@açores.example", "0@0\xa7.A")
}
func FuzzPostal(f *testing.F)   { fuzz(f, ParsePostal, "1900–064") }
func FuzzCertidao(f *testing.F) { fuzz(f, ParseCertidao, "1234 - 5678 - 9012", "PP-1234") }
func FuzzCivil(f *testing.F)    { fuzz(f, ParseCivil, "000000000ZZ4", "1234567") }
func FuzzDocument(f *testing.F) { fuzz(f, ParseDocument, "ab-1234") }
func FuzzCountry(f *testing.F)  { fuzz(f, ParseCountry, "pt") }
func FuzzDate(f *testing.F)     { fuzz(f, ParseDate, "4/5/2026", "2026-05-04") }
func FuzzInteger(f *testing.F)  { fuzz(f, ParseInteger, "1.234", "007") }
func FuzzMoney(f *testing.F)    { fuzz(f, ParseMoney, "1.234,5 €", "1234.5") }
func FuzzCAE(f *testing.F)      { fuzz(f, ParseCAE, "01111") }
func FuzzCSR(f *testing.F) {
	fuzz(f, ParseCSR, "MAowADAAAwIAAA==", "-----BEGIN CERTIFICATE REQUEST-----\nMAAw\n-----END CERTIFICATE REQUEST-----")
}
func FuzzCode(f *testing.F) { fuzz(f, ParseCode, "0000-0000-0001-1", "ooo0-0000-000i-L") }

func FuzzText(f *testing.F) {
	fuzz(f, Rule{Max: 1000}.text, "Cooperativa «Exemplo», C.R.L.", "a\u00ad\u0301", "ﬁ", "e\u0301\u0301\u0301\u0301\u0301")
}
func FuzzArea(f *testing.F) { fuzz(f, Rule{}.area, "a\r\n\tb ", "\u2028") }
func FuzzName(f *testing.F) { fuzz(f, Rule{}.name, "Ａna D´Ávila", "Ana E\u0301") }
func FuzzLink(f *testing.F) {
	fuzz(f, Rule{}.link, "https://dre.pt/a?b=ç#%41", `https://a\@b.pt`, "https://a.pt/%2f/../")
}

func FuzzDomains(f *testing.F) {
	f.Add("www.Exemplo.pt\r\naçores.example; *.b.pt")
	f.Add("\x97.A")
	f.Fuzz(func(t *testing.T, typed string) {
		rule := Rule{Kind: Domains, Wildcards: true}
		clean, found := Check(rule, []string{typed}, now)
		if again, _ := Check(rule, clean, now); found == nil && !slices.Equal(clean, again) {
			t.Fatalf("%q: %q, then %q", typed, clean, again)
		}
	})
}

func FuzzCanonicalEmail(f *testing.F) {
	f.Add("Ａｎａ＠ｅｘｅｍｐｌｏ．ｐｔ")
	f.Fuzz(func(t *testing.T, typed string) {
		if got, _ := CanonicalEmail(typed); len(got) > maxEmail || !utf8.ValidString(got) {
			t.Fatalf("%q: %q", typed, got)
		}
	})
}

func FuzzFold(f *testing.F) {
	f.Add("Associação de Évora ŉ İ ﬁ")
	f.Fuzz(func(t *testing.T, s string) {
		if once := Fold(s); len(s) < 1000 && Fold(once) != once {
			t.Fatalf("%q: %q, then %q", s, once, Fold(once))
		}
	})
}

func FuzzFileName(f *testing.F) {
	f.Add(`C:\a\=b".pdf`)
	f.Fuzz(func(t *testing.T, typed string) {
		got := FileName(i18n.PT, typed)
		if got == "" || utf8.RuneCountInString(got) > 2*maxFileName || strings.ContainsAny(got, "\x00\r\n\"/\\<>\u202e") {
			t.Fatalf("%q: %q", typed, got)
		}
	})
}
