package status_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/issuance"
	"chancela/internal/status"
)

// ahead reads the register and signs ahead until everything is, as the loops of a server do.
func (k *kit) ahead(t *testing.T) {
	t.Helper()
	if err := k.i.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	place := uint32(1)
	for range 1000 {
		if place = k.SignSome(t.Context(), place); place == 1 {
			return
		}
	}
	t.Fatal("signing ahead has no end")
}

// asked asks about a certificate in a way, and gives what Go reads in the answer.
func (k *kit) asked(t *testing.T, c ca.Certificate, hash crypto.Hash, nonce bool) (*ocsp.Response, error) {
	t.Helper()
	var der []byte
	var err error
	if nonce {
		der = k.nonced(t, c)
	} else if der, err = ocsp.CreateRequest(&x509.Certificate{SerialNumber: c.Serial.Number()}, k.issuer, &ocsp.RequestOptions{Hash: hash}); err != nil {
		t.Fatal(err)
	}
	return ocsp.ParseResponse(k.OCSP(t.Context(), der).DER, k.issuer)
}

// nonced adds a nonce to the request that Go makes, which has none: the extensions stand at the end of both sequences.
func (k *kit) nonced(t *testing.T, c ca.Certificate) []byte {
	t.Helper()
	der := k.request(t, c.Serial.Number())
	nonce := []byte("\xa2\x1d\x30\x1b\x30\x19\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x02\x04\x0c\x04\x0aabcdefghij")
	nonce[1], nonce[3], nonce[5] = byte(len(nonce)-2), byte(len(nonce)-4), byte(len(nonce)-6)
	der = append(der, nonce...)
	der[1] += byte(len(nonce))
	der[3] += byte(len(nonce))
	return der
}

func TestWhileTheKeysAreAwayStatusGoesOnFromWhatWasSignedAhead(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		good, bad, late := k.i.Website(t, "o1"), k.i.Website(t, "o2"), k.i.Website(t, "o3")
		k.i.End(t, bad, issuance.KeyCompromise)
		k.ahead(t)
		k.i.Keys.Away.Store(true)
		k.i.Clock.Pass(50 * time.Minute) // older than half of their life, and good
		want := func(c ca.Certificate, state int) {
			t.Helper()
			for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
				for _, nonce := range []bool{false, true} {
					r, err := k.asked(t, c, hash, nonce)
					if err != nil || r.Status != state || r.NextUpdate.Before(k.i.Clock.Now()) {
						t.Errorf("%v, nonce %v: %+v %v", hash, nonce, r, err)
					}
				}
			}
		}
		want(good, ocsp.Good)
		want(bad, ocsp.Revoked)
		k.i.End(t, late, issuance.Superseded) // what is revoked while they are away is never said to be good
		if r, err := k.asked(t, late, crypto.SHA1, false); err == nil {
			t.Errorf("an answer about it: %+v", r)
		}
		k.i.Clock.Pass(11 * time.Minute)
		if r, err := k.asked(t, good, crypto.SHA1, false); err == nil {
			t.Errorf("an answer that has run out: %+v", r)
		}
		k.i.Keys.Away.Store(false)
		want(good, ocsp.Good)
		want(late, ocsp.Revoked)
	})
}

func TestAnAnswerByARevokedOrEndedResponderIsNotGiven(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		k.ahead(t)
		first, err := k.asked(t, c, crypto.SHA1, false)
		if err != nil {
			t.Fatal(err)
		}
		responder := ca.SerialOf(first.Certificate.SerialNumber)
		if err := k.i.Revoke(t.Context(), system, ca.Revocation{Serial: responder, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		if err := k.i.Work(t.Context()); err != nil { // founds the next
			t.Fatal(err)
		}
		k.i.Keys.Away.Store(true)
		if r, err := k.asked(t, c, crypto.SHA1, false); err == nil {
			t.Errorf("by the revoked responder: %+v", r)
		}
		k.i.Keys.Away.Store(false)
		k.i.Clock.Pass(6 * time.Second)
		again, err := k.asked(t, c, crypto.SHA1, false)
		if err != nil || again.Certificate.SerialNumber.Cmp(first.Certificate.SerialNumber) == 0 {
			t.Fatalf("%+v %v", again, err)
		}
		if r := k.ask(t, responder.Number()); r.Status != ocsp.Revoked {
			t.Errorf("the revoked responder is %d", r.Status)
		}
	})
}

func TestTheResponderIsRolledBeforeItEndsAndAnswersOfTheOldOneStandMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		k.i.Clock.Pass(61 * 24 * time.Hour)
		k.ahead(t)
		old, err := k.asked(t, c, crypto.SHA1, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.i.Keys.Away.Store(true)
		if same, err := k.asked(t, c, crypto.SHA1, false); err != nil || same.Certificate.SerialNumber.Cmp(old.Certificate.SerialNumber) != 0 {
			t.Errorf("%+v %v", same, err)
		}
		k.i.Keys.Away.Store(false)
		k.i.Clock.Pass(40 * time.Minute)
		k.ahead(t)
		rolled, err := k.asked(t, c, crypto.SHA1, false)
		if err != nil || rolled.Certificate.SerialNumber.Cmp(old.Certificate.SerialNumber) == 0 || !rolled.Certificate.NotAfter.After(old.Certificate.NotAfter) {
			t.Errorf("%+v %v", rolled, err)
		}
	})
}

