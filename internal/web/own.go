package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/casefile"
	"chancela/internal/decision"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// view opens the case of the address, as its applicant sees it. Somebody who is not signed in may own it: they are
// led to the sign-in, whether there is such a case or not.
func (v *visit) view() (casefile.View, error) {
	id := v.r.PathValue("id")
	view, err := v.s.Cases.Open(v.r.Context(), v.by, casefile.ID(id))
	if fault.Is(err, fault.NotFound) && v.by.Kind == actor.Visitor && v.by.Case != id {
		return view, errSignIn
	}
	return view, err
}

// caseAt gives an address of the case.
func (v *visit) caseAt(id casefile.ID, parts ...string) string {
	return v.at(append([]string{"processos", string(id)}, parts...)...)
}

type reviewPage struct {
	Frame    ui.Frame
	Steps    []ui.Step
	Problems []ui.Problem
	Parts    []reviewPart
	Form     ui.Form
	Submit   ui.Button
	Note     string
	Cancel   ui.Link
	Trial    *trialPart
}

type reviewPart struct {
	Title string
	Facts []ui.Fact
}

// reviewOwn shows everything that was answered, before it is sent.
func (s *Server) reviewOwn(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	if view.State != casefile.Draft {
		return errMoved{v.caseAt(view.ID)}
	}
	judged := view.Procedure.Judge(view.WithFiles(), s.now())
	return v.showReview(http.StatusOK, view, slices.Concat(judged.Problems, view.Foretold), judged.Warnings)
}

func (v *visit) showReview(status int, view casefile.View, problems, warnings []fault.Field) error {
	proc := view.Procedure
	p := reviewPage{Frame: v.frame(v.text(proc.Title)), Steps: v.steps(view, len(proc.Steps)), Form: ui.Form{Action: v.caseAt(view.ID, "submeter")}}
	p.Frame.Trail = v.trail()
	p.Submit, p.Note = ui.Button{Text: v.text(proc.Submit.Label)}, v.text(proc.Submit.Note)
	p.Cancel = ui.Link{Text: v.cancelLabel(proc), Href: v.caseAt(view.ID, "cancelar")}
	p.Trial = v.trial(view.Trial)
	a := v.asking(view)
	a.warn(warnings)
	p.Problems = a.blame(unique(problems))
	p.Frame.Failed = len(p.Problems) > 0
	for i, step := range proc.Steps {
		asked := step.Asked(view.Answers, v.s.now())
		part := reviewPart{Title: v.text(step.Title), Facts: a.facts(asked)}
		for j, f := range asked {
			at := v.caseAt(view.ID, "passo", strconv.Itoa(i+1)) + "?ver=1#" + ui.FieldID(f.Key)
			if !f.Locked {
				part.Facts[j].Change = ui.Link{Href: at}
			}
			leadTo(p.Problems, f.Key, at)
		}
		p.Parts = append(p.Parts, part)
	}
	return v.show(status, reviewView(p))
}

// leadTo has the problems of a field lead to the page where it is asked.
func leadTo(problems []ui.Problem, key, at string) {
	for i, p := range problems {
		if p.Field == key || strings.HasPrefix(p.Field, key+".") {
			problems[i].Href = at
		}
	}
}

// facts are the answers of some fields, as people read them.
func (a *asking) facts(fields []portal.Field) []ui.Fact {
	var facts []ui.Fact
	for _, f := range fields {
		fact := ui.Fact{Label: a.v.text(f.Label), Text: a.shown(f)}
		if f.IsFile() {
			fact.Body = a.documents(f)
		}
		if rows := a.shownRows(f); len(rows) > 0 {
			fact.Body = ui.Bullets(rows)
		}
		if text := a.problems[f.Key]; text != "" {
			fact.Notes = append(fact.Notes, ui.Finding{Tone: ui.Danger, Text: text})
		}
		if text := a.warnings[f.Key]; text != "" {
			fact.Notes = append(fact.Notes, ui.Finding{Tone: ui.Warning, Text: text})
		}
		facts = append(facts, fact)
	}
	return facts
}

