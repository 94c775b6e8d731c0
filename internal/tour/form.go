package tour

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// form is a form of a page with its controls, in the order of the page.
type form struct {
	action, method, enctype string
	controls                []control
}

// control is one field or button of a form.
type control struct {
	kind    string // text, textarea, select, radio, checkbox, file, hidden, password, submit …
	name    string
	value   string
	options []string // of a select
	on      bool     // radio, checkbox: chosen
	spare   bool     // the page says that it may stay empty
	text    string   // of a button: what it says
	action  string   // of a button: where it sends the form instead
	files   []upload
}

// upload is a file that a form sends.
type upload struct {
	name, kind string
	content    []byte
}

// forms lists the forms of the part of the page that is its own (main), or of the whole page if none is marked.
func (p *page) forms() []*form {
	top := p.root
	if top == nil {
		return nil
	}
	if main := first(top, func(n *html.Node) bool { return n.Data == "main" }); main != nil {
		top = main
	}
	var all []*form
	for _, n := range every(top, func(n *html.Node) bool { return n.Data == "form" }) {
		all = append(all, readForm(n, p.root))
	}
	return all
}

// form finds the first form by what its action contains; "" takes the first that sends something.
func (p *page) form(action string) (*form, bool) {
	for _, f := range p.forms() {
		if strings.EqualFold(f.method, "post") && strings.Contains(f.action, action) {
			return f, true
		}
	}
	return nil, false
}

// formEnding finds the form whose action ends so.
func (p *page) formEnding(action string) (*form, bool) {
	for _, f := range p.forms() {
		if strings.EqualFold(f.method, "post") && strings.HasSuffix(f.action, action) {
			return f, true
		}
	}
	return nil, false
}

func readForm(n, root *html.Node) *form {
	f := &form{action: attr(n, "action"), method: orElse(attr(n, "method"), "get"), enctype: attr(n, "enctype")}
	id := attr(n, "id")
	for _, c := range every(root, isControl) {
		owner := attr(c, "form")
		if owner == "" && within(c, n) || owner != "" && owner == id {
			if one, ok := readControl(c); ok {
				f.controls = append(f.controls, one)
			}
		}
	}
	return f
}

func isControl(n *html.Node) bool {
	return slices.Contains([]string{"input", "textarea", "select", "button"}, n.Data)
}

func readControl(n *html.Node) (control, bool) {
	if has(n, "disabled") {
		return control{}, false
	}
	c := control{name: attr(n, "name"), value: attr(n, "value"), action: attr(n, "formaction"), text: textOf(n), spare: attr(n, "aria-required") == "false"}
	switch n.Data {
	case "input":
		c.kind = orElse(strings.ToLower(attr(n, "type")), "text")
		c.on = has(n, "checked")
		if (c.kind == "checkbox" || c.kind == "radio") && !has(n, "value") {
			c.value = "on"
		}
		if c.kind == "submit" {
			c.text = c.value
		}
	case "textarea":
		c.kind, c.value = "textarea", strings.TrimPrefix(rawText(n), "\n")
	case "button":
		c.kind = orElse(strings.ToLower(attr(n, "type")), "submit")
	case "select":
		c.kind = "select"
		c.value, c.options = optionsOf(n)
	}
	return c, c.kind != "button" && c.kind != "reset"
}

// optionsOf gives the value that a select has, and all that it may have.
func optionsOf(n *html.Node) (chosen string, all []string) {
	for i, o := range every(n, func(n *html.Node) bool { return n.Data == "option" }) {
		value := attr(o, "value")
		if !has(o, "value") {
			value = textOf(o)
		}
		if i == 0 || has(o, "selected") {
			chosen = value
		}
		all = append(all, value)
	}
	return chosen, all
}

// values are what a browser would send if the button were pressed.
func (f *form) values(pressed *control) url.Values {
	values := url.Values{}
	for _, c := range f.controls {
		switch c.kind {
		case "submit", "image", "file":
		case "radio", "checkbox":
			if c.on && c.name != "" {
				values.Add(c.name, c.value)
			}
		default:
			if c.name != "" {
				values.Add(c.name, c.value)
			}
		}
	}
	if pressed != nil && pressed.name != "" {
		values.Add(pressed.name, pressed.value)
	}
	return values
}

func (f *form) target(pressed *control) string {
	if pressed != nil && pressed.action != "" {
		return pressed.action
	}
	return f.action
}

