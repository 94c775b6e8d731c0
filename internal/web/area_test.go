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
