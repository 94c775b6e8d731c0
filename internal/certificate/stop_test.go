package certificate_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/certificate"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// visitor is somebody without an account, from a network.
func visitor(from string) actor.Actor {
	return actor.Actor{Kind: actor.Visitor, Portal: desk, Address: from}
}

// wrong is a code of the right form that is no certificate's.
func wrong(t *testing.T) string {
	t.Helper()
	code, err := field.NewCode(strings.NewReader("nothing is random in this line of text here"))
	must(t, err)
	return code
}

func TestTheCodeSuspendsAndRevokesWithoutSigningIn(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		code := k.code()
		if got, _ := k.post.to(portal.CertificateCode); len(got) != 1 || got[0] != "ana@exemplo.pt" {
			t.Fatalf("the code was sent to %v", got)
		}
		done, err := k.Stop(t.Context(), visitor("a"), certificate.Stop{Number: strings.ToLower(strings.ReplaceAll(v.Serial, ":", "")), Code: strings.ToLower(strings.ReplaceAll(code, "-", " ")), Reason: 1})
		if must(t, err); done.Revoked || !done.At.Equal(k.clock.now()) || done.Serial != v.Serial || done.Until.IsZero() {
			t.Fatalf("%+v", done)
		}
		k.ocsp(v, issuance.Revoked, issuance.CertificateHold)
		if got, last := k.post.to(portal.CertificateSuspended); len(got) != 2 || !strings.Contains(last.Values["requester"], "código") {
			t.Fatalf("told %v: %v", got, last.Values)
		}
		_, err = k.Stop(t.Context(), visitor("a"), certificate.Stop{Number: v.Serial, Code: code, Reason: 1})
		wantKey(t, err, fault.Conflict, "ca.suspended")
		must(t, k.Reinstate(t.Context(), decider, v.ID, facts))
		k.ocsp(v, issuance.Good, 0)
		// The number of the order does as well as the serial number, in any case.
		done, err = k.Stop(t.Context(), visitor("a"), certificate.Stop{Number: " 2026/C1 ", Code: code, Reason: 1, Revoke: true})
		if must(t, err); !done.Revoked {
			t.Fatalf("%+v", done)
		}
		k.ocsp(v, issuance.Revoked, issuance.KeyCompromise)
		_, err = k.Stop(t.Context(), visitor("a"), certificate.Stop{Number: v.Serial, Code: code, Reason: 1, Revoke: true})
		wantKey(t, err, fault.Conflict, "E-REV-03")
	})
}

func TestNobodyTellsAWrongCodeFromAnUnknownNumber(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v, other := k.issued("c1"), k.issued("c2")
		code := k.code() // of the second
		for name, one := range map[string]struct {
			by   actor.Actor
			what certificate.Stop
		}{
			"a wrong code":                        {visitor("a"), certificate.Stop{Number: v.Serial, Code: wrong(t), Reason: 1}},
			"the code of another":                 {visitor("b"), certificate.Stop{Number: v.Serial, Code: code, Reason: 1}},
			"a number that is nobody's":           {visitor("c"), certificate.Stop{Number: "2026/c99", Code: code, Reason: 1}},
			"a serial number that is nobody's":    {visitor("d"), certificate.Stop{Number: strings.Repeat("ab", 16), Code: code, Reason: 1}},
			"the right code, from another portal": {actor.Actor{Kind: actor.Visitor, Portal: "outro", Address: "e"}, certificate.Stop{Number: other.Serial, Code: code, Reason: 1}},
			"an order's id in the place of it":    {visitor("f"), certificate.Stop{Number: string(other.ID), Code: code, Reason: 1}},
		} {
			_, err := k.Stop(t.Context(), one.by, one.what)
			if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || e.Key != "certificate.stop.refused" || len(e.Fields) > 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, one := range []certificate.Stop{{}, {Number: v.Serial, Code: "1234", Reason: 1}, {Number: v.Serial, Code: code, Reason: 9}, {Number: strings.Repeat("9", 500), Code: code, Reason: 1}} {
			if _, err := k.Stop(t.Context(), visitor("g"), one); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", one, err)
			}
		}
		k.ocsp(v, issuance.Good, 0)
		k.ocsp(other, issuance.Good, 0)
	})
}

func TestSixtyFourTriesAtOnceAreThrottled(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		var judged, refused atomic.Int64
		var racing sync.WaitGroup
		for range 64 {
			racing.Go(func() {
				_, err := k.Stop(t.Context(), visitor("10.0.0.0/24"), certificate.Stop{Number: v.Serial, Code: wrong(t), Reason: 1})
				switch {
				case fault.Is(err, fault.Throttled):
					refused.Add(1)
				case fault.Is(err, fault.Invalid):
					judged.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		racing.Wait()
		if judged.Load() != 10 || refused.Load() != 54 {
			t.Fatalf("%d were judged, %d refused", judged.Load(), refused.Load())
		}
		stop := certificate.Stop{Number: v.Serial, Code: k.code(), Reason: 1}
		_, err := k.Stop(t.Context(), visitor("10.0.0.0/24"), stop)
		if !fault.Is(err, fault.Throttled) {
			t.Fatalf("the guesser's network went on: %v", err)
		}
		if _, err := k.Stop(t.Context(), visitor("192.0.2.0/24"), stop); err != nil {
			t.Fatalf("the holder was shut out: %v", err)
		}
	})
}

func TestANewCodeVoidsTheOldAndNoneIsStored(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		first := k.code()
		for _, by := range []actor.Actor{holder("outra"), decider, visitor("a")} {
			if err := k.NewCode(t.Context(), by, v.ID); err == nil {
				t.Errorf("%s made a code", by.Kind)
			}
		}
		k.clock.pass(time.Second)
		must(t, k.NewCode(t.Context(), holder("ana"), v.ID))
		second := k.code()
		if first == second {
			t.Fatal("the same code")
		}
		_, err := k.Stop(t.Context(), visitor("a"), certificate.Stop{Number: v.Serial, Code: first, Reason: 1})
		wantKey(t, err, fault.Invalid, "certificate.stop.refused")
		must(t, k.db.Look(t.Context(), func(tx *db.Tx) error {
			rows, err := db.Collect(t.Context(), tx, func(scan func(...any) error) (string, error) {
				var a, b, c, d, e string
				err := scan(&a, &b, &c, &d, &e)
				return a + b + c + d + e, err
			}, `SELECT ref, kind, portal, subject, challenge FROM code`)
			for _, row := range rows {
				for _, code := range []string{first, second} {
					if strings.Contains(strings.ToUpper(row), code) || strings.Contains(strings.ToUpper(row), strings.ReplaceAll(code, "-", "")) {
						t.Error("the code is in the database")
					}
				}
			}
			if len(rows) != 2 {
				t.Errorf("%d codes", len(rows))
			}
			return err
		}))
		if _, err := k.Stop(t.Context(), visitor("b"), certificate.Stop{Number: v.Serial, Code: second, Reason: 1, Revoke: true}); err != nil {
			t.Fatal(err)
		}
		wantKey(t, k.NewCode(t.Context(), holder("ana"), v.ID), fault.Conflict, "certificate.not-now")
	})
}

func TestACodeDiesWithItsCertificate(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		code := k.code()
		k.clock.pass(v.NotAfter.Sub(k.clock.now()) + time.Second)
		_, err := k.Stop(t.Context(), visitor("a"), certificate.Stop{Number: v.Serial, Code: code, Reason: 1, Revoke: true})
		wantKey(t, err, fault.Invalid, "certificate.stop.refused")
	})
}
