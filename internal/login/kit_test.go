package login

import (
	"context"
	"sync"
	"testing"
	"time"

	"chancela/internal/account"
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

// post keeps the letters of deeds that were committed, and makes their links as package letter does.
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

const (
	office = "one"
	ana    = "ana@exemplo.pt"
	rui    = "rui@exemplo.pt"
	good   = "quatro gaivotas comem torradas" // no words of anybody's name, and few would try it
	better = "sete lanternas dormem na colina"
	home   = "192.0.2.0/24"
	abroad = "198.51.100.0/24"
	agent  = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

type kit struct {
	*Service
	t        *testing.T
	d        *db.DB
	clock    *clock
	post     *post
	p        *portal.Portal
	accounts *account.Accounts
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
	links, counters := link.New(link.Key{1}), throttle.New(throttle.Key{2})
	k := &kit{t: t, d: d, clock: c, post: &post{links: links}, p: desk(t)}
	set := &portal.Set{Portals: []*portal.Portal{k.p, {Name: "two"}}}
	k.accounts = account.New(account.Config{DB: d, Portals: set, Letters: k.post, Links: links, Vault: v, Throttle: counters})
	k.Service = New(Config{DB: d, Portals: set, Accounts: k.accounts, Letters: k.post, Links: links, Throttle: counters, Vault: v, RecoveryPage: "recuperar"})
	return k
}

func desk(t *testing.T) *portal.Portal {
	t.Helper()
	proc, err := portal.ParseProcedure(office, "v1", []byte(`
key: access
title: {pt: Acesso, en: Access}
name: {pt: pedido, en: request}
for: visitor
steps:
  - title: {pt: Dados, en: Data}
    fields:
      - {key: person, label: {pt: Nome, en: Name}, kind: name, role: applicant-name}
      - {key: mail, label: {pt: Endereço, en: Address}, kind: email, role: address}
      - {key: phone, label: {pt: Telefone, en: Telephone}, kind: phone, role: telephone}
      - {key: number, label: {pt: NIPC, en: NIPC}, kind: nipc, role: body-number}
      - {key: called, label: {pt: Denominação, en: Name}, kind: text, role: body-name}
outcome:
  kind: account
  with:
    powers: [orders]
`))
	if err != nil {
		t.Fatal(err)
	}
	return &portal.Portal{
		Name: office, Title: i18n.Text{PT: "Portal de Ensaio", EN: "Rehearsal portal"}, Body: portal.Body{Short: "ENSAIO"},
		Powers: []portal.Power{{Key: "orders"}}, Procedures: []*portal.Procedure{proc},
		Mails: portal.Mails{SMS: map[string]portal.SMS{"S01": {On: portal.AccountCode, Text: i18n.Text{PT: "Codigo: {code}.", EN: "Code: {code}."}}}},
	}
}

// admitted lets an applicant in and gives the secret of the invitation.
func (k *kit) admitted(address, phone string) string {
	k.t.Helper()
	g := portal.Grant{Portal: k.p, Procedure: k.p.Procedures[0], Case: db.NewID(), Number: "ONE/2026/000001", Lang: i18n.PT, Answers: portal.Answers{
		"person": {"Ana Exemplo Figueira"}, "mail": {address}, "phone": {phone}, "number": {"590000012"}, "called": {"Cooperativa Exemplo, CRL"},
	}}
	outcome := &account.Access{Accounts: k.accounts}
	k.deed(func(tx *db.Tx) error {
		return outcome.Grant(k.t.Context(), tx, actor.Actor{Kind: actor.Officer, Portal: office, Person: "p9"}, g)
	})
	return k.secretOf(portal.AccountInvited)
}

// invitedOfficer invites an officer and gives the secret of the invitation.
func (k *kit) invitedOfficer(address string, roles ...actor.Role) string {
	k.t.Helper()
	_, err := k.accounts.InviteOfficer(k.t.Context(), actor.Machine(office), account.Invite{Portal: office, Email: address, Name: "Rui Exemplo Marques", Roles: roles})
	must(k.t, err)
	return k.secretOf(portal.OfficerInvited)
}

// secretOf gives the secret of the last letter's link.
func (k *kit) secretOf(event portal.Event) string {
	k.t.Helper()
	letters := k.post.of(event)
	if len(letters) == 0 {
		k.t.Fatalf("no letter on %s", event)
	}
	secret, err := k.links.Reveal(k.t.Context(), k.d, letters[len(letters)-1].Made)
	must(k.t, err)
	return secret
}

// digits gives the code that was sent last.
func (k *kit) digits() string {
	k.t.Helper()
	letters := k.post.of(portal.AccountCode)
	if len(letters) == 0 {
		k.t.Fatal("no code was sent")
	}
	code, err := k.links.RevealCode(k.t.Context(), k.d, letters[len(letters)-1].Code)
	must(k.t, err)
	return code
}

func from(network string) actor.Actor {
	by := actor.Nobody(office)
	by.Address = network
	return by
}

// applicant is somebody with a password who never came in.
func (k *kit) applicant() account.Account {
	k.t.Helper()
	must(k.t, k.DefinePassword(k.t.Context(), from(home), link.Invitation, k.admitted(ana, "+351912345678"), good))
	return k.at(ana, account.Applicant)
}

func (k *kit) officer(address string, roles ...actor.Role) account.Account {
	k.t.Helper()
	must(k.t, k.DefinePassword(k.t.Context(), from(home), link.OfficerInvitation, k.invitedOfficer(address, roles...), better))
	return k.at(address, account.Officer)
}

func (k *kit) at(address string, kind account.Kind) (found account.Account) {
	k.t.Helper()
	must(k.t, k.d.Look(k.t.Context(), func(tx *db.Tx) error {
		all, err := k.accounts.ByAddress(k.t.Context(), tx, office, address)
		for _, one := range all {
			if one.Kind == kind {
				found = one
			}
		}
		return err
	}))
	return found
}

// enter signs in whole.
func (k *kit) enter(user, password string) Entered {
	k.t.Helper()
	c, err := k.Enter(k.t.Context(), from(home), user, password)
	must(k.t, err)
	_, err = k.SendCode(k.t.Context(), from(home), c.Secret, ByMail)
	must(k.t, err)
	in, err := k.Confirm(k.t.Context(), from(home), c.Secret, k.digits(), agent)
	must(k.t, err)
	return in
}

func (k *kit) inside(in Entered) actor.Actor {
	k.t.Helper()
	by, _, err := k.Session(k.t.Context(), in.Secret)
	must(k.t, err)
	return by
}

func (k *kit) deed(deed func(tx *db.Tx) error) {
	k.t.Helper()
	must(k.t, k.d.InTx(k.t.Context(), deed))
}

func (k *kit) entries(verb string) (n int) {
	k.t.Helper()
	must(k.t, k.d.Look(k.t.Context(), func(tx *db.Tx) error {
		all, err := audit.Entries(k.t.Context(), tx, audit.Filter{Portal: office, Verb: verb, Limit: 200})
		n = len(all)
		return err
	}))
	return n
}

func (k *kit) count(query string) (n int64) {
	k.t.Helper()
	must(k.t, k.d.Look(k.t.Context(), func(tx *db.Tx) error { return tx.Row(k.t.Context(), query).Scan(&n) }))
	return n
}

func refused(t *testing.T, err error, kind fault.Kind, key string) {
	t.Helper()
	e, ok := fault.As(err)
	if !ok || e.Kind != kind || e.Key != key {
		t.Errorf("got %v, want %s %s", err, kind, key)
	}
}

func problem(t *testing.T, err error, key string) {
	t.Helper()
	e, ok := fault.As(err)
	if !ok || len(e.Fields) != 1 || e.Fields[0].Key != key {
		t.Errorf("got %v, want %s", err, key)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
