package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// StaticPath is where [Static] is to be mounted.
const StaticPath = "/estatico/"

//go:embed static/*.css static/*.js static/*.woff2 static/*.svg
var embedded embed.FS

// asset is a file as it is sent: its name says its content, so that a browser may keep it for ever.
type asset struct {
	name   string // with the hash: "portal.1f0c2a….css"
	kind   string
	bytes  []byte
	zipped []byte // nil where packing gains nothing
}

// assets holds every file twice: by its plain name and by the name with its hash.
var assets = sync.OnceValue(func() map[string]*asset {
	all, err := pack(embedded)
	if err != nil {
		panic(err) // an embedded file cannot be read: the binary is broken
	}
	return all
})

// pack names files by their content. Style sheets come last, since they name the letters.
func pack(from fs.FS) (map[string]*asset, error) {
	all := map[string]*asset{}
	for _, pattern := range []string{"static/*.woff2", "static/*.svg", "static/*.js", "static/*.css"} {
		names, err := fs.Glob(from, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			data, err := fs.ReadFile(from, name)
			if err != nil {
				return nil, err
			}
			plain := path.Base(name)
			if path.Ext(plain) == ".css" {
				data = rename(data, all)
			}
			a, err := newAsset(plain, data)
			if err != nil {
				return nil, fmt.Errorf("pack %s: %w", name, err)
			}
			all[plain], all[a.name] = a, a
		}
	}
	return all, nil
}

// rename puts the names with hashes where a style sheet names a file.
func rename(css []byte, known map[string]*asset) []byte {
	for plain, a := range known {
		css = bytes.ReplaceAll(css, []byte(`url("`+plain+`")`), []byte(`url("`+a.name+`")`))
	}
	return css
}

func newAsset(plain string, data []byte) (*asset, error) {
	sum := sha256.Sum256(data)
	ext := path.Ext(plain)
	a := &asset{
		name:  strings.TrimSuffix(plain, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
		kind:  kinds[ext],
		bytes: data,
	}
	if ext == ".woff2" { // packed already
		return a, nil
	}
	var err error
	a.zipped, err = zip(data)
	return a, err
}

// kinds are the media types, by themselves: what the host's table says must not matter.
var kinds = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
}

func zip(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Href is the address of one of the face's own files, by its plain name. Naming a file that does not exist is a
// mistake of the programmer's and panics in the first test that shows the page.
func Href(plain string) string {
	a, ok := assets()[plain]
	if !ok {
		panic("ui: no such file: " + plain)
	}
	return StaticPath + a.name
}

// Static answers for the face's own files, from memory, under [StaticPath]. Only names with a hash are
// answered, and may be kept for ever; themes are computed from their name.
func Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, StaticPath)
		a := assets()[name]
		if a == nil || a.name != name {
			a = themeAsset(name)
		}
		if a == nil {
			http.NotFound(w, r)
			return
		}
		a.serve(w, r)
	})
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	body, tag := a.bytes, a.name
	if a.zipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body, tag = a.zipped, a.name+"-gz"
	}
	h.Set("ETag", `"`+tag+`"`)
	if none := r.Header.Get("If-None-Match"); none != "" && strings.Contains(none, `"`+tag+`"`) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the reader left; there is nobody to tell
	}
}

// acceptsGzip reads an Accept-Encoding; q=0 refuses.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q := strings.ReplaceAll(params, " ", "")
		return !strings.HasPrefix(q, "q=0") || strings.ContainsAny(strings.TrimPrefix(q, "q=0"), "123456789")
	}
	return false
}
