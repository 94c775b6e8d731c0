package issuance

import (
	"strings"
	"testing"
	"time"
)

func TestEveryProfileLintsClean(t *testing.T) {
	for _, a := range []Algorithm{ECP256, ECP384} {
		h := newHierarchy(t, a, moment, Trust{})
		_, key := newKey(t, ECP256)
		for _, o := range endEntities(t, key) {
			if der := h.issue(t, o, h.issuing, h.issuingKey); len(der) == 0 {
				t.Errorf("%s: nothing issued", o.Profile)
			}
		}
	}
}

func TestTheLintsAreManyAndAreRun(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	_, key := newKey(t, ECP256)
	for _, o := range endEntities(t, key) {
		u := must2(Prepare(o, h.issuing, serialOf(1), moment))(t)
		if _, report, err := h.linter.Lint(u); err != nil || report.Passed < 60 {
			t.Errorf("%s: only %d lints were content (%v)", o.Profile, report.Passed, err)
		}
		u.template.NotAfter = u.template.NotBefore.Add(-time.Hour) // zlint's to find, beside ours
		_, report, _ := h.linter.Lint(u)
		theirs := 0
		for _, f := range report.Findings {
			if !strings.HasPrefix(f.Lint, "ours_") {
				theirs++
			}
			if f.Cites == "" || f.Level == "" {
				t.Errorf("a finding without its clause: %+v", f)
			}
		}
		if theirs == 0 {
			t.Errorf("%s: zlint was blind: %+v", o.Profile, report.Findings)
		}
	}
}
