// Package tour_test plays the tour as a newcomer does: by the program's own verb. It plays it also on a portal that
// the program was not made with: a copy of one of ours with every key of a procedure and of a field renamed, so that
// whatever in the program knew one of them by name shows.
package tour_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

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

func TestTheTourHoldsOnOurPortalsAndOnRenamedCopies(t *testing.T) {
	program, dir, keep := build(t), t.TempDir(), t.TempDir()
	entries, err := fs.ReadDir(portals.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	copies := 0
	for _, e := range entries {
		if e.IsDir() {
			copies++
			renamed(t, e.Name(), filepath.Join(dir, fmt.Sprintf("copia-%d", copies)))
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "tour", "--english", "--keep", keep, "--portals", dir)
	cmd.Env = environ()
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(keep, "server.log"))
		t.Fatalf("the tour: %v\nend of the program's log:\n%s", err, log[max(0, len(log)-3000):])
	}
	if !strings.Contains(string(out), "steps held") || strings.Count(string(out), "\nCOPIA-") != copies {
		t.Error("the tour did not play every portal")
	}
}

func TestAMissingToolIsNamedWithItsPackage(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), build(t), "tour")
	cmd.Env = []string{"PATH=" + t.TempDir(), "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("without its tools the tour says that all holds")
	}
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 { //nolint:errorlint // exec gives it as it is
		t.Errorf("it ends with %v, not with 1", err)
	}
	for _, words := range []string{"openssl", "pdfsig", "apt-get install", "poppler-utils", "libnss3-tools"} {
		if !strings.Contains(string(out), words) {
			t.Errorf("it does not say %q:\n%s", words, out)
		}
	}
}

// renamed writes a copy of a portal in which every key of a procedure and of a field is another.
func renamed(t *testing.T, name, into string) {
	t.Helper()
	from, err := fs.Sub(portals.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	documents, keys := map[string]*yaml.Node{}, map[string]bool{}
	err = fs.WalkDir(from, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		if !strings.HasSuffix(path, ".yaml") {
			return write(filepath.Join(into, path), text)
		}
		var n yaml.Node
		if err := yaml.Unmarshal(text, &n); err != nil {
			return err
		}
		documents[path] = &n
		if strings.HasPrefix(path, "procedures/") {
			keysOf(&n, "", keys)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) < 20 {
		t.Fatalf("found only %d keys to rename in %s", len(keys), name)
	}
	for path, n := range documents {
		rename(n, "", keys)
		text, err := yaml.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(filepath.Join(into, path), text); err != nil {
			t.Fatal(err)
		}
	}
}

func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// keysOf gathers the keys of a procedure, its fields and their columns; not those of what one may choose.
func keysOf(n *yaml.Node, under string, keys map[string]bool) {
	for i, child := range n.Content {
		name := under
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			name = n.Content[i-1].Value
			if name == "key" && under != "options" {
				keys[child.Value] = true
				continue
			}
		}
		keysOf(child, name, keys)
	}
}

// words are the members of a definition whose values are the program's own words, texts, or names of pages: one may
// be spelled like a key and is none.
var words = regexp.MustCompile(`^(kind|role|from|for|on|page|terms|minuta|pt|en|do|as|roles|at|says|to)$`)

// rename renames keys wherever a definition names them: alone, or with a column behind a dot.
func rename(n *yaml.Node, under string, keys map[string]bool) {
	if n.Kind == yaml.ScalarNode && !words.MatchString(under) {
		n.Value = another(n.Value, keys)
		return
	}
	for i, child := range n.Content {
		name := under
		if n.Kind == yaml.MappingNode {
			if name = n.Content[i-i%2].Value; i%2 == 0 {
				name = memberOf(under)
			}
		}
		rename(child, name, keys)
	}
}

// another is the new name of a key, of a key with a column behind a dot, or of one behind a word ("end-of:KEY").
func another(name string, keys map[string]bool) string {
	if word, key, ok := strings.Cut(name, ":"); ok && keys[key] {
		return word + ":" + another(key, keys)
	}
	parts := strings.Split(name, ".")
	if !keys[parts[0]] || len(parts) > 2 || !keys[parts[len(parts)-1]] {
		return name
	}
	for i, part := range parts {
		parts[i] = "x_" + part
	}
	return strings.Join(parts, ".")
}

// memberOf says under which name the name of a member is looked at: only maps that a definition keys by field are
// renamed in their names.
func memberOf(under string) string {
	if under == "answers" || under == "files" {
		return ""
	}
	return "kind" // the program's own word
}
