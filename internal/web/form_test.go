package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/apptest"
	"chancela/internal/web"
)

// unknown is what no form of the program has.
const unknown = "verified"

// refusedByName asks that a form was refused for a name, and that the page says which.
func refusedByName(t *testing.T, at string, a apptest.Answer, name string) {
	t.Helper()
	if a.Status != http.StatusBadRequest || !a.Says(t, "«"+name+"»") {
		t.Errorf("%s takes %q: %d %s %s", at, name, a.Status, a.Location(), a.Text(t))
	}
}

// posting are the addresses that take forms, each with things that there are and with who may send it.
func posting(t *testing.T, app *apptest.App) map[string]*apptest.Person {
	t.Helper()
	by := officer(t, app, coop)
	inside, other := member(t, app, by), app.Person(t)
	email := newAddress("alguem")
	id := filed(t, other, six(email, newBody()))
	proven(t, other, email)
	by.Move(t, coop, id, "assumir", nil)
	all := map[string]*apptest.Person{}
	for _, pattern := range web.Routes() {
		path, ok := strings.CutPrefix(pattern, "POST ")
		if !ok {
			continue
		}
		path = strings.NewReplacer("{portal}", coop, "{id}", id, "{procedure}", "acesso", "{step}", "1", "{document}", "x", "{secret}", "x").Replace(path)
		switch {
		case strings.HasSuffix(path, "/processos/"+id+"/{move}"):
			for _, move := range []string{"assumir", "devolver", "impedimento", "nota", "elementos", "deferir", "audiencia", "indeferir", "deserto", "comprovar"} {
				all[strings.Replace(path, "{move}", move, 1)] = by
			}
		case strings.HasSuffix(path, "/{move}"):
			for _, move := range []string{"suspender", "levantar", "revogar"} {
				all[strings.Replace(path, "{move}", move, 1)] = by
			}
		case path == "/"+coop+"/comunicar-problema", strings.HasPrefix(path, "/"+coop+"/revogar"): // where certificates are issued
			all[strings.Replace(path, coop, state, 1)] = app.Person(t)
		case strings.Contains(path, "/passo/"), strings.HasSuffix(path, "/guardar") && strings.Contains(path, "/processos/"):
			draft := app.Person(t)
			all[strings.Replace(strings.Replace(path, coop, state, 1), id, begun(t, draft, first(newAddress("rascunho"))), 1)] = draft
		case strings.Contains(path, "/tecnico/") && !strings.Contains(path, "/convite/"):
			all[path] = by
		case strings.Contains(path, "/processos/"):
			all[path] = other
		case strings.Contains(path, "/conta/"), strings.Contains(path, "/pessoas/"), strings.Contains(path, "/certificados/"), strings.Contains(path, "/selos-temporais"), strings.Contains(path, "/autorizacoes/"), strings.HasSuffix(path, "/sessao"):
			all[path] = inside
		default:
			all[path] = app.Person(t)
		}
	}
	return all
}

func TestEveryFormRefusesByNameWhatItsPageDoesNotAsk(t *testing.T) {
	t.Parallel()
	all := posting(t, start(t))
	if len(all) < 40 {
		t.Fatalf("only %d addresses take forms", len(all))
	}
	for at, p := range all {
		refusedByName(t, at, p.Post(t, at, url.Values{unknown: {"true"}}), unknown)
		refusedByName(t, at+", with documents", p.Upload(t, at, url.Values{unknown: {"true"}}, nil), unknown)
		refusedByName(t, at+", as a document", p.Upload(t, at, nil, map[string]apptest.File{unknown: document("x.pdf", "x")}), unknown)
		if a := p.Do(t, http.MethodPost, at, "application/json", strings.NewReader(`{"verified":true}`)); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s takes what is no form: %d", at, a.Status)
		}
	}
}

func TestAFieldOfOneAnswerIsRefusedTwice(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	values := six(newAddress("duas"), newBody())
	values.Add("email", newAddress("vezes"))
	refusedByName(t, "the request", p.Post(t, "/cases/novo/acesso", values), "email")
	if p.Get(t, "/cases/novo/acesso").Status != http.StatusOK {
		t.Error("a refused form began a draft")
	}
	twice := url.Values{apptest.UserField: {"a@exemplo.pt", "b@exemplo.pt"}, apptest.PasswordField: {"x"}}
	refusedByName(t, "the sign-in", p.Post(t, "/cases/entrar", twice), apptest.UserField)

	values = first(newAddress("uma"))
	id := begun(t, p, values)
	values.Add("nome", "Outro Nome")
	refusedByName(t, "the saving as one goes", p.Post(t, "/ecce/processos/"+id+"/guardar", values), "nome")
	reasons := url.Values{"finalidade": {"sitios_web", "selos_temporais"}}
	if a := p.Post(t, "/ecce/processos/"+id+"/guardar", reasons); a.Status != http.StatusNoContent {
		t.Errorf("several boxes are not taken: %d %s", a.Status, a.Text(t))
	}
}

