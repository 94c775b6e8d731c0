package certificate_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chancela/internal/account"
	"chancela/internal/certificate"
	"chancela/internal/issuance"
	"chancela/internal/portal"
	"chancela/portals"
)

// product is one kind of certificate that the client portal lets people order.
type product struct {
	answers portal.Answers
	profile string
	purpose string // that openssl accepts it for
	refused string // that openssl does not
	persons bool
}

func products() map[string]product {
	person := portal.Answers{
		"nomes_proprios": {"Inventada"}, "apelidos": {"d’Exemplo"}, "nome_assinatura": {"Inventada d’Exemplo"}, "nic": {"00000000"},
		"cargo_no_certificado": {"nao"}, "servico_no_certificado": {"nao"}, "suporte": {"ficheiro"}, "identidade": {"presencial"},
	}
	site := portal.Answers{
		"localidade_cert": {"Vila de Exemplo"}, "dominios": {"www.exemplo.pt", "exemplo.pt"}, "ambiente": {"producao"}, "contacto_tecnico": {"web@exemplo.pt"},
	}
	return map[string]product{
		"assinatura":        {person, issuance.PersonSignatureSoftware, "any", "sslclient", true},
		"autenticacao":      {person, issuance.PersonAuthentication, "sslclient", "smimeencrypt", true},
		"confidencialidade": {person, issuance.PersonEncryption, "smimeencrypt", "sslclient", true},
		"selo": {portal.Answers{
			"nome_selo": {"Selo do Município de Exemplo"}, "uso_selo": {"Ofícios e certidões."}, "resp_selo": {"ana@exemplo.pt"},
			"resp_substituto": {"bia@exemplo.pt"}, "guarda": {"ficheiro"},
		}, issuance.SealSoftware, "any", "sslserver", false},
		"sitio_web":              {site, issuance.Website, "sslserver", "sslclient", false},
		"sitio_web_identificado": {site, issuance.QWAC, "sslserver", "sslclient", false},
		"aplicacao": {portal.Answers{"nome_aplicacao": {"Balcão de Exemplo"}, "ambiente": {"producao"}, "contacto_tecnico": {"web@exemplo.pt"}},
			issuance.Application, "sslclient", "sslserver", false},
	}
}

// eachClient is [each] with the client portal's own definitions.
func eachClient(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	dir, err := fs.Sub(portals.Files, "ecce")
	must(t, err)
	each(t, func(t *testing.T, k *kit) {
		k.p, err = portal.Load(desk, dir, portal.Outcomes{"account": &account.Access{}, "certificate": k.outcome, "mandate": &certificate.MandateOutcome{Service: k.Service}})
		must(t, err)
		var powers []account.Power
		for _, key := range []string{"assinatura_propria", "selo", "sitios_web"} {
			powers = append(powers, account.Power{Key: key, BodyNIPC: nipc, BodyName: body, From: k.clock.now().AddDate(-1, 0, 0)})
		}
		k.people.powers["ana"] = powers
		k.open()
		test(t, k)
	})
}

// orderOf is what a case of Ana's of a procedure of the client portal would hand over.
func (k *kit) orderOf(procedure, caseID string, more portal.Answers) portal.Grant {
	k.t.Helper()
	answers := maps.Clone(products()[procedure].answers)
	answers["nipc"], answers["termos"], answers["csr"] = []string{nipc}, []string{"true"}, []string{request(k.t, pkix.Name{})}
	maps.Copy(answers, more)
	return k.grant(procedure, caseID, answers)
}

// TestEveryProfileIsOrderedFromACaseToItsCertificate goes with each from the answers of its form to openssl.
func TestEveryProfileIsOrderedFromACaseToItsCertificate(t *testing.T) {
	eachClient(t, func(t *testing.T, k *kit) {
		all := products()
		for _, power := range k.p.Powers { // and whatever a power opens is here
			for _, key := range power.Opens {
				proc, _ := k.p.Procedure(key)
				if _, ok := all[key]; !ok && proc.Outcome.Kind == "certificate" {
					t.Errorf("%s opens %s, which nobody tries", power.Key, key)
				}
			}
		}
		for n, key := range slices.Sorted(maps.Keys(all)) {
			caseID := "c" + string(rune('1'+n))
			v := k.issuedOf(key, caseID)
			if v.Profile != all[key].profile || len(v.Lint.Findings) > 0 || v.Lint.Passed < 20 {
				t.Errorf("%s: %+v", key, v.Lint)
			}
			k.judged(key, all[key], v)
		}
	})
}

// issuedOf brings an order through two approvals and the proof of identity to its certificate.
func (k *kit) issuedOf(procedure, caseID string) certificate.View {
	k.t.Helper()
	var more portal.Answers
	if procedure == "confidencialidade" { // openssl knows no encryption to an EC key's certificate as S/MIME
		key, err := issuance.GenerateKey(issuance.RSA3072)
		must(k.t, err)
		more = portal.Answers{"csr": {requestOf(k.t, key, pkix.Name{})}}
	}
	g := k.orderOf(procedure, caseID, more)
	p := k.propose(g)
	if len(p.Problems) > 0 {
		k.t.Fatalf("%s: %v", procedure, p.Problems)
	}
	if said := valueOf(p, "certificate.line.statements"); strings.Contains(said, "Qc") {
		k.t.Errorf("%s: a test instance would say %s", procedure, said)
	}
	if valueOf(p, "certificate.line.usage") == "" || valueOf(p, "certificate.line.identity") == "" {
		k.t.Errorf("%s: the officer reads %+v", procedure, p.Lines)
	}
	must(k.t, k.approve(g, "rui", "ivo"))
	k.work(0) // identity comes first, for each of them
	must(k.t, k.RecordIdentity(k.t.Context(), director, caseID, certificate.InPerson, "Cartão de Cidadão visto ao balcão."))
	k.work(1)
	return k.ofCase(caseID)
}

