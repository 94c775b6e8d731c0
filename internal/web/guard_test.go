package web_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/apptest"
	"chancela/internal/web"
)

// guarded are the headers without which no answer leaves.
var guarded = map[string]string{
	"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

// address fills the places of a pattern with things of the portal that there are, or are not.
func address(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.NewReplacer("{$}", "", "{portal}", coop, "{page}", "contactos", "{procedure}", "acesso", "{step}", "1", "{move}", "deferir").Replace(path)
	for strings.Contains(path, "{") {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + "desconhecido" + after
	}
	return method, path
}

func TestEveryAddressSendsTheHeadersThatGuardIt(t *testing.T) {
	p := start(t).Person(t)
	for _, pattern := range web.Routes() {
		method, path := address(pattern)
		a := p.Do(t, method, path, "application/x-www-form-urlencoded", strings.NewReader(""))
		for name, value := range guarded {
			if a.Header.Get(name) != value {
				t.Errorf("%s %s: %s is %q", method, path, name, a.Header.Get(name))
			}
		}
		policy := a.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s %s: the policy has no %s: %q", method, path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s %s: the policy lets in what is written within a page", method, path)
		}
		if a.Status >= 500 {
			t.Errorf("%s %s: %d", method, path, a.Status)
		}
	}
}

func TestNoPageHoldsWhatThePolicyWouldRefuse(t *testing.T) {
	p := start(t).Person(t)
	for _, pattern := range web.Routes() {
		method, path := address(pattern)
		a := p.Do(t, method, path, "application/x-www-form-urlencoded", strings.NewReader(""))
		if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, n := range all(a.Page(t), "") {
			for _, one := range n.Attr {
				if strings.HasPrefix(one.Key, "on") || one.Key == "style" || one.Key == "srcdoc" {
					t.Errorf("%s: <%s %s>", path, n.Data, one.Key)
				}
			}
			if n.Data == "style" || n.Data == "script" && attr(n, "src") == "" || n.Data == "iframe" || n.Data == "object" {
				t.Errorf("%s: <%s> within the page", path, n.Data)
			}
		}
	}
}

func TestNothingPrivateIsShownToWhoeverIsNotSignedIn(t *testing.T) {
	p := start(t).Person(t)
	for _, pattern := range web.Routes() {
		_, rest, inPortal := strings.Cut(pattern, " /{portal}/")
		private := inPortal && (strings.HasPrefix(rest, "tecnico/") || strings.HasPrefix(rest, "processos") || strings.HasPrefix(rest, "conta") ||
			strings.HasPrefix(rest, "area") || strings.HasPrefix(rest, "certificados") || strings.HasPrefix(rest, "credenciais") ||
			strings.HasPrefix(rest, "pessoas") || strings.HasPrefix(rest, "cessacoes"))
		if !private || strings.HasPrefix(rest, "tecnico/convite") {
			continue
		}
		method, path := address(pattern)
		a := p.Do(t, method, path, "application/x-www-form-urlencoded", strings.NewReader(""))
		led := a.Status == http.StatusSeeOther && strings.HasPrefix(a.Location(), "/cases/?seguinte=")
		if !led && a.Status != http.StatusNotFound && a.Status != http.StatusForbidden {
			t.Errorf("%s %s: %d %s", method, path, a.Status, a.Location())
		}
	}
}

func TestOnlyTheConfiguredHostIsAnswered(t *testing.T) {
	p := start(t).Person(t)
	for _, host := range []string{"evil.example", "localhost", "localhost:1", "localhost.evil.example", "127.0.0.1:1", "[::1]", ""} {
		a := p.Get(t, "/cases/", func(r *http.Request) { r.Host = host })
		if host == "" { // then the client sends the address's own
			continue
		}
		if a.Status != http.StatusMisdirectedRequest || strings.Contains(a.Body, host) {
			t.Errorf("%s: %d %q", host, a.Status, a.Body)
		}
		for name, value := range guarded {
			if a.Header.Get(name) != value {
				t.Errorf("%s: %s is %q", host, name, a.Header.Get(name))
			}
		}
	}
	own, _ := url.Parse(p.App.URL)
	want(t, p.Get(t, "/cases/", func(r *http.Request) { r.Host = strings.ToUpper(own.Host) }), http.StatusOK)
}

