// Package trustlist reads a Member State's trusted list (ETSI TS 119 612) and says what it proves of an authority: that
// its service is a qualified one, and for which kinds of certificate (eIDAS, article 22).
//
// A list is foreign bytes until its signature is verified by a certificate that the operator has pinned; what is read is
// what was signed, and nothing else of the file. The signature is the work of a library; this package only narrows what
// the library would take: one signature, at the top, over the whole, with no hash that nobody may rely on.
//
// It must never take a list for a proof that is expired, that somebody else signed, or that says of the key anything but
// granted. Start reading at [Read], then [List.Proves].
package trustlist

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// List is what a trusted list says, once its signature was verified.
type List struct {
	Territory  string // of the scheme: PT
	Sequence   int
	Issued     time.Time
	NextUpdate time.Time // until when it is good
	services   []service
}

// Kind is what qualified certificates are for, as a list tells them apart (TS 119 612, §5.5.9.4).
type Kind string

// The kinds, by the addresses that lists have for them.
const (
	Signatures Kind = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForeSignatures"
	Seals      Kind = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForeSeals"
	Websites   Kind = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForWebSiteAuthentication"
)

// Bounds of what is read: the largest national lists have a few megabytes, and are ten elements deep or so.
const (
	MostBytes = 32 << 20
	mostDepth = 64
)

const (
	typeEU      = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric" // TS 119 612, §5.3.3
	typeCAQC    = "http://uri.etsi.org/TrstSvc/Svctype/CA/QC"                 // §5.5.1.1
	granted     = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted" // §5.5.4
	namespace   = "http://uri.etsi.org/02231/v2#"                             // of lists
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
)

// service is one that issues certificates, of any standing.
type service struct {
	status string
	since  time.Time
	certs  []*x509.Certificate
	keyIDs [][]byte
	kinds  []Kind
}

// Read verifies a list by the certificates that may sign it, and reads it. It must be in force at that moment.
func Read(data []byte, signers []*x509.Certificate, now time.Time) (List, error) {
	if len(data) > MostBytes {
		return List{}, fmt.Errorf("trusted list: longer than %d bytes", MostBytes)
	}
	if err := plain(data); err != nil {
		return List{}, fmt.Errorf("trusted list: %w", err)
	}
	signed, err := verified(data, signers, now)
	if err != nil {
		return List{}, fmt.Errorf("trusted list: %w", err)
	}
	l, err := parse(signed)
	if err != nil {
		return List{}, fmt.Errorf("trusted list: %w", err)
	}
	return l, l.inForce(now)
}

func (l List) inForce(now time.Time) error {
	if !now.Before(l.NextUpdate) {
		return fmt.Errorf("trusted list: its next update was due on %s", l.NextUpdate.UTC().Format(time.RFC3339))
	}
	if now.Before(l.Issued) {
		return fmt.Errorf("trusted list: it is issued on %s, which is to come", l.Issued.UTC().Format(time.RFC3339))
	}
	return nil
}

// plain refuses what no list needs and a parser may be brought down by: a document type, entities of its own, depth.
func plain(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.Directive:
			return errors.New("it has a document type, which no list has")
		case xml.StartElement:
			if depth++; depth > mostDepth {
				return fmt.Errorf("deeper than %d elements", mostDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
}

// verified gives the bytes that one of the certificates signed.
func verified(data []byte, signers []*x509.Certificate, now time.Time) ([]byte, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, err
	}
	root := doc.Root()
	if root == nil || root.Tag != "TrustServiceStatusList" || root.NamespaceURI() != namespace {
		return nil, errors.New("it is no list of ETSI TS 119 612")
	}
	signature, err := oneSignature(root)
	if err != nil {
		return nil, err
	}
	if err := asLibrary(signature); err != nil {
		return nil, err
	}
	v := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: signers})
	v.IdAttribute = "Id"
	v.Clock = dsig.NewFakeClockAt(now)
	signed, err := v.Validate(root)
	if err != nil {
		return nil, fmt.Errorf("its signature: %w", err)
	}
	out := etree.NewDocument()
	out.SetRoot(signed)
	return out.WriteToBytes()
}