func (a *asking) documents(f portal.Field) templ.Component {
	var links []ui.Link
	for _, doc := range a.view.Documents {
		if doc.Slot == f.Key {
			links = append(links, ui.Link{Text: doc.FileName(), Href: a.v.documentAt(a.view.ID, doc), Save: true})
		}
	}
	if len(links) == 0 {
		return ui.Words(a.v.say("web.none"))
	}
	return ui.LinkList(links)
}

func (v *visit) documentAt(id casefile.ID, doc evidence.Doc) string {
	if v.by.Kind == actor.Officer {
		return v.at("tecnico", "processos", string(id), "documentos", string(doc.ID))
	}
	return v.caseAt(id, "documentos", string(doc.ID))
}

// shown writes an answer as people read it; a sensitive one masked.
func (a *asking) shown(f portal.Field) string {
	var parts []string
	for _, value := range a.answers[f.Key] {
		if value == "" {
			continue
		}
		parts = append(parts, a.shownValue(f, value))
	}
	if len(parts) == 0 {
		return a.v.say("web.none")
	}
	return strings.Join(parts, "; ")
}

func (a *asking) shownValue(f portal.Field, value string) string {
	if a.whole && field.Lookable(f.Kind) {
		return value
	}
	switch f.Kind {
	case field.Choice, field.Choices:
		for _, o := range f.Options {
			if o.Key == value {
				return a.v.text(o.Label)
			}
		}
	case field.Tick:
		return a.v.say("web.yes")
	case field.Body:
		for _, b := range a.v.portal.Register {
			if b.NIPC == value {
				return b.Name + " (" + b.NIPC + ")"
			}
		}
	}
	return field.Show(f.Kind, a.v.lang, value)
}

// shownRows writes the answers of a question of rows, a line each.
func (a *asking) shownRows(f portal.Field) []string {
	if f.Kind != portal.Rows {
		return nil
	}
	var rows []string
	for _, i := range f.FilledRows(a.answers) {
		var cells []string
		for _, column := range f.Columns {
			if values := a.answers[f.Key+"."+column.Key]; i < len(values) && values[i] != "" {
				cells = append(cells, a.shownValue(column, values[i]))
			}
		}
		rows = append(rows, strings.Join(cells, ", "))
	}
	return rows
}

// submit files the draft.
func (s *Server) submit(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	if err := v.readWords(nil); err != nil {
		return err
	}
	err = s.Cases.Submit(v.r.Context(), v.by, view.ID)
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		return v.showReview(http.StatusUnprocessableEntity, view, e.Fields, nil)
	}
	if fault.Is(err, fault.Conflict) && view.State != casefile.Draft {
		v.redirect(v.caseAt(view.ID, "recibo")) // a second click: it was filed by the first
		return nil
	}
	if err != nil {
		return err
	}
	v.redirect(v.caseAt(view.ID, "recibo"))
	return nil
}

type confirmPage struct {
	Frame  ui.Frame
	Text   string
	Form   ui.Form
	Button ui.Button
	Back   ui.Link
	Fields []templ.Component
}

// cancel asks whether the draft is really to be erased.
func (s *Server) cancel(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	if view.State != casefile.Draft {
		return errMoved{v.caseAt(view.ID)}
	}
	p := confirmPage{
		Frame: v.frame(v.cancelLabel(view.Procedure)), Text: v.say("web.cancel.sure"), Form: ui.Form{Action: v.caseAt(view.ID, "cancelar")},
		Button: ui.Button{Text: v.say("web.cancel.yes"), Look: ui.Harmful}, Back: ui.Link{Text: v.say("web.cancel.no"), Href: v.caseAt(view.ID, "passo", "1")},
	}
	return v.show(http.StatusOK, confirmView(p))
}

