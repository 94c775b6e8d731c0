package issuance

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
)

// Finding is one thing that a lint does not like.
type Finding struct {
	Lint   string `json:"lint"`   // its name
	Cites  string `json:"cites"`  // the clause it comes from
	Level  string `json:"level"`  // notice, warn, error, fatal
	Detail string `json:"detail"` // what was found
}

// Report says what was linted and with what result; it is kept with the order and shown on the certificate's page.
type Report struct {
	Passed   int       `json:"passed"` // lints that applied and were content
	Findings []Finding `json:"findings"`
}

// Clean says whether no lint found anything, not even a notice.
func (r Report) Clean() bool { return len(r.Findings) == 0 }

// ErrLint is returned by [Linter.Lint] when something was found: the report says what, and nothing may be signed.
var ErrLint = errors.New("issuance: the lints refuse these bytes")

// Linter holds the lints and a throw-away key of each algorithm. It is safe for use by several at once.
type Linter struct {
	strict zlints // for authorities, responders and websites
	long   zlints // for bodies and persons, whose names may be longer than RFC 5280's bounds
	lists  lint.Registry

	mu   sync.Mutex
	keys map[Algorithm]throwaway
}

// slowLints take nine tenths of the time and bring nothing here: the first looks for another country's authority, the
// second is part of [CheckKey].
var slowLints = []string{"e_cert_issued_by_compromised_emudhra_ca", "e_ecdsa_small_private_key"}

// lengthLints hold RFC 5280's upper bounds, lifted for O, OU and CN by EN 319 412-2, NAT-4.2.4-18, and 412-3, LEG-4.2.1-9.
var lengthLints = []string{
	"e_subject_common_name_max_length", "e_subject_organization_name_max_length", "e_subject_organizational_unit_name_max_length",
}

// lintSources are those whose rules these profiles follow; the CA/Browser Forum's and the browsers' are for publicly
// trusted authorities.
var lintSources = lint.SourceList{
	lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC6960, lint.RFC8813, lint.Community, lint.EtsiEsi,
}

// NewLinter selects the lints.
func NewLinter() (*Linter, error) {
	l := &Linter{keys: map[Algorithm]throwaway{}}
	var err error
	if l.lists, err = registryWithout(slowLints); err != nil {
		return nil, err
	}
	l.strict = zlintsOf(l.lists)
	long, err := registryWithout(slices.Concat(slowLints, lengthLints))
	if err != nil {
		return nil, err
	}
	l.long = zlintsOf(long)
	return l, nil
}

func registryWithout(names []string) (lint.Registry, error) {
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: lintSources, ExcludeNames: names})
	if err != nil {
		return nil, fmt.Errorf("issuance: select lints: %w", err)
	}
	return registry, nil
}

// zlints are zlint's lints of certificates, as a registry has them. They are run one by one, as zlint does, but the
// results that nobody reads are not gathered.
type zlints struct {
	all  []*lint.CertificateLint
	with lint.Configuration
}

func zlintsOf(r lint.Registry) zlints {
	return zlints{r.CertificateLints().Lints(), r.GetConfiguration()}
}

// run runs every lint: what passed is counted, what was found is kept.
func (z zlints) run(c *zx509.Certificate) Report {
	var report Report
	for _, one := range z.all {
		report.take(one.Name, one.Citation, one.Execute(c, z.with))
	}
	report.sort()
	return report
}

// lintsFor are those of a profile.
func (l *Linter) lintsFor(p Profile) zlints {
	if p.hasLongNames() {
		return l.long
	}
	return l.strict
}

// throwawayKey gives the run's throw-away key of an algorithm.
func (l *Linter) throwawayKey(a Algorithm) (throwaway, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k, ok := l.keys[a]; ok {
		return k, nil
	}
	k, err := newThrowaway(a)
	if err != nil {
		return throwaway{}, fmt.Errorf("issuance: throw-away key: %w", err)
	}
	l.keys[a] = k
	return k, nil
}

