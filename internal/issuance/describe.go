package issuance

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Description is a certificate as people read it.
type Description struct {
	Subject     Name
	Issuer      Name
	Serial      string // hexadecimal, upper case, in pairs with colons, as other tools show it
	NotBefore   time.Time
	NotAfter    time.Time // inclusive
	DNSNames    []string
	Emails      []string
	Policies    []string // dotted
	Key         string   // "EC P-256", "RSA 3072"
	KeyUsage    []string // RFC 5280's names
	Extended    []string // dotted or RFC 5280's names
	Authority   bool
	Fingerprint string // SHA-256 of the certificate, as Serial is written
	OCSP        []string
	CRL         []string
	CAIssuers   []string
}

// Describe reads a certificate (DER) for people.
func Describe(der []byte) (Description, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return Description{}, fmt.Errorf("issuance: read certificate: %w", err)
	}
	subject, err := ParseName(c.RawSubject)
	if err != nil {
		return Description{}, err
	}
	issuer, err := ParseName(c.RawIssuer)
	if err != nil {
		return Description{}, err
	}
	sum := sha256.Sum256(c.Raw)
	d := Description{
		Subject: subject, Issuer: issuer, Serial: pairs(c.SerialNumber.Bytes()), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		DNSNames: c.DNSNames, Emails: c.EmailAddresses, Key: keyName(c.PublicKey), KeyUsage: keyUsageNames(c.KeyUsage),
		Extended: extendedNames(c), Authority: c.IsCA, Fingerprint: pairs(sum[:]),
		OCSP: c.OCSPServer, CRL: c.CRLDistributionPoints, CAIssuers: c.IssuingCertificateURL,
	}
	for _, p := range c.PolicyIdentifiers {
		d.Policies = append(d.Policies, p.String())
	}
	return d, nil
}

// pairs writes bytes as upper-case hexadecimal pairs with colons.
func pairs(b []byte) string {
	if len(b) == 0 {
		return "00"
	}
	s := strings.ToUpper(hex.EncodeToString(b))
	var out strings.Builder
	for i := 0; i < len(s); i += 2 {
		if i > 0 {
			out.WriteByte(':')
		}
		out.WriteString(s[i : i+2])
	}
	return out.String()
}

// SerialText writes a serial number as [Description.Serial] has it.
func SerialText(serial *big.Int) string { return pairs(serial.Bytes()) }

func keyName(public any) string {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return "EC " + key.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	}
	return fmt.Sprintf("%T", public)
}

func keyUsageNames(u x509.KeyUsage) []string {
	names := []string{ // in the order of the bits
		"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment", "keyAgreement",
		"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
	}
	var out []string
	for bit, name := range names {
		if u&(1<<bit) != 0 {
			out = append(out, name)
		}
	}
	return out
}

func extendedNames(c *x509.Certificate) []string {
	known := map[x509.ExtKeyUsage]string{
		x509.ExtKeyUsageServerAuth: string(ServerAuth), x509.ExtKeyUsageClientAuth: string(ClientAuth),
		x509.ExtKeyUsageOCSPSigning: string(OCSPSigning), x509.ExtKeyUsageEmailProtection: string(EmailProtection),
		x509.ExtKeyUsageTimeStamping: "timeStamping", x509.ExtKeyUsageCodeSigning: "codeSigning",
	}
	var out []string
	for _, e := range c.ExtKeyUsage {
		if name, ok := known[e]; ok {
			out = append(out, name)
		}
	}
	for _, oid := range c.UnknownExtKeyUsage {
		name := oid.String()
		if DocumentSigning.oid().Equal(oid) {
			name = string(DocumentSigning)
		}
		out = append(out, name)
	}
	return out
}

// PEM writes certificates (DER) one behind the other, as a download or a chain: the holder's first.
func PEM(certificates ...[]byte) []byte {
	var out []byte
	for _, der := range certificates {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

// ProfileText is a profile as it is published: everything in it that a certificate of an instance of this trust has.
type ProfileText struct {
	Key      string    `json:"key"`
	Version  int       `json:"version"`
	Product  string    `json:"product,omitempty"`
	IssuedBy Place     `json:"issued_by"`
	Subject  []RowText `json:"subject"`
	Years    int       `json:"validity_years,omitempty"`
	Days     int       `json:"validity_days,omitempty"`
	Keys     []string  `json:"keys"`
	Usage    []string  `json:"key_usage"`
	UsageEC  []string  `json:"key_usage_ec,omitempty"`
	Extended []string  `json:"extended_key_usage,omitempty"`
	Policies []string  `json:"policies"`
	QC       []string  `json:"qc_statements,omitempty"`
	DNS      Presence  `json:"dns_names,omitempty"`
	Email    Presence  `json:"email_names,omitempty"`
	Status   bool      `json:"names_status_addresses"`
	KeyYears int       `json:"key_signs_years,omitempty"`
}

// RowText is one place of a subject.
type RowText struct {
	Attribute Attribute `json:"attribute"`
	Presence  Presence  `json:"presence"`
	Longest   int       `json:"longest,omitempty"`
}

// Texts are the profiles in force as an instance of this trust issues them.
func (t Trust) Texts() []ProfileText {
	var all []ProfileText
	for _, p := range Profiles() {
		if inForce, err := ProfileOf(p.Key); err != nil || inForce.Version != p.Version {
			continue
		}
		all = append(all, t.text(p))
	}
	return all
}

func (t Trust) text(p Profile) ProfileText {
	out := ProfileText{
		Key: p.Key, Version: p.Version, Product: p.Product, IssuedBy: p.IssuedBy, Years: p.Validity.Years, Days: p.Validity.Days,
		Usage: keyUsageNames(p.KeyUsage), DNS: p.DNS, Email: p.Email, Status: p.Revocation, KeyYears: p.KeyPeriod.Years,
	}
	for _, rule := range p.Subject {
		out.Subject = append(out.Subject, RowText{rule.Type, rule.Presence, rule.Max})
	}
	for _, a := range p.Keys {
		out.Keys = append(out.Keys, string(a))
	}
	if p.Keys == nil {
		out.Keys = []string{AdmittedKeys}
	}
	if p.UsageEC != 0 {
		out.UsageEC = keyUsageNames(p.UsageEC)
	}
	for _, e := range p.Extended {
		out.Extended = append(out.Extended, string(e))
	}
	own := oidAnyPolicy
	if p.Policy != anyPolicy {
		own = t.policy(p.Policy)
	}
	out.Policies = []string{own.String()}
	if etsi := t.etsiPolicy(p); etsi != nil {
		out.Policies = append(out.Policies, etsi.String())
	}
	for _, s := range t.statements(p.QC, Name{{SerialNumber, "IDCPT-0"}}) {
		out.QC = append(out.QC, string(s))
	}
	return out
}
