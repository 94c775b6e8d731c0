package web

import (
	"net/http"
	"strconv"

	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/web/ui"
)

// The fields of the page that stops a certificate without signing in, and how it may be stopped.
const (
	stopNumber = "parar-numero"
	stopCode   = "parar-codigo"
	stopWhy    = "parar-fundamento"
	stopHow    = "parar-como"
)

type stopPage struct {
	Frame    ui.Frame
	Problems []ui.Problem
	Notice   ui.Notice
	Text     string
	Form     ui.Form
	Number   ui.Input
	Code     ui.Input
	How      ui.Choice
	Why      ui.Choice
	Button   ui.Button
	Other    []ui.Link
	Receipt  []ui.Fact
}

// certifies asks that the portal issues certificates: elsewhere there is nothing to stop or to report.
func (v *visit) certifies() error {
	if !v.issues(ofCertificates) {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	return nil
}

// stopping asks for the number and the code of a certificate, at any hour and of anybody.
func (s *Server) stopping(v *visit) error {
	if err := v.certifies(); err != nil {
		return err
	}
	return v.showStop(http.StatusOK, nil, "")
}

func (v *visit) showStop(status int, problems []fault.Field, refusal string) error {
	p := stopPage{
		Frame: v.frame(v.say("web.stop")), Text: v.say("web.stop.text"), Form: ui.Form{Action: v.at("revogar")},
		Button: ui.Button{Text: v.say("web.stop.button"), Look: ui.Harmful}, Other: v.stopLinks(),
	}
	p.Frame.Trail, p.Frame.Failed = v.trail(), len(problems) > 0 || refusal != ""
	if refusal != "" {
		p.Notice = ui.Notice{Tone: ui.Danger, Text: refusal, Live: true}
	}
	told := v.tell(problems, map[string]string{"number": stopNumber, "code": stopCode, "reason": stopWhy, stopHow: stopHow})
	typed := v.r.PostForm
	p.Number = ui.Input{Field: told.field(stopNumber, v.say("web.stop.number"), v.say("web.stop.number.hint")), Value: clipped(typed.Get(stopNumber), 200), Autocomplete: "off"}
	p.Code = ui.Input{Field: told.field(stopCode, v.say("web.stop.code"), v.say("web.stop.code.hint")), Value: clipped(typed.Get(stopCode), 200), Width: ui.Medium, Autocomplete: "off"}
	p.How = ui.Choice{Field: told.field(stopHow, v.say("web.stop.how"), "")}
	for _, how := range []string{suspendIt, revokeIt} {
		p.How.Options = append(p.How.Options, ui.Option{
			Value: how, Text: v.say("web.stop.how." + how), Hint: v.say("web.stop.how." + how + ".hint"), Selected: typed.Get(stopHow) == how || how == suspendIt && !typed.Has(stopHow),
		})
	}
	p.Why = ui.Choice{Field: told.field(stopWhy, v.say("web.reason"), "")}
	for _, r := range certificate.Reasons() {
		code := strconv.Itoa(r.Code)
		p.Why.Options = append(p.Why.Options, ui.Option{Value: code, Text: v.say(r.Label), Selected: typed.Get(stopWhy) == code})
	}
	p.Problems = told.summary
	return v.show(status, stopView(p))
}

// stopLinks are the other ways: without the code, by signing in, and for who only saw that something is wrong.
func (v *visit) stopLinks() []ui.Link {
	return []ui.Link{
		{Text: v.say("web.call-back"), Href: v.at("revogar", "sem-codigo")}, {Text: v.say("web.report"), Href: v.at("comunicar-problema")},
		{Text: v.say("web.stop.sign-in"), Href: v.at()},
	}
}

// stop suspends or revokes by the code, and shows a receipt. It stands on the answer itself, so that no address holds
// what it says; sent again it changes nothing more.
func (s *Server) stop(v *visit) error {
	if err := v.certifies(); err != nil {
		return err
	}
	if err := v.readWords(once(stopNumber, stopCode, stopWhy, stopHow)); err != nil {
		return err
	}
	typed := v.r.PostForm
	reason, err := strconv.Atoi(typed.Get(stopWhy))
	if err != nil {
		reason = -1
	}
	how := typed.Get(stopHow)
	if how != suspendIt && how != revokeIt {
		return v.showStop(http.StatusUnprocessableEntity, []fault.Field{{Name: stopHow, Key: "E-LST-01"}}, "")
	}
	done, err := s.Certificates.Stop(v.r.Context(), v.stranger(), certificate.Stop{
		Number: typed.Get(stopNumber), Code: typed.Get(stopCode), Reason: reason, Revoke: how == revokeIt,
	})
	if err != nil {
		e, ok := fault.As(err)
		if !ok {
			return err
		}
		if len(e.Fields) > 0 {
			return v.showStop(statusOf[e.Kind], e.Fields, "")
		}
		_, _, text := v.explain(err)
		return v.showStop(statusOf[e.Kind], nil, text+" "+v.text(v.portal.Values["contact.revocation"]))
	}
	return v.showStopped(done)
}

func (v *visit) showStopped(done certificate.Receipt) error {
	what := suspendIt
	if done.Revoked {
		what = revokeIt
	}
	p := stopPage{Frame: v.frame(v.say("web.stopped." + what)), Text: v.say("web.stopped." + what + ".text"), Other: v.stopLinks()}
	p.Frame.Trail = v.trail(ui.Link{Text: v.say("web.stop"), Href: v.at("revogar")})
	p.Notice = ui.Notice{Tone: ui.Success, Text: v.say("web.stopped."+what+".at", "at", v.moment(done.At)), Live: true}
	p.Receipt = []ui.Fact{
		{Label: v.say("web.product"), Text: v.text(done.Product)}, {Label: v.say("web.serial"), Body: ui.Typed(done.Serial)},
		{Label: v.say("web.stopped.when"), Text: v.moment(done.At)},
	}
	if !done.Revoked {
		p.Receipt = append(p.Receipt, ui.Fact{Label: v.say("web.until"), Text: v.day(done.Until)})
	}
	return v.show(http.StatusOK, stoppedView(p))
}
