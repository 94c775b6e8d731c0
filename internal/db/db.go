// Package db gives one way to the database, whichever of two engines it is.
//
// SQLite (embedded, one process) and PostgreSQL (several replicas) are behind one SQL text: $1 placeholders,
// TEXT, BIGINT, BOOLEAN, BYTEA, times as TEXT of fixed width. A deed runs in [DB.InTx]; a look runs in [DB.Look].
// On SQLite the deeds that wait are committed together (group.go); a deed cannot tell. Inside a transaction there
// must be no network, mail or key operation: every other deed waits meanwhile.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver named pgx

	"chancela/internal/durable"
)

// Engine is the kind of database.
type Engine string

// The two engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Config says which database, and by which clock transactions are stamped.
type Config struct {
	// URL is "sqlite:PATH" or "postgres://…". Required.
	URL string
	// Clock gives the time that a transaction carries; time.Now if nil.
	Clock func() time.Time
	// MaxConns bounds the connections to PostgreSQL, and the reading ones of SQLite; 8 if zero.
	MaxConns int
	// ReadOnly says that nothing is written through it; the engine refuses what tries.
	ReadOnly bool
	// Log is told when nothing can be written any more; slog.Default() if nil.
	Log *slog.Logger
}

// DB is an open database.
type DB struct {
	engine Engine
	write  *sql.DB // one connection on SQLite
	read   *sql.DB // the same as write on PostgreSQL
	aside  *sql.DB // the queue's; the same as write on SQLite
	clock  func() time.Time
	path   string // of SQLite's file
	group  *group // gathers deeds on SQLite; nil on PostgreSQL
	halt   *halt  // why nothing is written on SQLite; nil on PostgreSQL, which sees to it by itself
}

// Open opens the database; it does not change its shape (see [DB.Migrate]).
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.MaxConns == 0 {
		c.MaxConns = 8
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if path, ok := strings.CutPrefix(c.URL, "sqlite:"); ok {
		return openSQLite(ctx, path, c)
	}
	if c.ReadOnly {
		address, err := url.Parse(c.URL)
		if err != nil {
			return nil, errors.New("database address is no URL") // the error would show its password
		}
		query := address.Query()
		query.Set("default_transaction_read_only", "on")
		address.RawQuery = query.Encode()
		c.URL = address.String()
	}
	if strings.HasPrefix(c.URL, "postgres://") || strings.HasPrefix(c.URL, "postgresql://") {
		return openPostgres(ctx, c)
	}
	return nil, errors.New(`database address must begin with "sqlite:" or "postgres://"`)
}

func openSQLite(ctx context.Context, path string, c Config) (*DB, error) {
	// synchronous=FULL: what was acknowledged survives a power cut. busy_timeout: another process may be looking.
	// wal_autocheckpoint: SQLite tells nobody when its own fails, so the group does it long before (group.tidy).
	pragmas := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "busy_timeout(10000)", "wal_autocheckpoint(" + strconv.Itoa(8*tidyPages) + ")"}}
	if c.ReadOnly {
		pragmas["_pragma"] = append(pragmas["_pragma"], "query_only(1)")
	}
	writing := maps(pragmas, "_txlock", "immediate")
	h := &halt{log: c.Log}
	write, err := connect("file:"+path+"?"+writing.Encode(), h)
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	if !c.ReadOnly {
		if err := recoverSQLite(ctx, write, path); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
		}
	}
	reading := maps(url.Values{"_pragma": append(pragmas["_pragma"], "query_only(1)")}, "_txlock", "deferred")
	read, err := connect("file:"+path+"?"+reading.Encode(), nil)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(c.MaxConns)
	read.SetMaxIdleConns(c.MaxConns)
	d := &DB{engine: SQLite, write: write, read: read, aside: write, clock: c.Clock, path: path, halt: h}
	d.group = gather(d)
	return d, nil
}

