// Package renamed_test plays the tour of portals whose every name was changed: the directory, the procedures, the
// fields, the powers. What passes knows no portal by name, and so a third body can open one by writing files only.
package renamed_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"chancela/internal/i18n"
	"chancela/internal/portal/portaltest"
	"chancela/internal/tour"
	"chancela/portals"
)

func TestACopyWithOtherNamesPassesTheTour(t *testing.T) {
	program := filepath.Join(t.TempDir(), "chancela")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "chancela/cmd/chancela").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	dir := t.TempDir()
	entries, err := fs.ReadDir(portals.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	copies := 0
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		copies++
		copyRenamed(t, e.Name(), filepath.Join(dir, "copia"+string(rune('a'+copies))))
	}
	if copies < 2 {
		t.Fatalf("only %d portals to copy", copies)
	}
	var said bytes.Buffer
	err = tour.Play(t.Context(), tour.Options{
		Program: program, Env: append(os.Environ(), "CHANCELA_SERVER_PORTALS="+dir), Portals: []fs.FS{os.DirFS(dir)}, Lang: i18n.EN, Out: &said,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
}

func copyRenamed(t *testing.T, from, to string) {
	t.Helper()
	source, err := fs.Sub(portals.Files, from)
	if err != nil {
		t.Fatal(err)
	}
	renamed, err := portaltest.Renamed(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, renamed); err != nil {
		t.Fatal(err)
	}
}
