package field

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/fault"
	"chancela/internal/i18n"
)

// now is half past midnight in Lisbon, when it is still the day before in UTC.
var now = time.Date(2026, 7, 14, 23, 30, 0, 0, time.UTC)

// judge gives the only clean value and the only key of a check.
func judge(t *testing.T, rule Rule, typed ...string) (clean, key string) {
	t.Helper()
	cleans, found := Check(rule, typed, now)
	if len(cleans) > 1 || len(found) > 1 {
		t.Fatalf("%+v %q: %q %v", rule, typed, cleans, found)
	}
	if len(found) == 1 {
		key = found[0].Key
	}
	return strings.Join(cleans, "|"), key
}

func checkAll(t *testing.T, rule Rule, vectors []vector) {
	t.Helper()
	for _, v := range vectors {
		if clean, key := judge(t, rule, v.typed); clean != v.clean || key != v.key {
			t.Errorf("%s %q: got %q %s, want %q %s", rule.Kind, v.typed, clean, key, v.clean, v.key)
		}
	}
}

func TestVectorsOfTheNIPC(t *testing.T) {
	checkAll(t, Rule{Kind: NIPC, FirstDigits: "5"}, nipcVectors)
}

func TestVectorsOfTheNIPCWhereFiveAndSixAreAdmitted(t *testing.T) {
	checkAll(t, Rule{Kind: NIPC, FirstDigits: "56"}, []vector{
		{"699000017", "699000017", ""}, {"590000012", "590000012", ""},
		{"123456789", "", "E-NIPC-04"}, {"459900013", "", "E-NIPC-04"}, {"709900015", "", "E-NIPC-04"}, {"999999990", "", "E-NIPC-04"},
		{"501192295", "", "E-NIPC-03"}, {"699000018", "", "E-NIPC-03"}, {"69900001", "", "E-NIPC-02"},
	})
}

func TestTheNIPCOfTheFoundingDocumentIsRefusedByItsCheckDigit(t *testing.T) {
	checkAll(t, Rule{Kind: NIPC}, []vector{{"501192295", "", "E-NIPC-03"}, {"501 192 298", "501192298", ""}})
}

func TestVectorsOfTheTelephone(t *testing.T) { checkAll(t, Rule{Kind: Phone}, phoneVectors) }

func TestMobileRefusesWhatCannotGetAnSMS(t *testing.T) {
	checkAll(t, Rule{Kind: Mobile}, []vector{
		{"912345678", "+351912345678", ""}, {"\u202a+351 912 345 678\u202c", "+351912345678", ""},
		{"212345678", "", "E-TEL-06"}, {"301234567", "", "E-TEL-06"}, {"707123456", "", "E-TEL-04"}, {"91234567", "", "E-TEL-02"},
	})
}

func TestVectorsOfThePostalCode(t *testing.T) {
	checkAll(t, Rule{Kind: Postal}, postalVectors)
	for _, typed := range postalWarned {
		clean, found := Check(Rule{Kind: Postal}, []string{typed}, now)
		if len(clean) != 1 || len(found) != 1 || found[0].Key != "A-CP-02" || !found[0].Warning {
			t.Errorf("%s: %q %v", typed, clean, found)
		}
	}
}

func TestPostalRegionTellsTheAutonomousRegions(t *testing.T) {
	for code, want := range map[string]Region{"1900-064": Lisboa, "9000-001": Madeira, "9495-001": Madeira, "9500-001": Acores, "9999-999": "", "x": ""} {
		got, ok := PostalRegion(code)
		if got != want || ok != (want != "") || got.Autonomous() != (code[0] == '9' && ok) {
			t.Errorf("%s: %s %v", code, got, ok)
		}
	}
}

func TestVectorsOfTheCertidao(t *testing.T) { checkAll(t, Rule{Kind: Certidao}, certidaoVectors) }

