package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/app"
	"chancela/internal/issuance/hsm"
	"chancela/internal/portal"
)

// withApp opens the instance of some settings for a verb that does not serve.
func withApp(t *tools, f settingsFlags, do func(*app.App) error) error {
	settings, _, err := f.read()
	if err != nil {
		return err
	}
	if err := exists(settings); err != nil {
		return err
	}
	address, err := net.ResolveTCPAddr("tcp", settings.Server.Listen)
	if err != nil {
		return err
	}
	a, err := open(t.ctx, settings, address, slog.New(slog.NewTextHandler(t.errors, &slog.HandlerOptions{Level: slog.LevelWarn})), true)
	if err != nil {
		return err
	}
	return errors.Join(do(a), a.Close())
}

type officerCmd struct {
	Invite inviteCmd `cmd:"" help:"Print (and mail) the one-time link of a new officer."`
}

type inviteCmd struct {
	settingsFlags
	Portal string   `required:"" help:"Name of the portal." name:"portal"`
	Email  string   `required:"" help:"Address of the officer."`
	Name   string   `required:"" help:"Name of the officer."`
	Role   []string `required:"" help:"Roles: director, decider, card-operator, auditor, administrator." sep:","`
}

// Run invites an officer.
func (c inviteCmd) Run(t *tools) error {
	var roles []actor.Role
	for _, name := range c.Role {
		if !slices.Contains(actor.Roles(), actor.Role(name)) {
			return fmt.Errorf("role %q; expected one of %v", name, actor.Roles())
		}
		roles = append(roles, actor.Role(name))
	}
	return withApp(t, c.settingsFlags, func(a *app.App) error {
		if _, ok := a.Portals.Portal(c.Portal); !ok {
			return fmt.Errorf("portal %q is not one of this instance", c.Portal)
		}
		invited, err := a.Invite(t.ctx, c.Portal, c.Email, c.Name, roles)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(t.out, invited.URL)
		return errors.Join(err, a.SignAudit(t.ctx))
	})
}

type portalCmd struct {
	Check portalCheckCmd `cmd:"" help:"Explain every mistake in a portal's definition, with file and line."`
	New   portalNewCmd   `cmd:"" help:"Make the skeleton of a new portal."`
}

type portalCheckCmd struct {
	Dir string `arg:"" help:"Directory of the portal." type:"existingdir"`
}

// Run checks a directory as the program would load it.
func (c portalCheckCmd) Run(t *tools) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	p, err := portal.Load(filepath.Base(dir), os.DirFS(dir), app.Outcomes())
	if mistakes, ok := errors.AsType[portal.Mistakes](err); ok {
		for _, m := range mistakes {
			fmt.Fprintln(t.errors, filepath.Join(filepath.Dir(dir), m.File)+fmt.Sprintf(":%d: %s", m.Line, m.What))
		}
		fmt.Fprintf(t.errors, "%d mistakes\n", len(mistakes))
		return errTold
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s: no mistakes. %d procedures, %d pages, %d mails, %d bodies.\n", p.Name, len(p.Procedures), len(p.Pages), len(p.Mails.Mails), len(p.Register))
	for _, one := range p.Unset {
		fmt.Fprintln(t.out, "to be filled in before real use:", one)
	}
	return nil
}

type portalNewCmd struct {
	Name string `arg:"" help:"Name of the portal: part of its address."`
	In   string `help:"Directory to make it in." default:"portals" type:"path"`
}

// Run writes the skeleton; it never writes over anything.
func (c portalNewCmd) Run(t *tools) error {
	dir := filepath.Join(c.In, c.Name)
	if err := portal.WriteSkeleton(dir); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "%s is made. Next: change it, then: chancela portal check %s\n", dir, dir)
	return err
}

// build says which version of the program this is, and of which commit.
func build() (version, commit string) {
	commit, version = "unknown", "development"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" && info.Main.Version != "(devel)" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	return version, commit
}

type versionCmd struct{}

// Run prints what this program is.
func (versionCmd) Run(t *tools) error {
	version, commit := build()
	pkcs11 := "not in this build"
	if hsm.Built {
		pkcs11 = "in this build"
	}
	_, err := fmt.Fprintf(t.out, "chancela %s\ncommit %s\n%s %s/%s\nPKCS#11: %s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, pkcs11)
	return err
}

type routesCmd struct{}

// Run prints every address of the face.
func (routesCmd) Run(t *tools) error {
	for _, one := range app.Routes() {
		if _, err := io.WriteString(t.out, one+"\n"); err != nil {
			return err
		}
	}
	return nil
}

type checkCmd struct {
	settingsFlags
}

// Run checks an instance; it fails if anything is wrong.
func (c checkCmd) Run(t *tools) error {
	return withApp(t, c.settingsFlags, func(a *app.App) error {
		bad := 0
		for _, one := range a.Check(t.ctx) {
			word := "ok"
			if one.Wrong {
				word, bad = "WRONG", bad+1
			}
			fmt.Fprintf(t.out, "%-6s %-12s %s\n", word, one.What, strings.TrimSpace(one.Says))
		}
		if bad > 0 {
			return fmt.Errorf("%d of the checks found something wrong", bad)
		}
		return nil
	})
}
