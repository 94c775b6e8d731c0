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

func TestTheSixFieldsAreFoundByTheLabelsOfTheFoundingDocument(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/cases/novo/acesso"), http.StatusOK)
	sound(t, a)
	for label, name := range map[string]string{
		"Denominação de pessoa colectiva da cooperativa": "denominacao", "NIPC/NIF": "nipc", "Nome do responsável": "nome",
		"Função na cooperativa": "funcao", "Telefone": "telefone", "E-mail": "email",
	} {
		n := labelled(t, a, label)
		if attr(n, "name") != name {
			t.Errorf("%q is posted as %q", label, attr(n, "name"))
		}
		if attr(n, "aria-required") != "true" {
			t.Errorf("%q does not say that it is mandatory", label)
		}
	}
	asked := slices.DeleteFunc(slices.Concat(all(formOf(t, a), "input"), all(formOf(t, a), "select"), all(formOf(t, a), "textarea")), func(n *html.Node) bool { return attr(n, "type") == "hidden" })
	if len(asked) != 6 {
		t.Errorf("the form asks for %d fields", len(asked))
	}
	says(t, a, "Todos os campos são de preenchimento obrigatório.", "Número de identificação de pessoa coletiva, com 9 algarismos.")
}

func TestFieldsTellBrowserAndKeyboardWhatTheyTake(t *testing.T) {
	p := start(t).Person(t)
	a := p.Get(t, "/cases/novo/acesso")
	for label, want := range map[string]map[string]string{
		"E-mail":              {"type": "email", "autocomplete": "email", "spellcheck": "false"},
		"Telefone":            {"type": "tel", "autocomplete": "tel"},
		"NIPC/NIF":            {"type": "text", "inputmode": "numeric"},
		"Nome do responsável": {"type": "text", "autocomplete": "name"},
		"Denominação de pessoa colectiva da cooperativa": {"autocomplete": "organization"},
	} {
		n := labelled(t, a, label)
		for name, value := range want {
			if attr(n, name) != value {
				t.Errorf("%q: %s is %q, wanted %q", label, name, attr(n, name), value)
			}
		}
	}
}

func TestTheFormIsAskedInEnglish(t *testing.T) {
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/cases/novo/acesso", english), http.StatusOK)
	sound(t, a)
	for _, label := range []string{"Name of the cooperative as a legal person", "NIPC/NIF", "Name of the person responsible", "Function in the cooperative", "Telephone", "E-mail"} {
		labelled(t, a, label)
	}
	says(t, a, "SAVE", "CANCEL", "Saving sends the request.")
	values := six("x", "123")
	says(t, p.Post(t, "/cases/novo/acesso", values, english), "The NIPC has 9 digits; you typed 3.", "Give a valid e-mail address, such as name@example.pt.", "There are 2 fields to correct.")
}

func TestAllProblemsOfAFormAreToldAtOnceBesideTheFieldsAndInTheSummary(t *testing.T) {
	p := start(t).Person(t)
	wrong := url.Values{
		"denominacao": {"C"}, "nipc": {"590000013"}, "nome": {"Sara"}, "funcao": {""}, "telefone": {"707 123 456"}, "email": {"sara.exemplo"},
	}
	a := want(t, p.Post(t, "/cases/novo/acesso", wrong), http.StatusUnprocessableEntity)
	sound(t, a)
	lines := summary(t, a)
	for name, says := range map[string]string{
		"denominacao": "A denominação tem de ter entre 3 e 200 caracteres.",
		"nipc":        "O NIPC não é válido: o algarismo de controlo não confere. Confirme o número.",
		"nome":        "Indique o nome próprio e o apelido.",
		"funcao":      "Preencha este campo.",
		"telefone":    "Não são aceites números especiais",
		"email":       "Indique um endereço de correio eletrónico válido, por exemplo, nome@exemplo.pt.",
	} {
		if !strings.Contains(beside(t, a, name), says) {
			t.Errorf("beside %s: %q", name, beside(t, a, name))
		}
		if !strings.Contains(lines[name], says) {
			t.Errorf("in the summary, %s: %q", name, lines[name])
		}
		n := byID(a.Page(t), "campo-"+name)
		if attr(n, "aria-invalid") != "true" || !strings.Contains(attr(n, "aria-describedby"), "campo-"+name+"-erro") {
			t.Errorf("%s does not say that it is wrong, and why: %v", name, n.Attr)
		}
	}
	if len(lines) != 6 {
		t.Errorf("the summary has %d lines", len(lines))
	}
	if title := said(all(a.Page(t), "title")[0]); !strings.HasPrefix(title, "Erro:") {
		t.Errorf("the window's title is %q", title)
	}
}

func TestEverythingTypedIsKeptWhenAFormComesBack(t *testing.T) {
	p := start(t).Person(t)
	typedIn := url.Values{
		"denominacao": {`Cooperativa "Exemplo" & <b>Filhos</b>, CRL`}, "nipc": {"59 00 x"}, "nome": {"José d'Ávila-Gonçalves ’"}, "funcao": {"secretario"},
		"telefone": {"+351 12"}, "email": {"sara@"},
	}
	a := want(t, p.Post(t, "/cases/novo/acesso", typedIn), http.StatusUnprocessableEntity)
	for name, values := range typedIn {
		if got := typed(byID(a.Page(t), "campo-"+name)); got != values[0] {
			t.Errorf("%s: %q was typed, %q came back", name, values[0], got)
		}
	}
	if strings.Contains(a.Body, "<b>Filhos") {
		t.Error("what was typed is read as HTML")
	}
}

