package field

import (
	"regexp"
	"slices"
	"strconv"
)

func (r Rule) choice(typed string) (string, error) {
	s := trim(typed)
	if !slices.Contains(r.Options, s) {
		return "", refuse("E-LST-01")
	}
	return s, nil
}

// choices gives what was chosen in the order of the options, each once.
func (r Rule) choices(typed []string) ([]string, error) {
	for _, s := range typed {
		if !slices.Contains(r.Options, trim(s)) {
			return nil, refuse("E-LST-01")
		}
	}
	var chosen []string
	for _, option := range r.Options {
		if !slices.Contains(chosen, option) && slices.ContainsFunc(typed, func(s string) bool { return trim(s) == option }) {
			chosen = append(chosen, option)
		}
	}
	if len(chosen) < r.MinChosen {
		return nil, refuse("E-LST-02", "min", strconv.Itoa(r.MinChosen), "n", strconv.Itoa(len(chosen)))
	}
	return chosen, r.notMore(len(chosen), len(r.Options))
}

func (r Rule) notMore(n, most int) error {
	if most = orDefault(r.Max, most); n > most {
		return refuse("E-LST-03", "max", strconv.Itoa(most), "n", strconv.Itoa(n))
	}
	return nil
}

// tick reads a check box; what a browser sends for one that is ticked is "on" unless the page says otherwise.
func tick(typed string) ([]string, error) {
	switch Fold(typed) {
	case "true", "on", "1", "yes", "sim":
		return []string{"true"}, nil
	case "false", "off", "0", "no", "nao":
		return nil, nil
	}
	return nil, refuse("E-GER-03")
}

// tokenShape is that of ids which other rooms make.
var tokenShape = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

func token(typed string) (string, error) {
	s := trim(typed)
	if !tokenShape.MatchString(s) {
		return "", refuse("E-GER-03")
	}
	return s, nil
}

// maxFiles is how many files one question admits where the rule does not say.
const maxFiles = 6

func (r Rule) tokens(typed []string) ([]string, error) {
	var clean []string
	for _, s := range typed {
		s, err := token(s)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(clean, s) {
			clean = append(clean, s)
		}
	}
	return clean, r.notMore(len(clean), maxFiles)
}
