package field

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Lengths of an address and of its first part in octets, RFC 5321, 4.5.3.1 and RFC 3696 erratum 1690.
const (
	maxEmail = 254
	maxLocal = 64
)

// domains of addresses, links and certificates: UTS #46 mapping for look-up, the bidirectional rule, letters,
// digits and hyphens only, DNS lengths.
var lookup = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// ParseEmail reads an e-mail address strictly, and is the only reader of addresses in the program.
//
// Exactly one @; before it a dot-atom of ASCII (RFC 5322, 3.2.3: no comment, no quoted string, nothing of eight
// bits), kept as typed, plus signs included; after it a domain of two labels or more, no address literal, no
// trailing dot, stored as lower-case A-labels so that no look-alike passes for another. Anything else is E-EML-01.
func ParseEmail(typed string) (string, error) {
	s := trim(typed)
	if s == "" {
		return "", refuse("E-GER-01")
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > 4*maxEmail || strings.Contains(domain, "@") || !dotAtom(local) {
		return "", refuse("E-EML-01")
	}
	host, ok := hostName(domain)
	if !ok || len(local)+1+len(host) > maxEmail {
		return "", refuse("E-EML-01")
	}
	return local + "@" + host, nil
}

// CanonicalEmail gives the form by which an address is looked up, counted, throttled and locked, and says
// whether what was typed is an address at all.
//
// «Ana@Exemplo.pt», « ana@exemplo.pt » and the same in full-width letters are one account: white space is cut,
// compatibility forms are folded (NFKC), and the first part is compared without case, as every mail system that
// people use does. Plus signs and dots count: they are other addresses for many systems. What is no address has
// a canonical form all the same (by [Fold], cut to 254 octets, never that of an address), so that a counter
// cannot be dodged by misspelling. Mail is always sent to the stored address, never to the one typed here.
func CanonicalEmail(typed string) (canonical string, ok bool) {
	if len(typed) > MaxTyped {
		typed = typed[:MaxTyped]
	}
	s := strings.ToLower(norm.NFKC.String(strings.ToValidUTF8(typed, "")))
	if address, err := ParseEmail(s); err == nil {
		return address, true
	}
	s = Fold(s)
	if len(s) >= maxEmail {
		s = trim(strings.ToValidUTF8(s[:maxEmail-1], ""))
	}
	if _, err := ParseEmail(s); err == nil {
		return "@" + s, false // «ána@exemplo.pt» must not count against ana@exemplo.pt
	}
	return s, false
}

// EmailDomain gives the domain of a stored address.
func EmailDomain(stored string) string {
	return stored[strings.LastIndexByte(stored, '@')+1:]
}

// Under says whether a host is a domain or one of its sub-domains; both may be typed as people write them.
func Under(host, domain string) bool {
	h, okHost := hostName(host)
	d, okDomain := hostName(domain)
	return okHost && okDomain && (h == d || strings.HasSuffix(h, "."+d))
}

// dotAtom says whether s is atoms joined by single dots, RFC 5322, 3.2.3.
func dotAtom(s string) bool {
	if s == "" || len(s) > maxLocal {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if !atomByte(atom[i]) {
				return false
			}
		}
	}
	return true
}

func atomByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// hostName gives a domain as lower-case A-labels: two labels or more, the last not a number, no trailing dot.
func hostName(s string) (string, bool) {
	if s == "" || len(s) > 4*maxEmail || !utf8.ValidString(s) {
		return "", false // the mapping would give broken text a name of its own
	}
	host, err := lookup.ToASCII(s)
	if err != nil || strings.HasSuffix(host, ".") || !strings.Contains(host, ".") {
		return "", false
	}
	if again, err := lookup.ToASCII(host); err != nil || again != host {
		return "", false // a name that changes when it is read again is two names
	}
	if digits(host[strings.LastIndexByte(host, '.')+1:]) {
		return "", false // an IPv4 address, or a part of one
	}
	return host, true
}
