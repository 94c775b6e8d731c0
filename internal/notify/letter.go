package notify

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"chancela/internal/i18n"
)

// Letter is a mail that is about to leave: its secrets stand in it.
type Letter struct {
	ID       string    // of the delivery: the same at every try
	At       time.Time // when it was queued
	FromName string
	To       string
	ReplyTo  string
	Lang     i18n.Lang
	Subject  string
	Text     string

	links []string // the secrets among its words; those that are addresses become links
}

// Text is an SMS that is about to leave.
type Text struct {
	ID   string
	At   time.Time
	To   string
	Text string
}

// From is who mail comes from.
type From struct {
	Address string
	// Origins are the addresses of this instance, such as https://portal.example.pt: only what begins with one of
	// them becomes a link, so that nobody's typed name can make our mail point elsewhere.
	Origins []string
}

// message builds the mail: plain text, and the same words as simple HTML.
func (f From) message(l Letter) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.FromFormat(l.FromName, f.Address); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if err := m.To(l.To); err != nil {
		return nil, &Failure{Word: malformed, ForGood: true}
	}
	if l.ReplyTo != "" {
		if err := m.ReplyTo(l.ReplyTo); err != nil {
			return nil, &Failure{Word: malformed, ForGood: true}
		}
	}
	m.Subject(l.Subject)
	m.SetDateWithValue(l.At)
	// The same at every try, so that a copy sent twice is recognised as one.
	m.SetMessageIDWithValue(l.ID + "@" + domain(f.Address))
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, 5: no answer by machines
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetGenHeader(gomail.HeaderContentLang, string(l.Lang))
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, f.html(l))
	return m, nil
}

func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

var address = regexp.MustCompile(`https?://[^\s<>"'«»]+`)

// html says the same words in simple HTML: paragraphs, line breaks, links; nothing is fetched from anywhere.
func (f From) html(l Letter) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head><meta charset=\"utf-8\"><title>%s</title></head>\n"+
		"<body style=\"font-family:'Noto Sans',Arial,sans-serif;font-size:16px;line-height:1.5;color:#2b363c;max-width:40em\">\n",
		html.EscapeString(string(l.Lang)), html.EscapeString(l.Subject))
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(l.Text, "\r\n", "\n"), "\n\n") {
		if paragraph = strings.Trim(paragraph, "\n"); paragraph != "" {
			b.WriteString("<p>" + strings.ReplaceAll(f.linked(l, paragraph), "\n", "<br>\n") + "</p>\n")
		}
	}
	b.WriteString("</body>\n</html>\n")
	return b.String()
}

// linked escapes a paragraph and makes links of our own addresses in it.
func (f From) linked(l Letter, text string) string {
	var b strings.Builder
	at := 0
	for _, found := range address.FindAllStringIndex(text, -1) {
		where := strings.TrimRight(text[found[0]:found[1]], ".,;:!?)]")
		if !f.ours(l, where) {
			continue
		}
		b.WriteString(html.EscapeString(text[at:found[0]]))
		escaped := html.EscapeString(where)
		b.WriteString(`<a href="` + escaped + `">` + escaped + `</a>`)
		at = found[0] + len(where)
	}
	b.WriteString(html.EscapeString(text[at:]))
	return b.String()
}

func (f From) ours(l Letter, where string) bool {
	if slices.Contains(l.links, where) {
		return true
	}
	return slices.ContainsFunc(f.Origins, func(origin string) bool {
		return where == origin || strings.HasPrefix(where, strings.TrimSuffix(origin, "/")+"/")
	})
}
