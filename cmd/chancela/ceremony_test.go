package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chancela/internal/app"
	"chancela/internal/config"
)

// those are the people of a ceremony: they answer, in English, what the program asked last.
type those struct{ said bytes.Buffer }

func (p *those) Write(data []byte) (int, error) { return p.said.Write(data) }

func (p *those) Read(into []byte) (int, error) {
	lines := strings.Split(p.said.String(), "\n")
	question := lines[len(lines)-1]
	name, _, _ := strings.Cut(question, " (")
	if strings.Contains(question, "passphrase") || strings.Contains(question, "the same again") {
		before, _, _ := strings.Cut(question, ", ")
		name = "a passphrase of " + before
	} else if !strings.Contains(question, "type your name") {
		return 0, errors.New("nobody answers " + question)
	}
	p.said.WriteString("\n")
	return copy(into, name+"\n"), nil
}

// verb runs the program with a line of arguments.
func verb(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var p those
	err := run(t.Context(), args, &p, &p, &p)
	return p.said.String(), err
}

func mustVerb(t *testing.T, args ...string) string {
	t.Helper()
	said, err := verb(t, args...)
	if err != nil {
		t.Fatalf("chancela %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return said
}

// change rewrites a script.
func change(t *testing.T, path string, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

const secondRoot = `
body: Entidade de Exemplo
place: Lisboa
address: http://localhost:8999/pki
people:
  - {name: Ana Exemplo, role: administrator}
  - {name: Bruno Exemplo, role: custodian}
  - {name: Carla Exemplo, role: custodian}
  - {name: Eva Exemplo, role: witness}
  - {name: Filipe Exemplo, role: auditor}
needed: 2
keys: {store: files}
authorities:
  - {name: raiz-2, kind: root, organization: Entidade de Exemplo, common_name: Raiz Dois TESTE, algorithm: ec-p256, years: 24, responder: OCSP da Raiz Dois TESTE, responders_ahead: 1}
  - {name: emissora-2, kind: issuing, issuer: raiz-2, organization: Entidade de Exemplo, common_name: Emissora Dois TESTE, algorithm: ec-p256, years: 12, online: true, responder: OCSP Dois TESTE}
steps:
  - {do: convene}
  - {do: key, of: raiz-2}
  - {do: certify, of: raiz-2, by: raiz-2}
  - {do: certify, of: raiz-2, by: raiz-exemplo}
  - {do: key, of: emissora-2}
  - {do: certify, of: emissora-2, by: raiz-2}
  - {do: key, of: raiz-2-ocsp}
  - {do: certify, of: raiz-2-ocsp, by: raiz-2}
  - {do: list, of: raiz-exemplo}
  - {do: list, of: raiz-2}
  - {do: close}
`

// TestTheGuidesCeremonyByItsVerbs follows the operator's guide: a ceremony, its keys opened for an instance, taken on,
// served; then a rollover of the root, and what /pki/ says of old and new.
func TestTheGuidesCeremonyByItsVerbs(t *testing.T) {
	dir, data := filepath.Join(t.TempDir(), "cofre"), filepath.Join(t.TempDir(), "dados")
	keys := filepath.Join(t.TempDir(), "keys")
	mustVerb(t, "ceremony", "new", dir, "--name", "fundacao")
	change(t, filepath.Join(dir, "fundacao.yaml"), "http://pki.exemplo.pt/pki", "http://localhost:8999/pki", "rsa-4096 #", "ec-p384 #")
	if said := mustVerb(t, "ceremony", "status", dir); !strings.Contains(said, "0 of 10 steps") {
		t.Error(said)
	}
	if said := mustVerb(t, "ceremony", "run", dir, "--english"); !strings.Contains(said, "The ceremony is closed") {
		t.Error(said)
	}
	if said, err := verb(t, "ceremony", "run", dir, "--english"); err == nil || !strings.Contains(said, "every ceremony here is closed") {
		t.Error(said)
	}
	again := filepath.Join(t.TempDir(), "ata.pdf")
	mustVerb(t, "ceremony", "minutes", dir, "--name", "fundacao", "--into", again)
	mustVerb(t, "ceremony", "activate", dir, "--into", keys, "--english")
	info, err := os.Stat(keys)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if said, err := verb(t, "ceremony", "activate", dir, "--into", keys, "--english"); err == nil {
		t.Errorf("a file was written over\n%s", said)
	}
	if said, err := verb(t, "ceremony", "adopt", dir, "--data", data, "--listen", "127.0.0.1:8999"); err == nil {
		t.Errorf("taken on without what opens the keys\n%s", said)
	}
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CHANCELA_KEYS_PASSPHRASE_FILE", keys)
	if said := mustVerb(t, "ceremony", "adopt", dir, "--data", data, "--listen", "127.0.0.1:8999"); !strings.Contains(said, "6 certificates, 1 lists") {
		t.Error(said)
	}
	page, list := pki(t, data)
	if !strings.Contains(page, "Em vigor, com a chave fora de linha") || strings.Contains(page, "Certificados cruzados") || strings.Contains(page, "Raiz TESTE") {
		t.Errorf("the page of issuers:\n%s", page)
	}
	if got := standings(list); got != "raiz-exemplo offline, emissora-exemplo in-force" {
		t.Error(got)
	}
	if err := os.WriteFile(filepath.Join(dir, "raiz-dois.yaml"), []byte("ceremony: raiz-dois"+secondRoot), 0o600); err != nil {
		t.Fatal(err)
	}
	mustVerb(t, "ceremony", "run", dir, "--english")
	mustVerb(t, "ceremony", "adopt", dir, "--data", data, "--listen", "127.0.0.1:8999")
	page, list = pki(t, data)
	if !strings.Contains(page, "Certificados cruzados") || !strings.Contains(page, "Já não emite") {
		t.Errorf("the page of issuers:\n%s", page)
	}
	if got := standings(list); got != "raiz-exemplo offline, raiz-2 offline, emissora-exemplo previous, emissora-2 in-force" {
		t.Error(got)
	}
	if len(list.Crosses) != 1 || list.Crosses[0].Name != "raiz-2-por-raiz-exemplo" || list.Crosses[0].Standing != "in-force" {
		t.Errorf("%+v", list.Crosses)
	}
	if said, err := verb(t, "ceremony", "publish", filepath.Join(dir, "out", "raiz-exemplo.crl"), "--data", data, "--listen", "127.0.0.1:8999"); err == nil {
		t.Errorf("a list in force was taken on again\n%s", said)
	}
	theEnd(t, dir, data)
}

const theEndOfTheFirst = `
body: Entidade de Exemplo
place: Lisboa
address: http://localhost:8999/pki
people:
  - {name: Ana Exemplo, role: administrator}
  - {name: Bruno Exemplo, role: custodian}
  - {name: Carla Exemplo, role: custodian}
  - {name: Eva Exemplo, role: witness}
  - {name: Filipe Exemplo, role: auditor}
needed: 2
keys: {store: files}
steps:
  - {do: convene}
  - {do: end, of: emissora-exemplo, reason: superseded}
  - {do: take-list, of: emissora-exemplo}
  - {do: destroy, of: emissora-exemplo}
  - {do: close}
`

// theEnd follows the guide's end of an authority, whose own seals and unit of time stamps go over to its successor.
func theEnd(t *testing.T, dir, data string) {
	t.Helper()
	end := func() string {
		return mustVerb(t, "ceremony", "end", dir, "--data", data, "--listen", "127.0.0.1:8999", "--english")
	}
	if said := end(); !strings.Contains(said, "No ceremony of this directory") {
		t.Error(said)
	}
	if err := os.WriteFile(filepath.Join(dir, "fim.yaml"), []byte("ceremony: fim"+theEndOfTheFirst), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := mustVerb(t, "ceremony", "run", dir, "--english"); !strings.Contains(said, "emissora-exemplo.crl is missing") {
		t.Error(said)
	}
	if said := end(); !strings.Contains(said, "emissora-exemplo: it has ended") { // nothing of holders' was in force
		t.Error(said)
	}
	if said := mustVerb(t, "ceremony", "run", dir, "--english"); !strings.Contains(said, "The ceremony is closed") {
		t.Error(said)
	}
	for range 2 {
		if said := end(); !strings.Contains(said, "the key of this instance is destroyed") {
			t.Error(said)
		}
	}
	for _, file := range []string{filepath.Join(dir, "keys"), filepath.Join(data, "keys", "signing")} {
		if _, err := os.Stat(filepath.Join(file, "emissora-exemplo.key.json")); err == nil {
			t.Errorf("the key is still in %s", file)
		}
	}
	page, list := pki(t, data)
	if got := standings(list); got != "raiz-exemplo offline, raiz-2 offline, emissora-exemplo ended, emissora-2 in-force" || !strings.Contains(page, "Cessou.") {
		t.Error(got)
	}
}

type issuers struct {
	Issuers []struct{ Name, Standing string }              `json:"issuers"`
	Crosses []struct{ Name, Standing, Certificate string } `json:"cross_certificates"`
}

func standings(l issuers) string {
	var all []string
	for _, one := range l.Issuers {
		all = append(all, one.Name+" "+one.Standing)
	}
	return strings.Join(all, ", ")
}

// pki is what an evaluation instance says of its issuers, to people and to machines, with every file that it names.
func pki(t *testing.T, data string) (page string, list issuers) {
	t.Helper()
	s := config.Defaults()
	s.Server.Data = data
	phrase, err := os.ReadFile(os.Getenv("CHANCELA_KEYS_PASSPHRASE_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	s.Keys.Passphrase = strings.TrimSpace(string(phrase))
	a, err := app.Open(t.Context(), app.Options{Settings: s, Base: &url.URL{Scheme: "http", Host: "localhost:8999"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	get := func(handler http.Handler, path, accept string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8999"+path, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	if err := json.Unmarshal([]byte(get(a.PKI, "/pki/", "application/json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, one := range list.Issuers {
		get(a.PKI, "/pki/ca/"+one.Name+".cer", "*/*")
		get(a.PKI, "/pki/crl/"+one.Name+".crl", "*/*")
	}
	for _, one := range list.Crosses {
		get(a.PKI, strings.TrimPrefix(one.Certificate, "http://localhost:8999"), "*/*")
	}
	return get(a.Web, "/pki/", "text/html"), list
}
