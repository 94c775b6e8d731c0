// Package accept_test has strangers' programs judge what the certification authority issues: openssl, GnuTLS, Go's
// library, Java's PKIX, NSS, Chromium and poppler, each with the trust store that it is given, against status that is
// served over HTTP. Each certificate that must pass has siblings that must not: revoked, expired, under another root.
//
// It holds only while all profiles of the program are issued here: a new one without a place in this kit fails.
package accept_test

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	"chancela/internal/pkihttp"
	"chancela/internal/portal"
	"chancela/internal/status"
	"chancela/internal/throttle"
)

// age is how long before this moment the hierarchy was founded, so that certificates of its first days have expired.
const age = 40 * 24 * time.Hour

// states of a holder's certificate; own certificates are valid only.
const (
	valid   = "valid"
	revoked = "revoked"
	expired = "expired"
)

// subject is a certificate that shall be judged.
type subject struct {
	profile string
	state   string
	pem     string // its file
	bundle  string // it, then the authorities above it, without the root
	der     []byte
	key     issuance.Signer // nil for our own
	device  bool            // of a profile that is for keys in a device: nobody's record has it, and nobody answers for it
}

// name is how tools and messages call it.
func (s subject) name() string { return s.profile + "-" + s.state }

// world is one hierarchy, served over HTTP, with certificates of every profile and state.
type world struct {
	*ca.CA
	db       *db.DB
	base     string
	dir      string
	root     string // files
	issuing  string
	chain    string
	other    string // a root that has nothing to do with it
	keys     *catest.Keys
	subjects []subject
}

// of finds a certificate.
func (w *world) of(t *testing.T, profile, state string) subject {
	t.Helper()
	i := slices.IndexFunc(w.subjects, func(s subject) bool { return s.profile == profile && s.state == state })
	if i < 0 {
		t.Fatalf("no %s certificate of %s", state, profile)
	}
	return w.subjects[i]
}

// in lists the certificates in a state.
func (w *world) in(state string) []subject {
	return slices.DeleteFunc(slices.Clone(w.subjects), func(s subject) bool { return s.state != state })
}

// clock is the time of the authority, which the kit moves.
type clock struct {
	mu   sync.Mutex
	back time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(-c.back)
}

func (c *clock) set(back time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.back = back
}

// newWorld founds a hierarchy in the past, lets certificates of every profile expire, and comes back to the present.
// The judges run the same on either engine, so it is one.
func newWorld(t *testing.T) *world {
	t.Helper()
	var handler http.Handler
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	w := &world{base: "http://" + listener.Addr().String(), dir: t.TempDir()}
	c := &clock{back: age}
	w.db = dbtest.Open(t, dbtest.SQLite(t), c.now)
	w.keys = catest.NewKeys()
	w.CA = must(ca.New(ca.Config{DB: w.db, Keys: w.keys, Base: w.base + "/pki", CPS: w.base + "/pki/politica", Replica: "one"}))(t)
	if err := w.Found(t.Context(), actor.Machine(""), plan()); err != nil {
		t.Fatal(err)
	}
	handler = pkihttp.New(status.New(status.Config{DB: w.db, CA: w.CA, Portals: &portal.Set{}, Throttle: throttle.New(throttle.Key{1}), Stamps: true}))
	w.layOut(t)
	for _, p := range holders(t) {
		w.issue(t, p, expired, c.now().AddDate(0, 0, 1))
	}
	c.set(0)
	if err := w.Work(t.Context()); err != nil { // new lists
		t.Fatal(err)
	}
	for _, p := range holders(t) {
		w.issue(t, p, valid, time.Time{})
		if !issuance.NeedsDevice(p.Key) {
			w.end(t, w.issue(t, p, revoked, time.Time{}))
		}
	}
	w.own(t)
	return w
}

