// Package catest gives tests of the rooms above a founded hierarchy on each engine, and certificates of it.
//
// Everything in it is invented; the databases, keys and signatures are real.
package catest

import (
	"context"
	"crypto"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// Portal is the portal whose certificates these are.
const Portal = "exemplo"

// Root and Issuing are the authorities' names in addresses.
const Root, Issuing = "raiz-teste", "emissora-teste"

// Instance is a founded hierarchy with its database and its time.
type Instance struct {
	*ca.CA
	DB    *db.DB
	Clock *Clock
	Keys  *Keys
	crash func(point string)
}

// Clock is a test's own time, which only the test moves.
type Clock struct {
	mu     sync.Mutex
	at     time.Time
	passed time.Duration
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass lets time pass.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.passed += d
}

// Jump sets the clock by so much, and no time passes.
func (c *Clock) Jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Passed is the time that passed, whatever the clock was set to.
func (c *Clock) Passed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// Each runs a test once on each engine. base is the address that certificates carry; time begins now, since strangers'
// tools look at their own clock.
func Each(t *testing.T, base string, test func(t *testing.T, i *Instance)) {
	t.Helper()
	c := &Clock{}
	dbtest.EachAt(t, c.Now, func(t *testing.T, d *db.DB) { test(t, instance(t, base, d, c)) })
}

// One is an instance on SQLite alone, for tests that do not look at the database.
func One(t *testing.T, base string) *Instance {
	t.Helper()
	c := &Clock{at: time.Now()}
	return instance(t, base, dbtest.Open(t, dbtest.SQLite(t), c.Now), c)
}

func instance(t *testing.T, base string, d *db.DB, c *Clock) *Instance {
	t.Helper()
	c.at = time.Now()
	i := &Instance{DB: d, Clock: c, Keys: NewKeys()}
	var err error
	i.CA, err = ca.New(ca.Config{
		DB: d, Base: base, Replica: "one", Keys: i.Keys, Monotonic: c.Passed, SealApprovals: map[string]int{Portal: 1},
		Crash: func(point string) {
			if i.crash != nil {
				i.crash(point)
			}
		},
	})
	if err == nil {
		err = i.Found(t.Context(), actor.Machine(""), ca.Plan{
			Root:    ca.AuthorityPlan{Name: Root, Organization: "Sistema de Exemplo", CommonName: "Raiz TESTE", Responder: "OCSP da Raiz TESTE"},
			Issuing: ca.AuthorityPlan{Name: Issuing, Organization: "Sistema de Exemplo", CommonName: "Emissora TESTE", Responder: "OCSP da Emissora TESTE"},
			Unit:    ca.UnitPlan{Name: "tsu-teste", Organization: "Sistema de Exemplo", CommonName: "TSU TESTE"},
			Minutes: "Ensaio.",
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// Keys keeps keys in memory: they outlive an instance that is opened anew, and cost no passphrase.
type Keys struct {
	mu   sync.Mutex
	keys map[string]issuance.Signer
	// Away says that none of them can be reached.
	Away atomic.Bool
}

// signer is a key that may be away.
type signer struct {
	issuance.Signer
	keys *Keys
}

// Sign signs, or says that the key cannot be reached.
func (s signer) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if s.keys.Away.Load() {
		return nil, fault.New(fault.Unavailable, "ca.no-keys")
	}
	return s.Signer.Sign(random, digest, o)
}

// NewKeys makes an empty store.
func NewKeys() *Keys { return &Keys{keys: map[string]issuance.Signer{}} }

// Make makes the key of a name if there is none.
func (k *Keys) Make(_ context.Context, name string, a issuance.Algorithm) (issuance.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept, ok := k.keys[name]; ok {
		return kept, nil
	}
	key, err := issuance.GenerateKey(a)
	if err != nil {
		return nil, err
	}
	made, err := issuance.NewSigner(key)
	if err == nil {
		k.keys[name] = signer{made, k}
	}
	return k.keys[name], err
}

// Destroy takes the key of a name away.
func (k *Keys) Destroy(_ context.Context, name string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, there := k.keys[name]
	delete(k.keys, name)
	return there, nil
}

// Open gives the key of a name.
func (k *Keys) Open(_ context.Context, name string) (issuance.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept, ok := k.keys[name]; ok {
		return kept, nil
	}
	return nil, fs.ErrNotExist
}

// Officer is somebody who decides, of this portal.
func Officer(person string) actor.Actor {
	return actor.Actor{Kind: actor.Officer, Portal: Portal, Person: actor.PersonID(person), Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode}
}

// Website issues a website's certificate that two officers approved.
func (i *Instance) Website(t *testing.T, id string) ca.Certificate {
	t.Helper()
	c, err := i.Issue(t.Context(), actor.Machine(Portal), i.request(t, id))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (i *Instance) request(t *testing.T, id string) ca.Request {
	t.Helper()
	order, der := order(t)
	digest, err := order.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for _, person := range []string{"rui", "ivo"} {
		err := i.DB.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := decision.Record(t.Context(), tx, Officer(person), decision.Entry{
				Portal: Portal, Case: "case-" + id, Revision: "r1", Subject: string(digest), Verdict: decision.Approve,
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return ca.Request{ID: id, Portal: Portal, Case: "case-" + id, Order: der, Quorum: 2, Holder: "ana"}
}

func order(t *testing.T) (issuance.Order, []byte) {
	t.Helper()
	key, err := issuance.GenerateKey(issuance.ECP256)
	if err != nil {
		t.Fatal(err)
	}
	public, err := issuance.CheckKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	profile, err := issuance.ProfileOf(issuance.Website)
	if err != nil {
		t.Fatal(err)
	}
	subject, err := profile.Name(map[issuance.Attribute]string{
		issuance.Country: "PT", issuance.Organization: "Município de Exemplo", issuance.OrganizationIdentifier: issuance.BodyIdentifier("590000004"),
	})
	if err != nil {
		t.Fatal(err)
	}
	o, err := profile.Order(subject, []string{"www.exemplo.pt"}, nil, public, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	der, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return o, der
}

// End revokes a certificate.
func (i *Instance) End(t *testing.T, c ca.Certificate, reason issuance.Reason) {
	t.Helper()
	if err := i.Revoke(t.Context(), Officer("rui"), ca.Revocation{Serial: c.Serial, Reason: reason}); err != nil {
		t.Fatal(err)
	}
}

// Intend leaves an intent without a certificate behind, as a crash does, and gives its serial number.
func (i *Instance) Intend(t *testing.T, id string) ca.Serial {
	t.Helper()
	r := i.request(t, id)
	i.crash = func(point string) {
		if point == "ca.intent" {
			panic(point)
		}
	}
	func() {
		defer func() { i.crash = nil; _ = recover() }()
		_, _ = i.Issue(t.Context(), actor.Machine(Portal), r)
	}()
	var left []ca.Certificate
	err := i.DB.Look(t.Context(), func(tx *db.Tx) (err error) {
		left, err = i.OfCase(t.Context(), tx, r.Case)
		return err
	})
	if err != nil || len(left) != 1 || left[0].State != ca.Intended {
		t.Fatalf("%+v: %v", left, err)
	}
	return left[0].Serial
}

// File writes certificates as PEM to a file of their own, for strangers' tools.
func File(t *testing.T, certificates ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.pem")
	if err := os.WriteFile(path, issuance.PEM(certificates...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Chain gives the certificates above one, its issuer first.
func (i *Instance) Chain(t *testing.T, c ca.Certificate) [][]byte {
	t.Helper()
	chain, err := i.ChainOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}
