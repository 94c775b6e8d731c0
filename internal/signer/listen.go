package signer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// ListenConfig says where a signer listens, and who may come.
type ListenConfig struct {
	Address string // unix:PATH or tls:HOST:PORT
	// Users are the ids of the users whose processes may ask through the socket, as the kernel names them.
	Users []int
	// Group may open the socket, besides the signer's own user; -1 for nobody else.
	Group int
	TLS   TLS // for a tls: address
	Log   *slog.Logger
}

// Listen opens the signer's door. A socket file that a killed signer left is taken away; one behind which somebody
// answers is not.
func Listen(ctx context.Context, c ListenConfig) (net.Listener, error) {
	network, where, err := split(c.Address)
	if err != nil {
		return nil, err
	}
	if network == "tls" {
		with, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		return tlsListener(ctx, where, with)
	}
	if err := makeRoom(ctx, where); err != nil {
		return nil, err
	}
	l, err := listenClosed(ctx, where)
	if err != nil {
		return nil, fmt.Errorf("signer: listen: %w", err)
	}
	if err := admit(where, c.Group); err != nil {
		return nil, errors.Join(fmt.Errorf("signer: socket: %w", err), l.Close())
	}
	return &peers{UnixListener: l, users: c.Users, log: c.Log}, nil
}

func tlsListener(ctx context.Context, where string, with *tls.Config) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", where)
	if err != nil {
		return nil, fmt.Errorf("signer: listen: %w", err)
	}
	return tls.NewListener(l, with), nil
}

// makeRoom makes room for the socket, in a folder that not everybody can write: whoever could would put another there.
func makeRoom(ctx context.Context, path string) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("signer: folder of the socket: %w", err)
	}
	if dir.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("signer: everybody can write in %s, and put another socket in the place of this one; choose a folder of its own", filepath.Dir(path))
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("signer: socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("signer: %s is there and is no socket", path)
	}
	if there, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
		return errors.Join(fmt.Errorf("signer: another process answers at %s", path), there.Close())
	}
	return os.Remove(path)
}

// listenClosed makes the socket with nobody but its owner able to open it, from its first moment.
func listenClosed(ctx context.Context, path string) (*net.UnixListener, error) {
	before := syscall.Umask(0o177) // of the whole process, for a moment: what is made meanwhile is closed too
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	syscall.Umask(before)
	if err != nil {
		return nil, err
	}
	socket, ok := l.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(errors.New("no socket"), l.Close())
	}
	return socket, nil
}

// admit lets a group open the socket.
func admit(path string, group int) error {
	if group < 0 {
		return nil
	}
	return errors.Join(os.Chown(path, -1, group), os.Chmod(path, 0o660)) //nolint:gosec // the group that the operator named may open it; whose process comes is asked besides
}

// peers is a socket that only some users' processes get through.
type peers struct {
	*net.UnixListener

	users []int
	log   *slog.Logger
}

// Accept gives the next connection of somebody who may come; the others' are closed at once.
func (p *peers) Accept() (net.Conn, error) {
	for {
		c, err := p.AcceptUnix()
		if err != nil {
			return nil, err
		}
		user, err := userOf(c)
		if err == nil && slices.Contains(p.users, user) {
			return c, nil
		}
		p.log.Warn("signer: a stranger came to the socket", "user", user, "error", err)
		_ = c.Close()
	}
}

// Serve answers at a listener until ctx ends, and then ends what is under way.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, log *slog.Logger) error {
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 4 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("signer: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.Shutdown(stopping)
}
