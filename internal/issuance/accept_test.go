package issuance

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

// authorityTemplate is what another program would make for an issuing authority, as ours must be.
func authorityTemplate(t *testing.T, h *hierarchy, o Order) *x509.Certificate {
	t.Helper()
	u := must2(Prepare(o, h.root, serialOf(7), h.at))(t)
	return u.template
}

// elsewhere signs a template with the root's key, past all our lints.
func (h *hierarchy) elsewhere(t *testing.T, template *x509.Certificate, key crypto.Signer) []byte {
	t.Helper()
	parent := &x509.Certificate{RawSubject: h.root.subject, SubjectKeyId: h.root.keyID}
	return must2(x509.CreateCertificate(rand.Reader, template, parent, template.PublicKey, key))(t)
}

func issuingOrder(t *testing.T, key Key) Order {
	return order(t, IssuingCA, map[Attribute]string{Country: "PT", Organization: "Sistema de Exemplo", CommonName: "Outra EC TESTE"}, nil, nil, key)
}

// TestAcceptTakesWhatWasMadeElsewhereByTheSameRules tries each algorithm as the root's and as the subject's.
func TestAcceptTakesWhatWasMadeElsewhereByTheSameRules(t *testing.T) {
	for _, a := range []Algorithm{ECP256, ECP384, ECP521, RSA3072} {
		h := newHierarchy(t, a, moment, Trust{})
		subject := a
		if a == RSA3072 { // of which there are only a few here
			subject = ECP256
		}
		_, key := newKey(t, subject)
		o := issuingOrder(t, key)
		der := h.elsewhere(t, authorityTemplate(t, h, o), h.rootKey)
		if report, err := h.linter.Accept(der, o, h.root, moment); err != nil || report.Passed < 50 {
			t.Errorf("%s: %v %+v", a, err, report)
		}
		if _, err := h.linter.Accept(der, o, h.root, moment.AddDate(13, 0, 0)); err == nil {
			t.Error("took a certificate that has ended")
		}
	}
}

// TestAcceptRefusesWhatIsNoAuthorityOfOurs is attack lines D12 and D22: not an authority, any purpose, path lengths, name
// constraints, another's key, a weaker signature.
func TestAcceptRefusesWhatIsNoAuthorityOfOurs(t *testing.T) {
	h := newHierarchy(t, ECP384, moment, Trust{})
	_, key := newKey(t, ECP384)
	_, other := newKey(t, ECP384)
	strangerKey, _ := newKey(t, ECP384)
	o := issuingOrder(t, key)
	for name, change := range map[string]func(c *x509.Certificate){
		"no authority":         func(c *x509.Certificate) { c.IsCA, c.MaxPathLenZero, c.MaxPathLen = false, false, -1 },
		"no basic constraints": func(c *x509.Certificate) { c.BasicConstraintsValid = false },
		"no path length":       func(c *x509.Certificate) { c.MaxPathLenZero, c.MaxPathLen = false, -1 },
		"path length 1":        func(c *x509.Certificate) { c.MaxPathLenZero, c.MaxPathLen = false, 1 },
		"no signing of lists":  func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign },
		"more usages":          func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageDigitalSignature },
		"any purpose":          func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} },
		"a purpose":            func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning} },
		"name constraints":     func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"Exemplo.PT"} },
		"names":                func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "http", Host: "exemplo.pt"}} },
		"another key":          func(c *x509.Certificate) { c.PublicKey = other.Public },
		"another name": func(c *x509.Certificate) {
			c.RawSubject = must2(Name{{Country, "PT"}, {Organization, "O"}, {CommonName, "X TESTE"}}.DER())(t)
		},
		"the root's name":       func(c *x509.Certificate) { c.RawSubject = h.root.subject },
		"past the root":         func(c *x509.Certificate) { c.NotAfter = h.root.end.Add(time.Second) },
		"longer than the term":  func(c *x509.Certificate) { c.NotAfter = c.NotAfter.AddDate(0, 0, 1) },
		"a small serial number": func(c *x509.Certificate) { c.SerialNumber = serialIn(t, h.root.Certificate()).SetInt64(5) },
		"no list":               func(c *x509.Certificate) { c.CRLDistributionPoints = nil },
		"a list by https":       func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"https://exemplo.pt/x.crl"} },
		"an unknown extension": func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: []int{2, 999, 9}, Value: []byte{5, 0}})
		},
		"the hash of P-256":      func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA256 },
		"another authority's id": func(c *x509.Certificate) { c.AuthorityKeyId = []byte("x") },
	} {
		template := *authorityTemplate(t, h, o)
		change(&template)
		der := h.elsewhere(t, &template, h.rootKey)
		if name == "another authority's id" {
			parent := &x509.Certificate{RawSubject: h.root.subject, SubjectKeyId: []byte("x")}
			der = must2(x509.CreateCertificate(rand.Reader, &template, parent, template.PublicKey, h.rootKey))(t)
		}
		if _, err := h.linter.Accept(der, o, h.root, moment); err == nil {
			t.Errorf("taken: %s", name)
		}
	}
	if _, err := h.linter.Accept(h.elsewhere(t, authorityTemplate(t, h, o), strangerKey), o, h.root, moment); err == nil || !strings.Contains(err.Error(), "did not sign") {
		t.Errorf("a stranger's signature: %v", err)
	}
	good := h.elsewhere(t, authorityTemplate(t, h, o), h.rootKey)
	for i := range good { // a bit anywhere
		bent := append([]byte{}, good...)
		bent[i] ^= 1
		if _, err := h.linter.Accept(bent, o, h.root, moment); err == nil {
			t.Fatalf("taken with byte %d changed", i)
		}
	}
}

