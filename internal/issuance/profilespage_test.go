package issuance

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTheProfilesPageSaysHowLongAndWhetherNeeded holds docs/profiles.md against what golden files cannot show: which
// attributes may be left out, how long they may be, and how long a certificate lasts.
func TestTheProfilesPageSaysHowLongAndWhetherNeeded(t *testing.T) {
	page := string(must2(os.ReadFile("../../docs/profiles.md"))(t))
	names := map[Attribute]string{
		Country: "countryName", Organization: "organizationName", OrganizationIdentifier: "organizationIdentifier", Unit: "organizationalUnitName",
		Locality: "localityName", Title: "title", Surname: "surname", GivenName: "givenName", SerialNumber: "serialNumber", CommonName: "commonName",
	}
	for _, p := range Profiles() {
		_, section, ok := strings.Cut(page, "\n## `"+p.Key+"`\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if !ok {
			t.Errorf("the page has no section %s", p.Key)
			continue
		}
		for _, rule := range p.Subject {
			kind, longest := "UTF8String", "–"
			if rule.Type.printable() {
				kind = "PrintableString"
			}
			if rule.Max > 0 {
				longest = fmt.Sprint(rule.Max)
			}
			if row := fmt.Sprintf("\n| `%s` | %s | %s | %s |", names[rule.Type], kind, rule.Presence, longest); !strings.Contains(section, row) {
				t.Errorf("%s: the page lacks %s", p.Key, row)
			}
		}
		term := fmt.Sprintf("Validity: %d years", p.Validity.Years)
		if p.Validity.Years == 0 {
			term = fmt.Sprintf("Validity: %d days", p.Validity.Days)
		} else if p.Validity.Days > 0 {
			term += fmt.Sprintf(" and %d days", p.Validity.Days)
		}
		if !strings.Contains(section, term) {
			t.Errorf("%s: the page does not say %q", p.Key, term)
		}
	}
}
