package docs_test

import (
	"encoding/asn1"
	"encoding/hex"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// goldenCertificate is what a golden file says of a profile's certificate.
type goldenCertificate struct {
	subject    []string        // attributes in their order
	strings    map[string]bool // "attribute STRINGTYPE"
	extensions map[string]bool // by its name here, whether critical
	ids        []string        // identifiers within policies, purposes, statements and access descriptions, dotted
}

// extensionNames are the RFCs' names of what openssl calls otherwise.
func extensionNames() map[string]string {
	return map[string]string{
		"X509v3 Key Usage": "keyUsage", "X509v3 Extended Key Usage": "extKeyUsage", "X509v3 Subject Key Identifier": "subjectKeyIdentifier",
		"X509v3 Authority Key Identifier": "authorityKeyIdentifier", "Authority Information Access": "authorityInfoAccess",
		"X509v3 CRL Distribution Points": "cRLDistributionPoints", "X509v3 Certificate Policies": "certificatePolicies",
		"qcStatements": "qcStatements", "X509v3 Basic Constraints": "basicConstraints", "X509v3 Subject Alternative Name": "subjectAltName",
		"OCSP No Check": "ocsp-nocheck", "X509v3 Private Key Usage Period": "privateKeyUsagePeriod",
	}
}

// readGolden reads openssl's asn1parse: in the to-be-signed part, the fifth member is the issuer, the second name the
// subject, and each OBJECT at depth 4 behind [3] an extension.
func readGolden(t *testing.T, file string) goldenCertificate {
	t.Helper()
	g := goldenCertificate{strings: map[string]bool{}, extensions: map[string]bool{}}
	line := regexp.MustCompile(`:d=(\d+) .*?(?:cons|prim): +(\S.*?) *(?::|\[HEX DUMP\]:)(.*)$`)
	part, object := 0, ""
	for _, text := range strings.Split(read(t, file), "\n") {
		if strings.Contains(text, ":d=1 ") {
			part++ // version, serial, signature, issuer, validity, subject, key, extensions
		}
		found := line.FindStringSubmatch(text)
		if found == nil || found[1] != "4" {
			continue
		}
		switch kind, value := found[2], found[3]; {
		case part == 6 && kind == "OBJECT":
			object = value
			g.subject = append(g.subject, value)
		case part == 6:
			g.strings[object+" "+kind] = true
		case part == 8 && kind == "OBJECT":
			if object = extensionNames()[value]; object == "" {
				t.Fatalf("%s: an extension without a name here: %s", file, value)
			}
			g.extensions[object] = false
		case part == 8 && kind == "BOOLEAN":
			g.extensions[object] = value == "255"
		case part == 8 && kind == "OCTET STRING":
			der, err := hex.DecodeString(value)
			if err != nil {
				t.Fatalf("%s: %s: %v", file, object, err)
			}
			g.ids = append(g.ids, identifiers(der)...)
		}
	}
	return g
}

// identifiers lists every OBJECT IDENTIFIER within DER, dotted.
func identifiers(der []byte) []string {
	var ids []string
	for len(der) > 0 {
		var one asn1.RawValue
		rest, err := asn1.Unmarshal(der, &one)
		if err != nil {
			return ids
		}
		der = rest
		var id asn1.ObjectIdentifier
		switch {
		case one.IsCompound:
			ids = append(ids, identifiers(one.Bytes)...)
		case one.Class == asn1.ClassUniversal && one.Tag == asn1.TagOID:
			if _, err := asn1.Unmarshal(one.FullBytes, &id); err == nil {
				ids = append(ids, id.String())
			}
		}
	}
	return ids
}

// sections cuts a page at its second-level headings.
func sections(text string) map[string]string {
	found := map[string]string{}
	for _, part := range strings.Split("\n"+text, "\n## ")[1:] {
		title, rest, _ := strings.Cut(part, "\n")
		found[strings.Trim(title, "`")] = rest
	}
	return found
}

// rows lists a table's rows by their cells; head is the table's first heading.
func rows(section, head string) [][]string {
	var all [][]string
	in := false
	for _, text := range strings.Split(section, "\n") {
		if !strings.HasPrefix(text, "| ") {
			in = false
			continue
		}
		cells := strings.Split(strings.Trim(text, "| "), " | ")
		switch {
		case cells[0] == head:
			in = true
		case in && cells[0] != "---":
			cells[0] = strings.Trim(cells[0], "`")
			all = append(all, cells)
		}
	}
	return all
}

// TestTheProfilesPageIsWhatIsIssued holds the page against the golden files, and each golden file against the page.
func TestTheProfilesPageIsWhatIsIssued(t *testing.T) {
	page := sections(read(t, "profiles.md"))
	common := page["What is the same in all"]
	seen := map[string]map[string]bool{}
	for _, file := range glob(t, "../internal/issuance/testdata/golden/*.txt") {
		name, _, qualified := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txt"), "-qualified")
		key := regexp.MustCompile(`-\d+$`).ReplaceAllString(name, "")
		section, ok := page[key]
		if !ok {
			t.Errorf("docs/profiles.md has no section %s", key)
			continue
		}
		g := readGolden(t, file)
		if seen[key] == nil {
			seen[key] = map[string]bool{}
		}
		holdSubject(t, file, g, rows(section, "Subject"), seen[key])
		holdExtensions(t, file, g, rows(section, "Extension"), seen[key])
		for _, id := range g.ids {
			if qualified && strings.HasPrefix(id, "1.3.6.1.4.1.99999.") { // the example's own arc
				continue
			}
			if !strings.Contains(section, "`"+id+"`") && !strings.Contains(common, "`"+id+"`") {
				t.Errorf("docs/profiles.md does not name %s, which is in %s", id, file)
			}
		}
	}
	for key, found := range seen {
		for _, row := range slices.Concat(rows(page[key], "Subject"), rows(page[key], "Extension")) {
			if !found[row[0]] && !slices.Contains(row, "optional") {
				t.Errorf("docs/profiles.md has %s of %s, which no golden file has", row[0], key)
			}
		}
	}
	if len(seen) < 10 {
		t.Fatalf("found %d profiles: this test has nothing to look for", len(seen))
	}
}

// holdSubject wants every attribute in the table, in the table's order and of its string type.
func holdSubject(t *testing.T, file string, g goldenCertificate, table [][]string, seen map[string]bool) {
	t.Helper()
	at := 0
	for _, attribute := range g.subject {
		i := slices.IndexFunc(table[min(at, len(table)):], func(row []string) bool { return row[0] == attribute })
		if i < 0 {
			t.Errorf("%s: %s is not in the page's table, or not in its order", file, attribute)
			continue
		}
		row := table[at+i]
		at += i + 1
		if !g.strings[attribute+" "+strings.ToUpper(row[1])] {
			t.Errorf("%s: %s is no %s", file, attribute, row[1])
		}
		seen[attribute] = true
	}
}

// holdExtensions wants every extension in the table, as critical as it is, and with a clause.
func holdExtensions(t *testing.T, file string, g goldenCertificate, table [][]string, seen map[string]bool) {
	t.Helper()
	for name, critical := range g.extensions {
		i := slices.IndexFunc(table, func(row []string) bool { return row[0] == name })
		if i < 0 {
			t.Errorf("%s: the page does not explain %s", file, name)
			continue
		}
		if len(table[i]) != 4 || table[i][3] == "" || (table[i][1] == "yes") != critical {
			t.Errorf("%s: %s is critical: %t; the page says %v", file, name, critical, table[i])
		}
		seen[name] = true
	}
	if len(g.extensions) < 5 || len(g.subject) < 3 {
		t.Fatalf("%s: found %v %v: this test has nothing to look for", file, g.extensions, g.subject)
	}
}
