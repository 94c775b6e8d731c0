package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/a-h/templ"

	"chancela/internal/fault"
	"chancela/internal/web/ui"
)

// Mailbox shows what an evaluation instance sent: nothing leaves it for real.
type Mailbox interface {
	// Letters are the latest mails, the newest first.
	Letters(most int) ([]Letter, error)
	// Letter is one of them; a fault NotFound if there is none of that name.
	Letter(file string) (Letter, error)
	// Texts are the latest SMS, the newest first.
	Texts(most int) ([]SMS, error)
}

// Letter is a mail as it was sent.
type Letter struct {
	File    string // its name, for its address
	At      time.Time
	From    string
	To      string
	Subject string
	Text    string
}

// SMS is a short message as it was sent.
type SMS struct {
	At   time.Time
	To   string
	Text string
}

// mostShown is how many letters the list shows.
const mostShown = 200

type mailboxPage struct {
	Frame   ui.Frame
	Letters ui.Table
	Texts   ui.Table
}

// mailbox lists the letters and short messages.
func (s *Server) mailbox(v *visit) error {
	if s.Mailbox == nil {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	letters, err := s.Mailbox.Letters(mostShown)
	if err != nil {
		return err
	}
	texts, err := s.Mailbox.Texts(mostShown)
	if err != nil {
		return err
	}
	p := mailboxPage{Frame: v.frame(v.say("web.mailbox"))}
	p.Frame.Lead, p.Frame.Trail = v.say("web.mailbox.lead"), v.trail()
	p.Letters = v.lettersTable(letters)
	p.Texts = v.textsTable(texts)
	return v.show(http.StatusOK, mailboxView(p))
}

func (v *visit) lettersTable(letters []Letter) ui.Table {
	t := ui.Table{
		Caption: v.say("web.mailbox.letters"), Quiet: true, Empty: v.say("web.mailbox.none"),
		Columns: []ui.Column{{Text: v.say("web.mailbox.subject")}, {Text: v.say("web.mailbox.to")}, {Text: v.say("web.mailbox.at")}},
	}
	for _, l := range letters {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{
			ui.A(ui.Link{Text: l.Subject, Href: "/avaliacao/" + l.File}), ui.Words(bare(l.To)), ui.Words(v.moment(l.At)),
		}})
	}
	return t
}

// bare is an address without the brackets that a header has around it.
func bare(address string) string { return strings.Trim(address, "<>") }

func (v *visit) textsTable(texts []SMS) ui.Table {
	t := ui.Table{
		Caption: v.say("web.mailbox.texts"), Quiet: true, Empty: v.say("web.mailbox.no-texts"),
		Columns: []ui.Column{{Text: v.say("web.mailbox.text")}, {Text: v.say("web.mailbox.to")}, {Text: v.say("web.mailbox.at")}},
	}
	for _, m := range texts {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{ui.Words(m.Text), ui.Words(m.To), ui.Words(v.moment(m.At))}})
	}
	return t
}

type letterPage struct {
	Frame ui.Frame
	Facts []ui.Fact
	Lines [][]span
}

// span is a run of a letter's text, a link if it has an address.
type span struct{ Text, Href string }

// letter shows one mail; its links lead on only within this place.
func (s *Server) letter(v *visit) error {
	if s.Mailbox == nil {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	l, err := s.Mailbox.Letter(v.r.PathValue("file"))
	if err != nil {
		return err
	}
	p := letterPage{Frame: v.frame(l.Subject), Facts: []ui.Fact{
		{Label: v.say("web.mailbox.from"), Text: l.From}, {Label: v.say("web.mailbox.to"), Text: bare(l.To)}, {Label: v.say("web.mailbox.at"), Text: v.moment(l.At)},
	}}
	p.Frame.Trail = v.trail(ui.Link{Text: v.say("web.mailbox"), Href: "/avaliacao"})
	for line := range strings.SplitSeq(l.Text, "\n") {
		p.Lines = append(p.Lines, s.spans(line))
	}
	return v.show(http.StatusOK, letterView(p))
}

var addresses = regexp.MustCompile(`https?://[^\s<>"«»]+[^\s<>"«».,;:!?)]`)

// spans finds the addresses of this host in a line; those of any other stay text.
func (s *Server) spans(line string) []span {
	var all []span
	for {
		at := addresses.FindStringIndex(line)
		if at == nil {
			return append(all, span{Text: line})
		}
		found := line[at[0]:at[1]]
		one := span{Text: found}
		if u, err := url.Parse(found); err == nil && u.Host == s.Base.Host && u.Scheme == s.Base.Scheme {
			one.Href = u.RequestURI()
		}
		all = append(all, span{Text: line[:at[0]]}, one)
		line = line[at[1]:]
	}
}
