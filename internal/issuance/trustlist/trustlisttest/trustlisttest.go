// Package trustlisttest makes invented trusted lists, signed by a stranger's program (xmlsec1), for tests.
package trustlisttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Operator signs lists.
type Operator struct {
	Certificate *x509.Certificate
	key, cert   string // files
}

// NewOperator makes the key of a scheme's operator and its certificate.
func NewOperator(t testing.TB, now time.Time) Operator {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Operador de Ensaio TESTE"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	o := Operator{Certificate: cert, key: filepath.Join(dir, "k.pem"), cert: filepath.Join(dir, "c.pem")}
	write(t, o.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	write(t, o.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return o
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// File is the operator's certificate, PEM.
func (o Operator) File() string { return o.cert }

// Service is an entry.
type Service struct {
	Type, Status string // the last part of their addresses: CA/QC, granted
	Certificate  []byte // DER; none for KeyID alone
	KeyID        []byte
	Kinds        []string // ForeSignatures, ForeSeals, ForWebSiteAuthentication
	Since        time.Time
}

// Unsigned is the text of a list with the place for its signature, as XAdES has it: two references, of which the second
// is to what is said of the signature itself.
func Unsigned(issued, next time.Time, all ...Service) string {
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<tsl:TrustServiceStatusList xmlns:tsl="http://uri.etsi.org/02231/v2#" Id="lista" TSLTag="http://uri.etsi.org/19612/TSLTag">
<tsl:SchemeInformation><tsl:TSLVersionIdentifier>5</tsl:TSLVersionIdentifier><tsl:TSLSequenceNumber>7</tsl:TSLSequenceNumber>
<tsl:TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</tsl:TSLType><tsl:SchemeTerritory>PT</tsl:SchemeTerritory>
<tsl:ListIssueDateTime>%s</tsl:ListIssueDateTime><tsl:NextUpdate><tsl:dateTime>%s</tsl:dateTime></tsl:NextUpdate></tsl:SchemeInformation>
<tsl:TrustServiceProviderList><tsl:TrustServiceProvider><tsl:TSPServices>
`, at(issued), at(next))
	for _, s := range all {
		b.WriteString(`<tsl:TSPService><tsl:ServiceInformation><tsl:ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/` + s.Type + `</tsl:ServiceTypeIdentifier><tsl:ServiceDigitalIdentity>`)
		if s.Certificate != nil {
			b.WriteString(`<tsl:DigitalId><tsl:X509Certificate>` + base64.StdEncoding.EncodeToString(s.Certificate) + `</tsl:X509Certificate></tsl:DigitalId>`)
		}
		if s.KeyID != nil {
			b.WriteString(`<tsl:DigitalId><tsl:X509SKI>` + base64.StdEncoding.EncodeToString(s.KeyID) + `</tsl:X509SKI></tsl:DigitalId>`)
		}
		since := s.Since
		if since.IsZero() {
			since = issued
		}
		b.WriteString(`</tsl:ServiceDigitalIdentity><tsl:ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/` + s.Status + `</tsl:ServiceStatus><tsl:StatusStartingTime>` + at(since) + `</tsl:StatusStartingTime><tsl:ServiceInformationExtensions>`)
		for _, kind := range s.Kinds {
			b.WriteString(`<tsl:Extension Critical="true"><tsl:AdditionalServiceInformation><tsl:URI xml:lang="en">http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/` + kind + `</tsl:URI></tsl:AdditionalServiceInformation></tsl:Extension>`)
		}
		b.WriteString("</tsl:ServiceInformationExtensions></tsl:ServiceInformation></tsl:TSPService>\n")
	}
	b.WriteString(`</tsl:TSPServices></tsl:TrustServiceProvider></tsl:TrustServiceProviderList>
<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="s"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
<ds:Reference URI="#p" Type="http://uri.etsi.org/01903#SignedProperties"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>
<ds:Object><xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#s"><xades:SignedProperties Id="p"><xades:SignedSignatureProperties><xades:SigningTime>` + at(issued) + `</xades:SigningTime></xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object>
</ds:Signature></tsl:TrustServiceStatusList>
`)
	return b.String()
}

// Sign has xmlsec1 sign a list's text.
func (o Operator) Sign(t testing.TB, text string) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.xml"), filepath.Join(dir, "out.xml")
	write(t, in, []byte(text))
	//nolint:gosec // a test's own files
	said, err := exec.CommandContext(t.Context(), "xmlsec1", "--sign", "--privkey-pem", o.key+","+o.cert, "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--output", out, in).CombinedOutput()
	if err != nil {
		t.Fatalf("xmlsec1: %v\n%s", err, said)
	}
	signed, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
