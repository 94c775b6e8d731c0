package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/casefile"
	"chancela/internal/certificate"
	"chancela/internal/web/ui"
)

// queueLength is how many cases a page of the queue shows.
const queueLength = 25

type queuePage struct {
	Frame    ui.Frame
	Tabs     []ui.Tab
	Search   ui.Search
	Table    ui.Table
	More     ui.Link
	Awaiting *ui.Table // orders that wait for proof of identity
	Held     *ui.Table // suspended certificates: an officer decides before their time is over
}

// queueTab is one view of the queue.
type queueTab struct {
	key    string
	states []casefile.State
	mine   bool
}

// queueTabs are the views; the first shows all that waits for officers.
func queueTabs() []queueTab {
	return []queueTab{
		{key: ""},
		{key: "meus", mine: true},
		{key: "por-assumir", states: []casefile.State{casefile.Proven}},
		{key: "em-apreciacao", states: []casefile.State{casefile.InReview}},
		{key: "aguarda-elementos", states: []casefile.State{casefile.Waiting}},
		{key: "em-audiencia", states: []casefile.State{casefile.RefusalIntended, casefile.Heard}},
		{key: "decididos", states: []casefile.State{casefile.Approved, casefile.Refused, casefile.Withdrawn, casefile.Deserted}},
	}
}

// queue shows what waits for officers, the most urgent first.
func (s *Server) queue(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	if refused := v.by.MayIn(v.portal.Name, actor.SeeCases); refused != nil {
		v.redirect(v.at("tecnico", "equipa")) // who only administrates sees no cases: their first page is another
		return nil                            //nolint:nilerr // led on, not refused
	}
	tab, f := v.queueFilter()
	rows, err := s.Cases.Queue(v.r.Context(), v.by, f)
	if err != nil {
		return err
	}
	counts, err := s.Cases.Counts(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p := queuePage{Frame: v.frame(v.say("web.queue")), Tabs: v.tabs(tab, counts)}
	p.Frame.Wide = true
	p.Search = ui.Search{Action: v.at("tecnico", ""), Name: "procura", Label: v.say("web.queue.search"), Hint: v.say("web.queue.search.hint"), Value: f.Search}
	if len(rows) > queueLength {
		rows = rows[:queueLength]
		p.More = ui.Link{Text: v.say("web.more"), Href: v.at("tecnico", "") + "?" + v.queueQuery(tab.key, f.Search, string(rows[queueLength-1].ID))}
	}
	p.Table = v.queueTable(rows)
	if tab.key == "" && f.Search == "" && f.After == "" {
		if p.Awaiting, err = v.awaiting(); err != nil {
			return err
		}
		if p.Held, err = v.held(); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, queueView(p))
}

// queueFilter reads which view, which search, which page.
func (v *visit) queueFilter() (queueTab, casefile.Filter) {
	query := v.r.URL.Query()
	f := casefile.Filter{Search: strings.TrimSpace(clipped(query.Get("procura"), 200)), After: clipped(query.Get("depois"), 64), Limit: queueLength + 1}
	chosen := queueTabs()[0]
	for _, tab := range queueTabs() {
		if tab.key == query.Get("estado") {
			chosen = tab
		}
	}
	f.States = chosen.states
	if chosen.mine {
		f.Mine = v.by.Person
	}
	return chosen, f
}

func (v *visit) queueQuery(tab, search, after string) string {
	query := url.Values{}
	for name, value := range map[string]string{"estado": tab, "procura": search, "depois": after} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query.Encode()
}

// tabs lead to the views, each with how many cases are in it; what is decided waits for nobody and is not counted.
func (v *visit) tabs(chosen queueTab, counts casefile.Counts) []ui.Tab {
	var tabs []ui.Tab
	for _, tab := range queueTabs() {
		name := tab.key
		if name == "" {
			name = "todos"
		}
		one := ui.Tab{Text: v.say("web.queue.tab." + name), Href: v.at("tecnico", ""), Current: tab.key == chosen.key, Count: counts.Of(tab.states)}
		if tab.mine {
			one.Count = counts.Mine
		}
		if tab.key != "" {
			one.Href += "?" + v.queueQuery(tab.key, "", "")
		}
		tabs = append(tabs, one)
	}
	return tabs
}

func (v *visit) queueTable(rows []casefile.Row) ui.Table {
	t := ui.Table{Caption: v.say("web.queue"), Quiet: true, Empty: v.say("web.queue.none"), Columns: []ui.Column{
		{Text: v.say("web.number")}, {Text: v.say("web.procedure")}, {Text: v.say("web.applicant")}, {Text: v.say("web.body")},
		{Text: v.say("web.state")}, {Text: v.say("web.filed")}, {Text: v.say("web.due")},
	}}
	for _, row := range rows {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{
			ui.A(ui.Link{Text: row.Number, Href: v.at("tecnico", "processos", string(row.ID))}), ui.Words(v.procedureTitle(row.Procedure)),
			ui.Words(dash(row.Applicant)), ui.Words(dash(row.BodyName)), ui.PillOf(v.pill(casefile.Case{State: row.State, LeftOut: row.LeftOut})), ui.Words(v.dayOr(row.FiledAt)), v.due(row),
		}})
	}
	return t
}

