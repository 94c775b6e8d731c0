package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

var codeForm = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]`)

// issued is a person's certificate: the address of its page, its serial number and its revocation code.
func issued(t *testing.T, app *apptest.App, p, by, second *apptest.Person) (at, serial, code string) {
	t.Helper()
	answers, _ := script(t, app, state, "autenticacao")
	id := p.File(t, state, "autenticacao", answers, map[string]apptest.File{"csr": {Content: []byte(keyRequest(t, p.Name))}})
	by.Move(t, state, id, "assumir", nil)
	want(t, by.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	want(t, second.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	at = to(t, want(t, p.Get(t, "/ecce/area"), http.StatusOK), "/ecce/certificados/")
	want(t, by.Move(t, state, id, "comprovar", url.Values{"comprovar.how": {"in-person"}, "comprovar.words": {"Cartão de Cidadão, visto ao balcão."}}), http.StatusSeeOther)
	page := until(t, p, at, "certificado.pem").Text(t)
	serial = regexp.MustCompile(`[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){15}`).FindString(page)
	code = app.Mail(t, p.Email, apptest.Found("Código de revogação", codeForm))
	return at, serial, code
}

func stopForm(number, code, how string) url.Values {
	return url.Values{"parar-numero": {number}, "parar-codigo": {code}, "parar-como": {how}, "parar-fundamento": {"1"}}
}

func TestACertificateIsStoppedByItsCodeWithoutSigningIn(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, second := officer(t, app, state), officer(t, app, state, actor.Decider)
	p, stranger := servant(t, app, by), app.Person(t)
	at, serial, code := issued(t, app, p, by, second)
	desk := strings.Replace(at, "/ecce/", "/ecce/tecnico/", 1)

	sound(t, want(t, stranger.Get(t, "/ecce/revogar"), http.StatusOK))
	empty := want(t, stranger.Post(t, "/ecce/revogar", url.Values{"parar-como": {"suspender"}}), http.StatusUnprocessableEntity)
	sound(t, empty)
	for _, name := range []string{"parar-numero", "parar-codigo", "parar-fundamento"} {
		if summary(t, empty)[name] == "" {
			t.Errorf("the summary says nothing of %s", name)
		}
	}
	// Two that nobody can tell apart: a wrong code, an unknown number.
	wrong := "0000-0000-0000-0"
	a := want(t, stranger.Post(t, "/ecce/revogar", stopForm(serial, wrong, "suspender")), http.StatusUnprocessableEntity)
	b := want(t, stranger.Post(t, "/ecce/revogar", stopForm(strings.Repeat("ab", 16), wrong, "suspender")), http.StatusUnprocessableEntity)
	same := func(a apptest.Answer, number string) string { return strings.ReplaceAll(a.Text(t), number, "") }
	if same(a, serial) != same(b, strings.Repeat("ab", 16)) {
		t.Errorf("told apart:\n%s\n%s", a.Text(t), b.Text(t))
	}
	says(t, a, "Não foi possível confirmar os dados")

	done := want(t, stranger.Post(t, "/ecce/revogar", stopForm(serial, strings.ToLower(code), "suspender")), http.StatusOK)
	sound(t, done)
	says(t, done, "Certificado suspenso", serial)
	says(t, p.Get(t, at), "Suspenso", "Não o use")
	says(t, want(t, stranger.Get(t, "/verificar/"+serial), http.StatusOK), "Suspensa", "Lista de revogação em que consta")
	says(t, by.Get(t, "/ecce/tecnico/"), "Certificados suspensos", p.Name)

	short := want(t, by.Post(t, desk+"/levantar", url.Values{"levantar.words": {"Curto."}}), http.StatusUnprocessableEntity)
	sound(t, short)
	want(t, p.Post(t, desk+"/levantar", url.Values{"levantar.words": {"O titular dá-se razão a si próprio, por extenso."}}), http.StatusNotFound)
	leads(t, by.Post(t, desk+"/levantar", url.Values{"levantar.words": {"O titular confirmou, pelo telefone registado, que tem a chave."}}), desk+"?feito=levantar")
	says(t, by.Get(t, desk+"?feito=levantar"), "A suspensão foi levantada", "suspensão levantada")
	says(t, p.Get(t, "/verificar/"+serial), "Válida", "Suspensão")

	leads(t, p.Post(t, at+"/novo-codigo", nil), at+"?feito=novo-codigo")
	want(t, stranger.Post(t, "/ecce/revogar", stopForm(serial, code, "revogar")), http.StatusUnprocessableEntity)
	fresh := app.Mail(t, p.Email, apptest.Found("Código de revogação", codeForm, code))
	says(t, want(t, stranger.Post(t, "/ecce/revogar", stopForm(serial, fresh, "revogar")), http.StatusOK), "Certificado revogado")
	again := want(t, stranger.Post(t, "/ecce/revogar", stopForm(serial, fresh, "revogar")), http.StatusConflict)
	says(t, again, "já está revogado")
}

func TestACertificateIsSuspendedAndItsRevocationScheduledMovedAndCalledOff(t *testing.T) {
	t.Parallel()
	app := start(t)
	by, second := officer(t, app, state), officer(t, app, state, actor.Decider)
	p := servant(t, app, by)
	at, serial, _ := issued(t, app, p, by, second)
	desk := strings.Replace(at, "/ecce/", "/ecce/tecnico/", 1)
	form := func(day string) url.Values {
		return url.Values{"revogar-fundamento": {"3"}, "revogar-confirmo": {"sim"}, "revogar-data": {day}}
	}
	for day, key := range map[string]string{"01/01/2001": "não pode ser anterior", "32/13/2001": "data", "01/01/2199": "fim do certificado"} {
		bad := want(t, p.Post(t, at+"/revogar", form(day)), http.StatusUnprocessableEntity)
		sound(t, bad)
		says(t, bad, key)
	}
	day := time.Now().AddDate(0, 1, 0).Format("02/01/2006")
	leads(t, p.Post(t, at+"/revogar", form(day)), at+"?feito=agendar")
	says(t, p.Get(t, at+"?feito=agendar"), "A revogação ficou agendada", "Será revogado em")
	leads(t, by.Post(t, desk+"/anular-data", nil), desk+"?feito=anular-data")
	want(t, p.Post(t, at+"/anular-data", nil), http.StatusConflict)
	says(t, p.Get(t, "/verificar/"+serial), "Válida")

	bad := want(t, p.Post(t, at+"/suspender", nil), http.StatusUnprocessableEntity)
	sound(t, bad)
	leads(t, p.Post(t, at+"/suspender", url.Values{"suspender-fundamento": {"1"}}), at+"?feito=suspender")
	want(t, p.Post(t, at+"/suspender", url.Values{"suspender-fundamento": {"1"}}), http.StatusConflict)
	leads(t, by.Post(t, desk+"/levantar", url.Values{"levantar.words": {"O titular confirmou, pelo telefone registado, que tem a chave."}}), desk+"?feito=levantar")
	want(t, by.Post(t, desk+"/suspender", url.Values{"suspender.words": {"Curto."}}), http.StatusUnprocessableEntity)
	leads(t, by.Post(t, desk+"/suspender", url.Values{"suspender.codes": {"RV01"}, "suspender.words": {"Há notícia de que o computador do titular foi levado."}}), desk+"?feito=suspender")
	sound(t, want(t, by.Get(t, desk), http.StatusOK))

	type told struct {
		State       string `json:"state"`
		Number      int64  `json:"crl_number"`
		Suspensions []struct{ From, Until *string }
	}
	asJSON := func(r *http.Request) { r.Header.Set("Accept", "application/json") }
	ask := func(at string) (a told) {
		t.Helper()
		if err := json.Unmarshal([]byte(want(t, app.Person(t).Get(t, "/verificar/"+serial+at, asJSON), http.StatusOK).Body), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	now := ask("")
	if now.State != "suspended" || now.Number == 0 || len(now.Suspensions) != 2 || now.Suspensions[0].Until == nil || now.Suspensions[1].Until != nil {
		t.Errorf("%+v", now)
	}
	if then := ask("?em=" + url.QueryEscape(*now.Suspensions[0].From)); then.State != "suspended" {
		t.Errorf("at %s: %+v", *now.Suspensions[0].From, then)
	}
}

func TestWhereNoCertificatesAreIssuedThereIsNothingToStop(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	for _, path := range []string{"/revogar", "/revogar/sem-codigo", "/comunicar-problema"} {
		want(t, p.Get(t, "/cases"+path), http.StatusNotFound)
		want(t, p.Post(t, "/cases"+path, nil), http.StatusNotFound)
	}
}