// oneSignature wants one signature, directly below the top, over the whole document, with hashes of today
// (TS 119 612, §5.7.1, and annex B: enveloped, exclusive canonicalisation).
func oneSignature(root *etree.Element) (*etree.Element, error) {
	var found []*etree.Element
	each(root, func(e *etree.Element) {
		if e.Tag == "Signature" && e.NamespaceURI() == nsSignature {
			found = append(found, e)
		}
	})
	if len(found) != 1 || found[0].Parent() != root {
		return nil, fmt.Errorf("it has %d signatures; a list has one, at its end", len(found))
	}
	info := found[0].FindElements("./SignedInfo")
	if len(info) != 1 {
		return nil, errors.New("its signature has no SignedInfo")
	}
	wholes := 0
	for _, ref := range info[0].SelectElements("Reference") {
		uri := ref.SelectAttrValue("URI", "?")
		if uri == "" || uri == "#"+root.SelectAttrValue("Id", "?") {
			wholes++
		}
		if d := ref.SelectElement("DigestMethod"); d == nil || !slices.Contains(digests(), d.SelectAttrValue("Algorithm", "")) {
			return nil, errors.New("its signature uses a hash that nobody may rely on")
		}
	}
	if m := info[0].SelectElement("SignatureMethod"); m == nil || !slices.Contains(methods(), m.SelectAttrValue("Algorithm", "")) {
		return nil, errors.New("its signature uses an algorithm that nobody may rely on")
	}
	if wholes != 1 {
		return nil, errors.New("its signature is not over the whole list")
	}
	return found[0], nil
}

// asLibrary writes the value of an ECDSA signature as the library reads it. XML has the two numbers side by side (RFC 4051
// §2.3.6), the library wants them in ASN.1; the value itself is not among what is signed.
func asLibrary(signature *etree.Element) error {
	method := signature.FindElement("./SignedInfo/SignatureMethod").SelectAttrValue("Algorithm", "")
	values := signature.SelectElements("SignatureValue")
	if len(values) != 1 {
		return errors.New("its signature has no value, or several")
	}
	raw, err := decode(values[0].Text())
	if err != nil {
		return err
	}
	if strings.Contains(method, "#ecdsa-") {
		if len(raw) == 0 || len(raw)%2 != 0 {
			return errors.New("its signature has a value of no even length")
		}
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1BigInt(new(big.Int).SetBytes(raw[:len(raw)/2]))
			b.AddASN1BigInt(new(big.Int).SetBytes(raw[len(raw)/2:]))
		})
		if raw, err = b.Bytes(); err != nil {
			return err
		}
	}
	values[0].SetText(base64.StdEncoding.EncodeToString(raw)) // without its line breaks
	return nil
}

// digests and methods are those of ETSI TS 119 312 that the library knows; SHA-1 is none.
func digests() []string {
	return []string{"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512"}
}

func methods() []string {
	const more = "http://www.w3.org/2001/04/xmldsig-more#"
	return []string{more + "rsa-sha256", more + "rsa-sha384", more + "rsa-sha512", more + "ecdsa-sha256", more + "ecdsa-sha384", more + "ecdsa-sha512"}
}

func each(e *etree.Element, do func(*etree.Element)) {
	do(e)
	for _, child := range e.ChildElements() {
		each(child, do)
	}
}

// document is what of a list is needed, in the namespace of lists.
type document struct {
	XMLName xml.Name `xml:"http://uri.etsi.org/02231/v2# TrustServiceStatusList"`
	Scheme  struct {
		Sequence  int    `xml:"TSLSequenceNumber"`
		Type      string `xml:"TSLType"`
		Territory string `xml:"SchemeTerritory"`
		Issued    string `xml:"ListIssueDateTime"`
		Next      string `xml:"NextUpdate>dateTime"`
	} `xml:"http://uri.etsi.org/02231/v2# SchemeInformation"`
	Services []struct {
		Type   string `xml:"ServiceTypeIdentifier"`
		Status string `xml:"ServiceStatus"`
		Since  string `xml:"StatusStartingTime"`
		IDs    []struct {
			Certificate []string `xml:"X509Certificate"`
			KeyID       []string `xml:"X509SKI"`
		} `xml:"ServiceDigitalIdentity>DigitalId"`
		Kinds []string `xml:"ServiceInformationExtensions>Extension>AdditionalServiceInformation>URI"`
	} `xml:"TrustServiceProviderList>TrustServiceProvider>TSPServices>TSPService>ServiceInformation"`
}