// dash stands where there is nothing to say, so that a cell is never empty to those who hear the page.
func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

func (v *visit) procedureTitle(key string) string {
	if proc, ok := v.portal.Procedure(key); ok {
		return v.text(proc.Title)
	}
	return key
}

// due is until when a case must be decided, with a mark if that has passed.
func (v *visit) due(row casefile.Row) templ.Component {
	switch {
	case row.State.Decided() || row.DueAt.IsZero():
		return ui.Words("–")
	case v.unanswered(row):
		return overdue(v.day(row.AnswerBy), ui.Pill{Text: v.say("web.due.answer-over"), Tone: ui.Warning})
	case !row.PausedAt.IsZero():
		return ui.Words(v.say("web.due.paused", "date", v.day(row.PausedAt)))
	case row.DueAt.Before(v.s.now()):
		return overdue(v.day(row.DueAt), ui.Pill{Text: v.say("web.overdue"), Tone: ui.Danger})
	}
	return ui.Words(v.day(row.DueAt))
}

// unanswered says whether the applicant's term has run out: the case waits for an officer again.
func (v *visit) unanswered(row casefile.Row) bool {
	theirs := row.State == casefile.Waiting || row.State == casefile.RefusalIntended
	return theirs && !row.AnswerBy.IsZero() && row.AnswerBy.Before(v.s.now())
}

// awaiting lists the orders that wait for an officer to record how an identity was proven.
func (v *visit) awaiting() (*ui.Table, error) {
	orders, err := v.s.Certificates.Awaiting(v.r.Context(), v.by)
	if err != nil || len(orders) == 0 {
		return nil, err
	}
	t := ui.Table{Caption: v.say("web.awaiting"), Quiet: true, Columns: []ui.Column{
		{Text: v.say("web.number")}, {Text: v.say("web.product")}, {Text: v.say("web.subject")}, {Text: v.say("web.approved-on")},
	}}
	for _, o := range orders {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{
			ui.A(ui.Link{Text: o.Number, Href: v.at("tecnico", "processos", o.Case) + "#" + identityID}), ui.Words(v.text(o.Product)), ui.Words(o.Subject), ui.Words(v.day(o.MadeAt)),
		}})
	}
	return &t, nil
}

// held lists the suspended certificates, those first whose suspension ends first.
func (v *visit) held() (*ui.Table, error) {
	orders, err := v.s.Certificates.Held(v.r.Context(), v.by)
	if err != nil || len(orders) == 0 {
		return nil, err
	}
	t := ui.Table{Caption: v.say("web.held"), Quiet: true, Columns: []ui.Column{
		{Text: v.say("web.number")}, {Text: v.say("web.product")}, {Text: v.say("web.subject")}, {Text: v.say("web.held.since")}, {Text: v.say("web.held.until")},
	}}
	for _, o := range orders {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{
			ui.A(ui.Link{Text: o.Number, Href: v.certificateAt(string(o.ID))}), ui.Words(v.text(o.Product)), ui.Words(o.Subject), ui.Words(v.moment(o.RevokedAt)), ui.Words(v.moment(o.HeldUntil)),
		}})
	}
	return &t, nil
}

// issues says whether any of the portal's procedures has an outcome of this kind.
func (v *visit) issues(kind string) bool {
	for _, proc := range v.portal.Procedures {
		if proc.Outcome.Kind == kind {
			return true
		}
	}
	return false
}

// The kinds of outcome that have pages of their own.
const (
	ofCertificates = "certificate"
	ofMandates     = "mandate"
	ofCredentials  = "credential"
)

// orderOf is the certificate's order that a case led to, if it led to one.
func (v *visit) orderOf(id casefile.ID) (certificate.View, bool, error) {
	if !v.issues(ofCertificates) {
		return certificate.View{}, false, nil
	}
	return v.s.Certificates.OfCase(v.r.Context(), v.by, string(id))
}
