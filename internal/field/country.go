package field

import (
	"strings"

	"chancela/internal/i18n"
)

// countryWords is how the keys of countries' names begin in the dictionaries; their list is the list of ISO 3166-1.
const countryWords = "country."

// ParseCountry reads an ISO 3166-1 alpha-2 code.
func ParseCountry(typed string) (string, error) {
	s := strings.ToUpper(trim(typed))
	if s == "" {
		return "", refuse("E-GER-01")
	}
	if _, known := i18n.Word(countryWords + s); !known || len(s) != 2 {
		return "", refuse("E-LST-01")
	}
	return s, nil
}

// Countries lists the codes of all countries, by code; for a page, sort them by what [Show] calls them.
func Countries() []string {
	var codes []string
	for _, key := range i18n.Keys() {
		if code, ok := strings.CutPrefix(key, countryWords); ok {
			codes = append(codes, code)
		}
	}
	return codes
}
