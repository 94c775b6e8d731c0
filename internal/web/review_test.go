package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

// waiting files a case, proves its address and gives its id.
func waiting(t *testing.T, app *apptest.App) (*apptest.Person, string) {
	t.Helper()
	p := app.Person(t)
	p.Email = newAddress("sara")
	id := filed(t, p, six(p.Email, newBody()))
	proven(t, p, p.Email)
	return p, id
}

func TestAnOfficerSeesAnswersFindingsAndWhatAnApprovalMakes(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	_, id := waiting(t, app)
	by.Move(t, coop, id, "assumir", nil)
	a := want(t, by.Get(t, "/cases/tecnico/processos/"+id), http.StatusOK)
	sound(t, a)
	says(t, a, "Cooperativa Exemplo, CRL", "algarismo de controlo certo", "O que resulta do deferimento", "Pedir a credencial", "Deferir", "Pedir elementos", "Rita Técnica Exemplo")
	want(t, app.Person(t).Get(t, "/cases/tecnico/processos/"+id), http.StatusSeeOther)
	want(t, officer(t, app, state).Get(t, "/cases/tecnico/processos/"+id), http.StatusSeeOther)
}

func TestARefusedMoveKeepsEverythingTyped(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	_, id := waiting(t, app)
	by.Move(t, coop, id, "assumir", nil)
	a := want(t, by.Move(t, coop, id, "audiencia", url.Values{"audiencia.codes": {"RA1"}, "audiencia.words": {"Curto <b>demais</b>."}}), http.StatusUnprocessableEntity)
	sound(t, a)
	if got := typed(labelled(t, a, "Fundamentação")); got != "Curto <b>demais</b>." {
		t.Errorf("what was typed became %q", got)
	}
	if beside(t, a, "audiencia.words") == "" || summary(t, a)["audiencia.words"] == "" {
		t.Error("nobody says what is wrong")
	}
	if n := byID(a.Page(t), "campo-audiencia.codes"); n == nil || !has(n, "checked") {
		t.Error("the ground that was ticked is gone")
	}
	none := want(t, by.Move(t, coop, id, "elementos", nil), http.StatusUnprocessableEntity)
	says(t, none, "Indique pelo menos um elemento a pedir.")
	sound(t, none)
}

// E07: what another officer changed meanwhile is shown, not overwritten.
func TestAStaleRevisionIsToldSo(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	_, id := waiting(t, app)
	by.Move(t, coop, id, "assumir", nil)
	a := want(t, by.Post(t, "/cases/tecnico/processos/"+id+"/deferir", url.Values{"revisao": {strings.Repeat("0", 64)}}), http.StatusConflict)
	sound(t, a)
	says(t, a, "O processo foi alterado entretanto", "Cooperativa Exemplo, CRL")
	want(t, by.Move(t, coop, id, "devolver", nil), http.StatusSeeOther)
	want(t, by.Move(t, coop, id, "devolver", nil), http.StatusConflict)
}

func TestElementsAreAskedForAnsweredAndShown(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	p, id := waiting(t, app)
	at := "/cases/tecnico/processos/" + id
	by.Move(t, coop, id, "assumir", nil)
	// The tick was forgotten, and the reason says it all the same.
	leads(t, by.Move(t, coop, id, "elementos", url.Values{"elementos.reason.telefone": {"O número não atende."}}), at+"?feito=elementos")
	says(t, by.Get(t, at+"?feito=elementos"), "O pedido de elementos foi enviado.", "O número não atende.", "ainda sem resposta")
	says(t, p.Get(t, "/cases/processos/"+id), "Elementos pedidos", "O número não atende.")
	leads(t, p.Post(t, "/cases/processos/"+id+"/responder", url.Values{"telefone": {"213 456 789"}}), "/cases/processos/"+id)
	says(t, by.Get(t, at), "Respondido em", "+351 213 456 789")
}

func TestNotesStayInside(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	p, id := waiting(t, app)
	want(t, by.Move(t, coop, id, "nota", url.Values{"nota.words": {"Só para quem aprecia."}}), http.StatusSeeOther)
	says(t, by.Get(t, "/cases/tecnico/processos/"+id), "Só para quem aprecia.")
	if p.Get(t, "/cases/processos/"+id).Says(t, "Só para quem aprecia.") {
		t.Error("the applicant reads the officers' notes")
	}
}

// E01 and E02: nobody decides their own case, and the page offers nothing else but to stand aside.
func TestAnOfficersOwnCaseOffersOnlyToStandAside(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	p := app.Person(t)
	id := filed(t, p, six(by.Email, newBody()))
	proven(t, p, by.Email)
	a := want(t, by.Get(t, "/cases/tecnico/processos/"+id), http.StatusOK)
	sound(t, a)
	says(t, a, "Tem de se declarar impedido(a)")
	for _, move := range []string{"assumir", "deferir", "nota"} {
		if strings.Contains(a.Body, id+"/"+move) {
			t.Errorf("the page offers %q", move)
		}
	}
	want(t, by.Move(t, coop, id, "assumir", nil), http.StatusForbidden)
}

func TestWhoOnlyAuditsIsOfferedNoMove(t *testing.T) {
	t.Parallel()
	app := start(t)
	_, id := waiting(t, app)
	p := officer(t, app, coop, actor.Auditor)
	a := want(t, p.Get(t, "/cases/tecnico/processos/"+id), http.StatusOK)
	if strings.Contains(a.Body, "ato-assumir") || !a.Says(t, "Ver no registo de auditoria") {
		t.Error("an auditor is offered the wrong things")
	}
	want(t, p.Move(t, coop, id, "assumir", nil), http.StatusForbidden)
	want(t, officer(t, app, coop).Move(t, coop, id, "apagar", nil), http.StatusNotFound)
}

// The access code of a public register is masked, but for the answer to the press that asks for it, which is on record.
func TestAnAccessCodeIsShownWholeOnceAndOnRecord(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	id := coded(t, app, by)
	at := "/cases/tecnico/processos/" + id
	masked := func(a apptest.Answer) {
		t.Helper()
		if strings.Contains(a.Body, "1234-5678-9012") || !a.Says(t, "9012") {
			t.Error("the code is not masked to its last four digits")
		}
	}
	masked(want(t, by.Get(t, at), http.StatusOK))
	auditor := officer(t, app, coop, actor.Auditor)
	masked(want(t, auditor.Get(t, at), http.StatusOK))
	want(t, auditor.Move(t, coop, id, "mostrar", nil), http.StatusForbidden)
	a := want(t, by.Move(t, coop, id, "mostrar", nil), http.StatusOK)
	sound(t, a)
	says(t, a, "1234-5678-9012", "Código de acesso mostrado por inteiro")
	masked(by.Get(t, at))
	says(t, auditor.Get(t, "/cases/tecnico/auditoria?"+url.Values{"objeto": {"case/" + id}}.Encode()), "case.show-codes")
	_, without := waiting(t, app)
	want(t, by.Move(t, coop, without, "mostrar", nil), http.StatusNotFound)
}

// coded files a case that holds an access code and gives its id.
func coded(t *testing.T, app *apptest.App, by *apptest.Person) string {
	t.Helper()
	m := member(t, app, by)
	answers, files := script(t, app, coop, "credencial")
	return m.File(t, coop, "credencial", answers, files)
}
