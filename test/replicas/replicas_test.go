// Package replicas_test runs the program as real processes on one PostgreSQL: a whole one, a second that only answers,
// and a third hand that revokes. What one writes the others say, within seconds; and the one that only answers has no
// way to do anything else.
package replicas_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/issuance"
	"chancela/internal/tour"
)

// program is the binary under test, built once.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chancela-replicas-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "chancela")
	build := exec.Command("go", "build", "-o", program, "chancela/cmd/chancela")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	return m.Run()
}

// world is the processes and what they share.
type world struct {
	whole     *tour.Child
	answering string // address of the one that only answers, without a slash at its end
	database  string
	hand      *ca.CA // the third
	issuer    *x509.Certificate
	units     []*x509.Certificate
}

func begin(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{database: dbtest.Postgres(t)}
	env := append(os.Environ(), "CHANCELA_DATABASE_URL="+w.database)
	var err error
	if w.whole, err = tour.NewChild(program, filepath.Join(dir, "whole"), env); err != nil {
		t.Fatal(err)
	}
	if err := w.whole.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.whole.Kill(); <-w.whole.Ended() })
	w.open(t)
	data := filepath.Join(dir, "answering")
	copyResponders(t, filepath.Join(dir, "whole", "keys"), filepath.Join(data, "keys"))
	w.answering = serve(t, data, env)
	return w
}

// copyResponders gives a data directory the keys of the responders, and no other.
func copyResponders(t *testing.T, from, to string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(from, "signing", "*-ocsp-*.key.json"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range append(files, filepath.Join(from, "passphrase")) {
		name, _ := filepath.Rel(from, file)
		bytes, err := os.ReadFile(file)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700), os.WriteFile(filepath.Join(to, name), bytes, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// serve starts the process that only answers, and waits until it does.
func serve(t *testing.T, data string, env []string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	child := exec.Command(program, "serve", "--role", "status", "--data", data, "--listen", address)
	var said bytes.Buffer
	child.Env, child.Stdout, child.Stderr = env, &said, &said
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Signal(syscall.SIGTERM)
		if err := child.Wait(); err != nil || t.Failed() {
			t.Errorf("the process that answers ended with %v:\n%s", err, &said)
		}
	})
	until(t, "the process that answers is ready", func() bool {
		answer, body := ask(t.Context(), http.MethodGet, "http://"+address+"/readyz", nil)
		return answer != nil && answer.StatusCode == http.StatusOK && strings.Contains(string(body), "ready")
	})
	return "http://" + address
}

// open opens the record as a third process would, without keys.
func (w *world) open(t *testing.T) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Config{URL: w.database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	w.hand, err = ca.New(ca.Config{DB: d, Keys: catest.NewKeys(), Base: w.whole.Base.String() + "/pki", Replica: "third"})
	if err == nil {
		err = w.hand.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range w.hand.Authorities() {
		if !a.Root {
			w.issuer, err = x509.ParseCertificate(a.Certificate)
		}
	}
	var all [][]byte
	err = errors.Join(err, d.Look(t.Context(), func(tx *db.Tx) (err error) {
		all, err = db.Collect(t.Context(), tx, func(scan func(...any) error) (der []byte, err error) { return der, scan(&der) },
			`SELECT der FROM ca_certificate WHERE profile = $1 ORDER BY serial`, issuance.TimeStamping)
		return err
	}))
	for _, der := range all {
		c, failed := x509.ParseCertificate(der)
		err = errors.Join(err, failed)
		w.units = append(w.units, c)
	}
	if err != nil || w.issuer == nil || len(w.units) == 0 {
		t.Fatalf("%d units: %v", len(w.units), err)
	}
}

// until asks again until something is so. Its limit is far from what is expected: no test fails on a slow machine.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within a minute: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, method, address string, body []byte) (*http.Response, []byte) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, nil
	}
	client := http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return nil, nil
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, nil
	}
	return answer, data
}

