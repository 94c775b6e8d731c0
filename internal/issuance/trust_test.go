package issuance

import (
	"encoding/asn1"
	"strings"
	"testing"
)

func listed(t *testing.T, qscd string) Trust {
	t.Helper()
	return must2(Qualified(Proof{
		TrustedList: "https://example.org/tl.xml#1", PolicyArc: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, QSCD: qscd,
		PDS: map[string]string{"pt": "https://example.org/pds-pt.pdf", "en": "https://example.org/pds-en.pdf"},
	}))(t)
}

func TestNothingQualifiedIsClaimedWithoutProof(t *testing.T) {
	h, _, issued := published(t, ECP256)
	if h.trust.IsQualified() {
		t.Fatal("the zero Trust claims something")
	}
	for name, der := range issued {
		c := must2(parse(der))(t)
		if detail := lintUnproven(Unsigned{issuer: h.issuing}, c); detail != "" {
			t.Errorf("%s %s", name, detail)
		}
		if !strings.Contains(c.Issuer.CommonName, TestMark) {
			t.Errorf("%s: issuer %s", name, c.Issuer)
		}
	}
	// The lint is not blind: the same certificate of a listed service makes it speak.
	q := newHierarchy(t, ECP256, moment, listed(t, ""))
	_, key := newKey(t, ECP256)
	seal := must2(parse(q.issue(t, endEntities(t, key)[1], q.issuing, q.issuingKey)))(t)
	if lintUnproven(Unsigned{issuer: h.issuing}, seal) == "" {
		t.Error("the lint does not see a qualified seal")
	}
}

func TestAListedServicesSealSaysWhatItMustAndLintsClean(t *testing.T) {
	for qscd, policy := range map[string]string{"": "0.4.0.194112.1.1", "QSCD-1": "0.4.0.194112.1.3"} {
		h := newHierarchy(t, ECP256, moment, listed(t, qscd))
		_, key := newKey(t, ECP256)
		for _, o := range endEntities(t, key) {
			c := must2(parse(h.issue(t, o, h.issuing, h.issuingKey)))(t)
			if o.Profile != Seal {
				continue
			}
			qc, _ := extension(c.Extensions, oidQCStatements)
			for oid, want := range map[string]bool{"compliance": true, "sscd": qscd != ""} {
				id := oidQcCompliance
				if oid == "sscd" {
					id = oidQcSSCD
				}
				der := must2(asn1.Marshal(id))(t)
				if strings.Contains(string(qc.Value), string(der)) != want {
					t.Errorf("%q: %s", qscd, oid)
				}
			}
			if got := c.PolicyIdentifiers[1].String(); got != policy {
				t.Errorf("%q: policy %s", qscd, got)
			}
		}
	}
}

func TestProofMustBeWhole(t *testing.T) {
	good := Proof{TrustedList: "https://example.org/tl", PolicyArc: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999}, PDS: map[string]string{"en": "https://example.org/pds"}}
	if _, err := Qualified(good); err != nil {
		t.Fatal(err)
	}
	for name, bend := range map[string]func(p *Proof){
		"no list":    func(p *Proof) { p.TrustedList = "" },
		"plain list": func(p *Proof) { p.TrustedList = "http://example.org/tl" },
		"test arc":   func(p *Proof) { p.PolicyArc = testArc() },
		"no arc":     func(p *Proof) { p.PolicyArc = nil },
		"no English": func(p *Proof) { p.PDS = map[string]string{"pt": "https://example.org/pds"} },
		"plain PDS":  func(p *Proof) { p.PDS = map[string]string{"en": "http://example.org/pds"} },
	} {
		p := good
		bend(&p)
		if _, err := Qualified(p); err == nil {
			t.Errorf("%s was enough", name)
		}
	}
}

func TestAQualifiedAuthorityIsNotCalledTest(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	if _, err := NewIssuer(h.root.Certificate(), addresses, listed(t, "")); err == nil {
		t.Error("a test root became qualified by configuration alone")
	}
	q := newHierarchy(t, ECP256, moment, listed(t, ""))
	if _, err := NewIssuer(q.root.Certificate(), addresses, Trust{}); err == nil {
		t.Error("a root without the mark was taken without proof")
	}
}

func TestNewIssuerRefusesWhatIsNoAuthority(t *testing.T) {
	h, _, issued := published(t, ECP256)
	for name, der := range issued {
		if _, err := NewIssuer(der, addresses, h.trust); err == nil {
			t.Errorf("%s became an authority", name)
		}
	}
	for _, bad := range []URLs{{}, {CAIssuers: "https://a/b", OCSP: addresses.OCSP, CRL: addresses.CRL}, {CAIssuers: addresses.CAIssuers, OCSP: "http://a b/", CRL: addresses.CRL}} {
		if _, err := NewIssuer(h.root.Certificate(), bad, h.trust); err == nil {
			t.Errorf("%v were taken", bad)
		}
	}
}
