// Package docs_test holds the documents against the code: what a page lists must be what there is. It reads the
// sources and imports nothing of ours, so that a page can be checked while the program does not build.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// worded are the types whose values a reader meets as words, and the page that has a line for each value.
func worded() map[string]string {
	const states, glossary = "decisions/states.md", "glossary.md"
	return map[string]string{
		"internal/casefile.State": states, "internal/account.State": states, "internal/ca.State": states, "internal/certificate.State": states,
		"internal/certificate.Standing": states, "internal/credential.State": states, "internal/status.State": states, "internal/decision.Verdict": states,
		"internal/actor.Kind": glossary, "internal/actor.Role": glossary, "internal/account.Kind": glossary,
	}
}

func TestEveryStateAndRoleHasItsLine(t *testing.T) {
	for name, page := range worded() {
		folder, typ, _ := strings.Cut(name, ".")
		values := constants(t, folder, typ)
		if len(values) == 0 {
			t.Errorf("%s has no values: this test has nothing to look for", name)
		}
		text := read(t, page)
		for _, value := range values {
			if value != "" && !strings.Contains(text, "`"+value+"`") {
				t.Errorf("docs/%s has no line for %s %q", page, name, value)
			}
		}
	}
}

// TestEveryRoomIsInTheArchitecture: a room that the map lacks is a room that nobody finds.
func TestEveryRoomIsInTheArchitecture(t *testing.T) {
	text := read(t, "architecture.md")
	rooms := glob(t, "../internal/*")
	for _, room := range rooms {
		info, err := os.Stat(room)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() && !strings.Contains(text, "`"+filepath.Base(room)+"`") {
			t.Errorf("docs/architecture.md lacks the room %s", filepath.Base(room))
		}
	}
	if len(rooms) < 10 {
		t.Fatalf("found %d rooms: this test has nothing to look for", len(rooms))
	}
}

func TestEveryTableHasItsLine(t *testing.T) {
	var made []string
	for _, file := range glob(t, "../internal/db/migrations/*.sql") {
		for _, found := range regexp.MustCompile(`(?m)^CREATE TABLE (\w+)`).FindAllStringSubmatch(read(t, file), -1) {
			made = append(made, found[1])
		}
	}
	listed := firstCells(read(t, "decisions/tables.md"))
	for _, table := range made {
		if !slices.Contains(listed, table) {
			t.Errorf("decisions/tables.md has no line for %s", table)
		}
	}
	for _, table := range listed {
		if !slices.Contains(made, table) {
			t.Errorf("decisions/tables.md has %s, which no migration makes", table)
		}
	}
}

func TestPermissionsAreAsThePolicySays(t *testing.T) {
	rows := map[string]string{}
	for _, line := range strings.Split(read(t, "decisions/permissions.md"), "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 5 {
			rows[strings.Trim(cells[0], "| `")] = strings.Join(cells[1:4], " | ")
		}
	}
	policy := policyRows(t)
	for permission, want := range policy {
		if rows[permission] != want {
			t.Errorf("decisions/permissions.md says of %s %q; the policy says %q", permission, rows[permission], want)
		}
	}
	for permission := range rows {
		if _, known := policy[permission]; !known && permission != "Permission" && permission != "---" {
			t.Errorf("decisions/permissions.md has %q, which the policy lacks", permission)
		}
	}
}

// TestEverySettingIsInTheOperatorsGuide compares keys and words with the struct of the settings.
func TestEverySettingIsInTheOperatorsGuide(t *testing.T) {
	text := read(t, "guides/operator.md")
	count := 0
	for table, keys := range tagged(t, "../internal/config/config.go", "toml") {
		for _, one := range keys {
			if one.doc == "" {
				continue
			}
			key := strings.ToLower(table) + "." + one.name
			count++
			if !strings.Contains(text, "| `"+key+"` |") || !strings.Contains(text, one.doc) {
				t.Errorf("guides/operator.md lacks the setting %s: %s", key, one.doc)
			}
		}
	}
	if count < 10 {
		t.Fatalf("found %d settings: this test has nothing to look for", count)
	}
}

// TestEveryKeyOfADefinitionIsInTheAuthorsGuide: whoever writes a portal needs no source.
func TestEveryKeyOfADefinitionIsInTheAuthorsGuide(t *testing.T) {
	text := read(t, "guides/portal-author.md")
	files := slices.Concat(glob(t, "../internal/portal/*.go"), glob(t, "../internal/account/*.go"), glob(t, "../internal/certificate/*.go"), glob(t, "../internal/credential/*.go"))
	count := 0
	for _, file := range files {
		for typ, keys := range tagged(t, file, "yaml") {
			for _, one := range keys {
				count++
				if !strings.Contains(text, "`"+one.name+"`") && !strings.Contains(text, "`"+one.name+": ") {
					t.Errorf("guides/portal-author.md lacks the key %s (of %s in %s)", one.name, typ, file)
				}
			}
		}
	}
	if count < 100 {
		t.Fatalf("found %d keys: this test has nothing to look for", count)
	}
	for _, folder := range []string{"internal/field.Kind", "internal/portal.Role", "internal/portal.Event"} {
		room, typ, _ := strings.Cut(folder, ".")
		for _, value := range constants(t, room, typ) {
			if !strings.Contains(text, "`"+value+"`") {
				t.Errorf("guides/portal-author.md lacks %s of %s", value, folder)
			}
		}
	}
}

