package issuance

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	zx509 "github.com/zmap/zcrypto/x509"
)

// Accept judges a certificate (DER) that came from elsewhere as the certificate of an order: signed by the issuer's key
// with nothing weaker than it signs with here, in force now or later, and liked by every lint that it would have had to
// pass before we signed it. What is found is [ErrLint], with the report.
//
// So an authority whose certificate another authority made, or made on another machine, is taken by the same rules as
// one that was made here.
func (l *Linter) Accept(der []byte, o Order, issuer *Issuer, now time.Time) (Report, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Report{}, fmt.Errorf("issuance: read certificate: %w", err)
	}
	p, err := profileAt(o.Profile, o.Version)
	if err != nil {
		return Report{}, err
	}
	if _, err := p.check(o); err != nil {
		return Report{}, err
	}
	if err := issuer.signed(cert); err != nil {
		return Report{}, err
	}
	if !cert.NotAfter.After(now) {
		return Report{}, fmt.Errorf("issuance: that certificate ended at %s", cert.NotAfter.UTC().Format(time.RFC3339))
	}
	zcert, err := zx509.ParseCertificate(der)
	if err != nil {
		return Report{}, fmt.Errorf("issuance: read certificate for zlint: %w", err)
	}
	report := l.lintsFor(p).run(zcert)
	runCertificateLints(&report, Unsigned{kind: aCertificate, issuer: issuer, signer: issuer.public, profile: p, template: cert, order: o}, cert)
	if !report.Clean() {
		return report, fmt.Errorf("%w: %s: %s", ErrLint, report.Findings[0].Lint, report.Findings[0].Detail)
	}
	return report, nil
}

// signed says whether the issuer's key signed the certificate, in the issuer's name and by its algorithm.
func (i *Issuer) signed(cert *x509.Certificate) error {
	scheme, err := i.algorithm.scheme()
	if err != nil {
		return err
	}
	longer := scheme.curve == nil && (cert.SignatureAlgorithm == x509.SHA384WithRSA || cert.SignatureAlgorithm == x509.SHA512WithRSA)
	if cert.SignatureAlgorithm != scheme.signature && !longer {
		return fmt.Errorf("issuance: that certificate is signed by %s; its issuer signs by %s", cert.SignatureAlgorithm, scheme.signature)
	}
	if string(cert.RawIssuer) != string(i.subject) {
		return errors.New("issuance: that certificate is not in its issuer's name")
	}
	by := &x509.Certificate{PublicKey: i.public, PublicKeyAlgorithm: publicKeyAlgorithm(scheme)}
	if err := by.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		return fmt.Errorf("issuance: the issuer's key did not sign that certificate: %w", err)
	}
	return nil
}

func publicKeyAlgorithm(s scheme) x509.PublicKeyAlgorithm {
	if s.curve == nil {
		return x509.RSA
	}
	return x509.ECDSA
}

// AcceptList judges a revocation list (DER) that came from elsewhere: made by the issuer's key, and liked by every lint
// that it would have had to pass before we signed it.
func (l *Linter) AcceptList(der []byte, issuer *Issuer) (*x509.RevocationList, Report, error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, Report{}, fmt.Errorf("issuance: read list: %w", err)
	}
	if issuer.certificate == nil {
		return nil, Report{}, errors.New("issuance: that authority has no certificate yet")
	}
	scheme, err := issuer.algorithm.scheme()
	if err != nil {
		return nil, Report{}, err
	}
	by := &x509.Certificate{PublicKey: issuer.public, PublicKeyAlgorithm: publicKeyAlgorithm(scheme)}
	if !soundSignature(list.SignatureAlgorithm) || by.CheckSignature(list.SignatureAlgorithm, list.RawTBSRevocationList, list.Signature) != nil {
		return nil, Report{}, errors.New("issuance: the issuer's key did not sign that list")
	}
	last := list.NextUpdate.Equal(NoNextUpdate()) // whether one may follow is for whoever takes it
	report, err := l.lintList(Unsigned{kind: aList, issuer: issuer, signer: issuer.public, tbs: list.RawTBSRevocationList, last: last}, der)
	if err == nil && !report.Clean() {
		err = fmt.Errorf("%w: %s: %s", ErrLint, report.Findings[0].Lint, report.Findings[0].Detail)
	}
	return list, report, err
}

// MakeRequest makes a key request (PKCS #10, DER): a name, the key, and the proof that we hold it. It is read back as
// whoever certifies it will read it.
func MakeRequest(s Signer, subject Name) ([]byte, error) {
	name, err := subject.DER()
	if err != nil {
		return nil, err
	}
	scheme, err := s.Algorithm().scheme()
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: name, SignatureAlgorithm: scheme.signature}, s)
	if err != nil {
		return nil, fmt.Errorf("issuance: make request: %w", err)
	}
	read, err := ParseRequest(der)
	if err != nil {
		return nil, fmt.Errorf("issuance: read request back: %w", err)
	}
	if !sameKey(read.Key.Public, s.Public()) {
		return nil, errors.New("issuance: the request is not for the key that made it")
	}
	return der, nil
}
