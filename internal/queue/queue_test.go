package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/queue"
)

type greeting struct{ Word string }

func soon(int) time.Duration { return time.Millisecond }

// made gives a migrated queue; the test adds handlers and starts it.
func made(t *testing.T, d *db.DB, c queue.Config) *queue.Queue {
	t.Helper()
	c.Poll = 20 * time.Millisecond
	if c.Backoff == nil {
		c.Backoff = soon
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	q, err := queue.New(d, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return q
}

func start(t *testing.T, q *queue.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := q.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, q) })
}

func stop(t *testing.T, q *queue.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := q.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func enqueue(t *testing.T, d *db.DB, q *queue.Queue, name string, payload any, o queue.Options) {
	t.Helper()
	err := d.InTx(t.Context(), func(tx *db.Tx) error { return q.Enqueue(t.Context(), tx, name, payload, o) })
	if err != nil {
		t.Fatal(err)
	}
}

// within waits for an event, with a deadline that only a broken program meets.
func within[T any](t *testing.T, events <-chan T, what string) T {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(30 * time.Second):
		t.Fatalf("never happened: %s", what)
		panic("unreachable")
	}
}

// until asks again and again until it holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		}
	}
}

func parked(t *testing.T, q *queue.Queue) []queue.Parked {
	t.Helper()
	all, err := q.Parked(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAJobExistsExactlyIfItsDeedHappened(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := made(t, d, queue.Config{})
		ran := make(chan greeting, 10)
		queue.Handle(q, "test.greet", func(_ context.Context, job queue.Job, g greeting) error {
			if job.ID == 0 || job.Try != 1 {
				t.Errorf("job %+v", job)
			}
			ran <- g
			return nil
		})
		refusal := errors.New("no")
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			return errors.Join(q.Enqueue(t.Context(), tx, "test.greet", greeting{"refused"}, queue.Options{}), refusal)
		})
		if !errors.Is(err, refusal) {
			t.Fatal(err)
		}
		enqueue(t, d, q, "test.greet", greeting{"olá"}, queue.Options{})
		backlog, err := q.Waiting(t.Context())
		if err != nil || backlog.Due != 1 {
			t.Fatalf("%+v %v", backlog, err)
		}
		start(t, q)
		if g := within(t, ran, "the job runs"); g.Word != "olá" {
			t.Fatal(g)
		}
	})
}

func TestAnUnknownNameIsRefusedWhenEnqueued(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := made(t, d, queue.Config{})
		queue.Handle(q, "test.known", func(context.Context, queue.Job, greeting) error { return nil })
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			return q.Enqueue(t.Context(), tx, "test.unknown", greeting{}, queue.Options{})
		})
		if err == nil {
			t.Fatal("a job that nobody can run was taken")
		}
	})
}

func TestAUniqueKeyAddsOneJob(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := made(t, d, queue.Config{})
		queue.Handle(q, "test.a", func(context.Context, queue.Job, greeting) error { return nil })
		queue.Handle(q, "test.b", func(context.Context, queue.Job, greeting) error { return nil })
		for i := range 3 {
			enqueue(t, d, q, "test.a", greeting{fmt.Sprint(i)}, queue.Options{Unique: "same"})
		}
		enqueue(t, d, q, "test.a", greeting{}, queue.Options{Unique: "other"})
		enqueue(t, d, q, "test.b", greeting{}, queue.Options{Unique: "same"})
		enqueue(t, d, q, "test.b", greeting{}, queue.Options{})
		enqueue(t, d, q, "test.b", greeting{}, queue.Options{})
		if b, err := q.Waiting(t.Context()); err != nil || b.Due != 5 {
			t.Fatalf("%+v %v, want 5", b, err)
		}
	})
}

func TestAJobForLaterWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := made(t, d, queue.Config{})
		queue.Handle(q, "test.greet", func(context.Context, queue.Job, greeting) error { return nil })
		enqueue(t, d, q, "test.greet", greeting{}, queue.Options{At: time.Now().Add(time.Hour)})
		if b, err := q.Waiting(t.Context()); err != nil || b.Due != 0 || b.Later != 1 {
			t.Fatalf("%+v %v", b, err)
		}
	})
}

