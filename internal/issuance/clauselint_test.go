package issuance

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"maps"
	"slices"
	"strings"
	"testing"
)

// bench makes certificates of any content, as a fault in the profiles would.
type bench struct {
	hierarchy *hierarchy
	rsa       Key
	ec        Key
}

// good prepares the certificate of a profile, which every lint is content with.
func (b bench) good(t *testing.T, profile string, key Key) Unsigned {
	t.Helper()
	if profile == OCSPResponder {
		o := order(t, OCSPResponder, map[Attribute]string{Country: "PT", Organization: "ECCE", CommonName: "OCSP 2"}, nil, nil, key)
		return must2(Prepare(o, b.hierarchy.issuing, serialOf(1), moment))(t)
	}
	for _, o := range endEntities(t, key) {
		if o.Profile == profile {
			return must2(Prepare(o, b.hierarchy.issuing, serialOf(1), moment))(t)
		}
	}
	t.Fatalf("no order of %s", profile)
	return Unsigned{}
}

// found gives the names of the clause lints that speak of a template, and of those that ran.
func (b bench) found(t *testing.T, u Unsigned) (spoke, ran []string) {
	t.Helper()
	key := must2(b.hierarchy.linter.throwawayKey(ECP256))(t)
	template := *u.template
	template.SignatureAlgorithm = key.scheme.signature
	parent := &x509.Certificate{RawSubject: u.issuer.subject, SubjectKeyId: u.issuer.keyID}
	der := must2(x509.CreateCertificate(rand.Reader, &template, parent, template.PublicKey, key.key))(t)
	report := Report{}
	runClauseLints(&report, u, must2(x509.ParseCertificate(der))(t))
	for _, f := range report.Findings {
		spoke = append(spoke, f.Lint)
		if f.Cites == "" || f.Detail == "" {
			t.Errorf("%s says nothing", f.Lint)
		}
	}
	for _, l := range clauseLints() {
		if slices.Contains(l.products, u.profile.Product) {
			ran = append(ran, l.name)
		}
	}
	return spoke, ran
}

// rename changes a subject: the values given replace those of their attribute, "" takes it away, and "+" before the value
// puts a second one behind all.
func rename(t *testing.T, u *Unsigned, a Attribute, value string) {
	t.Helper()
	name := must2(ParseName(u.template.RawSubject))(t)
	second, twice := strings.CutPrefix(value, "+")
	var out pkix.RDNSequence
	for _, p := range name {
		if p.Type == a && !twice {
			if p.Value = value; value == "" {
				continue
			}
		}
		out = append(out, pkix.RelativeDistinguishedNameSET{{Type: attributeOIDs[p.Type], Value: p.Value}})
	}
	if twice {
		oid := attributeOIDs[a]
		if oid == nil {
			oid = oidPseudonym
		}
		out = append(out, pkix.RelativeDistinguishedNameSET{{Type: oid, Value: second}})
	}
	u.template.RawSubject = must2(asn1.Marshal(out))(t)
}

// state replaces the statements: each is its identifier and what stands behind it.
func state(t *testing.T, u *Unsigned, statements ...[]byte) {
	t.Helper()
	var value []byte
	for _, s := range statements {
		value = append(value, s...)
	}
	e := pkix.Extension{Id: oidQCStatements, Value: must2(asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: value}))(t)}
	u.template.ExtraExtensions = append(slices.DeleteFunc(u.template.ExtraExtensions, func(x pkix.Extension) bool { return x.Id.Equal(oidQCStatements) }), e)
}

func statement(t *testing.T, id asn1.ObjectIdentifier, info any) []byte {
	t.Helper()
	if info == nil {
		return must2(asn1.Marshal([]asn1.ObjectIdentifier{id}))(t)
	}
	return must2(asn1.Marshal(struct {
		ID   asn1.ObjectIdentifier
		Info any
	}{id, asn1.RawValue{FullBytes: must2(asn1.Marshal(info))(t)}}))(t)
}

type pds struct {
	URL      string `asn1:"ia5"`
	Language string `asn1:"printable"`
}

