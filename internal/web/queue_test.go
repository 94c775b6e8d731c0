package web_test

import (
	"net/http"
	"net/url"
	"testing"
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
