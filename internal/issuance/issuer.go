package issuance

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// URLs are the addresses that an issuer's certificates carry. They are plain http, so that checking a certificate
// never needs a certificate (EN 319 412-2, GEN-4.4.1-3 and -6; GEN-4.3.11-4), and must never redirect.
type URLs struct {
	CAIssuers string // the issuer's own certificate, DER
	OCSP      string
	CRL       string
	CPS       string // certification practice statement, http or https; "" for none yet
}

func (u URLs) check() error {
	for _, address := range []string{u.CAIssuers, u.OCSP, u.CRL} {
		if !isURL(address, "http") {
			return fmt.Errorf("issuance: %q is not a plain http address", address)
		}
	}
	return u.checkCPS()
}

func (u URLs) checkCPS() error {
	if u.CPS != "" && !isURL(u.CPS, "http") && !isURL(u.CPS, "https") {
		return fmt.Errorf("issuance: %q is no address for a practice statement", u.CPS)
	}
	return nil
}

// Issuer is an authority that certificates, lists and status answers are made for. It holds no private key.
type Issuer struct {
	certificate *x509.Certificate // nil for one that is about to sign itself
	subject     []byte            // DER
	public      crypto.PublicKey
	keyID       []byte
	algorithm   Algorithm
	end         time.Time
	urls        URLs
	trust       Trust
	sha1        hashes
	sha256      hashes
}

// hashes of name and key are how OCSP requests name an issuer.
type hashes struct{ name, key []byte }

// NewIssuer makes an issuer of its certificate (DER). It refuses what is no authority, and a name without [TestMark]
// where trust is not proven.
func NewIssuer(der []byte, urls URLs, trust Trust) (*Issuer, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("issuance: issuer's certificate: %w", err)
	}
	if !cert.BasicConstraintsValid || !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0 || len(cert.SubjectKeyId) == 0 {
		return nil, errors.New("issuance: that certificate is not an authority's")
	}
	if !soundSignature(cert.SignatureAlgorithm) {
		return nil, fmt.Errorf("issuance: that certificate is signed by %s, which nobody may rely on", cert.SignatureAlgorithm)
	}
	if err := urls.check(); err != nil {
		return nil, err
	}
	i, err := newIssuer(cert.RawSubject, cert.PublicKey, trust)
	if err != nil {
		return nil, err
	}
	i.certificate, i.keyID, i.end, i.urls = cert, cert.SubjectKeyId, cert.NotAfter, urls
	return i, nil
}

// WithList is the same issuer for certificates that name another list of it.
func (i *Issuer) WithList(address string) (*Issuer, error) {
	if !isURL(address, "http") {
		return nil, fmt.Errorf("issuance: %q is not a plain http address", address)
	}
	other := *i
	other.urls.CRL = address
	return &other, nil
}

// Begins is when the issuer's certificate begins; zero for a root that has not signed itself yet.
func (i *Issuer) Begins() time.Time {
	if i.certificate == nil {
		return time.Time{}
	}
	return i.certificate.NotBefore
}

// soundSignature says whether an authority's certificate may be signed so: by what we sign with, and by the longer
// hashes with RSA that another authority above may use. SHA-1 and MD5 are none, whatever the settings say.
func soundSignature(a x509.SignatureAlgorithm) bool {
	return slices.Contains([]x509.SignatureAlgorithm{
		x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512, x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
	}, a)
}

// SelfIssuer makes the issuer of a root's own certificate from its order. Of the addresses only CPS is used.
func SelfIssuer(o Order, urls URLs, trust Trust) (*Issuer, error) {
	p, err := profileAt(o.Profile, o.Version)
	if err != nil {
		return nil, err
	}
	if p.IssuedBy != BySelf {
		return nil, fmt.Errorf("issuance: profile %s does not sign itself", p.Key)
	}
	subject, err := o.Subject.DER()
	if err != nil {
		return nil, err
	}
	key, err := ReadKey(o.PublicKey)
	if err != nil {
		return nil, err
	}
	if err := urls.checkCPS(); err != nil {
		return nil, err
	}
	i, err := newIssuer(subject, key.Public, trust)
	if err != nil {
		return nil, err
	}
	i.urls = URLs{CPS: urls.CPS}
	return i, nil
}

func newIssuer(subject []byte, public crypto.PublicKey, trust Trust) (*Issuer, error) {
	algorithm, err := AlgorithmOf(public)
	if err != nil {
		return nil, err
	}
	name, err := ParseName(subject)
	if err != nil {
		return nil, err
	}
	if err := trust.checkIssuer(name); err != nil {
		return nil, err
	}
	bits, err := keyBits(public)
	if err != nil {
		return nil, err
	}
	n1, k1 := sha1.Sum(subject), sha1.Sum(bits)
	n256, k256 := sha256.Sum256(subject), sha256.Sum256(bits)
	return &Issuer{
		subject: subject, public: public, keyID: keyIdentifier(bits), algorithm: algorithm, trust: trust,
		sha1: hashes{n1[:], k1[:]}, sha256: hashes{n256[:], k256[:]},
	}, nil
}

// checkIssuer refuses an authority's name that says more or less than the instance's trust.
func (t Trust) checkIssuer(name Name) error {
	marked := strings.Contains(name.Value(CommonName), TestMark)
	if !t.IsQualified() && !marked {
		return errors.New("issuance: an authority that is not proven qualified carries " + TestMark + " in its name")
	}
	if t.IsQualified() && marked {
		return errors.New("issuance: a qualified authority does not carry " + TestMark + " in its name")
	}
	return nil
}

// Certificate gives the issuer's certificate, DER; nil for a root that has not signed itself yet.
func (i *Issuer) Certificate() []byte {
	if i.certificate == nil {
		return nil
	}
	return bytes.Clone(i.certificate.Raw)
}

// Algorithm says what the issuer signs with.
func (i *Issuer) Algorithm() Algorithm { return i.algorithm }

// Subject gives the issuer's name.
func (i *Issuer) Subject() (Name, error) { return ParseName(i.subject) }

// place says where in the hierarchy the issuer stands.
func (i *Issuer) place() Place {
	switch {
	case i.certificate == nil:
		return BySelf
	case bytes.Equal(i.certificate.RawSubject, i.certificate.RawIssuer):
		return ByRoot
	}
	return ByIssuing
}

func (i *Issuer) mayIssue(p Profile) error {
	here := i.place()
	if p.IssuedBy == here || p.IssuedBy == ByAny && here != BySelf {
		return nil
	}
	return fmt.Errorf("issuance: profile %s is not issued by this authority (%s)", p.Key, here)
}

// keyBits gives the bits of a SubjectPublicKeyInfo's key without tag and length, over which identifiers are taken.
func keyBits(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("issuance: encode key: %w", err)
	}
	return subjectKeyBits(der)
}

// keyIdentifier is RFC 7093 §2, method 1: the leftmost 160 bits of SHA-256.
func keyIdentifier(bits []byte) []byte {
	sum := sha256.Sum256(bits)
	return sum[:20]
}
