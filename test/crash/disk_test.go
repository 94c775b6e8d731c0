package crash_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chancela/internal/durable/durabletest"
	"chancela/internal/tour"
	"chancela/portals"
)

// onAFailingDisk gives the program as a script that starts it where the syncs of a file fail.
func onAFailingDisk(t *testing.T, file string) string {
	t.Helper()
	var words []string
	for _, word := range durabletest.Failing(file, program) {
		words = append(words, "'"+word+"'")
	}
	path := filepath.Join(t.TempDir(), "chancela")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec "+strings.Join(words, " ")+` "$@"`+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// asks sends a request as a browser of this instance would, and gives status and body.
func (i *instance) asks(method, path string, form url.Values) (int, string) {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), method, i.child.Base.JoinPath(path).String(), strings.NewReader(form.Encode()))
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		i.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// TestADiskThatFailsToSyncEndsAllDeedsAndARestartGoesOn has the disk fail in the middle of the tour (F06): whoever wants
// something done is told that it is not, what is only read goes on, and after a restart everything that was said to be
// done is there.
func TestADiskThatFailsToSyncEndsAllDeedsAndARestartGoesOn(t *testing.T) {
	t.Parallel() // it mostly waits
	const before, after = 3, 2
	bad := filepath.Join(t.TempDir(), "bad")
	i := instanceOf(t, onAFailingDisk(t, filepath.Join(bad, "chancela.db-wal")), databaseURL)
	if err := i.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	scripts, err := tour.Scripts(portals.Files)
	if err != nil {
		t.Fatal(err)
	}
	p, home := i.players[0], "/"+scripts[0].Portal+"/"
	i.act("officers", func() error { return p.Staff(t.Context()) })
	for k := range before {
		i.act(p.Says(k), func() error { return p.Act(t.Context(), k) })
	}

	// The files are elsewhere now, and there the disk fails.
	if err := errors.Join(os.Rename(i.child.Data, bad), os.Symlink(bad, i.child.Data)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		status, page := i.asks(http.MethodPost, home+"recuperar", url.Values{"recuperar-endereco": {"ninguem@exemplo.pt"}, "recuperar-nipc": {""}})
		if status != http.StatusServiceUnavailable || !strings.Contains(page, "não está confirmado") {
			t.Errorf("a deed on a disk that fails: %d\n%s", status, page)
		}
	}
	for path, want := range map[string]int{"/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK, home: http.StatusOK, "/pki/": http.StatusOK} {
		if status, page := i.asks(http.MethodGet, path, nil); status != want {
			t.Errorf("%s on a disk that fails: %d, want %d\n%s", path, status, want, page)
		}
	}
	log, err := os.ReadFile(filepath.Join(filepath.Dir(i.child.Data), "server.log"))
	if err != nil || strings.Count(string(log), "until the program is started again") != 1 || strings.Contains(string(log), "producer") || strings.Contains(string(log), "ninguem") {
		t.Errorf("%v, log:\n%s", err, log)
	}
	if err := i.child.Stop(); err != nil {
		t.Errorf("it does not end well: %v", err)
	}

	// Another disk.
	if err := errors.Join(os.Remove(i.child.Data), os.Rename(bad, i.child.Data)); err != nil {
		t.Fatal(err)
	}
	if err := i.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for k := before; k < before+after; k++ {
		i.act(p.Says(k), func() error { return p.Act(t.Context(), k) })
	}
	i.sound(t.Context())
}