func TestVectorsOfTheCivilNumber(t *testing.T) {
	checkAll(t, Rule{Kind: Civil}, []vector{
		{"000000000ZZ4", "00000000", ""}, {"00000000 0 ZZ4", "00000000", ""}, {"000000000zz4", "00000000", ""},
		{"000000000ZZ3", "", "E-NIC-02"}, {"000000001ZZ4", "", "E-NIC-02"}, {"00000000ZZ4", "", "E-NIC-01"},
		{"000000000Z4Z", "", "E-NIC-02"}, {"０00000000ZZ4", "", "E-NIC-01"},
		{"1234567", "01234567", ""}, {"12345678", "12345678", ""}, {"123456", "", "E-NIC-01"}, {"123456789", "", "E-NIC-01"}, {"", "", "E-GER-01"},
	})
}

func TestDocumentNumbersAreLettersDigitsAndHyphens(t *testing.T) {
	checkAll(t, Rule{Kind: Document}, []vector{
		{"ab 123-456", "AB123-456", ""}, {"x12", "", "E-DOC-01"}, {strings.Repeat("1", 21), "", "E-DOC-01"}, {"АB1234", "", "E-DOC-01"}, {"-1234", "", "E-DOC-01"},
	})
}

func TestTaxNumbersOfPersonsOnly(t *testing.T) {
	checkAll(t, Rule{Kind: NIF, Optional: true}, []vector{
		{"123456789", "123456789", ""}, {"459900013", "459900013", ""}, {"590000012", "", "E-NIF-01"}, {"123456780", "", "E-NIF-01"}, {"x", "", "E-NIF-01"}, {"", "", ""},
	})
}

func TestNamesAsTheyArePass(t *testing.T) {
	for _, name := range []string{
		"Ana Exemplo", "João da Conceição Exemplo-Fictício e Sousa", "Açucena D’Ávila", "Inês O'Exemplo", "José M.ª Exemplo", "Zoë Ångström Łukasz Ñandú",
		"Nguyễn Văn Exemplo", "Ana Ć. Đ.", "Maria-João dos Santos Inventados", strings.Repeat("Ana ", 29) + "Ana",
	} {
		if clean, key := judge(t, Rule{Kind: Name}, name); key != "" || clean != name {
			t.Errorf("%q: %q %s", name, clean, key)
		}
	}
}

func TestNamesAreBroughtIntoOneForm(t *testing.T) {
	checkAll(t, Rule{Kind: Name}, []vector{
		{"  Ana \t Exemplo\u00a0Fictícia ", "Ana Exemplo Fictícia", ""},
		{"Joa\u0303o Exemplo", "João Exemplo", ""},
		{"Ａｎａ　Ｅxemplo", "Ana Exemplo", ""},
		{"Ana\u200b Ex\u00ademplo", "Ana Exemplo", ""},
		{"Ana D´Avila", "Ana D'Avila", ""},
		{"So\ufb01a Exemplo", "Sofia Exemplo", ""},
	})
}

func TestNamesThatDeceiveAreRefused(t *testing.T) {
	checkAll(t, Rule{Kind: Name}, []vector{
		{"", "", "E-GER-01"}, {" \u200b\u00a0 ", "", "E-GER-01"}, {"Ana", "", "E-NOM-01"}, {"Ana -", "", "E-NOM-01"},
		{"Ana Ex3mplo", "", "E-NOM-03"}, {"Ana Exemplo, O=Outra", "", "E-NOM-03"}, {"Ana+Exemplo", "", "E-NOM-03"}, {"Ana <b>Exemplo</b>", "", "E-NOM-03"},
		{"Аna Exemplo", "", "E-NOM-04"}, {"Ana Εxemplo", "", "E-NOM-04"}, {"Анна Примерова", "", "E-NOM-04"},
		{"Ana \u202eolpmexE", "", "E-TXT-02"}, {"Ana\u2066 Exemplo", "", "E-TXT-02"}, {"Ana\x00 Exemplo", "", "E-TXT-02"}, {"Ana\r\nExemplo", "", "E-TXT-02"},
		{"Ana \u3164Exemplo", "", "E-TXT-02"}, {"Ana \ue000Exemplo", "", "E-TXT-02"}, {"Ana Exemplo\xff", "", "E-TXT-02"}, {"Ana E" + strings.Repeat("\u0301", 9), "", "E-TXT-02"},
		{"Ana " + strings.Repeat("x", 120), "", "E-TXT-01"},
	})
}

