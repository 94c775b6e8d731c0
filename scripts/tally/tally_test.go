package main

import (
	"encoding/json"
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
			[]string{"what failed:\n  p the package itself\n      x.go:1: broken\n", "go: 0 passed, 1 failed"}},
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

// spoken makes the lines of a test that fails after having said so much.
func spoken(name, words string) string {
	var b strings.Builder
	for line := range strings.Lines(words) {
		out, err := json.Marshal(event{Action: "output", Package: "p", Test: name, Output: line})
		if err != nil {
			panic(err)
		}
		b.Write(append(out, '\n'))
	}
	return stream("run "+name) + b.String() + stream("fail "+name)
}

func TestTheLastListSaysWhyWithoutWhatWasOnlyLogged(t *testing.T) {
	dir := t.TempDir()
	source := "package p\n\tt.Logf(\"seed\")\n\tt.Errorf(\"bad\")\n\tt.Logf(\"end of the log\")\n"
	if err := os.WriteFile(filepath.Join(dir, "p_test.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	in := spoken("TestA", "=== RUN   TestA\n    p_test.go:2: seed=1\n    p_test.go:3: it is wrong\n        at this place\n    p_test.go:4: end of the log:\n        noise\n--- FAIL: TestA (0.1s)\n") +
		spoken("TestB", strings.Repeat("    unknown_test.go:9: one\n", 9)) +
		spoken("TestC", "panic: the roof fell [recovered]\n\ngoroutine 9 [running]:\n\t/src/p.go:4 +0x4d\n") + stream("fail")
	var out strings.Builder
	if _, err := run(nil, strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(out.String(), "what failed:\n")
	want := "  p TestA: failed\n      p_test.go:3: it is wrong\n      at this place\n" +
		"  p TestB: failed\n" + strings.Repeat("      unknown_test.go:9: one\n", 4) + "      … 5 lines more, above\n" +
		"  p TestC: failed\n      panic: the roof fell [recovered]\n"
	if !strings.HasPrefix(last, want) {
		t.Errorf("the last list is\n%s\nand should begin\n%s", last, want)
	}
}
