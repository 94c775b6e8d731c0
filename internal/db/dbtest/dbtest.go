// Package dbtest gives tests a fresh, migrated database of each engine.
//
// PostgreSQL is a real server whose address is in CHANCELA_TEST_POSTGRES (make test starts one); a test that lacks
// it fails, since a storage test that ran on one engine only has not run.
package dbtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chancela/internal/db"
)

// Each runs a test once on SQLite and once on PostgreSQL, each with a fresh database.
func Each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	EachAt(t, nil, test)
}

// EachAt is Each with a clock of the test's own.
func EachAt(t *testing.T, clock func() time.Time, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	for engine, address := range map[db.Engine]func(testing.TB) string{db.SQLite: SQLite, db.Postgres: Postgres} {
		t.Run(string(engine), func(t *testing.T) { test(t, Open(t, address(t), clock)) })
	}
}

// Open opens and migrates a database and closes it when the test ends.
func Open(t testing.TB, address string, clock func() time.Time) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), db.Config{URL: address, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// SQLite is the address of a new database file, migrated.
func SQLite(t testing.TB) string {
	t.Helper()
	file, err := template()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// template is a migrated file: to copy it costs a hundredth of migrating another.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "chancela-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "test.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(address string) error {
	d, err := db.Open(context.Background(), db.Config{URL: address})
	if err != nil {
		return err
	}
	return errors.Join(d.Migrate(context.Background()), d.Close())
}
