package issuance

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Reason is why a certificate was revoked: RFC 5280 §5.3.1's CRLReason.
type Reason int

// The reasons. Seven is not used; eight (removeFromCRL) is for delta lists, which we do not make.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

// Valid says whether a list or an answer may give the reason.
func (r Reason) Valid() bool { return r >= Unspecified && r <= AACompromise && r != 7 && r != 8 }

// Revocation is one certificate that is not to be relied on any more.
type Revocation struct {
	Serial *big.Int
	At     time.Time
	Reason Reason
}

var oidReason = asn1.ObjectIdentifier{2, 5, 29, 21}

// Entry encodes the revocation as a list's entry. Callers keep the bytes, so that a list of a million entries is made
// by joining them. The reason is omitted when unspecified (RFC 5280 §5.3.1).
func (r Revocation) Entry() ([]byte, error) {
	if r.Serial == nil || r.Serial.Sign() <= 0 || !r.Reason.Valid() || r.At.IsZero() {
		return nil, errors.New("issuance: a revocation has a serial number, a time and a known reason")
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(r.Serial)
		addTime(b, r.At)
		if r.Reason == Unspecified {
			return
		}
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidReason)
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(r.Reason)) })
			})
		})
	})
	return b.Bytes()
}

// List is what a revocation list shall say.
type List struct {
	Number     *big.Int  // greater than every earlier one of this issuer (RFC 5280 §5.2.3)
	ThisUpdate time.Time // when it was made
	NextUpdate time.Time // by when the next one comes: at least daily (EN 319 411-1, CSS-6.3.9-05)
	Entries    []byte    // encodings by [Revocation.Entry], one behind the other; linted with the list
	Linted     *Entries  // in their place: entries that were linted when they were added
	Shard      string    // http address of the distribution point, only where the list is one of several; "" for a whole list
	// Last says that no other follows, since the issuer ends: NextUpdate is [NoNextUpdate].
	Last bool
}

// NoNextUpdate is the nextUpdate of a list that no other follows (EN 319 411-1 and 411-2, §6.3.9 and §6.3.10; RFC 5280
// §4.1.2.5 for the value).
func NoNextUpdate() time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }

var (
	oidCRLNumber = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidAKI       = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidIDP       = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidExpired   = asn1.ObjectIdentifier{2, 5, 29, 60}
)

// PrepareList builds an issuer's revocation list (version 2, RFC 5280 §5).
func PrepareList(list List, issuer *Issuer) (Unsigned, error) {
	if issuer.certificate == nil || issuer.certificate.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return Unsigned{}, errors.New("issuance: that authority may not sign lists")
	}
	if list.Shard != "" && !isURL(list.Shard, "http") {
		return Unsigned{}, fmt.Errorf("issuance: %q is not a plain http address", list.Shard)
	}
	if list.Number == nil || list.Number.Sign() < 0 || list.Number.BitLen() > 159 { // at most 20 octets
		return Unsigned{}, errors.New("issuance: a list has a number of at most 20 octets")
	}
	scheme, err := issuer.algorithm.scheme()
	if err != nil {
		return Unsigned{}, err
	}
	if list.Last {
		list.NextUpdate = NoNextUpdate()
	}
	said, shown := list.Entries, list.Entries
	if list.Linted != nil {
		said, shown = list.Linted.der, list.Linted.newest()
		if list.Linted.latest.After(list.ThisUpdate) {
			return Unsigned{}, errors.New("issuance: a list is not older than what it says")
		}
	}
	u := Unsigned{kind: aList, issuer: issuer, signer: issuer.public, last: list.Last}
	if u.tbs, err = listBytes(list, issuer, scheme.id, said); err == nil && list.Linted != nil {
		u.shown, err = listBytes(list, issuer, scheme.id, shown)
	}
	return u, err
}

// listBytes are the to-be-signed bytes of a list with some entries.
func listBytes(list List, issuer *Issuer, algorithm, said []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(said)+1024))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1) // v2
		b.AddBytes(algorithm)
		b.AddBytes(issuer.subject)
		addTime(b, list.ThisUpdate)
		addTime(b, list.NextUpdate)
		if len(said) > 0 { // absent when there are none: RFC 5280 §5.1.2.6
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(said) })
		}
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addListExtensions(b, list, issuer) })
		})
	})
	tbs, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("issuance: encode list: %w", err)
	}
	return tbs, nil
}

func addListExtensions(b *cryptobyte.Builder, list List, issuer *Issuer) {
	addExtension(b, oidAKI, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(issuer.keyID) })
		})
	})
	addExtension(b, oidCRLNumber, false, func(b *cryptobyte.Builder) { b.AddASN1BigInt(list.Number) })
	// What is revoked stays on the list when it expires, since the issuer's beginning (ISO/IEC 9594-8, expiredCertsOnCRL; EN 319 411-2 §6.3.10).
	addExtension(b, oidExpired, false, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(issuer.certificate.NotBefore.UTC()) })
	if list.Shard == "" {
		return
	}
	addExtension(b, oidIDP, true, func(b *cryptobyte.Builder) { // critical: RFC 5280 §5.2.5
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			point, full := cbasn1.Tag(0).ContextSpecific().Constructed(), cbasn1.Tag(0).ContextSpecific().Constructed()
			b.AddASN1(point, func(b *cryptobyte.Builder) {
				b.AddASN1(full, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(list.Shard)) })
				})
			})
		})
	})
}

func addExtension(b *cryptobyte.Builder, id asn1.ObjectIdentifier, critical bool, value cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		if critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1(cbasn1.OCTET_STRING, value)
	})
}

// addTime writes UTCTime through 2049 and GeneralizedTime from 2050, whole seconds (RFC 5280 §5.1.2.4).
func addTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC().Truncate(time.Second)
	if y := t.Year(); y >= 1950 && y < 2050 {
		b.AddASN1UTCTime(t)
		return
	}
	b.AddASN1GeneralizedTime(t)
}
