package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/apptest"
)

func TestTheAccountsPageShowsWaysInAndSessions(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := officer(t, app, coop)
	a := want(t, p.Get(t, "/cases/conta"), http.StatusOK)
	sound(t, a)
	says(t, a, p.Email, "Formas de entrar", "Sessões abertas", "Esta sessão", "Firefox Linux")
	leads(t, app.Person(t).Get(t, "/cases/conta"), "/cases/?seguinte=%2Fcases%2Fconta")
}

// elsewhere is the same person in another browser.
func elsewhere(t *testing.T, p *apptest.Person, portalName string) *apptest.Person {
	t.Helper()
	other := p.App.Person(t)
	other.Name, other.Email, other.Password = p.Name, p.Email, p.Password
	other.SignIn(t, portalName)
	return other
}

func TestEndingTheOtherSessionsShutsThemOut(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := officer(t, app, coop)
	lost := elsewhere(t, p, coop)
	says(t, p.Get(t, "/cases/conta"), "Terminar todas as outras sessões")
	leads(t, p.Post(t, "/cases/conta/sessoes", url.Values{"sessao": {"outras"}}), "/cases/conta?feito=sessao")
	if lost.Inside(t, coop) || !p.Inside(t, coop) {
		t.Error("the wrong session ended")
	}
}

func TestNobodyEndsTheSessionOfAnother(t *testing.T) {
	t.Parallel()
	app := start(t)
	p, other := officer(t, app, coop), officer(t, app, coop)
	id := ""
	for _, n := range all(other.Get(t, "/cases/conta").Page(t), "button") {
		if attr(n, "name") == "sessao" {
			id = attr(n, "value")
		}
	}
	p.Post(t, "/cases/conta/sessoes", url.Values{"sessao": {id}})
	if !other.Inside(t, coop) {
		t.Error("a stranger's session was ended")
	}
}

func TestChangingThePasswordAsksForThePresentOne(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := officer(t, app, coop)
	lost := elsewhere(t, p, coop)
	fresh := "outra frase longa e inventada, " + apptest.Random()
	values := both(fresh, fresh)
	values.Set("palavra-passe-atual", "não é esta que tenho agora")
	a := want(t, p.Post(t, "/cases/conta/palavra-passe", values), http.StatusUnprocessableEntity)
	sound(t, a)
	says(t, a, "A palavra-passe atual não está correta.")
	if strings.Contains(a.Body, fresh) {
		t.Error("a password came back")
	}
	values.Set("palavra-passe-atual", p.Password)
	before := p.Cookie("s-cases")
	leads(t, p.Post(t, "/cases/conta/palavra-passe", values), "/cases/conta?feito=palavra-passe")
	if p.Cookie("s-cases") == before || !p.Inside(t, coop) {
		t.Error("the session does not go on under a new secret")
	}
	if lost.Inside(t, coop) {
		t.Error("the other session outlives the password (A21)")
	}
}
