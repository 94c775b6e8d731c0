package issuance

import (
	"bytes"
	"crypto"
	_ "crypto/sha1"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ocsp"
)

// asking is an OCSP request to be built with all that may be wrong with one.
type asking struct {
	ids        [][]byte
	version    int // -1 for none
	extensions []cryptobyte.BuilderContinuation
	single     []cryptobyte.BuilderContinuation
	signature  bool
	tail       []byte
}

func (a asking) der(t testing.TB) []byte {
	t.Helper()
	b := cryptobyte.NewBuilder(nil)
	add := func(b *cryptobyte.Builder, n uint8, list []cryptobyte.BuilderContinuation) {
		if len(list) == 0 {
			return
		}
		b.AddASN1(tag(n), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, e := range list {
					e(b)
				}
			})
		})
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if a.version >= 0 {
				b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(a.version)) })
			}
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range a.ids {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(id)
						add(b, 0, a.single)
					})
				}
			})
			add(b, 2, a.extensions)
		})
		if a.signature {
			b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SEQUENCE, func(*cryptobyte.Builder) {}) })
		}
	})
	return append(must2(b.Bytes())(t), a.tail...)
}

// idOf takes the CertID out of a request that x/crypto made.
func idOf(t testing.TB, h *hierarchy, der []byte, hash crypto.Hash) []byte {
	t.Helper()
	request := must2(ocsp.CreateRequest(must2(parse(der))(t), h.issuing.certificate, &ocsp.RequestOptions{Hash: hash}))(t)
	return must2(ParseStatusRequest(request))(t).Asked[0].raw
}

func ext(id asn1.ObjectIdentifier, critical bool, value []byte) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) {
		addExtension(b, id, critical, func(b *cryptobyte.Builder) { b.AddBytes(value) })
	}
}

// octets wraps a nonce as RFC 9654 has it.
func octets(n int) []byte {
	return append([]byte{0x04, byte(n)}, bytes.Repeat([]byte{7}, n)...)
}

func TestStatusRequestsAreReadOrMalformed(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	id1, id256 := idOf(t, h, h.responderCert, crypto.SHA1), idOf(t, h, h.responderCert, crypto.SHA256)
	strange := asn1.ObjectIdentifier{2, 999, 9}
	many := make([][]byte, maxAsked+1)
	for i := range many {
		many[i] = id1
	}
	for name, c := range map[string]struct {
		asking
		good bool
	}{
		"SHA-1":                   {asking{ids: [][]byte{id1}, version: -1}, true},
		"SHA-256":                 {asking{ids: [][]byte{id256}, version: -1}, true},
		"several":                 {asking{ids: [][]byte{id1, id256, id1}, version: -1}, true},
		"version 0 written out":   {asking{ids: [][]byte{id1}}, true},
		"signed":                  {asking{ids: [][]byte{id1}, version: -1, signature: true}, true},
		"nonce of 1":              {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, octets(1))}}, true},
		"nonce of 32":             {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, octets(32))}}, true},
		"critical nonce":          {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, true, octets(16))}}, true},
		"unknown extension":       {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(strange, false, nil)}}, true},
		"nonce of 0":              {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, octets(0))}}, false},
		"nonce of 33":             {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, octets(33))}}, false},
		"nonce of no type":        {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, []byte{1, 2, 3})}}, false},
		"nonce as integer":        {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, []byte{2, 1, 3})}}, false},
		"nonce with a tail":       {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, append(octets(8), 0))}}, false},
		"nonce twice":             {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, octets(8)), ext(oidNonce, false, octets(8))}}, false},
		"unknown critical":        {asking{ids: [][]byte{id1}, version: -1, extensions: []cryptobyte.BuilderContinuation{ext(strange, true, nil)}}, false},
		"unknown critical, inner": {asking{ids: [][]byte{id1}, version: -1, single: []cryptobyte.BuilderContinuation{ext(strange, true, nil)}}, false},
		"version 1":               {asking{ids: [][]byte{id1}, version: 1}, false},
		"nobody asked for":        {asking{version: -1}, false},
		"a hundred and one":       {asking{ids: many, version: -1}, false},
		"a tail":                  {asking{ids: [][]byte{id1}, version: -1, tail: []byte{0}}, false},
		"no identifier":           {asking{ids: [][]byte{{0x30, 0}}, version: -1}, false},
	} {
		r, err := ParseStatusRequest(c.der(t))
		if (err == nil) != c.good || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && (len(r.Asked) != len(c.ids) || !h.issuing.Is(r.Asked[0])) {
			t.Errorf("%s: read %+v", name, r)
		}
	}
	if _, err := ParseStatusRequest(make([]byte, MaxStatusRequest+1)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

func TestARequestInAPathIsReadHoweverItIsEscaped(t *testing.T) {
	// 0x30 0x08 and then bytes whose base64 has "//" and "+" in it.
	der := []byte{0x30, 0x08, 0xff, 0xff, 0xff, 0xff, 0xfb, 0xef, 0xbe, 0x00}
	plain := base64.StdEncoding.EncodeToString(der)
	if !strings.Contains(plain, "//") || !strings.Contains(plain, "+") || !strings.HasSuffix(plain, "=") {
		t.Fatal(plain)
	}
	for _, path := range []string{
		plain, "/" + plain, url.PathEscape(plain), url.QueryEscape(plain), strings.ReplaceAll(plain, "/", "%2f"),
		strings.TrimRight(plain, "="), strings.ReplaceAll(plain, "+", "%20"), strings.ReplaceAll(plain, "+", " "),
	} {
		if got, err := DecodeStatusPath(path); err != nil || !bytes.Equal(got, der) {
			t.Errorf("%s: %v %x", path, err, got)
		}
	}
	for _, path := range []string{"", "/", "%zz", "a b c", "MAYA*", strings.Repeat("MAYA", 100000), "%25"} {
		if _, err := DecodeStatusPath(path); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.20s was read", path)
		}
	}
}