func TestAFieldOfAnotherPageIsRefusedAndNothingIsKept(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id := begun(t, p, first(newAddress("paginas")))
	values := first(newAddress("trocada"))
	values.Set("nome", "Nome Trocado")
	values.Set("motivo", "Um motivo de outra página")
	refusedByName(t, "the first step", p.Post(t, "/ecce/processos/"+id+"/passo/1", values), "motivo")
	if a := p.Get(t, "/ecce/processos/"+id+"/passo/1"); strings.Contains(a.Body, "Trocado") {
		t.Error("a refused form was kept")
	}
}

func TestOfARefusedFormNoDocumentIsKept(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id := begun(t, p, first(newAddress("documentos")))
	at := "/ecce/processos/" + id + "/passo/5"
	both := map[string]apptest.File{"fich_dre": document("um.pdf", "um"), unknown: document("dois.pdf", "dois")}
	for range 4 { // whichever of the two comes first
		refusedByName(t, at, p.Upload(t, at, nil, both), unknown)
	}
	after := "--x\r\nContent-Disposition: form-data; name=\"fich_dre\"; filename=\"um.pdf\"\r\n\r\n" + string(document("", "um").Content) +
		"\r\n--x\r\nContent-Disposition: form-data; name=\"verified\"\r\n\r\ntrue\r\n--x--\r\n"
	refusedByName(t, at, p.Do(t, http.MethodPost, at, "multipart/form-data; boundary=x", strings.NewReader(after)), unknown)
	if a := p.Get(t, "/ecce/processos/"+id+"/rever"); strings.Contains(a.Body, "um.pdf") {
		t.Error("a document of a refused form was kept")
	}
}

func TestALockedAnswerIsNobodysToGive(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := member(t, app, officer(t, app, coop))
	a := p.Post(t, "/cases/novo/credencial", nil)
	id := caseIn(want(t, a, http.StatusSeeOther).Location())
	refusedByName(t, "the step", p.Post(t, "/cases/processos/"+id+"/passo/1", url.Values{"nipc": {newBody()}}), "nipc")
	refusedByName(t, "the saving as one goes", p.Post(t, "/cases/processos/"+id+"/guardar", url.Values{"nipc": {newBody()}}), "nipc")
	refusedByName(t, "the beginning", p.Post(t, "/cases/novo/credencial", url.Values{"nipc": {newBody()}}), "nipc")
}

func TestRowsAreTakenInOrderAndNoOthers(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := member(t, app, officer(t, app, coop))
	id := caseIn(want(t, p.Post(t, "/cases/novo/credencial", nil), http.StatusSeeOther).Location())
	for _, page := range []string{"1", "2", "3", "4"} {
		at := "/cases/processos/" + id + "/passo/" + page
		a := p.Get(t, at)
		if a.Status != http.StatusOK {
			break
		}
		documents, words := a.Fields(t)
		for _, name := range words {
			key, row, found := strings.Cut(name, ".0")
			if !found || row != "" || len(documents) > 50 {
				continue
			}
			for _, bad := range []string{key + ".7", key + ".00", key + ".-1", key + ".x", key} {
				refusedByName(t, at, p.Post(t, at, url.Values{key + ".0": {"x"}, bad: {"x"}}), bad)
			}
			return
		}
	}
	t.Error("no page asks for rows")
}

func TestTakingADocumentOutKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	id := begun(t, p, first(newAddress("retirar")))
	at := "/ecce/processos/" + id + "/passo/5"
	values := url.Values{"prova_funcao": {"dre"}}
	p.Upload(t, at, values, map[string]apptest.File{"fich_dre": document("um.pdf", "um")})
	_, after, found := strings.Cut(p.Get(t, at).Body, "/retirar/")
	if !found {
		t.Fatal("no document can be taken out")
	}
	document, _, _ := strings.Cut(after, `"`)
	values.Set("dre_referencia", "Despacho n.º 0000/2026")
	values.Set("do", "retirar")
	leads(t, p.Post(t, "/ecce/processos/"+id+"/retirar/"+document, values), at+"#campo-fich_dre")
	a := p.Get(t, at)
	if strings.Contains(a.Body, "um.pdf") || a.Value(t, "dre_referencia") != "Despacho n.º 0000/2026" {
		t.Errorf("the document stays, or what was typed does not: %s", a.Text(t))
	}
}

