package web_test

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"chancela/internal/apptest"
)

func TestADocumentIsHandedOutAsAnAttachmentThatNothingRenders(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	id, paper := whole(t, p)
	a := p.Get(t, "/ecce/processos/"+id+"/rever")
	to := ""
	for _, n := range all(a.Page(t), "a") {
		if said(n) == paper.Name {
			to = attr(n, "href")
		}
	}
	doc := want(t, p.Get(t, to), http.StatusOK)
	if !bytes.Equal([]byte(doc.Body), paper.Content) {
		t.Error("what comes out is not what went in")
	}
	for name, value := range map[string]string{
		"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Cache-Control": "no-store, private", "Content-Length": strconv.Itoa(len(paper.Content)),
	} {
		if doc.Header.Get(name) != value {
			t.Errorf("%s is %q", name, doc.Header.Get(name))
		}
	}
	how, params, err := mime.ParseMediaType(doc.Header.Get("Content-Disposition"))
	if err != nil || how != "attachment" || params["filename"] != paper.Name {
		t.Errorf("%q: %s %v %v", doc.Header.Get("Content-Disposition"), how, params, err)
	}
	if b := app.Person(t).Get(t, to); b.Status == http.StatusOK {
		t.Error("a stranger reads it")
	}
}

func TestADocumentsNameWritesNoHeader(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	_, here := evidenceStep(t, p)
	a := p.Upload(t, here, url.Values{"prova_funcao": {"superior_ficheiro"}}, map[string]apptest.File{
		"fich_superior": document(`../../a\"; filename=evil.html; x=\".pdf`, "nome"),
	})
	for _, n := range all(a.Page(t), "a") {
		if !strings.Contains(attr(n, "href"), "/documentos/") {
			continue
		}
		doc := want(t, p.Get(t, attr(n, "href")), http.StatusOK)
		how, params, err := mime.ParseMediaType(doc.Header.Get("Content-Disposition"))
		if err != nil || how != "attachment" || len(params) != 1 || strings.ContainsAny(params["filename"], `/\`) || !strings.HasSuffix(params["filename"], ".pdf") {
			t.Errorf("%q: %v %v", doc.Header.Get("Content-Disposition"), params, err)
		}
		return
	}
	t.Fatalf("the document is not listed: %d %s", a.Status, a.Text(t))
}

func TestStatesAreNamedInThePortalsWords(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	email := newAddress("sara")
	id := filed(t, p, six(email, newBody()))
	at := "/cases/processos/" + id
	says(t, p.Get(t, at), "Por confirmar", "Confirmar o endereço com a ligação enviada para "+email+". Cabe ao requerente.")
	says(t, p.Get(t, at, english), "To be confirmed", "Up to the applicant.")
	proven(t, p, email)
	says(t, p.Get(t, at), "Pendente")
	rita := officer(t, app, coop)
	rita.Move(t, coop, id, "assumir", nil)
	a := p.Get(t, at)
	says(t, a, "Em análise", "Agora")
	if a.Says(t, rita.Name) || a.Says(t, "Assumido para apreciação") {
		t.Error("an applicant reads who took the case, and when: that is the officers' own")
	}
	says(t, rita.Get(t, "/cases/tecnico/processos/"+id), rita.Name, "Assumido para apreciação")
}

func TestWhoMustSignInFirstIsLedBackAfterwards(t *testing.T) {
	t.Parallel()
	app := start(t)
	sara := member(t, app, officer(t, app, coop))
	again := app.Person(t)
	again.Name, again.Email, again.Password = sara.Name, sara.Email, sara.Password
	a := again.Get(t, "/cases/processos?ordem=1")
	leads(t, a, "/cases/?seguinte="+url.QueryEscape("/cases/processos?ordem=1"))
	card := want(t, again.Get(t, a.Location()), http.StatusOK)
	next := card.Value(t, "seguinte")
	if next != "/cases/processos?ordem=1" {
		t.Fatalf("the card keeps %q", next)
	}
	app.PutAside(t, sara.Email)
	a = again.Post(t, "/cases/entrar", url.Values{apptest.UserField: {sara.Email}, apptest.PasswordField: {sara.Password}, "seguinte": {next}})
	want(t, a, http.StatusSeeOther)
	if !strings.Contains(a.Location(), url.QueryEscape(next)) {
		t.Errorf("on the way it is lost: %s", a.Location())
	}
}

func TestAFormPostedWithoutSessionLeadsBackToItsPage(t *testing.T) {
	p := start(t).Person(t)
	for at, page := range map[string]string{
		"/cases/novo/credencial": "/cases/novo/credencial", "/cases/conta/palavra-passe": "/cases/conta", "/cases/processos/x/submeter": "/cases/processos/x",
	} {
		leads(t, p.Post(t, at, nil), "/cases/?seguinte="+url.QueryEscape(page))
	}
}
