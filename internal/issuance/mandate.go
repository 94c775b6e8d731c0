package issuance

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"chancela/internal/fault"
)

// Mandate is what officers approve where not one certificate is asked for but several of the same names, each with a
// key of its own that is not there yet: everything that an [Order] fixes but the key, and how many and until when.
//
// Its bytes are what is approved. [Mandate.Order] derives the one order that a key can have under it, so that whoever
// signs needs no other word for what the certificate shall say.
type Mandate struct {
	Profile  string
	Version  int
	Subject  Name
	DNSNames []string // as in an order
	Emails   []string
	Validity ValidityRule
	// Most is how many certificates may be issued in all, and Before the moment from which on there is none more:
	// ETSI EN 319 411-1, REG-6.3.1-00D and -00E, ask for both bounds.
	Most   int
	Before time.Time
}

// MostUnderMandate bounds how many certificates one approval can be for.
const MostUnderMandate = 10_000

// mandateFormat stands first in every encoded mandate: its digest can never be that of an order.
const mandateFormat = "chancela-mandate-1"

// encodedMandate is the DER form of a mandate. Its fields never change; another form gets another name.
type encodedMandate struct {
	Format   string `asn1:"utf8"`
	Profile  string `asn1:"utf8"`
	Version  int
	Subject  asn1.RawValue
	DNSNames []string
	Emails   []string
	Years    int
	Days     int
	Until    time.Time `asn1:"generalized,optional,explicit,tag:0"`
	Most     int
	Before   time.Time `asn1:"generalized"`
}

// mandated are the profiles that a mandate may be for: those of machines, whose keys follow one another without
// anybody's being there. A person's and a seal's are approved one by one.
func mandated() []string { return []string{Application, Website} }

// Mandate makes the mandate of certificates of this profile, as [Profile.Order] makes an order. What no order of it
// could hold is refused now.
func (p Profile) Mandate(subject Name, dns, emails []string, until time.Time, most int, before time.Time) (Mandate, error) {
	m := Mandate{
		Profile: p.Key, Version: p.Version, Subject: slices.Clone(subject), Validity: ValidityRule{Term: p.Validity},
		Most: most, Before: before.UTC().Truncate(time.Second),
	}
	if !until.IsZero() {
		m.Validity.Until = until.UTC().Truncate(time.Second)
	}
	var err error
	if m.DNSNames, err = canonicalDNS(dns); err != nil {
		return Mandate{}, err
	}
	if m.Emails, err = canonicalEmails(emails); err != nil {
		return Mandate{}, err
	}
	return m, m.check()
}

// check says whether a mandate keeps to its profile and its bounds.
func (m Mandate) check() error {
	if !slices.Contains(mandated(), m.Profile) {
		return fmt.Errorf("issuance: certificates of profile %s are approved one by one", m.Profile)
	}
	if m.Most < 1 || m.Most > MostUnderMandate {
		return fault.New(fault.Invalid, "issuance.mandate-most", "max", strconv.Itoa(MostUnderMandate))
	}
	if m.Before.IsZero() {
		return errors.New("issuance: a mandate without an end")
	}
	p, err := profileAt(m.Profile, m.Version)
	if err != nil {
		return err
	}
	return p.checkNames(m.order())
}

// order is the order of every key, without one.
func (m Mandate) order() Order {
	return Order{
		Profile: m.Profile, Version: m.Version, Subject: slices.Clone(m.Subject), DNSNames: slices.Clone(m.DNSNames),
		Emails: slices.Clone(m.Emails), Validity: m.Validity,
	}
}

// Order gives the one order that a key has under the mandate. The moment is the caller's to hold against Before.
func (m Mandate) Order(key Key) (Order, error) {
	o := m.order()
	o.PublicKey, o.read = slices.Clone(key.DER), key
	p, err := profileAt(m.Profile, m.Version)
	if err != nil {
		return Order{}, err
	}
	_, err = p.check(o)
	return o, err
}

// Mandates keeps the mandates that were read last: a program asks under one again and again, and its bytes never
// change. Its zero value keeps none yet. It is safe for use by several at once.
type Mandates struct {
	mu   sync.Mutex
	read map[[sha256.Size]byte]readMandate
}

type readMandate struct {
	mandate Mandate
	digest  Digest
}

// mostMandates bounds how many are kept; beyond, keeping begins anew.
const mostMandates = 256

// Parse is [ParseMandate], with the digest of the mandate. What it gives is shared, and not to be changed.
func (k *Mandates) Parse(der []byte) (Mandate, Digest, error) {
	name := sha256.Sum256(der)
	k.mu.Lock()
	known, ok := k.read[name]
	k.mu.Unlock()
	if ok {
		return known.mandate, known.digest, nil
	}
	m, err := ParseMandate(der)
	if err != nil {
		return Mandate{}, "", err
	}
	digest := digestOf(der) // of the one encoding that it has
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.read == nil || len(k.read) >= mostMandates {
		k.read = map[[sha256.Size]byte]readMandate{}
	}
	k.read[name] = readMandate{m, digest}
	return m, digest, nil
}

// Encode gives the bytes that are approved and kept: one mandate has one encoding.
func (m Mandate) Encode() ([]byte, error) {
	subject, err := m.Subject.DER()
	if err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(encodedMandate{
		Format: mandateFormat, Profile: m.Profile, Version: m.Version, Subject: asn1.RawValue{FullBytes: subject},
		DNSNames: m.DNSNames, Emails: m.Emails, Years: m.Validity.Term.Years, Days: m.Validity.Term.Days,
		Until: m.Validity.Until.UTC().Truncate(time.Second), Most: m.Most, Before: m.Before.UTC().Truncate(time.Second),
	})
	if err != nil {
		return nil, fmt.Errorf("issuance: encode mandate: %w", err)
	}
	return der, nil
}

// Digest identifies exactly what was approved: SHA-256 of [Mandate.Encode].
func (m Mandate) Digest() (Digest, error) {
	der, err := m.Encode()
	if err != nil {
		return "", err
	}
	return digestOf(der), nil
}

// ParseMandate reads an encoded mandate back and checks it against the version of the profile that it names. Bytes
// that would not be encoded the same again are refused.
func ParseMandate(der []byte) (Mandate, error) {
	var e encodedMandate
	rest, err := asn1.Unmarshal(der, &e)
	if err != nil || len(rest) > 0 || e.Format != mandateFormat {
		return Mandate{}, errors.New("issuance: not an encoded mandate")
	}
	subject, err := ParseName(e.Subject.FullBytes)
	if err != nil {
		return Mandate{}, err
	}
	m := Mandate{
		Profile: e.Profile, Version: e.Version, Subject: subject, DNSNames: e.DNSNames, Emails: e.Emails,
		Validity: ValidityRule{Term: Term{Years: e.Years, Days: e.Days}, Until: e.Until}, Most: e.Most, Before: e.Before,
	}
	if again, err := m.Encode(); err != nil || !bytes.Equal(again, der) {
		return Mandate{}, errors.New("issuance: the mandate is not in its one encoding")
	}
	return m, m.check()
}
