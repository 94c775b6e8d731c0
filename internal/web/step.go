package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/casefile"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

type stepPage struct {
	Frame     ui.Frame
	Intro     templ.Component
	Steps     []ui.Step
	Hint      string
	Problems  []ui.Problem
	Form      ui.Form
	Questions []templ.Component
	Next      ui.Button
	Note      string
	Others    []ui.Button
	Cancel    ui.Link
	Saved     string
	More      string // that the answers led to further questions
}

// begin shows the first step of a form to somebody who has not begun it.
func (s *Server) begin(v *visit) error {
	proc, err := v.procedure()
	if err != nil {
		return err
	}
	view := casefile.View{Case: casefile.Case{Portal: v.portal, Procedure: proc, Lang: v.lang, Answers: portal.Answers{}}}
	for _, f := range proc.Fields() {
		if f.Default != "" {
			view.Answers[f.Key] = []string{f.Default}
		}
		if f.Role == portal.Language && f.Default == "" {
			view.Answers[f.Key] = []string{string(v.lang)} // the language that they read now
		}
	}
	if proc.For == portal.ForPerson {
		return v.beginSignedIn(proc)
	}
	if id, ok := v.draftOf(proc); ok || v.r.URL.Query().Has("cancelar") {
		return v.goOn(id, ok)
	}
	p := v.stepPage(view, 0, v.asking(view))
	p.Form.Action, p.Form.Autosave = v.at("novo", proc.Key), v.at("novo", proc.Key, "guardar")
	p.Cancel = ui.Link{Text: v.cancelLabel(proc), Href: v.at("novo", proc.Key) + "?cancelar=1"}
	return v.show(http.StatusOK, stepView(p))
}

func (v *visit) procedure() (*portal.Procedure, error) {
	proc, ok := v.portal.Procedure(v.r.PathValue("procedure"))
	if !ok {
		return nil, fault.New(fault.NotFound, "fault.not-found")
	}
	if proc.For == portal.ForPerson && v.by.Kind != actor.Person {
		return nil, errSignIn
	}
	return proc, nil
}

// begun starts a draft with what was typed in its first step.
func (s *Server) begun(v *visit) error {
	proc, err := v.procedure()
	if err != nil {
		return err
	}
	if proc.For == portal.ForPerson {
		return v.begunSignedIn(proc)
	}
	return v.take(proc.Steps[0].Fields, 0, func() (casefile.ID, error) { return v.draft(proc) })
}

// draft is the draft of the procedure that this browser has, or a new one.
func (v *visit) draft(proc *portal.Procedure) (casefile.ID, error) {
	if id, ok := v.draftOf(proc); ok {
		return id, nil
	}
	id, secret, err := v.start(proc)
	if err == nil && v.by.Kind == actor.Visitor {
		v.setCookie(v.caseCookie(), "draft."+secret, casefile.KeepDrafts)
		v.by.Case, v.by.Strength = string(id), actor.ByLink
	}
	return id, err
}

// draftOf is the visitor's draft of the procedure, if this browser holds one.
func (v *visit) draftOf(proc *portal.Procedure) (casefile.ID, bool) {
	if v.by.Kind != actor.Visitor || v.by.Case == "" {
		return "", false
	}
	view, err := v.s.Cases.Open(v.r.Context(), v.by, casefile.ID(v.by.Case))
	if err != nil || view.State != casefile.Draft || view.Procedure.Key != proc.Key {
		return "", false
	}
	return view.ID, true
}

// autosaveNew keeps what is being typed in a form whose draft may not have begun: the first words begin it.
func (s *Server) autosaveNew(v *visit) error {
	proc, err := v.procedure()
	if err != nil {
		return err
	}
	return v.keep(proc.Steps[0].Fields, func() (casefile.ID, error) { return v.draft(proc) })
}

