package api_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/apptest"
)

// Each test has the whole program, on each engine, and a mandate that two officers approved by the pages.

const state = "ecce"

// shift is a clock that a test moves on.
type shift struct {
	mu sync.Mutex
	by time.Duration
}

func (s *shift) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.by)
}

func (s *shift) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by += d
}

type world struct {
	*apptest.App
	clock  *shift
	first  *apptest.Person
	second *apptest.Person
	ana    *apptest.Person
	log    *bytes.Buffer
	made   int // mandates
}

// TestTheInterface plays everything on one program of each engine, since starting one takes longer than most of it.
// What moves the clock comes last.
func TestTheInterface(t *testing.T) {
	for _, postgres := range []bool{false, true} {
		name := "sqlite"
		if postgres {
			name = "postgres"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, postgres)
			for _, one := range []struct {
				says string
				test func(*testing.T, *world)
			}{
				{"a program gets, sees and revokes its certificates", getsSeesRevokes},
				{"a token reaches nothing of another", reachesNothing},
				{"of many who take the last one exactly one gets it", lastOne},
				{"a request is held against the rules", againstTheRules},
				{"a dry run shows what would be issued and leaves nothing", dryRun},
				{"what is no request of the interface is answered as such", noRequest},
				{"a body that is cut off or does not arrive is told", cutOff},
				{"the script of the guide runs as it stands there", scriptOfTheGuide},
				{"nobody gets a certificate without a good token", noGoodToken},
			} {
				t.Run(one.says, func(t *testing.T) { one.test(t, w) })
			}
		})
	}
}

// locked is a log that several write to.
type locked struct {
	mu sync.Mutex
	to io.Writer
}

func (l *locked) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(line)
}

func open(t *testing.T, postgres bool) *world {
	t.Helper()
	w := &world{clock: &shift{}, log: &bytes.Buffer{}}
	w.App = apptest.Start(t, apptest.Options{Postgres: postgres, Clock: w.clock.now, Log: &locked{to: w.log}})
	w.first = w.officer(t, "Teresa Técnica Exemplo", actor.Director, actor.Decider)
	w.second = w.officer(t, "Rui Decisor Exemplo", actor.Decider)
	w.ana = w.servant(t)
	return w
}

func (w *world) officer(t *testing.T, name string, roles ...actor.Role) *apptest.Person {
	t.Helper()
	p := w.Person(t)
	p.Name, p.Email = name, strings.ToLower(strings.Fields(name)[0])+"@portal.exemplo.pt"
	at, err := url.Parse(w.Officer(t, state, p.Email, p.Name, roles...))
	if err != nil {
		t.Fatal(err)
	}
	p.Define(t, at.Path)
	p.SignIn(t, state)
	return p
}

// servant is the applicant of the portal's own script, let in.
func (w *world) servant(t *testing.T) *apptest.Person {
	t.Helper()
	p := w.Person(t)
	p.Name, p.Email = "Ana Exemplo da Silva", "ana.exemplo@dgex.exemplo.pt"
	answers, files := url.Values{}, map[string]apptest.File{}
	portal, _ := w.Portals.Portal(state)
	for _, act := range portal.Tour.On(time.Now()).Acts {
		if act.Do != "file" || act.Procedure != "acesso" {
			continue
		}
		for name, all := range act.Answers {
			answers[name] = all
		}
		for slot := range act.Files {
			files[slot] = apptest.File{Name: slot + ".pdf", Content: document(slot)}
		}
	}
	id := p.File(t, state, "acesso", answers, files)
	link := w.Mail(t, p.Email, apptest.Link("/confirmar/"))
	p.Get(t, link)
	p.Post(t, link, nil)
	w.first.Move(t, state, id, "assumir", nil)
	if a := w.first.Move(t, state, id, "deferir", nil); a.Status != http.StatusSeeOther {
		t.Fatalf("access is not granted: %d %s", a.Status, a.Text(t))
	}
	p.Define(t, w.Mail(t, p.Email, apptest.Link("/definir/")))
	p.SignIn(t, state)
	return p
}

