package api_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"chancela/internal/apptest"
)

func getsSeesRevokes(t *testing.T, w *world) {
	t.Helper()
	p := w.program(t, "3")
	sent := request(t)
	first := p.issue(t, sent)
	if first.Status != http.StatusCreated || first.Header.Get("Content-Type") != "application/pem-certificate-chain" {
		t.Fatalf("%d %s %s", first.Status, first.Header.Get("Content-Type"), first.Body)
	}
	leaf := chain(t, first)[0]
	if leaf.Subject.CommonName != p.name || leaf.IsCA || len(leaf.DNSNames) > 0 {
		t.Errorf("issued to %s", leaf.Subject)
	}
	again := p.issue(t, sent)
	if again.Status != http.StatusOK || again.Body != first.Body || again.Location() != first.Location() {
		t.Errorf("a lost answer is not given again: %d", again.Status)
	}
	der, _ := pem.Decode(request(t))
	if a := p.issue(t, der.Bytes); a.Status != http.StatusCreated {
		t.Errorf("DER: %d %s", a.Status, a.Body)
	}
	var state struct{ Serial, State, Reason, Certificate string }
	one := p.do(t, http.MethodGet, first.Location(), "", nil)
	one.JSON(t, &state)
	if one.Status != http.StatusOK || state.State != "active" || state.Certificate != first.Body || !strings.HasSuffix(first.Location(), state.Serial) {
		t.Errorf("%d %+v", one.Status, state)
	}
	revoke := func(reason string) apptest.Answer {
		return p.do(t, http.MethodPost, first.Location()+"/revocation", "application/json", []byte(`{"reason":"`+reason+`"}`))
	}
	refused(t, revoke("privilegeWithdrawn"), http.StatusUnprocessableEntity, "form.problems")
	revoke("keyCompromise").JSON(t, &state)
	if state.State != "revoked" || state.Reason != "keyCompromise" {
		t.Errorf("%+v", state)
	}
	if a := revoke("keyCompromise"); a.Status != http.StatusOK {
		t.Errorf("asked again for the same reason: %d", a.Status)
	}
	refused(t, revoke("superseded"), http.StatusConflict, "E-REV-03")
	refused(t, p.issue(t, sent), http.StatusConflict, "E-CSR-04")
	if strings.Contains(w.log.String(), p.token) {
		t.Error("the token stands in the log")
	}
}