// button finds a button by its value; "" takes the first without a name, which is what the Enter key presses.
func (f *form) button(value string) (*control, bool) {
	for i, c := range f.controls {
		if c.kind == "submit" && (value == "" && c.name == "" && c.action == "" || value != "" && c.value == value) {
			return &f.controls[i], true
		}
	}
	return nil, false
}

// field finds the first field of a name.
func (f *form) field(name string) (*control, bool) {
	for i, c := range f.controls {
		if c.name == name && c.kind != "submit" {
			return &f.controls[i], true
		}
	}
	return nil, false
}

// firstButton finds the first button, named or not.
func (f *form) firstButton() (*control, bool) { return f.firstOf("submit") }

// firstOf finds the first field of a kind.
func (f *form) firstOf(kinds ...string) (*control, bool) {
	for i, c := range f.controls {
		if slices.Contains(kinds, c.kind) {
			return &f.controls[i], true
		}
	}
	return nil, false
}

// choose turns on the radio button or box of a name and value, and the other radio buttons of that name off.
func (f *form) choose(name, value string) bool {
	found := false
	for i, c := range f.controls {
		switch {
		case c.name != name || c.kind != "radio" && c.kind != "checkbox":
		case c.value == value:
			f.controls[i].on, found = true, true
		case c.kind == "radio":
			f.controls[i].on = false
		}
	}
	return found
}

// link is a link of a page.
type link struct {
	href, text string
	save       bool // it is marked as a download
}

// links lists the links of the page's own part, or of the whole page if none is marked.
func (p *page) links() []link {
	top := p.root
	if top == nil {
		return nil
	}
	if main := first(top, func(n *html.Node) bool { return n.Data == "main" }); main != nil {
		top = main
	}
	var all []link
	for _, n := range every(top, func(n *html.Node) bool { return n.Data == "a" && has(n, "href") }) {
		all = append(all, link{attr(n, "href"), textOf(n), has(n, "download")})
	}
	return all
}

// linkWith finds the first link whose address contains something.
func (p *page) linkWith(part string) (string, bool) {
	for _, l := range p.links() {
		if strings.Contains(l.href, part) {
			return l.href, true
		}
	}
	return "", false
}

// signedIn says whether the page offers to end a session; that stands in its frame.
func (p *page) signedIn() bool {
	return p.root != nil && first(p.root, func(n *html.Node) bool { return n.Data == "form" && strings.HasSuffix(attr(n, "action"), atLeave) }) != nil
}

// heading is the page's h1.
func (p *page) heading() string {
	if p.root == nil {
		return ""
	}
	if n := first(p.root, func(n *html.Node) bool { return n.Data == "h1" }); n != nil {
		return textOf(n)
	}
	return ""
}

// text is all that the page's own part says.
func (p *page) text() string {
	if p.root == nil {
		return string(p.body)
	}
	if main := first(p.root, func(n *html.Node) bool { return n.Data == "main" }); main != nil {
		return textOf(main)
	}
	return textOf(p.root)
}

// problems is what the page says is wrong: its summary of errors, or its heading.
func (p *page) problems() string {
	if p.root == nil {
		return ""
	}
	if n := first(p.root, func(n *html.Node) bool { return attr(n, "role") == "alert" }); n != nil {
		return textOf(n)
	}
	return p.heading()
}

// every lists the elements below a node that do, in the order of the page.
func every(top *html.Node, does func(*html.Node) bool) []*html.Node {
	var all []*html.Node
	for n := range top.Descendants() {
		if n.Type == html.ElementNode && does(n) {
			all = append(all, n)
		}
	}
	return all
}

func first(top *html.Node, does func(*html.Node) bool) *html.Node {
	for n := range top.Descendants() {
		if n.Type == html.ElementNode && does(n) {
			return n
		}
	}
	return nil
}

func within(n, top *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == top {
			return true
		}
	}
	return false
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// textOf is what an element says, with its white space as a reader sees it.
func textOf(n *html.Node) string { return strings.Join(strings.Fields(rawText(n)), " ") }

func rawText(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
			continue
		}
		if d.Type == html.ElementNode && !inline(d.Data) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// inline tells elements that do not part words.
func inline(name string) bool {
	return slices.Contains([]string{"a", "b", "strong", "em", "i", "span", "code", "abbr", "time", "small", "wbr"}, name)
}

func orElse(value, other string) string {
	if value == "" {
		return other
	}
	return value
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
