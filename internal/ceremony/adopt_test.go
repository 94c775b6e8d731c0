package ceremony

import (
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/decision"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
)

// address is what the templates' certificates carry.
const address = "http://pki.exemplo.pt/pki"

// instance is a room that signs, which takes on what ceremonies made.
type instance struct {
	*ca.CA
	db   *db.DB
	keys string
	open []byte // what opens the key files
	now  *time.Time
}

func eachInstance(t *testing.T, dir string, test func(t *testing.T, i *instance)) {
	t.Helper()
	d := openAt(t, dir, Options{})
	p := &people{answers: willing(nil)}
	phrase, err := d.Activate(NewTalk(p, p, i18n.PT))
	if err != nil {
		t.Fatalf("%v\n%s", err, p.said.String())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	now := day(0)
	dbtest.EachAt(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		i := &instance{db: d, keys: t.TempDir(), open: phrase, now: &now}
		now = time.Now()
		i.start(t)
		test(t, i)
	})
}

func (i *instance) start(t *testing.T) {
	t.Helper()
	var err error
	i.CA, err = ca.New(ca.Config{DB: i.db, Keys: ca.FileKeys{Dir: i.keys, Passphrase: issuance.NewPassphrase(i.open, least)}, Base: address, Replica: "one"})
	if err == nil {
		err = i.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// adopt takes on what the directory's ceremonies made, and founds what is below.
func (i *instance) adopt(t *testing.T, dir string) error {
	t.Helper()
	d := openAt(t, dir, Options{})
	f, keys, err := d.Founding()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range keys {
		if err := os.WriteFile(filepath.Join(i.keys, name+".key.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return i.Adopt(t.Context(), actor.Machine(""), f)
}

func (i *instance) mustAdopt(t *testing.T, dir string) {
	t.Helper()
	if err := i.adopt(t, dir); err != nil {
		t.Fatal(err)
	}
	if err := i.Found(t.Context(), actor.Machine(""), ca.Plan{}); err != nil {
		t.Fatal(err)
	}
}

// issue issues a holder's certificate that two officers approved.
func (i *instance) issue(t *testing.T, id, profile string) ca.Certificate {
	t.Helper()
	signer, err := issuance.GenerateKey(issuance.ECP256)
	if err != nil {
		t.Fatal(err)
	}
	key, err := issuance.CheckKey(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	p, err := issuance.ProfileOf(profile)
	if err != nil {
		t.Fatal(err)
	}
	values := map[issuance.Attribute]string{issuance.Country: "PT", issuance.Organization: "Município de Exemplo", issuance.OrganizationIdentifier: issuance.BodyIdentifier("590000004")}
	var dns []string
	if profile == issuance.Website {
		dns = []string{"www.exemplo.pt"}
	} else {
		values[issuance.CommonName] = "Aplicação de Exemplo"
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
	digest, _ := o.Digest()
	for _, person := range []string{"ana", "rui"} {
		by := actor.Actor{Kind: actor.Officer, Portal: "exemplo", Person: actor.PersonID(person), Account: actor.AccountID(person), Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode}
		err := i.db.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := decision.Record(t.Context(), tx, by, decision.Entry{Portal: "exemplo", Case: "case-" + id, Revision: "r", Subject: string(digest), Verdict: decision.Approve})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := i.Issue(t.Context(), actor.Machine("exemplo"), ca.Request{ID: id, Portal: "exemplo", Case: "case-" + id, Order: der, Quorum: 2})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pemFile(t *testing.T, ders ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.pem")
	if err := os.WriteFile(path, issuance.PEM(ders...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// chain gives the files of a certificate's root, of what is between, and of itself.
func (i *instance) chain(t *testing.T, c ca.Certificate) (root, between, leaf string) {
	t.Helper()
	chain, err := i.ChainOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return pemFile(t, chain[len(chain)-1]), pemFile(t, chain...), pemFile(t, c.DER)
}

// status is what openssl hears about a certificate from its issuer's responder.
func (i *instance) status(t *testing.T, c ca.Certificate) string {
	t.Helper()
	chain, err := i.ChainOf(c)
	if err != nil {
		t.Fatal(err)
	}
	issuer, _ := x509.ParseCertificate(chain[0])
	leaf, _ := x509.ParseCertificate(c.DER)
	asked, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	request, err := issuance.ParseStatusRequest(asked)
	if err != nil {
		t.Fatal(err)
	}
	if by := i.Is(request.Asked[0]); by != c.Issuer {
		t.Fatalf("asked of %s, which is %s", by, c.Issuer)
	}
	standing, revocation, err := i.Standing(t.Context(), c.Issuer, c.Serial)
	if err != nil {
		t.Fatal(err)
	}
	now := i.Now()
	der, err := i.Answer(t.Context(), c.Issuer, []issuance.SingleStatus{{ID: request.Asked[0], Standing: standing, Revocation: revocation, ThisUpdate: now, NextUpdate: now.Add(time.Hour)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.der")
	if err := os.WriteFile(path, der, 0o600); err != nil {
		t.Fatal(err)
	}
	said := mustTool(t, "openssl", "ocsp", "-respin", path, "-issuer", pemFile(t, chain[0]), "-cert", pemFile(t, c.DER), "-CAfile", pemFile(t, chain...), "-no_nonce")
	if !strings.Contains(said, "Response verify OK") {
		t.Error(said)
	}
	_, state, _ := strings.Cut(said, ": ")
	for _, word := range []string{"good", "revoked"} {
		if strings.Contains(state, ".pem: "+word) || strings.HasPrefix(state, word) {
			return word
		}
	}
	return said
}

func (i *instance) bySerial(t *testing.T, der []byte) (c ca.Certificate) {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	err = i.db.Look(t.Context(), func(tx *db.Tx) (err error) {
		c, err = i.BySerial(t.Context(), tx, ca.SerialOf(cert.SerialNumber))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (i *instance) revoke(t *testing.T, c ca.Certificate) {
	t.Helper()
	by := actor.Actor{Kind: actor.Officer, Portal: "exemplo", Person: "ana", Account: "ana", Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode}
	if err := i.Revoke(t.Context(), by, ca.Revocation{Serial: c.Serial, Reason: issuance.Superseded}); err != nil {
		t.Fatal(err)
	}
}

func (i *instance) authority(t *testing.T, name string) ca.Authority {
	t.Helper()
	all := i.Authorities()
	at := slices.IndexFunc(all, func(a ca.Authority) bool { return a.Name == name })
	if at < 0 {
		t.Fatalf("no authority %s", name)
	}
	return all[at]
}

func TestAnInstanceIssuesUnderWhatACeremonyFounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cofre")
	scripted(t, dir, "fundacao", "whole", append([]string{"seals: []", `seals: [{portal: exemplo, body: Entidade de Exemplo, number: "590000004", common_name: Selo TESTE}]`}, quick...)...)
	mustHold(t, dir, "fundacao", Options{}, willing(nil))
	eachInstance(t, dir, func(t *testing.T, i *instance) {
		i.mustAdopt(t, dir)
		i.mustAdopt(t, dir) // again changes nothing
		c := i.issue(t, "one", issuance.Website)
		root, between, leaf := i.chain(t, c)
		mustVerify(t, root, []string{between}, leaf)
		if got := i.status(t, c); got != "good" {
			t.Error(got)
		}
		i.revoke(t, c)
		if got := i.status(t, c); got != "revoked" {
			t.Error(got)
		}
		if got := i.status(t, i.bySerial(t, i.authority(t, "emissora-exemplo").Certificate)); got != "good" {
			t.Errorf("the offline root's responder says %s of its issuing authority", got)
		}
		if _, err := i.List(t.Context(), "raiz-exemplo"); err != nil {
			t.Errorf("the offline root's list: %v", err)
		}
		if _, _, err := i.SealOf(t.Context(), "exemplo"); err != nil {
			t.Errorf("the script's seal: %v", err)
		}
		if _, err := os.Stat(filepath.Join(i.keys, "raiz-exemplo.key.json")); err == nil {
			t.Error("the offline root's key came along")
		}
		if n, err := i.OpenKeys(t.Context()); err != nil || n != 8 { // issuing authority, its responder, four of the root's, unit, seal
			t.Errorf("%d keys open: %v", n, err)
		}
		// A quarter later the next of the root's responders speaks, by itself.
		first := i.authority(t, "raiz-exemplo").ResponderEnd
		*i.now = i.now.Add(quarter + time.Hour)
		if err := i.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if next := i.authority(t, "raiz-exemplo").ResponderEnd; !next.After(first) {
			t.Errorf("a quarter later the root's responder still ends %s", next)
		}
		i.start(t)
		if a := i.authority(t, "raiz-exemplo"); !a.Offline || !a.Root || a.Issues {
			t.Errorf("%+v", a)
		}
	})
}

// TestARolloverLeavesTheOldAuthorityAnswering: a second issuing authority and then a second root, in later ceremonies of
// the same directory; both issuers' certificates verify and are answered for, and each root leads to the other's.
func TestARolloverLeavesTheOldAuthorityAnswering(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cofre")
	scripted(t, dir, "fundacao", "whole", quick...)
	mustHold(t, dir, "fundacao", Options{}, willing(nil))
	writeLater(t, dir, "emissora-2", secondIssuing)
	writeLater(t, dir, "raiz-2", secondRoot)
	eachInstance(t, dir, func(t *testing.T, i *instance) {
		i.mustAdopt(t, dir)
		before := i.issue(t, "before", issuance.Website)
		dir := i.later(t, dir, "emissora-2")
		i.mustAdopt(t, dir)
		after, other := i.issue(t, "after", issuance.Website), i.issue(t, "other", issuance.Application)
		if before.Issuer != "emissora-exemplo" || after.Issuer != "emissora-exemplo-2" || other.Issuer != "emissora-aplicacoes" {
			t.Errorf("%s, then %s; applications by %s", before.Issuer, after.Issuer, other.Issuer)
		}
		for _, c := range []ca.Certificate{before, after, other} {
			root, between, leaf := i.chain(t, c)
			mustVerify(t, root, []string{between}, leaf)
			if got := i.status(t, c); got != "good" {
				t.Errorf("%s: %s", c.Issuer, got)
			}
		}
		i.revoke(t, before)
		if got := i.status(t, before); got != "revoked" {
			t.Errorf("the old authority says %s", got)
		}
		l, err := i.List(t.Context(), "emissora-exemplo")
		if err != nil {
			t.Fatal(err)
		}
		list, err := x509.ParseRevocationList(l.DER)
		if err != nil || len(list.RevokedCertificateEntries) != 1 {
			t.Errorf("the old authority's list: %v %v", list, err)
		}
		// The old authority's responder is renewed as long as the authority lasts.
		*i.now = i.now.Add(70 * 24 * time.Hour)
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if end := i.authority(t, "emissora-exemplo").ResponderEnd; end.Before(i.now.AddDate(0, 0, 80)) {
			t.Errorf("the old authority's responder ends %s", end)
		}
		*i.now = time.Now()
		i.rollRoot(t, dir, after)
	})
}

// later holds a ceremony on a copy of the directory, which each engine's instance needs for itself.
func (i *instance) later(t *testing.T, dir, name string) string {
	t.Helper()
	mine := filepath.Join(t.TempDir(), "cofre")
	if err := os.CopyFS(mine, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	mustHold(t, mine, name, Options{}, willing(nil))
	*i.now = time.Now()
	return mine
}

// rollRoot holds the second root's ceremony.
func (i *instance) rollRoot(t *testing.T, dir string, old ca.Certificate) {
	t.Helper()
	later := i.later(t, dir, "raiz-2")
	i.mustAdopt(t, later)
	c := i.issue(t, "new-root", issuance.Website)
	if c.Issuer != "emissora-exemplo-3" {
		t.Errorf("issued by %s", c.Issuer)
	}
	out := filepath.Join(later, outDir)
	file := func(name string) string { return filepath.Join(out, name+".pem") }
	leaf, oldLeaf := pemFile(t, c.DER), pemFile(t, old.DER)
	newRoot, oldRoot := file("raiz-exemplo-2"), file("raiz-exemplo")
	mustVerify(t, newRoot, []string{file("emissora-exemplo-3")}, leaf)
	// Whoever trusts only the old root reaches the new one's holders by the cross-certificate, and the other way round.
	mustVerify(t, oldRoot, []string{file("emissora-exemplo-3"), file("raiz-exemplo-2-por-raiz-exemplo")}, leaf)
	mustVerify(t, newRoot, []string{file("emissora-exemplo-2"), file("raiz-exemplo-por-raiz-exemplo-2")}, oldLeaf)
	if said, err := verify(t, oldRoot, []string{file("emissora-exemplo-3")}, leaf); err == nil {
		t.Errorf("verified without the cross-certificate:\n%s", said)
	}
	if got := i.status(t, old); got != "good" {
		t.Errorf("under the old root: %s", got)
	}
	if got := i.status(t, c); got != "good" {
		t.Errorf("under the new root: %s", got)
	}
	crosses, err := i.Crosses(t.Context())
	if err != nil || len(crosses) != 2 {
		t.Fatalf("%+v %v", crosses, err)
	}
	for _, x := range crosses {
		if got := i.status(t, i.bySerial(t, x.Certificate)); got != "good" {
			t.Errorf("the cross-certificate %s: %s", x.Name, got)
		}
	}
	if names := roots(i.Authorities()); !maps.Equal(names, map[string]bool{"raiz-exemplo": true, "raiz-exemplo-2": true}) {
		t.Error(names)
	}
	i.revokeAcross(t, later, crosses)
}

func roots(all []ca.Authority) map[string]bool {
	names := map[string]bool{}
	for _, a := range all {
		if a.Root {
			names[a.Name] = true
		}
	}
	return names
}

// revokeAcross revokes a cross-certificate in a ceremony: the instance takes the list, and OCSP says what the list says.
func (i *instance) revokeAcross(t *testing.T, dir string, crosses []ca.Cross) {
	t.Helper()
	writeLater(t, dir, "fim", crossEnds)
	mustHold(t, dir, "fim", Options{}, willing(nil))
	der, err := os.ReadFile(filepath.Join(dir, outDir, "raiz-exemplo.crl"))
	if err != nil {
		t.Fatal(err)
	}
	*i.now = time.Now()
	if err := i.TakeList(t.Context(), actor.Machine(""), der); err != nil {
		t.Fatal(err)
	}
	if err := i.TakeList(t.Context(), actor.Machine(""), der); err == nil {
		t.Error("a list was taken twice")
	}
	older, err := os.ReadFile(filepath.Join(dir, outDir, "raiz-exemplo-2.crl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := i.TakeList(t.Context(), actor.Machine(""), older); err == nil {
		t.Error("a list that is in force already was taken")
	}
	for _, x := range crosses {
		want := "good"
		if x.Issuer == "raiz-exemplo" {
			want = "revoked"
		}
		if got := i.status(t, i.bySerial(t, x.Certificate)); got != want {
			t.Errorf("%s: %s; wanted %s", x.Name, got, want)
		}
	}
	path := filepath.Join(t.TempDir(), "l.pem")
	mustTool(t, "openssl", "crl", "-inform", "DER", "-in", filepath.Join(dir, outDir, "raiz-exemplo.crl"), "-out", path)
	said, err := tool(t, "openssl", "verify", "-no-CApath", "-no-CAstore", "-crl_check", "-CRLfile", path, "-CAfile", filepath.Join(dir, outDir, "raiz-exemplo.pem"),
		filepath.Join(dir, outDir, "raiz-exemplo-2-por-raiz-exemplo.pem"))
	if err == nil || !strings.Contains(said, "revoked") {
		t.Errorf("openssl takes a cross-certificate that the list revokes: %v\n%s", err, said)
	}
}

func TestWhatDoesNotFitIsNotTakenOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cofre")
	scripted(t, dir, "fundacao", "whole", quick...)
	mustHold(t, dir, "fundacao", Options{}, willing(nil))
	eachInstance(t, dir, func(t *testing.T, i *instance) {
		d := openAt(t, dir, Options{})
		f, keys, err := d.Founding()
		if err != nil || len(keys) != 5 {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		_ = d.Close()
		ctx := context.WithoutCancel(t.Context())
		if err := i.Adopt(ctx, actor.Machine(""), f); err == nil {
			t.Error("taken on without its keys")
		}
		for name, data := range keys {
			if err := os.WriteFile(filepath.Join(i.keys, name+".key.json"), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for name, bend := range map[string]func(f *ca.Founding){
			"another address":             func(f *ca.Founding) { f.Address = "http://outro.exemplo.pt/pki" },
			"no minutes":                  func(f *ca.Founding) { f.Minutes = "" },
			"a responder as an authority": func(f *ca.Founding) { f.Made[1].Certificate = f.Made[2].Certificate },
			"another order":               func(f *ca.Founding) { f.Made[1].Order = f.Made[0].Order },
			"without its root":            func(f *ca.Founding) { f.Made = f.Made[1:] },
			"a bit":                       func(f *ca.Founding) { f.Made[1].Certificate = bent(f.Made[1].Certificate) },
			"a name with a slash":         func(f *ca.Founding) { f.Made[0].Name = "../x" },
		} {
			bad := f
			bad.Made = slices.Clone(f.Made)
			bend(&bad)
			if err := i.Adopt(ctx, actor.Machine(""), bad); err == nil {
				t.Errorf("taken on: %s", name)
			}
			if n := len(i.Authorities()); n != 0 {
				t.Fatalf("%s: %d authorities are there", name, n)
			}
		}
		person := actor.Actor{Kind: actor.Officer, Portal: "exemplo", Person: "ana", Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode}
		if err := i.Adopt(ctx, person, f); err == nil {
			t.Error("an officer took on a ceremony by themselves")
		}
		if err := i.Adopt(ctx, actor.Machine(""), f); err != nil {
			t.Error(err)
		}
	})
}

// TestAnAuthorityEndsBeforeWitnesses: the ceremony decides, the instance revokes and publishes its last list, the ceremony
// takes it in and destroys the key, the instance destroys its own; the minutes tell all of it.
func TestAnAuthorityEndsBeforeWitnesses(t *testing.T) {
	vault := filepath.Join(t.TempDir(), "cofre")
	scripted(t, vault, "fundacao", "whole", quick...)
	mustHold(t, vault, "fundacao", Options{}, willing(nil))
	eachInstance(t, vault, func(t *testing.T, i *instance) {
		dir := filepath.Join(t.TempDir(), "cofre")
		if err := os.CopyFS(dir, os.DirFS(vault)); err != nil {
			t.Fatal(err)
		}
		i.mustAdopt(t, dir)
		c := i.issue(t, "one", issuance.Application)
		for name, text := range map[string]string{"cedo": early, "outra": otherReason} {
			writeLater(t, dir, name, text)
			d := openAt(t, dir, Options{})
			p := &people{answers: willing(nil)}
			if err := d.Run(t.Context(), NewTalk(p, p, i18n.PT), name); err == nil {
				t.Errorf("held: %s", text)
			}
			_ = d.Close()
			if err := os.Remove(filepath.Join(dir, name+scriptEnd)); err != nil {
				t.Fatal(err)
			}
			if name == "cedo" { // it began: only another directory is without it
				_ = os.RemoveAll(dir)
				if err := os.CopyFS(dir, os.DirFS(vault)); err != nil {
					t.Fatal(err)
				}
			}
		}
		writeLater(t, dir, "fim", issuingEnds)
		_, err := hold(t, dir, "fim", Options{}, willing(nil))
		if waits, ok := errors.AsType[*Waiting](err); !ok || !strings.HasSuffix(waits.File, "emissora-exemplo.crl") {
			t.Fatalf("%v; wanted it to wait for the last list", err)
		}
		i.carryOut(t, dir, 1)
		*i.now = i.now.Add(2 * time.Minute)
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := i.status(t, c); got != "revoked" {
			t.Error(got)
		}
		i.carryOut(t, dir, 0)
		mustHold(t, dir, "fim", Options{Now: func() time.Time { return *i.now }}, willing(nil))
		if _, err := os.Stat(filepath.Join(dir, keysDir, "emissora-exemplo.key.json")); err == nil {
			t.Error("the key is still in the directory")
		}
		i.carryOut(t, dir, 0)
		if _, err := os.Stat(filepath.Join(i.keys, "emissora-exemplo.key.json")); err == nil {
			t.Error("the key is still in the instance")
		}
		text := mustTool(t, "pdftotext", filepath.Join(dir, minutesName("fim")), "-")
		for _, word := range []string{"9999-12-31", "cessation", "Key destroyed", i.authority(t, "emissora-exemplo").Name} {
			if !strings.Contains(text, word) {
				t.Errorf("the minutes do not tell %q\n%s", word, text)
			}
		}
		i.start(t)
		i.mustAdopt(t, dir) // without the key, which nobody has
		if got := i.status(t, c); got != "revoked" {
			t.Errorf("behind the end: %s", got)
		}
		writeLater(t, dir, "fim-da-raiz", rootEnds)
		mustHold(t, dir, "fim-da-raiz", Options{Now: func() time.Time { return *i.now }}, willing(nil))
		last, err := os.ReadFile(filepath.Join(dir, outDir, "raiz-exemplo.crl"))
		if err != nil {
			t.Fatal(err)
		}
		if err := i.TakeList(t.Context(), actor.Machine(""), last); err != nil {
			t.Fatal(err)
		}
		if err := i.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := i.authority(t, "raiz-exemplo"); !a.Ended {
			t.Error("the root's last list is there, and it has not ended")
		}
		if got := i.status(t, i.bySerial(t, i.authority(t, "emissora-exemplo").Certificate)); got != "revoked" {
			t.Errorf("behind the root's end: %s", got)
		}
	})
}

// carryOut has the instance do what the directory's ceremonies decided, and expects how many certificates are left.
func (i *instance) carryOut(t *testing.T, dir string, left int64) {
	t.Helper()
	d := openAt(t, dir, Options{})
	defer func() { _ = d.Close() }()
	endings, err := d.Endings()
	if err != nil || len(endings) != 1 {
		t.Fatalf("%+v %v", endings, err)
	}
	e := endings[0]
	if !strings.Contains(e.Words, "Eva Exemplo (witness)") {
		t.Errorf("the instance keeps of it: %q", e.Words)
	}
	n, err := i.End(t.Context(), actor.Machine(""), e.AuthorityEnd)
	if err != nil || n != left {
		t.Fatalf("%d left, wanted %d: %v", n, left, err)
	}
	if e.KeyGone {
		if err := i.Shut(t.Context(), actor.Machine(""), e.Authority); err != nil {
			t.Fatal(err)
		}
		return
	}
	if l, err := i.LastList(t.Context(), e.Authority); err == nil {
		if _, err := d.BringLastList(e.Authority, l.DER); err != nil {
			t.Fatal(err)
		}
	}
}

func bent(der []byte) []byte {
	der = slices.Clone(der)
	der[len(der)/2] ^= 1
	return der
}

func writeLater(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name+scriptEnd), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const laterHead = `
body: Entidade de Exemplo
place: Sala de Exemplo, Lisboa
address: http://pki.exemplo.pt/pki
people:
  - {name: Ana Exemplo, role: administrator}
  - {name: Bruno Exemplo, role: custodian}
  - {name: Carla Exemplo, role: custodian}
  - {name: Duarte Exemplo, role: custodian}
  - {name: Eva Exemplo, role: witness}
  - {name: Filipe Exemplo, role: auditor}
needed: 2
keys: {store: files}
`

const secondIssuing = "ceremony: emissora-2" + laterHead + `
authorities:
  - {name: emissora-exemplo-2, kind: issuing, issuer: raiz-exemplo, organization: Entidade de Exemplo, common_name: Emissora de Exemplo TESTE 2, algorithm: ec-p256, years: 10, online: true, responder: OCSP 2 TESTE}
  - {name: emissora-aplicacoes, kind: issuing, issuer: raiz-exemplo, organization: Entidade de Exemplo, common_name: Emissora de Aplicações TESTE, algorithm: ec-p521, years: 10, online: true, responder: OCSP de Aplicações TESTE, profiles: [application]}
steps:
  - {do: convene}
  - {do: key, of: emissora-exemplo-2}
  - {do: certify, of: emissora-exemplo-2, by: raiz-exemplo}
  - {do: key, of: emissora-aplicacoes}
  - {do: certify, of: emissora-aplicacoes, by: raiz-exemplo}
  - {do: list, of: raiz-exemplo}
  - {do: close}
`

const secondRoot = "ceremony: raiz-2" + laterHead + `
authorities:
  - {name: raiz-exemplo-2, kind: root, organization: Entidade de Exemplo, common_name: Raiz de Exemplo TESTE 2, algorithm: ec-p521, years: 24, responder: OCSP da Raiz TESTE 2, responders_ahead: 2}
  - {name: emissora-exemplo-3, kind: issuing, issuer: raiz-exemplo-2, organization: Entidade de Exemplo, common_name: Emissora de Exemplo TESTE 3, algorithm: ec-p384, years: 12, online: true, responder: OCSP 3 TESTE}
steps:
  - {do: convene}
  - {do: key, of: raiz-exemplo-2}
  - {do: certify, of: raiz-exemplo-2, by: raiz-exemplo-2}
  - {do: certify, of: raiz-exemplo-2, by: raiz-exemplo}
  - {do: certify, of: raiz-exemplo, by: raiz-exemplo-2}
  - {do: key, of: emissora-exemplo-3}
  - {do: certify, of: emissora-exemplo-3, by: raiz-exemplo-2}
  - {do: key, of: raiz-exemplo-2-ocsp}
  - {do: certify, of: raiz-exemplo-2-ocsp, by: raiz-exemplo-2}
  - {do: list, of: raiz-exemplo}
  - {do: list, of: raiz-exemplo-2}
  - {do: close}
`

const issuingEnds = "ceremony: fim" + laterHead + `
steps:
  - {do: convene}
  - {do: end, of: emissora-exemplo, reason: cessation}
  - {do: take-list, of: emissora-exemplo}
  - {do: destroy, of: emissora-exemplo}
  - {do: close}
`

const rootEnds = "ceremony: fim-da-raiz" + laterHead + `
steps:
  - {do: convene}
  - {do: end, of: raiz-exemplo, reason: cessation}
  - {do: destroy, of: raiz-exemplo}
  - {do: close}
`

// early destroys a key before its authority has ended.
const early = "ceremony: cedo" + laterHead + `
steps:
  - {do: convene}
  - {do: destroy, of: emissora-exemplo}
  - {do: close}
`

// otherReason would say of all certificates that their keys were compromised.
const otherReason = "ceremony: outra" + laterHead + `
steps:
  - {do: convene}
  - {do: end, of: emissora-exemplo, reason: compromise}
  - {do: close}
`

const crossEnds = "ceremony: fim" + laterHead + `
steps:
  - {do: convene}
  - {do: revoke, of: raiz-exemplo-2, by: raiz-exemplo, reason: superseded}
  - {do: list, of: raiz-exemplo}
  - {do: close}
`
