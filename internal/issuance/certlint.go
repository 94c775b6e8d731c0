package issuance

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// certificateLint is a lint of ours: what zlint does not check of our profiles. It reads the encoded certificate, not
// the template, so that a fault of the encoding is found as well. An empty answer is contentment.
type certificateLint struct {
	name  string
	cites string
	check func(u Unsigned, c *x509.Certificate) string
}

// certificateLints lists them. Clauses of EN 319 412-2 are cited by their requirement's name alone.
func certificateLints() []certificateLint {
	return []certificateLint{
		{"ours_test_mark", "DL 12/2021; only a listed service may look like one", lintTestMark},
		{"ours_no_quality_unproven", "EN 319 412-5, QCS-4.2.1; EN 319 411-2 §5.3", lintUnproven},
		{"ours_subject_as_profile", "GEN-4.2.4; NAT-4.2.4; EN 319 412-3, LEG-4.2.1", lintSubject},
		{"ours_organization_identifier_differs", "EN 319 412-3, LEG-4.2.1-6", lintOrganizationIdentifier},
		{"ours_serial_entropy", "RFC 5280 §4.1.2.2; Baseline Requirements §7.1: at least 64 bits", lintSerial},
		{"ours_validity_within_rule", "RFC 5280 §4.1.2.5; the approved rule of validity", lintValidity},
		{"ours_key_usage", "RFC 5280 §4.2.1.3; NAT-4.3.2-1 to -3", lintKeyUsage},
		{"ours_extended_key_usage", "RFC 5280 §4.2.1.12; RFC 9336; RFC 6960 §4.2.2.2", lintExtendedUsage},
		{"ours_authority_key_identifier", "GEN-4.3.1-1; RFC 5280 §4.2.1.1", lintAuthorityKey},
		{"ours_subject_key_identifier", "RFC 5280 §4.2.1.2; RFC 7093 §2(1)", lintSubjectKey},
		{"ours_policies", "GEN-4.3.3-1, -2; EN 319 412-5, QCS-5.2", lintPolicies},
		{"ours_revocation_addresses", "GEN-4.4.1-2 to -6; GEN-4.3.11-1 to -5", lintAddresses},
		{"ours_basic_constraints", "RFC 5280 §4.2.1.9", lintBasicConstraints},
		{"ours_alternative_names", "RFC 5280 §4.2.1.6; the approved names", lintAlternativeNames},
		{"ours_ocsp_nocheck", "RFC 6960 §4.2.2.2.1", lintNoCheck},
		{"ours_private_key_usage_period", "EN 319 421 §7.6.7; X.509 §9.2.2.5", lintKeyPeriod},
		{"ours_extensions_known", "EN 319 412-2 §4.3; RFC 5280 §4.2", lintExtensions},
		{"ours_public_key", "the approved key", lintPublicKey},
		{"ours_cross_certificate", "RFC 5280 §3.2: issuer and subject are different entities", lintCross},
	}
}

func runCertificateLints(report *Report, u Unsigned, c *x509.Certificate) {
	for _, l := range certificateLints() {
		report.note(l.name, l.cites, l.check(u, c))
	}
	runClauseLints(report, u, c)
}

// note counts a lint that was content, or keeps what it found.
func (r *Report) note(name, cites, detail string) {
	if detail == "" {
		r.Passed++
		return
	}
	r.Findings = append(r.Findings, Finding{Lint: name, Cites: cites, Level: "error", Detail: detail})
}

func lintTestMark(u Unsigned, c *x509.Certificate) string {
	name, err := ParseName(c.RawIssuer)
	if err != nil {
		return err.Error()
	}
	if err := u.issuer.trust.checkIssuer(name); err != nil {
		return err.Error()
	}
	return ""
}

// unproven are what an instance that is not qualified must not put in a certificate, wherever it stands in it.
var unproven = []asn1.ObjectIdentifier{
	oidQcCompliance, oidQcSSCD, oidQcPDS, oidQcType, oidQcTypeSeal,
	{0, 4, 0, 1862, 1, 6, 1}, {0, 4, 0, 1862, 1, 6, 3}, // QcType esign, web
	{0, 4, 0, 194112, 1, 0}, {0, 4, 0, 194112, 1, 1}, {0, 4, 0, 194112, 1, 2}, {0, 4, 0, 194112, 1, 3}, // QCP-n … QCP-l-qscd
	{0, 4, 0, 194112, 1, 4}, {0, 4, 0, 194112, 1, 5}, {0, 4, 0, 194112, 1, 6}, // QEVCP-w, QNCP-w, QNCP-w-gen
	{0, 4, 0, 2042, 1, 1}, {0, 4, 0, 2042, 1, 2}, {0, 4, 0, 2042, 1, 3}, {0, 4, 0, 2042, 1, 7}, // NCP, NCP+, LCP, OVCP
	oidBTSP, {0, 4, 0, 19422, 1, 1}, // best practices policy for time stamps, qualified time stamps
}

