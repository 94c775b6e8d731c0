package issuance

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"chancela/internal/fault"
)

// MaxRequest is the most bytes a key request may have, PEM or DER.
const MaxRequest = 16 << 10

// Request is a checked key request. Only its key is ever used; the names are there so that the caller may compare them
// with the case and tell the applicant where they differ.
type Request struct {
	Key     Key
	Subject string // as asked for, escaped for people; "" if none or unreadable
	Name    Name   // the same, part by part
	Foreign bool   // its subject has what no profile knows
	// Authority says that it asks to be an authority (basicConstraints CA:TRUE). It would not become one, since no
	// extension of a request is used; but whoever asks for that is told.
	Authority bool
	DNSNames  []string
	Emails    []string
	Other     bool // asks for addresses or URIs, which no profile has
}

// ParseRequest reads a PKCS#10 request in PEM or DER and checks key and proof of possession. It refuses, as fault
// Invalid: E-CSR-05 what holds a private key, E-CSR-01 what cannot be read (or is not one request alone), E-CSR-03 a weak
// or unsupported key, E-CSR-02 a signature that is wrong or by SHA-1. More than [MaxRequest] bytes are E-CSR-01.
func ParseRequest(data []byte) (Request, error) {
	r, csr, err := readRequest(data)
	if err != nil {
		return Request{}, err
	}
	if !slices.Contains(proofAlgorithms, csr.SignatureAlgorithm) || csr.CheckSignature() != nil {
		return Request{}, fault.New(fault.Invalid, "E-CSR-02")
	}
	return r, nil
}

// ReadRequest is [ParseRequest] without the proof of possession: for whoever only looks at what is asked, and hands the
// request on to a room that has the proof before it uses the key.
func ReadRequest(data []byte) (Request, error) {
	r, _, err := readRequest(data)
	return r, err
}

func readRequest(data []byte) (Request, *x509.CertificateRequest, error) {
	if len(data) > MaxRequest {
		return Request{}, nil, unreadable()
	}
	if holdsPrivateKey(data) {
		return Request{}, nil, fault.New(fault.Invalid, "E-CSR-05")
	}
	der, ok := requestDER(data)
	if !ok {
		return Request{}, nil, unreadable()
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return Request{}, nil, whyUnreadable(der)
	}
	if csr.Version != 0 { // RFC 2986 §4.1
		return Request{}, nil, unreadable()
	}
	key, err := CheckKey(csr.PublicKey) // nil, and refused, for a kind that the library does not know
	if err != nil {
		return Request{}, nil, err
	}
	r := Request{
		Key: key, DNSNames: csr.DNSNames, Emails: csr.EmailAddresses, Other: len(csr.IPAddresses)+len(csr.URIs) > 0,
	}
	name, err := ParseName(csr.RawSubject)
	r.Foreign, r.Authority = err != nil, asksAuthority(csr.Extensions)
	if err == nil {
		r.Name, r.Subject = name, name.String()
	}
	return r, csr, nil
}

// asksAuthority finds basicConstraints with CA:TRUE, or that nobody can read, among the extensions asked for.
func asksAuthority(asked []pkix.Extension) bool {
	e, ok := extension(asked, asn1.ObjectIdentifier{2, 5, 29, 19})
	if !ok {
		return false
	}
	var constraints struct {
		Authority bool `asn1:"optional"`
		PathLen   int  `asn1:"optional,default:-1"`
	}
	rest, err := asn1.Unmarshal(e.Value, &constraints)
	return err != nil || len(rest) > 0 || constraints.Authority
}

// proofAlgorithms are those by which a request may prove possession. The standard library alone would let SHA-1 pass.
var proofAlgorithms = []x509.SignatureAlgorithm{
	x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512,
	x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
	x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
}

// whyUnreadable tells a request whose key alone is none from bytes that are no request.
func whyUnreadable(der []byte) error {
	if info, ok := requestKey(der); ok {
		if _, err := ReadKey(info); err != nil {
			return err
		}
	}
	return unreadable()
}

func unreadable() error { return fault.New(fault.Invalid, "E-CSR-01") }

// RefuseUsed asks the caller whether a key was certified before, belongs to an authority of ours or was revoked, and
// refuses it with E-CSR-04. The key is named by [Key.Fingerprint].
func (r Request) RefuseUsed(used func(fingerprint string) (bool, error)) error {
	again, err := used(r.Key.Fingerprint())
	if err != nil {
		return fmt.Errorf("issuance: ask whether a key was used: %w", err)
	}
	if again {
		return fault.New(fault.Invalid, "E-CSR-04")
	}
	return nil
}

// pemBegin is how every PEM block begins (RFC 7468 §2).
var pemBegin = []byte("-----BEGIN ")

// requestDER takes the one request out of what was sent. Text before the block is let pass, since `openssl req -text`
// writes it; a second block, headers, or anything behind the block is not.
func requestDER(data []byte) ([]byte, bool) {
	if len(data) > 0 && data[0] == 0x30 { // a DER SEQUENCE; no text begins so but "0", which is no PEM either
		return data, true
	}
	if bytes.Count(data, pemBegin) != 1 {
		return nil, false
	}
	block, rest := pem.Decode(data)
	if block == nil || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return nil, false
	}
	// The second label is Microsoft's (RFC 7468 §7).
	if !slices.Contains([]string{"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}, block.Type) {
		return nil, false
	}
	return block.Bytes, true
}

// requestKey takes the SubjectPublicKeyInfo out of a request, so that a key of an unknown kind is told from bytes that
// are no request.
func requestKey(der []byte) ([]byte, bool) {
	var request struct {
		Info struct {
			Raw        asn1.RawContent
			Version    int
			Subject    asn1.RawValue
			PublicKey  asn1.RawValue
			Attributes []asn1.RawValue `asn1:"tag:0,set,optional"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &request)
	if err != nil || len(rest) > 0 || request.Info.Version != 0 {
		return nil, false
	}
	var key struct {
		Algorithm asn1.RawValue
		Bits      asn1.BitString
	}
	if rest, err := asn1.Unmarshal(request.Info.PublicKey.FullBytes, &key); err != nil || len(rest) > 0 {
		return nil, false
	}
	return request.Info.PublicKey.FullBytes, true
}

// holdsPrivateKey looks for a private key in any of its usual forms, PEM of every label (RSA, EC, OPENSSH, ENCRYPTED …),
// bare PKCS#8, PKCS#1, SEC 1, or a PKCS#12 file, so that it can be said loudly and the bytes thrown away.
func holdsPrivateKey(data []byte) bool {
	if strings.Contains(strings.ToUpper(string(data)), "PRIVATE KEY") {
		return true
	}
	if len(data) == 0 || data[0] != 0x30 {
		return false
	}
	if _, err := x509.ParsePKCS8PrivateKey(data); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(data); err == nil {
		return true
	}
	if _, err := x509.ParseECPrivateKey(data); err == nil {
		return true
	}
	return isKeyContainer(data)
}

// isKeyContainer knows PKCS#12 (version 3) and EncryptedPrivateKeyInfo by their shape.
func isKeyContainer(der []byte) bool {
	var pfx struct {
		Version int
		Safe    asn1.RawValue
		MAC     asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &pfx); err == nil && pfx.Version == 3 {
		return true
	}
	var encrypted struct {
		Algorithm struct {
			ID         asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Data []byte
	}
	_, err := asn1.Unmarshal(der, &encrypted)
	return err == nil
}
