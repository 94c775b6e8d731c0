package field

import (
	"regexp"
	"strconv"
	"strings"
)

// The Portuguese numbering plan: nine digits, closed, +351. Ranges as libphonenumber has them. They stand here,
// and not in a port of that library, because they are three lines, are the table the portals' rules cite, and
// the port would add some 7 MB of the world's numbers to the binary for one country.
var (
	mobileRange  = regexp.MustCompile(`^9(?:[1-36][0-9]{2}|480)[0-9]{5}$`)
	fixedRange   = regexp.MustCompile(`^2(?:[12][0-9]|3[1-689]|4[1-59]|[57][1-9]|6[1-35689]|8[1-69]|9[1256])[0-9]{6}$`)
	nomadicRange = regexp.MustCompile(`^30[0-9]{7}$`)
	specialRange = regexp.MustCompile(`^[678][0-9]{8}$`)
)

// twoNumbers is how people write two numbers in one field: «213 878 046/7».
var twoNumbers = regexp.MustCompile(`^\+?[0-9]+[/,;][0-9+/,;]*$`)

// ParsePhone reads one Portuguese number, fixed, nomadic or mobile, and gives it as E.164: +351 and nine digits.
func ParsePhone(typed string) (string, error) {
	if trim(typed) == "" {
		return "", refuse("E-GER-01")
	}
	// Address books put direction marks round the numbers that they copy out; nobody can see or delete them.
	s := bare(strings.Trim(trim(typed), "\u200e\u202a\u202c\u202d"), ".-–‑()")
	s, err := national(s)
	if err != nil {
		return "", err
	}
	switch {
	case len(s) != 9:
		return "", refuse("E-TEL-02", "n", strconv.Itoa(len(s)))
	case mobileRange.MatchString(s), fixedRange.MatchString(s), nomadicRange.MatchString(s):
		return "+351" + s, nil
	case specialRange.MatchString(s):
		return "", refuse("E-TEL-04")
	}
	return "", refuse("E-TEL-03")
}

// national takes the country code off.
func national(s string) (string, error) {
	rest, plus := strings.CutPrefix(s, "+")
	switch {
	case twoNumbers.MatchString(s):
		return "", refuse("E-TEL-05")
	case !digits(rest):
		return "", refuse("E-TEL-01")
	case plus && strings.HasPrefix(rest, "351"):
		return rest[3:], nil
	case strings.HasPrefix(rest, "00351") && !plus:
		return rest[5:], nil
	case plus, strings.HasPrefix(rest, "00"):
		return "", refuse("E-TEL-05")
	case len(rest) == 12 && strings.HasPrefix(rest, "351"):
		return rest[3:], nil
	}
	return rest, nil
}

// ParseMobile reads a number to which an SMS can be sent.
func ParseMobile(typed string) (string, error) {
	s, err := ParsePhone(typed)
	if err != nil {
		return "", err
	}
	if !IsMobile(s) {
		return "", refuse("E-TEL-06")
	}
	return s, nil
}

// IsMobile says whether a stored number is a mobile one.
func IsMobile(stored string) bool {
	s, ok := strings.CutPrefix(stored, "+351")
	return ok && mobileRange.MatchString(s)
}
