// Package mutants_test sends a hundred thousand requests that are almost right to everything that strangers may send
// bytes to without signing in: status by GET and POST, time stamps, key requests, and the addresses themselves.
//
// The handlers are the program's own, over a real hierarchy and database; only the network is left out. The mutants are
// the same each time: a seed stands in the test.
package mutants_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chancela/internal/ca/catest"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/pkihttp"
	"chancela/internal/portal"
	"chancela/internal/status"
	"chancela/internal/throttle"

	"golang.org/x/crypto/ocsp"
)

// How many of each are sent.
const (
	mutantsAsked   = 40_000 // OCSP by POST
	mutantsGot     = 20_000 // OCSP by GET
	mutantsStamped = 15_000
	mutantsKeys    = 20_000 // PKCS#10
	mutantsPaths   = 5_000
)

const seed = 20261122

// world is a hierarchy with its handler, and the requests that mutants are made of.
type world struct {
	handler  http.Handler
	issued   map[string]bool // serial numbers that may be called good
	issuer   *x509.Certificate
	asks     [][]byte
	stamps   [][]byte
	requests [][]byte
	keys     map[string]bool // public keys (DER) that the requests prove possession of

	signed, granted, taken, served atomic.Int64 // what was given and not refused: of mutants that all fail early nothing is learnt
}

