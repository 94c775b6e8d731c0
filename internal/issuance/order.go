package issuance

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Order is what officers approve, and all of it: the profile and its version, the subject, the names, the public key
// and the rule of validity. Serial number and time come later, in [Prepare].
type Order struct {
	Profile   string
	Version   int
	Subject   Name
	DNSNames  []string // lower case, A-labels, sorted
	Emails    []string // sorted
	PublicKey []byte   // SubjectPublicKeyInfo, DER
	Validity  ValidityRule

	read Key // of PublicKey, if it was read and checked before
}

// Key gives the order's key, checked; it is read once, unless the order was changed since.
func (o Order) Key() (Key, error) {
	if len(o.read.DER) > 0 && bytes.Equal(o.read.DER, o.PublicKey) {
		return o.read, nil
	}
	return ReadKey(o.PublicKey)
}

// ValidityRule says how long a certificate may last: at most Term from its beginning, and never past Until.
type ValidityRule struct {
	Term  Term
	Until time.Time // zero for no end of its own
}

// Digest identifies exactly what was approved: SHA-256 of [Order.Encode], in hexadecimal.
type Digest string

// orderFormat stands first in every encoded order, so that its digest can never be that of something else.
const orderFormat = "chancela-order-1"

// encodedOrder is the DER form of an order. Its fields never change; another form gets another name.
type encodedOrder struct {
	Format    string `asn1:"utf8"`
	Profile   string `asn1:"utf8"`
	Version   int
	Subject   asn1.RawValue
	DNSNames  []string
	Emails    []string
	PublicKey asn1.RawValue
	Years     int
	Days      int
	Until     time.Time `asn1:"generalized,optional,explicit,tag:0"`
}

// Encode gives the bytes that are approved, kept and issued from: one order has one encoding.
func (o Order) Encode() ([]byte, error) {
	subject, err := o.Subject.DER()
	if err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(encodedOrder{
		Format: orderFormat, Profile: o.Profile, Version: o.Version,
		Subject: asn1.RawValue{FullBytes: subject}, DNSNames: o.DNSNames, Emails: o.Emails,
		PublicKey: asn1.RawValue{FullBytes: o.PublicKey},
		Years:     o.Validity.Term.Years, Days: o.Validity.Term.Days,
		Until: o.Validity.Until.UTC().Truncate(time.Second),
	})
	if err != nil {
		return nil, fmt.Errorf("issuance: encode order: %w", err)
	}
	return der, nil
}

// Digest gives the digest of the encoded order.
func (o Order) Digest() (Digest, error) {
	der, err := o.Encode()
	if err != nil {
		return "", err
	}
	return digestOf(der), nil
}

func digestOf(encoded []byte) Digest {
	sum := sha256.Sum256(encoded)
	return Digest(hex.EncodeToString(sum[:]))
}

// ParseOrder reads an encoded order back and checks it against the version of the profile that it names. Bytes that
// would not be encoded the same again are refused.
func ParseOrder(der []byte) (Order, error) {
	var e encodedOrder
	rest, err := asn1.Unmarshal(der, &e)
	if err != nil || len(rest) > 0 || e.Format != orderFormat {
		return Order{}, errors.New("issuance: not an encoded order")
	}
	subject, err := ParseName(e.Subject.FullBytes)
	if err != nil {
		return Order{}, err
	}
	o := Order{
		Profile: e.Profile, Version: e.Version, Subject: subject, DNSNames: e.DNSNames, Emails: e.Emails,
		PublicKey: e.PublicKey.FullBytes,
		Validity:  ValidityRule{Term: Term{Years: e.Years, Days: e.Days}, Until: e.Until},
	}
	if again, err := o.Encode(); err != nil || !bytes.Equal(again, der) {
		return Order{}, errors.New("issuance: the order is not in its one encoding")
	}
	p, err := profileAt(o.Profile, o.Version)
	if err != nil {
		return Order{}, err
	}
	if o.read, err = p.check(o); err != nil {
		return Order{}, err
	}
	return o, nil
}

// span gives the first and last second of a certificate that begins at now under a rule, never past the issuer's end.
// notAfter is inclusive (RFC 5280 §4.1.2.5), so a term of 199 days is 199 days less one second.
func (v ValidityRule) span(now time.Time, backdate time.Duration, issuerEnd time.Time) (from, to time.Time) {
	from = now.UTC().Add(-backdate).Truncate(time.Second)
	to = from.AddDate(v.Term.Years, 0, v.Term.Days).Add(-time.Second)
	for _, end := range []time.Time{v.Until, issuerEnd} {
		if !end.IsZero() && end.Before(to) {
			to = end.UTC().Truncate(time.Second)
		}
	}
	return from, to
}
