package sheet_test

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/credential/sheet"
	"chancela/internal/i18n"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

func makeSheet(t testing.TB, s sheet.Sheet) []byte {
	t.Helper()
	pdf, err := sheet.Make(s)
	if err != nil {
		t.Fatal(err)
	}
	return pdf
}

func TestSheetSatisfiesEveryOutsideJudge(t *testing.T) {
	for name, s := range map[string]sheet.Sheet{"issued": sample(), "for evaluation": trial(), "bare": {Title: "Certidão", Made: sample().Made}, "hostile": hostile()} {
		t.Run(name, func(t *testing.T) {
			pdf := makeSheet(t, s)
			path := write(t, "folha.pdf", pdf)
			if said := mustJudge(t, "qpdf", "--check", path); !strings.Contains(said, "No syntax or stream encoding errors") {
				t.Errorf("qpdf: %s", said)
			}
			if said := mustJudge(t, "mutool", "info", path); strings.Contains(said, "error") || strings.Contains(said, "warning") {
				t.Errorf("mutool: %s", said)
			}
			model.ConfigPath = "disable"
			conf := model.NewDefaultConfiguration()
			conf.Offline, conf.ValidationMode = true, model.ValidationStrict
			if err := api.Validate(bytes.NewReader(pdf), conf); err != nil {
				t.Errorf("pdfcpu: %v", err)
			}
		})
	}
}

func TestSheetSaysWhatItIs(t *testing.T) {
	path := write(t, "folha.pdf", makeSheet(t, sample()))
	said := mustJudge(t, "pdfinfo", "-isodates", path)
	for _, want := range []string{
		"Credencial n.º 2026/000123", "Entidade Emissora Inventada, CIPRL", "2026-05-04T10:15:00Z", "A4", "JavaScript:      no",
		"Form:            none", "Encrypted:       no", "Pages:           1\n", "Metadata Stream: yes",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("pdfinfo does not say %q:\n%s", want, said)
		}
	}
	for _, line := range strings.Split(mustJudge(t, "pdffonts", path), "\n")[2:] {
		if fields := strings.Fields(line); len(fields) > 6 && fields[len(fields)-5] != "yes" {
			t.Errorf("a font is not embedded: %s", line)
		}
	}
	catalog := mustJudge(t, "qpdf", "--show-object=trailer", path) + mustJudge(t, "mutool", "show", path, "trailer/Root")
	for _, want := range []string{"/ID", "/OutputIntents", "/Lang (pt-PT)", "/Metadata"} {
		if !strings.Contains(catalog, want) {
			t.Errorf("trailer and catalog lack %s:\n%s", want, catalog)
		}
	}
	if metadata := mustJudge(t, "pdfinfo", "-meta", path); strings.Contains(metadata, "pdfaid") {
		t.Error("the metadata claims a conformance that nobody has judged")
	}
}

func TestEveryWordIsOnThePaper(t *testing.T) {
	s := trial()
	s.Watermark = "" // pdftotext mixes the slanted letters with the lines
	text := squeezed(mustJudge(t, "pdftotext", "-layout", write(t, "folha.pdf", makeSheet(t, s)), "-"))
	for _, want := range []string{
		s.Title, s.Number, s.Issuer.Name, s.Issuer.Lines[0], s.Basis, s.References[0].Value, s.Facts[0].Value, s.Facts[6].Value,
		s.Statement, s.Paragraphs[0], s.Terms[2].Label, s.Terms[2].Value, s.Decision.Name, s.Decision.Lines[0], s.Check.Code,
		s.Notice, "Página 1 de 1",
	} {
		if !strings.Contains(text, squeezed(want)) {
			t.Errorf("the paper does not show %q", want)
		}
	}
}

// squeezed takes out all space: where lines break is not what these tests are about.
func squeezed(text string) string { return strings.Join(strings.Fields(text), "") }

