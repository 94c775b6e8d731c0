package pkihttp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/pkihttp"
	"chancela/internal/portal"
	"chancela/internal/status"
	"chancela/internal/throttle"
)

type kit struct {
	i       *catest.Instance
	handler *pkihttp.Handler
	base    string // address of the server, without a slash

	serve func(http.Handler) // has the server answer by another handler
}

// root is the root's certificate as the server gives it.
func (k *kit) root(t *testing.T) []byte {
	t.Helper()
	_, der := k.get(t, "/pki/ca/"+catest.Root+".cer")
	return der
}

// each serves a hierarchy at the address that its certificates carry.
func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	var handler http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	catest.Each(t, base+"/pki", func(t *testing.T, i *catest.Instance) {
		own := pkihttp.New(status.New(status.Config{DB: i.DB, CA: i.CA, Portals: &portal.Set{}, Throttle: throttle.New(throttle.Key{1}), Stamps: true}))
		handler = own
		test(t, &kit{i: i, handler: own, base: base, serve: func(h http.Handler) { handler = h }})
	})
}

func (k *kit) get(t *testing.T, path string, header ...string) (*http.Response, []byte) {
	t.Helper()
	return k.do(t, http.MethodGet, path, nil, header...)
}

func (k *kit) do(t *testing.T, method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, k.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n+1 < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, data
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	out, _ := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	return string(out)
}

// query is an OCSP request that openssl made.
func (k *kit) query(t *testing.T, c ca.Certificate, more ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "request.der")
	args := append([]string{"ocsp"}, more...)
	said := openssl(t, append(args, "-issuer", catest.File(t, k.i.Chain(t, c)[0]), "-cert", catest.File(t, c.DER), "-reqout", path)...)
	der, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return der
}

// judge has openssl ask over the network itself and say what it thinks.
func (k *kit) judge(t *testing.T, c ca.Certificate, more ...string) string {
	t.Helper()
	chain := k.i.Chain(t, c)
	args := append([]string{"ocsp"}, more...)
	return openssl(t, append(args, "-issuer", catest.File(t, chain[0]), "-cert", catest.File(t, c.DER), "-CAfile", catest.File(t, chain[1]),
		"-verify_other", catest.File(t, chain[0]), "-url", k.base+"/pki/ocsp")...)
}

func TestOpensslAsksAndBelieves(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		for _, more := range [][]string{nil, {"-no_nonce"}, {"-sha256"}} {
			if said := k.judge(t, c, more...); !strings.Contains(said, "Response verify OK") || !strings.Contains(said, ": good") {
				t.Errorf("%v: %s", more, said)
			}
		}
		k.i.End(t, c, 4)
		if said := k.judge(t, c); !strings.Contains(said, "Response verify OK") || !strings.Contains(said, ": revoked") || !strings.Contains(said, "superseded") {
			t.Error(said)
		}
	})
}

// read has openssl judge the answer's bytes.
func (k *kit) read(t *testing.T, c ca.Certificate, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "answer.der")
	if err := os.WriteFile(path, der, 0o600); err != nil {
		t.Fatal(err)
	}
	chain := k.i.Chain(t, c)
	return openssl(t, "ocsp", "-no_nonce", "-respin", path, "-issuer", catest.File(t, chain[0]), "-cert", catest.File(t, c.DER), "-CAfile", catest.File(t, chain[1]), "-verify_other", catest.File(t, chain[0]))
}

func TestOCSPByGETWithSlashesInIt(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		nonced := k.query(t, c, "-nonce")
		copy(nonced[len(nonced)-16:], bytes.Repeat([]byte{0xff}, 16)) // a nonce whose base64 is slashes
		text := base64.StdEncoding.EncodeToString(nonced)
		plain := base64.StdEncoding.EncodeToString(k.query(t, c, "-no_nonce"))
		if !strings.Contains(text, "//") {
			t.Fatalf("%s has no // in it", text)
		}
		for _, path := range []string{text, strings.NewReplacer("/", "%2F", "+", "%2B", "=", "%3D").Replace(text), plain, "/" + plain} {
			answer, der := k.get(t, "/pki/ocsp/"+path)
			if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/ocsp-response" {
				t.Errorf("%q: %s", path, answer.Status)
			}
			if said := k.read(t, c, der); !strings.Contains(said, ": good") {
				t.Errorf("%q: %s", path, said)
			}
		}
		answer, _ := k.get(t, "/pki/ocsp/"+plain)
		if cache := answer.Header.Get("Cache-Control"); !strings.Contains(cache, "max-age=600") || !strings.Contains(cache, "must-revalidate") || answer.Header.Get("Expires") == "" {
			t.Errorf("%v", answer.Header)
		}
		if answer, _ := k.get(t, "/pki/ocsp/"+text); answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("an answer with a nonce may be kept: %v", answer.Header)
		}
	})
}

