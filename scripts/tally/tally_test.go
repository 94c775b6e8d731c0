package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stream makes the lines that `go test -json` would print for one package.
func stream(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		action, name, _ := strings.Cut(line, " ")
		b.WriteString(`{"Action":"` + action + `","Package":"p"`)
		if name != "" {
			b.WriteString(`,"Test":"` + name + `"`)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func TestTallyCountsLeavesAndNamesWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, in, engines string
		ok                bool
		want              []string
	}{
		{"all passed", stream("run TestA", "pass TestA", "pass"), "", true, []string{"go: 1 passed, 0 failed"}},
		{"parents are not counted", stream("run TestA", "run TestA/x", "run TestA/y", "pass TestA/x", "pass TestA/y", "pass TestA", "pass"), "", true,
			[]string{"go: 2 passed, 0 failed"}},
		{"a failed child is one failure", stream("run TestA", "run TestA/x", "fail TestA/x", "fail TestA", "fail"), "", false,
			[]string{"TestA/x: failed", "go: 0 passed, 1 failed"}},
		{"a parent that failed by itself counts", stream("run TestA", "run TestA/x", "pass TestA/x", "fail TestA", "fail"), "", false,
			[]string{"TestA: failed", "go: 1 passed, 1 failed"}},
		{"a skip fails", stream("run TestA", "run TestB", "pass TestA", "skip TestB", "pass"), "", false,
			[]string{"TestB: skipped", "go: 1 passed, 1 failed"}},
		{"a test that never ended fails", stream("run TestA", "run TestB", "pass TestA", "fail"), "", false,
			[]string{"TestB: never ended", "go: 1 passed, 1 failed"}},
		{"a package cut off in the middle fails", stream("run TestA", "pass TestA", "run TestB"), "", false,
			[]string{"TestB: never ended", "go: 1 passed, 1 failed"}},
		{"a package that fails without a test counts", stream("run TestA", "pass TestA", "fail"), "", false,
			[]string{"the package itself", "go: 1 passed, 1 failed"}},
		{"test files without a test fail", stream("pass"), "", false, []string{"no test that ran"}},
		{"a package without test files is nothing", stream("skip"), "", false, []string{"no test ran"}},
		{"nothing at all fails", "", "", false, []string{"no test ran"}},
		{"a line of the go command is shown", "go: cannot find main module\n", "", false, []string{"cannot find main module"}},
		{"a build that fails is shown",
			`{"Action":"build-output","ImportPath":"p [p.test]","Output":"x.go:1: broken\n"}` + "\n" + stream("fail"), "", false,
			[]string{"x.go:1: broken", "go: 0 passed, 1 failed"}},
		{"engines alike", stream("run T/sqlite/a", "run T/postgres/a", "pass T/sqlite/a", "pass T/postgres/a", "pass"), "sqlite,postgres", true,
			[]string{"storage tests: sqlite 1, postgres 1"}},
		{"a test on one engine only fails", stream("run T/sqlite/a", "run T/sqlite/b", "run T/postgres/a", "pass T/sqlite/a", "pass T/sqlite/b", "pass T/postgres/a", "pass"),
			"sqlite,postgres", false, []string{"p T/*/b: not on postgres", "go: 3 passed, 1 failed"}},
		{"an engine without a test fails", stream("run T", "pass T", "pass"), "sqlite,postgres", false, []string{"no storage test ran on sqlite"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			ok, err := run([]string{"-engines", tt.engines}, strings.NewReader(tt.in), &out)
			if err != nil {
				t.Fatal(err)
			}
			if ok != tt.ok {
				t.Errorf("ok = %v, want %v", ok, tt.ok)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output lacks %q:\n%s", want, &out)
				}
			}
		})
	}
}

func TestTallyWritesTheNumbersForTheSum(t *testing.T) {
	file := filepath.Join(t.TempDir(), "count")
	if _, err := run([]string{"-out", file}, strings.NewReader(stream("run A", "run B", "pass A", "fail B", "fail")), &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != "1 1\n" {
		t.Errorf("file holds %q, want %q", got, "1 1\n")
	}
}
