package issuance

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"chancela/internal/fault"

	"golang.org/x/text/unicode/norm"
)

// The keys of the profiles; a portal's procedures name them in their data.
const (
	RootCA               = "root-ca"
	IssuingCA            = "issuing-ca"
	CrossCA              = "cross-ca"              // a root's key and name, certified by another root
	OCSPResponder        = "ocsp-responder"        // P8
	PersonAuthentication = "person-authentication" // P2
	Seal                 = "seal"                  // P4: the key is in a QSCD
	Website              = "website"               // P5a
	TimeStamping         = "time-stamping"         // P7

	PersonSignature         = "person-signature"          // P1: the key is in the holder's QSCD
	PersonSignatureSoftware = "person-signature-software" // P1b: the key is anywhere else
	PersonEncryption        = "person-encryption"         // P3
	SealSoftware            = "seal-software"             // P4b: the key is anywhere else
	QWAC                    = "qwac"                      // P5b
	Application             = "application"               // P6
)

// Profile is a kind of certificate: everything in it that is not the subject's, the key's or the moment's.
//
// A profile never changes in place: what officers approved names a version, so a change is a new version beside the
// old one (attack line: different content under one approval).
type Profile struct {
	Key     string
	Version int
	Product string // P1 … P8 in the certificate policy, "" for authorities

	IssuedBy Place                 // who may sign it
	Subject  []SubjectRule         // relative names in their order
	DNS      Presence              // dNSName in the subject alternative name
	Email    Presence              // rfc822Name there
	Validity Term                  // the longest it may last; an order's end date may shorten it
	Backdate time.Duration         // how far before the moment it begins, for clocks that are late
	Keys     []Algorithm           // the subject's keys; nil for what requests may hold (see [CheckKey])
	KeyUsage x509.KeyUsage         // critical, always
	UsageEC  x509.KeyUsage         // instead of KeyUsage where the subject's key is an EC key; 0 for the same
	Extended []ExtendedUsage       // extended key usage, not critical but where Sole says so
	Policy   int                   // last number of our own policy identifier; 0 for anyPolicy, see anyPolicy
	ETSI     asn1.ObjectIdentifier // said only by a qualified instance
	ETSIQSCD asn1.ObjectIdentifier // instead of ETSI where the subjects' keys are in a QSCD; nil for none
	QC       []Statement           // those that may only be said when qualified are left out otherwise

	Authority  bool // basicConstraints CA:TRUE
	PathLen    int  // for an authority; -1 for none
	Revocation bool // carries authority information access and CRL distribution points
	NoCheck    bool // carries ocsp-nocheck
	Sole       bool // its one extended key usage is critical: the key does nothing else
	KeyPeriod  Term // privateKeyUsagePeriod: how long the key signs, where that is less than the certificate lasts
}

// Place says which authority a profile is issued by.
type Place string

// The places.
const (
	BySelf    Place = "self"
	ByRoot    Place = "root"
	ByIssuing Place = "issuing"
	ByAny     Place = "any" // root or issuing
)

// Presence says whether something may or must be there.
type Presence string

// The presences. The zero value is Absent.
const (
	Absent   Presence = ""
	Optional Presence = "optional"
	Required Presence = "required"
)

// SubjectRule is one place in a profile's subject.
type SubjectRule struct {
	Type     Attribute
	Presence Presence
	Max      int // characters; 0 where the 64 of RFC 5280 do not hold (NAT-4.2.4-18, LEG-4.2.1-9)
}

// Term is a length of validity in calendar years or in days.
type Term struct {
	Years int
	Days  int
}

// ExtendedUsage is an extended key usage.
type ExtendedUsage string

// The extended key usages in use.
const (
	ClientAuth      ExtendedUsage = "clientAuth"
	ServerAuth      ExtendedUsage = "serverAuth"
	DocumentSigning ExtendedUsage = "documentSigning" // RFC 9336
	EmailProtection ExtendedUsage = "emailProtection"
	OCSPSigning     ExtendedUsage = "OCSPSigning"
	StampsTime      ExtendedUsage = "timeStamping"
)

