package db_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/durable/durabletest"
	"chancela/internal/fault"
)

const (
	childOf = "CHANCELA_TEST_DEEDS" // the database of the child
	round   = "CHANCELA_TEST_ROUND" // what its deeds are named by
	halted  = "halted"              // what it says when it was refused as it should be
)

// TestTheChildThatWrites is no test of its own: it is the process that the tests below kill, or whose disk fails. Eight
// write, each deed two rows, and each says so once it is told that its deed is done. Every fifth deed thinks better of it.
func TestTheChildThatWrites(t *testing.T) {
	address := os.Getenv(childOf)
	if address == "" {
		return
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	d, err := db.Open(t.Context(), db.Config{URL: address, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	look := func() error {
		return d.Look(t.Context(), func(tx *db.Tx) error {
			var n int
			return tx.Row(t.Context(), `SELECT count(*) FROM instance`).Scan(&n)
		})
	}
	if err := look(); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() { writeOn(t, d, w) })
	}
	all.Wait()
	again := d.InTx(t.Context(), func(tx *db.Tx) error { return put(t.Context(), tx, "afterwards", "") })
	if !fault.Is(again, fault.Unavailable) || !fault.Is(d.Health(), fault.Unavailable) {
		t.Errorf("it takes deeds again: %v, health %v", again, d.Health())
	}
	if _, err := d.Pool().ExecContext(t.Context(), `INSERT INTO instance (name, value) VALUES ('beside', '')`); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the queue writes on: %v", err)
	}
	if err := look(); err != nil {
		t.Errorf("what is there cannot be read: %v", err)
	}
	_, _ = fmt.Fprintln(os.Stdout, halted)
}

func writeOn(t *testing.T, d *db.DB, w int) {
	refusal := errors.New("no")
	for n := 0; ; n++ {
		name := fmt.Sprintf("%s.%d.%d", os.Getenv(round), w, n)
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			err := errors.Join(put(t.Context(), tx, "a/"+name, ""), put(t.Context(), tx, "b/"+name, ""))
			if err == nil && n%5 == 4 {
				return refusal
			}
			return err
		})
		switch {
		case err == nil:
			_, _ = fmt.Fprintln(os.Stdout, "done", name) // one write: no line is mixed with another
		case fault.Is(err, fault.Unavailable):
			return
		case !errors.Is(err, refusal):
			t.Errorf("an error that nobody can be told: %v", err)
			return
		}
	}
}

// child starts the process, hands every deed that was acknowledged to saw, and gives what else it said.
func child(t *testing.T, address, name string, failing string, saw func(n int, run *os.Process)) (done []string, said string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := []string{self, "-test.run", "^TestTheChildThatWrites$"}
	if failing != "" {
		command = durabletest.Failing(failing, command...)
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), childOf+"="+address, round+"="+name)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, rest := bufio.NewReader(out), ""
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // a line that was cut off was said by nobody
		}
		if deed, ok := strings.CutPrefix(line, "done "); ok {
			done = append(done, strings.TrimSpace(deed))
			saw(len(done), cmd.Process)
			continue
		}
		rest += line
	}
	_ = cmd.Wait() // killed, or it says by itself how it ended
	return done, rest + stderr.String()
}

// holdsAll opens the database as a restart does, and holds what is there against what was acknowledged.
func holdsAll(t *testing.T, address string, done []string) {
	t.Helper()
	d := dbtest.Open(t, address, nil)
	there := map[string]bool{}
	err := d.Look(t.Context(), func(tx *db.Tx) error {
		names, err := db.Collect(t.Context(), tx, func(scan func(...any) error) (name string, err error) { return name, scan(&name) }, `SELECT name FROM instance`)
		for _, name := range names {
			there[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range done {
		if !there["a/"+name] {
			t.Errorf("%s was acknowledged and is not there", name)
		}
	}
	for name := range there {
		half, deed, _ := strings.Cut(name, "/")
		if other := map[string]string{"a": "b", "b": "a"}[half]; !there[other+"/"+deed] {
			t.Errorf("%s is there alone", name)
		}
		if strings.HasSuffix(deed, "4") || strings.HasSuffix(deed, "9") {
			t.Errorf("%s is there, and its deed had refused", name)
		}
	}
	var whole string
	if err := d.Look(context.WithoutCancel(t.Context()), func(tx *db.Tx) error { return tx.Row(t.Context(), `PRAGMA integrity_check`).Scan(&whole) }); err != nil || whole != "ok" {
		t.Errorf("%s %v", whole, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func fresh(t *testing.T, path string) string {
	t.Helper()
	address := "sqlite:" + path
	if err := dbtest.Open(t, address, nil).Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

func TestKilledAtAnyMomentNothingAcknowledgedIsLostAndNoDeedIsHalf(t *testing.T) {
	address := fresh(t, filepath.Join(t.TempDir(), "test.db"))
	var done []string
	for n := range 4 {
		until := 1 + rand.IntN(200)
		more, said := child(t, address, fmt.Sprint("r", n), "", func(n int, run *os.Process) {
			if n == until {
				_ = run.Signal(syscall.SIGKILL)
			}
		})
		if len(more) < until {
			t.Fatalf("%d deeds of %d: %s", len(more), until, said)
		}
		done = append(done, more...)
		holdsAll(t, address, done)
	}
}

// F06: from the first sync that fails nothing is said to be done, and nothing is written, by deeds or by the queue; what
// was acknowledged before is there after a restart.
func TestADiskThatFailsToSyncEndsAllWritingUntilARestart(t *testing.T) {
	for name, file := range map[string]string{"the log of commits": "test.db-wal", "the database, when the log is written back": "test.db"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the disk is what it waits for
			good, bad := filepath.Join(t.TempDir(), "good"), filepath.Join(t.TempDir(), "bad")
			if err := os.Mkdir(good, 0o700); err != nil {
				t.Fatal(err)
			}
			address := fresh(t, filepath.Join(good, "test.db"))
			const most = 20_000 // far more than fill the log once
			done, said := child(t, address, "r", filepath.Join(bad, file), func(n int, run *os.Process) {
				switch n {
				case 40: // the files are elsewhere now, and there the disk fails
					if err := errors.Join(os.Rename(good, bad), os.Symlink(bad, good)); err != nil {
						t.Error(err)
					}
				case most:
					_ = run.Signal(syscall.SIGKILL)
				}
			})
			if len(done) < 40 || !strings.Contains(said, halted) || strings.Contains(said, "FAIL") {
				t.Fatalf("after %d deeds: %s", len(done), said)
			}
			if n := strings.Count(said, "level=ERROR"); n != 1 || !strings.Contains(said, "until the program is started again") {
				t.Errorf("the log has %d lines:\n%s", n, said)
			}
			holdsAll(t, address, done)
		})
	}
}
