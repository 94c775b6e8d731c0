package app_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/app"
	"chancela/internal/ca"
	"chancela/internal/ceremony"
	"chancela/internal/config"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/issuance/trustlist/trustlisttest"
)

// quiet answers a ceremony's questions as everybody would.
type quiet struct{ said bytes.Buffer }

func (p *quiet) Write(data []byte) (int, error) { return p.said.Write(data) }

func (p *quiet) Read(into []byte) (int, error) {
	lines := strings.Split(p.said.String(), "\n")
	question := lines[len(lines)-1]
	answer, _, _ := strings.Cut(question, " (")
	if strings.Contains(question, "passphrase") || strings.Contains(question, "the same again") {
		answer = "a passphrase of all of them"
	} else if !strings.Contains(question, "type your name") {
		return 0, errors.New("nobody answers " + question)
	}
	p.said.WriteString("\n")
	return copy(into, answer+"\n"), nil
}

const foundation = `ceremony: fundacao
body: Entidade de Exemplo
place: Lisboa
address: http://pki.exemplo.pt/pki
qualified: {trusted_list_url: "https://www.exemplo.pt/lista.xml", policy_arc: "1.3.6.1.4.1.99999.1", disclosure_en: "https://www.exemplo.pt/pds-en.pdf"}
people:
  - {name: Ana Exemplo, role: administrator}
  - {name: Bruno Exemplo, role: custodian}
  - {name: Carla Exemplo, role: custodian}
  - {name: Eva Exemplo, role: witness}
  - {name: Filipe Exemplo, role: auditor}
needed: 2
keys: {store: files}
authorities:
  - {name: raiz, kind: root, organization: Entidade de Exemplo, common_name: Raiz de Exemplo, algorithm: ec-p256, years: 20, responder: OCSP da Raiz, responders_ahead: 1}
  - {name: emissora, kind: issuing, issuer: raiz, organization: Entidade de Exemplo, common_name: Emissora de Exemplo, algorithm: ec-p256, years: 10, online: true, responder: OCSP}
steps:
  - {do: convene}
  - {do: custody}
  - {do: key, of: raiz}
  - {do: certify, of: raiz, by: raiz}
  - {do: key, of: emissora}
  - {do: certify, of: emissora, by: raiz}
  - {do: key, of: raiz-ocsp}
  - {do: certify, of: raiz-ocsp, by: raiz}
  - {do: list, of: raiz}
  - {do: close}
`

