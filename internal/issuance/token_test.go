package issuance

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func lintedSeal(t *testing.T, h *hierarchy) Linted {
	t.Helper()
	_, key := newKey(t, ECP256)
	o := order(t, Seal, bodyValues("Selo"), nil, nil, key)
	l, _, err := h.linter.Lint(must2(Prepare(o, h.issuing, must2(NewSerial())(t), h.at))(t))
	return must(t, l, err)
}

func TestATokenSignsOnceEvenForManyAtOnce(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	l := lintedSeal(t, h)
	var wg sync.WaitGroup
	results := make(chan error, 20)
	for range 20 {
		wg.Go(func() {
			_, err := Sign(h.issuingKey, l) // each a copy
			results <- err
		})
	}
	wg.Wait()
	close(results)
	signed := 0
	for err := range results {
		if err == nil {
			signed++
		} else if !errors.Is(err, ErrUsed) {
			t.Error(err)
		}
	}
	if signed != 1 {
		t.Errorf("signed %d times", signed)
	}
}

func TestAnEmptyTokenSignsNothing(t *testing.T) {
	signer, _ := newKey(t, ECP256)
	if _, err := Sign(signer, Linted{}); err == nil {
		t.Fatal("signed without a lint")
	}
	if (Linted{}).Serial() != nil || (Linted{}).Hash() != "" {
		t.Error("an empty token says something")
	}
}

func TestAnotherKeyCannotUseTheToken(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	l := lintedSeal(t, h)
	for _, key := range []Signer{h.rootKey, h.responderKey} {
		if _, err := Sign(key, l); err == nil || errors.Is(err, ErrUsed) {
			t.Fatalf("another key: %v", err)
		}
	}
	if _, err := Sign(h.issuingKey, l); err != nil {
		t.Fatalf("the right key after a wrong one: %v", err)
	}
}

// faulty is a module that gives a signature over something else, or none.
type faulty struct {
	Signer
	err error
}

func (f faulty) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	other := append([]byte{}, digest...)
	other[0] ^= 1
	return f.Signer.Sign(rand, other, opts)
}

func TestABadSignatureIsNeverReleased(t *testing.T) {
	for _, a := range []Algorithm{ECP256, RSA3072} {
		h := newHierarchy(t, a, moment, Trust{})
		l := lintedSeal(t, h)
		if der, err := Sign(faulty{Signer: h.issuingKey}, l); !errors.Is(err, ErrBadSignature) || der != nil {
			t.Errorf("%s: %v", a, err)
		}
		if _, err := Sign(h.issuingKey, l); !errors.Is(err, ErrUsed) { // the same serial is never signed twice
			t.Errorf("%s: a retry: %v", a, err)
		}
		away := errors.New("session lost")
		if _, err := Sign(faulty{h.issuingKey, away}, lintedSeal(t, h)); !errors.Is(err, away) {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestWhatIsSignedIsWhatWasLinted(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	l := lintedSeal(t, h)
	der := must2(Sign(h.issuingKey, l))(t)
	c := must2(x509.ParseCertificate(der))(t)
	if string(c.RawTBSCertificate) != string(l.token.tbs) || c.SerialNumber.Cmp(l.Serial()) != 0 || len(l.Hash()) != 64 {
		t.Error("the certificate is not the linted one")
	}
	if err := c.CheckSignatureFrom(h.issuing.certificate); err != nil {
		t.Error(err)
	}
	bent := bytes.Replace(der, []byte("Município"), []byte("Municípia"), 1) // as well-formed as before
	if err := readBack(l.token, bent); err == nil {
		t.Error("other bytes were read back without complaint")
	}
}

// TestOnlyLintMakesTokens reads the source: the token's literal stands in Lint alone (and, without a way out, in the
// lint of lists), and nothing but Sign marks one used.
func TestOnlyLintMakesTokens(t *testing.T) {
	allowed := map[string][]string{"Linted": {"Lint"}, "token": {"Lint", "examineList"}}
	found := map[string]int{}
	eachFunction(t, func(file, function string, body ast.Node) {
		ast.Inspect(body, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			name, ok := lit.Type.(*ast.Ident)
			if !ok || allowed[name.Name] == nil {
				return true
			}
			if name.Name == "Linted" && len(lit.Elts) == 0 {
				return true // the zero value, beside an error
			}
			found[name.Name]++
			if !strings.Contains(strings.Join(allowed[name.Name], " "), function) {
				t.Errorf("%s: %s makes a %s", file, function, name.Name)
			}
			return true
		})
	})
	if found["Linted"] != 1 || found["token"] != 2 {
		t.Errorf("the scan is blind: %v", found)
	}
}

// TestOnlyThreeFunctionsUseAPrivateKey looks for calls of a Sign method and of the standard library's makers.
func TestOnlyThreeFunctionsUseAPrivateKey(t *testing.T) {
	allowed := map[string][]string{
		"Sign":                     {"signBytes", "signAway"}, // the second takes a throw-away key's type alone
		"CreateCertificateRequest": {"MakeRequest"},           // proves possession, and is no certificate
	}
	found := 0
	eachFunction(t, func(file, function string, body ast.Node) {
		ast.Inspect(body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch name := sel.Sel.Name; name {
			case "Sign":
				if len(call.Args) == 0 { // big.Int's
					return true
				}
				fallthrough
			case "CreateCertificate", "CreateCertificateRequest", "CreateRevocationList", "SignASN1", "SignPKCS1v15", "SignPSS":
				found++
				if !slices.Contains(allowed[name], function) {
					t.Errorf("%s: %s calls %s", file, function, name)
				}
			}
			return true
		})
	})
	if found != 3 {
		t.Errorf("found %d", found)
	}
}

func eachFunction(t *testing.T, visit func(file, function string, body ast.Node)) {
	t.Helper()
	entries := must2(os.ReadDir("."))(t)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f := must2(parser.ParseFile(gotoken.NewFileSet(), e.Name(), nil, 0))(t)
		for _, d := range f.Decls {
			name := "package level"
			if fn, ok := d.(*ast.FuncDecl); ok {
				name = fn.Name.Name
			}
			visit(e.Name(), name, d)
		}
	}
}

