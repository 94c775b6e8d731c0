package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the suites' hashes must be linked in
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
)

// Suite is the set of algorithms that follows from a signer's key; nothing configures it, so that nothing can weaken
// it.
type Suite struct {
	Hash    crypto.Hash
	Longest int // signature in bytes

	hashOID  asn1.ObjectIdentifier
	signOID  asn1.ObjectIdentifier
	signNull bool // the signature algorithm carries NULL parameters (RSA), or none (ECDSA)
	verify   func(digest, signature []byte) bool
}

// The least RSA key that may sign (ETSI TS 119 312, 7.2: nothing shorter is left in the list).
const leastRSA = 2048

// SuiteOf gives the suite of a key, or says why that key may not sign.
func SuiteOf(key crypto.PublicKey) (Suite, error) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return suiteOfCurve(key)
	case *rsa.PublicKey:
		return suiteOfRSA(key)
	}
	return Suite{}, fmt.Errorf("keys of type %T do not sign digests", key)
}

func suiteOfCurve(key *ecdsa.PublicKey) (Suite, error) {
	s := Suite{
		Longest: longestECDSA(key.Curve.Params().BitSize),
		verify:  func(digest, signature []byte) bool { return ecdsa.VerifyASN1(key, digest, signature) },
	}
	// RFC 5753, 2.1.1: the hash is of the curve's strength.
	switch key.Curve {
	case elliptic.P256():
		s.Hash, s.hashOID, s.signOID = crypto.SHA256, oidSHA256, oidECDSAWithSHA256
	case elliptic.P384():
		s.Hash, s.hashOID, s.signOID = crypto.SHA384, oidSHA384, oidECDSAWithSHA384
	case elliptic.P521():
		s.Hash, s.hashOID, s.signOID = crypto.SHA512, oidSHA512, oidECDSAWithSHA512
	default:
		return Suite{}, errors.New("the curve is not of the list")
	}
	return s, nil
}

func suiteOfRSA(key *rsa.PublicKey) (Suite, error) {
	if key.N.BitLen() < leastRSA {
		return Suite{}, fmt.Errorf("an RSA key of %d bits is too short", key.N.BitLen())
	}
	return Suite{
		Hash: crypto.SHA256, hashOID: oidSHA256,
		signOID: oidRSAEncryption, signNull: true, // RFC 5754, 3.2: the identifier every reader must know
		Longest: key.Size(),
		verify: func(digest, signature []byte) bool {
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
		},
	}, nil
}

// Verify says whether a signature is the key's, over a digest.
func (s Suite) Verify(digest, signature []byte) bool { return s.verify(digest, signature) }

// Sum is the suite's hash of the parts, one behind the other.
func (s Suite) Sum(parts ...[]byte) []byte {
	h := s.Hash.New()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
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
