package ui

import (
	"net/url"
	"strconv"
	"time"

	"chancela/internal/i18n"
)

// Frame is what stands around a page's content.
type Frame struct {
	Title      string      // of the page: its h1 and the first part of the window's title
	Kicker     string      // small line over the h1: the case's number, the step's place
	Lead       string      // one sentence under the h1
	Brand      Brand       // whose page this is
	Evaluation *Evaluation // on every page of an evaluation instance; nil elsewhere
	Languages  []Language  // the switch; see Switch
	Menu       []Link
	Trail      []Link   // from the home page to the page before this one; empty on a home page
	Person     *Person  // who is signed in; nil for a visitor
	Session    *Session // when it ends; nil for a visitor
	Footer     Footer   //
	Failed     bool     // the form came back with problems: the window's title says so
	Wide       bool     // the officers' pages use the whole width
	State      Pill     // beside the h1: the state of what the page is about
}

// Brand is how a portal shows itself.
type Brand struct {
	Name     string // of the portal: «Portal Cliente da ECCE»
	Body     string // whose portal it is, in full
	Subtitle string // what it is for; shown under the name on wide screens
	Mark     string // up to 6 letters in the text mark; a body's own logo is its Logo
	Logo     string // address of an image of the body's; "" shows the text mark
	Home     string // address of the home page
	Theme    Theme  // colours; the zero Theme is Ágora's blue
}

// Evaluation is the notice that this instance has no legal value.
type Evaluation struct {
	Text  string
	Links []Link // the mailbox page
}

// Language is one side of the language switch: a plain link that sets a cookie and comes back.
type Language struct {
	Lang i18n.Lang
	Href string
}

// Switch makes the language links of a page: its own address with lang=pt or lang=en added. The handler stores
// the choice in a cookie and redirects to the address without it, so that no link carries a language.
func Switch(page *url.URL) []Language {
	both := make([]Language, 0, 2)
	for _, lang := range i18n.Langs() {
		query := page.Query()
		query.Set("lang", string(lang[:2]))
		both = append(both, Language{Lang: lang, Href: page.EscapedPath() + "?" + query.Encode()})
	}
	return both
}

func (l Language) name() string {
	if l.Lang == i18n.EN {
		return "English"
	}
	return "Português"
}

func (l Language) short() string {
	if l.Lang == i18n.EN {
		return "EN"
	}
	return "PT"
}

// Person is who is signed in, and the way out.
type Person struct {
	Name    string
	Acts    string // for whom or as what: the body, or the officer's role
	Account Link
	SignOut string // address that a POST signs out at
}

// Session is what the expiry notice needs to know.
type Session struct {
	Left   time.Duration // until it ends, at the moment of sending
	Extend string        // address that a POST prolongs the session at
}

func (s Session) seconds() string { return strconv.Itoa(int(s.Left.Seconds())) }

// Footer is the foot of every page.
type Footer struct {
	Links  []Link
	Lines  []string // the body, its address, its hours
	Credit string   // who made the portal; empty shows nothing
}

// Home is what a portal's first page has beside its texts.
type Home struct {
	SignIn SignIn
	Banner Banner // zero for none
}

// SignIn is the sign-in card of the home page and of the sign-in page.
type SignIn struct {
	Title    string
	Action   string // where it posts
	Next     Hidden // where to go afterwards; zero for none
	User     Input  // label and hint may be empty: the founding documents' words are used
	Password Password
	Problem  string // one sentence: never says which of the two was wrong
	Button   string // "" for ENTRAR
	New      Link   // text may be empty: NOVO ACESSO
	Recover  Link   // text may be empty: RECUPERAR PALAVRA-CHAVE
	Links    []Link // FAQ's, technical requirements
	Later    string // ways in that come after the first; "" for none
	Note     string // browsers it works in
}

// Banner is an announcement of the body with one thing to do.
type Banner struct {
	Title string
	Lines []string
	Link  Link
}
