package web

import (
	"net/http"
	"strconv"
	"strings"

	"chancela/internal/fault"
	"chancela/internal/link"
	"chancela/internal/login"
	"chancela/internal/web/ui"
)

// The names of the fields about passwords, and what package login calls the new one in its problems.
const (
	newName     = "palavra-passe-nova"
	againName   = "palavra-passe-repetida"
	presentName = "palavra-passe-atual"
	recoverMail = "recuperar-endereco"
	recoverBody = "recuperar-nipc"
	inviteMail  = "convite-endereco"
)

type passwordPage struct {
	Frame    ui.Frame
	Problems []ui.Problem
	Text     string
	Form     ui.Form
	User     ui.Hidden
	New      ui.Password
	Again    ui.Password
	Button   ui.Button
}

// define shows the page of an invitation's link. It changes nothing: scanners of mail open links too (A06).
func (s *Server) define(v *visit) error { return v.passwordPage(http.StatusOK, link.Invitation, nil) }

// defined sets the password of an account that was granted access.
func (s *Server) defined(v *visit) error { return v.setPassword(link.Invitation) }

// officerInvited and officerDefined are the same for an officer.
func (s *Server) officerInvited(v *visit) error {
	return v.passwordPage(http.StatusOK, link.OfficerInvitation, nil)
}

func (s *Server) officerDefined(v *visit) error { return v.setPassword(link.OfficerInvitation) }

// recover and recovered are the same for a password that was lost.
func (s *Server) recover(v *visit) error { return v.passwordPage(http.StatusOK, link.Recovery, nil) }

func (s *Server) recovered(v *visit) error { return v.setPassword(link.Recovery) }

func (v *visit) passwordPage(status int, kind link.Kind, problems []fault.Field) error {
	opening, err := v.s.Login.Opening(v.r.Context(), v.stranger(), kind, v.r.PathValue("secret"))
	if err != nil {
		return v.goneInvitation(kind, err)
	}
	told := v.tell(problems, passwordNames())
	p := passwordPage{Frame: v.frame(v.say("pass.title")), Problems: told.summary, Form: ui.Form{Action: v.r.URL.Path}, Button: ui.Button{Text: v.say("pass.title")}}
	p.Frame.Failed = len(problems) > 0
	p.Text = v.say("web.password.for", "name", opening.Name, "user", opening.User)
	p.User = ui.Hidden{Name: userName, Value: opening.User}
	p.New, p.Again = v.newPassword(told)
	return v.show(status, passwordView(p))
}

func passwordNames() map[string]string {
	return map[string]string{"password": newName, "present": presentName, againName: againName}
}

func (v *visit) newPassword(told told) (typed, again ui.Password) {
	typed = ui.Password{Field: told.field(newName, v.say("pass.new"), v.say("pass.rule", "min", strconv.Itoa(login.MinPassword))), New: true}
	again = ui.Password{Field: told.field(againName, v.say("pass.repeat"), ""), New: true}
	return typed, again
}

// twice is what was typed as new password, if both times the same.
func (v *visit) twice() (string, []fault.Field) {
	typed := v.r.PostForm.Get(newName)
	if typed != v.r.PostForm.Get(againName) {
		return "", []fault.Field{{Name: againName, Key: "pass.different"}}
	}
	return typed, nil
}

func (v *visit) setPassword(kind link.Kind) error {
	if err := v.readWords(once(userName, newName, againName)); err != nil {
		return err
	}
	typed, problems := v.twice()
	if problems == nil {
		err := v.s.Login.DefinePassword(v.r.Context(), v.stranger(), kind, v.r.PathValue("secret"), typed)
		e, ok := fault.As(err)
		switch {
		case err == nil:
			v.setCookie(v.sessionCookie(), "", 0) // it has ended, whosever it was here
			v.redirect(v.at() + "?definida=1")
			return nil
		case ok && e.Kind == fault.Invalid:
			problems = e.Fields
		default:
			return v.goneInvitation(kind, err)
		}
	}
	return v.passwordPage(http.StatusUnprocessableEntity, kind, problems)
}

