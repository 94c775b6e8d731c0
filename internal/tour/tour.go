// Package tour plays the main job of every portal against a running instance, as people would: with a browser each, by
// the pages, their forms and the mailbox, and nothing else; and has strangers' tools judge what was issued.
//
// The script is each portal's data (tour.yaml): people, what they answer and bring, in which order things happen. The
// player knows only the moves. It must never reach into the instance by any other way than people have, never know a
// portal, a procedure or a field by name, and never hold a step for done because its own request succeeded: it looks
// at the page that came.
//
// Start reading at [Play], then [Player.Act]; child.go starts the instance, browser.go, form.go and fill.go are the
// browser, judge.go the strangers' tools.
package tour

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Script is the tour of one portal.
type Script struct {
	Portal string
	portal.Tour
}

// Scripts reads the tour of every portal that has one, as it reads today; a later source replaces a portal of the same name.
func Scripts(sources ...fs.FS) ([]Script, error) {
	found := map[string]Script{}
	for _, source := range sources {
		names, err := fs.Glob(source, "*/portal.yaml")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			dir, _, _ := strings.Cut(name, "/")
			delete(found, dir)
			file := dir + "/tour.yaml"
			data, err := fs.ReadFile(source, file)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			s := Script{Portal: dir}
			if wrong := portal.Decode(file, data, &s.Tour); len(wrong) > 0 {
				return nil, wrong
			}
			s.Tour = s.On(time.Now()) // the instance that it is played against runs on the same clock
			found[dir] = s
		}
	}
	var all []Script
	for _, name := range sortedKeys(found) {
		all = append(all, found[name])
	}
	return all, nil
}

// Options are what the tour is given.
type Options struct {
	Program string    // the binary to start
	Env     []string  // its environment
	Portals []fs.FS   // definitions, as the program has them
	Keep    string    // directory to keep data and artefacts in; "" for none
	Lang    i18n.Lang // of the lines; people of the tour always read Portuguese
	Out     io.Writer
}

// Play starts a fresh instance, plays every script, and stops it again. It fails if any step did not hold.
func Play(ctx context.Context, o Options) (err error) {
	scripts, err := Scripts(o.Portals...)
	if err != nil {
		return err
	}
	if len(scripts) == 0 {
		return errors.New("no portal of this instance has a tour")
	}
	if err := toolsFor(scripts); err != nil {
		return err
	}
	dir, done, err := workplace(o.Keep)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	child, err := NewChild(o.Program, filepath.Join(dir, "data"), o.Env)
	if err != nil {
		return err
	}
	begin := time.Now()
	lines := newLines(o.Out, o.Lang)
	if err := lines.step(i18n.Text{PT: "O programa arranca, com uma base de dados vazia e uma hierarquia de TESTE", EN: "The program starts, with an empty database and a TEST hierarchy"}, func() error { return child.Start(ctx) }); err != nil {
		return errors.Join(err, child.Stop())
	}
	defer func() { err = errors.Join(err, child.Stop()) }()
	for _, script := range scripts {
		p, err := NewPlayer(child, script, filepath.Join(dir, "artefacts"))
		if err != nil {
			return err
		}
		lines.part(script.Portal)
		if err := p.play(ctx, lines); err != nil {
			return err
		}
	}
	lines.end(time.Since(begin))
	if o.Keep != "" {
		lines.kept(dir)
	}
	return nil
}

// play plays the whole script, a line an act.
func (p *Player) play(ctx context.Context, lines *lines) error {
	says := i18n.Text{PT: "Os técnicos são convidados, definem a palavra-passe e entram", EN: "The officers are invited, define their passwords and sign in"}
	if err := lines.step(says, func() error { return p.Staff(ctx) }); err != nil {
		return err
	}
	for i, act := range p.script.Acts {
		if err := lines.step(act.Says, func() error { return p.Act(ctx, i) }); err != nil {
			return fmt.Errorf("%s: %s: %w", act.At, act.Do, err)
		}
	}
	return nil
}

// workplace is the directory that is kept, or one that is removed at the end.
func workplace(keep string) (dir string, done func() error, err error) {
	if keep == "" {
		dir, err = os.MkdirTemp("", "chancela-tour-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	if err := os.MkdirAll(keep, 0o700); err != nil {
		return "", nil, err
	}
	entries, err := os.ReadDir(keep)
	if err != nil {
		return "", nil, err
	}
	if len(entries) > 0 {
		return "", nil, fmt.Errorf("%s is not empty: the tour starts with a fresh instance; name another directory", keep)
	}
	dir, err = filepath.Abs(keep)
	return dir, func() error { return nil }, err
}
