// Package queue does later what a deed asked for: mail, SMS, reminders.
//
// A job is enqueued in the deed's own transaction, so it exists exactly if the deed happened. It is run later, at
// least once, with tries and growing pauses; one that panics, hangs or never succeeds is parked where an operator
// sees it, and the others go on. River does the work, polling, over the writer's own connections; this room hides it.
//
// What must never be done here: enqueue on the way of issuance, revocation or status (an insert costs about 1 ms
// of SQLite's writer); put a secret in a payload; call [Queue.Waiting] or [Queue.Parked] inside a deed, which holds
// SQLite's only writing connection. A job may run twice: a handler must make its effects once, by [Job.ID] or by a
// row of its own. Start reading at [Handle] and [Queue.Enqueue].
package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"chancela/internal/db"
)

// Config says how the queue works; the zero value is good for use.
type Config struct {
	// Replica names this process among those that share the database, and is the same after a restart: jobs that
	// were under way when it was killed are then taken up at once. Two live processes must never share one.
	// If empty, such jobs are taken up after Timeout and a minute.
	Replica string
	// Workers bounds the jobs under way at once; 16 if zero.
	Workers int
	// Timeout bounds one try of a job; 60 s if zero. A handler that ignores its context is abandoned Grace later.
	Timeout time.Duration
	// Grace is how long a handler may take to notice that its time is up; 5 s if zero.
	Grace time.Duration
	// Poll is how often the queue looks for jobs; 250 ms if zero.
	Poll time.Duration
	// Keep is how long a finished job's row stays; 10 minutes if zero. Payloads may hold addresses.
	Keep time.Duration
	// KeepParked is how long a parked job stays for an operator to see; 7 days if zero.
	KeepParked time.Duration
	// Backoff gives the pause after the n-th failed try (from 1); [Backoff] if nil.
	Backoff func(try int) time.Duration
	// Log gets what an operator must see; slog.Default() if nil.
	Log *slog.Logger
}

func (c Config) filled() Config {
	c.Workers = or(c.Workers, 16)
	c.Timeout = or(c.Timeout, time.Minute)
	c.Grace = or(c.Grace, 5*time.Second)
	c.Poll = or(c.Poll, 250*time.Millisecond)
	c.Keep = or(c.Keep, 10*time.Minute)
	c.KeepParked = or(c.KeepParked, 7*24*time.Hour)
	if c.Backoff == nil {
		c.Backoff = Backoff
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func or[T int | time.Duration](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// Backoff is the usual pause after the n-th failed try: 1 s, 16 s, 81 s, 4 min, 10 min … up to 4 h, with a tenth
// of chance so that jobs which failed together do not come back together.
func Backoff(try int) time.Duration {
	const most = 4 * time.Hour
	pause := most
	if n := max(try, 1); n < 11 {
		pause = time.Duration(n*n*n*n) * time.Second
	}
	return pause + time.Duration(rand.Int64N(int64(pause)/10+1)) //nolint:gosec // chance against crowds, not against guessing
}

// Queue enqueues jobs and, once started, runs them.
type Queue struct {
	config  Config
	db      *db.DB
	driver  riverdriver.Driver[*sql.Tx]
	workers *river.Workers
	client  *river.Client[*sql.Tx]
}

// New makes a queue over a database; it starts nothing (see [Queue.Start]).
func New(d *db.DB, config Config) (*Queue, error) {
	q := &Queue{config: config.filled(), db: d, driver: driver(d), workers: river.NewWorkers()}
	client, err := river.NewClient(q.driver, &river.Config{
		ID:                          q.config.Replica,
		PollOnly:                    true, // neither engine has LISTEN through database/sql
		FetchPollInterval:           q.config.Poll,
		FetchCooldown:               min(q.config.Poll, river.FetchCooldownDefault),
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: q.config.Workers}},
		Workers:                     q.workers,
		JobTimeout:                  q.config.Timeout,
		RescueStuckJobsAfter:        q.config.Timeout + q.config.Grace + time.Minute,
		CompletedJobRetentionPeriod: q.config.Keep,
		CancelledJobRetentionPeriod: q.config.KeepParked,
		DiscardedJobRetentionPeriod: q.config.KeepParked,
		RetryPolicy:                 retries{q.config.Backoff},
		ReindexerSchedule:           reindexing(d),
		Logger:                      slog.New(quiet{q.config.Log.Handler(), q.db}),
	})
	if err != nil {
		return nil, fmt.Errorf("make the queue: %w", err)
	}
	q.client = client
	return q, nil
}

// reindexing is River's own schedule on PostgreSQL. On SQLite River has no index by the names that it would rebuild, and
// reports a fault each midnight.
func reindexing(d *db.DB) river.PeriodicSchedule {
	if d.Engine() == db.Postgres {
		return nil
	}
	return river.NeverSchedule()
}

func driver(d *db.DB) riverdriver.Driver[*sql.Tx] {
	if d.Engine() == db.Postgres {
		return riverdatabasesql.New(d.Pool())
	}
	return riversqlite.New(d.Pool())
}

// Migrate makes or brings up to date the queue's own tables.
func (q *Queue) Migrate(ctx context.Context) error {
	migrator, err := rivermigrate.New(q.driver, &rivermigrate.Config{Logger: slog.New(quiet{q.config.Log.Handler(), q.db})})
	if err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	return nil
}

// Start begins to run jobs: those of every replica that wait, and those that this replica had under way when it was
// killed. Every name must have its handler by now.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.takeUp(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	// The jobs' contexts descend from this one, which must outlive the start.
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	return nil
}

// Stop takes no new jobs and waits for those under way; when ctx ends first, they are told to stop, and those that
// do not are tried again after the next start.
func (q *Queue) Stop(ctx context.Context) error {
	err := q.client.Stop(ctx)
	if err == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.config.Grace+time.Second)
	defer cancel()
	return q.client.StopAndCancel(last)
}
