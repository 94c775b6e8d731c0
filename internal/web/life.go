package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/web/ui"
)

// dateIt says that a revocation was set for a day.
const dateIt = "agendar"

// lifeNames are the fields of a deed's form, by what the room below calls them.
func lifeNames(deed string) map[string]string {
	return map[string]string{
		revokeWhy: revokeWhy, revokeAgree: revokeAgree, revokeOn: revokeOn, suspendWhy: suspendWhy, revokeIt + ".on": revokeIt + ".on",
		"on": revokeOn, "reason": deed + "-fundamento", "code": deed + ".codes", "codes": deed + ".codes", "words": deed + ".words",
	}
}

// lifeOf tells the times in which the certificate was suspended, and asks how it stood on a day.
func (v *visit) lifeOf(p *certificatePage, c certificate.View) {
	for _, h := range c.Holds {
		mark := ui.Mark{Title: v.say("web.certificate.hold", "from", v.moment(h.From), "until", v.day(h.Until)), By: dash(h.Name), Text: h.Words, Tone: ui.Warning}
		switch {
		case h.EndedAt.IsZero():
		case h.Revoked:
			mark.Title, mark.Tone = v.say("web.certificate.hold.revoked", "from", v.moment(h.From), "until", v.moment(h.EndedAt)), ui.Danger
		default:
			mark.Title, mark.Tone = v.say("web.certificate.hold.ended", "from", v.moment(h.From), "until", v.moment(h.EndedAt)), ui.Neutral
			mark.Text = strings.TrimSpace(h.Words + " " + h.EndWords)
		}
		p.Holds = append(p.Holds, mark)
	}
	if c.Serial == "" {
		return
	}
	p.Day = &dayForm{
		Action: "/verificar/" + url.PathEscape(c.Serial), Button: ui.Button{Text: v.say("web.verify.button"), Look: ui.Secondary},
		Day: ui.Input{Field: ui.Field{Name: verifyDay, Label: v.say("web.verify.on-day")}, Kind: ui.Date},
	}
}

// endings are the ways to end or suspend the certificate that whoever looks has.
func (v *visit) endings(c certificate.View, deed string, told told) (moves []move) {
	k := lifeDesk{v: v, c: c, deed: deed, told: told}
	staff := v.staff() == nil
	if c.MaySuspend() && (!staff || v.by.MayIn(v.portal.Name, actor.SuspendAny) == nil) {
		moves = append(moves, k.suspension(staff))
	}
	if c.MayReinstate() && staff && v.by.MayIn(v.portal.Name, actor.RevokeAny) == nil {
		moves = append(moves, k.move(restoreIt, ui.Secondary, k.grounds(restoreIt).words("words", k.v.say("web.reinstate.facts"), k.v.say("web.facts.hint"), 6)))
	}
	if c.MayRevoke() && (!staff || v.by.MayIn(v.portal.Name, actor.RevokeAny) == nil) {
		moves = append(moves, k.revocation(staff))
	}
	if c.MayRevoke() && c.MayCancel && (!staff || v.by.MayIn(v.portal.Name, actor.RevokeAny) == nil) {
		moves = append(moves, k.move(cancelIt, ui.Secondary))
	}
	if c.Own && c.MayRevoke() {
		moves = append(moves, k.move(newCodeIt, ui.Secondary))
	}
	return moves
}

// lifeDesk makes the forms of a certificate's page.
type lifeDesk struct {
	v    *visit
	c    certificate.View
	deed string // that was refused
	told told
}

func (k lifeDesk) move(name string, look ui.Look, fields ...templ.Component) move {
	return move{
		ID: "ato-" + name, Title: k.v.say("web.certificate.move." + name), Text: k.v.say("web.certificate.move." + name + ".text"), Open: k.deed == name && len(k.told.summary) > 0,
		Form: ui.Form{Action: k.v.certificateAt(string(k.c.ID), name)}, Fields: fields, Button: ui.Button{Text: k.v.say("web.certificate.move." + name + ".button"), Look: look},
	}
}

func (k lifeDesk) grounds(name string) grounds {
	g := grounds{v: k.v, of: name, typed: url.Values{}}
	if k.deed == name {
		g.told, g.typed = k.told, k.v.r.PostForm
	}
	return g
}