func TestQRCodeReadsBackToTheAddress(t *testing.T) {
	for name, s := range map[string]sheet.Sheet{"issued": sample(), "for evaluation": trial(), "hostile": hostile()} {
		t.Run(name, func(t *testing.T) {
			base := write(t, "folha.pdf", makeSheet(t, s))
			last := regexp.MustCompile(`Pages: +(\d+)`).FindStringSubmatch(mustJudge(t, "pdfinfo", base))[1]
			mustJudge(t, "pdftoppm", "-r", "150", "-gray", "-f", last, "-l", last, "-singlefile", base, base)
			said := mustJudge(t, "zbarimg", "--nodbus", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", base+".pgm")
			if strings.TrimSpace(said) != s.Check.Address {
				t.Errorf("the code leads to %q", said)
			}
		})
	}
}

// hostile is the sample with texts as long and as awkward as somebody could bring.
func hostile() sheet.Sheet {
	s := trial()
	word := strings.Repeat("Ãç’º", 160)
	name := strings.Repeat("Associação Inventada de Produtores d’Além-Mar e Açúcar ", 20)
	s.Title, s.Number, s.Issuer.Name = first(name, 500), first(word, 150), name
	s.Facts[0].Value, s.Facts[1].Label, s.Facts[2].Value = name, word, strings.Repeat("Lugar do Êrmo, ", 250)
	s.References[0].Value, s.Terms[1].Value = word, name
	s.Statement, s.Paragraphs = strings.Repeat(name, 3), []string{word + " " + name, "uma\nlinha\n\noutra", name}
	s.Decision.Name, s.Decision.Lines = name, []string{word, name, name}
	s.Check.Sentence, s.Check.Code = name, first(word, 100)
	s.Notice = first(name, 150)
	return s
}

func first(text string, letters int) string { return string([]rune(text)[:letters]) }

func TestNothingOverflowsOrIsLost(t *testing.T) {
	s := hostile()
	path := write(t, "folha.pdf", makeSheet(t, s))
	s.Watermark = "" // pdftotext breaks the slanted word into letters; it is judged by eye
	boxes := mustJudge(t, "pdftotext", "-bbox", write(t, "sem.pdf", makeSheet(t, s)), "-")
	const mm = 72 / 25.4
	found := regexp.MustCompile(`<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">`).FindAllStringSubmatch(boxes, -1)
	if len(found) < 500 {
		t.Fatalf("only %d words", len(found))
	}
	for _, f := range found {
		if number(t, f[1]) < 23.5*mm || number(t, f[3]) > 186.5*mm || number(t, f[2]) < 0 || number(t, f[4]) > 292*mm {
			t.Errorf("a word stands outside the margins: %v", f[0])
		}
	}
	text := squeezed(mustJudge(t, "pdftotext", "-raw", path, "-"))
	if n, want := strings.Count(text, "LugardoÊrmo,"), 200; n < want {
		t.Errorf("of the long value %d pieces are there, want %d at least", n, want)
	}
}

func TestLinesDoNotLieOnOneAnother(t *testing.T) {
	s := hostile()
	s.Watermark = ""
	boxes := mustJudge(t, "pdftotext", "-bbox-layout", write(t, "folha.pdf", makeSheet(t, s)), "-")
	type box struct{ x1, y1, x2, y2 float64 }
	for _, page := range strings.Split(boxes, "<page ")[1:] {
		var words []box
		for _, f := range regexp.MustCompile(`<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">`).FindAllStringSubmatch(page, -1) {
			words = append(words, box{number(t, f[1]), number(t, f[2]), number(t, f[3]), number(t, f[4])})
		}
		for i, a := range words {
			for _, b := range words[i+1:] {
				// Boxes are as high as the font's tallest letter: lines that touch overlap by a third of it.
				deep := min(a.y2, b.y2) - max(a.y1, b.y1)
				if min(a.x2, b.x2)-max(a.x1, b.x1) > 1 && deep > 0.55*min(a.y2-a.y1, b.y2-b.y1) {
					t.Fatalf("words lie on one another: %v %v", a, b)
				}
			}
		}
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSheetRefusesWhatItCannotPrintFaithfully(t *testing.T) {
	for name, spoil := range map[string]func(*sheet.Sheet){
		"a letter the fonts lack":   func(s *sheet.Sheet) { s.Facts[0].Value = "合作社" },
		"turned writing":            func(s *sheet.Sheet) { s.Facts[0].Value = "Cooperativa \u202eLRC" },
		"a letter that is not seen": func(s *sheet.Sheet) { s.Title = "Cre\u200bdencial" },
		"a control character":       func(s *sheet.Sheet) { s.Decision.Name = "Maria\x00" },
		"broken UTF-8":              func(s *sheet.Sheet) { s.Statement = "\xff\xfe" },
		"a text too long":           func(s *sheet.Sheet) { s.Paragraphs = []string{strings.Repeat("a", 4001)} },
		"too many lines":            func(s *sheet.Sheet) { s.Facts = make([]sheet.Line, 101) },
		"a notice too long":         func(s *sheet.Sheet) { s.Notice = strings.Repeat("a", 201) },
		"a code that calls":         func(s *sheet.Sheet) { s.Check.Address = "tel:760000000" },
		"a script for an address":   func(s *sheet.Sheet) { s.Check.Address = "javascript://x/%0aalert(1)" },
		"an address too long":       func(s *sheet.Sheet) { s.Check.Address = "https://exemplo.pt/" + strings.Repeat("a", 500) },
		"a box higher than a page":  func(s *sheet.Sheet) { s.Check.Sentence = strings.Repeat("palavra ", 499); s.Seal = s.Check.Sentence },
	} {
		s := sample()
		spoil(&s)
		_, err := sheet.Make(s)
		if problem, ok := errors.AsType[*sheet.TextError](err); !ok {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(problem.Error(), "Maria") {
			t.Errorf("%s: the refusal tells the name", name)
		}
	}
}

func TestSheetAsksForATimeAndLooksAtNoClock(t *testing.T) {
	s := sample()
	s.Made = time.Time{}
	if _, err := sheet.Make(s); err == nil {
		t.Error("made without a time")
	}
}

func TestLongNameOfABodyLeavesOnePage(t *testing.T) {
	s := sample()
	s.Facts[0].Value = first(strings.Repeat("Cooperativa Inventada de Produção e Comercialização d’Além-Mar ", 4), 200)
	path := write(t, "folha.pdf", makeSheet(t, s))
	if said := mustJudge(t, "pdfinfo", path); !strings.Contains(said, "Pages:           1\n") {
		t.Errorf("got %s", said)
	}
}

func TestPrintableTakesTheNamesOfEurope(t *testing.T) {
	for _, name := range []string{
		"Cooperativa d’Além-Mar, Açúcar & Filhos, CRL – 1.º grau", "Ångström Łódź Žižkov Școală", "Ελληνική Εταιρεία", "Кооперация България",
		"a\u0303o decomposto", "«aspas» “curvas” … € ½ m²",
	} {
		if err := sheet.Printable(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := sheet.Printable("العربية"); err == nil {
		t.Error("takes what the fonts lack")
	}
}

func TestTextWithMarkupStaysText(t *testing.T) {
	s := sample()
	s.Title = `</rdf:li><script>alert(1)</script>) /JS (app.alert(1))`
	s.Facts[0].Value = `<b>ET) Tj /Launch</b>`
	pdf := makeSheet(t, s)
	path := write(t, "folha.pdf", pdf)
	if text := squeezed(mustJudge(t, "pdftotext", "-layout", path, "-")); !strings.Contains(text, squeezed(s.Facts[0].Value)) {
		t.Error("the text was taken for something else")
	}
	if said := mustJudge(t, "pdfinfo", path); !strings.Contains(said, "JavaScript:      no") || !strings.Contains(said, s.Title) {
		t.Errorf("pdfinfo: %s", said)
	}
	if bytes.Contains(pdf, []byte("<script>")) {
		t.Error("markup stands in the metadata as it came")
	}
}

func TestSameSheetGivesTheSameBytesFromManyHands(t *testing.T) {
	first := makeSheet(t, trial())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if again, err := sheet.Make(trial()); err != nil || !bytes.Equal(first, again) {
				t.Errorf("differs: %v", err)
			}
		})
	}
	group.Wait()
}

func TestEnglishSheetCountsPagesInEnglish(t *testing.T) {
	s := sample()
	s.Lang, s.Check = i18n.EN, sheet.Check{}
	text := mustJudge(t, "pdftotext", write(t, "folha.pdf", makeSheet(t, s)), "-")
	if !strings.Contains(text, "Page 1 of 1") || !strings.Contains(text, s.Seal[:30]) {
		t.Errorf("got %s", text)
	}
}

func TestSheetDoesNotChangeWhatItIsGiven(t *testing.T) {
	s := sample()
	s.Facts = append(s.Facts, sheet.Line{Label: "vazio"})
	makeSheet(t, s)
	if len(s.Facts) != len(sample().Facts)+1 {
		t.Error("the caller's lines were cut")
	}
}

func BenchmarkMake(b *testing.B) {
	s := sample()
	b.ReportAllocs()
	for b.Loop() {
		makeSheet(b, s)
	}
}
