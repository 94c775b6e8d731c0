package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// scripts hold, in a folder of the portal's name, the tour that is played before anything is measured, and the acts that
// it ends with once a round.
//
//go:embed script
var scripts embed.FS

// roundMark stands in the script where a round's number belongs.
const roundMark = "{round}"

// portal is the embedded portal with another tour in the place of its own.
type portal struct {
	dir  string // to be given to the program
	name string
}

// rewrite copies the portal of the script to a directory, with a tour by which so many mandates are given.
func rewrite(dir string, mandates int) (portal, error) {
	names, err := fs.Glob(scripts, "script/*/tour.yaml")
	if err != nil || len(names) != 1 {
		return portal{}, fmt.Errorf("%d scripts: %w", len(names), err)
	}
	folder := filepath.Dir(names[0])
	p := portal{dir, filepath.Base(folder)}
	if err := os.CopyFS(filepath.Join(dir, p.name), os.DirFS(filepath.Join("portals", p.name))); err != nil {
		return p, err
	}
	tour, err := scripts.ReadFile(names[0])
	if err != nil {
		return p, err
	}
	order, err := scripts.ReadFile(folder + "/order.yaml")
	if err != nil {
		return p, err
	}
	for n := range mandates {
		tour = append(tour, strings.ReplaceAll(string(order), roundMark, strconv.Itoa(n+1))...)
	}
	return p, os.WriteFile(filepath.Join(dir, p.name, "tour.yaml"), tour, 0o600)
}

// play has the program play the tour, and gives the data that it leaves and the tokens that people made.
func (p portal) play(ctx context.Context, program, keep string, env []string) (data string, tokens []string, err error) {
	tour := exec.CommandContext(ctx, program, "tour", "--portals", p.dir, "--keep", keep)
	tour.Env = env
	if out, err := tour.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("tour: %w\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(keep, "artefacts", p.name, "tokens"))
	return filepath.Join(keep, "data"), strings.Fields(string(text)), err
}
