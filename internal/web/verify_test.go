package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestVerificationLeadsToTheCodesOwnAddress(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	a := want(t, p.Get(t, "/verificar"), http.StatusOK)
	sound(t, a)
	labelled(t, a, "Código de verificação")
	if !strings.Contains(a.Header.Get("X-Robots-Tag"), "noindex") {
		t.Error("search engines may keep it")
	}
	leads(t, p.Get(t, "/verificar?codigo=ABCD-EFGH-JKMN-P"), "/verificar/ABCD-EFGH-JKMN-P")
	leads(t, p.Get(t, "/verificar?codigo=ABCD&em=01%2F02%2F2026"), "/verificar/ABCD?em=01%2F02%2F2026")
	leads(t, p.Get(t, "/verificar?codigo=..%2F..%2Favaliacao"), "/verificar/....avaliacao")
}

func TestMistakesInWhatIsAskedAreToldBesideTheField(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	for query, name := range map[string]string{
		"codigo=": "codigo", "codigo=A&em=32/13/2026": "em", "codigo=A&em=01/01/2999": "em", "portal=cases&numero=590000013": "numero",
	} {
		a := want(t, p.Get(t, "/verificar?"+query), http.StatusUnprocessableEntity)
		sound(t, a)
		if beside(t, a, name) == "" || summary(t, a)[name] == "" {
			t.Errorf("%s: nobody says what is wrong", query)
		}
	}
}

// moments are when something was asked, which differs from one answer to the next.
var moments = regexp.MustCompile(`"at":"[^"]*"`)

// D20: a wrong code and an unknown one answer alike, to people and to machines.
func TestAWrongCodeAndAnUnknownOneAnswerAlike(t *testing.T) {
	t.Parallel()
	app := start(t)
	var pages, data []string
	for _, code := range []string{"0000-0000-0000-0", "nonsense", "ÇÇÇÇ", strings.Repeat("A", 150)} {
		a := want(t, app.Person(t).Get(t, "/verificar/"+code), http.StatusNotFound)
		sound(t, a)
		says(t, a, "Não encontrada")
		pages = append(pages, strings.ReplaceAll(a.Text(t), code, ""))
		d := want(t, app.Person(t).Get(t, "/verificar/"+code, machine), http.StatusNotFound)
		if d.Header.Get("Content-Type") != "application/json" || !strings.Contains(d.Body, `"state":"not-found"`) {
			t.Errorf("machines get %q", d.Body)
		}
		data = append(data, moments.ReplaceAllString(strings.ReplaceAll(d.Body, code, ""), ""))
	}
	for i := range pages {
		if pages[i] != pages[0] {
			t.Errorf("two pages differ:\n%s\n%s", pages[0], pages[i])
		}
		if data[i] != data[0] {
			t.Errorf("two answers to machines differ:\n%s\n%s", data[0], data[i])
		}
	}
}

func TestABodyCanBeAskedForOnlyWhereThePortalAllowsIt(t *testing.T) {
	t.Parallel()
	p := start(t).Person(t)
	says(t, want(t, p.Get(t, "/verificar?portal=cases&numero=590000136"), http.StatusOK), "Não foi encontrado nenhum documento desta entidade")
	want(t, p.Get(t, "/verificar?portal=ecce&numero=590000136"), http.StatusNotFound)
	want(t, p.Get(t, "/verificar?portal=nowhere&numero=590000136"), http.StatusNotFound)
}