// goneInvitation says that a link does not open any more, and how to come by another.
func (v *visit) goneInvitation(kind link.Kind, err error) error {
	if !fault.Is(err, fault.Expired) && !fault.Is(err, fault.NotFound) {
		return err
	}
	status, title, text := v.explain(err)
	p := gonePage{Frame: v.frame(title), Text: text}
	switch kind {
	case link.Recovery:
		p.Again = ui.Link{Text: v.say("web.link.again"), Href: v.at("recuperar")}
	case link.OfficerInvitation:
		p.Text += " " + v.say("web.officer.again")
		p.Again = ui.Link{Text: v.say("web.home"), Href: v.at()}
	default:
		p.Again = ui.Link{Text: v.say("web.link.again"), Href: v.at("convite")}
	}
	return v.show(status, goneView(p))
}

type askPage struct {
	Frame  ui.Frame
	Text   string
	Done   string
	Note   string
	Form   ui.Form
	Inputs []ui.Input
	Button ui.Button
}

// recovery asks for the registration data. What follows is the same whatever they are (A16).
func (s *Server) recovery(v *visit) error {
	words := v.portal.SignIn
	p := askPage{Frame: v.frame(v.text(words.Recovery)), Text: v.text(words.RecoveryText), Note: v.say("web.recovery.officers")}
	p.Frame.Trail = v.trail()
	p.Form, p.Button = ui.Form{Action: v.at("recuperar")}, ui.Button{Text: v.say("login.recovery.send")}
	p.Inputs = []ui.Input{
		{Field: ui.Field{Name: recoverMail, Label: v.say("web.address")}, Kind: ui.Email, Autocomplete: "username"},
		{Field: ui.Field{Name: recoverBody, Label: "NIPC", Hint: v.say("web.verify.body.hint")}, Kind: ui.Number, Width: ui.Short},
	}
	if v.r.URL.Query().Has(sentBy) {
		p.Done = v.say("login.recovery.sent")
	}
	return v.show(http.StatusOK, askView(p))
}

// askRecovery mails a link if the data are those of one account; the page says the same whatever was typed.
func (s *Server) askRecovery(v *visit) error {
	if err := v.readWords(once(recoverMail, recoverBody)); err != nil {
		return err
	}
	if err := s.Login.AskRecovery(v.r.Context(), v.stranger(), v.typed(recoverMail), v.typed(recoverBody)); err != nil {
		return err
	}
	v.redirect(v.at("recuperar") + "?" + sentBy + "=1")
	return nil
}

// typed is one line that was posted.
func (v *visit) typed(name string) string {
	return clipped(strings.TrimSpace(v.r.PostForm.Get(name)), 400)
}

// invitation asks for the address of somebody whose invitation is used or too old.
func (s *Server) invitation(v *visit) error {
	p := askPage{Frame: v.frame(v.say("web.invitation")), Text: v.say("web.invitation.text")}
	p.Frame.Trail = v.trail()
	p.Form, p.Button = ui.Form{Action: v.at("convite")}, ui.Button{Text: v.say("login.recovery.send")}
	p.Inputs = []ui.Input{{Field: ui.Field{Name: inviteMail, Label: v.say("web.address")}, Kind: ui.Email}}
	if v.r.URL.Query().Has(sentBy) {
		p.Done = v.say("login.recovery.sent")
	}
	return v.show(http.StatusOK, askView(p))
}

// askInvitation mails a new link to an invited person; the page says the same whatever was typed.
func (s *Server) askInvitation(v *visit) error {
	if err := v.readWords(once(inviteMail)); err != nil {
		return err
	}
	if err := s.Accounts.AskInvitation(v.r.Context(), v.stranger(), v.typed(inviteMail)); err != nil {
		return err
	}
	v.redirect(v.at("convite") + "?" + sentBy + "=1")
	return nil
}
