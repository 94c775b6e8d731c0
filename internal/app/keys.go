package app

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// watchKeys has the hardware module test itself until ctx ends, with every key that is on record.
func (a *App) watchKeys(ctx context.Context) error {
	if _, err := a.CA.OpenKeys(ctx); err != nil {
		a.o.Log.ErrorContext(ctx, "not every signing key opens", "error", err)
	}
	return a.Module.Run(ctx)
}

// oldTest is the age from which a self-test, which is made every minute, says nothing any more.
const oldTest = 5 * time.Minute

// KeysHealth says why nothing can be signed now; nil if the last self-test was good, and for keys in files. A module
// that is away does not make the program unready: cases go on, and lists in force are given out.
func (a *App) KeysHealth() error {
	if a.Line != nil {
		return a.farHealth()
	}
	if a.Module == nil {
		return nil
	}
	h := a.Module.Health()
	switch {
	case h.At.IsZero():
		return errors.New("the hardware module was not tested yet")
	case h.Err != nil:
		return h.Err
	case time.Since(h.At) > oldTest:
		return fmt.Errorf("the hardware module was last tested at %s", h.At.UTC().Format(time.RFC3339))
	}
	return nil
}

// checkKeys opens every key on record; those in a module also sign something, which is verified.
func (a *App) checkKeys(ctx context.Context) Checked {
	if a.Line != nil {
		return a.checkLine(ctx)
	}
	one := Checked{What: "keys"}
	if a.Module != nil { // once, and not for every key
		if h := a.Module.Test(ctx); h.Err != nil {
			return Checked{What: one.What, Says: h.Err.Error(), Wrong: true}
		}
	}
	n, err := a.CA.OpenKeys(ctx)
	one.Says = fmt.Sprintf("%d open", n)
	if err == nil && a.Module != nil {
		h := a.Module.Test(ctx)
		one.Says, err = fmt.Sprintf("the token answers; %d keys sign", h.Keys), h.Err
	}
	if err != nil {
		one.Says, one.Wrong = err.Error(), true
	}
	return one
}
