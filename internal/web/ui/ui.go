// Package ui is the face's foundation: the components of which every page is made, the stylesheet, the letters
// and the few small scripts.
//
// It follows the classes and tokens of the Ágora design system in plain HTML that works without script. It
// knows nothing of cases, portals' data or addresses: what a component shows arrives in its struct, already in
// the reader's language, and only the words that every page shares (words/ui.yaml) are looked up here. It must
// never hold a handler for a page, write an inline style or script, or let a caller put raw HTML in a struct.
//
// A page is a templ component around [Page] or [HomePage], turned into bytes by [Render], which also sets the
// language. Start reading at layout.templ, then form.templ; package gallery shows everything in every state.
package ui

import (
	"bytes"
	"context"
	"fmt"

	"github.com/a-h/templ"

	"chancela/internal/i18n"
)

type langKey struct{}

// Render turns a page into bytes in a language. Nothing is sent before all of it is known to be right.
func Render(ctx context.Context, lang i18n.Lang, page templ.Component) ([]byte, error) {
	var out bytes.Buffer
	if err := page.Render(context.WithValue(ctx, langKey{}, lang), &out); err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return out.Bytes(), nil
}

// Lang is the language that [Render] set; Portuguese where nobody set one.
func Lang(ctx context.Context) i18n.Lang {
	if lang, ok := ctx.Value(langKey{}).(i18n.Lang); ok {
		return lang
	}
	return i18n.PT
}

// Say gives a shared word in the page's language; pairs are placeholder, value, placeholder, value.
func Say(ctx context.Context, key string, pairs ...string) string {
	args := make(i18n.Args, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		args[pairs[i]] = pairs[i+1]
	}
	return i18n.Say(Lang(ctx), key, args)
}

// address keeps an address from being a script where templ does not look: it guards href and action alone.
func address(href string) string { return string(templ.URL(href)) }

// Tone says how good or bad the news is; its colour never says it alone.
type Tone string

// The tones.
const (
	Neutral Tone = "neutral"
	Info    Tone = "informative"
	Success Tone = "success"
	Warning Tone = "warning"
	Danger  Tone = "danger"
)

// orNeutral reads the zero Tone.
func (t Tone) orNeutral() Tone {
	if t == "" {
		return Neutral
	}
	return t
}

// icon is the sign that stands beside the tone's colour.
func (t Tone) icon() Icon {
	switch t {
	case Success:
		return IconCheck
	case Warning:
		return IconWarning
	case Danger:
		return IconDanger
	default:
		return IconInfo
	}
}

// Link is an address with its words.
type Link struct {
	Text    string
	Href    string
	Icon    Icon   // none when empty
	Hidden  string // said after Text to those who hear the page: «Alterar» + « denominação»
	Current bool   // this is where the reader is
	Outside bool   // leads to another site
	Save    bool   // a download
}

// IsZero says whether there is no link.
func (l Link) IsZero() bool { return l.Href == "" }
