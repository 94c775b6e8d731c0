package issuance

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The to-be-signed bytes of a certificate are encoded here, and not by the standard library: that gives them only with
// a signature around them which it has verified, and a throw-away signature is worth neither. A test holds the two
// encodings of every profile against each other.

var (
	oidSubjectKey       = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidAlternativeNames = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidListPoints       = asn1.ObjectIdentifier{2, 5, 29, 31}
	oidAuthorityInfo    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}
	oidAskOCSP          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1}
	oidIssuers          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 2}
)

// The tags of GeneralName, RFC 5280 §4.2.1.6: context-specific, not constructed.
const (
	mailboxName = cbasn1.Tag(0x80 | 1)
	hostName    = cbasn1.Tag(0x80 | 2)
	addressName = cbasn1.Tag(0x80 | 6)
)

// encodeCertificate gives the TBSCertificate (RFC 5280 §4.1.2) that a template says, to be signed by a scheme.
func encodeCertificate(t *x509.Certificate, issuer []byte, s scheme) ([]byte, error) {
	key, err := x509.MarshalPKIXPublicKey(t.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("issuance: encode key: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 1024))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) }) // v3
		b.AddASN1BigInt(t.SerialNumber)
		b.AddBytes(s.id)
		b.AddBytes(issuer)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addTime(b, t.NotBefore)
			addTime(b, t.NotAfter)
		})
		b.AddBytes(t.RawSubject)
		b.AddBytes(key)
		b.AddASN1(cbasn1.Tag(3).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addExtensions(b, t) })
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("issuance: encode certificate: %w", err)
	}
	return der, nil
}

// addExtensions writes what every profile may have, then what only some have.
func addExtensions(b *cryptobyte.Builder, t *x509.Certificate) {
	addExtension(b, oidKeyUsage, true, func(b *cryptobyte.Builder) { addKeyUsage(b, t.KeyUsage) })
	if len(t.UnknownExtKeyUsage) > 0 {
		addExtension(b, oidExtendedUsage, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, usage := range t.UnknownExtKeyUsage {
					b.AddASN1ObjectIdentifier(usage)
				}
			})
		})
	}
	if t.BasicConstraintsValid {
		addExtension(b, oidBasicConstraints, true, func(b *cryptobyte.Builder) { addConstraints(b, t) })
	}
	addExtension(b, oidSubjectKey, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(t.SubjectKeyId) })
	addExtension(b, oidAKI, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addNamed(b, cbasn1.Tag(0).ContextSpecific(), t.AuthorityKeyId) })
	})
	addAddresses(b, t)
	for _, one := range t.ExtraExtensions {
		addExtension(b, one.Id, one.Critical, func(b *cryptobyte.Builder) { b.AddBytes(one.Value) })
	}
}

// addAddresses writes where an issuer is asked, and the names besides the subject.
func addAddresses(b *cryptobyte.Builder, t *x509.Certificate) {
	if len(t.OCSPServer)+len(t.IssuingCertificateURL) > 0 {
		addExtension(b, oidAuthorityInfo, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addAccess(b, oidAskOCSP, t.OCSPServer)
				addAccess(b, oidIssuers, t.IssuingCertificateURL)
			})
		})
	}
	if len(t.DNSNames)+len(t.EmailAddresses) > 0 {
		addExtension(b, oidAlternativeNames, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, name := range t.DNSNames {
					addNamed(b, hostName, []byte(name))
				}
				for _, name := range t.EmailAddresses {
					addNamed(b, mailboxName, []byte(name))
				}
			})
		})
	}
	if len(t.CRLDistributionPoints) > 0 {
		addExtension(b, oidListPoints, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, address := range t.CRLDistributionPoints {
					addListPoint(b, address)
				}
			})
		})
	}
}

func addNamed(b *cryptobyte.Builder, tag cbasn1.Tag, value []byte) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(value) })
}

func addAccess(b *cryptobyte.Builder, method asn1.ObjectIdentifier, addresses []string) {
	for _, address := range addresses {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(method)
			addNamed(b, addressName, []byte(address))
		})
	}
}

// addListPoint writes a DistributionPoint with its full name alone (RFC 5280 §4.2.1.13).
func addListPoint(b *cryptobyte.Builder, address string) {
	first := cbasn1.Tag(0).ContextSpecific().Constructed()
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(first, func(b *cryptobyte.Builder) {
			b.AddASN1(first, func(b *cryptobyte.Builder) { addNamed(b, addressName, []byte(address)) })
		})
	})
}

// addKeyUsage writes the bits of a usage, without zeros behind the last (X.690 §11.2.2).
func addKeyUsage(b *cryptobyte.Builder, usage x509.KeyUsage) {
	octets := []byte{bits.Reverse8(byte(usage)), bits.Reverse8(byte(usage >> 8))}
	if octets[1] == 0 {
		octets = octets[:1]
	}
	unused := bits.TrailingZeros8(octets[len(octets)-1])
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(unused))
		b.AddBytes(octets)
	})
}

func addConstraints(b *cryptobyte.Builder, t *x509.Certificate) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if t.IsCA {
			b.AddASN1Boolean(true)
		}
		if t.MaxPathLen > 0 || t.MaxPathLen == 0 && t.MaxPathLenZero {
			b.AddASN1Int64(int64(t.MaxPathLen))
		}
	})
}

// signAway gives the whole certificate around to-be-signed bytes, signed by a throw-away key: to be read, and for nothing
// else, so that nobody verifies it.
func signAway(tbs []byte, key throwaway) ([]byte, error) {
	h := key.scheme.hash.New()
	h.Write(tbs)
	signature, err := key.key.Sign(rand.Reader, h.Sum(nil), key.scheme.hash)
	if err != nil {
		return nil, fmt.Errorf("issuance: throw-away signature: %w", err)
	}
	return wrapSigned(tbs, key.scheme, signature, nil)
}