// TestEveryLintOfOursCanFindSomething bends certificates until each lint has spoken, and none of them gets a token.
func TestEveryLintOfOursCanFindSomething(t *testing.T) {
	h := newHierarchy(t, ECP256, moment, Trust{})
	_, key := newKey(t, ECP256)
	_, other := newKey(t, ECP256)
	spoke := map[string]bool{}
	bend := func(name string, u Unsigned, change func(u *Unsigned)) {
		change(&u)
		l, report, err := h.linter.Lint(u)
		if !errors.Is(err, ErrLint) || report.Clean() || l != (Linted{}) {
			t.Errorf("%s: %v %+v", name, err, report)
		}
		for _, f := range report.Findings {
			spoke[f.Lint] = true
		}
	}
	prepare := func(o Order, issuer *Issuer) Unsigned { return must2(Prepare(o, issuer, serialOf(1), h.at))(t) }
	seal := order(t, Seal, bodyValues("Selo"), nil, nil, key)
	later := moment.Add(time.Hour)
	for name, change := range map[string]func(u *Unsigned){
		"an authority": func(u *Unsigned) {
			u.template.IsCA, u.template.BasicConstraintsValid = true, true
			u.template.KeyUsage |= x509.KeyUsageCertSign
		},
		"another key usage":       func(u *Unsigned) { u.template.KeyUsage = x509.KeyUsageDigitalSignature },
		"another extended usage":  func(u *Unsigned) { u.template.UnknownExtKeyUsage[0] = ServerAuth.oid() },
		"a name that was no part": func(u *Unsigned) { u.template.DNSNames = []string{"www.exemplo.pt"} },
		"too long":                func(u *Unsigned) { u.template.NotAfter = u.template.NotAfter.AddDate(0, 0, 1) },
		"past its right":          func(u *Unsigned) { u.order.Validity.Until = later },
		"a small serial number":   func(u *Unsigned) { u.template.SerialNumber = big.NewInt(1) },
		"https addresses":         func(u *Unsigned) { u.template.OCSPServer = []string{"https://localhost/ocsp"} },
		"no addresses":            func(u *Unsigned) { u.template.CRLDistributionPoints = nil },
		"another key identifier":  func(u *Unsigned) { u.template.SubjectKeyId = []byte("x") },
		"a qualified policy":      func(u *Unsigned) { u.template.ExtraExtensions[0].Value = qualifiedPolicy },
		"no policies":             func(u *Unsigned) { u.template.ExtraExtensions = u.template.ExtraExtensions[1:] },
		"another subject":         func(u *Unsigned) { u.order.Subject = append(Name{}, u.order.Subject[1:]...) },
		"another key":             func(u *Unsigned) { u.template.PublicKey = other.Public },
		"an unknown extension": func(u *Unsigned) {
			u.template.ExtraExtensions = append(u.template.ExtraExtensions, pkix.Extension{Id: []int{2, 999, 9}, Value: []byte{5, 0}})
		},
		"a key that ends before its certificate": func(u *Unsigned) {
			u.template.ExtraExtensions = append(u.template.ExtraExtensions, pkix.Extension{Id: oidKeyPeriod, Value: []byte{0x30, 0}})
		},
		"nocheck": func(u *Unsigned) {
			u.template.ExtraExtensions = append(u.template.ExtraExtensions, pkix.Extension{Id: oidNoCheck, Value: []byte{5, 0}})
		},
		"no mark": func(u *Unsigned) {
			i := *u.issuer
			i.subject = must2(Name{{Country, "PT"}, {Organization, "O"}, {CommonName, "ECCE"}}.DER())(t)
			u.issuer = &i
		},
		"an identifier that is the name": func(u *Unsigned) {
			v := bodyValues("Selo")
			v[Organization] = v[OrganizationIdentifier]
			u.template.RawSubject = must2(must2(u.profile.Name(v))(t).DER())(t)
		},
	} {
		bend(name, prepare(seal, h.issuing), change)
	}
	root := rootOrder(t)
	bend("another authority's key", prepare(root, must2(SelfIssuer(root, URLs{}, Trust{}))(t)), func(u *Unsigned) { u.template.AuthorityKeyId = []byte("x") })
	cross := order(t, CrossCA, map[Attribute]string{Country: "PT", Organization: "Sistema", CommonName: "Outra Raiz TESTE"}, nil, nil, key)
	bend("the issuer's own name", prepare(cross, h.root), func(u *Unsigned) { u.template.RawSubject = u.issuer.subject })
	for _, l := range certificateLints() {
		if !spoke[l.name] {
			t.Errorf("%s never found anything", l.name)
		}
	}
}

// qualifiedPolicy is a certificatePolicies that claims QCP-l.
var qualifiedPolicy = []byte{0x30, 0x0b, 0x30, 0x09, 0x06, 0x07, 0x04, 0x00, 0x8b, 0xec, 0x40, 0x01, 0x01}
