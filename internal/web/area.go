package web

import (
	"net/http"
	"slices"
	"strconv"

	"chancela/internal/account"
	"chancela/internal/casefile"
	"chancela/internal/certificate"
	"chancela/internal/credential"
	"chancela/internal/i18n"
	"chancela/internal/web/ui"
)

type areaPage struct {
	Frame        ui.Frame
	Todo         []ui.Card // what waits for this person
	Certificates *areaPart
	Mandates     *areaPart
	Bodies       *areaPart // certificates of others that this person answers for
	Credentials  *areaPart
	Cases        []ui.Card
	AllCases     ui.Link
	New          []ui.Card
	Powers       []powersOf
	Teams        ui.Link // who serves where, and who left
	Stamps       ui.Link // to the accesses of programs to time stamps; zero for whoever may give none
}

// areaPart is a part of the page with its cards, or what is said where there are none.
type areaPart struct {
	Title string
	Cards []ui.Card
	Empty string
}

// area is a signed-in person's first page: what they hold, what waits for them, what they can ask for.
func (s *Server) area(v *visit) error {
	if err := v.holder(); err != nil {
		return err
	}
	known, err := s.Accounts.Mine(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p := areaPage{Frame: v.frame(v.areaTitle()), New: v.newCards(), Powers: v.powers(known)}
	p.Frame.Lead = v.say("web.area.lead", "name", known.Name)
	if v.ends() && len(p.Powers) > 0 {
		p.Teams = ui.Link{Text: v.say("web.teams"), Href: v.at("pessoas")}
	}
	stamps, err := v.callersOf()
	if err != nil {
		return err
	}
	if len(stamps) > 0 {
		p.Stamps = ui.Link{Text: v.say("web.stamps.link"), Href: v.at("selos-temporais")}
	}
	for _, part := range []func(*areaPage) error{v.areaCases, v.areaCertificates, v.areaBodies, v.areaMandates, v.areaCredentials} {
		if err := part(&p); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, areaView(p))
}

// areaTitle is the portal's own title of this page, or the program's.
func (v *visit) areaTitle() string {
	if own, ok := v.portal.Messages["area.titulo"]; ok {
		return v.text(own)
	}
	return v.say("web.area")
}

func (v *visit) areaCases(p *areaPage) error {
	mine, err := v.s.Cases.Mine(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p.AllCases = ui.Link{Text: v.say("web.area.all-cases"), Href: v.at("processos")}
	for _, c := range mine {
		card := v.caseCard(c)
		switch {
		case c.State == casefile.Waiting || c.State == casefile.RefusalIntended:
			p.Todo = append(p.Todo, card)
		case !c.State.Decided():
			p.Cases = append(p.Cases, card)
		}
	}
	return nil
}

// caseCard shows a case with what comes next and who must act.
func (v *visit) caseCard(c *casefile.Case) ui.Card {
	card := ui.Card{
		Kicker: c.Number, Title: v.text(c.Procedure.Title), State: v.pill(*c), Text: v.next(casefile.View{Case: *c}).Text,
		Link: ui.Link{Text: v.say("web.open"), Hidden: " " + c.Number, Href: v.caseAt(c.ID)},
	}
	if c.State == casefile.Draft {
		card.Kicker, card.Link = v.say("web.draft"), ui.Link{Text: v.say("web.go-on"), Hidden: " " + card.Title, Href: v.caseAt(c.ID, "passo", "1")}
	}
	return card
}

func (v *visit) areaCertificates(p *areaPage) error {
	if !v.issues(ofCertificates) {
		return nil
	}
	orders, err := v.s.Certificates.Mine(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	part := &areaPart{Title: v.say("web.certificates"), Empty: v.say("web.certificates.none")}
	for _, o := range orders {
		card := ui.Card{
			Kicker: o.Number, Title: v.text(o.Product), Text: v.orderLine(o), State: v.orderPill(o),
			Link: ui.Link{Text: v.say("web.open"), Hidden: " " + o.Number, Href: v.certificateAt(string(o.ID))},
		}
		if o.MayAccept() {
			card.Text = v.say("web.certificate.to-accept")
			p.Todo = append(p.Todo, card)
			continue
		}
		part.Cards = append(part.Cards, card)
	}
	if len(part.Cards) > 0 || len(orders) == 0 {
		p.Certificates = part
	}
	return nil
}

// areaBodies are the certificates of others that the person answers for.
func (v *visit) areaBodies(p *areaPage) error {
	if !v.issues(ofCertificates) {
		return nil
	}
	orders, err := v.s.Certificates.OfBodies(v.r.Context(), v.by)
	if err != nil || len(orders) == 0 {
		return err
	}
	p.Bodies = &areaPart{Title: v.say("web.certificates.of-body")}
	for _, o := range orders {
		p.Bodies.Cards = append(p.Bodies.Cards, ui.Card{
			Kicker: o.Number, Title: v.text(o.Product), Text: v.orderLine(o), State: v.orderPill(o),
			Link: ui.Link{Text: v.say("web.open"), Hidden: " " + o.Number, Href: v.certificateAt(string(o.ID))},
		})
	}
	return nil
}

// orderLine says in a line whom a certificate is for and until when it is good.
func (v *visit) orderLine(o certificate.Order) string {
	switch {
	case o.NotAfter.IsZero():
		return o.Subject
	case o.Standing == certificate.Active:
		return o.Subject + ". " + v.left(o)
	}
	return o.Subject
}

// left says until when a certificate is good, and how many days that is.
func (v *visit) left(o certificate.Order) string {
	days := max(0, int(o.NotAfter.Sub(v.s.now()).Hours()/24))
	return v.say("web.certificate.left", "date", v.day(o.NotAfter), "n", strconv.Itoa(days))
}

// areaMandates shows the person's mandates, where they have any.
func (v *visit) areaMandates(p *areaPage) error {
	cards, err := v.mandateCards()
	if err == nil && len(cards) > 0 {
		p.Mandates = &areaPart{Title: v.say("web.mandates"), Cards: cards}
	}
	return err
}

func (v *visit) areaCredentials(p *areaPage) error {
	if !v.issues(ofCredentials) {
		return nil
	}
	views, err := v.s.Credentials.Mine(v.r.Context(), v.by)
	if err != nil {
		return err
	}
	p.Credentials = &areaPart{Title: v.say("web.credentials"), Empty: v.say("web.credentials.none")}
	for _, c := range views {
		p.Credentials.Cards = append(p.Credentials.Cards, v.credentialCard(c))
	}
	return nil
}

func (v *visit) credentialCard(c credential.View) ui.Card {
	card := ui.Card{
		Kicker: c.Number, Title: v.text(c.Title), Text: c.Body, State: v.credentialPill(c),
		Link: ui.Link{Text: v.say("web.open"), Hidden: " " + c.Number, Href: v.at("credenciais", string(c.ID))},
	}
	if !c.ValidUntil.IsZero() {
		card.Text += ". " + v.say("web.valid-until", "date", v.day(c.ValidUntil))
	}
	return card
}

// powers are what the person may ask for, body by body, a line each.
func (v *visit) powers(known account.Known) []powersOf {
	running := slices.DeleteFunc(slices.Clone(known.Powers), func(power account.Power) bool { return !power.Runs(v.s.now()) })
	return byBody(running, v.powerLine)
}

func (v *visit) powerLine(power account.Power) string {
	label := power.Key
	if defined, ok := v.portal.Power(power.Key); ok {
		label = v.text(defined.Label)
	}
	values := i18n.Args{"power": label, "body": power.BodyName, "from": v.day(power.From), "until": v.dayOr(power.Until)}
	key := "web.power"
	if power.BodyName == "" {
		key += ".own"
	}
	if power.Until.IsZero() {
		key += ".open"
	}
	return v.portal.Say(v.lang, key, values)
}
