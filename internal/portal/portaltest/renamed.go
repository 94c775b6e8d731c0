// Package portaltest makes other portals out of those that there are, for tests.
//
// A copy whose directory, procedures, fields and powers have other names must work as well as the first: then no code
// knows a name. Start reading at [Renamed].
package portaltest

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"go.yaml.in/yaml/v3"
)

// Renamed copies a portal's directory with every key of a procedure, field, column and power replaced by one that says
// nothing, wherever it stands. It rewrites the files mechanically and knows no portal.
func Renamed(dir fs.FS) (fs.FS, error) {
	files, trees, err := read(dir)
	if err != nil {
		return nil, err
	}
	r := renamer{names: map[string]string{}}
	for _, name := range slices.Sorted(mapKeys(trees)) {
		switch {
		case strings.HasPrefix(name, "procedures/"):
			r.procedure(trees[name])
		case name == "portal.yaml":
			for _, power := range items(child(trees[name], "powers")) {
				r.learn(child(power, "key"))
			}
		}
	}
	for name, tree := range trees {
		r.rewrite(tree, name == "tour.yaml")
		var b bytes.Buffer
		if err := yaml.NewEncoder(&b).Encode(tree); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		if strings.HasPrefix(name, "procedures/") {
			delete(files, name)
			name = "procedures/" + r.renamed(strings.TrimSuffix(path.Base(name), ".yaml")) + ".yaml"
		}
		files[name] = &fstest.MapFile{Data: b.Bytes()}
	}
	return files, nil
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func read(dir fs.FS) (fstest.MapFS, map[string]*yaml.Node, error) {
	files, trees := fstest.MapFS{}, map[string]*yaml.Node{}
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		files[name] = &fstest.MapFile{Data: data}
		if path.Ext(name) != ".yaml" {
			return nil
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(data, &doc); err != nil || len(doc.Content) != 1 {
			return fmt.Errorf("read %s: %w", name, err)
		}
		trees[name] = doc.Content[0]
		return nil
	})
	return files, trees, err
}

type renamer struct{ names map[string]string }

func (r renamer) learn(key *yaml.Node) {
	if key != nil && r.names[key.Value] == "" {
		r.names[key.Value] = fmt.Sprintf("renamed_%03d", len(r.names)+1)
	}
}

func (r renamer) procedure(tree *yaml.Node) {
	r.learn(child(tree, "key"))
	for _, step := range items(child(tree, "steps")) {
		r.fields(child(step, "fields"))
	}
	r.fields(child(tree, "ask-later"))
}

func (r renamer) fields(list *yaml.Node) {
	for _, f := range items(list) {
		r.learn(child(f, "key"))
		r.fields(child(f, "columns"))
	}
}

// kept are the keys of YAML whose values are the program's own words, or names of other things than those renamed.
var kept = []string{"kind", "role", "from", "roles", "to", "page", "terms", "minuta", "accepts", "on", "do", "as", "says", "profile", "pt", "en", "mails", "messages", "values", "people"}

// rewrite puts the new names in place of the old ones. What maps answers or files has them as keys, too.
func (r renamer) rewrite(n *yaml.Node, tour bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if tour && (key.Value == "answers" || key.Value == "files") {
				for j := 0; j+1 < len(value.Content); j += 2 {
					value.Content[j].Value = r.renamed(value.Content[j].Value)
				}
			}
			if !slices.Contains(kept, key.Value) {
				r.rewrite(value, tour)
			}
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			r.rewrite(item, tour)
		}
	case yaml.ScalarNode:
		if n.Tag == "!!str" || n.Tag == "" {
			n.Value = r.renamed(n.Value)
		}
	}
}

// renamed gives the new form of a key, of "question.column", and of "end-of:field".
func (r renamer) renamed(word string) string {
	if name, ok := r.names[word]; ok {
		return name
	}
	if prefix, key, ok := strings.Cut(word, ":"); ok && r.names[key] != "" {
		return prefix + ":" + r.names[key]
	}
	question, column, ok := strings.Cut(word, ".")
	if !ok || r.names[question] == "" {
		return word
	}
	return r.names[question] + "." + r.renamed(column)
}

func child(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}
