package issuance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
	"time"
)

// personSubject is a natural person associated with a legal person: EN 319 412-2, NAT-4.2.4-1 (C, givenName, surname, CN),
// with the legal person's name and identifier before it. The first name is told from the last, as the identity
// document has them (NAT-4.2.4-10 to -12).
func personSubject() []SubjectRule {
	return bodySubject(
		SubjectRule{Unit, Optional, 0},
		SubjectRule{Title, Optional, bound64},
		SubjectRule{Surname, Required, bound64},
		SubjectRule{GivenName, Required, bound64},
		SubjectRule{SerialNumber, Required, bound64}, // EN 319 412-1 §5.1.3
		SubjectRule{CommonName, Required, 0},
	)
}

// The ETSI certificate policies of holders: EN 319 411-1 §5.3 (0.4.0.2042) and EN 319 411-2 §5.3 (0.4.0.194112).
var (
	policyNCP      = asn1.ObjectIdentifier{0, 4, 0, 2042, 1, 1}
	policyQCPn     = asn1.ObjectIdentifier{0, 4, 0, 194112, 1, 0}
	policyQCPl     = asn1.ObjectIdentifier{0, 4, 0, 194112, 1, 1}
	policyQCPnQSCD = asn1.ObjectIdentifier{0, 4, 0, 194112, 1, 2}
	policyQNCPwGen = asn1.ObjectIdentifier{0, 4, 0, 194112, 1, 6}
)

// holderProfiles are those of holders that came after the first: person's signature and encryption, the seal whose key is
// nowhere proven, QWAC, application.
func holderProfiles() []Profile {
	signing := Profile{
		Key: PersonSignature, Version: 1, Product: "P1", IssuedBy: ByIssuing,
		Subject:  personSubject(),
		Validity: Term{Years: 3},                 // and never past the end of the function
		KeyUsage: x509.KeyUsageContentCommitment, // type A, preferred: EN 319 412-2, NAT-4.3.2-3
		// RFC 9336, and beside it the only purpose by which NSS, and so pdfsig, lets a certificate sign documents.
		Extended: []ExtendedUsage{DocumentSigning, EmailProtection},
		Policy:   1,
		ETSI:     policyQCPn,
		ETSIQSCD: policyQCPnQSCD,
		// EN 319 412-5, QCS-5-01 and table 2; QcCClegislation is forbidden there (QCS-4.2.4-01).
		QC:         []Statement{SemanticsNatural, QcCompliance, QcSSCD, QcPDS, QcTypeSign},
		Revocation: true,
	}
	// P1b: nobody can say where a key was made that came in a request, so this one never says QcSSCD.
	software := signing
	software.Key, software.Product, software.Policy, software.ETSIQSCD = PersonSignatureSoftware, "P1b", 10, nil
	software.QC = []Statement{SemanticsNatural, QcCompliance, QcPDS, QcTypeSign}
	return []Profile{
		signing,
		software,
		{
			Key: PersonEncryption, Version: 1, Product: "P3", IssuedBy: ByIssuing,
			Subject:    personSubject(),
			Email:      Required, // RFC 8550 §3: a mail program finds the key by it
			Validity:   Term{Years: 3},
			KeyUsage:   x509.KeyUsageKeyEncipherment, // type E: EN 319 412-2, NAT-4.3.2-1; RFC 3279 §2.3.1
			UsageEC:    x509.KeyUsageKeyAgreement,    // type E of an EC key: RFC 8813 §3
			Extended:   []ExtendedUsage{EmailProtection},
			Policy:     3,
			ETSI:       policyNCP,
			Revocation: true,
		},
		{
			// P4b: as P1b is to P1.
			Key: SealSoftware, Version: 1, Product: "P4b", IssuedBy: ByIssuing,
			Subject:    bodySubject(SubjectRule{CommonName, Required, 0}), // EN 319 412-3, LEG-4.2.1-2; no personal attributes
			Validity:   Term{Years: 3},
			KeyUsage:   x509.KeyUsageContentCommitment, // type A, preferred: EN 319 412-2, NAT-4.3.2-3
			Extended:   []ExtendedUsage{DocumentSigning, EmailProtection},
			Policy:     11,
			ETSI:       policyQCPl,
			QC:         []Statement{SemanticsLegal, QcCompliance, QcPDS, QcTypeSeal},
			Revocation: true,
		},
		{
			Key: QWAC, Version: 1, Product: "P5b", IssuedBy: ByIssuing,
			// C, L, O, organizationIdentifier: Baseline Requirements §7.1.4.2 (order) and §7.1.2.7.4 (L, there being no
			// ST); no CN (§7.1.4.3), the names stand in the SAN. EN 319 412-4, WEB-4.1.3-4.
			Subject: []SubjectRule{
				{Country, Required, 2}, {Locality, Required, 128}, {Organization, Required, bound64},
				{OrganizationIdentifier, Required, bound64},
			},
			DNS:        Required,
			Validity:   Term{Days: 199}, // Baseline Requirements §6.3.2: 200 days from 2026-03-15, less one
			Backdate:   time.Hour,
			KeyUsage:   x509.KeyUsageDigitalSignature,
			Extended:   []ExtendedUsage{ServerAuth},
			Policy:     9,
			ETSI:       policyQNCPwGen,
			QC:         []Statement{SemanticsLegal, QcCompliance, QcPDS, QcTypeWeb}, // never QcSSCD: EN 319 412-5, table 2
			Revocation: true,
		},
		{
			Key: Application, Version: 1, Product: "P6", IssuedBy: ByIssuing,
			Subject:    bodySubject(SubjectRule{CommonName, Required, 0}), // EN 319 412-3, LEG-4.2.1-2
			Validity:   Term{Years: 2},
			KeyUsage:   x509.KeyUsageDigitalSignature, // type C
			Extended:   []ExtendedUsage{ClientAuth},
			Policy:     6,
			ETSI:       policyNCP,
			Revocation: true,
		},
	}
}

// keyUsage gives the key usage for a subject's key.
func (p Profile) keyUsage(public crypto.PublicKey) x509.KeyUsage {
	if _, ec := public.(*ecdsa.PublicKey); ec && p.UsageEC != 0 {
		return p.UsageEC
	}
	return p.KeyUsage
}

// Usage says what a key is certified for, in RFC 5280's names: key usage, then extended key usages.
func (p Profile) Usage(key Key) []string {
	names := keyUsageNames(p.keyUsage(key.Public))
	for _, e := range p.Extended {
		names = append(names, string(e))
	}
	return names
}

// OfPerson says whether the profile of a key is a natural person's, whom somebody must have identified.
func OfPerson(key string) bool {
	return slices.Contains([]string{PersonAuthentication, PersonSignature, PersonSignatureSoftware, PersonEncryption}, key)
}

// NeedsDevice says whether the profile of a key promises, on an instance that may, that the subject's key is in a QSCD.
// Nothing that came in a request proves that: such a profile is never issued for one.
func NeedsDevice(key string) bool { return key == PersonSignature || key == Seal }

// hasNaturalForm says whether a serialNumber is one of EN 319 412-1 §5.1.3: three letters of a scheme, two of a country, a
// hyphen, a reference. One that the authority assigned itself is not.
func hasNaturalForm(value string) bool {
	head, reference, ok := strings.Cut(value, "-")
	if !ok || reference == "" || len(head) != 5 || strings.Trim(head[3:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return false
	}
	return slices.Contains([]string{"PAS", "IDC", "PNO", "TIN"}, head[:3])
}
