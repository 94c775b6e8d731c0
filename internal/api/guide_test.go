package api_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scriptOfTheGuide takes the integrator's script out of the guide, puts this instance's address and a token in its
// place, and runs it with the real curl and openssl.
func scriptOfTheGuide(t *testing.T, w *world) {
	t.Helper()
	guide, err := os.ReadFile("../../docs/guides/integrator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, behind, found := strings.Cut(string(guide), "## Certificates for an application, by itself")
	_, script, open := strings.Cut(behind, "```sh\n")
	script, _, closed := strings.Cut(script, "```\n")
	if !found || !open || !closed || !strings.Contains(script, "http://localhost:8080") {
		t.Fatal("the guide has no such script")
	}
	dir := t.TempDir()
	p := w.program(t, "1")
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(p.token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.ReplaceAll(script, "http://localhost:8080", w.URL))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"passes":true`, "app.pem: OK", `"state":"active"`, `"state":"revoked"`, `"reason":"superseded"`} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the script does not say %s:\n%s", want, out)
		}
	}
}
