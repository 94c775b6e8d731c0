package pades_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chancela/internal/credential/pades"
)

var at = time.Date(2026, 5, 4, 10, 15, 0, 0, time.UTC)

// authority is a root with one issuing authority below it, made for a test.
type authority struct {
	root, issuer       *x509.Certificate
	rootKey, issuerKey crypto.Signer
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	a := authority{rootKey: ecKey(t, elliptic.P256()), issuerKey: ecKey(t, elliptic.P256())}
	a.root = sign(t, ca(1, "Raiz de Ensaio"), nil, a.rootKey.Public(), a.rootKey)
	a.issuer = sign(t, ca(2, "Emissora de Ensaio"), a.root, a.issuerKey.Public(), a.rootKey)
	return a
}

// sealer certifies a key for sealing, as an invented body.
func (a authority) sealer(t testing.TB, key crypto.Signer) pades.Sealer {
	t.Helper()
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(0x7fee),
		Subject:      pkix.Name{CommonName: "Entidade Inventada de Ensaio", Organization: []string{"Entidade Inventada"}, Country: []string{"PT"}},
		NotBefore:    at.AddDate(-1, 0, 0), NotAfter: at.AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageContentCommitment | x509.KeyUsageDigitalSignature,
		// Readers that ask for a purpose take this one for documents.
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		BasicConstraintsValid: true,
	}
	return pades.Sealer{
		Signer:      key,
		Certificate: sign(t, leaf, a.issuer, key.Public(), a.issuerKey),
		Chain:       []*x509.Certificate{a.issuer, a.root},
	}
}

func ca(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Country: []string{"PT"}},
		NotBefore: at.AddDate(-2, 0, 0), NotAfter: at.AddDate(30, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, IsCA: true, BasicConstraintsValid: true,
	}
}

func sign(t testing.TB, c, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func ecKey(t testing.TB, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// trust makes an NSS store that trusts the root, and gives its folder.
func (a authority) trust(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root := a.rootFile(t)
	mustJudge(t, "certutil", "-N", "-d", "sql:"+dir, "--empty-password")
	mustJudge(t, "certutil", "-A", "-d", "sql:"+dir, "-n", "raiz", "-t", "CT,C,C", "-i", root)
	return dir
}

func (a authority) rootFile(t *testing.T) string {
	t.Helper()
	return write(t, "raiz.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw}))
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// shortRSA is a key that was in use once, and must not be any more. Go itself makes none of that size.
func shortRSA(t *testing.T) crypto.Signer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "curta.pem")
	mustJudge(t, "openssl", "genrsa", "-out", file, "1024")
	block, _ := pem.Decode(readFile(t, file))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}
