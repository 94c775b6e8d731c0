package web

import (
	"errors"
	"io"
	"mime"
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

// beginSignedIn asks a signed-in person to begin: a GET starts nothing.
func (v *visit) beginSignedIn(proc *portal.Procedure) error {
	p := stepPage{Frame: v.frame(v.text(proc.Title)), Intro: markdown(v.text(proc.Intro)), Form: ui.Form{Action: v.at("novo", proc.Key)}}
	p.Frame.Trail = v.trail()
	p.Next = ui.Button{Text: v.say("web.start")}
	return v.show(http.StatusOK, stepView(p))
}

// begun starts a draft with what was typed in its first step.
func (s *Server) begun(v *visit) error {
	proc, err := v.procedure()
	if err != nil {
		return err
	}
	id, err := v.draft(proc)
	if err != nil {
		return err
	}
	if proc.For == portal.ForPerson {
		v.redirect(v.at("processos", string(id), "passo", "1"))
		return nil
	}
	return v.take(id, 0)
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
	id, err := v.draft(proc)
	if err != nil {
		return err
	}
	return v.keep(id)
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
		p.Problems = a.blame(judged.Problems)
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
	return v.take(view.ID, at)
}

// take reads a step's form, keeps it whatever it says, and then judges it.
func (v *visit) take(id casefile.ID, at int) error {
	view, err := v.s.Cases.Open(v.r.Context(), v.by, id)
	if err != nil {
		return err
	}
	fields := view.Procedure.Steps[at].Fields
	typed, problems, err := v.readForm(view, fields)
	if err != nil {
		fields = sent(fields, typed) // what did not arrive was not emptied
	}
	if saved := v.s.Cases.Save(v.r.Context(), v.by, id, answersOf(fields, typed)); saved != nil {
		return saved
	}
	if err != nil {
		return err
	}
	if view, err = v.s.Cases.Open(v.r.Context(), v.by, id); err != nil {
		return err
	}
	do, what, _ := strings.Cut(typed.Get("do"), ":")
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
	problems = append(problems, judged.Problems...)
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

// shownName is what a form calls the list of the questions that it showed.
const shownName = "perguntas"

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
		p.Others = append(p.Others, ui.Button{Text: v.say("web.back"), Name: "do", Value: "anterior", Look: ui.Secondary})
	}
	p.Others = append(p.Others, ui.Button{Text: v.say("web.save-and-leave"), Name: "do", Value: "guardar", Look: ui.Quiet})
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

// Limits of one request: the documents of one step, the words of a form, and what is read on and thrown away so that
// the page which says that it is too much arrives.
const (
	mostUpload  = 64 << 20
	mostWords   = 2 << 20
	mostDrained = 512 << 20
)

// limit takes a form up to a size.
func (v *visit) limit(most int64) {
	v.body, v.r.Body = v.r.Body, http.MaxBytesReader(v.w, v.r.Body, most)
}

// drain reads on what is too large and keeps nothing of it: a browser reads an answer only once it has sent everything,
// and would show a broken connection in the place of the page.
func (v *visit) drain() {
	if v.body != nil {
		_, _ = io.CopyN(io.Discard, v.body, mostDrained)
	}
}

// readWords reads a form without documents.
func (v *visit) readWords() error {
	v.limit(mostWords)
	return formError(v.r.ParseForm())
}

// readForm reads a form of words and documents. Documents go straight to the case as they arrive; what is wrong with
// one is told beside its field, and the words are kept whatever happens to the documents.
func (v *visit) readForm(view casefile.View, fields []portal.Field) (url.Values, []fault.Field, error) {
	kind, _, _ := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		err := v.readWords()
		return v.r.PostForm, nil, err
	}
	v.limit(mostUpload)
	parts, err := v.r.MultipartReader()
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "form.unreadable")
	}
	typed := url.Values{}
	var problems []fault.Field
	words := int64(mostWords)
	for range 1000 {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return typed, problems, nil
		}
		if err != nil {
			return typed, problems, formError(err)
		}
		if part.FileName() == "" {
			text, err := io.ReadAll(io.LimitReader(part, words+1))
			if words -= int64(len(text)); err != nil || words < 0 {
				return typed, problems, formError(err)
			}
			typed.Add(part.FormName(), string(text))
			continue
		}
		problem, err := v.attach(view, fields, part.FormName(), part.FileName(), part)
		if err != nil {
			return typed, problems, formError(err)
		}
		problems = append(problems, problem...)
	}
	return typed, problems, fault.New(fault.Invalid, "form.unreadable")
}

// formError tells a form that is too large from one that cannot be read.
func formError(err error) error {
	if err == nil {
		return nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large || isRefusal(err) {
		return err
	}
	return fault.New(fault.Invalid, "form.unreadable")
}

func (v *visit) attach(view casefile.View, fields []portal.Field, slot, name string, content io.Reader) ([]fault.Field, error) {
	if !slices.ContainsFunc(fields, func(f portal.Field) bool { return f.Key == slot && f.IsFile() }) {
		return nil, fault.New(fault.Invalid, "form.unknown-field")
	}
	err := v.s.Cases.Attach(v.r.Context(), v.by, view.ID, evidence.Upload{Slot: slot, Name: name, Reader: content})
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		return e.Fields, nil
	}
	return nil, err
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
func (s *Server) autosave(v *visit) error { return v.keep(casefile.ID(v.r.PathValue("id"))) }

func (v *visit) keep(id casefile.ID) error {
	view, err := v.s.Cases.Open(v.r.Context(), v.by, id)
	if err != nil {
		return err
	}
	if err := v.readWords(); err != nil {
		return err
	}
	fields := sent(view.Procedure.Fields(), v.r.PostForm)
	if err := v.s.Cases.Save(v.r.Context(), v.by, view.ID, answersOf(fields, v.r.PostForm)); err != nil {
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

// detach takes a document out of a draft and shows its step again.
func (s *Server) detach(v *visit) error {
	id := casefile.ID(v.r.PathValue("id"))
	view, err := s.Cases.Open(v.r.Context(), v.by, id)
	if err != nil {
		return err
	}
	document := evidence.ID(v.r.PathValue("document"))
	slot := ""
	for _, doc := range view.Documents {
		if doc.ID == document {
			slot = doc.Slot
		}
	}
	if err := s.Cases.Detach(v.r.Context(), v.by, id, document); err != nil {
		return err
	}
	if view.State != casefile.Draft {
		v.redirect(v.at("processos", string(id)))
		return nil
	}
	for i, step := range view.Procedure.Steps {
		if slices.ContainsFunc(step.Fields, func(f portal.Field) bool { return f.Key == slot }) {
			v.redirect(v.at("processos", string(id), "passo", strconv.Itoa(i+1)) + "#" + ui.FieldID(slot))
			return nil
		}
	}
	v.redirect(v.at("processos", string(id)))
	return nil
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
