package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"chancela/internal/apptest"
	"chancela/internal/web"
)

func TestTheLanguageSwitchIsKeptAndLeadsBackToTheSamePage(t *testing.T) {
	p := start(t).Person(t)
	a := p.Get(t, "/cases/contactos?a=1&lang=en")
	leads(t, a, "/cases/contactos?a=1")
	if p.Cookie("lang") != "en" {
		t.Errorf("the cookie holds %q", p.Cookie("lang"))
	}
	a = want(t, p.Get(t, "/cases/contactos"), http.StatusOK)
	says(t, a, "Contacts")
	if a.Header.Get("Content-Language") != "en" {
		t.Errorf("Content-Language is %q", a.Header.Get("Content-Language"))
	}
	leads(t, p.Get(t, "/cases/contactos?lang=pt"), "/cases/contactos")
	says(t, p.Get(t, "/cases/contactos", english), "Contactos") // the switch wins over the browser
	leads(t, p.Get(t, "/?lang=xx"), "/")
	says(t, p.Get(t, "/"), "Abrir")
}

func TestTheLanguageIsThatOfTheBrowserUntilSomebodySwitches(t *testing.T) {
	p := start(t).Person(t)
	for accept, lang := range map[string]string{
		"pt-PT": "pt-PT", "pt-BR,pt;q=0.9": "pt-PT", "en-GB,en;q=0.8": "en", "de, en;q=0.7, pt;q=0.3": "en", "": "pt-PT", "xx": "pt-PT", strings.Repeat("a,", 2000): "pt-PT",
	} {
		a := p.Get(t, "/cases/", func(r *http.Request) { r.Header.Set("Accept-Language", accept) })
		if got := a.Header.Get("Content-Language"); got != lang {
			t.Errorf("%.40q reads %s, wanted %s", accept, got, lang)
		}
	}
}

func TestTheSwitchIsOnEveryPageAndAPostKeepsItsForm(t *testing.T) {
	p := start(t).Person(t)
	for _, at := range []string{"/", "/cases/", "/cases/contactos", "/verificar", "/pki/", "/nenhum/", "/cases/novo/acesso"} {
		a := p.Get(t, at)
		if !linked(t, a, at+"?lang=en") || !linked(t, a, at+"?lang=pt") {
			t.Errorf("%s cannot be read in both languages", at)
		}
	}
	a := p.Post(t, "/cases/acompanhar?lang=en", url.Values{"numero": {"x"}, "endereco": {"x"}})
	leads(t, a, "/cases/acompanhar?enviado=1") // a form is not lost to the switch
}

func TestALanguageSwitchLeadsNowhereElse(t *testing.T) {
	p := start(t).Person(t)
	for _, path := range []string{"//evil.example/?lang=en", "/%2f%2fevil.example?lang=en", `/%5cevil.example?lang=en`, "/cases/%0d%0aX-Evil:1?lang=en"} {
		a := p.Get(t, p.App.URL+path)
		if to := a.Location(); to != "" && (strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) || strings.Contains(to, "://evil")) {
			t.Errorf("%s leads to %q", path, to)
		}
		if a.Header.Get("X-Evil") != "" {
			t.Errorf("%s writes a header", path)
		}
	}
}

func TestCookiesAreForThisHostAndForNoScript(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	values := six(newAddress("sara"), newBody())
	values.Set("telefone", "")
	for _, a := range []apptest.Answer{p.Post(t, "/cases/novo/acesso", values), p.Get(t, "/cases/?lang=en")} {
		cookies := a.Header.Values("Set-Cookie")
		if len(cookies) == 0 {
			t.Fatal("no cookie")
		}
		for _, c := range cookies {
			for _, flag := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
				if !strings.Contains(c, flag) {
					t.Errorf("%s is not %s", c, flag)
				}
			}
			if strings.Contains(c, "Domain") {
				t.Errorf("%s is for other hosts too", c)
			}
		}
	}
}

// overTLS is the same face at a public address.
func overTLS(t *testing.T, change func(*web.Config)) http.Handler {
	t.Helper()
	app := start(t)
	c := web.Config{
		Portals: app.Portals, Cases: app.Cases, Accounts: app.Accounts, Login: app.Login, Certificates: app.Certificates, Credentials: app.Credentials, Status: app.Status,
		Base: &url.URL{Scheme: "https", Host: "balcao.exemplo.pt"}, Ready: app.Ready, PKI: app.PKI, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&c)
	}
	face, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return face
}

