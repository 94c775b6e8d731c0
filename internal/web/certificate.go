package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/web/ui"
)

// The deeds about a certificate, as addresses name them, and the fields of a holder's; to suspend and to lift a
// suspension are [suspendIt] and [restoreIt].
const (
	acceptIt    = "aceitar"
	declineIt   = "recusar"
	revokeIt    = "revogar"
	cancelIt    = "anular-data"
	newCodeIt   = "novo-codigo"
	revokeWhy   = "revogar-fundamento"
	revokeAgree = "revogar-confirmo"
	revokeOn    = "revogar-data"
	suspendWhy  = "suspender-fundamento"
)

type certificatePage struct {
	Frame     ui.Frame
	Done      string
	Problems  []ui.Problem
	Notice    ui.Notice
	Accept    *acceptForm
	Renew     ui.Link
	Facts     []ui.Fact
	Print     string // fingerprint
	Files     []ui.Link
	Join      *ui.Joining // nil but for the holder of a certificate that may be used
	Ended     []ui.Fact
	Holds     []ui.Mark
	Day       *dayForm
	Custody   []ui.Fact
	Approvals []ui.Mark
	Lint      []ui.Finding
	Moves     []move // to end or suspend it, now or on a day
}

// dayForm asks how it stood on a day.
type dayForm struct {
	Action string
	Day    ui.Input
	Button ui.Button
}

type acceptForm struct {
	Text            string
	Accept, Decline ui.Form
	Right, Wrong    ui.Button
	Sure            string // what declining does
}

// files are the forms of a certificate that can be downloaded, by their names in addresses.
func files() map[string]certificate.Format {
	return map[string]certificate.Format{"certificado.pem": certificate.PEM, "certificado.cer": certificate.DER, "cadeia.pem": certificate.Chain}
}

// certificate shows a certificate to its holder.
func (s *Server) certificate(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	return v.showCertificate(http.StatusOK, "", nil, "")
}

// officerCertificate shows it to an officer.
func (s *Server) officerCertificate(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	return v.showCertificate(http.StatusOK, "", nil, "")
}

