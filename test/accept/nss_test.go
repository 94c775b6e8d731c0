package accept_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chancela/internal/ca"
	"chancela/internal/credential/pades"
	"chancela/internal/credential/sheet"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/issuance"

	"golang.org/x/crypto/ocsp"
)

// record is what the database has of a certificate.
func (w *world) record(t *testing.T, serial ca.Serial) (c ca.Certificate) {
	t.Helper()
	err := w.db.Look(t.Context(), func(tx *db.Tx) (err error) {
		c, err = w.BySerial(t.Context(), tx, serial)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// client asks as a stranger would.
func client() *http.Client { return &http.Client{Timeout: time.Minute} }

// fetch gets what is served.
func (w *world) fetch(t *testing.T, address string) []byte {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil))(t)
	answer := must(client().Do(r))(t)
	defer func() { _ = answer.Body.Close() }()
	data := must(io.ReadAll(answer.Body))(t)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", address, answer.Status)
	}
	return data
}

// lists fetches both authorities' lists as they are served, as PEM.
func (w *world) lists(t *testing.T) string {
	t.Helper()
	var all []byte
	for _, a := range w.Authorities() {
		w.write(t, a.Name+".crl", w.fetch(t, a.CRL))
		w.accepts(t, "openssl", "crl", "-inform", "DER", "-in", a.Name+".crl", "-out", a.Name+".crl.pem")
		all = append(all, must(os.ReadFile(filepath.Join(w.dir, a.Name+".crl.pem")))(t)...)
	}
	return w.write(t, "lists.pem", all)
}

// goReads reads the served list and answers with Go's libraries.
func (w *world) goReads(t *testing.T) {
	t.Helper()
	authority := w.Authorities()[1]
	issuer := must(x509.ParseCertificate(authority.Certificate))(t)
	list := must(x509.ParseRevocationList(w.fetch(t, authority.CRL)))(t)
	if err := list.CheckSignatureFrom(issuer); err != nil {
		t.Error(err)
	}
	listed := map[string]bool{}
	for _, e := range list.RevokedCertificateEntries {
		listed[e.SerialNumber.String()] = true
	}
	for _, s := range w.subjects {
		c := must(x509.ParseCertificate(s.der))(t)
		if listed[c.SerialNumber.String()] != (s.state == revoked) {
			t.Errorf("%s is on the list: %t", s.name(), listed[c.SerialNumber.String()])
		}
		if s.key == nil || s.device {
			continue
		}
		request := must(ocsp.CreateRequest(c, issuer, nil))(t)
		r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, c.OCSPServer[0], strings.NewReader(string(request))))(t)
		answer := must(client().Do(r))(t)
		data := must(io.ReadAll(answer.Body))(t)
		_ = answer.Body.Close()
		said := must(ocsp.ParseResponseForCert(data, c, issuer))(t)
		if (said.Status == ocsp.Revoked) != (s.state == revoked) || said.Status == ocsp.Unknown {
			t.Errorf("%s: OCSP says %d", s.name(), said.Status)
		}
	}
}

// store makes an NSS database that trusts a root for everything.
func (w *world) store(t *testing.T, dir, root string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o700); err != nil {
		t.Fatal(err)
	}
	d := "sql:" + dir
	w.accepts(t, "certutil", "-N", "-d", d, "--empty-password")
	w.accepts(t, "certutil", "-A", "-d", d, "-n", "root", "-t", "CT,C,C", "-a", "-i", root)
	return d
}

