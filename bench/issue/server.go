package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is a program that issues and runs.
type process struct {
	target
	child *exec.Cmd
	log   *os.File // what it says
	data  string   // folder of its data
}

// start builds the program, has it play the script on an empty directory, and starts it on what that leaves. It gives
// the tokens of as many mandates as are asked for.
func start(ctx context.Context, dir string, mandates int) (*process, []string, error) {
	program := filepath.Join(dir, "chancela")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/chancela").CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	p, err := rewrite(filepath.Join(dir, "portals"), mandates)
	if err != nil {
		return nil, nil, err
	}
	env := slices.DeleteFunc(os.Environ(), func(one string) bool { return strings.HasPrefix(one, "CHANCELA_") })
	data, tokens, err := p.play(ctx, program, filepath.Join(dir, "kept"), env)
	if err != nil {
		return nil, nil, err
	}
	if len(tokens) != mandates {
		return nil, nil, fmt.Errorf("%d tokens of %d mandates", len(tokens), mandates)
	}
	server, err := begin(target{path: "/api/v1/certificates", status: http.StatusCreated}, func(address string) *exec.Cmd {
		child := exec.CommandContext(ctx, program, "serve", "--data", data, "--listen", address)
		child.Env = append(env, "CHANCELA_SERVER_PORTALS="+p.dir)
		return child
	})
	if err == nil {
		server.data = data
	}
	return server, tokens, err
}

// startWithin is how long a program may take until it answers.
const startWithin = time.Minute

// begin starts a program on a free port, and waits until it answers there.
func begin(to target, command func(address string) *exec.Cmd) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		return nil, err
	}
	to.address = l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	log, err := os.CreateTemp("", "chancela-issue-*.log")
	if err != nil {
		return nil, err
	}
	p := &process{target: to, child: command(to.address), log: log}
	p.child.Stderr = log
	if err := p.child.Start(); err != nil {
		return nil, err
	}
	p.pid = p.child.Process.Pid
	for begun := time.Now(); time.Since(begun) < startWithin; <-time.After(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", to.address); err == nil { //nolint:noctx // to see whether it is there
			return p, conn.Close()
		}
	}
	return nil, errors.Join(fmt.Errorf("%s does not answer", p.child.Path), p.stop())
}

func (p *process) stop() error {
	_ = p.child.Process.Signal(syscall.SIGTERM)
	err := p.child.Wait()
	defer func() { _, _ = p.log.Close(), os.Remove(p.log.Name()) }()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() && exit.ExitCode() != 0 {
		said, _ := os.ReadFile(p.log.Name()) // beside what went wrong, what cannot be read is left out
		return fmt.Errorf("%s: %w\n%s", p.child.Path, err, said)
	}
	return nil // ended as it was told to
}
