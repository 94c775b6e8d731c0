package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

var shownToken = regexp.MustCompile(`chancela_[A-Z2-7]{52}`)

// automatic is what somebody asks so that a program of their body may ask for certificates by itself.
func automatic(name string, most string) url.Values {
	return url.Values{
		"nome_aplicacao": {name}, "ambiente": {"producao"}, "contacto_tecnico": {"aplicacoes@exemplo.pt"}, "quantidade": {most},
		"fim": {time.Now().AddDate(0, 6, 0).Format("02/01/2006")}, "termos": {"true"},
	}
}

func TestAMandatesPageAndItsWholeLife(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, second := officer(t, app, state), officer(t, app, state, actor.Decider)
	p := servant(t, app, by)
	id := p.File(t, state, "emissao_automatica", automatic("Gestão documental "+newBody(), "2"), nil)
	review := want(t, by.Get(t, "/ecce/tecnico/processos/"+id), http.StatusOK)
	says(t, review, "Ensaio do certificado", "O pedido passa como está", "Número máximo de certificados", "qualquer chave cuja posse seja provada")
	sound(t, review)
	by.Move(t, state, id, "assumir", nil)
	want(t, by.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	want(t, second.Move(t, state, id, "deferir", nil), http.StatusSeeOther)

	at := to(t, want(t, p.Get(t, "/ecce/area"), http.StatusOK), "/ecce/autorizacoes/")
	says(t, p.Get(t, "/ecce/processos/"+id), "Autorização de emissão")
	page := want(t, p.Get(t, at), http.StatusOK)
	sound(t, page)
	says(t, page, "Em vigor", "0 de 2", "Criar token", "Rita Técnica Exemplo", "Ainda não foi emitido nenhum certificado.")
	token := made(t, p, at)
	if again := p.Get(t, at); shownToken.MatchString(again.Body) {
		t.Error("the token is shown a second time")
	}
	serial := asks(t, app, token, http.StatusCreated)
	says(t, p.Get(t, at), "1 de 2", "Ativo")
	other := made(t, p, at)
	asks(t, app, token, http.StatusUnauthorized)
	want(t, app.Person(t).Get(t, at), http.StatusSeeOther)
	if a := servant(t, app, by).Get(t, at); a.Status != http.StatusOK { // the same body, the same power
		t.Errorf("somebody else of the body does not see its mandate: %d", a.Status)
	}

	bad := want(t, p.Post(t, at+"/revogar", url.Values{"revogar-serie": {serial}}), http.StatusUnprocessableEntity)
	sound(t, bad)
	leads(t, p.Post(t, at+"/revogar", url.Values{"revogar-serie": {serial}, "revogar-fundamento": {"4"}, "revogar-confirmo": {"sim"}}), at+"?feito=revogar")
	says(t, p.Get(t, at+"?feito=revogar"), "O certificado foi revogado.", "Revogado")

	leads(t, p.Post(t, at+"/anular", nil), at+"?feito=anular")
	asks(t, app, other, http.StatusUnauthorized)
	want(t, p.Post(t, at+"/anular", nil), http.StatusConflict)
	token = made(t, p, at)
	desk := strings.Replace(at, "/ecce/", "/ecce/tecnico/", 1)
	sound(t, want(t, by.Get(t, desk), http.StatusOK))
	short := want(t, by.Post(t, desk+"/terminar", url.Values{"terminar.words": {"Curto."}}), http.StatusUnprocessableEntity)
	sound(t, short)
	leads(t, by.Post(t, desk+"/terminar", url.Values{"terminar.words": {"A aplicação deixou de existir, segundo a entidade."}}), desk+"?feito=terminar")
	asks(t, app, token, http.StatusUnauthorized)
	says(t, p.Get(t, at), "Terminada")
	want(t, p.Post(t, at+"/token", nil), http.StatusConflict)
	want(t, p.Post(t, at+"/outra", nil), http.StatusNotFound)
}

func TestItsHolderEndsAMandateAndIsAskedFirst(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, second := officer(t, app, state), officer(t, app, state, actor.Decider)
	p := servant(t, app, by)
	name := "Portal " + newBody()
	id := p.File(t, state, "emissao_automatica", automatic(name, "1"), nil)
	by.Move(t, state, id, "assumir", nil)
	want(t, by.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	want(t, second.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	at := to(t, p.Get(t, "/ecce/area"), "/ecce/autorizacoes/")
	sound(t, want(t, p.Post(t, at+"/terminar", nil), http.StatusUnprocessableEntity))
	leads(t, p.Post(t, at+"/terminar", url.Values{"terminar-confirmo": {"sim"}}), at+"?feito=terminar")
	says(t, p.Get(t, at+"?feito=terminar"), "A autorização terminou.", "Terminada")
	want(t, p.Post(t, at+"/terminar", url.Values{"terminar-confirmo": {"sim"}}), http.StatusConflict)
}

// made makes a token on the mandate's page, and gives it.
func made(t *testing.T, p *apptest.Person, at string) string {
	t.Helper()
	page := want(t, p.Post(t, at+"/token", nil), http.StatusOK)
	sound(t, page)
	if !strings.Contains(page.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("the page with the token may be kept: %q", page.Header.Get("Cache-Control"))
	}
	token := shownToken.FindString(page.Body)
	if token == "" {
		t.Fatal("no token is shown")
	}
	return token
}

// asks asks for a certificate by the interface, and gives its serial number.
func asks(t *testing.T, app *apptest.App, token string, status int) string {
	t.Helper()
	a := app.Person(t).Do(t, http.MethodPost, "/api/v1/certificates", "application/pkcs10", strings.NewReader(keyRequest(t, "")),
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
	want(t, a, status)
	return strings.TrimPrefix(a.Location(), "/api/v1/certificates/")
}