func noGoodToken(t *testing.T, w *world) {
	t.Helper()
	p := w.program(t, "3")
	at := p.at
	a := program{w: w, token: ""}.issue(t, request(t))
	refused(t, a, http.StatusUnauthorized, "api.no-token")
	if a.Header.Get("WWW-Authenticate") != `Bearer realm="api"` {
		t.Errorf("WWW-Authenticate: %s", a.Header.Get("WWW-Authenticate"))
	}
	for _, token := range []string{
		"x", "chancela_", p.token + "A", p.token[:len(p.token)-1], strings.ToLower(p.token), strings.TrimPrefix(p.token, "chancela_"), strings.Repeat("A", 5000), "a b",
	} {
		said := refused(t, program{w: w, token: token}.issue(t, request(t), english), http.StatusUnauthorized, "certificate.token-unknown")
		if !strings.Contains(said.Detail, "not good") {
			t.Errorf("in English: %s", said.Detail)
		}
	}
	inside := w.ana.Do(t, http.MethodPost, "/api/v1/certificates", "application/pkcs10", bytes.NewReader(request(t)))
	refused(t, inside, http.StatusUnauthorized, "api.no-token") // being signed in at the pages is no token
	query := program{w: w, token: ""}.do(t, http.MethodPost, "/api/v1/certificates?access_token="+p.token, "application/pkcs10", request(t))
	refused(t, query, http.StatusUnauthorized, "api.no-token")

	newer := program{w: w, token: w.token(t, at)}
	refused(t, p.issue(t, request(t)), http.StatusUnauthorized, "certificate.token-unknown") // replaced
	w.ana.Post(t, at+"/anular", nil)
	refused(t, newer.issue(t, request(t)), http.StatusUnauthorized, "certificate.token-unknown") // revoked
	last := program{w: w, token: w.token(t, at)}
	if a := last.issue(t, request(t)); a.Status != http.StatusCreated {
		t.Fatalf("the good token: %d %s", a.Status, a.Body)
	}
	tries := w.Person(t)
	status := 0
	for range 40 { // what is no token is counted by where it comes from
		a := tries.Do(t, http.MethodGet, "/api/v1/certificates/01", "", nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer chancela_X") })
		if status = a.Status; status == http.StatusTooManyRequests {
			if a.Header.Get("Retry-After") == "" {
				t.Error("not told when to come again")
			}
			break
		}
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("wrong tokens have no end: %d", status)
	}
	if a := last.issue(t, request(t)); a.Status != http.StatusCreated {
		t.Errorf("the good token, beside wrong ones: %d %s", a.Status, a.Body)
	}
	w.clock.pass(200 * 24 * time.Hour)
	if a := last.issue(t, request(t)); a.Status != http.StatusUnauthorized && a.Status != http.StatusTooManyRequests { // its mandate is over
		t.Errorf("after its day: %d %s", a.Status, a.Body)
	}
}

// reachesNothing is about two mandates of one body: what one issued, the other neither sees nor
// revokes, nor certifies the same key (attack lines D10, D15).
func reachesNothing(t *testing.T, w *world) {
	t.Helper()
	one := w.program(t, "2")
	other := w.program(t, "2")
	sent := request(t)
	issued := one.issue(t, sent)
	chain(t, issued)
	refused(t, other.issue(t, sent), http.StatusUnprocessableEntity, "E-CSR-04")
	refused(t, other.do(t, http.MethodGet, issued.Location(), "", nil), http.StatusNotFound, "fault.not-found")
	refused(t, other.do(t, http.MethodPost, issued.Location()+"/revocation", "application/json", []byte(`{"reason":"keyCompromise"}`)), http.StatusNotFound, "fault.not-found")
	authority := chain(t, issued)[1]
	for _, p := range []program{one, other} { // the authority's own certificate is nobody's to see or revoke here
		at := fmt.Sprintf("/api/v1/certificates/%x", authority.SerialNumber)
		refused(t, p.do(t, http.MethodGet, at, "", nil), http.StatusNotFound, "fault.not-found")
		refused(t, p.do(t, http.MethodPost, at+"/revocation", "application/json", []byte(`{"reason":"keyCompromise"}`)), http.StatusNotFound, "fault.not-found")
	}
	// The key of the authority itself, which nobody can prove, and the same key at once under both.
	shared := request(t)
	answers := apptest.AtOnce(t, 16, func(i int) (apptest.Answer, error) {
		return []program{one, other}[i%2].issue(t, shared), nil
	})
	serials := map[string]bool{}
	for _, a := range answers {
		if a.Status == http.StatusCreated || a.Status == http.StatusOK {
			serials[a.Location()] = true
		}
	}
	if len(serials) != 1 {
		t.Errorf("one key has %d certificates", len(serials))
	}
}

func lastOne(t *testing.T, w *world) {
	t.Helper()
	p := w.program(t, "3")
	at := p.at
	for range 2 {
		chain(t, p.issue(t, request(t)))
	}
	requests := make([][]byte, 64)
	for i := range requests {
		requests[i] = request(t)
	}
	won := 0
	for _, a := range apptest.AtOnce(t, len(requests), func(i int) (apptest.Answer, error) { return p.issue(t, requests[i]), nil }) {
		if a.Status == http.StatusCreated {
			won++
			continue
		}
		refused(t, a, http.StatusConflict, "ca.mandate-used-up")
	}
	if won != 1 {
		t.Errorf("%d got the last one", won)
	}
	if !w.ana.Get(t, at).Says(t, "3 de 3") {
		t.Error("the page counts otherwise")
	}
}

func againstTheRules(t *testing.T, w *world) {
	t.Helper()
	p := w.program(t, "30")
	key := newKey(t)
	authority := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	forged := requestOf(t, key, x509.CertificateRequest{})
	block, _ := pem.Decode(forged)
	block.Bytes[len(block.Bytes)-1] ^= 1
	for name, c := range map[string]struct {
		body []byte
		code string
	}{
		"nothing":              {nil, "E-CSR-01"},
		"garbage":              {[]byte("olá"), "E-CSR-01"},
		"two requests":         {bytes.Repeat(request(t), 2), "E-CSR-01"},
		"a private key":        {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), "E-CSR-05"},
		"another's signature":  {pem.EncodeToMemory(block), "E-CSR-02"},
		"a weak key":           {requestOf(t, weak, x509.CertificateRequest{}), "E-CSR-03"},
		"another name":         {requestOf(t, key, x509.CertificateRequest{Subject: pkix.Name{CommonName: "Outra"}}), "certificate.request-differs"},
		"a name with NUL":      {requestOf(t, key, x509.CertificateRequest{Subject: pkix.Name{CommonName: p.name + "\x00.exemplo"}}), "certificate.request-differs"},
		"a domain":             {requestOf(t, key, x509.CertificateRequest{DNSNames: []string{"www.exemplo.pt"}}), "certificate.request-differs"},
		"an address":           {requestOf(t, key, x509.CertificateRequest{IPAddresses: []net.IP{{127, 0, 0, 1}}}), "certificate.request-differs"},
		"to be an authority":   {requestOf(t, key, x509.CertificateRequest{ExtraExtensions: []pkix.Extension{authority}}), "certificate.request-differs"},
		"another organization": {requestOf(t, key, x509.CertificateRequest{Subject: pkix.Name{Organization: []string{"Outra entidade"}}}), "certificate.request-differs"},
	} {
		t.Run(name, func(t *testing.T) {
			said := refused(t, p.issue(t, c.body), http.StatusUnprocessableEntity, c.code)
			if en := refused(t, p.issue(t, c.body, english), http.StatusUnprocessableEntity, c.code); en.Detail == said.Detail {
				t.Errorf("the same in both languages: %s", en.Detail)
			}
			var trial struct {
				Passes bool
				Stops  []struct{ Rule string }
			}
			p.do(t, http.MethodPost, "/api/v1/certificates/dry-run", "application/pkcs10", c.body).JSON(t, &trial)
			if trial.Passes || len(trial.Stops) == 0 || trial.Stops[0].Rule != c.code {
				t.Errorf("the dry run says %+v", trial)
			}
		})
	}
	// What asks for nothing else is taken, whatever a tool put beside.
	harmless := requestOf(t, key, x509.CertificateRequest{Subject: pkix.Name{CommonName: strings.ToLower(p.name), OrganizationalUnit: []string{"Informática"}}})
	leaf := chain(t, p.issue(t, harmless))[0]
	if leaf.Subject.CommonName != p.name || len(leaf.Subject.OrganizationalUnit) > 0 {
		t.Errorf("issued to %s", leaf.Subject)
	}
}

