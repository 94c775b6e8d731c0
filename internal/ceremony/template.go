package ceremony

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"

	"chancela/internal/durable"
)

//go:embed templates/*.yaml
var templates embed.FS

// Kinds are the scripts that there are to begin with: root and issuing authority in one place, or each in its own.
func Kinds() []string { return []string{"whole", "root", "issuing"} }

// WriteNew makes a directory of ceremonies if there is none, and in it a script to be changed. It never writes over one.
func WriteNew(dir, name, kind string) (string, error) {
	if !nameForm.MatchString(name) {
		return "", fmt.Errorf("%q is no name of a ceremony: lower-case letters, digits and hyphens", name)
	}
	text, err := templates.ReadFile("templates/" + kind + scriptEnd)
	if err != nil {
		return "", fmt.Errorf("kind %q; expected one of %v", kind, Kinds())
	}
	for _, sub := range []string{"", inDir, outDir} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, name+scriptEnd)
	if isThere(path) {
		return "", fmt.Errorf("%s is there already", path)
	}
	return path, durable.Replace(path, bytes.Replace(text, []byte("ceremony: NAME"), []byte("ceremony: "+name), 1))
}
