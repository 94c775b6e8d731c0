package issuance

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fixedKey is a public key that is always the same: a point of P-256 whose private key is public knowledge (RFC 6979
// §A.2.5), so that to-be-signed bytes can be compared with those of another day.
const fixedKey = "3059301306072a8648ce3d020106082a8648ce3d0301070342000460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

// anotherKey is SEC 1's base point of P-256, as the issuer's.
const anotherKey = "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

func keyFrom(t *testing.T, text string) Key {
	t.Helper()
	return must2(ReadKey(must2(hex.DecodeString(text))(t)))(t)
}

// sample is an order and who issues it.
type sample struct {
	order  Order
	issuer *Issuer
}

// samples are one of each profile, by a hierarchy whose certificates nobody needs to sign for their fields to be known.
func samples(t *testing.T, trust Trust) []sample {
	t.Helper()
	subject, issuerKey := keyFrom(t, fixedKey), keyFrom(t, anotherKey)
	mark := " " + TestMark
	if trust.IsQualified() {
		mark = ""
	}
	ca := map[Attribute]string{Country: "PT", Organization: "Sistema de Certificação Eletrónica do Estado", CommonName: "ECRaizEstado" + mark}
	root := order(t, RootCA, ca, nil, nil, issuerKey)
	self := must2(SelfIssuer(root, addresses, trust))(t)
	below := *self
	below.urls, below.certificate, below.end = addresses, &x509.Certificate{RawSubject: self.subject, RawIssuer: self.subject, NotBefore: moment.AddDate(-1, 0, 0)}, moment.AddDate(20, 0, 0)
	issuing := below
	issuing.certificate = &x509.Certificate{RawSubject: self.subject, RawIssuer: []byte{0x30, 0}, NotBefore: moment.AddDate(-1, 0, 0)}

	cross := maps.Clone(ca)
	cross[CommonName] = "ECRaizEstado 002" + mark
	ca[CommonName], ca[Unit] = "ECCE"+mark, "ECEstado"
	responder := map[Attribute]string{Country: "PT", Organization: "ECCE", CommonName: "OCSP 1" + mark}
	all := []sample{
		{root, self},
		{order(t, IssuingCA, ca, nil, nil, subject), &below},
		{order(t, CrossCA, cross, nil, nil, subject), &below},
		{order(t, OCSPResponder, responder, nil, nil, subject), &issuing},
		{order(t, TimeStamping, unitValues("TSU 1"+mark), nil, nil, subject), &issuing},
	}
	for _, o := range endEntities(t, subject) {
		all = append(all, sample{o, &issuing})
	}
	return all
}

// TestProfilesAreAsTheirGoldenFilesSay compares every to-be-signed byte of every profile, as an instance writes it that
// is not qualified, and what a listed one with a QSCD writes where that is something else. A difference is a new version
// of the profile, never a new golden file for the old one.
func TestProfilesAreAsTheirGoldenFilesSay(t *testing.T) {
	seen := map[string]bool{}
	for suffix, trust := range map[string]Trust{"": {}, "-qualified": listed(t, "QSCD-1")} {
		for _, s := range samples(t, trust) {
			p := must2(ProfileOf(s.order.Profile))(t)
			if trust.IsQualified() && p.ETSI == nil && p.QC == nil {
				continue
			}
			u := must2(Prepare(s.order, s.issuer, serialOf(1), moment))(t)
			l, report, err := must2(sharedLinter())(t).Lint(u)
			if err != nil {
				t.Fatalf("%v %+v", err, report)
			}
			digest := must2(s.order.Digest())(t)
			golden(t, fmt.Sprintf("%s-%d%s", s.order.Profile, s.order.Version, suffix), l.token.tbs, string(digest))
			seen[s.order.Profile] = true
		}
	}
	for _, p := range Profiles() {
		if !seen[p.Key] {
			t.Errorf("profile %s has no golden file", p.Key)
		}
	}
}

// golden compares bytes, shown as openssl's asn1parse shows them, with a file.
func golden(t *testing.T, name string, der []byte, digest string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "tbs.der", der)
	sum := sha256.Sum256(der)
	got := fmt.Sprintf("sha256 %x\norder %s\n%s", sum, digest, tool(t, dir, "openssl", "asn1parse", "-inform", "DER", "-i", "-in", "tbs.der"))
	file := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, ".", file, []byte(got))
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s changed; a changed profile is a new version\n%s", name, got)
	}
}

func TestCertificatesReadAsPeopleSeeThem(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	_, key := newKey(t, ECP384)
	for _, o := range endEntities(t, key) {
		der := h.issue(t, o, h.issuing, h.issuingKey)
		d := must2(Describe(der))(t)
		if d.Subject.String() != o.Subject.String() || !strings.HasSuffix(d.Issuer.String(), "CN=ECCE TESTE") || d.Key != "EC P-384" ||
			d.Serial != SerialText(serialIn(t, der)) || len(d.Fingerprint) != 95 || len(d.OCSP) != 1 || len(d.Policies) != 1 || d.Authority {
			t.Errorf("%+v", d)
		}
		want := map[string]string{PersonAuthentication: "digitalSignature clientAuth", Seal: "contentCommitment emailProtection documentSigning", SealSoftware: "contentCommitment emailProtection documentSigning", Website: "digitalSignature serverAuth",
			PersonSignature: "contentCommitment emailProtection documentSigning", PersonSignatureSoftware: "contentCommitment emailProtection documentSigning",
			PersonEncryption: "keyAgreement emailProtection", QWAC: "digitalSignature serverAuth", Application: "digitalSignature clientAuth"}
		if got := strings.Join(append(d.KeyUsage, d.Extended...), " "); got != want[o.Profile] {
			t.Errorf("%s: %s", o.Profile, got)
		}
	}
	if got := SerialText(big.NewInt(0xabc)); got != "0A:BC" {
		t.Error(got)
	}
	if _, err := Describe([]byte("x")); err == nil {
		t.Error("read what is none")
	}
}