// goOn leads to the draft that has begun, or, for who cancels, to the question whether it is to be erased; home where
// nothing was begun.
func (v *visit) goOn(id casefile.ID, begun bool) error {
	switch {
	case !begun:
		return errMoved{v.at()}
	case v.r.URL.Query().Has("cancelar"):
		return errMoved{v.caseAt(id, "cancelar")}
	}
	return errMoved{v.caseAt(id, "passo", "1")}
}

// start begins a draft and gives the secret that opens it again in this browser.
func (v *visit) start(proc *portal.Procedure) (casefile.ID, string, error) {
	id, ref, err := v.s.Cases.Begin(v.r.Context(), v.by, proc.Key, v.lang)
	if err != nil || ref == "" {
		return id, "", err
	}
	secret, err := v.s.Cases.Secret(v.r.Context(), ref)
	return id, secret, err
}

// step shows one step of a draft.
func (s *Server) step(v *visit) error {
	view, at, err := v.draftStep()
	if err != nil {
		return err
	}
	a := v.asking(view)
	query := v.r.URL.Query()
	for _, f := range view.Procedure.Steps[at].Fields {
		if f.Kind == field.Body {
			a.searches[f.Key] = clipped(query.Get(search(f.Key)), 100)
		}
	}
	if n, err := strconv.Atoi(query.Get("linhas")); err == nil && n > 0 && n <= 60 {
		a.rows = n
	}
	p := v.stepPage(view, at, a)
	if query.Has("ver") {
		judged := view.Procedure.JudgeStep(at, view.WithFiles(), s.now())
		p.Problems = a.blame(unique(slices.Concat(judged.Problems, foretold(view, at))))
		a.warn(judged.Warnings)
		p.Frame.Failed = len(p.Problems) > 0
		p.Questions = a.questions(view.Procedure.Steps[at].Asked(view.Answers, s.now()))
	}
	if query.Has("mais") {
		p.More = v.say("web.more-asked")
	}
	if query.Has("guardado") {
		p.Saved = v.say("web.saved", "until", v.day(view.ChangedAt.Add(casefile.KeepDrafts)))
	}
	return v.show(http.StatusOK, stepView(p))
}

func clipped(s string, most int) string {
	runes := []rune(s)
	if len(runes) > most {
		runes = runes[:most]
	}
	return string(runes)
}

// draftStep reads the draft and which of its steps is meant.
func (v *visit) draftStep() (casefile.View, int, error) {
	view, err := v.view()
	if err != nil {
		return view, 0, err
	}
	if view.State != casefile.Draft {
		return view, 0, errMoved{v.at("processos", string(view.ID))}
	}
	at, err := strconv.Atoi(v.r.PathValue("step"))
	if err != nil || at < 1 || at > len(view.Procedure.Steps) {
		return view, 0, fault.New(fault.NotFound, "fault.not-found")
	}
	return view, at - 1, nil
}

// stepped keeps what was typed in a step and goes where the button says.
func (s *Server) stepped(v *visit) error {
	view, at, err := v.draftStep()
	if err != nil {
		return err
	}
	return v.take(view.Procedure.Steps[at].Fields, at, opened(view.ID))
}

// take reads a step's form, keeps it whatever it says, and then judges it.
func (v *visit) take(fields []portal.Field, at int, open opening) error {
	problems, err := v.readCase(asksOf(fields).with(given, doName, shownName), open)
	if fault.Is(err, fault.Malformed) {
		return err
	}
	typed := v.r.PostForm
	if err != nil {
		fields = sent(fields, typed) // what did not arrive was not emptied
	}
	id, saved := v.save(fields, open)
	if saved != nil {
		return saved
	}
	if err != nil {
		return err
	}
	view, err := v.s.Cases.Open(v.r.Context(), v.by, id)
	if err != nil {
		return err
	}
	do, what, _ := strings.Cut(typed.Get(doName), ":")
	here := v.at("processos", string(id), "passo", strconv.Itoa(at+1))
	switch do {
	case "procurar":
		v.redirect(here + "?" + url.Values{search(what): {clipped(typed.Get(search(what)), 100)}}.Encode() + "#" + ui.FieldID(search(what)))
		return nil
	case "linha":
		v.redirect(here + "?linhas=" + strconv.Itoa(v.rowCount(view, what)+1) + "#" + ui.FieldID(what))
		return nil
	case "guardar":
		v.redirect(here + "?guardado=1")
		return nil
	case "anterior":
		v.redirect(v.at("processos", string(id), "passo", strconv.Itoa(max(1, at))))
		return nil
	}
	return v.onward(view, at, typed, problems)
}