// nss asks by each usage: V is a server's, C a client's, S a signer's, R a recipient's, O a responder's, L an
// authority's; a time stamp's it has no word for, and checks the chain by vfychain.
func nss(t *testing.T, w *world) {
	d := w.store(t, "nss", w.root)
	w.accepts(t, "certutil", "-A", "-d", d, "-n", "issuing", "-t", ",,", "-a", "-i", w.issuing)
	usages := map[string]string{
		issuance.Seal: "S", issuance.SealSoftware: "S", issuance.PersonSignature: "S", issuance.PersonSignatureSoftware: "S", issuance.PersonEncryption: "R",
		issuance.PersonAuthentication: "C", issuance.Application: "C", issuance.Website: "V", issuance.QWAC: "V", issuance.OCSPResponder: "O",
	}
	w.accepts(t, "certutil", "-V", "-d", d, "-n", "issuing", "-u", "L")
	for _, s := range w.subjects {
		usage, asked := usages[s.profile]
		if !asked {
			continue
		}
		w.accepts(t, "certutil", "-A", "-d", d, "-n", s.name(), "-t", ",,", "-a", "-i", s.pem)
		args := []string{"-V", "-d", d, "-n", s.name(), "-u", usage}
		if s.state == expired {
			w.refuses(t, "xpired", "certutil", args...)
			continue
		}
		w.accepts(t, "certutil", args...)
		if s.state == valid {
			w.refuses(t, "xpired", "certutil", append(args, "-b", later().UTC().Format("060102150405Z"))...)
		}
	}
	// The list is given to it last: until then it did not know.
	w.lists(t)
	for _, a := range w.Authorities() {
		w.accepts(t, "crlutil", "-I", "-d", d, "-i", a.Name+".crl", "-t", "1")
	}
	for _, s := range w.in(revoked) {
		w.refuses(t, "revoked", "certutil", "-V", "-d", d, "-n", s.name(), "-u", usages[s.profile])
	}
	for _, s := range w.in(valid) {
		if usage, asked := usages[s.profile]; asked {
			w.accepts(t, "certutil", "-V", "-d", d, "-n", s.name(), "-u", usage)
		}
	}
	empty := w.store(t, "nss-other", w.other)
	w.accepts(t, "certutil", "-A", "-d", empty, "-n", "issuing", "-t", ",,", "-a", "-i", w.issuing)
	w.accepts(t, "certutil", "-A", "-d", empty, "-n", "seal", "-t", ",,", "-a", "-i", w.of(t, issuance.Seal, valid).pem)
	w.refuses(t, "issuer", "certutil", "-V", "-d", empty, "-n", "seal", "-u", "S")
	w.nssAsks(t)
}

// nssAsks has NSS's other validator build the path and ask for status over HTTP by itself.
func (w *world) nssAsks(t *testing.T) {
	t.Helper()
	d := w.store(t, "nss-asks", w.root)
	usages := map[string]string{ // SECCertificateUsage's numbers
		issuance.PersonAuthentication: "0", issuance.Application: "0", issuance.Website: "1", issuance.QWAC: "1",
		issuance.SealSoftware: "4", issuance.PersonSignatureSoftware: "4", issuance.PersonEncryption: "5",
	}
	for _, s := range w.subjects {
		if s.key == nil || s.device || s.state == expired {
			continue
		}
		for _, how := range []string{"ocsp", "crl"} {
			args := []string{"-d", d, "-pp", "-u", usages[s.profile], "-g", "leaf", "-h", "requireFreshInfo", "-m", how, "-s", "requireInfo", "-a", s.pem, w.issuing, "-t", w.root}
			if s.state == valid {
				w.accepts(t, "vfychain", args...)
			} else {
				w.refuses(t, "evoked", "vfychain", args...)
			}
		}
	}
}

// page is what the website here says.
const page = "Sítio de exemplo, visto por um navegador."

// chromium opens the website in the browser, whose trust is an NSS database of the test's.
//
// Of what it refuses it shows nothing here; its log says -202 of an unknown authority, and -201 of a certificate that has
// ended (net/base/net_error_list.h). By itself it asks nobody about revocation of a certificate under a root that was added by hand; so there is no refusal
// of a revoked one to be seen.
func chromium(t *testing.T, w *world) {
	home := filepath.Join(w.dir, "home")
	for _, place := range []string{".pki/nssdb", ".local/share/pki/nssdb"} { // the second from Chromium 13x on
		w.store(t, filepath.Join("home", place), w.root)
	}
	stranger := filepath.Join(w.dir, "stranger")
	for _, profile := range []string{issuance.Website, issuance.QWAC} {
		if said := w.browse(t, home, w.of(t, profile, valid)); !strings.Contains(said, page) {
			t.Errorf("%s: Chromium shows\n%s", profile, said)
		}
	}
	if said := w.browse(t, stranger, w.of(t, issuance.Website, valid)); strings.Contains(said, page) || !strings.Contains(said, "net_error -202") {
		t.Errorf("without the root Chromium shows\n%s", said)
	}
	if said := w.browse(t, home, w.of(t, issuance.Website, expired)); strings.Contains(said, page) || !strings.Contains(said, "net_error -201") {
		t.Errorf("an expired one: Chromium shows\n%s", said)
	}
}

