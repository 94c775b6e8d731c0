// Package internal_test holds the rules of the house that a compiler does not
// know: who may import whom, where SQL may stand, which modules are allowed,
// what may be global, and that no Go file knows a portal by name.
//
// The rules are data at the top of this file; the functions that apply them are
// in judge_test.go; bad_test.go shows each of them failing on a small bad
// example, since a rule that cannot fail is no rule.
package internal_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "chancela"

// floors gives each room its floor. An arrow goes down, never up and never
// sideways, but for the exceptions below.
var floors = map[string]int{
	"fault": 1, "i18n": 1, "config": 1, "portals": 1, "nearest": 1, "durable": 1,
	"db": 2, "blob": 2, "actor": 2, "field": 2, "issuance": 2, "calendar": 2, "vault": 2,
	"portal": 3, "decision": 3, "audit": 3, "queue": 3, "notify": 3, "link": 3, "throttle": 3,
	"account": 4, "ca": 4, "evidence": 4, "letter": 4,
	"casefile": 5, "login": 5, "eid": 5, "certificate": 5, "problem": 5, "card": 5, "credential": 5, "status": 5, "recheck": 5, "signer": 5, "publication": 5, "caller": 5,
	"web": 6, "api": 6, "acme": 6, "pkihttp": 6,
	"cmd/chancela": 7, "app": 7, "apptest": 7, "tour": 7, "ceremony": 7,
}

// sideways names the arrows within a floor that are allowed.
var sideways = map[string][]string{
	"config":       {"nearest"}, // one pure function that stands on nothing
	"notify":       {"queue"},
	"account":      {"letter"}, // writes to the person whose account it opens
	"cmd/chancela": {"app", "apptest", "ceremony", "tour"},
	"apptest":      {"app", "cmd/chancela"},
}

// externalTests names what the external tests of a room may import beyond what
// the room itself may and the test kit: the definitions are tried with the
// loader that reads them.
var externalTests = map[string][]string{
	"portals": {"portal", "actor", "db", "field", "i18n"},
	"docs":    {"app", "config", "portal"}, // the guides' examples are tried
	"recheck": {"status", "pkihttp"},       // it asks what is served
	"app":     {"ceremony"},                // an instance takes on what one made
	"test": {
		"tour", "app", "db", "ca", "credential", "portals", "portal", "i18n",
		"actor", "decision", "durable", "fault", "issuance", "pkihttp", "status", "throttle", // strangers judge what the rooms that issue make
	},
}

// face is what floor 6 may import of the two lowest floors, and never of floor
// 3: a page that could reach the database would answer for itself what only a
// room may answer.
var (
	faceMay   = []string{"field", "actor", "fault", "i18n"}
	faceNever = []string{"db", "blob", "queue", "notify"}
)

// outside are folders with programs of their own, which import nothing of ours
// and which nothing of ours imports.
var outside = []string{"scripts", "test", "bench"}

// storeFloors are the floors whose store.go files may hold SQL; db may anywhere.
var storeFloors = []int{3, 4, 5}

// emptyNames are names of packages that say nothing.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "manager", "impl", "misc", "shared"}

// immutable are the functions whose result may be a package variable, since
// nothing can change it afterwards. sync.OnceValue is a constant that is made
// when it is first asked for.
var immutable = []string{
	"regexp.MustCompile", "errors.New", "template.Must", "strings.NewReplacer",
	"sync.OnceValue", "sync.OnceValues", "reflect.TypeFor", "idna.New", "goldmark.New",
	"elliptic.P256", "elliptic.P384", "elliptic.P521",
	"language.Make", "language.MustParse", "language.NewMatcher",
	"netip.MustParsePrefix", "netip.MustParseAddr", "big.NewInt",
}

// otherKeys are the lists of a definition whose keys are neither a procedure's
// nor a field's: what one may choose ("sim" is a word of the kind yes-or-no),
// and powers.
var otherKeys = []string{"options", "powers"}

// wordRooms may declare constants that read like the key of a portal's field:
// kinds and roles are Go's own words there.
var wordRooms = []string{"field", "portal"}

func TestEveryRoomStandsOnItsFloor(t *testing.T) {
	for _, p := range packages(t) {
		for _, problem := range judgeImports(p) {
			t.Error(problem)
		}
	}
}

func TestPackageNamesSaySomething(t *testing.T) {
	for _, p := range packages(t) {
		if problem := judgeName(p.ImportPath, p.Name); problem != "" {
			t.Error(problem)
		}
	}
}

func TestSQLStandsInStoresOnly(t *testing.T) {
	for _, f := range sources(t) {
		for _, problem := range judgeSQL(f) {
			t.Error(problem)
		}
	}
}

func TestNothingIsGlobalAndNothingStartsByItself(t *testing.T) {
	byFolder := map[string][]source{}
	for _, f := range sources(t) {
		if !generated(f.path) {
			byFolder[filepath.Dir(f.path)] = append(byFolder[filepath.Dir(f.path)], f)
		}
	}
	for _, files := range byFolder {
		for _, problem := range judgeGlobals(files) {
			t.Error(problem)
		}
	}
}

func TestNoGoFileKnowsAPortalByName(t *testing.T) {
	keys := map[string]string{}
	portals := os.DirFS(filepath.Join(root(t), "portals"))
	if err := portalKeys(portals, keys); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(keys)), func(where string) bool { return strings.Contains(where, ".yaml:") }) {
		t.Error("found no key of a procedure or field in portals/: this rule has nothing to look for")
	}
	for _, f := range sources(t) {
		for _, problem := range judgeKeys(f, keys) {
			t.Error(problem)
		}
	}
}

func TestEveryModuleHasALineThatSaysWhy(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	why, err := os.ReadFile(filepath.Join(root(t), "docs/decisions/dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range judgeModules(string(mod), string(why)) {
		t.Error(problem)
	}
}

// TestEveryPageHasATest holds for the files of the face: page.go and
// page.templ of one base name are a page, and want page_test.go. That each
// address is really visited is told by the journeys in test/e2e.
func TestEveryPageHasATest(t *testing.T) {
	for _, problem := range judgePages(os.DirFS(filepath.Join(root(t), "internal/web"))) {
		t.Error(problem)
	}
}

// list is what these rules need of `go list -json`.
type list struct {
	ImportPath   string
	Name         string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []list {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-tags", "pkcs11", "-json=ImportPath,Name,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root(t)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []list
	for in := json.NewDecoder(bytes.NewReader(out)); in.More(); {
		var p list
		if err := in.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 2 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}

// source is one Go file outside tests; path is relative to the top of the tree.
type source struct {
	path string
	text string
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	top := root(t)
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != top && (strings.HasPrefix(name, ".") || slices.Contains([]string{"node_modules", "testdata"}, name)) {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		ours := strings.HasPrefix(rel, "cmd/") || strings.HasPrefix(rel, "internal/") || strings.HasPrefix(rel, "portals/")
		if entry.IsDir() || !ours || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		all = append(all, source{rel, string(text)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("found no Go file to judge")
	}
	return all
}

// root is the top of the tree: the folder that holds go.mod.
func root(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(top, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return top
}
