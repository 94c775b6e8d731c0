package certificate_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/certificate"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
	"chancela/internal/throttle"
)

// Each test has an instance of its own: a database of each engine and a real hierarchy. Only people and the post are
// played.

const (
	desk = "exemplo"
	body = "Município de Exemplo"
	nipc = "590000004"
)

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
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

func (p *post) events() (all []portal.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.sent {
		if l.Event != portal.CertificateCode { // comes with every certificate; [kit.code] reads it
			all = append(all, l.Event)
		}
	}
	return all
}

// to are those to whom an event was told, and when it was told last, what.
func (p *post) to(event portal.Event) (addresses []string, last letter.Letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.sent {
		if l.Event == event {
			addresses, last = append(addresses, l.To.Address), l
		}
	}
	return addresses, last
}

// people are those of these tests. Ana is the applicant; she is also the officer Ana, by the same person.
type people struct {
	mu     sync.Mutex
	powers map[actor.PersonID][]account.Power
}

func (p *people) Known(_ context.Context, _ *db.Tx, portalName string, person actor.PersonID, id actor.AccountID) (account.Known, error) {
	if portalName != desk || id != actor.AccountID("a-"+string(person)) {
		return account.Known{}, fault.New(fault.NotFound, "fault.not-found")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return account.Known{Person: person, Account: id, Name: "Inventada d’Exemplo", Address: string(person) + "@exemplo.pt", Powers: p.powers[person]}, nil
}

func (p *people) Registered(_ context.Context, _ *db.Tx, _, number string) (account.Body, bool, error) {
	if number != nipc {
		return account.Body{}, false, nil
	}
	return account.Body{NIPC: nipc, Name: body, Class: portal.Eligible, Domains: []string{"exemplo.pt"}, Listed: true}, true, nil
}

func (p *people) Find(_ context.Context, _ *db.Tx, id actor.AccountID) (account.Account, error) {
	person := strings.TrimPrefix(string(id), "a-")
	return account.Account{ID: id, Person: actor.PersonID(person), Name: "Inventada", Address: person + "@exemplo.pt", AddressKey: person + "@exemplo.pt", Lang: i18n.PT}, nil
}

func (p *people) IsSame(_ context.Context, _ *db.Tx, _ string, person actor.PersonID, addressKey, _ string) (bool, error) {
	return string(person)+"@exemplo.pt" == addressKey, nil
}

func (p *people) PersonName(_ context.Context, _ *db.Tx, person actor.PersonID) (string, error) {
	if person == "" {
		return "", nil
	}
	return "Pessoa " + string(person), nil
}

// MemberAt knows Ana, and Bia who serves with her.
func (p *people) MemberAt(_ context.Context, _ *db.Tx, _, address, number string) (actor.PersonID, error) {
	name, _, _ := strings.Cut(address, "@")
	if number != nipc || !slices.Contains([]string{"ana", "bia"}, name) {
		return "", nil
	}
	return actor.PersonID(name), nil
}

func (p *people) Holds(_ context.Context, tx *db.Tx, _ string, person actor.PersonID, power, number string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.powers[person], func(one account.Power) bool {
		return one.Key == power && one.BodyNIPC == number && one.Runs(tx.Now())
	}), nil
}

func (p *people) Answering(_ context.Context, tx *db.Tx, _, number string, powers []string) (all []account.Account, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for person, held := range p.powers {
		for _, power := range held {
			if power.BodyNIPC == number && power.Runs(tx.Now()) && slices.Contains(powers, power.Key) {
				all = append(all, account.Account{ID: actor.AccountID("a-" + person), Person: person, Address: string(person) + "@exemplo.pt", Lang: i18n.PT})
			}
		}
	}
	return all, nil
}

func (p *people) Officers(context.Context, *db.Tx, string, actor.Permission) ([]account.Contact, error) {
	return []account.Contact{{Person: "rui", Name: "Rui", Address: "rui@exemplo.pt", Lang: i18n.PT}}, nil
}

