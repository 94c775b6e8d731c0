package web

import (
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"chancela/internal/caller"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/web/ui"
)

// The fields of the form that gives a body's program access to time stamps, and what its page says it did.
const (
	stampBody   = "por-conta-de"
	stampSystem = "sistema"
	stampEnded  = "terminado"
)

type stampsPage struct {
	Frame    ui.Frame
	Done     string
	Problems []ui.Problem
	Made     *madeAccess
	Intro    string
	Bodies   []stampsOf
	Form     ui.Form
	Body     *ui.Choice // nil where there is one body alone
	System   ui.Input
	Button   ui.Button
}

// madeAccess is a new access, shown by the answer to the press that made it and never again.
type madeAccess struct {
	Facts   []ui.Fact
	Command ui.CodeBlock
}

type stampsOf struct {
	Name  string
	Facts []ui.Fact
	Table ui.Table
}

// stamps shows which programs of one's bodies may ask for time stamps, and how often they did.
func (s *Server) stamps(v *visit) error {
	return v.showStamps(http.StatusOK, nil, nil)
}

func (v *visit) showStamps(status int, problems []fault.Field, made *caller.Made) error {
	bodies, err := v.callersOf()
	if err != nil {
		return err
	}
	if len(bodies) == 0 {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	p := stampsPage{Frame: v.frame(v.say("web.stamps")), Intro: v.say("web.stamps.intro"), Form: ui.Form{Action: v.at("selos-temporais")}}
	p.Frame.Trail, p.Frame.Failed = v.trail(ui.Link{Text: v.areaTitle(), Href: v.at("area")}), len(problems) > 0
	if v.r.Method == http.MethodGet && v.r.URL.Query().Has(stampEnded) {
		p.Done = v.say("web.stamps.ended")
	}
	if made != nil {
		p.Done, p.Made = v.say("web.stamps.made"), v.madeAccess(*made)
	}
	told := v.tell(problems, map[string]string{"system": stampSystem, "body": stampBody})
	p.System = ui.Input{Field: told.field(stampSystem, v.say("web.stamps.system"), v.say("web.stamps.system.hint")), Autocomplete: "off"}
	if made == nil {
		p.System.Value = clipped(v.r.PostForm.Get(stampSystem), 400)
	}
	p.Button = ui.Button{Text: v.say("web.stamps.make")}
	for _, body := range bodies {
		p.Bodies = append(p.Bodies, v.stampsOf(body))
	}
	if len(bodies) > 1 {
		p.Body = v.stampBodies(told, bodies)
	} else {
		p.Form.Hidden = []ui.Hidden{{Name: stampBody, Value: bodies[0].NIPC}}
	}
	p.Problems = told.summary
	return v.show(status, stampsView(p))
}

// callersOf are the bodies whose programs this person may give access; none where the instance gives no time stamps to
// programs, and for everybody else.
func (v *visit) callersOf() ([]caller.Body, error) {
	if err := v.holder(); err != nil || v.s.Callers == nil {
		return nil, err
	}
	return v.s.Callers.Mine(v.r.Context(), v.by)
}

func (v *visit) stampBodies(told told, bodies []caller.Body) *ui.Choice {
	c := ui.Choice{Field: told.field(stampBody, v.say("web.on-behalf-of"), "")}
	for _, body := range bodies {
		c.Options = append(c.Options, ui.Option{
			Value: body.NIPC, Text: body.Name, Hint: field.Show(field.NIPC, v.lang, body.NIPC), Selected: v.r.PostForm.Get(stampBody) == body.NIPC,
		})
	}
	return &c
}

func (v *visit) madeAccess(made caller.Made) *madeAccess {
	where := v.s.Base.JoinPath("pki", "tsa").String()
	return &madeAccess{
		Facts: []ui.Fact{
			{Label: v.say("web.stamps.system"), Text: made.System}, {Label: v.say("web.stamps.user"), Body: ui.Typed(string(made.ID))},
			{Label: v.say("web.stamps.secret"), Body: ui.Typed(made.Secret)}, {Label: v.say("web.stamps.where"), Body: ui.Typed(where)},
		},
		Command: ui.CodeBlock{Label: v.say("web.stamps.try"), Text: "openssl ts -query -data documento.pdf -sha256 -cert -out pedido.tsq\n" +
			"curl -u " + string(made.ID) + " -H 'Content-Type: application/timestamp-query' \\\n  --data-binary @pedido.tsq -o selo.tsr " + where},
	}
}

func (v *visit) stampsOf(body caller.Body) stampsOf {
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	of := stampsOf{Name: body.Name, Facts: []ui.Fact{{Label: v.say("web.stamps.month"), Text: v.say("web.stamps.of", "n", n(body.Asked), "limit", n(body.Limit))}}}
	of.Table = ui.Table{Caption: body.Name, Quiet: true, Empty: v.say("web.stamps.none"), Columns: []ui.Column{
		{Text: v.say("web.stamps.system")}, {Text: v.say("web.stamps.user")}, {Text: v.say("web.stamps.by")}, {Text: v.say("web.stamps.month")}, {Text: v.say("web.state")},
	}}
	for _, one := range body.Callers {
		asked := n(one.Asked)
		if !one.LastAt.IsZero() {
			asked += " (" + v.moment(one.LastAt) + ")"
		}
		of.Table.Rows = append(of.Table.Rows, ui.Row{Cells: []templ.Component{
			ui.Words(one.System), ui.Typed(string(one.ID)), ui.Words(one.Maker + ", " + v.day(one.MadeAt)), ui.Words(asked), v.stampState(one),
		}})
	}
	return of
}

// stampState is the button that ends an access, or when it was ended.
func (v *visit) stampState(one caller.Caller) templ.Component {
	if !one.EndedAt.IsZero() {
		return ui.Words(v.say("web.stamps.ended-on", "date", v.day(one.EndedAt)))
	}
	return buttonForm(ui.Form{Action: v.at("selos-temporais", string(one.ID), "terminar")}, ui.Button{Text: v.say("web.stamps.end"), Hidden: " " + one.System, Look: ui.Harmful})
}

// giveStamps makes an access for a program. Its secret is in the answer to this press alone: a redirect would have to
// keep it somewhere.
func (s *Server) giveStamps(v *visit) error {
	bodies, err := v.callersOf()
	if err != nil {
		return err
	}
	if err := v.readWords(once(stampBody, stampSystem)); err != nil {
		return err
	}
	if len(bodies) == 0 {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	if v.r.PostForm.Get(stampBody) == "" && len(bodies) > 1 {
		return v.showStamps(http.StatusUnprocessableEntity, []fault.Field{{Name: "body", Key: "case.which-body"}}, nil)
	}
	made, err := s.Callers.Make(v.r.Context(), v.by, v.r.PostForm.Get(stampBody), v.r.PostForm.Get(stampSystem))
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		return v.showStamps(statusOf[e.Kind], e.Fields, nil)
	}
	if err != nil {
		return err
	}
	return v.showStamps(http.StatusOK, nil, &made)
}

// endStamps ends an access at once.
func (s *Server) endStamps(v *visit) error {
	bodies, err := v.callersOf()
	if err != nil {
		return err
	}
	if err := v.readWords(once()); err != nil {
		return err
	}
	if len(bodies) == 0 {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	if err := s.Callers.End(v.r.Context(), v.by, caller.ID(v.r.PathValue("id"))); err != nil {
		return err
	}
	v.redirect(v.at("selos-temporais") + "?" + stampEnded + "=1")
	return nil
}
