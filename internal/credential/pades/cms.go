package pades

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

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

// signedAttributes is the DER of the attributes as a SET OF, the form that is hashed and signed (RFC 5652, 5.4).
//
// Exactly three (ETSI EN 319 142-1, 6.3): content-type, message-digest, ESS signing-certificate-v2. No signingTime:
// the baseline forbids it, the time stands in /M.
func signedAttributes(s suite, certificate *x509.Certificate, digest []byte) ([]byte, error) {
	attributes := make([][]byte, 0, 3)
	for _, a := range []struct {
		oid   asn1.ObjectIdentifier
		value func(*cryptobyte.Builder)
	}{
		{oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) }},
		{oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) }},
		{oidSigningCertV2, func(b *cryptobyte.Builder) { addSigningCertificate(b, s, certificate) }},
	} {
		var b cryptobyte.Builder
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(a.oid)
			b.AddASN1(tag.SET, a.value)
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
func addSigningCertificate(b *cryptobyte.Builder, s suite, certificate *x509.Certificate) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // certs
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // ESSCertIDv2
				if s.hash != crypto.SHA256 {
					addAlgorithm(b, s.hashOID, false)
				}
				b.AddASN1OctetString(sum(s.hash, certificate.Raw))
			})
		})
	})
}

// signedData is the DER of the ContentInfo that goes into /Contents (RFC 5652, 5.1), without the content: the
// content is the document around it.
func signedData(s suite, certificate *x509.Certificate, chain []*x509.Certificate, attributes, signature []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(tag.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1) // version: id-data, signer named by issuer and serial
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { addAlgorithm(b, s.hashOID, false) })
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				addSetOf(b, tag.Tag(0).ContextSpecific().Constructed(), distinct(certificate, chain))
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { addSigner(b, s, certificate, attributes, signature) })
			})
		})
	})
	return b.Bytes()
}

func addSigner(b *cryptobyte.Builder, s suite, certificate *x509.Certificate, attributes, signature []byte) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(certificate.RawIssuer)
			b.AddASN1BigInt(certificate.SerialNumber)
		})
		addAlgorithm(b, s.hashOID, false)
		b.AddUint8(uint8(tag.Tag(0).ContextSpecific().Constructed())) // the same SET, tagged [0] IMPLICIT here
		b.AddBytes(attributes[1:])
		addAlgorithm(b, s.signOID, s.signNull)
		b.AddASN1OctetString(signature)
	})
}

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

// distinct lists the encodings of the certificates, each once.
func distinct(certificate *x509.Certificate, chain []*x509.Certificate) [][]byte {
	all := [][]byte{certificate.Raw}
	for _, c := range chain {
		if !slices.ContainsFunc(all, func(raw []byte) bool { return bytes.Equal(raw, c.Raw) }) {
			all = append(all, c.Raw)
		}
	}
	return all
}

func sum(hash crypto.Hash, parts ...[]byte) []byte {
	h := hash.New()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
