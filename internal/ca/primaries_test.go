package ca_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
)

// task is what a process of TestOfTwoPrimariesNothingIsSignedTwice is given, by a file that the environment names.
type task struct {
	Database, Keys string
	Behind         time.Duration // of its clock
	Requests       []ca.Request
}

const taskFile = "CHANCELA_TEST_TASK"

// TestAnotherPrimary is the other process: the test binary itself, started again. Alone it has nothing to do.
func TestAnotherPrimary(t *testing.T) {
	path := os.Getenv(taskFile)
	if path == "" {
		return
	}
	var w task
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), db.Config{URL: w.Database, Clock: func() time.Time { return time.Now().Add(-w.Behind) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	i := &instance{db: d, clock: &clock{at: time.Now()}, keys: keysIn(w.Keys)}
	i.start(t) // under the same name as the other: mis-set, so that it closes what the other has under way
	for _, r := range w.Requests {
		for range 50 {
			if _, err = i.Issue(t.Context(), actor.Machine("exemplo"), r); !fault.Is(err, fault.Conflict) {
				break
			}
		}
		if err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
		if err := i.Work(t.Context()); err != nil && !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
	}
}

// TestOfTwoPrimariesNothingIsSignedTwice starts two real processes on one PostgreSQL, both under one name and both at
// every order, loop and list, the second with its clock set back (F36, D06).
func TestOfTwoPrimariesNothingIsSignedTwice(t *testing.T) {
	w := task{Database: dbtest.Postgres(t), Keys: t.TempDir()}
	i := &instance{clock: &clock{at: time.Now()}, keys: keysIn(w.Keys)}
	back := 10 * time.Minute // founded before either clock
	i.db = dbtest.Open(t, w.Database, func() time.Time { return time.Now().Add(-back) })
	i.start(t)
	found(t, i)
	back = 0
	for n := range 12 {
		w.Requests = append(w.Requests, i.ordered(t, fmt.Sprint("o", n)))
	}
	ends := make(chan string, 2)
	for n, behind := range []time.Duration{0, 90 * time.Second} {
		w.Behind = behind
		data, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestAnotherPrimary$")
		cmd.Env = append(os.Environ(), taskFile+"="+file(t, fmt.Sprint("task", n), data))
		go func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				ends <- fmt.Sprintf("%v\n%s", err, out)
				return
			}
			ends <- ""
		}()
	}
	for range 2 {
		if said := <-ends; said != "" {
			t.Error(said)
		}
	}
	i.start(t)
	if err := i.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.whole(t)
	serials := map[ca.Serial]bool{}
	for _, r := range w.Requests {
		live := 0
		for _, c := range i.of(t, r.Case) {
			if serials[c.Serial] {
				t.Errorf("%s stands twice", c.Serial)
			}
			serials[c.Serial] = true
			if c.State == ca.Issued {
				live++
				if cert, err := x509.ParseCertificate(c.DER); err != nil || ca.SerialOf(cert.SerialNumber) != c.Serial {
					t.Errorf("%s: %v", c.Serial, err)
				}
				continue
			}
			if on, _ := i.listed(t, c.Issuer, c.Serial); !on {
				t.Errorf("%s is %s and on no list", c.Serial, c.State)
			}
		}
		if live != 1 {
			t.Errorf("%s: %d certificates", r.ID, live)
		}
	}
}
