package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/fault"
	"chancela/internal/web/ui"
)

func isRefusal(err error) bool {
	_, ok := fault.As(err)
	return ok
}

// statusOf is the one place that knows which status a kind of refusal has.
var statusOf = map[fault.Kind]int{
	fault.Invalid: http.StatusUnprocessableEntity, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Expired: http.StatusGone, fault.Throttled: http.StatusTooManyRequests,
	fault.Unavailable: http.StatusServiceUnavailable, fault.TooLarge: http.StatusRequestEntityTooLarge,
	fault.Malformed: http.StatusBadRequest,
}

// fail turns an error into a page, or a problem document (RFC 9457) for machines.
func (v *visit) fail(err error) {
	if v.portal != nil && v.led(err) {
		return
	}
	if v.r.Context().Err() != nil { // the reader went away: there is nobody to tell, and nothing for a person to look at
		v.s.Log.Info("the reader went away", slog.String("path", v.r.Pattern), slog.Any("error", err))
		return
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		v.drain()
	}
	status, title, text := v.explain(err)
	if e, ok := fault.As(err); ok {
		v.retry(e)
	}
	v.refuse(status, title, text)
}

// refuse shows why there is no page.
func (v *visit) refuse(status int, title, text string) {
	if v.wantsJSON() {
		v.problem(status, title, text)
		return
	}
	p := refusal{Frame: v.frame(title), Text: text, Home: ui.Link{Text: v.say("web.home"), Href: "/"}}
	if v.portal != nil {
		p.Home.Href = v.at()
	}
	if err := v.show(status, refusalView(p)); err != nil {
		v.s.Log.Error("an error's page could not be shown", slog.Any("error", err))
		http.Error(v.w, text, http.StatusInternalServerError)
	}
}

// retry says when to come again.
func (v *visit) retry(e *fault.Error) {
	if e.Retry > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.Retry.Seconds()))))
	}
}

func minutes(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Minutes()))) }

type refusal struct {
	Frame ui.Frame
	Text  string
	Home  ui.Link
}

// explain gives status, title and text of an error. A fault of ours shows a reference that the log has.
func (v *visit) explain(err error) (status int, title, text string) {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = fault.New(fault.TooLarge, "fault.too-large", "max", strconv.FormatInt(large.Limit>>20, 10))
	}
	e, ok := fault.As(err)
	if !ok {
		ref := strings.ToUpper(rand.Text()[:10])
		v.s.Log.Error("a fault of ours", slog.String("ref", ref), slog.String("path", v.r.Pattern), slog.Any("error", err))
		return http.StatusInternalServerError, v.say("web.error.ours"), v.say("fault.ours", "ref", ref)
	}
	args := fault.Args{}
	for name, value := range e.Args {
		args[name] = value
	}
	if e.Retry > 0 {
		args["min"] = minutes(e.Retry)
	}
	text = v.say(e.Key)
	for name, value := range args {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return statusOf[e.Kind], v.say("web.error." + string(e.Kind)), text
}

func (v *visit) wantsJSON() bool {
	return strings.Contains(v.r.Header.Get("Accept"), "application/json") || strings.Contains(v.r.Header.Get("Accept"), "application/problem+json")
}

func (v *visit) problem(status int, title, text string) {
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", title, status, text})
	if err != nil {
		body = []byte(`{}`)
	}
	v.w.Header().Set("Content-Type", "application/problem+json")
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(body)
}

// nowhere answers what no route has, and what a route has for another method only.
func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	v := &visit{w: w, r: r, s: s, lang: langOf(r)}
	if p, ok := s.Portals.Portal(strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 2)[0]); ok {
		v.portal = p
	}
	if allowed := v.allowed(); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		v.refuse(http.StatusMethodNotAllowed, v.say("web.error.method"), v.say("web.error.method.text"))
		return
	}
	v.fail(fault.New(fault.NotFound, "fault.not-found"))
}

// allowed are the methods that the address knows (RFC 9110, 15.5.6).
func (v *visit) allowed() []string {
	on := v.s.outside
	if v.portal != nil {
		on = v.s.within
	}
	var all []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if _, pattern := on.Handler(&http.Request{Method: method, URL: v.r.URL, Host: v.r.Host}); pattern != "/" && pattern != "" {
			all = append(all, method)
		}
	}
	if len(all) > 0 && all[0] == http.MethodGet {
		all = slices.Insert(all, 1, http.MethodHead)
	}
	return all
}