func dryRun(t *testing.T, w *world) {
	t.Helper()
	p := w.program(t, "1")
	at := p.at
	var trial struct {
		Passes      bool
		Rules       int `json:"rules_passed"`
		Stops       []struct{ Rule, Detail string }
		Certificate []struct{ Field, Label, Value string }
	}
	sent := request(t)
	dry := func(body []byte) {
		t.Helper()
		trial.Stops, trial.Certificate = nil, nil
		a := p.do(t, http.MethodPost, "/api/v1/certificates/dry-run", "application/x-pem-file", body, english)
		if a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		a.JSON(t, &trial)
	}
	dry(sent)
	found := false
	for _, line := range trial.Certificate {
		found = found || line.Field == "CN" && line.Value == p.name && line.Label == "Name (CN)"
	}
	if !trial.Passes || trial.Rules < 50 || !found {
		t.Errorf("%+v", trial)
	}
	if !w.ana.Get(t, at).Says(t, "0 de 1") {
		t.Error("a dry run was counted")
	}
	chain(t, p.issue(t, sent))
	dry(request(t))
	if trial.Passes || len(trial.Stops) != 1 || trial.Stops[0].Rule != "ca.mandate-used-up" {
		t.Errorf("%+v", trial)
	}
}

func noRequest(t *testing.T, w *world) {
	t.Helper()
	p := w.program(t, "3")
	form := p.do(t, http.MethodPost, "/api/v1/certificates", "application/x-www-form-urlencoded", request(t))
	refused(t, form, http.StatusUnsupportedMediaType, "api.media")
	if !strings.Contains(form.Header.Get("Accept-Post"), "application/pkcs10") {
		t.Errorf("Accept-Post: %s", form.Header.Get("Accept-Post"))
	}
	refused(t, p.issue(t, bytes.Repeat([]byte("a"), 16<<10+1)), http.StatusRequestEntityTooLarge, "api.too-large")
	refused(t, p.issue(t, bytes.Repeat([]byte("a"), 16<<10)), http.StatusUnprocessableEntity, "E-CSR-01")
	method := p.do(t, http.MethodPut, "/api/v1/certificates", "", nil)
	refused(t, method, http.StatusMethodNotAllowed, "api.method")
	if method.Header.Get("Allow") != http.MethodPost {
		t.Errorf("Allow: %s", method.Header.Get("Allow"))
	}
	refused(t, p.do(t, http.MethodGet, "/api/v2/certificates", "", nil), http.StatusNotFound, "fault.not-found")
	for _, serial := range []string{"00", "zz", "01", strings.Repeat("a", 300), "..", "%00"} {
		if a := p.do(t, http.MethodGet, "/api/v1/certificates/"+serial, "", nil); a.Status != http.StatusNotFound && a.Status != http.StatusTemporaryRedirect && a.Status != http.StatusMovedPermanently {
			t.Errorf("%q: %d", serial, a.Status)
		}
	}
	at := chainAt(t, p)
	for body, code := range map[string]string{
		"": "api.json", "[]": "api.json", `{"reason":1}`: "api.json", `{"reason":"superseded","x":1}`: "api.json", `{} {}`: "api.json",
	} {
		refused(t, p.do(t, http.MethodPost, at+"/revocation", "application/json", []byte(body)), http.StatusBadRequest, code)
	}
	refused(t, p.do(t, http.MethodPost, at+"/revocation", "application/json", []byte(`{"reason":"`+strings.Repeat("x", 2000)+`"}`)), http.StatusRequestEntityTooLarge, "api.too-large")
	open := program{w: w, token: ""}.do(t, http.MethodGet, "/api/openapi.yaml", "", nil)
	if open.Status != http.StatusOK || open.Header.Get("Content-Type") != "application/yaml" || !strings.HasPrefix(open.Body, "openapi: 3.1.0") {
		t.Errorf("%d %s", open.Status, open.Header.Get("Content-Type"))
	}
}

func chainAt(t *testing.T, p program) string {
	t.Helper()
	a := p.issue(t, request(t))
	chain(t, a)
	return a.Location()
}

// cutOff sends the head of a request and the beginning of a body.
func cutOff(t *testing.T, w *world) {
	t.Helper()
	p := w.program(t, "3")
	c, err := net.Dial("tcp", w.Listening())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	host := strings.TrimPrefix(w.URL, "http://")
	_, err = fmt.Fprintf(c, "POST /api/v1/certificates HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/pkcs10\r\nContent-Length: 500\r\n\r\n-----BEGIN", host, p.token)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if said, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusBadRequest || !bytes.Contains(said, []byte("api.cut-off")) {
		t.Errorf("%d %s", answer.StatusCode, said)
	}
}
