package field

import (
	"regexp"
	"strings"
)

var postalCode = regexp.MustCompile(`^[1-9][0-9]{3}-[0-9]{3}$`)

// ParsePostal reads a Portuguese postal code and gives it as 0000-000; otherwise E-CP-01.
func ParsePostal(typed string) (string, error) {
	s := strings.ReplaceAll(bare(typed, ""), "–", "-")
	if s == "" {
		return "", refuse("E-GER-01")
	}
	if len(s) == 7 && digits(s) {
		s = s[:4] + "-" + s[4:]
	}
	if !postalCode.MatchString(s) {
		return "", refuse("E-CP-01")
	}
	return s, nil
}

// Region is a postal region, told by the first digits of a postal code.
type Region string

// The postal regions. The Autonomous Regions have issuers of their own for some acts.
const (
	Lisboa       Region = "lisboa"
	ValeDoTejo   Region = "vale-do-tejo"
	BeiraLitoral Region = "beira-litoral"
	DouroMinho   Region = "entre-douro-e-minho"
	TrasOsMontes Region = "tras-os-montes"
	BeiraInt     Region = "beira-interior"
	Alentejo     Region = "alentejo"
	Algarve      Region = "algarve"
	Madeira      Region = "madeira"
	Acores       Region = "acores"
)

// postalRegions gives the first and the last four digits in use in each region.
var postalRegions = []struct {
	from, to string
	region   Region
}{
	{"1000", "1998", Lisboa}, {"2000", "2995", ValeDoTejo}, {"3000", "3995", BeiraLitoral}, {"4000", "4995", DouroMinho},
	{"5000", "5995", TrasOsMontes}, {"6000", "6995", BeiraInt}, {"7000", "7995", Alentejo}, {"8000", "8995", Algarve},
	{"9000", "9495", Madeira}, {"9500", "9995", Acores},
}

// PostalRegion tells the region of a stored postal code; false where no region uses it.
func PostalRegion(stored string) (Region, bool) {
	if !postalCode.MatchString(stored) {
		return "", false
	}
	for _, r := range postalRegions {
		if stored[:4] >= r.from && stored[:4] <= r.to {
			return r.region, true
		}
	}
	return "", false
}

// Autonomous says whether the region is one of the two Autonomous Regions.
func (r Region) Autonomous() bool { return r == Madeira || r == Acores }