func TestAClockThatRanAheadLeavesNoAnswerOfTheFuture(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour, -time.Second, 2 * time.Second, -48 * time.Hour, 48 * time.Hour} {
			k.ahead(t)
			k.i.Clock.Jump(jump)
			if k.i.Clock.Now().Before(c.NotBefore) {
				continue
			}
			for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
				r, err := k.asked(t, c, hash, false)
				now := k.i.Clock.Now()
				if err != nil || r.ThisUpdate.After(now) || r.ProducedAt.After(now) || !r.NextUpdate.After(now) || r.Status != ocsp.Good {
					t.Errorf("after a jump of %s, at %s: %+v %v", jump, now, r, err)
				}
			}
		}
	})
}

func TestAnAnswerAboutWhatHasEndedSaysSinceWhenWeAnswer(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		k.i.End(t, c, issuance.Superseded)
		k.i.Clock.Pass(300 * 24 * time.Hour)
		if err := k.i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.ahead(t)
		for range 2 { // signed, and kept
			r, err := k.asked(t, c, crypto.SHA1, false)
			if err != nil || r.Status != ocsp.Revoked {
				t.Fatalf("%+v %v", r, err)
			}
			found := false
			for _, e := range r.Extensions { // of the single response
				found = found || e.Id.String() == "1.3.6.1.5.5.7.48.1.6" && string(e.Value) == "\x18\x0f"+k.issuer.NotBefore.UTC().Format("20060102150405Z")
			}
			if !found {
				t.Errorf("no archiveCutoff of %s: %+v", k.issuer.NotBefore, r.Extensions)
			}
		}
	})
}

// TestManyAskWhileRevocationsGoOn has every answer after a revocation's return say revoked, while others ask and answers
// are signed ahead.
func TestManyAskWhileRevocationsGoOn(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		var all []ca.Certificate
		for n := range 6 {
			all = append(all, k.i.Website(t, fmt.Sprint("o", n)))
		}
		k.ahead(t)
		ctx, stop := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for n := range 3 {
			others.Go(func() {
				for at := n; ctx.Err() == nil; at++ {
					_ = k.OCSP(ctx, k.request(t, all[at%len(all)].Serial.Number()))
					_ = k.SignSome(ctx, 1)
				}
			})
		}
		for _, c := range all {
			k.i.End(t, c, issuance.Superseded)
			for range 20 {
				if r, err := k.asked(t, c, crypto.SHA1, false); err != nil || r.Status != ocsp.Revoked {
					t.Fatalf("after its revocation: %+v %v", r, err)
				}
			}
		}
		stop()
		others.Wait()
	})
}

// TestSignaturesAreFoundWhereTheyWereKept compares the store of signatures with a plain map.
func TestSignaturesAreFoundWhereTheyWereKept(t *testing.T) {
	status.CompareSignatures(t, 20_000)
}

func TestSigningAheadRestsWhileTheKeyIsAway(t *testing.T) {
	form, _, ok := catest.One(t, "http://localhost/pki").AnswerForm(catest.Issuing, 0)
	if !ok {
		t.Fatal("no responder")
	}
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := status.New(status.Config{CA: silent{calls: &calls, at: time.Now(), form: form}})
		ctx, cancel := context.WithTimeout(t.Context(), 61*time.Second)
		defer cancel()
		if err := s.Ahead(ctx); err != nil {
			t.Fatal(err)
		}
		if calls < 8 || calls > 14 { // each five seconds or so
			t.Errorf("a key that is away was asked %d times in a minute", calls)
		}
	})
}

// silent is an authority of one certificate whose key is away.
type silent struct {
	status.Authority
	calls *int
	at    time.Time
	form  *issuance.AnswerForm
}

func (s silent) Registered(place uint32) (ca.Registered, bool) {
	return ca.Registered{Known: ca.Known{Standing: issuance.Good, Place: place, Ends: s.at.Add(time.Hour * 99)}, Issuer: "x", Serial: []byte{1}}, place == 1
}
func (s silent) Now() time.Time            { return time.Now() }
func (s silent) AnswerLife() time.Duration { return time.Hour }
func (s silent) AnswerForm(string, uint8) (*issuance.AnswerForm, uint8, bool) {
	return s.form, 1, true
}
func (s silent) Answer(context.Context, string, []issuance.SingleStatus, []byte) ([]byte, error) {
	*s.calls++
	return nil, fmt.Errorf("away %s", big.NewInt(int64(*s.calls)))
}
