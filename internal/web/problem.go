package web

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/problem"
	"chancela/internal/web/ui"
)

// The fields of a report, by what the room below calls them.
var reportNames = map[string]string{
	"about": "comunicar-certificado", "words": "comunicar-descricao", "mail": "comunicar-correio", "name": "comunicar-nome", "body": "comunicar-entidade",
	"telephone": "comunicar-telefone",
}

type reportPage struct {
	Frame    ui.Frame
	Problems []ui.Problem
	Notice   ui.Notice
	Text     string
	Form     ui.Form
	Fields   []templ.Component
	Button   ui.Button
	Receipt  []ui.Fact
}

// reporting asks what is wrong with a certificate.
func (s *Server) reporting(v *visit) error {
	return v.showReport(http.StatusOK, problem.Problem, nil, "")
}

// callBack asks whom to call who has lost certificate and code.
func (s *Server) callBack(v *visit) error {
	return v.showReport(http.StatusOK, problem.CallBack, nil, "")
}

// report takes what somebody says is wrong.
func (s *Server) report(v *visit) error { return v.reported(problem.Problem) }

// askCallBack takes the asking to be called.
func (s *Server) askCallBack(v *visit) error { return v.reported(problem.CallBack) }

// asked are the fields of a kind of report, in their order.
func asked(kind problem.Kind) []string {
	if kind == problem.CallBack {
		return []string{"name", "body", "telephone", "about", "words", "mail"}
	}
	return []string{"about", "words", "name", "mail"}
}

// reportWords begin the keys of a kind's words.
func reportWords(kind problem.Kind) string {
	if kind == problem.CallBack {
		return "web.call-back"
	}
	return "web.report"
}

func (v *visit) reportAt(kind problem.Kind) string {
	if kind == problem.CallBack {
		return v.at("revogar", "sem-codigo")
	}
	return v.at("comunicar-problema")
}

func (v *visit) showReport(status int, kind problem.Kind, problems []fault.Field, refusal string) error {
	if err := v.certifies(); err != nil {
		return err
	}
	words := reportWords(kind)
	p := reportPage{
		Frame: v.frame(v.say(words)), Text: v.say(words + ".text"), Form: ui.Form{Action: v.reportAt(kind)}, Button: ui.Button{Text: v.say(words + ".button")},
	}
	p.Frame.Trail, p.Frame.Failed = v.trail(ui.Link{Text: v.say("web.stop"), Href: v.at("revogar")}), len(problems) > 0 || refusal != ""
	if refusal != "" {
		p.Notice = ui.Notice{Tone: ui.Danger, Text: refusal, Live: true}
	}
	told := v.tell(problems, reportNames)
	for _, name := range asked(kind) {
		p.Fields = append(p.Fields, v.reportField(kind, name, told))
	}
	p.Problems = told.summary
	return v.show(status, reportView(p))
}

func (v *visit) reportField(kind problem.Kind, name string, told told) templ.Component {
	words := reportWords(kind)
	f := told.field(reportNames[name], v.say(words+"."+name), "")
	value := clipped(v.r.PostForm.Get(reportNames[name]), 5000)
	f.Optional = name == "mail" || name == "name" && kind == problem.Problem || name == "about" && kind == problem.CallBack
	switch name {
	case "words":
		return ui.TextArea(ui.Area{Field: f, Value: value, Rows: 8})
	case "mail":
		f.Hint = v.say("web.report.mail.hint")
		return ui.TextInput(ui.Input{Field: f, Value: value, Kind: ui.Email})
	case "telephone":
		f.Hint = v.say("web.call-back.telephone.hint")
		return ui.TextInput(ui.Input{Field: f, Value: value, Kind: ui.Phone, Width: ui.Medium})
	case "about":
		f.Hint = v.say("web.report.about.hint")
	}
	return ui.TextInput(ui.Input{Field: f, Value: value})
}

