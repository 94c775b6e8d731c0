package field

import (
	"regexp"
	"strconv"
	"strings"
)

// nipcPrefixes are the first digits that the Portuguese tax administration assigns. The obsolete 8 (sole
// trader) is left out on purpose: it is no longer valid.
var nipcPrefixes = regexp.MustCompile(`^(?:[12356]|45|7[01245789]|9[0189])`)

// nifPrefixes are those of natural persons.
var nifPrefixes = regexp.MustCompile(`^(?:[123]|45)`)

// ParseNIPC reads the number of a legal person, «PT 590 000 012», and gives its nine digits.
//
// It refuses, in this order: what is not digits (E-NIPC-01), another length (E-NIPC-02), a prefix that is not
// assigned (E-NIPC-04), a check digit that does not match (E-NIPC-03). A right number need not exist.
func ParseNIPC(typed string) (string, error) {
	s := strings.TrimPrefix(strings.ToUpper(bare(typed, ".-")), "PT")
	switch {
	case trim(typed) == "":
		return "", refuse("E-GER-01")
	case !digits(s):
		return "", refuse("E-NIPC-01")
	case len(s) != 9:
		return "", refuse("E-NIPC-02", "n", strconv.Itoa(len(s)))
	case !nipcPrefixes.MatchString(s):
		return "", refuse("E-NIPC-04")
	case nipcCheck(s) != s[8]:
		return "", refuse("E-NIPC-03")
	}
	return s, nil
}

func (r Rule) nipc(typed string) (string, error) {
	s, err := ParseNIPC(typed)
	if err != nil {
		return "", err
	}
	if r.FirstDigits != "" && !strings.ContainsRune(r.FirstDigits, rune(s[0])) {
		return "", refuse("E-NIPC-04")
	}
	return s, nil
}

// ParseNIF reads the tax number of a natural person; whatever is wrong is E-NIF-01.
func ParseNIF(typed string) (string, error) {
	s, err := ParseNIPC(typed)
	if err != nil || !nifPrefixes.MatchString(s) {
		return "", refuse("E-NIF-01")
	}
	return s, nil
}

// nipcCheck gives the check digit of the first eight digits: weights 9 to 2, modulo 11, where 10 becomes 0.
func nipcCheck(s string) byte {
	sum := 0
	for i := range 8 {
		sum += int(s[i]-'0') * (9 - i)
	}
	if r := sum % 11; r >= 2 {
		return byte('0' + 11 - r)
	}
	return '0'
}

// bare leaves out white space, and the given marks, by which people group digits.
func bare(s, marks string) string {
	return strings.Map(func(c rune) rune {
		if trim(string(c)) == "" || strings.ContainsRune(marks, c) {
			return -1
		}
		return c
	}, s)
}

// digits says whether s is nothing but ASCII digits, and some.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
