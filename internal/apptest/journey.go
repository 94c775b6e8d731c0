package apptest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The names of fields that the face gives to forms of its own.
const (
	UserField     = "utilizador"
	PasswordField = "palavra-chave"
	CodeField     = "codigo"
	ChannelField  = "canal"
	NewField      = "palavra-passe-nova"
	AgainField    = "palavra-passe-repetida"
	revisionField = "revisao"
)

// Define defines the person's password by a mailed link.
func (p *Person) Define(t testing.TB, link string) {
	t.Helper()
	if p.Password == "" {
		p.Password = "uma frase longa e inventada, " + Random()
	}
	if a := p.Post(t, link, url.Values{NewField: {p.Password}, AgainField: {p.Password}}); a.Status != http.StatusSeeOther {
		t.Fatalf("the password is refused: %d %s", a.Status, a.Text(t))
	}
}

// SignIn comes in by password and mailed code.
func (p *Person) SignIn(t testing.TB, portalName string) {
	t.Helper()
	if a := p.Confirm(t, portalName, p.AskCode(t, portalName)); a.Status != http.StatusSeeOther {
		t.Fatalf("the code is refused: %d %s", a.Status, a.Text(t))
	}
}

// AskCode enters user and password, has a code mailed, and gives it.
func (p *Person) AskCode(t testing.TB, portalName string) string {
	t.Helper()
	p.App.PutAside(t, p.Email)
	a := p.Enter(t, portalName, p.Email, p.Password)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("user or password is refused: %d %s", a.Status, a.Text(t))
	}
	if !strings.Contains(a.Location(), "enviado=") {
		if a = p.Send(t, portalName); a.Status != http.StatusSeeOther {
			t.Fatalf("no code is sent: %d %s", a.Status, a.Text(t))
		}
	}
	return p.App.Mail(t, p.Email, Code)
}

// Enter sends user and password.
func (p *Person) Enter(t testing.TB, portalName, user, password string, change ...func(*http.Request)) Answer {
	t.Helper()
	return p.Post(t, "/"+portalName+"/entrar", url.Values{UserField: {user}, PasswordField: {password}}, change...)
}

// Send asks for a code by mail.
func (p *Person) Send(t testing.TB, portalName string) Answer {
	t.Helper()
	return p.Post(t, "/"+portalName+"/entrar/canal", url.Values{ChannelField: {"mail"}})
}

// Confirm sends a code.
func (p *Person) Confirm(t testing.TB, portalName, code string) Answer {
	t.Helper()
	return p.Post(t, "/"+portalName+"/entrar/codigo", url.Values{CodeField: {code}, "enviado": {"mail"}})
}

// Inside says whether the person is signed in.
func (p *Person) Inside(t testing.TB, portalName string) bool {
	t.Helper()
	return p.Get(t, "/"+portalName+"/conta").Status == http.StatusOK
}

// File fills in a form from its first step to its receipt, and gives the id of the case. Answers of columns
// ("key.column") are a row each.
func (p *Person) File(t testing.TB, portalName, procedure string, answers url.Values, files map[string]File) string {
	t.Helper()
	at := "/" + portalName + "/novo/" + procedure
	id, sent := "", map[string]bool{}
	shown := p.Get(t, at)
	for range 40 {
		a := p.fill(t, at, shown, answers, files, sent)
		if a.Status == http.StatusSeeOther {
			at, _, _ = strings.Cut(a.Location(), "?")
			at, _, _ = strings.Cut(at, "#")
			a = p.Get(t, at)
		}
		id = caseIn(orElse(at, id))
		switch {
		case strings.HasSuffix(at, "/recibo"):
			return id
		case strings.HasSuffix(at, "/rever"):
			at = strings.TrimSuffix(at, "/rever") + "/submeter"
		case a.Status == http.StatusUnprocessableEntity && strings.HasSuffix(at, "/submeter"):
			t.Fatalf("the form is refused: %s", a.Text(t))
		}
		shown = a
	}
	t.Fatalf("the form never ends, at %s: %d %s", at, shown.Status, shown.Text(t))
	return ""
}

// fill sends what a page asks for; a document once.
func (p *Person) fill(t testing.TB, at string, shown Answer, answers url.Values, files map[string]File, sent map[string]bool) Answer {
	t.Helper()
	documents, words := shown.Fields(t)
	values := url.Values{}
	for name, all := range answers {
		key, column, isColumn := strings.Cut(name, ".")
		for i, value := range all {
			switch {
			case isColumn && !slices.Contains(words, name+".0"): // its rows stand on another page
			case isColumn:
				values.Add(key+"."+column+"."+strconv.Itoa(i), value)
			case slices.Contains(words, name) || slices.Contains(words, name+".procura"): // or what a search would find
				values.Add(name, value)
			}
		}
	}
	bring := map[string]File{}
	for slot, file := range files {
		switch {
		case slices.Contains(documents, slot) && !sent[slot]:
			bring[slot], sent[slot] = file, true
		case slices.Contains(words, slot):
			values.Set(slot, string(file.Content))
		}
	}
	for _, name := range words { // what the page fills in itself
		if _, ours := values[name]; !ours && name != "do" {
			if value := shown.Value(t, name); value != "" && !strings.Contains(name, ".") {
				values.Set(name, value)
			}
		}
	}
	if len(bring) > 0 {
		return p.Upload(t, at, values, bring)
	}
	return p.Post(t, at, values)
}

func caseIn(path string) string {
	_, rest, ok := strings.Cut(path, "/processos/")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// Move does a move of an officer with a case, on the revision that its page shows.
func (p *Person) Move(t testing.TB, portalName, id, move string, more url.Values) Answer {
	t.Helper()
	values := p.Shown(t, portalName, id)
	for name, all := range more {
		values[name] = all
	}
	return p.Post(t, "/"+portalName+"/tecnico/processos/"+id+"/"+move, values)
}

// Shown is the revision that an officer's page of a case shows, as its forms send it.
func (p *Person) Shown(t testing.TB, portalName, id string) url.Values {
	t.Helper()
	a := p.Get(t, "/"+portalName+"/tecnico/processos/"+id)
	if a.Status != http.StatusOK {
		t.Fatalf("the case is not shown: %d %s", a.Status, a.Text(t))
	}
	return url.Values{revisionField: {a.Value(t, revisionField)}}
}