func TestBodiesAsTheyArePass(t *testing.T) {
	for _, body := range []string{
		"Cooperativa de Consumo «O Exemplo», C.R.L.", "Freguesia n.º 1 de Vila Fictícia - São João", "Instituto (Fictício) de Águas & Resíduos, I.P.",
		"Município de Exemplo – Divisão 3.ª", "União das Freguesias de A, B e C’Ávila", strings.Repeat("Ç", 200),
	} {
		if clean, key := judge(t, Rule{Kind: Text, Min: 3, Max: 200, MinLetters: 2}, body); key != "" || clean != body {
			t.Errorf("%q: %q %s", body, clean, key)
		}
	}
}

func TestTextsThatDeceiveAreRefused(t *testing.T) {
	checkAll(t, Rule{Kind: Text, Min: 3, Max: 20, MinLetters: 2}, []vector{
		{"C\u043eoperativa", "", "E-TXT-03"}, {"Ab\u202ecd", "", "E-TXT-02"}, {"-- 1 --", "", "E-TXT-04"}, {"Ab", "", "E-TXT-01"},
		{strings.Repeat("ã", 20), strings.Repeat("ã", 20), ""}, {strings.Repeat("ã", 21), "", "E-TXT-01"}, {"Ab\u2028cd", "", "E-TXT-02"}, {"Ab\x1bcd", "", "E-TXT-02"},
	})
}

func TestARuleMayHaveItsOwnWords(t *testing.T) {
	rule := Rule{Kind: Area, Min: 10, Max: 20, Wrong: "E-MOT-01", Missing: "E-FUN-01"}
	checkAll(t, rule, []vector{
		{"curto", "", "E-MOT-01"}, {"", "", "E-FUN-01"}, {strings.Repeat("longo", 5), "", "E-TXT-01"}, {"escondido\u202e aqui", "", "E-TXT-02"},
	})
}

func TestAreasKeepTheirLines(t *testing.T) {
	checkAll(t, Rule{Kind: Area}, []vector{
		{"  Um motivo.  \r\nOutra linha:\tα e Ж.\r\r\nFim  \n\n", "Um motivo.\nOutra linha: α e Ж.\n\nFim", ""}, {"a\x00b", "", "E-TXT-02"}, {"\n\n", "", "E-GER-01"},
	})
}

func TestDoubtIsAWarningAndStopsNobody(t *testing.T) {
	rule := Rule{Kind: Text, Doubt: "A-DEN-02", Expect: []string{"cooperativa", "CRL"}}
	checkAll(t, rule, []vector{{"COOPERATIVA de Exemplo", "COOPERATIVA de Exemplo", ""}, {"Exemplo, Lda.", "Exemplo, Lda.", "A-DEN-02"}})
	_, found := Check(rule, []string{"Exemplo, Lda."}, now)
	if !found[0].Warning {
		t.Error("a doubt is not a warning")
	}
	members := Rule{Kind: Integer, Doubt: "A-COO-01", DoubtBelow: 3}
	checkAll(t, members, []vector{{"3", "3", ""}, {"2", "2", "A-COO-01"}, {"1.234", "1234", ""}, {"007", "7", ""}})
}

