package cms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"crypto/x509"

	"chancela/internal/issuance/cms"
)

// sign has openssl make a key of a kind and sign a text with it, and gives the message and the key.
func sign(t *testing.T, kind []string, more ...string) ([]byte, crypto.PublicKey) {
	t.Helper()
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte("conteúdo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(append([]string{"genpkey", "-out", "key.pem"}, kind...)...)
	run("req", "-x509", "-new", "-key", "key.pem", "-subj", "/CN=x", "-days", "2", "-out", "cert.pem")
	run(append([]string{"cms", "-sign", "-binary", "-nodetach", "-in", "text", "-signer", "cert.pem", "-inkey", "key.pem", "-outform", "DER", "-out", "out"}, more...)...)
	der, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return der, certificate.PublicKey
}

func TestWhatOpensslSignsIsReadAndBelievedOfItsKeyAlone(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve := []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}
	for name, c := range map[string]struct{ kind, more []string }{
		"EC":                    {curve, nil},
		"EC P-384, SHA-512":     {[]string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}, []string{"-md", "sha512"}},
		"RSA":                   {[]string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"}, nil},
		"without attributes":    {curve, []string{"-noattr"}},
		"named by its key's id": {curve, []string{"-keyid"}},
		"without certificates":  {curve, []string{"-nocerts"}},
	} {
		t.Run(name, func(t *testing.T) {
			der, key := sign(t, c.kind, c.more...)
			m, err := cms.Open(der)
			if err != nil || string(m.Content) != "conteúdo\n" {
				t.Fatalf("%q %v", m.Content, err)
			}
			if err := m.By(key); err != nil {
				t.Error(err)
			}
			if m.By(&other.PublicKey) == nil || m.By(nil) == nil {
				t.Error("another key signed it too")
			}
			m.Content = append([]byte{}, "outro texto"...)
			if m.By(key) == nil {
				t.Error("another content was signed too")
			}
		})
	}
}

func TestWhatIsNotOneSignersMessageIsRefused(t *testing.T) {
	curve := []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}
	good, key := sign(t, curve)
	sha1, _ := sign(t, curve, "-md", "sha1")
	for name, der := range map[string][]byte{
		"nothing": nil, "a tail": append(append([]byte{}, good...), 0), "cut off": good[:len(good)-1], "SHA-1": sha1, "too much": make([]byte, cms.MaxMessage+1),
	} {
		if _, err := cms.Open(der); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	for i := range good { // whatever bit is turned, nothing but what was signed is believed
		bad := append([]byte{}, good...)
		bad[i] ^= 0x01
		if m, err := cms.Open(bad); err == nil && m.By(key) == nil && string(m.Content) != "conteúdo\n" {
			t.Fatalf("byte %d: %q is believed", i, m.Content)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte{0x30, 0})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if m, err := cms.Open(der); err == nil && m.By(&key.PublicKey) == nil {
			t.Error("a key signed what it never saw")
		}
	})
}
