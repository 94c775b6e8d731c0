package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"chancela/internal/apptest"
)

func TestWhoHasPowersForTwoBodiesChoosesOneAndTheAreaTellsThemApart(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	m := member(t, app, by)
	other := newBody()
	values := six(m.Email, other)
	values.Set("denominacao", "Outra Cooperativa Exemplo, CRL")
	id := filed(t, app.Person(t), values)
	if a := app.Person(t).Post(t, app.Mail(t, m.Email, apptest.Link("/confirmar/")), nil); a.Status != http.StatusSeeOther {
		t.Fatalf("the address is not proven: %d", a.Status)
	}
	by.Move(t, coop, id, "assumir", nil)
	want(t, by.Move(t, coop, id, "deferir", nil), http.StatusSeeOther)
	a := want(t, m.Get(t, "/cases/area"), http.StatusOK)
	sound(t, a)
	says(t, a, "Outra Cooperativa Exemplo, CRL Pedir a credencial", "Cooperativa Exemplo, CRL")
	at := "/cases/novo/credencial"
	a = want(t, m.Get(t, at), http.StatusOK)
	sound(t, a)
	says(t, a, "Em nome de que entidade?", "Outra Cooperativa Exemplo, CRL")
	a = want(t, m.Post(t, at, nil), http.StatusUnprocessableEntity)
	sound(t, a)
	if summary(t, a)["por-conta-de"] == "" || beside(t, a, "por-conta-de") == "" {
		t.Error("nobody says that a body is to be chosen")
	}
	want(t, m.Post(t, at, url.Values{"por-conta-de": {newBody()}}), http.StatusForbidden)
	a = want(t, m.Post(t, at, url.Values{"por-conta-de": {other}}), http.StatusSeeOther)
	says(t, m.Get(t, a.Location()), "Outra Cooperativa Exemplo, CRL")
}
