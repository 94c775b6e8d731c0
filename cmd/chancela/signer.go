package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"

	"chancela/internal/app"
)

type signerCmd struct {
	settingsFlags
}

// Run is the room that signs, alone, until it is told to stop.
func (c signerCmd) Run(t *tools) error {
	settings, _, err := c.from(true)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(t.errors, &slog.HandlerOptions{Level: slog.LevelInfo}))
	slog.SetDefault(log)
	pages, err := net.ResolveTCPAddr("tcp", settings.Server.Listen)
	if err != nil {
		return fmt.Errorf("server.listen: %w", err)
	}
	base, err := baseOf(settings, pages)
	if err != nil {
		return err
	}
	var more fs.FS
	if settings.Server.Portals != "" {
		more = os.DirFS(settings.Server.Portals)
	}
	a, err := app.OpenSigner(t.ctx, app.Options{Settings: settings, Base: base, Portals: more, Log: log, Crash: crash(settings.Server.Data)})
	if err != nil {
		return err
	}
	door, err := a.ListenSigner(t.ctx)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	fmt.Fprintf(t.out, "Chancela signs at %s %s\n", door.Addr().Network(), door.Addr())
	err = a.RunSigner(t.ctx, door)
	return errors.Join(err, a.Close())
}
