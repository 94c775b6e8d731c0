package tour

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Child is an instance of the program in a process of its own, on one data directory and one port: it can be killed
// and started again.
type Child struct {
	Base *url.URL
	Data string

	// Revive brings the instance back after it was killed; nil where a lost answer is an error like any other.
	Revive func(context.Context) error

	program string
	env     []string

	mu      sync.Mutex
	invited []Invited
	run     *exec.Cmd
	ended   chan struct{} // closed when the process is gone
	outcome error
}

// Invited is an officer's one-time link, as the program printed it.
type Invited struct{ Portal, Link string }

// NewChild names an instance; nothing runs yet. Its port is one that is free now.
func NewChild(program, data string, env []string) (*Child, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err = errors.Join(err, listener.Close()); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	base := &url.URL{Scheme: "http", Host: net.JoinHostPort("localhost", port)}
	return &Child{Base: base, Data: data, program: program, env: env}, nil
}

// startWithin is how long a start may take; the first one makes a hierarchy of keys.
const startWithin = 60 * time.Second

// ErrEnded says that the process ended by itself, or was killed.
var ErrEnded = errors.New("the program ended")

// Start starts the process and waits until it serves.
func (c *Child) Start(ctx context.Context) error {
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(c.program, "serve", "--data", c.Data, "--listen", net.JoinHostPort("127.0.0.1", c.Base.Port())) //nolint:noctx // it outlives whoever starts it, and is stopped or killed by name
	cmd.Env, cmd.Stderr = c.env, log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return errors.Join(err, log.Close())
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	ended, told := make(chan struct{}), make(chan struct{})
	c.mu.Lock()
	c.run, c.ended, c.outcome, c.invited = cmd, ended, nil, nil
	c.mu.Unlock()
	go func() {
		c.listen(out, told)
		err := cmd.Wait() // after the last line was read
		c.mu.Lock()
		c.outcome = errors.Join(err, log.Close())
		c.mu.Unlock()
		close(ended)
	}()
	return c.await(ctx, ended, told)
}

func (c *Child) logFile() string { return filepath.Join(filepath.Dir(c.Data), "server.log") }

// await waits until the instance says that it is ready, and has printed all that it prints at its start.
func (c *Child) await(ctx context.Context, ended, told <-chan struct{}) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("the program was not ready within %s; its log is %s", startWithin, c.logFile()))
	defer cancel()
	for {
		select {
		case <-ended:
			return c.whyEnded()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
		if c.ready(ctx) {
			break
		}
	}
	select {
	case <-told:
		return nil
	case <-ended:
		return c.whyEnded()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Child) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort("127.0.0.1", c.Base.Port())+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

func (c *Child) whyEnded() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Errorf("%w: %v\n%s", ErrEnded, c.outcome, tail(c.logFile(), 2000)) //nolint:errorlint // told, not wrapped: it may be nil
}

func tail(file string, most int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(text[max(0, len(text)-most):]), "")
}

// invitation finds in a line of the program the link of an officer; its portal is the first part of its path.
var invitation = regexp.MustCompile(`https?://[^/\s]+/([^/\s]+)/tecnico/convite/\S+`)

// welcomed ends what the program prints at its start.
const welcomed = "Listening on"

// listen reads what the program prints until it ends, and says when it has said everything of its start.
func (c *Child) listen(out io.Reader, told chan<- struct{}) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if found := invitation.FindStringSubmatch(line); found != nil {
			c.mu.Lock()
			c.invited = append(c.invited, Invited{Portal: found[1], Link: found[0]})
			c.mu.Unlock()
		}
		if told != nil && strings.Contains(line, welcomed) {
			close(told)
			told = nil
		}
	}
	_, _ = io.Copy(io.Discard, out) // after a line too long to read
}

// Invited are the officers' links of a portal that the latest start printed.
func (c *Child) Invited(portal string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, one := range c.invited {
		if one.Portal == portal {
			all = append(all, one.Link)
		}
	}
	return all
}

// Kill ends the process at once, as a power cut would.
func (c *Child) Kill() { c.signal(syscall.SIGKILL) }

// Ended is closed when the process is gone.
func (c *Child) Ended() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

func (c *Child) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run != nil {
		_ = c.run.Process.Signal(s) // gone already: nothing to end
	}
}

// stopWithin is how long the program may take to end what it is at.
const stopWithin = 20 * time.Second

// Stop asks the program to end, and waits for it.
func (c *Child) Stop() error {
	ended := c.Ended()
	if ended == nil {
		return nil
	}
	c.signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(stopWithin):
		c.signal(syscall.SIGKILL)
		<-ended
		return fmt.Errorf("the program did not end within %s of being asked to", stopWithin)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcome
}
