package issuance

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// stampRead is a time stamp as the lints read it, from its bytes alone.
type stampRead struct {
	version      int // of SignedData
	content      []byte
	certificates [][]byte
	issuer       []byte // of the signer's certificate, DER
	serial       *big.Int
	attributes   []byte // as they are signed
	values       map[string]cryptobyte.String

	policy    asn1.ObjectIdentifier
	imprint   []byte
	number    *big.Int
	time      string
	at        time.Time
	accuracy  time.Duration
	ordering  bool
	nonce     *big.Int
	authority []byte // the tsa field's name
	more      bool   // extensions
}

type stampLint struct {
	name  string
	cites string
	check func(u Unsigned, s stampRead) string
}

func stampLints() []stampLint {
	return []stampLint{
		{"ours_tst_imprint", "RFC 3161 §2.4.2: the same value as in the request", lintStampImprint},
		{"ours_tst_policy", "RFC 3161 §2.4.2; EN 319 421 §5.2", lintStampPolicy},
		{"ours_tst_serial", "RFC 3161 §2.4.2: at most 160 bits, unique", lintStampSerial},
		{"ours_tst_time", "RFC 3161 §2.4.2; EN 319 421 §7.6.7", lintStampTime},
		{"ours_tst_accuracy", "EN 319 422 §5.2; EN 319 421 §7.7.2", lintStampAccuracy},
		{"ours_tst_ordering", "EN 319 422 §5.2", lintStampOrdering},
		{"ours_tst_nonce", "RFC 3161 §2.4.2: the same value as in the request", lintStampNonce},
		{"ours_tst_name", "RFC 3161 §2.4.2: a name of the certificate", lintStampName},
		{"ours_tst_extensions", "EN 319 422 §5.2: none of ours", lintStampExtensions},
		{"ours_tst_form", "RFC 3161 §2.4.2; RFC 5652 §5.1", lintStampForm},
		{"ours_tst_attributes", "RFC 5652 §5.3, §11.1 to §11.3; RFC 3161 §2.4.2", lintStampAttributes},
		{"ours_tst_signing_certificate", "RFC 5816 §2.2.1; RFC 5035 §3", lintStampCertificate},
		{"ours_tst_certificates", "RFC 3161 §2.4.1: if asked for, and only then", lintStampCertificates},
		{"ours_tst_unit", "RFC 3161 §2.3", lintStampUnit},
	}
}

// examineStamp reads the whole response, around a signature that is none, and lints it: what the attributes do not
// hold, they hold the digest of.
func examineStamp(u Unsigned) (Report, error) {
	report := Report{}
	whole, err := u.stamp.response(u.tbs, make([]byte, u.stamp.message.Suite.Longest))
	if err != nil {
		return report, err
	}
	s, err := readStamp(whole)
	if err != nil {
		report.note("ours_tst_readable", "RFC 3161 §2.4.2", err.Error())
		return report, nil
	}
	for _, l := range stampLints() {
		report.note(l.name, l.cites, l.check(u, s))
	}
	return report, nil
}

// errStamp says that bytes are no time stamp of the form that we make.
var errStamp = errors.New("issuance: not a time stamp of our form")

// readStamp reads a TimeStampResp that grants a stamp, strictly: the form that we make, and no other.
func readStamp(der []byte) (stampRead, error) {
	in := cryptobyte.String(der)
	var s stampRead
	var whole, status, info, wrapped, signed cryptobyte.String
	var granted = -1
	var kind asn1.ObjectIdentifier
	if !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !in.Empty() ||
		!whole.ReadASN1(&status, cbasn1.SEQUENCE) || !status.ReadASN1Integer(&granted) || !status.Empty() || granted != 0 ||
		!whole.ReadASN1(&info, cbasn1.SEQUENCE) || !whole.Empty() ||
		!info.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}) ||
		!info.ReadASN1(&wrapped, tag(0)) || !info.Empty() ||
		!wrapped.ReadASN1(&signed, cbasn1.SEQUENCE) || !wrapped.Empty() || !s.readSigned(signed) || !s.readInfo() {
		return stampRead{}, errStamp
	}
	return s, nil
}

// readSigned reads a SignedData of one signer.
func (s *stampRead) readSigned(in cryptobyte.String) bool {
	var algorithms, content, octets, certificates, signers, signer cryptobyte.String
	var kind asn1.ObjectIdentifier
	var brought bool
	if !in.ReadASN1Integer(&s.version) || !in.ReadASN1(&algorithms, cbasn1.SET) ||
		!in.ReadASN1(&content, cbasn1.SEQUENCE) || !content.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(oidTSTInfo) ||
		!content.ReadASN1(&octets, tag(0)) || !content.Empty() ||
		!octets.ReadASN1Bytes(&s.content, cbasn1.OCTET_STRING) || !octets.Empty() ||
		!in.ReadOptionalASN1(&certificates, &brought, tag(0)) ||
		!in.ReadASN1(&signers, cbasn1.SET) || !in.Empty() ||
		!signers.ReadASN1(&signer, cbasn1.SEQUENCE) || !signers.Empty() {
		return false
	}
	for !certificates.Empty() {
		var one cryptobyte.String
		if !certificates.ReadASN1Element(&one, cbasn1.SEQUENCE) {
			return false
		}
		s.certificates = append(s.certificates, one)
	}
	return s.readSigner(signer)
}

