package casefile

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/blob"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/notify"
	"chancela/internal/portal"
	jobs "chancela/internal/queue"
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

// made is an outcome that keeps what it was granted. It proposes a digest when it is given one, and problems.
type made struct {
	mu       sync.Mutex
	granted  []portal.Grant
	digest   string
	problems []string
}

func (m *made) Check(*portal.Portal, *portal.Procedure) portal.Mistakes { return nil }

func (m *made) Propose(context.Context, *db.Tx, portal.Grant) (portal.Proposal, error) {
	return portal.Proposal{Digest: m.digest, Problems: m.problems}, nil
}

func (m *made) Grant(_ context.Context, tx *db.Tx, _ actor.Actor, g portal.Grant) error {
	tx.After(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.granted = append(m.granted, g)
	})
	return nil
}

const office = "one" // the portal of these tests; another, the same but for its name, must never see its cases

type kit struct {
	*Service
	t        *testing.T
	ctx      context.Context
	d        *db.DB
	clock    *clock
	links    *link.Links
	accounts *account.Accounts
	queue    *jobs.Queue
	outbox   *notify.Outbox
	left     chan struct{} // a mail left
	made     *made
	portal   *portal.Portal
}

// begin is a Monday, with no holiday in the weeks after.
var begin = time.Date(2026, 7, 6, 9, 0, 0, 0, time.UTC)

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	eachOf(t, []string{office, "two"}, desk(), test)
}

func eachOf(t *testing.T, names []string, dir fs.FS, test func(t *testing.T, k *kit)) {
	t.Helper()
	c := &clock{now: begin}
	dbtest.EachAt(t, c.time, func(t *testing.T, d *db.DB) {
		c.pass(begin.Sub(c.time())) // the engine before may have moved it
		test(t, opened(t, d, c, names, dir))
	})
}

// sender puts mail in the outbox and says that it did.
type sender struct {
	*notify.Outbox
	left chan struct{}
}

func (s sender) SendMail(ctx context.Context, l notify.Letter) error {
	err := s.Outbox.SendMail(ctx, l)
	s.left <- struct{}{}
	return err
}

