package app

import (
	"context"
	"errors"

	"chancela/internal/actor"
	"chancela/internal/config"
	"chancela/internal/fault"
	"chancela/internal/publication"
)

func (a *App) openPublication() (err error) {
	a.Publication, err = publication.New(publication.Config{
		DB: a.DB, CA: a.Record, Base: a.pkiBase(), Pages: a.base() + "/", Terms: a.Record.Terms(), Stamps: a.stamps() == config.AskAll, Module: a.Module != nil, Trust: a.trust,
		Contact: a.o.Settings.Publication.Contact,
	})
	return err
}

// samples says whether test certificates are issued here: by the program alone in an evaluation instance only, and by the
// process that has the keys.
func (a *App) samples() bool {
	return a.CA != nil && a.evaluation() && a.o.Settings.Publication.Samples != "no"
}

// publish brings what is published up to what is true, and makes the test certificates that are missing.
func (a *App) publish(ctx context.Context) error {
	by := actor.Machine("")
	err := a.Publication.Publish(ctx, by)
	if !a.samples() {
		return err
	}
	made := a.CA.MakeSamples(ctx, by, a.plan().Minutes)
	if fault.Is(made, fault.Unavailable) { // a module that is away; the next time will do
		made = nil
	}
	return errors.Join(err, made)
}
