package field

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Bounds where the rule sets none.
const (
	maxLink    = 300
	maxDomains = 100
)

// link reads an https address without user, password or port, on an admitted host or a sub-domain of one. The
// host is stored as A-labels: a look-alike shows as what it is.
func (r Rule) link(typed string) (string, error) {
	s := trim(typed)
	if strings.ContainsFunc(s, noLink) {
		return "", refuse("E-URL-01")
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || strings.Contains(u.Host, ":") {
		return "", refuse("E-URL-01")
	}
	host, ok := hostName(u.Host)
	if !ok {
		return "", refuse("E-URL-01")
	}
	if len(r.Hosts) > 0 && !slices.ContainsFunc(r.Hosts, func(h string) bool { return Under(host, h) }) {
		return "", refuse("E-URL-02", "sitios", strings.Join(r.Hosts, ", "))
	}
	u.Host = host
	clean := ascii(u.String())
	if len(clean) > orDefault(r.Max, maxLink) {
		return "", refuse("E-URL-01")
	}
	return clean, nil
}

// noLink says which letters no address holds: browsers read a backslash as a slash, and drop control characters.
func noLink(c rune) bool { return c == '\\' || !unicode.IsGraphic(c) || unicode.IsSpace(c) }

// ascii escapes what is left of other letters, in a query mostly.
func ascii(s string) string {
	var out strings.Builder
	for i := range len(s) {
		if s[i] < 0x80 {
			out.WriteByte(s[i])
		} else {
			out.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(s[i]), 16)))
		}
	}
	return out.String()
}

// domains reads DNS names, one a line or parted by spaces, commas and semicolons, and gives them as lower-case
// A-labels, each once: no IP address, no local name, no trailing dot; *.example.pt only where the rule says so.
func (r Rule) domains(typed []string) ([]string, error) {
	var clean []string
	for _, name := range strings.FieldsFunc(strings.Join(typed, "\n"), partsDomains) {
		host, ok := r.domain(name)
		if !ok {
			return nil, refuse("E-DOM-01", "domínio", shorten(name, 80))
		}
		if !slices.Contains(clean, host) {
			clean = append(clean, host)
		}
		if len(clean) > maxParts {
			break
		}
	}
	return clean, r.notMore(len(clean), maxDomains)
}

func partsDomains(c rune) bool { return unicode.IsSpace(c) || c == ',' || c == ';' }

func (r Rule) domain(name string) (string, bool) {
	rest, wild := strings.CutPrefix(name, "*.")
	if wild && !r.Wildcards {
		return "", false
	}
	host, ok := hostName(rest)
	if wild {
		host = "*." + host
	}
	return host, ok
}

// shorten cuts what a message repeats, and leaves out what would deface it.
func shorten(s string, most int) string {
	letters := []rune(strings.Map(func(c rune) rune {
		if unicode.IsGraphic(c) {
			return c
		}
		return -1
	}, s))
	if len(letters) <= most {
		return string(letters)
	}
	return string(letters[:most]) + "…"
}
