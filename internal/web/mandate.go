package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"chancela/internal/casefile"
	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// The deeds about a mandate, as addresses name them, and the fields of their forms.
const (
	newToken     = "token"
	dropToken    = "anular"
	closeMandate = "terminar"
	closeAgree   = "terminar-confirmo"
	closeWords   = "terminar.words"
	whichSerial  = "revogar-serie"
)

type mandatePage struct {
	Frame     ui.Frame
	Done      string
	Problems  []ui.Problem
	Notice    ui.Notice
	Token     string // shown on this answer and on no other
	Facts     []ui.Fact
	Approvals []ui.Mark
	Make      *tokenForm
	Latest    ui.Table
	Moves     []move
}

type tokenForm struct {
	Text   string
	Form   ui.Form
	Button ui.Button
	Drop   ui.Form // of a token that there is; its button
	Away   ui.Button
}

// mandate shows a mandate to its holder and their body.
func (s *Server) mandate(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	return v.showMandate(http.StatusOK, nil, "", "")
}

// officerMandate shows it to an officer.
func (s *Server) officerMandate(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	return v.showMandate(http.StatusOK, nil, "", "")
}

func (v *visit) showMandate(status int, problems []fault.Field, refusal string, token certificate.Token) error {
	m, err := v.s.Certificates.MandateOf(v.r.Context(), v.by, certificate.MandateID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	p := mandatePage{Frame: v.frame(v.text(m.Product)), Token: string(token)}
	p.Frame.Kicker, p.Frame.State, p.Frame.Lead = m.Number, v.mandatePill(m), m.Subject
	p.Frame.Failed = len(problems) > 0 || refusal != ""
	p.Frame.Trail = v.trail(ui.Link{Text: v.areaTitle(), Href: v.at("area")})
	if v.staff() == nil {
		p.Frame.Trail = v.trail(ui.Link{Text: m.Number, Href: v.at("tecnico", "processos", m.Case)})
	}
	if what := v.r.URL.Query().Get("feito"); v.r.Method == http.MethodGet && slices.Contains([]string{dropToken, closeMandate, revokeIt}, what) {
		p.Done = v.say("web.mandate.done." + what)
	}
	if refusal != "" {
		p.Notice = ui.Notice{Tone: ui.Danger, Text: refusal, Live: true}
	}
	p.Facts = v.mandateFacts(m)
	for _, a := range m.Approvals {
		p.Approvals = append(p.Approvals, ui.Mark{Title: a.Name, Text: a.Office, When: v.moment(a.At), Tone: ui.Success})
	}
	p.Latest = v.issuedUnder(m)
	told := v.tell(problems, map[string]string{
		closeAgree: closeAgree, "words": closeWords, revokeWhy: revokeWhy, revokeAgree: revokeAgree, whichSerial: whichSerial,
	})
	p.Problems = told.summary
	v.mandateMoves(&p, m, told)
	return v.show(status, mandateView(p))
}

func (v *visit) mandatePill(m certificate.Mandate) ui.Pill {
	tone := ui.Neutral
	if m.Standing == certificate.Running {
		tone = ui.Success
	}
	return ui.Pill{Text: v.say("certificate.mandate." + string(m.Standing)), Tone: tone}
}

func (v *visit) mandateFacts(m certificate.Mandate) []ui.Fact {
	var facts []ui.Fact
	for _, p := range m.Details {
		facts = append(facts, v.part(p))
	}
	facts = append(facts,
		ui.Fact{Label: v.say("web.mandate.used"), Text: v.say("web.mandate.used.of", "used", strconv.Itoa(m.Used), "most", strconv.Itoa(m.Most))},
		ui.Fact{Label: v.say("certificate.line.before"), Text: v.moment(m.EndsAt)},
		ui.Fact{Label: v.say("web.case"), Body: ui.A(ui.Link{Text: m.Number, Href: v.fileAt(m.Case)})},
		ui.Fact{Label: v.say("web.order-digest"), Body: ui.Typed(m.Digest)},
	)
	if m.HasToken {
		facts = append(facts, ui.Fact{Label: v.say("web.mandate.token"), Text: v.say("web.mandate.token.since", "date", v.moment(m.TokenAt))})
	}
	if !m.EndedAt.IsZero() {
		facts = append(facts, ui.Fact{Label: v.say("web.mandate.ended"), Text: v.moment(m.EndedAt)})
	}
	return facts
}

// issuedUnder is the table of the certificates that were issued last.
func (v *visit) issuedUnder(m certificate.Mandate) ui.Table {
	t := ui.Table{
		Caption: v.say("web.mandate.latest"), Quiet: true, Empty: v.say("web.mandate.none"),
		Columns: []ui.Column{{Text: v.say("web.serial")}, {Text: v.say("web.mandate.issued")}, {Text: v.say("certificate.line.to")}, {Text: v.say("web.state")}},
	}
	for _, c := range m.Latest {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{
			ui.Typed(c.Serial), ui.Words(v.moment(c.IssuedAt)), ui.Words(v.moment(c.NotAfter)), ui.Words(v.say("certificate.standing." + string(c.Standing))),
		}})
	}
	return t
}

