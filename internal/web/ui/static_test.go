package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func get(t *testing.T, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Static().ServeHTTP(w, r)
	return w.Result()
}

func TestFilesAreKeptForEverUnderANameThatSaysTheirContent(t *testing.T) {
	for _, plain := range []string{"portal.css", "session.js", "mark.svg", "noto-sans-600.woff2"} {
		answer := get(t, Href(plain))
		if answer.StatusCode != http.StatusOK || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %s", plain, answer.StatusCode, answer.Header.Get("Cache-Control"))
		}
		if answer.Header.Get("Content-Type") == "" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: its kind is not said", plain)
		}
		if again := get(t, Href(plain), "If-None-Match", answer.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: sent twice", plain)
		}
	}
}

func TestFilesComePackedToWhoCanUnpack(t *testing.T) {
	plain, err := io.ReadAll(get(t, Href("portal.css")).Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := get(t, Href("portal.css"), "Accept-Encoding", "br, gzip;q=0.8")
	if answer.Header.Get("Content-Encoding") != "gzip" || answer.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatal("not packed")
	}
	unpacker, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, err := io.ReadAll(unpacker); err != nil || !bytes.Equal(unpacked, plain) {
		t.Errorf("unpacks to something else: %v", err)
	}
	for _, refuses := range []string{"", "br", "gzip;q=0", "gzip; q=0.0"} {
		if got := get(t, Href("portal.css"), "Accept-Encoding", refuses).Header.Get("Content-Encoding"); got != "" {
			t.Errorf("%q got %s", refuses, got)
		}
	}
}

func TestOnlyTheFacesOwnFilesAreServed(t *testing.T) {
	theme, err := NewTheme("#00693e")
	if err != nil {
		t.Fatal(err)
	}
	if answer := get(t, theme.Href()); answer.StatusCode != http.StatusOK {
		t.Errorf("theme: %d", answer.StatusCode)
	}
	for _, name := range []string{"", "portal.css", "../ui.go", "portal.000000000000.css", "tema-00693e.css", "tema-00693e-002b1a.000000000000.css", "tema-ffff00-000000.000000000000.css", "tema-"} {
		if answer := get(t, StaticPath+name); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %d", name, answer.StatusCode)
		}
	}
	w := httptest.NewRecorder()
	Static().ServeHTTP(w, httptest.NewRequest(http.MethodPost, Href("portal.css"), nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestScriptsAreSmallAndMakeNoMarkup(t *testing.T) {
	for plain, most := range map[string]int{"autosave.js": 4096, "password.js": 4096, "session.js": 4096, "key.js": 24_576} {
		source := string(assets()[plain].bytes)
		if len(source) > most {
			t.Errorf("%s: %d bytes", plain, len(source))
		}
		for _, never := range []string{"innerHTML", "eval(", "document.write", "localStorage", "http:", "https:"} {
			if strings.Contains(source, never) {
				t.Errorf("%s: %s", plain, never)
			}
		}
	}
}

// What holds a private key asks nobody for anything, and says of an error no more than its name.
func TestTheScriptOfKeysSendsNothing(t *testing.T) {
	source := string(assets()["key.js"].bytes)
	for _, never := range []string{"fetch", "XMLHttpRequest", "sendBeacon", "WebSocket", "EventSource", "import(", "postMessage", "sessionStorage", "indexedDB", "document.cookie", "exportKey(\"pkcs8\"", "exportKey(\"jwk\"", ".submit("} {
		if strings.Contains(source, never) {
			t.Errorf("key.js: %s", never)
		}
	}
}

func FuzzThemeNames(f *testing.F) {
	theme, err := NewTheme("#00693e")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(strings.TrimPrefix(theme.Href(), StaticPath))
	f.Add("tema-00693e-002b1a.000000000000.css")
	f.Add("")
	f.Fuzz(func(t *testing.T, name string) {
		if a := themeAsset(name); a != nil && (a.name != name || len(a.bytes) > 1024) {
			t.Errorf("%q gave %s", name, a.name)
		}
	})
}