func TestTheLoopbackAddressLeadsToTheName(t *testing.T) {
	p := start(t).Person(t)
	own, _ := url.Parse(p.App.URL)
	loopback := func(r *http.Request) { r.Host = "127.0.0.1:" + own.Port() }
	a := want(t, p.Get(t, "/cases/contactos?a=1", loopback), http.StatusTemporaryRedirect)
	if a.Location() != p.App.URL+"/cases/contactos?a=1" {
		t.Errorf("leads to %s", a.Location())
	}
	want(t, p.Post(t, "/cases/entrar", nil, loopback), http.StatusMisdirectedRequest)
	want(t, p.Get(t, "/healthz", loopback), http.StatusOK)
	if a := p.Get(t, "/pki/crl/nenhuma.crl", loopback); a.Status == http.StatusTemporaryRedirect || a.Status == http.StatusMisdirectedRequest {
		t.Errorf("machines that check certificates are led away: %d", a.Status)
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	id := filed(t, p, six(newAddress("sara"), newBody()))
	for name, change := range map[string]func(*http.Request){
		"another site":         func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a sister of the host": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"an old browser":       func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
		"no origin at all":     func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
	} {
		if a := p.Post(t, "/cases/processos/"+id+"/desistir", nil, change); a.Status != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
	says(t, p.Get(t, "/cases/processos/"+id), "Por confirmar")
}

func TestOverTLSBrowsersAreToldToStayThere(t *testing.T) {
	face := overTLS(t, nil)
	if got := ask(face, http.MethodGet, "/", "").Header().Get("Strict-Transport-Security"); !strings.Contains(got, "max-age=63072000") {
		t.Errorf("it says %q", got)
	}
	if got := start(t).Person(t).Get(t, "/").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("without TLS it says %q", got)
	}
}

func TestAPagePanickingIsAFaultThatTheLogHas(t *testing.T) {
	var log bytes.Buffer
	face := overTLS(t, together(withMailbox(func() error { panic("invented-secret") }), withLog(&log)))
	w := ask(face, http.MethodGet, "/avaliacao", "")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "invented") {
		t.Errorf("%d %s", w.Code, w.Body.String())
	}
	if strings.Contains(log.String(), "invented-secret") {
		t.Error("the value of a panic, which may hold anything, is logged")
	}
	if !strings.Contains(log.String(), "a page panicked") || !strings.Contains(log.String(), "guard_test.go") {
		t.Errorf("the log does not say where: %s", log.String())
	}
	if w := ask(face, http.MethodGet, "/", ""); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d", w.Code)
	}
}

func TestTheLogHoldsRoutesAndNoAddressesOfPeople(t *testing.T) {
	var log bytes.Buffer
	face := overTLS(t, withLog(&log))
	ask(face, http.MethodGet, "/cases/confirmar/segredo-inventado", "")
	ask(face, http.MethodPost, "/cases/entrar", url.Values{apptest.UserField: {"alguem.inventado@exemplo.pt"}, apptest.PasswordField: {"frase inventada"}}.Encode())
	ask(face, http.MethodGet, "/verificar?codigo=inventado", "")
	if !strings.Contains(log.String(), "/{portal}/confirmar/{secret}") || strings.Contains(log.String(), "inventad") {
		t.Errorf("the log says:\n%s", log.String())
	}
}

func TestReadinessTellsNoReasonToStrangers(t *testing.T) {
	var log bytes.Buffer
	face := overTLS(t, withLog(&log))
	notReady := overTLS(t, together(withLog(&log), func(c *web.Config) { c.Ready = nothingWorks }))
	if w := ask(face, http.MethodGet, "/readyz", ""); w.Code != http.StatusOK {
		t.Errorf("ready: %d", w.Code)
	}
	w := ask(notReady, http.MethodGet, "/readyz", "")
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != "not ready\n" || !strings.Contains(log.String(), errNothing.Error()) {
		t.Errorf("%d %q; the log: %s", w.Code, w.Body.String(), log.String())
	}
}

var errNothing = errors.New("the invented disk is full")