// mandateAt gives an address of a mandate, on the side of whoever asks.
func (v *visit) mandateAt(id string, parts ...string) string {
	to := "autorizacoes/" + id
	if v.staff() == nil {
		to = "tecnico/" + to
	}
	return v.at(append([]string{to}, parts...)...)
}

// mandateMoves are the forms: a token, a certificate to revoke, the end.
func (v *visit) mandateMoves(p *mandatePage, m certificate.Mandate, told told) {
	at := func(deed string) ui.Form { return ui.Form{Action: v.mandateAt(string(m.ID), deed)} }
	if m.MayUse {
		p.Make = &tokenForm{Text: v.say("web.mandate.make.text"), Form: at(newToken), Button: ui.Button{Text: v.say("web.mandate.make")}}
		if m.HasToken {
			p.Make.Text = v.say("web.mandate.again.text")
			p.Make.Button = ui.Button{Text: v.say("web.mandate.again"), Look: ui.Secondary}
			p.Make.Drop, p.Make.Away = at(dropToken), ui.Button{Text: v.say("web.mandate.drop"), Look: ui.Harmful}
		}
	}
	if form := v.revocationUnder(m, at(revokeIt), told); form != nil {
		p.Moves = append(p.Moves, *form)
	}
	if !m.MayEnd {
		return
	}
	end := move{
		ID: closeMandate, Title: v.say("web.mandate.end"), Text: v.say("web.mandate.end.text"), Form: at(closeMandate),
		Open: told.of(closeAgree) || told.of(closeWords), Button: ui.Button{Text: v.say("web.mandate.end.button"), Look: ui.Harmful},
	}
	if v.staff() == nil {
		words := ui.Area{Field: told.field(closeWords, v.say("web.facts"), ""), Value: v.r.PostForm.Get(closeWords), Rows: 4}
		end.Fields = append(end.Fields, ui.TextArea(words))
	} else {
		sure := ui.Check{Field: told.field(closeAgree, v.say("web.mandate.end.sure"), ""), Checked: v.r.PostForm.Get(closeAgree) != ""}
		end.Fields = append(end.Fields, ui.Checkbox(sure))
	}
	p.Moves = append(p.Moves, end)
}

// revocationUnder is the body's form to revoke one of the certificates; nil if there is none to revoke.
func (v *visit) revocationUnder(m certificate.Mandate, form ui.Form, told told) *move {
	if v.staff() == nil {
		return nil
	}
	which := ui.Choice{Field: told.field(whichSerial, v.say("web.serial"), "")}
	for _, c := range m.Latest {
		if c.Standing == certificate.Active {
			which.Options = append(which.Options, ui.Option{Value: c.Key, Text: c.Serial, Selected: v.r.PostForm.Get(whichSerial) == c.Key})
		}
	}
	if len(which.Options) == 0 {
		return nil
	}
	revoke := v.holderRevocation(form, told)
	revoke.Fields = slices.Insert(revoke.Fields, 0, ui.Select(which))
	revoke.Open = told.of(whichSerial) || told.of(revokeWhy) || told.of(revokeAgree)
	return revoke
}

// of says whether something is told of a field.
func (t told) of(name string) bool {
	return slices.ContainsFunc(t.summary, func(p ui.Problem) bool { return p.Field == name })
}

// makeToken makes the token and shows it, this once.
func (s *Server) makeToken(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	return v.madeToken(certificate.MandateID(v.r.PathValue("id")))
}

// dropToken makes the token worth nothing.
func (s *Server) dropToken(v *visit) error {
	return v.aboutMyMandate(dropToken, nil, func(id certificate.MandateID) error { return s.Certificates.RevokeToken(v.r.Context(), v.by, id) })
}

// endMandate ends the body's own mandate for good.
func (s *Server) endMandate(v *visit) error {
	return v.aboutMyMandate(closeMandate, once(closeAgree), func(id certificate.MandateID) error {
		if v.r.PostForm.Get(closeAgree) == "" {
			return fault.Fields([]fault.Field{{Name: closeAgree, Key: "web.mandate.end.not-sure"}})
		}
		return s.Certificates.EndMandate(v.r.Context(), v.by, id, "")
	})
}

// revokeUnder revokes one of the certificates.
func (s *Server) revokeUnder(v *visit) error {
	return v.aboutMyMandate(revokeIt, once(whichSerial, revokeWhy, revokeAgree), v.revokesUnder)
}

// aboutMyMandate does a deed of the body about its mandate, and shows its page again.
func (v *visit) aboutMyMandate(what string, asks names, do func(certificate.MandateID) error) error {
	if err := v.holder(); err != nil {
		return err
	}
	return v.aboutMandate(what, asks, func() error { return do(certificate.MandateID(v.r.PathValue("id"))) })
}