func (v *visit) reported(kind problem.Kind) error {
	if err := v.certifies(); err != nil {
		return err
	}
	asks := names{}
	for _, name := range asked(kind) {
		asks.with(given, reportNames[name])
	}
	if err := v.readWords(asks); err != nil {
		return err
	}
	typed := func(name string) string { return v.r.PostForm.Get(reportNames[name]) }
	done, err := v.s.Problems.Report(v.r.Context(), v.stranger(), kind, problem.Said{
		About: typed("about"), Words: typed("words"), Mail: typed("mail"), Name: typed("name"), Body: typed("body"), Telephone: typed("telephone"),
	}, v.lang)
	if e, ok := fault.As(err); ok {
		if len(e.Fields) > 0 {
			return v.showReport(statusOf[e.Kind], kind, e.Fields, "")
		}
		_, _, text := v.explain(err)
		return v.showReport(statusOf[e.Kind], kind, nil, text)
	}
	if err != nil {
		return err
	}
	words := reportWords(kind)
	p := reportPage{Frame: v.frame(v.say(words + ".done")), Text: v.say(words+".done.text", "until", v.moment(done.DueAt))}
	p.Frame.Trail = v.trail(ui.Link{Text: v.say("web.stop"), Href: v.at("revogar")})
	p.Notice = ui.Notice{Tone: ui.Success, Text: v.say("web.report.number", "number", done.Number), Live: true}
	p.Receipt = []ui.Fact{
		{Label: v.say("web.number"), Text: done.Number}, {Label: v.say("web.filed"), Text: v.moment(done.At)}, {Label: v.say("web.due"), Text: v.moment(done.DueAt)},
	}
	return v.show(http.StatusOK, reportedView(p))
}

type problemsPage struct {
	Frame ui.Frame
	Text  string
	Table ui.Table
}

