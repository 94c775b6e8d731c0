package web

import (
	"context"
	"net/http"

	"chancela/internal/casefile"
	"chancela/internal/web/ui"
)

// linkPage is the page of a mailed link: it says what a button will do, and does nothing by itself, since scanners
// of mail open links too (A06).
func (v *visit) linkPage(title, text, button string) error {
	p := confirmPage{Frame: v.frame(title), Text: text, Form: ui.Form{Action: v.r.URL.Path}, Button: ui.Button{Text: button}}
	return v.show(http.StatusOK, confirmView(p))
}

// prove shows the page that proves an address.
func (s *Server) prove(v *visit) error {
	if _, err := s.Cases.PeekProof(v.r.Context(), v.portal.Name, v.r.PathValue("secret")); err != nil {
		return v.goneLink(err)
	}
	return v.linkPage(v.say("web.prove"), v.say("web.prove.text"), v.say("web.prove.button"))
}

// proven proves the address, and opens the case to whoever did.
func (s *Server) proven(v *visit) error {
	if err := v.readWords(nil); err != nil {
		return err
	}
	id, err := s.Cases.Prove(v.r.Context(), v.by, v.r.PathValue("secret"))
	if err != nil {
		return v.goneLink(err)
	}
	secret, err := s.Cases.FollowSecret(v.r.Context(), v.portal.Name, id)
	if err != nil {
		return err
	}
	v.setCookie(v.caseCookie(), "follow."+secret, casefile.FollowFor)
	v.redirect(v.caseAt(id))
	return nil
}

// goneLink says that a link is used or too old, and how to get another.
func (v *visit) goneLink(err error) error {
	if !isRefusal(err) {
		return err
	}
	status, title, text := v.explain(err)
	p := gonePage{Frame: v.frame(title), Text: text, Again: ui.Link{Text: v.say("web.link.again"), Href: v.at("acompanhar")}}
	return v.show(status, goneView(p))
}

type gonePage struct {
	Frame ui.Frame
	Text  string
	Again ui.Link
}

// resume shows the page that goes on with a draft.
func (s *Server) resume(v *visit) error {
	if _, err := s.Cases.OpenDraft(v.r.Context(), v.portal.Name, v.r.PathValue("secret")); err != nil {
		return v.goneLink(err)
	}
	return v.linkPage(v.say("web.resume"), v.say("web.resume.text"), v.say("web.resume.button"))
}

// resumed swaps the link for a cookie, so that the secret stands in no address any more.
func (s *Server) resumed(v *visit) error {
	return v.opened("draft", s.Cases.OpenDraft)
}

// follow shows the page that lets one follow a case.
func (s *Server) follow(v *visit) error {
	if _, err := s.Cases.OpenFollow(v.r.Context(), v.portal.Name, v.r.PathValue("secret")); err != nil {
		return v.goneLink(err)
	}
	return v.linkPage(v.say("web.follow"), v.say("web.follow.open"), v.say("web.follow.button"))
}

// followed swaps the link for a cookie.
func (s *Server) followed(v *visit) error {
	return v.opened("follow", s.Cases.OpenFollow)
}

func (v *visit) opened(kind string, open opener) error {
	if err := v.readWords(nil); err != nil {
		return err
	}
	secret := v.r.PathValue("secret")
	id, err := open(v.r.Context(), v.portal.Name, secret)
	if err != nil {
		return v.goneLink(err)
	}
	v.setCookie(v.caseCookie(), kind+"."+secret, casefile.KeepDrafts)
	v.redirect(v.caseAt(id))
	return nil
}

type followPage struct {
	Frame  ui.Frame
	Text   string
	Sent   string
	Form   ui.Form
	Number ui.Input
	Mail   ui.Input
	Button ui.Button
}

// following asks for number and address, to mail a link.
func (s *Server) following(v *visit) error {
	p := followPage{
		Frame: v.frame(v.say("web.follow")), Text: v.say("web.follow.text"), Form: ui.Form{Action: v.at("acompanhar")},
		Number: ui.Input{Field: ui.Field{Name: "numero", Label: v.say("web.follow.number")}, Width: ui.Medium},
		Mail:   ui.Input{Field: ui.Field{Name: "endereco", Label: v.say("web.follow.address")}, Kind: ui.Email},
		Button: ui.Button{Text: v.say("web.follow.send")},
	}
	p.Frame.Trail = v.trail()
	if v.r.URL.Query().Has("enviado") {
		p.Sent = v.say("web.follow.sent")
	}
	return v.show(http.StatusOK, followView(p))
}

// askFollow mails a link if number and address match; the answer is the same whatever was typed (A16).
func (s *Server) askFollow(v *visit) error {
	if err := v.readWords(once("numero", "endereco")); err != nil {
		return err
	}
	if err := s.Cases.Resend(v.r.Context(), v.stranger(), v.r.PostForm.Get("numero"), v.r.PostForm.Get("endereco")); err != nil {
		return err
	}
	v.redirect(v.at("acompanhar") + "?enviado=1")
	return nil
}

type opener func(ctx context.Context, portalName, secret string) (casefile.ID, error)
