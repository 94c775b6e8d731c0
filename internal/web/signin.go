package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/login"
	"chancela/internal/web/ui"
)

// The names of the fields of the code's page.
const (
	channelName = "canal"
	codeName    = "codigo"
	sentBy      = "enviado" // in the address: by which way the code went
)

// challengeKeeps is how long the browser keeps the sign-in under way; the room ends it by itself.
const challengeKeeps = 15 * time.Minute

func (v *visit) challengeCookie() string { return "e-" + v.portal.Name }

// enter takes user and password, and leads on to the code.
func (s *Server) enter(v *visit) error {
	if err := v.readWords(once(userName, passwordName, nextName)); err != nil {
		return err
	}
	user := clipped(strings.TrimSpace(v.r.PostForm.Get(userName)), 320)
	challenge, err := s.Login.Enter(v.r.Context(), v.stranger(), user, v.r.PostForm.Get(passwordName))
	if e, ok := fault.As(err); ok && e.Kind != fault.Unavailable {
		status, _, text := v.explain(err)
		v.retry(e)
		return v.showHome(status, user, text)
	}
	if err != nil {
		return err
	}
	v.setCookie(v.challengeCookie(), challenge.Secret, challengeKeeps)
	if len(challenge.Channels) == 1 { // nothing to choose: the code goes at once
		if to, err := s.Login.SendCode(v.r.Context(), v.stranger(), challenge.Secret, challenge.Channels[0].Channel); err == nil {
			v.redirect(v.codeAt(string(to.Channel)))
			return nil
		} else if !isRefusal(err) {
			return err
		}
	}
	v.redirect(v.codeAt(""))
	return nil
}

// codeAt is the code's page; where to go afterwards goes along.
func (v *visit) codeAt(sent string) string {
	query := url.Values{}
	if sent != "" {
		query.Set(sentBy, sent)
	}
	if next := v.onwards(); next != "" {
		query.Set(nextName, next)
	}
	to := v.at("entrar", "codigo")
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	return to
}

type codePage struct {
	Frame    ui.Frame
	Problems []ui.Problem
	Text     string
	Code     *codeForm
	Choose   chooseForm
}

type codeForm struct {
	Form   ui.Form
	Input  ui.Input
	Button ui.Button
}

type chooseForm struct {
	Title  string // of the part of the page; "" where it is all there is
	Form   ui.Form
	Ways   ui.Choice
	Button ui.Button
}

// code asks by which way the code shall come, and then for the code.
func (s *Server) code(v *visit) error { return v.showCode(http.StatusOK, nil) }

func (v *visit) showCode(status int, refused error) error {
	challenge, err := v.s.Login.Underway(v.r.Context(), v.stranger(), v.cookie(v.challengeCookie()))
	if fault.Is(err, fault.Expired) {
		return v.signInOver(err)
	}
	if err != nil {
		return err
	}
	var problems []fault.Field
	sent := login.Channel(v.sentAlong(sentBy))
	if e, ok := fault.As(refused); ok {
		problems = []fault.Field{{Name: codeName, Key: e.Key, Args: e.Args}}
	}
	told := v.tell(problems, map[string]string{codeName: codeName})
	title := v.say("web.code")
	if challenge.First {
		title = v.text(v.portal.SignIn.FirstCode)
	}
	p := codePage{Frame: v.frame(title), Problems: told.summary}
	p.Frame.Failed = len(problems) > 0
	for _, way := range challenge.Channels {
		if way.Channel == sent {
			p.Text, p.Code = v.say("login.code.text", "to", way.To), v.codeForm(told, sent)
		}
	}
	p.Choose = v.chooseForm(challenge, sent, p.Code != nil)
	return v.show(status, codeView(p))
}

func (v *visit) codeForm(told told, sent login.Channel) *codeForm {
	return &codeForm{
		Form:   ui.Form{Action: v.at("entrar", "codigo"), Hidden: v.along(ui.Hidden{Name: sentBy, Value: string(sent)})},
		Input:  ui.Input{Field: told.field(codeName, v.say("web.code"), v.say("web.code.hint")), Kind: ui.Code},
		Button: ui.Button{Text: v.say("web.code.confirm")},
	}
}

// along carries where to go afterwards from page to page.
func (v *visit) along(hidden ...ui.Hidden) []ui.Hidden {
	if next := v.onwards(); next != "" {
		hidden = append(hidden, ui.Hidden{Name: nextName, Value: next})
	}
	return hidden
}

