// Package signer_test plays the tour of every portal against two real processes, one that serves and has no key, and
// one that signs: with the signer killed at every place that a crash could lose something at, with two that serve and
// two that sign, on both engines.
package signer_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"chancela/internal/ca"
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
	dir, err := os.MkdirTemp("", "chancela-signer-")
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

// signs is a signer in a process of its own. It is started again whenever it is killed, as its unit file has it.
type signs struct {
	t    *testing.T
	data string
	port string // of the pages: the addresses in certificates follow from it
	env  []string

	mu      sync.Mutex
	process *os.Process
	kills   int
	ended   error // by itself, and not killed
	stopped bool
	done    chan struct{}
}

func startSigner(t *testing.T, data, port string, env ...string) *signs {
	t.Helper()
	s := &signs{t: t, data: data, port: port, env: env, done: make(chan struct{})}
	go s.run()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			if log, err := os.ReadFile(s.log()); err == nil {
				t.Logf("end of the signer's log:\n%s", log[max(0, len(log)-3000):])
			}
		}
	})
	return s
}

func (s *signs) log() string { return s.data + ".log" }

func (s *signs) run() {
	defer close(s.done)
	for {
		cmd, err := s.start()
		if cmd == nil {
			s.end(err)
			return
		}
		err = cmd.Wait()
		exit, ok := errors.AsType[*exec.ExitError](err)
		killed := false
		if ok {
			status, _ := exit.Sys().(syscall.WaitStatus)
			killed = status.Signaled() && status.Signal() == syscall.SIGKILL
		}
		s.mu.Lock()
		if killed {
			s.kills++
		}
		over := s.stopped
		s.mu.Unlock()
		if over {
			return
		}
		if !killed {
			s.end(fmt.Errorf("the signer ended by itself: %w", errors.Join(err, errors.New("without being told to"))))
			return
		}
	}
}

func (s *signs) start() (*exec.Cmd, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil, nil
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(program, "signer", "--data", s.data, "--listen", net.JoinHostPort("127.0.0.1", s.port))
	cmd.Env, cmd.Stderr = s.env, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.process = cmd.Process
	return cmd, nil
}

func (s *signs) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = err
}

func (s *signs) signal(what syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		_ = s.process.Signal(what)
	}
}

// stop ends it for good.
func (s *signs) stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.signal(syscall.SIGTERM)
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		s.t.Error(s.ended)
		s.ended = nil
	}
}

// reached lists the points at which it was killed.
func (s *signs) reached() []string {
	marks, err := filepath.Glob(filepath.Join(s.data, "crashed-at-*"))
	if err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, mark := range marks {
		all = append(all, strings.TrimPrefix(filepath.Base(mark), "crashed-at-"))
	}
	return all
}

// environ is the environment without what would set the program up otherwise.
func environ(more ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(one string) bool { return strings.HasPrefix(one, "CHANCELA_") })
	return append(env, more...)
}

// place is an instance: where its database is, a process that serves, and what plays against it.
type place struct {
	t       *testing.T
	dir     string
	driver  string
	address string // for database/sql
	setting string
	child   *tour.Child
	players []*tour.Player
	env     []string
}

func engines(t *testing.T, test func(t *testing.T, i *place)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		path := filepath.Join(dir, "data", "chancela.db")
		test(t, &place{t: t, dir: dir, driver: "sqlite", address: path, setting: "CHANCELA_DATABASE_URL=sqlite:" + path})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		address := dbtest.Postgres(t)
		test(t, &place{t: t, dir: t.TempDir(), driver: "pgx", address: address, setting: "CHANCELA_DATABASE_URL=" + address})
	})
}

// serves makes the process that serves, and asks the signers; it does not start it.
func (i *place) serves(signers ...string) {
	i.t.Helper()
	i.env = environ(i.setting, "CHANCELA_KEYS_SIGNER="+strings.Join(signers, ","))
	var err error
	if i.child, err = tour.NewChild(program, filepath.Join(i.dir, "data"), i.env); err != nil {
		i.t.Fatal(err)
	}
	scripts, err := tour.Scripts(portals.Files)
	if err != nil {
		i.t.Fatal(err)
	}
	for _, script := range scripts {
		p, err := tour.NewPlayer(i.child, script, filepath.Join(i.dir, "artefacts"))
		if err != nil {
			i.t.Fatal(err)
		}
		i.players = append(i.players, p)
	}
	i.t.Cleanup(func() {
		i.child.Kill()
		if i.t.Failed() {
			if log, err := os.ReadFile(filepath.Join(i.dir, "server.log")); err == nil {
				i.t.Logf("end of the log of who serves:\n%s", log[max(0, len(log)-3000):])
			}
		}
	})
}

func (i *place) play(ctx context.Context) {
	i.t.Helper()
	for n, p := range i.players {
		if err := p.Staff(ctx); err != nil {
			i.t.Fatalf("officers of script %d: %v", n, err)
		}
		for k := range p.Acts() {
			if err := p.Act(ctx, k); err != nil {
				i.t.Fatalf("script %d, act %d (%s): %v", n, k+1, p.Says(k), err)
			}
		}
	}
}

// once are questions whose answer is zero if nothing was done twice and nothing left half-done.
var once = map[string]string{
	"two certificates live for one order": `SELECT COUNT(*) FROM (SELECT order_id FROM ca_certificate WHERE state <> 'lost' GROUP BY order_id HAVING COUNT(*) > 1) x`,
	"an intent was left":                  `SELECT COUNT(*) FROM ca_certificate WHERE state = 'intended'`,
	"a certificate without its bytes":     `SELECT COUNT(*) FROM ca_certificate WHERE state IN ('issued', 'revoked') AND der IS NULL`,
	"an order is still being issued":      `SELECT COUNT(*) FROM certificate_order WHERE state = 'issuing'`,
	"a credential is still being sealed":  `SELECT COUNT(*) FROM credential WHERE state = 'issuing'`,
}

