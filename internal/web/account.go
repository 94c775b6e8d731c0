package web

import (
	"net/http"

	"github.com/a-h/templ"

	"chancela/internal/account"
	"chancela/internal/fault"
	"chancela/internal/login"
	"chancela/internal/web/ui"
)

// The fields of the account's page.
const (
	sessionName = "sessao"
	allOthers   = "outras"
)

type accountPage struct {
	Frame    ui.Frame
	Done     string
	Problems []ui.Problem
	Facts    []ui.Fact
	Ways     []ui.Fact
	Sessions ui.Table
	Others   *othersForm
	Password passwordForm
}

// othersForm ends every session but this one.
type othersForm struct {
	Form   ui.Form
	Button ui.Button
}

type passwordForm struct {
	Open    bool
	Form    ui.Form
	User    ui.Hidden
	Present ui.Password
	New     ui.Password
	Again   ui.Password
	Button  ui.Button
}

// accountOf shows somebody their account: who they are here, the ways in, the sessions that are open.
func (s *Server) accountOf(v *visit) error { return v.showAccount(http.StatusOK, nil) }

func (v *visit) showAccount(status int, problems []fault.Field) error {
	if err := v.signedIn(); err != nil {
		return err
	}
	known, err := v.s.Accounts.Mine(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	sessions, err := v.s.Login.Sessions(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p := accountPage{Frame: v.frame(v.say("web.account")), Facts: v.accountFacts(known), Ways: v.waysIn(known), Sessions: v.sessionTable(sessions)}
	p.Frame.Trail, p.Frame.Failed = v.trail(), len(problems) > 0
	if what := v.r.URL.Query().Get("feito"); v.r.Method == http.MethodGet && (what == sessionName || what == "palavra-passe") {
		p.Done = v.say("web.account.done." + what)
	}
	if len(sessions) > 1 {
		p.Others = &othersForm{
			Form:   ui.Form{Action: v.at("conta", "sessoes")},
			Button: ui.Button{Text: v.say("web.sessions.end-others"), Name: sessionName, Value: allOthers, Look: ui.Secondary},
		}
	}
	told := v.tell(problems, passwordNames())
	p.Problems = told.summary
	p.Password = v.passwordForm(told, known.Address)
	return v.show(status, accountView(p))
}

func (v *visit) accountFacts(known account.Known) []ui.Fact {
	facts := []ui.Fact{{Label: v.say("web.account.name"), Text: known.Name}, {Label: v.say("web.account.user"), Text: known.Address}}
	if roles := v.acts(); roles != "" {
		facts = append(facts, ui.Fact{Label: v.say("web.team.roles"), Text: roles})
	}
	if !known.Since.IsZero() {
		facts = append(facts, ui.Fact{Label: v.say("web.account.since"), Text: v.day(known.Since)})
	}
	return facts
}

func (v *visit) waysIn(known account.Known) []ui.Fact {
	ways := []ui.Fact{
		{Label: v.say("web.way.password"), Text: v.say("web.way.password.text")},
		{Label: v.say("web.way.mail"), Text: known.Address},
	}
	if known.Mobile != "" {
		ways = append(ways, ui.Fact{Label: v.say("web.way.sms"), Text: known.Mobile})
	}
	return ways
}

func (v *visit) sessionTable(sessions []login.Session) ui.Table {
	t := ui.Table{Caption: v.say("web.sessions"), Quiet: true, Empty: v.say("web.sessions.none"), Columns: []ui.Column{
		{Text: v.say("web.session.device")}, {Text: v.say("web.session.place")}, {Text: v.say("web.session.began")}, {Text: v.say("web.session.seen")}, {Text: v.say("web.session.end")},
	}}
	for _, one := range sessions {
		device := one.Device
		if device == "" {
			device = v.say("web.session.unknown")
		}
		end := v.endButton(one.ID, device)
		if one.Current {
			end = ui.PillOf(ui.Pill{Text: v.say("web.session.this"), Tone: ui.Info})
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{
			ui.Words(device), ui.Words(dash(one.Address)), ui.Words(v.moment(one.MadeAt)), ui.Words(v.moment(one.SeenAt)), end,
		}})
	}
	return t
}

func (v *visit) endButton(id, device string) templ.Component {
	return buttonForm(ui.Form{Action: v.at("conta", "sessoes")}, ui.Button{
		Text: v.say("web.session.end-it"), Hidden: " " + device, Name: sessionName, Value: id, Look: ui.Quiet,
	})
}

func (v *visit) passwordForm(told told, user string) passwordForm {
	f := passwordForm{Open: len(told.summary) > 0, Form: ui.Form{Action: v.at("conta", "palavra-passe")}, Button: ui.Button{Text: v.say("web.password.change"), Look: ui.Secondary}}
	f.User = ui.Hidden{Name: userName, Value: user}
	f.Present = ui.Password{Field: told.field(presentName, v.say("web.password.present"), "")}
	f.New, f.Again = v.newPassword(told)
	return f
}

// endSessions ends one session of one's own, or all the others.
func (s *Server) endSessions(v *visit) error {
	if err := v.signedIn(); err != nil {
		return err
	}
	if err := v.readWords(once(sessionName)); err != nil {
		return err
	}
	end := func() error { return s.Login.End(v.r.Context(), v.by, v.typed(sessionName)) }
	if v.typed(sessionName) == allOthers {
		end = func() error { return s.Login.EndOthers(v.r.Context(), v.by) }
	}
	if err := end(); err != nil {
		return err
	}
	v.redirect(v.at("conta") + "?feito=" + sessionName)
	return nil
}

// changePassword sets another password; the session goes on under a new secret, and the others end.
func (s *Server) changePassword(v *visit) error {
	if err := v.signedIn(); err != nil {
		return err
	}
	if err := v.readWords(once(userName, presentName, newName, againName)); err != nil {
		return err
	}
	typed, problems := v.twice()
	if problems != nil {
		return v.showAccount(http.StatusUnprocessableEntity, problems)
	}
	secret, err := s.Login.ChangePassword(v.r.Context(), v.by, v.r.PostForm.Get(presentName), typed)
	if e, ok := fault.As(err); ok && (e.Kind == fault.Invalid || e.Kind == fault.Throttled) {
		problems = e.Fields
		if len(problems) == 0 {
			told, _ := fault.As(v.inWords(err))
			problems = []fault.Field{{Name: "present", Key: told.Key, Args: told.Args}}
		}
		return v.showAccount(statusOf[e.Kind], problems)
	}
	if err != nil {
		return err
	}
	v.setCookie(v.sessionCookie(), secret, 0)
	v.redirect(v.at("conta") + "?feito=palavra-passe")
	return nil
}
