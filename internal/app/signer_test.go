package app_test

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chancela/internal/app"
	"chancela/internal/config"
)

// apart are the settings of the two processes of an instance whose keys are a signer's.
func apart(t *testing.T) (serve, signs app.Options) {
	t.Helper()
	s := config.Defaults()
	s.Server.Data = t.TempDir()
	s.Database.URL = "sqlite:" + filepath.Join(s.Server.Data, "chancela.db")
	k := s
	var err error
	if k.Server.Data, err = os.MkdirTemp("", "k"); err != nil { // a socket's path has 107 bytes at most
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(k.Server.Data) })
	s.Keys.Signer = []string{"unix:" + filepath.Join(k.Server.Data, "signer.sock")}
	options := func(s config.Settings) app.Options {
		return app.Options{Settings: s, Base: &url.URL{Scheme: "http", Host: "localhost:8080"}, Log: slog.New(slog.DiscardHandler)}
	}
	return options(s), options(k)
}

// signing runs a signer until the function it gives is called.
func signing(t *testing.T, o app.Options) (stop func()) {
	t.Helper()
	a, err := app.OpenSigner(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.ListenSigner(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); _ = a.RunSigner(ctx, l) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-done
			_ = a.Close()
		}
	}
	t.Cleanup(stop)
	return stop
}

func line(t *testing.T, a *app.App, what string) app.Checked {
	t.Helper()
	for _, one := range a.Check(t.Context()) {
		if one.What == what {
			return one
		}
	}
	t.Fatalf("check says nothing of the %s", what)
	return app.Checked{}
}

func TestAProcessThatAsksASignerOpensBeforeThereIsOneAndChecksItsHealth(t *testing.T) {
	serve, signs := apart(t)
	a, err := app.Open(t.Context(), serve)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if one := line(t, a, "signer"); !one.Wrong || !strings.Contains(one.Says, "ca.signer-away") {
		t.Errorf("%+v", one)
	}
	stop := signing(t, signs)
	if err := a.Record.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if one := line(t, a, "signer"); one.Wrong || !strings.Contains(one.Says, "keys open") {
		t.Errorf("%+v", one)
	}
	for _, place := range []string{"signing", "passphrase"} {
		if _, err := os.Stat(filepath.Join(serve.Settings.Server.Data, "keys", place)); err == nil {
			t.Errorf("the process that serves has %s", place)
		}
	}
	stop()
	if one := line(t, a, "signer"); !one.Wrong {
		t.Errorf("%+v", one)
	}
}

func TestASignerOfAnotherInstanceIsTold(t *testing.T) {
	serve, signs := apart(t)
	signs.Base = &url.URL{Scheme: "http", Host: "localhost:9090"}
	signing(t, signs)
	a, err := app.Open(t.Context(), serve)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if one := line(t, a, "signer"); !one.Wrong || !strings.Contains(one.Says, "localhost:9090") {
		t.Errorf("another address: %+v", one)
	}
	serve, signs = apart(t)
	signs.Settings.Database.URL = "sqlite:" + filepath.Join(t.TempDir(), "chancela.db")
	signing(t, signs)
	b, err := app.Open(t.Context(), serve)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if one := line(t, b, "signer"); !one.Wrong || !strings.Contains(one.Says, "another record") {
		t.Errorf("another database: %+v", one)
	}
}

func TestKeysBesideASignerAndFoldersOfTwoAreRefused(t *testing.T) {
	serve, signs := apart(t)
	left := filepath.Join(serve.Settings.Server.Data, "keys", "signing")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Open(t.Context(), serve); err == nil || !strings.Contains(err.Error(), left) {
		t.Errorf("keys are there: %v", err)
	}
	signing(t, signs)
	if _, err := app.OpenSigner(t.Context(), signs); err == nil || !strings.Contains(err.Error(), "another signer") {
		t.Errorf("two of one folder: %v", err)
	}
	serve, signs = apart(t)
	a, err := app.Open(t.Context(), serve)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	signs.Settings.Server.Data = serve.Settings.Server.Data
	if _, err := app.OpenSigner(t.Context(), signs); err == nil || !strings.Contains(err.Error(), "its own") {
		t.Errorf("the folder of who serves: %v", err)
	}
}
