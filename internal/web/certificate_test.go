package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

// keyRequest is a new key's request, as a person's own tool makes it.
func keyRequest(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// servant is somebody of a public body who was let in and is signed in.
func servant(t *testing.T, app *apptest.App, by *apptest.Person) *apptest.Person {
	t.Helper()
	p := app.Person(t)
	p.Name, p.Email = "Ana Exemplo da Silva", newAddress("ana")
	answers, files := script(t, app, state, "acesso")
	answers.Set("email", p.Email)
	answers.Set("nic", newBody()[:8]) // a human being of their own: all tests share one application
	id := p.File(t, state, "acesso", answers, files)
	proven(t, p, p.Email)
	by.Move(t, state, id, "assumir", nil)
	want(t, by.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	p.Define(t, app.Mail(t, p.Email, apptest.Link("/definir/")))
	p.SignIn(t, state)
	return p
}

func TestACertificatesPageAndItsWholeLife(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, second := officer(t, app, state), officer(t, app, state, actor.Decider)
	p := servant(t, app, by)
	answers, _ := script(t, app, state, "autenticacao")
	id := p.File(t, state, "autenticacao", answers, map[string]apptest.File{"csr": {Content: []byte(keyRequest(t, p.Name))}})
	by.Move(t, state, id, "assumir", nil)
	want(t, by.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	says(t, by.Get(t, "/ecce/tecnico/processos/"+id), "Falta a de outra pessoa")
	want(t, second.Move(t, state, id, "deferir", nil), http.StatusSeeOther)

	at := to(t, want(t, p.Get(t, "/ecce/area"), http.StatusOK), "/ecce/certificados/")
	says(t, p.Get(t, at), "Aguarda comprovação da identidade")
	says(t, by.Get(t, "/ecce/tecnico/"), "Aguardam comprovação da identidade")
	bad := want(t, by.Move(t, state, id, "comprovar", url.Values{"comprovar.how": {"in-person"}}), http.StatusUnprocessableEntity)
	sound(t, bad)
	want(t, by.Move(t, state, id, "comprovar", url.Values{"comprovar.how": {"in-person"}, "comprovar.words": {"Cartão de Cidadão, visto ao balcão."}}), http.StatusSeeOther)

	a := until(t, p, at, "certificado.pem")
	sound(t, a)
	says(t, a, "Por aceitar", "Os dados estão corretos", "Proveniência", "Rita Técnica Exemplo", "verificações sem reparo", "Presencial")
	downloads(t, p, at)
	want(t, app.Person(t).Get(t, at), http.StatusSeeOther)
	want(t, app.Person(t).Get(t, at+"/certificado.pem"), http.StatusSeeOther)
	leads(t, p.Post(t, at+"/aceitar", nil), at+"?feito=aceitar")
	says(t, p.Get(t, at+"?feito=aceitar"), "Ativo", "Os dados do certificado foram confirmados.")
	leads(t, p.Post(t, at+"/aceitar", nil), at+"?feito=aceitar") // the answer may have been lost
	ended(t, p, by, at)
	sound(t, want(t, by.Get(t, strings.Replace(at, "/ecce/", "/ecce/tecnico/", 1)), http.StatusOK))
	says(t, by.Get(t, "/ecce/tecnico/processos/"+id), "O que resultou deste processo")
}

func downloads(t *testing.T, p *apptest.Person, at string) {
	t.Helper()
	for name, blocks := range map[string]int{"certificado.pem": 1, "cadeia.pem": 3} {
		f := want(t, p.Get(t, at+"/"+name), http.StatusOK)
		if n := strings.Count(f.Body, "BEGIN CERTIFICATE"); n != blocks || !strings.HasPrefix(f.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d certificates", name, n)
		}
	}
	der := want(t, p.Get(t, at+"/certificado.cer"), http.StatusOK)
	if _, err := x509.ParseCertificate([]byte(der.Body)); err != nil {
		t.Error(err)
	}
	want(t, p.Get(t, at+"/chave.pem"), http.StatusNotFound)
}

// ended revokes, after two mistakes.
func ended(t *testing.T, p, by *apptest.Person, at string) {
	t.Helper()
	bad := want(t, p.Post(t, at+"/revogar", url.Values{"revogar-fundamento": {"9"}}), http.StatusUnprocessableEntity)
	sound(t, bad)
	for _, name := range []string{"revogar-fundamento", "revogar-confirmo"} {
		if summary(t, bad)[name] == "" {
			t.Errorf("the summary says nothing of %s", name)
		}
	}
	desk := strings.Replace(at, "/ecce/", "/ecce/tecnico/", 1)
	short := want(t, by.Post(t, desk+"/revogar", url.Values{"revogar.words": {"Curto."}}), http.StatusUnprocessableEntity)
	sound(t, short)
	if got := typed(labelled(t, short, "Fundamentação")); got != "Curto." {
		t.Errorf("what was typed became %q", got)
	}
	leads(t, p.Post(t, at+"/revogar", url.Values{"revogar-fundamento": {"1"}, "revogar-confirmo": {"sim"}}), at+"?feito=revogar")
	says(t, p.Get(t, at+"?feito=revogar"), "Revogado", "O certificado foi revogado.")
	again := p.Post(t, at+"/revogar", url.Values{"revogar-fundamento": {"1"}, "revogar-confirmo": {"sim"}})
	if again.Status == http.StatusSeeOther {
		t.Error("a revoked certificate was revoked again")
	}
}