// cancelled erases the draft and its documents.
func (s *Server) cancelled(v *visit) error {
	if err := v.readWords(nil); err != nil {
		return err
	}
	if err := s.Cases.Cancel(v.r.Context(), v.by, casefile.ID(v.r.PathValue("id"))); err != nil {
		return err
	}
	if v.by.Kind == actor.Visitor {
		v.setCookie(v.caseCookie(), "", 0)
	}
	v.redirect(v.at())
	return nil
}

type receiptPage struct {
	Frame    ui.Frame
	Receipt  ui.Receipt
	After    []string
	Note     string
	Digests  ui.Table
	Problems []ui.Problem
	Correct  *correction
}

type correction struct {
	Form   ui.Form
	Fields []templ.Component
	Button ui.Button
}

// receipt shows what was filed: number, moment, digests of the documents, what comes next.
func (s *Server) receipt(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	return v.showReceipt(http.StatusOK, view, nil)
}

func (v *visit) showReceipt(status int, view casefile.View, problems []fault.Field) error {
	if view.State == casefile.Draft {
		return errMoved{v.caseAt(view.ID, "passo", "1")}
	}
	proc := view.Procedure
	values := v.receiptValues(view)
	title := values.fill(v.text(proc.ReceiptTitle))
	if title == "" {
		title = v.say("web.receipt.title", "number", view.Number)
	}
	p := receiptPage{Frame: v.frame(title)}
	p.Frame.Trail = v.trail()
	p.Receipt = ui.Receipt{Label: v.say("web.receipt.number"), Number: view.Number, Text: values.fill(v.text(proc.Receipt)), Facts: []ui.Fact{
		{Label: v.say("web.receipt.filed"), Text: v.moment(view.FiledAt)},
		{Label: v.say("web.receipt.state"), Text: v.state(view.Case)},
	}}
	for _, step := range proc.After {
		p.After = append(p.After, values.fill(v.text(step)))
	}
	p.Note = v.text(proc.AfterNote)
	p.Digests = v.digests(view)
	if view.State == casefile.Submitted && v.by.Kind == actor.Visitor {
		p.Correct, p.Problems = v.correction(view, problems)
		p.Frame.Failed = len(p.Problems) > 0
	}
	return v.show(status, receiptView(p))
}

// digests lists the documents with their SHA-256, and the digest of the whole.
func (v *visit) digests(view casefile.View) ui.Table {
	t := ui.Table{Caption: v.say("web.receipt.digests"), Quiet: true, Columns: []ui.Column{{Text: v.say("web.receipt.document")}, {Text: "SHA-256"}}}
	for _, doc := range view.Documents {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{ui.Words(doc.FileName()), ui.Typed(doc.Digest)}})
	}
	t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{ui.Words(v.say("web.receipt.whole")), ui.Typed(view.Revision)}})
	return t
}

// correction lets a mistyped address or telephone be mended before the address is proven.
func (v *visit) correction(view casefile.View, problems []fault.Field) (*correction, []ui.Problem) {
	a := v.asking(view)
	summary := a.blame(problems)
	c := &correction{Form: ui.Form{Action: v.caseAt(view.ID, "corrigir")}, Button: ui.Button{Text: v.say("web.correct.button"), Look: ui.Secondary}}
	c.Fields = a.questions(view.Correctable())
	return c, summary
}

// correct mends address or telephone, and sends a new link.
func (s *Server) correct(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	if err := v.readWords(asksOf(view.Correctable())); err != nil {
		return err
	}
	typed := answersOf(view.Correctable(), v.r.PostForm)
	err = s.Cases.Correct(v.r.Context(), v.by, view.ID, typed)
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		for key, values := range typed {
			view.Answers[key] = values
		}
		return v.showReceipt(http.StatusUnprocessableEntity, view, e.Fields)
	}
	if err != nil {
		return err
	}
	v.redirect(v.caseAt(view.ID, "recibo"))
	return nil
}