func TestAddressesReadStrictly(t *testing.T) {
	long := strings.Repeat("a", 64) + "@" + strings.Repeat(strings.Repeat("b", 60)+".", 3)
	checkAll(t, Rule{Kind: Email}, []vector{
		{"Ana.Exemplo+portal@Exemplo.PT", "Ana.Exemplo+portal@exemplo.pt", ""}, {" ana@exemplo.pt ", "ana@exemplo.pt", ""},
		{"ana@correio.exemplo.museum", "ana@correio.exemplo.museum", ""}, {"a'b_{c}@exemplo.pt", "a'b_{c}@exemplo.pt", ""},
		{"ana@açores.example", "ana@xn--aores-yra.example", ""}, {"ana@EXEMPLO。pt", "ana@exemplo.pt", ""}, {"ana@exаmple.pt", "ana@xn--exmple-4nf.pt", ""},
		{long + "ptptp", long + "ptptp", ""}, {long + "ptptptp", "", "E-EML-01"},
		{"", "", "E-GER-01"}, {"ana", "", "E-EML-01"}, {"@exemplo.pt", "", "E-EML-01"}, {"ana@", "", "E-EML-01"}, {"ana@exemplo", "", "E-EML-01"},
		{"ana@@exemplo.pt", "", "E-EML-01"}, {"ana@exemplo.pt@mau.example", "", "E-EML-01"}, {"a@b@c", "", "E-EML-01"},
		{"ana(nota)@exemplo.pt", "", "E-EML-01"}, {`"ana"@exemplo.pt`, "", "E-EML-01"}, {`"a@b"@exemplo.pt`, "", "E-EML-01"}, {"Ana <ana@exemplo.pt>", "", "E-EML-01"},
		{"anã@exemplo.pt", "", "E-EML-01"}, {"Ａna@exemplo.pt", "", "E-EML-01"}, {"ana@exemplo.pt.", "", "E-EML-01"}, {"ana@exemplo.pt。", "", "E-EML-01"},
		{"ana@[127.0.0.1]", "", "E-EML-01"}, {"ana@127.0.0.1", "", "E-EML-01"}, {"ana@-exemplo.pt", "", "E-EML-01"}, {"ana@exem_plo.pt", "", "E-EML-01"},
		{".ana@exemplo.pt", "", "E-EML-01"}, {"ana.@exemplo.pt", "", "E-EML-01"}, {"a..b@exemplo.pt", "", "E-EML-01"}, {"ana exemplo@exemplo.pt", "", "E-EML-01"},
		{"ana@exemplo..pt", "", "E-EML-01"}, {"ana@exemplo.pt\r\nBcc: x@y.pt", "", "E-EML-01"}, {"ana\x00@exemplo.pt", "", "E-EML-01"},
		{"ana@exemplo.pt,rui@exemplo.pt", "", "E-EML-01"}, {strings.Repeat("a", 65) + "@exemplo.pt", "", "E-EML-01"}, {"ana\u202e@exemplo.pt", "", "E-EML-01"},
		{"ana@xn--0.pt", "", "E-EML-01"},
	})
}

func TestOneAccountHasOneCanonicalAddress(t *testing.T) {
	for _, typed := range []string{"ana@exemplo.pt", " Ana@Exemplo.pt\t", "ANA@EXEMPLO.PT", "Ａｎａ＠ｅｘｅｍｐｌｏ．ｐｔ", "ana@exemplo.pt\u200b", "ana@exemplo。pt"} {
		if got, ok := CanonicalEmail(typed); !ok || got != "ana@exemplo.pt" {
			t.Errorf("%q: %q %v", typed, got, ok)
		}
	}
	for _, other := range []string{"ana+x@exemplo.pt", "an.a@exemplo.pt", "аna@exemplo.pt", "ana@exеmplo.pt", "ána@exemplo.pt"} {
		if got, _ := CanonicalEmail(other); got == "ana@exemplo.pt" {
			t.Errorf("%q passes for another", other)
		}
	}
	for _, typed := range []string{"Ana", "ana ", "ＡＮＡ", "ÁNA"} {
		if got, ok := CanonicalEmail(typed); ok || got != "ana" {
			t.Errorf("%q: %q %v", typed, got, ok)
		}
	}
	if got, _ := CanonicalEmail(strings.Repeat("é@", 1<<16)); len(got) > maxEmail {
		t.Errorf("%d octets", len(got))
	}
}

func TestUnderComparesWholeLabels(t *testing.T) {
	for host, want := range map[string]bool{"exemplo.pt": true, "Correio.EXEMPLO.pt": true, "mauexemplo.pt": false, "exemplo.pt.example": false, "pt": false, "": false} {
		if Under(host, "exemplo.pt") != want {
			t.Errorf("%s", host)
		}
	}
	if EmailDomain("ana@exemplo.pt") != "exemplo.pt" {
		t.Error("domain of an address")
	}
}

func TestDatesAreReadAsPeopleTypeThem(t *testing.T) {
	checkAll(t, Rule{Kind: Date}, []vector{
		{"04/05/2026", "2026-05-04", ""}, {"4/5/2026", "2026-05-04", ""}, {"04-05-2026", "2026-05-04", ""}, {"2026-05-04", "2026-05-04", ""}, {"29/02/2028", "2028-02-29", ""},
		{"29/02/2027", "", "E-DAT-01"}, {"31/04/2026", "", "E-DAT-01"}, {"05/13/2026", "", "E-DAT-01"}, {"4/5/26", "", "E-DAT-01"}, {"hoje", "", "E-DAT-01"},
		{"0000-01-01", "", "E-DAT-01"}, {"2026-5-4", "", "E-DAT-01"}, {"０4/05/2026", "", "E-DAT-01"}, {"", "", "E-GER-01"},
	})
}