// mutation is one fault, in the profile of a certificate that has no other, and the lint that names its clause.
type mutation struct {
	profile string
	lint    string
	rsa     bool
	change  func(t *testing.T, u *Unsigned)
}

func named(profile, lint string, a Attribute, value string) mutation {
	return mutation{profile: profile, lint: lint, change: func(t *testing.T, u *Unsigned) { rename(t, u, a, value) }}
}

func used(profile, lint string, usage x509.KeyUsage) mutation {
	return mutation{profile: profile, lint: lint, change: func(_ *testing.T, u *Unsigned) { u.template.KeyUsage = usage }}
}

func purposed(profile, lint string, of ...ExtendedUsage) mutation {
	return mutation{profile: profile, lint: lint, change: func(_ *testing.T, u *Unsigned) {
		u.template.UnknownExtKeyUsage = nil
		for _, e := range of {
			u.template.UnknownExtKeyUsage = append(u.template.UnknownExtKeyUsage, e.oid())
		}
	}}
}

func lasting(profile, lint string, days int) mutation {
	return mutation{profile: profile, lint: lint, change: func(_ *testing.T, u *Unsigned) { u.template.NotAfter = u.template.NotBefore.AddDate(0, 0, days) }}
}

// saying puts statements beside the ones that the profile needs, which it takes away by "without".
func saying(profile, lint string, without asn1.ObjectIdentifier, extra func(t *testing.T) []byte) mutation {
	return mutation{profile: profile, lint: lint, change: func(t *testing.T, u *Unsigned) {
		var kept [][]byte
		if i := slices.IndexFunc(u.template.ExtraExtensions, func(x pkix.Extension) bool { return x.Id.Equal(oidQCStatements) }); i >= 0 {
			var all []asn1.RawValue
			must2(asn1.Unmarshal(u.template.ExtraExtensions[i].Value, &all))(t)
			for _, one := range all {
				said, _ := readStatements(must2(asn1.Marshal([]asn1.RawValue{one}))(t))
				if !said[0].id.Equal(without) {
					kept = append(kept, one.FullBytes)
				}
			}
		}
		if extra != nil {
			kept = append(kept, extra(t))
		}
		state(t, u, kept...)
	}}
}

func says(id asn1.ObjectIdentifier, info any) func(t *testing.T) []byte {
	return func(t *testing.T) []byte { t.Helper(); return statement(t, id, info) }
}

// unidentified takes a person's identifier away, or spoils it, and with it the semantics that would be another fault.
func unidentified(profile, value string) mutation {
	return mutation{profile: profile, lint: "ours_nat_identifier", change: func(t *testing.T, u *Unsigned) {
		rename(t, u, SerialNumber, value)
		if u.profile.QC != nil {
			saying(profile, "", oidSemantics, nil).change(t, u)
		}
	}}
}

func nameMutations() []mutation {
	var all []mutation
	for _, profile := range []string{PersonSignature, PersonSignatureSoftware, PersonAuthentication, PersonEncryption} {
		all = append(all,
			named(profile, "ours_nat_attributes", CommonName, ""),
			named(profile, "ours_nat_attributes", Country, ""),
			named(profile, "ours_nat_single_attributes", CommonName, "+Outra Exemplo"),
			named(profile, "ours_nat_single_attributes", Country, "+ES"),
			named(profile, "ours_nat_no_pseudonym", "pseudonym", "+Exemplo"),
			named(profile, "ours_nat_one_script", GivenName, "Inv\u0435ntada"), // Cyrillic е
			unidentified(profile, ""),
			unidentified(profile, "IDC-00000000"),
			named(profile, "ours_body_identifier", OrganizationIdentifier, "VATPT-600000002"),
			mutation{profile, "ours_nat_attributes", false, func(t *testing.T, u *Unsigned) { rename(t, u, Surname, ""); rename(t, u, GivenName, "") }},
		)
	}
	for _, profile := range []string{Seal, SealSoftware, Application} {
		all = append(all,
			named(profile, "ours_leg_attributes", CommonName, ""),
			named(profile, "ours_leg_attributes", Organization, ""),
			named(profile, "ours_leg_single_attributes", Organization, "+Outro Município"),
			named(profile, "ours_leg_no_person", Surname, "+Exemplo"),
			named(profile, "ours_leg_no_person", Title, "+Presidente"),
			named(profile, "ours_body_identifier", OrganizationIdentifier, "500000000"),
		)
	}
	return append(all,
		named(QWAC, "ours_web_place", Locality, ""),
		named(QWAC, "ours_web_names", CommonName, "+www.exemplo.org"),
		named(Website, "ours_web_names", CommonName, "+www.exemplo.org"),
	)
}

