// Package apptest starts the whole application for a test in one line, and plays people at it: they have a browser's
// cookies, read pages, fill forms by the names of fields, and open their mail.
//
// It holds nothing that the program needs, and is imported by tests only. Start reading at [Start], then
// [App.Person] and [App.Mail].
package apptest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/app"
	"chancela/internal/config"
	"chancela/internal/db/dbtest"
)

// App is a running application.
type App struct {
	*app.App
	URL  string
	Data string

	server   *httptest.Server
	networks networks
	mu       sync.Mutex
	opened   map[string]bool // mails
}

// Options change what Start starts.
type Options struct {
	Postgres bool
	Clock    func() time.Time
	Portals  string // directory of more portals
	Idle     bool   // without the queue and the loops
	Proxied  bool   // people come through a proxy on this machine, each from a network of their own
	Handout  bool   // documents are handed out by 127.0.0.1, while the pages are localhost's
	Log      io.Writer
}

// Start starts the application on a fresh data directory and stops it when the test ends.
func Start(t testing.TB, o Options) *App {
	t.Helper()
	settings := config.Defaults()
	settings.Server.Data, settings.Server.Portals = t.TempDir(), o.Portals
	if o.Postgres {
		settings.Database.URL = dbtest.Postgres(t)
	}
	if o.Proxied {
		settings.Server.Proxies = []string{"127.0.0.0/8"}
	}
	a := &App{Data: settings.Server.Data, opened: map[string]bool{}}
	a.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.Web.ServeHTTP(w, r) }))
	base := &url.URL{Scheme: "http", Host: "localhost:" + port(t, a.server)}
	if o.Handout {
		settings.Server.DocsOrigin = "http://127.0.0.1:" + base.Port()
	}
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if o.Log != nil {
		log = slog.New(slog.NewJSONHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelDebug})) // as serve does, and more
	}
	opts := app.Options{Settings: settings, Base: base, Log: log, Clock: o.Clock}
	if o.Portals != "" {
		opts.Portals = os.DirFS(o.Portals)
	}
	wired, err := app.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	a.App, a.URL = wired, base.String()
	a.server.Start()
	a.run(t, o)
	return a
}

func (a *App) run(t testing.TB, o Options) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	if o.Idle {
		ended <- nil
	} else {
		go func() { ended <- a.Run(ctx) }()
	}
	t.Cleanup(func() {
		a.server.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

func port(t testing.TB, s *httptest.Server) string {
	t.Helper()
	u, err := url.Parse("http://" + s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// Officer invites an officer and gives the link by which they come in.
func (a *App) Officer(t testing.TB, portalName, address, name string, roles ...actor.Role) string {
	t.Helper()
	invited, err := a.Invite(t.Context(), portalName, address, name, roles)
	if err != nil {
		t.Fatal(err)
	}
	return invited.URL
}

type testWriter struct{ t testing.TB }

// Write logs a line with the test.
func (w testWriter) Write(line []byte) (int, error) {
	w.t.Logf("%s", line)
	return len(line), nil
}

var _ io.Writer = testWriter{}
