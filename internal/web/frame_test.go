package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

func nothingWorks(context.Context) error { return errNothing }

// menuOf are the words of the page's menu, in order.
func menuOf(t *testing.T, a apptest.Answer) []string {
	t.Helper()
	for _, n := range all(a.Page(t), "div") {
		if attr(n, "class") == "menu menu--large" {
			var words []string
			for _, link := range all(n, "a") {
				words = append(words, said(link))
			}
			return words
		}
	}
	return nil
}

func TestTheEvaluationInstanceSaysSoOnEveryPage(t *testing.T) {
	p := start(t).Person(t)
	for _, at := range []string{"/", "/cases/", "/ecce/contactos", "/verificar", "/pki/", "/avaliacao", "/cases/nenhuma", "/cases/novo/acesso"} {
		a := p.Get(t, at)
		says(t, a, "Instância de avaliação. O que aqui é emitido é de TESTE e não tem valor legal.")
		if !linked(t, a, "/avaliacao") {
			t.Errorf("%s does not lead to the mailbox", at)
		}
	}
	if w := ask(overTLS(t, nil), http.MethodGet, "/", ""); strings.Contains(w.Body.String(), "avaliação") {
		t.Error("an instance for real use says that it is none")
	}
}

func TestTheMenuIsThatOfWhoeverReads(t *testing.T) {
	t.Parallel()
	app := start(t)
	rita := officer(t, app, coop)
	for who, one := range map[string]struct {
		p     *apptest.Person
		at    string
		words string
	}{
		"a visitor":        {app.Person(t), "/cases/", "Início|Novo acesso|A credencial|Verificar credencial|FAQ's (perguntas frequentes)|Requisitos técnicos|Contactos"},
		"a member":         {member(t, app, rita), "/cases/area", "Área reservada|Os meus pedidos|Verificar|A minha conta"},
		"an officer":       {rita, "/cases/tecnico/", "Fila de trabalho|Entidades e cessações|A minha conta"},
		"an administrator": {officer(t, app, coop, actor.Administrator), "/cases/conta", "Equipa|Registo de auditoria|A minha conta"},
		"an auditor":       {officer(t, app, coop, actor.Auditor), "/cases/tecnico/", "Fila de trabalho|Entidades e cessações|Registo de auditoria|A minha conta"},
	} {
		a := want(t, one.p.Get(t, one.at), http.StatusOK)
		sound(t, a)
		if got := strings.Join(menuOf(t, a), "|"); got != one.words {
			t.Errorf("%s reads %s", who, got)
		}
		for _, n := range all(a.Page(t), "a") {
			if attr(n, "aria-current") == "page" && attr(n, "href") != one.at {
				t.Errorf("%s is said to be at %s", who, attr(n, "href"))
			}
		}
	}
}

func TestWhoIsSignedInSeesTheirNameForWhomTheyActAndTheWayOut(t *testing.T) {
	t.Parallel()
	app := start(t)
	rita := officer(t, app, coop)
	a := member(t, app, rita).Get(t, "/cases/area")
	says(t, a, "Sara Exemplo", "Terminar sessão", "Cooperativa Exemplo, CRL")
	way := func(n *html.Node) bool { return attr(n, "action") == "/cases/sair" && attr(n, "method") == "post" }
	found := false
	for _, form := range all(a.Page(t), "form") {
		found = found || way(form)
	}
	if !found {
		t.Error("no form signs out")
	}
	if !strings.Contains(a.Body, "data-session-left=") || !strings.Contains(a.Body, `data-session-extend="/cases/sessao"`) {
		t.Error("nothing warns before the session ends")
	}
	visitor := app.Person(t).Get(t, "/cases/contactos")
	if strings.Contains(visitor.Body, "data-session-left=") || visitor.Says(t, "Terminar sessão") {
		t.Error("a visitor has a session")
	}
}

func TestTheFrameIsThatOfThePortal(t *testing.T) {
	p := start(t).Person(t)
	a := p.Get(t, "/cases/contactos")
	says(t, a, "CASES – Cooperativa António Sérgio para a Economia Social", "Portal de Credenciação", "Acompanhar um processo", "Declaração de acessibilidade")
	if title := said(all(a.Page(t), "title")[0]); title != "Contactos – Portal de Credenciação" {
		t.Errorf("the window's title is %q", title)
	}
	other := p.Get(t, "/ecce/contactos")
	says(t, other, "Portal Cliente da ECCE", "Entidade Certificadora Comum do Estado (ECCE)")
	sheets := map[string]bool{}
	for _, page := range []apptest.Answer{a, other} {
		for _, n := range all(page.Page(t), "link") {
			sheets[attr(n, "href")] = true
		}
		for _, n := range all(page.Page(t), "script") {
			sheets[attr(n, "src")] = true
		}
	}
	if len(sheets) < 5 {
		t.Errorf("both portals look alike: %v", sheets)
	}
	for href := range sheets {
		if b := p.Get(t, href); b.Status != http.StatusOK || !strings.Contains(b.Header.Get("Cache-Control"), "max-age") {
			t.Errorf("%s: %d, %q", href, b.Status, b.Header.Get("Cache-Control"))
		}
	}
}

func TestEveryPageCanBeSkippedToItsContent(t *testing.T) {
	p := start(t).Person(t)
	for _, at := range []string{"/", "/cases/", "/cases/contactos", "/cases/novo/acesso", "/verificar", "/cases/nenhuma"} {
		a := p.Get(t, at)
		if first := all(a.Page(t), "a")[0]; attr(first, "href") != "#conteudo" || byID(a.Page(t), "conteudo") == nil {
			t.Errorf("%s begins with a link to %s", at, attr(first, "href"))
		}
	}
}
