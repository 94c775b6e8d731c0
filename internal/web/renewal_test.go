package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

// certified has a person's order of a certificate approved and issued, and gives the page of the certificate.
func certified(t *testing.T, p, by, second *apptest.Person, id string) string {
	t.Helper()
	by.Move(t, state, id, "assumir", nil)
	want(t, by.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	want(t, second.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	want(t, by.Move(t, state, id, "comprovar", url.Values{"comprovar.how": {"in-person"}, "comprovar.words": {"Cartão de Cidadão, visto ao balcão."}}), http.StatusSeeOther)
	at := to(t, want(t, by.Get(t, "/ecce/tecnico/processos/"+id), http.StatusOK), "/ecce/tecnico/certificados/")
	at = strings.Replace(at, "/tecnico/", "/", 1)
	until(t, p, at, "certificado.pem")
	return at
}

func TestACertificateIsRenewedFromItsPageHoweverOftenTheButtonIsPressed(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, second := officer(t, app, state), officer(t, app, state, actor.Decider)
	p := servant(t, app, by)
	answers, _ := script(t, app, state, "autenticacao")
	id := p.File(t, state, "autenticacao", answers, map[string]apptest.File{"csr": {Content: []byte(keyRequest(t, p.Name))}})
	at := certified(t, p, by, second, id)
	want(t, p.Post(t, at+"/aceitar", nil), http.StatusSeeOther)

	a := want(t, p.Get(t, at+"/renovar"), http.StatusOK)
	sound(t, a)
	says(t, a, "Renovar ou atualizar o certificado", "openssl cms -sign", "Sem mudar dados, pode renovar a partir de", "Se perdeu a chave anterior")
	want(t, by.Get(t, at+"/renovar"), http.StatusNotFound)
	want(t, app.Person(t).Get(t, at+"/renovar"), http.StatusSeeOther)
	want(t, p.Post(t, at+"/renovar", url.Values{"x": {"y"}}), http.StatusBadRequest)

	first := want(t, p.Post(t, at+"/renovar", nil), http.StatusSeeOther).Location()
	if again := p.Post(t, at+"/renovar", nil).Location(); again != first || !strings.HasPrefix(first, "/ecce/processos/") {
		t.Fatalf("a second press led to %s, the first to %s", again, first)
	}
	step := want(t, p.Get(t, first+"/passo/1"), http.StatusOK)
	if got := typed(labelled(t, step, "Nome a constar do certificado")); got != p.Name {
		t.Errorf("it is filled with %q", got)
	}
	// The same data so early is refused beside the request; with the position in it, it is another certificate.
	draft := strings.TrimPrefix(first, "/ecce/processos/")
	want(t, p.Post(t, first+"/passo/2", url.Values{"certificados": {"autenticacao"}, "suporte": {"ficheiro"}, "identidade": {"presencial"}, "csr": {keyRequest(t, p.Name)}}), http.StatusUnprocessableEntity)
	one := url.Values{}
	for _, name := range []string{"nomes_proprios", "apelidos", "nome_assinatura", "nic"} {
		one.Set(name, inputOf(t, step, name))
	}
	one.Set("cargo_no_certificado", "sim")
	one.Set("cargo_designacao", "Diretora de Serviços")
	one.Set("servico_no_certificado", "nao")
	want(t, p.Post(t, first+"/passo/1", one), http.StatusSeeOther)
	want(t, p.Post(t, first+"/passo/2", url.Values{"certificados": {"autenticacao"}, "suporte": {"ficheiro"}, "identidade": {"presencial"}, "csr": {keyRequest(t, p.Name)}}), http.StatusSeeOther)
	want(t, p.Post(t, first+"/passo/3", url.Values{"termos": {"true"}}), http.StatusSeeOther)
	want(t, p.Post(t, first+"/submeter", nil), http.StatusSeeOther)
	want(t, p.Post(t, first+"/submeter", nil), http.StatusSeeOther)
	by.Move(t, state, draft, "assumir", nil)
	says(t, by.Get(t, "/ecce/tecnico/processos/"+draft), "Fica no lugar de", "Mudou em relação ao anterior", "Mudança de funções ou de entidade")
	next := certified(t, p, by, second, draft)
	want(t, p.Post(t, next+"/aceitar", nil), http.StatusSeeOther)
	says(t, p.Get(t, at), "Revogado", "Mudança de funções ou de entidade")
	leads(t, p.Post(t, at+"/renovar", nil), next)
	sound(t, want(t, p.Get(t, at+"/renovar"), http.StatusOK))
	says(t, p.Get(t, at+"/renovar"), "Ver o certificado que fica no lugar deste")
}

// inputOf is what stands in the field of a name.
func inputOf(t *testing.T, a apptest.Answer, name string) string {
	t.Helper()
	for _, n := range all(a.Page(t), "input") {
		if attr(n, "name") == name {
			return attr(n, "value")
		}
	}
	t.Fatalf("no field %s", name)
	return ""
}
