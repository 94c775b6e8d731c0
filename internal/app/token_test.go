//go:build pkcs11

package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"chancela/internal/app"
	"chancela/internal/config"
	"chancela/internal/issuance/hsm/hsmtest"
)

// onToken are the settings of an instance whose keys are on a token.
func onToken(t *testing.T, k *hsmtest.Token, pin string) app.Options {
	t.Helper()
	s := config.Defaults()
	s.Server.Data = t.TempDir()
	s.Keys.Library, s.Keys.Token, s.Keys.PIN = k.Library, hsmtest.Label, pin
	return app.Options{Settings: s, Base: &url.URL{Scheme: "http", Host: "localhost:8080"}, Log: slog.New(slog.DiscardHandler)}
}

func opened(t *testing.T, o app.Options) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// keysLine is what the check verb says of the keys.
func keysLine(t *testing.T, a *app.App) app.Checked {
	t.Helper()
	for _, one := range a.Check(t.Context()) {
		if one.What == "keys" {
			return one
		}
	}
	t.Fatal("check says nothing of the keys")
	return app.Checked{}
}

func asked(t *testing.T, a *app.App, path string) string {
	t.Helper()
	w := httptest.NewRecorder()
	a.Operations().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Errorf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// until waits for what the program does by itself.
func until(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not happen within a minute")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestTokenThatIsAwayKeepsNobodyFromStartingAndIsTakenUpWhenItComes(t *testing.T) {
	k := hsmtest.New(t)
	back := k.Away(t)
	a := opened(t, onToken(t, k, hsmtest.PIN))
	if err := a.Ready(t.Context()); err != nil {
		t.Errorf("cases can be filed without keys: %v", err)
	}
	if one := keysLine(t, a); !one.Wrong {
		t.Errorf("check: %+v", one)
	}
	if says := asked(t, a, "/readyz"); !strings.Contains(says, "ready\nkeys: ") {
		t.Errorf("ready says %q", says)
	}
	if says := asked(t, a, "/metrics"); !strings.Contains(says, "chancela_keys_good 0\n") {
		t.Errorf("metrics say %q", says)
	}
	back()
	until(t, func() bool { return a.CA.Work(t.Context()) == nil })
	if one := keysLine(t, a); one.Wrong || !strings.Contains(one.Says, "keys sign") || strings.Contains(one.Says, " 0 keys") {
		t.Errorf("check: %+v", one)
	}
	if says := asked(t, a, "/readyz"); says != "ready\n" {
		t.Errorf("ready says %q", says)
	}
	if says := asked(t, a, "/metrics"); !strings.Contains(says, "chancela_keys_good 1\n") {
		t.Errorf("metrics say %q", says)
	}
}

func TestTokenThatRefusesThePINIsNotTriedByRestartsUntilItLocks(t *testing.T) {
	k := hsmtest.New(t)
	o := onToken(t, k, "0000-errado")
	a := opened(t, o)
	if one := keysLine(t, a); !one.Wrong || !strings.Contains(one.Says, "PIN") || strings.Contains(one.Says, "0000") {
		t.Errorf("check: %+v", one)
	}
	if !k.PINTried(t) {
		t.Error("the token has seen no wrong PIN: this test has nothing to look for")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	o.Beside = true
	if one := keysLine(t, opened(t, o)); !one.Wrong || !strings.Contains(one.Says, "does not try it") {
		t.Errorf("check beside a server: %+v", one)
	}
}

func TestTokenLibraryThatCannotBeLoadedIsToldByItsSetting(t *testing.T) {
	o := onToken(t, hsmtest.New(t), hsmtest.PIN)
	o.Settings.Keys.Library = "/nonexistent.so"
	if _, err := app.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "keys.pkcs11_library") || !strings.Contains(err.Error(), "/nonexistent.so") {
		t.Errorf("%v", err)
	}
}

// TestTokenBelongsToTheSignerAlone has the keys on a token of the signer's, which is taken away and put back while a
// process without keys serves.
func TestTokenBelongsToTheSignerAlone(t *testing.T) {
	k := hsmtest.New(t)
	serve, signs := apart(t)
	signs.Settings.Keys.Library, signs.Settings.Keys.Token, signs.Settings.Keys.PIN = k.Library, hsmtest.Label, hsmtest.PIN
	s, err := app.OpenSigner(t.Context(), signs)
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.ListenSigner(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); _ = s.RunSigner(ctx, l) }()
	defer func() { cancel(); <-done; _ = s.Close() }()
	a := opened(t, serve)
	if a.Module != nil || a.CA != nil {
		t.Error("the process that serves has a way to the token")
	}
	until(t, func() bool {
		_ = a.Record.Load(t.Context())
		one := line(t, a, "signer")
		return !one.Wrong && strings.Contains(one.Says, "keys of a hardware module sign")
	})
	back := k.Away(t)
	s.Module.Test(t.Context())
	if one := line(t, a, "signer"); !one.Wrong || !strings.Contains(one.Says, "the signer says") {
		t.Errorf("the token is away: %+v", one)
	}
	back()
	until(t, func() bool { s.Module.Test(t.Context()); return !line(t, a, "signer").Wrong })
	if k.PINTried(t) {
		t.Error("a wrong PIN was given on the way")
	}
}
