// Package api is the documented interface for programs: what it answers stands in openapi.yaml, which it serves, and
// nothing else is answered.
//
// A program shows the token of a mandate, which an approved case gave, in the Authorization header, and nowhere else.
// A handler reads a bounded body, does one deed or look of a room below, and writes what came of it; refusals are
// problems (RFC 9457) in the asker's language. It must never ask a role, sign anything, log a token or a body, or know
// of a rule that the room below does not keep by itself. Start reading at [Handler.routes].
package api

import (
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Config is what the interface is wired to.
type Config struct {
	Certificates *certificate.Service
	Portals      *portal.Set
	// From gives the network that a request comes from, shortened; what wrong tokens are counted by.
	From func(*http.Request) string
	// Patience is how long a body may take to arrive; 10 seconds if zero.
	Patience time.Duration
	// Most is how many requests are worked on at once; who comes beyond is told to come again. 256 if zero.
	Most int
	Log  *slog.Logger
}

// Handler answers below /api/.
type Handler struct {
	c    Config
	mux  *http.ServeMux
	room chan struct{} // of requests that are worked on
}

// New makes the interface.
func New(c Config) (*Handler, error) {
	if c.Certificates == nil || c.From == nil {
		return nil, errors.New("api: not wired")
	}
	if c.Patience == 0 {
		c.Patience = 10 * time.Second
	}
	if c.Most == 0 {
		c.Most = 256
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	h := &Handler{c: c, mux: http.NewServeMux(), room: make(chan struct{}, c.Most)}
	for _, one := range h.routes() {
		h.mux.Handle(one.pattern, h.answered(one.answer))
	}
	h.mux.Handle("/api/", h.answered(h.nowhere))
	return h, nil
}

// route is one address.
type route struct {
	pattern string
	answer  func(*exchange) error
}

// routes is the whole map; openapi.yaml says the same, and a test holds the two together.
func (h *Handler) routes() []route {
	return []route{
		{"GET /api/openapi.yaml", h.openAPI},
		{"POST /api/v1/certificates", h.issue},
		{"POST /api/v1/certificates/dry-run", h.dryRun},
		{"GET /api/v1/certificates/{serial}", h.certificate},
		{"POST /api/v1/certificates/{serial}/revocation", h.revoke},
	}
}

// Routes lists every address as METHOD PATTERN.
func Routes() []string {
	var all []string
	for _, one := range new(Handler).routes() {
		all = append(all, one.pattern)
	}
	return all
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// exchange is one request with its answer.
type exchange struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	lang   i18n.Lang
	portal *portal.Portal // of the token; nil before it is known
}

func (h *Handler) answered(answer func(*exchange) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{h: h, w: w, r: r, lang: i18n.Pick(r.Header.Get("Accept-Language"))}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Vary", "Accept-Language, Authorization")
		select {
		case h.room <- struct{}{}:
			defer func() { <-h.room }()
		default:
			x.fail(&fault.Error{Kind: fault.Unavailable, Key: "api.busy", Retry: time.Second})
			return
		}
		if err := answer(x); err != nil {
			x.fail(err)
		}
	})
}

// bearer finds out whose token was shown. The token is read from the one header that is for it (RFC 6750 §2.1), and
// goes nowhere else.
func (x *exchange) bearer() (certificate.Bearer, error) {
	scheme, token, _ := strings.Cut(x.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return certificate.Bearer{}, errNoToken
	}
	b, err := x.h.c.Certificates.Admit(x.r.Context(), x.h.c.From(x.r), certificate.Token(strings.TrimSpace(token)))
	if err == nil {
		x.portal, _ = x.h.c.Portals.Portal(b.By.Portal)
	}
	return b, err
}

// errNoToken says that nobody showed who they are; it is told apart from a wrong token as RFC 6750 §3 asks.
var errNoToken = errors.New("api: no token")

// errSlow says that a body did not arrive in time.
var errSlow = errors.New("api: the body took too long")

// body reads a body of one of the media types, of at most so many bytes, that arrives in time.
func (x *exchange) body(most int64, media ...string) ([]byte, error) {
	got, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(media, got) {
		x.w.Header().Set("Accept-Post", strings.Join(media, ", "))
		return nil, errMedia
	}
	if x.r.ContentLength > most {
		return nil, &http.MaxBytesError{Limit: most}
	}
	control := http.NewResponseController(x.w)
	// A server that knows no deadlines (a test's) keeps its own.
	if err := control.SetReadDeadline(time.Now().Add(x.h.c.Patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	data, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, most))
	if err != nil {
		if timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err); ok && timeout.Timeout() {
			return nil, errSlow
		}
		return nil, err
	}
	return data, ignoreUnsupported(control.SetReadDeadline(time.Time{}))
}

func ignoreUnsupported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// errMedia says that a body is of a kind that the address does not take.
var errMedia = errors.New("api: media type")