// TestAnAuthoritySignedBySHA1IsNotOpened: what the record holds is looked at again at each start (D22).
func TestAnAuthoritySignedBySHA1IsNotOpened(t *testing.T) {
	for _, a := range []x509.SignatureAlgorithm{x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.MD5WithRSA, x509.DSAWithSHA256, x509.UnknownSignatureAlgorithm} {
		if soundSignature(a) {
			t.Errorf("%s is admitted", a)
		}
	}
	for _, s := range schemes {
		if !soundSignature(s.signature) {
			t.Errorf("%s is not admitted", s.signature)
		}
	}
	if _, err := ReadKey([]byte("x")); err == nil {
		t.Error("read what is no key")
	}
}

func TestAcceptListRefusesWhatTheIssuerDidNotSign(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	list := func(number int64, issuer *Issuer, key Signer) []byte {
		u := must2(PrepareList(List{Number: serialOf(number), ThisUpdate: moment, NextUpdate: moment.AddDate(0, 11, 0)}, issuer))(t)
		l, report, err := h.linter.Lint(u)
		if err != nil {
			t.Fatalf("%v %+v", err, report)
		}
		return must2(Sign(key, l))(t)
	}
	good := list(1, h.root, h.rootKey)
	if read, _, err := h.linter.AcceptList(good, h.root); err != nil || !read.NextUpdate.Equal(moment.AddDate(0, 11, 0)) {
		t.Error(err)
	}
	if _, _, err := h.linter.AcceptList(good, h.issuing); err == nil {
		t.Error("another authority's list was taken")
	}
	for i := range good {
		bent := append([]byte{}, good...)
		bent[i] ^= 1
		if _, _, err := h.linter.AcceptList(bent, h.root); err == nil {
			t.Fatalf("taken with byte %d changed", i)
		}
	}
}

func TestARequestOfOursIsReadByOthersAndByUs(t *testing.T) {
	for _, a := range []Algorithm{ECP256, ECP384, ECP521, RSA3072} {
		signer, key := newKey(t, a)
		o := issuingOrder(t, key)
		der := must2(MakeRequest(signer, o.Subject))(t)
		dir := t.TempDir()
		write(t, dir, "r.der", der)
		if said := tool(t, dir, "openssl", "req", "-inform", "DER", "-in", "r.der", "-verify", "-noout", "-subject"); !strings.Contains(said, "Outra EC TESTE") {
			t.Error(said)
		}
		r := must2(ParseRequest(der))(t)
		if r.Key.Fingerprint() != key.Fingerprint() || r.Subject != o.Subject.String() {
			t.Errorf("%+v", r)
		}
	}
}

// FuzzAccept: bytes that anybody may bring on a stick.
func FuzzAccept(f *testing.F) {
	h := newFuzzHierarchy(f)
	o := h.order
	f.Add(h.issued)
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		_, err := h.linter.Accept(der, o, h.root, moment)
		if err == nil && string(der) != string(h.issued) {
			t.Error("taken, and nobody signed it")
		}
		if _, _, err := h.linter.AcceptList(der, h.root); err == nil {
			t.Error("a list that nobody signed")
		}
		_ = errors.Is(err, ErrLint)
	})
}

type fuzzHierarchy struct {
	linter *Linter
	root   *Issuer
	order  Order
	issued []byte
}

func newFuzzHierarchy(f *testing.F) fuzzHierarchy {
	f.Helper()
	h := newHierarchy(f, ECP256, moment, Trust{})
	_, key := newKey(f, ECP256)
	o := order(f, IssuingCA, map[Attribute]string{Country: "PT", Organization: "Sistema de Exemplo", CommonName: "Outra EC TESTE"}, nil, nil, key)
	return fuzzHierarchy{h.linter, h.root, o, h.issue(f, o, h.root, h.rootKey)}
}