func (s *stampRead) readSigner(in cryptobyte.String) bool {
	var version int
	var id, issuer, digest, attributes, algorithm, signature cryptobyte.String
	s.serial = new(big.Int)
	if !in.ReadASN1Integer(&version) || version != 1 ||
		!in.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !id.ReadASN1Integer(s.serial) || !id.Empty() ||
		!in.ReadASN1(&digest, cbasn1.SEQUENCE) || !in.ReadASN1Element(&attributes, tag(0)) ||
		!in.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !in.ReadASN1(&signature, cbasn1.OCTET_STRING) || !in.Empty() {
		return false
	}
	s.issuer = issuer
	s.attributes = bytes.Clone(attributes)
	s.attributes[0] = byte(cbasn1.SET) // RFC 5652 §5.4: signed under its own tag
	return s.readAttributes(s.attributes)
}

// readAttributes keeps each attribute's one value; one that is there twice is no form of ours.
func (s *stampRead) readAttributes(in cryptobyte.String) bool {
	var set cryptobyte.String
	s.values = map[string]cryptobyte.String{}
	if !in.ReadASN1(&set, cbasn1.SET) {
		return false
	}
	for !set.Empty() {
		var one, values cryptobyte.String
		var id asn1.ObjectIdentifier
		if !set.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&id) || !one.ReadASN1(&values, cbasn1.SET) || !one.Empty() {
			return false
		}
		if _, twice := s.values[id.String()]; twice {
			return false
		}
		s.values[id.String()] = values
	}
	return true
}

// readInfo reads the TSTInfo.
func (s *stampRead) readInfo() bool {
	in := cryptobyte.String(s.content)
	var whole, imprint, at, accuracy, name, directory, extensions cryptobyte.String
	var version, seconds int
	var exact, named bool
	s.number = new(big.Int)
	if !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !in.Empty() ||
		!whole.ReadASN1Integer(&version) || version != 1 || !whole.ReadASN1ObjectIdentifier(&s.policy) ||
		!whole.ReadASN1Element(&imprint, cbasn1.SEQUENCE) || !whole.ReadASN1Integer(s.number) ||
		!whole.ReadASN1(&at, cbasn1.GeneralizedTime) || !whole.ReadOptionalASN1(&accuracy, &exact, cbasn1.SEQUENCE) {
		return false
	}
	if exact && (!accuracy.ReadASN1Integer(&seconds) || !accuracy.Empty()) {
		return false
	}
	if whole.PeekASN1Tag(cbasn1.BOOLEAN) && !whole.ReadASN1Boolean(&s.ordering) {
		return false
	}
	if whole.PeekASN1Tag(cbasn1.INTEGER) {
		s.nonce = new(big.Int)
		if !whole.ReadASN1Integer(s.nonce) {
			return false
		}
	}
	if !whole.ReadOptionalASN1(&name, &named, tag(0)) || !whole.ReadOptionalASN1(&extensions, &s.more, tag(1)) || !whole.Empty() {
		return false
	}
	if named && (!name.ReadASN1(&directory, tag(4)) || !name.Empty()) {
		return false
	}
	var err error
	s.imprint, s.time, s.accuracy, s.authority = imprint, string(at), time.Duration(seconds)*time.Second, directory
	s.at, err = time.Parse("20060102150405.999Z", s.time) // takes a fraction, and none
	return err == nil
}

func lintStampImprint(u Unsigned, s stampRead) string {
	asked := cryptobyte.String(s.imprint)
	r, err := readImprint(&asked)
	switch {
	case err != nil:
		return err.Error()
	case !bytes.Equal(s.imprint, u.stamp.request.imprint) || !bytes.Equal(r.Digest, u.stamp.request.Digest) || r.Hash != u.stamp.request.Hash:
		return "the imprint is not the one that was asked about"
	}
	return ""
}

func lintStampPolicy(u Unsigned, s stampRead) string {
	asked := u.stamp.request.Policy
	switch {
	case !slices.ContainsFunc(u.issuer.trust.StampPolicies(), s.policy.Equal):
		return "policy " + s.policy.String() + " is none of this instance's"
	case asked != nil && !asked.Equal(s.policy):
		return "policy " + s.policy.String() + " is not the one that was asked for"
	}
	return ""
}

func lintStampSerial(_ Unsigned, s stampRead) string {
	if s.number.Sign() <= 0 || s.number.BitLen() <= 64 || s.number.BitLen() > 160 {
		return fmt.Sprintf("serial number of %d bits", s.number.BitLen())
	}
	return ""
}

func lintStampTime(u Unsigned, s stampRead) string {
	switch {
	case s.time != stampTime(s.at):
		return s.time + " is not written as DER has it"
	case !u.stamp.unit.signsAt(s.at):
		return "the unit's key does not sign at " + s.time
	}
	return ""
}

