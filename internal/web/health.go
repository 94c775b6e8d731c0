package web

import (
	"net/http"
	"strconv"

	"chancela/internal/status"
	"chancela/internal/web/ui"
)

type healthPage struct {
	Frame  ui.Frame
	Notice ui.Notice
	Items  []healthItem
}

type healthItem struct {
	Name  string
	Facts []ui.Fact
}

// pkiHealth shows how many days are left to everything of this instance that ends; machines get the same as data.
func (s *Server) pkiHealth(v *visit) error {
	if v.wantsJSON() && s.PKI != nil {
		s.PKI.ServeHTTP(v.w, v.r)
		return nil
	}
	now, err := s.Status.Health(v.r.Context())
	if err != nil {
		return err
	}
	p := healthPage{Frame: v.frame(v.say("web.health")), Notice: v.healthNotice(now)}
	p.Frame.Lead, p.Frame.Trail = v.say("web.health.lead"), v.trail()
	for _, one := range now.Items {
		p.Items = append(p.Items, v.healthItem(one))
	}
	v.w.Header().Set("Vary", "Accept, Cookie, Accept-Language")
	return v.show(http.StatusOK, healthView(p))
}

func (v *visit) healthNotice(now status.Health) ui.Notice {
	tone := ui.Success
	if now.Level != "good" || now.Behind != "" {
		tone = ui.Warning
	}
	text := v.say("web.health.all." + now.Level)
	if now.Behind != "" {
		text = v.say("web.health.behind")
	}
	return ui.Notice{Tone: tone, Title: text}
}

func (v *visit) healthItem(one status.Item) healthItem {
	name := commonName(one.Subject)
	renewed := v.say("web.health.by-people")
	if one.Itself {
		renewed = v.say("web.health.by-itself")
	}
	item := healthItem{Name: v.say("web.health.kind."+one.Kind) + ": " + name, Facts: []ui.Fact{
		{Label: v.say("web.health.state"), Text: v.say("web.health.level." + one.Level)},
		{Label: v.say("web.health.days"), Text: strconv.Itoa(one.Days)},
		{Label: v.say("web.health.ends"), Text: v.moment(one.Ends)},
	}}
	if one.Certificate != nil {
		item.Facts = append(item.Facts, ui.Fact{Label: v.say("web.health.certificate"), Text: v.moment(*one.Certificate)})
	}
	item.Facts = append(item.Facts, ui.Fact{Label: v.say("web.health.renewal"), Text: renewed})
	if one.Address != "" {
		item.Facts = append(item.Facts, ui.Fact{Label: v.say("web.health.address"), Body: ui.Typed(one.Address)})
	}
	return item
}
