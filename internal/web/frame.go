package web

import (
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// frame is what stands around every page: whose it is, the menu, who is signed in, the footer.
func (v *visit) frame(title string) ui.Frame {
	f := ui.Frame{Title: title, Languages: ui.Switch(v.r.URL)}
	if !v.s.Notice.IsZero() {
		f.Evaluation = &ui.Evaluation{Text: v.s.Notice.In(v.lang)}
		if v.s.Mailbox != nil {
			f.Evaluation.Links = []ui.Link{{Text: v.say("web.mailbox"), Href: "/avaliacao"}}
		}
	}
	if v.portal == nil {
		f.Brand = ui.Brand{Name: v.say("web.name"), Body: v.say("web.purpose"), Mark: "C", Home: "/"}
		f.Footer.Links = []ui.Link{{Text: v.say("web.verify"), Href: "/verificar"}, {Text: v.say("web.pki"), Href: "/pki/"}}
		return f
	}
	v.dress(&f)
	return f
}

// dress gives a frame the portal's name, colours, menu and footer.
func (v *visit) dress(f *ui.Frame) {
	p := v.portal
	f.Brand = ui.Brand{
		Name: v.text(p.Title), Body: v.text(p.Body.Name), Subtitle: v.text(p.Subtitle), Mark: p.Look.Mark, Home: v.at(), Theme: v.s.themes[p.Name],
	}
	switch v.by.Kind {
	case actor.Officer:
		f.Menu = v.officerMenu()
	case actor.Person:
		f.Menu = v.personMenu()
	default:
		f.Menu = v.links(p.Menu)
	}
	f.Footer.Links = v.links(p.Footer)
	for _, c := range p.Contacts {
		if c.Kind == "address" || c.Kind == "phone" || c.Kind == "mail" {
			f.Footer.Lines = append(f.Footer.Lines, v.text(c.Value))
		}
	}
	f.Footer.Credit = v.text(p.Values["credits"])
	if v.by.SignedIn() {
		f.Person = &ui.Person{Name: v.name(), Acts: v.acts(), Account: ui.Link{Text: v.say("web.account"), Href: v.at("conta")}, SignOut: v.at("sair")}
		f.Session = &ui.Session{Left: v.session.IdleEnd().Sub(v.s.now()), Extend: v.at("sessao")}
	}
}

// now is the time by which pages say what is left.
func (s *Server) now() time.Time { return s.Clock() }

func (v *visit) links(items []portal.MenuItem) []ui.Link {
	links := make([]ui.Link, len(items))
	for i, item := range items {
		href := v.place(item.To)
		links[i] = ui.Link{Text: v.text(item.Label), Href: href, Current: href == v.r.URL.Path}
	}
	return links
}

// place turns a word of a menu into an address.
func (v *visit) place(to string) string {
	switch to {
	case "home":
		return v.at()
	case "access":
		return v.access()
	case "verify":
		return "/verificar"
	case "follow":
		return v.at("acompanhar")
	case "revoke":
		return v.at("revogar")
	case "minutas":
		return v.at("minutas", "")
	case "pki":
		return "/pki/"
	}
	return v.at(to)
}

// access is where NOVO ACESSO leads: the page that explains, if there is one, else the form.
func (v *visit) access() string {
	proc, ok := v.portal.Procedure(v.portal.Entry)
	if ok && proc.Page != "" {
		return v.at(proc.Page)
	}
	return v.at("novo", v.portal.Entry)
}

func (v *visit) personMenu() []ui.Link {
	return v.marked([]ui.Link{
		{Text: v.say("web.area"), Href: v.at("area")},
		{Text: v.say("web.cases"), Href: v.at("processos")},
		{Text: v.say("web.verify"), Href: "/verificar"},
		{Text: v.say("web.account"), Href: v.at("conta")},
	})
}

func (v *visit) officerMenu() []ui.Link {
	var links []ui.Link
	if v.by.MayIn(v.portal.Name, actor.SeeCases) == nil {
		links = append(links, ui.Link{Text: v.say("web.queue"), Href: v.at("tecnico", "")})
		if v.issues(ofCertificates) {
			links = append(links, ui.Link{Text: v.say("web.problems"), Href: v.at("tecnico", "comunicacoes")})
		}
	}
	if v.by.MayIn(v.portal.Name, actor.SeeCases) == nil && v.ends() {
		links = append(links, ui.Link{Text: v.say("web.bodies"), Href: v.at("tecnico", "entidades")})
	}
	if v.by.Holds(actor.Administrator) {
		links = append(links, ui.Link{Text: v.say("web.team"), Href: v.at("tecnico", "equipa")})
	}
	if v.by.Holds(actor.Administrator) || v.by.Holds(actor.Auditor) {
		links = append(links, ui.Link{Text: v.say("web.audit"), Href: v.at("tecnico", "auditoria")})
	}
	links = append(links, ui.Link{Text: v.say("web.account"), Href: v.at("conta")})
	return v.marked(links)
}

func (v *visit) marked(links []ui.Link) []ui.Link {
	for i, l := range links {
		links[i].Current = strings.TrimSuffix(l.Href, "/") == strings.TrimSuffix(v.r.URL.Path, "/")
	}
	return links
}

// home is the first link of a page's trail.
func (v *visit) trail(more ...ui.Link) []ui.Link {
	first := ui.Link{Text: v.say("web.home"), Href: "/"}
	if v.portal != nil {
		first.Href = v.at()
		if v.by.Kind == actor.Officer {
			first = ui.Link{Text: v.say("web.queue"), Href: v.at("tecnico", "")}
		}
	}
	return append([]ui.Link{first}, more...)
}
