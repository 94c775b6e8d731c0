package web_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/apptest"
)

func TestTheQueueFindsCasesByNumberNameAndBody(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, p := officer(t, app, coop), app.Person(t)
	p.Email = newAddress("sara")
	nipc := newBody()
	values := six(p.Email, nipc)
	values.Set("denominacao", "Cooperativa dos Ofícios de Exemplo, CRL")
	id := filed(t, p, values)
	if a := by.Get(t, "/cases/tecnico/?procura="+nipc); linked(t, a, "/cases/tecnico/processos/"+id) {
		t.Error("a case whose address is not proven is in the queue")
	}
	proven(t, p, p.Email)
	for _, words := range []string{nipc, "oficios", p.Email} {
		a := want(t, by.Get(t, "/cases/tecnico/?procura="+url.QueryEscape(words)), http.StatusOK)
		sound(t, a)
		if !linked(t, a, "/cases/tecnico/processos/"+id) {
			t.Errorf("%q does not find the case", words)
		}
	}
	says(t, by.Get(t, "/cases/tecnico/?procura=nada-assim"), "Não há processos nesta fila.")
}

func TestTheViewsOfTheQueueFollowTheState(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, p := officer(t, app, coop), app.Person(t)
	p.Email = newAddress("sara")
	id := filed(t, p, six(p.Email, newBody()))
	proven(t, p, p.Email)
	at := "/cases/tecnico/processos/" + id
	by.Move(t, coop, id, "assumir", nil)
	for view, in := range map[string]bool{"meus": true, "em-apreciacao": true, "por-assumir": false, "decididos": false} {
		if got := linked(t, want(t, by.Get(t, "/cases/tecnico/?estado="+view), http.StatusOK), at); got != in {
			t.Errorf("in %s: %v", view, got)
		}
	}
}

func TestTheQueueIsForOfficers(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	want(t, member(t, app, by).Get(t, "/cases/tecnico/"), http.StatusNotFound)
	leads(t, app.Person(t).Get(t, "/cases/tecnico/?estado=meus"), "/cases/?seguinte=%2Fcases%2Ftecnico%2F%3Festado%3Dmeus")
	want(t, by.Get(t, "/ecce/tecnico/"), http.StatusSeeOther) // E08: here they are nobody
}

func TestTheViewsOfTheQueueSayHowManyCasesAreInThem(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	count := func(view string) int {
		for _, n := range all(by.Get(t, "/cases/tecnico/").Page(t), "a") {
			if attr(n, "href") == "/cases/tecnico/?estado="+view {
				_, number, _ := strings.Cut(said(n), tabWords[view])
				got, _ := strconv.Atoi(strings.TrimSpace(number))
				return got
			}
		}
		t.Fatalf("no view %s", view)
		return 0
	}
	_, id := waiting(t, app)
	mine := count("meus")
	if count("por-assumir") == 0 || count("decididos") != 0 {
		t.Errorf("to be taken: %d, decided: %d", count("por-assumir"), count("decididos"))
	}
	by.Move(t, coop, id, "assumir", nil)
	if count("meus") == 0 || count("meus") < mine || count("em-apreciacao") == 0 {
		t.Errorf("with me: %d, under review: %d", count("meus"), count("em-apreciacao"))
	}
}

var tabWords = map[string]string{"meus": "Comigo", "por-assumir": "Por assumir", "em-apreciacao": "Em apreciação", "decididos": "Decididos"}

// The request for elements invites and does not bind: once its term has run out, the review goes on from the web.
func TestACaseWhoseApplicantStayedSilentIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	app := apptest.Start(t, apptest.Options{Proxied: true, Clock: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	by := officer(t, app, coop)
	_, id := waiting(t, app)
	by.Move(t, coop, id, "assumir", nil)
	want(t, by.Move(t, coop, id, "elementos", url.Values{"elementos.reason.telefone": {"O número não atende."}}), http.StatusSeeOther)
	at := "/cases/tecnico/processos/" + id
	if strings.Contains(by.Get(t, at).Body, "ato-assumir") {
		t.Error("it may be taken up while the term runs")
	}
	passed.Store(int64(30 * 24 * time.Hour))
	by.SignIn(t, coop)
	says(t, by.Get(t, "/cases/tecnico/?estado=aguarda-elementos"), "Prazo do requerente terminado")
	a := want(t, by.Get(t, at), http.StatusOK)
	sound(t, a)
	says(t, a, "O prazo do requerente terminou em")
	leads(t, by.Move(t, coop, id, "assumir", nil), at+"?feito=assumir")
	says(t, by.Get(t, at), "Deferir", "Em análise")
}
