package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/modfile"
)

// roomOf gives the room a package belongs to; a sub-package stands in its
// parent's room. ours is false for packages of others.
func roomOf(importPath string) (room string, ours bool) {
	rel, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return "", importPath == module
	}
	parts := strings.Split(rel, "/")
	switch {
	case parts[0] == "internal" && len(parts) > 1:
		return parts[1], true
	case parts[0] == "cmd" && len(parts) > 1:
		return parts[0] + "/" + parts[1], true
	}
	return parts[0], true
}

// judgeImports says which imports of a package, or of its tests, are not
// allowed. Tests keep to the floors as well, but an external one may use the
// test kit.
func judgeImports(p list) []string {
	var problems []string
	for _, to := range append(slices.Clone(p.Imports), p.TestImports...) {
		problems = append(problems, judgeImport(p.ImportPath, to)...)
	}
	for _, to := range p.XTestImports {
		from, _ := roomOf(p.ImportPath)
		if room, _ := roomOf(to); room != "apptest" && !slices.Contains(externalTests[from], room) {
			problems = append(problems, judgeImport(p.ImportPath, to)...)
		}
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}

func judgeImport(from, to string) []string {
	a, _ := roomOf(from)
	b, ours := roomOf(to)
	if from == to || !ours {
		return nil
	}
	no := func(why string) []string {
		return []string{fmt.Sprintf("%s imports %s: %s", from, to, why)}
	}
	switch {
	case standIn(from):
		return no("a stand-in imports nothing of ours")
	case standIn(to) && floors[a] != 7:
		return no("only floor 7 imports a stand-in")
	case a == b:
		return nil
	case slices.Contains(outside, a), slices.Contains(outside, b), b == "internal":
		return no("a folder of its own")
	case floors[a] == 0:
		return no("this room has no floor; give it one in internal/rules_test.go")
	case floors[b] == 0:
		return no("that room has no floor; give it one in internal/rules_test.go")
	}
	return judgeFloors(a, b, no)
}

func judgeFloors(a, b string, no func(string) []string) []string {
	up, down := floors[a], floors[b]
	switch {
	case slices.Contains(sideways[a], b):
	case down > up:
		return no(fmt.Sprintf("upward, from floor %d to floor %d", up, down))
	case down == up:
		return no(fmt.Sprintf("both stand on floor %d", up))
	case up == 6 && slices.Contains(faceNever, b):
		return no("the face never reaches there by itself")
	case up == 6 && down < 3 && !slices.Contains(faceMay, b):
		return no("the face imports floors 3 to 5 and " + strings.Join(faceMay, ", "))
	}
	return nil
}

// standIn tells a package that plays an outside service in tests and in the
// evaluation instance: internal/eid/standin and the like.
func standIn(importPath string) bool { return path.Base(importPath) == "standin" }

func judgeName(importPath, name string) string {
	for _, word := range []string{path.Base(importPath), strings.TrimSuffix(name, "_test")} {
		if slices.Contains(emptyNames, word) {
			return importPath + ": the name " + word + " says nothing"
		}
	}
	return ""
}

// sqlWords find SQL in a string, whole statements and pieces to be joined.
var sqlWords = regexp.MustCompile(`(?is)^\s*(` +
	`select\s.*\bfrom\s|select\s+(count|max|min|exists|coalesce|now)\b|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|` +
	`(create|alter|drop)\s+(unique\s+)?(table|index|view|trigger|schema|database)\b|with\s+(recursive\s+)?\w+.*\bas\s*\(|` +
	`(where|and|or|order\s+by|group\s+by|on\s+conflict|returning|limit)\s+[\w.(]+.*(\$\d|=|\bin\b|\basc\b|\bdesc\b)|` +
	`savepoint\s+\w|release\s+savepoint|rollback\s+to|pragma\s+\w)`)

func judgeSQL(f source) []string {
	room, _ := roomOf(module + "/" + filepath.ToSlash(filepath.Dir(f.path)))
	if room == "db" || filepath.Base(f.path) == "store.go" && slices.Contains(storeFloors, floors[room]) {
		return nil
	}
	var problems []string
	eachString(f, func(at token.Position, text string, _ bool) {
		if sqlWords.MatchString(text) {
			problems = append(problems, fmt.Sprintf("%s: SQL stands in the store.go files of floors 3 to 5 and in db", at))
		}
	})
	return problems
}

// eachString visits every string literal of a file but import paths and struct
// tags, and tells whether it stands in a constant declaration.
func eachString(f source, visit func(at token.Position, text string, constant bool)) {
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, f.path, f.text, parser.SkipObjectResolution)
	if err != nil {
		return // the compiler says it better
	}
	constant := false
	var walk func(ast.Node) bool
	walk = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			if n.Type != nil {
				ast.Inspect(n.Type, walk)
			}
			return false
		case *ast.GenDecl:
			if n.Tok != token.CONST || constant {
				return true
			}
			constant = true
			for _, spec := range n.Specs {
				ast.Inspect(spec, walk)
			}
			constant = false
			return false
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				visit(files.Position(n.Pos()), text, constant)
			}
		}
		return true
	}
	ast.Inspect(tree, walk)
}

