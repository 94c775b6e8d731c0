package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chancela/internal/durable"
	"chancela/internal/durable/durabletest"
)

// holds says what a file holds, and fails where others can read it or something was left beside it.
func holds(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v %v", path, info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".new-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return string(text)
}

func TestAFileIsMadeOnceAndReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "file")
	if err := durable.Create(path, []byte("first")); err != nil || holds(t, path) != "first" {
		t.Fatal(err)
	}
	if err := durable.Create(path, []byte("second")); !errors.Is(err, fs.ErrExist) || holds(t, path) != "first" {
		t.Fatalf("a file was made over another: %v", err)
	}
	if err := durable.Replace(path, []byte("third")); err != nil || holds(t, path) != "third" {
		t.Fatal(err)
	}
	if err := durable.Create(filepath.Join(path, "below"), nil); err == nil {
		t.Error("a file became a folder")
	}
}

func TestOfManyWhoMakeAFileOneDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "file")
	var all sync.WaitGroup
	var made atomic.Int32
	for range 16 {
		all.Go(func() {
			switch err := durable.Create(path, []byte("x")); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 || holds(t, path) != "x" {
		t.Errorf("%d made it", made.Load())
	}
}

const makes = "CHANCELA_TEST_DURABLE" // the file that the child makes

// TestTheChildWhoseDiskFails is no test of its own: it is the process that [TestWhatTheDiskDidNotConfirmIsNotThere] starts.
func TestTheChildWhoseDiskFails(t *testing.T) {
	path := os.Getenv(makes)
	if path == "" {
		return
	}
	if err := durable.Create(path, []byte("x")); err == nil || !strings.Contains(err.Error(), "input/output error") {
		t.Errorf("made on a disk that fails: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second try would take it for durable: %v", err)
	}
	if err := durable.Replace(path, []byte("y")); err == nil {
		t.Error("replaced on a disk that fails")
	}
	if err := durable.Create(path, []byte("z")); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("it is there, and nothing says that it may not last: %v", err)
	}
}

// F06: whoever tries again makes the file anew; that the folder could not be synced is never forgotten.
func TestWhatTheDiskDidNotConfirmIsNotThere(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "file")
	child := durabletest.Failing(filepath.Dir(path), self, "-test.run", "^TestTheChildWhoseDiskFails$", "-test.v")
	cmd := exec.CommandContext(t.Context(), child[0], child[1:]...)
	cmd.Env = append(os.Environ(), makes+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestTheChildWhoseDiskFails") {
		t.Fatalf("%v\n%s", err, out)
	}
}