// save keeps what was typed in some fields of a draft.
func (v *visit) save(fields []portal.Field, open opening) (casefile.ID, error) {
	id, err := open()
	if err != nil {
		return id, err
	}
	return id, v.s.Cases.Save(v.r.Context(), v.by, id, answersOf(fields, v.r.PostForm))
}

func (v *visit) rowCount(view casefile.View, key string) int {
	n := 3
	f, _ := view.Procedure.Field(key)
	for _, column := range f.Columns {
		n = max(n, len(view.Answers[f.Key+"."+column.Key]))
	}
	return n
}

// onward judges a step and goes to the next one, or files a form that has only one.
func (v *visit) onward(view casefile.View, at int, typed url.Values, problems []fault.Field) error {
	judged := view.Procedure.JudgeStep(at, view.WithFiles(), v.s.now())
	if unseen(typed.Get(shownName), problems, judged.Problems) {
		v.redirect(v.caseAt(view.ID, "passo", strconv.Itoa(at+1)) + "?mais=1")
		return nil
	}
	problems = slices.Concat(problems, judged.Problems, foretold(view, at))
	if len(problems) > 0 {
		return v.stepAgain(view, at, typed, problems, judged.Warnings)
	}
	if at+1 < len(view.Procedure.Steps) {
		v.redirect(v.at("processos", string(view.ID), "passo", strconv.Itoa(at+2)))
		return nil
	}
	if len(view.Procedure.Steps) > 1 {
		v.redirect(v.at("processos", string(view.ID), "rever"))
		return nil
	}
	err := v.s.Cases.Submit(v.r.Context(), v.by, view.ID)
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		return v.stepAgain(view, at, typed, e.Fields, judged.Warnings)
	}
	if err != nil {
		return err
	}
	v.redirect(v.at("processos", string(view.ID), "recibo"))
	return nil
}

// What a step's form brings beside its fields: the list of the questions that it showed, and the button pressed.
const (
	shownName = "perguntas"
	doName    = "do"
)

// foretold is what an approval would be refused for and is answered in this step.
func foretold(view casefile.View, at int) []fault.Field {
	return slices.DeleteFunc(slices.Clone(view.Foretold), func(p fault.Field) bool {
		return !slices.ContainsFunc(view.Procedure.Steps[at].Fields, func(f portal.Field) bool { return f.Key == p.Name })
	})
}

// unseen says whether all that is missing are questions that the form did not show, since they follow from what was
// just answered: they are asked for then, not blamed for.
func unseen(shown string, typed, missing []fault.Field) bool {
	if shown == "" || len(typed) > 0 || len(missing) == 0 {
		return false
	}
	keys := strings.Fields(shown)
	return !slices.ContainsFunc(missing, func(p fault.Field) bool { return slices.Contains(keys, strings.SplitN(p.Name, ".", 2)[0]) })
}

// stepAgain shows a step once more with everything typed, and what is wrong with it.
func (v *visit) stepAgain(view casefile.View, at int, typed url.Values, problems, warnings []fault.Field) error {
	a := v.asking(view)
	for _, f := range view.Procedure.Steps[at].Fields {
		a.searches[f.Key] = clipped(typed.Get(search(f.Key)), 100)
	}
	summary := a.blame(unique(problems))
	a.warn(warnings)
	p := v.stepPage(view, at, a)
	p.Problems, p.Frame.Failed = summary, true
	return v.show(http.StatusUnprocessableEntity, stepView(p))
}

