package issuance

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"chancela/internal/fault"

	"pgregory.net/rapid"
)

func website(t testing.TB, key Key, until time.Time) Order {
	t.Helper()
	p := must2(ProfileOf(Website))(t)
	values := bodyValues("")
	values[Locality] = "Lisboa"
	name := must2(p.Name(values))(t)
	return must2(p.Order(name, []string{"www.exemplo.pt"}, nil, key, until))(t)
}

func TestTheDigestChangesWhenAnyApprovedItemDoes(t *testing.T) {
	_, key := newKey(t, ECP256)
	_, other := newKey(t, ECP256)
	base := website(t, key, moment.AddDate(0, 3, 0))
	seen := map[Digest]string{}
	for name, change := range map[string]func(o *Order){
		"nothing":        func(*Order) {},
		"profile":        func(o *Order) { o.Profile = Seal },
		"version":        func(o *Order) { o.Version++ },
		"a value":        func(o *Order) { o.Subject[2].Value += "a" },
		"an attribute":   func(o *Order) { o.Subject = o.Subject[1:] },
		"order of names": func(o *Order) { o.Subject[1], o.Subject[2] = o.Subject[2], o.Subject[1] },
		"another name":   func(o *Order) { o.DNSNames = append(o.DNSNames, "x.exemplo.pt") },
		"as e-mail":      func(o *Order) { o.Emails, o.DNSNames = o.DNSNames, nil },
		"key":            func(o *Order) { o.PublicKey = other.DER },
		"years":          func(o *Order) { o.Validity.Term.Years++ },
		"days":           func(o *Order) { o.Validity.Term.Days++ },
		"end":            func(o *Order) { o.Validity.Until = o.Validity.Until.Add(time.Second) },
		"no end":         func(o *Order) { o.Validity.Until = time.Time{} },
	} {
		o := base
		o.Subject = append(Name{}, base.Subject...)
		change(&o)
		d := must2(o.Digest())(t)
		if twin, ok := seen[d]; ok {
			t.Errorf("%s and %s have one digest", name, twin)
		}
		seen[d] = name
	}
}

// TestOrdersComeBackAsTheyWereApproved draws orders, and two that differ never share a digest.
func TestOrdersComeBackAsTheyWereApproved(t *testing.T) {
	_, key := newKey(t, ECP256)
	p := must2(ProfileOf(PersonAuthentication))(t)
	digests := map[Digest]string{}
	rapid.Check(t, func(r *rapid.T) {
		values := personValues()
		values[Organization] = "Instituto " + rapid.StringMatching(`[A-Za-zçãõé]{1,20}( [A-Za-zçãõé]{1,20}){0,6}`).Draw(r, "o")
		values[CommonName] = rapid.StringMatching(`[A-Z][a-zçãõé]{1,20}`).Draw(r, "cn")
		until := moment.Add(time.Duration(rapid.Int64Range(0, 1e6).Draw(r, "until")) * time.Hour)
		name, err := p.Name(values)
		if err != nil {
			r.Fatal(err)
		}
		o, err := p.Order(name, nil, nil, key, until)
		if err != nil {
			r.Fatal(err)
		}
		der, err := o.Encode()
		if err != nil {
			r.Fatal(err)
		}
		back, err := ParseOrder(der)
		if err != nil {
			r.Fatal(err)
		}
		first, _ := o.Digest()
		second, _ := back.Digest()
		if first != second || back.Subject.String() != o.Subject.String() || !back.Validity.Until.Equal(o.Validity.Until) {
			r.Fatalf("%+v came back as %+v", o, back)
		}
		content := o.Subject.String() + until.String()
		if twin, ok := digests[first]; ok && twin != content {
			r.Fatalf("%s and %s have one digest", twin, content)
		}
		digests[first] = content
	})
}

