package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
)

func put(ctx context.Context, tx *db.Tx, name, value string) error {
	_, err := tx.Exec(ctx, `INSERT INTO instance (name, value) VALUES ($1, $2)`, name, value)
	return err
}

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	err := d.Look(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT count(*) FROM instance`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestADeedThatRefusesLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ran := false
		refusal := errors.New("no")
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			tx.After(func() { ran = true })
			if err := put(t.Context(), tx, "a", "1"); err != nil {
				return err
			}
			return refusal
		})
		if !errors.Is(err, refusal) || count(t, d) != 0 || ran {
			t.Fatalf("err %v, rows %d, after-commit ran: %v", err, count(t, d), ran)
		}
	})
}

func TestDeedsAtOnceAllStandOrFallAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var all sync.WaitGroup
		errs := make([]error, 60)
		for i := range errs {
			all.Go(func() {
				errs[i] = d.InTx(t.Context(), func(tx *db.Tx) error {
					if err := put(t.Context(), tx, fmt.Sprint("k", i/2), "x"); err != nil {
						return err
					}
					return nil
				})
			})
		}
		all.Wait()
		taken := 0
		for _, err := range errs {
			if db.Taken(err) {
				taken++
			} else if err != nil {
				t.Error(err)
			}
		}
		if taken != 30 || count(t, d) != 30 {
			t.Fatalf("%d refused, %d rows; want 30 and 30", taken, count(t, d))
		}
	})
}

func TestAPanicReachesItsOwnCallerOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = d.InTx(t.Context(), func(tx *db.Tx) error {
				_ = put(t.Context(), tx, "a", "1")
				panic("in a deed")
			})
		}()
		if err := d.InTx(t.Context(), func(tx *db.Tx) error { return put(t.Context(), tx, "b", "1") }); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n != 1 {
			t.Fatalf("%d rows, want only the second deed's", n)
		}
	})
}

func TestACancelledCallerDoesNotTakeOthersDown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.InTx(gone, func(tx *db.Tx) error { return put(gone, tx, "a", "1") }); err == nil {
			t.Error("a deed began for a caller who had gone")
		}
		if err := d.InTx(t.Context(), func(tx *db.Tx) error { return put(t.Context(), tx, "b", "1") }); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOneTimePerTransaction(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.UTC)
	dbtest.EachAt(t, func() time.Time { return at }, func(t *testing.T, d *db.DB) {
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			if err := put(t.Context(), tx, "at", tx.Stamp()); err != nil {
				return err
			}
			var back time.Time
			if err := tx.Row(t.Context(), `SELECT value FROM instance WHERE name = $1`, "at").Scan(db.Times(&back)); err != nil {
				return err
			}
			if !back.Equal(tx.Now()) {
				t.Errorf("stored %s, carried %s", back, tx.Now())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestALookCannotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Look(t.Context(), func(tx *db.Tx) error { return put(t.Context(), tx, "a", "1") })
		if err == nil || count(t, d) != 0 {
			t.Fatalf("a look wrote: %v", err)
		}
	})
}

func TestMigrateTwiceChangesNothingAndNoticesAForgedHistory(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		changed := fstest.MapFS{"00001_instance.sql": {Data: []byte("-- +goose Up\nCREATE TABLE instance (name TEXT);\n")}}
		err := db.MigrateFrom(t.Context(), d, changed)
		if err == nil || !strings.Contains(err.Error(), "migration") {
			t.Fatalf("a changed migration passed: %v", err)
		}
	})
}
