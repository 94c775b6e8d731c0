package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// group is SQLite's one writer. It gathers the deeds that wait and commits them together, each in its own
// savepoint: one fsync for all of them, while a deed that refuses takes back only its own changes. Nobody is
// answered before the commit that holds their deed is on the disk.
type group struct {
	db      *DB
	waiting chan *deed
	done    chan struct{}
	closing sync.RWMutex
	closed  bool
}

type deed struct {
	ctx    context.Context
	run    func(*Tx) error
	tx     *Tx
	err    error
	panics any
	ended  chan struct{}
}

// mostTogether bounds a commit, so that the first deed of a group does not wait for a crowd.
const mostTogether = 128

func gather(d *DB) *group {
	g := &group{db: d, waiting: make(chan *deed, mostTogether), done: make(chan struct{})}
	go g.loop()
	return g
}

var errClosed = errors.New("database is closed")

func (g *group) do(ctx context.Context, run func(*Tx) error) error {
	d := &deed{ctx: ctx, run: run, ended: make(chan struct{})}
	g.closing.RLock()
	if g.closed {
		g.closing.RUnlock()
		return errClosed
	}
	select {
	case g.waiting <- d:
		g.closing.RUnlock()
	case <-ctx.Done():
		g.closing.RUnlock()
		return ctx.Err()
	}
	<-d.ended // a deed that was begun is waited for: its outcome must be known
	if d.panics != nil {
		panic(d.panics)
	}
	if d.err == nil {
		d.tx.committed()
	}
	return d.err
}

func (g *group) stop() {
	g.closing.Lock()
	if g.closed {
		g.closing.Unlock()
		return
	}
	g.closed = true
	close(g.waiting)
	g.closing.Unlock()
	<-g.done
}

func (g *group) loop() {
	defer close(g.done)
	for first := range g.waiting {
		g.commit(g.together(first))
		g.tidy()
	}
}

// tidyPages is the length of SQLite's log, in pages, from which it is written back into the database: SQLite's own
// default. Nobody waits for it who has their answer.
const tidyPages = 1000

// tidy writes the log back once it is long. That it failed is heeded where statements are; until it is done the log
// keeps everything.
func (g *group) tidy() {
	ctx := context.Background()
	var busy, pages, done int
	if err := g.db.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(NOOP)`).Scan(&busy, &pages, &done); err != nil || pages < tidyPages {
		return
	}
	_, _ = g.db.write.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
}

// together takes the first deed and those that wait already; it never waits for more.
func (g *group) together(first *deed) []*deed {
	deeds := []*deed{first}
	for len(deeds) < mostTogether {
		select {
		case next, open := <-g.waiting:
			if !open {
				return deeds
			}
			deeds = append(deeds, next)
		default:
			return deeds
		}
	}
	return deeds
}

func (g *group) commit(deeds []*deed) {
	defer func() {
		for _, d := range deeds {
			close(d.ended)
		}
	}()
	// No deed's own context here: one person's closed browser must not take back the others' deeds.
	raw, err := g.db.write.BeginTx(context.Background(), nil)
	if err != nil {
		failAll(deeds, fmt.Errorf("begin: %w", err))
		return
	}
	defer func() { _ = raw.Rollback() }()
	for _, d := range deeds {
		if d.err = d.ctx.Err(); d.err != nil {
			continue
		}
		d.tx = &Tx{raw: raw, now: g.db.Now(), engine: SQLite}
		if len(deeds) == 1 { // what it leaves is taken back with the transaction
			if d.err = d.guarded(); d.err != nil {
				return
			}
			continue
		}
		if err := d.inSavepoint(); err != nil {
			failAll(deeds, err)
			return
		}
	}
	if err := raw.Commit(); err != nil {
		failAll(deeds, fmt.Errorf("commit: %w", err))
	}
}

// inSavepoint runs one deed; the error it returns is one that the whole group cannot survive.
// (SQLite gives up the whole transaction on a full disk or a failed write, and the savepoint with it.)
func (d *deed) inSavepoint() error {
	ctx := context.Background()
	if _, err := d.tx.raw.ExecContext(ctx, "SAVEPOINT deed"); err != nil {
		return fmt.Errorf("savepoint: %w", err)
	}
	d.err = d.guarded()
	if d.err != nil || d.panics != nil {
		if _, err := d.tx.raw.ExecContext(ctx, "ROLLBACK TO deed"); err != nil {
			return fmt.Errorf("take back a deed: %w", errors.Join(err, d.err))
		}
	}
	if _, err := d.tx.raw.ExecContext(ctx, "RELEASE deed"); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}

// guarded runs the deed; a panic is kept for the goroutine that asked for it, so that the writer lives on.
func (d *deed) guarded() (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.panics = p
			err = errors.New("deed panicked")
		}
	}()
	return d.run(d.tx)
}

func failAll(deeds []*deed, err error) {
	for _, d := range deeds {
		if d.err == nil {
			d.err = err
		}
	}
}
