// Package instance starts the built program in a process of its own for a measurement, and has people come in to it by
// its pages and its mail, as people do.
//
// It stands beside the program: it imports nothing of it, knows no portal and no field by name, and weakens nothing.
// What is budgeted by network is gone round as many people would: the instance trusts a proxy on loopback, and each
// visitor comes from a network of their own. Start reading at [Start], then [Instance.Admit].
package instance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Instance is a running instance, empty at first, and the first of its portals.
type Instance struct {
	base      string // scheme, name and port, as links in mails have them
	portal    string // path of the portal, without a slash at its end
	first     string // link of the portal's first officer
	access    string // path of the form by which one asks for access
	printed   string // file with what the program prints
	child     *exec.Cmd
	mail      *mailbox
	transport *http.Transport
	networks  atomic.Int64
	bodies    int
	officer   *Visitor
}

// startWithin is how long a start may take; it makes a hierarchy of keys.
const startWithin = time.Minute

// Start builds the program, starts it on an empty directory below dir, and has its first officer come in.
func Start(ctx context.Context, dir string) (*Instance, error) {
	program, data := filepath.Join(dir, "chancela"), filepath.Join(dir, "data")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/chancela").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(address, ":")
	in := &Instance{
		base: "http://localhost:" + port, printed: filepath.Join(dir, "printed"),
		mail: newMailbox(filepath.Join(data, "outbox", "mail")), transport: transport(address),
	}
	in.child = exec.CommandContext(ctx, program, "serve", "--data", data, "--listen", address)
	in.child.Env = append(os.Environ(), "CHANCELA_SERVER_TRUSTED_PROXIES=127.0.0.0/8")
	if err := in.run(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	if err := in.open(ctx); err != nil {
		return nil, errors.Join(err, in.Stop())
	}
	return in, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// transport leads to the instance by whatever name, since "localhost" does not resolve everywhere.
func transport(address string) *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 512, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

func (in *Instance) run(log string) error {
	out, err := os.Create(in.printed)
	if err != nil {
		return err
	}
	errs, err := os.Create(log)
	if err != nil {
		return errors.Join(err, out.Close())
	}
	in.child.Stdout, in.child.Stderr = out, errs
	return errors.Join(in.child.Start(), out.Close(), errs.Close()) // the child has them
}

var firstOfficer = regexp.MustCompile(`https?://[^/\s]+(/[^/\s]+)(/tecnico/convite/\S+)`)

// open waits until the program has printed what it prints at its start, takes the first portal and its officer.
func (in *Instance) open(ctx context.Context) error {
	printed, err := in.await()
	if err != nil {
		return err
	}
	found := firstOfficer.FindStringSubmatch(printed)
	if found == nil {
		return errors.New("the program printed no link of an officer")
	}
	in.portal, in.first = found[1], found[1]+found[2]
	if in.access, err = in.findAccess(ctx); err != nil {
		return err
	}
	return in.officerIn(ctx)
}

func (in *Instance) await() (string, error) {
	for begin := time.Now(); time.Since(begin) < startWithin; <-time.After(20 * time.Millisecond) {
		printed, err := os.ReadFile(in.printed)
		if err != nil {
			return "", err
		}
		if strings.Contains(string(printed), "Listening on") {
			return string(printed), nil
		}
	}
	return "", fmt.Errorf("the program was not ready within %s", startWithin)
}

// Stop ends the program and waits for it.
func (in *Instance) Stop() error {
	in.transport.CloseIdleConnections()
	return errors.Join(in.child.Process.Signal(syscall.SIGTERM), in.child.Wait())
}

// At is an address of the portal.
func (in *Instance) At(path string) string { return in.portal + path }

// Access is the address of the form by which one asks for access.
func (in *Instance) Access() string { return in.access }

// PeakMB is the most memory that the program ever held, resident, in MiB.
func (in *Instance) PeakMB() (float64, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", in.child.Process.Pid))
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(text)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmHWM of the process")
}
