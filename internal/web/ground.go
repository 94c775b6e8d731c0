package web

import (
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// grounds lays out why something is done against somebody: codes of the portal's list, and the officer's own words.
// A code alone is never enough (CPA 152.º, 153.º).
type grounds struct {
	v     *visit
	told  told
	typed url.Values
	of    string // what the fields' names begin with: several such forms stand on one page
}

func (g grounds) name(part string) string { return g.of + "." + part }

// codes offers the reasons that may be used for this, as boxes to tick or as a choice of one.
func (g grounds) codes(why string, may func(portal.Reason) bool) ui.Choice {
	name := g.name("codes")
	c := ui.Choice{Field: g.told.field(name, g.v.say("web.reasons"), "")}
	for _, reason := range g.v.portal.Reasons {
		if reason.For == why && (may == nil || may(reason)) {
			c.Options = append(c.Options, ui.Option{
				Value: reason.Code, Text: reason.Code + ". " + g.v.text(reason.Text), Hint: reason.Law, Selected: slices.Contains(g.typed[name], reason.Code),
			})
		}
	}
	return c
}

// words is a box for the officer's own words.
func (g grounds) words(part, label, hint string, rows int) templ.Component {
	return ui.TextArea(ui.Area{Field: g.told.field(g.name(part), label, hint), Value: g.typed.Get(g.name(part)), Rows: rows})
}

// facts is the box for the facts of an unfavourable act, at least thirty characters of them.
func (g grounds) facts() templ.Component {
	return g.words("words", g.v.say("web.facts"), g.v.say("web.facts.hint"), 6)
}