// portalKeys gathers the keys of portals, procedures and fields, and where each
// stands: the folders of portals/, and every "key" in their YAML but in the
// lists that otherKeys names.
func portalKeys(portals fs.FS, keys map[string]string) error {
	return fs.WalkDir(portals, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && !strings.Contains(name, "/") {
				keys[name] = "portals/" + name
			}
			return nil
		}
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		text, err := fs.ReadFile(portals, name)
		if err != nil {
			return err
		}
		var node yaml.Node
		if err := yaml.Unmarshal(text, &node); err != nil {
			return fmt.Errorf("portals/%s: %w", name, err)
		}
		keysIn(&node, "portals/"+name, keys)
		return nil
	})
}

func keysIn(node *yaml.Node, file string, keys map[string]string) {
	for i, child := range node.Content {
		isKey := node.Kind == yaml.MappingNode && i%2 == 1 && node.Content[i-1].Value == "key"
		if node.Kind == yaml.MappingNode && i%2 == 1 && slices.Contains(otherKeys, node.Content[i-1].Value) {
			continue
		}
		if isKey && child.Kind == yaml.ScalarNode && child.Value != "" {
			keys[child.Value] = fmt.Sprintf("%s:%d", file, child.Line)
		}
		keysIn(child, file, keys)
	}
}

func judgeKeys(f source, keys map[string]string) []string {
	room, _ := roomOf(module + "/" + filepath.ToSlash(filepath.Dir(f.path)))
	var problems []string
	eachString(f, func(at token.Position, text string, constant bool) {
		where, known := keys[text]
		if !known || constant && slices.Contains(wordRooms, room) {
			return
		}
		problems = append(problems, fmt.Sprintf("%s: %q is a key of %s; ask the definition by role", at, text, where))
	})
	return problems
}

// judgeModules wants a line of the decisions for every direct requirement.
func judgeModules(mod, why string) []string {
	file, err := modfile.Parse("go.mod", []byte(mod), nil)
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	for _, need := range file.Require {
		if !need.Indirect && !strings.Contains(why, "`"+need.Mod.Path+"`") {
			problems = append(problems, "docs/decisions/dependencies.md has no line for `"+need.Mod.Path+"`")
		}
	}
	for _, swap := range file.Replace {
		problems = append(problems, "go.mod replaces "+swap.Old.Path+": others would build something else")
	}
	return problems
}

// judgePages names the pages without a test.
func judgePages(face fs.FS) []string {
	entries, err := fs.ReadDir(face, ".")
	if err != nil {
		return []string{err.Error()}
	}
	has := map[string]bool{}
	for _, entry := range entries {
		has[entry.Name()] = true
	}
	var problems []string
	for _, entry := range entries {
		base, page := strings.CutSuffix(entry.Name(), ".templ")
		if page && has[base+".go"] && !has[base+"_test.go"] {
			problems = append(problems, "internal/web/"+base+".go is a page without "+base+"_test.go")
		}
	}
	return problems
}