func TestARequestOfOtherNamesIsToldToWhoeverOrders(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := servant(t, app, officer(t, app, state))
	answers, _ := script(t, app, state, "autenticacao")
	id := caseIn(want(t, p.Post(t, "/ecce/novo/autenticacao", nil), http.StatusSeeOther).Location())
	at := "/ecce/processos/" + id + "/passo/"
	holder := url.Values{}
	_, words := p.Get(t, at+"1").Fields(t)
	for _, name := range words {
		if given, ok := answers[name]; ok {
			holder[name] = given
		} else if value := p.Get(t, at+"1").Value(t, name); value != "" {
			holder.Set(name, value)
		}
	}
	holder.Del("do")
	leads(t, p.Post(t, at+"1", holder), at+"2")

	key := url.Values{"certificados": {"autenticacao"}, "suporte": {"ficheiro"}, "identidade": {"presencial"}}
	key.Set("csr", keyRequest(t, "Outra Pessoa Inventada"))
	a := want(t, p.Post(t, at+"2", key), http.StatusUnprocessableEntity)
	sound(t, a)
	if said := beside(t, a, "csr"); !strings.Contains(said, "indica nomes diferentes dos do processo") {
		t.Errorf("beside the request: %q", said)
	}
	if strings.TrimSpace(typed(labelled(t, a, "Pedido de certificado (CSR, PKCS#10)"))) != strings.TrimSpace(key.Get("csr")) {
		t.Error("the request that was typed is lost")
	}
	a = p.Get(t, "/ecce/processos/"+id+"/rever")
	sound(t, a)
	says(t, a, "indica nomes diferentes dos do processo")
	a = want(t, p.Post(t, "/ecce/processos/"+id+"/submeter", nil), http.StatusUnprocessableEntity)
	says(t, a, "indica nomes diferentes dos do processo")

	key.Set("csr", keyRequest(t, p.Name))
	leads(t, p.Post(t, at+"2", key), at+"3")
	leads(t, p.Post(t, at+"3", url.Values{"termos": {"true"}}), "/ecce/processos/"+id+"/rever")
	leads(t, p.Post(t, "/ecce/processos/"+id+"/submeter", nil), "/ecce/processos/"+id+"/recibo")
}

func TestOneFileServesTwoQuestionsWithoutBeingSentAgain(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	id, here := evidenceStep(t, p)
	words := url.Values{"prova_funcao": {"superior_ficheiro"}}
	a := want(t, p.Upload(t, here, words, map[string]apptest.File{"fich_superior": document("as duas.pdf", id)}), http.StatusUnprocessableEntity)
	sound(t, a)
	says(t, a, "Ou usar um ficheiro que já enviou", "as duas.pdf (Declaração do superior hierárquico)")
	if a.Value(t, "fich_tecnicos_web.mesmo") != "" {
		t.Error("a file is chosen before anybody did")
	}
	var document string
	for _, o := range all(a.Page(t), "option") {
		if strings.HasPrefix(said(o), "as duas.pdf") {
			document = attr(o, "value")
		}
	}
	other, there := evidenceStep(t, app.Person(t))
	words.Set("fich_tecnicos_web.mesmo", document)
	if b := p.Post(t, strings.Replace(there, other, id, 1), url.Values{"fich_superior.mesmo": {"x"}}); b.Status != http.StatusNotFound {
		t.Errorf("a file that there is not: %d", b.Status)
	}
	leads(t, p.Post(t, here, words), strings.TrimSuffix(here, "5")+"6")
	a = p.Get(t, here)
	if n := strings.Count(a.Body, "/retirar/"); n != 2 || strings.Contains(a.Body, "Ou usar um ficheiro") {
		t.Errorf("%d documents stand there, and the file is offered again", n)
	}
	a = want(t, p.Post(t, here, words), http.StatusUnprocessableEntity)
	if !strings.Contains(beside(t, a, "fich_tecnicos_web"), "já foi junto") {
		t.Error("it is taken twice for one question")
	}
	p.Post(t, "/ecce/processos/"+id+"/retirar/"+document, nil)
	if n := strings.Count(p.Get(t, here).Body, "/retirar/"); n != 1 {
		t.Errorf("taken out of one question, it stands in %d", n)
	}
}