func (e ExtendedUsage) oid() asn1.ObjectIdentifier {
	switch e {
	case ServerAuth:
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	case ClientAuth:
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	case EmailProtection:
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}
	case StampsTime:
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
	case OCSPSigning:
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9}
	case DocumentSigning:
		return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}
	}
	return nil
}

// bound64 is RFC 5280's upper bound of most name attributes (appendix A.1, ub-common-name and its like).
const bound64 = 64

// bodySubject begins the subject of whatever belongs to a body: EN 319 412-3, LEG-4.2.1-2 to -5.
func bodySubject(more ...SubjectRule) []SubjectRule {
	return append([]SubjectRule{
		{Country, Required, 2},
		{Organization, Required, 0},
		{OrganizationIdentifier, Required, bound64}, // VATPT-<NIPC>: EN 319 412-1 §5.1.4
	}, more...)
}

// Profiles lists every version of every profile that this program can issue.
func Profiles() []Profile { return slices.Clone(profiles()) }

// profiles is the list itself, made once: every certificate asks for its profile several times. Nobody changes it.
var profiles = sync.OnceValue(func() []Profile {
	return append(holderProfiles(), []Profile{
		{
			Key: RootCA, Version: 1, IssuedBy: BySelf,
			Subject:  []SubjectRule{{Country, Required, 2}, {Organization, Required, bound64}, {Unit, Optional, bound64}, {CommonName, Required, bound64}},
			Validity: Term{Years: 24},                              // as ECRaizEstado 002
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, // RFC 5280 §4.2.1.3
			Keys:     []Algorithm{ECP256, ECP384, ECP521, RSA3072, RSA4096},
			Policy:   anyPolicy, Authority: true, PathLen: -1, // no pathLenConstraint, no extended key usage
		},
		{
			Key: IssuingCA, Version: 1, IssuedBy: ByRoot,
			Subject:  []SubjectRule{{Country, Required, 2}, {Organization, Required, bound64}, {Unit, Optional, bound64}, {CommonName, Required, bound64}},
			Validity: Term{Years: 12}, // as the SCEE's subordinate authorities
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
			Keys:     []Algorithm{ECP256, ECP384, ECP521, RSA3072, RSA4096},
			Policy:   anyPolicy, Authority: true, PathLen: 0, Revocation: true,
		},
		{
			Key: OCSPResponder, Version: 1, Product: "P8", IssuedBy: ByAny,
			Subject:  []SubjectRule{{Country, Required, 2}, {Organization, Required, bound64}, {CommonName, Required, bound64}},
			Validity: Term{Days: 90}, // short, since nobody can ask whether it is revoked: RFC 6960 §4.2.2.2.1
			Backdate: time.Hour,
			KeyUsage: x509.KeyUsageDigitalSignature,
			Keys:     []Algorithm{ECP256, ECP384, ECP521, RSA3072, RSA4096},
			Extended: []ExtendedUsage{OCSPSigning},
			Policy:   8, NoCheck: true, // no AIA, no CDP: EN 319 412-2, GEN-4.3.11-1A and GEN-4.4.1-1
		},
		{
			Key: PersonAuthentication, Version: 1, Product: "P2", IssuedBy: ByIssuing,
			Subject: bodySubject( // EN 319 412-2 §4.2.4; a natural person associated with a legal person
				SubjectRule{Unit, Optional, 0},
				SubjectRule{Title, Optional, bound64},
				SubjectRule{Surname, Required, bound64},
				SubjectRule{GivenName, Required, bound64},
				SubjectRule{SerialNumber, Required, bound64},
				SubjectRule{CommonName, Required, 0},
			),
			Email:      Optional,
			Validity:   Term{Years: 3},                // and never past the end of the function
			KeyUsage:   x509.KeyUsageDigitalSignature, // type C: EN 319 412-2, NAT-4.3.2-1
			Extended:   []ExtendedUsage{ClientAuth},
			Policy:     2,
			ETSI:       asn1.ObjectIdentifier{0, 4, 0, 2042, 1, 1}, // NCP: the key is the holder's own software key
			Revocation: true,
		},
		{
			Key: Seal, Version: 1, Product: "P4", IssuedBy: ByIssuing,
			Subject:  bodySubject(SubjectRule{CommonName, Required, 0}), // no personal attributes
			Validity: Term{Years: 3},
			KeyUsage: x509.KeyUsageContentCommitment, // type A, preferred: EN 319 412-2, NAT-4.3.2-3
			// RFC 9336, and beside it the only purpose by which NSS, and so pdfsig, lets a certificate sign documents.
			Extended:   []ExtendedUsage{DocumentSigning, EmailProtection},
			Policy:     4,
			ETSI:       asn1.ObjectIdentifier{0, 4, 0, 194112, 1, 1}, // QCP-l
			ETSIQSCD:   asn1.ObjectIdentifier{0, 4, 0, 194112, 1, 3}, // QCP-l-qscd
			QC:         []Statement{SemanticsLegal, QcCompliance, QcSSCD, QcPDS, QcTypeSeal},
			Revocation: true,
		},
		{
			Key: Website, Version: 1, Product: "P5a", IssuedBy: ByIssuing,
			// L before O: the order of the Baseline Requirements §7.1.4.2; no CN, names stand in the SAN.
			Subject: []SubjectRule{
				{Country, Required, 2}, {Locality, Optional, 128}, {Organization, Required, bound64},
				{OrganizationIdentifier, Required, bound64},
			},
			DNS:        Required,
			Validity:   Term{Days: 199}, // the Baseline Requirements' cap of 200 days from 2026-03-15, less one
			Backdate:   time.Hour,
			KeyUsage:   x509.KeyUsageDigitalSignature,
			Extended:   []ExtendedUsage{ServerAuth},
			Policy:     5, // no ETSI policy: private trust, not Baseline Requirements
			Revocation: true,
		},
		stampProfile(),
		crossProfile(),
	}...)
})