func usageMutations() []mutation {
	signs, commits, ciphers, agrees := x509.KeyUsageDigitalSignature, x509.KeyUsageContentCommitment, x509.KeyUsageKeyEncipherment, x509.KeyUsageKeyAgreement
	encryption := used(PersonEncryption, "ours_nat_key_usage_encryption", agrees)
	encryption.rsa = true
	return []mutation{
		used(PersonSignature, "ours_nat_key_usage_signature", signs|commits), used(PersonSignatureSoftware, "ours_nat_key_usage_signature", signs),
		used(PersonAuthentication, "ours_nat_key_usage_authentication", commits), used(PersonEncryption, "ours_nat_key_usage_encryption", ciphers),
		used(PersonEncryption, "ours_nat_key_usage_encryption", agrees|signs), encryption,
		used(Seal, "ours_leg_key_usage_seal", signs), used(SealSoftware, "ours_leg_key_usage_seal", signs|commits), used(Application, "ours_leg_key_usage_application", signs|agrees),
		used(Website, "ours_web_key_usage", signs|ciphers), used(QWAC, "ours_web_key_usage", commits), used(OCSPResponder, "ours_responder_key_usage", signs|x509.KeyUsageCRLSign),
		purposed(PersonSignature, "ours_signing_purpose", EmailProtection), purposed(Seal, "ours_signing_purpose", DocumentSigning, ClientAuth), purposed(SealSoftware, "ours_signing_purpose", EmailProtection),
		purposed(PersonAuthentication, "ours_client_purpose", ClientAuth, ServerAuth), purposed(Application, "ours_client_purpose"),
		purposed(PersonEncryption, "ours_encryption_purpose", DocumentSigning), purposed(Website, "ours_web_purpose", ClientAuth),
		purposed(QWAC, "ours_web_purpose", ServerAuth, EmailProtection), purposed(OCSPResponder, "ours_responder_purpose", OCSPSigning, ServerAuth),
		lasting(Website, "ours_web_validity", 201), lasting(QWAC, "ours_web_validity", 398), lasting(OCSPResponder, "ours_responder_life", 366),
		{PersonEncryption, "ours_encryption_purpose", false, func(_ *testing.T, u *Unsigned) { u.template.EmailAddresses = nil }},
		{Website, "ours_web_names", false, func(_ *testing.T, u *Unsigned) { u.template.DNSNames = nil }},
		{QWAC, "ours_web_names", false, func(_ *testing.T, u *Unsigned) { u.template.EmailAddresses = []string{"a@exemplo.pt"} }},
		{OCSPResponder, "ours_responder_unasked", false, func(_ *testing.T, u *Unsigned) { u.template.OCSPServer = []string{addresses.OCSP} }},
		{OCSPResponder, "ours_responder_unasked", false, func(_ *testing.T, u *Unsigned) {
			u.template.ExtraExtensions = slices.DeleteFunc(u.template.ExtraExtensions, func(x pkix.Extension) bool { return x.Id.Equal(oidNoCheck) })
		}},
		{PersonSignature, "ours_readable", false, func(_ *testing.T, u *Unsigned) {
			u.template.ExtraExtensions[1].Value = []byte{0x30, 0x02, 0x30, 0x00}
		}},
	}
}