func TestTodayIsLisbons(t *testing.T) {
	checkAll(t, Rule{Kind: Date, NotAfterToday: true}, []vector{{"15/07/2026", "2026-07-15", ""}, {"16/07/2026", "", "E-DAT-02"}})
	checkAll(t, Rule{Kind: Date, NotBeforeToday: true}, []vector{{"15/07/2026", "2026-07-15", ""}, {"14/07/2026", "", "E-DAT-08"}})
	checkAll(t, Rule{Kind: Date, NotBefore: "1867-01-01", NotAfter: "2030-12-31"}, []vector{
		{"01/01/1867", "1867-01-01", ""}, {"31/12/1866", "", "E-DAT-09"}, {"01/01/2031", "", "E-DAT-10"},
	})
	checkAll(t, Rule{Kind: Date, FarYears: 6}, []vector{{"15/07/2032", "2032-07-15", ""}, {"16/07/2032", "2032-07-16", "A-DAT-07"}})
}

func TestYearsAndFinancialYears(t *testing.T) {
	checkAll(t, Rule{Kind: Year, Over: true, Min: 1867}, []vector{
		{"2025", "2025", ""}, {"2026", "", "E-EXE-01"}, {"1866", "", "E-NUM-02"}, {"25", "", "E-ANO-01"}, {"２０２５", "", "E-ANO-01"},
	})
	checkAll(t, Rule{Kind: Year, NotAfterToday: true}, []vector{{"2026", "2026", ""}, {"2027", "", "E-ANO-02"}})
}

func TestAmountsAreReadAsWrittenInPortuguese(t *testing.T) {
	checkAll(t, Rule{Kind: Money}, []vector{
		{"0", "0.00", ""}, {"1.234,5 €", "1234.50", ""}, {"1 234,56", "1234.56", ""}, {"1234.56", "1234.56", ""}, {"€ 1.234", "1234.00", ""}, {"000,10", "0.10", ""},
		{"-1", "", "E-NUM-01"}, {"1,234", "", "E-NUM-01"}, {"1,234.56", "", "E-NUM-01"}, {"1e3", "", "E-NUM-01"}, {"€", "", "E-NUM-01"}, {"9999999999999999", "", "E-NUM-01"},
	})
	checkAll(t, Rule{Kind: Money, Min: 5, Max: 100}, []vector{{"100", "100.00", ""}, {"100,01", "", "E-NUM-03"}, {"4,99", "", "E-NUM-02"}})
	checkAll(t, Rule{Kind: Integer, Min: 1, Max: 10}, []vector{{"10", "10", ""}, {"11", "", "E-NUM-03"}, {"0", "", "E-NUM-02"}, {"-1", "", "E-NUM-01"}, {"1,5", "", "E-NUM-01"}})
}

func TestChoicesAreOfTheList(t *testing.T) {
	checkAll(t, Rule{Kind: Choice, Options: []string{"um", "dois"}}, []vector{{"um", "um", ""}, {"três", "", "E-LST-01"}, {"UM", "", "E-LST-01"}, {"", "", "E-LST-01"}})
	several := Rule{Kind: Choices, Options: []string{"a", "b", "c"}, MinChosen: 2}
	clean, found := Check(several, []string{"c", "a", "c"}, now)
	if !slices.Equal(clean, []string{"a", "c"}) || found != nil {
		t.Errorf("%q %v", clean, found)
	}
	checkAll(t, several, []vector{{"a", "", "E-LST-02"}, {"d", "", "E-LST-01"}, {"", "", "E-LST-01"}})
	checkAll(t, Rule{Kind: Tick}, []vector{{"on", "true", ""}, {"true", "true", ""}, {"", "", "E-DEC-01"}, {"false", "", "E-DEC-01"}, {"x", "", "E-GER-03"}})
	checkAll(t, Rule{Kind: Tick, Optional: true}, []vector{{"", "", ""}, {"off", "", ""}})
}

