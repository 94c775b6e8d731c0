package credential_test

import (
	"context"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/blob"
	"chancela/internal/ca"
	"chancela/internal/credential"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// Each test has an instance of its own: a database of each engine, a real hierarchy with the seal of an invented
// body, a store of files. Only people and the post are played.

const desk = "exemplo"

var begin = time.Date(2026, 5, 4, 10, 15, 0, 0, time.UTC)

// clock is a test's own time; it moves only when the test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// post keeps the letters of deeds that were committed.
type post struct {
	mu   sync.Mutex
	sent []letter.Letter
}

func (p *post) Send(_ context.Context, tx *db.Tx, what letter.Letter) error {
	tx.After(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sent = append(p.sent, what)
	})
	return nil
}

func (p *post) of(event portal.Event) (found []letter.Letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.sent {
		if l.Event == event {
			found = append(found, l)
		}
	}
	return found
}

// people are those of these tests: names by person, and who acts for which body.
type people struct {
	names  map[actor.PersonID]string
	bodies map[actor.PersonID][]account.Power
}

func (p people) Known(_ context.Context, _ *db.Tx, _ string, person actor.PersonID, id actor.AccountID) (account.Known, error) {
	return account.Known{Person: person, Account: id, Powers: p.bodies[person]}, nil
}

func (p people) PersonName(_ context.Context, _ *db.Tx, person actor.PersonID) (string, error) {
	return p.names[person], nil
}

func (p people) IsSame(_ context.Context, _ *db.Tx, _ string, person actor.PersonID, addressKey, _ string) (bool, error) {
	return person == "dois" && addressKey == "ana@exemplo.pt", nil
}

func (p people) Find(_ context.Context, _ *db.Tx, id actor.AccountID) (account.Account, error) {
	if id != "a-ana" {
		return account.Account{}, fault.New(fault.NotFound, "fault.not-found")
	}
	return account.Account{ID: id, Name: "Ana Inventada", Address: "ana@exemplo.pt", Lang: i18n.EN, State: account.Active}, nil
}

type kit struct {
	*credential.Service
	t       testing.TB
	d       *db.DB
	clock   *clock
	post    *post
	ca      *ca.CA
	set     *portal.Set
	p       *portal.Portal
	people  people
	store   blob.Store
	outcome *credential.Outcome
	notice  string
	crash   func(point string)
}

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	c := &clock{now: begin}
	dbtest.EachAt(t, c.time, func(t *testing.T, d *db.DB) {
		c.set(begin)
		test(t, opened(t, d, c))
	})
}

func opened(t testing.TB, d *db.DB, c *clock) *kit {
	t.Helper()
	k := &kit{t: t, d: d, clock: c, post: &post{}, p: portalOf(t, desk), outcome: &credential.Outcome{}, notice: "INSTALAÇÃO DE TESTE, SEM VALOR LEGAL"}
	k.set = &portal.Set{Portals: []*portal.Portal{k.p, portalOf(t, "outro")}}
	k.people = people{
		names: map[actor.PersonID]string{"rui": "Rui Inventado", "eva": "Eva Inventada", "ana": "Ana Inventada"},
		bodies: map[actor.PersonID][]account.Power{
			"ana":  {{BodyNIPC: "590000012", From: begin.AddDate(-1, 0, 0)}},
			"luis": {{BodyNIPC: "590000012", From: begin.AddDate(-1, 0, 0)}},
			"past": {{BodyNIPC: "590000012", From: begin.AddDate(-2, 0, 0), Until: begin.AddDate(-1, 0, 0)}},
		},
	}
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	k.store, err = blob.OpenDir(t.TempDir(), identity)
	must(t, err)
	k.ca, err = ca.New(ca.Config{
		DB: d, Base: "http://localhost:8080/pki", Replica: "one", SealApprovals: map[string]int{desk: 1},
		Keys: ca.FileKeys{Dir: t.TempDir(), Passphrase: issuance.NewPassphrase([]byte("frase de ensaio sem segredo"), issuance.Cost{Time: 1, Memory: 8 << 10, Threads: 1})},
	})
	must(t, err)
	must(t, k.ca.Found(t.Context(), actor.Machine(""), ca.Plan{
		Root:    ca.AuthorityPlan{Name: "raiz-teste", Organization: "Sistema de Exemplo", CommonName: "Raiz de Exemplo TESTE", Responder: "OCSP da Raiz TESTE"},
		Issuing: ca.AuthorityPlan{Name: "emissora-teste", Organization: "Sistema de Exemplo", CommonName: "Emissora de Exemplo TESTE", Responder: "OCSP da Emissora TESTE"},
		Seals:   []ca.SealPlan{{Portal: desk, Body: "Entidade de Exemplo", NIPC: "590000004", CommonName: "Selo da Entidade de Exemplo"}},
		Minutes: "Ensaio.",
	}))
	k.restart()
	return k
}

