// Package cms writes CMS SignedData (RFC 5652) with one signer, as seals on documents and time stamps need it: signed
// attributes first, which are what the key signs, then the whole around them.
//
// It is pure and holds no key. It must never choose an algorithm by anything but the signer's key. It reads one thing,
// for whoever proves a request by an earlier key: what one signer signed, content and all ([Open]). Start reading at
// [Message].
package cms

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Data is the type of content that is just bytes (RFC 5652, 4).
func Data() asn1.ObjectIdentifier { return slices.Clone(oidData) }

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCertV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}

	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}

	oidRSAEncryption   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECDSAWithSHA384 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECDSAWithSHA512 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
)

// Message is what is to be signed, all but the signature.
type Message struct {
	Suite  Suite
	Signer *x509.Certificate
	// Type of the content, and the content; nil where it stands elsewhere, as the document around a seal.
	Type    asn1.ObjectIdentifier
	Content []byte
	// Certificates are brought along, each once; none if empty.
	Certificates []*x509.Certificate
}

// Attribute is a signed attribute with its one value.
type Attribute struct {
	Type  asn1.ObjectIdentifier
	Value cryptobyte.BuilderContinuation
}

// Attributes is the DER of the signed attributes as a SET OF, the form that is hashed and signed (RFC 5652, 5.4).
//
// Three are always there: content-type, message-digest, ESS signing-certificate-v2; the digest is that of the content.
func (m Message) Attributes(digest []byte, more ...Attribute) ([]byte, error) {
	all := append([]Attribute{
		{oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(m.Type) }},
		{oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) }},
		{oidSigningCertV2, m.addSigningCertificate},
	}, more...)
	attributes := make([][]byte, 0, len(all))
	for _, a := range all {
		var b cryptobyte.Builder
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(a.Type)
			b.AddASN1(tag.SET, a.Value)
		})
		der, err := b.Bytes()
		if err != nil {
			return nil, err
		}
		attributes = append(attributes, der)
	}
	var b cryptobyte.Builder
	addSetOf(&b, tag.SET, attributes)
	return b.Bytes()
}

// addSigningCertificate writes SigningCertificateV2 with the one certificate it must name (RFC 5035, 3). The hash
// algorithm is left out where it is SHA-256: DER forbids to write a default.
func (m Message) addSigningCertificate(b *cryptobyte.Builder) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // certs
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2
				if m.Suite.Hash != crypto.SHA256 {
					addAlgorithm(b, m.Suite.hashOID, false)
				}
				b.AddASN1OctetString(m.Suite.Sum(m.Signer.Raw))
			})
		})
	})
}

// Encode is the DER of the ContentInfo (RFC 5652, 5.1).
func (m Message) Encode(attributes, signature []byte) ([]byte, error) {
	version := int64(1) // id-data, signer named by issuer and serial
	if !m.Type.Equal(oidData) {
		version = 3
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(context(0), func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(version)
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { addAlgorithm(b, m.Suite.hashOID, false) })
				b.AddASN1(tag.SEQUENCE, m.addContent)
				if len(m.Certificates) > 0 {
					addSetOf(b, context(0), m.distinct())
				}
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { m.addSigner(b, attributes, signature) })
			})
		})
	})
	return b.Bytes()
}

func (m Message) addContent(b *cryptobyte.Builder) {
	b.AddASN1ObjectIdentifier(m.Type)
	if m.Content != nil {
		b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(m.Content) })
	}
}

func (m Message) addSigner(b *cryptobyte.Builder, attributes, signature []byte) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(m.Signer.RawIssuer)
			b.AddASN1BigInt(m.Signer.SerialNumber)
		})
		addAlgorithm(b, m.Suite.hashOID, false)
		b.AddUint8(uint8(context(0))) // the same SET, tagged [0] IMPLICIT here
		b.AddBytes(attributes[1:])
		addAlgorithm(b, m.Suite.signOID, m.Suite.signNull)
		b.AddASN1OctetString(signature)
	})
}

// distinct lists the encodings of the certificates, each once.
func (m Message) distinct() [][]byte {
	var all [][]byte
	for _, c := range m.Certificates {
		if !slices.ContainsFunc(all, func(raw []byte) bool { return bytes.Equal(raw, c.Raw) }) {
			all = append(all, c.Raw)
		}
	}
	return all
}

func context(n uint8) tag.Tag { return tag.Tag(n).ContextSpecific().Constructed() }

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, null bool) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if null {
			b.AddASN1NULL()
		}
	})
}

// addSetOf writes encodings in the order that DER asks of a SET OF (X.690, 11.6).
func addSetOf(b *cryptobyte.Builder, as tag.Tag, encodings [][]byte) {
	slices.SortFunc(encodings, bytes.Compare)
	b.AddASN1(as, func(b *cryptobyte.Builder) {
		for _, e := range encodings {
			b.AddBytes(e)
		}
	})
}