func plan() ca.Plan {
	return ca.Plan{
		Root:    ca.AuthorityPlan{Name: "raiz-teste", Organization: "Sistema de Exemplo", CommonName: "Raiz TESTE", Responder: "OCSP da Raiz TESTE"},
		Issuing: ca.AuthorityPlan{Name: "emissora-teste", Organization: "Sistema de Exemplo", CommonName: "Emissora TESTE", Responder: "OCSP da Emissora TESTE"},
		Unit:    ca.UnitPlan{Name: "tsu-teste", Organization: "Sistema de Exemplo", NIPC: "590000004", CommonName: "TSU TESTE"},
		Minutes: "Ensaio.",
	}
}

// holders are the profiles that are issued to others, in the version in force.
func holders(t *testing.T) (all []issuance.Profile) {
	t.Helper()
	own := []string{issuance.RootCA, issuance.IssuingCA, issuance.OCSPResponder, issuance.TimeStamping}
	seen := map[string]bool{}
	for _, p := range issuance.Profiles() {
		if !seen[p.Key] && !slices.Contains(own, p.Key) && !p.Authority {
			all = append(all, must(issuance.ProfileOf(p.Key))(t))
		}
		seen[p.Key] = true
	}
	return all
}

// values are what any subject may hold; a profile takes what it has a place for.
func values(p issuance.Profile) map[issuance.Attribute]string {
	all := map[issuance.Attribute]string{
		issuance.Country: "PT", issuance.Organization: "Município de Exemplo", issuance.OrganizationIdentifier: issuance.BodyIdentifier("590000004"),
		issuance.Unit: "Direção de Serviços n.º 1", issuance.Locality: "Vila de Exemplo", issuance.Title: "Chefe de Divisão",
		issuance.Surname: "d’Exemplo Conceição", issuance.GivenName: "Inventada", issuance.SerialNumber: "IDCPT-00000000",
		issuance.CommonName: "Inventada d’Exemplo Conceição",
	}
	mine := map[issuance.Attribute]string{}
	for _, rule := range p.Subject {
		mine[rule.Type] = all[rule.Type]
	}
	return mine
}

// host is the name of every website here.
const host = "www.exemplo.pt"

// issue goes the way of every certificate: two officers approve, one proves who somebody is, the authority issues.
func (w *world) issue(t *testing.T, p issuance.Profile, state string, until time.Time) ca.Certificate {
	t.Helper()
	key := must(issuance.GenerateKey(issuance.ECP256))(t)
	signer := must(issuance.NewSigner(key))(t)
	public := must(issuance.CheckKey(key.Public()))(t)
	var dns, emails []string
	if p.DNS == issuance.Required {
		dns = []string{host}
	}
	if p.Email != issuance.Absent {
		emails = []string{"inventada@exemplo.pt"}
	}
	order := must(p.Order(must(p.Name(values(p)))(t), dns, emails, public, until))(t)
	digest := string(must(order.Digest())(t))
	id := p.Key + "-" + state
	w.approve(t, "case-"+id, digest)
	c, err := w.Issue(t.Context(), actor.Machine(catest.Portal), ca.Request{
		ID: id, Portal: catest.Portal, Case: "case-" + id, Order: must(order.Encode())(t), Quorum: 2, Holder: "ana",
	})
	if issuance.NeedsDevice(p.Key) {
		if !fault.Is(err, fault.Forbidden) {
			t.Fatalf("%s was issued for a key that nothing shows to be in a device: %v", id, err)
		}
		w.add(t, subject{profile: p.Key, state: state, der: w.sign(t, order), key: signer, device: true}, w.issuing)
		return c
	}
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	w.add(t, subject{profile: p.Key, state: state, der: c.DER, key: signer}, w.issuing)
	return c
}

// sign makes the certificate of an order that the authority refuses as long as nothing proves a device, so that its
// profile is judged all the same. It goes the pure way: built, linted, signed; it is on no record.
func (w *world) sign(t *testing.T, o issuance.Order) []byte {
	t.Helper()
	a := w.Authorities()[1]
	issuer := must(issuance.NewIssuer(a.Certificate, issuance.URLs{CAIssuers: a.CAIssuers, OCSP: a.OCSP, CRL: a.CRL, CPS: a.CPS}, issuance.Trust{}))(t)
	unsigned := must(issuance.Prepare(o, issuer, must(issuance.NewSerial())(t), w.Now()))(t)
	linted, report, err := must(issuance.NewLinter())(t).Lint(unsigned)
	if err != nil {
		t.Fatalf("%v %+v", err, report.Findings)
	}
	return must(issuance.Sign(must(w.keys.Open(t.Context(), a.Name))(t), linted))(t)
}

