package issuance

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// AnswerForm writes the answers of one responder about one certificate around signatures that were made before. All but
// the signature follows from what is known, so that of an answer that is kept for a million of certificates only the
// signature is, some 72 bytes of a thousand.
//
// It signs nothing, and what it writes is an answer only if the signature is over exactly these bytes: whoever keeps a
// signature has compared them with the answer that was signed.
type AnswerForm struct {
	issuer    *Issuer
	ends      time.Time
	responder []byte // the responder's identifier, encoded
	tail      []byte // what stands behind the signature: the responder's certificate
	algorithm []byte // of the signature, encoded
	longest   int
}

// Form makes the form of a responder's answers.
func (r *Responder) Form() (*AnswerForm, error) {
	algorithm, err := AlgorithmOf(r.certificate.PublicKey)
	if err != nil {
		return nil, err
	}
	scheme, err := algorithm.scheme()
	if err != nil {
		return nil, err
	}
	f := &AnswerForm{issuer: r.issuer, ends: r.certificate.NotAfter, algorithm: scheme.id}
	switch key := r.certificate.PublicKey.(type) {
	case *ecdsa.PublicKey: // two numbers with a sign bit each, and the headers around them
		f.longest = 2*((key.Params().BitSize+7)/8+3) + 3
	case *rsa.PublicKey:
		f.longest = key.Size()
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(tag(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(r.keyHash) })
	if f.responder, err = b.Bytes(); err != nil {
		return nil, err
	}
	b = cryptobyte.NewBuilder(nil)
	addChain(b, [][]byte{r.certificate.Raw})
	f.tail, err = b.Bytes()
	return f, err
}

// Ends says when the responder's certificate ends; no answer is good behind it.
func (f *AnswerForm) Ends() time.Time { return f.ends }

// Longest is how many bytes a signature has at most.
func (f *AnswerForm) Longest() int { return f.longest }

// Usual says whether an identifier is written as nearly all are, by one of the two hashes with NULL for parameters, and
// by which: an answer's bytes hang on how it was asked.
func (id CertID) Usual() (usual, byLonger bool) {
	return id.null, id.null && id.hash.Equal(oidSHA256)
}

// UsualID is the usual identifier of a certificate of the issuer, by the shorter or the longer hash.
func (f *AnswerForm) UsualID(serial []byte, longer bool) (CertID, error) {
	oid, by := oidSHA1, f.issuer.sha1
	if longer {
		oid, by = oidSHA256, f.issuer.sha256
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid); b.AddASN1NULL() })
		b.AddASN1OctetString(by.name)
		b.AddASN1OctetString(by.key)
		b.AddASN1BigInt(new(big.Int).SetBytes(serial))
	})
	der, err := b.Bytes()
	if err != nil {
		return CertID{}, err
	}
	in := cryptobyte.String(der)
	id, ok := readCertID(&in)
	if !ok {
		return CertID{}, errors.New("issuance: that is no serial number")
	}
	return id, nil
}

// SignatureOf takes the signature out of a successful answer.
func SignatureOf(answer []byte) ([]byte, error) {
	basic, err := unwrapAnswer(answer)
	if err != nil {
		return nil, err
	}
	var whole, tbs, algorithm cryptobyte.String
	var signature asn1.BitString
	if !basic.ReadASN1(&whole, cbasn1.SEQUENCE) || !whole.ReadASN1Element(&tbs, cbasn1.SEQUENCE) ||
		!whole.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !whole.ReadASN1BitString(&signature) || signature.BitLength%8 != 0 {
		return nil, errors.New("issuance: not a basic OCSP response")
	}
	return bytes.Clone(signature.Bytes), nil
}

const timeLength = 2 + len("20060102150405Z")

// Append writes an answer about one certificate, made at thisUpdate, around its signature.
func (f *AnswerForm) Append(dst []byte, s SingleStatus, signature []byte) []byte {
	standing := 2
	if s.Standing == Revoked {
		standing = 2 + timeLength
		if s.Revocation.Reason != Unspecified {
			standing += 5
		}
	}
	single := len(s.ID.raw) + standing + timeLength + 2 + timeLength
	list := whole(single)
	data := len(f.responder) + timeLength + whole(list)
	basic := whole(data) + len(f.algorithm) + whole(1+len(signature)) + len(f.tail)
	octets := whole(basic)
	inner := 2 + len(basicID) + whole(octets)
	dst = header(dst, 0x30, 3+whole(whole(inner)))
	dst = append(dst, 0x0a, 1, 0)
	dst = header(dst, 0xa0, whole(inner))
	dst = header(dst, 0x30, inner)
	dst = append(dst, 0x06, byte(len(basicID)))
	dst = append(dst, basicID...)
	dst = header(dst, 0x04, octets)
	dst = header(dst, 0x30, basic)
	dst = header(dst, 0x30, data)
	dst = append(dst, f.responder...)
	dst = appendTime(dst, s.ThisUpdate)
	dst = header(dst, 0x30, list)
	dst = header(dst, 0x30, single)
	dst = append(dst, s.ID.raw...)
	switch s.Standing {
	case Good:
		dst = append(dst, 0x80, 0)
	case Revoked:
		dst = append(dst, 0xa1, byte(standing-2))
		dst = appendTime(dst, s.Revocation.At)
		if s.Revocation.Reason != Unspecified {
			dst = append(dst, 0xa0, 3, 0x0a, 1, byte(s.Revocation.Reason))
		}
	default:
		dst = append(dst, 0x82, 0)
	}
	dst = appendTime(dst, s.ThisUpdate)
	dst = append(dst, 0xa0, byte(timeLength))
	dst = appendTime(dst, s.NextUpdate)
	dst = append(dst, f.algorithm...)
	dst = header(dst, 0x03, 1+len(signature))
	dst = append(dst, 0)
	dst = append(dst, signature...)
	return append(dst, f.tail...)
}

// basicID is the content of [oidBasic].
const basicID = "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"

// whole is how long a DER element of so long a content is.
func whole(n int) int {
	switch {
	case n < 0x80:
		return 2 + n
	case n < 0x100:
		return 3 + n
	}
	return 4 + n // answers are shorter than 64 KB
}

// header writes a DER element's tag and length.
func header(dst []byte, tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(dst, tag, byte(n))
	case n < 0x100:
		return append(dst, tag, 0x81, byte(n))
	}
	return append(dst, tag, 0x82, byte(n>>8), byte(n))
}

// appendTime writes a GeneralizedTime. The library's format reads its layout each time, and an answer has four times.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(dst, 0x18, byte(timeLength-2))
	for _, two := range [...]int{year / 100, year % 100, int(month), day, hour, minute, second} {
		dst = append(dst, byte('0'+two/10), byte('0'+two%10))
	}
	return append(dst, 'Z')
}