type casesPage struct {
	Frame ui.Frame
	Table ui.Table
	New   []ui.Card
}

// cases lists a person's own cases.
func (s *Server) cases(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	mine, err := s.Cases.Mine(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p := casesPage{Frame: v.frame(v.say("web.cases"))}
	p.Frame.Trail = v.trail()
	p.Table = ui.Table{
		Caption: v.say("web.cases"), Quiet: true, Empty: v.say("web.cases.none"),
		Columns: []ui.Column{{Text: v.say("web.number")}, {Text: v.say("web.procedure")}, {Text: v.say("web.state")}, {Text: v.say("web.filed")}},
	}
	for _, c := range mine {
		number, to := c.Number, v.caseAt(c.ID)
		if c.State == casefile.Draft {
			number, to = v.say("web.draft"), v.caseAt(c.ID, "passo", "1")
		}
		p.Table.Rows = append(p.Table.Rows, ui.Row{Cells: []templ.Component{
			ui.A(ui.Link{Text: number, Href: to}), ui.Words(v.text(c.Procedure.Title)), ui.PillOf(v.pill(*c)), ui.Words(v.dayOr(c.FiledAt)),
		}})
	}
	p.New = v.newCards()
	return v.show(http.StatusOK, casesView(p))
}

// newCards are the procedures that a signed-in person may begin.
func (v *visit) newCards() []ui.Card {
	var cards []ui.Card
	for _, proc := range v.openTo() {
		cards = append(cards, ui.Card{Title: v.text(proc.Title), Link: ui.Link{Text: v.say("web.start"), Hidden: " " + v.text(proc.Title), Href: v.at("novo", proc.Key)}})
	}
	return cards
}

type ownPage struct {
	Frame     ui.Frame
	Done      string
	Next      ui.Notice
	Wait      string
	Problems  []ui.Problem
	Asked     *askedForm
	Hearing   *hearingForm
	Facts     []reviewPart
	Documents []ui.Evidence
	Decisions []ui.Mark
	Remedies  string // how an act against the applicant can be challenged
	Timeline  []ui.Mark
	Outcome   []ui.Link // what the case led to
	Receipt   ui.Link
	Withdraw  ui.Link
}

type askedForm struct {
	Title     string
	Reasons   []ui.Fact
	Form      ui.Form
	Questions []templ.Component
	Words     ui.Area
	Button    ui.Button
}

type hearingForm struct {
	Title, Text string
	Reasons     []string
	Form        ui.Form
	Words       ui.Area
	Button      ui.Button
	Give        *giveForm
}

// giveForm lets the applicant give up the parts that are likely to be left out, in place of being heard.
type giveForm struct {
	Title, Text string
	Form        ui.Form
	Button      ui.Button
}

// caseOf shows a case to its applicant: where it stands, what comes next and who must act, and the whole file.
func (s *Server) caseOf(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	if view.State == casefile.Draft {
		return errMoved{v.caseAt(view.ID, "passo", "1")}
	}
	return v.showOwn(http.StatusOK, view, nil, "")
}

func (v *visit) showOwn(status int, view casefile.View, problems []fault.Field, words string) error {
	a := v.asking(view)
	p := ownPage{Frame: v.frame(v.text(view.Procedure.Title)), Problems: a.blame(problems)}
	p.Frame.Trail = v.trail(ui.Link{Text: v.say("web.cases"), Href: v.at("processos")})
	if v.by.Kind == actor.Visitor {
		p.Frame.Trail = v.trail()
	}
	p.Frame.Kicker, p.Frame.State, p.Frame.Failed = view.Number, v.pill(view.Case), len(problems) > 0
	p.Next = v.next(view)
	p.Wait = v.wait(view)
	var err error
	if p.Outcome, err = v.mandateLink(view.ID); err != nil {
		return err
	}
	if view.State == casefile.Waiting {
		p.Asked = v.askedForm(view, a, words)
	}
	if view.State == casefile.RefusalIntended {
		p.Hearing = v.hearing(view, words)
	}
	for _, step := range view.Procedure.Steps {
		p.Facts = append(p.Facts, reviewPart{Title: v.text(step.Title), Facts: a.facts(step.Asked(view.Answers, v.s.now()))})
	}
	if later := a.facts(later(view)); len(later) > 0 {
		p.Facts = append(p.Facts, reviewPart{Title: v.say("web.elements"), Facts: later})
	}
	for _, d := range view.Decisions {
		p.Decisions = append(p.Decisions, v.decisionMark(d, casefile.Review{View: view}))
		if against(d) {
			p.Remedies = v.text(v.portal.Rules.Remedies)
		}
	}
	p.Timeline = v.timeline(view, nil)
	p.Receipt = ui.Link{Text: v.say("web.receipt"), Href: v.caseAt(view.ID, "recibo")}
	if !view.State.Decided() {
		p.Withdraw = ui.Link{Text: v.say("web.withdraw"), Href: v.caseAt(view.ID, "desistir")}
	}
	return v.show(status, ownView(p))
}

// later are the fields of no step that an officer asked for and that were brought.
func later(view casefile.View) []portal.Field {
	return slices.DeleteFunc(slices.Clone(view.Procedure.AskLater), func(f portal.Field) bool {
		return !slices.ContainsFunc(view.Documents, func(doc evidence.Doc) bool { return doc.Slot == f.Key })
	})
}

// askedForm asks for the elements that the officer wants, and for nothing else.
func (v *visit) askedForm(view casefile.View, a *asking, words string) *askedForm {
	f := &askedForm{Title: v.say("web.elements"), Form: ui.Form{Action: v.caseAt(view.ID, "responder"), Files: true}, Button: ui.Button{Text: v.say("web.elements.button")}}
	for _, r := range view.Asked() {
		one, ok := view.Procedure.Field(r.Field)
		if !ok {
			continue
		}
		f.Reasons = append(f.Reasons, ui.Fact{Label: v.text(one.Label), Text: r.Reason})
		one.Locked = false
		f.Questions = append(f.Questions, a.question(one))
	}
	f.Words = ui.Area{Field: ui.Field{Name: answerWords, Label: v.say("web.elements.words"), Optional: true}, Value: words, Max: 4000}
	return f
}

func (v *visit) hearing(view casefile.View, words string) *hearingForm {
	h := &hearingForm{Title: v.say("web.hearing"), Text: v.say("web.hearing.text", "until", v.day(view.AnswerBy)), Form: ui.Form{Action: v.caseAt(view.ID, "pronuncia")}}
	intended := lastIntention(view.Decisions)
	for i, r := range intended.Reasons {
		line := r.Code
		if reason, ok := v.portal.Reason(r.Code); ok {
			line += ". " + v.text(reason.Text)
		}
		if r.Part != "" {
			line = view.PartName(r.Part, v.lang) + ": " + line
		}
		h.Reasons = append(h.Reasons, line)
		if r.Part != "" || i == len(intended.Reasons)-1 { // the words stand beside every code of the whole, once here
			h.Reasons = append(h.Reasons, r.Words)
		}
	}
	if parts := casefile.PartsOf(intended); len(parts) > 0 {
		h.Text = v.say("web.hearing.part", "until", v.day(view.AnswerBy))
		h.Give = &giveForm{
			Title: v.say("web.give-up"), Text: v.say("web.give-up.text", "parts", view.PartNames(casefile.KeysOf(parts), v.lang)),
			Form: ui.Form{Action: v.caseAt(view.ID, "prescindir")}, Button: ui.Button{Text: v.say("web.give-up.button"), Look: ui.Secondary},
		}
	}
	h.Words = ui.Area{Field: ui.Field{Name: "pronuncia", Label: v.say("web.hearing.words")}, Value: words, Rows: 8, Max: 20000}
	h.Button = ui.Button{Text: v.say("web.hearing.button")}
	return h
}

// answerWords is what goes with the elements, in the applicant's own words.
const answerWords = "mensagem"

// askedOf are the fields that the officer asked for.
func askedOf(view casefile.View) []portal.Field {
	var asked []portal.Field
	for _, r := range view.Asked() {
		if f, ok := view.Procedure.Field(r.Field); ok {
			f.Locked = false
			asked = append(asked, f)
		}
	}
	return asked
}

// lastIntention is what the applicant is heard on now.
func lastIntention(told []decision.Entry) decision.Entry {
	for _, d := range slices.Backward(told) {
		if d.Verdict == decision.IntendRefuse {
			return d
		}
	}
	return decision.Entry{}
}

// against says whether an act is, in whole or in part, against the applicant.
func against(d decision.Entry) bool {
	return d.Verdict == decision.Refuse || d.Verdict == decision.Desert || d.Verdict == decision.Approve && len(casefile.PartsOf(d)) > 0
}

// answer files what was asked for.
func (s *Server) answer(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	asked := askedOf(view)
	problems, err := v.readCase(asksOf(asked).with(given, answerWords), opened(view.ID))
	if err != nil {
		return err
	}
	answers, words := answersOf(asked, v.r.PostForm), clipped(v.r.PostForm.Get(answerWords), 4000)
	if len(problems) == 0 {
		err = s.Cases.Answer(v.r.Context(), v.by, view.ID, answers, words)
		if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
			problems = e.Fields
		} else if err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		if view, err = v.view(); err != nil {
			return err
		}
		for key, values := range answers {
			view.Answers[key] = values
		}
		return v.showOwn(http.StatusUnprocessableEntity, view, problems, words)
	}
	v.redirect(v.caseAt(view.ID))
	return nil
}

