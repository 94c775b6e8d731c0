package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Tx is a transaction that carries one time.
type Tx struct {
	raw    *sql.Tx
	now    time.Time
	engine Engine
	after  []func()
}

// Now is the one time of this transaction, UTC, to the microsecond.
func (tx *Tx) Now() time.Time { return tx.now }

// Stamp is Now as it is stored.
func (tx *Tx) Stamp() string { return Time(tx.now) }

// SQL is the transaction itself, for the queue, which inserts its jobs in it.
func (tx *Tx) SQL() *sql.Tx { return tx.raw }

// After has something done once the transaction is committed, and not if it is not.
func (tx *Tx) After(do func()) { tx.after = append(tx.after, do) }

func (tx *Tx) committed() {
	for _, do := range tx.after {
		do()
	}
}

// Exec changes rows and says how many.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := tx.raw.ExecContext(context.WithoutCancel(ctx), query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query reads rows. The caller closes them.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return tx.raw.QueryContext(context.WithoutCancel(ctx), query, args...)
}

// Row reads one row; [None] tells that there was none.
//
// A statement that is cut off half-way would roll back every deed of the group on SQLite, so none of a
// transaction's statements listens to the caller's cancellation.
func (tx *Tx) Row(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.raw.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}

// Collect reads all rows with a function that scans one.
func Collect[T any](ctx context.Context, tx *Tx, scan func(scan func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// None says whether an error means that no row was found.
func None(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// Taken says whether an error means that a unique value is taken already.
func Taken(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		const unique, primary = 2067, 1555 // SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY
		return lite.Code() == unique || lite.Code() == primary
	}
	return false
}

const layout = "2006-01-02T15:04:05.000000Z"

// Time writes a time as it is stored: UTC, fixed width, so that text order is time order. The zero time is "".
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}

// ParseTime reads a stored time; "" is the zero time.
func ParseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("stored time: %w", err)
	}
	return t, nil
}

// Times scans a stored time into a time.Time: rows.Scan(db.Times(&x.At)).
func Times(into *time.Time) sql.Scanner { return (*stored)(into) }

type stored time.Time

// Scan reads TEXT or NULL.
func (s *stored) Scan(value any) error {
	var text string
	switch v := value.(type) {
	case nil:
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("stored time is %T", value)
	}
	t, err := ParseTime(text)
	*s = stored(t)
	return err
}

// NewID makes the id of a row: 128 random bits as 26 lower-case letters and digits.
func NewID() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand stops the program instead
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits[:]))
}
