package pades

import (
	"crypto"
	"crypto/x509"
	"fmt"

	"chancela/internal/issuance/cms"
)

// Prepared is a document that lacks only the signature.
type Prepared struct {
	message    cms.Message // without its content: that is the document around it
	revision   *revision
	attributes []byte
}

// Prepare writes everything about a seal but the signature; the key is not needed, and nothing is asked of it.
//
// The room for the signature is the length of the very structure that will fill it, with a signature as long as the
// key can make one.
func Prepare(pdf []byte, certificate *x509.Certificate, chain []*x509.Certificate, how Appearance) (Prepared, error) {
	if certificate == nil {
		return Prepared{}, WrongCert.because("there is none")
	}
	suite, err := cms.SuiteOf(certificate.PublicKey)
	if err != nil {
		return Prepared{}, WrongKey.because("%v", err)
	}
	if err := checkCertificate(certificate, chain, how.At); err != nil {
		return Prepared{}, err
	}
	d, err := read(pdf)
	if err != nil {
		return Prepared{}, err
	}
	p := Prepared{message: cms.Message{
		Suite: suite, Signer: certificate, Type: cms.Data(), Certificates: append([]*x509.Certificate{certificate}, chain...),
	}}
	room, err := p.room()
	if err != nil {
		return Prepared{}, err
	}
	if p.revision, err = extend(d, how, room); err != nil {
		return Prepared{}, err
	}
	// Exactly three (ETSI EN 319 142-1, 6.3). No signingTime: the baseline forbids it, the time stands in /M.
	p.attributes, err = p.message.Attributes(p.revision.digest(suite.Hash))
	if err != nil {
		return Prepared{}, fmt.Errorf("pades: write the signed attributes: %w", err)
	}
	return p, nil
}

func (p Prepared) room() (int, error) {
	attributes, err := p.message.Attributes(make([]byte, p.message.Suite.Hash.Size()))
	if err != nil {
		return 0, fmt.Errorf("pades: measure the signed attributes: %w", err)
	}
	full, err := p.message.Encode(attributes, make([]byte, p.message.Suite.Longest))
	if err != nil {
		return 0, fmt.Errorf("pades: measure the signature: %w", err)
	}
	return len(full), nil
}

// Hash is the hash of [Prepared.Digest], and the one to name to a [crypto.Signer].
func (p Prepared) Hash() crypto.Hash { return p.message.Suite.Hash }

// SignedAttributes is the DER of the signed attributes, for a key that hashes by itself.
func (p Prepared) SignedAttributes() []byte { return append([]byte(nil), p.attributes...) }

// Digest is what the key has to sign: the hash of the DER of the signed attributes, which hold the hash of the
// document.
func (p Prepared) Digest() []byte { return p.message.Suite.Sum(p.attributes) }

// Finish puts the signature in its place: DER for ECDSA, the octets of PKCS #1 v1.5 for RSA. One that does not
// verify is refused as [BadSeal]: keys in hardware fail too, and a bad seal once released cannot be called back.
func (p Prepared) Finish(signature []byte) ([]byte, error) {
	if p.revision == nil {
		return nil, Malformed.because("nothing was prepared")
	}
	if !p.message.Suite.Verify(p.Digest(), signature) {
		return nil, BadSeal
	}
	der, err := p.message.Encode(p.attributes, signature)
	if err != nil {
		return nil, fmt.Errorf("pades: write the signature: %w", err)
	}
	if len(der) > p.revision.room {
		return nil, BadSeal.because("it is longer than such a key makes them")
	}
	return p.revision.with(der), nil
}
