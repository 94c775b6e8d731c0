package internal_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestFloorsCanFail(t *testing.T) {
	tests := []struct {
		name     string
		pkg      list
		problems []string // a part of each, in order
	}{
		{"down is allowed", list{ImportPath: "chancela/internal/casefile", Imports: []string{"chancela/internal/db", "fmt", "example.org/x"}}, nil},
		{"up", list{ImportPath: "chancela/internal/db", Imports: []string{"chancela/internal/audit"}}, []string{"upward, from floor 2 to floor 3"}},
		{"sideways", list{ImportPath: "chancela/internal/casefile", Imports: []string{"chancela/internal/login"}}, []string{"both stand on floor 5"}},
		{"sideways by exception", list{ImportPath: "chancela/internal/notify", Imports: []string{"chancela/internal/queue"}}, nil},
		{"the exception has one direction", list{ImportPath: "chancela/internal/queue", Imports: []string{"chancela/internal/notify"}}, []string{"both stand on floor 3"}},
		{"the face and the database", list{ImportPath: "chancela/internal/web", Imports: []string{"chancela/internal/db"}}, []string{"never reaches"}},
		{"the face and the queue", list{ImportPath: "chancela/internal/api", Imports: []string{"chancela/internal/queue"}}, []string{"never reaches"}},
		{"the face and issuance", list{ImportPath: "chancela/internal/web", Imports: []string{"chancela/internal/issuance"}}, []string{"floors 3 to 5"}},
		{"the face and what it may", list{ImportPath: "chancela/internal/web", Imports: []string{"chancela/internal/i18n", "chancela/internal/casefile", "chancela/internal/portal"}}, nil},
		{"a part of a room stands on its floor", list{ImportPath: "chancela/internal/db/migrate", Imports: []string{"chancela/internal/portal"}}, []string{"upward"}},
		{"parts of one room meet", list{ImportPath: "chancela/internal/web", Imports: []string{"chancela/internal/web/ui"}}, nil},
		{"a room without a floor", list{ImportPath: "chancela/internal/attic", Imports: []string{"chancela/internal/db"}}, []string{"has no floor"}},
		{"into a room without a floor", list{ImportPath: "chancela/internal/web", Imports: []string{"chancela/internal/attic"}}, []string{"has no floor"}},
		{"a stand-in imports nothing of ours", list{ImportPath: "chancela/internal/eid/standin", Imports: []string{"chancela/internal/fault"}}, []string{"stand-in imports nothing"}},
		{"a stand-in belongs to floor 7", list{ImportPath: "chancela/internal/eid", Imports: []string{"chancela/internal/eid/standin"}}, []string{"only floor 7"}},
		{"the wiring takes a stand-in", list{ImportPath: "chancela/cmd/chancela", Imports: []string{"chancela/internal/eid/standin"}}, nil},
		{"tools stand aside", list{ImportPath: "chancela/scripts/tally", Imports: []string{"chancela/internal/db"}}, []string{"a folder of its own"}},
		{"tests keep to the floors", list{ImportPath: "chancela/internal/db", TestImports: []string{"chancela/internal/web"}}, []string{"upward"}},
		{"an external test may use the kit", list{ImportPath: "chancela/internal/db", XTestImports: []string{"chancela/internal/apptest"}}, nil},
		{"an external test goes no further up", list{ImportPath: "chancela/internal/db", XTestImports: []string{"chancela/internal/web"}}, []string{"upward"}},
		{"the definitions are tried with their loader", list{ImportPath: "chancela/portals", XTestImports: []string{"chancela/internal/portal"}}, nil},
		{"the definitions know no loader", list{ImportPath: "chancela/portals", Imports: []string{"chancela/internal/portal"}}, []string{"upward"}},
		{"an internal test may not", list{ImportPath: "chancela/internal/db", TestImports: []string{"chancela/internal/apptest"}}, []string{"upward"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantProblems(t, judgeImports(tt.pkg), tt.problems) })
	}
}

func TestNamesCanFail(t *testing.T) {
	for _, path := range []string{"chancela/internal/util", "chancela/internal/db/helpers", "chancela/internal/manager"} {
		if judgeName(path, "x") == "" {
			t.Errorf("%s is accepted", path)
		}
	}
	if problem := judgeName("chancela/internal/casefile", "casefile"); problem != "" {
		t.Error(problem)
	}
}

func TestSQLCanFail(t *testing.T) {
	sql := []string{
		"SELECT id FROM cases WHERE id = $1", "select count(*) from x", "\n\tINSERT INTO cases (id) VALUES ($1)", "UPDATE cases SET state = $1",
		"DELETE FROM cases", "CREATE TABLE x (id TEXT)", "create unique index i on x (id)", "WITH old AS (SELECT 1) SELECT * FROM old",
		" WHERE number = $1", " ORDER BY at DESC", "PRAGMA journal_mode = WAL", "SAVEPOINT deed",
	}
	for _, text := range sql {
		in := func(path string) []string {
			return judgeSQL(source{path, "package x\nfunc f() string { return `" + text + "` }\n"})
		}
		if len(in("internal/web/page.go")) != 1 || len(in("internal/casefile/approve.go")) != 1 || len(in("internal/web/store.go")) != 1 {
			t.Errorf("not seen where it may not stand: %q", text)
		}
		if len(in("internal/casefile/store.go"))+len(in("internal/db/migrate.go"))+len(in("internal/login/session/store.go")) != 0 {
			t.Errorf("refused where it may stand: %q", text)
		}
	}
	for _, text := range []string{"select a file", "Update your address", "delete", "where the case stands", "or both", "create an account", "limit"} {
		if problems := judgeSQL(source{"internal/web/page.go", "package x\nconst c = `" + text + "`\n"}); len(problems) > 0 {
			t.Errorf("taken for SQL: %q", text)
		}
	}
}