// recoverSQLite makes certain that what is read is on the disk. After a sync that failed the kernel may hold pages that
// it never wrote and that it no longer takes for unwritten; SQLite would read them in its log, and others would be
// confirmed on top of them. So the whole log is written anew, into the database, and begun from its start. Its name is
// synced too, which SQLite tries once and does not judge.
func recoverSQLite(ctx context.Context, write *sql.DB, path string) error {
	if _, err := write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return err
	}
	return durable.Settle(path)
}

func maps(base url.Values, key, value string) url.Values {
	all := url.Values{}
	for k, v := range base {
		all[k] = v
	}
	all.Set(key, value)
	return all
}

// housekeeping is how many connections the queue has besides the deeds' own on PostgreSQL: one to poll, one to keep
// its place as leader, one to record what was done.
const housekeeping = 3

func openPostgres(ctx context.Context, c Config) (*DB, error) {
	pool, err := postgresPool(c.URL, c.MaxConns)
	if err != nil {
		return nil, err
	}
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach PostgreSQL: %w", err), pool.Close())
	}
	aside, err := postgresPool(c.URL, housekeeping)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &DB{engine: Postgres, write: pool, read: pool, aside: aside, clock: c.Clock}, nil
}

func postgresPool(url string, conns int) (*sql.DB, error) {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool, nil
}

// Health says why nothing can be written any more, until the program is started again; nil while all is well.
func (d *DB) Health() error { return d.halt.why() }

// Engine says which engine this is. Only the queue and the migrations have a reason to ask.
func (d *DB) Engine() Engine { return d.engine }

// Pool has connections for the queue's own housekeeping. On PostgreSQL deeds have none of them, so that a crowd at the
// front desk cannot keep mail from leaving; on SQLite it is the one connection that writes.
func (d *DB) Pool() *sql.DB { return d.aside }

// Now is the time by the database's clock, as a transaction would carry it.
func (d *DB) Now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// Close waits for the deeds under way and closes the database.
func (d *DB) Close() error {
	if d.group != nil {
		d.group.stop()
	}
	err := d.write.Close()
	if d.read != d.write {
		err = errors.Join(err, d.read.Close())
	}
	if d.aside != d.write {
		err = errors.Join(err, d.aside.Close())
	}
	return err
}

// InTx runs a deed: all of it happens, or nothing.
//
// The function may run more than once on PostgreSQL (a deadlock is retried), so it must change nothing but
// the database; what should happen after the commit goes to [Tx.After].
func (d *DB) InTx(ctx context.Context, deed func(*Tx) error) error {
	if err := d.halt.why(); err != nil {
		return err
	}
	if d.group != nil {
		return d.group.do(ctx, deed)
	}
	const tries = 6
	var err error
	for try := range tries {
		if err = d.once(ctx, deed); !retriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(1<<try) * 5 * time.Millisecond):
		}
	}
	return fmt.Errorf("gave up after %d tries: %w", tries, err)
}

func (d *DB) once(ctx context.Context, deed func(*Tx) error) (err error) {
	raw, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = raw.Rollback() }() // harmless after a commit; needed after a panic
	tx := &Tx{raw: raw, now: d.Now(), engine: d.engine}
	if err := deed(tx); err != nil {
		return err
	}
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	tx.committed()
	return nil
}

// retriable says whether PostgreSQL asked for another try: serialization failure or deadlock.
func retriable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "40001" || pg.Code == "40P01")
}

// Look runs a function that only reads, over one consistent state of the database.
func (d *DB) Look(ctx context.Context, look func(*Tx) error) error {
	options := &sql.TxOptions{ReadOnly: d.engine == Postgres, Isolation: sql.LevelDefault}
	if d.engine == Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	raw, err := d.read.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin look: %w", err)
	}
	defer func() { _ = raw.Rollback() }()
	return look(&Tx{raw: raw, now: d.Now(), engine: d.engine})
}