func opened(t *testing.T, d *db.DB, c *clock, names []string, dir fs.FS) *kit {
	t.Helper()
	k := &kit{t: t, ctx: t.Context(), d: d, clock: c, links: link.New(link.Key{1}), made: &made{}, left: make(chan struct{}, 1000)}
	access := &account.Access{}
	outcomes := portal.Outcomes{"account": access, "made": k.made, "certificate": k.made, "mandate": k.made, "credential": k.made, "record": k.made}
	set := &portal.Set{}
	for _, name := range names {
		p, err := portal.Load(name, dir, outcomes)
		must(t, err)
		set.Portals = append(set.Portals, p)
	}
	k.portal = set.Portals[0]
	v, err := vault.New(make([]byte, vault.KeySize))
	must(t, err)
	counters := throttle.New(throttle.Key{2})
	key, err := age.GenerateX25519Identity()
	must(t, err)
	store, err := blob.OpenDir(filepath.Join(t.TempDir(), "blobs"), key)
	must(t, err)
	docs, err := evidence.New(d, evidence.Config{Store: store, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	letters := k.post(d)
	k.accounts = account.New(account.Config{DB: d, Portals: set, Letters: letters, Links: k.links, Vault: v, Throttle: counters})
	access.Accounts = k.accounts
	must(t, k.accounts.ImportRegisters(t.Context()))
	k.Service = New(Config{DB: d, Portals: set, Outcomes: outcomes, Accounts: k.accounts, Evidence: docs, Letters: letters, Links: k.links, Vault: v, Counters: counters})
	must(t, k.Remember(t.Context()))
	return k
}

// post is the real way of a letter: written, queued, and put in the outbox by the queue once a test starts it.
func (k *kit) post(d *db.DB) *letter.Letters {
	k.t.Helper()
	var err error
	k.outbox, err = notify.OpenOutbox(k.t.TempDir(), notify.From{Address: "portal@exemplo.pt", Origins: []string{"https://portal.exemplo.pt"}})
	must(k.t, err)
	k.queue, err = jobs.New(d, jobs.Config{Poll: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	must(k.t, err)
	must(k.t, k.queue.Migrate(k.t.Context()))
	service, err := notify.New(d, k.queue, notify.Config{Mail: sender{k.outbox, k.left}, SMS: k.outbox, Reveal: letter.Reveal(k.links, d), MarkKey: []byte("key of a test")})
	must(k.t, err)
	return letter.New(letter.Config{Links: k.links, Notify: service, Base: "https://portal.exemplo.pt", Paths: map[link.Kind]string{
		link.Proof: "confirmar", link.Draft: "rascunho", link.Follow: "acompanhar", link.Invitation: "definir", link.OfficerInvitation: "definir",
	}})
}

// delivered runs the queue until so many mails have left, and gives them, oldest first.
func (k *kit) delivered(n int) []notify.Received {
	k.t.Helper()
	must(k.t, k.queue.Start(k.ctx))
	k.t.Cleanup(func() { _ = k.queue.Stop(context.Background()) })
	for range n {
		select {
		case <-k.left:
		case <-time.After(30 * time.Second):
			k.t.Fatal("a mail did not leave")
		}
	}
	all, err := k.outbox.Letters(1000)
	must(k.t, err)
	slices.Reverse(all)
	return all
}

// told lists the events that mails about a case are of, in the order in which they were queued.
func (k *kit) told(id ID) (events []string) {
	k.t.Helper()
	k.look(func(tx *db.Tx) error {
		all, err := notify.OfCase(k.ctx, tx, "case/"+string(id))
		for _, one := range all {
			events = append(events, one.Kind)
		}
		slices.Sort(events)
		return err
	})
	return events
}

func (k *kit) look(look func(tx *db.Tx) error) {
	k.t.Helper()
	must(k.t, k.d.Look(k.ctx, look))
}

func (k *kit) deed(deed func(tx *db.Tx) error) {
	k.t.Helper()
	must(k.t, k.d.InTx(k.ctx, deed))
}

// text reads one text from the database.
func (k *kit) text(query string, args ...any) (value string) {
	k.t.Helper()
	k.look(func(tx *db.Tx) error { return tx.Row(k.ctx, query, args...).Scan(&value) })
	return value
}

func (k *kit) count(query string, args ...any) (n int) {
	k.t.Helper()
	k.look(func(tx *db.Tx) error { return tx.Row(k.ctx, query, args...).Scan(&n) })
	return n
}

func (k *kit) get(id ID) (c *Case) {
	k.t.Helper()
	k.look(func(tx *db.Tx) (err error) {
		c, err = k.find(k.ctx, tx, id)
		return err
	})
	return c
}

// secrets are those of the open links of a kind about a case, oldest first.
func (k *kit) secrets(kind link.Kind, subject string) (all []string) {
	k.t.Helper()
	var refs []link.Ref
	k.look(func(tx *db.Tx) (err error) {
		refs, err = db.Collect(k.ctx, tx, func(scan func(...any) error) (link.Ref, error) {
			var ref link.Ref
			return ref, scan(&ref)
		}, `SELECT ref FROM link WHERE kind = $1 AND subject LIKE $2 AND state = 'open' ORDER BY made`, string(kind), subject+"%")
		return err
	})
	for _, ref := range refs {
		secret, err := k.links.Reveal(k.ctx, k.d, ref)
		must(k.t, err)
		all = append(all, secret)
	}
	return all
}

// visitor is somebody who follows a link of the case.
func visitor(id ID) actor.Actor {
	return actor.Actor{Kind: actor.Visitor, Portal: office, Case: string(id), Strength: actor.ByLink, Address: "192.0.2.0/24"}
}

func (k *kit) officer(address string, roles ...actor.Role) actor.Actor {
	k.t.Helper()
	return k.officerIn(office, address, roles...)
}

func (k *kit) officerIn(in, address string, roles ...actor.Role) actor.Actor {
	k.t.Helper()
	_, err := k.accounts.InviteOfficer(k.ctx, actor.Machine(in), account.Invite{Portal: in, Email: address, Name: "Técnica de Exemplo", Roles: roles})
	must(k.t, err)
	one := k.account(in, address, account.Officer)
	k.deed(func(tx *db.Tx) error {
		if err := k.accounts.Prove(k.ctx, tx, one.ID); err != nil {
			return err
		}
		return k.accounts.Activate(k.ctx, tx, actor.Nobody(in), one)
	})
	one = k.account(in, address, account.Officer)
	return actor.Actor{Kind: actor.Officer, Portal: in, Person: one.Person, Account: one.ID, Session: "s-" + string(one.ID), Roles: roles, Strength: actor.ByCode}
}

func (k *kit) account(in, address string, kind account.Kind) (found account.Account) {
	k.t.Helper()
	k.look(func(tx *db.Tx) error {
		all, err := k.accounts.ByAddress(k.ctx, tx, in, address)
		for _, one := range all {
			if one.Kind == kind {
				found = one
			}
		}
		return err
	})
	if found.ID == "" {
		k.t.Fatalf("no account at %s", address)
	}
	return found
}

// answered are answers to the access form; pairs replace or add.
func answered(pairs ...string) portal.Answers {
	a := portal.Answers{
		"who": {"Ana Exemplo da Silva"}, "mail": {"ana@exemplo.pt"}, "number": {"590000012"}, "called": {"Município de Exemplo"},
	}
	for i := 0; i < len(pairs); i += 2 {
		if a[pairs[i]] = []string{pairs[i+1]}; pairs[i+1] == "" {
			delete(a, pairs[i])
		}
	}
	return a
}

// drafted is a visitor's draft with these answers.
func (k *kit) drafted(pairs ...string) ID {
	k.t.Helper()
	id, _, err := k.Begin(k.ctx, actor.Nobody(office), "access", i18n.PT)
	must(k.t, err)
	must(k.t, k.Save(k.ctx, visitor(id), id, answered(pairs...)))
	return id
}

func (k *kit) submitted(pairs ...string) ID {
	k.t.Helper()
	id := k.drafted(pairs...)
	must(k.t, k.Submit(k.ctx, visitor(id), id))
	return id
}

func (k *kit) proven(pairs ...string) ID {
	k.t.Helper()
	id := k.submitted(pairs...)
	k.proves(id)
	return id
}

func (k *kit) proves(id ID) {
	k.t.Helper()
	all := k.secrets(link.Proof, string(id))
	if len(all) != 1 {
		k.t.Fatalf("%d links to prove the address", len(all))
	}
	_, err := k.Prove(k.ctx, actor.Nobody(office), all[0])
	must(k.t, err)
}

func (k *kit) inReview(by actor.Actor, pairs ...string) ID {
	k.t.Helper()
	id := k.proven(pairs...)
	must(k.t, k.Take(k.ctx, by, id))
	return id
}

// person lets an applicant in by a case of their own, as far as they can be signed in.
func (k *kit) person(by actor.Actor, pairs ...string) actor.Actor {
	k.t.Helper()
	id := k.inReview(by, pairs...)
	must(k.t, k.Approve(k.ctx, by, id, k.get(id).Revision))
	one := k.account(office, k.get(id).Address, account.Applicant)
	k.deed(func(tx *db.Tx) error { return k.accounts.Activate(k.ctx, tx, actor.Nobody(office), one) })
	return actor.Actor{Kind: actor.Person, Portal: office, Person: one.Person, Account: one.ID, Session: "s1", Strength: actor.ByCode}
}

// filed is a signed-in person's case.
func (k *kit) filed(by actor.Actor, procedure string, pairs ...string) ID {
	k.t.Helper()
	id, _, err := k.Begin(k.ctx, by, procedure, i18n.PT)
	must(k.t, err)
	typed := portal.Answers{}
	for i := 0; i < len(pairs); i += 2 {
		typed[pairs[i]] = []string{pairs[i+1]}
	}
	must(k.t, k.Save(k.ctx, by, id, typed))
	must(k.t, k.Submit(k.ctx, by, id))
	return id
}

// entries counts what the record says of a verb about a case.
func (k *kit) entries(verb string, id ID) (n int) {
	k.t.Helper()
	k.look(func(tx *db.Tx) error {
		all, err := audit.Entries(k.ctx, tx, audit.Filter{Portal: office, Verb: verb, Object: "case/" + string(id)})
		n = len(all)
		return err
	})
	return n
}

// pdf is a document that the check admits; each text makes another one.
func pdf(text string) *strings.Reader {
	body := "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>\nendobj\n"
	body += "% " + text + "\n"
	at := len(body)
	body += "xref\n0 4\n0000000000 65535 f \n"
	for i := 1; i < 4; i++ {
		body += fmt.Sprintf("%010d 00000 n \n", strings.Index(body, fmt.Sprintf("%d 0 obj", i)))
	}
	return strings.NewReader(body + fmt.Sprintf("trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", at))
}

func (k *kit) attach(by actor.Actor, id ID, slot, text string) error {
	_, err := k.Attach(k.ctx, by, id, evidence.Upload{Slot: slot, Name: text + ".pdf", Reader: pdf(text)})
	return err
}

func (k *kit) documents(id ID) (docs []evidence.Doc) {
	k.t.Helper()
	k.look(func(tx *db.Tx) (err error) {
		docs, err = evidence.Of(k.ctx, tx, string(id))
		return err
	})
	return docs
}

// untouched runs a deed that must be refused, and finds that it wrote nothing of the case, its history, the record or
// the post.
func (k *kit) untouched(id ID, kind fault.Kind, key string, deed func() error) {
	k.t.Helper()
	before := k.snapshot(id)
	refused(k.t, deed(), kind, key)
	if after := k.snapshot(id); after != before {
		k.t.Errorf("something was written:\n%s\n%s", before, after)
	}
}

func (k *kit) snapshot(id ID) string {
	k.t.Helper()
	c := k.get(id)
	one := fmt.Sprint(c.Version, c.State, c.Number, c.Revision, c.TakenBy, c.Director, c.DueAt, c.AnswerBy, c.documents, c.reminded, len(c.Answers))
	for _, table := range []string{"case_event", "case_request", "decision", "audit_entry", "delivery", "link", "case_term", "account"} {
		one += fmt.Sprintf(" %s %d", table, k.count("SELECT count(*) FROM "+table))
	}
	return one
}

// atOnce runs deeds at the same time and gives their errors.
func atOnce(deeds ...func() error) []error {
	errs := make([]error, len(deeds))
	var wait sync.WaitGroup
	for i, deed := range deeds {
		wait.Go(func() { errs[i] = deed() })
	}
	wait.Wait()
	return errs
}

func refused(t *testing.T, err error, kind fault.Kind, key string) {
	t.Helper()
	e, ok := fault.As(err)
	if !ok || e.Kind != kind {
		t.Errorf("got %v, want %s %s", err, kind, key)
		return
	}
	if e.Key == key {
		return
	}
	for _, f := range e.Fields {
		if f.Key == key || f.Name+" "+f.Key == key {
			return
		}
	}
	t.Errorf("got %s %v, want %s", e.Key, e.Fields, key)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// oneWon says that of deeds done at once one succeeded and every other was refused with Conflict.
func oneWon(t *testing.T, errs []error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d succeeded: %v", won, len(errs), errs)
	}
}
