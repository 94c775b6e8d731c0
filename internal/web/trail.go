package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/web/ui"
)

// Trail is a look at the record of deeds. It asks itself whether the actor may see it.
type Trail interface {
	Entries(ctx context.Context, by actor.Actor, f audit.Filter) ([]audit.Entry, error)
}

// trailLength is how many entries a page shows.
const trailLength = 50

type auditPage struct {
	Frame  ui.Frame
	Search ui.Search
	Table  ui.Table
	Older  ui.Link
}

// audit shows the record of deeds of the portal, newest first.
func (s *Server) audit(v *visit) error {
	if err := v.staff(); err != nil {
		return err
	}
	query := v.r.URL.Query()
	f := audit.Filter{Portal: v.portal.Name, Object: clipped(query.Get("objeto"), 200), Limit: trailLength + 1}
	f.Before, _ = strconv.ParseInt(query.Get("antes"), 10, 64)
	entries, err := s.Trail.Entries(v.r.Context(), v.by, f)
	if err != nil {
		return err
	}
	p := auditPage{Frame: v.frame(v.say("web.audit"))}
	p.Frame.Wide, p.Frame.Lead, p.Frame.Trail = true, v.say("web.audit.lead"), v.trail()
	p.Search = ui.Search{Action: v.at("tecnico", "auditoria"), Name: "objeto", Label: v.say("web.audit.object"), Hint: v.say("web.audit.object.hint"), Value: f.Object}
	if len(entries) > trailLength {
		entries = entries[:trailLength]
		older := url.Values{"antes": {strconv.FormatInt(entries[trailLength-1].Seq, 10)}}
		if f.Object != "" {
			older.Set("objeto", f.Object)
		}
		p.Older = ui.Link{Text: v.say("web.older"), Href: v.at("tecnico", "auditoria") + "?" + older.Encode()}
	}
	p.Table = v.auditTable(entries)
	return v.show(http.StatusOK, auditView(p))
}

func (v *visit) auditTable(entries []audit.Entry) ui.Table {
	t := ui.Table{Caption: v.say("web.audit"), Quiet: true, Empty: v.say("web.audit.none"), Columns: []ui.Column{
		{Text: v.say("web.audit.seq"), Numeric: true}, {Text: v.say("web.audit.at")}, {Text: v.say("web.audit.who")},
		{Text: v.say("web.audit.verb")}, {Text: v.say("web.audit.object")}, {Text: v.say("web.audit.details")},
	}}
	for _, e := range entries {
		t.Rows = append(t.Rows, ui.Row{Cells: []templ.Component{
			ui.Words(strconv.FormatInt(e.Seq, 10)), ui.Words(v.moment(e.At)), ui.Words(v.doer(e)), ui.Typed(e.Verb), v.auditObject(e.Object), ui.Typed(detailsOf(e)),
		}})
	}
	return t
}

// doer says who did it, as far as the record knows: ids, never names.
func (v *visit) doer(e audit.Entry) string {
	parts := []string{v.say("web.by." + string(e.Kind))}
	if e.Person != "" {
		parts = append(parts, shortID(string(e.Person)))
	}
	if e.Address != "" {
		parts = append(parts, e.Address)
	}
	return strings.Join(parts, ", ")
}

func shortID(id string) string { return clipped(id, 8) + "…" }

// auditObject leads to the case that an entry is about, or to the other entries about the same thing.
func (v *visit) auditObject(object string) templ.Component {
	same := v.at("tecnico", "auditoria") + "?" + url.Values{"objeto": {object}}.Encode()
	if id, ok := strings.CutPrefix(object, "case/"); ok {
		return ui.LinkList([]ui.Link{{Text: v.say("web.audit.case"), Href: v.at("tecnico", "processos", id)}, {Text: v.say("web.audit.same"), Href: same}})
	}
	return ui.A(ui.Link{Text: clipped(object, 24), Href: same})
}

func detailsOf(e audit.Entry) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		all = append(all, name+"="+clipped(e.Details[name], 64))
	}
	return strings.Join(all, " ")
}