type kit struct {
	*certificate.Service
	links   *link.Links
	t       *testing.T
	db      *db.DB
	ca      *ca.CA
	clock   *clock
	post    *post
	people  *people
	p       *portal.Portal
	outcome *certificate.Outcome
	known   issuance.KeyList // keys that others have
	crash   func(point string)
}

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	c := &clock{}
	dbtest.EachAt(t, c.now, func(t *testing.T, d *db.DB) {
		c.at = time.Date(2026, 5, 4, 10, 15, 0, 0, time.UTC)
		k := &kit{t: t, db: d, links: link.New(link.Key{7}), clock: c, post: &post{}, p: desktop(t), outcome: &certificate.Outcome{}}
		k.people = &people{powers: map[actor.PersonID][]account.Power{"ana": {
			{Key: "propria", BodyNIPC: nipc, BodyName: body, From: c.at.AddDate(-1, 0, 0)},
			{Key: "sitios", BodyNIPC: nipc, BodyName: body, From: c.at.AddDate(-1, 0, 0)},
		}, "bea": { // answers for the body
			{Key: "terceiros", BodyNIPC: nipc, BodyName: body, From: c.at.AddDate(-1, 0, 0), Until: c.at.AddDate(0, 6, 0)},
		}, "dina": { // of another body
			{Key: "terceiros", BodyNIPC: "500000000", BodyName: "Outra", From: c.at.AddDate(-1, 0, 0)},
		}}}
		var err error
		k.ca, err = ca.New(ca.Config{
			DB: d, Base: "http://localhost:8080/pki", Keys: catest.NewKeys(),
		})
		must(t, err)
		must(t, k.ca.Found(t.Context(), actor.Machine(""), ca.Plan{
			Root:    ca.AuthorityPlan{Name: "raiz", Organization: "Sistema de Exemplo", CommonName: "Raiz TESTE", Responder: "OCSP 1 TESTE"},
			Issuing: ca.AuthorityPlan{Name: "emissora", Organization: "Sistema de Exemplo", CommonName: "Emissora TESTE", Responder: "OCSP 2 TESTE"},
			Minutes: "Ensaio.",
		}))
		k.open()
		test(t, k)
	})
}