// problems are the reports of strangers, for officers: the most urgent first.
func (s *Server) problems(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	if err := v.certifies(); err != nil {
		return err
	}
	all, err := s.Problems.Queue(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p := problemsPage{Frame: v.frame(v.say("web.problems")), Text: v.say("web.problems.text")}
	p.Frame.Trail, p.Frame.Wide = v.trail(), true
	p.Table = ui.Table{Caption: v.say("web.problems"), Quiet: true, Empty: v.say("web.problems.none"), Columns: []ui.Column{
		{Text: v.say("web.number")}, {Text: v.say("web.problems.kind")}, {Text: v.say("web.problems.about")}, {Text: v.say("web.state")}, {Text: v.say("web.filed")}, {Text: v.say("web.due")},
	}}
	for _, r := range all {
		due := ui.Words(v.moment(r.DueAt))
		if r.State == problem.Open && r.DueAt.Before(v.s.now()) {
			due = overdue(v.moment(r.DueAt), ui.Pill{Text: v.say("web.overdue"), Tone: ui.Danger})
		}
		p.Table.Rows = append(p.Table.Rows, ui.Row{Cells: []templ.Component{
			ui.A(ui.Link{Text: r.Number, Href: v.at("tecnico", "comunicacoes", string(r.ID))}), ui.Words(v.say("problem.kind." + string(r.Kind))),
			ui.Words(dash(clipped(r.Said.About, 80))), ui.PillOf(v.problemPill(r)), ui.Words(v.moment(r.At)), due,
		}})
	}
	return v.show(http.StatusOK, problemsView(p))
}

func (v *visit) problemPill(r problem.Report) ui.Pill {
	tone := ui.Warning
	if r.State == problem.Answered {
		tone = ui.Success
	}
	return ui.Pill{Text: v.say("problem.state." + string(r.State)), Tone: tone}
}

type problemPage struct {
	Frame    ui.Frame
	Done     string
	Problems []ui.Problem
	Notice   ui.Notice
	Facts    []ui.Fact
	Words    string
	Look     ui.Link
	Answer   []ui.Fact
	Move     *move
}

// answerIt is the deed of answering a report.
const answerIt = "responder"

// problem shows one report to an officer.
func (s *Server) problem(v *visit) error { return v.showProblem(http.StatusOK, nil, "") }

func (v *visit) showProblem(status int, problems []fault.Field, refusal string) error {
	if err := v.staff(); err != nil {
		return err
	}
	r, err := v.s.Problems.Of(v.r.Context(), v.by, problem.ID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	p := problemPage{Frame: v.frame(v.say("problem.kind." + string(r.Kind))), Words: r.Said.Words}
	p.Frame.Kicker, p.Frame.State, p.Frame.Failed = r.Number, v.problemPill(r), len(problems) > 0 || refusal != ""
	p.Frame.Trail = v.trail(ui.Link{Text: v.say("web.problems"), Href: v.at("tecnico", "comunicacoes")})
	if v.r.Method == http.MethodGet && v.r.URL.Query().Get("feito") == answerIt {
		p.Done = v.say("web.problem.answered")
	}
	if refusal != "" {
		p.Notice = ui.Notice{Tone: ui.Danger, Text: refusal, Live: true}
	} else if r.Kind == problem.CallBack && r.State == problem.Open {
		p.Notice = ui.Notice{Tone: ui.Warning, Text: v.say("web.problem.call")}
	}
	p.Facts = v.problemFacts(r)
	if r.Said.About != "" {
		p.Look = ui.Link{Text: v.say("web.problem.look"), Href: "/verificar?" + url.Values{verifyCode: {clipped(r.Said.About, 200)}}.Encode()}
	}
	told := v.tell(problems, map[string]string{"words": answerIt + ".words"})
	p.Problems = told.summary
	switch {
	case r.State == problem.Answered:
		p.Answer = []ui.Fact{{Label: v.say("web.by"), Text: dash(r.Name)}, {Label: v.say("web.problem.when"), Text: v.moment(r.AnsweredAt)}, {Label: v.say("web.problem.answer"), Text: r.Answer}}
	case v.by.MayIn(v.portal.Name, actor.AnswerProblem) == nil:
		g := grounds{v: v, told: told, typed: v.r.PostForm, of: answerIt}
		hint := "web.problem.answer.hint"
		if r.Said.Mail == "" {
			hint = "web.problem.answer.no-mail"
		}
		p.Move = &move{
			ID: "ato-" + answerIt, Title: v.say("web.problem.move"), Text: v.say("web.problem.move.text"), Open: true,
			Form: ui.Form{Action: v.at("tecnico", "comunicacoes", string(r.ID))}, Fields: []templ.Component{g.words("words", v.say("web.problem.answer"), v.say(hint), 6)},
			Button: ui.Button{Text: v.say("web.problem.move")},
		}
	}
	return v.show(status, problemView(p))
}

func (v *visit) problemFacts(r problem.Report) []ui.Fact {
	facts := []ui.Fact{{Label: v.say("web.filed"), Text: v.moment(r.At)}, {Label: v.say("web.due"), Text: v.moment(r.DueAt)}}
	for _, f := range []ui.Fact{
		{Label: v.say("web.problems.about"), Text: r.Said.About}, {Label: v.say("web.call-back.name"), Text: r.Said.Name},
		{Label: v.say("web.call-back.body"), Text: r.Said.Body}, {Label: v.say("web.call-back.telephone"), Text: r.Said.Telephone}, {Label: v.say("web.report.mail"), Text: r.Said.Mail},
	} {
		if f.Text != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

// answerProblem closes a report with an officer's answer.
func (s *Server) answerProblem(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	if err := v.readWords(once(answerIt + ".words")); err != nil {
		return err
	}
	id := v.r.PathValue("id")
	err := s.Problems.Answer(v.r.Context(), v.by, problem.ID(id), v.r.PostForm.Get(answerIt+".words"))
	if err == nil {
		v.redirect(v.at("tecnico", "comunicacoes", id) + "?feito=" + answerIt)
		return nil
	}
	e, ok := fault.As(err)
	if !ok || e.Kind == fault.NotFound {
		return err
	}
	if len(e.Fields) > 0 {
		return v.showProblem(statusOf[e.Kind], e.Fields, "")
	}
	_, _, text := v.explain(err)
	return v.showProblem(statusOf[e.Kind], nil, text)
}
