package account

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/portal"
)

// rows is a room whose things are rows of a table, so that a process that is killed takes nothing of them along.
type rows struct{}

func (rows) Hanging(ctx context.Context, tx *db.Tx, of Scope) ([]Thing, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (one Thing, err error) {
		one.Effect = Ends
		return one, scan(&one.ID)
	}, `SELECT id FROM test_thing WHERE person = $1 AND ended = 0 ORDER BY id`, string(of.Person))
}

func (rows) End(ctx context.Context, tx *db.Tx, _ *portal.Portal, id string, _ portal.Reason) error {
	_, err := tx.Exec(ctx, `UPDATE test_thing SET ended = ended + 1 WHERE id = $1`, id)
	return err
}

const childOf = "CHANCELA_TEST_ENDING" // the database of the child that is killed

// TestTheChildThatIsKilled is no test of its own: it is the process that [TestKilledInTheMiddleOfAnEndingItGoesOnWhereItWas]
// starts, which carries out what there is and is killed after one thing.
func TestTheChildThatIsKilled(t *testing.T) {
	url := os.Getenv(childOf)
	if url == "" {
		return
	}
	d, err := db.Open(t.Context(), db.Config{URL: url})
	must(t, err)
	k := opened(t, d, &clock{now: time.Now()})
	k.endings()
	k.dependents = []dependent{{"rows", rows{}}}
	k.crash = func(point string) {
		if point == pointThing {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
	_, err = k.CarryOut(t.Context())
	must(t, err)
	must(t, d.Close())
}

func TestKilledInTheMiddleOfAnEndingItGoesOnWhereItWas(t *testing.T) {
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "chancela.db") },
		"postgres": func(t *testing.T) string { t.Helper(); return dbtest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			at := url(t)
			d, err := db.Open(t.Context(), db.Config{URL: at})
			must(t, err)
			t.Cleanup(func() { _ = d.Close() })
			must(t, d.Migrate(t.Context()))
			k := opened(t, d, &clock{now: time.Now()})
			k.endings()
			k.dependents = []dependent{{"rows", rows{}}}
			ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "orders")
			const things = 5
			k.deed(func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `CREATE TABLE test_thing (id TEXT NOT NULL PRIMARY KEY, person TEXT NOT NULL, ended BIGINT NOT NULL)`)
				for n := range things {
					_, put := tx.Exec(t.Context(), `INSERT INTO test_thing (id, person, ended) VALUES ($1, $2, 0)`, fmt.Sprint("t", n), string(ana.Person))
					err = errors.Join(err, put)
				}
				return err
			})
			which := Which{Portal: office, NIPC: municipality, Person: ana.Person}
			id, err := k.EndPowers(t.Context(), decider(), which, k.preview(decider(), which).Digest, time.Time{})
			must(t, err)
			killed := 0
			for k.child(at) {
				if killed++; killed > things {
					t.Fatal("it never gets on")
				}
			}
			if killed != things {
				t.Errorf("killed %d times behind %d things", killed, things)
			}
			for _, one := range k.ends() {
				if one != 1 {
					t.Errorf("a thing ended %d times", one)
				}
			}
			e, err := k.EndingOf(t.Context(), actor.Actor{Kind: actor.Officer, Portal: office, Person: "p8", Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode}, id)
			if err != nil || e.DoneAt.IsZero() || k.entries("ending.done") != 1 {
				t.Fatalf("%+v %v", e, err)
			}
		})
	}
}

// child starts a process that carries out what there is; it says whether it was killed.
func (k *kit) child(url string) bool {
	k.t.Helper()
	program, err := os.Executable()
	must(k.t, err)
	cmd := exec.CommandContext(k.t.Context(), program, "-test.run", "^TestTheChildThatIsKilled$")
	cmd.Env = append(os.Environ(), childOf+"="+url)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if !strings.Contains(err.Error(), "signal: killed") {
		k.t.Fatalf("%v\n%s", err, out)
	}
	return true
}

func (k *kit) ends() (all []int) {
	k.t.Helper()
	k.look(func(tx *db.Tx) (err error) {
		all, err = db.Collect(k.t.Context(), tx, func(scan func(...any) error) (n int, err error) { return n, scan(&n) }, `SELECT ended FROM test_thing`)
		return err
	})
	return all
}
