package web

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/web/ui"
)

type portalsPage struct {
	Frame ui.Frame
	Cards []ui.Card
}

// portals shows which portals this instance has.
func (s *Server) portals(v *visit) error {
	p := portalsPage{Frame: v.frame(v.say("web.name"))}
	p.Frame.Lead = v.say("web.purpose")
	for _, one := range s.Portals.Portals {
		p.Cards = append(p.Cards, ui.Card{
			Title: one.Title.In(v.lang), Text: one.Fill(one.Subtitle, v.lang), Kicker: one.Body.Short,
			Link: ui.Link{Text: v.say("web.open"), Hidden: " " + one.Title.In(v.lang), Href: "/" + one.Name + "/"},
		})
	}
	return v.show(http.StatusOK, portalsView(p))
}

type homePage struct {
	Frame ui.Frame
	Home  ui.Home
	Text  templ.Component
	Done  string // what was just done: a password defined, a session ended
}

// home is the portal's first page: its texts, and the sign-in card of the founding documents.
func (s *Server) home(v *visit) error {
	if v.by.Kind == actor.Officer {
		v.redirect(v.at("tecnico", ""))
		return nil
	}
	if v.by.Kind == actor.Person {
		v.redirect(v.at("area"))
		return nil
	}
	return v.showHome(http.StatusOK, "", "")
}

// done is what the address says was just done.
func (v *visit) done() string {
	for _, what := range []string{"definida", "saiu"} {
		if v.r.Method == http.MethodGet && v.r.URL.Query().Has(what) {
			return v.say("web.done." + what)
		}
	}
	return ""
}

// showHome shows the first page with what was typed as user, and one sentence if it did not do.
func (v *visit) showHome(status int, user, problem string) error {
	first, _ := v.portal.Page(firstPage)
	p := homePage{Frame: v.frame(v.text(first.Title)), Text: markdown(v.text(first.Body))}
	p.Frame.Kicker, p.Frame.Lead = v.portal.Body.Short, v.text(v.portal.Subtitle)
	p.Done = v.done()
	p.Frame.Failed = problem != ""
	p.Home.SignIn = v.signIn(user, problem)
	return v.show(status, homeView(p))
}

func (v *visit) signIn(user, problem string) ui.SignIn {
	words := v.portal.SignIn
	card := ui.SignIn{
		Title: v.text(words.Title), Action: v.at("entrar"), Problem: problem, Button: v.text(words.Enter),
		User:     ui.Input{Field: ui.Field{Name: userName, Label: v.text(words.User), Hint: v.text(words.UserHint)}, Value: user},
		Password: ui.Password{Field: ui.Field{Name: passwordName, Label: v.text(words.Password)}},
		New:      ui.Link{Text: v.text(words.NewAccess), Href: v.access()},
		Recover:  ui.Link{Text: v.text(words.Recover), Href: v.at("recuperar")},
		Later:    v.text(words.Note),
		Note:     v.text(words.Browsers),
	}
	if next := v.onwards(); next != "" {
		card.Next = ui.Hidden{Name: nextName, Value: next}
	}
	for _, slug := range []string{questionPage, "requisitos"} {
		if page, ok := v.portal.Page(slug); ok {
			card.Links = append(card.Links, ui.Link{Text: v.text(page.Title), Href: v.at(slug)})
		}
	}
	return card
}

// The names of the sign-in form's fields.
const (
	userName     = "utilizador"
	passwordName = "palavra-chave"
	nextName     = "seguinte" // where to go once signed in
)

// onwards is where the reader wants to go once signed in: a path within this portal, or "" (B11).
func (v *visit) onwards() string {
	next := v.sentAlong(nextName)
	if next == "" || local(next) != next || !strings.HasPrefix(next, v.at()) {
		return ""
	}
	return next
}

// health says that the program runs.
func (s *Server) health(v *visit) error {
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = v.w.Write([]byte("ok\n"))
	return nil
}

// ready says that the program can do its work.
func (s *Server) ready(v *visit) error {
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := s.Ready(v.r.Context()); err != nil {
		s.Log.Warn("not ready", "error", err)
		v.w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = v.w.Write([]byte("not ready\n"))
		return nil
	}
	_, _ = v.w.Write([]byte("ready\n"))
	return nil
}
