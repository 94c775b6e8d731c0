package ui_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"chancela/internal/web/ui"
)

// mistakes reads a page as a strict reader would and lists what is wrong with it.
func mistakes(page string) []string {
	r := &reader{ids: map[string]int{}, z: html.NewTokenizer(strings.NewReader(page))}
	for {
		kind := r.z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(r.z.Err(), io.EOF) {
				r.wrong("cannot be read: %v", r.z.Err())
			}
			return r.end()
		}
		tok := r.z.Token()
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			r.open(tok)
		case html.EndTagToken:
			r.close(tok.Data)
		}
	}
}

type reader struct {
	z        *html.Tokenizer
	stack    []string
	ids      map[string]int
	refs     []string // ids that something points at
	controls []string // ids of controls that need a label
	labels   []string // ids that a label points at
	h1       int
	level    int
	found    []string
}

func (r *reader) wrong(format string, args ...any) {
	r.found = append(r.found, fmt.Sprintf(format, args...))
}

var void = strings.Fields("area base br col embed hr img input link meta source track wbr")

// blocks may not stand in a paragraph: the browser would end it.
var blocks = strings.Fields("p div ul ol dl section nav table form fieldset h1 h2 h3 pre details article aside header footer main")

func (r *reader) open(tok html.Token) {
	name := tok.Data
	if slices.Contains(blocks, name) && slices.Contains(r.stack, "p") {
		r.wrong("<%s> in <p>", name)
	}
	if (name == "a" || name == "button") && (slices.Contains(r.stack, "a") || slices.Contains(r.stack, "button")) {
		r.wrong("<%s> in a link or button", name)
	}
	if name == "li" && !slices.Contains([]string{"ul", "ol"}, r.parent()) {
		r.wrong("<li> in <%s>", r.parent())
	}
	if len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' {
		r.heading(int(name[1] - '0'))
	}
	r.attributes(tok)
	if !slices.Contains(void, name) {
		r.stack = append(r.stack, name)
	}
}

func (r *reader) parent() string {
	if len(r.stack) == 0 {
		return ""
	}
	return r.stack[len(r.stack)-1]
}

func (r *reader) heading(level int) {
	if level == 1 {
		r.h1++
	}
	if level > r.level+1 {
		r.wrong("h%d after h%d", level, r.level)
	}
	r.level = level
}

func (r *reader) attributes(tok html.Token) {
	got := map[string]string{}
	for _, a := range tok.Attr {
		got[a.Key] = a.Val
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			r.wrong("<%s %s>: the policy forbids it", tok.Data, a.Key)
		case strings.HasPrefix(a.Key, "aria-") && a.Val == "":
			r.wrong("<%s %s> says nothing: ARIA states are strings", tok.Data, a.Key)
		case strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") && a.Key != "value":
			r.wrong("<%s %s=%q>", tok.Data, a.Key, a.Val)
		case a.Key == "id":
			r.ids[a.Val]++
		case a.Key == "aria-describedby" || a.Key == "aria-labelledby" || a.Key == "aria-controls":
			r.refs = append(r.refs, strings.Fields(a.Val)...)
		case a.Key == "href" && strings.HasPrefix(a.Val, "#") && a.Val != "#":
			r.refs = append(r.refs, a.Val[1:])
		case a.Key == "for":
			r.labels = append(r.labels, a.Val)
		}
	}
	switch tok.Data {
	case "script":
		if !strings.HasPrefix(got["src"], ui.StaticPath) {
			r.wrong("a script that is not ours")
		}
	case "style":
		r.wrong("an inline style sheet")
	case "html":
		if got["lang"] == "" {
			r.wrong("no language")
		}
	case "input", "select", "textarea":
		if got["type"] != "hidden" {
			r.controls = append(r.controls, got["id"])
		}
	}
}

func (r *reader) close(name string) {
	if r.parent() != name {
		r.wrong("</%s> closes <%s>", name, r.parent())
		return
	}
	r.stack = r.stack[:len(r.stack)-1]
}

// end judges what only the whole page can tell.
func (r *reader) end() []string {
	if len(r.stack) > 0 {
		r.wrong("left open: %v", r.stack)
	}
	if r.h1 != 1 {
		r.wrong("%d h1", r.h1)
	}
	for id, n := range r.ids {
		if n > 1 {
			r.wrong("id %q stands %d times", id, n)
		}
	}
	for _, id := range slices.Concat(r.refs, r.labels) {
		if r.ids[id] == 0 {
			r.wrong("nothing has the id %q that something points at", id)
		}
	}
	for _, id := range r.controls {
		if !slices.Contains(r.labels, id) {
			r.wrong("the control %q has no label", id)
		}
	}
	return r.found
}

func TestEveryPageOfTheGalleryIsSound(t *testing.T) {
	for name, page := range rendered(t) {
		for _, m := range mistakes(page) {
			t.Errorf("%s: %s", name, m)
		}
		if strings.Contains(page, "[ui.") {
			t.Errorf("%s: a word is missing", name)
		}
	}
}

func TestTheReaderFindsMistakes(t *testing.T) {
	for _, broken := range []string{
		`<html lang="pt"><h1>a</h1><p><ul></ul></p></html>`,
		`<html lang="pt"><h1>a</h1><input id="x"></html>`,
		`<html lang="pt"><h1>a</h1><i aria-invalid></i></html>`,
		`<html lang="pt"><h1>a</h1><i style="x"></i></html>`,
		`<html lang="pt"><h1>a</h1><script>1</script></html>`,
		`<html lang="pt"><h1>a</h1><h3>b</h3></html>`,
		`<html lang="pt"><h1>a</h1><div></html>`,
		`<html lang="pt"><h1>a</h1><a href="javascript:x">b</a></html>`,
		`<html><h1>a</h1></html>`,
	} {
		if len(mistakes(broken)) == 0 {
			t.Errorf("nothing wrong found in %s", broken)
		}
	}
}
