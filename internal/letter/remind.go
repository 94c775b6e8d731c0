package letter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancela/internal/db"
	"chancela/internal/portal"
)

// Reminder is one letter about the end of something: sent once, as soon as no more than so many days are left, and
// never late: one that is due stands for those before it.
type Reminder struct {
	Number int64 // counts what was sent; whoever holds the thing keeps it
	Left   time.Duration
	Event  portal.Event
}

const aDay = 24 * time.Hour

// Reminders are sent 60, 30 and 7 days before the end, and once it has come; the latest first.
func Reminders(ending, ended portal.Event) []Reminder {
	return []Reminder{{4, 0, ended}, {3, 7 * aDay, ending}, {2, 30 * aDay, ending}, {1, 60 * aDay, ending}}
}

// DaysLeft is how many days there are to an end, the last begun one counted whole.
func DaysLeft(now, end time.Time) int { return int((end.Sub(now) + aDay - 1) / aDay) }

// Remind finds what ends before a moment and was not reminded so often, and reminds of each. Each is a deed of its
// own, so that one that fails holds up no other.
func Remind[Thing any](ctx context.Context, d *db.DB, all []Reminder,
	ending func(ctx context.Context, tx *db.Tx, before time.Time, number int64) ([]Thing, error),
	remind func(Thing, Reminder) error,
) error {
	var failed error
	for _, one := range all {
		var due []Thing
		err := d.Look(ctx, func(tx *db.Tx) (err error) {
			due, err = ending(ctx, tx, tx.Now().Add(one.Left), one.Number)
			return err
		})
		if err != nil {
			return fmt.Errorf("what ends: %w", err)
		}
		for _, thing := range due {
			failed = errors.Join(failed, remind(thing, one))
		}
	}
	return failed
}
