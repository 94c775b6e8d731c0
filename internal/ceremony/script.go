package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// Script is what shall happen in a ceremony, as it is read out before those who are there.
type Script struct {
	At      portal.Pos
	Name    string   `yaml:"ceremony"` // lower-case letters, digits, hyphens; the script's file has it
	Body    string   `yaml:"body"`     // who holds the ceremony
	Place   string   `yaml:"place"`
	Address string   `yaml:"address"` // plain http, under which lists, issuers and status are; certificates carry it
	CPS     string   `yaml:"cps"`     // of the practice statement; empty for none yet
	People  []Person `yaml:"people"`
	Needed  int      `yaml:"needed"` // custodians who open the keys together: m of n
	Keys    Store    `yaml:"keys"`

	Qualified Qualified `yaml:"qualified"` // left out for authorities that carry TESTE

	Authorities []Authority `yaml:"authorities"`
	// Algorithm is that of the keys that the instance makes by itself below them: responders, unit, seals.
	Algorithm string `yaml:"algorithm"`
	Unit      Unit   `yaml:"unit"`
	Seals     []Seal `yaml:"seals"`
	Steps     []Step `yaml:"steps"`

	digest  string      // SHA-256 of the file
	earlier []Authority // of the ceremonies that were held here before
	file    string
}

// Person is somebody who is there.
type Person struct {
	At     portal.Pos
	Name   string `yaml:"name"`
	Role   string `yaml:"role"`
	Office string `yaml:"office"`
}

// The roles. Each person has one: who keeps a share does not witness that it was kept.
const (
	administrator = "administrator" // works the machine
	custodian     = "custodian"     // keeps a share of what opens the keys
	witness       = "witness"
	auditor       = "auditor"
)

// Store says where the keys are.
type Store struct {
	At      portal.Pos
	Kind    string `yaml:"store"`          // files or pkcs11
	Library string `yaml:"pkcs11_library"` // of the hardware module
	Token   string `yaml:"pkcs11_token"`
	Serial  string `yaml:"pkcs11_serial"`
}

// The kinds of store.
const (
	inFiles  = "files"
	inModule = "pkcs11"
)

// Authority is one that is made here, or certified, or taken from elsewhere.
type Authority struct {
	At           portal.Pos
	Name         string   `yaml:"name"` // of its key, and in addresses
	Kind         string   `yaml:"kind"` // root or issuing
	Issuer       string   `yaml:"issuer"`
	Organization string   `yaml:"organization"`
	Unit         string   `yaml:"unit"`
	CommonName   string   `yaml:"common_name"`
	Algorithm    string   `yaml:"algorithm"`
	Years        int      `yaml:"years"`    // of validity; at most the profile's
	Online       bool     `yaml:"online"`   // the instance that takes it on has its key
	Profiles     []string `yaml:"profiles"` // what it issues; none for whatever no other does
	Responder    string   `yaml:"responder"`
	Ahead        int      `yaml:"responders_ahead"` // how many responders are certified, each for a quarter, where the authority is offline
}

// The kinds of authority.
const (
	root    = "root"
	issuing = "issuing"
)

// Unit is the unit of time stamps of the instance.
type Unit struct {
	At           portal.Pos
	Name         string `yaml:"name"`
	Organization string `yaml:"organization"`
	Number       string `yaml:"number"` // NIPC
	CommonName   string `yaml:"common_name"`
}

// Seal is that of a portal's body.
type Seal struct {
	At         portal.Pos
	Portal     string `yaml:"portal"`
	Body       string `yaml:"body"`
	Number     string `yaml:"number"` // NIPC
	CommonName string `yaml:"common_name"`
}

// Step is one thing that is done.
type Step struct {
	At     portal.Pos
	Do     string `yaml:"do"`
	Of     string `yaml:"of"`     // an authority, or NAME-ocsp for its responders
	By     string `yaml:"by"`     // the authority that signs
	SHA256 string `yaml:"sha256"` // of what comes in, where it is known beforehand
	Reason string `yaml:"reason"` // of a revocation
	Days   int    `yaml:"days"`   // that a list is good for
}

