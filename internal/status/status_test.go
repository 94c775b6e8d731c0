package status_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"encoding/base64"

	"golang.org/x/crypto/ocsp"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
	"chancela/internal/status"
	"chancela/internal/throttle"
)

type kit struct {
	*status.Service
	i      *catest.Instance
	issuer *x509.Certificate
}

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	catest.Each(t, "http://localhost:8080/pki", func(t *testing.T, i *catest.Instance) {
		k := &kit{i: i, Service: status.New(status.Config{
			DB: i.DB, CA: i.CA, Throttle: throttle.New(throttle.Key{1}), Sources: []status.Verifiable{paper{}},
			Portals: &portal.Set{Portals: []*portal.Portal{{Name: catest.Portal, Verify: portal.Verify{ByBody: true}}, {Name: "calado"}}},
		})}
		var err error
		k.issuer, err = x509.ParseCertificate(i.Authorities()[1].Certificate)
		if err != nil {
			t.Fatal(err)
		}
		test(t, k)
	})
}

// paper is something else that was issued.
type paper struct{}

func (paper) Lookup(_ context.Context, code string, at time.Time) (status.Answer, bool, error) {
	if code != "0000-0000-0000-0" {
		return status.Answer{}, false, nil
	}
	return status.Answer{State: status.Valid, Kind: "paper", Code: code}, true, nil
}

func (paper) LookupBody(_ context.Context, portalName, nipc string, _ time.Time) ([]status.Answer, error) {
	if portalName != catest.Portal || nipc != "590000004" {
		return nil, nil
	}
	return []status.Answer{{State: status.Lapsed, Kind: "paper"}}, nil
}

var system = actor.Machine("")

func visitor() actor.Actor { return actor.Actor{Kind: actor.Visitor, Address: "192.0.2.0/24"} }

func (k *kit) request(t *testing.T, serial *big.Int) []byte {
	t.Helper()
	der, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: serial}, k.issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// ask has another implementation read and verify the answer.
func (k *kit) ask(t *testing.T, serial *big.Int) *ocsp.Response {
	t.Helper()
	r, err := ocsp.ParseResponse(k.OCSP(t.Context(), k.request(t, serial)).DER, k.issuer)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOCSPSaysGoodOnlyOfWhatWasIssued(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		good, bad := k.i.Website(t, "o1"), k.i.Website(t, "o2")
		k.i.End(t, bad, issuance.KeyCompromise)
		intent := k.i.Intend(t, "o3")
		never, err := issuance.NewSerial()
		if err != nil {
			t.Fatal(err)
		}
		for what, one := range map[string]struct {
			serial *big.Int
			want   int
		}{
			"issued": {good.Serial.Number(), ocsp.Good}, "revoked": {bad.Serial.Number(), ocsp.Revoked}, "meant and never recorded": {intent.Number(), ocsp.Revoked},
			"never meant": {never, ocsp.Unknown}, "one": {big.NewInt(1), ocsp.Unknown}, "zero": {big.NewInt(0), ocsp.Unknown},
			"the negative of a good one": {new(big.Int).Neg(good.Serial.Number()), ocsp.Unknown},
		} {
			if got := k.ask(t, one.serial); got.Status != one.want {
				t.Errorf("%s: %d, want %d", what, got.Status, one.want)
			}
		}
		if r := k.ask(t, bad.Serial.Number()); r.RevocationReason != ocsp.KeyCompromise || r.NextUpdate.Sub(r.ThisUpdate) != time.Hour {
			t.Errorf("%+v", r)
		}
		if err := k.i.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := k.ask(t, intent.Number()); got.Status != ocsp.Revoked {
			t.Errorf("a lost one is %d", got.Status)
		}
	})
}

