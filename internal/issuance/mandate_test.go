package issuance

import (
	"bytes"
	"testing"
	"time"

	"chancela/internal/fault"
)

func application(t testing.TB, most int) Mandate {
	t.Helper()
	p := must2(ProfileOf(Application))(t)
	values := bodyValues("")
	values[CommonName] = "Gestão documental"
	return must2(p.Mandate(must2(p.Name(values))(t), nil, nil, moment.AddDate(1, 0, 0), most, moment.AddDate(0, 6, 0)))(t)
}

func TestTheDigestOfAMandateChangesWhenAnyApprovedItemDoes(t *testing.T) {
	seen := map[Digest]string{}
	for name, change := range map[string]func(m *Mandate){
		"nothing":     func(*Mandate) {},
		"profile":     func(m *Mandate) { m.Profile = Website },
		"version":     func(m *Mandate) { m.Version++ },
		"a value":     func(m *Mandate) { m.Subject[3].Value += "a" },
		"a name":      func(m *Mandate) { m.DNSNames = []string{"x.exemplo.pt"} },
		"as e-mail":   func(m *Mandate) { m.Emails = []string{"x.exemplo.pt"} },
		"years":       func(m *Mandate) { m.Validity.Term.Years++ },
		"days":        func(m *Mandate) { m.Validity.Term.Days++ },
		"end":         func(m *Mandate) { m.Validity.Until = m.Validity.Until.Add(time.Second) },
		"no end":      func(m *Mandate) { m.Validity.Until = time.Time{} },
		"one more":    func(m *Mandate) { m.Most++ },
		"longer open": func(m *Mandate) { m.Before = m.Before.Add(time.Second) },
	} {
		m := application(t, 5)
		change(&m)
		d := must2(m.Digest())(t)
		if twin, ok := seen[d]; ok {
			t.Errorf("%s and %s have one digest", name, twin)
		}
		seen[d] = name
	}
}

func TestAMandateComesBackAsItWasApprovedAndDerivesTheOrderOfAKey(t *testing.T) {
	m := application(t, 5)
	back := must2(ParseMandate(must2(m.Encode())(t)))(t)
	_, key := newKey(t, ECP256)
	p := must2(ProfileOf(Application))(t)
	asked := must2(back.Order(key))(t)
	direct := must2(p.Order(m.Subject, nil, nil, key, m.Validity.Until))(t)
	if must2(asked.Digest())(t) != must2(direct.Digest())(t) {
		t.Error("the order under the mandate is not the one that would be approved alone")
	}
	if must2(m.Digest())(t) == must2(asked.Digest())(t) {
		t.Error("a mandate and an order have one digest")
	}
	if _, err := ParseOrder(must2(m.Encode())(t)); err == nil {
		t.Error("a mandate was read as an order")
	}
	if _, err := ParseMandate(must2(asked.Encode())(t)); err == nil {
		t.Error("an order was read as a mandate")
	}
}

func TestNoMandateIsMadeForPersonsSealsOrAuthorities(t *testing.T) {
	m := application(t, 5)
	for _, profile := range []string{PersonAuthentication, PersonSignature, Seal, IssuingCA, OCSPResponder, TimeStamping, QWAC} {
		m.Profile = profile
		if _, err := ParseMandate(must2(m.Encode())(t)); err == nil {
			t.Errorf("a mandate of profile %s was read", profile)
		}
	}
}

func TestAMandateHasBounds(t *testing.T) {
	p := must2(ProfileOf(Application))(t)
	name := application(t, 1).Subject
	for _, most := range []int{-1, 0, MostUnderMandate + 1} {
		if _, err := p.Mandate(name, nil, nil, time.Time{}, most, moment); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d certificates: %v", most, err)
		}
	}
	if _, err := p.Mandate(name, nil, nil, time.Time{}, 1, time.Time{}); err == nil {
		t.Error("a mandate without an end was made")
	}
}

func FuzzParseMandate(f *testing.F) {
	f.Add(must2(application(f, 5).Encode())(f))
	f.Fuzz(func(t *testing.T, der []byte) {
		m, err := ParseMandate(der)
		if err != nil {
			return
		}
		if again, err := m.Encode(); err != nil || !bytes.Equal(again, der) {
			t.Errorf("read, and written otherwise: %v", err)
		}
	})
}

func TestATrialIsTheCertificateThatWouldBeIssuedAndSignsNothing(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	_, key := newKey(t, ECP256)
	u := must2(Prepare(must2(application(t, 1).Order(key))(t), h.issuing, serialOf(77), moment))(t)
	der, report, err := sharedLinterOf(t).Try(u)
	if err != nil || !report.Clean() {
		t.Fatal(err, report.Findings)
	}
	d := must2(Describe(der))(t)
	if d.Subject.Value(CommonName) != "Gestão documental" || d.Issuer.Value(CommonName) == "" {
		t.Errorf("described as %v", d)
	}
}

func sharedLinterOf(t testing.TB) *Linter {
	t.Helper()
	return must2(sharedLinter())(t)
}