func TestParseOrderRefusesWhatWasNotEncodedSo(t *testing.T) {
	_, key := newKey(t, ECP256)
	der := must2(website(t, key, time.Time{}).Encode())(t)
	for name, data := range map[string][]byte{
		"nothing": nil, "trailing": append(append([]byte{}, der...), 0), "cut": der[:len(der)-1],
		"another format": []byte(strings.Replace(string(der), "order-1", "order-2", 1)),
		"another term":   []byte(strings.Replace(string(der), "\x02\x02\x00\xc7", "\x02\x02\x00\xc8", 1)),
	} {
		if _, err := ParseOrder(data); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestValidityEndsAtTheFirstOfTermRightAndIssuer(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	_, key := newKey(t, ECP256)
	end := func(o Order, now time.Time) time.Time {
		h.at = now
		return must2(Describe(h.issue(t, o, h.issuing, h.issuingKey)))(t).NotAfter
	}
	o := website(t, key, time.Time{})
	if got, want := end(o, moment), moment.Add(-time.Hour).AddDate(0, 0, 199).Add(-time.Second); !got.Equal(want) {
		t.Errorf("term: %s, want %s", got, want)
	}
	until := moment.AddDate(0, 0, 30)
	if got := end(website(t, key, until), moment); !got.Equal(until) {
		t.Errorf("right: %s", got)
	}
	late := h.issuing.end.AddDate(0, 0, -10)
	if got := end(o, late); !got.Equal(h.issuing.end) {
		t.Errorf("issuer: %s", got)
	}
	if _, err := Prepare(website(t, key, moment), h.issuing, serialOf(1), moment); keyOf(err) != "issuance.validity" {
		t.Errorf("a right that ended: %v", err)
	}
}

func TestPrepareRefusesWhatAnIssuerMayNotDo(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	_, key := newKey(t, ECP256)
	seal := order(t, Seal, bodyValues("Selo"), nil, nil, key)
	own := must2(ReadKey(must2(publicDER(h.issuingKey))(t)))(t)
	ca := func(cn string) Order {
		return order(t, IssuingCA, map[Attribute]string{Country: "PT", Organization: "O", CommonName: cn}, nil, nil, key)
	}
	old := seal
	old.Version = 9
	longer := seal
	longer.Validity.Term.Years = 30
	for name, try := range map[string]func() error{
		"the root, an end entity":       func() error { _, err := Prepare(seal, h.root, serialOf(1), moment); return err },
		"the issuing, an authority":     func() error { _, err := Prepare(ca("EC TESTE"), h.issuing, serialOf(1), moment); return err },
		"an authority without the mark": func() error { _, err := Prepare(ca("EC"), h.root, serialOf(1), moment); return err },
		"the issuer's own key": func() error {
			_, err := Prepare(order(t, Seal, bodyValues("Selo"), nil, nil, own), h.issuing, serialOf(1), moment)
			return err
		},
		"no serial":          func() error { _, err := Prepare(seal, h.issuing, nil, moment); return err },
		"an unknown version": func() error { _, err := Prepare(old, h.issuing, serialOf(1), moment); return err },
		"a longer term":      func() error { _, err := Prepare(longer, h.issuing, serialOf(1), moment); return err },
	} {
		if try() == nil {
			t.Errorf("%s: done", name)
		}
	}
}

func TestSubjectsAreRefusedWithEveryReason(t *testing.T) {
	p := must2(ProfileOf(Website))(t)
	_, err := p.Name(map[Attribute]string{Organization: longBody, OrganizationIdentifier: "VATPT-500000001", CommonName: "x"})
	f, ok := fault.As(err)
	if !ok {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, field := range f.Fields {
		got[field.Key+" "+field.Args["attribute"]] = true
	}
	for _, want := range []string{"issuance.subject-missing C", "issuance.subject-long O", "issuance.subject-value organizationIdentifier", "issuance.subject-foreign CN"} {
		if !got[want] {
			t.Errorf("%s is missing in %v", want, got)
		}
	}
}

func TestSerialsAre127RandomBits(t *testing.T) {
	seen := map[string]bool{}
	longest := 0
	for range 2000 {
		n := must2(NewSerial())(t)
		longest = max(longest, n.BitLen())
		if n.Sign() <= 0 || n.BitLen() > 127 || seen[n.String()] {
			t.Fatalf("serial %s", n)
		}
		seen[n.String()] = true
	}
	if longest != 127 {
		t.Errorf("no serial has more than %d bits", longest)
	}
}

func TestABrokenRandomSourceGivesNoSerial(t *testing.T) {
	if _, err := drawSerial(func(int) (*big.Int, error) { return big.NewInt(7), nil }); err == nil {
		t.Error("a small number became a serial")
	}
	away := errors.New("no entropy")
	if _, err := drawSerial(func(int) (*big.Int, error) { return nil, away }); !errors.Is(err, away) {
		t.Error(err)
	}
}
