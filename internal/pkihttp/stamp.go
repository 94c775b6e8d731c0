package pkihttp

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"strconv"

	"chancela/internal/fault"
	"chancela/internal/status"
)

// Callers knows the programs that may ask for time stamps; package caller does.
type Callers interface {
	// Admit lets a program ask once more. NotFound is a wrong name or secret, Forbidden one whose right has ended.
	Admit(ctx context.Context, user, secret string) error
}

// Asked is who may ask for time stamps at an address.
type Asked string

// Who may ask.
const (
	ByAll     Asked = "all"     // anybody; whoever names themselves is counted
	ByCallers Asked = "callers" // programs of bodies, by name and secret
	InClear   Asked = "clear"   // as ByCallers, at an address without TLS: nobody is to send a secret there
)

// Stamps has time stamps asked for by the callers of bodies: HTTP Basic (RFC 7617), which every client of RFC 3161 over
// HTTP can be told. Without it whoever reaches the address is answered as [status.Service.Stamp] does.
func (h *Handler) Stamps(by Asked, callers Callers) *Handler {
	h.asked, h.callers = by, callers
	return h
}

// stamp answers a time-stamp request in the body of a POST (RFC 3161 §3.4). What is wrong with the request itself is
// said in the answer, with 200; who asks without right gets a status of HTTP, since RFC 3161 has no refusal for it.
func (h *Handler) stamp(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	case err != nil || media != "application/timestamp-query":
		w.Header().Set("Accept-Post", "application/timestamp-query")
		http.Error(w, http.StatusText(http.StatusUnsupportedMediaType), http.StatusUnsupportedMediaType)
		return
	case !h.admitted(w, r):
		return
	}
	der, ok := body(w, r, status.MostStampRequest)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	h.send(w, r, h.status.Stamp(r.Context(), der))
}

// admitted says whether whoever asks may; if not, it has told them.
func (h *Handler) admitted(w http.ResponseWriter, r *http.Request) bool {
	user, secret, named := r.BasicAuth()
	anonymous := r.Header.Get("Authorization") == ""
	switch {
	case h.callers == nil || h.asked == ByAll && anonymous:
		return true
	case h.asked == InClear:
		http.Error(w, "403 time stamps are asked for with a name and a secret, over https alone", http.StatusForbidden)
		return false
	case !named:
		challenge(w)
		return false
	}
	err := h.callers.Admit(r.Context(), user, secret)
	told, _ := fault.As(err)
	switch {
	case err == nil:
		return true
	case fault.Is(err, fault.NotFound):
		challenge(w)
	case fault.Is(err, fault.Forbidden):
		http.Error(w, "403 the right behind this name has ended", http.StatusForbidden)
	case fault.Is(err, fault.Throttled):
		w.Header().Set("Retry-After", strconv.FormatInt(int64(math.Ceil(told.Retry.Seconds())), 10))
		http.Error(w, "429 as often as this name may ask", http.StatusTooManyRequests)
	case errors.Is(err, context.Canceled):
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	default:
		slog.ErrorContext(r.Context(), "pkihttp: who asks for a time stamp cannot be looked up", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
	return false
}

// challenge asks for a name and a secret; it is the same for those that are missing, wrong and ended.
func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="time stamps", charset="UTF-8"`)
	http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
}
