package field

import (
	"regexp"
	"strings"
)

var (
	landRegistry = regexp.MustCompile(`^[A-Za-z]{2}[0-9]+$`)
	cardNumber   = regexp.MustCompile(`^[0-9]{9}[0-9A-Z]{2}[0-9]$`)
	cardLike     = regexp.MustCompile(`^[0-9A-Z]{12}$`)
	document     = regexp.MustCompile(`^[0-9A-Z][0-9A-Z-]{3,19}$`)
	cae          = regexp.MustCompile(`^[0-9]{5}$`)
)

// ParseCertidao reads the access code of a permanent certificate of the commercial register and gives it as
// 0000-0000-0000. Whoever has the code can read the record: it is sensitive. No check digit is known.
func ParseCertidao(typed string) (string, error) {
	s := bare(typed, "-–")
	switch {
	case trim(typed) == "":
		return "", refuse("E-GER-01")
	case landRegistry.MatchString(s):
		return "", refuse("E-CER-02")
	case len(s) != 12 || !digits(s):
		return "", refuse("E-CER-01")
	}
	return s[:4] + "-" + s[4:8] + "-" + s[8:], nil
}

// ParseCivil reads a civil identification number of 7 or 8 digits, or the whole number of a Cartão de Cidadão,
// whose check is verified and of which only the civil number is kept. It gives eight digits always, so that
// the number on an old identity card and the one on the card of today compare alike.
func ParseCivil(typed string) (string, error) {
	s := strings.ToUpper(bare(typed, ".-"))
	switch {
	case trim(typed) == "":
		return "", refuse("E-GER-01")
	case digits(s) && len(s) == 7:
		return "0" + s, nil
	case digits(s) && len(s) == 8:
		return s, nil
	case !cardLike.MatchString(s):
		return "", refuse("E-NIC-01")
	case !cardNumber.MatchString(s) || !cardCheck(s):
		return "", refuse("E-NIC-02")
	}
	return s[:8], nil
}

// cardCheck verifies the number of a Cartão de Cidadão: A=10 … Z=35; from the right every second value is
// doubled, less 9 if above 9; the sum is a multiple of 10.
func cardCheck(s string) bool {
	sum := 0
	for i := range len(s) {
		v := int(s[i] - '0')
		if s[i] >= 'A' {
			v = int(s[i]-'A') + 10
		}
		if (len(s)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// ParseDocument reads the number of a passport, residence card or other document: 4 to 20 letters, digits and
// hyphens, in capitals.
func ParseDocument(typed string) (string, error) {
	s := strings.ToUpper(bare(typed, ""))
	if s == "" {
		return "", refuse("E-GER-01")
	}
	if !document.MatchString(s) {
		return "", refuse("E-DOC-01")
	}
	return s, nil
}

// caeGaps are the divisions from 01 to 99 that CAE-Rev.4 (NACE Rev. 2.1, whose first four digits are the same)
// does not have. Classes and subclasses are not judged: their table belongs to the statistics office.
const caeGaps = " 00 04 34 40 44 45 48 54 57 67 76 83 89 "

// ParseCAE reads a class of economic activity of CAE-Rev.4: five digits, the first two a division that exists.
func ParseCAE(typed string) (string, error) {
	s := bare(typed, ".-")
	switch {
	case trim(typed) == "":
		return "", refuse("E-GER-01")
	case !cae.MatchString(s):
		return "", refuse("E-CAE-01")
	case strings.Contains(caeGaps, " "+s[:2]+" "):
		return "", refuse("E-CAE-02")
	}
	return s, nil
}