func parse(signed []byte) (l List, err error) {
	var d document
	if err := xml.Unmarshal(signed, &d); err != nil {
		return l, err
	}
	if strings.TrimSpace(d.Scheme.Type) != typeEU {
		return l, errors.New("it is no national list of the Union (EUgeneric)")
	}
	l.Territory, l.Sequence = strings.TrimSpace(d.Scheme.Territory), d.Scheme.Sequence
	if l.Issued, err = moment(d.Scheme.Issued); err != nil {
		return l, err
	}
	if l.NextUpdate, err = moment(d.Scheme.Next); err != nil { // a closed list has none, and proves nothing any more
		return l, err
	}
	for _, s := range d.Services {
		if strings.TrimSpace(s.Type) != typeCAQC {
			continue
		}
		one := service{status: strings.TrimSpace(s.Status)}
		if one.since, err = moment(s.Since); err != nil {
			return l, err
		}
		for _, id := range s.IDs {
			if err := one.identify(id.Certificate, id.KeyID); err != nil {
				return l, err
			}
		}
		for _, kind := range s.Kinds {
			one.kinds = append(one.kinds, Kind(strings.TrimSpace(kind)))
		}
		l.services = append(l.services, one)
	}
	return l, nil
}

func (s *service) identify(certificates, keyIDs []string) error {
	for _, text := range certificates {
		der, err := decode(text)
		if err != nil {
			return err
		}
		if cert, err := x509.ParseCertificate(der); err == nil { // others' old ones need not be to our parser's liking
			s.certs = append(s.certs, cert)
		}
	}
	for _, text := range keyIDs {
		id, err := decode(text)
		if err != nil {
			return err
		}
		s.keyIDs = append(s.keyIDs, id)
	}
	return nil
}

func decode(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}

func moment(text string) (time.Time, error) {
	return time.Parse(time.RFC3339, strings.TrimSpace(text))
}

// is says whether a service is the authority with that certificate: by its name and key, or its key's identifier
// (TS 119 612, §5.5.3).
func (s service) is(authority *x509.Certificate) bool {
	for _, cert := range s.certs {
		if bytes.Equal(cert.RawSubject, authority.RawSubject) && bytes.Equal(cert.RawSubjectPublicKeyInfo, authority.RawSubjectPublicKeyInfo) {
			return true
		}
	}
	return slices.ContainsFunc(s.keyIDs, func(id []byte) bool { return len(id) >= 20 && bytes.Equal(id, authority.SubjectKeyId) })
}

// Proves says why a list does not prove, at a moment, that an authority issues qualified certificates of a kind; nil if
// it does. With no kind, any will do. Of two entries for one key the worse one counts.
func (l List) Proves(authority *x509.Certificate, kind Kind, now time.Time) error {
	if err := l.inForce(now); err != nil {
		return err
	}
	found, good := false, false
	for _, s := range l.services {
		if !s.is(authority) {
			continue
		}
		found = true
		named := kind == "" || slices.Contains(s.kinds, kind)
		switch {
		case s.status == granted && !s.since.After(now):
			good = good || named && len(s.kinds) > 0
		case kind == "" || named || len(s.kinds) == 0:
			return fmt.Errorf("trusted list %d of %s: the service is not granted, but %s since %s", l.Sequence, l.Territory, s.status, s.since.UTC().Format(time.DateOnly))
		}
	}
	switch {
	case !found:
		return fmt.Errorf("trusted list %d of %s: no service of type CA/QC has this authority's key", l.Sequence, l.Territory)
	case !good:
		return fmt.Errorf("trusted list %d of %s: the service is not granted for %s", l.Sequence, l.Territory, kind)
	}
	return nil
}