// ask sends one request to a face that listens nowhere.
func ask(face http.Handler, method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://balcao.exemplo.pt"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, one := range change {
		one(r)
	}
	w := httptest.NewRecorder()
	face.ServeHTTP(w, r)
	return w
}

func TestOverTLSCookiesAreSecureAndBoundToTheHost(t *testing.T) {
	face := overTLS(t, nil)
	values := six(newAddress("sara"), newBody())
	values.Set("telefone", "")
	w := ask(face, http.MethodPost, "/cases/novo/acesso", values.Encode())
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Name != "__Host-c-cases" || !cookies[0].Secure || !cookies[0].HttpOnly || cookies[0].Path != "/" || cookies[0].Domain != "" || cookies[0].SameSite != http.SameSiteLaxMode {
		t.Fatalf("the draft's cookie is %v", cookies)
	}
	_, rest, _ := strings.Cut(w.Body.String(), `action="/cases/processos/`)
	id, _, _ := strings.Cut(rest, "/")
	if w := ask(face, http.MethodGet, "/cases/processos/"+id+"/passo/1", "", func(r *http.Request) { r.AddCookie(cookies[0]) }); w.Code != http.StatusOK {
		t.Errorf("the draft does not open with its cookie: %d", w.Code)
	}
	bare := &http.Cookie{Name: "c-cases", Value: cookies[0].Value} // as another host of the domain could set it
	if w := ask(face, http.MethodGet, "/cases/processos/"+id+"/passo/1", "", func(r *http.Request) { r.AddCookie(bare) }); w.Code == http.StatusOK {
		t.Error("a cookie without the prefix is believed")
	}
	switched := ask(face, http.MethodGet, "/?lang=en", "").Result().Cookies()
	if len(switched) != 1 || !switched[0].Secure {
		t.Errorf("the language's cookie is %v", switched)
	}
}

func TestACookieThatIsNotOursIsNobodys(t *testing.T) {
	app := start(t)
	for _, value := range []string{"", "x", "draft", "draft.", "follow.x", "draft." + strings.Repeat("A", 43), strings.Repeat("A", 4000), "a.b.c", "%00"} {
		p := app.Person(t)
		p.SetCookie("s-cases", value)
		p.SetCookie("c-cases", value)
		want(t, p.Get(t, "/cases/"), http.StatusOK)
		leads(t, p.Get(t, "/cases/area"), "/cases/?seguinte=%2Fcases%2Farea")
	}
}

func TestASessionOfOnePortalIsNoneInAnother(t *testing.T) {
	t.Parallel()
	app := start(t)
	rita := officer(t, app, coop)
	rita.SetCookie("s-ecce", rita.Cookie("s-cases"))
	want(t, rita.Get(t, "/ecce/"), http.StatusOK)
	leads(t, rita.Get(t, "/ecce/tecnico/"), "/ecce/?seguinte=%2Fecce%2Ftecnico%2F")
	want(t, rita.Get(t, "/cases/tecnico/"), http.StatusOK)
}

func TestHeadSendsWhatGetWouldWithoutTheBody(t *testing.T) {
	p := start(t).Person(t)
	for _, at := range []string{"/", "/cases/", "/cases/contactos", "/verificar"} {
		head, get := p.Do(t, http.MethodHead, at, "", nil), p.Get(t, at)
		if head.Status != get.Status || head.Body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("%s: %d, %d bytes", at, head.Status, len(head.Body))
		}
	}
}

func TestPagesAreKeptByNobody(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	id := filed(t, p, six(newAddress("sara"), newBody()))
	rita := officer(t, app, coop)
	for at, who := range map[string]*apptest.Person{
		"/cases/processos/" + id: p, "/cases/processos/" + id + "/recibo": p, "/cases/tecnico/": rita, "/cases/tecnico/processos/" + id: rita, "/cases/conta": rita,
		"/cases/recuperar": p, "/cases/processos": p, "/cases/nenhuma": p,
	} {
		a := who.Get(t, at)
		if !slices.ContainsFunc(strings.Split(a.Header.Get("Cache-Control"), ","), func(one string) bool { return strings.TrimSpace(one) == "no-store" }) {
			t.Errorf("%s (%d) may be kept: %q", at, a.Status, a.Header.Get("Cache-Control"))
		}
	}
}
