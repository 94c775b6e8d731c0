package issuance

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"crypto/x509"

	"chancela/internal/issuance/cms"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// StampAccuracy is how far a stamp's time may be from UTC, to either side (EN 319 421 §7.7.2: a second or better).
const StampAccuracy = time.Second

var (
	oidTSTInfo     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSigningTime = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
)

// stamp is a time stamp on its way: what was asked, by which unit, and the message without its signature.
type stamp struct {
	request StampRequest
	unit    *StampUnit
	message cms.Message
}

// PrepareStamp builds the time stamp of a request: by the unit's key, under a serial number of its own, at a time that
// the caller vouches for. It refuses, with the [StampFailure] to answer, a policy that this instance does not have and
// a time at which the unit's key does not sign.
func PrepareStamp(r StampRequest, unit *StampUnit, serial *big.Int, at time.Time) (Unsigned, error) {
	at = at.UTC().Truncate(time.Millisecond)
	policies := unit.issuer.trust.StampPolicies()
	policy := policies[0]
	if r.Policy != nil {
		if !slices.ContainsFunc(policies, r.Policy.Equal) {
			return Unsigned{}, UnacceptedPolicy
		}
		policy = r.Policy
	}
	if !unit.signsAt(at) {
		return Unsigned{}, fmt.Errorf("the time-stamping unit's key does not sign at %s: %w", at, TimeNotAvailable)
	}
	if serial == nil || serial.Sign() <= 0 || serial.BitLen() > 160 { // RFC 3161 §2.4.2
		return Unsigned{}, errors.New("issuance: a stamp's serial number is positive and has at most 160 bits")
	}
	suite, err := cms.SuiteOf(unit.certificate.PublicKey)
	if err != nil {
		return Unsigned{}, err
	}
	s := &stamp{request: r, unit: unit, message: cms.Message{Suite: suite, Signer: unit.certificate, Type: oidTSTInfo}}
	if s.message.Content, err = r.info(policy, unit, serial, at); err != nil {
		return Unsigned{}, fmt.Errorf("issuance: encode stamp: %w", err)
	}
	if r.Chain { // else none: RFC 3161 §2.4.1
		s.message.Certificates = []*x509.Certificate{unit.certificate, unit.issuer.certificate}
	}
	tbs, err := s.message.Attributes(suite.Sum(s.message.Content), cms.Attribute{Type: oidSigningTime, Value: func(b *cryptobyte.Builder) {
		b.AddASN1UTCTime(at.Truncate(time.Second)) // RFC 5652 §11.3: UTCTime through 2049
	}})
	if err != nil {
		return Unsigned{}, fmt.Errorf("issuance: encode stamp: %w", err)
	}
	return Unsigned{kind: aStamp, issuer: unit.issuer, signer: unit.certificate.PublicKey, tbs: tbs, stamp: s}, nil
}

// info is the TSTInfo (RFC 3161 §2.4.2). Ordering is left out: it is FALSE, and DER forbids to write a default.
func (r StampRequest) info(policy asn1.ObjectIdentifier, unit *StampUnit, serial *big.Int, at time.Time) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 256))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(policy)
		b.AddBytes(r.imprint)
		b.AddASN1BigInt(serial)
		b.AddASN1(cbasn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(stampTime(at))) })
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(StampAccuracy / time.Second)) })
		if r.Nonce != nil {
			b.AddASN1BigInt(r.Nonce)
		}
		b.AddASN1(tag(0), func(b *cryptobyte.Builder) { // tsa, a name of the unit's certificate
			b.AddASN1(tag(4), func(b *cryptobyte.Builder) { b.AddBytes(unit.certificate.RawSubject) })
		})
	})
	return b.Bytes()
}

// stampTime writes a time to the millisecond as RFC 3161 §2.4.2 has it: no zeros at the end of the fraction, and no
// point without one.
func stampTime(at time.Time) string {
	return strings.TrimSuffix(strings.TrimRight(at.UTC().Format("20060102150405.000"), "0"), ".") + "Z"
}

// response is the TimeStampResp that grants the stamp.
func (s *stamp) response(attributes, signature []byte) ([]byte, error) {
	message, err := s.message.Encode(attributes, signature)
	if err != nil {
		return nil, fmt.Errorf("issuance: encode stamp: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(message)+16))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(0) }) // granted
		b.AddBytes(message)
	})
	return b.Bytes()
}
