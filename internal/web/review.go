package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/casefile"
	"chancela/internal/certificate"
	"chancela/internal/decision"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// identityID is where the page of a case asks how the subject's identity was proven.
const identityID = "comprovacao-da-identidade"

type officerPage struct {
	Frame     ui.Frame
	Done      string
	Refusal   string // why what was just asked for did not happen
	Problems  []ui.Problem
	Facts     []ui.Fact
	Findings  []ui.Finding
	Parts     []reviewPart
	Evidence  []ui.Evidence
	Proposal  *proposalPart
	Trial     *trialPart
	Decisions []ui.Mark
	Outcome   []ui.Link // what the case led to
	Requests  []ui.Fact // what the applicant was asked to correct or bring
	Jumps     []ui.Link // to the moves, from the top of a long file
	Moves     []move
	Timeline  []ui.Mark
	Audit     ui.Link

	whole bool // codes to look something up by are shown whole: the officer asked, and it is on record
}

// proposalPart is exactly what an approval would make.
type proposalPart struct {
	Facts    []ui.Fact
	Lang     i18n.Lang // of the facts: the act says them in it, whatever the reader's
	Digest   string
	Problems []ui.Finding
}

// move is something that an officer may do with the case now: a form of its own.
type move struct {
	ID, Title, Text string
	Open            bool
	Form            ui.Form
	Fields          []templ.Component
	Button          ui.Button
}

// deed is a move as it was posted, and what came of it.
type deed struct {
	move     string
	typed    url.Values
	problems []fault.Field
	refusal  string
	shown    bool // what was asked for is to be shown on this very answer, and on no other
}

// review shows a case to an officer: answers beside evidence, what an approval would make, and what may be done.
func (s *Server) review(v *visit) error {
	return v.showCase(http.StatusOK, deed{})
}