// unique leaves out what is said of a field already.
func unique(problems []fault.Field) []fault.Field {
	var all []fault.Field
	for _, p := range problems {
		if !slices.ContainsFunc(all, func(q fault.Field) bool { return q.Name == p.Name }) {
			all = append(all, p)
		}
	}
	return all
}

// stepPage makes up a step's page.
func (v *visit) stepPage(view casefile.View, at int, a *asking) stepPage {
	proc := view.Procedure
	step := proc.Steps[at]
	p := stepPage{Frame: v.frame(v.text(proc.Title)), Hint: v.text(step.Hint)}
	p.Frame.Trail = v.trail()
	id := string(view.ID)
	asked := step.Asked(view.Answers, v.s.now())
	p.Form = ui.Form{Action: v.at("processos", id, "passo", strconv.Itoa(at+1)), Autosave: v.at("processos", id, "guardar")}
	p.Form.Files = slices.ContainsFunc(asked, portal.Field.IsFile)
	var shown []string
	for _, f := range asked {
		shown = append(shown, f.Key)
	}
	p.Form.Hidden = []ui.Hidden{{Name: shownName, Value: strings.Join(shown, " ")}}
	p.Questions = a.questions(asked)
	p.Cancel = ui.Link{Text: v.cancelLabel(proc), Href: v.at("processos", id, "cancelar")}
	if at == 0 {
		p.Intro = markdown(v.text(proc.Intro))
	}
	if len(proc.Steps) == 1 {
		p.Next, p.Note = ui.Button{Text: v.text(proc.Submit.Label)}, v.text(proc.Submit.Note)
		return p
	}
	p.Steps = v.steps(view, at)
	p.Next = ui.Button{Text: v.say("web.save-and-go-on")}
	if at > 0 {
		p.Others = append(p.Others, ui.Button{Text: v.say("web.back"), Name: doName, Value: "anterior", Look: ui.Secondary})
	}
	p.Others = append(p.Others, ui.Button{Text: v.say("web.save-and-leave"), Name: doName, Value: "guardar", Look: ui.Quiet})
	return p
}

func (v *visit) cancelLabel(proc *portal.Procedure) string {
	if proc.Cancel.Label.IsZero() {
		return v.say("web.cancel")
	}
	return v.text(proc.Cancel.Label)
}

// steps are the names of the steps, with a last one to review; those behind can be gone back to.
func (v *visit) steps(view casefile.View, at int) []ui.Step {
	var all []ui.Step
	for i, one := range view.Procedure.Steps {
		step := ui.Step{Text: v.text(one.Title), Stage: stageOf(i, at)}
		if i < at && view.ID != "" {
			step.Href = v.at("processos", string(view.ID), "passo", strconv.Itoa(i+1))
		}
		all = append(all, step)
	}
	return append(all, ui.Step{Text: v.say("web.review"), Stage: stageOf(len(view.Procedure.Steps), at)})
}

func stageOf(i, at int) ui.Stage {
	switch {
	case i < at:
		return ui.Done
	case i == at:
		return ui.Now
	}
	return ui.Ahead
}

// answersOf takes from what was posted the answers of some fields; a field that was not sent is answered by nothing,
// which is how browsers send an empty box.
func answersOf(fields []portal.Field, typed url.Values) portal.Answers {
	answers := portal.Answers{}
	for _, f := range fields {
		switch {
		case f.IsFile() || f.Locked:
		case f.Kind == portal.Rows:
			for _, column := range f.Columns {
				name := f.Key + "." + column.Key
				answers[name] = rowsPosted(typed, name)
			}
		case f.Kind == field.Domains:
			answers[f.Key] = strings.FieldsFunc(typed.Get(f.Key), func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ' ' })
		default:
			answers[f.Key] = typed[f.Key]
		}
	}
	return answers
}

