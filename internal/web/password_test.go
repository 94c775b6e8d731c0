package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

// invited gives the path of a new officer's invitation.
func invited(t *testing.T, app *apptest.App) string {
	t.Helper()
	u, err := url.Parse(app.Officer(t, coop, newAddress("nova"), "Nova Técnica Exemplo", actor.Director))
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

func both(typed, again string) url.Values {
	return url.Values{apptest.NewField: {typed}, apptest.AgainField: {again}}
}

// A06: scanners of mail open links too.
func TestOpeningAnInvitationDoesNotUseItUp(t *testing.T) {
	t.Parallel()
	app := start(t)
	p, at := app.Person(t), invited(t, app)
	for range 3 {
		a := want(t, p.Get(t, at), http.StatusOK)
		sound(t, a)
		says(t, a, "Definir a palavra-passe", "Nova Técnica Exemplo")
	}
	good := "uma frase longa e inventada, " + apptest.Random()
	leads(t, p.Post(t, at, both(good, good)), "/cases/?definida=1")
	says(t, p.Get(t, "/cases/?definida=1"), "A palavra-passe foi definida.")
	gone := want(t, p.Get(t, at), http.StatusGone)
	sound(t, gone)
	says(t, gone, "Peça novo convite")
	want(t, p.Post(t, at, both(good, good)), http.StatusGone)
}

func TestABadPasswordSaysWhatIsWrongAndTheLinkStaysGood(t *testing.T) {
	t.Parallel()
	app := start(t)
	p, at := app.Person(t), invited(t, app)
	for typed, words := range map[string]string{"curta": "pelo menos 15", "palavrapassepalavrapasse": "comum"} {
		a := want(t, p.Post(t, at, both(typed, typed)), http.StatusUnprocessableEntity)
		sound(t, a)
		if beside(t, a, apptest.NewField) == "" {
			t.Errorf("%q: nothing stands beside the field", typed)
		}
		says(t, a, words)
	}
	a := want(t, p.Post(t, at, both("uma frase longa e inventada", "outra frase longa e inventada")), http.StatusUnprocessableEntity)
	if beside(t, a, apptest.AgainField) == "" {
		t.Error("nobody says that the two differ")
	}
	want(t, p.Get(t, at), http.StatusOK)
}

// A16: the page says the same whatever was typed.
func TestRecoveryAnswersAlike(t *testing.T) {
	t.Parallel()
	app := start(t)
	m := member(t, app, officer(t, app, coop))
	p := app.Person(t)
	a := want(t, p.Get(t, "/cases/recuperar"), http.StatusOK)
	sound(t, a)
	says(t, a, "Recuperar palavra-passe")
	var pages []string
	for _, typed := range []string{m.Email, "nobody.here@exemplo.pt", "no address", ""} {
		leads(t, p.Post(t, "/cases/recuperar", url.Values{"recuperar-endereco": {typed}, "recuperar-nipc": {"590200000"}}), "/cases/recuperar?enviado=1")
		pages = append(pages, want(t, p.Get(t, "/cases/recuperar?enviado=1"), http.StatusOK).Text(t))
	}
	for _, page := range pages {
		if page != pages[0] {
			t.Error("two answers differ")
		}
	}
	says(t, p.Get(t, "/cases/recuperar?enviado=1"), "Se os dados estiverem corretos")
}

func TestALostInvitationCanBeAskedForAnew(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, p := officer(t, app, coop), app.Person(t)
	p.Email = newAddress("sara")
	id := filed(t, p, six(p.Email, newBody()))
	proven(t, p, p.Email)
	by.Move(t, coop, id, "assumir", nil)
	by.Move(t, coop, id, "deferir", nil)
	old := app.Mail(t, p.Email, apptest.Link("/definir/"))
	sound(t, want(t, p.Get(t, "/cases/convite"), http.StatusOK))
	leads(t, p.Post(t, "/cases/convite", url.Values{"convite-endereco": {p.Email}}), "/cases/convite?enviado=1")
	fresh := app.Mail(t, p.Email, apptest.Link("/definir/"))
	want(t, p.Get(t, old), http.StatusGone)
	want(t, p.Get(t, fresh), http.StatusOK)
}