// held holds the ceremony, and gives what it made with what opens the keys.
func held(t *testing.T) (ca.Founding, map[string][]byte, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "fundacao.yaml"), []byte(foundation), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := ceremony.Open(dir, ceremony.Options{Version: "ensaio", Commit: "0000000", Cost: issuance.Cost{Time: 1, Memory: 8 << 10, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	var p quiet
	talk := ceremony.NewTalk(&p, &p, i18n.EN)
	if err := d.Run(t.Context(), talk, "fundacao"); err != nil {
		t.Fatalf("%v\n%s", err, p.said.String())
	}
	opens, err := d.Activate(talk)
	if err != nil {
		t.Fatal(err)
	}
	founding, keys, err := d.Founding()
	if err != nil {
		t.Fatal(err)
	}
	return founding, keys, string(opens)
}

// listed is an instance that is declared qualified, and the list that it reads.
type listed struct {
	*app.App
	path      string
	operator  trustlisttest.Operator
	authority []byte
	now       time.Time
}

func openListed(t *testing.T) *listed {
	t.Helper()
	founding, keys, opens := held(t)
	i := &listed{path: filepath.Join(t.TempDir(), "lista.xml"), now: time.Now().Truncate(time.Second)}
	i.operator = trustlisttest.NewOperator(t, i.now)
	s := config.Defaults()
	s.Server.Mode, s.Server.Data, s.Server.PKIURL, s.Keys.Passphrase = config.Production, t.TempDir(), "http://pki.exemplo.pt", opens
	s.Qualified = config.Qualified{
		List: i.path, Signers: i.operator.File(), Address: "https://www.exemplo.pt/lista.xml", Arc: "1.3.6.1.4.1.99999.1", PDSEN: "https://www.exemplo.pt/pds-en.pdf",
	}
	a, err := app.OpenKeys(t.Context(), app.Options{
		Settings: s, Base: &url.URL{Scheme: "https", Host: "balcao.exemplo.pt"}, Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return i.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if err := a.Adopt(t.Context(), founding, keys); err != nil {
		t.Fatal(err)
	}
	if err := a.CA.Found(t.Context(), actor.Machine(""), ca.Plan{}); err != nil {
		t.Fatalf("founding below an authority that is not listed yet: %v", err)
	}
	all := a.CA.Authorities()
	i.App, i.authority = a, all[slices.IndexFunc(all, func(a ca.Authority) bool { return a.Name == "emissora" })].Certificate
	return i
}

// says puts a list in its place and has it read.
func (i *listed) says(t *testing.T, status string, kinds ...string) {
	t.Helper()
	i.write(t, i.operator.Sign(t, trustlisttest.Unsigned(i.now.AddDate(0, 0, -1), i.now.AddDate(0, 3, 0),
		trustlisttest.Service{Type: "CA/QC", Status: status, Certificate: i.authority, Kinds: kinds})))
}

func (i *listed) write(t *testing.T, data []byte) {
	t.Helper()
	if err := os.WriteFile(i.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	i.ReadListing()
}

// issue asks for a certificate that two officers approved.
func (i *listed) issue(t *testing.T, id, profile string) (ca.Certificate, error) {
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
	if profile == issuance.QWAC {
		values[issuance.Locality], dns = "Lisboa", []string{"www.exemplo.pt"}
	} else {
		values[issuance.CommonName] = "Nome de Exemplo"
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
	err = i.DB.InTx(t.Context(), func(tx *db.Tx) error {
		for _, person := range []string{"ana", "rui"} {
			by := actor.Actor{Kind: actor.Officer, Portal: "exemplo", Person: actor.PersonID(person), Account: actor.AccountID(person), Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode}
			if _, err := decision.Record(t.Context(), tx, by, decision.Entry{Portal: "exemplo", Case: "case-" + id, Revision: "r", Subject: string(digest), Verdict: decision.Approve}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return i.CA.Issue(context.WithoutCancel(t.Context()), actor.Machine("exemplo"), ca.Request{ID: id, Portal: "exemplo", Case: "case-" + id, Order: der, Quorum: 2})
}

// claims are the statements and policies in a certificate, as far as they claim something.
func claims(t *testing.T, c ca.Certificate) (compliant, device bool) {
	t.Helper()
	cert, err := x509.ParseCertificate(c.DER)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(cert.Issuer.String(), "TESTE") {
		t.Errorf("a qualified authority says %s", cert.Issuer)
	}
	for _, e := range cert.Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.1.3" {
			compliant = bytes.Contains(e.Value, []byte{0x06, 0x06, 0x04, 0x00, 0x8e, 0x46, 0x01, 0x01}) // 0.4.0.1862.1.1
			device = bytes.Contains(e.Value, []byte{0x06, 0x06, 0x04, 0x00, 0x8e, 0x46, 0x01, 0x04})    // 0.4.0.1862.1.4
		}
	}
	return compliant, device
}

// TestADeclaredInstanceIssuesOnlyWhatTheTrustedListProves, for each kind; and when the list stops saying so it issues
// nothing, rather than something that looks like a test.
func TestADeclaredInstanceIssuesOnlyWhatTheTrustedListProves(t *testing.T) {
	i := openListed(t)
	n := 0
	refused := func(why, profile string) {
		t.Helper()
		n++
		c, err := i.issue(t, "no-"+string(rune('a'+n)), profile)
		if !fault.Is(err, fault.Unavailable) || c.Serial != "" {
			t.Errorf("%s: %s: %v", why, profile, err)
		}
		if line := i.CheckListing(); !line.Wrong && why != "for seals alone" {
			t.Errorf("%s: the check says %q", why, line.Says)
		}
	}
	given := func(profile string, want bool) {
		t.Helper()
		n++
		c, err := i.issue(t, "yes-"+string(rune('a'+n)), profile)
		if err != nil {
			t.Fatalf("%s: %v", profile, err)
		}
		if compliant, device := claims(t, c); compliant != want || device {
			t.Errorf("%s: QcCompliance %t, QcSSCD %t", profile, compliant, device)
		}
	}
	refused("no list", issuance.SealSoftware)
	refused("no list", issuance.Application)
	i.says(t, "granted", "ForeSeals")
	given(issuance.SealSoftware, true)
	given(issuance.Application, false)
	refused("for seals alone", issuance.QWAC)
	if line := i.CheckListing(); line.Wrong || !strings.Contains(line.Says, "list 7 of PT") {
		t.Error(line.Says)
	}
	if w := i.WatchedListing(); w[0].At(i.now) != ca.Fine || w[0].At(i.now.AddDate(0, 3, -5)) != ca.Soon {
		t.Errorf("%+v", w)
	}
	i.says(t, "granted", "ForeSeals", "ForWebSiteAuthentication")
	given(issuance.QWAC, true)
	i.says(t, "withdrawn", "ForeSeals", "ForWebSiteAuthentication")
	refused("withdrawn", issuance.SealSoftware)
	refused("withdrawn", issuance.Application)
	if w := i.WatchedListing(); w[0].At(i.now) != ca.Ended {
		t.Errorf("withdrawn, and the operator is not told: %+v", w)
	}
	i.says(t, "granted", "ForeSeals")
	i.now = i.now.AddDate(0, 4, 0)
	refused("run out", issuance.SealSoftware)
	i.now = i.now.AddDate(0, -4, 0)
	good, _ := os.ReadFile(i.path)
	i.write(t, bytes.Replace(good, []byte("ForeSeals"), []byte("ForeSignatures"), 1))
	refused("forged", issuance.SealSoftware)
	i.write(t, trustlisttest.NewOperator(t, i.now).Sign(t, trustlisttest.Unsigned(i.now.AddDate(0, 0, -1), i.now.AddDate(0, 3, 0),
		trustlisttest.Service{Type: "CA/QC", Status: "granted", Certificate: i.authority, Kinds: []string{"ForeSeals"}})))
	refused("another's list", issuance.SealSoftware)
	i.write(t, bytes.Replace(good, []byte(">PT<"), []byte(">ES<"), 1))
	refused("another country's", issuance.SealSoftware)
	i.write(t, good)
	given(issuance.SealSoftware, true)
	if _, err := os.Stat(i.path); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(i.path)
	i.ReadListing()
	refused("the file is gone", issuance.SealSoftware)
}
