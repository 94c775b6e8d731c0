package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"chancela/internal/apptest"
)

func TestTheFirstPageShowsThePortalsOfTheInstance(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/"), http.StatusOK)
	sound(t, a)
	says(t, a, "Portal de Credenciação", "Portal Cliente da ECCE", "Abrir")
	says(t, p.Get(t, "/", english), "Accreditation portal", "Open")
	for _, to := range []string{"/cases/", "/ecce/"} {
		if !linked(t, a, to) {
			t.Errorf("nothing leads to %s", to)
		}
		want(t, p.Get(t, to), http.StatusOK)
	}
}

func TestHomePagesBringTheFoundingTexts(t *testing.T) {
	p := start(t).Person(t)
	ecce := want(t, p.Get(t, "/ecce/"), http.StatusOK)
	sound(t, ecce)
	says(t, ecce,
		"A ECCE tem à sua disposição um portal para pedir os seus certificados digitais.",
		"Com o Portal Cliente da ECCE, pode aceder aos seus pedidos de certificados e cartões e geri-los de forma mais prática, célere e simples.",
		"Tudo num único local.", "Aceda já ao Portal Cliente da ECCE", "Sistema de Certificação Eletrónica do Estado (SCEE)",
		"foi criado com o objetivo de assegurar a unidade, a integração e a eficácia dos sistemas de autenticação digital forte das transações eletrónicas",
	)
	cases := want(t, p.Get(t, "/cases/"), http.StatusOK)
	sound(t, cases)
	says(t, cases,
		"PORTAL DE CREDENCIAÇÃO", "Credencial comprovativa da legal constituição e do regular funcionamento das cooperativas",
		"Como é feito o registo de utilizador?", "Esqueceu a sua password?", "Contacto para informações",
		"Funciona nas versões atuais do Edge, Chrome, Firefox e Safari",
	)
	says(t, p.Get(t, "/cases/", english), "ACCREDITATION PORTAL", "Forgot your password?", "SIGN IN", "NEW ACCESS", "RECOVER PASSWORD")
}

func TestTheSignInCardHasTheLabelsOfTheFoundingDocument(t *testing.T) {
	p := start(t).Person(t)
	for _, portalName := range []string{coop, state} {
		a := want(t, p.Get(t, "/"+portalName+"/"), http.StatusOK)
		user, password := labelled(t, a, "Utilizador"), labelled(t, a, "Palavra-chave")
		if attr(user, "name") != apptest.UserField || attr(password, "name") != apptest.PasswordField || attr(password, "type") != "password" {
			t.Errorf("%s: the fields are %v and %v", portalName, user.Attr, password.Attr)
		}
		if attr(password, "autocomplete") != "current-password" {
			t.Errorf("%s: a password manager finds nothing to fill in", portalName)
		}
		says(t, a, "ENTRAR", "NOVO ACESSO", "RECUPERAR PALAVRA-CHAVE", "FAQ's", "Requisitos técnicos", "epois do primeiro acesso", "Chave Móvel Digital ou Cartão de Cidadão")
		if !linked(t, a, "/"+portalName+"/perguntas-frequentes") || !linked(t, a, "/"+portalName+"/requisitos") {
			t.Errorf("%s: FAQ's and requirements are not linked", portalName)
		}
	}
}

func TestNovoAcessoLeadsToTheFormOrToThePageThatExplainsIt(t *testing.T) {
	p := start(t).Person(t)
	if to := hrefOf(t, p.Get(t, "/cases/"), "NOVO ACESSO"); to != "/cases/novo/acesso" {
		t.Errorf("it leads to %s", to)
	}
	to := hrefOf(t, p.Get(t, "/ecce/"), "NOVO ACESSO")
	if to != "/ecce/acesso" {
		t.Fatalf("it leads to %s", to)
	}
	if form := hrefOf(t, p.Get(t, to), "Começar"); form != "/ecce/novo/acesso" {
		t.Errorf("the page that explains leads to %s", form)
	}
}

func TestRecoverLeadsToAPageOfTheNewName(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, hrefOf(t, p.Get(t, "/cases/"), "RECUPERAR PALAVRA-CHAVE")), http.StatusOK)
	if h1 := said(all(a.Page(t), "h1")[0]); h1 != "Recuperar palavra-passe" {
		t.Errorf("it is headed %q", h1)
	}
}

func TestTheHomePageKeepsWhereToGoAfterwardsOnlyIfItIsHere(t *testing.T) {
	p := start(t).Person(t)
	for next, kept := range map[string]bool{
		"/cases/processos": true, "/cases/processos/abc?x=1": true,
		"//evil.example/": false, `/\evil.example`: false, "https://evil.example/": false, "/ecce/area": false, "/cases/\r\nX: 1": false,
		"javascript:alert(1)": false, "/cases/ x": false, "": false,
	} {
		a := want(t, p.Get(t, "/cases/?"+url.Values{"seguinte": {next}}.Encode()), http.StatusOK)
		if got := a.Value(t, "seguinte"); (got == next) != kept && next != "" || !kept && got != "" {
			t.Errorf("after %q the form keeps %q", next, got)
		}
	}
}

func TestTheHomePageSaysWhatWasJustDone(t *testing.T) {
	p := start(t).Person(t)
	says(t, p.Get(t, "/cases/?saiu"), "A sessão foi terminada.")
	says(t, p.Get(t, "/cases/?definida", english), "The password is set. You can sign in.")
}

func TestWhoIsSignedInIsLedToTheirOwnSide(t *testing.T) {
	t.Parallel()
	app := start(t)
	rita := officer(t, app, coop)
	leads(t, rita.Get(t, "/cases/"), "/cases/tecnico/")
	leads(t, member(t, app, rita).Get(t, "/cases/"), "/cases/area")
	want(t, rita.Get(t, "/ecce/"), http.StatusOK) // nothing crosses between portals
}

func TestTheProgramSaysThatItRunsAndThatItIsReady(t *testing.T) {
	p := start(t).Person(t)
	for path, body := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if a := want(t, p.Get(t, path), http.StatusOK); a.Body != body || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s says %q as %s", path, a.Body, a.Header.Get("Content-Type"))
		}
	}
}

// hrefOf is where the link of some words leads.
func hrefOf(t *testing.T, a apptest.Answer, words string) string {
	t.Helper()
	for _, n := range all(a.Page(t), "a") {
		if said(n) == words && !strings.Contains(attr(n.Parent, "class"), "menu") {
			return attr(n, "href")
		}
	}
	t.Fatalf("no link says %q", words)
	return ""
}

func linked(t *testing.T, a apptest.Answer, to string) bool {
	t.Helper()
	return slices.ContainsFunc(all(a.Page(t), "a"), func(n *html.Node) bool { return attr(n, "href") == to })
}
