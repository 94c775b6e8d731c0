package issuance

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// clauseLint holds a certificate against a clause of a standard, and not against our profile: a profile that was written
// down wrongly is found by it. zlint has none of these: of ETSI's standards it knows qualified natural persons alone.
type clauseLint struct {
	name     string
	cites    string
	products []string
	check    func(s specimen) string
}

// specimen is an encoded certificate as these lints read it.
type specimen struct {
	product   string
	qualified bool
	cert      *x509.Certificate
	subject   Name
	usages    []asn1.ObjectIdentifier
	said      []readStatement
}

type readStatement struct {
	id   asn1.ObjectIdentifier
	info cryptobyte.String // "" for none
}

// The products that a clause is about.
var (
	ofPersons   = []string{"P1", "P1b", "P2", "P3"}
	ofBodies    = []string{"P4", "P4b", "P6"}
	ofWebsites  = []string{"P5a", "P5b"}
	ofQualified = []string{"P1", "P1b", "P4", "P4b", "P5b"}
	ofOthers    = []string{"P2", "P3", "P5a", "P6", "P8"}
)

// clauseLints lists them.
func clauseLints() []clauseLint {
	return []clauseLint{
		{"ours_nat_attributes", "EN 319 412-2, NAT-4.2.4-1", ofPersons, lintPersonAttributes},
		{"ours_nat_single_attributes", "EN 319 412-2, NAT-4.2.4-3", ofPersons, lintPersonSingle},
		{"ours_nat_no_pseudonym", "EN 319 412-2, NAT-4.2.4-4", ofPersons, lintPseudonym},
		{"ours_nat_one_script", "EN 319 412-2, NAT-4.2.4-19", ofPersons, lintScripts},
		{"ours_nat_identifier", "EN 319 412-1 §5.1.3", ofPersons, lintPersonIdentifier},
		{"ours_nat_key_usage_signature", "EN 319 412-2, NAT-4.3.2-2, -3: type A", []string{"P1", "P1b"}, lintTypeA},
		{"ours_nat_key_usage_authentication", "EN 319 412-2, NAT-4.3.2-1, table 1: type C", []string{"P2"}, lintTypeC},
		{"ours_nat_key_usage_encryption", "EN 319 412-2, NAT-4.3.2-1, table 1: type E; RFC 3279 §2.3.1; RFC 8813 §3", []string{"P3"}, lintTypeE},
		{"ours_signing_purpose", "RFC 9336 §3.1; RFC 5280 §4.2.1.12", []string{"P1", "P1b", "P4", "P4b"}, lintSigningPurpose},
		{"ours_client_purpose", "RFC 5280 §4.2.1.12", []string{"P2", "P6"}, lintClientPurpose},
		{"ours_encryption_purpose", "RFC 8550 §3; RFC 5280 §4.2.1.12", []string{"P3"}, lintMailbox},
		{"ours_leg_attributes", "EN 319 412-3, LEG-4.2.1-2", ofBodies, lintBodyAttributes},
		{"ours_leg_single_attributes", "EN 319 412-3, LEG-4.2.1-3", ofBodies, lintBodySingle},
		{"ours_leg_no_person", "Reg. (EU) 910/2014, article 3(24) and annex III (c)", ofBodies, lintNoPerson},
		{"ours_leg_key_usage_seal", "EN 319 412-3, LEG-4.3.1-3, -4: type A", []string{"P4", "P4b"}, lintTypeA},
		{"ours_leg_key_usage_application", "EN 319 412-2, table 1: type C", []string{"P6"}, lintTypeC},
		{"ours_body_identifier", "EN 319 412-1, LEG-5.1.4-02, -03", slices.Concat(ofPersons, ofBodies, ofWebsites), lintBodyIdentifier},
		{"ours_web_names", "EN 319 412-4, WEB-4.1.3-4; Baseline Requirements §7.1.2.7.12, §7.1.4.3", ofWebsites, lintWebNames},
		{"ours_web_purpose", "EN 319 412-4, WEB-4.1.3-4; Baseline Requirements §7.1.2.7.10", ofWebsites, lintWebPurpose},
		{"ours_web_key_usage", "Baseline Requirements §7.1.2.7.11; RFC 8446 §4.4.2.2", ofWebsites, lintTypeC},
		{"ours_web_place", "Baseline Requirements §7.1.2.7.4: L where there is no ST", []string{"P5b"}, lintWebPlace},
		{"ours_web_validity", "Baseline Requirements §6.3.2: 200 days", ofWebsites, lintWebValidity},
		{"ours_qc_compliance", "EN 319 412-5, QCS-5-01, table 2: §4.2.1", ofQualified, lintCompliance},
		{"ours_qc_type", "EN 319 412-5, QCS-5-01, table 2: §4.2.3", ofQualified, lintType},
		{"ours_qc_sscd", "EN 319 412-5, QCS-5-01, table 2: §4.2.2", ofQualified, lintSSCD},
		{"ours_qc_no_legislation", "EN 319 412-5, QCS-4.2.4-01", ofQualified, lintLegislation},
		{"ours_qc_disclosure", "EN 319 412-5 §4.3.4", ofQualified, lintDisclosure},
		{"ours_qc_semantics", "EN 319 412-1 §5.1.3, §5.1.4; RFC 3739 §3.2.6.1", ofQualified, lintSemantics},
		{"ours_qc_once", "EN 319 412-5, QCS-4.1-02A", ofQualified, lintOnce},
		{"ours_qc_none", "EN 319 412-5 §4.1: of qualified certificates alone", ofOthers, lintNoStatements},
		{"ours_responder_purpose", "RFC 6960 §4.2.2.2", []string{"P8"}, lintResponderPurpose},
		{"ours_responder_key_usage", "RFC 6960 §4.2.2.2; Baseline Requirements §7.1.2.8", []string{"P8"}, lintTypeC},
		{"ours_responder_unasked", "RFC 6960 §4.2.2.2.1; EN 319 412-2, GEN-4.3.11-1A, GEN-4.4.1-1", []string{"P8"}, lintResponderUnasked},
		{"ours_responder_life", "RFC 6960 §4.2.2.2.1: short-lived", []string{"P8"}, lintResponderLife},
	}
}

