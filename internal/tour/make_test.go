package tour

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDocumentsOfTheTourAreWholePDFs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(path, makePDF("Ata (cópia)"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdftotext", path, "-").CombinedOutput()
	if err != nil {
		t.Fatalf("pdftotext: %v: %s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != "Ata (c?pia)" {
		t.Errorf("pdftotext reads %q", got)
	}
}

func TestAKeyRequestIsForTheKeyThatStaysHere(t *testing.T) {
	for _, algorithm := range []string{"ec-p256", "ec-p384", "rsa-3072"} {
		k, err := makeKeyRequest(algorithm, "Ana Exemplo")
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(k.request)
		request, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil || request.CheckSignature() != nil {
			t.Errorf("%s: the request does not hold: %v", algorithm, err)
		}
		if text, err := k.keyPEM(); err != nil || !strings.Contains(string(text), "PRIVATE KEY") {
			t.Errorf("%s: the key cannot be kept: %v", algorithm, err)
		}
	}
	if _, err := makeKeyRequest("dsa", "x"); err == nil || !strings.Contains(err.Error(), "expected ec-p256") {
		t.Errorf("an unknown algorithm is told so: %v", err)
	}
}
