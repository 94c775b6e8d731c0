package db

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the database to the shape that this program needs. Forward only.
//
// goose numbers and runs the files; it does not notice one that was changed after it ran. So each file's digest
// is kept, and a database whose history differs from the program's is refused.
func (d *DB) Migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return d.migrate(ctx, dir)
}

func (d *DB) migrate(ctx context.Context, dir fs.FS) error {
	dialect := goose.DialectSQLite3
	if d.engine == Postgres {
		dialect = goose.DialectPostgres
	}
	unlock, err := d.alone(ctx)
	if err != nil {
		return fmt.Errorf("wait for other processes: %w", err)
	}
	defer unlock()
	steps, err := goose.NewProvider(dialect, d.write, dir)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := d.checkHistory(ctx, dir); err != nil {
		return err
	}
	results, err := steps.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		if err := d.remember(ctx, dir, r.Source.Path); err != nil {
			return err
		}
	}
	return nil
}

// alone keeps other processes that start at the same moment from migrating too, until the function it gives is called.
// It takes a lock that a process which dies lets go of.
func (d *DB) alone(ctx context.Context) (unlock func(), err error) {
	if d.engine == SQLite {
		// A file of its own: closing the database's file anywhere in this process would lose SQLite's own locks.
		file, err := os.OpenFile(d.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return func() { _ = file.Close() }, nil
	}
	c, err := d.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	const which = `hashtext('chancela migrations in ' || current_schema())`
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock(`+which+`)`); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return func() {
		_, _ = c.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(`+which+`)`)
		_ = c.Close()
	}, nil
}

// Current says why the database is not of the shape that this program needs, for one that may only read it; nil if it is.
func (d *DB) Current(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	ran, err := d.history(ctx)
	if err != nil {
		return fmt.Errorf("this database was never brought to shape; start the whole program on it first: %w", err)
	}
	files, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return err
	}
	for _, file := range files {
		has, err := digestOf(dir, file)
		if err != nil {
			return err
		}
		if ran[file] != has {
			return fmt.Errorf("this database lacks migration %s, or has another; start the whole program of this version on it first", file)
		}
		delete(ran, file)
	}
	if len(ran) > 0 {
		return errors.New("this database is of a later version than this program")
	}
	return nil
}

func (d *DB) history(ctx context.Context) (map[string]string, error) {
	rows, err := d.read.QueryContext(ctx, `SELECT file, digest FROM migration_digest`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	ran := map[string]string{}
	for rows.Next() {
		var file, digest string
		if err := rows.Scan(&file, &digest); err != nil {
			return nil, err
		}
		ran[file] = digest
	}
	return ran, rows.Err()
}

func (d *DB) checkHistory(ctx context.Context, dir fs.FS) error {
	if _, err := d.write.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migration_digest (file TEXT PRIMARY KEY, digest TEXT NOT NULL)`); err != nil {
		return fmt.Errorf("migration digests: %w", err)
	}
	rows, err := d.write.QueryContext(ctx, `SELECT file, digest FROM migration_digest`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var file, ran string
		if err := rows.Scan(&file, &ran); err != nil {
			return err
		}
		has, err := digestOf(dir, file)
		if err != nil {
			return fmt.Errorf("this database has migration %s, which this program lacks: it is of a later version", file)
		}
		if has != ran {
			return fmt.Errorf("migration %s differs from the one that made this database", file)
		}
	}
	return rows.Err()
}

func (d *DB) remember(ctx context.Context, dir fs.FS, file string) error {
	digest, err := digestOf(dir, file)
	if err != nil {
		return err
	}
	_, err = d.write.ExecContext(ctx, `INSERT INTO migration_digest (file, digest) VALUES ($1, $2)`, file, digest)
	return err
}

func digestOf(dir fs.FS, file string) (string, error) {
	data, err := fs.ReadFile(dir, file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