func (v *visit) showCertificate(status int, deed string, problems []fault.Field, refusal string) error {
	c, err := v.s.Certificates.Of(v.r.Context(), v.by, certificate.ID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	p := certificatePage{Frame: v.frame(v.text(c.Product))}
	p.Frame.Kicker, p.Frame.State, p.Frame.Trail = c.Number, v.orderPill(c.Order), v.certificateTrail(c)
	p.Frame.Lead, p.Frame.Failed = c.Subject, len(problems) > 0 || refusal != ""
	if what := v.r.URL.Query().Get("feito"); v.r.Method == http.MethodGet && slices.Contains([]string{acceptIt, declineIt, revokeIt, suspendIt, restoreIt, cancelIt, newCodeIt, dateIt}, what) {
		p.Done = v.say("web.certificate.done." + what)
	}
	p.Notice = v.certificateNotice(c, refusal)
	p.Facts, p.Print = v.certificateFacts(c), c.Fingerprint
	if c.Serial != "" {
		p.Files = v.certificateFiles(c)
	}
	if p.Join, err = v.joining(c); err != nil {
		return err
	}
	v.custody(&p, c)
	v.lifeOf(&p, c)
	told := v.tell(problems, lifeNames(deed))
	p.Problems = told.summary
	v.certificateMoves(&p, c, deed, told)
	return v.show(status, certificateView(p))
}

// certificateAt gives an address of a certificate, on the side of whoever asks.
func (v *visit) certificateAt(id string, parts ...string) string {
	to := "certificados/" + id
	if v.staff() == nil {
		to = "tecnico/" + to
	}
	return v.at(append([]string{to}, parts...)...)
}

// certificateTrail leads back to where somebody came from: their area, or the case.
func (v *visit) certificateTrail(c certificate.View) []ui.Link {
	if v.staff() == nil {
		return v.trail(ui.Link{Text: c.Number, Href: v.at("tecnico", "processos", c.Case)})
	}
	return v.trail(ui.Link{Text: v.areaTitle(), Href: v.at("area")})
}

// orderPill names the state of an order: while it is good, that; afterwards, why it is not.
func (v *visit) orderPill(o certificate.Order) ui.Pill {
	switch o.Standing {
	case certificate.Revoked:
		return ui.Pill{Text: v.say("web.certificate.state.revoked"), Tone: ui.Danger}
	case certificate.Expired:
		return ui.Pill{Text: v.say("web.certificate.state.expired"), Tone: ui.Neutral}
	case certificate.Suspended:
		return ui.Pill{Text: v.say("web.certificate.state.suspended"), Tone: ui.Warning}
	}
	tones := map[certificate.State]ui.Tone{
		certificate.AwaitingIdentity: ui.Warning, certificate.Issuing: ui.Info, certificate.Issued: ui.Warning, certificate.Accepted: ui.Success, certificate.Declined: ui.Danger,
		certificate.Stopped: ui.Neutral,
	}
	return ui.Pill{Text: v.say("web.certificate.state." + string(o.State)), Tone: tones[o.State]}
}

func (v *visit) certificateNotice(c certificate.View, refusal string) ui.Notice {
	switch {
	case refusal != "":
		return ui.Notice{Tone: ui.Danger, Text: refusal, Live: true}
	case c.Held != "":
		return ui.Notice{Tone: ui.Warning, Text: v.say(c.Held)}
	case c.State == certificate.AwaitingIdentity || c.State == certificate.Issuing:
		return ui.Notice{Tone: ui.Info, Text: v.say("web.certificate.next." + string(c.State))}
	case c.Standing == certificate.Suspended:
		return ui.Notice{Tone: ui.Warning, Text: v.say("web.certificate.suspended", "since", v.moment(c.RevokedAt), "until", v.day(c.HeldUntil))}
	case c.Standing == certificate.Active && !c.DueAt.IsZero():
		return ui.Notice{Tone: ui.Warning, Text: v.say("web.certificate.due", "date", v.moment(c.DueAt), "reason", v.say("certificate.reason."+strconv.Itoa(c.DueReason)))}
	case c.Standing == certificate.Active:
		return ui.Notice{Tone: ui.Success, Text: v.left(c.Order)}
	}
	return ui.Notice{}
}

// part is a fact of a certificate; its label may be the key of a word.
func (v *visit) part(p certificate.Part) ui.Fact {
	label := p.Label
	if _, ok := i18n.Word(label); ok {
		label = v.say(label)
	}
	return ui.Fact{Label: label, Text: p.Value}
}

func (v *visit) certificateFacts(c certificate.View) []ui.Fact {
	var facts []ui.Fact
	for _, p := range c.Details {
		facts = append(facts, v.part(p))
	}
	for _, f := range []ui.Fact{
		{Label: v.say("web.body"), Text: c.Body}, {Label: v.say("web.serial"), Text: c.Serial}, {Label: v.say("web.issuer"), Text: c.Issuer},
		{Label: v.say("web.key"), Text: c.Key}, {Label: v.say("web.usage"), Text: strings.Join(c.Usage, ", ")},
		{Label: v.say("web.policies"), Text: strings.Join(c.Policies, ", ")},
	} {
		if f.Text != "" {
			facts = append(facts, f)
		}
	}
	if !c.NotAfter.IsZero() {
		facts = append(facts, ui.Fact{Label: v.say("web.validity"), Text: v.say("web.from-until", "from", v.moment(c.NotBefore), "until", v.moment(c.NotAfter))})
	}
	return facts
}

func (v *visit) certificateFiles(c certificate.View) []ui.Link {
	at := func(name string) string { return v.certificateAt(string(c.ID), name) }
	return []ui.Link{
		{Text: v.say("web.certificate.pem"), Href: at("certificado.pem"), Save: true, Icon: ui.IconSave},
		{Text: v.say("web.certificate.der"), Href: at("certificado.cer"), Save: true, Icon: ui.IconSave},
		{Text: v.say("web.certificate.chain"), Href: at("cadeia.pem"), Save: true, Icon: ui.IconSave},
	}
}

// joining is what a holder's browser needs to join the certificate with the key; an officer has no key to join.
func (v *visit) joining(c certificate.View) (*ui.Joining, error) {
	if !c.Own || c.Standing != certificate.Active {
		return nil, nil
	}
	chain, err := v.s.Certificates.Download(v.r.Context(), v.by, c.ID, certificate.Chain)
	if err != nil {
		return nil, err
	}
	file := strings.TrimSuffix(chain.Name, "-cadeia.pem") + ".p12"
	return &ui.Joining{Chain: string(chain.Data), Name: v.text(c.Product) + ", " + c.Subject, File: file}, nil
}

// custody tells how the certificate came to be and to end: case, approvals, identity, lint, revocation.
func (v *visit) custody(p *certificatePage, c certificate.View) {
	if c.Own || v.staff() == nil {
		p.Custody = append(p.Custody, ui.Fact{Label: v.say("web.case"), Body: ui.A(ui.Link{Text: c.Number, Href: v.fileAt(c.Case)})})
	} else { // the case is its applicant's
		p.Custody = append(p.Custody, ui.Fact{Label: v.say("web.case"), Text: c.Number})
	}
	if c.Identity != nil {
		text := v.say("web.identity."+string(c.Identity.How)) + ", " + v.moment(c.Identity.At) + ", " + c.Identity.Name
		if v.staff() == nil {
			text += ". " + c.Identity.Words
		}
		p.Custody = append(p.Custody, ui.Fact{Label: v.say("web.identity"), Text: text})
	}
	if c.Digest != "" {
		p.Custody = append(p.Custody, ui.Fact{Label: v.say("web.order-digest"), Body: ui.Typed(c.Digest)})
	}
	for _, a := range c.Approvals {
		p.Approvals = append(p.Approvals, ui.Mark{Title: a.Name, Text: a.Office, When: v.moment(a.At), Tone: ui.Success})
	}
	if c.Lint.Passed > 0 {
		p.Lint = append(p.Lint, ui.Finding{Tone: ui.Success, Text: v.say("web.lint.passed", "n", strconv.Itoa(c.Lint.Passed))})
	}
	for _, f := range c.Lint.Findings {
		p.Lint = append(p.Lint, ui.Finding{Tone: ui.Warning, Text: f.Label + ": " + f.Value})
	}
	if c.Revocation != nil {
		p.Ended = []ui.Fact{
			{Label: v.say("web.certificate.revoked-at"), Text: v.moment(c.Revocation.At)},
			{Label: v.say("web.reason"), Text: v.say("certificate.reason." + strconv.Itoa(c.Revocation.Reason))},
			{Label: v.say("web.by"), Text: dash(c.Revocation.Name)},
		}
		if c.Revocation.Words != "" {
			p.Ended = append(p.Ended, ui.Fact{Label: v.say("web.facts"), Text: c.Revocation.Words})
		}
	}
}

// fileAt gives the address of a case on the side of the desk where the reader is.
func (v *visit) fileAt(id string) string {
	if v.staff() == nil {
		return v.at("tecnico", "processos", id)
	}
	return v.at("processos", id)
}

// certificateMoves are the forms: accept or decline, suspend, revoke.
func (v *visit) certificateMoves(p *certificatePage, c certificate.View, deed string, told told) {
	p.Moves = v.endings(c, deed, told)
	switch {
	case c.Own && c.Next != "":
		p.Renew = ui.Link{Text: v.say("web.renewal.next"), Href: v.certificateAt(string(c.Next))}
	case c.Own && c.MayRenew:
		p.Renew = ui.Link{Text: v.say("web.renewal"), Href: v.certificateAt(string(c.ID), renewIt)}
	}
	if !c.Own || !c.MayAccept() {
		return
	}
	at := func(deed string) ui.Form { return ui.Form{Action: v.certificateAt(string(c.ID), deed)} }
	p.Accept = &acceptForm{
		Text: v.say("web.certificate.accept"), Sure: v.say("web.certificate.decline.sure"), Accept: at(acceptIt), Decline: at(declineIt),
		Right: ui.Button{Text: v.say("web.certificate.accept.button")}, Wrong: ui.Button{Text: v.say("web.certificate.decline.button"), Look: ui.Harmful},
	}
}

// certificateFile hands the certificate out as a file.
func (s *Server) certificateFile(v *visit) error {
	if err := v.signedIn(); err != nil {
		return err
	}
	format, ok := files()[v.r.PathValue("file")]
	if !ok {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	f, err := s.Certificates.Download(v.r.Context(), v.by, certificate.ID(v.r.PathValue("id")), format)
	if err != nil {
		return err
	}
	v.attachment(f.Name, f.Type)
	v.w.Header().Set("Content-Length", strconv.Itoa(len(f.Data)))
	_, _ = v.w.Write(f.Data)
	return nil
}

// acceptCertificate records that the holder found the certificate right.
func (s *Server) acceptCertificate(v *visit) error {
	return v.aboutMine(acceptIt, nil, func(id certificate.ID) error { return s.Certificates.Accept(v.r.Context(), v.by, id) })
}

// declineCertificate has it revoked: something in it is wrong.
func (s *Server) declineCertificate(v *visit) error {
	return v.aboutMine(declineIt, nil, func(id certificate.ID) error { return s.Certificates.Decline(v.r.Context(), v.by, id) })
}

// aboutMine does a holder's deed about a certificate, and shows its page again.
func (v *visit) aboutMine(what string, asks names, do func(certificate.ID) error) error {
	if err := v.holder(); err != nil {
		return err
	}
	return v.aboutCertificate(what, v.certificateAt(v.r.PathValue("id")), asks, do)
}

// accepted says whether the holder has accepted the certificate already.
func (v *visit) accepted() bool {
	c, err := v.s.Certificates.Of(v.r.Context(), v.by, certificate.ID(v.r.PathValue("id")))
	return err == nil && c.State == certificate.Accepted && c.Standing == certificate.Active
}

func (v *visit) aboutCertificate(what, page string, asks names, do func(certificate.ID) error) error {
	if err := v.readWords(asks); err != nil {
		return err
	}
	err := do(certificate.ID(v.r.PathValue("id")))
	if err == nil || what == acceptIt && fault.Is(err, fault.Conflict) && v.accepted() { // the answer to the first press was lost
		if what == revokeIt && v.laterDay() {
			what = dateIt
		}
		v.redirect(page + "?" + url.Values{"feito": {what}}.Encode())
		return nil
	}
	e, ok := fault.As(err)
	if !ok || e.Kind == fault.NotFound {
		return err
	}
	if len(e.Fields) > 0 {
		return v.showCertificate(statusOf[e.Kind], what, e.Fields, "")
	}
	_, _, text := v.explain(err)
	return v.showCertificate(statusOf[e.Kind], what, nil, text)
}
