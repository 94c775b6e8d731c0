package issuance

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
)

// maxListLife: at least one list a day (EN 319 411-1, CSS-6.3.9-05) and seven days' grace at most; an offline root's
// lists come yearly (CSS-6.3.9-12).
const (
	maxListLife     = 8 * 24 * time.Hour
	maxRootListLife = 366 * 24 * time.Hour
)

// examineList puts a throw-away signature under the list and lints what strangers will read. Entries that were linted
// when they were added are not linted again but for the newest of them: a million would take minutes.
func (l *Linter) examineList(u Unsigned, key throwaway) (Report, error) {
	tbs := u.tbs
	if u.shown != nil {
		tbs = u.shown
	}
	signature, err := signBytes(key.key, key.scheme, tbs)
	if err != nil {
		return Report{}, err
	}
	der, err := assemble(&token{kind: aList, tbs: tbs}, key.scheme, signature)
	if err != nil {
		return Report{}, err
	}
	return l.lintList(u, der)
}

// lintList lints an encoded list.
func (l *Linter) lintList(u Unsigned, der []byte) (Report, error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return Report{}, fmt.Errorf("issuance: read list: %w", err)
	}
	zlist, err := zx509.ParseRevocationList(der)
	if err != nil {
		return Report{}, fmt.Errorf("issuance: read list for zlint: %w", err)
	}
	report := fromZlint(zlint.LintRevocationListEx(zlist, l.lists))
	for _, lint := range listLints() {
		report.note(lint.name, lint.cites, lint.check(u, list))
	}
	return report, nil
}

type listLint struct {
	name  string
	cites string
	check func(u Unsigned, l *x509.RevocationList) string
}

func listLints() []listLint {
	return []listLint{
		{"ours_crl_issuer", "RFC 5280 §5.1.2.3", lintListIssuer},
		{"ours_crl_authority_key_identifier", "RFC 5280 §5.2.1", lintListKey},
		{"ours_crl_number", "RFC 5280 §5.2.3: at most 20 octets", lintListNumber},
		{"ours_crl_times", "RFC 5280 §5.1.2.5; EN 319 411-1, CSS-6.3.9-05, -12", lintListTimes},
		{"ours_crl_entries", "RFC 5280 §5.3, §5.3.1", lintListEntries},
		{"ours_crl_extensions", "RFC 5280 §5.2", lintListExtensions},
		{"ours_crl_key_by_name", "RFC 5280 §5.2.1: the key identifier method", lintListKeyForm},
		{"ours_crl_expired_certificates", "ISO/IEC 9594-8, expiredCertsOnCRL; EN 319 411-2 §6.3.10: from the issuer's beginning", lintListExpired},
		{"ours_crl_distribution_point", "RFC 5280 §5.2.5; EN 319 412-2, GEN-4.3.11-4", lintListPoint},
	}
}

func lintListIssuer(u Unsigned, l *x509.RevocationList) string {
	if !bytes.Equal(l.RawIssuer, u.issuer.subject) {
		return "the list is not in the issuer's name"
	}
	return ""
}

func lintListKey(u Unsigned, l *x509.RevocationList) string {
	if !bytes.Equal(l.AuthorityKeyId, u.issuer.keyID) {
		return "authorityKeyIdentifier is not the issuer's"
	}
	return ""
}

func lintListNumber(_ Unsigned, l *x509.RevocationList) string {
	if l.Number == nil || l.Number.Sign() < 0 || l.Number.BitLen() > 159 {
		return "the number is absent or too long"
	}
	return ""
}

func lintListTimes(u Unsigned, l *x509.RevocationList) string {
	limit := maxListLife
	if u.issuer.place() == ByRoot {
		limit = maxRootListLife
	}
	life := l.NextUpdate.Sub(l.ThisUpdate)
	switch {
	case l.NextUpdate.IsZero() || life <= 0:
		return "nextUpdate is absent or not after thisUpdate"
	case u.last && !l.NextUpdate.Equal(NoNextUpdate()):
		return "a last list has a nextUpdate"
	case life > limit && !u.last:
		return fmt.Sprintf("the list lives %s", life)
	case l.ThisUpdate.Before(u.issuer.certificate.NotBefore):
		return "the list is older than its issuer"
	}
	return ""
}