func crossProfile() Profile {
	return Profile{
		// RFC 5280 §3.2: issuer and subject are different authorities. By it whoever trusts the one root reaches what
		// stands below the other, such as the holders of old software after a rollover of the root (RFC 4210 §4.4).
		Key: CrossCA, Version: 1, IssuedBy: ByRoot,
		Subject:  []SubjectRule{{Country, Required, 2}, {Organization, Required, bound64}, {Unit, Optional, bound64}, {CommonName, Required, bound64}},
		Validity: Term{Years: 12},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		Keys:     []Algorithm{ECP256, ECP384, ECP521, RSA3072, RSA4096},
		// One authority below the root that is certified, which its own certificate bounds to holders: §4.2.1.9.
		Policy: anyPolicy, Authority: true, PathLen: 1, Revocation: true,
	}
}

// anyPolicy marks a profile whose policy is anyPolicy (2.5.29.32.0), for authorities.
const anyPolicy = 0

// ProfileOf gives the version in force of a profile: the highest.
func ProfileOf(key string) (Profile, error) {
	var found *Profile
	all := profiles()
	for i := range all {
		if p := &all[i]; p.Key == key && (found == nil || p.Version > found.Version) {
			found = p
		}
	}
	if found == nil {
		return Profile{}, fmt.Errorf("issuance: no profile %q", key)
	}
	return *found, nil
}

// profileAt gives exactly the version that was approved.
func profileAt(key string, version int) (Profile, error) {
	all := profiles()
	for i := range all {
		if all[i].Key == key && all[i].Version == version {
			return all[i], nil
		}
	}
	return Profile{}, fmt.Errorf("issuance: no version %d of profile %q", version, key)
}

// Name puts a subject's values in the profile's order and in normal form C. Values that are missing, not of this profile, too long or not
// showable are refused (fault Invalid, all of them at once); empty ones count as missing.
func (p Profile) Name(values map[Attribute]string) (Name, error) {
	var name Name
	var problems []fault.Field
	for _, rule := range p.Subject {
		value := norm.NFC.String(values[rule.Type])
		if value == "" {
			if rule.Presence == Required {
				problems = append(problems, subjectProblem("issuance.subject-missing", rule.Type))
			}
			continue
		}
		name = append(name, Part{rule.Type, value})
	}
	for a, value := range values {
		if value != "" && !slices.ContainsFunc(p.Subject, func(r SubjectRule) bool { return r.Type == a }) {
			problems = append(problems, subjectProblem("issuance.subject-foreign", a))
		}
	}
	problems = append(problems, p.nameProblems(name)...)
	if err := fault.Fields(problems); err != nil {
		return nil, err
	}
	return name, nil
}

