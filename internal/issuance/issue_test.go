package issuance

import "testing"

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