// TestAHundredThousandMutatedRequestsAreAnsweredOrRefused wants of each an answer that its standard knows; never a
// panic, a fault of ours, a good word about what was never issued, or a goroutine or memory that stays.
func TestAHundredThousandMutatedRequestsAreAnsweredOrRefused(t *testing.T) {
	if mutantsAsked+mutantsGot+mutantsStamped+mutantsKeys+mutantsPaths < 100_000 {
		t.Fatal("fewer than were promised")
	}
	w := newWorld(t)
	jobs := []struct {
		name string
		n    int
		send func(chance) error
	}{
		{"OCSP by POST", mutantsAsked, w.asked}, {"OCSP by GET", mutantsGot, w.got}, {"time stamps", mutantsStamped, w.stamped},
		{"key requests", mutantsKeys, w.requested}, {"addresses", mutantsPaths, w.addressed},
	}
	before := runtime.NumGoroutine()
	for _, job := range jobs { // one round to fill what is kept on purpose
		run(t, job.name, job.n/10, seed, job.send)
	}
	full := heap()
	for _, job := range jobs {
		run(t, job.name, job.n, seed+1, job.send)
	}
	if after := heap(); after > full+mostGrowth {
		t.Errorf("%d KiB were held after a tenth, %d KiB after all", full>>10, after>>10)
	}
	for what, n := range map[string]*atomic.Int64{"answers signed": &w.signed, "stamps granted": &w.granted, "key requests taken": &w.taken, "files served": &w.served} {
		t.Logf("%d %s", n.Load(), what)
		if n.Load() < 100 {
			t.Errorf("%d %s: the mutants are too far from what is right", n.Load(), what)
		}
	}
	if after := runtime.NumGoroutine(); after > before+mostGoroutines {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// mostGrowth is what may be kept on purpose: status answers that were signed, at most 8192 of them.
const mostGrowth = 16 << 20

// mostGoroutines may be there more than before: those of the database's connections.
const mostGoroutines = 20

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// run sends n mutants from two hands at once, each with chances of its own.
func run(t *testing.T, name string, n int, seed uint64, send func(chance) error) {
	t.Helper()
	const hands = 2
	var all sync.WaitGroup
	for hand := range hands {
		all.Go(func() {
			c := chance{mathrand.New(mathrand.NewPCG(seed, uint64(hand)))}
			for i := range n / hands {
				if err := guarded(send, c); err != nil {
					t.Errorf("%s, seed %d, hand %d, mutant %d: %v", name, seed, hand, i, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// guarded turns a panic into an error that names the mutant.
func guarded(send func(chance) error, c chance) (err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := make([]byte, 4096)
			err = fmt.Errorf("panic: %v\n%s", p, stack[:runtime.Stack(stack, false)])
		}
	}()
	return send(c)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	i := catest.One(t, "http://127.0.0.1/pki")
	w := &world{issued: map[string]bool{}, keys: map[string]bool{}}
	w.handler = pkihttp.New(status.New(status.Config{DB: i.DB, CA: i.CA, Portals: &portal.Set{}, Throttle: throttle.New(throttle.Key{1}), Stamps: true}))
	w.issuer = must(x509.ParseCertificate(i.Authorities()[1].Certificate))(t)
	for n := range 3 {
		c := i.Website(t, fmt.Sprint("o", n))
		cert := must(x509.ParseCertificate(c.DER))(t)
		if n == 2 {
			i.End(t, c, issuance.KeyCompromise)
		} else {
			w.issued[cert.SerialNumber.String()] = true
		}
		for _, hash := range []crypto.Hash{sha1Hash, sha256Hash} {
			w.asks = append(w.asks, must(ocsp.CreateRequest(cert, w.issuer, &ocsp.RequestOptions{Hash: hash}))(t))
		}
	}
	w.asks = append(w.asks, withNonce(t, w.asks[0]), several(t, w.asks...))
	w.stamps = stampRequests(t)
	w.requests = w.keyRequests(t)
	return w
}

// send asks the handler, and wants a status that is not a fault of ours.
func (w *world) send(r *http.Request) (*httptest.ResponseRecorder, error) {
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if answer.Code >= 500 || answer.Code >= 300 && answer.Code < 400 && answer.Code != http.StatusNotModified {
		return answer, fmt.Errorf("%s is answered with %d", r.Method, answer.Code)
	}
	return answer, nil
}

func (w *world) asked(c chance) error {
	r := httptest.NewRequest(http.MethodPost, "/pki/ocsp", bytes.NewReader(c.mutant(w.asks)))
	r.Header.Set("Content-Type", "application/ocsp-request")
	return w.judge(w.send(r))
}

func (w *world) got(c chance) error {
	text := base64.StdEncoding.EncodeToString(c.mutant(w.asks))
	if c.IntN(4) == 0 { // the text itself is bent
		text = string(c.bent([]byte(text), [][]byte{[]byte(text)}))
	}
	if c.IntN(2) == 0 {
		text = url.QueryEscape(text)
	} else {
		text = (&url.URL{Path: text}).EscapedPath()
	}
	return w.judge(w.send(requestOf(http.MethodGet, "/pki/ocsp/"+text)))
}

// requestOf makes a request of a path as it was sent, whatever it is.
func requestOf(method, path string) *http.Request {
	r := httptest.NewRequest(method, "/", nil)
	r.URL, r.RequestURI = &url.URL{Path: path, RawPath: path}, path
	if decoded, err := url.PathUnescape(path); err == nil {
		r.URL.Path = decoded
	}
	return r
}

// judge reads an OCSP answer as another program would.
func (w *world) judge(answer *httptest.ResponseRecorder, err error) error {
	if err != nil || answer.Code != http.StatusOK {
		return err
	}
	said, err := ocsp.ParseResponse(answer.Body.Bytes(), nil)
	if bare, ok := errors.AsType[ocsp.ResponseError](err); ok {
		if bare.Status == ocsp.InternalError {
			return errors.New("the responder calls it a fault of its own")
		}
		return nil
	}
	w.signed.Add(1)
	if err != nil { // several in one: what each says is not Go's to read
		return goodOfOthers(answer.Body.Bytes(), w.issued)
	}
	if said.Status == ocsp.Good && !w.issued[said.SerialNumber.String()] {
		return fmt.Errorf("good of %s, which was never issued", said.SerialNumber)
	}
	return nil
}

func (w *world) stamped(c chance) error {
	r := httptest.NewRequest(http.MethodPost, "/pki/tsa", bytes.NewReader(c.mutant(w.stamps)))
	r.Header.Set("Content-Type", "application/timestamp-query")
	answer, err := w.send(r)
	if err != nil || answer.Code != http.StatusOK {
		return err
	}
	var said struct {
		Status struct {
			Status int
			Text   asn1.RawValue  `asn1:"optional"`
			Fail   asn1.BitString `asn1:"optional"`
		}
		Token asn1.RawValue `asn1:"optional"`
	}
	if rest, err := asn1.Unmarshal(answer.Body.Bytes(), &said); err != nil || len(rest) > 0 {
		return fmt.Errorf("not a TimeStampResp: %w", err)
	}
	const systemFailure = 25 // RFC 3161 §2.4.2
	if granted := said.Status.Status == 0; granted != (len(said.Token.FullBytes) > 0) || said.Status.Fail.At(systemFailure) == 1 {
		return fmt.Errorf("status %d, failure %x, %d bytes of token", said.Status.Status, said.Status.Fail.Bytes, len(said.Token.FullBytes))
	}
	if said.Status.Status == 0 {
		w.granted.Add(1)
	}
	return nil
}

// requested reads a key request; one that is taken proves possession, so its key is one of those that signed.
func (w *world) requested(c chance) error {
	r, err := issuance.ParseRequest(c.mutant(w.requests))
	if err != nil {
		if !fault.Is(err, fault.Invalid) {
			return fmt.Errorf("refused without a word for people: %w", err)
		}
		return nil
	}
	if !w.keys[string(r.Key.DER)] {
		return errors.New("a key was taken that nobody proved to have")
	}
	w.taken.Add(1)
	return nil
}

func (w *world) addressed(c chance) error {
	paths := [][]byte{
		[]byte("/pki/"), []byte("/pki/ocsp"), []byte("/pki/tsa"), []byte("/pki/crl/" + catest.Issuing + ".crl"), []byte("/pki/ca/" + catest.Root + ".cer"),
		[]byte("/pki/crl/../ca/%2e%2e/" + catest.Root + ".cer"), []byte("/pki//crl//x.crl"), []byte("/pki/crl/" + catest.Issuing + "-1.crl"),
	}
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "PKI"}
	path := string(paths[c.IntN(len(paths))])
	if c.IntN(4) > 0 {
		path = string(c.bent([]byte(path), paths))
	}
	if !strings.HasPrefix(path, "/pki/") {
		path = "/pki/" + path
	}
	answer, err := w.send(requestOf(methods[c.IntN(len(methods))], path))
	if err == nil && answer.Code == http.StatusOK {
		w.served.Add(1)
	}
	return err
}

func (w *world) keyRequests(t *testing.T) (all [][]byte) {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "Exemplo", Country: []string{"PT"}}, DNSNames: []string{"www.exemplo.pt"}}
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	big := must(rsa.GenerateKey(rand.Reader, 3072))(t)
	for _, key := range []any{ec, big} {
		der := must(x509.CreateCertificateRequest(rand.Reader, template, key))(t)
		r := must(issuance.ParseRequest(der))(t)
		w.keys[string(r.Key.DER)] = true
		all = append(all, der)
	}
	return all
}

func stampRequests(t *testing.T) (all [][]byte) {
	t.Helper()
	digest := sha256.Sum256([]byte("ensaio"))
	type imprint struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	of := imprint{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, Parameters: asn1.NullRawValue}, digest[:]}
	all = append(all, must(asn1.Marshal(struct {
		Version int
		Of      imprint
	}{1, of}))(t))
	return append(all, must(asn1.Marshal(struct {
		Version int
		Of      imprint
		Nonce   int64
		Cert    bool
	}{1, of, 1 << 40, true}))(t))
}

// must lets a call's two results be passed on at once.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
