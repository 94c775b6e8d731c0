package main

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // instead of Package, in the lines of a build
	Test       string
	Elapsed    float64 // seconds
	Output     string
}

// test is one test or subtest, and what it printed.
type test struct {
	name     string
	state    string // run, pass, fail, skip
	children int
	output   strings.Builder
}

// pkg is one package under test.
type pkg struct {
	name  string
	tests map[string]*test
	build strings.Builder // what the compiler and the package as a whole printed
}

// report gathers events and prints a line as each package ends.
type report struct {
	out      io.Writer
	verbose  bool
	packages map[string]*pkg
	passed   int
	failed   int
	broken   []failure // to be told again at the end
	sources  sources
	ran      []string // "package test" of every leaf that passed or failed
}

// failure is one thing that failed, and the few lines that say why.
type failure struct {
	name    string
	reasons []string
}

func newReport(out io.Writer, verbose bool) *report {
	return &report{out: out, verbose: verbose, packages: map[string]*pkg{}, sources: sources{root: "."}}
}

// add takes the next event.
func (r *report) add(e event) {
	p := r.pkg(e.Package)
	if e.Test == "" {
		r.packageEvent(p, e)
		return
	}
	t := p.test(e.Test)
	switch e.Action {
	case "run":
		t.state = "run"
	case "output":
		t.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		t.state = e.Action
	}
}

func (r *report) packageEvent(p *pkg, e event) {
	switch e.Action {
	case "output", "build-output":
		p.build.WriteString(e.Output)
	case "pass", "fail", "skip":
		r.end(p, e)
	}
}

// end counts a package that is over. Only a test without subtests counts, so
// that a table of ten cases is ten and not eleven; a parent counts when it
// failed and none of its children says why.
func (r *report) end(p *pkg, e event) {
	names := make([]string, 0, len(p.tests))
	for name := range p.tests {
		names = append(names, name)
	}
	sort.Strings(names)
	passed, failed := 0, 0
	for _, name := range names {
		t := p.tests[name]
		switch {
		case t.state == "pass" && t.children == 0:
			passed++
			r.ran = append(r.ran, p.name+" "+name)
			if r.verbose {
				fmt.Fprintf(r.out, "     %s %s\n", p.name, name)
			}
		case t.children > 0 && (t.state == "pass" || t.state == "" || t.state == "fail" && p.childFailed(name)):
		default:
			failed++
			r.ran = append(r.ran, p.name+" "+name)
			r.explain(p, t)
		}
	}
	r.packageLine(p, e, passed, failed)
}

func (r *report) packageLine(p *pkg, e event, passed, failed int) {
	noTestFiles := e.Action == "skip" && len(p.tests) == 0
	if noTestFiles {
		delete(r.packages, p.name)
		return
	}
	switch {
	case e.Action == "fail" && failed == 0:
		failed = 1
		r.fail(p.name, "the package itself", p.build.String())
	case passed+failed == 0:
		failed = 1
		r.fail(p.name, "test files but no test that ran", "")
	}
	word := "ok  "
	if failed > 0 {
		word = "FAIL"
	}
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(100 * time.Millisecond)
	fmt.Fprintf(r.out, "%s %-40s %4d passed %3d failed %8s\n", word, p.name, passed, failed, took)
	r.passed += passed
	r.failed += failed
	delete(r.packages, p.name)
}

// explain prints what a test that did not pass had to say.
func (r *report) explain(p *pkg, t *test) {
	why := map[string]string{
		"fail": "failed",
		"skip": "skipped, and nothing may be skipped",
		"run":  "never ended",
	}[t.state]
	r.fail(p.name, t.name+": "+why, t.output.String())
}

func (r *report) fail(name, what, output string) {
	why := r.sources.reasons(output)
	r.broken = append(r.broken, failure{name + " " + what, why})
	fmt.Fprintf(r.out, "---- %s %s\n", name, what)
	for line := range strings.Lines(output) {
		fmt.Fprintf(r.out, "     %s\n", strings.TrimRight(line, "\n"))
	}
}

// close ends the report: packages that never said how they ended have failed,
// the engines are compared, and everything that failed is named once more, with why.
func (r *report) close(engines []string) (passed, failed int) {
	var open []string
	for name, p := range r.packages {
		if len(p.tests) > 0 {
			open = append(open, name)
		} else if s := p.build.String(); strings.TrimSpace(s) != "" {
			fmt.Fprint(r.out, s)
		}
	}
	sort.Strings(open)
	for _, name := range open {
		r.end(r.packages[name], event{Action: "fail"})
	}
	r.compare(engines)
	if len(r.broken) > 0 {
		fmt.Fprintln(r.out, "\nwhat failed:")
		for _, one := range r.broken {
			fmt.Fprintln(r.out, "  "+one.name)
			for _, line := range one.reasons {
				fmt.Fprintln(r.out, "      "+line)
			}
		}
	}
	if r.passed == 0 {
		r.failed = max(r.failed, 1)
		fmt.Fprintln(r.out, "no test ran")
	}
	fmt.Fprintf(r.out, "go: %d passed, %d failed\n", r.passed, r.failed)
	return r.passed, r.failed
}

// compare prints how many tests ran on each engine, and counts as a failure
// every test that ran on one and not on another.
func (r *report) compare(engines []string) {
	if len(engines) == 0 {
		return
	}
	counts := map[string]int{}
	seen := map[string]map[string]bool{} // test with its engine blanked → engines
	for _, name := range r.ran {
		engine, rest := engineOf(name, engines)
		if engine == "" {
			continue
		}
		counts[engine]++
		if seen[rest] == nil {
			seen[rest] = map[string]bool{}
		}
		seen[rest][engine] = true
	}
	words := make([]string, len(engines))
	for i, engine := range engines {
		words[i] = fmt.Sprintf("%s %d", engine, counts[engine])
		if counts[engine] == 0 {
			r.failed++
			r.broken = append(r.broken, failure{name: "no storage test ran on " + engine})
		}
	}
	fmt.Fprintf(r.out, "storage tests: %s\n", strings.Join(words, ", "))
	r.missing(seen, engines)
}

func (r *report) missing(seen map[string]map[string]bool, engines []string) {
	var lines []string
	for rest, on := range seen {
		for _, engine := range engines {
			if !on[engine] {
				lines = append(lines, fmt.Sprintf("%s: not on %s", rest, engine))
			}
		}
	}
	sort.Strings(lines)
	r.failed += len(lines)
	for _, line := range lines {
		r.broken = append(r.broken, failure{name: line})
	}
}

// engineOf finds the engine among a test's subtest names, and gives the name
// with a star in its place, so that the same test on two engines reads alike.
func engineOf(name string, engines []string) (engine, rest string) {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if i > 0 && slices.Contains(engines, part) && engine == "" {
			engine, parts[i] = part, "*"
		}
	}
	return engine, strings.Join(parts, "/")
}

func (r *report) pkg(name string) *pkg {
	if r.packages[name] == nil {
		r.packages[name] = &pkg{name: name, tests: map[string]*test{}}
	}
	return r.packages[name]
}

func (p *pkg) test(name string) *test {
	if t := p.tests[name]; t != nil {
		return t
	}
	t := &test{name: name}
	p.tests[name] = t
	if cut := strings.LastIndex(name, "/"); cut >= 0 {
		p.test(name[:cut]).children++
	}
	return t
}

func (p *pkg) childFailed(name string) bool {
	for other, t := range p.tests {
		if strings.HasPrefix(other, name+"/") && t.state != "pass" {
			return true
		}
	}
	return false
}
