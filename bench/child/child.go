// Package child starts programs for a measurement, each in a process of its own, waits until they answer, and reads
// what they take: memory and processor time, with those of the processes that they started.
//
// It ends only what it started. Start reading at [Start].
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Child is a program that runs and answers at an address.
type Child struct {
	Address string
	Took    time.Duration // from its start until it answered
	cmd     *exec.Cmd
	said    *said
}

// said keeps the end of what a program says, for when it fails.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text.Len() > 64<<10 {
		s.text.Reset()
	}
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// FreeAddress is an address on loopback where nobody listens.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Start starts a command that listens at the address it is given, and waits until it answers as ready wants, at most
// within.
func Start(ctx context.Context, within time.Duration, command func(address string) *exec.Cmd, ready func(ctx context.Context, address string) bool) (*Child, error) {
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	c := &Child{Address: address, cmd: command(address), said: &said{}}
	c.cmd.Stdout, c.cmd.Stderr = c.said, c.said
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	for !ready(ctx, address) {
		if time.Since(begin) > within || ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("%s does not answer: %s", filepath.Base(c.cmd.Path), c.said), c.Stop())
		}
		<-time.After(2 * time.Millisecond)
	}
	c.Took = time.Since(begin)
	return c, nil
}

// Said is what the program said last.
func (c *Child) Said() string { return c.said.String() }

// Stop ends the program, and what it started, and waits for it.
func (c *Child) Stop() error {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		_ = c.cmd.Wait() // a signal ended it
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	return nil
}

// ResidentMB is what it holds in memory now, and PeakMB the most it ever held, in MiB.
func (c *Child) ResidentMB() (float64, error) { return c.status("VmRSS:") }

// PeakMB is the most that it ever held in memory, in MiB.
func (c *Child) PeakMB() (float64, error) { return c.status("VmHWM:") }

func (c *Child) status(line string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for one := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(one, line); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("no %s of the process", line)
}

// tick is how long one of the kernel's ticks lasts: USER_HZ is 100 wherever Linux runs.
const tick = 10 * time.Millisecond

// CPU is the processor time that it has used, with the processes of its group.
func (c *Child) CPU() (time.Duration, error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	var sum time.Duration
	for _, name := range all {
		text, failed := os.ReadFile(name)
		if failed != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(text), ") ") // behind the program's name, which may hold anything
		fields := strings.Fields(rest)
		if len(fields) < 15 || fields[2] != strconv.Itoa(c.cmd.Process.Pid) {
			continue
		}
		for _, one := range fields[11:13] { // utime and stime
			n, failed := strconv.ParseInt(one, 10, 64)
			sum, err = sum+time.Duration(n)*tick, errors.Join(err, failed)
		}
	}
	return sum, err
}

// Quiet waits until it uses less than a twentieth of a core, three times in a row, since it may get none of a busy
// machine for a while; at most so long. It says whether it does.
func (c *Child) Quiet(most time.Duration) (bool, error) {
	const look = 2 * time.Second
	quiet := 0
	for begin := time.Now(); time.Since(begin) < most; {
		before, err := c.CPU()
		if err != nil {
			return false, err
		}
		<-time.After(look)
		after, err := c.CPU()
		if err != nil {
			return false, err
		}
		if quiet++; after-before > 10*tick {
			quiet = 0
		}
		if quiet == 3 {
			return true, nil
		}
	}
	return false, nil
}