// rowsPosted gathers the answers of one column, row by row: name.0, name.1, …
func rowsPosted(typed url.Values, name string) []string {
	var all []string
	for i := range 200 {
		value, ok := typed[name+"."+strconv.Itoa(i)]
		if !ok {
			break
		}
		all = append(all, value[0])
	}
	return all
}

// autosave keeps what is being typed; only the fields that were sent.
func (s *Server) autosave(v *visit) error {
	view, err := s.Cases.Open(v.r.Context(), v.by, casefile.ID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	return v.keep(view.Procedure.Fields(), opened(view.ID))
}

func (v *visit) keep(fields []portal.Field, open opening) error {
	if err := v.readWords(asksOf(fields).with(given, doName, shownName)); err != nil {
		return err
	}
	if _, err := v.save(sent(fields, v.r.PostForm), open); err != nil {
		return err
	}
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// sent are the fields of which something was posted.
func sent(fields []portal.Field, typed url.Values) []portal.Field {
	return slices.DeleteFunc(slices.Clone(fields), func(f portal.Field) bool { return !slices.ContainsFunc(keysOf(f), typed.Has) })
}

func keysOf(f portal.Field) []string {
	keys := []string{f.Key}
	for _, column := range f.Columns {
		keys = append(keys, f.Key+"."+column.Key+".0")
	}
	return keys
}

// detach takes a document out of a case. Its button stands in the form where the document is asked for, and sends all
// of it: what was typed in a draft meanwhile is kept.
func (s *Server) detach(v *visit) error {
	view, err := v.view()
	if err != nil {
		return err
	}
	document := evidence.ID(v.r.PathValue("document"))
	at, back := stepOf(view, document)
	fields, beside := askedOf(view), answerWords
	if at >= 0 {
		fields, beside = view.Procedure.Steps[at].Fields, shownName
	}
	if _, err := v.readCase(asksOf(fields).with(given, doName, beside), opened(view.ID)); err != nil {
		return err
	}
	if view.State == casefile.Draft {
		if _, err := v.save(sent(fields, v.r.PostForm), opened(view.ID)); err != nil {
			return err
		}
	}
	if err := s.Cases.Detach(v.r.Context(), v.by, view.ID, document); err != nil {
		return err
	}
	v.redirect(v.at("processos", string(view.ID)) + back)
	return nil
}

// stepOf is the step of a draft that a document answers, and where its question is; -1 if none.
func stepOf(view casefile.View, document evidence.ID) (at int, place string) {
	for _, doc := range view.Documents {
		if doc.ID != document || view.State != casefile.Draft {
			continue
		}
		at := slices.IndexFunc(view.Procedure.Steps, func(step portal.Step) bool {
			return slices.ContainsFunc(step.Fields, func(f portal.Field) bool { return f.Key == doc.Slot })
		})
		if at >= 0 {
			return at, "/passo/" + strconv.Itoa(at+1) + "#" + ui.FieldID(doc.Slot)
		}
	}
	return -1, ""
}

// bodies searches the register; the one chosen already is always among what is shown.
func (v *visit) bodies(words, chosen string) []account.Body {
	var all []account.Body
	if words != "" {
		found, err := v.s.Accounts.Bodies(v.r.Context(), v.portal.Name, words)
		if err != nil {
			v.s.Log.Error("search in the register", "error", err)
		}
		all = found
	}
	if chosen != "" && !slices.ContainsFunc(all, func(b account.Body) bool { return b.NIPC == chosen }) {
		for _, r := range v.portal.Register {
			if r.NIPC == chosen {
				all = append(all, account.Body{NIPC: r.NIPC, Name: r.Name, Acronym: r.Acronym})
			}
		}
	}
	return all
}
