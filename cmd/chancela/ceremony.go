package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/app"
	"chancela/internal/ceremony"
	"chancela/internal/i18n"
)

type ceremonyCmd struct {
	New      ceremonyNewCmd      `cmd:"" help:"Make a directory of ceremonies with a script to be changed."`
	Run      ceremonyRunCmd      `cmd:"" help:"Hold the ceremony, or go on with it where it stopped."`
	Status   ceremonyStatusCmd   `cmd:"" help:"Say how far each ceremony of a directory is; checks its record and files."`
	Minutes  ceremonyMinutesCmd  `cmd:"" help:"Print the minutes of a closed ceremony again, the same to the byte."`
	Activate ceremonyActivateCmd `cmd:"" help:"Have custodians open the keys for an instance: writes what opens them to a file."`
	Adopt    ceremonyAdoptCmd    `cmd:"" help:"Have an instance take on what a ceremony made."`
	End      ceremonyEndCmd      `cmd:"" help:"Have an instance end the authorities that a ceremony ended, and bring their last lists to it."`
	Publish  ceremonyPublishCmd  `cmd:"" help:"Have an instance take on a revocation list of an offline authority."`
}

// ceremonyDir is where ceremonies are, and how they are spoken in.
type ceremonyDir struct {
	Dir     string   `arg:"" help:"Directory of the ceremonies." type:"path"`
	Shares  []string `help:"Directory in which custodians' shares are looked for, beside DIR/shares." type:"path"`
	English bool     `help:"Speak English."`
}

func (c ceremonyDir) open() (*ceremony.Dir, error) {
	version, commit := build()
	return ceremony.Open(c.Dir, ceremony.Options{Shares: c.Shares, Crash: crash(c.Dir), Version: version, Commit: commit})
}

func (c ceremonyDir) talk(t *tools) *ceremony.Talk { return ceremony.NewTalk(t.in, t.out, c.lang()) }

func (c ceremonyDir) lang() i18n.Lang {
	if c.English {
		return i18n.EN
	}
	return i18n.PT
}

type ceremonyNewCmd struct {
	Dir  string `arg:"" help:"Directory to make, or one where ceremonies were held before." type:"path"`
	Name string `help:"Name of the ceremony; that of the directory if left out."`
	Kind string `help:"whole: root and issuing authority in one place; root, issuing: each in its own." default:"whole" enum:"whole,root,issuing"`
}

// Run writes the script; it never writes over one.
func (c ceremonyNewCmd) Run(t *tools) error {
	name := c.Name
	if name == "" {
		name = strings.ToLower(filepath.Base(c.Dir))
	}
	path, err := ceremony.WriteNew(c.Dir, name, c.Kind)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is made. Next: change it, then: chancela ceremony run %s\n", path, c.Dir)
	return err
}

type ceremonyRunCmd struct {
	ceremonyDir
	Name string `help:"Ceremony to hold; the first that is not closed if left out."`
}

// Run holds the ceremony. A file that has to come from elsewhere ends it without a fault.
func (c ceremonyRunCmd) Run(t *tools) error {
	d, err := c.open()
	if err != nil {
		return err
	}
	err = c.hold(t, d)
	if waits, ok := errors.AsType[*ceremony.Waiting](err); ok {
		_, err = fmt.Fprintln(t.out, i18n.Say(c.lang(), "ceremony.waits", i18n.Args{"file": waits.File}))
	}
	return errors.Join(err, d.Close())
}

func (c ceremonyRunCmd) hold(t *tools, d *ceremony.Dir) error {
	name := c.Name
	if name == "" {
		var err error
		if name, err = d.Next(); err != nil {
			return err
		}
		if name == "" {
			return fmt.Errorf("%s: every ceremony here is closed; a new one begins with: chancela ceremony new %s --name …", c.Dir, c.Dir)
		}
	}
	return d.Run(t.ctx, c.talk(t), name)
}

type ceremonyStatusCmd struct{ ceremonyDir }

// Run prints a line a ceremony.
func (c ceremonyStatusCmd) Run(t *tools) error {
	d, err := c.open()
	if err != nil {
		return err
	}
	all, err := d.Status()
	for _, one := range all {
		next := "closed"
		if !one.Closed {
			next = "next: " + one.Next
		}
		fmt.Fprintf(t.out, "%-24s %d of %d steps  %s\n", one.Name, one.Done, one.Steps, next)
	}
	if len(all) > 0 && err == nil {
		fmt.Fprintf(t.out, "record SHA-256 %s\n", all[len(all)-1].Head)
	}
	return errors.Join(err, d.Close())
}

type ceremonyMinutesCmd struct {
	ceremonyDir
	Name string `help:"Ceremony." required:""`
	Into string `help:"File to write." required:"" type:"path"`
}

// Run writes the minutes.
func (c ceremonyMinutesCmd) Run(*tools) error {
	d, err := c.open()
	if err != nil {
		return err
	}
	pdf, err := d.Minutes(c.Name)
	if err == nil {
		err = os.WriteFile(c.Into, pdf, 0o600)
	}
	return errors.Join(err, d.Close())
}