func TestAQuestionThatHangsOnAnAnswerIsAskedOnceTheAnswerIsGiven(t *testing.T) {
	p := start(t).Person(t)
	if byID(p.Get(t, "/cases/novo/acesso").Page(t), "campo-funcao_outra") != nil {
		t.Error("it is asked before")
	}
	values := six(newAddress("sara"), newBody())
	values.Set("funcao", "outra")
	a := want(t, p.Post(t, "/cases/novo/acesso", values), http.StatusUnprocessableEntity)
	labelled(t, a, "Indique a função")
	if lines := summary(t, a); len(lines) != 1 || !strings.Contains(lines["funcao_outra"], "Indique qual é a função.") {
		t.Errorf("the summary is %v", lines)
	}
	values.Set("funcao_outra", "Revisor de contas")
	action := attr(formOf(t, a), "action")
	if b := p.Post(t, action, values); b.Status != http.StatusSeeOther || !strings.HasSuffix(b.Location(), "/recibo") {
		t.Errorf("%d %s %s", b.Status, b.Location(), b.Text(t))
	}
}

// formOf is the form of the page's content.
func formOf(t *testing.T, a apptest.Answer) *html.Node {
	t.Helper()
	for _, main := range all(a.Page(t), "main") {
		for _, form := range all(main, "form") {
			return form
		}
	}
	t.Fatalf("no form: %d %s", a.Status, a.Text(t))
	return nil
}

func TestABodyIsSearchedForWithoutScript(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	here := "/ecce/processos/" + begun(t, p, first(newAddress("ana"))) + "/passo/2"
	a := want(t, p.Get(t, here), http.StatusOK)
	sound(t, a)
	if box := labelled(t, a, "Entidade onde exerce funções"); attr(box, "name") != "entidade.procura" {
		t.Errorf("the search is posted as %q", attr(box, "name"))
	}
	a = p.Post(t, here, url.Values{"entidade.procura": {"inspecao exemplo"}, "servico": {"Divisão"}, "do": {"procurar:entidade"}})
	want(t, a, http.StatusSeeOther)
	to, _, _ := strings.Cut(a.Location(), "#")
	a = want(t, p.Get(t, to), http.StatusOK)
	found := labelled(t, a, "Inspeção-Geral de Exemplo")
	if attr(found, "type") != "radio" || attr(found, "value") != "590001019" || has(found, "checked") {
		t.Errorf("found as %v", found.Attr)
	}
	if typed(labelled(t, a, "Serviço ou unidade orgânica")) != "Divisão" || typed(byID(a.Page(t), "campo-entidade.procura")) != "inspecao exemplo" {
		t.Error("the search lost what was typed")
	}
	// chosen and incomplete: the choice stays, whatever is searched for next
	a = want(t, p.Post(t, here, url.Values{"entidade": {"590001019"}, "servico": {"Divisão"}}), http.StatusUnprocessableEntity)
	if !has(labelled(t, a, "Inspeção-Geral de Exemplo"), "checked") {
		t.Error("the choice is not kept")
	}
	a = p.Get(t, here+"?entidade.procura=tribunal")
	if !has(labelled(t, a, "Inspeção-Geral de Exemplo"), "checked") || has(labelled(t, a, "Tribunal de Exemplo"), "checked") {
		t.Error("another search moves the choice")
	}
}

func TestABodyIsFoundByItsNumberAndASearchInVainSaysSo(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	here := "/ecce/processos/" + begun(t, p, first(newAddress("ana"))) + "/passo/2"
	labelled(t, p.Get(t, here+"?entidade.procura=590001019"), "Inspeção-Geral de Exemplo")
	labelled(t, p.Get(t, here+"?entidade.procura=IGEX"), "Inspeção-Geral de Exemplo")
	says(t, p.Get(t, here+"?entidade.procura=zzzzzz"), "Nenhuma entidade encontrada com estas palavras.")
	says(t, p.Get(t, here+"?entidade.procura=zzzzzz", english), "No body was found with these words.")
	a := want(t, p.Post(t, here, url.Values{}), http.StatusUnprocessableEntity)
	if lines := summary(t, a); !strings.Contains(lines["entidade"]+lines["entidade.procura"], "Procure e escolha a entidade") {
		t.Errorf("the summary is %v", lines)
	}
}

func TestWhatNeedNotBeAnsweredSaysSo(t *testing.T) {
	p := start(t).Person(t)
	a := p.Get(t, "/ecce/novo/acesso")
	if n := labelled(t, a, "Telemóvel, para receber códigos por SMS"); attr(n, "aria-required") != "false" {
		t.Errorf("%v", n.Attr)
	}
	says(t, a, "Telemóvel, para receber códigos por SMS (facultativo)")
	if n := labelled(t, a, "Telefone"); attr(n, "aria-required") != "true" {
		t.Errorf("%v", n.Attr)
	}
	if n := byID(a.Page(t), "campo-doc_tipo"); typed(n) != "cc" {
		t.Errorf("the usual answer is not chosen: %q", typed(n))
	}
}
