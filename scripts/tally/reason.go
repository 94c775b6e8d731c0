package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// mostReasons bounds the lines that the last list gives to one failure: it is read where only the end of the output
// was kept.
const mostReasons = 5

// said is the first line of something that a test said: the file and line that said it, and the words.
var said = regexp.MustCompile(`^\s+([A-Za-z0-9_.-]+\.go):([0-9]+): ?(.*)$`)

// sources finds the lines of this project that a test's output names, to tell what failed a test from what it only
// logged: `go test -json` marks both alike.
type sources struct {
	root  string
	files map[string][]string // by their base name; nil until somebody asks
}

// reasons are the lines of a test's output that say why it failed: what Error and Fatal said, and panics, without
// what was logged before and after. A line of which nobody knows who said it counts as a reason.
func (s *sources) reasons(output string) []string {
	var all []string
	reason := false
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		found := said.FindStringSubmatch(line)
		switch {
		case found != nil:
			reason = !s.logged(found[1], found[2])
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "), strings.HasPrefix(line, "WARNING: DATA RACE"):
			all, reason = append(all, line), false
			continue
		case strings.HasPrefix(line, "=== "), strings.HasPrefix(strings.TrimSpace(line), "--- "), strings.HasPrefix(line, "goroutine "):
			reason = false
		}
		if reason && strings.TrimSpace(line) != "" {
			all = append(all, strings.TrimSpace(line))
		}
	}
	if all == nil {
		all = lines(output) // of the compiler, say
	}
	return short(all)
}

// lines are those with words in them, but for what the testing package says of itself.
func lines(output string) (all []string) {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			all = append(all, line)
		}
	}
	return all
}

// short keeps the beginning, and says that there was more.
func short(lines []string) []string {
	if len(lines) <= mostReasons {
		return lines
	}
	return append(lines[:mostReasons-1:mostReasons-1], "… "+strconv.Itoa(len(lines)-mostReasons+1)+" lines more, above")
}

var (
	logs  = regexp.MustCompile(`\.Logf?\(`)
	fails = regexp.MustCompile(`\.(Error|Fatal)f?\(`)
)

// logged says whether that line of that file only logs.
func (s *sources) logged(file, number string) bool {
	n, err := strconv.Atoi(number)
	if err != nil {
		return false
	}
	logging := false
	for _, path := range s.named(file) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		lines := strings.Split(string(text), "\n")
		if n < 1 || n > len(lines) {
			continue
		}
		if fails.MatchString(lines[n-1]) {
			return false // one of two files of that name
		}
		logging = logging || logs.MatchString(lines[n-1])
	}
	return logging
}

// named are the files of this project that are called so.
func (s *sources) named(file string) []string {
	if s.files == nil {
		s.files = map[string][]string{}
		_ = filepath.WalkDir(s.root, func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil //nolint:nilerr // what cannot be read names nobody
			case e.IsDir() && (e.Name() == "node_modules" || strings.HasPrefix(e.Name(), ".") && path != s.root):
				return fs.SkipDir
			case strings.HasSuffix(e.Name(), ".go"):
				s.files[e.Name()] = append(s.files[e.Name()], path)
			}
			return nil
		})
	}
	return s.files[file]
}