func TestTheFirstAnswerAfterARevocationSaysRevoked(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		request := k.request(t, c.Serial.Number())
		first, second := k.OCSP(t.Context(), request), k.OCSP(t.Context(), request)
		if !bytes.Equal(first.DER, second.DER) || first.KeepFor <= 0 || first.KeepFor > 10*time.Minute {
			t.Fatalf("kept for %s, the same: %v", first.KeepFor, bytes.Equal(first.DER, second.DER))
		}
		other := status.New(status.Config{DB: k.i.DB, CA: k.i.CA}) // another replica, with a kept answer of its own
		other.OCSP(t.Context(), request)
		k.i.End(t, c, issuance.Superseded)
		for _, s := range []*status.Service{k.Service, other} {
			r, err := ocsp.ParseResponse(s.OCSP(t.Context(), request).DER, k.issuer)
			if err != nil || r.Status != ocsp.Revoked {
				t.Fatalf("%v %v", r, err)
			}
		}
		k.i.Clock.Pass(40 * time.Minute)
		if again := k.OCSP(t.Context(), request); bytes.Equal(again.DER, first.DER) || again.Until.Sub(k.i.Clock.Now()) < 30*time.Minute {
			t.Error("an answer with less than half of its life was given")
		}
	})
}

func TestOCSPByPathAsClientsSendIt(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		text := base64.StdEncoding.EncodeToString(k.request(t, c.Serial.Number()))
		for _, path := range []string{text, url.PathEscape(text), url.QueryEscape(text), "/" + text, strings.TrimRight(text, "=")} {
			r, err := ocsp.ParseResponse(k.OCSPPath(t.Context(), path).DER, k.issuer)
			if err != nil || r.Status != ocsp.Good {
				t.Errorf("%q: %v", path, err)
			}
		}
	})
}

func TestOCSPRefusesWhatIsNoQuestionForUs(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		for _, der := range [][]byte{nil, {0x30}, []byte("isto não é um pedido"), bytes.Repeat([]byte{0x30}, status.MostRequest+1)} {
			if r := k.OCSP(t.Context(), der); !bytes.Equal(r.DER, ocsp.MalformedRequestErrorResponse) || r.KeepFor != 0 {
				t.Errorf("%x", r.DER)
			}
		}
		stranger := &x509.Certificate{RawSubject: []byte{0x30, 0}, RawSubjectPublicKeyInfo: k.issuer.RawSubjectPublicKeyInfo}
		der, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: big.NewInt(7)}, stranger, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r := k.OCSP(t.Context(), der); !bytes.Equal(r.DER, ocsp.UnauthorizedErrorResponse) {
			t.Errorf("%x", r.DER)
		}
		c := k.i.Website(t, "o1")
		k.i.Clock.Pass(91 * 24 * time.Hour) // the responder's certificate has ended, and nobody renewed it
		if r := k.OCSP(t.Context(), k.request(t, c.Serial.Number())); !bytes.Equal(r.DER, ocsp.TryLaterErrorResponse) {
			t.Errorf("%x", r.DER)
		}
	})
}

func TestTheRootAnswersForItsOwn(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		root, err := x509.ParseCertificate(k.i.Authorities()[0].Certificate)
		if err != nil {
			t.Fatal(err)
		}
		k.issuer, _ = root, k.issuer
		if r := k.ask(t, k.i.Authorities()[1].Serial.Number()); r.Status != ocsp.Good {
			t.Errorf("the issuing authority is %d", r.Status)
		}
		c := k.i.Website(t, "o1")
		if r := k.ask(t, c.Serial.Number()); r.Status != ocsp.Unknown {
			t.Errorf("the root says %d of another issuer's certificate", r.Status)
		}
	})
}

func TestListsAreKeptUntilTheNext(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		first, err := k.List(t.Context(), catest.Issuing)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := k.List(t.Context(), catest.Issuing); err != nil || again.ETag != first.ETag {
			t.Fatal(err)
		}
		c := k.i.Website(t, "o1")
		k.i.End(t, c, issuance.Superseded)
		next, err := k.List(t.Context(), catest.Issuing)
		if err != nil || next.ETag == first.ETag {
			t.Fatalf("the list of before the revocation: %v", err)
		}
		if _, err := k.List(t.Context(), "outra"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		k.i.Clock.Pass(25 * time.Hour)
		if _, err := k.List(t.Context(), catest.Issuing); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a list that has run out: %v", err)
		}
	})
}