func lintUnproven(u Unsigned, c *x509.Certificate) string {
	if u.issuer.trust.IsQualified() {
		return ""
	}
	all, err := unprovenDER()
	if err != nil {
		return err.Error()
	}
	for i, der := range all {
		for _, e := range c.Extensions {
			if bytes.Contains(e.Value, der) {
				return "claims " + unproven[i].String()
			}
		}
	}
	return ""
}

// unprovenDER are the same, encoded.
var unprovenDER = sync.OnceValues(func() ([][]byte, error) {
	all := make([][]byte, len(unproven))
	for i, oid := range unproven {
		var err error
		if all[i], err = asn1.Marshal(oid); err != nil {
			return nil, err
		}
	}
	return all, nil
})

func lintSubject(u Unsigned, c *x509.Certificate) string {
	name, err := ParseName(c.RawSubject)
	if err != nil {
		return err.Error()
	}
	if problems := u.profile.nameProblems(name); len(problems) > 0 {
		return problems[0].Key + " " + problems[0].Args["attribute"]
	}
	again, err := name.DER() // fixes order and string types
	if err != nil || !bytes.Equal(again, c.RawSubject) {
		return "the subject is not in the stated order and string types"
	}
	if approved, err := u.order.Subject.DER(); err != nil || !bytes.Equal(approved, c.RawSubject) {
		return "the subject is not the approved one"
	}
	return ""
}

func lintOrganizationIdentifier(_ Unsigned, c *x509.Certificate) string {
	name, err := ParseName(c.RawSubject)
	if err != nil {
		return err.Error()
	}
	if id := name.Value(OrganizationIdentifier); id != "" && id == name.Value(Organization) {
		return "organizationIdentifier repeats organizationName"
	}
	return ""
}

func lintSerial(_ Unsigned, c *x509.Certificate) string {
	if c.SerialNumber.Sign() <= 0 || c.SerialNumber.BitLen() <= 64 || c.SerialNumber.BitLen() > 159 {
		return fmt.Sprintf("serial number of %d bits", c.SerialNumber.BitLen())
	}
	return ""
}

func lintValidity(u Unsigned, c *x509.Certificate) string {
	term := u.profile.Validity
	last := c.NotBefore.AddDate(term.Years, 0, term.Days).Add(-time.Second)
	switch {
	case !c.NotAfter.After(c.NotBefore):
		return "ends before it begins"
	case c.NotAfter.After(last):
		return "lasts longer than the profile's term"
	case !u.order.Validity.Until.IsZero() && c.NotAfter.After(u.order.Validity.Until):
		return "lasts longer than the right behind it"
	case !u.issuer.end.IsZero() && c.NotAfter.After(u.issuer.end):
		return "lasts longer than its issuer"
	}
	return ""
}

func lintKeyUsage(u Unsigned, c *x509.Certificate) string {
	e, ok := extension(c.Extensions, asn1.ObjectIdentifier{2, 5, 29, 15})
	switch {
	case !ok || !e.Critical:
		return "keyUsage is absent or not critical"
	case c.KeyUsage != u.profile.keyUsage(c.PublicKey):
		return "keyUsage is not the profile's"
	}
	return ""
}

func lintExtendedUsage(u Unsigned, c *x509.Certificate) string {
	var want []asn1.ObjectIdentifier
	for _, e := range u.profile.Extended {
		want = append(want, e.oid())
	}
	var got []asn1.ObjectIdentifier
	e, ok := extension(c.Extensions, asn1.ObjectIdentifier{2, 5, 29, 37})
	if ok {
		if _, err := asn1.Unmarshal(e.Value, &got); err != nil {
			return err.Error()
		}
	}
	switch {
	case e.Critical != u.profile.Sole: // only a time-stamping unit's is: RFC 3161 §2.3
		return "extKeyUsage is critical or not against the profile"
	case !slices.EqualFunc(got, want, asn1.ObjectIdentifier.Equal):
		return fmt.Sprintf("extKeyUsage %v", got)
	}
	return ""
}

func lintAuthorityKey(u Unsigned, c *x509.Certificate) string {
	if !bytes.Equal(c.AuthorityKeyId, u.issuer.keyID) {
		return "authorityKeyIdentifier is not the issuer's"
	}
	return ""
}

func lintSubjectKey(_ Unsigned, c *x509.Certificate) string {
	bits, err := keyBits(c.PublicKey)
	if err != nil {
		return err.Error()
	}
	if !bytes.Equal(c.SubjectKeyId, keyIdentifier(bits)) {
		return "subjectKeyIdentifier is not that of the key"
	}
	return ""
}

func lintPolicies(u Unsigned, c *x509.Certificate) string {
	want := []asn1.ObjectIdentifier{oidAnyPolicy}
	if u.profile.Policy != anyPolicy {
		want[0] = u.issuer.trust.policy(u.profile.Policy)
	}
	if etsi := u.issuer.trust.etsiPolicy(u.profile); etsi != nil {
		want = append(want, etsi)
	}
	e, ok := extension(c.Extensions, oidPolicies)
	if !ok || e.Critical {
		return "certificatePolicies is absent or critical"
	}
	if !slices.EqualFunc(c.PolicyIdentifiers, want, asn1.ObjectIdentifier.Equal) {
		return fmt.Sprintf("policies %v", c.PolicyIdentifiers)
	}
	return ""
}

