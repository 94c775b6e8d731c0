// Package crash_test kills the program in the middle of its work, as a power cut would, and holds what it says after
// it came back against what it had said before: nothing acknowledged lost, nothing done twice.
//
// The work is the tour of every portal, against a real child process on a real data directory, on both engines.
package crash_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/ca"
	"chancela/internal/credential"
	"chancela/internal/db/dbtest"
	"chancela/internal/tour"
	"chancela/portals"
)

// program is the binary under test, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chancela-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "chancela")
	build := exec.Command("go", "build", "-o", program, "chancela/cmd/chancela")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	return m.Run()
}

// points are all named places where a crash must lose nothing.
func points() []string { return slices.Concat(ca.CrashPoints(), credential.CrashPoints()) }

// foundingOnly are points that only the founding of a hierarchy comes by, while no seal or responder ends.
func foundingOnly(point string) bool { return point == "ca.key" }

// engines runs a test on each database; the setting that it is given names a new one each time it is asked.
func engines(t *testing.T, test func(t *testing.T, setting func() string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()                                  // a tour mostly waits
		test(t, func() string { return databaseURL }) // none: the one in the data directory
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, func() string { return databaseURL + dbtest.Postgres(t) })
	})
}

const databaseURL = "CHANCELA_DATABASE_URL="

// instance is one child with its scripts, and what is counted of it.
type instance struct {
	t       *testing.T
	child   *tour.Child
	players []*tour.Player
	env     []string

	mu      sync.Mutex
	crashes int // since the act at hand began
	total   int
}

func newInstance(t *testing.T, env ...string) *instance {
	t.Helper()
	return instanceOf(t, program, env...)
}

func instanceOf(t *testing.T, program string, env ...string) *instance {
	t.Helper()
	dir := t.TempDir()
	// Without test certificates: the points shall be reached by what people asked for.
	i := &instance{t: t, env: append(append(environ(), "CHANCELA_PUBLICATION_SAMPLES=no"), env...)}
	var err error
	if i.child, err = tour.NewChild(program, filepath.Join(dir, "data"), i.env); err != nil {
		t.Fatal(err)
	}
	i.child.Revive = i.revive
	scripts, err := tour.Scripts(portals.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		p, err := tour.NewPlayer(i.child, script, filepath.Join(dir, "artefacts"))
		if err != nil {
			t.Fatal(err)
		}
		i.players = append(i.players, p)
	}
	t.Cleanup(func() {
		i.child.Kill()
		if t.Failed() {
			if log, err := os.ReadFile(filepath.Join(dir, "server.log")); err == nil {
				t.Logf("end of the program's log:\n%s", log[max(0, len(log)-4000):])
			}
		}
	})
	return i
}

// environ is the environment without what would set the program up otherwise.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(one string) bool { return strings.HasPrefix(one, "CHANCELA_") })
}

// start starts the program until it stays up: it may be killed while it starts.
func (i *instance) start(ctx context.Context) error {
	for range len(points()) + 5 {
		err := i.child.Start(ctx)
		if !errors.Is(err, tour.ErrEnded) || !i.wasKilled(err) {
			return err
		}
		i.note()
	}
	return errors.New("the program never stays up")
}

// up starts the program again if it was killed after the last act.
func (i *instance) up(ctx context.Context) {
	i.t.Helper()
	select {
	case <-i.child.Ended():
		i.note()
		if err := i.start(ctx); err != nil {
			i.t.Fatal(err)
		}
	default:
	}
}

func (i *instance) wasKilled(err error) bool { return strings.Contains(err.Error(), "signal: killed") }

func (i *instance) note() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.crashes++
	i.total++
}

// revive waits for the end of a program that was killed, and starts it again.
func (i *instance) revive(ctx context.Context) error {
	select {
	case <-i.child.Ended():
	case <-time.After(time.Minute): // only a program that hangs takes that long to be gone
		return errors.New("an answer was lost though the program runs")
	case <-ctx.Done():
		return ctx.Err()
	}
	i.note()
	return i.start(ctx)
}

// act plays one act; crashes are counted anew for each.
func (i *instance) act(what string, do func() error) {
	i.t.Helper()
	i.mu.Lock()
	i.crashes = 0
	i.mu.Unlock()
	if err := do(); err != nil {
		i.t.Fatalf("%s: %v", what, err)
	}
}

// play plays every script to its end.
func (i *instance) play(ctx context.Context) {
	i.t.Helper()
	for n, p := range i.players {
		i.act(fmt.Sprintf("officers of script %d", n), func() error { return p.Staff(ctx) })
		for k := range p.Acts() {
			i.act(fmt.Sprintf("script %d, act %d (%s)", n, k+1, p.Says(k)), func() error { return p.Act(ctx, k) })
		}
	}
}

// sound stops the program and asks its own check whether all is well; then it counts what must be there once.
func (i *instance) sound(ctx context.Context) {
	i.t.Helper()
	if err := i.child.Stop(); err != nil {
		i.t.Errorf("the program does not end well: %v", err)
	}
	check := exec.CommandContext(ctx, program, "check", "--data", i.child.Data, "--listen", i.child.Base.Host)
	check.Env = i.env
	if out, err := check.CombinedOutput(); err != nil {
		i.t.Errorf("check: %v\n%s", err, out)
	}
	i.nothingTwice(ctx)
	doubled, err := tour.Doubled(i.child)
	if err != nil {
		i.t.Error(err)
	}
	for _, one := range doubled {
		i.t.Errorf("a mail came twice: %s", one)
	}
}