// madeToken shows the new token on this answer: it is stored nowhere, so no redirect could show it again.
func (v *visit) madeToken(id certificate.MandateID) error {
	if err := v.readWords(nil); err != nil {
		return err
	}
	token, err := v.s.Certificates.MakeToken(v.r.Context(), v.by, id)
	if e, ok := fault.As(err); ok && e.Kind == fault.Conflict {
		_, _, text := v.explain(err)
		return v.showMandate(statusOf[e.Kind], nil, text, "")
	}
	if err != nil {
		return err
	}
	return v.showMandate(http.StatusOK, nil, "", token)
}

func (v *visit) revokesUnder(id certificate.MandateID) error {
	var problems []fault.Field
	reason, err := strconv.Atoi(v.r.PostForm.Get(revokeWhy))
	if err != nil || !slices.ContainsFunc(certificate.Reasons(), func(r certificate.Reason) bool { return r.Code == reason }) {
		problems = append(problems, fault.Field{Name: revokeWhy, Key: "E-LST-01"})
	}
	if v.r.PostForm.Get(whichSerial) == "" {
		problems = append(problems, fault.Field{Name: whichSerial, Key: "E-LST-01"})
	}
	if v.r.PostForm.Get(revokeAgree) == "" {
		problems = append(problems, fault.Field{Name: revokeAgree, Key: "web.revoke.not-sure"})
	}
	if len(problems) > 0 {
		return fault.Fields(problems)
	}
	return v.s.Certificates.RevokeOne(v.r.Context(), v.by, id, v.r.PostForm.Get(whichSerial), reason)
}

// officerEndMandate ends a mandate with reasons.
func (s *Server) officerEndMandate(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	return v.aboutMandate(closeMandate, once(closeWords), func() error {
		return s.Certificates.EndMandate(v.r.Context(), v.by, certificate.MandateID(v.r.PathValue("id")), v.r.PostForm.Get(closeWords))
	})
}

func (v *visit) aboutMandate(what string, asks names, do func() error) error {
	if err := v.readWords(asks); err != nil {
		return err
	}
	err := do()
	if err == nil {
		v.redirect(v.mandateAt(v.r.PathValue("id")) + "?" + url.Values{"feito": {what}}.Encode())
		return nil
	}
	e, ok := fault.As(err)
	if !ok || e.Kind == fault.NotFound {
		return err
	}
	if len(e.Fields) > 0 {
		return v.showMandate(statusOf[e.Kind], e.Fields, "", "")
	}
	_, _, text := v.explain(err)
	return v.showMandate(statusOf[e.Kind], nil, text, "")
}

// mandateLink leads to the mandate that a case led to, if it led to one that whoever looks may see.
func (v *visit) mandateLink(id casefile.ID) ([]ui.Link, error) {
	if !v.issues(ofMandates) || !v.by.SignedIn() {
		return nil, nil
	}
	m, ok, err := v.s.Certificates.MandateOfCase(v.r.Context(), v.by, string(id))
	if err != nil || !ok {
		return nil, err
	}
	return []ui.Link{{Text: v.say("web.case.mandate"), Href: v.mandateAt(string(m.ID))}}, nil
}

// mandateCards are the person's mandates, for their area.
func (v *visit) mandateCards() ([]ui.Card, error) {
	if !v.issues(ofMandates) {
		return nil, nil
	}
	all, err := v.s.Certificates.Mandates(v.r.Context(), v.by)
	if err != nil {
		return nil, err
	}
	var cards []ui.Card
	for _, m := range all {
		cards = append(cards, ui.Card{
			Kicker: m.Number, Title: v.text(m.Product), Text: m.Subject, State: v.mandatePill(m),
			Link: ui.Link{Text: v.say("web.open"), Hidden: " " + m.Number, Href: v.mandateAt(string(m.ID))},
		})
	}
	return cards, nil
}

// trialPart is what would be made, tried by the code that makes it.
type trialPart struct {
	Notice ui.Notice
	Stops  []ui.Finding
	Facts  []ui.Fact
}

// trial shows a dry run; nil where the outcome cannot be tried.
func (v *visit) trial(t portal.Trial) *trialPart {
	if !t.Made && len(t.Stops) == 0 {
		return nil
	}
	p := &trialPart{Notice: ui.Notice{Tone: ui.Success, Text: v.say("web.trial.passes", "n", strconv.Itoa(t.Passed))}}
	if !t.Passes() {
		p.Notice = ui.Notice{Tone: ui.Warning, Text: v.say("web.trial.stopped")}
	}
	for _, s := range t.Stops {
		text := s.Detail
		if s.Says != "" {
			text = v.portal.Say(v.lang, s.Says, s.Args)
		}
		if s.Cites != "" {
			text += " (" + s.Cites + ")"
		}
		p.Stops = append(p.Stops, ui.Finding{Tone: ui.Danger, Text: s.Rule + ": " + text})
	}
	for _, l := range t.Text {
		p.Facts = append(p.Facts, ui.Fact{Label: v.say(l.Label), Text: l.Value})
	}
	return p
}
