package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"chancela/internal/apptest"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// marks are what Markdown reads as more than words: a line with one of them is not looked for as it stands.
var marks = regexp.MustCompile("[][*_`|<>{}\\\\&]|^ *[-#0-9]")

// plainLines are the lines of a page that arrive as they are written.
func plainLines(body string) []string {
	var lines []string
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line != "" && !marks.MatchString(line) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	return lines
}

func TestEveryPageOfEveryPortalArrivesInBothLanguages(t *testing.T) {
	app := start(t)
	p := app.Person(t)
	tried := 0
	for _, one := range app.Portals.Portals {
		for _, page := range one.Pages {
			for lang, change := range map[i18n.Lang]func(*http.Request){i18n.PT: portuguese, i18n.EN: english} {
				at := "/" + one.Name + "/" + page.Slug
				if page.Slug == "inicio" {
					at = "/" + one.Name + "/"
				}
				a := want(t, p.Get(t, at, change), http.StatusOK)
				sound(t, a)
				text := a.Text(t)
				for _, line := range plainLines(one.Fill(page.Body, lang)) {
					tried++
					if !strings.Contains(text, line) {
						t.Errorf("%s in %s does not say %q", at, lang, line)
					}
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d lines were looked for", tried)
	}
}

func portuguese(r *http.Request) { r.Header.Set("Accept-Language", "pt-PT") }

func TestTheRequestPageBringsTheFoundingSentences(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/ecce/acesso"), http.StatusOK)
	says(t, a,
		"Mesmo que já tenha solicitado certificados ao CEGER antes de setembro de 2020, data em que o portal foi colocado em linha, nunca o fez através do portal.",
		"O portal é acessível ao público em geral, mas a ECCE emite certificados apenas para a administração central e local.",
		"Documento que comprove que exerce funções na entidade indicada e que identifique o respetivo cargo",
		"PASSO 1. Validação do seu endereço eletrónico, através de mensagem de correio eletrónico enviada automaticamente pelos nossos serviços.",
		"PASSO 2. Nova mensagem dos nossos serviços, com a decisão sobre o pedido de acesso",
		"PASSO 3. Envio do código de confirmação do primeiro início de sessão, por correio eletrónico ou SMS, à sua escolha.",
		"NOTA: Depois do primeiro acesso, poderá usar o botão de autenticação com Chave Móvel Digital ou Cartão de Cidadão.",
	)
	if to := hrefOf(t, a, "descarregue aqui a minuta"); to != "minutas/m1" {
		t.Errorf("the declaration is at %s", to)
	}
	want(t, p.Get(t, "/ecce/minutas/m1"), http.StatusOK)
}

func TestQuestionsFoldOneByOne(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/cases/perguntas-frequentes"), http.StatusOK)
	answers := map[string]string{}
	for _, one := range all(a.Page(t), "details") {
		if summary := all(one, "summary"); len(summary) == 1 {
			answers[said(summary[0])] = said(one)
		}
	}
	for question, answer := range map[string]string{
		"O que é a credencial?":         "É o documento que comprova a legal constituição e o regular funcionamento da cooperativa.",
		"Quanto custa?":                 "A emissão é gratuita.",
		"Até quando é válida?":          "Até à data nela indicada, em regra 31 de maio.",
		"Esqueceu a sua password?":      "Use a opção RECUPERAR PALAVRA-CHAVE na página de entrada e indique os dados de registo.",
		"Contacto para informações":     "credencial@cases.pt | Tel: (+351) 213 878 046 / 7 | Rua Américo Durão, n.º 12-A, Olaias, 1900-064 Lisboa",
		"Como confirmo uma credencial?": "com o código impresso ou o código QR",
	} {
		if !strings.Contains(answers[question], answer) {
			t.Errorf("%q is answered by %q", question, answers[question])
		}
	}
	says(t, p.Get(t, "/ecce/perguntas-frequentes"), "Quem pode pedir acesso?", "Posso interromper o preenchimento?")
}

func TestContactsCanBeCalledAndWrittenTo(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/cases/contactos"), http.StatusOK)
	says(t, a, "Rua Américo Durão, n.º 12-A, Olaias, 1900-064 Lisboa", "(+351) 213 878 046 / 7", "(+351) 213 858 823", "credencial@cases.pt")
	for _, to := range []string{"mailto:credencial@cases.pt", "tel:+351213878046", "https://www.cases.pt/"} {
		if !linked(t, a, to) {
			t.Errorf("%s is no link", to)
		}
	}
}

func TestAPageThatThereIsNotIsNotFound(t *testing.T) {
	p := start(t).Person(t)
	for _, at := range []string{"/cases/nenhuma", "/cases/inicio", "/cases/minutas/nenhuma", "/nenhum/", "/nenhum/contactos"} {
		sound(t, want(t, p.Get(t, at), http.StatusNotFound))
	}
}

func TestDeclarationsAreShownBlank(t *testing.T) {
	app := start(t)
	p := app.Person(t)
	for _, one := range app.Portals.Portals {
		list := want(t, p.Get(t, "/"+one.Name+"/minutas/"), http.StatusOK)
		sound(t, list)
		for _, m := range one.Minutas {
			says(t, list, m.Title.In(i18n.PT))
			blank(t, p, one, m)
		}
	}
}

func blank(t *testing.T, p *apptest.Person, of *portal.Portal, m portal.Page) {
	t.Helper()
	at := "/" + of.Name + "/minutas/" + m.Slug
	a := want(t, p.Get(t, at), http.StatusOK)
	sound(t, a)
	says(t, a, "[…]")
	if text := a.Text(t); strings.ContainsAny(text, "{}") {
		t.Errorf("%s shows a place that nothing fills: %s", at, text)
	}
	other := want(t, p.Get(t, at, english), http.StatusOK)
	for _, line := range plainLines(of.Fill(portal.Text{PT: m.Body.PT, EN: m.Body.PT}, i18n.EN)) {
		if !other.Says(t, line) {
			t.Errorf("%s: the act is not in Portuguese for readers of English: %q is missing", at, line)
		}
	}
}

func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	app := start(t)
	p := app.Person(t)
	seen := map[string]bool{}
	for _, one := range app.Portals.Portals {
		for _, page := range one.Pages {
			at := "/" + one.Name + "/" + page.Slug
			if page.Slug == "inicio" {
				at = "/" + one.Name + "/"
			}
			for _, n := range all(p.Get(t, at).Page(t), "a") {
				followed(t, p, at, n, seen)
			}
		}
	}
}

func followed(t *testing.T, p *apptest.Person, at string, n *html.Node, seen map[string]bool) {
	t.Helper()
	to, _, _ := strings.Cut(attr(n, "href"), "#")
	if to == "" || strings.Contains(to, ":") || strings.Contains(to, "lang=") {
		return
	}
	if !strings.HasPrefix(to, "/") {
		to = at[:strings.LastIndex(at, "/")+1] + to
	}
	if !seen[to] {
		seen[to] = true
		if a := p.Get(t, to); a.Status != http.StatusOK {
			t.Errorf("%s leads to %s: %d", at, to, a.Status)
		}
	}
}
