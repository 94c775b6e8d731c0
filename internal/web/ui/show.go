package ui

import (
	"context"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Pill is the name of a state, coloured by its tone.
type Pill struct {
	Text string
	Tone Tone
}

// Notice is something the reader must know. The children of [NoticeOf] stand under its text.
type Notice struct {
	Tone  Tone
	Title string
	Text  string
	Live  bool // said at once to those who hear the page: for what just happened
}

func (n Notice) role() string {
	if !n.Live {
		return "note"
	}
	if n.Tone == Danger {
		return "alert"
	}
	return "status"
}

// Receipt is the panel after something was sent: its number, what happens next, what to keep.
type Receipt struct {
	Label  string // of the number: «Pedido de acesso n.º»
	Number string
	Text   string
	Facts  []Fact
	Save   Link // to download the receipt
}

// Fact is one line of a list of facts: what was asked and what was answered.
type Fact struct {
	Label  string
	Text   string
	Body   templ.Component // instead of Text, where it is more than words
	Change Link            // to correct it; its Hidden is the label where empty
	Notes  []Finding       // what the program found about it
}

func (f Fact) change(ctx context.Context) Link {
	l := f.Change
	l.Text = or(l.Text, Say(ctx, "ui.change"))
	l.Hidden = or(l.Hidden, " "+strings.ToLower(f.Label))
	return l
}

// Finding is something the program found by itself.
type Finding struct {
	Tone Tone
	Text string
}

// Table is a table that becomes a list of cards where the window is narrow.
type Table struct {
	Caption string
	Quiet   bool // the caption is only heard: the heading above says the same
	Columns []Column
	Rows    []Row
	Empty   string // shown instead of a table without rows
}

// Column is the head of a column.
type Column struct {
	Text    string
	Numeric bool // right-aligned
}

// Row is one row; its first cell is its head.
type Row struct {
	Cells []templ.Component
}

// Mark is one moment of a timeline.
type Mark struct {
	When  string
	Title string
	Text  string
	By    string
	Tone  Tone
	Stage Stage
	Link  Link
}

// Stage says whether something lies behind, is now, or comes.
type Stage string

// The stages.
const (
	Done  Stage = "done"
	Now   Stage = "now"
	Ahead Stage = "ahead"
)

// Step is one step of several pages.
type Step struct {
	Text  string
	Href  string // to go back to it; "" for no link
	Stage Stage
}

// now counts from one where the reader is among the steps; the last one where all are done.
func now(steps []Step) int {
	for i, s := range steps {
		if s.Stage == Now {
			return i + 1
		}
	}
	return len(steps)
}

func stepText(steps []Step) string {
	if len(steps) == 0 {
		return ""
	}
	return steps[now(steps)-1].Text
}

// Evidence is a document beside the answers it supports.
type Evidence struct {
	Title    string // what it is to prove
	File     string // as the applicant called it
	Detail   string // kind, size, when
	Image    bool   // else a PDF
	Open     string // address to look at it
	Download string // address to save it
	Digest   string // SHA-256 in hex
	State    Pill
	Findings []Finding
}

func (e Evidence) icon() Icon {
	if e.Image {
		return IconImage
	}
	return IconFile
}

// Question is one line of an accordion: closed until asked.
type Question struct {
	ID     string // so that a link can lead to it; "" for none
	Title  string
	Answer templ.Component
	Open   bool
}

// Pages are the numbers under a long list.
type Pages struct {
	Current int // from 1
	Last    int
	Total   int // things in the whole list; 0 to say nothing
	Href    func(page int) string
}

// shown lists first, last and the neighbours of the current page; 0 stands for a gap.
func (p Pages) shown() []int {
	var all []int
	for n := 1; n <= p.Last; n++ {
		near := n >= p.Current-1 && n <= p.Current+1
		if n != 1 && n != p.Last && !near {
			if all[len(all)-1] != 0 {
				all = append(all, 0)
			}
			continue
		}
		all = append(all, n)
	}
	return all
}

func (p Pages) at(ctx context.Context) string {
	return Say(ctx, "ui.pages.at", "n", strconv.Itoa(p.Current), "all", strconv.Itoa(p.Last))
}

// Tab is one of several views of the same thing, each with its own address.
type Tab struct {
	Text    string
	Href    string
	Current bool
	Count   int // shown when more than 0
}

// Card leads to a page.
type Card struct {
	Title  string
	Text   string
	Kicker string
	Link   Link // its Text is shown with an arrow
	State  Pill
}

// Empty is what stands where there is nothing yet.
type Empty struct {
	Title string
	Text  string
	Link  Link
}

// CodeBlock is text for machines that people copy.
type CodeBlock struct {
	Label string
	Text  string
	Save  Link
}

// Joining is a certificate that its holder joins with their key: see [KeyJoiner].
type Joining struct {
	Chain string // PEM, the holder's first
	Name  string // by which systems list it
	File  string // name of the PKCS#12
}

// groups cuts a hex digest in fours, so that two people can compare it aloud.
func groups(hex string) []string {
	hex = strings.ToUpper(strings.NewReplacer(":", "", " ", "").Replace(hex))
	var all []string
	for len(hex) > 4 {
		all = append(all, hex[:4])
		hex = hex[4:]
	}
	return append(all, hex)
}

// column is the head of a row's i-th cell; a cell too many has none.
func (t Table) column(i int) Column {
	if i < len(t.Columns) {
		return t.Columns[i]
	}
	return Column{}
}

// stage reads the zero Stage as done: most timelines tell the past.
func (m Mark) stage() Stage { return Stage(or(string(m.Stage), string(Done))) }

// tone is the class of a mark that was good or bad news; the others have the portal's colour.
func (m Mark) tone() string {
	switch m.Tone {
	case Success, Warning, Danger:
		return "agora-timeline-item--" + string(m.Tone)
	default:
		return ""
	}
}

// stage reads the zero Stage as ahead.
func (s Step) stage() Stage { return Stage(or(string(s.Stage), string(Ahead))) }

// ownNumber takes the number that a step brings off its sentence.
func ownNumber(step string, n int) (own, rest string, ok bool) {
	own, rest, ok = strings.Cut(step, ". ")
	return own + ".", rest, ok && len(own) <= 20 && strings.HasSuffix(own, " "+strconv.Itoa(n))
}
