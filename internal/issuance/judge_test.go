package issuance

import (
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tool runs a stranger's program; one that is missing fails the test, since nothing else here says whether strangers
// accept what we make.
func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func refused(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("%s %s was content:\n%s", name, strings.Join(args, " "), out)
	}
	return string(out)
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// published lays out root, chain and one certificate of each profile as files for other tools.
func published(t *testing.T, a Algorithm) (*hierarchy, string, map[string][]byte) {
	t.Helper()
	h := newHierarchy(t, a, time.Now().Add(-2*time.Second), Trust{})
	dir := t.TempDir()
	write(t, dir, "root.pem", PEM(h.root.Certificate()))
	write(t, dir, "issuing.pem", PEM(h.issuing.Certificate()))
	write(t, dir, "chain.pem", PEM(h.issuing.Certificate(), h.root.Certificate()))
	_, key := newKey(t, ECP256)
	issued := map[string][]byte{OCSPResponder: h.responderCert}
	for _, o := range endEntities(t, key) {
		issued[o.Profile] = h.issue(t, o, h.issuing, h.issuingKey)
	}
	for name, der := range issued {
		write(t, dir, name+".pem", PEM(der))
	}
	return h, dir, issued
}

func TestOpenSSLAndGnuTLSAcceptEveryCertificate(t *testing.T) {
	for _, a := range []Algorithm{ECP256, ECP384, ECP521, RSA3072} {
		t.Run(string(a), func(t *testing.T) {
			_, dir, issued := published(t, a)
			for name := range issued {
				tool(t, dir, "openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem", name+".pem")
				write(t, dir, "bundle.pem", append(readFile(t, dir, name+".pem"), readFile(t, dir, "chain.pem")...))
				tool(t, dir, "certtool", "--verify", "--load-ca-certificate", "root.pem", "--infile", "bundle.pem")
			}
			tool(t, dir, "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "www.exemplo.pt",
				"-CAfile", "root.pem", "-untrusted", "issuing.pem", "website.pem")
			refused(t, dir, "openssl", "verify", "-purpose", "sslserver", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "person-authentication.pem")
		})
	}
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	return must2(os.ReadFile(filepath.Join(dir, name)))(t)
}

// TestNSSAcceptsEachForItsPurpose asks Firefox's and pdfsig's library: S is a signer's, R a recipient's, C a client's, V
// a server's.
func TestNSSAcceptsEachForItsPurpose(t *testing.T) {
	_, dir, _ := published(t, ECP256)
	tool(t, dir, "certutil", "-N", "-d", "sql:.", "--empty-password")
	tool(t, dir, "certutil", "-A", "-d", "sql:.", "-n", "root", "-t", "CT,C,", "-a", "-i", "root.pem")
	tool(t, dir, "certutil", "-A", "-d", "sql:.", "-n", "issuing", "-t", ",,", "-a", "-i", "issuing.pem")
	for name, purposes := range map[string]string{
		Seal: "S", SealSoftware: "S", PersonSignature: "S", PersonSignatureSoftware: "S", PersonEncryption: "R",
		PersonAuthentication: "C", Application: "C", Website: "V", QWAC: "V",
	} {
		tool(t, dir, "certutil", "-A", "-d", "sql:.", "-n", name, "-t", ",,", "-a", "-i", name+".pem")
		for _, purpose := range []string{"S", "R", "C", "V"} {
			args := []string{"-V", "-d", "sql:.", "-n", name, "-u", purpose}
			if purpose == purposes {
				tool(t, dir, "certutil", args...)
			} else {
				refused(t, dir, "certutil", args...)
			}
		}
	}
}

func TestOpenSSLReadsNamesAndExtensionsAsMeant(t *testing.T) {
	_, dir, _ := published(t, ECP256)
	text := tool(t, dir, "openssl", "x509", "-in", "person-authentication.pem", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus")
	for _, want := range []string{
		"organizationIdentifier=VATPT-600000001", "serialNumber=IDCPT-00000000", "CN=Inventada d’Exemplo Conceição", "O=" + longBody,
		"X509v3 Key Usage: critical\n                Digital Signature\n", "TLS Web Client Authentication", "Policy: 2.999.1.1.2",
		"CPS: http://localhost:8080/pki/cps", "OCSP - URI:http://localhost:8080/pki/ocsp", "CA Issuers - URI:http://localhost:8080/pki/ca/ecce.cer",
		"URI:http://localhost:8080/pki/crl/ecce.crl", "email:inventada@exemplo.pt", "CN=ECCE TESTE",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
	order := []string{"C=PT", "O=", "organizationIdentifier=", "OU=", "title=", "SN=", "GN=", "serialNumber=", "CN="}
	line := text[strings.Index(text, "Subject:"):]
	line = line[:strings.Index(line, "\n")]
	at := 0
	for _, part := range order {
		i := strings.Index(line[at:], part)
		if i < 0 {
			t.Fatalf("%s is out of order in %s", part, line)
		}
		at += i
	}
	structure := tool(t, dir, "openssl", "asn1parse", "-in", "seal.pem")
	if strings.Count(structure, "PRINTABLESTRING") != 2 || strings.Contains(structure, "TELETEXSTRING") {
		t.Errorf("C of issuer and subject alone are PrintableString in a seal:\n%s", structure)
	}
}

func TestOpenSSLReadsTheListAndRefusesTheRevoked(t *testing.T) {
	h, dir, issued := published(t, RSA3072)
	d := must2(Describe(issued[Website]))(t)
	serial, ok := new(big.Int).SetString(strings.ReplaceAll(d.Serial, ":", ""), 16)
	if !ok {
		t.Fatal(d.Serial)
	}
	entry := must2(Revocation{Serial: serial, At: h.at, Reason: KeyCompromise}.Entry())(t)
	plain := must2(Revocation{Serial: serialOf(1), At: h.at}.Entry())(t)
	crl := h.list(t, List{Number: big.NewInt(7), ThisUpdate: h.at, NextUpdate: h.at.Add(24 * time.Hour), Entries: append(entry, plain...)})
	write(t, dir, "list.crl", crl)
	text := tool(t, dir, "openssl", "crl", "-inform", "DER", "-in", "list.crl", "-noout", "-text", "-CAfile", "issuing.pem")
	for _, want := range []string{"verify OK", "X509v3 CRL Number: \n                7", "Key Compromise", "Version 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Unspecified") {
		t.Error("the reason unspecified was written out")
	}
	tool(t, dir, "openssl", "crl", "-inform", "DER", "-in", "list.crl", "-out", "list.pem")
	check := []string{"verify", "-crl_check", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "-CRLfile", "list.pem"}
	tool(t, dir, "openssl", append(check, "seal.pem")...)
	if out := refused(t, dir, "openssl", append(check, "website.pem")...); !strings.Contains(out, "certificate revoked") {
		t.Error(out)
	}
	if out := tool(t, dir, "certtool", "--crl-info", "--inder", "--infile", "list.crl"); !strings.Contains(out, "Revoked certificates (2)") {
		t.Error(out)
	}
}

func (h *hierarchy) list(t testing.TB, list List) []byte {
	t.Helper()
	linted, report, err := h.linter.Lint(must2(PrepareList(list, h.issuing))(t))
	if err != nil {
		t.Fatalf("%v %+v", err, report.Findings)
	}
	return must2(Sign(h.issuingKey, linted))(t)
}

// answer answers a request as a responder would whose register is given: serials by their decimal text.
func (h *hierarchy) answer(t testing.TB, request []byte, register map[string]SingleStatus) []byte {
	t.Helper()
	r := must2(ParseStatusRequest(request))(t)
	var singles []SingleStatus
	for _, id := range r.Asked {
		s := register[id.Serial.String()]
		if s.Standing == "" {
			s.Standing = Unknown
		}
		s.ID, s.ThisUpdate, s.NextUpdate = id, h.at, h.at.Add(time.Hour)
		singles = append(singles, s)
	}
	linted, report, err := h.linter.Lint(must2(PrepareStatus(singles, r.Nonce, h.responder, h.at))(t))
	if err != nil {
		t.Fatalf("%v %+v", err, report.Findings)
	}
	return must2(Sign(h.responderKey, linted))(t)
}

func TestOpenSSLAndGnuTLSAcceptAnswersAboutSeveralCertificates(t *testing.T) {
	for _, a := range []Algorithm{ECP256, RSA3072} {
		h, dir, issued := published(t, a)
		register := map[string]SingleStatus{
			serialIn(t, issued[Seal]).String(): {Standing: Good},
			serialIn(t, issued[Website]).String(): {Standing: Revoked, Revocation: Revocation{
				Serial: serialIn(t, issued[Website]), At: h.at, Reason: Superseded}},
		}
		for _, hash := range []string{"-sha1", "-sha256"} {
			ask := []string{"ocsp", "-issuer", "issuing.pem", hash, "-cert", "seal.pem", hash, "-cert", "website.pem", hash, "-cert", "person-authentication.pem"}
			tool(t, dir, "openssl", append(ask, "-reqout", "request.der")...)
			request := readFile(t, dir, "request.der")
			if r := must2(ParseStatusRequest(request))(t); len(r.Asked) != 3 || len(r.Nonce) == 0 || !h.issuing.Is(r.Asked[0]) || h.root.Is(r.Asked[0]) {
				t.Fatalf("%s: read %+v", hash, r)
			}
			write(t, dir, "answer.der", h.answer(t, request, register))
			out := tool(t, dir, "openssl", "ocsp", "-no_nonce", "-reqin", "request.der", "-respin", "answer.der", "-issuer", "issuing.pem", "-CAfile", "root.pem", "-resp_text",
				hash, "-cert", "seal.pem", hash, "-cert", "website.pem", hash, "-cert", "person-authentication.pem")
			for _, want := range []string{"Response verify OK", "seal.pem: good", "website.pem: revoked", "Reason: superseded", "person-authentication.pem: unknown", "OCSP Nonce"} {
				if !strings.Contains(out, want) {
					t.Errorf("%s %s: missing %q in\n%s", a, hash, want, out)
				}
			}
		}
		tool(t, dir, "openssl", "ocsp", "-issuer", "issuing.pem", "-cert", "seal.pem", "-reqout", "one.der", "-no_nonce")
		write(t, dir, "one-answer.der", h.answer(t, readFile(t, dir, "one.der"), register))
		out := tool(t, dir, "ocsptool", "--verify-response", "--load-trust", "chain.pem", "--load-response", "one-answer.der")
		if !strings.Contains(out, "Success") {
			t.Error(out)
		}
	}
}

func TestOpenSSLsRequestsPassAndItsWeakOnesDoNot(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		args []string
		want string // message key, "" for accepted
	}{
		{"P-256", []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, ""},
		{"P-384", []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"}, ""},
		{"P-521", []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"}, ""},
		{"RSA 3072", []string{"-newkey", "rsa:3072"}, ""},
		{"P-256 with names", []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-addext", "subjectAltName=DNS:www.exemplo.pt,email:a@exemplo.pt", "-addext", "basicConstraints=CA:TRUE"}, ""},
		{"RSA 2048", []string{"-newkey", "rsa:2048"}, "E-CSR-03"},
		{"RSA 1024", []string{"-newkey", "rsa:1024"}, "E-CSR-03"},
		{"RSA exponent 3", []string{"-newkey", "rsa:3072", "-pkeyopt", "rsa_keygen_pubexp:3"}, "E-CSR-03"},
		{"secp256k1", []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"}, "E-CSR-03"},
		{"P-224", []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-224"}, "E-CSR-03"},
		{"explicit parameters", []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"}, "E-CSR-03"},
		{"Ed25519", []string{"-newkey", "ed25519"}, "E-CSR-03"},
		{"SHA-1", []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha1"}, "E-CSR-02"},
	} {
		args := append([]string{"req", "-new", "-nodes", "-subj", "/C=PT/CN=Exemplo", "-keyout", "key.pem", "-out", "csr.pem"}, c.args...)
		tool(t, dir, "openssl", args...)
		_, err := ParseRequest(readFile(t, dir, "csr.pem"))
		if got := keyOf(err); got != c.want {
			t.Errorf("%s: %q, want %q (%v)", c.name, got, c.want, err)
		}
		if c.name == "P-256 with names" {
			tool(t, dir, "openssl", "req", "-in", "csr.pem", "-text", "-out", "text.pem")
			r := must2(ParseRequest(readFile(t, dir, "text.pem")))(t)
			if r.Subject != "C=PT, CN=Exemplo" || len(r.DNSNames) != 1 || len(r.Emails) != 1 {
				t.Errorf("read %+v", r)
			}
		}
	}
}