func runClauseLints(report *Report, u Unsigned, c *x509.Certificate) {
	s, err := readSpecimen(u, c)
	if err != nil {
		report.note("ours_readable", "RFC 5280 §4.1; RFC 3739 §3.2.6", err.Error())
		return
	}
	for _, l := range clauseLints() {
		if slices.Contains(l.products, s.product) {
			report.note(l.name, l.cites, l.check(s))
		}
	}
}

func readSpecimen(u Unsigned, c *x509.Certificate) (specimen, error) {
	s := specimen{product: u.profile.Product, qualified: u.issuer.trust.IsQualified(), cert: c}
	var err error
	if s.subject, err = ParseName(c.RawSubject); err != nil {
		return s, err
	}
	if e, ok := extension(c.Extensions, oidExtendedUsage); ok {
		if rest, err := asn1.Unmarshal(e.Value, &s.usages); err != nil || len(rest) > 0 {
			return s, fmt.Errorf("issuance: extKeyUsage cannot be read")
		}
	}
	e, ok := extension(c.Extensions, oidQCStatements)
	if !ok {
		return s, nil
	}
	s.said, ok = readStatements(e.Value)
	if !ok {
		return s, fmt.Errorf("issuance: qcStatements cannot be read")
	}
	return s, nil
}

var (
	oidExtendedUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidLegislation   = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 7}
	oidPseudonym     = asn1.ObjectIdentifier{2, 5, 4, 65}
)

// readStatements reads a QCStatements strictly.
func readStatements(der []byte) ([]readStatement, bool) {
	in := cryptobyte.String(der)
	var list cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) || !in.Empty() || list.Empty() {
		return nil, false
	}
	var said []readStatement
	for !list.Empty() {
		var one cryptobyte.String
		var s readStatement
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&s.id) {
			return nil, false
		}
		s.info = one
		said = append(said, s)
	}
	return said, true
}

func (s specimen) statement(id asn1.ObjectIdentifier) (cryptobyte.String, bool) {
	for _, one := range s.said {
		if one.id.Equal(id) {
			return one.info, true
		}
	}
	return nil, false
}

