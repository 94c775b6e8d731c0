// Chancela is a public body's front desk and seal: it decides who may come in, handles what they ask for, and issues
// what anyone can verify. One program: the server and its operator's verbs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		os.Exit(1)
	}
}

// verbs are what the program can be told to do.
type verbs struct {
	Serve   serveCmd   `cmd:"" help:"Serve. Without settings: an evaluation instance on loopback, with everything embedded."`
	Signer  signerCmd  `cmd:"" help:"Sign, as a process of its own that has the keys: serve then has none (keys.signer)."`
	Tour    tourCmd    `cmd:"" help:"Play the main job of every portal on a fresh instance, and verify what was issued with openssl and pdfsig."`
	Officer officerCmd `cmd:"" help:"Officers of a portal."`
	Portal  portalCmd  `cmd:"" help:"Definitions of portals."`

	Ceremony ceremonyCmd `cmd:"" help:"Root and issuing keys, their certificates, the printed minutes."`

	Config  configCmd  `cmd:"" help:"Print the settings in force and where each came from; secrets hidden."`
	Check   checkCmd   `cmd:"" help:"Check database, audit chain, documents, keys, queue and disk; a line each."`
	Version versionCmd `cmd:"" help:"Print version, commit and Go version."`
	Routes  routesCmd  `cmd:"" hidden:"" help:"Print every address, for tests."`
}

// tools are what every verb is given.
type tools struct {
	ctx         context.Context
	in          io.Reader
	out, errors io.Writer
}

// errTold means that what went wrong has been told already.
var errTold = errors.New("told")

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	var v verbs
	exit := -1
	parser, err := kong.New(&v, kong.Name("chancela"), kong.Description("A public body's front desk and seal."), kong.UsageOnError(),
		kong.Writers(out, errs), kong.Exit(func(code int) { exit = code }), kong.Bind(&tools{ctx: ctx, in: in, out: out, errors: errs}))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if exit == 0 {
		return nil // help was asked for
	}
	if err == nil {
		err = parsed.Run()
	}
	if err != nil && !errors.Is(err, errTold) {
		fmt.Fprintln(errs, "chancela:", err)
	}
	return err
}
