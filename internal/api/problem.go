package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"

	"chancela/internal/fault"
	"chancela/internal/i18n"
)

// problem is a refusal as RFC 9457 writes it. Code is stable and for programs; title and detail are for people.
type problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail"`
	Code   string  `json:"code"`
	Errors []wrong `json:"errors,omitempty"`
}

// wrong is one of several things that are wrong with what was sent.
type wrong struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// statusOf is the status of each kind of refusal.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Expired:
		return http.StatusGone
	case fault.Throttled:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Malformed:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// say gives a message in the words of the token's portal, where there is one.
func (x *exchange) say(key string, args fault.Args) string {
	if x.portal != nil {
		return x.portal.Say(x.lang, key, args)
	}
	return i18n.Say(x.lang, key, args)
}

// fail answers with what went wrong.
func (x *exchange) fail(err error) {
	large, isLarge := errors.AsType[*http.MaxBytesError](err)
	refused, isRefusal := fault.As(err)
	switch {
	case errors.Is(err, errNoToken):
		x.w.Header().Set("WWW-Authenticate", `Bearer realm="api"`)
		x.refuse(http.StatusUnauthorized, "api.no-token", nil, nil)
	case isRefusal && refused.Key == "certificate.token-unknown":
		x.w.Header().Set("WWW-Authenticate", `Bearer realm="api", error="invalid_token"`) // RFC 6750 §3.1
		x.refuse(http.StatusUnauthorized, refused.Key, nil, nil)
	case errors.Is(err, errMedia):
		x.refuse(http.StatusUnsupportedMediaType, "api.media", fault.Pairs("types", x.w.Header().Get("Accept-Post")), nil)
	case errors.Is(err, errSlow):
		x.w.Header().Set("Connection", "close")
		x.refuse(http.StatusRequestTimeout, "api.slow", nil, nil)
	case isLarge:
		x.w.Header().Set("Connection", "close")
		x.refuse(http.StatusRequestEntityTooLarge, "api.too-large", fault.Pairs("max", strconv.FormatInt(large.Limit, 10)), nil)
	case errors.Is(err, io.ErrUnexpectedEOF), x.r.Context().Err() != nil && !isRefusal: // whoever asked may have gone
		x.refuse(http.StatusBadRequest, "api.cut-off", nil, nil)
	case isRefusal:
		x.refusal(refused)
	default:
		ref := strings.ToUpper(rand.Text()[:10])
		x.h.c.Log.Error("a fault of ours", slog.String("ref", ref), slog.String("path", x.r.Pattern), slog.Any("error", err))
		x.refuse(http.StatusInternalServerError, "fault.ours", fault.Pairs("ref", ref), nil)
	}
}

func (x *exchange) refusal(e *fault.Error) {
	if e.Retry > 0 {
		x.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.Retry.Seconds()))))
	}
	var all []wrong
	for _, f := range e.Fields {
		all = append(all, wrong{Field: f.Name, Code: f.Key, Detail: x.say(f.Key, f.Args)})
	}
	x.refuse(statusOf(e.Kind), e.Key, e.Args, all)
}

func (x *exchange) refuse(status int, code string, args fault.Args, all []wrong) {
	p := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: x.say(code, args), Code: code, Errors: all}
	body, err := json.Marshal(p)
	if err != nil { // texts and numbers cannot fail to be written
		body = []byte(`{}`)
	}
	x.w.Header().Set("Content-Language", string(x.lang))
	x.send(status, "application/problem+json", body)
}

func (x *exchange) send(status int, media string, body []byte) {
	x.w.Header().Set("Content-Type", media)
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // whoever went away has no use for an error
}

func (x *exchange) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	x.send(status, "application/json", body)
	return nil
}

// nowhere answers what no route has, and what a route has for another method only.
func (h *Handler) nowhere(x *exchange) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if _, pattern := h.mux.Handler(&http.Request{Method: method, URL: x.r.URL, Host: x.r.Host}); pattern != "/api/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	x.w.Header().Set("Allow", strings.Join(allowed, ", "))
	x.refuse(http.StatusMethodNotAllowed, "api.method", nil, nil)
	return nil
}