func TestCountriesAreThoseOfTheStandard(t *testing.T) {
	checkAll(t, Rule{Kind: Country}, []vector{{"pt", "PT", ""}, {"NO", "NO", ""}, {"XX", "", "E-LST-01"}, {"UK", "", "E-LST-01"}, {"", "", "E-LST-01"}})
	if n := len(Countries()); n != 249 {
		t.Errorf("%d countries", n)
	}
}

func TestLinksGoOnlyWhereTheRuleSays(t *testing.T) {
	checkAll(t, Rule{Kind: URL, Hosts: []string{"diariodarepublica.pt", "dre.pt"}}, []vector{
		{"https://diariodarepublica.pt/dr/detalhe/despacho/1-2026", "https://diariodarepublica.pt/dr/detalhe/despacho/1-2026", ""},
		{"https://Files.DRE.pt/a?b=ç", "https://files.dre.pt/a?b=%C3%A7", ""},
		{"http://dre.pt/", "", "E-URL-01"}, {"https://dre.pt@mau.example/", "", "E-URL-01"}, {"https://maudre.pt/", "", "E-URL-02"}, {"https://dre.pt.mau.example/", "", "E-URL-02"},
		{`https://dre.pt\@mau.example/`, "", "E-URL-01"}, {"https://mau.example\\.dre.pt/", "", "E-URL-01"}, {"https://dre.pt:8443/", "", "E-URL-01"}, {"javascript:alert(1)", "", "E-URL-01"},
		{"//dre.pt/", "", "E-URL-01"}, {"https:dre.pt", "", "E-URL-01"}, {"https://127.0.0.1/", "", "E-URL-01"}, {"https://[::1]/", "", "E-URL-01"}, {"https://dre.pt/a b", "", "E-URL-01"},
		{"https://dre.pt./", "", "E-URL-01"}, {"https://dre.pt/" + strings.Repeat("a", 300), "", "E-URL-01"}, {"https://drе.pt/", "", "E-URL-02"}, {"dre.pt/1", "", "E-URL-01"},
	})
}

func TestDomainsAreALabelsEachOnce(t *testing.T) {
	clean, found := Check(Rule{Kind: Domains}, []string{"www.Exemplo.pt\r\naçores.example, www.exemplo.pt", "b.example"}, now)
	if want := []string{"www.exemplo.pt", "xn--aores-yra.example", "b.example"}; !slices.Equal(clean, want) || found != nil {
		t.Errorf("%q %v", clean, found)
	}
	for _, bad := range []string{"localhost", "10.0.0.1", "exemplo.pt.", "*.exemplo.pt", "-a.pt", "a_b.pt", "https://exemplo.pt", "::1", strings.Repeat("a", 64) + ".pt"} {
		if _, key := judge(t, Rule{Kind: Domains}, bad); key != "E-DOM-01" {
			t.Errorf("%s: %s", bad, key)
		}
	}
	if got, key := judge(t, Rule{Kind: Domains, Wildcards: true}, "*.exemplo.pt"); got != "*.exemplo.pt" || key != "" {
		t.Errorf("%s %s", got, key)
	}
	checkAll(t, Rule{Kind: Domains, Max: 1}, []vector{{"a.pt b.pt", "", "E-LST-03"}, {" , ", "", "E-GER-01"}})
}

func TestEconomicActivityHasFiveDigitsOfADivisionThatExists(t *testing.T) {
	checkAll(t, Rule{Kind: CAE}, []vector{{"01111", "01111", ""}, {"94995", "94995", ""}, {"45110", "", "E-CAE-02"}, {"00000", "", "E-CAE-02"}, {"1234", "", "E-CAE-01"}, {"１2345", "", "E-CAE-01"}})
}

