package issuance

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	zx509 "github.com/zmap/zcrypto/x509"
)

// Examined is what a certificate that was issued long ago says, read anew from its bytes alone.
type Examined struct {
	Certificate *x509.Certificate
	Report      Report // of the lints of today, under the version of its profile that it fits
	// Orders are the digests of all orders from which these bytes can have been made: the right behind it ended with
	// it, or had no end. None where it was cut short by its issuer's end, which nothing in it tells.
	Orders []Digest
}

// Examine reads a certificate (DER) as a stranger would, lints it again, and says which orders it can have come from.
// It knows nothing of how the certificate was made, and signs nothing.
func (l *Linter) Examine(der []byte, by *Issuer, profile string) (Examined, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Examined{}, fmt.Errorf("issuance: read certificate: %w", err)
	}
	zcert, err := zx509.ParseCertificate(der)
	if err != nil {
		return Examined{}, fmt.Errorf("issuance: read certificate for zlint: %w", err)
	}
	e := Examined{Certificate: cert}
	found := false
	for _, p := range Profiles() {
		if p.Key != profile {
			continue
		}
		order, err := orderOf(cert, p)
		if err != nil {
			return e, err
		}
		if e.Orders, err = addOrders(e.Orders, order, cert, by); err != nil {
			return e, err
		}
		report := l.lintsFor(p).run(zcert)
		runCertificateLints(&report, Unsigned{kind: aCertificate, issuer: by, signer: by.public, profile: p, order: order}, cert)
		if !found || len(report.Findings) < len(e.Report.Findings) {
			e.Report, found = report, true
		}
	}
	if !found {
		return e, fmt.Errorf("issuance: no profile %q", profile)
	}
	return e, nil
}

// orderOf is the order that a certificate can have come from, without the end of a right.
func orderOf(c *x509.Certificate, p Profile) (Order, error) {
	subject, err := ParseName(c.RawSubject)
	if err != nil {
		return Order{}, err
	}
	return Order{
		Profile: p.Key, Version: p.Version, Subject: subject, DNSNames: c.DNSNames, Emails: c.EmailAddresses,
		PublicKey: slices.Clone(c.RawSubjectPublicKeyInfo), Validity: ValidityRule{Term: p.Validity},
	}, nil
}

func addOrders(all []Digest, o Order, c *x509.Certificate, by *Issuer) ([]Digest, error) {
	if !by.end.IsZero() && !c.NotAfter.Before(by.end) {
		return nil, nil
	}
	for _, until := range []time.Time{{}, c.NotAfter.UTC()} {
		o.Validity.Until = until
		digest, err := o.Digest()
		if err != nil {
			return nil, err
		}
		all = append(all, digest)
	}
	return all, nil
}
