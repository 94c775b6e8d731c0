package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

func invitation(name, address string, roles ...string) url.Values {
	return url.Values{"tecnico-nome": {name}, "tecnico-endereco": {address}, "tecnico-perfis": roles, "tecnico-lingua": {"pt-PT"}}
}

func TestAnAdministratorInvitesAnOfficer(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := officer(t, app, coop, actor.Administrator)
	leads(t, p.Get(t, "/cases/tecnico/"), "/cases/tecnico/equipa")
	sound(t, want(t, p.Get(t, "/cases/tecnico/equipa"), http.StatusOK))
	address := newAddress("novo")
	leads(t, p.Post(t, "/cases/tecnico/equipa", invitation("Novo Técnico Exemplo", address, "director")), "/cases/tecnico/equipa?convite=1")
	says(t, p.Get(t, "/cases/tecnico/equipa?convite=1"), "O convite foi enviado.", address, "Convidada")
	want(t, app.Person(t).Get(t, app.Mail(t, address, apptest.Link("/tecnico/convite/"))), http.StatusOK)
}

func TestAnInvitationWithMistakesKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	p := officer(t, start(t), coop, actor.Administrator)
	a := want(t, p.Post(t, "/cases/tecnico/equipa", invitation("Novo <b>Técnico</b> Exemplo", "no address")), http.StatusUnprocessableEntity)
	sound(t, a)
	if a.Value(t, "tecnico-nome") != "Novo <b>Técnico</b> Exemplo" || a.Value(t, "tecnico-endereco") != "no address" {
		t.Error("what was typed is gone")
	}
	for _, name := range []string{"tecnico-endereco", "tecnico-perfis"} {
		if summary(t, a)[name] == "" {
			t.Errorf("the summary says nothing of %s", name)
		}
	}
}

func TestOnlyAdministratorsSeeTheTeam(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	want(t, by.Get(t, "/cases/tecnico/equipa"), http.StatusForbidden)
	want(t, by.Post(t, "/cases/tecnico/equipa", invitation("X Exemplo", newAddress("x"), "decider")), http.StatusForbidden)
	want(t, member(t, app, by).Get(t, "/cases/tecnico/equipa"), http.StatusNotFound)
	want(t, app.Person(t).Get(t, "/cases/tecnico/equipa"), http.StatusSeeOther)
}
