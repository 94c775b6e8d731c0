package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/web/ui"
)

// The names of the invitation's fields, and what package account calls the same in its problems.
const (
	inviteeName    = "tecnico-nome"
	inviteeAddress = "tecnico-endereco"
	inviteeRoles   = "tecnico-perfis"
	inviteeLang    = "tecnico-lingua"
)

type teamPage struct {
	Frame    ui.Frame
	Done     string
	Problems []ui.Problem
	Table    ui.Table
	Form     ui.Form
	Name     ui.Input
	Address  ui.Input
	Roles    ui.Choice
	Lang     ui.Choice
	Button   ui.Button
}

// team lists the officers, for whoever invites them.
func (s *Server) team(v *visit) error {
	return v.showTeam(http.StatusOK, account.Invite{Lang: i18n.PT}, nil)
}

func (v *visit) showTeam(status int, typed account.Invite, problems []fault.Field) error {
	if err := v.staff(); err != nil {
		return err
	}
	all, err := v.s.Accounts.Staff(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p := teamPage{Frame: v.frame(v.say("web.team")), Table: v.teamTable(all), Form: ui.Form{Action: v.at("tecnico", "equipa")}}
	p.Frame.Trail, p.Frame.Failed = v.trail(), len(problems) > 0
	if v.r.Method == http.MethodGet && v.r.URL.Query().Has("convite") {
		p.Done = v.say("web.team.invited")
	}
	told := v.tell(problems, map[string]string{"name": inviteeName, "address": inviteeAddress, "roles": inviteeRoles})
	p.Problems = told.summary
	p.Name = ui.Input{Field: told.field(inviteeName, v.say("web.team.name"), ""), Value: typed.Name, Autocomplete: "off"}
	p.Address = ui.Input{Field: told.field(inviteeAddress, v.say("web.team.address"), v.say("web.team.address.hint")), Value: typed.Email, Kind: ui.Email, Autocomplete: "off"}
	p.Roles = ui.Choice{Field: told.field(inviteeRoles, v.say("web.team.roles"), "")}
	for _, role := range actor.Roles() {
		p.Roles.Options = append(p.Roles.Options, ui.Option{
			Value: string(role), Text: v.roleName(role), Hint: v.say("web.role." + string(role)), Selected: slices.Contains(typed.Roles, role),
		})
	}
	p.Lang = ui.Choice{Field: told.field(inviteeLang, v.say("web.team.lang"), ""), Inline: true, Options: []ui.Option{
		{Value: string(i18n.PT), Text: "Português", Selected: typed.Lang != i18n.EN}, {Value: string(i18n.EN), Text: "English", Selected: typed.Lang == i18n.EN},
	}}
	p.Button = ui.Button{Text: v.say("web.team.invite")}
	return v.show(status, teamView(p))
}

// roleName is an officer's role, written as a heading or label begins.
func (v *visit) roleName(role actor.Role) string {
	return capital(v.say("account.role." + string(role)))
}

// capital writes a text with a capital first letter.
func capital(text string) string {
	runes := []rune(text)
	if len(runes) == 0 {
		return text
	}
	return strings.ToUpper(string(runes[:1])) + string(runes[1:])
}

func (v *visit) teamTable(all []account.Account) ui.Table {
	t := ui.Table{Caption: v.say("web.team"), Quiet: true, Empty: v.say("web.team.none"), Columns: []ui.Column{
		{Text: v.say("web.team.name")}, {Text: v.say("web.team.address")}, {Text: v.say("web.team.roles")}, {Text: v.say("web.state")},
	}}
	tones := map[account.State]ui.Tone{account.Active: ui.Success, account.Suspended: ui.Danger, account.Invited: ui.Info}
	for _, one := range all {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{
			ui.Words(one.Name), ui.Words(one.Address), ui.Words(v.rolesOf(one.Roles)),
			ui.PillOf(ui.Pill{Text: v.say("account.state." + string(one.State)), Tone: tones[one.State]}),
		}})
	}
	return t
}

// invite mails somebody a link by which they come in as an officer.
func (s *Server) invite(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	if err := v.readWords(once(inviteeName, inviteeAddress, inviteeLang).often(inviteeRoles)); err != nil {
		return err
	}
	posted := v.r.PostForm
	typed := account.Invite{Portal: v.portal.Name, Name: clipped(posted.Get(inviteeName), 400), Email: clipped(posted.Get(inviteeAddress), 400), Lang: i18n.Lang(posted.Get(inviteeLang))}
	for _, role := range posted[inviteeRoles] {
		typed.Roles = append(typed.Roles, actor.Role(role))
	}
	_, err := s.Accounts.InviteOfficer(v.r.Context(), v.by, typed)
	if e, ok := fault.As(err); ok && e.Kind == fault.Invalid {
		return v.showTeam(http.StatusUnprocessableEntity, typed, e.Fields)
	} else if ok && (e.Kind == fault.Conflict || e.Key == "officer.own-roles") {
		return v.showTeam(statusOf[e.Kind], typed, []fault.Field{{Key: e.Key, Args: e.Args}})
	}
	if err != nil {
		return err
	}
	v.redirect(v.at("tecnico", "equipa") + "?convite=1")
	return nil
}