// browse serves a page with a certificate, and gives what the browser shows of it.
func (w *world) browse(t *testing.T, home string, s subject) string {
	t.Helper()
	authority := w.Authorities()[1]
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "<!doctype html><title>x</title><p>%s", page)
		}),
		ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{s.der, authority.Certificate}, PrivateKey: s.key}}},
	}
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	go func() { _ = server.ServeTLS(listener, "", "") }()
	defer func() { _ = server.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--enable-logging=stderr",
		"--user-data-dir="+filepath.Join(t.TempDir(), "profile"), "--host-resolver-rules=MAP "+host+" 127.0.0.1:"+port, "--dump-dom", "https://"+host+"/")
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.Dir = w.dir
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Logf("chromium ended with %d", exit.ExitCode())
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// pdfsig judges documents that were signed with a person's certificate and a body's.
func pdfsig(t *testing.T, w *world) {
	d := w.store(t, "pdf", w.root)
	other := w.store(t, "pdf-other", w.other)
	for _, profile := range []string{issuance.PersonSignature, issuance.Seal} { // on no record, so nobody is asked
		said := w.accepts(t, "pdfsig", "-no-ocsp", "-nssdir", d, w.signed(t, w.of(t, profile, valid)))
		if !strings.Contains(said, "Signature is Valid.") || !strings.Contains(said, "Certificate is Trusted.") {
			t.Errorf("%s: pdfsig says\n%s", profile, said)
		}
	}
	for _, profile := range []string{issuance.PersonSignatureSoftware, issuance.SealSoftware} {
		good := w.signed(t, w.of(t, profile, valid))
		said := w.accepts(t, "pdfsig", "-nssdir", d, good)
		if !strings.Contains(said, "Signature is Valid.") || !strings.Contains(said, "Certificate is Trusted.") || !strings.Contains(said, "Total document signed") {
			t.Errorf("%s: pdfsig says\n%s", profile, said)
		}
		if said, _ := w.run(t, "pdfsig", "-nssdir", other, good); !strings.Contains(said, "Signature is Valid.") || strings.Contains(said, "Certificate is Trusted.") {
			t.Errorf("%s under another root: pdfsig says\n%s", profile, said)
		}
		if said, _ := w.run(t, "pdfsig", "-nssdir", d, w.signed(t, w.of(t, profile, revoked))); !strings.Contains(said, "Certificate has been Revoked.") {
			t.Errorf("%s, revoked: pdfsig says\n%s", profile, said)
		}
		if said, _ := w.run(t, "pdfsig", "-nssdir", d, w.signed(t, w.of(t, profile, expired))); !strings.Contains(said, "Certificate has Expired") {
			t.Errorf("%s, expired: pdfsig says\n%s", profile, said)
		}
	}
}

// signed is a document signed with a certificate.
func (w *world) signed(t *testing.T, s subject) string {
	t.Helper()
	pdf := must(sheet.Make(sheet.Sheet{
		Lang: i18n.PT, Title: "Documento de ensaio", Number: "n.º 1/2026", Made: w.Now(), Issuer: sheet.Issuer{Name: "Entidade Inventada"},
		Statement: "Isto é um ensaio.", Check: sheet.Check{Code: "AAAA-BBBB", Address: "https://exemplo.pt/v/AAAA-BBBB"},
	}))(t)
	var chain []*x509.Certificate
	for _, a := range []int{1, 0} {
		chain = append(chain, must(x509.ParseCertificate(w.Authorities()[a].Certificate))(t))
	}
	c := must(x509.ParseCertificate(s.der))(t)
	at := c.NotBefore.Add(time.Minute) // an expired one signed while it was good
	out, err := pades.Seal(pdf, pades.Sealer{Signer: s.key, Certificate: c, Chain: chain}, pades.Appearance{At: at, Name: "Inventada"})
	if err != nil {
		t.Fatalf("%s: %v", s.name(), err)
	}
	return w.write(t, s.name()+".pdf", out)
}
