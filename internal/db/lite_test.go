package db_test

import (
	"errors"
	"fmt"
	"testing"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
)

func TestAStatementThatIsBeingReadIsNotTakenForAnother(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if d.Engine() == db.Postgres {
			return // one connection reads one result at a time
		}
		const byValue = `SELECT name FROM instance WHERE value = $1 ORDER BY name`
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			for n := range 9 {
				if err := put(t.Context(), tx, fmt.Sprint("k", n), fmt.Sprint("v", n%3)); err != nil {
					return err
				}
			}
			outer, err := tx.Query(t.Context(), byValue, "v0")
			if err != nil {
				return err
			}
			defer func() { _ = outer.Close() }()
			var seen []string
			for outer.Next() {
				var name, inner string
				if err := errors.Join(outer.Scan(&name), tx.Row(t.Context(), byValue, "v1").Scan(&inner)); err != nil {
					return err
				}
				seen = append(seen, name, inner)
			}
			if fmt.Sprint(seen) != "[k0 k1 k3 k1 k6 k1]" {
				t.Error(seen)
			}
			return outer.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestStatementsAreKeptInBoundsAndThroughErrorsAndNewShapes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		do := func(run func(tx *db.Tx) error) error { return d.InTx(t.Context(), run) }
		for n := range 300 { // more than any connection keeps
			err := do(func(tx *db.Tx) error {
				var got int
				err := tx.Row(t.Context(), fmt.Sprintf(`SELECT %d + $1`, n), n).Scan(&got)
				if got != 2*n {
					t.Errorf("%d: %d", n, got)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		same := func() error { return do(func(tx *db.Tx) error { return put(t.Context(), tx, "same", "1") }) }
		if err := same(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := same(); !db.Taken(err) {
				t.Errorf("a statement that failed, again: %v", err)
			}
		}
		all := func() (values int) {
			err := do(func(tx *db.Tx) error {
				rows, err := tx.Query(t.Context(), `SELECT * FROM instance`)
				if err != nil {
					return err
				}
				defer func() { _ = rows.Close() }()
				columns, err := rows.Columns()
				values = len(columns)
				return errors.Join(err, rows.Err())
			})
			if err != nil && d.Engine() == db.SQLite { // PostgreSQL refuses a plan whose result has another shape, once
				t.Error(err)
			}
			return values
		}
		before := all()
		if err := do(func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `ALTER TABLE instance ADD COLUMN more TEXT`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if after := all(); d.Engine() == db.SQLite && after != before+1 {
			t.Errorf("%d columns, then %d", before, after)
		}
	})
}

func TestADeedThatIsAloneStandsOrFallsWhole(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t), nil)
	for n := range 10 {
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			err := errors.Join(put(t.Context(), tx, fmt.Sprint("a", n), ""), put(t.Context(), tx, "b", ""))
			if n == 3 {
				return nil // a deed that swallows an error keeps what went before, as within a group
			}
			return err
		})
		if (err == nil) != (n == 0 || n == 3) {
			t.Errorf("%d: %v", n, err)
		}
	}
	if n := count(t, d); n != 3 {
		t.Errorf("%d rows, want a0, b, a3", n)
	}
}
