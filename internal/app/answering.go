package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/issuance"
	"chancela/internal/issuance/hsm"
	"chancela/internal/pkihttp"
	"chancela/internal/portal"
	"chancela/internal/publication"
	"chancela/internal/status"
)

// Answering is a process that does nothing but answer: status, lists, issuers, and how it is. It reads the database and
// writes nothing there, and holds no key but the responders': whoever takes it over can say that something is good
// until the responder is revoked, and can issue and revoke nothing.
type Answering struct {
	DB     *db.DB
	CA     *ca.CA
	Status *status.Service

	publication *publication.Service

	app App // whose ways to keys it takes
}

// OpenAnswering opens it beside an instance that was founded already.
func OpenAnswering(ctx context.Context, o Options) (*Answering, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	a := &Answering{app: App{o: o}}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *Answering) open(ctx context.Context) error {
	s := a.app.o.Settings
	address := s.Database.URL
	if address == "" {
		address = "sqlite:" + a.app.path("chancela.db")
	}
	var err error
	if a.DB, err = db.Open(ctx, db.Config{URL: address, Clock: a.app.o.Clock, MaxConns: s.Database.MaxConns, ReadOnly: true}); err != nil {
		return err
	}
	a.app.close = append(a.app.close, a.DB.Close)
	if err := a.DB.Current(ctx); err != nil {
		return err
	}
	keys, err := a.app.openKeys()
	if err != nil {
		return err
	}
	a.warnOfKeys()
	trust, err := a.app.declared()
	if err != nil {
		return err
	}
	a.CA, err = ca.New(ca.Config{
		Trust: trust,
		DB:    a.DB, Keys: respondersKeys{keys, func(name string) bool { return a.CA.IsResponder(name) }}, Base: a.app.pkiBase(), Replica: "answering", Log: a.app.o.Log,
	})
	if err != nil {
		return err
	}
	if err := a.CA.Load(ctx); err != nil {
		return err
	}
	a.Status = status.New(status.Config{DB: a.DB, CA: a.CA, Portals: &portal.Set{}, Log: a.app.o.Log})
	// The statement's address stands in certificates beside those of status. What was published is read, never written here.
	a.publication, err = publication.New(publication.Config{DB: a.DB, CA: a.CA, Base: a.app.pkiBase(), Terms: a.CA.Terms(), Trust: trust})
	return err
}

// Close closes what was opened.
func (a *Answering) Close() error { return a.app.Close() }

// warnOfKeys tells of key files that this process has no use for.
func (a *Answering) warnOfKeys() {
	if a.app.o.Settings.Keys.Library != "" {
		return
	}
	files, _ := filepath.Glob(filepath.Join(a.app.keysDir(), "signing", "*.key.json"))
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".key.json"); !strings.Contains(name, "-ocsp-") {
			a.app.o.Log.Warn("this process answers only; the file of another key is within its reach and should not be", "key", name)
		}
	}
}

// respondersKeys opens the keys of responders alone, and makes none.
type respondersKeys struct {
	ca.Keys
	may func(name string) bool
}

// Make refuses.
func (respondersKeys) Make(context.Context, string, issuance.Algorithm) (issuance.Signer, error) {
	return nil, errors.New("app: this process answers only, and makes no key")
}

// Destroy refuses.
func (respondersKeys) Destroy(context.Context, string) (bool, error) {
	return false, errors.New("app: this process answers only, and destroys no key")
}

// Open opens a responder's key.
func (k respondersKeys) Open(ctx context.Context, name string) (issuance.Signer, error) {
	if !k.may(name) {
		return nil, fmt.Errorf("app: this process answers only, and opens no key but a responder's: %s: %w", name, fs.ErrNotExist)
	}
	return k.Keys.Open(ctx, name)
}

// Ready says what keeps it from answering as it should; nil if nothing does.
func (a *Answering) Ready(context.Context) error { return a.CA.Fresh() }

// Module is the hardware module that holds the responders' keys; nil where they are in files.
func (a *Answering) Module() *hsm.Module { return a.app.Module }

// Run keeps the register up, and answers signed ahead, until ctx ends.
func (a *Answering) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loop := func(name string, run func(context.Context) error) {
		loops.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				a.app.o.Log.Error("a background loop ended", "loop", name, "error", err)
			}
		})
	}
	loop("register", a.CA.Feed)
	loop("answers", a.Status.Ahead)
	loop("memory", func(ctx context.Context) error { return boundGarbage(ctx, a.CA.Size) })
	if a.app.Module != nil {
		loop("keys", a.app.Module.Run)
	}
	<-ctx.Done()
	loops.Wait()
	return nil
}

// Handler answers below /pki/, and whether it lives and is ready.
func (a *Answering) Handler() http.Handler {
	pki := pkihttp.New(a.Status).Publish(a.publication)
	health := http.NewServeMux()
	a.health(health)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.EscapedPath(), "/pki/") { // no mux: base64 of a question may hold "//"
			pki.ServeHTTP(w, r)
			return
		}
		health.ServeHTTP(w, r)
	})
}

// Operations answers the operator's machines.
func (a *Answering) Operations() http.Handler {
	mux := http.NewServeMux()
	a.health(mux)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		if err := measureOwn(r.Context(), w, a.CA.Record, a.DB.Now()); err != nil {
			a.app.o.Log.ErrorContext(r.Context(), "metrics", "error", err)
		}
	})
	return mux
}

func (a *Answering) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.Ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
}
