package issuance

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
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

// zlint is run lint by lint; what it says is what its own way of running them says, of a sound certificate and of one
// that is not.
func TestTheLintsSayWhatZlintSays(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	_, key := newKey(t, ECP256)
	for _, o := range endEntities(t, key) {
		for _, wrong := range []bool{false, true} {
			u := must2(Prepare(o, h.issuing, serialOf(1), moment))(t)
			if wrong {
				u.template.NotAfter = u.template.NotBefore.Add(-time.Hour)
			}
			der, _, err := h.linter.Try(u)
			if err != nil {
				t.Fatal(err)
			}
			c := must2(zx509.ParseCertificate(der))(t)
			names := slowLints
			if u.profile.hasLongNames() {
				names = slices.Concat(slowLints, lengthLints)
			}
			theirs := fromZlint(zlint.LintCertificateEx(c, must2(registryWithout(names))(t)))
			if ours := h.linter.lintsFor(u.profile).run(c); !reflect.DeepEqual(ours, theirs) || wrong == ours.Clean() || ours.Passed < 40 {
				t.Errorf("%s: %+v; zlint says %+v", o.Profile, ours, theirs)
			}
		}
	}
}
