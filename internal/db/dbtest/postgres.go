package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"

	"chancela/internal/db"
)

// Postgres is the address of a new database on the test server, migrated.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("CHANCELA_TEST_POSTGRES")
	if server == "" {
		t.Fatal("CHANCELA_TEST_POSTGRES is not set: run the tests with make test, which starts PostgreSQL")
	}
	name := "t_" + db.NewID()
	if err := onServer(server, func(ctx context.Context, c *sql.Conn) error { return create(ctx, c, server, name) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := onServer(server, func(ctx context.Context, c *sql.Conn) error {
			_, err := c.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	return named(server, name)
}

// model is the database that is copied. A test server serves one state of the source, from scripts/with-postgres.
const model = "chancela_model"

// create copies a database that was migrated once for all packages that are tested: it costs a tenth of migrating.
func create(ctx context.Context, c *sql.Conn, server, name string) error {
	if err := ensure(ctx, c, server); err != nil {
		return fmt.Errorf("make the model: %w", err)
	}
	_, err := c.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE "+model+" STRATEGY FILE_COPY")
	return err
}

// ensure makes the model if no process did so far. It has its name only when it is whole.
func ensure(ctx context.Context, c *sql.Conn, server string) error {
	if there, err := exists(ctx, c, model); there || err != nil {
		return err
	}
	const lock = `hashtext('the model of test databases')`
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock(`+lock+`)`); err != nil {
		return err
	}
	defer func() { _, _ = c.ExecContext(ctx, `SELECT pg_advisory_unlock(`+lock+`)`) }()
	if there, err := exists(ctx, c, model); there || err != nil {
		return err
	}
	making := "making_" + db.NewID()
	if _, err := c.ExecContext(ctx, "CREATE DATABASE "+making); err != nil {
		return err
	}
	if err := migrate(named(server, making)); err != nil {
		return err
	}
	// Nobody may be connected to what is copied, and autovacuum would be.
	_, err := c.ExecContext(ctx, "ALTER DATABASE "+making+" ALLOW_CONNECTIONS false")
	if err == nil {
		_, err = c.ExecContext(ctx, "ALTER DATABASE "+making+" RENAME TO "+model)
	}
	return err
}

func exists(ctx context.Context, c *sql.Conn, name string) (there bool, err error) {
	err = c.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&there)
	return there, err
}

// named is the address of a database on the server of another.
func named(server, name string) string {
	address, err := url.Parse(server)
	if err != nil {
		return server
	}
	address.Path = "/" + name
	return address.String()
}

func onServer(server string, do func(context.Context, *sql.Conn) error) (err error) {
	ctx := context.Background()
	pool, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	c, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, c), c.Close())
}