func TestVerifySaysHowACertificateStoodOnADate(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		begin := k.i.Clock.Now()
		k.i.Clock.Pass(48 * time.Hour)
		if err := k.i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := func(at time.Time, state status.State) status.Answer {
			t.Helper()
			a, err := k.Verify(t.Context(), visitor(), c.Serial.String(), at)
			if err != nil || a.State != state {
				t.Fatalf("at %s: %s, want %s: %v", at, a.State, state, err)
			}
			return a
		}
		want(time.Time{}, status.Valid)
		want(begin.Add(-48*time.Hour), status.NotYet)
		k.i.End(t, c, issuance.CessationOfOperation)
		a := want(time.Time{}, status.Revoked)
		if a.Reason.PT == "" || a.Since.IsZero() || a.Issuer != "Emissora TESTE" || len(a.Facts) != 4 {
			t.Errorf("%+v", a)
		}
		want(begin.Add(time.Hour), status.Valid)
		k.i.Clock.Pass(300 * 24 * time.Hour)
		want(time.Time{}, status.Revoked) // its end changes nothing of its revocation
		want(k.i.Clock.Now().AddDate(10, 0, 0), status.Revoked)
	})
}

func TestAWrongCodeAndAnUnknownOneAnswerAlike(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		intent := k.i.Intend(t, "o2")
		at := k.i.Clock.Now().Add(-time.Minute)
		var first status.Answer
		for n, code := range []string{"0000-0000-0000-1", "7777-7777-7777-7", "' OR 1=1", "", strings.Repeat("A", 10000), string(c.Serial[:14]), "ff" + string(c.Serial[2:]), intent.String()} {
			a, err := k.Verify(t.Context(), visitor(), code, at)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				first = a
			}
			if a.State != status.NotFound || a.State != first.State || !a.At.Equal(first.At) || a.Kind != "" || a.Code != "" {
				t.Errorf("%q: %+v", code, a)
			}
		}
		if a, err := k.Verify(t.Context(), visitor(), "0000-0000-0000-0", at); err != nil || a.Kind != "paper" {
			t.Errorf("%+v %v", a, err)
		}
	})
}

func TestAskingWithoutEndIsThrottled(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		var err error
		n := 0
		for ; n < 1000 && err == nil; n++ {
			_, err = k.Verify(t.Context(), visitor(), "x", time.Time{})
		}
		if !fault.Is(err, fault.Throttled) {
			t.Fatalf("after %d: %v", n, err)
		}
		other := visitor()
		other.Address = "198.51.100.0/24"
		if _, err := k.Verify(t.Context(), other, "x", time.Time{}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestByBodyOnlyWhereThePortalAllowsIt(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		if all, err := k.OfBody(t.Context(), visitor(), catest.Portal, "590000004", time.Time{}); err != nil || len(all) != 1 || all[0].At.IsZero() {
			t.Fatalf("%+v %v", all, err)
		}
		for _, portalName := range []string{"calado", "nenhum"} {
			if _, err := k.OfBody(t.Context(), visitor(), portalName, "590000004", time.Time{}); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		}
	})
}

func TestEveryStateAndReasonHasWords(t *testing.T) {
	for _, state := range []status.State{status.Valid, status.Lapsed, status.Suspended, status.Revoked, status.Replaced, status.NotYet, status.NotFound} {
		if _, ok := i18n.Word("status.state." + string(state)); !ok {
			t.Errorf("no word for %s", state)
		}
	}
	for _, reason := range []string{"0", "1", "3", "4", "5", "9"} {
		if _, ok := i18n.Word("status.reason." + reason); !ok {
			t.Errorf("no word for reason %s", reason)
		}
	}
}

func FuzzOCSP(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x0a, 0x01, 0x01})
	linter, err := ca.New(ca.Config{})
	if err != nil {
		f.Fatal(err)
	}
	s := status.New(status.Config{CA: linter})
	f.Fuzz(func(t *testing.T, der []byte) {
		if r := s.OCSP(t.Context(), der); len(r.DER) == 0 {
			t.Fatal("no answer")
		}
		_ = s.OCSPPath(t.Context(), string(der))
	})
}
