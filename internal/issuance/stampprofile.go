package issuance

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// stampProfile is P7, a time-stamping unit: its key signs for a year, its certificate lasts so much longer that the
// last stamp can be checked for two years more.
func stampProfile() Profile {
	return Profile{
		Key: TimeStamping, Version: 1, Product: "P7", IssuedBy: ByIssuing,
		// EN 319 422 §6: the operator and an identifier of the unit; organizationIdentifier where the operator has a number.
		Subject: []SubjectRule{
			{Country, Required, 2}, {Organization, Required, 0}, {OrganizationIdentifier, Optional, bound64}, {CommonName, Required, bound64},
		},
		Validity:  Term{Years: 3, Days: 90},
		KeyPeriod: Term{Years: 1},                // EN 319 421 §7.6.7: the key's end is defined, and not behind its certificate's
		KeyUsage:  x509.KeyUsageDigitalSignature, // type C; RFC 5280 §4.2.1.12 lets it stand with timeStamping
		Keys:      []Algorithm{ECP256, ECP384, ECP521, RSA3072, RSA4096},
		Extended:  []ExtendedUsage{StampsTime}, Sole: true, // RFC 3161 §2.3: this alone, and critical
		Policy:     7,
		Revocation: true,
	}
}

var oidKeyPeriod = asn1.ObjectIdentifier{2, 5, 29, 16}

// KeyEnd is when the key of a certificate of this profile, valid from a time on, stops signing; zero for no end before
// the certificate's.
func (p Profile) KeyEnd(notBefore time.Time) time.Time {
	if p.KeyPeriod == (Term{}) {
		return time.Time{}
	}
	return notBefore.AddDate(p.KeyPeriod.Years, 0, p.KeyPeriod.Days).Add(-time.Second)
}

// addKeyPeriod adds privateKeyUsagePeriod where the profile has one; the certificate's dates stand already.
func addKeyPeriod(t *x509.Certificate, p Profile) error {
	end := p.KeyEnd(t.NotBefore)
	if end.IsZero() {
		return nil
	}
	if end.After(t.NotAfter) {
		end = t.NotAfter
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for n, at := range []time.Time{t.NotBefore, end} {
			b.AddASN1(cbasn1.Tag(n).ContextSpecific(), func(b *cryptobyte.Builder) {
				b.AddBytes([]byte(at.UTC().Format(generalized)))
			})
		}
	})
	value, err := b.Bytes()
	t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: oidKeyPeriod, Value: value})
	return err
}

// generalized is GeneralizedTime as certificates have it (RFC 5280 §4.1.2.5.2).
const generalized = "20060102150405Z"

// keyPeriod reads a certificate's privateKeyUsagePeriod; false where there is none of our form.
func keyPeriod(c *x509.Certificate) (from, to time.Time, ok bool) {
	e, found := extension(c.Extensions, oidKeyPeriod)
	in := cryptobyte.String(e.Value)
	var whole, first, last cryptobyte.String
	if !found || e.Critical || !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !in.Empty() ||
		!whole.ReadASN1(&first, cbasn1.Tag(0).ContextSpecific()) || !whole.ReadASN1(&last, cbasn1.Tag(1).ContextSpecific()) || !whole.Empty() {
		return from, to, false
	}
	from, err1 := time.Parse(generalized, string(first))
	to, err2 := time.Parse(generalized, string(last))
	return from, to, err1 == nil && err2 == nil
}

func lintKeyPeriod(u Unsigned, c *x509.Certificate) string {
	want := u.profile.KeyEnd(c.NotBefore)
	from, to, ok := keyPeriod(c)
	_, there := extension(c.Extensions, oidKeyPeriod)
	switch {
	case there != !want.IsZero():
		return "privateKeyUsagePeriod is not as the profile has it"
	case !there:
		return ""
	case !ok:
		return "privateKeyUsagePeriod is critical or cannot be read"
	case !from.Equal(c.NotBefore) || to.After(want) || to.After(c.NotAfter) || !to.After(from):
		return fmt.Sprintf("the key signs from %s to %s", from, to)
	}
	return ""
}

// criticalUsage is the extended key usage of a key that does one thing alone.
func criticalUsage(usages []ExtendedUsage) (pkix.Extension, error) {
	var ids []asn1.ObjectIdentifier
	for _, e := range usages {
		ids = append(ids, e.oid())
	}
	value, err := asn1.Marshal(ids)
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}, err
}

// StampUnit is a time-stamping unit of one issuer: its certificate, and what it may say.
type StampUnit struct {
	issuer      *Issuer
	certificate *x509.Certificate
	from, to    time.Time // within which its key signs
}

// NewStampUnit makes a unit of its certificate (DER), if the issuer signed it for time stamps alone.
func NewStampUnit(der []byte, issuer *Issuer) (*StampUnit, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("issuance: time-stamping unit's certificate: %w", err)
	}
	if issuer.certificate == nil || cert.CheckSignatureFrom(issuer.certificate) != nil {
		return nil, errors.New("issuance: the time-stamping unit's certificate is not of this issuer")
	}
	want, err := criticalUsage([]ExtendedUsage{StampsTime})
	if err != nil {
		return nil, err
	}
	if got, _ := extension(cert.Extensions, want.Id); !got.Critical || !bytes.Equal(got.Value, want.Value) {
		return nil, errors.New("issuance: that is not a time-stamping unit's certificate")
	}
	if _, err := AlgorithmOf(cert.PublicKey); err != nil {
		return nil, err
	}
	unit := &StampUnit{issuer: issuer, certificate: cert, from: cert.NotBefore, to: cert.NotAfter}
	if from, to, ok := keyPeriod(cert); ok {
		unit.from, unit.to = from, to
	}
	return unit, nil
}

// Ends says when the unit's key stops signing; its successor must be there before.
func (s *StampUnit) Ends() time.Time { return s.to }

// signsAt says whether the unit's key may sign at a time.
func (s *StampUnit) signsAt(at time.Time) bool { return !at.Before(s.from) && !at.After(s.to) }

// oidBTSP is the best practices time-stamp policy (EN 319 421 §5.2): audited against, or not said.
var oidBTSP = asn1.ObjectIdentifier{0, 4, 0, 2023, 1, 1}

// stampPolicyNumber is the last number of our own policy identifier of stamps, which is not that of the unit's
// certificate.
const stampPolicyNumber = 20

// StampPolicies are the policies under which stamps may be given, the one for whoever names none first.
func (t Trust) StampPolicies() []asn1.ObjectIdentifier {
	own := []asn1.ObjectIdentifier{t.policy(stampPolicyNumber)}
	if t.IsQualified() {
		own = append(own, oidBTSP)
	}
	return own
}