func (k *kit) judged(key string, want product, v certificate.View) {
	t := k.t
	t.Helper()
	chain := certificates(t, download(t, k, v.ID, certificate.Chain).Data)
	c, dir := chain[0], t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "leaf.pem"), issuance.PEM(c.Raw), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "issuing.pem"), issuance.PEM(chain[1].Raw), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "root.pem"), issuance.PEM(chain[2].Raw), 0o600))
	verify := func(purpose string) ([]byte, error) {
		return exec.Command("openssl", "verify", "-no-CApath", "-x509_strict", "-CAfile", filepath.Join(dir, "root.pem"), "-untrusted", filepath.Join(dir, "issuing.pem"),
			"-attime", timeIn(k), "-purpose", purpose, filepath.Join(dir, "leaf.pem")).CombinedOutput()
	}
	if out, err := verify(want.purpose); err != nil {
		t.Errorf("%s: openssl does not accept it as %s: %s", key, want.purpose, out)
	}
	if out, err := verify(want.refused); err == nil {
		t.Errorf("%s: openssl accepts it as %s: %s", key, want.refused, out)
	}
	if got := strings.HasPrefix(subjectOf(t, c), "C=PT, O="); want.profile != issuance.Website && want.profile != issuance.QWAC && !got {
		t.Errorf("%s: subject %s", key, subjectOf(t, c))
	}
	if person := strings.Contains(subjectOf(t, c), "GN="); person != want.persons {
		t.Errorf("%s: subject %s", key, subjectOf(t, c))
	}
	if want.profile == issuance.PersonEncryption && !slices.Equal(c.EmailAddresses, []string{"ana@exemplo.pt"}) {
		t.Errorf("%s: addresses %v; the account's was proven, and no other", key, c.EmailAddresses)
	}
}

func subjectOf(t *testing.T, c *x509.Certificate) string {
	t.Helper()
	d, err := issuance.Describe(c.Raw)
	must(t, err)
	return d.Subject.String()
}

// timeIn is the day after, as openssl takes it.
func timeIn(k *kit) string { return strconv.FormatInt(k.clock.now().AddDate(0, 0, 1).Unix(), 10) }

func TestAProfileThatPromisesADeviceIsNotOrderedWithARequest(t *testing.T) {
	p := desktop(t)
	for _, profile := range []string{issuance.PersonSignature, issuance.Seal} {
		bad, err := portal.ParseProcedure(desk, "v1", []byte(strings.Replace(person, "person-authentication", profile, 1)))
		must(t, err)
		if wrong := (&certificate.Outcome{}).Check(p, bad); len(wrong) != 1 || !strings.Contains(wrong[0].What, profile) {
			t.Errorf("%s: %v", profile, wrong)
		}
	}
}

func TestNamesOfSealsAndApplicationsAreSingleInTheirBody(t *testing.T) {
	eachClient(t, func(t *testing.T, k *kit) {
		for key, c := range map[string]struct{ field, refusal string }{"selo": {"nome_selo", "E-SEL-01"}, "aplicacao": {"nome_aplicacao", "E-APL-01"}} {
			v := k.issuedOf(key, key+"1")
			same := strings.ToUpper(v.Subject)
			k.problems(k.orderOf(key, key+"2", portal.Answers{c.field: {same}}), c.refusal)
			k.problems(k.orderOf(key, key+"3", portal.Answers{c.field: {"Outro nome"}}))
			must(t, k.Decline(t.Context(), holder("ana"), v.ID))
			k.problems(k.orderOf(key, key+"4", portal.Answers{c.field: {same}}))
		}
		k.problems(k.orderOf("selo", "s5", portal.Answers{"nome_selo": {"Inventada d’Exemplo"}}), "E-SEL-01")
	})
}

func TestASealHasTwoKeepersOfTheBodyAndABodyThatIsEligible(t *testing.T) {
	eachClient(t, func(t *testing.T, k *kit) {
		for _, c := range []struct{ keeper, substitute string }{{"ana@exemplo.pt", "ana@exemplo.pt"}, {"ana@exemplo.pt", "rui@exemplo.pt"}, {"zé@", "bia@exemplo.pt"}} {
			k.problems(k.orderOf("selo", "c1", portal.Answers{"resp_selo": {c.keeper}, "resp_substituto": {c.substitute}}), "E-SEL-02")
		}
		other := k.people.powers["ana"]
		for i := range other {
			other[i].BodyNIPC = "699000114" // in no register here
		}
		g := k.orderOf("selo", "c2", portal.Answers{"nipc": {"699000114"}, "resp_selo": nil, "resp_substituto": nil})
		k.problems(g, "certificate.body-not-eligible")
		k.problems(k.orderOf("aplicacao", "c3", portal.Answers{"nipc": {"699000114"}}))
	})
}
