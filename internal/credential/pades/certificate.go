package pades

import (
	"bytes"
	"crypto/x509"
	"time"
)

// checkCertificate refuses what a verifier would refuse later, before the key is asked.
func checkCertificate(certificate *x509.Certificate, chain []*x509.Certificate, at time.Time) error {
	const maySign = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	switch {
	case at.IsZero():
		return WrongCert.because("no time of sealing was given")
	case at.Before(certificate.NotBefore) || at.After(certificate.NotAfter):
		return WrongCert.because("it is not valid at %s", at.UTC().Format(time.RFC3339))
	case certificate.IsCA:
		return WrongCert.because("it is an authority's")
	case certificate.KeyUsage != 0 && certificate.KeyUsage&maySign == 0:
		return WrongCert.because("its key usage has neither digitalSignature nor nonRepudiation")
	}
	for child, i := certificate, 0; i < len(chain); child, i = chain[i], i+1 {
		if !bytes.Equal(child.RawIssuer, chain[i].RawSubject) {
			return WrongCert.because("link %d of the chain did not issue the one before", i+1)
		}
	}
	return nil
}
