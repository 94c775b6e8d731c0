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
