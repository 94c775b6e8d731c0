package portal_test

import (
	"slices"
	"testing"
	"time"

	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// The script holds on any day of any year: a financial year that it asks for is over, and never so long ago that what
// is issued for it has lapsed.
func TestTheDatesOfAScriptAreThoseOfTheDayInLisbon(t *testing.T) {
	script := portal.Tour{Acts: []portal.TourAct{{
		Do: "file", Says: i18n.Text{PT: "Exercício de {last-year}", EN: "Year {last-year}"}, Expect: "{year}",
		Answers: map[string][]string{"day": {"{today}", "31/12/{next-year}"}, "name": {"Ana {não}"}},
	}}}
	for _, c := range []struct {
		now  time.Time
		want []string
	}{
		{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), []string{"Exercício de 2025", "Year 2025", "2026", "22/11/2026", "31/12/2027", "Ana {não}"}},
		{time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC), []string{"Exercício de 2026", "Year 2026", "2027", "01/06/2027", "31/12/2028", "Ana {não}"}},
		{time.Date(2028, 8, 9, 23, 30, 0, 0, time.UTC), []string{"Exercício de 2027", "Year 2027", "2028", "10/08/2028", "31/12/2029", "Ana {não}"}}, // summer time
	} {
		act := script.On(c.now).Acts[0]
		got := slices.Concat([]string{act.Says.PT, act.Says.EN, act.Expect}, act.Answers["day"], act.Answers["name"])
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.now, got, c.want)
		}
	}
	if script.Acts[0].Answers["day"][0] != "{today}" {
		t.Error("the script itself was changed")
	}
}
