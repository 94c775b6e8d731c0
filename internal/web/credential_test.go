package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"chancela/internal/apptest"
)

// script gives the answers and documents of the main job of a portal, as its own definition plays it.
func script(t *testing.T, app *apptest.App, portalName, procedure string) (url.Values, map[string]apptest.File) {
	t.Helper()
	p, ok := app.Portals.Portal(portalName)
	if !ok {
		t.Fatalf("no portal %s", portalName)
	}
	for _, act := range p.Tour.On(time.Now()).Acts {
		if act.Do != "file" || act.Procedure != procedure {
			continue
		}
		answers, files := url.Values{}, map[string]apptest.File{}
		for name, all := range act.Answers {
			answers[name] = all
		}
		for slot, kind := range act.Files {
			if kind == "pdf" {
				files[slot] = document(slot+".pdf", slot)
			}
		}
		return answers, files
	}
	t.Fatalf("nobody files %s in %s", procedure, portalName)
	return nil, nil
}

// until opens an address until the page says something: what needs a key is done a moment later.
func until(t *testing.T, p *apptest.Person, at, words string) apptest.Answer {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 400 {
		if a := p.Get(t, at); a.Status == http.StatusOK && strings.Contains(a.Body, words) {
			return a
		}
		<-tick.C
	}
	t.Fatalf("%s never says %q: %s", at, words, p.Get(t, at).Text(t))
	return apptest.Answer{}
}

// to is the first link of a page through a place.
func to(t *testing.T, a apptest.Answer, place string) string {
	t.Helper()
	for _, n := range all(a.Page(t), "a") {
		if at := attr(n, "href"); strings.Contains(at, place) && !strings.HasSuffix(at, place) {
			return at
		}
	}
	t.Fatalf("nothing leads through %s", place)
	return ""
}

func TestACredentialsPageAndItsWholeLife(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, coop)
	m := member(t, app, by)
	answers, files := script(t, app, coop, "credencial")
	id := m.File(t, coop, "credencial", answers, files)
	want(t, by.Move(t, coop, id, "assumir", nil), http.StatusSeeOther)
	want(t, by.Move(t, coop, id, "deferir", nil), http.StatusSeeOther)

	at := to(t, until(t, m, "/cases/area", "/credenciais/"), "/cases/credenciais/")
	a := until(t, m, at, at+"/pdf")
	sound(t, a)
	says(t, a, "Válida", "Proveniência", "Rita Técnica Exemplo", "Código de verificação", "SHA-256")
	pdf := want(t, m.Get(t, at+"/pdf"), http.StatusOK)
	if !strings.HasPrefix(pdf.Body, "%PDF-") || !strings.HasPrefix(pdf.Header.Get("Content-Disposition"), "attachment") || pdf.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("the document is not handed out as it should be")
	}
	code := to(t, a, "/verificar/")
	says(t, app.Person(t).Get(t, code), "Credencial válida Válida", "Cooperativa Exemplo, CRL", "Compare estes dados")
	toldInThePortalsWords(t, app, code)

	strangers(t, app, by, at)
	desk := strings.Replace(at, "/cases/", "/cases/tecnico/", 1)
	sound(t, want(t, by.Get(t, desk), http.StatusOK))
	judged(t, by, desk)
	says(t, by.Get(t, "/cases/tecnico/processos/"+id), "O que resultou deste processo")
	says(t, app.Person(t).Get(t, code), "Revogada")
	var data struct{ State, Code string }
	app.Person(t).Get(t, code, machine).JSON(t, &data)
	if data.State != "revoked" || data.Code == "" {
		t.Errorf("machines are told %+v", data)
	}
	says(t, app.Person(t).Get(t, code+"?em=01%2F01%2F2020"), "ainda não")
}

// The whole sentence is the portal's own, and says what its data makes public: number, body, NIPC, and until when.
func toldInThePortalsWords(t *testing.T, app *apptest.App, code string) {
	t.Helper()
	var told struct {
		Number, Body string
		NIPC         string `json:"body_nipc"`
		Text         struct{ PT, EN string }
	}
	app.Person(t).Get(t, code, machine).JSON(t, &told)
	pt := regexp.MustCompile(`^Em \d+ de \S+ de \d{4}, às \S+, a credencial n\.º ` + told.Number +
		`, emitida por CASES.* a favor de Cooperativa Exemplo, CRL, NIPC 590 \d{3} \d{3}, está válida até 31 de maio de \d{4}\.$`)
	en := regexp.MustCompile(`^On \d+ \S+ \d{4} at \S+, credencial no\. ` + told.Number + `, issued by .+ to Cooperativa Exemplo, CRL, NIPC 590 \d{3} \d{3}, is valid until 31 May \d{4}\.$`)
	if !pt.MatchString(told.Text.PT) || !en.MatchString(told.Text.EN) {
		t.Errorf("machines are told %q and %q", told.Text.PT, told.Text.EN)
	}
	if told.Number == "" || told.Body != "Cooperativa Exemplo, CRL" || len(told.NIPC) != 9 {
		t.Errorf("machines are told %+v", told)
	}
	_, inPortuguese, _ := strings.Cut(told.Text.PT, told.Number) // the minute may pass between the two
	_, inEnglish, _ := strings.Cut(told.Text.EN, told.Number)
	says(t, app.Person(t).Get(t, code), inPortuguese)
	says(t, app.Person(t).Get(t, code, english), inEnglish)
	says(t, app.Person(t).Get(t, "/verificar?portal=cases&numero="+told.NIPC), "a credencial n.º "+told.Number)
}

// C03: to another holder and to a visitor it does not exist.
func strangers(t *testing.T, app *apptest.App, by *apptest.Person, at string) {
	t.Helper()
	other := member(t, app, by)
	want(t, other.Get(t, at), http.StatusNotFound)
	want(t, other.Get(t, at+"/pdf"), http.StatusNotFound)
	want(t, app.Person(t).Get(t, at), http.StatusSeeOther)
	want(t, app.Person(t).Get(t, at+"/pdf"), http.StatusSeeOther)
}

// judged suspends, restores and revokes, each after a mistake.
func judged(t *testing.T, by *apptest.Person, desk string) {
	t.Helper()
	words := "Factos inventados, escritos para este ensaio, com mais de trinta caracteres."
	for _, move := range []string{"suspender", "levantar", "revogar"} {
		bad := want(t, by.Post(t, desk+"/"+move, url.Values{move + ".words": {"Curto."}}), http.StatusUnprocessableEntity)
		sound(t, bad)
		if beside(t, bad, move+".words") == "" {
			t.Errorf("%s: nobody says what is wrong", move)
		}
		code := ""
		for _, n := range all(bad.Page(t), "input") {
			if attr(n, "name") == move+".codes" && code == "" {
				code = attr(n, "value")
			}
		}
		good := url.Values{move + ".words": {words}}
		if code != "" { // to restore takes words alone
			good.Set(move+".codes", code)
		}
		leads(t, by.Post(t, desk+"/"+move, good), desk+"?feito="+move)
		says(t, by.Get(t, desk+"?feito="+move), words)
	}
	want(t, by.Post(t, desk+"/apagar", nil), http.StatusNotFound)
}
