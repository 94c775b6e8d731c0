// Package tour_test plays the tour as a newcomer does: by the program's own verb.
package tour_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chancela/internal/tour"
	"chancela/portals"
)

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "chancela")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, "chancela/cmd/chancela")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// environ is the environment without what would set the program up otherwise.
func environ() []string {
	var all []string
	for _, one := range os.Environ() {
		if !strings.HasPrefix(one, "CHANCELA_") {
			all = append(all, one)
		}
	}
	return all
}

func TestTheVerbPlaysEveryPortalAndKeepsWhatWasIssued(t *testing.T) {
	keep := t.TempDir()
	cmd := exec.CommandContext(t.Context(), build(t), "tour", "--keep", keep)
	cmd.Env = environ()
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(keep, "server.log"))
		t.Fatalf("the tour: %v\nend of the program's log:\n%s", err, log[max(0, len(log)-3000):])
	}
	scripts, err := tour.Scripts(portals.Files)
	if err != nil || len(scripts) < 2 {
		t.Fatalf("%d portals have a tour: %v", len(scripts), err)
	}
	for _, script := range scripts {
		for _, act := range script.Acts {
			if !strings.Contains(string(out), "s] "+act.Says.PT+"\n") {
				t.Errorf("%s: no line says: %s", act.At, act.Says.PT)
			}
		}
		kept, err := fs.Glob(os.DirFS(keep), "artefacts/"+script.Portal+"/*")
		if err != nil || len(kept) == 0 {
			t.Errorf("nothing that %s issued was kept: %v", script.Portal, err)
		}
	}
	if strings.Contains(string(out), "✗") || !strings.Contains(string(out), "passos cumpriram-se") {
		t.Error("it ends well without saying that every step held")
	}
}

func TestAMissingToolIsNamedWithItsPackage(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), build(t), "tour")
	cmd.Env = []string{"PATH=" + t.TempDir(), "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 1 {
		t.Errorf("it ends with %v, not with 1", err)
	}
	for _, words := range []string{"openssl", "pdfsig", "apt-get install", "poppler-utils", "libnss3-tools"} {
		if !strings.Contains(string(out), words) {
			t.Errorf("it does not say %q:\n%s", words, out)
		}
	}
}
