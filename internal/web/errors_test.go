package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"chancela/internal/apptest"
	"chancela/internal/fault"
	"chancela/internal/web"
)

func TestWhatIsNotThereIsSaidInThePortalAndInBothLanguages(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/cases/isto/nao/existe"), http.StatusNotFound)
	sound(t, a)
	says(t, a, "Página não encontrada", "A página não existe ou não lhe é acessível.", "Portal de Credenciação")
	if to := hrefOf(t, a, "Início"); to != "/cases/" {
		t.Errorf("the way on is %s", to)
	}
	says(t, p.Get(t, "/cases/isto/nao/existe", english), "Page not found", "The page does not exist or is not open to you.")
	b := want(t, p.Get(t, "/nada/"), http.StatusNotFound)
	sound(t, b)
	if to := hrefOf(t, b, "Início"); to != "/" {
		t.Errorf("outside portals the way on is %s", to)
	}
}

func TestAnotherMethodIsRefusedAndTheRightOneNamed(t *testing.T) {
	p := start(t).Person(t)
	for _, one := range []struct{ method, at, allow string }{
		{http.MethodPost, "/cases/contactos", "GET, HEAD"}, {http.MethodPost, "/cases/", "GET, HEAD"}, {http.MethodGet, "/cases/entrar", "GET, HEAD"},
		{http.MethodGet, "/cases/sair", "GET, HEAD"}, {http.MethodGet, "/cases/processos/x/guardar", "POST"}, {http.MethodDelete, "/cases/acompanhar", "GET, HEAD, POST"},
		{http.MethodPut, "/verificar", "GET, HEAD"}, {http.MethodPost, "/", "GET, HEAD"}, {http.MethodPost, "/healthz", "GET, HEAD"},
	} {
		a := p.Do(t, one.method, one.at, "", nil)
		if strings.HasSuffix(one.at, "/entrar") || strings.HasSuffix(one.at, "/sair") {
			want(t, a, http.StatusNotFound) // read as a page of the portal's own, which there is not
			continue
		}
		if want(t, a, http.StatusMethodNotAllowed); a.Header.Get("Allow") != one.allow {
			t.Errorf("%s %s: Allow is %q", one.method, one.at, a.Header.Get("Allow"))
		}
		sound(t, a)
		says(t, a, "Pedido não admitido")
	}
	want(t, p.Do(t, http.MethodPut, "/nada/de/nada", "", nil), http.StatusNotFound)
}

func TestMachinesAreToldAProblemAsData(t *testing.T) {
	p := start(t).Person(t)
	for at, status := range map[string]int{"/cases/nenhuma": http.StatusNotFound, "/cases/confirmar/x": http.StatusNotFound, "/cases/processos/x/guardar": http.StatusMethodNotAllowed} {
		a := want(t, p.Get(t, at, machine), status)
		if at == "/cases/confirmar/x" {
			continue // a page for people: it offers another link
		}
		var told struct {
			Type, Title, Detail string
			Status              int
		}
		a.JSON(t, &told)
		if a.Header.Get("Content-Type") != "application/problem+json" || told.Status != status || told.Title == "" || told.Detail == "" || told.Type != "about:blank" {
			t.Errorf("%s tells %+v as %s", at, told, a.Header.Get("Content-Type"))
		}
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept", at)
		}
	}
}

// broken is a mailbox that does what a test wants.
type broken struct{ do func() error }

// Letters, Letter and Texts are its look.
func (b broken) Letters(int) ([]web.Letter, error) { return nil, b.do() }
func (b broken) Letter(string) (web.Letter, error) { return web.Letter{}, b.do() }
func (b broken) Texts(int) ([]web.SMS, error)      { return nil, b.do() }
func withMailbox(do func() error) func(*web.Config) {
	return func(c *web.Config) { c.Mailbox = broken{do} }
}
func withLog(w *bytes.Buffer) func(*web.Config) {
	return func(c *web.Config) { c.Log = slog.New(slog.NewTextHandler(w, nil)) }
}
func together(all ...func(*web.Config)) func(*web.Config) {
	return func(c *web.Config) {
		for _, one := range all {
			one(c)
		}
	}
}

func TestAFaultOfOursShowsAReferenceThatTheLogHasAndNothingElse(t *testing.T) {
	var log bytes.Buffer
	face := overTLS(t, together(withMailbox(func() error { return errors.New("the disk of invented is full") }), withLog(&log)))
	w := ask(face, http.MethodGet, "/avaliacao", "")
	if w.Code != http.StatusInternalServerError {
		t.Fatalf("status %d", w.Code)
	}
	ref := regexp.MustCompile(`Referência: ([A-Z2-7]{10})`).FindStringSubmatch(w.Body.String())
	if ref == nil || !strings.Contains(log.String(), "ref="+ref[1]) || !strings.Contains(log.String(), "the disk of invented is full") {
		t.Errorf("the page and the log do not meet: %v\n%s", ref, log.String())
	}
	if strings.Contains(w.Body.String(), "invented") {
		t.Error("the page tells what is the log's")
	}
	var told struct{ Status int }
	if err := json.Unmarshal(ask(face, http.MethodGet, "/avaliacao", "", machine).Body.Bytes(), &told); err != nil || told.Status != http.StatusInternalServerError {
		t.Errorf("machines are told %v %v", told, err)
	}
}

func TestEachKindOfRefusalHasItsStatus(t *testing.T) {
	for kind, status := range map[fault.Kind]int{
		fault.Invalid: 422, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409, fault.Expired: 410, fault.Throttled: 429, fault.Unavailable: 503, fault.TooLarge: 413, fault.Malformed: 400,
	} {
		face := overTLS(t, withMailbox(func() error { return fault.New(kind, "fault.conflict") }))
		w := ask(face, http.MethodGet, "/avaliacao", "")
		if w.Code != status || strings.Contains(w.Body.String(), "web.error.") {
			t.Errorf("%s is %d", kind, w.Code)
		}
	}
}

func TestWhoAsksTooOftenIsToldWhenToComeAgain(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	var a apptest.Answer
	for range 60 {
		if a = p.Enter(t, coop, "ninguem@exemplo.pt", "uma palavra-passe que não existe"); a.Status == http.StatusTooManyRequests {
			break
		}
	}
	want(t, a, http.StatusTooManyRequests)
	sound(t, a)
	if a.Header.Get("Retry-After") == "" || a.Says(t, "{min}") {
		t.Errorf("Retry-After %q: %s", a.Header.Get("Retry-After"), a.Text(t))
	}
}