// document is a small PDF that says a word.
func document(word string) []byte {
	text := "BT /F1 12 Tf 20 100 Td (Documento inventado " + word + ") Tj ET"
	b, table := bytes.NewBufferString("%PDF-1.4\n"), "0000000000 65535 f \n"
	for i, object := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	} {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	fmt.Fprintf(b, "xref\n0 6\n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", table, b.Len())
	return b.Bytes()
}

var mandateAt = regexp.MustCompile(`/ecce/autorizacoes/[0-9a-z]+`)

// mandate is one for so many certificates, approved by two; it gives its page.
func (w *world) mandate(t *testing.T, most string) (at, name string) {
	t.Helper()
	w.made++
	name = fmt.Sprintf("Gestão documental %d", w.made)
	id := w.ana.File(t, state, "emissao_automatica", url.Values{
		"nome_aplicacao": {name}, "ambiente": {"producao"}, "contacto_tecnico": {"aplicacoes@exemplo.pt"}, "quantidade": {most},
		"fim": {time.Now().AddDate(0, 6, 0).Format("02/01/2006")}, "termos": {"true"},
	}, nil)
	w.first.Move(t, state, id, "assumir", nil)
	w.first.Move(t, state, id, "deferir", nil)
	if a := w.second.Move(t, state, id, "deferir", nil); a.Status != http.StatusSeeOther {
		t.Fatalf("the mandate is not granted: %d %s", a.Status, a.Text(t))
	}
	at = mandateAt.FindString(w.ana.Get(t, "/ecce/processos/"+id).Body)
	if at == "" {
		t.Fatal("the case leads to no mandate")
	}
	return at, name
}

// program is one with the token of a new mandate.
func (w *world) program(t *testing.T, most string) program {
	t.Helper()
	at, name := w.mandate(t, most)
	return program{w: w, token: w.token(t, at), at: at, name: name}
}

var shownToken = regexp.MustCompile(`chancela_[A-Z2-7]{52}`)

// token makes the token on a mandate's page.
func (w *world) token(t *testing.T, at string) string {
	t.Helper()
	token := shownToken.FindString(w.ana.Post(t, at+"/token", nil).Body)
	if token == "" {
		t.Fatal("no token is shown")
	}
	return token
}

// program is a token with the way to the interface.
type program struct {
	w     *world
	token string
	at    string // of the mandate's page
	name  string // of the application
}

func (p program) do(t testing.TB, method, path, media string, body []byte, change ...func(*http.Request)) apptest.Answer {
	t.Helper()
	person := p.w.Person(t)
	change = append(change, func(r *http.Request) {
		if p.token != "" {
			r.Header.Set("Authorization", "Bearer "+p.token)
		}
	})
	return person.Do(t, method, path, media, bytes.NewReader(body), change...)
}

func (p program) issue(t testing.TB, request []byte, change ...func(*http.Request)) apptest.Answer {
	t.Helper()
	return p.do(t, http.MethodPost, "/api/v1/certificates", "application/pkcs10", request, change...)
}

func english(r *http.Request) { r.Header.Set("Accept-Language", "en") }

// problem is a refusal as programs read it.
type problem struct {
	Type, Title, Detail, Code string
	Status                    int
}

func refused(t testing.TB, a apptest.Answer, status int, code string) problem {
	t.Helper()
	var p problem
	if a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem: %d %s %s", a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	a.JSON(t, &p)
	if a.Status != status || p.Status != status || p.Code != code || p.Detail == "" || strings.Contains(p.Detail, "{") {
		t.Errorf("got %d %+v; want %d %s", a.Status, p, status, code)
	}
	return p
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func requestOf(t testing.TB, key crypto.Signer, template x509.CertificateRequest) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func request(t testing.TB) []byte { return requestOf(t, newKey(t), x509.CertificateRequest{}) }

// chain reads what was issued: the certificate, its issuer, the root.
func chain(t testing.TB, a apptest.Answer) []*x509.Certificate {
	t.Helper()
	var all []*x509.Certificate
	for rest := []byte(a.Body); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if len(all) != 3 {
		t.Fatalf("%d: %d certificates in the answer: %s", a.Status, len(all), a.Body)
	}
	return all
}
