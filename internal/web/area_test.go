package web_test

import (
	"net/http"
	"testing"
)

func TestTheAreaShowsWhatAPersonHoldsAndMayAskFor(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	m := member(t, app, by)
	leads(t, m.Get(t, "/cases/"), "/cases/area")
	a := want(t, m.Get(t, "/cases/area"), http.StatusOK)
	sound(t, a)
	says(t, a, "Credenciais", "Não existe credencial válida.", "Fazer um pedido", "Pedido de credencial", "Poderes", "Sara Exemplo")
	if !linked(t, a, "/cases/novo/credencial") {
		t.Error("nothing leads to the form")
	}
	leads(t, app.Person(t).Get(t, "/cases/area"), "/cases/?seguinte=%2Fcases%2Farea")
	want(t, by.Get(t, "/cases/area"), http.StatusNotFound)
}

func TestTheRequestThatLetThemInStandsAmongTheirCases(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	m, other := member(t, app, by), member(t, app, by)
	a := want(t, m.Get(t, "/cases/processos"), http.StatusOK)
	sound(t, a)
	says(t, a, "Deferido")
	id := ""
	for _, n := range all(a.Page(t), "a") {
		if one := caseIn(attr(n, "href")); one != "" {
			id = one
		}
	}
	if id == "" {
		t.Fatal("their own request is not listed")
	}
	a = want(t, m.Get(t, "/cases/processos/"+id), http.StatusOK)
	sound(t, a)
	says(t, a, "Sara Exemplo", "Deferimento")
	want(t, other.Get(t, "/cases/processos/"+id), http.StatusNotFound)
	want(t, m.Get(t, "/cases/processos/"+id+"/recibo"), http.StatusOK)
}
