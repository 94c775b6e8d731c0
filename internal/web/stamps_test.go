package web_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"chancela/internal/apptest"
)

// technician is somebody of a public body whose access opens time stamps to its systems.
func technician(t *testing.T, app *apptest.App, by *apptest.Person) *apptest.Person {
	t.Helper()
	p := app.Person(t)
	p.Name, p.Email = "Ana Exemplo da Silva", newAddress("tecnica")
	answers, files := script(t, app, state, "acesso")
	answers.Set("email", p.Email)
	answers.Set("nic", newBody()[:8])
	answers["finalidade"] = []string{"selos_temporais"}
	files["fich_tecnicos_tsa"] = document("lista.pdf", "lista")
	delete(files, "fich_tecnicos_web")
	id := p.File(t, state, "acesso", answers, files)
	proven(t, p, p.Email)
	by.Move(t, state, id, "assumir", nil)
	want(t, by.Move(t, state, id, "deferir", nil), http.StatusSeeOther)
	p.Define(t, app.Mail(t, p.Email, apptest.Link("/definir/")))
	p.SignIn(t, state)
	return p
}

// stamped asks for a time stamp as a program does, and gives the status.
func stamped(t *testing.T, app *apptest.App, user, secret string) int {
	t.Helper()
	der, err := exec.CommandContext(t.Context(), "openssl", "ts", "-query", "-digest", strings.Repeat("ab", 32), "-sha256").Output()
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+"/pki/tsa", bytes.NewReader(der))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	r.SetBasicAuth(user, secret)
	client := http.Client{Timeout: 30 * time.Second}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

func TestATechnicianGivesASystemAccessToTimeStampsAndEndsIt(t *testing.T) {
	t.Parallel()
	app := start(t)
	by := officer(t, app, state)
	p, other := technician(t, app, by), servant(t, app, by)
	const page = "/ecce/selos-temporais"
	says(t, p.Get(t, "/ecce/area"), "Acesso dos sistemas da entidade a selos temporais")
	sound(t, want(t, p.Get(t, page), http.StatusOK))

	bad := want(t, p.Post(t, page, url.Values{"por-conta-de": {"699000017"}, "sistema": {"x"}}), http.StatusUnprocessableEntity)
	sound(t, bad)
	if len(summary(t, bad)) != 1 {
		t.Errorf("of a name too short: %v", summary(t, bad))
	}
	a := want(t, p.Post(t, page, url.Values{"por-conta-de": {"699000017"}, "sistema": {"Gestão documental"}}), http.StatusOK)
	sound(t, a)
	says(t, a, "Guarde o segredo agora", "Gestão documental", "curl -u ")
	made := regexp.MustCompile(`Utilizador</dt>\s*<dd>.*?<code[^>]*>([^<]+)</code>(?s:.*?)Segredo</dt>\s*<dd>.*?<code[^>]*>([A-Za-z0-9_-]{43})</code>`).FindStringSubmatch(a.Body)
	if made == nil {
		t.Fatalf("no name and secret in %s", a.Body)
	}
	user, secret := made[1], made[2]
	if again := want(t, p.Get(t, page), http.StatusOK); strings.Contains(again.Body, secret) || !strings.Contains(again.Body, user) {
		t.Error("the secret is shown again, or the access is not listed")
	}
	if code := stamped(t, app, user, secret); code != http.StatusOK {
		t.Errorf("a stamp: %d", code)
	}
	says(t, p.Get(t, page), "1 de 10000")

	for _, path := range []string{page, page + "/" + user + "/terminar"} {
		want(t, other.Post(t, path, url.Values{}), http.StatusNotFound)
	}
	want(t, other.Get(t, page), http.StatusNotFound)
	want(t, by.Get(t, page), http.StatusNotFound)
	leads(t, p.Post(t, page+"/"+user+"/terminar", nil), page+"?terminado=1")
	says(t, p.Get(t, page+"?terminado=1"), "O acesso foi terminado.", "Terminado em")
	if code := stamped(t, app, user, secret); code != http.StatusUnauthorized {
		t.Errorf("once ended: %d", code)
	}
	want(t, p.Post(t, page+"/"+user+"/terminar", nil), http.StatusConflict)
}
