package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancela/internal/apptest"
)

const (
	partFacts = "A lista que juntou não tem o nome de quem pede (exemplo)."
	partWhole = "O que foi dito não muda que o nome falta na lista que está junta."
)

// sites leaves out the power over websites, of the two that the form asked for.
func sites(move string) url.Values {
	return url.Values{move + ".leave.sitios_web": {"sim"}, move + ".codes.sitios_web": {"RE09"}, move + ".words.sitios_web": {partFacts}}
}

// inPart is a request for two powers, filed, proven and taken by an officer.
func inPart(t *testing.T, app *apptest.App) (by, p *apptest.Person, id string) {
	t.Helper()
	by, p = officer(t, app, state), app.Person(t)
	id, _ = whole(t, p)
	p.Email = newAddress("ana")
	want(t, p.Post(t, "/ecce/processos/"+id+"/guardar", url.Values{"email": {p.Email}}), http.StatusNoContent)
	want(t, p.Post(t, "/ecce/processos/"+id+"/submeter", nil), http.StatusSeeOther)
	proven(t, p, p.Email)
	want(t, by.Move(t, state, id, "assumir", nil), http.StatusSeeOther)
	return by, p, id
}

func TestAPowerIsLeftOutAfterItsHearingAndTheRestIsGranted(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, p, id := inPart(t, app)
	desk, own := "/ecce/tecnico/processos/"+id, "/ecce/processos/"+id
	none := want(t, by.Move(t, state, id, "audiencia-parcial", nil), http.StatusUnprocessableEntity)
	sound(t, none)
	says(t, none, "Assinale o que não deve ser deferido.")
	short := sites("audiencia-parcial")
	short.Set("audiencia-parcial.words.sitios_web", "Curto.")
	a := want(t, by.Move(t, state, id, "audiencia-parcial", short), http.StatusUnprocessableEntity)
	sound(t, a)
	if beside(t, a, "audiencia-parcial.words.sitios_web") == "" || summary(t, a)["audiencia-parcial.words.sitios_web"] == "" {
		t.Error("nobody says what is wrong")
	}
	want(t, by.Move(t, state, id, "deferir-parte", sites("deferir-parte")), http.StatusConflict)
	leads(t, by.Move(t, state, id, "audiencia-parcial", sites("audiencia-parcial")), desk+"?feito=audiencia-parcial")
	a = want(t, p.Get(t, own), http.StatusOK)
	sound(t, a)
	says(t, a, "Há intenção de não deferir parte do pedido", "Certificados de autenticação de sítios web e de aplicações", "RE09", partFacts, "Desistir desta parte")
	want(t, p.Post(t, own+"/pronuncia", url.Values{"pronuncia": {"O meu nome está na segunda folha."}}), http.StatusSeeOther)
	a = want(t, by.Get(t, desk), http.StatusOK)
	sound(t, a)
	if n := byID(a.Page(t), "campo-deferir-parte.leave.sitios_web"); n == nil || !has(n, "checked") {
		t.Error("what the applicant was heard on is not there to be decided")
	}
	if byID(a.Page(t), "campo-deferir-parte.leave.assinatura_propria") != nil {
		t.Error("what nobody was heard on can be left out")
	}
	if byID(a.Page(t), "campo-audiencia-parcial.leave.assinatura_propria") == nil {
		t.Error("whoever must leave out more cannot hear the applicant on it")
	}
	if strings.Contains(a.Body, "ato-indeferir\"") {
		t.Error("the whole can be refused, on which nobody was heard")
	}
	decided := sites("deferir-parte")
	decided.Set("deferir-parte.weighing", partWhole)
	unticked := maps.Clone(decided) // its reason stands there from the hearing: that is no wish to refuse
	unticked.Del("deferir-parte.leave.sitios_web")
	a = want(t, by.Move(t, state, id, "deferir-parte", unticked), http.StatusUnprocessableEntity)
	sound(t, a)
	says(t, a, "Assinale o que não deve ser deferido.")
	leads(t, by.Move(t, state, id, "deferir-parte", decided), desk+"?feito=deferir-parte")
	says(t, by.Get(t, desk), "Deferido parcialmente", "Deferimento parcial", partWhole)
	says(t, by.Get(t, "/ecce/tecnico/?estado=decididos&procura="+url.QueryEscape(p.Email)), "Deferido parcialmente")
	a = want(t, p.Get(t, own), http.StatusOK)
	sound(t, a)
	says(t, a, "Deferido parcialmente", "Não foi deferido: Certificados de autenticação de sítios web", partFacts, partWhole, "reclamar para o autor do ato")
	p.Define(t, app.Mail(t, p.Email, apptest.Link("/definir/")))
	p.SignIn(t, state)
	a = p.Get(t, "/ecce/area")
	says(t, a, "Certificado de assinatura eletrónica, para mim")
	if a.Says(t, "Certificados de autenticação de sítios web e de aplicações") {
		t.Error("the power that was left out was granted")
	}
}

func TestWhoAgreesGivesUpAPartAndIsRefusedNothing(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, p, id := inPart(t, app)
	own := "/ecce/processos/" + id
	want(t, p.Post(t, own+"/prescindir", nil), http.StatusConflict)
	want(t, by.Move(t, state, id, "audiencia-parcial", sites("audiencia-parcial")), http.StatusSeeOther)
	want(t, app.Person(t).Post(t, own+"/prescindir", nil), http.StatusNotFound)
	stale := by.Shown(t, state, id)
	for name, values := range sites("deferir-parte") {
		stale[name] = values
	}
	leads(t, p.Post(t, own+"/prescindir", nil), own)
	want(t, by.Post(t, "/ecce/tecnico/processos/"+id+"/deferir-parte", stale), http.StatusConflict)
	says(t, p.Get(t, own), "O requerente desistiu de parte do pedido")
	want(t, by.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	a := p.Get(t, own)
	if a.Says(t, "Deferido parcialmente") || !a.Says(t, "O pedido foi deferido.") {
		t.Errorf("the page says %s", a.Text(t))
	}
}