// whyOf offers a holder's reasons.
func (v *visit) whyOf(name, label string, told told) templ.Component {
	choice := ui.Choice{Field: told.field(name, v.say(label), "")}
	for _, r := range certificate.Reasons() {
		code := strconv.Itoa(r.Code)
		choice.Options = append(choice.Options, ui.Option{Value: code, Text: v.say(r.Label), Selected: v.r.PostForm.Get(name) == code})
	}
	return ui.Select(choice)
}

func (v *visit) sureOf(told told) templ.Component {
	return ui.Checkbox(ui.Check{Field: told.field(revokeAgree, v.say("web.revoke.sure"), ""), Checked: v.r.PostForm.Get(revokeAgree) != ""})
}

// holderRevocation is the form of a revocation at once.
func (v *visit) holderRevocation(form ui.Form, told told) *move {
	return &move{
		ID: revokeIt, Title: v.say("web.revoke"), Text: v.say("web.revoke.text"), Open: len(told.summary) > 0, Form: form,
		Fields: []templ.Component{v.whyOf(revokeWhy, "web.reason", told), v.sureOf(told)}, Button: ui.Button{Text: v.say("web.revoke.button"), Look: ui.Harmful},
	}
}

func (k lifeDesk) suspension(staff bool) move {
	if staff {
		g := k.grounds(suspendIt)
		codes := g.codes("revoke", nil)
		codes.Label = k.v.say("web.suspend.reasons") // beside the form of a revocation, which has the same fields
		return k.move(suspendIt, ui.Secondary, ui.Radios(codes), g.words("words", k.v.say("web.suspend.facts"), k.v.say("web.facts.hint"), 6))
	}
	return k.move(suspendIt, ui.Secondary, k.v.whyOf(suspendWhy, "web.suspend.reason", k.told))
}

func (k lifeDesk) revocation(staff bool) move {
	on := func(name string) templ.Component {
		return ui.TextInput(ui.Input{Field: k.optional(name), Value: clipped(k.v.r.PostForm.Get(name), 40), Kind: ui.Date})
	}
	var m move
	if staff {
		g := k.grounds(revokeIt)
		m = k.move(revokeIt, ui.Harmful, ui.Radios(g.codes("revoke", nil)), g.facts(), on(revokeIt+".on"))
	} else {
		m = k.move(revokeIt, ui.Harmful, k.v.whyOf(revokeWhy, "web.reason", k.told), on(revokeOn), k.v.sureOf(k.told))
	}
	m.Title, m.Text, m.Button.Text = k.v.say("web.revoke"), k.v.say("web.revoke.text"), k.v.say("web.revoke.button")
	return m
}

func (k lifeDesk) optional(name string) ui.Field {
	f := k.told.field(name, k.v.say("web.revoke.on"), k.v.say("web.revoke.on.hint"))
	f.Optional = true
	return f
}

// revokeCertificate ends one's own certificate, or one of one's body, for good: at once or on a day.
func (s *Server) revokeCertificate(v *visit) error {
	return v.aboutMine(revokeIt, once(revokeWhy, revokeAgree, revokeOn), func(id certificate.ID) error {
		reason, problems := v.reasonTyped(revokeWhy)
		on, problem := v.dayTyped(revokeOn)
		if problems = append(problems, problem...); v.r.PostForm.Get(revokeAgree) == "" {
			problems = append(problems, fault.Field{Name: revokeAgree, Key: "web.revoke.not-sure"})
		}
		if len(problems) > 0 {
			return fault.Fields(problems)
		}
		return s.Certificates.Revoke(v.r.Context(), v.by, id, reason, on)
	})
}

// suspendCertificate suspends one's own certificate, or one of one's body.
func (s *Server) suspendCertificate(v *visit) error {
	return v.aboutMine(suspendIt, once(suspendWhy), func(id certificate.ID) error {
		reason, problems := v.reasonTyped(suspendWhy)
		if len(problems) > 0 {
			return fault.Fields(problems)
		}
		return s.Certificates.Suspend(v.r.Context(), v.by, id, reason)
	})
}

