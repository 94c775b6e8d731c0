package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/apptest"
	"chancela/internal/web"
)

func TestTheMailboxShowsLettersWhoseLinksStayHere(t *testing.T) {
	app := start(t)
	p := app.Person(t)
	p.Email = newAddress("sara")
	filed(t, p, six(p.Email, newBody()))
	link := app.Mail(t, p.Email, apptest.Link("/confirmar/"))
	a := want(t, p.Get(t, "/avaliacao"), http.StatusOK)
	sound(t, a)
	says(t, a, p.Email)
	for _, n := range all(a.Page(t), "a") {
		to := attr(n, "href")
		if !strings.HasPrefix(to, "/avaliacao/") {
			continue
		}
		letter := want(t, p.Get(t, to), http.StatusOK)
		if !strings.Contains(letter.Body, link) {
			continue
		}
		sound(t, letter)
		if !linked(t, letter, link) {
			t.Error("the link of the letter cannot be followed")
		}
		return
	}
	t.Error("the letter is not in the mailbox")
}

func TestTheMailboxHasNothingButItsLetters(t *testing.T) {
	p := start(t).Person(t)
	for _, name := range []string{"nothing", "..%2f..%2fkeys%2finstance.key", "20260101T000000.000000Z-" + strings.Repeat("a", 26)} {
		want(t, p.Get(t, "/avaliacao/"+name), http.StatusNotFound)
	}
}

func TestLinksToOtherPlacesStayText(t *testing.T) {
	here := &url.URL{Scheme: "http", Host: "localhost:8080"}
	for line, linked := range map[string]string{
		"Abra http://localhost:8080/cases/confirmar/abc.":  "/cases/confirmar/abc",
		"https://localhost:8080/x":                         "",
		"http://localhost:8080.evil.example/cases/":        "",
		"http://localhost:8080@evil.example/cases/":        "",
		"http://evil.example/?http://localhost:8080/cases": "",
		"javascript:alert(1)":                              "",
	} {
		if got := web.FirstLink(here, line); got != linked {
			t.Errorf("%q links to %q, wanted %q", line, got, linked)
		}
	}
}