// approve has two officers approve an order, and the first say how they know its subject.
func (w *world) approve(t *testing.T, caseID, digest string) {
	t.Helper()
	err := w.db.InTx(t.Context(), func(tx *db.Tx) error {
		for _, person := range []string{"rui", "ivo"} {
			if _, err := decision.Record(t.Context(), tx, catest.Officer(person), decision.Entry{
				Portal: catest.Portal, Case: caseID, Revision: "r1", Subject: digest, Verdict: decision.Approve,
			}); err != nil {
				return err
			}
		}
		return w.RecordIdentity(t.Context(), tx, catest.Officer("rui"), ca.Identity{
			Portal: catest.Portal, Case: caseID, Digest: digest, How: "in-person", Words: "Cartão de exemplo.",
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) end(t *testing.T, c ca.Certificate) {
	t.Helper()
	if err := w.Revoke(t.Context(), catest.Officer("rui"), ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}); err != nil {
		t.Fatal(err)
	}
}

// own adds the certificates of our own keys, as the record has them.
func (w *world) own(t *testing.T) {
	t.Helper()
	err := w.db.Look(t.Context(), func(tx *db.Tx) error {
		type row struct {
			profile string
			der     []byte
		}
		rows, err := db.Collect(t.Context(), tx, func(scan func(...any) error) (r row, err error) {
			return r, scan(&r.profile, &r.der)
		}, `SELECT profile, der FROM ca_certificate WHERE state = 'issued' AND case_id = '' ORDER BY intended_at`)
		for _, one := range rows {
			above := w.issuing
			if c := must(x509.ParseCertificate(one.der))(t); strings.HasPrefix(c.Issuer.CommonName, "Raiz") {
				above = ""
			}
			if i := slices.IndexFunc(w.subjects, func(s subject) bool { return s.profile == one.profile && s.state == valid }); i >= 0 {
				w.subjects = slices.Delete(w.subjects, i, i+1) // the issuing authority's responder, made after the root's, stays
			}
			w.add(t, subject{profile: one.profile, state: valid, der: one.der}, above)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// add writes a certificate's files and keeps it.
func (w *world) add(t *testing.T, s subject, above string) {
	t.Helper()
	s.pem = w.write(t, s.name()+".pem", issuance.PEM(s.der))
	bundle := issuance.PEM(s.der)
	if above != "" {
		bundle = append(bundle, must(os.ReadFile(filepath.Join(w.dir, above)))(t)...)
	}
	s.bundle = w.write(t, s.name()+"-bundle.pem", bundle)
	w.subjects = append(w.subjects, s)
}

// layOut writes the authorities' files, and a root of somebody else.
func (w *world) layOut(t *testing.T) {
	t.Helper()
	var chain []byte
	for _, a := range w.Authorities() {
		name := "issuing.pem"
		if a.Root {
			name = "root.pem"
		}
		w.write(t, name, issuance.PEM(a.Certificate))
		chain = append(chain, issuance.PEM(a.Certificate)...)
	}
	w.root, w.issuing, w.chain, w.other = "root.pem", "issuing.pem", w.write(t, "chain.pem", chain), "other.pem"
	w.accepts(t, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/C=PT/CN=Outra Raiz",
		"-days", "30", "-keyout", "other.key", "-out", w.other)
}

func (w *world) write(t *testing.T, name string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// run asks a program in the world's folder.
func (w *world) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// accepts wants a program content.
func (w *world) accepts(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := w.run(t, name, args...)
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// refuses wants a program to refuse with these words.
func (w *world) refuses(t *testing.T, words, name string, args ...string) {
	t.Helper()
	if out, err := w.run(t, name, args...); err == nil || !strings.Contains(out, words) {
		t.Errorf("%s %s: %v; want %q in\n%s", name, strings.Join(args, " "), err, words, out)
	}
}

// must lets a call's two results be passed on at once.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
