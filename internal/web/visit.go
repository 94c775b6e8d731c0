package web

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/login"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// page answers one request; what it returns as an error becomes a page too.
type page func(v *visit) error

// visit is one request with what every page needs to know of it.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	s       *Server
	lang    i18n.Lang
	portal  *portal.Portal // nil outside portals
	by      actor.Actor
	session login.Session // zero for a visitor
	person  string        // name of whoever is signed in, once asked for
	body    io.Reader     // the request's, without the limit that a form sets
}

// The names of cookies. Over TLS they carry the __Host- prefix: no other host or path can set them.
const langCookie = "lang"

// visited makes a handler of a page: portal, language, who; then the page; then its error.
func (s *Server) visited(one route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{w: w, r: r, s: s, lang: langOf(r)}
		if s.switchLanguage(v) {
			return
		}
		if err := v.enterPortal(); err != nil {
			v.fail(err)
			return
		}
		if err := one.page(v); err != nil {
			v.fail(err)
		}
	})
}

// switchLanguage keeps the language that ?lang= asks for, and leads back to the address without it.
func (s *Server) switchLanguage(v *visit) bool {
	query := v.r.URL.Query()
	wanted := query.Get("lang")
	if wanted == "" || v.r.Method != http.MethodGet {
		return false
	}
	lang := i18n.PT
	if wanted == string(i18n.EN) {
		lang = i18n.EN
	}
	v.setCookie(langCookie, string(lang), 365*24*time.Hour)
	query.Del("lang")
	to := url.URL{Path: v.r.URL.Path, RawQuery: query.Encode()}
	v.redirect(to.String())
	return true
}

// enterPortal finds the portal of the address and who has come.
func (v *visit) enterPortal() error {
	name := v.r.PathValue("portal")
	if name == "" {
		v.by = actor.Nobody("")
		v.by.Address = v.source()
		return nil
	}
	p, ok := v.s.Portals.Portal(name)
	if !ok {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	v.portal, v.by = p, actor.Nobody(name)
	if secret := v.cookie(v.sessionCookie()); secret != "" {
		by, session, err := v.s.Login.Session(v.r.Context(), secret)
		switch {
		case err == nil && by.Portal == name:
			v.by, v.session = by, session
		case err != nil && !isRefusal(err):
			return err
		}
	}
	v.by.Address = v.source()
	if v.by.Kind == actor.Visitor {
		v.openCase()
	}
	return nil
}

// openCase lets a visitor see the one case whose link they hold.
func (v *visit) openCase() {
	kind, secret, ok := strings.Cut(v.cookie(v.caseCookie()), ".")
	if !ok {
		return
	}
	open := v.s.Cases.OpenDraft
	if kind == "follow" {
		open = v.s.Cases.OpenFollow
	}
	if id, err := open(v.r.Context(), v.portal.Name, secret); err == nil {
		v.by.Case, v.by.Strength = string(id), actor.ByLink
	}
}

func (v *visit) sessionCookie() string { return "s-" + v.portal.Name }
func (v *visit) caseCookie() string    { return "c-" + v.portal.Name }

// cookieName gives a cookie the prefix that keeps it to this host, where there is TLS to keep it.
func (s *Server) cookieName(name string) string {
	if s.Base.Scheme == "https" && name != langCookie {
		return "__Host-" + name
	}
	return name
}

func (v *visit) cookie(name string) string {
	c, err := v.r.Cookie(v.s.cookieName(name))
	if err != nil || len(c.Value) > 512 {
		return ""
	}
	return c.Value
}

func (v *visit) setCookie(name, value string, keep time.Duration) {
	c := &http.Cookie{
		Name: v.s.cookieName(name), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: v.s.Base.Scheme == "https", MaxAge: int(keep / time.Second),
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
}

// source is the network that the request comes from.
func (v *visit) source() string { return v.s.Source(v.r) }

// Source is the network that a request comes from: an address shortened, so that it names no single machine
// of a household. X-Forwarded-For counts only from a proxy that the configuration names.
func (s *Server) Source(r *http.Request) string {
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		addr := at.Addr().Unmap()
		if s.trusted(addr) {
			if last := lastForwarded(r.Header.Get("X-Forwarded-For")); last.IsValid() {
				addr = last
			}
		}
		bits := 24
		if addr.Is6() {
			bits = 56
		}
		if prefix, err := addr.Prefix(bits); err == nil {
			return prefix.String()
		}
	}
	return "unknown"
}

func (s *Server) trusted(addr netip.Addr) bool {
	for _, network := range s.Proxies {
		if prefix, err := netip.ParsePrefix(network); err == nil && prefix.Contains(addr) {
			return true
		}
	}
	return false
}

func lastForwarded(header string) netip.Addr {
	parts := strings.Split(header, ",")
	addr, err := netip.ParseAddr(strings.TrimSpace(parts[len(parts)-1]))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// say gives a message in the portal's words and the reader's language.
func (v *visit) say(key string, pairs ...string) string {
	args := fault.Pairs(pairs...)
	if v.portal == nil {
		return i18n.Say(v.lang, key, args)
	}
	return v.portal.Say(v.lang, key, args)
}

// text gives a definition's text in the reader's language, with the portal's values.
func (v *visit) text(t portal.Text) string {
	if v.portal == nil {
		return t.In(v.lang)
	}
	return v.portal.Fill(t, v.lang)
}

// stranger is whoever sends the request, with nothing known of them but where from: sign-in and recovery begin anew.
func (v *visit) stranger() actor.Actor {
	return actor.Actor{Kind: actor.Visitor, Portal: v.portal.Name, Address: v.by.Address}
}

// signedIn asks that a person or officer is signed in.
func (v *visit) signedIn() error {
	if !v.by.SignedIn() {
		return errSignIn
	}
	return nil
}

// holder asks that a person is signed in; what is theirs does not exist for officers.
func (v *visit) holder() error { return v.kind(actor.Person) }

// staff asks that an officer is signed in; to persons the officers' side does not exist.
func (v *visit) staff() error { return v.kind(actor.Officer) }

func (v *visit) kind(kind actor.Kind) error {
	if err := v.signedIn(); err != nil {
		return err
	}
	if v.by.Kind != kind {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	return nil
}

// at gives an address within the portal.
func (v *visit) at(parts ...string) string {
	return "/" + v.portal.Name + "/" + strings.Join(parts, "/")
}

// redirect leads on to a local address; what a POST did is shown by a GET.
func (v *visit) redirect(to string) {
	v.w.Header().Set("Cache-Control", "no-store")
	http.Redirect(v.w, v.r, local(to), http.StatusSeeOther)
}

// local keeps a redirect in this place: a path of ours, or the first page.
// "//", "/\", control characters and schemes lead elsewhere (B11).
func local(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsFunc(to, func(r rune) bool { return r < 0x21 || r == '\\' || r == 0x7f }) {
		return "/"
	}
	return to
}

// show sends a page.
func (v *visit) show(status int, content templ.Component) error {
	body, err := ui.Render(v.r.Context(), v.lang, content)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store, private")
	}
	h.Set("Content-Language", string(v.lang))
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(body) // the reader went away; there is nobody to tell
	}
	return nil
}
