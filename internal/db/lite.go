package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// connector opens SQLite's connections. Each keeps the statements that it has compiled, since that costs more than most
// of them take to run (on PostgreSQL pgx does so), and tells when the disk did not confirm what was written.
type connector struct {
	driver.Connector
	halt *halt // of a connection that writes; nil for one that reads
}

func connect(dsn string, h *halt) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{c, h}), nil
}

// Connect opens a connection.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	raw, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, c.halt.heed(err)
	}
	able, ok := raw.(abilities)
	if !ok {
		return nil, errors.Join(fmt.Errorf("SQLite's driver lacks what %T needs", c), raw.Close())
	}
	return &conn{abilities: able, halt: c.halt, kept: map[string]*compiled{}}, nil
}

// abilities are what the driver's connections can do, as of now.
type abilities interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is used by one goroutine at a time, as database/sql promises.
type conn struct {
	abilities
	halt *halt
	kept map[string]*compiled
	uses int64
}

// mostKept bounds the statements of a connection: a few kilobytes each.
const mostKept = 128

// compiled is a statement at rest, or lent while its rows are read.
type compiled struct {
	driver.Stmt
	lent bool
	used int64 // the count of uses at its last
}

// lend gives the statement of a text; nil for one that is not kept, or is lent already.
func (c *conn) lend(ctx context.Context, query string) (*compiled, error) {
	s := c.kept[query]
	if s == nil {
		if !keeps(query) {
			return nil, nil
		}
		raw, err := c.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		s = &compiled{Stmt: raw}
		c.makeRoom()
		c.kept[query] = s
	}
	if s.lent {
		return nil, nil
	}
	c.uses++
	s.lent, s.used = true, c.uses
	return s, nil
}

// settle takes a statement back. One that failed is compiled anew the next time.
func (c *conn) settle(query string, s *compiled, err error) {
	s.lent = false
	if err != nil {
		delete(c.kept, query)
		_ = s.Close()
	}
}

// makeRoom lets go of the statement that was used longest ago.
func (c *conn) makeRoom() {
	if len(c.kept) < mostKept {
		return
	}
	var oldest string
	for query, s := range c.kept {
		if !s.lent && (oldest == "" || s.used < c.kept[oldest].used) {
			oldest = query
		}
	}
	if oldest != "" {
		_ = c.kept[oldest].Close()
		delete(c.kept, oldest)
	}
}

// keeps says whether a statement is worth keeping: those of deeds and looks are. A PRAGMA may do its work when it is
// compiled, a change of the database's shape comes once.
func keeps(query string) bool {
	const longest = 1 << 14
	if len(query) > longest {
		return false
	}
	for strings.HasPrefix(query, "--") { // the queue's have their name before them
		_, query, _ = strings.Cut(query, "\n")
	}
	word, _, _ := strings.Cut(strings.TrimLeft(query, " \t\n"), " ")
	word, _, _ = strings.Cut(word, "\n")
	switch word {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "RELEASE", "ROLLBACK":
		return true
	}
	return false
}

// ExecContext runs a statement that gives no rows.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.halt.why(); err != nil {
		return nil, err
	}
	s, err := c.lend(ctx, query)
	if err != nil {
		return nil, c.halt.heed(err)
	}
	if s == nil {
		result, err := c.abilities.ExecContext(ctx, query, args)
		return result, c.halt.heed(err)
	}
	result, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) //nolint:forcetypeassert // the driver's own, see abilities
	c.settle(query, s, err)
	return result, c.halt.heed(err)
}

// QueryContext runs a statement that gives rows; it is lent until they are closed.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.halt.why(); err != nil {
		return nil, err
	}
	s, err := c.lend(ctx, query)
	if err != nil {
		return nil, c.halt.heed(err)
	}
	if s == nil {
		found, err := c.abilities.QueryContext(ctx, query, args)
		return heeding(c.halt, found, err, func(error) {})
	}
	found, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) //nolint:forcetypeassert // the driver's own, see abilities
	return heeding(c.halt, found, err, func(err error) { c.settle(query, s, err) })
}

// BeginTx begins a transaction.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.halt.why(); err != nil {
		return nil, err
	}
	tx, err := c.abilities.BeginTx(ctx, o)
	if err != nil {
		return nil, c.halt.heed(err)
	}
	return transaction{tx, c.halt}, nil
}

// transaction tells when its commit was not confirmed.
type transaction struct {
	driver.Tx
	halt *halt
}

// Commit commits; what was begun before the disk failed is rolled back behind it.
func (t transaction) Commit() error {
	if err := t.halt.why(); err != nil {
		return errors.Join(err, t.Rollback())
	}
	return t.halt.heed(t.Tx.Commit())
}

// rows tell when the disk failed under them: a statement outside a transaction commits at its last row.
type rows struct {
	driver.Rows
	halt *halt
	end  func(error)
}

func heeding(h *halt, found driver.Rows, err error, end func(error)) (driver.Rows, error) {
	if err != nil {
		end(err)
		return nil, h.heed(err)
	}
	return &rows{found, h, end}, nil
}

// Next reads a row.
func (r *rows) Next(dest []driver.Value) error { return r.halt.heed(r.Rows.Next(dest)) }

// Close ends the reading.
func (r *rows) Close() error {
	err := r.Rows.Close()
	r.end(err)
	return r.halt.heed(err)
}

// Close lets go of the statements, and of the connection.
func (c *conn) Close() error {
	for query, s := range c.kept {
		_ = s.Close()
		delete(c.kept, query)
	}
	return c.abilities.Close()
}
