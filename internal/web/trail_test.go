package web_test

import (
	"net/http"
	"strings"
	"testing"

	"chancela/internal/actor"
)

func TestTheTrailIsShownToAuditorsAndNamesNobody(t *testing.T) {
	app := start(t)
	by := officer(t, app, coop)
	member(t, app, by)
	p := officer(t, app, coop, actor.Auditor)
	a := want(t, p.Get(t, "/cases/tecnico/auditoria"), http.StatusOK)
	sound(t, a)
	says(t, a, "case.approve", "case/")
	if strings.Contains(a.Text(t), "Cooperativa Exemplo") {
		t.Error("the record names a body")
	}
	one := want(t, p.Get(t, "/cases/tecnico/auditoria?objeto=case/none"), http.StatusOK)
	says(t, one, "Não há registos.")
	want(t, by.Get(t, "/cases/tecnico/auditoria"), http.StatusForbidden)
	want(t, app.Person(t).Get(t, "/cases/tecnico/auditoria"), http.StatusSeeOther)
}

// E08: an auditor of one portal sees nothing of another.
func TestTheTrailOfAnotherPortalIsNotOpen(t *testing.T) {
	p := officer(t, start(t), coop, actor.Auditor)
	want(t, p.Get(t, "/ecce/tecnico/auditoria"), http.StatusSeeOther)
}

func TestTheTrailGoesOnFromPageToPage(t *testing.T) {
	app := start(t)
	by := officer(t, app, coop)
	for range 3 {
		member(t, app, by)
	}
	p := officer(t, app, coop, actor.Auditor)
	a := p.Get(t, "/cases/tecnico/auditoria")
	older := ""
	for _, n := range all(a.Page(t), "a") {
		if to := attr(n, "href"); strings.Contains(to, "antes=") {
			older = to
		}
	}
	if older == "" {
		t.Fatal("nothing leads to earlier entries")
	}
	if b := want(t, p.Get(t, older), http.StatusOK); b.Text(t) == a.Text(t) {
		t.Error("the next page is the same")
	}
}