// Lint signs with a throw-away key of the issuer's algorithm, lints the result with zlint and our own lints, and gives
// the one-time token for exactly those to-be-signed bytes. Anything found, a notice too, is [ErrLint]; the report is
// given in both cases.
func (l *Linter) Lint(u Unsigned) (Linted, Report, error) {
	algorithm, err := AlgorithmOf(u.signer)
	if err != nil {
		return Linted{}, Report{}, err
	}
	key, err := l.throwawayKey(algorithm)
	if err != nil {
		return Linted{}, Report{}, err
	}
	tbs, report, err := l.examine(u, key)
	if err != nil {
		return Linted{}, report, err
	}
	if !report.Clean() {
		return Linted{}, report, fmt.Errorf("%w: %s", ErrLint, report.Findings[0].Lint)
	}
	t := &token{kind: u.kind, tbs: tbs, signer: u.signer, algorithm: algorithm, serial: u.Serial(), chain: u.chain, stamp: u.stamp}
	if u.template != nil {
		t.from, t.to = u.template.NotBefore, u.template.NotAfter
	}
	return Linted{t}, report, nil
}

// Try lints a certificate as [Linter.Lint] does and gives the certificate itself (DER), signed with the throw-away key,
// and no token: it shows what would be issued, and nothing can be signed by it.
func (l *Linter) Try(u Unsigned) ([]byte, Report, error) {
	if u.kind != aCertificate {
		return nil, Report{}, errors.New("issuance: only certificates are tried")
	}
	algorithm, err := AlgorithmOf(u.signer)
	if err != nil {
		return nil, Report{}, err
	}
	key, err := l.throwawayKey(algorithm)
	if err != nil {
		return nil, Report{}, err
	}
	der, _, report, err := l.tryCertificate(u, key)
	return der, report, err
}

// examine gives the to-be-signed bytes and what the lints say of them.
func (l *Linter) examine(u Unsigned, key throwaway) ([]byte, Report, error) {
	switch u.kind {
	case aCertificate:
		_, tbs, report, err := l.tryCertificate(u, key)
		return tbs, report, err
	case aList:
		report, err := l.examineList(u, key)
		return u.tbs, report, err
	case anAnswer:
		report, err := examineAnswer(u)
		return u.tbs, report, err
	case aStamp:
		report, err := examineStamp(u)
		return u.tbs, report, err
	}
	return nil, Report{}, errors.New("issuance: nothing to lint")
}

// tryCertificate makes the certificate under the throw-away key and lints it.
func (l *Linter) tryCertificate(u Unsigned, key throwaway) (der, tbs []byte, report Report, err error) {
	if tbs, err = encodeCertificate(u.template, u.issuer.subject, key.scheme); err != nil {
		return nil, nil, Report{}, err
	}
	if der, err = signAway(tbs, key); err != nil {
		return nil, nil, Report{}, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, Report{}, fmt.Errorf("issuance: read certificate: %w", err)
	}
	zcert, err := zx509.ParseCertificate(der)
	if err != nil {
		return nil, nil, Report{}, fmt.Errorf("issuance: read certificate for zlint: %w", err)
	}
	report = l.lintsFor(u.profile).run(zcert)
	runCertificateLints(&report, u, cert)
	return der, tbs, report, nil
}

// hasLongNames says whether a profile lifts RFC 5280's bounds from a name.
func (p Profile) hasLongNames() bool {
	return slices.ContainsFunc(p.Subject, func(r SubjectRule) bool { return r.Max == 0 })
}

// fromZlint takes over zlint's results: what passed is counted, what was found is kept.
func fromZlint(results *zlint.ResultSet) Report {
	var report Report
	for name, result := range results.Results {
		report.take(name, result.LintMetadata.Citation, result)
	}
	report.sort()
	return report
}

// take takes over one result.
func (r *Report) take(name, cites string, result *lint.LintResult) {
	switch result.Status {
	case lint.NA, lint.NE, lint.Reserved:
	case lint.Pass:
		r.Passed++
	default:
		r.Findings = append(r.Findings, Finding{Lint: name, Cites: cites, Level: result.Status.String(), Detail: result.Details})
	}
}

func (r *Report) sort() {
	slices.SortFunc(r.Findings, func(a, b Finding) int { return strings.Compare(a.Lint, b.Lint) })
}
