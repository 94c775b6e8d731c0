package issuance

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/fault"
)

// moment is when everything in these tests happens, but for what strangers' tools check against their own clock.
var moment = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var addresses = URLs{
	CAIssuers: "http://localhost:8080/pki/ca/ecce.cer", OCSP: "http://localhost:8080/pki/ocsp",
	CRL: "http://localhost:8080/pki/crl/ecce.crl", CPS: "http://localhost:8080/pki/cps",
}

// sharedLinter spares each test its throw-away RSA keys.
var sharedLinter = sync.OnceValues(NewLinter)

// lendRSA gives the shared linter a key that exists already.
func lendRSA(l *Linter, key crypto.Signer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys[RSA3072] = throwaway{key, schemes[RSA3072]}
}

// hierarchy is a root, an issuing authority and its responder, as an evaluation instance makes them.
type hierarchy struct {
	linter        *Linter
	at            time.Time
	trust         Trust
	rootKey       Signer
	root          *Issuer
	issuingKey    Signer
	issuing       *Issuer
	responderKey  Signer
	responder     *Responder
	responderCert []byte
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newKey(t testing.TB, a Algorithm) (Signer, Key) {
	t.Helper()
	private := must2(makeKey(a))(t)
	signer := must2(NewSigner(private))(t)
	return signer, must2(CheckKey(private.Public()))(t)
}

// rsaKeys are made once and by openssl, which takes a tenth of the time; three, one each for root, issuer and responder.
var rsaKeys = sync.OnceValues(func() (keys [3]crypto.Signer, err error) {
	for i := range keys {
		out, err := exec.Command("openssl", "genrsa", "3072").Output()
		if err != nil {
			return keys, err
		}
		block, _ := pem.Decode(out)
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return keys, err
		}
		keys[i] = parsed.(crypto.Signer)
	}
	return keys, nil
})

var rsaNext atomic.Uint32

func makeKey(a Algorithm) (crypto.Signer, error) {
	if a != RSA3072 {
		return GenerateKey(a)
	}
	keys, err := rsaKeys()
	return keys[rsaNext.Add(1)%3], err
}

// must2 lets a call's two results be passed on at once.
func must2[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		return must(t, v, err)
	}
}

func order(t testing.TB, profile string, values map[Attribute]string, dns, emails []string, key Key) Order {
	t.Helper()
	p := must2(ProfileOf(profile))(t)
	name := must2(p.Name(values))(t)
	return must2(p.Order(name, dns, emails, key, time.Time{}))(t)
}

// issue goes the whole way and gives the certificate.
func (h *hierarchy) issue(t testing.TB, o Order, issuer *Issuer, key Signer) []byte {
	t.Helper()
	u := must2(Prepare(o, issuer, must2(NewSerial())(t), h.at))(t)
	linted, report, err := h.linter.Lint(u)
	if err != nil {
		t.Fatalf("%s: %v %+v", o.Profile, err, report.Findings)
	}
	return must2(Sign(key, linted))(t)
}

func newHierarchy(t testing.TB, a Algorithm, at time.Time, trust Trust) *hierarchy {
	t.Helper()
	h := &hierarchy{linter: must2(sharedLinter())(t), at: at, trust: trust}
	mark := " " + TestMark
	if trust.IsQualified() {
		mark = ""
	}
	if a == RSA3072 {
		lendRSA(h.linter, must2(makeKey(a))(t))
	}
	rootKey, rootPublic := newKey(t, a)
	o := order(t, RootCA, map[Attribute]string{Country: "PT", Organization: "Sistema de Certificação Eletrónica do Estado", CommonName: "ECRaizEstado" + mark}, nil, nil, rootPublic)
	self := must2(SelfIssuer(o, URLs{CPS: addresses.CPS}, trust))(t)
	h.rootKey = rootKey
	h.root = must2(NewIssuer(h.issue(t, o, self, rootKey), addresses, trust))(t)

	issuingKey, issuingPublic := newKey(t, a)
	o = order(t, IssuingCA, map[Attribute]string{Country: "PT", Organization: "Sistema de Certificação Eletrónica do Estado", Unit: "ECEstado", CommonName: "ECCE" + mark}, nil, nil, issuingPublic)
	h.issuingKey = issuingKey
	h.issuing = must2(NewIssuer(h.issue(t, o, h.root, rootKey), addresses, trust))(t)

	responderKey, responderPublic := newKey(t, a)
	o = order(t, OCSPResponder, map[Attribute]string{Country: "PT", Organization: "ECCE", CommonName: "OCSP 1" + mark}, nil, nil, responderPublic)
	h.responderKey = responderKey
	h.responderCert = h.issue(t, o, h.issuing, issuingKey)
	h.responder = must2(NewResponder(h.responderCert, h.issuing))(t)
	return h
}

const longBody = "Secretaria-Geral do Ministério do Trabalho, Solidariedade e Segurança Social e da Administração Interna"

func personValues() map[Attribute]string {
	return map[Attribute]string{
		Country: "PT", Organization: longBody, OrganizationIdentifier: BodyIdentifier("600000001"),
		Unit: "Direção de Serviços n.º 1", Title: "Chefe de Divisão", Surname: "d’Exemplo Conceição",
		GivenName: "Inventada", SerialNumber: "IDCPT-00000000", CommonName: "Inventada d’Exemplo Conceição",
	}
}

func bodyValues(cn string) map[Attribute]string {
	v := map[Attribute]string{Country: "PT", Organization: "Município de Exemplo", OrganizationIdentifier: BodyIdentifier("500000000")}
	if cn != "" {
		v[CommonName] = cn
	}
	return v
}

func placeValues() map[Attribute]string {
	v := bodyValues("")
	v[Locality] = "Vila de Exemplo"
	return v
}

// endEntities are one order of each profile for holders.
func endEntities(t testing.TB, key Key) []Order {
	return []Order{
		order(t, PersonAuthentication, personValues(), nil, []string{"inventada@exemplo.pt"}, key),
		order(t, Seal, bodyValues("Selo do Município de Exemplo"), nil, nil, key),
		order(t, SealSoftware, bodyValues("Selo do Município de Exemplo"), nil, nil, key),
		order(t, Website, bodyValues(""), []string{"www.exemplo.pt", "Exemplo.pt"}, nil, key),
		order(t, PersonSignature, personValues(), nil, nil, key),
		order(t, PersonSignatureSoftware, personValues(), nil, nil, key),
		order(t, PersonEncryption, personValues(), nil, []string{"inventada@exemplo.pt"}, key),
		order(t, QWAC, placeValues(), []string{"www.exemplo.pt", "Exemplo.pt"}, nil, key),
		order(t, Application, bodyValues("Balcão eletrónico do Município de Exemplo"), nil, nil, key),
	}
}

func serialOf(n int64) *big.Int {
	return new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 100), big.NewInt(n))
}

var _ crypto.Signer = Signer(nil)

func serialIn(t testing.TB, der []byte) *big.Int {
	t.Helper()
	c := must2(x509.ParseCertificate(der))(t)
	return c.SerialNumber
}

// keyOf gives a refusal's message key, "" for none.
func keyOf(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Key
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func publicDER(s Signer) ([]byte, error) { return x509.MarshalPKIXPublicKey(s.Public()) }

func parse(der []byte) (*x509.Certificate, error) { return x509.ParseCertificate(der) }