// F22: a job that panics, hangs or fails is tried so often, parked, and stops nobody.
func TestAPoisonJobIsParkedAndTheQueueGoesOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var log lockedBuffer
		q := made(t, d, queue.Config{Workers: 2, Timeout: 50 * time.Millisecond, Grace: 10 * time.Millisecond,
			Log: slog.New(slog.NewTextHandler(&log, nil))})
		forever := make(chan struct{})
		t.Cleanup(func() { close(forever) })
		var tries atomic.Int32
		queue.Handle(q, "test.panics", func(context.Context, queue.Job, greeting) error {
			tries.Add(1)
			panic("canary-secret")
		})
		queue.Handle(q, "test.hangs", func(context.Context, queue.Job, greeting) error { <-forever; return nil })
		queue.Handle(q, "test.hopeless", func(context.Context, queue.Job, greeting) error {
			return queue.GiveUp(errors.New("no use"))
		})
		good := make(chan int64, 100)
		queue.Handle(q, "test.good", func(_ context.Context, job queue.Job, _ greeting) error { good <- job.ID; return nil })
		for range 3 {
			enqueue(t, d, q, "test.hangs", greeting{}, queue.Options{MaxTries: 2})
		}
		enqueue(t, d, q, "test.panics", greeting{}, queue.Options{MaxTries: 3})
		enqueue(t, d, q, "test.hopeless", greeting{}, queue.Options{MaxTries: 9})
		for range 10 {
			enqueue(t, d, q, "test.good", greeting{}, queue.Options{})
		}
		start(t, q)
		for range 10 {
			within(t, good, "the good jobs run")
		}
		until(t, "five jobs are parked", func() bool { return len(parked(t, q)) == 5 })
		want := map[string]int{"test.hangs": 2, "test.panics": 3, "test.hopeless": 1}
		for _, p := range parked(t, q) {
			if p.Tries != want[p.Name] || p.Error == "" || strings.Contains(p.Error, "canary") || p.At.IsZero() {
				t.Errorf("%+v", p)
			}
		}
		if tries.Load() != 3 {
			t.Errorf("tried %d times", tries.Load())
		}
		if strings.Contains(log.String(), "canary-secret") {
			t.Error("the value of a panic reached the log")
		}
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestAFailedJobIsTriedAgainAndAParkedOneOnRequest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := made(t, d, queue.Config{})
		type run struct {
			try  int
			last bool
		}
		runs := make(chan run, 10)
		var cured atomic.Bool
		queue.Handle(q, "test.shy", func(_ context.Context, job queue.Job, _ greeting) error {
			runs <- run{job.Try, job.Last}
			if cured.Load() {
				return nil
			}
			return errors.New("not yet")
		})
		enqueue(t, d, q, "test.shy", greeting{}, queue.Options{MaxTries: 2})
		start(t, q)
		for _, want := range []run{{1, false}, {2, true}} {
			if got := within(t, runs, "a try"); got != want {
				t.Fatalf("%+v, want %+v", got, want)
			}
		}
		until(t, "it is parked", func() bool { return len(parked(t, q)) == 1 })
		cured.Store(true)
		if err := q.Retry(t.Context(), parked(t, q)[0].ID); err != nil {
			t.Fatal(err)
		}
		within(t, runs, "the operator's try")
		until(t, "nothing is parked", func() bool { return len(parked(t, q)) == 0 })
	})
}

// F01: what was under way when the process was killed is taken up by its successor at once.
func TestAJobOfAKilledReplicaIsTakenUpAtItsStart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		entered, leave := make(chan struct{}, 1), make(chan struct{})
		killed := made(t, d, queue.Config{Replica: "one", Workers: 1, Grace: 50 * time.Millisecond}) // busy, so as good as dead
		queue.Handle(killed, "test.long", func(context.Context, queue.Job, greeting) error {
			entered <- struct{}{}
			<-leave
			return nil
		})
		enqueue(t, d, killed, "test.long", greeting{"work"}, queue.Options{})
		start(t, killed)
		within(t, entered, "the job begins")

		stranger := made(t, d, queue.Config{Replica: "two"})
		queue.Handle(stranger, "test.long", func(context.Context, queue.Job, greeting) error {
			t.Error("another replica took a job that is under way")
			return nil
		})
		if err := stranger.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b, err := stranger.Waiting(t.Context()); err != nil || b.Active != 1 {
			t.Fatalf("%+v %v", b, err)
		}
		stop(t, stranger)

		again := make(chan int, 1)
		successor := made(t, d, queue.Config{Replica: "one"})
		queue.Handle(successor, "test.long", func(_ context.Context, job queue.Job, _ greeting) error {
			again <- job.Try
			return nil
		})
		start(t, successor)
		if try := within(t, again, "the job is taken up"); try != 2 {
			t.Fatalf("try %d, want the second", try)
		}
		close(leave)
	})
}

