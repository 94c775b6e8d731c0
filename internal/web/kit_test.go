package web_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

// The portals that tests play at: a form of one step, and a form of several with documents.
const (
	coop  = "cases"
	state = "ecce"
)

// house is what stands when the tests of this package have ended, in the place of a test: one application serves them
// all, since starting one takes longer than most of them, and each brings people and bodies of its own.
type house struct {
	testing.TB
	dir    string
	failed bool
	close  []func()
}

// Helper, Context, TempDir, Cleanup, Logf, Error and Fatal are what a test is to [apptest.Start].
func (h *house) Helper()                           {}
func (h *house) Context() context.Context          { return context.Background() }
func (h *house) TempDir() string                   { return h.dir }
func (h *house) Cleanup(f func())                  { h.close = append(h.close, f) }
func (h *house) Logf(format string, args ...any)   { log.Printf(format, args...) }
func (h *house) Error(args ...any)                 { log.Print(args...); h.failed = true }
func (h *house) Fatal(args ...any)                 { log.Panic(args...) }
func (h *house) Fatalf(format string, args ...any) { log.Panicf(format, args...) }

// TestMain lets more tests run beside one another than there are processors, since they wait for mails most of the
// time, and closes the application that they share.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		log.Panic(err)
	}
	code := m.Run()
	for _, f := range slices.Backward(ours.close) {
		f()
	}
	if err := os.RemoveAll(ours.dir); err != nil || ours.failed {
		log.Print("the shared application did not end well: ", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

var (
	ours   house
	shared = sync.OnceValue(func() *apptest.App {
		dir, err := os.MkdirTemp("", "face")
		if err != nil {
			log.Panic(err)
		}
		ours.dir = dir
		return apptest.Start(&ours, apptest.Options{Proxied: true})
	})
	bodies atomic.Int64
)

// start gives the application that the tests share; each person comes to it from a network of their own.
func start(t *testing.T) *apptest.App {
	t.Helper()
	return shared()
}

// newBody makes the number of a body that no other test has.
func newBody() string {
	number := fmt.Sprintf("5902%04d", bodies.Add(1))
	sum := 0
	for i, digit := range number {
		sum += int(digit-'0') * (9 - i)
	}
	check := 11 - sum%11
	if check > 9 {
		check = 0
	}
	return number + strconv.Itoa(check)
}

// newAddress makes an address that no other test has.
func newAddress(name string) string { return fmt.Sprintf("%s.%d@exemplo.pt", name, bodies.Add(1)) }

// english reads English.
func english(r *http.Request) { r.Header.Set("Accept-Language", "en") }

// machine asks for data instead of a page.
func machine(r *http.Request) { r.Header.Set("Accept", "application/json") }

// six are the six fields of a cooperative that asks to be let in.
func six(email, nipc string) url.Values {
	return url.Values{
		"denominacao": {"Cooperativa Exemplo, CRL"}, "nipc": {nipc}, "nome": {"Sara Exemplo"}, "funcao": {"presidente"},
		"telefone": {"912 345 678"}, "email": {email},
	}
}

// first are the answers of the first step of the other portal's form.
func first(email string) url.Values {
	return url.Values{
		"nome": {"Ana Exemplo da Silva"}, "doc_tipo": {"cc"}, "nic": {"00000000 0 ZZ4"}, "email": {email}, "telefone": {"212 345 678"}, "lingua": {"pt-PT"},
	}
}

// document is a small PDF, another for each word.
func document(name, word string) apptest.File {
	text := "BT /F1 12 Tf 20 100 Td (Documento inventado " + word + ") Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	b := bytes.NewBufferString("%PDF-1.4\n")
	table := "0000000000 65535 f \n"
	for i, object := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	at := b.Len()
	fmt.Fprintf(b, "xref\n0 %d\n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table, len(objects)+1, at)
	return apptest.File{Name: name, Content: b.Bytes()}
}

// filed fills in the six fields and gives the id of the case.
func filed(t *testing.T, p *apptest.Person, values url.Values) string {
	t.Helper()
	a := p.Post(t, "/cases/novo/acesso", values)
	if a.Status != http.StatusSeeOther || !strings.HasSuffix(a.Location(), "/recibo") {
		t.Fatalf("the form is not taken: %d %s %s", a.Status, a.Location(), a.Text(t))
	}
	return caseIn(a.Location())
}

// begun fills in the first step of the longer form and gives the id of the draft.
func begun(t *testing.T, p *apptest.Person, values url.Values) string {
	t.Helper()
	a := p.Post(t, "/ecce/novo/acesso", values)
	if a.Status != http.StatusSeeOther || !strings.HasSuffix(a.Location(), "/passo/2") {
		t.Fatalf("the first step is not taken: %d %s %s", a.Status, a.Location(), a.Text(t))
	}
	return caseIn(a.Location())
}

func caseIn(path string) string {
	_, rest, _ := strings.Cut(path, "/processos/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// proven opens the mailed link and proves the address.
func proven(t *testing.T, p *apptest.Person, email string) {
	t.Helper()
	if a := p.Post(t, p.App.Mail(t, email, apptest.Link("/confirmar/")), nil); a.Status != http.StatusSeeOther {
		t.Fatalf("the address is not proven: %d %s", a.Status, a.Text(t))
	}
}

// officer is an officer who is signed in, with all that cases need.
func officer(t *testing.T, app *apptest.App, portalName string, roles ...actor.Role) *apptest.Person {
	t.Helper()
	if len(roles) == 0 {
		roles = []actor.Role{actor.Director, actor.Decider}
	}
	p := app.Person(t)
	p.Name, p.Email = "Rita Técnica Exemplo", newAddress("rita")
	u, err := url.Parse(app.Officer(t, portalName, p.Email, p.Name, roles...))
	if err != nil {
		t.Fatal(err)
	}
	p.Define(t, u.Path)
	p.SignIn(t, portalName)
	return p
}

// member is somebody of a cooperative who was let in and is signed in.
func member(t *testing.T, app *apptest.App, by *apptest.Person) *apptest.Person {
	t.Helper()
	p := app.Person(t)
	p.Name, p.Email = "Sara Exemplo", newAddress("sara")
	id := filed(t, p, six(p.Email, newBody()))
	proven(t, p, p.Email)
	by.Move(t, coop, id, "assumir", nil)
	if a := by.Move(t, coop, id, "deferir", nil); a.Status != http.StatusSeeOther {
		t.Fatalf("access is not approved: %d %s", a.Status, a.Text(t))
	}
	p.Define(t, app.Mail(t, p.Email, apptest.Link("/definir/")))
	p.SignIn(t, coop)
	return p
}

// Reading of pages.

func attr(n *html.Node, name string) string {
	for _, one := range n.Attr {
		if one.Key == name {
			return one.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(one html.Attribute) bool { return one.Key == name })
}

// all are the elements of a name within a node, in order; "" for any name.
func all(within *html.Node, name string) []*html.Node {
	var found []*html.Node
	for n := range within.Descendants() {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			found = append(found, n)
		}
	}
	return found
}

func byID(within *html.Node, id string) *html.Node {
	for _, n := range all(within, "") {
		if attr(n, "id") == id {
			return n
		}
	}
	return nil
}

func said(n *html.Node) string {
	var b strings.Builder
	for one := range n.Descendants() {
		if one.Type == html.TextNode {
			b.WriteString(one.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// labelled is the control that a label of the page names.
func labelled(t *testing.T, a apptest.Answer, label string) *html.Node {
	t.Helper()
	page := a.Page(t)
	for _, one := range all(page, "label") {
		if words := said(one); words == label || words == label+" (facultativo)" || words == label+" (optional)" {
			if n := byID(page, attr(one, "for")); n != nil {
				return n
			}
		}
	}
	t.Fatalf("no field is labelled %q", label)
	return nil
}

// typed is what stands in a control.
func typed(n *html.Node) string {
	switch n.Data {
	case "textarea":
		return strings.TrimPrefix(rawText(n), "\n")
	case "select":
		for _, o := range all(n, "option") {
			if has(o, "selected") {
				return attr(o, "value")
			}
		}
		return ""
	}
	return attr(n, "value")
}

func rawText(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}

// beside is the error that a field's control is described by.
func beside(t *testing.T, a apptest.Answer, name string) string {
	t.Helper()
	n := byID(a.Page(t), "campo-"+name+"-erro")
	if n == nil {
		return ""
	}
	return said(n)
}

// summary are the lines of the error summary, by the name of the field they lead to; each must lead somewhere, on this
// page or on that of the step which asks for it.
func summary(t *testing.T, a apptest.Answer) map[string]string {
	t.Helper()
	page, lines := a.Page(t), map[string]string{}
	for _, n := range all(page, "div") {
		if attr(n, "class") != "error-summary" {
			continue
		}
		for _, line := range all(n, "a") {
			path, id, _ := strings.Cut(attr(line, "href"), "#")
			if path == "" && byID(page, id) == nil {
				t.Errorf("the summary leads to %s, which is not on the page", id)
			}
			lines[strings.TrimPrefix(id, "campo-")] = said(line)
		}
	}
	return lines
}

// sound asks of a page what every page must have.
func sound(t *testing.T, a apptest.Answer) {
	t.Helper()
	page := a.Page(t)
	if n := len(all(page, "h1")); n != 1 {
		t.Errorf("%d h1", n)
	}
	if lang := attr(all(page, "html")[0], "lang"); lang != a.Header.Get("Content-Language") || lang == "" {
		t.Errorf("lang %q, Content-Language %q", lang, a.Header.Get("Content-Language"))
	}
	ids := map[string]bool{}
	for _, n := range all(page, "") {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("two elements have the id %q", id)
			}
			ids[id] = true
		}
	}
	for _, n := range all(page, "") {
		for id := range strings.FieldsSeq(attr(n, "aria-describedby")) {
			if !ids[id] {
				t.Errorf("<%s name=%q> is described by %q, which is not on the page", n.Data, attr(n, "name"), id)
			}
		}
	}
	if slices.ContainsFunc([]string{"web.", "ui.", "fault.", "case.", "E-GER"}, func(key string) bool { return strings.HasPrefix(said(all(page, "h1")[0]), key) }) {
		t.Errorf("the title is a key: %s", said(all(page, "h1")[0]))
	}
}

// want asks for a status, and shows the page where it is another.
func want(t *testing.T, a apptest.Answer, status int) apptest.Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, wanted %d: %s %s", a.Status, status, a.Location(), a.Text(t))
	}
	return a
}

// leads asks that an answer leads to an address.
func leads(t *testing.T, a apptest.Answer, to string) {
	t.Helper()
	if a.Status != http.StatusSeeOther || a.Location() != to {
		t.Fatalf("leads to %d %q, wanted %q: %s", a.Status, a.Location(), to, a.Text(t))
	}
}

// says asks that a page says all of some sentences.
func says(t *testing.T, a apptest.Answer, sentences ...string) {
	t.Helper()
	text := a.Text(t)
	for _, one := range sentences {
		if !strings.Contains(text, one) {
			t.Errorf("the page does not say %q:\n%s", one, text)
		}
	}
}
