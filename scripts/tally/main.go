// Command tally reads the output of `go test -json` and says, in words and in
// numbers, what ran.
//
// It exists because the go command counts nothing: a test that is skipped, a
// package whose tests all vanished behind a build tag, or a storage test that
// ran on one database only would pass unseen. Here each of these is a failure.
//
//	go test -json ./... | tally [-engines sqlite,postgres] [-out FILE] [-v]
//
// The closing line is "go: N passed, N failed"; -out receives "N N" for the
// script that adds up several suites. The exit code is 1 when anything failed
// or nothing ran.
//
// Start reading at report.add.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	ok, err := run(os.Args[1:], os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) (bool, error) {
	flags := flag.NewFlagSet("tally", flag.ContinueOnError)
	engines := flags.String("engines", "", "comma separated subtest names that must each have run the same tests")
	file := flags.String("out", "", "file that receives \"PASSED FAILED\"")
	verbose := flags.Bool("v", false, "name every test that passed, too")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	r := newReport(out, *verbose)
	if err := read(in, r.add); err != nil {
		return false, err
	}
	passed, failed := r.close(split(*engines))
	if *file != "" {
		if err := os.WriteFile(*file, fmt.Appendf(nil, "%d %d\n", passed, failed), 0o600); err != nil {
			return false, err
		}
	}
	return failed == 0 && passed > 0, nil
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// read hands every event of the stream to each. A line that is no event, such
// as a complaint of the go command itself, is handed on as output.
func read(in io.Reader, each func(event)) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			each(parse(line))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read test output: %w", err)
		}
	}
}

func parse(line []byte) event {
	var e event
	if json.Unmarshal(line, &e) != nil || e.Action == "" {
		return event{Action: "output", Output: string(line)}
	}
	if e.Package == "" {
		e.Package = strings.Fields(e.ImportPath + " ")[0]
	}
	return e
}
