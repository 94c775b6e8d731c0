package pades_test

import (
	"crypto/elliptic"
	"strings"
	"testing"

	"chancela/internal/credential/pades"
	"chancela/internal/credential/sheet"
	"chancela/internal/i18n"
)

// realSheet is a document as portals issue them, with every feature that the drawing of sheets uses.
func realSheet(t testing.TB) []byte {
	t.Helper()
	pdf, err := sheet.Make(sheet.Sheet{
		Lang: i18n.PT, Title: "Certidão (de ensaio)", Number: "n.º 1/2026", Made: at, Watermark: "TESTE", Notice: "SEM VALOR",
		Issuer:     sheet.Issuer{Name: "Entidade Inventada"},
		Statement:  "Certifica-se que isto é um ensaio.",
		Paragraphs: []string{strings.Repeat("Segue um parágrafo comprido. ", 100), strings.Repeat("E outro. ", 400)},
		Check:      sheet.Check{Code: "AAAA-BBBB", Address: "https://exemplo.pt/v/AAAA-BBBB"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pdf
}

func TestRealSheetIsSealed(t *testing.T) {
	a := newAuthority(t)
	for name, final := range map[string]bool{"approval": false, "certification": true} {
		t.Run(name, func(t *testing.T) {
			how := how
			how.Final = final
			sealed, err := pades.Seal(realSheet(t), a.sealer(t, ecKey(t, elliptic.P256())), how)
			if err != nil {
				t.Fatal(err)
			}
			path := write(t, "selado.pdf", sealed)
			judgedByPoppler(t, a.trust(t), path)
			judgedByQPDF(t, path)
			judgedByMuPDF(t, path)
			judgedByOpenSSL(t, a, sealed)
			judgedByPDFCPU(t, sealed)
			if said := mustJudge(t, "pdfinfo", path); !strings.Contains(said, "Certidão (de ensaio) n.º 1/2026") || !strings.Contains(said, "PDF version:     1.7") {
				t.Errorf("pdfinfo: %s", said)
			}
		})
	}
}
