package ca_test

import (
	"context"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// Each test has an instance of its own: a database of each engine, a folder of keys, the hierarchy of an evaluation.

var machine = actor.Machine("")

func plan() ca.Plan {
	return ca.Plan{
		Root:    ca.AuthorityPlan{Name: "raiz-teste", Organization: "Sistema de Exemplo", CommonName: "Raiz de Exemplo TESTE", Responder: "OCSP da Raiz TESTE"},
		Issuing: ca.AuthorityPlan{Name: "emissora-teste", Organization: "Sistema de Exemplo", Unit: "EC de Exemplo", CommonName: "Emissora de Exemplo TESTE", Responder: "OCSP da Emissora TESTE"},
		Seals:   []ca.SealPlan{{Portal: "exemplo", Body: "Entidade de Exemplo", NIPC: "590000004", CommonName: "Selo da Entidade de Exemplo"}},
		Unit:    ca.UnitPlan{Name: "tsu-teste", Organization: "Sistema de Exemplo", NIPC: "590000004", CommonName: "TSU TESTE"},
		Minutes: "Ensaio.",
	}
}

// clock is a test's own time, which it moves.
type clock struct {
	mu     sync.Mutex
	at     time.Time
	passed time.Duration
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
	c.passed += d
}

// jump sets the clock by so much, and no time passes.
func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// monotonic is the time that passed, whatever the clock was set to.
func (c *clock) monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

type instance struct {
	*ca.CA
	db    *db.DB
	clock *clock
	keys  ca.Keys
	crash func(point string)
	// published is a folder outside the database; "" for none.
	published string
	// listSize is how many certificates a list is for; 0 for all.
	listSize int
	// sealBy is how many people approve what the seal seals; 0 is one.
	sealBy int
	// reference is what the system's time service says; nil for no such service.
	reference func() (time.Duration, error)
}

// each runs a test on both engines, with a founded hierarchy.
func each(t *testing.T, test func(t *testing.T, i *instance)) {
	t.Helper()
	c := &clock{at: time.Now().Truncate(time.Second)}
	dbtest.EachAt(t, c.now, func(t *testing.T, d *db.DB) {
		i := &instance{db: d, clock: c, keys: catest.NewKeys()}
		i.start(t)
		if err := i.Found(t.Context(), machine, plan()); err != nil {
			t.Fatal(err)
		}
		test(t, i)
	})
}

// start opens the room as a process does when it starts.
func (i *instance) start(t *testing.T) {
	t.Helper()
	var err error
	i.CA, err = ca.New(ca.Config{
		SealApprovals: map[string]int{"exemplo": i.sealBy},
		DB:            i.db, Keys: i.keys, Base: "http://localhost:8080/pki", Replica: "one", Monotonic: i.clock.monotonic, Reference: i.reference, ListSize: i.listSize, Published: i.published,
		Crash: func(point string) {
			if i.crash != nil {
				i.crash(point)
			}
		},
	})
	if err == nil {
		err = i.Load(t.Context())
	}
	if err == nil {
		err = i.Reconcile(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func keysIn(dir string) ca.Keys {
	return ca.FileKeys{Dir: dir, Passphrase: issuance.NewPassphrase([]byte("frase de ensaio sem segredo"), issuance.Cost{Time: 1, Memory: 8 << 10, Threads: 1})}
}

// website is an order of a website's certificate with a new key.
func website(t *testing.T) (issuance.Order, []byte) {
	t.Helper()
	key, err := issuance.GenerateKey(issuance.ECP256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := issuance.CheckKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return orderOf(t, issuance.Website, map[issuance.Attribute]string{
		issuance.Country: "PT", issuance.Organization: "Município de Exemplo", issuance.OrganizationIdentifier: issuance.BodyIdentifier("590000004"),
	}, []string{"www.exemplo.pt"}, public)
}

func orderOf(t *testing.T, profile string, values map[issuance.Attribute]string, dns []string, key issuance.Key) (issuance.Order, []byte) {
	t.Helper()
	p, err := issuance.ProfileOf(profile)
	if err != nil {
		t.Fatal(err)
	}
	subject, err := p.Name(values)
	if err != nil {
		t.Fatal(err)
	}
	o, err := p.Order(subject, dns, nil, key, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	der, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return o, der
}

func officer(person string, roles ...actor.Role) actor.Actor {
	return actor.Actor{Kind: actor.Officer, Portal: "exemplo", Person: actor.PersonID(person), Account: actor.AccountID("a-" + person), Roles: roles, Strength: actor.ByCode}
}

func digestOf(t *testing.T, o issuance.Order) string {
	t.Helper()
	d, err := o.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return string(d)
}

// approve has officers approve a subject on a case.
func (i *instance) approve(t *testing.T, caseID, subject string, people ...string) {
	t.Helper()
	for _, person := range people {
		err := i.db.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := decision.Record(t.Context(), tx, officer(person, actor.Decider), decision.Entry{
				Portal: "exemplo", Case: caseID, Revision: "r1", Subject: subject, Verdict: decision.Approve, Office: "Direção",
			})
			return err
		})
		if err != nil && !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
	}
}

// ordered is a website's order that two officers approved.
func (i *instance) ordered(t *testing.T, id string) ca.Request {
	t.Helper()
	o, der := website(t)
	i.approve(t, "case-"+id, digestOf(t, o), "ana", "rui")
	return ca.Request{ID: id, Portal: "exemplo", Case: "case-" + id, Order: der, Quorum: 2, Holder: "titular"}
}

func (i *instance) issue(t *testing.T, id string) ca.Certificate {
	t.Helper()
	c, err := i.Issue(t.Context(), actor.Machine("exemplo"), i.ordered(t, id))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (i *instance) find(t *testing.T, serial ca.Serial) (c ca.Certificate) {
	t.Helper()
	err := i.db.Look(t.Context(), func(tx *db.Tx) (err error) {
		c, err = i.BySerial(t.Context(), tx, serial)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// of lists a case's certificates.
func (i *instance) of(t *testing.T, caseID string) (all []ca.Certificate) {
	t.Helper()
	err := i.db.Look(t.Context(), func(tx *db.Tx) (err error) {
		all, err = i.OfCase(t.Context(), tx, caseID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// listed says whether a serial number is on an issuer's list, and the list's number.
func (i *instance) listed(t *testing.T, issuer string, serial ca.Serial) (bool, int64) {
	t.Helper()
	l, err := i.List(t.Context(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(l.DER)
	if err != nil {
		t.Fatal(err)
	}
	if list.Number.Int64() != l.Number {
		t.Fatalf("the list says number %s, the record %d", list.Number, l.Number)
	}
	for _, e := range list.RevokedCertificateEntries {
		if ca.SerialOf(e.SerialNumber) == serial {
			return true, l.Number
		}
	}
	return false, l.Number
}

func wantKey(t *testing.T, err error, kind fault.Kind, key string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Kind != kind || f.Key != key {
		t.Fatalf("got %v; want %s: %s", err, kind, key)
	}
}

// openssl runs the tool and gives what it says.
func openssl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "openssl", args...).CombinedOutput()
	return string(out), err
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// verify has openssl judge a certificate against the root, through the issuing authority.
func (i *instance) verify(t *testing.T, c ca.Certificate, more ...string) (string, error) {
	t.Helper()
	chain, err := i.ChainOf(c)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"verify", "-x509_strict", "-CAfile", file(t, "root.pem", issuance.PEM(chain[len(chain)-1])),
		"-untrusted", file(t, "chain.pem", issuance.PEM(chain...))}, more...)
	return openssl(t, append(args, file(t, "cert.pem", issuance.PEM(c.DER)))...)
}

func ok(said string, err error) bool { return err == nil && strings.Contains(said, ": OK") }
