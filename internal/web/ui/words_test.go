package ui_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chancela/internal/i18n"
)

func TestEveryWordIsUsedAndEveryUsedWordExists(t *testing.T) {
	templates, err := filepath.Glob("*.templ")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, file := range append(templates, "words.go", "show.go", "form.go") {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(ui\.[a-z.-]+)"`).FindAllStringSubmatch(string(source), -1) {
			used[m[1]] = true
		}
	}
	keys := i18n.Keys()
	for key := range used {
		if !slices.Contains(keys, key) {
			t.Errorf("%s is said and stands in no dictionary", key)
		}
	}
	for _, key := range keys {
		if strings.HasPrefix(key, "ui.") && !used[key] {
			t.Errorf("%s stands in the dictionary and nobody says it", key)
		}
	}
}
