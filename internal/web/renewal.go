package web

import (
	"net/http"

	"chancela/internal/casefile"
	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/web/ui"
)

// renewIt is the page from which a certificate is renewed, as addresses name it.
const renewIt = certificate.RenewalPage

type renewalPage struct {
	Frame  ui.Frame
	Notice ui.Notice
	Facts  []ui.Fact
	Rules  []string
	Steps  []ui.CodeBlock
	NoKey  string // that a lost key is no obstacle
	Form   *ui.Form
	Button ui.Button
	Next   ui.Link // to what takes its place already
}

// renewal says how a certificate is renewed, and what takes its place already.
func (s *Server) renewal(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	return v.showRenewal(http.StatusOK, "")
}

func (v *visit) showRenewal(status int, refusal string) error {
	n, err := v.s.Certificates.Renewal(v.r.Context(), v.by, certificate.ID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	p := renewalPage{Frame: v.frame(v.say("web.renewal"))}
	p.Frame.Kicker, p.Frame.Lead, p.Frame.State = n.Number, v.text(n.Product)+": "+n.Subject, v.orderPill(n.Order)
	p.Frame.Trail = v.trail(ui.Link{Text: v.areaTitle(), Href: v.at("area")}, ui.Link{Text: n.Number, Href: v.certificateAt(string(n.ID))})
	p.Frame.Failed = refusal != ""
	p.Facts = []ui.Fact{{Label: v.say("web.serial"), Text: n.Serial}, {Label: v.say("web.until"), Text: v.moment(n.NotAfter)}}
	p.Notice = v.renewalNotice(n, refusal)
	if n.Next != "" {
		p.Next = ui.Link{Text: v.say("web.renewal.next"), Href: v.certificateAt(string(n.Next))}
	}
	if n.MayBegin {
		v.renewalSteps(&p, n)
	}
	return v.show(status, renewalView(p))
}

func (v *visit) renewalNotice(n certificate.Renewal, refusal string) ui.Notice {
	switch {
	case refusal != "":
		return ui.Notice{Tone: ui.Danger, Text: refusal, Live: true}
	case n.Next != "":
		return ui.Notice{Tone: ui.Success, Text: v.say("web.renewal.done")}
	case !n.MayBegin:
		return ui.Notice{Tone: ui.Warning, Text: v.say("certificate.not-renewable")}
	case !n.MayRenew(v.s.now()):
		return ui.Notice{Tone: ui.Info, Text: v.say("web.renewal.early", "date", v.day(n.Opens))}
	}
	return ui.Notice{Tone: ui.Success, Text: v.left(n.Order)}
}

// renewalSteps are what the holder is told and what they type.
func (v *visit) renewalSteps(p *renewalPage, n certificate.Renewal) {
	p.Rules = []string{v.say("web.renewal.prefilled"), v.say("web.renewal.checked")}
	old := "web.renewal.left"
	if n.Revoked {
		old = "web.renewal.revoked"
	}
	p.Rules = append(p.Rules, v.say(old), v.say("web.renewal.changed"))
	for i, step := range n.Steps {
		if i < 2 || n.ByKey {
			p.Steps = append(p.Steps, ui.CodeBlock{Label: v.say(step.Says), Text: step.Command})
		}
	}
	if n.ByKey {
		p.NoKey = v.say("web.renewal.no-key")
	}
	p.Form = &ui.Form{Action: v.certificateAt(string(n.ID), renewIt)}
	p.Button = ui.Button{Text: v.say("web.renewal.button")}
}

// renewed begins the order of a certificate in place of another, or goes on with the one that was begun: whoever
// presses twice, in two tabs, or again because the answer was lost, comes to the same.
func (s *Server) renewed(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	if err := v.readWords(nil); err != nil {
		return err
	}
	n, err := s.Certificates.Renewal(v.r.Context(), v.by, certificate.ID(v.r.PathValue("id")))
	if err != nil {
		return err
	}
	if n.Next != "" {
		v.redirect(v.certificateAt(string(n.Next)))
		return nil
	}
	if !n.MayBegin {
		return v.showRenewal(http.StatusConflict, v.say("certificate.not-renewable"))
	}
	id, err := s.Cases.Follow(v.r.Context(), v.by, casefile.ID(n.Case), v.lang)
	if refused, ok := fault.As(err); ok && refused.Kind != fault.NotFound {
		_, _, text := v.explain(err)
		return v.showRenewal(statusOf[refused.Kind], text)
	}
	if err != nil {
		return err
	}
	v.redirect(v.caseAt(id)) // which leads on to the draft, or shows where the filed case stands
	return nil
}