// open opens the room as a process does when it starts.
func (k *kit) open() {
	k.Service = certificate.New(certificate.Config{
		DB: k.db, CA: k.ca, Accounts: k.people, Portals: &portal.Set{Portals: []*portal.Portal{k.p}}, Letters: k.post, Page: "certificados", KnownKeys: k.known,
		Codes: k.links, Counters: throttle.New(throttle.Key{9}),
		Crash: func(point string) {
			if k.crash != nil {
				k.crash(point)
			}
		},
	})
	k.outcome.Service = k.Service
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const person = `
key: pessoa
title: {pt: "Pedido", en: "Order"}
name: {pt: "pedido", en: "order"}
for: person
steps:
  - title: {pt: "Titular", en: "Holder"}
    fields:
      - {key: a, label: {pt: "a", en: "a"}, kind: text, role: body-name}
      - {key: b, label: {pt: "b", en: "b"}, kind: nipc, role: body-number}
      - {key: c, label: {pt: "c", en: "c"}, kind: text, role: given-names}
      - {key: d, label: {pt: "d", en: "d"}, kind: text, role: surnames}
      - {key: e, label: {pt: "e", en: "e"}, kind: text, role: shown-name}
      - {key: f, label: {pt: "f", en: "f"}, kind: civil, role: civil-number}
      - {key: g, label: {pt: "g", en: "g"}, kind: text, role: position, optional: true}
      - {key: h, label: {pt: "h", en: "h"}, kind: date, role: until, optional: true}
      - {key: i, label: {pt: "i", en: "i"}, kind: csr, role: key-request}
decide: {approvals: 2, roles: [decider], identity: true}
outcome:
  kind: certificate
  with: {profile: person-authentication, product: {pt: "Certificado de autenticação", en: "Authentication certificate"}, power: propria, min-days: 30, max-days: 1095, names: answers, renewal: {from-days: 60, old: revoke, identity-days: 2190, identity-times: 2}}
`

const website = `
key: sitio
title: {pt: "Pedido", en: "Order"}
name: {pt: "pedido", en: "order"}
for: person
steps:
  - title: {pt: "Sítio", en: "Site"}
    fields:
      - {key: b, label: {pt: "b", en: "b"}, kind: nipc, role: body-number}
      - {key: c, label: {pt: "c", en: "c"}, kind: domains, role: dns-names}
      - {key: d, label: {pt: "d", en: "d"}, kind: csr, role: key-request}
decide: {approvals: 2, roles: [decider]}
outcome:
  kind: certificate
  with: {profile: website, product: {pt: "Certificado de sítio web", en: "Website certificate"}, power: sitios, max-days: 199, names: register, renewal: {from-days: 60, old: leave}}
`

func desktop(t *testing.T) *portal.Portal {
	t.Helper()
	p := &portal.Portal{
		Name: desk, Title: portal.Text{PT: "Exemplo", EN: "Example"},
		Powers: []portal.Power{{Key: "propria", Opens: []string{"pessoa"}}, {Key: "sitios", Opens: []string{"sitio"}}, {Key: "terceiros", Revokes: []string{"pessoa"}}},
		Reasons: []portal.Reason{
			{Code: "RV05", For: "revoke", Text: portal.Text{PT: "Incumprimento", EN: "Breach"}, CRL: 9},
			{Code: "RP01", For: "refuse", Text: portal.Text{PT: "Sem poder", EN: "No power"}},
		},
		Rules: portal.Rules{
			Remedies:   portal.Text{PT: "Pode reclamar.", EN: "You may complain."},
			Suspension: portal.Suspension{Days: 30, WarnDays: 5, Then: portal.ThenReinstate},
		},
	}
	for _, source := range []string{person, website} {
		proc, err := portal.ParseProcedure(desk, "v1", []byte(source))
		must(t, err)
		p.Procedures = append(p.Procedures, proc)
	}
	return p
}

// request is a PKCS#10 of a new key, with the names given.
func request(t *testing.T, subject pkix.Name, dns ...string) string {
	t.Helper()
	key, err := issuance.GenerateKey(issuance.ECP256)
	must(t, err)
	return requestOf(t, key, subject, dns...)
}

func requestOf(t *testing.T, key crypto.Signer, subject pkix.Name, dns ...string) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject, DNSNames: dns}, key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// grant is what a case of Ana's would hand over.
func (k *kit) grant(procedure, caseID string, answers portal.Answers) portal.Grant {
	k.t.Helper()
	proc, ok := k.p.Procedure(procedure)
	if !ok {
		k.t.Fatalf("no procedure %s", procedure)
	}
	all := portal.Answers{}
	switch procedure {
	case "pessoa":
		all = portal.Answers{"a": {body}, "b": {nipc}, "c": {"Inventada"}, "d": {"d’Exemplo"}, "e": {"Inventada d’Exemplo"}, "f": {"00000000"}, "i": {request(k.t, pkix.Name{})}}
	case "sitio":
		all = portal.Answers{"b": {nipc}, "c": {"www.exemplo.pt", "exemplo.pt"}, "d": {request(k.t, pkix.Name{})}}
	}
	maps.Copy(all, answers)
	return portal.Grant{
		Portal: k.p, Procedure: proc, Case: caseID, Number: "2026/" + caseID, Revision: "r1", Answers: all, Lang: i18n.PT, Person: "ana", Account: "a-ana", At: k.db.Now(),
	}
}

func (k *kit) propose(g portal.Grant) (p portal.Proposal) {
	k.t.Helper()
	must(k.t, k.db.Look(k.t.Context(), func(tx *db.Tx) (err error) {
		g.At = tx.Now()
		p, err = k.outcome.Propose(k.t.Context(), tx, g)
		return err
	}))
	return p
}

