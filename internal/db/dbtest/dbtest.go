// Package dbtest gives tests a fresh, migrated database of each engine.
//
// PostgreSQL is a real server whose address is in CHANCELA_TEST_POSTGRES (make test starts one); a test that lacks
// it fails, since a storage test that ran on one engine only has not run.
package dbtest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
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

// SQLite is the address of a new database file.
func SQLite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") }

// Postgres is the address of a new schema on the test server.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("CHANCELA_TEST_POSTGRES")
	if server == "" {
		t.Fatal("CHANCELA_TEST_POSTGRES is not set: run the tests with make test, which starts PostgreSQL")
	}
	schema := "t_" + db.NewID()
	run(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { run(t, server, "DROP SCHEMA "+schema+" CASCADE") })
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", schema)
	address.RawQuery = query.Encode()
	return address.String()
}

func run(t testing.TB, server, statement string) {
	t.Helper()
	pool, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	if _, err := pool.ExecContext(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}
