package issuance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"maps"
	"slices"
)

// Algorithm names a kind of signing key and the one signature that it makes.
type Algorithm string

// The algorithms of our own keys. EC P-256 is what an evaluation instance uses, so that it starts at once.
const (
	ECP256  Algorithm = "ec-p256"  // ecdsa-with-SHA256
	ECP384  Algorithm = "ec-p384"  // ecdsa-with-SHA384
	ECP521  Algorithm = "ec-p521"  // ecdsa-with-SHA512
	RSA3072 Algorithm = "rsa-3072" // sha256WithRSAEncryption
	RSA4096 Algorithm = "rsa-4096" // sha256WithRSAEncryption, as the SCEE's root
)

// scheme is what an algorithm means to the standard library and on the wire.
type scheme struct {
	signature x509.SignatureAlgorithm
	hash      crypto.Hash
	curve     elliptic.Curve // nil for RSA
	bits      int            // of an RSA modulus
	id        []byte         // AlgorithmIdentifier, DER
}

// The OIDs of RFC 5758 §3.2 (no parameters) and RFC 4055 §5 (parameters NULL).
var schemes = map[Algorithm]scheme{
	ECP256:  {signature: x509.ECDSAWithSHA256, hash: crypto.SHA256, curve: elliptic.P256(), id: algorithmID(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, false)},
	ECP384:  {signature: x509.ECDSAWithSHA384, hash: crypto.SHA384, curve: elliptic.P384(), id: algorithmID(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, false)},
	ECP521:  {signature: x509.ECDSAWithSHA512, hash: crypto.SHA512, curve: elliptic.P521(), id: algorithmID(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, false)},
	RSA3072: {signature: x509.SHA256WithRSA, hash: crypto.SHA256, bits: 3072, id: algorithmID(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, true)},
	RSA4096: {signature: x509.SHA256WithRSA, hash: crypto.SHA256, bits: 4096, id: algorithmID(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, true)},
}

func algorithmID(oid asn1.ObjectIdentifier, null bool) []byte {
	id := struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}{Algorithm: oid}
	if null {
		id.Parameters = asn1.NullRawValue
	}
	der, err := asn1.Marshal(id)
	if err != nil {
		panic(err) // constants above
	}
	return der
}

// Algorithms lists the names of the algorithms that are admitted, sorted.
func Algorithms() []Algorithm { return slices.Sorted(maps.Keys(schemes)) }

func (a Algorithm) scheme() (scheme, error) {
	s, ok := schemes[a]
	if !ok {
		return scheme{}, fmt.Errorf("issuance: algorithm %q is not admitted", string(a))
	}
	return s, nil
}

// AlgorithmOf says which algorithm a public key signs with, or that we have none for it.
func AlgorithmOf(public crypto.PublicKey) (Algorithm, error) {
	for a, s := range schemes {
		switch key := public.(type) {
		case *ecdsa.PublicKey:
			if s.curve != nil && key.Curve == s.curve {
				return a, nil
			}
		case *rsa.PublicKey:
			if s.curve == nil && key.N.BitLen() == s.bits {
				return a, nil
			}
		}
	}
	return "", fmt.Errorf("issuance: no algorithm for a key of type %T", public)
}

// GenerateKey makes a new private key of that kind.
func GenerateKey(a Algorithm) (crypto.Signer, error) {
	s, err := a.scheme()
	if err != nil {
		return nil, err
	}
	if s.curve != nil {
		return ecdsa.GenerateKey(s.curve, rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, s.bits)
}
