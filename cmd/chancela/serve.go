package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"chancela/internal/app"
	"chancela/internal/config"
)

type serveCmd struct {
	settingsFlags
	Role string `help:"all, or status to answer only: OCSP, lists, issuers and health, with no key but the responders'." enum:",all,status" default:""`
}

// Run serves until it is told to stop.
func (c serveCmd) Run(t *tools) error {
	settings, _, err := c.readWith(map[string]string{"server.role": c.Role}, false)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(t.errors, &slog.HandlerOptions{Level: slog.LevelInfo}))
	slog.SetDefault(log)
	listener, err := new(net.ListenConfig).Listen(t.ctx, "tcp", settings.Server.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", settings.Server.Listen, err)
	}
	if settings.Server.Role == config.StatusRole {
		return answer(t, settings, listener, log)
	}
	a, err := open(t.ctx, settings, listener.Addr(), log, false)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	err = serve(t, a, settings, listener, log)
	return errors.Join(err, a.Close())
}

// answer serves status alone, on every address that the settings name.
func answer(t *tools, settings config.Settings, listener net.Listener, log *slog.Logger) error {
	base, err := baseOf(settings, listener.Addr())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	a, err := app.OpenAnswering(t.ctx, app.Options{Settings: settings, Base: base, Log: log})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(t.out, "\nChancela answers for its certificates at http://%s/pki/\n", listener.Addr())
	handlers := served{main: a.Handler(), more: map[string]http.Handler{settings.Server.PKIListen: a.Handler(), settings.Server.OpsListen: a.Operations()}, run: a.Run}
	return errors.Join(handlers.serve(t.ctx, settings.TLS, listener, log, func() {}), a.Close())
}

// open wires the program for an address to listen on; beside says that a server may be running on the same instance.
func open(ctx context.Context, settings config.Settings, listening net.Addr, log *slog.Logger, beside bool) (*app.App, error) {
	base, err := baseOf(settings, listening)
	if err != nil {
		return nil, err
	}
	var more fs.FS
	if settings.Server.Portals != "" {
		more = os.DirFS(settings.Server.Portals)
	}
	return app.Open(ctx, app.Options{Settings: settings, Base: base, Portals: more, Log: log, Beside: beside, Crash: crash(settings.Server.Data)})
}

// baseOf is the public address: the configured one, or localhost for an evaluation instance, since passkeys and
// people need a name.
func baseOf(settings config.Settings, listening net.Addr) (*url.URL, error) {
	if settings.Server.PublicURL != "" {
		base, err := url.Parse(strings.TrimSuffix(settings.Server.PublicURL, "/"))
		if err != nil {
			return nil, fmt.Errorf("server.public_url: %w", err)
		}
		return base, nil
	}
	_, port, err := net.SplitHostPort(listening.String())
	if err != nil {
		return nil, err
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort("localhost", port)}, nil
}

// crash ends the process at the points that a test names, at each once for each data directory. Without that variable,
// which no settings file can hold, it is nothing.
func crash(data string) func(string) {
	wanted := strings.Split(os.Getenv("CHANCELA_TEST_CRASH"), ",")
	if wanted[0] == "" {
		return nil
	}
	return func(point string) {
		done := filepath.Join(data, "crashed-at-"+point)
		if !slices.Contains(wanted, point) {
			return
		}
		if _, err := os.Stat(done); err == nil {
			return
		}
		if err := os.WriteFile(done, []byte(point+"\n"), 0o600); err == nil {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
	}
}

// serve runs the whole program.
func serve(t *tools, a *app.App, settings config.Settings, listener net.Listener, log *slog.Logger) error {
	all := served{main: a.Web, more: map[string]http.Handler{settings.Server.PKIListen: a.PlainPKI, settings.Server.OpsListen: a.Operations()}, run: a.Run}
	return all.serve(t.ctx, settings.TLS, listener, log, func() {
		if err := welcome(t, a, listener); err != nil {
			log.Error("first officers", "error", err)
		}
	})
}

// served is what a process serves: at its main address, at others ("" for none), and its loops.
type served struct {
	main http.Handler
	more map[string]http.Handler
	run  func(context.Context) error
}

// serve runs the listeners and the loops together: when one ends, all end.
func (s served) serve(ctx context.Context, with config.TLS, listener net.Listener, log *slog.Logger, begun func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loops := make(chan error, 1)
	go func() { loops <- s.run(ctx) }()
	servers := []*http.Server{server(s.main, log)}
	failed := make(chan error, 3)
	go listen(servers[0], listener, with, failed)
	for address, handler := range s.more {
		if address == "" {
			continue
		}
		extra, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			cancel()
			return errors.Join(fmt.Errorf("listen on %s: %w", address, err), <-loops)
		}
		one := server(handler, log)
		servers = append(servers, one)
		go listen(one, extra, config.TLS{}, failed)
	}
	begun()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stopping, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	for _, one := range servers {
		err = errors.Join(err, one.Shutdown(stopping))
	}
	cancel()
	return errors.Join(err, <-loops)
}

// server has limits on everything a slow or hostile reader could hold on to (C20).
func server(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 60 * time.Second,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func listen(s *http.Server, l net.Listener, with config.TLS, failed chan<- error) {
	var err error
	if with.Certificate != "" {
		err = s.ServeTLS(l, with.Certificate, with.Key)
	} else {
		err = s.Serve(l)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		failed <- err
	}
}

// welcome says where to look, and gives the links by which the first officers come in.
func welcome(t *tools, a *app.App, listener net.Listener) error {
	fmt.Fprintf(t.out, "\nChancela serves at %s/\n", a.Base())
	for _, p := range a.Portals.Portals {
		fmt.Fprintf(t.out, "  %-24s %s/%s/\n", p.Title.PT, a.Base(), p.Name)
	}
	if a.Outbox == nil {
		return nil
	}
	fmt.Fprintf(t.out, "  %-24s %s/avaliacao\n\n", "Mailbox of this instance", a.Base())
	links, err := a.FirstOfficers(t.ctx)
	if err != nil {
		return err
	}
	if len(links) > 0 {
		fmt.Fprintln(t.out, "The first officers come in by these links, each good once:")
	}
	for _, one := range links {
		fmt.Fprintf(t.out, "  %s: %s (%s): %s\n", one.Portal, one.Name, strings.Join(one.Roles, ", "), one.URL)
	}
	fmt.Fprintf(t.out, "\nEvaluation instance: nothing is sent, every certificate is a TEST one. Listening on %s.\n", listener.Addr())
	return nil
}
