package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/credential"
	"chancela/internal/fault"
	"chancela/internal/web/ui"
)

// The moves of an officer about a credential, as addresses name them; to revoke is [revokeIt].
const (
	suspendIt = "suspender"
	restoreIt = "levantar"
)

type credentialPage struct {
	Frame    ui.Frame
	Done     string
	Problems []ui.Problem
	Notice   ui.Notice
	PDF      ui.Link
	Facts    []ui.Fact
	Text     []string
	Custody  []ui.Fact
	Digest   string
	Events   []ui.Mark
	Moves    []move
}

// credential shows a credential to whoever holds it.
func (s *Server) credential(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	return v.showCredential(http.StatusOK, "", nil, "")
}

// officerCredential shows it to an officer, with what may be done about it.
func (s *Server) officerCredential(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	return v.showCredential(http.StatusOK, "", nil, "")
}

func (v *visit) showCredential(status int, what string, problems []fault.Field, refusal string) error {
	c, err := v.s.Credentials.Of(v.r.Context(), v.by, credential.ID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	p := credentialPage{Frame: v.frame(v.text(c.Title))}
	p.Frame.Kicker, p.Frame.Lead, p.Frame.State = c.Number, c.Body, v.credentialPill(c)
	p.Frame.Failed = len(problems) > 0 || refusal != ""
	p.Frame.Trail = v.trail(ui.Link{Text: v.areaTitle(), Href: v.at("area")})
	if v.staff() == nil {
		p.Frame.Trail = v.trail(ui.Link{Text: c.CaseNumber, Href: v.at("tecnico", "processos", c.CaseID)})
	}
	if done := v.r.URL.Query().Get("feito"); v.r.Method == http.MethodGet && slices.Contains([]string{suspendIt, restoreIt, revokeIt}, done) {
		p.Done = v.say("web.credential.done." + done)
	}
	p.Notice = v.credentialNotice(c, refusal)
	if c.HasPDF() {
		p.PDF = ui.Link{Text: v.say("web.credential.pdf"), Href: v.credentialAt(c, "pdf"), Save: true, Icon: ui.IconSave}
	}
	v.credentialFacts(&p, c)
	told := v.tell(problems, map[string]string{"codes": what + ".codes", "words": what + ".words"})
	p.Problems = told.summary
	if v.by.MayIn(v.portal.Name, actor.JudgeCredential) == nil {
		p.Moves = v.credentialMoves(c, what, told)
	}
	return v.show(status, credentialView(p))
}

func (v *visit) credentialAt(c credential.View, parts ...string) string {
	at := []string{"credenciais", string(c.ID)}
	if v.staff() == nil {
		at = append([]string{"tecnico"}, at...)
	}
	return v.at(append(at, parts...)...)
}

func (v *visit) credentialPill(c credential.View) ui.Pill {
	tones := map[credential.State]ui.Tone{
		credential.Issuing: ui.Info, credential.Valid: ui.Success, credential.Suspended: ui.Warning, credential.Lapsed: ui.Warning,
		credential.Replaced: ui.Neutral, credential.Revoked: ui.Danger,
	}
	return ui.Pill{Text: v.say("web.credential.state." + string(c.Standing)), Tone: tones[c.Standing]}
}

func (v *visit) credentialNotice(c credential.View, refusal string) ui.Notice {
	if refusal != "" {
		return ui.Notice{Tone: ui.Danger, Text: refusal, Live: true}
	}
	return ui.Notice{
		Tone: v.credentialPill(c).Tone,
		Text: v.say("web.credential.next."+string(c.Standing), "until", v.dayOr(c.ValidUntil), "since", v.dayOr(c.Since), "by", c.ReplacedBy),
	}
}

func (v *visit) credentialFacts(p *credentialPage, c credential.View) {
	for _, f := range c.Facts {
		p.Facts = append(p.Facts, ui.Fact{Label: v.text(f.Label), Text: v.text(f.Value)})
	}
	p.Facts = append(p.Facts,
		ui.Fact{Label: v.say("web.issued"), Text: v.dayOr(c.IssuedAt)}, ui.Fact{Label: v.say("web.until"), Text: v.dayOr(c.ValidUntil)},
		ui.Fact{Label: v.say("web.verify.code"), Body: ui.A(ui.Link{Text: c.Code, Href: "/verificar/" + url.PathEscape(c.Code)})},
	)
	p.Text = []string{v.text(c.Statement), v.text(c.Purpose)}
	p.Digest = c.Digest
	p.Custody = []ui.Fact{
		{Label: v.say("web.case"), Body: ui.A(ui.Link{Text: c.CaseNumber, Href: v.fileAt(c.CaseID)})},
		{Label: v.say("web.approved-by"), Text: strings.Join(slices.DeleteFunc([]string{strings.Join(c.Approved, ", "), c.Office}, func(s string) bool { return s == "" }), ", ")},
		{Label: v.say("web.approved-on"), Text: v.dayOr(c.ApprovedAt)},
	}
	if c.Replacement != "" {
		p.Custody = append(p.Custody, ui.Fact{Label: v.say("web.credential.replaced-by"), Body: ui.A(ui.Link{Text: c.ReplacedBy, Href: v.credentialAt(credential.View{ID: c.Replacement})})})
	}
	for _, e := range c.Events {
		p.Events = append(p.Events, v.credentialEvent(e))
	}
}

func (v *visit) credentialEvent(e credential.Event) ui.Mark {
	var said []string
	for i, code := range e.Codes {
		line := code
		if i < len(e.Reasons) {
			line += ". " + v.text(e.Reasons[i])
		}
		said = append(said, line)
	}
	if e.Words != "" {
		said = append(said, e.Words)
	}
	return ui.Mark{Title: v.say("web.credential.event." + string(e.Kind)), When: v.moment(e.At), By: e.Name, Text: strings.Join(said, " — ")}
}

// credentialMoves are the decisions that may be made about it now.
func (v *visit) credentialMoves(c credential.View, what string, told told) []move {
	var moves []move
	add := func(name string, fields func(grounds) []templ.Component, look ui.Look) {
		g := grounds{v: v, told: told, typed: v.r.PostForm, of: name}
		moves = append(moves, move{
			ID: "ato-" + name, Title: v.say("web.credential.move." + name), Text: v.say("web.credential.move." + name + ".text"), Open: what == name,
			Form: ui.Form{Action: v.credentialAt(c, name)}, Fields: fields(g), Button: ui.Button{Text: v.say("web.credential.move." + name), Look: look},
		})
	}
	both := func(g grounds) []templ.Component {
		return []templ.Component{ui.Checkboxes(g.codes("revoke", nil)), g.facts()}
	}
	if c.MaySuspend() {
		add(suspendIt, both, ui.Secondary)
	}
	if c.MayRestore() {
		add(restoreIt, func(g grounds) []templ.Component { return []templ.Component{g.facts()} }, ui.Secondary)
	}
	if c.MayRevoke() {
		add(revokeIt, both, ui.Harmful)
	}
	return moves
}

// credentialPDF hands out the sealed document.
func (s *Server) credentialPDF(v *visit) error {
	if err := v.signedIn(); err != nil {
		return err
	}
	name, pdf, err := s.Credentials.PDF(v.r.Context(), v.by, credential.ID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	v.attachment(name, "application/pdf")
	v.w.Header().Set("Content-Length", strconv.Itoa(len(pdf)))
	_, _ = v.w.Write(pdf)
	return nil
}

// judgeCredential suspends, restores or revokes a credential, with reasons.
func (s *Server) judgeCredential(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	what := v.r.PathValue("move")
	judge, ok := map[string]judgement{suspendIt: s.Credentials.Suspend, restoreIt: s.Credentials.Restore, revokeIt: s.Credentials.Revoke}[what]
	if !ok {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	asks := once(what + ".words")
	if what != restoreIt {
		asks.often(what + ".codes")
	}
	if err := v.readWords(asks); err != nil {
		return err
	}
	g := credential.Ground{Codes: v.r.PostForm[what+".codes"], Words: v.r.PostForm.Get(what + ".words")}
	err := judge(v.r.Context(), v.by, credential.ID(v.r.PathValue("id")), g)
	if err == nil {
		v.redirect(v.at("tecnico", "credenciais", v.r.PathValue("id")) + "?feito=" + what)
		return nil
	}
	e, ok := fault.As(err)
	if !ok || e.Kind == fault.NotFound {
		return err
	}
	if len(e.Fields) > 0 {
		return v.showCredential(statusOf[e.Kind], what, e.Fields, "")
	}
	_, _, text := v.explain(err)
	return v.showCredential(statusOf[e.Kind], what, nil, text)
}

// judgement is a deed that decides about a credential.
type judgement = func(context.Context, actor.Actor, credential.ID, credential.Ground) error
