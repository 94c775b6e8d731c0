package web

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"chancela/internal/web/ui"
)

// contentPolicy lets a page load only what this host serves, and nothing written within it (OWASP ASVS 3.4.3).
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// staticRoute is the pattern of the face's own files.
const staticRoute = "GET " + ui.StaticPath

// guard does for every request what no page may forget: the host, the headers, the log, a last resort.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		seen := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				s.Log.Error("a page panicked", slog.String("panic", panicWords(p)), slog.String("stack", string(debug.Stack())))
				if seen.status == 0 {
					http.Error(seen, "500", http.StatusInternalServerError)
				}
			}
			if r.Pattern == staticRoute && seen.status < http.StatusBadRequest {
				return // a page brings a handful of these, and they say nothing that its own line does not
			}
			// The pattern, not the path: an address may hold a secret or a search.
			s.Log.Info("request", slog.String("method", known(r.Method)), slog.String("route", r.Pattern), slog.Int("status", seen.status), slog.Duration("took", time.Since(begin)))
		}()
		s.headers(seen.Header())
		if s.Handout.Origin != nil && strings.EqualFold(r.Host, s.Handout.Origin.Host) {
			s.handsOut(seen, r)
			return
		}
		if !s.hostIsOurs(seen, r) {
			return
		}
		next.ServeHTTP(seen, r)
	})
}

// panicWords is a panic as the log may hold it: the runtime's own words, or the type of a value that may hold anything.
func panicWords(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a %T", p)
}

// known is a method as the log may hold it: whoever asks chooses its letters and its length.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "other"
}

func (s *Server) headers(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if s.Base.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

// hostIsOurs refuses a request for a host that is not the configured one; a loopback address is led to the name.
func (s *Server) hostIsOurs(w http.ResponseWriter, r *http.Request) bool {
	if strings.EqualFold(r.Host, s.Base.Host) {
		return true
	}
	if name, _, err := net.SplitHostPort(r.Host); err == nil && s.Base.Hostname() == "localhost" && name == "127.0.0.1" && sameport(r.Host, s.Base.Host) {
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			return true
		}
		// A target that is no path ("x:@elsewhere/", "*") would make another host of ours.
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.HasPrefix(r.URL.RequestURI(), "/") {
			http.Redirect(w, r, s.Base.Scheme+"://"+s.Base.Host+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return false
		}
	}
	http.Error(w, "421 Misdirected Request", http.StatusMisdirectedRequest)
	return false
}

func sameport(a, b string) bool {
	_, one, err := net.SplitHostPort(a)
	_, two, err2 := net.SplitHostPort(b)
	return err == nil && err2 == nil && one == two
}

// recorder remembers the status that was sent.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader sends the status and remembers it.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write sends bytes; without a status before, it is 200.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
