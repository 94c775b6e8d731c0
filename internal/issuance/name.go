package issuance

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/text/unicode/norm"
)

// Attribute is the type of one part of a distinguished name.
type Attribute string

// The attributes that our names are made of, by the short names people know them by.
const (
	Country                Attribute = "C"
	Organization           Attribute = "O"
	OrganizationIdentifier Attribute = "organizationIdentifier"
	Unit                   Attribute = "OU"
	Locality               Attribute = "L"
	Title                  Attribute = "title"
	Surname                Attribute = "SN"
	GivenName              Attribute = "GN"
	SerialNumber           Attribute = "serialNumber"
	CommonName             Attribute = "CN"
)

// Part is one attribute of a name with its value.
type Part struct {
	Type  Attribute
	Value string
}

// Name is a distinguished name: relative names in their order, one attribute in each.
//
// It is kept as parts and encoded by [Name.DER], because the standard library's pkix.Name can neither keep the order
// nor say GN, SN or organizationIdentifier.
type Name []Part

// maxValue bounds one value. RFC 5280's upper bound of 64 does not hold for O, OU and CN of natural and legal persons
// (ETSI EN 319 412-2, NAT-4.2.4-18; EN 319 412-3, LEG-4.2.1-9): names of Portuguese bodies are often longer. Where it
// does hold, the profile says so. 1,000 is ours, so that a name stays readable.
const maxValue = 1000

var attributeOIDs = map[Attribute]asn1.ObjectIdentifier{
	CommonName:             {2, 5, 4, 3},
	Surname:                {2, 5, 4, 4},
	SerialNumber:           {2, 5, 4, 5},
	Country:                {2, 5, 4, 6},
	Locality:               {2, 5, 4, 7},
	Organization:           {2, 5, 4, 10},
	Unit:                   {2, 5, 4, 11},
	Title:                  {2, 5, 4, 12},
	GivenName:              {2, 5, 4, 42},
	OrganizationIdentifier: {2, 5, 4, 97},
}

// printable says which attributes are PrintableString; RFC 5280 §4.1.2.4 and appendix A.1 ask it of C and serialNumber.
func (a Attribute) printable() bool { return a == Country || a == SerialNumber }

// Value gives the first value of an attribute, or "".
func (n Name) Value(a Attribute) string {
	for _, p := range n {
		if p.Type == a {
			return p.Value
		}
	}
	return ""
}

// String writes the name in its order for people, values escaped as RFC 4514 §2.4 does, so that a comma in a value
// can never look like a new attribute.
func (n Name) String() string {
	var b strings.Builder
	for i, p := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(p.Type) + "=" + escape(p.Value))
	}
	return b.String()
}