func (v *visit) chooseForm(c login.Challenge, sent login.Channel, again bool) chooseForm {
	f := chooseForm{
		Form: ui.Form{Action: v.at("entrar", "canal"), Hidden: v.along()}, Button: ui.Button{Text: v.say("web.code.send")},
		Ways: ui.Choice{Field: ui.Field{Name: channelName, Label: v.say("login.channel")}},
	}
	for i, way := range c.Channels {
		f.Ways.Options = append(f.Ways.Options, ui.Option{
			Value: string(way.Channel), Text: v.say("login.channel."+string(way.Channel), "to", way.To), Selected: way.Channel == sent || sent == "" && i == 0,
		})
	}
	if again {
		f.Title, f.Button = v.say("web.code.not-come"), ui.Button{Text: v.say("login.code.again"), Look: ui.Secondary}
	}
	return f
}

// signInOver leads back to the beginning when the sign-in took too long.
func (v *visit) signInOver(err error) error {
	v.setCookie(v.challengeCookie(), "", 0)
	status, _, text := v.explain(err)
	return v.showHome(status, "", text)
}

// sendCode sends the code by the way chosen.
func (s *Server) sendCode(v *visit) error {
	if err := v.readWords(once(channelName, nextName)); err != nil {
		return err
	}
	to, err := s.Login.SendCode(v.r.Context(), v.stranger(), v.cookie(v.challengeCookie()), login.Channel(v.r.PostForm.Get(channelName)))
	switch {
	case fault.Is(err, fault.Expired):
		return v.signInOver(err)
	case fault.Is(err, fault.Throttled), fault.Is(err, fault.Invalid):
		e, _ := fault.As(err)
		v.retry(e)
		return v.showCode(statusOf[e.Kind], v.inWords(err))
	case err != nil:
		return err
	}
	v.redirect(v.codeAt(string(to.Channel)))
	return nil
}

// inWords is a refusal with the minutes to wait among its arguments.
func (v *visit) inWords(err error) error {
	e, ok := fault.As(err)
	if !ok || e.Retry == 0 {
		return err
	}
	args := fault.Args{"min": minutes(e.Retry)}
	for name, value := range e.Args {
		args[name] = value
	}
	return &fault.Error{Kind: e.Kind, Key: e.Key, Args: args, Retry: e.Retry}
}

// confirmCode takes the code, and opens the session under a new secret (A20).
func (s *Server) confirmCode(v *visit) error {
	if err := v.readWords(once(codeName, sentBy, nextName)); err != nil {
		return err
	}
	in, err := s.Login.Confirm(v.r.Context(), v.stranger(), v.cookie(v.challengeCookie()), clipped(v.r.PostForm.Get(codeName), 64), v.r.UserAgent())
	switch {
	case fault.Is(err, fault.Expired):
		return v.signInOver(err)
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.Throttled):
		e, _ := fault.As(err)
		return v.showCode(statusOf[e.Kind], v.inWords(err))
	case err != nil:
		return err
	}
	v.setCookie(v.challengeCookie(), "", 0)
	v.setCookie(v.caseCookie(), "", 0)
	v.setCookie(v.sessionCookie(), in.Secret, 0)
	to := v.onwards()
	if to == "" {
		to = v.at() // which leads each kind of person to their first page
	}
	v.redirect(to)
	return nil
}

// leave ends the session, here and in the browser.
func (s *Server) leave(v *visit) error {
	if err := v.readWords(nil); err != nil {
		return err
	}
	if v.by.SignedIn() {
		if err := s.Login.End(v.r.Context(), v.by, v.session.ID); err != nil {
			return err
		}
	}
	v.setCookie(v.sessionCookie(), "", 0)
	v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`) // the cookies of other portals here stay (OWASP ASVS 14.3.1)
	v.redirect(v.at() + "?saiu=1")
	return nil
}

// extend prolongs the session, as every request does, and says for how long.
func (s *Server) extend(v *visit) error {
	if err := v.signedIn(); err != nil {
		return err
	}
	if err := v.readWords(nil); err != nil {
		return err
	}
	v.w.Header().Set("Session-Left", strconv.Itoa(int(v.session.IdleEnd().Sub(s.now()).Seconds())))
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// name is the name of whoever is signed in.
func (v *visit) name() string {
	if v.person == "" && v.by.SignedIn() {
		known, err := v.s.Accounts.Mine(v.r.Context(), v.by)
		if err != nil {
			v.s.Log.Error("name of an account", "error", err)
		}
		v.person = known.Name
	}
	return v.person
}

// acts is as what somebody is signed in: an officer's roles.
func (v *visit) acts() string { return v.rolesOf(v.by.Roles) }

// rolesOf writes roles for a line.
func (v *visit) rolesOf(roles []actor.Role) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = v.say("account.role." + string(role))
	}
	return strings.Join(names, ", ")
}