// restart opens the room as a process does when it starts.
func (k *kit) restart() {
	k.Service = credential.New(credential.Config{
		DB: k.d, Sealer: k.ca, People: k.people, Portals: k.set, Letters: k.post, Blobs: k.store, Base: "https://portal.exemplo.pt", Page: "titulos",
		Notice: k.notice, Watermark: "TESTE",
		Crash: func(point string) {
			if k.crash != nil {
				k.crash(point)
			}
		},
	})
	k.outcome.Service = k.Service
}

func portalOf(t testing.TB, name string) *portal.Portal {
	t.Helper()
	p := &portal.Portal{
		Name: name, Title: i18n.Text{PT: "Portal de ensaio", EN: "Test portal"}, Look: portal.Look{Primary: "#0b3c6f"},
		Body: portal.Body{
			Name: i18n.Text{PT: "Entidade de Exemplo", EN: "Example Body"}, NIPC: "590000004", Address: "Rua da Invenção, 1, Lisboa",
			Law: i18n.Text{PT: "Lei inventada, artigo 1.º", EN: "Invented law, article 1"},
		},
		Contacts: []portal.Contact{{Kind: "mail", Value: i18n.Text{PT: "geral@exemplo.pt", EN: "geral@exemplo.pt"}}},
		Rules:    portal.Rules{Decider: portal.Officeholder{Office: i18n.Text{PT: "Direção", EN: "Direction"}}},
		Reasons: []portal.Reason{
			{Code: "RV1", For: "revoke", Text: i18n.Text{PT: "Foi dissolvida.", EN: "It was dissolved."}},
			{Code: "RC1", For: "refuse", Text: i18n.Text{PT: "Falta um documento.", EN: "A document is missing."}},
		},
		Verify: portal.Verify{ByBody: name == desk},
	}
	p.Procedures = []*portal.Procedure{procedure(t, name, usual)}
	return p
}

const usual = `
    title: {pt: Título, en: Title}
    number: "{year}/{seq}"
    formula: {pt: "Certifica-se o exercício de {year} de {body}.", en: "The year {year} of {body} is certified."}
    purpose: {pt: "Para os efeitos da lei inventada.", en: "For the purposes of the invented law."}
    lines:
      - {label: {pt: Denominação, en: Name}, field: called}
      - {label: {pt: Número, en: Number}, field: taxno}
      - {label: {pt: Ramos, en: Branches}, field: branches}
      - {label: {pt: Constituição, en: Constitution}, field: began}
      - {label: {pt: Observação, en: Remark}, field: remark}
    valid-until: "05-31"
    valid-years: 2
    public: [called, branches]
    renews: true
`

func procedure(t testing.TB, portalName, with string) *portal.Procedure {
	t.Helper()
	proc, err := portal.ParseProcedure(portalName, "v1", []byte(`
key: title
title: {pt: Pedido de título, en: Request for a title}
name: {pt: pedido de título, en: request for a title}
for: person
steps:
  - title: {pt: Dados, en: Data}
    fields:
      - {key: who, label: {pt: Nome, en: Name}, kind: name, role: applicant-name}
      - {key: mail, label: {pt: Endereço, en: Address}, kind: email, role: address}
      - {key: called, label: {pt: Denominação, en: Name}, kind: text, role: body-name}
      - {key: taxno, label: {pt: NIPC, en: NIPC}, kind: nipc, role: body-number}
      - {key: branches, label: {pt: Ramos, en: Branches}, kind: choices, options: [{key: c, label: {pt: Cultura, en: Culture}}, {key: s, label: {pt: Serviços, en: Services}}]}
      - {key: began, label: {pt: Constituição, en: Constitution}, kind: date}
      - {key: remark, label: {pt: Observação, en: Remark}, kind: text, optional: true}
      - {key: civil, label: {pt: Civil, en: Civil}, kind: civil, optional: true}
      - {key: about, label: {pt: Exercício, en: Year}, kind: year, role: exercise}
outcome:
  kind: credential
  with:`+with))
	must(t, err)
	return proc
}

// asking is a case as an approval hands it over; pairs replace its usual answers.
func (k *kit) asking(caseID string, pairs ...string) portal.Grant {
	answers := portal.Answers{
		"who": {"Ana Inventada"}, "mail": {"ana@exemplo.pt"}, "called": {"Cooperativa d’Água {year}, CRL"}, "taxno": {"590000012"},
		"branches": {"c", "s"}, "began": {"1987-03-12"}, "about": {"2025"},
	}
	for i := 0; i < len(pairs); i += 2 {
		if answers[pairs[i]] = []string{pairs[i+1]}; pairs[i+1] == "" {
			delete(answers, pairs[i])
		}
	}
	return portal.Grant{
		Portal: k.p, Procedure: k.p.Procedures[0], Case: caseID, Number: "EXEMPLO/2026/000001", Revision: "r1", Answers: answers,
		Lang: i18n.PT, Person: "ana", Account: "a-ana", Author: "Direção", At: k.d.Now(),
	}
}

