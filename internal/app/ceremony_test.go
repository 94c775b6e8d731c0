package app

import (
	"errors"
	"log/slog"
	"net/url"
	"testing"

	"chancela/internal/config"
)

// TestServeWithoutAHierarchySaysWhatToDo: outside evaluation nothing is founded by itself. A verb that has the room take
// one on opens it all the same.
func TestServeWithoutAHierarchySaysWhatToDo(t *testing.T) {
	s := config.Defaults()
	s.Server.Mode, s.Server.Data, s.Server.PKIURL, s.Keys.Passphrase = config.Production, t.TempDir(), "http://pki.exemplo.pt", "uma frase de ensaio qualquer"
	o := Options{Settings: s, Base: &url.URL{Scheme: "https", Host: "balcao.exemplo.pt"}, Log: slog.New(slog.DiscardHandler)}
	a := newApp(o)
	if err := a.openStores(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.openKeysRoom(t.Context()); !errors.Is(err, errNotFounded) {
		t.Errorf("%v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	beside, err := OpenKeys(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := beside.Close(); err != nil {
		t.Error(err)
	}
}