func (i *place) count(question string) (n int) {
	i.t.Helper()
	d, err := sql.Open(i.driver, i.address)
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.QueryRowContext(i.t.Context(), question).Scan(&n); err != nil {
		i.t.Fatal(err)
	}
	return n
}

// sound asks the program's own check, and counts what must be there once.
func (i *place) sound() {
	i.t.Helper()
	check := exec.CommandContext(i.t.Context(), program, "check", "--data", i.child.Data, "--listen", i.child.Base.Host)
	check.Env = i.env
	out, err := check.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ok     signer") {
		i.t.Errorf("check: %v\n%s", err, out)
	}
	for what, question := range once {
		if n := i.count(question); n != 0 {
			i.t.Errorf("%s: %d times", what, n)
		}
	}
	for _, key := range []string{"keys/signing", "keys/passphrase"} {
		if _, err := os.Stat(filepath.Join(i.child.Data, key)); err == nil {
			i.t.Errorf("who serves has %s", key)
		}
	}
}

// TestTheSignerIsKilledAtEveryPointWhileWhoServesGoesOn plays every portal to its end; the people notice nothing but
// that it takes longer.
func TestTheSignerIsKilledAtEveryPointWhileWhoServesGoesOn(t *testing.T) {
	engines(t, func(t *testing.T, i *place) {
		data := short(t)
		i.serves("unix:" + filepath.Join(data, "signer.sock"))
		s := startSigner(t, data, i.child.Base.Port(), environ(i.setting, "CHANCELA_TEST_CRASH="+strings.Join(ca.CrashPoints(), ","))...)
		if err := i.child.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		i.play(t.Context())
		founding := s.reached()
		// What the founding reached is reached again while people's certificates are made.
		for _, point := range founding {
			if point != "ca.key" {
				if err := os.Remove(filepath.Join(data, "crashed-at-"+point)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, point := range ca.CrashPoints() {
			if !slices.Contains(founding, point) {
				t.Errorf("the signer was not killed at %s", point)
			}
		}
		if err := i.child.Ended(); err != nil {
			select {
			case <-i.child.Ended():
				t.Error("who serves ended")
			default:
			}
		}
		i.sound()
		t.Logf("killed %d times: %v", s.kills, founding)
	})
}

// TestTwoThatServeAndTwoThatSignAreOneInstance has one of the signers killed for good in mid-run.
func TestTwoThatServeAndTwoThatSignAreOneInstance(t *testing.T) {
	engines(t, func(t *testing.T, i *place) {
		one, two := short(t), short(t)
		i.serves("unix:"+filepath.Join(one, "signer.sock"), "unix:"+filepath.Join(two, "signer.sock"))
		port := i.child.Base.Port()
		first := startSigner(t, one, port, environ(i.setting)...)
		if err := i.child.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		i.until("the hierarchy is founded", func() bool { return i.asks() == http.StatusOK && i.count(`SELECT COUNT(*) FROM ca_list`) >= 2 })
		copyKeys(t, filepath.Join(one, "keys"), filepath.Join(two, "keys"))
		startSigner(t, two, port, environ(i.setting)...)
		beside := i.beside()
		// Each start prints new links for the first officers: those of the one that people use come last.
		if err := errors.Join(i.child.Stop(), i.child.Start(t.Context())); err != nil {
			t.Fatal(err)
		}
		i.halves(func() {
			first.stop()
		})
		if err := beside.Stop(); err != nil {
			t.Errorf("the second that serves: %v", err)
		}
		if n := i.count(`SELECT COUNT(DISTINCT replica) FROM ca_certificate WHERE state IN ('issued', 'revoked') AND order_id LIKE 'order/%'`); n < 1 {
			t.Error("nobody issued: this test has nothing to look for")
		}
		i.sound()
	})
}

// halves plays, and does something between the portals.
func (i *place) halves(between func()) {
	i.t.Helper()
	all := i.players
	i.players = all[:1]
	i.play(i.t.Context())
	between()
	i.players = all[1:]
	i.play(i.t.Context())
}

// beside starts a second process that serves the same instance, at a port of its own.
func (i *place) beside() *tour.Child {
	i.t.Helper()
	data := filepath.Join(i.dir, "beside", "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		i.t.Fatal(err)
	}
	copyKeys(i.t, filepath.Join(i.child.Data, "keys"), filepath.Join(data, "keys"))
	for _, shared := range []string{"outbox", "documents", "credentials"} { // what two that serve must share besides the database
		if err := os.Symlink(filepath.Join(i.child.Data, shared), filepath.Join(data, shared)); err != nil {
			i.t.Fatal(err)
		}
	}
	other, err := tour.NewChild(program, data, i.env)
	if err != nil {
		i.t.Fatal(err)
	}
	if err := other.Start(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(other.Kill)
	return other
}

// short is a folder whose path leaves room for a socket's name: the kernel takes 107 bytes.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sig")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir); _ = os.Remove(dir + ".log") })
	return dir
}

func copyKeys(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// asks is what the address of issuers answers.
func (i *place) asks() int {
	answer, err := (&http.Client{Timeout: 30 * time.Second}).Get(i.child.Base.String() + "/pki/")
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// until waits for what the program does by itself.
func (i *place) until(what string, done func() bool) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), 2*time.Minute)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			i.t.Fatalf("within two minutes it did not happen: %s", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
