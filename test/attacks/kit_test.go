// Package attacks_test attacks the whole program from outside, over HTTP and the mailbox, as somebody would who has
// read its source: on both engines, with the people of both portals.
//
// It is the table of docs/attacks.md that says which threat is tried where. A test here asks what a stranger sees and
// what became of the world, never how a room does its work; that is tested in the rooms. Start reading at [world].
package attacks_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/apptest"
	"chancela/internal/db"
)

// world is an application with officers inside, and what was told it that nobody else may learn.
type world struct {
	*apptest.App
	clock *clock
	log   *lines
	// forged is set once the audit record was, so that what the program says of it is no fault.
	forged atomic.Bool

	mu       sync.Mutex
	secrets  map[string]string // what it is, by what it says
	bodies   int
	officers map[string]*apptest.Person
}

// clock is the time of the machine, moved on by hand.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps a line.
func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The portals: one approval lets a cooperative in; two are needed for a certificate.
const (
	coop = "cases"
	ca   = "ecce"
)

// each runs attacks against a world of each engine.
func each(t *testing.T, attack func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			attack(t, open(t, apptest.Options{Postgres: engine == "postgres"}))
		})
	}
}

// eachApart is each, with documents handed out by an origin of their own.
func eachApart(t *testing.T, attack func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			attack(t, open(t, apptest.Options{Postgres: engine == "postgres", Handout: true}))
		})
	}
}

func open(t *testing.T, o apptest.Options) *world {
	t.Helper()
	w := &world{clock: &clock{}, log: &lines{}, secrets: map[string]string{}, officers: map[string]*apptest.Person{}}
	o.Clock, o.Proxied, o.Log = w.clock.now, true, w.log
	w.App = apptest.Start(t, o)
	t.Cleanup(func() { w.logHoldsNoSecret(t) })
	return w
}

// secret notes what the log must not hold, whatever is done with it.
func (w *world) secret(what string, all ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range all {
		if one != "" {
			w.secrets[one] = what
		}
	}
}

// officer gives a signed-in officer of a portal; the same for the same name.
func (w *world) officer(t *testing.T, portal, name string) *apptest.Person {
	t.Helper()
	key := portal + "/" + name
	if p := w.officers[key]; p != nil {
		if !p.Inside(t, portal) { // the clock was moved on
			w.enter(t, p, portal)
		}
		return p
	}
	p := w.Person(t)
	p.Name, p.Email = name+" Exemplo Técnica", strings.ToLower(name)+"@"+portal+".exemplo.pt"
	p.Define(t, path(t, w.Officer(t, portal, p.Email, p.Name, "director", "decider", "auditor")))
	p.SignIn(t, portal)
	w.secret("an officer", p.Name, p.Email, p.Password)
	w.officers[key] = p
	return p
}

func path(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

// nipc makes the number of a body that no other has.
func (w *world) nipc() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bodies++
	number := fmt.Sprintf("5901%04d", w.bodies)
	sum := 0
	for i, digit := range number {
		sum += int(digit-'0') * (9 - i)
	}
	check := 11 - sum%11
	if check > 9 {
		check = 0
	}
	return number + string(rune('0'+check))
}

// access are the answers of a cooperative that asks to be let in.
func access(name, email, nipc string) url.Values {
	return url.Values{
		"denominacao": {"Cooperativa Invenção " + nipc + ", CRL"}, "nipc": {nipc}, "nome": {name}, "funcao": {"presidente"},
		"telefone": {"912345678"}, "email": {email},
	}
}

// holder is a cooperative's person with what they told of it.
type holder struct {
	*apptest.Person
	nipc string
	id   string // of the case by which they asked for access
}

// applicant has asked for access, and has not proven the address.
func (w *world) applicant(t *testing.T) *holder {
	t.Helper()
	h := &holder{Person: w.Person(t), nipc: w.nipc()}
	mark := strings.ToLower(db.NewID()[:8])
	h.Name, h.Email = "Inventada Pessoa Canário", "canario."+mark+"@inventada.exemplo.pt"
	w.secret("an address", h.Email)
	w.secret("a name", h.Name)
	w.secret("a body's number", h.nipc)
	h.id = h.File(t, coop, "acesso", access(h.Name, h.Email, h.nipc), nil)
	return h
}

// proven has proven the address too.
func (w *world) proven(t *testing.T) *holder {
	t.Helper()
	h := w.applicant(t)
	w.prove(t, h)
	return h
}

func (w *world) prove(t *testing.T, h *holder) {
	t.Helper()
	link := w.Mail(t, h.Email, apptest.Link("/confirmar/"))
	w.secret("a proof link", last(link))
	if a := h.Post(t, link, nil); a.Status != http.StatusSeeOther {
		t.Fatalf("the address is not proven: %d %s", a.Status, a.Text(t))
	}
}

// last is what an address ends with: of a link, its secret.
func last(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// invited was let in, and holds the link to define a password.
func (w *world) invited(t *testing.T) (*holder, string) {
	t.Helper()
	h := w.proven(t)
	w.approve(t, coop, h.id, "Rita")
	link := w.Mail(t, h.Email, apptest.Link("/definir/"))
	w.secret("an invitation", last(link))
	return h, link
}

// approve has officers take and approve a case.
func (w *world) approve(t *testing.T, portal, id string, officers ...string) {
	t.Helper()
	for i, name := range officers {
		o := w.officer(t, portal, name)
		if i == 0 {
			done(t, o.Move(t, portal, id, "assumir", nil))
		}
		done(t, o.Move(t, portal, id, "deferir", nil))
	}
}

// done asks that something was done: what a POST did is shown after a redirect.
func done(t *testing.T, a apptest.Answer) {
	t.Helper()
	if a.Status != http.StatusSeeOther {
		t.Fatalf("it was refused: %d %s", a.Status, a.Text(t))
	}
}

// holder is a person with a password, who has been inside.
func (w *world) holder(t *testing.T) *holder {
	t.Helper()
	h, link := w.invited(t)
	h.Define(t, link)
	w.secret("a password", h.Password)
	w.enter(t, h.Person, coop)
	return h
}

// enter signs somebody in, and notes the secrets of it.
func (w *world) enter(t *testing.T, p *apptest.Person, portal string) {
	t.Helper()
	code := w.code(t, p, portal)
	w.secret("a sign-in", p.Cookie("e-"+portal))
	done(t, p.Confirm(t, portal, code))
	w.secret("a session", p.Cookie("s-"+portal))
}

func (w *world) code(t *testing.T, p *apptest.Person, portal string) string {
	t.Helper()
	return p.AskCode(t, portal)
}

// recovery asks for a link to a new password, and gives it.
func (w *world) recovery(t *testing.T, h *holder) string {
	t.Helper()
	w.PutAside(t, h.Email)
	done(t, w.Person(t).Post(t, "/"+coop+"/recuperar", url.Values{"recuperar-endereco": {h.Email}, "recuperar-nipc": {h.nipc}}))
	link := w.Mail(t, h.Email, apptest.Link("/recuperar/"))
	w.secret("a recovery", last(link))
	return link
}

// pdf is a document of one page.
func pdf(line string) []byte {
	text := "BT /F1 14 Tf 60 760 Td (" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(line) + ") Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b bytes.Buffer
	var table strings.Builder
	b.WriteString("%PDF-1.4\n%\xE2\xE3\xCF\xD3\n")
	for i, object := range objects {
		fmt.Fprintf(&table, "%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", table.String(), start)
	return b.Bytes()
}

// csr is a request for the certificate of a new key; names come from the case.
func csr(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}
