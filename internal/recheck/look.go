package recheck

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/issuance"
)

// reader reads one stretch: each list is fetched once for it.
type reader struct {
	s     *Service
	day   string
	found []Finding
	lists map[string]*list
	away  bool // something could not be had at all: worth another try
}

func (s *Service) reader(day string) *reader {
	return &reader{s: s, day: day, lists: map[string]*list{}}
}

func (r *reader) note(one row, kind Kind, format string, args ...any) {
	detail := fmt.Sprintf(format, args...)
	if len(detail) > 500 {
		detail = strings.ToValidUTF8(detail[:500], "")
	}
	r.found = append(r.found, Finding{Day: r.day, Serial: one.serial, Issuer: one.issuer, Kind: kind, Detail: detail})
}

// settles is how long whatever was changed may take to be on a list (the list is made before the deed returns; this
// is for one whose signing failed and was made up for).
const settles = time.Minute

// read holds one certificate's row against its bytes, and against what the world is told.
func (r *reader) read(ctx context.Context, one row) error {
	by, above, ok := r.issuerOf(one)
	if !ok {
		r.note(one, NoIssuer, "%s is no authority of this instance", one.issuer)
		return nil
	}
	point, responder := by.CRL, by.OCSP
	if one.der != nil {
		cert := r.readBytes(one, by, above)
		if cert == nil {
			return nil
		}
		if len(cert.CRLDistributionPoints) > 0 {
			point = cert.CRLDistributionPoints[0]
		}
		if len(cert.OCSPServer) > 0 {
			responder = cert.OCSPServer[0]
		}
	} else if one.state == ca.Issued || one.state == ca.Suspended || one.state == ca.Revoked {
		r.note(one, Unreadable, "the row is %s and holds no certificate", one.state)
	}
	now := r.s.c.DB.Now()
	if now.Sub(one.intended) < settles { // being issued, or on its way to the lists
		return nil
	}
	if r.isOurs(one, point) {
		r.readList(ctx, one, above, point)
	}
	if r.isOurs(one, responder) {
		r.readAnswer(ctx, one, above, responder)
	}
	return r.readDeeds(ctx, one)
}

// readDeeds holds the row against the record of deeds, whose chain nobody can rewrite: a certificate that was revoked
// and is good again, or that nobody issued, shows here.
func (r *reader) readDeeds(ctx context.Context, one row) error {
	var deeds []audit.Entry
	err := r.s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		deeds, err = audit.Entries(ctx, tx, audit.Filter{Portal: one.portal, Object: "certificate/" + string(one.serial)})
		return err
	})
	if err != nil {
		return err
	}
	told := ca.State("") // by the deeds, the first one first
	for _, d := range slices.Backward(deeds) {
		switch d.Verb {
		case "certificate.intend":
			told = ca.Intended
		case "certificate.issue", "certificate.adopt", "certificate.reinstate":
			told = ca.Issued
		case "certificate.suspend":
			told = ca.Suspended
		case "certificate.revoke":
			told = ca.Revoked
		case "certificate.lose":
			told = ca.Lost
		}
	}
	if told != one.state {
		r.note(one, OtherDeeds, "the row is %s, by the deeds it is %q", one.state, told)
	}
	return nil
}

// isOurs says whether an address may be asked: a changed row must not lead anywhere else.
func (r *reader) isOurs(one row, address string) bool {
	if strings.HasPrefix(address, r.s.c.Base) {
		return true
	}
	r.note(one, ForeignAddress, "%q", address)
	return false
}

// issuerOf is the authority by its name in the row, with its certificate parsed.
func (r *reader) issuerOf(one row) (ca.Authority, *x509.Certificate, bool) {
	all := r.s.c.Authorities()
	i := slices.IndexFunc(all, func(a ca.Authority) bool { return a.Name == one.issuer })
	if i < 0 {
		return ca.Authority{}, nil, false
	}
	cert, err := x509.ParseCertificate(all[i].Certificate)
	return all[i], cert, err == nil
}

// readBytes parses the certificate anew, and holds it against its row and what was approved; nil where it cannot be read.
func (r *reader) readBytes(one row, by ca.Authority, above *x509.Certificate) *x509.Certificate {
	issuer, err := issuance.NewIssuer(by.Certificate, issuance.URLs{CAIssuers: by.CAIssuers, OCSP: by.OCSP, CRL: by.CRL, CPS: by.CPS}, r.s.c.Trust)
	if err != nil {
		r.note(one, NoIssuer, "%v", err)
		return nil
	}
	e, err := r.s.linter.Examine(one.der, issuer, one.profile)
	if e.Certificate == nil {
		r.note(one, Unreadable, "%v", err)
		return nil
	}
	cert := e.Certificate
	if err != nil {
		r.note(one, Lint, "%v", err)
	}
	for _, f := range e.Report.Findings {
		r.note(one, Lint, "%s: %s", f.Lint, f.Detail)
		break // one tells; the row's own report has the rest
	}
	if sum := sha256.Sum256(cert.RawTBSCertificate); hex.EncodeToString(sum[:]) != one.tbsHash {
		r.note(one, OtherBytes, "the bytes that are signed hash to %x", sum)
	}
	if ca.SerialOf(cert.SerialNumber) != one.serial || !cert.NotBefore.Equal(one.notBefore) || !cert.NotAfter.Equal(one.notAfter) {
		r.note(one, OtherDates, "certificate %x from %s to %s", cert.SerialNumber, cert.NotBefore.UTC().Format(time.RFC3339), cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if key, err := issuance.CheckKey(cert.PublicKey); err != nil || key.Fingerprint() != one.key {
		r.note(one, OtherKey, "the row has %s", one.key)
	}
	if !bytes.Equal(cert.RawIssuer, above.RawSubject) || cert.CheckSignatureFrom(above) != nil {
		r.note(one, BadSignature, "it is not signed by %s", one.issuer)
	}
	if len(e.Orders) > 0 && !slices.Contains(e.Orders, issuance.Digest(one.digest)) {
		r.note(one, NotApproved, "the approved order is %s", one.digest)
	}
	return cert
}