// The queue lives on SQLite's only writing connection, beside the group commit.
func TestDeedsAndJobsShareTheWriterWithoutHarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const writers, deeds = 8, 25
		q := made(t, d, queue.Config{})
		done := make(chan string, writers*deeds)
		queue.Handle(q, "test.count", func(ctx context.Context, job queue.Job, g greeting) error {
			err := d.InTx(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO instance (name, value) VALUES ($1, $2)`, "job "+g.Word, "x")
				return err
			})
			if err == nil {
				done <- g.Word
			} else {
				t.Error(err)
			}
			return err
		})
		start(t, q)
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for n := range deeds {
					err := d.InTx(t.Context(), func(tx *db.Tx) error {
						word := fmt.Sprint(w, "-", n)
						if _, err := tx.Exec(t.Context(), `INSERT INTO instance (name, value) VALUES ($1, $2)`, "deed "+word, "x"); err != nil {
							return err
						}
						return q.Enqueue(t.Context(), tx, "test.count", greeting{word}, queue.Options{})
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		seen := map[string]bool{}
		for range writers * deeds {
			seen[within(t, done, "every job runs")] = true
		}
		if len(seen) != writers*deeds {
			t.Fatalf("%d different jobs, want %d", len(seen), writers*deeds)
		}
	})
}

// What a crowd at the front desk waits for must not wait for the crowd: the queue has connections of its own.
func TestACrowdThatHoldsEveryConnectionDoesNotStopTheQueue(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const crowd = 60 // many times what the database has for them
		q := made(t, d, queue.Config{})
		ran := make(chan struct{}, 1)
		queue.Handle(q, "test.run", func(context.Context, queue.Job, greeting) error {
			ran <- struct{}{}
			return nil
		})
		enqueue(t, d, q, "test.run", greeting{}, queue.Options{})
		came, leave := make(chan struct{}, crowd), make(chan struct{})
		var all sync.WaitGroup
		defer all.Wait()
		defer close(leave)
		for range crowd {
			all.Go(func() {
				err := d.Look(t.Context(), func(*db.Tx) error {
					came <- struct{}{}
					<-leave
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		within(t, came, "somebody of the crowd is served")
		until(t, "nobody else is served", func() bool { return !more(came) })
		start(t, q)
		within(t, ran, "the job runs")
	})
}

// more says whether another event comes soon.
func more(events <-chan struct{}) bool {
	select {
	case <-events:
		return true
	case <-time.After(100 * time.Millisecond):
		return false
	}
}

func TestAFinishedJobsPayloadIsRemovedSoon(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ran := make(chan struct{}, 1)
		one := func() *queue.Queue {
			q := made(t, d, queue.Config{Keep: time.Millisecond})
			queue.Handle(q, "test.greet", func(context.Context, queue.Job, greeting) error { ran <- struct{}{}; return nil })
			return q
		}
		q := one()
		enqueue(t, d, q, "test.greet", greeting{"alguem@exemplo.invalid"}, queue.Options{})
		start(t, q)
		within(t, ran, "the job runs")
		// It is swept each half minute and at the start, and the job may be later than the first sweep.
		stop(t, q)
		start(t, one())
		until(t, "no row of it is left", func() bool {
			var n int
			err := d.Look(t.Context(), func(tx *db.Tx) error {
				return tx.Row(t.Context(), `SELECT count(*) FROM river_job`).Scan(&n)
			})
			return err == nil && n == 0
		})
	})
}

func TestTheQueuesTablesAreMadeTwiceWithoutHarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := made(t, d, queue.Config{})
		if err := q.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBackoffGrowsToFourHours(t *testing.T) {
	for try, least := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 16 * time.Second, 10: 10000 * time.Second, 11: 4 * time.Hour, 1000: 4 * time.Hour} {
		if got := queue.Backoff(try); got < least || got > least+least/10 {
			t.Errorf("after try %d: %s, want %s and a tenth at most", try, got, least)
		}
	}
}