// The verbs of steps.
const (
	doConvene  = "convene"   // those who are there say so, and the script is fixed
	doCustody  = "custody"   // what opens the keys is made and shared
	doKey      = "key"       // a key is made
	doRequest  = "request"   // a key request goes out
	doCertify  = "certify"   // a certificate is signed: a root's own, one below it, or a cross-certificate
	doTake     = "take"      // a certificate comes in
	doRevoke   = "revoke"    // a certificate is revoked; it is on the next list
	doList     = "list"      // a revocation list is signed
	doTakeList = "take-list" // a revocation list comes in
	doEnd      = "end"       // an authority ends, with its last list where its key is here
	doDestroy  = "destroy"   // the key of an ended authority is destroyed
	doClose    = "close"     // the minutes are printed
)

func verbs() []string {
	return []string{doConvene, doCustody, doKey, doRequest, doCertify, doTake, doRevoke, doList, doTakeList, doEnd, doDestroy, doClose}
}

// responders stands behind an authority's name in that of its responders.
const responders = "-ocsp"

// mostAhead is two years of quarters: a responder that cannot be revoked is made for no longer (RFC 6960 §4.2.2.2.1).
const mostAhead = 8

// ParseScript reads a script. All mistakes are told at once, each with its line.
func ParseScript(file string, data []byte) (*Script, error) {
	s := Script{file: file}
	wrong := portal.Decode(file, data, &s)
	if len(wrong) == 0 {
		s.check(&wrong)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	sum := sha256.Sum256(data)
	s.digest = hex.EncodeToString(sum[:])
	return &s, nil
}

// mistakes gathers what is wrong.
type mistakes struct{ all *portal.Mistakes }

func (m mistakes) unless(ok bool, at portal.Pos, format string, args ...any) {
	if !ok {
		*m.all = append(*m.all, portal.Mistake{Pos: at, What: fmt.Sprintf(format, args...)})
	}
}

// check judges what can be judged without the earlier ceremonies.
func (s *Script) check(wrong *portal.Mistakes) {
	m := mistakes{wrong}
	m.unless(nameForm.MatchString(s.Name), s.At, "ceremony %q is no name: lower-case letters, digits and hyphens", s.Name)
	m.unless(s.Body != "" && s.Place != "", s.At, "body and place say who holds the ceremony, and where")
	m.unless(isPlainHTTP(s.Address), s.At, "address %q is not a plain http address, such as http://pki.exemplo.pt/pki (RFC 5280 §4.2.2.1)", s.Address)
	_, err := s.Qualified.trust()
	m.unless(err == nil, s.Qualified.At, "qualified: %v", err)
	s.checkPeople(m)
	s.checkKeys(m)
	for i, a := range s.Authorities {
		a.check(m)
		marked := strings.Contains(a.CommonName, issuance.TestMark)
		m.unless(marked || s.Qualified.declared(), a.At, "common_name lacks %s, which an authority carries that is not proven qualified; qualified declares otherwise", issuance.TestMark)
		m.unless(!marked || !s.Qualified.declared(), a.At, "common_name has %s, which an authority that is declared qualified does not carry", issuance.TestMark)
		twice := slices.ContainsFunc(s.Authorities[:i], func(b Authority) bool { return a.Name == b.Name || a.CommonName == b.CommonName })
		m.unless(!twice, a.At, "two authorities are called %s or %s", a.Name, a.CommonName)
	}
	m.unless(s.Algorithm == "" || admitted(s.Algorithm), s.At, "algorithm %q is not admitted; expected one of %v", s.Algorithm, issuance.Algorithms())
	m.unless(len(s.Steps) > 1 && s.Steps[0].Do == doConvene && s.Steps[len(s.Steps)-1].Do == doClose, s.At, "the steps begin with %s and end with %s", doConvene, doClose)
	for i, one := range s.Steps {
		one.check(m)
		m.unless(i == 0 || one.Do != doConvene, one.At, "%s comes once, first", doConvene)
		m.unless(i == len(s.Steps)-1 || one.Do != doClose, one.At, "%s comes once, last", doClose)
	}
}

// Qualified declares that the authorities are to be qualified ones: their names do not say TESTE, and an instance issues
// by them only when the trusted list proves it.
type Qualified struct {
	At      portal.Pos
	List    string `yaml:"trusted_list_url"` // https address of the list that will name them
	Arc     string `yaml:"policy_arc"`       // the operator's own, for certificate policies
	English string `yaml:"disclosure_en"`    // https address of the PKI disclosure statement
}

// trust is what the script's certificates may claim, before anything is proven: a name without TESTE, and policies of the
// operator's own. A ceremony certifies no holder.
func (s *Script) trust() issuance.Trust {
	trust, err := s.Qualified.trust()
	if err != nil {
		return issuance.Trust{} // the script was refused
	}
	return trust
}

func (q Qualified) declared() bool { return q.List+q.Arc+q.English != "" }

func (q Qualified) trust() (issuance.Trust, error) {
	if !q.declared() {
		return issuance.Trust{}, nil
	}
	arc, err := issuance.ParseArc(q.Arc)
	if err != nil {
		return issuance.Trust{}, err
	}
	return issuance.Qualified(issuance.Proof{TrustedList: q.List, PolicyArc: arc, PDS: map[string]string{"en": q.English}})
}

func isPlainHTTP(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && u.Host != "" && u.User == nil && u.RawQuery == "" && !strings.HasSuffix(address, "/")
}

func admitted(a string) bool { return slices.Contains(issuance.Algorithms(), issuance.Algorithm(a)) }

// checkPeople: at least two open the keys, and somebody else sees it (ETSI EN 319 411-1, GEN-6.5.1: dual control,
// documented roles; the auditor or a witness is independent of those who do it).
func (s *Script) checkPeople(m mistakes) {
	count := map[string]int{}
	seen := map[string]bool{}
	for _, p := range s.People {
		m.unless(slices.Contains([]string{administrator, custodian, witness, auditor}, p.Role), p.At, "role %q; expected administrator, custodian, witness or auditor", p.Role)
		m.unless(p.Name != "" && strings.TrimSpace(p.Name) == p.Name && fileName(p.Name) != "", p.At, "a person has a name")
		m.unless(!seen[fileName(p.Name)], p.At, "%s is there twice; each person has one role", p.Name)
		seen[fileName(p.Name)] = true
		count[p.Role]++
	}
	m.unless(count[administrator] >= 1 && count[witness] >= 1 && count[auditor] >= 1, s.At, "people: at least one administrator, one witness and one auditor")
	m.unless(s.Needed >= 2 && s.Needed <= count[custodian], s.At, "needed is %d of %d custodians; at least two, and no more than there are", s.Needed, count[custodian])
	m.unless(count[custodian] <= 255, s.At, "more than 255 custodians")
}

func (s *Script) checkKeys(m mistakes) {
	switch s.Keys.Kind {
	case inFiles:
		m.unless(s.Keys.Library == "" && s.Keys.Token == "" && s.Keys.Serial == "", s.Keys.At, "keys in files have no library and no token")
	case inModule:
		m.unless(s.Keys.Library != "" && s.Keys.Token != "", s.Keys.At, "keys in a module want pkcs11_library and pkcs11_token")
	default:
		m.unless(false, s.At, "keys: store %q; expected files or pkcs11", s.Keys.Kind)
	}
}

func (a Authority) check(m mistakes) {
	m.unless(nameForm.MatchString(a.Name) && len(a.Name) <= 60 && !strings.HasSuffix(a.Name, responders), a.At, "name %q: lower-case letters, digits and hyphens, at most 60, and not ending in %s", a.Name, responders)
	m.unless(a.Kind == root || a.Kind == issuing, a.At, "kind %q; expected root or issuing", a.Kind)
	m.unless(admitted(a.Algorithm), a.At, "algorithm %q is not admitted; expected one of %v", a.Algorithm, issuance.Algorithms())
	m.unless(a.Responder != "", a.At, "responder is the common name of the authority's OCSP responder")
	m.unless((a.Kind == root) == (a.Issuer == ""), a.At, "issuer is the root that certifies an issuing authority; a root has none")
	m.unless(a.Kind == issuing || len(a.Profiles) == 0, a.At, "profiles are what an issuing authority issues")
	m.unless(a.Ahead >= 0 && a.Ahead <= mostAhead && (a.Ahead == 0 || !a.Online), a.At, "responders_ahead is at most %d, and only where the authority is offline", mostAhead)
	for _, key := range a.Profiles {
		p, err := issuance.ProfileOf(key)
		m.unless(err == nil && p.IssuedBy == issuance.ByIssuing, a.At, "profile %q is none that an issuing authority issues", key)
	}
	p, err := issuance.ProfileOf(a.profile())
	if err != nil {
		return
	}
	m.unless(a.Years >= 1 && a.Years <= p.Validity.Years, a.At, "years is %d; from 1 to %d", a.Years, p.Validity.Years)
	_, err = p.Name(a.values())
	m.unless(err == nil, a.At, "the name cannot stand in a certificate: %v", err)
}

func (a Authority) profile() string {
	if a.Kind == root {
		return issuance.RootCA
	}
	return issuance.IssuingCA
}

func (a Authority) values() map[issuance.Attribute]string {
	return map[issuance.Attribute]string{
		issuance.Country: "PT", issuance.Organization: a.Organization, issuance.Unit: a.Unit, issuance.CommonName: a.CommonName,
	}
}

func (one Step) check(m mistakes) {
	m.unless(slices.Contains(verbs(), one.Do), one.At, "do %q; expected one of %s", one.Do, strings.Join(verbs(), ", "))
	ofOne := slices.Contains([]string{doKey, doRequest, doCertify, doTake, doRevoke, doList, doTakeList, doEnd, doDestroy}, one.Do)
	m.unless(ofOne == (one.Of != ""), one.At, "%s: of names what it is done to, where it is done to something", one.Do)
	signs := slices.Contains([]string{doCertify, doTake, doRevoke}, one.Do)
	m.unless(signs == (one.By != ""), one.At, "%s: by names the authority that signs it, where one does", one.Do)
	m.unless(one.SHA256 == "" || slices.Contains([]string{doCertify, doTake, doTakeList}, one.Do) && isDigest(one.SHA256), one.At, "sha256 is 64 hexadecimal digits of what comes in")
	_, known := reasons()[one.Reason]
	m.unless((one.Reason == "" || known) && (one.Do == doRevoke) == (one.Reason != "") || one.Do == doEnd, one.At, "reason of a revocation; expected superseded, cessation, compromise or unspecified")
	_, ends := endReasons()[one.Reason]
	m.unless(one.Do != doEnd || one.Reason == "" || ends, one.At, "reason why an ending authority's certificates are revoked; expected superseded, cessation or unspecified, or none where nothing of it is in force")
	m.unless(one.Days >= 0 && one.Days <= mostListDays && (one.Days == 0 || one.Do == doList), one.At, "days that a list is good for: at most %d", mostListDays)
}

// mostListDays is a year, for the lists of an offline root (ETSI EN 319 411-1, CSS-6.3.9-12).
const mostListDays = 365

// reasons are why an authority's certificate may be revoked.
func reasons() map[string]issuance.Reason {
	return map[string]issuance.Reason{
		"superseded": issuance.Superseded, "cessation": issuance.CessationOfOperation, "compromise": issuance.CACompromise, "unspecified": issuance.Unspecified,
	}
}

// endReasons are why what an authority issued may be revoked with its end: nobody's key was compromised.
func endReasons() map[string]issuance.Reason {
	all := reasons()
	delete(all, "compromise")
	return all
}

func isDigest(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size && strings.ToLower(text) == text
}

// standOn takes over the authorities of an earlier ceremony of the same directory.
func (s *Script) standOn(earlier *Script) error {
	for _, a := range earlier.Authorities {
		if _, known := s.authority(a.Name); known {
			return fmt.Errorf("%s: %s was made in the ceremony %s; a later one names it without describing it again", s.file, a.Name, earlier.Name)
		}
		s.earlier = append(s.earlier, a)
	}
	if s.Keys.Kind != earlier.Keys.Kind || s.Keys.Token != earlier.Keys.Token {
		return fmt.Errorf("%s: the keys of this directory are in %s %s", s.file, earlier.Keys.Kind, earlier.Keys.Token)
	}
	return nil
}

// whole judges the steps against all authorities that there are.
func (s *Script) whole() error {
	var wrong portal.Mistakes
	m := mistakes{&wrong}
	for _, a := range s.Authorities {
		by, known := s.authority(a.Issuer)
		m.unless(a.Kind == root || known && by.Kind == root, a.At, "issuer %q is no root that this script or an earlier one here describes", a.Issuer)
		m.unless(!slices.ContainsFunc(s.earlier, func(b Authority) bool { return b.CommonName == a.CommonName }), a.At, "an earlier authority is called %s too", a.CommonName)
	}
	for _, one := range s.Steps {
		if _, authority := s.authority(one.Of); one.Do == doEnd || one.Do == doDestroy {
			m.unless(authority, one.At, "%s: of %q is no authority", one.Do, one.Of)
		}
		if one.Of != "" {
			_, err := s.subjects(one)
			m.unless(err == nil, one.At, "%v", err)
		}
		if one.By != "" {
			_, known := s.authority(one.By)
			m.unless(known, one.At, "by %q is no authority that this script or an earlier one here describes", one.By)
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

func (s *Script) authority(name string) (Authority, bool) {
	for _, a := range slices.Concat(s.earlier, s.Authorities) {
		if a.Name == name && name != "" {
			return a, true
		}
	}
	return Authority{}, false
}

// subject is one key that is certified.
type subject struct {
	name       string // of the key
	slot       string
	generation int64
	file       string // of its certificate, without its ending
	profile    string
	values     map[issuance.Attribute]string
	algorithm  issuance.Algorithm
	issuer     string
	years      int           // of validity; 0 for the profile's term
	after      time.Duration // from now to its beginning
	authority  Authority
}

// quarter is how long after one responder the next begins: its 90 days less ten, in which both are good.
const quarter = 80 * 24 * time.Hour

// subjects are what a step is done to: one authority, or all the responders of one.
func (s *Script) subjects(one Step) ([]subject, error) {
	if name, ok := strings.CutSuffix(one.Of, responders); ok {
		return s.responders(name)
	}
	a, known := s.authority(one.Of)
	if !known {
		return nil, fmt.Errorf("of %q is no authority that this script or an earlier one here describes", one.Of)
	}
	x := subject{
		name: a.Name, slot: a.Name, generation: 1, file: a.Name, profile: a.profile(), values: a.values(),
		algorithm: issuance.Algorithm(a.Algorithm), issuer: a.Issuer, years: a.Years, authority: a,
	}
	if a.Kind == root {
		x.issuer = a.Name
	}
	if by, _ := s.authority(one.By); one.By != "" && one.By != x.issuer { // a second certificate of that key
		if a.Kind != root || by.Kind != root {
			return nil, fmt.Errorf("%s certifies %s: only a root certifies another root across; an issuing authority's issuer is %s", one.By, a.Name, a.Issuer)
		}
		x.profile, x.issuer, x.file = issuance.CrossCA, one.By, crossName(a.Name, one.By)
		x.years = min(x.years, crossYears)
	}
	return []subject{x}, nil
}

// crossYears is the longest that a cross-certificate lasts: its profile's term.
const crossYears = 12

func crossName(of, by string) string { return of + "-por-" + by }

func (s *Script) responders(name string) ([]subject, error) {
	a, known := s.authority(name)
	if !known {
		return nil, fmt.Errorf("%q is no authority that this script or an earlier one here describes", name)
	}
	if a.Online {
		return nil, fmt.Errorf("%s is online: the instance makes its responders by itself", name)
	}
	var all []subject
	for i := range max(a.Ahead, 1) {
		n := strconv.Itoa(i + 1)
		all = append(all, subject{
			name: name + responders + "-" + n, slot: name + responders, generation: int64(i + 1), file: name + responders + "-" + n,
			profile: issuance.OCSPResponder, issuer: name, after: time.Duration(i) * quarter, authority: a, algorithm: s.below(a),
			values: map[issuance.Attribute]string{issuance.Country: "PT", issuance.Organization: a.Organization, issuance.CommonName: a.Responder},
		})
	}
	return all, nil
}

// below is the algorithm of what the instance makes by itself, and of responders.
func (s *Script) below(a Authority) issuance.Algorithm {
	if s.Algorithm != "" {
		return issuance.Algorithm(s.Algorithm)
	}
	return issuance.Algorithm(a.Algorithm)
}

// named lists the people of a role.
func (s *Script) named(role string) []Person {
	var all []Person
	for _, p := range s.People {
		if p.Role == role {
			all = append(all, p)
		}
	}
	return all
}

// fileName makes a person's name part of a file's: letters without marks are enough to tell custodians apart.
func fileName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case strings.ContainsRune("áàâã", r):
			b.WriteRune('a')
		case strings.ContainsRune("éê", r):
			b.WriteRune('e')
		case r == 'í':
			b.WriteRune('i')
		case strings.ContainsRune("óôõ", r):
			b.WriteRune('o')
		case r == 'ú':
			b.WriteRune('u')
		case r == 'ç':
			b.WriteRune('c')
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
