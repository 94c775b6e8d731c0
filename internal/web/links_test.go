package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/apptest"
)

func TestTheProofOfAnAddressIsShownByGetAndDoneByPost(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	email := newAddress("sara")
	id := filed(t, p, six(email, newBody()))
	link := app.Mail(t, email, apptest.Link("/confirmar/"))
	scanner := app.Person(t)
	for range 3 { // scanners of mail open links, and more than once
		a := want(t, scanner.Get(t, link), http.StatusOK)
		sound(t, a)
		says(t, a, "Confirmar o endereço eletrónico")
	}
	says(t, p.Get(t, "/cases/processos/"+id), "Por confirmar")
	other := app.Person(t) // on another machine than the form was filled in
	a := other.Post(t, link, nil)
	leads(t, a, "/cases/processos/"+id)
	says(t, other.Get(t, a.Location()), "Pendente", "O processo aguarda apreciação.")
}

func TestALinkThatWasUsedSaysSoAndOffersANewOne(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	email := newAddress("sara")
	filed(t, p, six(email, newBody()))
	link := app.Mail(t, email, apptest.Link("/confirmar/"))
	want(t, p.Post(t, link, nil), http.StatusSeeOther)
	for _, a := range []apptest.Answer{app.Person(t).Get(t, link), app.Person(t).Post(t, link, nil)} {
		want(t, a, http.StatusGone)
		sound(t, a)
		says(t, a, "Ligação expirada", "Peça uma nova ligação.")
		if to := hrefOf(t, a, "Pedir nova ligação"); to != "/cases/acompanhar" {
			t.Errorf("a new one is offered at %s", to)
		}
	}
	says(t, app.Person(t).Get(t, link, english), "Link expired", "Ask for a new link")
}

func TestALinkThatThereIsNotIsToldOnEveryPageOfLinks(t *testing.T) {
	t.Parallel()
	app := start(t)
	for _, place := range []string{"confirmar", "retomar", "acompanhar"} {
		for _, secret := range []string{"nada", strings.Repeat("A", 43), strings.Repeat("x", 4000), "%2e%2e", "%00"} {
			at := "/cases/" + place + "/" + secret
			for _, a := range []apptest.Answer{app.Person(t).Get(t, at), app.Person(t).Post(t, at, nil)} {
				if a.Status != http.StatusNotFound {
					t.Errorf("%s: %d", at, a.Status)
					continue
				}
				sound(t, a)
				hrefOf(t, a, "Pedir nova ligação")
			}
		}
	}
}

func TestALinkOpensNothingInAnotherPortal(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	email := newAddress("sara")
	id := filed(t, p, six(email, newBody()))
	link := app.Mail(t, email, apptest.Link("/confirmar/"))
	want(t, p.Post(t, strings.Replace(link, "/cases/", "/ecce/", 1), nil), http.StatusNotFound)
	want(t, p.Post(t, strings.Replace(link, "/confirmar/", "/acompanhar/", 1), nil), http.StatusNotFound)
	says(t, p.Get(t, "/cases/processos/"+id), "Por confirmar")
}

func TestADraftIsResumedOnAnotherMachineFromItsMailedLink(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	email := newAddress("ana")
	id := begun(t, p, first(email))
	link := app.Mail(t, email, apptest.Link("/retomar/"))
	other := app.Person(t)
	a := want(t, other.Get(t, link), http.StatusOK)
	says(t, a, "Retomar o rascunho")
	leads(t, other.Get(t, "/ecce/processos/"+id+"/passo/1"), "/ecce/?seguinte="+url.QueryEscape("/ecce/processos/"+id+"/passo/1"))
	leads(t, other.Post(t, link, nil), "/ecce/processos/"+id)
	leads(t, other.Get(t, "/ecce/processos/"+id), "/ecce/processos/"+id+"/passo/1")
	if name := typed(labelled(t, other.Get(t, "/ecce/processos/"+id+"/passo/1"), "Nome completo")); name != "Ana Exemplo da Silva" {
		t.Errorf("the draft holds %q", name)
	}
}