func TestAnswersThatWouldMisleadAreNotSigned(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	ask := func(hash crypto.Hash) CertID {
		request := asking{ids: [][]byte{idOf(t, h, h.responderCert, hash)}, version: -1}.der(t)
		return must2(ParseStatusRequest(request))(t).Asked[0]
	}
	good := SingleStatus{ID: ask(crypto.SHA1), Standing: Good, ThisUpdate: moment, NextUpdate: moment.Add(time.Hour)}
	revoked := good
	revoked.Standing, revoked.Revocation = Revoked, Revocation{Serial: big.NewInt(1), At: moment.Add(-time.Hour)}
	try := func(s SingleStatus, nonce []byte, at time.Time) error {
		u, err := PrepareStatus([]SingleStatus{s}, nonce, h.responder, at)
		if err != nil {
			return err
		}
		_, _, err = h.linter.Lint(u)
		return err
	}
	for _, s := range []SingleStatus{good, revoked} {
		if err := try(s, []byte("nonce"), moment); err != nil {
			t.Fatal(err)
		}
	}
	with := func(s SingleStatus, change func(*SingleStatus)) SingleStatus { change(&s); return s }
	for name, err := range map[string]error{
		"no nextUpdate":   try(with(good, func(s *SingleStatus) { s.NextUpdate = time.Time{} }), nil, moment),
		"stale":           try(good, nil, moment.Add(2*time.Hour)),
		"from the future": try(with(good, func(s *SingleStatus) { s.ThisUpdate = moment.Add(time.Minute) }), nil, moment),
		"for a week":      try(with(good, func(s *SingleStatus) { s.NextUpdate = moment.AddDate(0, 0, 7) }), nil, moment),
		"revoked to come": try(with(revoked, func(s *SingleStatus) { s.Revocation.At = moment.Add(time.Hour) }), nil, moment),
		"reason 7":        try(with(revoked, func(s *SingleStatus) { s.Revocation.Reason = 7 }), nil, moment),
		"no standing":     try(with(good, func(s *SingleStatus) { s.Standing = "" }), nil, moment),
		"nonce of 33":     try(good, make([]byte, 33), moment),
		"responder expired": try(with(good, func(s *SingleStatus) {
			s.ThisUpdate = h.responder.Ends()
			s.NextUpdate = s.ThisUpdate.Add(2 * time.Hour)
		}), nil, h.responder.Ends().Add(time.Second)),
		"responder not yet":     try(good, nil, moment.AddDate(-1, 0, 0)),
		"another issuer's good": try(with(good, func(s *SingleStatus) { s.ID.key = make([]byte, 20) }), nil, moment),
	} {
		if err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	if _, _, err := h.linter.Lint(must2(PrepareStatus(nil, nil, h.responder, moment))(t)); !errors.Is(err, ErrLint) {
		t.Errorf("an answer about nothing: %v", err)
	}
}

func TestGoReadsTheAnswers(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	request := asking{ids: [][]byte{idOf(t, h, h.responderCert, crypto.SHA256)}, version: -1}.der(t)
	serial := serialIn(t, h.responderCert)
	der := h.answer(t, request, map[string]SingleStatus{serial.String(): {Standing: Revoked, Revocation: Revocation{At: moment.Add(-time.Minute), Reason: KeyCompromise}}})
	r := must2(ocsp.ParseResponseForCert(der, must2(parse(h.responderCert))(t), h.issuing.certificate))(t)
	if r.Status != ocsp.Revoked || r.RevocationReason != ocsp.KeyCompromise || r.SerialNumber.Cmp(serial) != 0 || !r.ThisUpdate.Equal(moment) {
		t.Errorf("%+v", r)
	}
	for want, der := range map[ocsp.ResponseStatus][]byte{
		ocsp.Malformed: AnswerMalformed(), ocsp.InternalError: AnswerInternalError(), ocsp.TryLater: AnswerTryLater(), ocsp.Unauthorized: AnswerUnauthorized(),
	} {
		_, err := ocsp.ParseResponse(der, nil)
		var got ocsp.ResponseError
		if !errors.As(err, &got) || got.Status != want {
			t.Errorf("%v: %v", want, err)
		}
	}
}

func TestOnlyAResponderOfTheIssuerAnswers(t *testing.T) {
	h, _, issued := published(t, ECP256)
	for name, der := range issued {
		_, err := NewResponder(der, h.issuing)
		if (err == nil) != (name == OCSPResponder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewResponder(h.responderCert, h.root); err == nil {
		t.Error("the responder speaks for the root")
	}
}

func FuzzParseStatusRequest(f *testing.F) {
	h := newHierarchy(f, ECP256, moment, Trust{})
	f.Add(asking{ids: [][]byte{idOf(f, h, h.responderCert, crypto.SHA1)}, version: 0, extensions: []cryptobyte.BuilderContinuation{ext(oidNonce, false, octets(8))}}.der(f))
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseStatusRequest(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Error(err)
			}
			return
		}
		if len(r.Asked) == 0 || len(r.Asked) > maxAsked || len(r.Nonce) > maxNonce {
			t.Errorf("%+v", r)
		}
		for _, id := range r.Asked {
			h.issuing.Is(id)
		}
	})
}

func FuzzDecodeStatusPath(f *testing.F) {
	f.Add("MAYA//%2b")
	f.Fuzz(func(t *testing.T, path string) {
		der, err := DecodeStatusPath(path)
		if err == nil && (len(der) == 0 || len(der) > MaxStatusRequest) {
			t.Errorf("%d bytes", len(der))
		}
	})
}