func escape(value string) string {
	var b strings.Builder
	last := len(value) - 1
	for i, r := range value {
		switch {
		case strings.ContainsRune(`,+"\<>;=`, r),
			r == '#' && i == 0,
			r == ' ' && (i == 0 || i == last):
			b.WriteRune('\\')
			b.WriteRune(r)
		case hidden(r):
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%02X`, c)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden says whether a rune is not seen, changes how its neighbours are seen, or is a letter in disguise (full-width
// and mathematical forms).
func hidden(r rune) bool {
	switch {
	case r == '\u2800', r >= 0xff00 && r <= 0xffef, r >= 0x1d400 && r <= 0x1d7ff,
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) || r == utf8.RuneError ||
		unicode.Is(unicode.Variation_Selector, r)
}

// checkValue refuses values that could show one name and be another: control and format characters (bidirectional
// overrides, zero-width joiners, NUL), spaces at the ends or doubled, and broken UTF-8.
func checkValue(p Part) error {
	switch {
	case p.Value == "":
		return fmt.Errorf("issuance: %s is empty", p.Type)
	case !utf8.ValidString(p.Value):
		return fmt.Errorf("issuance: %s is not UTF-8", p.Type)
	case !norm.NFC.IsNormalString(p.Value):
		return fmt.Errorf("issuance: %s is not in normal form C", p.Type)
	case utf8.RuneCountInString(p.Value) > maxValue:
		return fmt.Errorf("issuance: %s is longer than %d characters", p.Type, maxValue)
	case strings.TrimSpace(p.Value) != p.Value || strings.Contains(p.Value, "  "):
		return fmt.Errorf("issuance: %s has spaces at its ends or doubled", p.Type)
	}
	for _, r := range p.Value {
		if r >= ' ' && r < 0x7f { // of ASCII nothing between these is hidden
			continue
		}
		if hidden(r) || (unicode.IsSpace(r) && r != ' ') {
			return fmt.Errorf("issuance: %s holds the unseen character %U", p.Type, r)
		}
	}
	if mixesScripts(p.Value) {
		return fmt.Errorf("issuance: %s mixes scripts", p.Type) // EN 319 412-2, NAT-4.2.4-19: look-alike letters
	}
	if p.Type.printable() && !isPrintable(p.Value) {
		return fmt.Errorf("issuance: %s holds characters outside PrintableString", p.Type)
	}
	if p.Type == Country && (len(p.Value) != 2 || strings.ToUpper(p.Value) != p.Value) {
		return errors.New("issuance: C is not two capital letters") // ISO 3166-1 alpha-2, RFC 5280 appendix A.1
	}
	return nil
}

// mixesScripts says whether a value's letters are of more than one of the scripts whose letters look alike.
func mixesScripts(s string) bool {
	found := -1
	for _, r := range s {
		script := scriptOf(r)
		if script < 0 {
			continue
		}
		if found >= 0 && script != found {
			return true
		}
		found = script
	}
	return false
}

// lookAlikes are the scripts whose letters look like one another's; Latin, which nearly every letter is of, comes first.
var lookAlikes = [...]*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Cherokee, unicode.Coptic}

// scriptOf is the place of a letter's script among the look-alikes; -1 for what is no letter of any.
func scriptOf(r rune) int {
	if r < unicode.MaxASCII && (r|0x20 < 'a' || r|0x20 > 'z') || !unicode.IsLetter(r) {
		return -1
	}
	for i, table := range lookAlikes {
		if unicode.Is(table, r) {
			return i
		}
	}
	return -1
}

// isPrintable says whether a text keeps within PrintableString (X.680 §41.4).
func isPrintable(s string) bool {
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" '()+,-./:=?", r):
		default:
			return false
		}
	}
	return true
}

// Check says what is wrong with a name's values, if anything.
func (n Name) Check() error {
	if len(n) == 0 {
		return errors.New("issuance: the name is empty")
	}
	for _, p := range n {
		if _, ok := attributeOIDs[p.Type]; !ok {
			return fmt.Errorf("issuance: unknown attribute %q", string(p.Type))
		}
		if err := checkValue(p); err != nil {
			return err
		}
	}
	return nil
}

// DER encodes the name as an RDNSequence in its order: C and serialNumber as PrintableString, the rest as UTF8String.
func (n Name) DER() ([]byte, error) {
	if err := n.Check(); err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, p := range n {
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(attributeOIDs[p.Type])
					tag := cbasn1.UTF8String
					if p.Type.printable() {
						tag = cbasn1.PrintableString
					}
					b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.Value)) })
				})
			})
		}
	})
	return b.Bytes()
}

// ParseName reads an RDNSequence for showing and comparing. Unlike [Name.Check] it takes what other authorities
// write: unknown attributes keep their dotted number, several attributes in one relative name follow one another.
func ParseName(der []byte) (Name, error) {
	in := cryptobyte.String(der)
	var sequence cryptobyte.String
	if !in.ReadASN1(&sequence, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, errors.New("issuance: not a name")
	}
	var name Name
	for !sequence.Empty() {
		var set cryptobyte.String
		if !sequence.ReadASN1(&set, cbasn1.SET) || set.Empty() {
			return nil, errors.New("issuance: not a relative name")
		}
		for !set.Empty() {
			part, err := readPart(&set)
			if err != nil {
				return nil, err
			}
			name = append(name, part)
		}
	}
	return name, nil
}

func readPart(set *cryptobyte.String) (Part, error) {
	var pair, value cryptobyte.String
	var oid asn1.ObjectIdentifier
	var tag cbasn1.Tag
	if !set.ReadASN1(&pair, cbasn1.SEQUENCE) || !pair.ReadASN1ObjectIdentifier(&oid) ||
		!pair.ReadAnyASN1(&value, &tag) || !pair.Empty() {
		return Part{}, errors.New("issuance: not an attribute")
	}
	text := string(value)
	if tag != cbasn1.UTF8String && tag != cbasn1.PrintableString && tag != cbasn1.IA5String {
		text = fmt.Sprintf("#%X", []byte(value))
	}
	for a, known := range attributeOIDs {
		if known.Equal(oid) {
			return Part{a, text}, nil
		}
	}
	return Part{Attribute(oid.String()), text}, nil
}