type ceremonyActivateCmd struct {
	ceremonyDir
	Into string `help:"File to write, for CHANCELA_KEYS_PASSPHRASE_FILE or CHANCELA_KEYS_PKCS11_PIN_FILE; best in memory, such as below /run." required:"" type:"path"`
}

// Run writes what opens the keys to a file that nobody else reads, and that was not there before.
func (c ceremonyActivateCmd) Run(t *tools) error {
	d, err := c.open()
	if err != nil {
		return err
	}
	opens, err := d.Activate(c.talk(t))
	if err == nil {
		err = writeSecretFile(c.Into, opens)
	}
	return errors.Join(err, d.Close())
}

func writeSecretFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// instanceFlags are the settings of the instance that takes something on: those of the process that has its keys.
type instanceFlags struct {
	ConfigFile string `name:"config" help:"File of settings (TOML)." type:"path"`
	Data       string `help:"Directory of the embedded database, documents, keys and outbox." type:"path"`
	Listen     string `help:"Address that the instance listens on, where it has no public one, host:port."`
	Signer     bool   `help:"The settings and the data directory are a signer's."`
}

// with opens the room that signs, of an instance that may never have served.
func (f instanceFlags) with(t *tools, do func(*app.App) error) error {
	settings, _, err := settingsFlags{ConfigFile: f.ConfigFile, Data: f.Data, Listen: f.Listen}.from(f.Signer)
	if err != nil {
		return err
	}
	address, err := net.ResolveTCPAddr("tcp", settings.Server.Listen)
	if err != nil {
		return err
	}
	base, err := baseOf(settings, address)
	if err != nil {
		return err
	}
	var more fs.FS
	if settings.Server.Portals != "" {
		more = os.DirFS(settings.Server.Portals)
	}
	log := slog.New(slog.NewTextHandler(t.errors, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := app.OpenKeys(t.ctx, app.Options{Settings: settings, Base: base, Portals: more, Log: log})
	if err != nil {
		return err
	}
	return errors.Join(do(a), a.Close())
}

type ceremonyAdoptCmd struct {
	ceremonyDir
	instanceFlags
}

// Run judges everything that the ceremonies of the directory made, and takes it on, whole or not at all.
func (c ceremonyAdoptCmd) Run(t *tools) error {
	d, err := c.open()
	if err != nil {
		return err
	}
	founding, keys, err := d.Founding()
	if err = errors.Join(err, d.Close()); err != nil {
		return err
	}
	return c.with(t, func(a *app.App) error {
		if err := a.Adopt(t.ctx, founding, keys); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "%s is taken on: %d certificates, %d lists. Next: chancela serve\n", founding.Ceremony, len(founding.Made), len(founding.Lists))
		return a.SignAudit(t.ctx)
	})
}

type ceremonyEndCmd struct {
	ceremonyDir
	instanceFlags
}

// Run has the instance do what was decided, as far as it can be done now; given again it goes on.
func (c ceremonyEndCmd) Run(t *tools) error {
	d, err := c.open()
	if err != nil {
		return err
	}
	endings, err := d.Endings()
	if len(endings) == 0 && err == nil {
		_, err = fmt.Fprintln(t.out, i18n.Say(c.lang(), "ceremony.ending.none", nil))
	}
	if err == nil && len(endings) > 0 {
		err = c.with(t, func(a *app.App) error {
			for _, one := range endings {
				if err := c.one(t, a, d, one); err != nil {
					return err
				}
			}
			return a.SignAudit(t.ctx)
		})
	}
	return errors.Join(err, d.Close())
}

func (c ceremonyEndCmd) one(t *tools, a *app.App, d *ceremony.Dir, e ceremony.Ended) error {
	list, left, err := a.EndAuthority(t.ctx, e.AuthorityEnd)
	if err != nil {
		return err
	}
	say := func(key string, args i18n.Args) {
		args["authority"] = e.Authority
		_, _ = fmt.Fprintln(t.out, i18n.Say(c.lang(), key, args))
	}
	if left > 0 {
		say("ceremony.ending.waits", i18n.Args{"left": strconv.FormatInt(left, 10)})
		return nil
	}
	if e.KeyGone {
		if err := a.CA.Shut(t.ctx, actor.Machine(""), e.Authority); err != nil {
			return err
		}
		say("ceremony.ending.destroyed", i18n.Args{})
		return nil
	}
	path, err := d.BringLastList(e.Authority, list)
	if err == nil {
		say("ceremony.ending.done", i18n.Args{"file": path})
	}
	return err
}

type ceremonyPublishCmd struct {
	List string `arg:"" help:"File of the list, DER." type:"existingfile"`
	instanceFlags
}

// Run takes on an offline authority's list.
func (c ceremonyPublishCmd) Run(t *tools) error {
	der, err := os.ReadFile(c.List)
	if err != nil {
		return err
	}
	return c.with(t, func(a *app.App) error {
		if err := a.TakeList(t.ctx, der); err != nil {
			return err
		}
		return a.SignAudit(t.ctx)
	})
}