// cancelRevocation calls off a revocation that one set for a day.
func (s *Server) cancelRevocation(v *visit) error {
	return v.aboutMine(cancelIt, nil, func(id certificate.ID) error { return s.Certificates.Cancel(v.r.Context(), v.by, id) })
}

// newCode has a new revocation code sent.
func (s *Server) newCode(v *visit) error {
	return v.aboutMine(newCodeIt, nil, func(id certificate.ID) error { return s.Certificates.NewCode(v.r.Context(), v.by, id) })
}

func (v *visit) reasonTyped(name string) (int, []fault.Field) {
	reason, err := strconv.Atoi(v.r.PostForm.Get(name))
	if err != nil || !slices.ContainsFunc(certificate.Reasons(), func(r certificate.Reason) bool { return r.Code == reason }) {
		return 0, []fault.Field{{Name: name, Key: "E-LST-01"}}
	}
	return reason, nil
}

// dayTyped reads the day on which something takes effect: its first moment, or zero for today and for none.
func (v *visit) dayTyped(name string) (time.Time, []fault.Field) {
	typed := strings.TrimSpace(v.r.PostForm.Get(name))
	if typed == "" {
		return time.Time{}, nil
	}
	iso, err := field.ParseDate(clipped(typed, 40))
	if err != nil {
		return time.Time{}, []fault.Field{{Name: name, Key: "web.verify.bad-day"}}
	}
	switch today := field.Today(v.s.now()); {
	case iso < today:
		return time.Time{}, []fault.Field{{Name: name, Key: "E-REV-02"}}
	case iso == today:
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, iso, i18n.Lisbon())
	if err != nil {
		return time.Time{}, []fault.Field{{Name: name, Key: "web.verify.bad-day"}}
	}
	return day, nil
}

// laterDay says whether a revocation was asked for on a day that is to come.
func (v *visit) laterDay() bool {
	for _, name := range []string{revokeOn, revokeIt + ".on"} {
		if on, problems := v.dayTyped(name); len(problems) == 0 && !on.IsZero() {
			return true
		}
	}
	return false
}

// aboutAnybodys does an officer's deed about a certificate, and shows its page again.
func (v *visit) aboutAnybodys(what string, asks names, do func(certificate.ID) error) error {
	if err := v.staff(); err != nil {
		return err
	}
	return v.aboutCertificate(what, v.certificateAt(v.r.PathValue("id")), asks, do)
}

func (v *visit) groundTyped(of string) certificate.Ground {
	return certificate.Ground{Code: v.r.PostForm.Get(of + ".codes"), Words: v.r.PostForm.Get(of + ".words")}
}

// officerRevoke ends anybody's certificate of the portal for good, with reasons: at once or on a day.
func (s *Server) officerRevoke(v *visit) error {
	asks := once(revokeIt+".codes", revokeIt+".words", revokeIt+".on")
	return v.aboutAnybodys(revokeIt, asks, func(id certificate.ID) error {
		g := v.groundTyped(revokeIt)
		on, problems := v.dayTyped(revokeIt + ".on")
		if len(problems) > 0 {
			return fault.Fields(problems)
		}
		g.On = on
		return s.Certificates.RevokeByOfficer(v.r.Context(), v.by, id, g)
	})
}

// officerSuspend suspends anybody's certificate of the portal, with reasons.
func (s *Server) officerSuspend(v *visit) error {
	return v.aboutAnybodys(suspendIt, once(suspendIt+".codes", suspendIt+".words"), func(id certificate.ID) error {
		return s.Certificates.SuspendByOfficer(v.r.Context(), v.by, id, v.groundTyped(suspendIt))
	})
}

// officerReinstate makes a suspended certificate good again.
func (s *Server) officerReinstate(v *visit) error {
	return v.aboutAnybodys(restoreIt, once(restoreIt+".words"), func(id certificate.ID) error {
		return s.Certificates.Reinstate(v.r.Context(), v.by, id, v.r.PostForm.Get(restoreIt+".words"))
	})
}

// officerCancel calls off a scheduled revocation.
func (s *Server) officerCancel(v *visit) error {
	return v.aboutAnybodys(cancelIt, nil, func(id certificate.ID) error { return s.Certificates.Cancel(v.r.Context(), v.by, id) })
}