func officer(name string) actor.Actor {
	return actor.Actor{
		Kind: actor.Officer, Portal: desk, Person: actor.PersonID(name), Account: actor.AccountID("a-" + name), Session: "s-" + name,
		Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode,
	}
}

func person(name string) actor.Actor {
	return actor.Actor{Kind: actor.Person, Portal: desk, Person: actor.PersonID(name), Account: actor.AccountID("a-" + name), Strength: actor.ByCode}
}

func (k *kit) propose(g portal.Grant) (p portal.Proposal) {
	k.t.Helper()
	must(k.t, k.d.Look(k.t.Context(), func(tx *db.Tx) (err error) {
		p, err = k.outcome.Propose(k.t.Context(), tx, g)
		return err
	}))
	return p
}

// approve is what the room of cases does: the proposal, the decision that names its digest, the grant; one deed.
func (k *kit) approve(g portal.Grant, by actor.Actor) error {
	return k.d.InTx(k.t.Context(), func(tx *db.Tx) error {
		p, err := k.outcome.Propose(k.t.Context(), tx, g)
		if err != nil {
			return err
		}
		id, err := decision.Record(k.t.Context(), tx, by, decision.Entry{
			Portal: g.Portal.Name, Case: g.Case, Revision: g.Revision, Subject: p.Digest, Verdict: decision.Approve, Office: "Direção",
		})
		if err != nil {
			return err
		}
		with := g
		with.Approvals = []string{string(id)}
		return k.outcome.Grant(k.t.Context(), tx, by, with)
	})
}

// issued approves and issues, and gives the credential.
func (k *kit) issued(g portal.Grant) credential.View {
	k.t.Helper()
	must(k.t, k.approve(g, officer("rui")))
	n, err := k.Work(k.t.Context())
	must(k.t, err)
	if n == 0 {
		k.t.Fatal("nothing was issued")
	}
	return k.of(g.Case)
}

func (k *kit) of(caseID string) credential.View {
	k.t.Helper()
	v, ok, err := k.OfCase(k.t.Context(), officer("rui"), caseID)
	must(k.t, err)
	if !ok {
		k.t.Fatalf("case %s has no credential", caseID)
	}
	return v
}

func (k *kit) file(id credential.ID) string {
	k.t.Helper()
	_, pdf, err := k.PDF(k.t.Context(), officer("rui"), id)
	must(k.t, err)
	return write(k.t, "titulo.pdf", pdf)
}

func (k *kit) lookup(code string, at time.Time) credential.Answer {
	k.t.Helper()
	a, found, err := k.Lookup(k.t.Context(), code, at)
	must(k.t, err)
	if !found {
		k.t.Fatal("the code is not found")
	}
	return a
}

func (k *kit) audited(verb string) (n int) {
	k.t.Helper()
	must(k.t, k.d.Look(k.t.Context(), func(tx *db.Tx) error {
		all, err := audit.Entries(k.t.Context(), tx, audit.Filter{Portal: desk, Verb: verb})
		n = len(all)
		return err
	}))
	return n
}

// count asks the database itself.
func (k *kit) count(query string, args ...any) (n int) {
	k.t.Helper()
	must(k.t, k.d.Look(k.t.Context(), func(tx *db.Tx) error { return tx.Row(k.t.Context(), query, args...).Scan(&n) }))
	return n
}

func (k *kit) files() (n int) {
	k.t.Helper()
	must(k.t, k.store.List(k.t.Context(), func(blob.Blob) bool { n++; return true }))
	return n
}

// trust makes a store of outside judges that trusts our root.
func (k *kit) trust() string {
	k.t.Helper()
	_, chain, err := k.ca.SealOf(k.t.Context(), desk)
	must(k.t, err)
	root := write(k.t, "raiz.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[len(chain)-1]}))
	dir := k.t.TempDir()
	judge(k.t, "certutil", "-N", "-d", "sql:"+dir, "--empty-password")
	judge(k.t, "certutil", "-A", "-d", "sql:"+dir, "-n", "raiz", "-t", "CT,C,C", "-i", root)
	return dir
}

// judge runs an outside program that has to end well, and gives all it said. One that is missing is a failure.
func judge(t testing.TB, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v %s", program, args, err, out)
	}
	return string(out)
}

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, data, 0o600))
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t testing.TB, err error, kind fault.Kind, key string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Kind != kind || f.Key != key {
		t.Errorf("got %v, want %s: %s", err, kind, key)
	}
}

func holds(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}
