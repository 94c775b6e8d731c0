package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

// hiddenOf is what a hidden field of a page says.
func hiddenOf(t *testing.T, a apptest.Answer, name string) string { return inputOf(t, a, name) }

func TestALeaverIsShownWhatFollowsAndItFollows(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, second := officer(t, app, state), officer(t, app, state, actor.Decider)
	p := servant(t, app, by)
	answers, _ := script(t, app, state, "autenticacao")
	id := p.File(t, state, "autenticacao", answers, map[string]apptest.File{"csr": {Content: []byte(keyRequest(t, p.Name))}})
	certificate := certified(t, p, by, second, id)

	teams := want(t, p.Get(t, "/ecce/pessoas"), http.StatusOK)
	sound(t, teams)
	page := to(t, teams, "/ecce/pessoas/")
	a := want(t, p.Get(t, page), http.StatusOK)
	sound(t, a)
	says(t, a, "São revogados", "Certificado de autenticação", "Poderes que cessam", "Serão revogados 1 certificados")
	want(t, app.Person(t).Get(t, page), http.StatusSeeOther)
	want(t, by.Get(t, page), http.StatusNotFound)
	other := servant(t, app, by)
	want(t, other.Get(t, strings.Replace(page, "/ecce/pessoas/", "/ecce/tecnico/entidades/", 1)), http.StatusNotFound)

	digest := hiddenOf(t, a, "lista")
	bad := want(t, p.Post(t, page, url.Values{"lista": {digest}, "efeito": {"31/31/2026"}}), http.StatusUnprocessableEntity)
	sound(t, bad)
	if told := summary(t, bad); told["efeito"] == "" || told["confirmo"] == "" {
		t.Errorf("%v", told)
	}
	// The list changes between the preview and the press: a second order.
	again := p.File(t, state, "autenticacao", answers, map[string]apptest.File{"csr": {Content: []byte(keyRequest(t, p.Name))}})
	by.Move(t, state, again, "assumir", nil)
	want(t, by.Move(t, state, again, "deferir", nil), http.StatusSeeOther)
	want(t, second.Move(t, state, again, "deferir", nil), http.StatusSeeOther)
	stale := want(t, p.Post(t, page, url.Values{"lista": {digest}, "confirmo": {"sim"}}), http.StatusConflict)
	sound(t, stale)
	says(t, stale, "A lista mudou desde que a viu", "Serão revogados 2 certificados")
	form := url.Values{"lista": {hiddenOf(t, stale, "lista")}, "confirmo": {"sim"}}
	done := want(t, p.Post(t, page, form), http.StatusSeeOther).Location()
	if twice := p.Post(t, page, form).Location(); twice != done {
		t.Errorf("a second press led to %s, the first to %s", twice, done)
	}
	sound(t, until(t, p, done, "Concluída"))
	says(t, p.Get(t, certificate), "Revogado", "Mudança de funções ou de entidade")
	want(t, p.Get(t, page), http.StatusNotFound)
	want(t, other.Get(t, done), http.StatusNotFound)
	sound(t, want(t, by.Get(t, strings.Replace(done, "/ecce/", "/ecce/tecnico/", 1)), http.StatusOK))
}

func TestAnOfficerEndsABodyAndCredentialsWaitForTheirDecision(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, state)
	p := servant(t, app, by)
	bodies := want(t, by.Get(t, "/ecce/tecnico/entidades"), http.StatusOK)
	sound(t, bodies)
	teams := p.Get(t, "/ecce/pessoas")
	number := strings.Split(to(t, teams, "/ecce/pessoas/"), "/")[3]
	found := want(t, by.Get(t, "/ecce/tecnico/entidades?numero-da-entidade="+number), http.StatusOK)
	sound(t, found)
	says(t, found, p.Name, "Fazer cessar a entidade")
	a := want(t, by.Get(t, "/ecce/tecnico/entidades/"+number+"/cessar"), http.StatusOK)
	sound(t, a)
	says(t, a, p.Name, "Fazer cessar a entidade")
	reader := officer(t, app, state, actor.Auditor)
	want(t, reader.Post(t, "/ecce/tecnico/entidades/"+number+"/cessar", url.Values{"lista": {hiddenOf(t, a, "lista")}, "confirmo": {"sim"}}), http.StatusForbidden)
	sound(t, want(t, by.Post(t, "/ecce/tecnico/entidades/"+number+"/cessar", url.Values{"lista": {"outra"}, "confirmo": {"sim"}}), http.StatusConflict))
	says(t, by.Get(t, "/ecce/tecnico/entidades?numero-da-entidade=500000000"), "Nenhuma entidade com este NIPC")
}
