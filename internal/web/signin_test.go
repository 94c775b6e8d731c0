package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

func TestAWrongSignInKeepsTheUserAndNeverThePassword(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	secret := "uma frase longa " + apptest.Random()
	a := want(t, p.Enter(t, coop, "nobody.here@exemplo.pt", secret), http.StatusUnprocessableEntity)
	sound(t, a)
	says(t, a, "O utilizador ou a palavra-passe não estão corretos.")
	if a.Value(t, apptest.UserField) != "nobody.here@exemplo.pt" {
		t.Error("the user that was typed is gone")
	}
	if strings.Contains(a.Body, secret) {
		t.Error("the password came back")
	}
	if p.Cookie("e-cases") != "" || p.Cookie("s-cases") != "" {
		t.Error("a refused sign-in left a cookie")
	}
}

func TestTheCodesPageAsksAndRefusesInWords(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := officer(t, app, coop)
	want(t, p.Post(t, "/cases/sair", nil), http.StatusSeeOther)
	p.AskCode(t, coop)
	a := want(t, p.Get(t, "/cases/entrar/codigo?enviado=mail"), http.StatusOK)
	sound(t, a)
	says(t, a, "Código de confirmação", "Enviar novo código")
	bad := want(t, p.Confirm(t, coop, "12"), http.StatusUnprocessableEntity)
	sound(t, bad)
	if beside(t, bad, apptest.CodeField) == "" || summary(t, bad)[apptest.CodeField] == "" {
		t.Error("nothing beside the code says what is wrong")
	}
	if p.Inside(t, coop) {
		t.Error("half a sign-in lets in (A13)")
	}
}

func TestWithoutASignInUnderWayTheCodesPageLeadsToTheBeginning(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/cases/entrar/codigo"), http.StatusGone)
	sound(t, a)
	says(t, a, "Comece de novo.")
}

func TestLeavingEndsTheSessionEverywhere(t *testing.T) {
	t.Parallel()
	p := officer(t, start(t), coop)
	secret := p.Cookie("s-cases")
	a := p.Post(t, "/cases/sair", nil)
	leads(t, a, "/cases/?saiu=1")
	if !strings.Contains(a.Header.Get("Clear-Site-Data"), "storage") {
		t.Error("the browser keeps what it stored")
	}
	says(t, p.Get(t, "/cases/?saiu=1"), "A sessão foi terminada.")
	p.SetCookie("s-cases", secret)
	if p.Inside(t, coop) {
		t.Error("the old cookie still opens the session (A21)")
	}
}

func TestTheSessionCanBeProlonged(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := officer(t, app, coop)
	a := want(t, p.Post(t, "/cases/sessao", nil), http.StatusNoContent)
	if a.Header.Get("Session-Left") == "" {
		t.Error("nobody says for how long")
	}
	want(t, app.Person(t).Post(t, "/cases/sessao", nil), http.StatusSeeOther)
}

// B11: where to go after signing in is a path of this portal, or nothing.
func TestAfterSigningInNothingLeadsAway(t *testing.T) {
	t.Parallel()
	app := start(t)
	for next, to := range map[string]string{"/cases/conta": "/cases/conta", "//evil.example/": "/cases/"} {
		q := leftOfficer(t, app)
		if got := q.Get(t, "/cases/?seguinte="+url.QueryEscape(next)).Value(t, "seguinte"); got != "" && got != next || got != "" && to == "/cases/" {
			t.Errorf("the form carries %q along", got)
		}
		code := q.AskCode(t, coop)
		leads(t, q.Post(t, "/cases/entrar/codigo", url.Values{apptest.CodeField: {code}, "enviado": {"mail"}, "seguinte": {next}}), to)
	}
	for _, next := range []string{
		"https://evil.example/", `/\\evil.example`, `\\evil.example`, "/cases\t/x", "/ecce/conta", "javascript:alert(1)", "/cases/\r\nSet-Cookie: a=b", "",
	} {
		if got := app.Person(t).Get(t, "/cases/?seguinte="+url.QueryEscape(next)).Value(t, "seguinte"); got != "" {
			t.Errorf("the form carries %q along", got)
		}
	}
}

// leftOfficer is an officer who has signed out.
func leftOfficer(t *testing.T, app *apptest.App) *apptest.Person {
	t.Helper()
	p := officer(t, app, coop)
	p.Post(t, "/cases/sair", nil)
	return p
}

// A20: what the browser held before is worth nothing inside.
func TestAPlantedSessionCookieIsReplaced(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := leftOfficer(t, app)
	planted := strings.Repeat("A", 43)
	p.SetCookie("s-cases", planted)
	p.SignIn(t, coop)
	if p.Cookie("s-cases") == planted {
		t.Error("the session goes on under a secret that somebody else knows")
	}
}

func TestTheCodesPageSpeaksOfTheFirstSignInOnlyAtTheFirst(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := app.Person(t)
	by.Name, by.Email = "Rita Técnica Exemplo", newAddress("rita")
	u, err := url.Parse(app.Officer(t, state, by.Email, by.Name, actor.Director))
	if err != nil {
		t.Fatal(err)
	}
	by.Define(t, u.Path)
	heading := func() string {
		return said(all(want(t, by.Get(t, "/ecce/entrar/codigo"), http.StatusOK).Page(t), "h1")[0])
	}
	code := by.AskCode(t, state)
	if got := heading(); got != "Código de confirmação do primeiro início de sessão" {
		t.Errorf("at the first: %q", got)
	}
	want(t, by.Confirm(t, state, code), http.StatusSeeOther)
	want(t, by.Post(t, "/ecce/sair", nil), http.StatusSeeOther)
	by.AskCode(t, state)
	if got := heading(); got != "Código de confirmação" {
		t.Errorf("at the second: %q", got)
	}
}
