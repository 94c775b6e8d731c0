package issuance

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"chancela/internal/fault"
)

// kind says what sort of thing is to be signed.
type kind string

const (
	aCertificate kind = "certificate"
	aList        kind = "list"
	anAnswer     kind = "answer"
	aStamp       kind = "stamp"
)

// Unsigned is what shall be signed, before it was linted. Its fields are hidden so that nothing can change between
// the check and the lint.
type Unsigned struct {
	kind      kind
	issuer    *Issuer // whose certificate, list or statuses these are
	signer    crypto.PublicKey
	profile   Profile
	template  *x509.Certificate // of a certificate
	order     Order             // of a certificate: what was approved
	tbs       []byte            // of lists, answers and stamps
	responder *Responder        // of an answer
	chain     [][]byte          // certificates that an answer brings along
	stamp     *stamp            // of a time stamp
	shown     []byte            // of a list whose entries were linted before: the same with the newest of them alone
	last      bool              // of a list: no other follows
}

// Serial gives the serial number of a certificate, nil for the rest.
func (u Unsigned) Serial() *big.Int {
	if u.template == nil {
		return nil
	}
	return new(big.Int).Set(u.template.SerialNumber)
}

// Prepare builds the certificate of an approved order: the issuer, the serial number and the time are added here and
// nothing else. It refuses an order that its profile's version would not make, that this issuer may not issue, whose
// key is the issuer's own, or whose right ends too soon (fault Invalid, "issuance.validity").
func Prepare(o Order, issuer *Issuer, serial *big.Int, now time.Time) (Unsigned, error) {
	p, err := profileAt(o.Profile, o.Version)
	if err != nil {
		return Unsigned{}, err
	}
	key, err := p.check(o)
	if err != nil {
		return Unsigned{}, err
	}
	if err := issuer.mayIssue(p); err != nil {
		return Unsigned{}, err
	}
	if serial == nil || serial.Sign() <= 0 || serial.BitLen() > 159 { // RFC 5280 §4.1.2.2
		return Unsigned{}, errors.New("issuance: a serial number is positive and at most 20 octets")
	}
	template, err := fillTemplate(p, o, key, issuer)
	if err != nil {
		return Unsigned{}, err
	}
	template.SerialNumber = new(big.Int).Set(serial)
	template.NotBefore, template.NotAfter = o.Validity.span(now, p.Backdate, issuer.end)
	if issuer.certificate != nil && template.NotBefore.Before(issuer.certificate.NotBefore) {
		template.NotBefore = issuer.certificate.NotBefore // backdating never goes before the issuer
	}
	if err := addKeyPeriod(template, p); err != nil {
		return Unsigned{}, err
	}
	if !template.NotAfter.After(now) || !template.NotAfter.After(template.NotBefore) {
		return Unsigned{}, fault.New(fault.Invalid, "issuance.validity")
	}
	return Unsigned{kind: aCertificate, issuer: issuer, signer: issuer.public, profile: p, template: template, order: o}, nil
}

// fillTemplate puts in what order, profile and issuer say.
func fillTemplate(p Profile, o Order, key Key, issuer *Issuer) (*x509.Certificate, error) {
	if sameKey(key.Public, issuer.public) != (p.IssuedBy == BySelf) {
		return nil, errors.New("issuance: the subject's key is the issuer's")
	}
	subject, err := o.Subject.DER()
	if err != nil {
		return nil, err
	}
	if p.Authority {
		if err := issuer.trust.checkIssuer(o.Subject); err != nil {
			return nil, err
		}
	}
	bits, err := subjectKeyBits(key.DER)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		RawSubject: subject, PublicKey: key.Public, SubjectKeyId: keyIdentifier(bits),
		AuthorityKeyId: issuer.keyID, // a root's too: RFC 5280 §4.2.1.1 lets it go without, readers need not know
		KeyUsage:       p.keyUsage(key.Public), DNSNames: o.DNSNames, EmailAddresses: o.Emails,
	}
	if !p.Sole { // the library would not make it critical
		for _, e := range p.Extended {
			t.UnknownExtKeyUsage = append(t.UnknownExtKeyUsage, e.oid())
		}
	}
	if p.Authority {
		t.BasicConstraintsValid, t.IsCA = true, true
		t.MaxPathLen, t.MaxPathLenZero = p.PathLen, p.PathLen == 0
	}
	if p.Revocation {
		t.IssuingCertificateURL = []string{issuer.urls.CAIssuers}
		t.OCSPServer = []string{issuer.urls.OCSP}
		t.CRLDistributionPoints = []string{issuer.urls.CRL}
	}
	if t.ExtraExtensions, err = extraExtensions(p, o.Subject, issuer); err != nil {
		return nil, fmt.Errorf("issuance: extensions of %s: %w", p.Key, err)
	}
	return t, nil
}