func TestACaseIsFollowedWithoutAnAccount(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	email := newAddress("sara")
	id := filed(t, p, six(email, newBody()))
	number := numberOf(t, p.Get(t, "/cases/processos/"+id+"/recibo"))
	proven(t, p, email)
	app.Mail(t, email, apptest.Link("/acompanhar/")) // that the address was proven
	other := app.Person(t)
	form := want(t, other.Get(t, "/cases/acompanhar"), http.StatusOK)
	sound(t, form)
	values := url.Values{
		attr(labelled(t, form, "Número do processo"), "name"): {number}, attr(labelled(t, form, "Endereço eletrónico"), "name"): {email},
	}
	leads(t, other.Post(t, "/cases/acompanhar", values), "/cases/acompanhar?enviado=1")
	says(t, other.Get(t, "/cases/acompanhar?enviado=1"), "Se os dados coincidirem, chegará uma mensagem dentro de alguns minutos.")
	link := app.Mail(t, email, apptest.Link("/acompanhar/"))
	says(t, other.Get(t, link), "O processo abre neste navegador, sem necessidade de conta.")
	leads(t, other.Post(t, link, nil), "/cases/processos/"+id)
	a := other.Get(t, "/cases/processos/"+id)
	sound(t, a)
	says(t, a, number, "Pendente", "Cabe aos serviços, com prazo até", "Histórico", "Endereço confirmado")
}

func TestTheExpectedWaitIsToldOrThatItIsNotKnown(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	text := p.Get(t, "/cases/processos/"+filed(t, p, six(newAddress("sara"), newBody()))).Text(t)
	if !strings.Contains(text, "Ainda não há dados suficientes para indicar um tempo de espera.") && !strings.Contains(text, "metade dos pedidos foi decidida no próprio dia.") {
		t.Errorf("no word of the wait: %s", text)
	}
}

func TestAskingToFollowAnswersAlikeWhateverIsTyped(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Person(t)
	email := newAddress("sara")
	id := filed(t, p, six(email, newBody()))
	number := numberOf(t, p.Get(t, "/cases/processos/"+id+"/recibo"))
	for _, values := range []url.Values{
		{"numero": {number}, "endereco": {email}}, {"numero": {number}, "endereco": {"outra@exemplo.pt"}}, {"numero": {"CASES/2026/9999"}, "endereco": {email}},
		{}, {"numero": {"'"}, "endereco": {"<x>"}},
	} {
		a := app.Person(t).Post(t, "/cases/acompanhar", values)
		leads(t, a, "/cases/acompanhar?enviado=1")
		if len(a.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("after %v there is a cookie", values)
		}
	}
}

func TestAnExpiredLinkOffersANewOneThatWorks(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	app := apptest.Start(t, apptest.Options{Proxied: true, Clock: clock})
	p := app.Person(t)
	email := newAddress("sara")
	id := filed(t, p, six(email, newBody()))
	number := numberOf(t, p.Get(t, "/cases/processos/"+id+"/recibo"))
	link := app.Mail(t, email, apptest.Link("/confirmar/"))
	ahead.Store(int64(20 * 24 * time.Hour)) // 10 working days, and a little
	a := want(t, p.Get(t, link), http.StatusGone)
	again := hrefOf(t, a, "Pedir nova ligação")
	want(t, p.Post(t, link, nil), http.StatusGone)
	want(t, p.Get(t, again), http.StatusOK)
	leads(t, p.Post(t, again, url.Values{"numero": {number}, "endereco": {email}}), again+"?enviado=1")
	fresh := app.Mail(t, email, apptest.Link("/confirmar/"))
	leads(t, p.Post(t, fresh, nil), "/cases/processos/"+id)
}

// numberOf is the number on a receipt.
func numberOf(t *testing.T, a apptest.Answer) string {
	t.Helper()
	for _, n := range all(a.Page(t), "p") {
		if attr(n, "class") == "receipt__number" {
			return said(n)
		}
	}
	t.Fatalf("no number: %d %s", a.Status, a.Text(t))
	return ""
}
