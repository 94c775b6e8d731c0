// Package pkihttp answers machines over plain HTTP: status by OCSP, revocation lists, issuers' certificates, time stamps.
//
// Its addresses stand in certificates, so they never redirect and never change. It looks at paths as they were sent:
// base64 of an OCSP request may hold "//", which a mux that cleans paths would spoil. It must never set a cookie, ask
// who somebody is (but for time stamps, where the instance gives them to callers of bodies alone), or read more of a request than an honest one has. Start reading at [Handler.ServeHTTP].
package pkihttp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chancela/internal/fault"
	"chancela/internal/publication"
	"chancela/internal/status"
)

// Handler answers below /pki/, in whatever mux or listener it is put, as long as that leaves the path alone.
type Handler struct {
	status      *status.Service
	publication *publication.Service // nil where nothing of it is published
	asked       Asked
	callers     Callers // nil where nobody is asked who they are
}

// New makes the handler of everything below /pki/.
func New(s *status.Service) *Handler { return &Handler{status: s} }

// Publish adds what the authority publishes of itself: practice statement, profiles, test certificates.
func (h *Handler) Publish(p *publication.Service) *Handler {
	h.publication = p
	return h
}

// The addresses; they stand in every certificate.
const (
	pathIssuers = "/pki/"
	pathHealth  = "/pki/saude"
	pathOCSP    = "/pki/ocsp"
	pathLists   = "/pki/crl/"
	pathIssuer  = "/pki/ca/"
	pathStamps  = "/pki/tsa"
)

// mostPath bounds a GET of OCSP: RFC 5019 §5 has clients use POST above 255 bytes, and honest ones stay near that.
const mostPath = 4096

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := sent(r)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case path == pathOCSP || strings.HasPrefix(path, pathOCSP+"/"):
		h.ocsp(w, r, strings.TrimPrefix(path, pathOCSP))
	case path == pathStamps:
		h.stamp(w, r)
	case !reads(r):
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
	case path == pathIssuers:
		h.issuers(w, r)
	case path == pathHealth:
		h.health(w, r)
	case strings.HasPrefix(path, pathLists):
		h.list(w, r, strings.TrimPrefix(path, pathLists))
	case strings.HasPrefix(path, pathIssuer):
		h.issuer(w, r, strings.TrimPrefix(path, pathIssuer))
	case h.publishes(w, r, path):
	default:
		http.NotFound(w, r)
	}
}