func statementMutations() []mutation {
	var all []mutation
	for profile, kind := range map[string]asn1.ObjectIdentifier{PersonSignature: oidQcTypeSeal, PersonSignatureSoftware: oidQcTypeWeb, Seal: oidQcTypeSign, SealSoftware: oidQcTypeWeb, QWAC: oidQcTypeSeal} {
		other := oidLegal
		if profile == Seal || profile == SealSoftware || profile == QWAC {
			other = oidNatural
		}
		all = append(all,
			saying(profile, "ours_qc_compliance", oidQcCompliance, nil),
			saying(profile, "ours_qc_type", oidQcType, nil),
			saying(profile, "ours_qc_type", oidQcType, says(oidQcType, []asn1.ObjectIdentifier{kind})),
			saying(profile, "ours_qc_no_legislation", nil, says(oidLegislation, []string{"PT"})),
			saying(profile, "ours_qc_disclosure", oidQcPDS, says(oidQcPDS, []pds{{"http://example.org/pds", "en"}})),
			saying(profile, "ours_qc_disclosure", oidQcPDS, says(oidQcPDS, []pds{{"https://example.org/pds", "pt"}})),
			saying(profile, "ours_qc_disclosure", oidQcPDS, says(oidQcPDS, []pds{{"https://example.org/a", "en"}, {"https://example.org/b", "en"}})),
			saying(profile, "ours_qc_semantics", oidSemantics, says(oidSemantics, []asn1.ObjectIdentifier{other})),
			saying(profile, "ours_qc_once", nil, says(oidQcCompliance, nil)),
		)
	}
	all = append(all,
		saying(PersonSignature, "ours_qc_sscd", oidQcSSCD, nil), saying(Seal, "ours_qc_sscd", oidQcSSCD, nil),
		saying(PersonSignatureSoftware, "ours_qc_sscd", nil, says(oidQcSSCD, nil)), saying(SealSoftware, "ours_qc_sscd", nil, says(oidQcSSCD, nil)), saying(QWAC, "ours_qc_sscd", nil, says(oidQcSSCD, nil)),
	)
	for _, profile := range []string{PersonAuthentication, PersonEncryption, Application, Website, OCSPResponder} {
		all = append(all, saying(profile, "ours_qc_none", nil, says(oidQcCompliance, nil)))
	}
	return all
}

// TestEachClauseIsSeenBroken breaks one clause at a time in a certificate that keeps all the others: its lint speaks, and
// no other.
func TestEachClauseIsSeenBroken(t *testing.T) {
	b := bench{hierarchy: newHierarchy(t, ECP256, moment, listed(t, "QSCD-1"))}
	_, b.ec = newKey(t, ECP256)
	_, b.rsa = newKey(t, RSA3072)
	spoken := map[string]bool{}
	for _, m := range slices.Concat(nameMutations(), usageMutations(), statementMutations()) {
		key := b.ec
		if m.rsa {
			key = b.rsa
		}
		u := b.good(t, m.profile, key)
		if spoke, ran := b.found(t, u); len(spoke) > 0 || len(ran) == 0 {
			t.Fatalf("%s as it should be: %v of %v", m.profile, spoke, ran)
		}
		m.change(t, &u)
		if spoke, _ := b.found(t, u); !slices.Equal(spoke, []string{m.lint}) {
			t.Errorf("%s for %s: found %v", m.profile, m.lint, spoke)
		}
		spoken[m.lint] = true
	}
	for _, l := range clauseLints() {
		if !spoken[l.name] {
			t.Errorf("%s was never seen to find anything", l.name)
		}
	}
}

// TestOurClausesAreHeldBeforeEverySignature: the linter itself runs them.
func TestOurClausesAreHeldBeforeEverySignature(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	_, key := newKey(t, ECP256)
	for _, o := range endEntities(t, key) {
		u := must2(Prepare(o, h.issuing, serialOf(1), moment))(t)
		u.template.KeyUsage = x509.KeyUsageDataEncipherment
		_, report, err := h.linter.Lint(u)
		if err == nil || !slices.ContainsFunc(report.Findings, func(f Finding) bool { return strings.Contains(f.Lint, "_key_usage_") || f.Lint == "ours_web_key_usage" }) {
			t.Errorf("%s: %v %+v", o.Profile, err, report.Findings)
		}
	}
}