func lintStampAccuracy(_ Unsigned, s stampRead) string {
	if s.accuracy != StampAccuracy {
		return fmt.Sprintf("accuracy %s", s.accuracy)
	}
	return ""
}

func lintStampOrdering(_ Unsigned, s stampRead) string {
	if s.ordering {
		return "ordering is promised"
	}
	return ""
}

func lintStampNonce(u Unsigned, s stampRead) string {
	asked := u.stamp.request.Nonce
	if (asked == nil) != (s.nonce == nil) || asked != nil && asked.Cmp(s.nonce) != 0 {
		return "the nonce is not the one that was sent"
	}
	return ""
}

func lintStampName(u Unsigned, s stampRead) string {
	if !bytes.Equal(s.authority, u.stamp.unit.certificate.RawSubject) {
		return "the tsa field is not the certificate's subject"
	}
	return ""
}

func lintStampExtensions(_ Unsigned, s stampRead) string {
	if s.more {
		return "there are extensions"
	}
	return ""
}

func lintStampForm(u Unsigned, s stampRead) string {
	c := u.stamp.unit.certificate
	switch {
	case s.version != 3: // RFC 5652 §5.1: the content is not id-data
		return fmt.Sprintf("SignedData of version %d", s.version)
	case !bytes.Equal(s.issuer, c.RawIssuer) || s.serial.Cmp(c.SerialNumber) != 0:
		return "the signer is not the unit"
	case !bytes.Equal(s.attributes, u.tbs):
		return "the attributes are not those to be signed"
	}
	return ""
}

func lintStampAttributes(u Unsigned, s stampRead) string {
	var kind asn1.ObjectIdentifier
	var digest []byte
	var at time.Time
	contentType, messageDigest, signingTime := s.values["1.2.840.113549.1.9.3"], s.values["1.2.840.113549.1.9.4"], s.values[oidSigningTime.String()]
	switch {
	case len(s.values) != 4:
		return fmt.Sprintf("%d attributes", len(s.values))
	case !contentType.ReadASN1ObjectIdentifier(&kind) || !contentType.Empty() || !kind.Equal(oidTSTInfo):
		return "content-type is not id-ct-TSTInfo"
	case !messageDigest.ReadASN1Bytes(&digest, cbasn1.OCTET_STRING) || !messageDigest.Empty() || !bytes.Equal(digest, u.stamp.message.Suite.Sum(s.content)):
		return "message-digest is not that of the content"
	case !signingTime.ReadASN1UTCTime(&at) || !signingTime.Empty() || !at.Equal(s.at.Truncate(time.Second)):
		return "signing-time is not the stamp's time"
	}
	return ""
}

// lintStampCertificate: a verifier must not be able to take another certificate for the unit's (attack line: verifier
// takes another certificate), so its digest is signed.
func lintStampCertificate(u Unsigned, s stampRead) string {
	value := s.values["1.2.840.113549.1.9.16.2.47"]
	var outer, list, one, algorithm, digest cryptobyte.String
	var given bool
	if !value.ReadASN1(&outer, cbasn1.SEQUENCE) || !value.Empty() || !outer.ReadASN1(&list, cbasn1.SEQUENCE) || !outer.Empty() ||
		!list.ReadASN1(&one, cbasn1.SEQUENCE) || !list.Empty() || !one.ReadOptionalASN1(&algorithm, &given, cbasn1.SEQUENCE) ||
		!one.ReadASN1(&digest, cbasn1.OCTET_STRING) || !one.Empty() {
		return "signing-certificate-v2 is absent or not of one certificate"
	}
	id := oidSHA256
	if given && (!algorithm.ReadASN1ObjectIdentifier(&id) || !algorithm.Empty()) {
		return "the hash of signing-certificate-v2 cannot be read"
	}
	hash := imprintHash(id)
	if hash == 0 || given && hash == crypto.SHA256 { // a default that is written out
		return "the hash of signing-certificate-v2 is not as it must be"
	}
	sum := hash.New()
	sum.Write(u.stamp.unit.certificate.Raw)
	if !bytes.Equal(digest, sum.Sum(nil)) {
		return "signing-certificate-v2 is not of the unit's certificate"
	}
	return ""
}

func lintStampCertificates(u Unsigned, s stampRead) string {
	has := slices.ContainsFunc(s.certificates, func(der []byte) bool { return bytes.Equal(der, u.stamp.unit.certificate.Raw) })
	switch {
	case !u.stamp.request.Chain && len(s.certificates) > 0:
		return "certificates that nobody asked for"
	case u.stamp.request.Chain && !has:
		return "the unit's certificate is not there"
	}
	return ""
}

func lintStampUnit(u Unsigned, _ stampRead) string {
	c := u.stamp.unit.certificate
	e, _ := extension(c.Extensions, asn1.ObjectIdentifier{2, 5, 29, 37})
	var usages []asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(e.Value, &usages)
	if err != nil || len(rest) > 0 || !e.Critical || len(usages) != 1 || !usages[0].Equal(StampsTime.oid()) {
		return "the unit's certificate is not for time stamps alone"
	}
	return ""
}
