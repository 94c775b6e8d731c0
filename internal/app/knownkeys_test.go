package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAListOfKnownKeysIsReadWhollyOrKeepsTheProgramFromStarting(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good": strings.Repeat("0a", 32) + "\n", "bad": "0a\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]int{"": 0, filepath.Join(dir, "good"): 1, filepath.Join(dir, "bad"): -1, filepath.Join(dir, "none"): -1} {
		list, err := knownKeys(path)
		if (err != nil) != (want < 0) || list.Len() != max(want, 0) {
			t.Errorf("%q: %d keys, %v", path, list.Len(), err)
		}
	}
}