func lintAddresses(u Unsigned, c *x509.Certificate) string {
	all := slices.Concat(c.IssuingCertificateURL, c.OCSPServer, c.CRLDistributionPoints)
	if !u.profile.Revocation {
		if len(all) > 0 {
			return "addresses that this profile does not carry"
		}
		return ""
	}
	if len(c.IssuingCertificateURL) != 1 || len(c.OCSPServer) != 1 || len(c.CRLDistributionPoints) != 1 {
		return "caIssuers, OCSP or CRL address is missing"
	}
	for _, address := range all {
		if !isURL(address, "http") {
			return address + " is not plain http"
		}
	}
	for _, e := range c.Extensions {
		if e.Critical && (e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 31}) || e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1})) {
			return "an address extension is critical"
		}
	}
	return ""
}

func lintBasicConstraints(u Unsigned, c *x509.Certificate) string {
	e, ok := extension(c.Extensions, asn1.ObjectIdentifier{2, 5, 29, 19})
	if !u.profile.Authority {
		if c.IsCA || ok {
			return "an end entity carries basicConstraints"
		}
		return ""
	}
	if !ok || !e.Critical || !c.IsCA {
		return "an authority's basicConstraints is absent or not critical"
	}
	if c.MaxPathLen != u.profile.PathLen {
		return fmt.Sprintf("path length %d", c.MaxPathLen)
	}
	return ""
}

func lintAlternativeNames(u Unsigned, c *x509.Certificate) string {
	if !slices.Equal(c.DNSNames, u.order.DNSNames) || !slices.Equal(c.EmailAddresses, u.order.Emails) ||
		len(c.IPAddresses) > 0 || len(c.URIs) > 0 {
		return "subjectAltName is not what was approved"
	}
	if e, ok := extension(c.Extensions, asn1.ObjectIdentifier{2, 5, 29, 17}); ok && e.Critical {
		return "subjectAltName is critical"
	}
	if !admits(u.profile.DNS, len(c.DNSNames)) || !admits(u.profile.Email, len(c.EmailAddresses)) {
		return "subjectAltName is not the profile's"
	}
	for _, name := range c.DNSNames {
		if !isHostName(name) || strings.ToLower(name) != name {
			return name + " is not a canonical host name"
		}
	}
	return ""
}

func lintNoCheck(u Unsigned, c *x509.Certificate) string {
	e, ok := extension(c.Extensions, oidNoCheck)
	switch {
	case ok != u.profile.NoCheck:
		return "ocsp-nocheck is not as the profile has it"
	case ok && (e.Critical || !bytes.Equal(e.Value, asn1.NullBytes)):
		return "ocsp-nocheck is critical or not NULL"
	}
	return ""
}

// knownExtensions is all that any profile carries; policyMappings, nameConstraints, policyConstraints and
// inhibitAnyPolicy are forbidden to end entities and not used by our authorities.
var knownExtensions = []asn1.ObjectIdentifier{
	{2, 5, 29, 14}, {2, 5, 29, 15}, {2, 5, 29, 17}, {2, 5, 29, 19}, {2, 5, 29, 31}, {2, 5, 29, 32}, {2, 5, 29, 35}, {2, 5, 29, 37},
	oidKeyPeriod, {1, 3, 6, 1, 5, 5, 7, 1, 1}, {1, 3, 6, 1, 5, 5, 7, 1, 3}, {1, 3, 6, 1, 5, 5, 7, 48, 1, 5},
}

func lintExtensions(_ Unsigned, c *x509.Certificate) string {
	for i, e := range c.Extensions {
		if !slices.ContainsFunc(knownExtensions, e.Id.Equal) {
			return "unexpected extension " + e.Id.String()
		}
		if _, twice := extension(c.Extensions[:i], e.Id); twice {
			return "extension twice: " + e.Id.String()
		}
		if e.Id.Equal(oidQCStatements) && e.Critical {
			return "qcStatements is critical" // QCS-4.1-02
		}
	}
	return ""
}

func lintPublicKey(u Unsigned, c *x509.Certificate) string {
	if !bytes.Equal(c.RawSubjectPublicKeyInfo, u.order.PublicKey) {
		return "the public key is not the approved one"
	}
	return ""
}

// lintCross holds an authority's certificate that is not its own: neither name nor key may be the issuer's, so that no
// chain can run in a circle of one.
func lintCross(u Unsigned, c *x509.Certificate) string {
	switch {
	case u.profile.IssuedBy == BySelf || !u.profile.Authority:
		return ""
	case bytes.Equal(c.RawSubject, c.RawIssuer):
		return "an authority below another has the other's name"
	case sameKey(c.PublicKey, u.issuer.public):
		return "an authority below another has the other's key"
	}
	return ""
}

func extension(of []pkix.Extension, id asn1.ObjectIdentifier) (pkix.Extension, bool) {
	for _, e := range of {
		if e.Id.Equal(id) {
			return e, true
		}
	}
	return pkix.Extension{}, false
}
