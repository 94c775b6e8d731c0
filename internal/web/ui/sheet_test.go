package ui

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func sheet(t *testing.T) string {
	t.Helper()
	css, err := embedded.ReadFile("static/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(css), "")
}

func TestTheSheetIsSmallAndAsksNobodyElse(t *testing.T) {
	css := sheet(t)
	if n := len(assets()["portal.css"].bytes); n >= 60_000 {
		t.Errorf("%d bytes; 60 kB is the most", n)
	}
	for _, m := range regexp.MustCompile(`url\(([^)]*)\)`).FindAllStringSubmatch(css, -1) {
		if _, ours := assets()[strings.Trim(m[1], `"`)]; !ours {
			t.Errorf("%s is not a file of ours", m[1])
		}
	}
	if strings.Contains(css, "@import") {
		t.Error("an @import")
	}
}

func TestEveryTokenIsDefinedAndUsed(t *testing.T) {
	css := sheet(t)
	defined := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\s+(--[a-z0-9-]+):`).FindAllStringSubmatch(css, -1) {
		defined[m[1]] = true
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`var\((--[a-z0-9-]+)`).FindAllStringSubmatch(css, -1) {
		used[m[1]] = true
		if !defined[m[1]] {
			t.Errorf("%s is used and not defined", m[1])
		}
	}
	for name := range defined {
		if !used[name] {
			t.Errorf("%s is defined and not used", name)
		}
	}
}

// pairs are the colours that meet on the page, with the contrast that WCAG 2.2 asks for: 4.5 for text (1.4.3), 3
// for borders, signs and the focus ring (1.4.11, 2.4.13).
var pairs = []struct {
	front, back string
	least       float64
}{
	{"neutral-900", "white", 4.5}, {"neutral-900", "neutral-100", 4.5}, {"neutral-900", "neutral-200", 4.5},
	{"neutral-800", "white", 4.5}, {"neutral-800", "neutral-50", 4.5}, {"neutral-800", "neutral-100", 4.5}, {"neutral-800", "primary-100", 4.5}, {"neutral-800", "neutral-200", 4.5},
	{"neutral-900", "warning-200", 4.5}, {"neutral-900", "warning-50", 4.5}, {"neutral-900", "success-50", 4.5}, {"neutral-900", "danger-50", 4.5}, {"neutral-900", "informative-50", 4.5},
	{"primary-600", "white", 4.5}, {"primary-700", "primary-100", 4.5}, {"primary-700", "neutral-50", 4.5}, {"primary-700", "neutral-100", 4.5},
	{"primary-700", "informative-50", 4.5}, {"primary-700", "success-50", 4.5}, {"primary-700", "warning-50", 4.5}, {"primary-700", "danger-50", 4.5},
	{"primary-700", "white", 4.5}, {"primary-700", "primary-200", 4.5},
	{"primary-800", "white", 4.5}, {"primary-800", "primary-200", 4.5}, {"primary-800", "warning-200", 4.5},
	{"primary-900", "white", 4.5}, {"primary-900", "primary-100", 4.5}, {"primary-900", "neutral-100", 4.5},
	{"white", "primary-600", 4.5}, {"white", "primary-800", 4.5}, {"white", "primary-900", 4.5}, {"primary-200", "primary-900", 4.5},
	{"white", "danger-700", 4.5}, {"white", "danger-900", 4.5}, {"white", "success-700", 4.5},
	{"danger-800", "white", 4.5}, {"danger-900", "white", 4.5}, {"danger-900", "danger-50", 4.5}, {"danger-900", "danger-100", 4.5},
	{"warning-900", "white", 4.5}, {"success-700", "white", 4.5}, {"success-800", "success-100", 4.5}, {"informative-800", "informative-50", 4.5},
	{"neutral-700", "white", 3}, {"neutral-700", "neutral-50", 3}, {"danger-700", "danger-50", 3}, {"warning-800", "warning-50", 3}, {"success-600", "success-50", 3}, {"informative-600", "informative-50", 3},
	{"focus", "white", 3}, {"focus", "neutral-50", 3}, {"focus", "neutral-100", 3}, {"focus", "primary-100", 3}, {"focus", "primary-900", 3}, {"primary-900", "warning-200", 3},
	{"focus", "informative-50", 3}, {"focus", "success-50", 3}, {"focus", "warning-50", 3}, {"focus", "danger-50", 3},
}

func colours(css string) map[string]rgb {
	all := map[string]rgb{}
	for _, m := range regexp.MustCompile(`--color-([a-z0-9-]+): ?#([0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
		all[m[1]] = parseRGB(m[2])
	}
	return all
}

func failing(all map[string]rgb) []string {
	var bad []string
	for _, p := range pairs {
		if got := contrast(all[p.front], all[p.back]); got < p.least {
			bad = append(bad, fmt.Sprintf("%s on %s: %.2f, at least %.1f", p.front, p.back, got, p.least))
		}
	}
	return bad
}

func TestColoursThatMeetCanBeTold(t *testing.T) {
	all := colours(sheet(t))
	for _, p := range pairs {
		for _, name := range []string{p.front, p.back} {
			if _, ok := all[name]; !ok {
				t.Errorf("no colour %s in the sheet", name)
			}
		}
	}
	for _, line := range failing(all) {
		t.Error(line)
	}
}

func TestEveryThemeThatIsAcceptedCanBeRead(t *testing.T) {
	base := colours(sheet(t))
	accepted := 0
	for n := range 18 * 18 * 18 {
		primary := rgb{uint8(n % 18 * 15), uint8(n / 18 % 18 * 15), uint8(n / 18 / 18 * 15)}.String()
		theme, err := NewTheme(primary)
		if err != nil {
			continue
		}
		accepted++
		same, err := theme.WithDark(primary)
		if err != nil {
			t.Fatal(err)
		}
		for _, theme := range []Theme{theme, same} {
			all := colours(theme.css())
			for name, c := range base {
				if _, themed := all[name]; !themed {
					all[name] = c
				}
			}
			for _, line := range failing(all) {
				t.Errorf("%s, %s: %s", theme.primary, theme.dark, line)
			}
		}
	}
	if accepted < 500 {
		t.Errorf("only %d colours accepted", accepted)
	}
}

func TestThemesRefuseWhatCannotBeRead(t *testing.T) {
	for _, colour := range []string{"#ffff00", "#1ca3fc", "blue", "#fff", "#12345g", "034ad8", "#034ad8;}"} {
		if _, err := NewTheme(colour); err == nil {
			t.Errorf("%s was accepted", colour)
		}
	}
	if theme, err := NewTheme(""); err != nil || theme.Href() != "" {
		t.Errorf("no colour: %v, %q", err, theme.Href())
	}
}

// hooks are names of Ágora's class contract that need no rule of their own.
var hooks = strings.Fields("agora-input-text-wrapper agora-input-textarea-wrapper agora-input-password-wrapper agora-input-select-wrapper agora-checkbox-wrapper agora-button-file-uploader")

// classesAgree compares the classes of pages with those of the sheet, both ways.
func classesAgree(css string, pages map[string]string) []string {
	styled := map[string]bool{}
	for _, m := range regexp.MustCompile(`\.(-?[a-z_][a-z0-9_-]*)`).FindAllStringSubmatch(selectors(css), -1) {
		styled[m[1]] = true
	}
	used := map[string]bool{}
	for _, page := range pages {
		for _, m := range regexp.MustCompile(` class="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			for _, class := range strings.Fields(m[1]) {
				used[class] = true
			}
		}
	}
	var bad []string
	for class := range used {
		if !styled[class] && !slices.Contains(hooks, class) {
			bad = append(bad, class+" stands on a page and not in the sheet")
		}
	}
	for class := range styled {
		if !used[class] {
			bad = append(bad, class+" stands in the sheet and on no page")
		}
	}
	slices.Sort(bad)
	return bad
}

// selectors drops what stands between braces, so that 0.5rem is not taken for a class.
func selectors(css string) string {
	return regexp.MustCompile(`\{[^{}]*\}`).ReplaceAllString(css, "{}")
}