func subjectProblem(key string, a Attribute) fault.Field {
	return fault.Field{Key: key, Args: fault.Pairs("attribute", string(a))}
}

// nameProblems says what is wrong with a name under this profile: order, presence, lengths, characters.
func (p Profile) nameProblems(name Name) []fault.Field {
	var problems []fault.Field
	at := 0
	for _, part := range name {
		i := slices.IndexFunc(p.Subject[at:], func(r SubjectRule) bool { return r.Type == part.Type })
		if i < 0 {
			problems = append(problems, subjectProblem("issuance.subject-foreign", part.Type))
			continue
		}
		rule := p.Subject[at+i]
		at += i + 1
		if rule.Max > 0 && utf8.RuneCountInString(part.Value) > rule.Max {
			f := subjectProblem("issuance.subject-long", part.Type)
			f.Args["max"] = strconv.Itoa(rule.Max)
			problems = append(problems, f)
		}
		if checkValue(part) != nil || checkIdentifier(part) != nil {
			problems = append(problems, subjectProblem("issuance.subject-value", part.Type))
		}
	}
	for _, rule := range p.Subject {
		if rule.Presence == Required && name.Value(rule.Type) == "" {
			problems = append(problems, subjectProblem("issuance.subject-missing", rule.Type))
		}
	}
	return slices.CompactFunc(problems, func(a, b fault.Field) bool {
		return a.Key == b.Key && a.Args["attribute"] == b.Args["attribute"]
	})
}

// maxDNSNames is the product's limit on one website certificate.
const maxDNSNames = 100

// Order makes the order of a certificate of this profile. The subject comes from [Profile.Name]; the names are put in
// canonical form; until, if not zero, is the day the right behind the certificate ends.
func (p Profile) Order(subject Name, dns, emails []string, key Key, until time.Time) (Order, error) {
	o := Order{
		Profile: p.Key, Version: p.Version, Subject: slices.Clone(subject), PublicKey: slices.Clone(key.DER),
		Validity: ValidityRule{Term: p.Validity},
	}
	if !until.IsZero() {
		o.Validity.Until = until.UTC().Truncate(time.Second)
	}
	var err error
	if o.DNSNames, err = canonicalDNS(dns); err != nil {
		return Order{}, err
	}
	if o.Emails, err = canonicalEmails(emails); err != nil {
		return Order{}, err
	}
	if o.read, err = p.check(o); err != nil {
		return Order{}, err
	}
	return o, nil
}

// check says whether an order keeps to its profile: everything but serial and time.
// It gives the key, checked.
func (p Profile) check(o Order) (Key, error) {
	if err := p.checkNames(o); err != nil {
		return Key{}, err
	}
	key, err := o.Key()
	if err != nil {
		return Key{}, err
	}
	if !bytes.Equal(key.DER, o.PublicKey) {
		return Key{}, errors.New("issuance: the order's key is not in its one encoding")
	}
	if p.Keys != nil && !slices.Contains(p.Keys, key.Algorithm) {
		return Key{}, weakKey()
	}
	return key, nil
}

// checkNames is what of an order does not need its key.
func (p Profile) checkNames(o Order) error {
	if problems := p.nameProblems(o.Subject); len(problems) > 0 {
		return fault.Fields(problems)
	}
	if !admits(p.DNS, len(o.DNSNames)) || len(o.DNSNames) > maxDNSNames {
		return fault.New(fault.Invalid, "issuance.dns-names", "max", strconv.Itoa(maxDNSNames))
	}
	if !admits(p.Email, len(o.Emails)) || len(o.Emails) > 1 {
		return fault.New(fault.Invalid, "issuance.email-names")
	}
	if o.Validity.Term != p.Validity {
		return fmt.Errorf("issuance: the order's term is not that of profile %s", p.Key)
	}
	return nil
}

func admits(p Presence, n int) bool {
	switch p {
	case Required:
		return n > 0
	case Optional:
		return true
	}
	return n == 0
}
