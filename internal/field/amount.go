package field

import (
	"regexp"
	"strconv"
	"strings"
)

// Numbers as people write them: groups of three parted by spaces or full stops, and a decimal comma, or the
// stored form with a decimal point. «1.234» is one thousand two hundred and thirty-four, as in Portuguese.
var (
	wholeNumber = regexp.MustCompile(`^(?:[0-9]{1,15}|[0-9]{1,3}(?:\.[0-9]{3}){1,4})$`)
	moneyAmount = regexp.MustCompile(`^([0-9]{1,15}|[0-9]{1,3}(?:\.[0-9]{3}){1,4})(?:,([0-9]{1,2}))?$`)
	pointAmount = regexp.MustCompile(`^([0-9]{1,15})\.([0-9]{1,2})$`)
)

// ParseInteger reads a number of zero or more, of 15 digits at most; otherwise E-NUM-01.
func ParseInteger(typed string) (string, error) {
	s := bare(typed, "")
	if s == "" {
		return "", refuse("E-GER-01")
	}
	if !wholeNumber.MatchString(s) {
		return "", refuse("E-NUM-01")
	}
	return noZeros(strings.ReplaceAll(s, ".", "")), nil
}

// ParseMoney reads an amount in euros, «1.234,5 €», and gives it as 1234.50; otherwise E-NUM-01.
func ParseMoney(typed string) (string, error) {
	s := strings.TrimSuffix(strings.TrimPrefix(bare(typed, ""), "€"), "€")
	if trim(typed) == "" {
		return "", refuse("E-GER-01")
	}
	m := moneyAmount.FindStringSubmatch(s)
	if m == nil {
		m = pointAmount.FindStringSubmatch(s)
	}
	if m == nil {
		return "", refuse("E-NUM-01")
	}
	return noZeros(strings.ReplaceAll(m[1], ".", "")) + "." + (m[2] + "00")[:2], nil
}

// noZeros takes leading zeros off, but for the last digit.
func noZeros(s string) string {
	if t := strings.TrimLeft(s, "0"); t != "" {
		return t
	}
	return "0"
}

func (r Rule) integer(typed string) (string, error) {
	s, err := ParseInteger(typed)
	if err != nil {
		return "", err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return "", refuse("E-NUM-01")
	}
	return s, r.bound(n)
}

// money bounds whole euros: an amount of 100.01 is above a Max of 100.
func (r Rule) money(typed string) (string, error) {
	s, err := ParseMoney(typed)
	if err != nil {
		return "", err
	}
	cents, err := strconv.ParseInt(strings.Replace(s, ".", "", 1), 10, 64)
	if err != nil {
		return "", refuse("E-NUM-01")
	}
	if r.Max > 0 && cents > int64(r.Max)*100 {
		return "", refuse("E-NUM-03", "max", strconv.Itoa(r.Max))
	}
	return s, r.bound(cents / 100)
}

func (r Rule) bound(n int64) error {
	if n < int64(r.Min) {
		return refuse("E-NUM-02", "min", strconv.Itoa(r.Min))
	}
	if r.Max > 0 && n > int64(r.Max) {
		return refuse("E-NUM-03", "max", strconv.Itoa(r.Max))
	}
	return nil
}

func (r Rule) doubtInteger(clean string) []Finding {
	n, err := strconv.Atoi(clean)
	if err != nil || r.Doubt == "" || n >= r.DoubtBelow {
		return nil
	}
	return []Finding{{Key: r.Doubt, Args: map[string]string{"min": strconv.Itoa(r.DoubtBelow)}, Warning: true}}
}
