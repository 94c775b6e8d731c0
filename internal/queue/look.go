package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// Backlog says how much waits.
type Backlog struct {
	Due    int           // could run now
	Later  int           // scheduled, or waiting for another try
	Active int           // under way
	Late   time.Duration // how long the oldest due job has waited
}

// Waiting looks at the backlog, for readiness and for the operator. Never call it inside a deed.
func (q *Queue) Waiting(ctx context.Context) (Backlog, error) {
	counts, err := q.driver.GetExecutor().JobCountByAllStates(ctx, &riverdriver.JobCountByAllStatesParams{})
	if err != nil {
		return Backlog{}, fmt.Errorf("count jobs: %w", err)
	}
	b := Backlog{
		Due:    counts[rivertype.JobStateAvailable],
		Later:  counts[rivertype.JobStateScheduled] + counts[rivertype.JobStateRetryable],
		Active: counts[rivertype.JobStateRunning],
	}
	first := river.NewJobListParams().States(rivertype.JobStateAvailable).First(1).
		OrderBy(river.JobListOrderByScheduledAt, river.SortOrderAsc)
	oldest, err := q.client.JobList(ctx, first)
	if err != nil {
		return Backlog{}, fmt.Errorf("oldest job: %w", err)
	}
	for _, job := range oldest.Jobs {
		b.Late = max(0, time.Since(job.ScheduledAt))
	}
	return b, nil
}

// Parked is a job that will not be tried again by itself. Its payload is not shown: it may be personal.
type Parked struct {
	ID    int64
	Name  string
	Tries int
	At    time.Time
	Error string
}

// Parked lists the parked jobs, the latest enqueued first, at most that many. Never call it inside a deed.
func (q *Queue) Parked(ctx context.Context, most int) ([]Parked, error) {
	// By id, since River v0.31 refuses every order by the time of parking.
	list := river.NewJobListParams().States(rivertype.JobStateDiscarded, rivertype.JobStateCancelled).First(most).
		OrderBy(river.JobListOrderByID, river.SortOrderDesc)
	found, err := q.client.JobList(ctx, list)
	if err != nil {
		return nil, fmt.Errorf("parked jobs: %w", err)
	}
	all := make([]Parked, 0, len(found.Jobs))
	for _, job := range found.Jobs {
		p := Parked{ID: job.ID, Name: job.Kind, Tries: job.Attempt}
		if job.FinalizedAt != nil {
			p.At = *job.FinalizedAt
		}
		if n := len(job.Errors); n > 0 {
			p.Error = job.Errors[n-1].Error
		}
		all = append(all, p)
	}
	return all, nil
}

// Retry has a parked job tried again now, for the operator who cured the cause. Never call it inside a deed.
func (q *Queue) Retry(ctx context.Context, id int64) error {
	if _, err := q.client.JobRetry(ctx, id); err != nil {
		return fmt.Errorf("retry job %d: %w", id, err)
	}
	return nil
}

// takeUp frees the jobs that this replica had under way when it was killed. Each crash counts as a try, so that a
// job which kills the process is parked in the end.
func (q *Queue) takeUp(ctx context.Context) error {
	if q.config.Replica == "" {
		return nil
	}
	running := river.NewJobListParams().States(rivertype.JobStateRunning).First(10000)
	found, err := q.client.JobList(ctx, running)
	if err != nil {
		return fmt.Errorf("jobs under way: %w", err)
	}
	now := time.Now().UTC()
	rescue := &riverdriver.JobRescueManyParams{}
	for _, job := range found.Jobs {
		if n := len(job.AttemptedBy); n == 0 || job.AttemptedBy[n-1] != q.config.Replica {
			continue
		}
		note, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: job.Attempt, Error: "the process was killed"})
		if err != nil {
			return err
		}
		state, finalized := rivertype.JobStateAvailable, (*time.Time)(nil)
		if job.Attempt >= job.MaxAttempts {
			state, finalized = rivertype.JobStateDiscarded, &now
		}
		rescue.ID = append(rescue.ID, job.ID)
		rescue.Error = append(rescue.Error, note)
		rescue.FinalizedAt = append(rescue.FinalizedAt, finalized)
		rescue.ScheduledAt = append(rescue.ScheduledAt, job.ScheduledAt)
		rescue.State = append(rescue.State, string(state))
	}
	if len(rescue.ID) == 0 {
		return nil
	}
	if _, err := q.driver.GetExecutor().JobRescueMany(ctx, rescue); err != nil {
		return fmt.Errorf("take up %d jobs: %w", len(rescue.ID), err)
	}
	return nil
}