// sent is the path as it was sent: URL.Path has lost what was escaped, and base64's "/" cannot be told from "%2F" there.
func sent(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath() // the whole address was sent, as to a proxy
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// ocsp answers GET with the request in the path, and POST with it in the body (RFC 6960 appendix A.1). The answer is
// always 200: what is wrong is said in it.
func (h *Handler) ocsp(w http.ResponseWriter, r *http.Request, rest string) {
	switch {
	case r.Method == http.MethodPost && (rest == "" || rest == "/"):
		if der, ok := body(w, r, status.MostRequest); ok {
			h.answer(w, r, h.status.OCSP(r.Context(), der))
		}
	case reads(r) && len(rest) > mostPath:
		http.Error(w, http.StatusText(http.StatusRequestURITooLong), http.StatusRequestURITooLong)
	case reads(r):
		h.answer(w, r, h.status.OCSPPath(r.Context(), strings.TrimPrefix(rest, "/")))
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
	}
}

// answer sends an OCSP answer. Only one to a GET that says so may be kept by caches (RFC 5019 §6.2).
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, reply status.Reply) {
	header := w.Header()
	header.Set("Content-Type", "application/ocsp-response")
	if r.Method == http.MethodPost || reply.KeepFor <= 0 {
		header.Set("Cache-Control", "no-store")
	} else {
		now := h.status.Now().UTC()
		header.Set("Cache-Control", "max-age="+seconds(reply.KeepFor)+", public, no-transform, must-revalidate")
		header.Set("Date", now.Format(http.TimeFormat))
		header.Set("Last-Modified", reply.Produced.UTC().Format(http.TimeFormat))
		header.Set("Expires", now.Add(reply.KeepFor).Format(http.TimeFormat))
		tag := tagOf(reply.DER)
		header.Set("ETag", tag)
		if has(r.Header.Get("If-None-Match"), tag) {
			header.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.send(w, r, reply.DER)
}

// tagOf is the tag of an answer (RFC 5019 §6.2): a digest of its bytes.
func tagOf(der []byte) string {
	sum := sha256.Sum256(der)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// body reads no more of a request than an honest one has; where there is more, or it breaks off, that is answered.
func body(w http.ResponseWriter, r *http.Request, most int64) ([]byte, bool) {
	var data []byte
	var err error
	if n := r.ContentLength; n > 0 && n <= most { // as nearly always; the server reads no more than that
		data = make([]byte, n)
		_, err = io.ReadFull(r.Body, data)
	} else {
		data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	}
	code := http.StatusBadRequest
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		code = http.StatusRequestEntityTooLarge
	}
	if err != nil {
		http.Error(w, http.StatusText(code), code)
	}
	return data, err == nil
}

// list serves an issuer's revocation list whole (RFC 2585 §4.2).
func (h *Handler) list(w http.ResponseWriter, r *http.Request, name string) {
	issuer, ok := strings.CutSuffix(name, ".crl")
	if !ok {
		http.NotFound(w, r)
		return
	}
	f, err := h.status.List(r.Context(), issuer)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	// A cache may keep a list for an hour at most: revocations bring a new one at once.
	h.file(w, r, f, "application/pkix-crl", min(time.Hour, f.Until.Sub(h.status.Now())))
}

// issuer serves an authority's own certificate (RFC 2585 §4.1).
func (h *Handler) issuer(w http.ResponseWriter, r *http.Request, name string) {
	issuer, ok := strings.CutSuffix(name, ".cer")
	if !ok {
		http.NotFound(w, r)
		return
	}
	f, err := h.status.Certificate(r.Context(), issuer)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.file(w, r, f, "application/pkix-cert", 24*time.Hour)
}

// file serves bytes with their tag; whoever has them already is told so.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, f status.File, media string, keep time.Duration) {
	header := w.Header()
	header.Set("Content-Type", media)
	header.Set("ETag", f.ETag)
	header.Set("Last-Modified", f.Modified.UTC().Format(http.TimeFormat))
	header.Set("Cache-Control", "public, no-transform, max-age="+seconds(max(0, keep)))
	if !f.Until.IsZero() {
		header.Set("Expires", h.status.Now().Add(max(0, keep)).UTC().Format(http.TimeFormat))
	}
	if has(r.Header.Get("If-None-Match"), f.ETag) || r.Header.Get("If-None-Match") == "" && !newer(r, f.Modified) {
		header.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.send(w, r, f.DER)
}

// has says whether one of the tags sent is this one (RFC 9110 §13.1.2, weak comparison).
func has(sent, tag string) bool {
	for one := range strings.SplitSeq(sent, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}

// newer says whether the bytes are newer than those that whoever asks has; a time that cannot be read asks nothing.
func newer(r *http.Request, modified time.Time) bool {
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err != nil || modified.After(since)
}

// issuers lists the authorities as data. People get the page, which is the face's.
func (h *Handler) issuers(w http.ResponseWriter, r *http.Request) {
	all, err := h.status.Issuers(r.Context())
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	crosses, err := h.status.Crosses(r.Context())
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	said := struct {
		Issuers []status.Issuer `json:"issuers"`
		Crosses []status.Cross  `json:"cross_certificates"`
		Stamps  *status.Item    `json:"stamps,omitempty"` // the unit in force, and where to ask
	}{Issuers: all, Crosses: crosses}
	unit, there, err := h.status.Unit(r.Context())
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if there {
		said.Stamps = &unit
	}
	body, err := json.Marshal(said)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Vary", "Accept")
	w.Header().Set("Cache-Control", "no-cache")
	h.send(w, r, body)
}

// health says how what answers stands, as data. People get the page, which is the face's.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	now, err := h.status.Health(r.Context())
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	body, err := json.Marshal(now)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Vary", "Accept")
	w.Header().Set("Cache-Control", "no-cache")
	h.send(w, r, body)
}

func (h *Handler) send(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // whoever went away has no use for an error
	}
}

// refuse says what cannot be served, to machines: a status and a line.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	code := http.StatusInternalServerError
	switch {
	case fault.Is(err, fault.NotFound):
		code = http.StatusNotFound
	case fault.Is(err, fault.Unavailable):
		code = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "60")
	default:
		slog.ErrorContext(r.Context(), "pkihttp: cannot serve", "error", err) // not the path: it is the asker's own words
	}
	http.Error(w, fmt.Sprintf("%d %s", code, http.StatusText(code)), code)
}