// speak files what the applicant says in the hearing.
func (s *Server) speak(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	if err := v.readWords(once("pronuncia")); err != nil {
		return err
	}
	words := v.r.PostForm.Get("pronuncia")
	err = s.Cases.Speak(v.r.Context(), v.by, view.ID, words)
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		e.Fields[0].Name = "pronuncia"
		return v.showOwn(http.StatusUnprocessableEntity, view, e.Fields, words)
	}
	if err != nil {
		return err
	}
	v.redirect(v.caseAt(view.ID))
	return nil
}

// withdraw asks whether the case is really to be ended.
func (s *Server) withdraw(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	p := confirmPage{
		Frame: v.frame(v.say("web.withdraw")), Text: v.say("web.withdraw.sure", "number", view.Number), Form: ui.Form{Action: v.caseAt(view.ID, "desistir")},
		Button: ui.Button{Text: v.say("web.withdraw"), Look: ui.Harmful}, Back: ui.Link{Text: v.say("web.back"), Href: v.caseAt(view.ID)},
	}
	return v.show(http.StatusOK, confirmView(p))
}

// withdrawn ends the case at its applicant's wish.
func (s *Server) withdrawn(v *visit) error {
	if err := v.readWords(nil); err != nil {
		return err
	}
	id := casefile.ID(v.r.PathValue("id"))
	if err := s.Cases.Withdraw(v.r.Context(), v.by, id); err != nil {
		return err
	}
	v.redirect(v.caseAt(id))
	return nil
}

// filledMinuta shows a declaration with what was typed in the form filled in.
func (s *Server) filledMinuta(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	a := v.asking(view)
	for _, m := range v.portal.Minutas {
		if m.Slug == v.r.PathValue("code") {
			return v.showMinuta(m, func(name string) string {
				f, ok := view.Procedure.Field(name)
				if !ok || len(view.Answers[name]) == 0 || field.Sensitive(f.Kind) {
					return ""
				}
				return strings.Join(append(a.shownRows(f), a.shown(f))[:1], "")
			})
		}
	}
	return fault.New(fault.NotFound, "fault.not-found")
}
