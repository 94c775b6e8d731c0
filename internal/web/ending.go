package web

import (
	"net/http"
	"strconv"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// HangsCertificate and HangsCredential are how the wiring calls the rooms whose things hang on powers: the pages lead to
// them by it.
const (
	HangsCertificate = "certificado"
	HangsCredential  = "credencial-emitida"
)

// The fields of the form that ends powers, and the word that stands for a whole body in addresses.
const (
	endDigest = "lista"
	endDay    = "efeito"
	endSure   = "confirmo"
	wholeBody = "cessar"

	keepKind  = "genero"
	keepThing = "coisa"
	pathBody  = "body"
	bodyAsked = "numero-da-entidade"
)

type teamsPage struct {
	Frame  ui.Frame
	Intro  string
	Search *ui.Search
	Empty  string
	Teams  []teamPart
	Latest []ui.Card
}

type teamPart struct {
	Title string
	Cards []ui.Card
	End   ui.Link // ends the whole body; officers alone
}

// teams shows a signed-in person whom they may say of that they left: everybody of the bodies whose people they answer
// for, and themselves.
func (s *Server) teams(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	teams, err := s.Accounts.Teams(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p := teamsPage{Frame: v.frame(v.say("web.teams")), Intro: v.say("web.teams.intro"), Empty: v.say("web.powers.none")}
	p.Frame.Trail = v.trail(ui.Link{Text: v.areaTitle(), Href: v.at("area")})
	for _, team := range teams {
		p.Teams = append(p.Teams, v.teamPart(team))
	}
	return v.show(http.StatusOK, teamsView(p))
}

// bodies shows officers the people of a body that they ask for, and what has ended lately.
func (s *Server) bodies(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	latest, err := s.Accounts.Endings(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	typed := clipped(v.r.URL.Query().Get(bodyAsked), 40)
	p := teamsPage{Frame: v.frame(v.say("web.bodies")), Intro: v.say("web.bodies.intro")}
	p.Frame.Trail = v.trail()
	p.Search = &ui.Search{Label: v.say("web.bodies.search"), Name: bodyAsked, Value: typed, Action: v.at("tecnico", "entidades")}
	if nipc, err := field.ParseNIPC(typed); err == nil {
		team, err := s.Accounts.TeamOf(v.r.Context(), v.by, nipc)
		if err != nil {
			return err
		}
		if len(team.Members) > 0 || team.Body != "" {
			part := v.teamPart(team)
			part.End = ui.Link{Text: v.say("web.bodies.end"), Href: v.endAt(nipc, wholeBody)}
			p.Teams = append(p.Teams, part)
		}
	}
	if typed != "" && len(p.Teams) == 0 {
		p.Empty = v.say("web.bodies.none")
	}
	for _, e := range latest {
		p.Latest = append(p.Latest, v.endingCard(e))
	}
	return v.show(http.StatusOK, teamsView(p))
}

func (v *visit) endingCard(e account.Ending) ui.Card {
	return ui.Card{
		Kicker: v.day(e.MadeAt), Title: v.endingTitle(e.Name, e.Body), Text: v.say("web.ending.counts", "n", strconv.Itoa(e.Count(account.Ends)), "m", strconv.Itoa(e.Count(account.Proposed))),
		State: v.endingPill(e), Link: ui.Link{Text: v.say("web.open"), Hidden: " " + e.Body, Href: v.endingAt(e.ID)},
	}
}

func (v *visit) endingTitle(name, body string) string {
	if name == "" {
		return body
	}
	return name + ", " + body
}

// endAt is the page on which powers end, and endingAt that on which it is shown, on the side of whoever asks.
func (v *visit) endAt(nipc, whom string) string {
	if v.staff() == nil {
		return v.at("tecnico", "entidades", nipc, whom)
	}
	return v.at("pessoas", nipc, whom)
}

func (v *visit) endingAt(id string) string {
	if v.staff() == nil {
		return v.at("tecnico", account.EndingPage, id)
	}
	return v.at(account.EndingPage, id)
}

func (v *visit) teamPart(team account.Team) teamPart {
	part := teamPart{Title: v.endingTitle(team.Body, field.Show(field.NIPC, v.lang, team.NIPC))}
	for _, m := range team.Members {
		card := ui.Card{Title: m.Name, Link: ui.Link{Text: v.say("web.leaver"), Hidden: ": " + m.Name, Href: v.endAt(team.NIPC, string(m.Person))}}
		if m.Own {
			card.Kicker = v.say("web.teams.you")
		}
		for i, power := range m.Powers {
			if i > 0 {
				card.Text += "; "
			}
			card.Text += v.powerLabel(power.Key)
		}
		part.Cards = append(part.Cards, card)
	}
	return part
}

func (v *visit) powerLabel(key string) string {
	if defined, ok := v.portal.Power(key); ok {
		return v.text(defined.Label)
	}
	return key
}

type endPage struct {
	Frame    ui.Frame
	Problems []ui.Problem
	Notice   ui.Notice
	Says     string // this will revoke 7
	Powers   []string
	Ends     thingsPart
	Proposed thingsPart
	Stays    thingsPart
	Form     *ui.Form
	Day      ui.Input
	Sure     ui.Check
	Button   ui.Button
	Facts    []ui.Fact // of an ending that was confirmed
	Keep     []keepForm
}

// thingsPart lists things with what becomes of them.
type thingsPart struct {
	Title string
	Lines []ui.Fact
}

// ends says whether powers end in this portal by anybody's word.
func (v *visit) ends() bool { return v.portal.Rules.Endings != (portal.Endings{}) }

// which powers are meant by the address.
func (v *visit) which() account.Which {
	which := account.Which{Portal: v.portal.Name, NIPC: v.r.PathValue(pathBody), Person: actor.PersonID(v.r.PathValue("person"))}
	if v.staff() == nil && which.Person != "" {
		which.Power = v.r.URL.Query().Get("poder")
	}
	return which
}

// end shows what the end of powers would do, before anybody confirms it.
func (s *Server) end(v *visit) error {
	if err := v.mayEnd(); err != nil {
		return err
	}
	return v.showEnd(http.StatusOK, nil, "")
}

// mayEnd keeps each side of the desk to its own addresses.
func (v *visit) mayEnd() error {
	if len(v.r.URL.Path) > len(v.at("tecnico")) && v.r.URL.Path[:len(v.at("tecnico"))] == v.at("tecnico") {
		return v.staff()
	}
	return v.holder()
}

func (v *visit) showEnd(status int, problems []fault.Field, refusal string) error {
	which := v.which()
	preview, err := v.s.Accounts.WhatEnds(v.r.Context(), v.by, which)
	if err != nil {
		return err
	}
	if which.Person != "" && len(preview.Powers) == 0 {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	title := "web.leaver"
	if which.Person == "" {
		title = "web.bodies.end"
	}
	told := v.tell(problems, map[string]string{endDay: endDay, endSure: endSure})
	p := endPage{Frame: v.frame(v.say(title)), Problems: told.summary}
	p.Frame.Lead, p.Frame.Failed = v.endingTitle(preview.Name, preview.Body), len(problems) > 0 || refusal != ""
	p.Frame.Trail = v.endTrail()
	if refusal != "" {
		p.Notice = ui.Notice{Tone: ui.Danger, Text: refusal, Live: true}
	}
	v.list(&p, preview.Powers, preview.Things)
	p.Says = v.say("web.ending.will", "n", strconv.Itoa(preview.Count(account.Ends)), "p", strconv.Itoa(len(preview.Powers)), "m", strconv.Itoa(preview.Count(account.Proposed)))
	p.Form = &ui.Form{Action: v.r.URL.RequestURI(), Hidden: []ui.Hidden{{Name: endDigest, Value: preview.Digest}}}
	p.Day = ui.Input{Field: told.field(endDay, v.say("web.ending.day"), v.say("web.ending.day.hint")), Kind: ui.Date, Value: v.r.PostForm.Get(endDay)}
	p.Day.Field.Optional = true
	p.Sure = ui.Check{Field: told.field(endSure, v.say("web.ending.sure"), "")}
	p.Button = ui.Button{Text: v.say("web.ending.button"), Look: ui.Harmful}
	return v.show(status, endView(p))
}

func (v *visit) endTrail() []ui.Link {
	if v.staff() == nil {
		return v.trail(ui.Link{Text: v.say("web.bodies"), Href: v.at("tecnico", "entidades")})
	}
	return v.trail(ui.Link{Text: v.areaTitle(), Href: v.at("area")}, ui.Link{Text: v.say("web.teams"), Href: v.at("pessoas")})
}

// list puts powers and things on the page, each with what becomes of it.
func (v *visit) list(p *endPage, powers []account.Held, things []account.Thing) {
	for _, power := range powers {
		line := v.powerLabel(power.Key)
		if v.r.PathValue("person") == "" {
			line = power.Name + ": " + line
		}
		p.Powers = append(p.Powers, line)
	}
	p.Ends.Title, p.Proposed.Title, p.Stays.Title = v.say("web.ending.ends"), v.say("web.ending.proposed"), v.say("web.ending.stays")
	parts := map[account.Effect]*thingsPart{account.Ends: &p.Ends, account.Proposed: &p.Proposed, account.Stays: &p.Stays}
	for _, one := range things {
		line := ui.Fact{Label: v.text(one.Label), Text: one.Detail + ", " + one.Holder}
		if !one.DoneAt.IsZero() {
			line.Notes = []ui.Finding{{Tone: ui.Success, Text: v.say("web.ending.done-at", "when", v.moment(one.DoneAt))}}
		}
		if href := v.thingAt(one); href != "" {
			line.Body = ui.A(ui.Link{Text: line.Text, Href: href})
		}
		parts[one.Effect].Lines = append(parts[one.Effect].Lines, line)
	}
}

// thingAt is the page of a thing, for officers: everybody else sees their own.
func (v *visit) thingAt(one account.Thing) string {
	if v.staff() != nil {
		return ""
	}
	switch one.Kind {
	case HangsCertificate:
		return v.certificateAt(one.ID)
	case HangsCredential:
		return v.at("tecnico", "credenciais", one.ID)
	}
	return ""
}

// ended does it, if the list is still the one that was confirmed; else it shows the list of now.
func (s *Server) ended(v *visit) error {
	if err := v.mayEnd(); err != nil {
		return err
	}
	if err := v.readWords(once(endDigest, endDay, endSure)); err != nil {
		return err
	}
	on, problems := v.endOn()
	if v.r.PostForm.Get(endSure) == "" {
		problems = append(problems, fault.Field{Name: endSure, Key: "web.ending.not-sure"})
	}
	if len(problems) > 0 {
		return v.showEnd(http.StatusUnprocessableEntity, problems, "")
	}
	id, err := s.Accounts.EndPowers(v.r.Context(), v.by, v.which(), v.r.PostForm.Get(endDigest), on)
	if fault.Is(err, fault.Conflict) {
		_, _, text := v.explain(err)
		return v.showEnd(http.StatusConflict, nil, text)
	}
	if err != nil {
		return err
	}
	v.redirect(v.endingAt(id))
	return nil
}

// endOn is the day on which it takes effect; zero for now. A day that came is now too.
func (v *visit) endOn() (time.Time, []fault.Field) {
	typed := v.r.PostForm.Get(endDay)
	if typed == "" {
		return time.Time{}, nil
	}
	clean, found := field.Check(field.Rule{Kind: field.Date}, []string{typed}, v.s.now())
	if len(found) > 0 || len(clean) != 1 {
		return time.Time{}, []fault.Field{{Name: endDay, Key: "E-DAT-01"}}
	}
	day, err := time.ParseInLocation(time.DateOnly, clean[0], i18n.Lisbon())
	now := v.s.now()
	switch {
	case err != nil:
		return time.Time{}, []fault.Field{{Name: endDay, Key: "E-DAT-01"}}
	case day.After(now.AddDate(5, 0, 0)), day.Before(now.AddDate(0, 0, -1)):
		return time.Time{}, []fault.Field{{Name: endDay, Key: "web.ending.bad-day"}}
	case !day.After(now):
		return time.Time{}, nil
	}
	return day, nil
}

type keepForm struct {
	Form   ui.Form
	Button ui.Button
}

// ending shows what was confirmed, and how far it is.
func (s *Server) ending(v *visit) error {
	if err := v.mayEnd(); err != nil {
		return err
	}
	e, err := s.Accounts.EndingOf(v.r.Context(), v.by, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	p := endPage{Frame: v.frame(v.say("web.ending"))}
	p.Frame.Lead, p.Frame.State, p.Frame.Trail = v.endingTitle(e.Name, e.Body), v.endingPill(e), v.endTrail()
	p.Facts = []ui.Fact{{Label: v.say("web.ending.cause"), Text: v.say("web.ending.cause." + string(e.Cause))}, {Label: v.say("web.ending.at"), Text: v.moment(e.At)}}
	if e.By != "" {
		p.Facts = append(p.Facts, ui.Fact{Label: v.say("web.by"), Text: e.By})
	}
	v.list(&p, e.Powers, e.Things)
	for _, one := range e.Things {
		if one.Effect == account.Proposed && one.DoneAt.IsZero() && v.staff() == nil {
			p.Keep = append(p.Keep, keepForm{
				Form:   ui.Form{Action: v.endingAt(e.ID), Hidden: []ui.Hidden{{Name: keepKind, Value: one.Kind}, {Name: keepThing, Value: one.ID}}},
				Button: ui.Button{Text: v.say("web.ending.keep"), Hidden: ": " + one.Detail, Look: ui.Secondary},
			})
		}
	}
	return v.show(http.StatusOK, endView(p))
}

// endingPill says how far an ending is.
func (v *visit) endingPill(e account.Ending) ui.Pill {
	switch {
	case !e.DoneAt.IsZero():
		return ui.Pill{Text: v.say("web.ending.state.done"), Tone: ui.Success}
	case e.At.After(v.s.now()):
		return ui.Pill{Text: v.say("web.ending.state.set"), Tone: ui.Info}
	}
	return ui.Pill{Text: v.say("web.ending.state.under-way"), Tone: ui.Warning}
}

// kept records that an officer decided against ending a thing that was proposed.
func (s *Server) kept(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	if err := v.readWords(once(keepKind, keepThing)); err != nil {
		return err
	}
	id := v.r.PathValue("id")
	if err := s.Accounts.Keep(v.r.Context(), v.by, id, v.r.PostForm.Get(keepKind), v.r.PostForm.Get(keepThing)); err != nil {
		return err
	}
	v.redirect(v.endingAt(id))
	return nil
}
