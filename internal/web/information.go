package web

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"chancela/internal/fault"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// The slugs of pages that are shown in a way of their own.
const (
	firstPage    = "inicio"
	questionPage = "perguntas-frequentes"
	contactPage  = "contactos"
)

type informationPage struct {
	Frame     ui.Frame
	Text      templ.Component
	Questions []ui.Question
	Contacts  []ui.Fact
	Next      ui.Link // where the page leads: to the form that it explains
	Help      string  // above a minuta, for readers of English
}

// information shows a page of the portal's own.
func (s *Server) information(v *visit) error {
	p, ok := v.portal.Page(v.r.PathValue("page"))
	if !ok || p.Slug == firstPage {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	f := informationPage{Frame: v.frame(v.text(p.Title))}
	f.Frame.Trail = v.trail()
	body := v.text(p.Body)
	switch p.Slug {
	case questionPage:
		intro, questions := v.questions(body)
		f.Text, f.Questions = markdown(intro), questions
	case contactPage:
		f.Text, f.Contacts = markdown(body), v.contacts()
	default:
		f.Text = markdown(body)
	}
	for _, proc := range v.portal.Procedures {
		if proc.Page == p.Slug && proc.For == portal.ForVisitor {
			f.Next = ui.Link{Text: v.say("web.start"), Href: v.at("novo", proc.Key)}
		}
	}
	return v.show(http.StatusOK, informationView(f))
}

// questions splits a page at its second headings: each is a question with its answer.
func (v *visit) questions(body string) (intro string, all []ui.Question) {
	parts := strings.Split("\n"+body, "\n## ")
	for _, part := range parts[1:] {
		title, answer, _ := strings.Cut(part, "\n")
		all = append(all, ui.Question{Title: strings.TrimSpace(title), Answer: markdown(answer)})
	}
	return parts[0], all
}

func (v *visit) contacts() []ui.Fact {
	var facts []ui.Fact
	for _, c := range v.portal.Contacts {
		fact := ui.Fact{Label: v.text(c.Label), Text: v.text(c.Value)}
		if c.Link != "" {
			fact.Body = ui.A(ui.Link{Text: fact.Text, Href: c.Link, Outside: strings.HasPrefix(c.Link, "http")})
		}
		facts = append(facts, fact)
	}
	return facts
}

// writer turns Markdown into HTML; raw HTML in it is left out, as goldmark does unless told otherwise.
var writer = goldmark.New(goldmark.WithExtensions(extension.Table))

func markdown(text string) templ.Component {
	var out bytes.Buffer
	if err := writer.Convert([]byte(text), &out); err != nil {
		return templ.Raw("")
	}
	return templ.Raw(out.String())
}

// minutas lists the declaration forms.
func (s *Server) minutas(v *visit) error {
	f := minutasPage{Frame: v.frame(v.say("web.minutas"))}
	f.Frame.Trail = v.trail()
	for _, m := range v.portal.Minutas {
		f.Cards = append(f.Cards, ui.Card{Title: m.Title.In(v.lang), Text: helpOf(m, v), Kicker: strings.ToUpper(m.Slug), Link: ui.Link{Text: v.say("web.open"), Hidden: " " + m.Title.In(v.lang), Href: v.at("minutas", m.Slug)}})
	}
	return v.show(http.StatusOK, minutasView(f))
}

type minutasPage struct {
	Frame ui.Frame
	Cards []ui.Card
}

// helpOf is the English help beside a minuta: the declarations themselves are acts of the body, in Portuguese.
func helpOf(m portal.Page, v *visit) string {
	if v.lang == "en" {
		return strings.TrimSpace(v.text(portal.Text{PT: m.Body.EN, EN: m.Body.EN}))
	}
	return ""
}

// minuta shows a declaration form blank, to print or save.
func (s *Server) minuta(v *visit) error {
	for _, m := range v.portal.Minutas {
		if m.Slug == v.r.PathValue("code") {
			return v.showMinuta(m, nil)
		}
	}
	return fault.New(fault.NotFound, "fault.not-found")
}

// showMinuta shows a declaration with what is known filled in; the rest stands as […].
func (v *visit) showMinuta(m portal.Page, known func(string) string) error {
	f := informationPage{Frame: v.frame(m.Title.In(v.lang)), Help: helpOf(m, v)}
	f.Frame.Trail = v.trail(ui.Link{Text: v.say("web.minutas"), Href: v.at("minutas", "")})
	f.Text = markdown(filled(v.portal.Fill(portal.Text{PT: m.Body.PT, EN: m.Body.PT}, v.lang), known))
	return v.show(http.StatusOK, informationView(f))
}

// filled puts what is known in a declaration's {places}, and […] where nothing is.
func filled(text string, known func(string) string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return out.String()
		}
		value := ""
		if known != nil {
			value = known(name)
		}
		if value == "" {
			value = "\\[…\\]"
		}
		out.WriteString(escapeMarkdown(value))
		text = after
	}
}

// escapeMarkdown keeps what somebody typed from being read as Markdown.
func escapeMarkdown(s string) string {
	if s == "\\[…\\]" {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]()<>#+-.!|~&", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