func (v *visit) showCase(status int, d deed) error {
	if err := v.staff(); err != nil {
		return err
	}
	r, err := v.s.Cases.Review(v.r.Context(), v.by, casefile.ID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	order, ordered, err := v.orderOf(r.ID)
	if err != nil {
		return err
	}
	p := officerPage{Frame: v.frame(v.text(r.Procedure.Title)), Refusal: d.refusal, whole: d.shown}
	p.Frame.Wide, p.Frame.Kicker, p.Frame.State, p.Frame.Trail = true, r.Number, v.pill(r.Case), v.trail()
	p.Frame.Lead, p.Frame.Failed = subjectLine(r), len(d.problems) > 0 || d.refusal != ""
	if v.r.Method == http.MethodGet {
		p.Done = v.moved(v.r.URL.Query().Get("feito"))
	}
	v.fileOf(&p, r)
	v.decided(&p, r)
	if p.Outcome, err = v.outcomes(r.ID); err != nil {
		return err
	}
	mandates, err := v.mandateLink(r.ID)
	if err != nil {
		return err
	}
	p.Outcome = append(p.Outcome, mandates...)
	if ordered {
		p.Outcome = append(p.Outcome, ui.Link{Text: v.say("web.case.certificate"), Href: v.certificateAt(string(order.ID))})
	}
	desk := &desk{v: v, r: r, d: d, told: v.tell(d.problems, namesOf(d))}
	p.Problems = desk.told.summary
	p.Moves = desk.moves(ordered && order.State == certificate.AwaitingIdentity)
	for _, m := range p.Moves {
		p.Jumps = append(p.Jumps, ui.Link{Text: m.Title, Href: "#" + m.ID})
	}
	if v.by.Holds(actor.Auditor) || v.by.Holds(actor.Administrator) {
		p.Audit = ui.Link{Text: v.say("web.case.audit"), Href: v.at("tecnico", "auditoria") + "?" + url.Values{"objeto": {"case/" + string(r.ID)}}.Encode()}
	}
	return v.show(status, officerView(p))
}

// outcomes lead to the credential that a case made.
func (v *visit) outcomes(id casefile.ID) ([]ui.Link, error) {
	if !v.issues(ofCredentials) {
		return nil, nil
	}
	c, ok, err := v.s.Credentials.OfCase(v.r.Context(), v.by, string(id))
	if err != nil || !ok {
		return nil, err
	}
	return []ui.Link{{Text: v.text(c.Title) + " " + c.Number, Href: v.credentialAt(c)}}, nil
}

func subjectLine(r casefile.Review) string {
	parts := slices.DeleteFunc([]string{r.Applicant, r.BodyName}, func(s string) bool { return s == "" })
	return strings.Join(slices.Compact(parts), " · ")
}

// moved says what was just done; only words that are known.
func (v *visit) moved(what string) string {
	if what == "" || !slices.Contains(movesOf(), what) {
		return ""
	}
	return v.say("web.moved." + what)
}

// fileOf puts the file on the page: terms, findings, answers, documents, what happened.
func (v *visit) fileOf(p *officerPage, r casefile.Review) {
	p.Facts = v.caseFacts(r)
	for _, f := range r.Findings {
		tone := ui.Success
		if f.Bad {
			tone = ui.Warning
		}
		p.Findings = append(p.Findings, ui.Finding{Tone: tone, Text: v.portal.Say(v.lang, "case.finding."+f.Key, f.Args)})
	}
	a := v.asking(r.View)
	a.warn(r.Warnings)
	a.whole = p.whole
	for _, step := range r.Procedure.Steps {
		answered := slices.DeleteFunc(step.Asked(r.Answers, v.s.now()), portal.Field.IsFile)
		p.Parts = append(p.Parts, reviewPart{Title: v.text(step.Title), Facts: a.facts(answered)})
	}
	for _, doc := range r.Documents {
		p.Evidence = append(p.Evidence, v.evidence(r, doc))
	}
	for _, request := range r.Requests {
		p.Requests = append(p.Requests, v.requestFact(r, request))
	}
	p.Timeline = v.timeline(r.View, r.Names)
}

// requestFact is one thing that was asked for: why, and whether it came.
func (v *visit) requestFact(r casefile.Review, request casefile.Request) ui.Fact {
	fact := ui.Fact{Label: request.Field, Text: request.Reason}
	if f, ok := r.Procedure.Field(request.Field); ok {
		fact.Label = v.text(f.Label)
	}
	if request.Answered.IsZero() {
		fact.Notes = []ui.Finding{{Tone: ui.Warning, Text: v.say("web.case.request.open", "date", v.day(request.AskedAt))}}
	} else {
		fact.Notes = []ui.Finding{{Tone: ui.Success, Text: v.say("web.case.request.answered", "date", v.day(request.Answered))}}
	}
	return fact
}

func (v *visit) caseFacts(r casefile.Review) []ui.Fact {
	taken := v.say("web.case.nobody")
	if r.TakenBy != "" {
		taken = r.Names[r.TakenBy]
	}
	facts := []ui.Fact{
		{Label: v.say("web.filed"), Text: v.dayOr(r.FiledAt)},
		{Label: v.say("web.due"), Body: v.due(casefile.Row{State: r.State, DueAt: r.DueAt, PausedAt: r.PausedAt, AnswerBy: r.AnswerBy})},
		{Label: v.say("web.case.taken"), Text: taken},
	}
	if r.Director != "" {
		facts = append(facts, ui.Fact{Label: v.say("web.case.director"), Text: r.Names[r.Director]})
	}
	if r.Address != "" {
		facts = append(facts, ui.Fact{Label: v.say("web.case.address"), Text: r.Address})
	}
	if !r.AnswerBy.IsZero() {
		facts = append(facts, ui.Fact{Label: v.say("web.case.answer-by"), Text: v.day(r.AnswerBy)})
	}
	return append(facts, ui.Fact{Label: v.say("web.case.revision"), Body: ui.Typed(r.Revision)})
}

// evidence shows a document beside the answers: handed out as an attachment, never rendered in this place (C08).
func (v *visit) evidence(r casefile.Review, doc evidence.Doc) ui.Evidence {
	title := doc.Slot
	if f, ok := r.Procedure.Field(doc.Slot); ok {
		title = v.text(f.Label)
	}
	e := ui.Evidence{
		Title: title, File: doc.FileName(), Detail: strings.ToUpper(string(doc.Kind)) + ", " + size(v.lang, doc.Size) + ", " + v.moment(doc.At),
		Image: doc.Kind != evidence.PDF, Download: v.documentAt(r.ID, doc), Digest: doc.Digest,
	}
	for _, f := range doc.Findings {
		tone := ui.Warning
		if f == evidence.Signature {
			tone = ui.Info
		}
		e.Findings = append(e.Findings, ui.Finding{Tone: tone, Text: v.say("evidence.finding." + string(f))})
	}
	switch doc.Scan {
	case evidence.Unscanned:
		e.Findings = append(e.Findings, ui.Finding{Tone: ui.Neutral, Text: v.say("web.case.unscanned")})
	case evidence.Held:
		e.State = ui.Pill{Text: v.say("web.case.held"), Tone: ui.Warning}
	}
	return e
}

// decided puts on the page what an approval would make, and what was decided so far.
func (v *visit) decided(p *officerPage, r casefile.Review) {
	if len(r.Proposal.Lines) > 0 || len(r.Proposal.Problems) > 0 {
		part := &proposalPart{Digest: r.Proposal.Digest, Lang: i18n.PT}
		for _, line := range r.Proposal.Lines {
			part.Facts = append(part.Facts, ui.Fact{Label: line.Label, Text: line.Value})
		}
		for _, key := range r.Proposal.Problems {
			part.Problems = append(part.Problems, ui.Finding{Tone: ui.Danger, Text: v.say(key)})
		}
		p.Proposal = part
	}
	p.Trial = v.trial(r.Trial)
	for _, d := range r.Decisions {
		p.Decisions = append(p.Decisions, v.decisionMark(d, r))
	}
}

func (v *visit) decisionMark(d decision.Entry, r casefile.Review) ui.Mark {
	mark := ui.Mark{Title: v.say("web.verdict." + string(d.Verdict)), When: v.moment(d.At), By: r.Names[d.Person]}
	if mark.By == "" {
		mark.By = d.Office
	}
	if d.Verdict == decision.Approve || d.Verdict == decision.IntendRefuse {
		if len(casefile.PartsOf(d)) > 0 {
			mark.Title = v.say("web.verdict.part." + string(d.Verdict))
		}
	}
	var said []string
	for i, reason := range d.Reasons {
		line := reason.Code
		if known, ok := v.portal.Reason(reason.Code); ok {
			line += ". " + v.text(known.Text)
		}
		if reason.Part != "" {
			line = r.PartName(reason.Part, v.lang) + ": " + line
		}
		said = append(said, line)
		if reason.Part != "" || i == len(d.Reasons)-1 {
			said = append(said, reason.Words)
		}
	}
	if d.Weighing != "" {
		said = append(said, d.Weighing)
	}
	mark.Text = strings.Join(said, " — ")
	switch {
	case d.Verdict == decision.Approve:
		mark.Tone = ui.Success
	case d.Verdict.Voided():
		mark.Tone = ui.Warning
	case d.Verdict == decision.Refuse, d.Verdict == decision.Desert:
		mark.Tone = ui.Danger
	}
	return mark
}

// The moves of an officer, as their addresses name them.
const (
	moveTake     = "assumir"
	moveReturn   = "devolver"
	moveAside    = "impedimento"
	moveNote     = "nota"
	moveElements = "elementos"
	moveApprove  = "deferir"
	moveIntend   = "audiencia"
	moveRefuse   = "indeferir"
	moveDesert   = "deserto"
	moveIdentity = "comprovar"

	moveIntendPart  = "audiencia-parcial"
	moveApprovePart = "deferir-parte"
	moveShow        = "mostrar"
)

func movesOf() []string {
	return []string{moveTake, moveReturn, moveAside, moveNote, moveElements, moveApprove, moveIntend, moveRefuse, moveDesert, moveIdentity, moveIntendPart, moveApprovePart, moveShow}
}

// decide does one move of an officer with a case.
func (s *Server) decide(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	id, d := casefile.ID(v.r.PathValue("id")), deed{move: v.r.PathValue("move")}
	if !slices.Contains(movesOf(), d.move) {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	asks, err := v.asksOfMove(id, d)
	if err != nil {
		return err
	}
	if err := v.readWords(asks); err != nil {
		return err
	}
	d.typed = v.r.PostForm
	err = v.do(id, d)
	if err == nil && d.move == moveShow {
		d.shown = true
		return v.showCase(http.StatusOK, d)
	}
	if err == nil {
		v.redirect(v.at("tecnico", "processos", string(id)) + "?feito=" + d.move)
		return nil
	}
	e, ok := fault.As(err)
	if !ok || e.Kind == fault.NotFound {
		return err
	}
	if len(e.Fields) > 0 {
		d.problems = e.Fields
	} else {
		_, _, d.refusal = v.explain(err)
	}
	return v.showCase(statusOf[e.Kind], d)
}

// asksOfMove are the names that the form of a move has.
func (v *visit) asksOfMove(id casefile.ID, d deed) (names, error) {
	asks := once("revisao")
	switch d.move {
	case moveAside, moveNote:
		asks.with(given, d.name("words"))
	case moveIntend, moveDesert:
		asks.with(given, d.name("words")).often(d.name("codes"))
	case moveRefuse:
		asks.with(given, d.name("words"), d.name("weighing")).often(d.name("codes"))
	case moveIdentity:
		asks.with(given, d.name("how"), d.name("words"))
	case moveIntendPart, moveApprovePart:
		r, err := v.s.Cases.Review(v.r.Context(), v.by, id)
		if err != nil {
			return nil, err
		}
		asks.with(given, d.name("weighing"))
		asked, _ := r.Procedure.Field(r.Procedure.Decide.Parts)
		for _, part := range asked.Options { // all that could be asked: what was given up meanwhile is told as a change
			asks.with(given, d.name("leave."+part.Key), d.name("codes."+part.Key), d.name("words."+part.Key))
		}
	case moveElements:
		r, err := v.s.Cases.Review(v.r.Context(), v.by, id)
		if err != nil {
			return nil, err
		}
		for _, f := range askable(r) {
			asks.with(given, d.name("ask."+f.Key), d.name("reason."+f.Key))
		}
	}
	return asks, nil
}

// do is the deed behind a move.
func (v *visit) do(id casefile.ID, d deed) error {
	ctx, cases, revision := v.r.Context(), v.s.Cases, d.typed.Get("revisao")
	switch d.move {
	case moveTake:
		return cases.Take(ctx, v.by, id)
	case moveReturn:
		return cases.Return(ctx, v.by, id)
	case moveAside:
		return cases.StandAside(ctx, v.by, id, d.get("words"))
	case moveNote:
		return cases.Note(ctx, v.by, id, d.get("words"))
	case moveElements:
		return v.askElements(id, d)
	case moveApprove:
		return cases.Approve(ctx, v.by, id, revision)
	case moveIntend:
		return cases.IntendRefusal(ctx, v.by, id, revision, d.ground())
	case moveRefuse:
		return cases.Refuse(ctx, v.by, id, revision, d.ground())
	case moveDesert:
		return cases.Desert(ctx, v.by, id, d.ground())
	case moveShow:
		return cases.ShowCodes(ctx, v.by, id)
	case moveIntendPart, moveApprovePart:
		return v.decidePart(id, d, revision)
	case moveIdentity:
		return v.s.Certificates.RecordIdentity(ctx, v.by, string(id), certificate.How(d.get("how")), d.get("words"))
	}
	return fmt.Errorf("move %q has no deed", d.move)
}

// name is the name of a field of a move's form: several stand on one page.
func (d deed) name(part string) string { return d.move + "." + part }

func (d deed) get(part string) string { return d.typed.Get(d.name(part)) }

func (d deed) ground() casefile.Ground {
	return casefile.Ground{Codes: d.typed[d.name("codes")], Words: d.get("words"), Weighing: d.get("weighing")}
}

// namesOf gives the fields of the move's form for what the room calls them.
func namesOf(d deed) map[string]string {
	names := map[string]string{"": ""}
	for _, p := range d.problems {
		names[p.Name] = d.name(p.Name)
	}
	names["items"] = "" // said of the form as a whole
	return names
}

// askElements asks the applicant for what was ticked, and for what has a reason though its tick was forgotten.
func (v *visit) askElements(id casefile.ID, d deed) error {
	r, err := v.s.Cases.Review(v.r.Context(), v.by, id)
	if err != nil {
		return err
	}
	var items []casefile.Item
	for _, f := range askable(r) {
		reason := strings.TrimSpace(d.get("reason." + f.Key))
		if d.get("ask."+f.Key) != "" || reason != "" {
			items = append(items, casefile.Item{Field: f.Key, Reason: reason})
		}
	}
	return v.s.Cases.AskElements(v.r.Context(), v.by, id, items)
}

// askable are the questions that an officer may open again: those that were asked, and the documents for later.
func askable(r casefile.Review) []portal.Field {
	return slices.Concat(r.Procedure.Fields(), r.Procedure.AskLater)
}

// desk lays out what the officer may do.
type desk struct {
	v    *visit
	r    casefile.Review
	d    deed
	told told
}

// moves are those that the state admits. Whether this officer may is asked again by the deed; a form for what they
// surely may not do would only disappoint.
func (k *desk) moves(identity bool) []move {
	if k.r.Mine {
		return []move{k.aside()}
	}
	var all []move
	may := func(p actor.Permission, m func() move) {
		if k.v.by.MayIn(k.v.portal.Name, p) == nil {
			all = append(all, m())
		}
	}
	if identity {
		may(actor.ProveIdentity, k.identity)
	}
	switch k.r.State {
	case casefile.Proven:
		may(actor.WorkCase, k.take)
	case casefile.InReview:
		may(actor.DecideCase, k.approve)
		may(actor.WorkCase, k.elements)
		may(actor.WorkCase, k.intend)
		if len(k.r.Parts()) > 1 {
			may(actor.WorkCase, k.intendPart)
		}
		may(actor.WorkCase, k.giveBack)
	case casefile.Waiting:
		if k.v.unanswered(casefile.Row{State: k.r.State, AnswerBy: k.r.AnswerBy}) {
			may(actor.WorkCase, k.takeUp)
		}
		may(actor.DecideCase, k.desert)
	case casefile.RefusalIntended, casefile.Heard:
		may(actor.DecideCase, k.approve)
		if len(k.leavable()) > 0 {
			may(actor.DecideCase, k.approvePart)
		}
		if k.r.HeardWhole {
			may(actor.DecideCase, k.refuse)
		}
		if k.heardOut() { // more, or on other grounds, than the applicant was heard on
			may(actor.WorkCase, k.intend)
			if len(k.r.Parts()) > 1 {
				may(actor.WorkCase, k.intendPart)
			}
		}
	}
	if k.r.HasCodes() {
		may(actor.WorkCase, k.show)
	}
	may(actor.WorkCase, k.note)
	if !k.r.State.Decided() {
		may(actor.WorkCase, k.aside)
	}
	return all
}

func (k *desk) move(name string, button ui.Button, fields ...templ.Component) move {
	v := k.v
	m := move{
		ID: "ato-" + name, Title: v.say("web.move." + name), Text: v.say("web.move." + name + ".text"), Open: k.d.move == name, Fields: fields,
		Form: ui.Form{Action: v.at("tecnico", "processos", string(k.r.ID), name), Hidden: []ui.Hidden{{Name: "revisao", Value: k.r.Revision}}}, Button: button,
	}
	m.Button.Text = v.say("web.move." + name + ".button")
	return m
}

func (k *desk) take() move { return k.opened(k.move(moveTake, ui.Button{})) }

func (k *desk) show() move { return k.move(moveShow, ui.Button{Look: ui.Secondary}) }

// takeUp goes on with a case whose applicant did not bring what was asked for in time.
func (k *desk) takeUp() move {
	m := k.take()
	m.Text = k.v.say("web.move.assumir.over", "until", k.v.day(k.r.AnswerBy))
	return m
}

func (k *desk) giveBack() move { return k.move(moveReturn, ui.Button{Look: ui.Quiet}) }

// opened shows a move without its having to be asked for: it is what comes next.
func (k *desk) opened(m move) move {
	m.Open = true
	return m
}

func (k *desk) approve() move {
	m := k.opened(k.move(moveApprove, ui.Button{}))
	v := k.v
	switch {
	case k.r.Approved:
		m.Text = v.say("web.move.deferir.yours")
		m.Button = ui.Button{}
	case k.r.Reviewed:
		m.Text = v.say("case.reviewed")
		m.Button = ui.Button{}
	case len(k.r.Proposal.Problems) > 0:
		m.Text = v.say("web.move.deferir.stopped")
		m.Button = ui.Button{}
	case k.r.Missing > 1:
		m.Text = v.say("web.move.deferir.several", "n", strconv.Itoa(k.r.Missing))
	}
	return m
}

// words is a move's box for the officer's own words.
func (k *desk) words(name, part, label, hint string, rows int) templ.Component {
	return grounds{v: k.v, told: k.told, typed: k.d.typed, of: name}.words(part, k.v.say(label), hint, rows)
}

func (k *desk) note() move {
	return k.move(moveNote, ui.Button{Look: ui.Secondary}, k.words(moveNote, "words", "web.move.nota.words", "", 3))
}

func (k *desk) aside() move {
	m := k.move(moveAside, ui.Button{Look: ui.Secondary}, k.words(moveAside, "words", "web.move.impedimento.words", "", 3))
	if k.r.Mine {
		m.Open, m.Text = true, k.v.say("case.own")
	}
	return m
}

// grounds are the boxes of an unfavourable act.
func (k *desk) grounds(name, why string) []templ.Component {
	g := grounds{v: k.v, told: k.told, typed: k.d.typed, of: name}
	codes := g.codes(why, func(r portal.Reason) bool {
		return why != "refuse" || slices.Contains(k.r.Procedure.Decide.Reasons, r.Code)
	})
	return []templ.Component{ui.Checkboxes(codes), g.facts()}
}

func (k *desk) intend() move {
	return k.move(moveIntend, ui.Button{Look: ui.Harmful}, k.grounds(moveIntend, "refuse")...)
}

func (k *desk) refuse() move {
	fields := k.grounds(moveRefuse, "refuse")
	if k.r.State == casefile.Heard {
		fields = append(fields, k.words(moveRefuse, "weighing", "web.weighing", k.v.say("web.facts.hint"), 5))
	}
	return k.afterHearing(k.move(moveRefuse, ui.Button{Look: ui.Harmful}, fields...))
}

// heardOut says whether the hearing is over.
func (k *desk) heardOut() bool {
	return k.r.State == casefile.Heard || k.v.s.now().After(k.r.AnswerBy)
}

// afterHearing shows a move that only the end of the hearing opens.
func (k *desk) afterHearing(m move) move {
	if !k.heardOut() {
		m.Text = k.v.say("case.hearing-runs", "until", k.v.day(k.r.AnswerBy))
		m.Fields, m.Button = nil, ui.Button{}
	}
	return m
}

func (k *desk) desert() move {
	return k.move(moveDesert, ui.Button{Look: ui.Harmful}, k.grounds(moveDesert, "desert")...)
}

func (k *desk) identity() move {
	how := ui.Choice{Field: k.told.field(moveIdentity+".how", k.v.say("web.move.comprovar.how"), "")}
	for i, way := range certificate.Ways() {
		chosen := k.d.typed.Get(moveIdentity + ".how")
		how.Options = append(how.Options, ui.Option{Value: string(way), Text: k.v.say("web.identity." + string(way)), Selected: chosen == string(way) || chosen == "" && i == 0})
	}
	m := k.opened(k.move(moveIdentity, ui.Button{}, ui.Radios(how), k.words(moveIdentity, "words", "web.move.comprovar.words", k.v.say("web.move.comprovar.hint"), 3)))
	m.ID = identityID
	return m
}

// elements lists what may be asked for, documents first, each with its tick and its reason.
func (k *desk) elements() move {
	fields := askable(k.r)
	slices.SortStableFunc(fields, func(a, b portal.Field) int { return order(a) - order(b) })
	var rows []templ.Component
	for _, f := range fields {
		if f.Kind == field.Tick {
			continue // a declaration is made or not: there is nothing to correct in it
		}
		rows = append(rows, k.element(f))
	}
	m := k.move(moveElements, ui.Button{Look: ui.Secondary}, ui.Blocks(rows))
	m.Text = k.v.say("web.move.elementos.text", "days", strconv.Itoa(k.v.portal.Rules.ElementsDays))
	return m
}

func order(f portal.Field) int {
	if f.IsFile() {
		return 0
	}
	return 1
}

func (k *desk) element(f portal.Field) templ.Component {
	ask, reason := moveElements+".ask."+f.Key, moveElements+".reason."+f.Key
	check := ui.Check{Field: ui.Field{Name: ask, Label: k.v.text(f.Label)}, Checked: k.d.typed.Get(ask) != ""}
	words := ui.Input{Field: k.told.field(reason, k.v.say("web.move.elementos.reason", "what", k.v.text(f.Label)), ""), Value: k.d.typed.Get(reason), Autocomplete: "off"}
	return elementView(check, words)
}
