package db_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
)

// BenchmarkDeeds does durable deeds of three statements with so many writers: ours, the same driver with a transaction
// each, and PostgreSQL with a connection each for up to eight. bench/deeds runs it and records what came of it.
//
// None takes the lock that orders the record, so that nothing keeps PostgreSQL from committing together.
func BenchmarkDeeds(b *testing.B) {
	for name, open := range map[string]func(*testing.B) doer{"ours": ours, "driver": driverAlone, "postgres": postgres} {
		for _, writers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/%d", name, writers), func(b *testing.B) {
				do := open(b)
				b.ResetTimer()
				crowd(b, writers, do)
			})
		}
	}
}

// doer does the n-th deed.
type doer func(ctx context.Context, n int64) error

// statement is what a deed has of a transaction, ours or the driver's own.
type statement func(ctx context.Context, query string, args ...any) error

func crowd(b *testing.B, writers int, do doer) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := do(b.Context(), n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// three is a deed as the rooms do it: something is made, moves on by compare-and-set, and is on record.
func three(ctx context.Context, n int64, exec statement) error {
	id := db.NewID()
	sum := sha256.Sum256([]byte(id))
	hash := hex.EncodeToString(sum[:])
	at := "2026-05-04T03:02:01.000000Z"
	return errors.Join(
		exec(ctx, `INSERT INTO bench_thing (id, state, version, at) VALUES ($1, $2, $3, $4)`, id, "draft", 1, at),
		exec(ctx, `UPDATE bench_thing SET state = $1, version = version + 1 WHERE id = $2 AND version = $3`, "submitted", id, 1),
		exec(ctx, `INSERT INTO audit_entry
			(seq, at, portal, kind, person, account, session, roles, strength, opened, address, verb, object, details, prev, hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
			n, at, "balcao", "person", id, id, "", "", 2, "", "192.0.2.0/24", "thing.submit", "thing/"+id, `{"version":"2"}`, hash, hash),
	)
}

func ready(b *testing.B, address string) *db.DB {
	b.Helper()
	d := dbtest.Open(b, address, nil)
	err := d.InTx(b.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(b.Context(), `CREATE TABLE bench_thing (id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, version BIGINT NOT NULL, at TEXT NOT NULL)`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return d
}

func inTx(d *db.DB) doer {
	return func(ctx context.Context, n int64) error {
		return d.InTx(ctx, func(tx *db.Tx) error {
			return three(ctx, n, func(ctx context.Context, query string, args ...any) error {
				_, err := tx.Exec(ctx, query, args...)
				return err
			})
		})
	}
}

func ours(b *testing.B) doer { return inTx(ready(b, dbtest.SQLite(b))) }

// driverAlone is what one gets who opens SQLite as durably and does nothing else: a transaction a deed.
func driverAlone(b *testing.B) doer {
	address := dbtest.SQLite(b)
	_ = ready(b, address).Close()
	settings := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "busy_timeout(10000)"}, "_txlock": {"immediate"}}
	pool, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(address, "sqlite:")+"?"+settings.Encode())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = pool.Close() })
	pool.SetMaxOpenConns(1) // more would wait for one another by sleeping
	return func(ctx context.Context, n int64) error {
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		err = three(ctx, n, func(ctx context.Context, query string, args ...any) error {
			_, err := tx.ExecContext(ctx, query, args...)
			return err
		})
		return errors.Join(err, tx.Commit())
	}
}

// postgres has eight connections, as the program has unless it is told otherwise.
func postgres(b *testing.B) doer {
	d := ready(b, dbtest.Postgres(b))
	var fsync string
	if err := d.Look(b.Context(), func(tx *db.Tx) error { return tx.Row(b.Context(), `SHOW fsync`).Scan(&fsync) }); err != nil || fsync != "on" {
		b.Skip("the server does not wait for the disk: ", fsync, err)
	}
	return inTx(d)
}
