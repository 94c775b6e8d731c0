package issuance

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Standing is what an answer says of one certificate.
type Standing string

// The standings of RFC 6960 §2.2. Good is said only of what was issued; never of a serial number that is unknown.
const (
	Good    Standing = "good"
	Revoked Standing = "revoked"
	Unknown Standing = "unknown"
)

// SingleStatus is the answer about one certificate.
type SingleStatus struct {
	ID         CertID // as asked
	Standing   Standing
	Revocation Revocation // of Revoked: time and reason
	ThisUpdate time.Time  // when this was known to be so
	NextUpdate time.Time  // by when newer information comes
	// Expired says that the certificate has ended. The answer then says since when we answer for such (RFC 6960 §4.4.4,
	// archiveCutoff): since the issuer's beginning, as EN 319 411-2 §6.3.10 has it, for nothing is ever forgotten.
	Expired bool
}

// Responder is a delegated responder of one issuer (RFC 6960 §4.2.2.2): its certificate goes with every answer.
type Responder struct {
	issuer      *Issuer
	certificate *x509.Certificate
	keyHash     []byte // SHA-1 of the key's bits: RFC 6960 §4.2.1, byKey
}

// NewResponder makes a responder of its certificate (DER), if the issuer signed it for that.
func NewResponder(der []byte, issuer *Issuer) (*Responder, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("issuance: responder's certificate: %w", err)
	}
	if issuer.certificate == nil || cert.CheckSignatureFrom(issuer.certificate) != nil {
		return nil, errors.New("issuance: the responder's certificate is not of this issuer")
	}
	if _, nocheck := extension(cert.Extensions, oidNoCheck); !nocheck || len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageOCSPSigning {
		return nil, errors.New("issuance: that is not a responder's certificate")
	}
	if _, err := AlgorithmOf(cert.PublicKey); err != nil {
		return nil, err
	}
	bits, err := keyBits(cert.PublicKey)
	if err != nil {
		return nil, err
	}
	hash := sha1.Sum(bits)
	return &Responder{issuer: issuer, certificate: cert, keyHash: hash[:]}, nil
}

// Ends says when the responder's certificate ends; it must be renewed before.
func (r *Responder) Ends() time.Time { return r.certificate.NotAfter }

// PrepareStatus builds a basic OCSP response: about every certificate asked, by the responder's key, with the request's
// nonce. It refuses to answer outside the responder's own validity, and about another issuer's certificates anything
// but unknown.
func PrepareStatus(statuses []SingleStatus, nonce []byte, r *Responder, producedAt time.Time) (Unsigned, error) {
	producedAt = producedAt.UTC().Truncate(time.Second)
	if producedAt.Before(r.certificate.NotBefore) || producedAt.After(r.certificate.NotAfter) {
		return Unsigned{}, errors.New("issuance: the responder's certificate is not valid now")
	}
	for _, s := range statuses {
		if s.Standing != Unknown && !r.issuer.Is(s.ID) {
			return Unsigned{}, errors.New("issuance: the responder does not speak for that issuer")
		}
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 256*(len(statuses)+1)))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tag(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(r.keyHash) })
		b.AddASN1GeneralizedTime(producedAt)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, s := range statuses {
				addSingle(b, s, r.issuer)
			}
		})
		if len(nonce) > 0 {
			b.AddASN1(tag(1), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addExtension(b, oidNonce, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
				})
			})
		}
	})
	tbs, err := b.Bytes()
	if err != nil {
		return Unsigned{}, fmt.Errorf("issuance: encode answer: %w", err)
	}
	return Unsigned{
		kind: anAnswer, issuer: r.issuer, signer: r.certificate.PublicKey, responder: r, tbs: tbs,
		chain: [][]byte{r.certificate.Raw},
	}, nil
}

func addSingle(b *cryptobyte.Builder, s SingleStatus, issuer *Issuer) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(s.ID.raw)
		switch s.Standing {
		case Good:
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
		case Revoked:
			b.AddASN1(tag(1), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(s.Revocation.At.UTC().Truncate(time.Second))
				if s.Revocation.Reason != Unspecified { // RFC 5280 §5.3.1, as in lists
					b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.Revocation.Reason)) })
				}
			})
		case Unknown:
			b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
		default:
			b.SetError(fmt.Errorf("issuance: standing %q", s.Standing))
		}
		b.AddASN1GeneralizedTime(s.ThisUpdate.UTC().Truncate(time.Second))
		if !s.NextUpdate.IsZero() {
			b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(s.NextUpdate.UTC().Truncate(time.Second))
			})
		}
		if s.Expired {
			b.AddASN1(tag(1), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addExtension(b, oidCutoff, false, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(issuer.Begins().UTC()) })
				})
			})
		}
	})
}

// addChain puts certificates behind a BasicOCSPResponse's signature.
func addChain(b *cryptobyte.Builder, chain [][]byte) {
	b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, der := range chain {
				b.AddBytes(der)
			}
		})
	})
}

// wrapAnswer makes a BasicOCSPResponse an OCSPResponse that is successful.
func wrapAnswer(basic []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(basic)+32))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0)
		b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasic)
				b.AddASN1OctetString(basic)
			})
		})
	})
	return b.Bytes()
}

// unwrapAnswer takes the BasicOCSPResponse out again.
func unwrapAnswer(der []byte) (cryptobyte.String, error) {
	in := cryptobyte.String(der)
	var whole, outer, inner, basic cryptobyte.String
	var status int
	var oid = oidBasic
	if !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !in.Empty() || !whole.ReadASN1Enum(&status) || status != 0 ||
		!whole.ReadASN1(&outer, tag(0)) || !outer.ReadASN1(&inner, cbasn1.SEQUENCE) ||
		!inner.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidBasic) || !inner.ReadASN1(&basic, cbasn1.OCTET_STRING) {
		return nil, errors.New("issuance: not a successful OCSP response")
	}
	return basic, nil
}

// The answers that are not signed (RFC 6960 §4.2.1): DER of an OCSPResponse with a status alone.

// AnswerMalformed says that the request is not one.
func AnswerMalformed() []byte { return bareAnswer(1) }

// AnswerInternalError says that the responder is broken.
func AnswerInternalError() []byte { return bareAnswer(2) }

// AnswerTryLater says that the responder cannot answer for now.
func AnswerTryLater() []byte { return bareAnswer(3) }

// AnswerUnauthorized says that this responder does not answer for that issuer or certificate (RFC 5019 §2.2.3).
func AnswerUnauthorized() []byte { return bareAnswer(6) }

func bareAnswer(status byte) []byte { return []byte{0x30, 0x03, 0x0a, 0x01, status} }

// isNamedBy says whether an answer's responder identifier is the responder's key.
func (r *Responder) isNamedBy(hash []byte) bool { return bytes.Equal(hash, r.keyHash) }