func TestOCSPByPOSTAndItsLimits(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		answer, der := k.do(t, http.MethodPost, "/pki/ocsp", bytes.NewReader(k.query(t, c)), "Content-Type", "application/ocsp-request")
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s %v", answer.Status, answer.Header)
		}
		if said := k.read(t, c, der); !strings.Contains(said, ": good") {
			t.Error(said)
		}
		for _, one := range []struct {
			method, path string
			body         []byte
			code         int
		}{
			{http.MethodPost, "/pki/ocsp", bytes.Repeat([]byte{0x30}, status.MostRequest+1), http.StatusRequestEntityTooLarge},
			{http.MethodPost, "/pki/ocsp", nil, http.StatusOK}, // malformed is said in the answer
			{http.MethodGet, "/pki/ocsp/" + strings.Repeat("A", 5000), nil, http.StatusRequestURITooLong},
			{http.MethodGet, "/pki/ocsp/%%%", nil, http.StatusBadRequest},
			{http.MethodPut, "/pki/ocsp", nil, http.StatusMethodNotAllowed},
			{http.MethodPost, "/pki/crl/" + catest.Issuing + ".crl", nil, http.StatusMethodNotAllowed},
			{http.MethodGet, "/pki/crl/outra.crl", nil, http.StatusNotFound},
			{http.MethodGet, "/pki/crl/..%2f" + catest.Issuing + ".crl", nil, http.StatusNotFound},
			{http.MethodGet, "/pki/ca/" + catest.Issuing, nil, http.StatusNotFound},
			{http.MethodGet, "/pki/nada", nil, http.StatusNotFound},
		} {
			if strings.Contains(one.path, "%%%") {
				continue // net/http's client will not send it; its server refuses it before us
			}
			if answer, _ := k.do(t, one.method, one.path, bytes.NewReader(one.body)); answer.StatusCode != one.code {
				t.Errorf("%s %.40s: %s, want %d", one.method, one.path, answer.Status, one.code)
			}
		}
	})
}

func TestListsAndIssuersAreServedAsTheyAre(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		for _, a := range k.i.Authorities() {
			for path, media := range map[string]string{strings.TrimPrefix(a.CRL, k.base): "application/pkix-crl", strings.TrimPrefix(a.CAIssuers, k.base): "application/pkix-cert"} {
				answer, data := k.get(t, path)
				if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != media || len(data) == 0 || data[0] != 0x30 {
					t.Fatalf("%s: %s %v", path, answer.Status, answer.Header)
				}
				if head, body := k.do(t, http.MethodHead, path, nil); head.StatusCode != http.StatusOK || len(body) != 0 || head.ContentLength != int64(len(data)) {
					t.Errorf("HEAD %s: %s", path, head.Status)
				}
				for _, header := range [][]string{{"If-None-Match", answer.Header.Get("ETag")}, {"If-None-Match", `"x", W/` + answer.Header.Get("ETag")}, {"If-Modified-Since", answer.Header.Get("Last-Modified")}} {
					if again, body := k.get(t, path, header...); again.StatusCode != http.StatusNotModified || len(body) != 0 {
						t.Errorf("%s with %v: %s", path, header, again.Status)
					}
				}
				if len(answer.Cookies()) > 0 {
					t.Errorf("%s sets a cookie", path)
				}
			}
		}
	})
}

func TestOpensslChecksAgainstTheListItFetches(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		c := k.i.Website(t, "o1")
		chain := k.i.Chain(t, c)
		check := func() string {
			return openssl(t, "verify", "-crl_download", "-crl_check", "-CAfile", catest.File(t, chain[1]), "-untrusted", catest.File(t, chain[0]), catest.File(t, c.DER))
		}
		if said := check(); !strings.Contains(said, ": OK") {
			t.Fatal(said)
		}
		_, before := k.get(t, "/pki/crl/"+catest.Issuing+".crl")
		k.i.End(t, c, 1)
		if said := check(); !strings.Contains(said, "certificate revoked") {
			t.Fatal(said)
		}
		if _, after := k.get(t, "/pki/crl/"+catest.Issuing+".crl"); bytes.Equal(before, after) {
			t.Error("the list of before the revocation is served")
		}
	})
}

func TestAListThatRanOutIsNotServed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.i.Clock.Pass(25 * time.Hour)
		if answer, _ := k.get(t, "/pki/crl/"+catest.Issuing+".crl"); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Fatalf("%s %v", answer.Status, answer.Header)
		}
	})
}

func TestIssuersAsData(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		answer, data := k.get(t, "/pki/", "Accept", "application/json")
		var list struct {
			Issuers []status.Issuer `json:"issuers"`
		}
		if err := json.Unmarshal(data, &list); err != nil || answer.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("%v: %s", err, data)
		}
		if len(list.Issuers) != 2 || !list.Issuers[0].Root || list.Issuers[1].CRL != k.base+"/pki/crl/"+catest.Issuing+".crl" || list.Issuers[1].OCSP != k.base+"/pki/ocsp" {
			t.Fatalf("%s", data)
		}
	})
}
