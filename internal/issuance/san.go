package issuance

import (
	"errors"
	"slices"
	"strings"

	"chancela/internal/fault"
)

// canonicalDNS puts host names in the form they are certified in, or refuses them: lower case, A-labels, at least two
// labels, no address, sorted, each once. A wildcard is refused: the product has none.
func canonicalDNS(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if !isHostName(name) {
			return nil, fault.New(fault.Invalid, "issuance.dns-name", "name", name)
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// isHostName keeps to the preferred name syntax of RFC 1034 §3.5 with digits first (RFC 1123 §2.1); the last label is
// never all digits, so that no IPv4 address passes.
func isHostName(name string) bool {
	labels := strings.Split(name, ".")
	if len(name) > 253 || len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	if len(label) >= 4 && label[2:4] == "--" && !strings.HasPrefix(label, "xn--") { // RFC 5890 §2.3.1: reserved
		return false
	}
	return strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// canonicalEmails checks rfc822Names (RFC 5280 §4.2.1.6: ASCII mailbox): the local part is kept, the domain lowered.
func canonicalEmails(addresses []string) ([]string, error) {
	var out []string
	for _, address := range addresses {
		local, domain, ok := strings.Cut(address, "@")
		domain = strings.ToLower(domain)
		if !ok || !isLocalPart(local) || !isHostName(domain) {
			return nil, fault.New(fault.Invalid, "issuance.email-names")
		}
		out = append(out, local+"@"+domain)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// isLocalPart admits RFC 5321's dot-string, no quoting, no comments.
func isLocalPart(local string) bool {
	if local == "" || len(local) > 64 {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.Trim(atom, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~") != "" {
			return false
		}
	}
	return true
}

// checkIdentifier refuses identifiers that look like EN 319 412-1's and are not: VATPT- without a valid NIPC,
// or a natural person's scheme without its country and reference.
func checkIdentifier(p Part) error {
	switch p.Type {
	case OrganizationIdentifier:
		nipc, ok := strings.CutPrefix(p.Value, "VATPT-") // EN 319 412-1 §5.1.4; Portugal's bodies have a NIPC
		if !ok || !isTaxNumber(nipc) {
			return errors.New("issuance: organizationIdentifier is not VATPT- and a NIPC")
		}
	case SerialNumber:
		scheme, reference, ok := strings.Cut(p.Value, "-")
		if ok && reference == "" || slices.Contains([]string{"PAS", "IDC", "PNO", "TIN", "TAX"}, scheme) {
			return errors.New("issuance: serialNumber has a scheme without country or reference") // EN 319 412-1 §5.1.3
		}
	}
	return nil
}

// isTaxNumber checks a NIF's or NIPC's nine digits and its check digit (modulo 11).
func isTaxNumber(s string) bool {
	if len(s) != 9 || strings.Trim(s, "0123456789") != "" {
		return false
	}
	sum := 0
	for i := range 8 {
		sum += int(s[i]-'0') * (9 - i)
	}
	check := 11 - sum%11
	if check >= 10 {
		check = 0
	}
	return int(s[8]-'0') == check
}

// BodyIdentifier writes the organizationIdentifier of the body with a NIPC.
func BodyIdentifier(nipc string) string { return "VATPT-" + nipc }
