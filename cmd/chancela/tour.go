package main

import (
	"fmt"
	"io/fs"
	"os"

	"chancela/internal/i18n"
	"chancela/internal/tour"
	"chancela/portals"
)

type tourCmd struct {
	Keep    string `help:"Empty directory to keep the data and what was issued in." type:"path"`
	Portals string `help:"Directory of portals added to, or in place of, the embedded ones." type:"path"`
	English bool   `help:"Print the lines in English."`
}

// Run plays the main job of every portal on a fresh instance, which is this program in a process of its own.
func (c tourCmd) Run(t *tools) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("the tour starts this program again and cannot find it: %w", err)
	}
	o := tour.Options{Program: program, Env: os.Environ(), Portals: []fs.FS{portals.Files}, Keep: c.Keep, Lang: i18n.PT, Out: t.out}
	if c.English {
		o.Lang = i18n.EN
	}
	if c.Portals != "" {
		o.Portals = append(o.Portals, os.DirFS(c.Portals))
		o.Env = append(o.Env, "CHANCELA_SERVER_PORTALS="+c.Portals)
	}
	return tour.Play(t.ctx, o)
}