func officer(who string, roles ...actor.Role) actor.Actor {
	return actor.Actor{Kind: actor.Officer, Portal: desk, Person: actor.PersonID(who), Account: actor.AccountID("o-" + who), Roles: roles, Strength: actor.ByCode}
}

func holder(who string) actor.Actor {
	return actor.Actor{Kind: actor.Person, Portal: desk, Person: actor.PersonID(who), Account: actor.AccountID("a-" + who), Strength: actor.ByCode}
}

var (
	director = officer("eva", actor.Director)
	decider  = officer("rui", actor.Decider)
)

// decide does what one officer's approval of a case does.
func (k *kit) decide(g portal.Grant, who string, grant bool) error {
	k.t.Helper()
	return k.db.InTx(k.t.Context(), func(tx *db.Tx) error {
		g.At = tx.Now()
		p, err := k.outcome.Propose(k.t.Context(), tx, g)
		if err != nil {
			return err
		}
		if len(p.Problems) > 0 {
			return fault.New(fault.Conflict, p.Problems[0])
		}
		by := officer(who, actor.Decider)
		_, err = decision.Record(k.t.Context(), tx, by, decision.Entry{
			Portal: desk, Case: g.Case, Revision: g.Revision, Subject: p.Digest, Verdict: decision.Approve, Office: "Direção",
		})
		if err != nil || !grant {
			return err
		}
		return k.outcome.Grant(k.t.Context(), tx, by, g)
	})
}

// approve has officers approve a case; behind the last it is granted.
func (k *kit) approve(g portal.Grant, who ...string) error {
	k.t.Helper()
	for n, one := range who {
		if err := k.decide(g, one, n == len(who)-1); err != nil {
			return err
		}
	}
	return nil
}

// ordered is an order of Ana's that two officers approved.
func (k *kit) ordered(procedure, caseID string) certificate.View {
	k.t.Helper()
	must(k.t, k.approve(k.grant(procedure, caseID, nil), "rui", "ivo"))
	return k.ofCase(caseID)
}

func (k *kit) ofCase(caseID string) certificate.View {
	k.t.Helper()
	v, found, err := k.OfCase(k.t.Context(), holder("ana"), caseID)
	if err != nil || !found {
		k.t.Fatalf("case %s: found %v, %v", caseID, found, err)
	}
	return v
}

// issued is a person's certificate that Ana has.
func (k *kit) issued(caseID string) certificate.View {
	k.t.Helper()
	k.ordered("pessoa", caseID)
	must(k.t, k.RecordIdentity(k.t.Context(), director, caseID, certificate.InPerson, "Cartão de Cidadão visto ao balcão."))
	k.work(1)
	return k.ofCase(caseID)
}

func (k *kit) work(want int) {
	k.t.Helper()
	if n, err := k.Work(k.t.Context()); err != nil || n != want {
		k.t.Fatalf("issued %d, want %d: %v", n, want, err)
	}
}

func (k *kit) problems(g portal.Grant, want ...string) {
	k.t.Helper()
	if got := k.propose(g).Problems; !slices.Equal(got, want) {
		k.t.Errorf("problems %v, want %v", got, want)
	}
}

func wantKey(t *testing.T, err error, kind fault.Kind, key string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Kind != kind || f.Key != key {
		t.Errorf("got %v; want %s: %s", err, kind, key)
	}
}

func valueOf(p portal.Proposal, label string) string {
	for _, line := range p.Lines {
		if line.Label == i18n.Say(i18n.PT, label, nil) {
			return line.Value
		}
	}
	return ""
}

func download(t *testing.T, k *kit, id certificate.ID, f certificate.Format) certificate.File {
	t.Helper()
	file, err := k.Download(t.Context(), holder("ana"), id, f)
	must(t, err)
	return file
}

func certificates(t *testing.T, text []byte) (all []*x509.Certificate) {
	t.Helper()
	for len(bytes.TrimSpace(text)) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			t.Fatal("not PEM")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		must(t, err)
		all = append(all, c)
	}
	return all
}
