package web

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"chancela/internal/account"
	"chancela/internal/casefile"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// bodyName is where a form says on whose behalf it begins; oneself is a word of its own, since nothing chosen is none.
const (
	bodyName = "por-conta-de"
	oneself  = "pessoa"
)

// beginSignedIn asks a signed-in person to begin: a GET starts nothing. Whoever may file for several bodies says for
// which.
func (v *visit) beginSignedIn(proc *portal.Procedure) error {
	return v.askBody(http.StatusOK, proc, nil)
}

func (v *visit) askBody(status int, proc *portal.Procedure, problems []fault.Field) error {
	p := stepPage{Frame: v.frame(v.text(proc.Title)), Intro: markdown(v.text(proc.Intro)), Form: ui.Form{Action: v.at("novo", proc.Key)}}
	p.Frame.Trail, p.Frame.Failed = v.trail(), len(problems) > 0
	p.Next = ui.Button{Text: v.say("web.start")}
	bodies, err := v.bodiesFor(proc)
	if err != nil {
		return err
	}
	told := v.tell(problems, map[string]string{casefile.BodyField: bodyName})
	if len(bodies) > 1 {
		p.Questions = []templ.Component{ui.Radios(v.bodyChoice(told, bodies))}
	}
	p.Problems = told.summary
	return v.show(status, stepView(p))
}

func (v *visit) bodiesFor(proc *portal.Procedure) ([]account.Power, error) {
	known, err := v.s.Accounts.Mine(v.r.Context(), v.by)
	if err != nil {
		return nil, err
	}
	return known.BodiesFor(v.portal, proc.Key, v.s.now()), nil
}

func (v *visit) bodyChoice(told told, bodies []account.Power) ui.Choice {
	chosen := v.r.PostForm.Get(bodyName)
	c := ui.Choice{Field: told.field(bodyName, v.say("web.on-behalf-of"), v.say("web.on-behalf-of.hint"))}
	for _, power := range bodies {
		o := ui.Option{Value: power.BodyNIPC, Text: power.BodyName, Hint: field.Show(field.NIPC, v.lang, power.BodyNIPC)}
		if power.BodyNIPC == "" {
			o = ui.Option{Value: oneself, Text: v.say("web.on-behalf-of.me")}
		}
		o.Selected = chosen == o.Value
		c.Options = append(c.Options, o)
	}
	return c
}

// begunSignedIn starts a signed-in person's draft, for the body that they chose.
func (v *visit) begunSignedIn(proc *portal.Procedure) error {
	if err := v.readWords(once(bodyName)); err != nil {
		return err
	}
	body, chosen := v.r.PostForm.Get(bodyName), v.r.PostForm.Has(bodyName)
	bodies, err := v.bodiesFor(proc)
	if err != nil {
		return err
	}
	if len(bodies) > 1 && !chosen {
		return v.askBody(http.StatusUnprocessableEntity, proc, []fault.Field{{Name: casefile.BodyField, Key: "case.which-body"}})
	}
	if body == oneself {
		body = ""
	}
	id, _, err := v.s.Cases.BeginFor(v.r.Context(), v.by, proc.Key, v.lang, body)
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		return v.askBody(http.StatusUnprocessableEntity, proc, e.Fields)
	}
	if err == nil {
		v.redirect(v.at("processos", string(id), "passo", "1"))
	}
	return err
}

// powersOf are what a person may ask for on behalf of one body.
type powersOf struct {
	Body  string // "" for oneself
	Lines []string
}

// byBody puts the lines of powers together that are for the same body, in the order of the powers.
func byBody(powers []account.Power, line func(account.Power) string) []powersOf {
	var groups []powersOf
	var numbers []string
	for _, power := range powers {
		at := slices.Index(numbers, power.BodyNIPC)
		if at < 0 {
			at = len(groups)
			numbers, groups = append(numbers, power.BodyNIPC), append(groups, powersOf{Body: power.BodyName})
		}
		groups[at].Lines = append(groups[at].Lines, line(power))
	}
	return groups
}