// identifiers reads a statement's information that is a SEQUENCE of identifiers.
func identifiers(info cryptobyte.String) ([]asn1.ObjectIdentifier, bool) {
	var list cryptobyte.String
	if !info.ReadASN1(&list, cbasn1.SEQUENCE) || !info.Empty() {
		return nil, false
	}
	var ids []asn1.ObjectIdentifier
	for !list.Empty() {
		var id asn1.ObjectIdentifier
		if !list.ReadASN1ObjectIdentifier(&id) {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

func (s specimen) count(a Attribute) int {
	n := 0
	for _, p := range s.subject {
		if p.Type == a {
			n++
		}
	}
	return n
}

// lacking names the first attribute that is not there.
func (s specimen) lacking(of ...Attribute) string {
	for _, a := range of {
		if s.count(a) == 0 {
			return "the subject lacks " + string(a)
		}
	}
	return ""
}

// repeated names the first attribute that is there twice.
func (s specimen) repeated(of ...Attribute) string {
	for _, a := range of {
		if s.count(a) > 1 {
			return "the subject has " + string(a) + " twice"
		}
	}
	return ""
}

func lintPersonAttributes(s specimen) string {
	if s.count(Surname) == 0 && s.count(GivenName) == 0 {
		return "the subject has neither givenName nor surname"
	}
	return s.lacking(Country, CommonName)
}

func lintPersonSingle(s specimen) string { return s.repeated(Country, CommonName) }

func lintPseudonym(s specimen) string {
	if s.count(Attribute(oidPseudonym.String())) > 0 {
		return "a pseudonym beside the name"
	}
	return ""
}

func lintScripts(s specimen) string {
	for _, p := range s.subject {
		if mixesScripts(p.Value) {
			return string(p.Type) + " mixes scripts"
		}
	}
	return ""
}

func lintPersonIdentifier(s specimen) string {
	if found := s.repeated(SerialNumber); found != "" {
		return found
	}
	value := s.subject.Value(SerialNumber)
	if strings.Contains(value, "-") && !hasNaturalForm(value) {
		return value + " looks like an identifier of §5.1.3 and is none"
	}
	return s.lacking(SerialNumber) // without it two people of one name cannot be told apart
}

func lintTypeA(s specimen) string { return s.usage(x509.KeyUsageContentCommitment) }

func lintTypeC(s specimen) string { return s.usage(x509.KeyUsageDigitalSignature) }

func lintTypeE(s specimen) string {
	if _, ec := s.cert.PublicKey.(*ecdsa.PublicKey); ec {
		return s.usage(x509.KeyUsageKeyAgreement)
	}
	return s.usage(x509.KeyUsageKeyEncipherment)
}

func (s specimen) usage(want x509.KeyUsage) string {
	if s.cert.KeyUsage != want {
		return "key usage " + strings.Join(keyUsageNames(s.cert.KeyUsage), " ")
	}
	return ""
}

// purposes says whether the extended usages hold the one needed and, beside it, at most the others.
func (s specimen) purposes(needed ExtendedUsage, others ...ExtendedUsage) string {
	found := false
	for _, got := range s.usages {
		switch {
		case got.Equal(needed.oid()):
			found = true
		case !slices.ContainsFunc(others, func(o ExtendedUsage) bool { return got.Equal(o.oid()) }):
			return "a purpose that does not belong here: " + got.String()
		}
	}
	if !found {
		return string(needed) + " is missing"
	}
	return ""
}

func lintSigningPurpose(s specimen) string { return s.purposes(DocumentSigning, EmailProtection) }

func lintClientPurpose(s specimen) string { return s.purposes(ClientAuth) }

func lintMailbox(s specimen) string {
	if len(s.cert.EmailAddresses) == 0 {
		return "no rfc822Name"
	}
	return s.purposes(EmailProtection)
}

func lintBodyAttributes(s specimen) string {
	return s.lacking(Country, Organization, OrganizationIdentifier, CommonName)
}

func lintBodySingle(s specimen) string {
	return s.repeated(Country, Organization, OrganizationIdentifier, CommonName)
}

func lintNoPerson(s specimen) string {
	for _, a := range []Attribute{Surname, GivenName, Title, SerialNumber, Attribute(oidPseudonym.String())} {
		if s.count(a) > 0 {
			return "a legal person's subject has " + string(a)
		}
	}
	return ""
}

func lintBodyIdentifier(s specimen) string {
	value := s.subject.Value(OrganizationIdentifier)
	if nipc, ok := strings.CutPrefix(value, "VATPT-"); !ok || !isTaxNumber(nipc) {
		return fmt.Sprintf("organizationIdentifier %q is not VATPT- and a NIPC", value)
	}
	return ""
}

func lintWebNames(s specimen) string {
	switch c := s.cert; {
	case len(c.DNSNames) == 0:
		return "no dNSName"
	case len(c.EmailAddresses)+len(c.IPAddresses)+len(c.URIs) > 0:
		return "a name of another kind beside the dNSNames"
	case s.count(CommonName) > 0 && !slices.Contains(c.DNSNames, s.subject.Value(CommonName)):
		return "a CN that is none of the dNSNames"
	}
	return ""
}

func lintWebPurpose(s specimen) string { return s.purposes(ServerAuth, ClientAuth) }

func lintWebPlace(s specimen) string {
	return s.lacking(Country, Locality, Organization, OrganizationIdentifier)
}

// The longest lives that outsiders' rules allow, both ends counted.
const (
	maxWebLife       = 200 * 24 * time.Hour
	maxResponderLife = 184 * 24 * time.Hour // half a year
)

// life is how long a certificate lasts, its last second too (RFC 5280 §4.1.2.5).
func (s specimen) life() time.Duration { return s.cert.NotAfter.Sub(s.cert.NotBefore) + time.Second }

func lintWebValidity(s specimen) string {
	if s.life() > maxWebLife {
		return "lasts " + s.life().String()
	}
	return ""
}

func lintCompliance(s specimen) string {
	if _, said := s.statement(oidQcCompliance); said != s.qualified {
		return fmt.Sprintf("QcCompliance is said: %t", said)
	}
	return ""
}

func lintType(s specimen) string {
	info, said := s.statement(oidQcType)
	if !said {
		if s.qualified {
			return "QcType is missing"
		}
		return ""
	}
	want := map[string]asn1.ObjectIdentifier{"P1": oidQcTypeSign, "P1b": oidQcTypeSign, "P4": oidQcTypeSeal, "P4b": oidQcTypeSeal, "P5b": oidQcTypeWeb}[s.product]
	if ids, ok := identifiers(info); !ok || len(ids) != 1 || !ids[0].Equal(want) {
		return fmt.Sprintf("QcType %v", ids)
	}
	return ""
}

// lintSSCD: a website's key is never in a QSCD, nor is one of which nobody can say it; and the policy that promises the
// device goes with the statement (EN 319 411-2 §5.3).
func lintSSCD(s specimen) string {
	_, said := s.statement(oidQcSSCD)
	if said && (slices.Contains([]string{"P1b", "P4b", "P5b"}, s.product) || !s.qualified) {
		return "QcSSCD is said"
	}
	promised := slices.ContainsFunc(s.cert.PolicyIdentifiers, func(p asn1.ObjectIdentifier) bool {
		return p.Equal(policyQCPnQSCD) || p.Equal(policyQCPlQSCD)
	})
	if said != promised {
		return fmt.Sprintf("QcSSCD is said: %t; the policy promises a QSCD: %t", said, promised)
	}
	return ""
}

var policyQCPlQSCD = asn1.ObjectIdentifier{0, 4, 0, 194112, 1, 3}

func lintLegislation(s specimen) string {
	if _, said := s.statement(oidLegislation); said {
		return "QcCClegislation is said"
	}
	return ""
}

func lintDisclosure(s specimen) string {
	info, said := s.statement(oidQcPDS)
	if !said {
		return ""
	}
	var list cryptobyte.String
	if !info.ReadASN1(&list, cbasn1.SEQUENCE) || !info.Empty() {
		return "QcPDS cannot be read"
	}
	languages := map[string]bool{}
	for !list.Empty() {
		var one, address, language cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1(&address, cbasn1.IA5String) ||
			!one.ReadASN1(&language, cbasn1.PrintableString) || !one.Empty() {
			return "QcPDS cannot be read"
		}
		if !isURL(string(address), "https") || len(language) != 2 || languages[string(language)] {
			return fmt.Sprintf("QcPDS %q %q", address, language)
		}
		languages[string(language)] = true
	}
	if !languages["en"] {
		return "QcPDS without English"
	}
	return ""
}

func lintSemantics(s specimen) string {
	info, said := s.statement(oidSemantics)
	if !said {
		return ""
	}
	ids, ok := identifiers(info)
	switch {
	case !ok || len(ids) != 1:
		return "the semantics cannot be read"
	case strings.HasPrefix(s.product, "P1"):
		if !ids[0].Equal(oidNatural) || !hasNaturalForm(s.subject.Value(SerialNumber)) {
			return "the semantics are not those of the serialNumber"
		}
	case !ids[0].Equal(oidLegal):
		return "the semantics are not those of the organizationIdentifier"
	}
	return ""
}

func lintOnce(s specimen) string {
	for i, one := range s.said {
		if slices.ContainsFunc(s.said[:i], func(r readStatement) bool { return r.id.Equal(one.id) }) {
			return one.id.String() + " is said twice"
		}
	}
	return ""
}

func lintNoStatements(s specimen) string {
	if len(s.said) > 0 {
		return "qcStatements in what is not qualified"
	}
	return ""
}

func lintResponderPurpose(s specimen) string { return s.purposes(OCSPSigning) }

func lintResponderUnasked(s specimen) string {
	c := s.cert
	e, ok := extension(c.Extensions, oidNoCheck)
	switch {
	case !ok || e.Critical || !bytes.Equal(e.Value, asn1.NullBytes):
		return "ocsp-nocheck is absent, critical or not NULL"
	case len(c.OCSPServer)+len(c.CRLDistributionPoints) > 0:
		return "an address to ask about the one who answers"
	}
	return ""
}

func lintResponderLife(s specimen) string {
	if s.life() > maxResponderLife {
		return "lasts " + s.life().String()
	}
	return ""
}
