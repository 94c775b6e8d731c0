package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"chancela/internal/db"
)

// Job is what a handler may know of the job it runs.
type Job struct {
	ID   int64 // the same at every try
	Try  int   // from 1
	Last bool  // no further try follows this one
}

// Options say when a job runs and how often it is tried; the zero value: now, 12 tries.
type Options struct {
	At       time.Time // not before; zero is now
	Unique   string    // while a job of the same name and key waits, runs or has just finished, this one is not added
	MaxTries int       // 12 if zero
}

// usualTries, with [Backoff], go on for about 20 hours.
const usualTries = 12

// Handle names what is done with jobs of a name; T is their payload, kept as JSON. Call it before [Queue.Start].
// It panics if the name has a handler already.
func Handle[T any](q *Queue, name string, do func(ctx context.Context, job Job, payload T) error) {
	run := func(ctx context.Context, job Job, raw json.RawMessage) error {
		var payload T
		if err := json.Unmarshal(raw, &payload); err != nil {
			return GiveUp(errors.New("payload is not of its handler's type"))
		}
		return do(ctx, job, payload)
	}
	river.AddWorkerArgs(q.workers, args{name: name}, &worker{name: name, run: run, grace: q.config.Grace, log: q.config.Log})
}

// Enqueue adds a job in the deed's transaction. The payload becomes JSON and must hold no secret.
func (q *Queue) Enqueue(ctx context.Context, tx *db.Tx, name string, payload any, o Options) error {
	raw, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", name, err)
	}
	insert := &river.InsertOpts{MaxAttempts: or(o.MaxTries, usualTries), ScheduledAt: o.At}
	if o.Unique != "" {
		insert.UniqueOpts = river.UniqueOpts{ByArgs: true}
	}
	// A statement cut off half-way would take the whole group of deeds with it, so the caller's going is not heard.
	ctx = context.WithoutCancel(ctx)
	if _, err := q.client.InsertTx(ctx, tx.SQL(), args{name: name, Unique: o.Unique, Payload: raw}, insert); err != nil {
		return fmt.Errorf("enqueue %s: %w", name, err)
	}
	return nil
}

// GiveUp wraps an error that no further try can cure: the job is parked at once.
func GiveUp(err error) error { return river.JobCancel(err) }

// args is every job's envelope; its kind is not stored in it but beside it.
type args struct {
	name    string
	Unique  string          `json:"unique,omitempty" river:"unique"`
	Payload json.RawMessage `json:"payload"`
}

// Kind is the job's name.
func (a args) Kind() string { return a.name }

type worker struct {
	river.WorkerDefaults[args]
	name  string
	run   func(context.Context, Job, json.RawMessage) error
	grace time.Duration
	log   *slog.Logger
}

// Work runs one try apart, so that neither a panic nor a handler that never returns stops the queue.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	this := Job{ID: job.ID, Try: job.Attempt, Last: job.Attempt >= job.MaxAttempts}
	ended := make(chan error, 1)
	go func() {
		err := errors.New("handler left without a word") // runtime.Goexit
		defer func() {
			if p := recover(); p != nil {
				// The value of a panic may hold anything, so only its type is told.
				err = fmt.Errorf("handler panicked with a %T", p)
				w.log.Error("job panicked", "job", this.ID, "name", w.name, "try", this.Try, "stack", string(debug.Stack()))
			}
			ended <- err
		}()
		err = w.run(ctx, this, job.Args.Payload)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(w.grace)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		w.log.Error("job hangs and was abandoned", "job", this.ID, "name", w.name, "try", this.Try)
		return errors.New("handler did not return in time")
	}
}

type retries struct{ after func(int) time.Duration }

// NextRetry says when a job that failed is tried again.
func (r retries) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().UTC().Add(r.after(job.Attempt))
}

// quiet keeps River's own news of ordinary life out of the log, and what it says four times a second once the database
// has said that nothing is written any more.
type quiet struct {
	slog.Handler
	db *db.DB
}

// Enabled lets warnings and errors pass.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.db.Health() == nil && q.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the handler quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs), q.db}
}

// WithGroup keeps the handler quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name), q.db} }
