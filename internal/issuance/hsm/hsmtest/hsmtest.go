// Package hsmtest gives tests a hardware module of their own: SoftHSM, which is a real PKCS#11 library with a token in a
// folder. A test takes the token away by moving that folder, as one pulls a card out.
package hsmtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Label and PIN are the token's; everybody may know them.
const (
	Label = "ensaio"
	PIN   = "1234-de-ensaio"
)

// Token is a token in a folder of the test's own.
type Token struct {
	// Library is the path of SoftHSM's library.
	Library string
	dir     string
}

// New makes a token. The library finds it by the environment, so a test that has one does not run beside others.
func New(t testing.TB) *Token {
	t.Helper()
	top := t.TempDir()
	k := &Token{Library: library(t), dir: filepath.Join(top, "tokens")}
	conf := filepath.Join(top, "softhsm2.conf")
	text := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n", k.dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	k.Plug(t)
	k.Add(t, Label)
	return k
}

// Plug makes the folder of tokens, empty.
func (k *Token) Plug(t testing.TB) {
	t.Helper()
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// Add initialises one more token.
func (k *Token) Add(t testing.TB, label string) {
	t.Helper()
	k.run(t, "softhsm2-util", "--module", k.Library, "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "so-"+PIN)
}

func library(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("no libsofthsm2.so: install softhsm2")
	return ""
}

func (k *Token) run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...).CombinedOutput() //nolint:gosec // the tools of this file only
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// Away takes the token away; the function that it gives brings it back.
func (k *Token) Away(t testing.TB) (back func()) {
	t.Helper()
	kept := k.dir + "-away"
	if err := os.Rename(k.dir, kept); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.RemoveAll(k.dir); err != nil { // whatever a library made in its place
			t.Fatal(err)
		}
		if err := os.Rename(kept, k.dir); err != nil {
			t.Fatal(err)
		}
	}
}

// Says gives what another program, which is not ours, reads from the token: its flags and what it holds.
func (k *Token) Says(t testing.TB, args ...string) string {
	t.Helper()
	return k.run(t, "pkcs11-tool", append([]string{"--module", k.Library}, args...)...)
}

// PINTried says whether a wrong PIN was given since the last right one, or the token is locked, as another program
// reads it.
func (k *Token) PINTried(t testing.TB) bool {
	t.Helper()
	slots := k.Says(t, "--list-slots")
	if !strings.Contains(slots, Label) {
		t.Fatalf("the token is not there:\n%s", slots)
	}
	return strings.Contains(slots, "user PIN count low") || strings.Contains(slots, "final user PIN try") || strings.Contains(slots, "user PIN locked")
}
