package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"chancela/internal/config"
)

// settingsFlags are the flags by which a verb finds the settings.
type settingsFlags struct {
	ConfigFile string `name:"config" help:"File of settings (TOML)." type:"path"`
	Data       string `help:"Directory of the embedded database, documents, keys and outbox." type:"path"`
	Listen     string `help:"Address to listen on, host:port."`
	Portals    string `help:"Directory of portals added to, or in place of, the embedded ones." type:"path"`
}

func (f settingsFlags) read() (config.Settings, []config.Value, error) { return f.readWith(nil, false) }

// from reads the settings as a process that serves wants them, or as a signer does.
func (f settingsFlags) from(forSigner bool) (config.Settings, []config.Value, error) {
	return f.readWith(nil, forSigner)
}

// readWith reads the settings with more flags, by their keys.
func (f settingsFlags) readWith(more map[string]string, forSigner bool) (config.Settings, []config.Value, error) {
	all, flags := map[string]string{"server.data": f.Data, "server.listen": f.Listen, "server.portals": f.Portals}, map[string]string{}
	maps.Copy(all, more)
	for key, value := range all {
		if value != "" {
			flags[key] = value
		}
	}
	return config.Read(config.Source{File: f.ConfigFile, Env: os.Environ, Flags: flags, ReadAll: config.FromFiles, ForSigner: forSigner})
}

type configCmd struct {
	settingsFlags
}

// Run prints every setting with its source, and then what is wrong with them.
func (c configCmd) Run(t *tools) error {
	_, values, err := c.read()
	table := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	for _, v := range values {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", v.Key, quoted(v.Value), v.Source, v.Doc)
	}
	if flushed := table.Flush(); flushed != nil {
		return flushed
	}
	return err
}

func quoted(value string) string {
	if value == "" || strings.ContainsAny(value, " \t") {
		return `"` + value + `"`
	}
	return value
}

var errNoData = errors.New("there is nothing here yet; start once with: chancela serve")

// exists says whether an instance was ever started with these settings.
func exists(s config.Settings) error {
	if s.Database.URL != "" {
		return nil
	}
	entries, err := os.ReadDir(s.Server.Data)
	if err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "chancela.db" }) {
		return fmt.Errorf("%s: %w", s.Server.Data, errNoData)
	}
	return nil
}