// TestEveryFieldOfAnAnswerIsInTheIntegratorsGuide: programs rely on these names.
func TestEveryFieldOfAnAnswerIsInTheIntegratorsGuide(t *testing.T) {
	text := read(t, "guides/integrator.md")
	fields := slices.Concat(tagged(t, "../internal/web/verify.go", "json")["answer"], tagged(t, "../internal/web/verify.go", "json")["answerFact"])
	if len(fields) < 5 {
		t.Fatalf("found %d fields: this test has nothing to look for", len(fields))
	}
	for _, one := range fields {
		name, _, _ := strings.Cut(one.name, ",")
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("guides/integrator.md lacks the field %s", name)
		}
	}
}

// TestTheWordsOfTheGuidesAreOnThePages: what the guides for people say in bold is a label of the program's or of a
// portal's, so that nobody looks for a button that is called otherwise.
func TestTheWordsOfTheGuidesAreOnThePages(t *testing.T) {
	var words strings.Builder
	for _, file := range slices.Concat(glob(t, "../internal/i18n/words/*.yaml"), glob(t, "../portals/*/*.yaml"), glob(t, "../portals/*/procedures/*.yaml")) {
		words.WriteString(read(t, file))
	}
	count := 0
	for _, guide := range []string{"guides/applicant.md", "guides/officer.md"} {
		for _, found := range regexp.MustCompile(`\*\*([^*]+)\*\*`).FindAllStringSubmatch(read(t, guide), -1) {
			count++
			if !strings.Contains(strings.ToLower(words.String()), strings.ToLower(found[1])) && found[1] != "bold" {
				t.Errorf("docs/%s says %q, which stands on no page", guide, found[1])
			}
		}
	}
	if count < 10 {
		t.Fatalf("found %d words: this test has nothing to look for", count)
	}
}

// TestLinksLeadSomewhere follows every relative link between documents; pictures are for people to look at.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`(?:^|[^!])\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)`)
	for _, file := range slices.Concat(glob(t, "../*.md"), glob(t, "*.md"), glob(t, "*/*.md")) {
		for _, found := range link.FindAllStringSubmatch(read(t, file), -1) {
			if strings.Contains(found[1], ":") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), found[1])); err != nil {
				t.Errorf("docs/%s: %v", file, err)
			}
		}
	}
}

type key struct{ name, doc string }

// tagged lists the keys that the tags of a file's structs give, by struct.
func tagged(t *testing.T, file, tag string) map[string][]key {
	t.Helper()
	all := map[string][]key{}
	if strings.HasSuffix(file, "_test.go") {
		return all
	}
	pattern := regexp.MustCompile(tag + `:"([^"]+)"`)
	doc := regexp.MustCompile(`doc:"([^"]+)"`)
	ast.Inspect(parse(t, file), func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		structure, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, f := range structure.Fields.List {
			if f.Tag == nil {
				continue
			}
			if found := pattern.FindStringSubmatch(f.Tag.Value); found != nil && found[1] != "-" {
				one := key{name: found[1]}
				if said := doc.FindStringSubmatch(f.Tag.Value); said != nil {
					one.doc = said[1]
				}
				all[spec.Name.Name] = append(all[spec.Name.Name], one)
			}
		}
		return true
	})
	return all
}

// constants lists the string values of a folder's constants of a type; a room that is not there yet has none.
func constants(t *testing.T, folder, typ string) []string {
	t.Helper()
	var values []string
	for _, file := range glob(t, "../"+folder+"/*.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		ast.Inspect(parse(t, file), func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) == 0 {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typ {
				return true
			}
			for _, value := range spec.Values {
				if lit, ok := value.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, text)
				}
			}
			return true
		})
	}
	return values
}

// policyRows writes the table of actor/policy.go as the page has it.
func policyRows(t *testing.T) map[string]string {
	t.Helper()
	files := []*ast.File{parse(t, "../internal/actor/policy.go"), parse(t, "../internal/actor/actor.go")}
	words := map[string]string{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if ok && len(spec.Values) == len(spec.Names) {
				for i, name := range spec.Names {
					if lit, ok := spec.Values[i].(*ast.BasicLit); ok {
						words[name.Name] = strings.Trim(lit.Value, `"`)
					}
				}
			}
			return true
		})
	}
	strengths := map[string]string{"ByCode": "code", "ByDevice": "device", "ByLink": "link"}
	rows := map[string]string{}
	ast.Inspect(files[0], func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "policy" {
			return true
		}
		for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
			pair := element.(*ast.KeyValueExpr)
			cells := map[string]string{"kinds": "–", "roles": "–", "least": "–"}
			for _, part := range pair.Value.(*ast.CompositeLit).Elts {
				member := part.(*ast.KeyValueExpr)
				cells[member.Key.(*ast.Ident).Name] = cell(member.Value, words, strengths)
			}
			rows[words[pair.Key.(*ast.Ident).Name]] = cells["kinds"] + " | " + cells["roles"] + " | " + cells["least"]
		}
		return false
	})
	if len(rows) < 10 {
		t.Fatalf("found %d permissions: this test has nothing to look for", len(rows))
	}
	return rows
}

func cell(value ast.Expr, words, strengths map[string]string) string {
	switch value := value.(type) {
	case *ast.Ident:
		return strengths[value.Name]
	case *ast.CompositeLit:
		var all []string
		for _, element := range value.Elts {
			all = append(all, words[element.(*ast.Ident).Name])
		}
		return strings.Join(all, ", ")
	}
	return "?"
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// firstCells lists what stands in backquotes in the first column of a page's tables.
func firstCells(text string) []string {
	var cells []string
	for _, found := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(text, -1) {
		cells = append(cells, found[1])
	}
	return cells
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(".."), strings.TrimPrefix(filepath.Join("docs", pattern), "../"))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		names[i] = filepath.Join("..", name)
	}
	return names
}
