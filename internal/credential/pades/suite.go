package pades

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the suites' hashes must be linked in
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"time"
)

// suite is the set of algorithms that follows from a certificate's key; nothing configures it, so that nothing can
// weaken it.
type suite struct {
	hash      crypto.Hash
	hashOID   asn1.ObjectIdentifier
	signOID   asn1.ObjectIdentifier
	signNull  bool // the signature algorithm carries NULL parameters (RSA), or none (ECDSA)
	signature int  // the longest signature in bytes
	verify    func(digest, signature []byte) bool
}

// The least RSA key that may seal (ETSI TS 119 312, 7.2: nothing shorter is left in the list).
const leastRSA = 2048

func suiteOf(key crypto.PublicKey) (suite, error) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return suiteOfCurve(key)
	case *rsa.PublicKey:
		return suiteOfRSA(key)
	}
	return suite{}, WrongKey.because("keys of type %T do not sign digests", key)
}

func suiteOfCurve(key *ecdsa.PublicKey) (suite, error) {
	s := suite{
		signature: longestECDSA(key.Curve.Params().BitSize),
		verify:    func(digest, signature []byte) bool { return ecdsa.VerifyASN1(key, digest, signature) },
	}
	// RFC 5753, 2.1.1: the hash is of the curve's strength.
	switch key.Curve {
	case elliptic.P256():
		s.hash, s.hashOID, s.signOID = crypto.SHA256, oidSHA256, oidECDSAWithSHA256
	case elliptic.P384():
		s.hash, s.hashOID, s.signOID = crypto.SHA384, oidSHA384, oidECDSAWithSHA384
	case elliptic.P521():
		s.hash, s.hashOID, s.signOID = crypto.SHA512, oidSHA512, oidECDSAWithSHA512
	default:
		return suite{}, WrongKey.because("the curve is not of the list")
	}
	return s, nil
}

func suiteOfRSA(key *rsa.PublicKey) (suite, error) {
	if key.N.BitLen() < leastRSA {
		return suite{}, WrongKey.because("an RSA key of %d bits is too short", key.N.BitLen())
	}
	return suite{
		hash: crypto.SHA256, hashOID: oidSHA256,
		signOID: oidRSAEncryption, signNull: true, // RFC 5754, 3.2: the identifier every reader must know
		signature: key.Size(),
		verify: func(digest, signature []byte) bool {
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
		},
	}, nil
}

// longestECDSA is the length of the longest DER Ecdsa-Sig-Value over a field of so many bits: two INTEGERs, each
// with a zero octet before it where its first bit would say "negative".
func longestECDSA(bits int) int {
	body := 2 * (2 + bits/8 + 1)
	if body < 128 {
		return 2 + body
	}
	return 3 + body
}

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