func TestRequestsKeepTheirShapeAndPrivateKeysStayOut(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	want := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	checkAll(t, Rule{Kind: CSR}, []vector{
		{want, want, ""}, {strings.ReplaceAll(want, "\n", "\r\n"), want, ""}, {strings.ReplaceAll(want, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"), want, ""},
		{base64.StdEncoding.EncodeToString(der), want, ""}, {want + want, "", "E-CSR-01"}, {"x", "", "E-CSR-01"},
		{string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), "", "E-CSR-05"}, {base64.StdEncoding.EncodeToString(pkcs8), "", "E-CSR-05"},
		{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: pkcs8})), "", "E-CSR-05"},
		{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), "", "E-CSR-01"}, {base64.StdEncoding.EncodeToString(append(der, 0)), "", "E-CSR-01"},
		{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: make([]byte, maxCSR+1)})), "", "E-CSR-01"},
	})
}

func TestCodesSurviveBeingCopiedByHand(t *testing.T) {
	code, err := NewCode(bytes.NewReader(bytes.Repeat([]byte{0x5a, 0x17, 0xc3}, 800)))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-Z]$`).MatchString(code) {
		t.Fatal(code)
	}
	for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " – ")} {
		if got, err := ParseCode(typed); err != nil || got != code {
			t.Errorf("%q: %q %v", typed, got, err)
		}
	}
	if got, err := ParseCode("ooo0-0000-000i-L"); err != nil || got != "0000-0000-0001-1" {
		t.Errorf("look-alikes: %q %v", got, err)
	}
	if got, err := ParseCode("0000-0000-0014-u"); err != nil || got != "0000-0000-0014-U" {
		t.Errorf("U is the check symbol of 36: %q %v", got, err)
	}
}

func TestEveryWrongSymbolOfACodeIsFound(t *testing.T) {
	code, err := NewCode(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range code {
		if c == '-' {
			continue
		}
		for _, other := range crockford {
			wrong := code[:i] + string(other) + code[i+1:]
			if _, err := ParseCode(wrong); wrong != code && keyOf(err) != "E-COD-02" {
				t.Fatalf("%s for %s: %v", wrong, code, err)
			}
		}
	}
	for typed, want := range map[string]string{"": "E-GER-01", "abc": "E-COD-01", "0000-0000-000U-0": "E-COD-01", "０000-0000-0000-0": "E-COD-01"} {
		if _, err := ParseCode(typed); keyOf(err) != want {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func keyOf(err error) string {
	if refusal, ok := fault.As(err); ok {
		return refusal.Key
	}
	return ""
}

func TestNewCodeRefusesASourceThatIsNotRandom(t *testing.T) {
	if _, err := NewCode(strings.NewReader("short")); err == nil {
		t.Error("a source that ends was taken")
	}
	stuck := make([]byte, 8)
	stuck[6], stuck[7] = 2, 0x00 // 32: check symbol *
	if code, err := NewCode(bytes.NewReader(bytes.Repeat(stuck, 200))); err == nil {
		t.Errorf("a stuck source gave %s", code)
	}
}

func TestFoldComparesAsPeopleDo(t *testing.T) {
	for _, s := range []string{"Associação de Évora", "ASSOCIACAO  DE EVORA", " associac\u0327a\u0303o\u00a0de évora ", "Ａssociação de Évora"} {
		if got := Fold(s); got != "associacao de evora" {
			t.Errorf("%q: %q", s, got)
		}
	}
	for a, b := range map[string]string{"Łódź": "lodz", "Straße": "strasse", "D’Ávila": "d'avila", "n.º 1–A": "n.o 1-a", "a\x00b": "a b", "\xff": ""} {
		if Fold(a) != b {
			t.Errorf("%q: %q", a, Fold(a))
		}
	}
}

func TestShowGivesValuesAsPeopleReadThem(t *testing.T) {
	for _, c := range []struct {
		kind           Kind
		stored, pt, en string
	}{
		{Phone, "+351213878046", "+351 213 878 046", "+351 213 878 046"}, {NIPC, "590000012", "590 000 012", "590 000 012"},
		{Date, "2026-05-04", "4 de maio de 2026", "4 May 2026"}, {Civil, "12345789", "••••• 789", "••••• 789"}, {Document, "AB1", "•••••", "•••••"},
		{NIF, "123456789", "••••• 789", "••••• 789"}, {Certidao, "1111-2222-3333", "••••-••••-3333", "••••-••••-3333"}, {Tick, "true", "Sim", "Yes"}, {Tick, "", "Não", "No"},
		{Country, "DE", "Alemanha", "Germany"}, {Money, "1234567.50", "1\u00a0234\u00a0567,50\u00a0€", "€1,234,567.50"}, {Integer, "1234", "1234", "1,234"},
		{Integer, "12345", "12\u00a0345", "12,345"}, {Text, "Ana", "Ana", "Ana"}, {Civil, "", "", ""}, {Date, "x", "x", "x"}, {Year, "2026", "2026", "2026"},
	} {
		if pt, en := Show(c.kind, i18n.PT, c.stored), Show(c.kind, i18n.EN, c.stored); pt != c.pt || en != c.en {
			t.Errorf("%s %q: %q %q", c.kind, c.stored, pt, en)
		}
	}
}

func TestSensitiveValuesAreNeverShownWhole(t *testing.T) {
	for _, kind := range Kinds() {
		if shown := Show(kind, i18n.PT, "123456789012"); Sensitive(kind) && strings.Contains(shown, "12345678") {
			t.Errorf("%s shows %s", kind, shown)
		}
	}
}

func TestFileNamesAreShownSafe(t *testing.T) {
	for typed, want := range map[string]string{
		"Declaração.pdf": "Declaração.pdf", `C:\pasta\a.pdf`: "a.pdf", "../../etc/passwd": "passwd", "a\x00b.pdf": "ab.pdf", "a\r\nSet-Cookie: x.pdf": "aSet-Cookie_ x.pdf",
		"fatura\u202efdp.exe": "faturafdp.exe", "=cmd|'x'!A1.csv": "cmd__x_!A1.csv", `a".pdf`: "a_.pdf", "": "ficheiro", "...": "ficheiro", "--rf": "rf", "a/": "ficheiro",
		strings.Repeat("a", 4000) + ".pdf": strings.Repeat("a", 95) + "….pdf",
	} {
		if got := FileName(i18n.PT, typed); got != want {
			t.Errorf("%q: %q", typed, got)
		}
	}
}

