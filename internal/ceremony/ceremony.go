// Package ceremony makes the keys and certificates of authorities by a script, before people.
//
// A ceremony happens in a directory, on a machine that may be on no network and has no database. The script (YAML, read
// strictly) names who is there and in which role, how many custodians open the keys (m of n), the authorities with
// their algorithms, and the steps. Each step is shown, confirmed by name, done, and put on a chained record that is on the
// disk before the next begins; whoever was interrupted starts the same command again, and it goes on. At the end it
// prints the minutes. One directory holds as many ceremonies as its keys live to see: each has a script of its own.
//
// What crosses from one machine to another is a file: a key request out, a certificate in. What comes in is compared
// with what the other side's minutes say, and judged by the lints that it would have had to pass here. Everything that
// is signed goes the one way of package issuance: prepare, lint, sign; and each serial number is on record before it is
// signed, so that one whose certificate was lost by a crash is on its issuer's list for good.
//
// The keys are opened by a secret that nobody has: it is shared among the custodians (Shamir, verifiably), and each share
// is a file that its custodian's passphrase opens. Keys in a hardware module are opened by its PIN, which is kept sealed
// under that secret.
//
// It must never keep the secret on a disk, never sign a list or certificate that was not linted, and never go on behind a
// step that nobody confirmed. An instance takes on what was made by [Dir.Founding]. Start reading at [Script], then
// [Dir.Run].
package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"chancela/internal/issuance"
)

// Dir is a directory of ceremonies, opened by one process at a time.
type Dir struct {
	path   string
	record *record
	lock   *os.File
	linter *issuance.Linter
	o      Options
}

// Options are what a directory is opened with.
type Options struct {
	Shares  []string // directories in which custodians' shares are looked for, besides the ceremony's own
	Now     func() time.Time
	Crash   func(point string) // called at each point where a crash must lose nothing; nil but in tests
	Version string             // of this program
	Commit  string
	Cost    issuance.Cost // of a share's passphrase; [issuance.CostPerson] if zero
}

// The places of a directory.
const (
	recordFile  = "record.jsonl"
	custodyFile = "custody.json"
	pinFile     = "pin.json"
	keysDir     = "keys"
	sharesDir   = "shares"
	inDir       = "in"
	outDir      = "out"
	scriptEnd   = ".yaml"
)

// Open opens a directory of ceremonies and locks it. A record that was changed by other hands is refused.
func Open(path string, o Options) (*Dir, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Crash == nil {
		o.Crash = func(string) {}
	}
	if o.Cost == (issuance.Cost{}) {
		o.Cost = issuance.CostPerson()
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory; make one with: chancela ceremony new %s", path, path)
	}
	lock, err := os.OpenFile(filepath.Join(path, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: another process holds a ceremony here", path), lock.Close())
	}
	r, err := openRecord(filepath.Join(path, recordFile))
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	linter, err := issuance.NewLinter()
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Dir{path: path, record: r, lock: lock, linter: linter, o: o}, nil
}

// Close lets go of the directory.
func (d *Dir) Close() error { return d.lock.Close() }

func (d *Dir) at(parts ...string) string { return filepath.Join(append([]string{d.path}, parts...)...) }

// names are lower-case letters, digits and hyphens: they become names of files, of keys, and parts of addresses.
var nameForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Scripts lists the ceremonies of the directory: those on record in their order, then the others by name.
func (d *Dir) Scripts() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range d.record.entries {
		if !slices.Contains(all, e.Ceremony) {
			all = append(all, e.Ceremony)
		}
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), scriptEnd); ok && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all, nil
}

// Next is the ceremony to go on with: the first that is not closed; "" for none.
func (d *Dir) Next() (string, error) {
	all, err := d.Scripts()
	for _, name := range all {
		if !d.record.closed(name) {
			return name, err
		}
	}
	return "", err
}

// Script reads a ceremony's script. One that has begun must be the same as then, byte for byte.
func (d *Dir) Script(name string) (*Script, error) {
	if !nameForm.MatchString(name) {
		return nil, fmt.Errorf("%q is no name of a ceremony: lower-case letters, digits and hyphens", name)
	}
	file := name + scriptEnd
	data, err := readFile(d.at(file))
	if err != nil {
		return nil, fmt.Errorf("script of %s: %w", name, err)
	}
	s, err := ParseScript(d.at(file), data)
	if err != nil {
		return nil, err
	}
	if s.Name != name {
		return nil, fmt.Errorf("%s: the script is that of the ceremony %q; its file would be %s", d.at(file), s.Name, s.Name+scriptEnd)
	}
	if begun, ok := d.record.begun(name); ok && begun != s.digest {
		return nil, fmt.Errorf("%s was changed since the ceremony began (SHA-256 then %s, now %s); a ceremony follows the script that was read out", d.at(file), begun, s.digest)
	}
	return s, d.prior(s)
}

// prior reads the earlier ceremonies' scripts, whose authorities a later one may name.
func (d *Dir) prior(s *Script) error {
	for _, e := range d.record.entries {
		if e.What != didBegin || e.Ceremony == s.Name {
			continue
		}
		if !d.record.closed(e.Ceremony) {
			return fmt.Errorf("the ceremony %s is not closed; one is held at a time", e.Ceremony)
		}
		earlier, err := readFile(d.at(e.Ceremony + scriptEnd))
		if err != nil {
			return err
		}
		one, err := ParseScript(e.Ceremony+scriptEnd, earlier)
		if err != nil {
			return err
		}
		if one.digest != e.Facts["script"] {
			return fmt.Errorf("%s was changed since its ceremony", e.Ceremony+scriptEnd)
		}
		if err := s.standOn(one); err != nil {
			return err
		}
	}
	return s.whole()
}

// mostFile bounds what is read of a directory that others may have written in.
const mostFile = 1 << 20

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > mostFile {
		return nil, fmt.Errorf("%s is no file, or larger than %d bytes", path, mostFile)
	}
	return os.ReadFile(path)
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
