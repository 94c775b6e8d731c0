package issuance

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
)

func TestNamesHoldWhatPeopleAreCalledAndNothingUnseen(t *testing.T) {
	good := []string{"Câmara Municipal d’Óbidos", "Conceição d'Ó-Exemplo", "Direção n.º 1 (1.ª)", "A, B + C = \"D\" \\ <E>; #F", longBody, "Łódź"}
	bad := []string{
		"", " Ana", "Ana ", "Ana  Exemplo", "Ana\x00", "Ana\n", "Ana\u202egnp", "A\u200bna", "A\u00adna", "\ufeffAna", "Ana\u2028",
		"Ana\xff", "Аna Exemplo" /* Cyrillic А */, "Ana\u00a0Exemplo", strings.Repeat("a", 1001), "A\ufe0fna", "A\u034fna", "Ana\u3164", "Ａna", "𝐀na", "Conceic\u0327a\u0303o",
	}
	for _, v := range good {
		if err := (Name{{CommonName, v}}).Check(); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
	for _, v := range bad {
		if (Name{{CommonName, v}}).Check() == nil {
			t.Errorf("%q was let in", v)
		}
	}
	for _, p := range []Part{{Country, "pt"}, {Country, "PRT"}, {SerialNumber, "nº1"}, {"x", "y"}, {Country, "P*"}} {
		if (Name{p}).Check() == nil {
			t.Errorf("%v was let in", p)
		}
	}
}

func TestAValueCannotLookLikeAnotherAttribute(t *testing.T) {
	n := Name{{Country, "PT"}, {Organization, "Exemplo, CN=Primeiro-Ministro"}, {CommonName, `#a+b\ "c" <d>; e`}}
	if got, want := n.String(), `C=PT, O=Exemplo\, CN\=Primeiro-Ministro, CN=\#a\+b\\ \"c\" \<d\>\; e`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	evil := Name{{CommonName, "a\u202eb\x00"}} // as somebody else's certificate might hold
	if got := evil.String(); got != `CN=a\E2\80\AEb\00` {
		t.Error(got)
	}
}

func TestNamesComeBackAndTheStandardLibraryReadsThem(t *testing.T) {
	p := must2(ProfileOf(PersonAuthentication))(t)
	n := must2(p.Name(personValues()))(t)
	der := must2(n.DER())(t)
	back := must2(ParseName(der))(t)
	if back.String() != n.String() {
		t.Errorf("%s came back as %s", n, back)
	}
	again := must2(back.DER())(t)
	if !bytes.Equal(der, again) {
		t.Error("another encoding")
	}
	var rdn pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &rdn); err != nil || len(rest) > 0 || len(rdn) != len(n) {
		t.Errorf("%v %d", err, len(rdn))
	}
}

func TestNamesTypedWithCombiningMarksBecomeNormal(t *testing.T) {
	p := must2(ProfileOf(Seal))(t)
	n := must2(p.Name(bodyValues("Conceic\u0327a\u0303o")))(t)
	if n.Value(CommonName) != "Conceição" {
		t.Errorf("%q", n.Value(CommonName))
	}
}

func TestIdentifiersAreCheckedAgainstTheirScheme(t *testing.T) {
	for value, good := range map[string]bool{
		"VATPT-500000000": true, "VATPT-600000001": true, "VATPT-500000001": false, "VATPT-5000000": false, "500000000": false,
		"NTRPT-500000000": false, "VATPT-50000000A": false,
	} {
		if err := checkIdentifier(Part{OrganizationIdentifier, value}); (err == nil) != good {
			t.Errorf("%s: %v", value, err)
		}
	}
	for value, good := range map[string]bool{"IDCPT-12345678": true, "IDC-12345678": false, "IDCPT-": false, "T-0001": true, "0001": true} {
		if err := checkIdentifier(Part{SerialNumber, value}); (err == nil) != good {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestHostNamesAndMailboxesAreCanonicalOrRefused(t *testing.T) {
	got := must2(canonicalDNS([]string{"WWW.Exemplo.pt", "exemplo.pt", "www.exemplo.pt", "xn--cmara-1qa.pt"}))(t)
	if strings.Join(got, " ") != "exemplo.pt www.exemplo.pt xn--cmara-1qa.pt" {
		t.Error(got)
	}
	for _, bad := range []string{"localhost", "*.exemplo.pt", "câmara.pt", "a..pt", "-a.pt", "a-.pt", "127.0.0.1", "exemplo.pt.", "a\x00.pt", "a b.pt", "ab--c.pt", "_a.pt", strings.Repeat("a.", 130) + "pt", "::1", ""} {
		if _, err := canonicalDNS([]string{bad}); err == nil {
			t.Errorf("%q was let in", bad)
		}
	}
	for address, good := range map[string]bool{
		"ana.exemplo@Exemplo.PT": true, "a+b@exemplo.pt": true, "ana@@exemplo.pt": false, "@exemplo.pt": false, `"a"@exemplo.pt`: false,
		"ana@localhost": false, "ana\n@exemplo.pt": false, "a..b@exemplo.pt": false, "ã@exemplo.pt": false,
	} {
		if _, err := canonicalEmails([]string{address}); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	der, _ := Name{{Country, "PT"}, {CommonName, "Exemplo"}}.DER()
	f.Add(der)
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := ParseName(data)
		if err != nil {
			return
		}
		for _, r := range n.String() {
			if hidden(r) {
				t.Errorf("%q shows %U", n.String(), r)
			}
		}
	})
}