func TestGlobalsCanFail(t *testing.T) {
	bad := map[string]string{
		"a counter":              "var n int",
		"a function variable":    "var now func() int",
		"a lock":                 "var mu sync.Mutex",
		"a lock written out":     "var mu = sync.Mutex{}",
		"a pointer":              "var p = &T{}",
		"a channel":              "var c = make(chan int)",
		"an opened thing":        "var db = open()",
		"a metric":               "var requests = prometheus.NewCounter(opts)",
		"a table that is filled": "var m = map[string]int{}\nfunc f() { m[\"a\"] = 1 }",
		"a value reassigned":     "var limit = 3\nfunc f() { limit = 4 }",
		"a list that grows":      "var all = []int{}\nfunc f() { all = append(all, 1) }",
		"an address taken":       "var level = 3\nfunc f() *int { return &level }",
		"init":                   "func init() {}",
	}
	for name, text := range bad {
		t.Run(name, func(t *testing.T) {
			if len(judgeGlobals([]source{{"x.go", "package x\n" + text + "\n"}})) != 1 {
				t.Errorf("accepted: %s", text)
			}
		})
	}
	good := []string{
		"const a = 1", "var _ I = T{}", "var _ I = (*T)(nil)", "//go:embed x\nvar files embed.FS", "var p = regexp.MustCompile(`x`)",
		"var ErrX = errors.New(`x`)", "var m = map[string]int{`a`: 1}", "var oid = asn1.ObjectIdentifier{1, 2}", "var b = []byte(`x`)",
		"var t = template.Must(template.New(`x`).Parse(`y`))", "type T struct{}\nfunc (T) init() {}", "var once = sync.OnceValue(func() int { return 1 })",
		"var kind = reflect.TypeFor[int]()", "var table = map[int]row{1: {id: 2, der: encode(3)}}",
	}
	for _, text := range good {
		for _, problem := range judgeGlobals([]source{{"x.go", "package x\n" + text + "\n"}}) {
			t.Errorf("%s: refused: %s", text, problem)
		}
	}
}

func TestKeysCanFail(t *testing.T) {
	keys := map[string]string{}
	err := portalKeys(fstest.MapFS{
		"lua/portal.yaml":              {Data: []byte("name: Lua\n")},
		"lua/procedures/foguetao.yaml": {Data: []byte("key: foguetao\nfields:\n  - key: altitude\n    label: {pt: Altura}\n    options: [{key: baixa}]\n")},
	}, keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"lua", "foguetao", "altitude"} {
		in := func(path, text string) []string { return judgeKeys(source{path, "package x\n" + text + "\n"}, keys) }
		wantProblems(t, in("internal/web/page.go", `func f() string { return "`+key+`" }`), []string{key})
		wantProblems(t, in("internal/web/page.go", `const k = "`+key+`"`), []string{key})
		wantProblems(t, in("internal/field/kind.go", `const k Kind = "`+key+`"`), nil)
		wantProblems(t, in("internal/field/kind.go", `func f() string { return "`+key+`" }`), []string{key})
		wantProblems(t, in("internal/web/page.go", "import \""+key+"\"\ntype T struct { A int `"+key+"` }"), nil)
		wantProblems(t, in("internal/web/page.go", `const k = "`+key+`.title"`), nil)
	}
	for _, word := range []string{"Altura", "baixa"} {
		wantProblems(t, judgeKeys(source{"internal/web/page.go", `package x; const k = "` + word + `"`}, keys), nil)
	}
}

func TestModulesCanFail(t *testing.T) {
	mod := "module x\n\nrequire (\n\texample.org/a v1.0.0\n\texample.org/b v1.0.0\n\texample.org/c v1.0.0 // indirect\n)\n"
	wantProblems(t, judgeModules(mod, "| `example.org/a` | why |"), []string{"example.org/b"})
	wantProblems(t, judgeModules(mod+"\nreplace example.org/a => ../a\n", "`example.org/a` `example.org/b`"), []string{"replaces"})
}

func TestPagesCanFail(t *testing.T) {
	face := fstest.MapFS{"home.go": {}, "home.templ": {}, "home_test.go": {}, "queue.go": {}, "queue.templ": {}, "frame.templ": {}, "router.go": {}}
	wantProblems(t, judgePages(face), []string{"queue.go is a page without queue_test.go"})
}

func wantProblems(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("problems %q, want %d like %q", got, len(want), want)
	}
	for i, part := range want {
		if !strings.Contains(got[i], part) {
			t.Errorf("problem %q does not say %q", got[i], part)
		}
	}
}