// TestEveryProductHasClauses: whatever is issued to holders is held against a standard, not only against itself.
func TestEveryProductHasClauses(t *testing.T) {
	counts := map[string]int{}
	for _, l := range clauseLints() {
		for _, product := range l.products {
			counts[product]++
		}
		if !strings.HasPrefix(l.name, "ours_") || !strings.ContainsAny(l.cites, "0123456789") {
			t.Errorf("%s cites %q", l.name, l.cites)
		}
	}
	for _, p := range Profiles() {
		if p.Product != "" && counts[p.Product] < 4 && p.Product != "P7" {
			t.Errorf("%s has %d clauses", p.Product, counts[p.Product])
		}
		delete(counts, p.Product)
	}
	if len(counts) > 0 {
		t.Errorf("clauses of no product: %v", slices.Sorted(maps.Keys(counts)))
	}
}

func TestAnIdentifierThatIsOurOwnHasNoSemantics(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, listed(t, "QSCD-1"))
	_, key := newKey(t, ECP256)
	for value, want := range map[string]bool{"IDCPT-00000000": true, "TINPT-200000004": true, "7F3A91": false} {
		values := personValues()
		values[SerialNumber] = value
		c := must2(parse(h.issue(t, order(t, PersonSignature, values, nil, nil, key), h.issuing, h.issuingKey)))(t)
		e, _ := extension(c.Extensions, oidQCStatements)
		said, ok := readStatements(e.Value)
		if got := slices.ContainsFunc(said, func(s readStatement) bool { return s.id.Equal(oidSemantics) }); !ok || got != want {
			t.Errorf("%s: %t", value, got)
		}
	}
}

func TestAKeysKindDecidesHowItEncrypts(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	for a, want := range map[Algorithm]x509.KeyUsage{ECP256: x509.KeyUsageKeyAgreement, ECP521: x509.KeyUsageKeyAgreement, RSA3072: x509.KeyUsageKeyEncipherment} {
		_, key := newKey(t, a)
		o := order(t, PersonEncryption, personValues(), nil, []string{"inventada@exemplo.pt"}, key)
		if c := must2(parse(h.issue(t, o, h.issuing, h.issuingKey)))(t); c.KeyUsage != want {
			t.Errorf("%s: %v", a, keyUsageNames(c.KeyUsage))
		}
	}
}

// TestNoHolderOfATestInstanceClaimsAnything: the truthfulness switch, for every profile and at both its positions.
func TestNoHolderOfATestInstanceClaimsAnything(t *testing.T) {
	_, key := newKey(t, ECP256)
	claims := map[string][2]bool{ // QcCompliance, QcSSCD of a listed instance with a QSCD
		PersonSignature: {true, true}, PersonSignatureSoftware: {true, false}, Seal: {true, true}, SealSoftware: {true, false}, QWAC: {true, false},
		PersonAuthentication: {}, PersonEncryption: {}, Website: {}, Application: {},
	}
	for _, trust := range []Trust{{}, listed(t, ""), listed(t, "QSCD-1")} {
		h := newHierarchy(t, ECP256, moment, trust)
		for _, o := range endEntities(t, key) {
			c := must2(parse(h.issue(t, o, h.issuing, h.issuingKey)))(t)
			s := must2(readSpecimen(Unsigned{issuer: h.issuing}, c))(t)
			_, compliant := s.statement(oidQcCompliance)
			_, sscd := s.statement(oidQcSSCD)
			want, ok := claims[o.Profile]
			if !ok {
				t.Errorf("%s has no line here", o.Profile)
			}
			if compliant != (want[0] && trust.IsQualified()) || sscd != (want[1] && trust.proof.QSCD != "") {
				t.Errorf("%s, listed %t, QSCD %q: QcCompliance %t, QcSSCD %t", o.Profile, trust.IsQualified(), trust.proof.QSCD, compliant, sscd)
			}
			if !trust.IsQualified() && (len(c.PolicyIdentifiers) != 1 || !strings.Contains(c.Issuer.CommonName, TestMark) || !strings.HasPrefix(c.PolicyIdentifiers[0].String(), "2.999.")) {
				t.Errorf("%s: policies %v, issuer %s", o.Profile, c.PolicyIdentifiers, c.Issuer)
			}
		}
	}
}