func TestMoreThanTheLimitIsRefusedUnread(t *testing.T) {
	for _, kind := range Kinds() {
		if _, key := judge(t, Rule{Kind: kind, Max: 1 << 20}, strings.Repeat("a", MaxTyped+1)); key != "E-GER-02" {
			t.Errorf("%s: %s", kind, key)
		}
	}
	if _, key := judge(t, Rule{Kind: Choices}, make([]string, maxParts+1)...); key != "E-GER-02" {
		t.Error(key)
	}
}

func TestAFieldSentTwiceIsRefused(t *testing.T) {
	for _, kind := range Kinds() {
		if _, key := judge(t, Rule{Kind: kind}, "on", "on"); !kind.Several() && key != "E-GER-03" {
			t.Errorf("%s: %s", kind, key)
		}
	}
	if _, key := judge(t, Rule{Kind: "no-such-kind"}, "x"); key != "E-GER-03" || Kind("no-such-kind").Known() {
		t.Errorf("an unknown kind passed: %s", key)
	}
}

func TestFilesAndBodiesAreIds(t *testing.T) {
	checkAll(t, Rule{Kind: Body}, []vector{{"b_1-A", "b_1-A", ""}, {"../x", "", "E-GER-03"}, {"", "", "E-ENT-01"}})
	clean, found := Check(Rule{Kind: File}, []string{"f1", "f2", "f1"}, now)
	if !slices.Equal(clean, []string{"f1", "f2"}) || found != nil {
		t.Errorf("%q %v", clean, found)
	}
	checkAll(t, Rule{Kind: File, Max: 1}, []vector{{"f1", "f1", ""}, {"a b", "", "E-GER-03"}})
}

// Every code that stands in this package's sources has words, whatever path leads to it.
func TestEveryKeyHasWordsInBothLanguages(t *testing.T) {
	code := regexp.MustCompile(`^"[EA]-[A-Z]+-[0-9]{2}"$`)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && code.MatchString(lit.Value) {
				seen[strings.Trim(lit.Value, `"`)] = true
			}
			return true
		})
	}
	if len(seen) < 40 {
		t.Fatalf("only %d keys found", len(seen))
	}
	for key := range seen {
		if text, ok := i18n.Word(key); !ok || text.PT == "" || text.EN == "" {
			t.Errorf("%s has no words", key)
		}
	}
}