// once are questions whose answer is zero if nothing was done twice and nothing left half-done.
var once = map[string]string{
	"two certificates live for one order":      `SELECT COUNT(*) FROM (SELECT order_id FROM ca_certificate WHERE state <> 'lost' GROUP BY order_id HAVING COUNT(*) > 1) x`,
	"a serial number was intended and left":    `SELECT COUNT(*) FROM ca_certificate WHERE state = 'intended'`,
	"a certificate without its bytes":          `SELECT COUNT(*) FROM ca_certificate WHERE state IN ('issued', 'revoked') AND der IS NULL`,
	"a lost certificate is on no list":         `SELECT COUNT(*) FROM ca_certificate WHERE state = 'lost' AND revoked_at = ''`,
	"two orders of one case":                   `SELECT COUNT(*) FROM (SELECT case_id FROM certificate_order GROUP BY case_id HAVING COUNT(*) > 1) x`,
	"an order is still being issued":           `SELECT COUNT(*) FROM certificate_order WHERE state = 'issuing'`,
	"two credentials of one case":              `SELECT COUNT(*) FROM (SELECT case_id FROM credential GROUP BY case_id HAVING COUNT(*) > 1) x`,
	"a credential is still being sealed":       `SELECT COUNT(*) FROM credential WHERE state = 'issuing'`,
	"a person has two accounts of one address": `SELECT COUNT(*) FROM (SELECT portal, kind, address_key FROM account GROUP BY portal, kind, address_key HAVING COUNT(*) > 1) x`,
}

func (i *instance) nothingTwice(ctx context.Context) {
	i.t.Helper()
	driver, address := "sqlite", filepath.Join(i.child.Data, "chancela.db")
	for _, one := range i.env {
		if url, ok := strings.CutPrefix(one, databaseURL); ok && url != "" {
			driver, address = "pgx", url
		}
	}
	d, err := sql.Open(driver, address)
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	for what, question := range once {
		n := -1
		if err := d.QueryRowContext(ctx, question).Scan(&n); err != nil {
			i.t.Errorf("%s: %v", what, err)
		} else if n != 0 {
			i.t.Errorf("%s: %d times", what, n)
		}
	}
}

// reached lists the points at which the program was killed so far on this data directory, and forgets them.
func (i *instance) reached() []string {
	i.t.Helper()
	marks, err := filepath.Glob(filepath.Join(i.child.Data, "crashed-at-*"))
	if err != nil {
		i.t.Fatal(err)
	}
	var all []string
	for _, mark := range marks {
		all = append(all, strings.TrimPrefix(filepath.Base(mark), "crashed-at-"))
		if err := os.Remove(mark); err != nil && !errors.Is(err, fs.ErrNotExist) {
			i.t.Fatal(err)
		}
	}
	return all
}

// TestKilledAtEveryNamedPointNothingIsLostAndNothingDoneTwice kills at every point while the hierarchy is founded,
// and at every point again while people's certificates and credentials are made (F01, F03, D07).
func TestKilledAtEveryNamedPointNothingIsLostAndNothingDoneTwice(t *testing.T) {
	engines(t, func(t *testing.T, setting func() string) {
		i := newInstance(t, setting(), "CHANCELA_TEST_CRASH="+strings.Join(points(), ","))
		ctx := t.Context()
		if err := i.start(ctx); err != nil {
			t.Fatal(err)
		}
		founding := i.reached()
		i.play(ctx)
		playing := i.reached()
		for _, point := range points() {
			if !slices.Contains(playing, point) && (!foundingOnly(point) || !slices.Contains(founding, point)) {
				t.Errorf("%s was not reached: either it stands nowhere on the way, or the tour leaves it out", point)
			}
		}
		t.Logf("killed %d times: %v while founding, %v afterwards", i.total, founding, playing)
		i.sound(ctx)
	})
}

// Kills at random moments: how many on each engine, and how many of them in one tour.
const (
	randomKills  = 50
	killsPerTour = 17
	killsPerAct  = 2 // a sign-in may send three codes in a quarter of an hour, and no more
)

// TestKilledAtRandomMomentsNothingIsLostAndNothingDoneTwice kills at moments that nobody chose (F01). It kills
// CHANCELA_TEST_KILLS times on each engine, from the seed CHANCELA_TEST_SEED.
func TestKilledAtRandomMomentsNothingIsLostAndNothingDoneTwice(t *testing.T) {
	kills, seed := number(t, "CHANCELA_TEST_KILLS", randomKills), number(t, "CHANCELA_TEST_SEED", int(time.Now().UnixNano()%1e9))
	t.Logf("CHANCELA_TEST_SEED=%d", seed)
	engines(t, func(t *testing.T, setting func() string) {
		chance := rand.New(rand.NewPCG(uint64(seed), 0))
		for left := kills; left > 0; {
			i := newInstance(t, setting())
			stop := i.kill(chance, min(left, killsPerTour))
			if err := i.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			i.play(t.Context())
			stop()
			i.up(t.Context())
			i.sound(t.Context())
			t.Logf("killed %d times", i.total)
			left -= max(i.total, 1)
		}
	})
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// kill kills the program so many times, at random moments, until it is told to stop.
func (i *instance) kill(chance *rand.Rand, times int) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for killed := 0; killed < times; {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(50+chance.IntN(900)) * time.Millisecond):
			}
			if i.bearable() {
				ended := i.child.Ended()
				i.child.Kill()
				if ended != nil {
					<-ended
					killed++
				}
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func (i *instance) bearable() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.crashes < killsPerAct
}