// standing is what the process at an address says of a certificate, -1 for no answer.
func (w *world) standing(t *testing.T, base string, c *x509.Certificate) int {
	t.Helper()
	request, err := ocsp.CreateRequest(c, w.issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, der := ask(t.Context(), http.MethodGet, base+"/pki/ocsp/"+base64.StdEncoding.EncodeToString(request), nil)
	r, err := ocsp.ParseResponseForCert(der, c, w.issuer)
	if err != nil {
		return -1
	}
	return r.Status
}

func (w *world) list(t *testing.T, base string) *x509.RevocationList {
	t.Helper()
	_, der := ask(t.Context(), http.MethodGet, base+"/pki/crl/"+w.hand.Authorities()[1].Name+".crl", nil)
	list, err := x509.ParseRevocationList(der)
	if err == nil {
		err = list.CheckSignatureFrom(w.issuer)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAProcessThatOnlyAnswersSaysWhatOthersDo(t *testing.T) {
	w := begin(t)
	main := "http://127.0.0.1:" + w.whole.Base.Port()
	unit := w.units[0]
	for _, base := range []string{main, w.answering} {
		if s := w.standing(t, base, unit); s != ocsp.Good {
			t.Fatalf("%s says %d of a good one", base, s)
		}
	}
	before := w.list(t, w.answering)
	if listed(before, unit) {
		t.Fatal("it is on the list before anybody revoked it")
	}
	err := w.hand.Revoke(t.Context(), actor.Machine(portalOf(t, w, unit)), ca.Revocation{Serial: ca.SerialOf(unit.SerialNumber), Reason: issuance.Superseded})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for _, base := range []string{main, w.answering} { // ≤ 5 s by the rule; a slow machine has a minute
		until(t, base+" says revoked", func() bool { return w.standing(t, base, unit) == ocsp.Revoked })
	}
	t.Logf("both said revoked %s after the revocation", time.Since(begun))
	until(t, "the list of both says so", func() bool {
		for _, base := range []string{main, w.answering} {
			l := w.list(t, base)
			if l.Number.Cmp(before.Number) <= 0 || !listed(l, unit) {
				return false
			}
		}
		return true
	})
	t.Logf("and the list %s after", time.Since(begun))
}

// listed does not count the entries: the test certificates that the program revokes for its publication come meanwhile.
func listed(l *x509.RevocationList, c *x509.Certificate) bool {
	return slices.ContainsFunc(l.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(c.SerialNumber) == 0 })
}

func portalOf(t *testing.T, w *world, c *x509.Certificate) (portal string) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Config{URL: w.database, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	err = d.Look(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT portal FROM ca_certificate WHERE serial = $1`, string(ca.SerialOf(c.SerialNumber))).Scan(&portal)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE ca_certificate SET words = 'x'`)
		return err
	}); err == nil {
		t.Error("a database that is opened to be read was written to")
	}
	return portal
}

func TestAProcessThatOnlyAnswersDoesNothingElse(t *testing.T) {
	w := begin(t)
	for path, want := range map[string]int{
		"/": http.StatusNotFound, "/ecce/": http.StatusNotFound, "/verificar": http.StatusNotFound, "/avaliacao": http.StatusNotFound, "/metrics": http.StatusNotFound,
		"/pki": http.StatusNotFound, "/pki/nada": http.StatusNotFound, "/healthz": http.StatusOK, "/readyz": http.StatusOK, "/pki/": http.StatusOK,
	} {
		if answer, _ := ask(t.Context(), http.MethodGet, w.answering+path, nil); answer == nil || answer.StatusCode != want {
			t.Errorf("%s: %+v, want %d", path, answer, want)
		}
	}
	if answer, body := ask(t.Context(), http.MethodPost, w.answering+"/pki/tsa", nil); answer == nil || answer.StatusCode == http.StatusOK && !bytes.Contains(body, []byte{2, 1, 2}) {
		t.Errorf("a stamp from a process without its key: %+v %x", answer, body)
	}
	w.whole.Kill() // what answers does not need the other
	if s := w.standing(t, w.answering, w.units[0]); s != ocsp.Good {
		t.Errorf("without the whole one it says %d", s)
	}
	if l := w.list(t, w.answering); !l.NextUpdate.After(time.Now()) {
		t.Errorf("its list is of %s", l.NextUpdate)
	}
}