func lintListEntries(_ Unsigned, l *x509.RevocationList) string {
	seen := make(map[string]bool, len(l.RevokedCertificateEntries))
	for _, e := range l.RevokedCertificateEntries {
		if fault := entryFault(e, l.ThisUpdate); fault != "" {
			return e.SerialNumber.Text(16) + ": " + fault
		}
		serial := string(e.SerialNumber.Bytes())
		if seen[serial] {
			return e.SerialNumber.Text(16) + " stands there twice"
		}
		seen[serial] = true
	}
	return ""
}

func entryFault(e x509.RevocationListEntry, made time.Time) string {
	if e.SerialNumber.Cmp(new(big.Int)) <= 0 {
		return "not a serial number"
	}
	if e.RevocationTime.After(made) {
		return "revoked after the list was made"
	}
	for _, x := range e.Extensions {
		if !x.Id.Equal(oidReason) || x.Critical {
			return "an entry extension that we do not use: " + x.Id.String()
		}
	}
	if len(e.Extensions) > 0 && (e.ReasonCode == int(Unspecified) || !Reason(e.ReasonCode).Valid()) {
		return fmt.Sprintf("reason %d", e.ReasonCode)
	}
	return ""
}

func lintListExtensions(_ Unsigned, l *x509.RevocationList) string {
	for i, e := range l.Extensions {
		if _, twice := extension(l.Extensions[:i], e.Id); twice {
			return "extension twice: " + e.Id.String()
		}
		known := map[string]bool{oidAKI.String(): false, oidCRLNumber.String(): false, oidIDP.String(): true, oidExpired.String(): false}
		if critical, ok := known[e.Id.String()]; !ok || critical != e.Critical {
			return "extension unexpected or of the wrong criticality: " + e.Id.String()
		}
	}
	return ""
}

// lintListKeyForm: the identifier alone names the key, so that a reader never has to choose between it and a name.
func lintListKeyForm(_ Unsigned, l *x509.RevocationList) string {
	e, ok := extension(l.Extensions, oidAKI)
	if !ok {
		return "authorityKeyIdentifier is absent"
	}
	in := cryptobyte.String(e.Value)
	var aki, id cryptobyte.String
	if !in.ReadASN1(&aki, cbasn1.SEQUENCE) || !in.Empty() || !aki.ReadASN1(&id, cbasn1.Tag(0).ContextSpecific()) || id.Empty() || !aki.Empty() {
		return "authorityKeyIdentifier is not a key identifier alone"
	}
	return ""
}

// lintListExpired: since when revoked certificates stay on the list after their end; ours never leave it.
func lintListExpired(u Unsigned, l *x509.RevocationList) string {
	e, ok := extension(l.Extensions, oidExpired)
	if !ok {
		return "expiredCertsOnCRL is absent"
	}
	in := cryptobyte.String(e.Value)
	var since time.Time
	if !in.ReadASN1GeneralizedTime(&since) || !in.Empty() || !since.Equal(u.issuer.certificate.NotBefore) {
		return "expiredCertsOnCRL is not the issuer's beginning"
	}
	return ""
}

// lintListPoint: a list for a part of the certificates says for which by its address and by nothing else; a flag that
// left out authorities' or holders' certificates, or some reasons, would let a reader take a revoked one for good.
func lintListPoint(_ Unsigned, l *x509.RevocationList) string {
	e, ok := extension(l.Extensions, oidIDP)
	if !ok {
		return ""
	}
	in := cryptobyte.String(e.Value)
	var idp, point, full, address cryptobyte.String
	part := cbasn1.Tag(0).ContextSpecific().Constructed()
	if !in.ReadASN1(&idp, cbasn1.SEQUENCE) || !in.Empty() || !idp.ReadASN1(&point, part) || !idp.Empty() {
		return "issuingDistributionPoint holds more than an address, or none"
	}
	if !point.ReadASN1(&full, part) || !point.Empty() || !full.ReadASN1(&address, cbasn1.Tag(6).ContextSpecific()) || !full.Empty() {
		return "issuingDistributionPoint is not one address"
	}
	if !isURL(string(address), "http") {
		return fmt.Sprintf("%q is not a plain http address", address)
	}
	return ""
}
