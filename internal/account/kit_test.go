package account

import (
	"context"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
	"chancela/internal/throttle"
	"chancela/internal/vault"
)

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

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// post keeps the letters that deeds hand over, and makes their links as package letter does. Letters of a deed that
// was taken back are not kept.
type post struct {
	links *link.Links
	mu    sync.Mutex
	sent  []letter.Letter
}

func (p *post) Send(ctx context.Context, tx *db.Tx, what letter.Letter) error {
	if what.Made == "" && what.Link.Kind != "" {
		ref, err := p.links.Make(ctx, tx, what.Link.Kind, what.Portal.Name, what.Link.Subject, what.Link.Expires)
		if err != nil {
			return err
		}
		what.Made = ref
	}
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

const office = "one" // the portal of these tests; another beside it must never see its people

type kit struct {
	*Accounts
	t     *testing.T
	d     *db.DB
	clock *clock
	post  *post
	links *link.Links
	vault *vault.Vault
	p     *portal.Portal
}

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	begin := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	c := &clock{now: begin}
	dbtest.EachAt(t, c.time, func(t *testing.T, d *db.DB) {
		c.pass(begin.Sub(c.time())) // the engine before may have moved it
		test(t, opened(t, d, c))
	})
}

func opened(t *testing.T, d *db.DB, c *clock) *kit {
	t.Helper()
	v, err := vault.New(make([]byte, vault.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	links := link.New(link.Key{1})
	p := desk(t, office)
	k := &kit{t: t, d: d, clock: c, post: &post{links: links}, links: links, vault: v, p: p}
	set := &portal.Set{Portals: []*portal.Portal{p, desk(t, "two")}}
	k.Accounts = New(Config{DB: d, Portals: set, Letters: k.post, Links: links, Vault: v, Throttle: throttle.New(throttle.Key{2})})
	return k
}

func desk(t *testing.T, name string) *portal.Portal {
	t.Helper()
	p := &portal.Portal{
		Name: name, Digest: "d1", Title: i18n.Text{PT: "Portal de teste", EN: "Test portal"},
		Powers: []portal.Power{
			{Key: "orders", Label: i18n.Text{PT: "Pedidos", EN: "Orders"}, Opens: []string{"order"}},
			{Key: "sites", Label: i18n.Text{PT: "Sítios", EN: "Sites"}, Opens: []string{"site"}},
		},
		Rules: portal.Rules{Decider: portal.Officeholder{Office: i18n.Text{PT: "diretor", EN: "director"}}},
		Register: []portal.Registered{
			{NIPC: "590000012", Name: "Município de Exemplo", Acronym: "ME", Kind: "Autarquia local", Class: portal.Eligible, Domains: []string{"municipio.exemplo.pt"}},
			{NIPC: "590000020", Name: "Direção-Geral de Exemplo 100%", Class: portal.Conditional},
		},
	}
	p.Procedures = []*portal.Procedure{procedure(t, "with:\n    powers-asked: true\n    confirm: {months: 24}"), procedure(t, "with:\n    powers: [orders]\n    one-per-body: true")}
	return p
}

func procedure(t *testing.T, with string) *portal.Procedure {
	t.Helper()
	proc, err := portal.ParseProcedure(office, "v1", []byte(`
key: access
title: {pt: Acesso, en: Access}
name: {pt: pedido de acesso, en: access request}
for: visitor
steps:
  - title: {pt: Dados, en: Data}
    fields:
      - {key: person, label: {pt: Nome, en: Name}, kind: name, role: applicant-name}
      - {key: mail, label: {pt: Endereço, en: Address}, kind: email, role: address}
      - {key: phone, label: {pt: Telefone, en: Telephone}, kind: phone, role: telephone}
      - {key: civil, label: {pt: Número, en: Number}, kind: civil, role: civil-number, optional: true}
      - {key: number, label: {pt: NIPC, en: NIPC}, kind: nipc, role: body-number}
      - {key: called, label: {pt: Denominação, en: Name}, kind: text, role: body-name}
      - {key: job, label: {pt: Cargo, en: Position}, kind: choice, role: position, options: [{key: t, label: {pt: Técnica superior, en: Officer}}]}
      - {key: until, label: {pt: Até, en: Until}, kind: date, role: until, optional: true}
      - {key: wanted, label: {pt: Finalidade, en: Purpose}, kind: choices, role: purposes, options: [{key: orders, label: {pt: Pedidos, en: Orders}}, {key: sites, label: {pt: Sítios, en: Sites}}]}
outcome:
  kind: account
  `+with+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return proc
}

// asking is a case as an approval hands it over; pairs replace its usual answers.
func (k *kit) asking(pairs ...string) portal.Grant {
	answers := portal.Answers{
		"person": {"Ana Maria Exemplo da Silva"}, "mail": {"ana@exemplo.pt"}, "phone": {"+351912345678"}, "number": {"590000012"},
		"called": {"Nome Escrito à Mão"}, "job": {"t"}, "wanted": {"orders"},
	}
	for i := 0; i < len(pairs); i += 2 {
		if answers[pairs[i]] = []string{pairs[i+1]}; pairs[i+1] == "" {
			delete(answers, pairs[i])
		}
	}
	return portal.Grant{Portal: k.p, Procedure: k.p.Procedures[0], Case: db.NewID(), Number: "ONE/2026/000001", Answers: answers, Lang: i18n.PT, Author: "Rui Exemplo"}
}

func decider() actor.Actor {
	return actor.Actor{Kind: actor.Officer, Portal: office, Person: "p9", Account: "a9", Session: "s9", Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode}
}

func (k *kit) admit(g portal.Grant) error {
	outcome := &Access{Accounts: k.Accounts}
	return k.d.InTx(k.t.Context(), func(tx *db.Tx) error { return outcome.Grant(k.t.Context(), tx, decider(), g) })
}

func (k *kit) look(look func(tx *db.Tx) error) {
	k.t.Helper()
	if err := k.d.Look(k.t.Context(), look); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kit) deed(deed func(tx *db.Tx) error) {
	k.t.Helper()
	if err := k.d.InTx(k.t.Context(), deed); err != nil {
		k.t.Fatal(err)
	}
}

// at finds the account of an address on one side of the desk; the zero account if there is none.
func (k *kit) at(address string, kind Kind) (found Account) {
	k.t.Helper()
	k.look(func(tx *db.Tx) error {
		all, err := k.ByAddress(k.t.Context(), tx, office, address)
		for _, one := range all {
			if one.Kind == kind {
				found = one
			}
		}
		return err
	})
	return found
}

func (k *kit) known(one Account) (known Known) {
	k.t.Helper()
	k.look(func(tx *db.Tx) (err error) {
		known, err = k.Known(k.t.Context(), tx, office, one.Person, one.ID)
		return err
	})
	return known
}

func (k *kit) same(person actor.PersonID, address, mark string) (same bool) {
	k.t.Helper()
	k.look(func(tx *db.Tx) (err error) {
		same, err = k.IsSame(k.t.Context(), tx, office, person, address, mark)
		return err
	})
	return same
}

// entries counts what the record says of a verb.
func (k *kit) entries(verb string) (n int) {
	k.t.Helper()
	k.look(func(tx *db.Tx) error {
		all, err := audit.Entries(k.t.Context(), tx, audit.Filter{Portal: office, Verb: verb})
		n = len(all)
		return err
	})
	return n
}

func (k *kit) enters(one Account) {
	k.t.Helper()
	k.deed(func(tx *db.Tx) error {
		if err := k.Prove(k.t.Context(), tx, one.ID); err != nil {
			return err
		}
		return k.Activate(k.t.Context(), tx, actor.Nobody(office), one)
	})
}

func refused(t *testing.T, err error, kind fault.Kind, key string) {
	t.Helper()
	e, ok := fault.As(err)
	if !ok || e.Kind != kind || e.Key != key {
		t.Errorf("got %v, want %s %s", err, kind, key)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
