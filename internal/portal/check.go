package portal

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/field"
	"chancela/internal/i18n"
)

// keyForm is what a key may look like: it stands in addresses and in names of HTML fields.
var keyForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{1,39}$`)

// nameForm says of a portal's name what keyForm asks.
const nameForm = "is part of addresses: expected 2 to 40 lower-case letters, digits, - and _, the first a letter"

// numberForm is what the number of a case may look like: it stands in the record, in addresses and in what people type.
var numberForm = regexp.MustCompile(`^([0-9A-Z._:/-]|\{(portal|year|seq)\})+$`)

var colourForm = regexp.MustCompile(`^#[0-9a-f]{6}$`)

var holeForm = regexp.MustCompile(`\{([^{}\s]+)\}`)

// check holds a portal that could be read against what the engine needs of it, and tells every mistake.
func check(p *Portal, outcomes Outcomes, where func(file string, path ...string) Pos) Mistakes {
	c := checker{p: p, outcomes: outcomes, where: where}
	c.portal()
	c.mails()
	for _, proc := range p.Procedures {
		c.procedure(proc)
	}
	c.tour()
	return c.wrong
}

type checker struct {
	p        *Portal
	outcomes Outcomes
	where    func(file string, path ...string) Pos // the line of a key
	wrong    Mistakes
}

// at is where a key of portal.yaml stands.
func (c *checker) at(path ...string) Pos { return c.where(c.p.At.File, path...) }

func (c *checker) expect(ok bool, at Pos, format string, args ...any) {
	if !ok {
		c.wrong.add(at, format, args...)
	}
}

func (c *checker) portal() {
	p := c.p
	c.expect(keyForm.MatchString(p.Name), p.At, "the directory's name %q "+nameForm, p.Name)
	c.expect(!p.Title.IsZero(), c.at("title"), "expected title")
	c.expect(!p.Body.Name.IsZero() && p.Body.Short != "", c.at("body"), "expected body with name and short")
	c.colour("primary", p.Look.Primary)
	c.colour("dark", p.Look.Dark)
	c.expect(p.Rules.HearingDays >= 10, c.at("rules", "hearing-days"), "rules.hearing-days is %d; expected at least 10 (CPA 122.º)", p.Rules.HearingDays)
	c.expect(p.Rules.DecideDays > 0 && p.Rules.ElementsDays > 0 && p.Rules.StandstillMonths >= 6, c.at("rules"), "expected rules.decide-days, rules.elements-days, and rules.standstill-months of 6 or more (CPA 132.º)")
	held := p.Rules.Suspension
	c.expect(held.Days >= 1 && held.Days <= mostSuspended, c.at("rules", "suspension"), "rules.suspension.days is %d; expected 1 to %d", held.Days, mostSuspended)
	c.expect(held.WarnDays >= 1 && held.WarnDays <= held.Days, c.at("rules", "suspension"), "rules.suspension.warn-days is %d; expected 1 to its days", held.WarnDays)
	c.expect(held.Then == ThenReinstate || held.Then == ThenRevoke, c.at("rules", "suspension"), "rules.suspension.then: %q; expected reinstate or revoke", held.Then)
	c.expect(p.Rules.CaseMB > 0 && p.Rules.CaseMB <= mostCaseMB, c.at("rules", "case-mb"), "rules.case-mb is %d; expected 1 to %d: the megabytes of all documents of a case", p.Rules.CaseMB, mostCaseMB)
	for _, part := range []string{"{year}", "{seq}"} {
		c.expect(strings.Contains(p.Rules.Number, part), c.at("rules", "number"), "rules.number needs %s, so that no two cases have the same", part)
	}
	c.expect(numberForm.MatchString(p.Rules.Number), c.at("rules", "number"), "rules.number: %q; expected capital letters, digits, . _ : / - and the placeholders {portal}, {year}, {seq}", p.Rules.Number)
	for _, day := range p.Rules.Holidays {
		_, err := time.Parse("01-02", day)
		c.expect(err == nil, c.at("rules", "holidays"), "rules.holidays: %q; expected month and day as 06-13", day)
	}
	if p.Body.NIPC != "" {
		_, err := field.ParseNIPC(p.Body.NIPC)
		c.expect(err == nil, c.at("body", string(field.NIPC)), "body.nipc %s is not a valid number: its check digit does not match", p.Body.NIPC)
	}
	entry, ok := p.Procedure(p.Entry)
	c.expect(ok && entry.For == ForVisitor, c.at("entry"), "entry: %q; expected a procedure for visitors: %s", p.Entry, strings.Join(keys(p.Procedures), ", "))
	for _, slug := range NeededPages() {
		_, ok := p.Page(slug)
		c.expect(ok, p.At, "expected the page pages/%s.pt.md and .en.md", slug)
	}
	for _, item := range slices.Concat(p.Menu, p.Footer) {
		_, page := p.Page(item.To)
		c.expect(page || slices.Contains(places, item.To), item.At, "to: %q; expected a page's slug or one of %s", item.To, strings.Join(places, ", "))
	}
	c.powersAndReasons()
	c.unset()
}

// mostSuspended is for how many days a certificate may be suspended at most, as the room that signs has it.
const mostSuspended = 120

// usualCaseMB is what a case may hold where a portal does not say (ecce-content §2.5), mostCaseMB what it may say.
const (
	usualCaseMB = 40
	mostCaseMB  = 1000
)

// places are where a menu may lead beside the portal's own pages.
var places = []string{"home", "access", "verify", "follow", "revoke", "minutas", "pki"}

// termsPage is the page of the terms of use; a form may well have a field of that key.
const termsPage = "termos"

// NeededPages are the pages that every portal has, by the addresses that the outside relies on.
func NeededPages() []string {
	return []string{"inicio", "perguntas-frequentes", "requisitos", "contactos", "privacidade", "acessibilidade", termsPage}
}

func (c *checker) colour(name, colour string) {
	if !colourForm.MatchString(colour) {
		c.wrong.add(c.at("look", name), "look: %q; expected a colour as #034ad8", colour)
		return
	}
	// WCAG 2.2, 1.4.3: text and its background differ by 4.5:1; white stands on both colours.
	if ratio := contrastWithWhite(colour); ratio < 4.5 {
		c.wrong.add(c.at("look", name), "look: %s has a contrast of %.1f with white; expected 4.5 or more", colour, ratio)
	}
}

func contrastWithWhite(colour string) float64 {
	linear := func(hex string) float64 {
		n, _ := strconv.ParseUint(hex, 16, 8)
		s := float64(n) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	luminance := 0.2126*linear(colour[1:3]) + 0.7152*linear(colour[3:5]) + 0.0722*linear(colour[5:7])
	return 1.05 / (luminance + 0.05)
}

func (c *checker) powersAndReasons() {
	seen := map[string]bool{}
	for _, power := range c.p.Powers {
		c.expect(keyForm.MatchString(power.Key) && !seen[power.Key], power.At, "power %q; expected a key of its own", power.Key)
		seen[power.Key] = true
		for _, key := range power.Opens {
			proc, ok := c.p.Procedure(key)
			c.expect(ok && proc.For == ForPerson, power.At, "opens: %q; expected a procedure for persons", key)
		}
		c.expect(slices.Contains([]string{"", FollowsRevoke, FollowsLeave}, power.Follows), power.At, "follows: %q; expected revoke or leave", power.Follows)
		c.expect(power.Follows != FollowsRevoke || c.p.Rules.Endings.Power != "", power.At, "follows: revoke needs rules.endings.power")
		for _, key := range power.Revokes {
			_, ok := c.p.Procedure(key)
			c.expect(ok, power.At, "revokes: %q; expected a procedure", key)
		}
	}
	for _, code := range []string{c.p.Rules.Endings.Power, c.p.Rules.Endings.Body} {
		reason, ok := c.p.Reason(code)
		c.expect(code == "" || ok && reason.For == "revoke", c.at("rules", "endings"), "rules.endings: %q; expected a reason for: revoke", code)
	}
	for _, reason := range c.p.Reasons {
		c.expect(reason.Code != "" && !seen[reason.Code], reason.At, "reason %q; expected a code of its own", reason.Code)
		seen[reason.Code] = true
		c.expect(slices.Contains([]string{"refuse", "desert", "revoke"}, reason.For), reason.At, "for: %q; expected refuse, desert or revoke", reason.For)
		// RFC 5280, 5.3.1: the reasons that a relying party may be told of an end entity's certificate.
		c.expect(slices.Contains([]int{0, 1, 3, 4, 5, 9}, reason.CRL), reason.At, "crl: %d; expected 0, 1, 3, 4, 5 or 9", reason.CRL)
	}
	for _, state := range sorted(c.p.Statuses) {
		known := append(States(), ApprovedInPart)
		c.expect(slices.Contains(known, state), c.at("statuses", state), "statuses: %q; expected one of %s", state, strings.Join(known, ", "))
	}
}

// unset finds contacts and values that the body has yet to fill in.
func (c *checker) unset() {
	note := func(name, value string) {
		if strings.Contains(value, "[") || strings.Contains(value, "A DEFINIR") || strings.Contains(value, "a definir") || strings.Contains(value, ".exemplo") {
			c.p.Unset = append(c.p.Unset, name+": "+value)
		}
	}
	for _, contact := range c.p.Contacts {
		note(contact.Label.PT, contact.Value.PT)
	}
	for _, name := range sorted(c.p.Values) {
		note(name, c.p.Values[name].PT)
	}
	note("rules.director.contact", c.p.Rules.Director.Contact)
}

func (c *checker) mails() {
	m := c.p.Mails
	events := Events()
	usual := map[Event]string{}
	for _, id := range sorted(m.Mails) {
		mail := m.Mails[id]
		allowed := Common()
		for event, own := range events {
			if event == mail.On || mail.On == "" {
				allowed = append(allowed, own...)
			}
		}
		if mail.On != "" {
			_, known := events[mail.On]
			c.expect(known, mail.At, "on: %q; expected an event: %s", mail.On, strings.Join(eventNames(), ", "))
			c.expect(usual[mail.On] == "", mail.At, "on: %s has the mail %s already", mail.On, usual[mail.On])
			usual[mail.On] = id
		}
		c.holes(mail.At, mail.Text, allowed)
		c.holes(mail.At, mail.Subject, Common()) // never a code or a link in a subject
		c.expect(!mail.Subject.IsZero() && !mail.Text.IsZero(), mail.At, "mail %s: expected subject and text", id)
	}
	for _, must := range []Event{CaseSubmitted, CaseProven, CaseToReview, ElementsAsked, HearingBegun, CaseRefused, CaseFollow, AccountInvited, AccountCode, AccountRecovery, PasswordChanged, OfficerInvited, DraftSaved, DraftLapsing} {
		c.expect(usual[must] != "", m.At, "expected a mail on %s", must)
	}
	for _, id := range sorted(m.SMS) {
		sms := m.SMS[id]
		c.holes(sms.At, sms.Text, slices.Concat(Common(), events[sms.On]))
		for _, text := range []string{sms.Text.PT, sms.Text.EN} {
			plain := !strings.ContainsFunc(text, func(r rune) bool { return r > 126 || r < 32 })
			c.expect(plain && len(text) <= 150, sms.At, "sms %s: expected at most 150 plain characters before its values", id)
		}
	}
}

func eventNames() []string {
	var names []string
	for event := range Events() {
		names = append(names, string(event))
	}
	slices.Sort(names)
	return names
}

// holes tells {placeholders} that nobody fills.
func (c *checker) holes(at Pos, text Text, allowed []string) {
	for _, one := range []string{text.PT, text.EN} {
		for _, hole := range holeForm.FindAllStringSubmatch(one, -1) {
			_, value := c.p.Values[hole[1]]
			if !value && !slices.Contains(allowed, hole[1]) {
				known := slices.Concat(allowed, slices.Collect(maps.Keys(c.p.Values)))
				slices.Sort(known)
				c.wrong.add(at, "nothing fills {%s}; expected one of %s", hole[1], strings.Join(slices.Compact(known), ", "))
			}
		}
	}
}

func (c *checker) tour() {
	if c.p.Tour == nil {
		return
	}
	for _, act := range c.p.Tour.Acts {
		_, person := c.p.Tour.People[act.As]
		c.dates(act.At, act.Says.PT, act.Says.EN, act.Expect)
		c.expect(act.As == "" || person, act.At, "as: %q; expected one of %s", act.As, strings.Join(sorted(c.p.Tour.People), ", "))
		if act.Procedure == "" {
			continue
		}
		proc, ok := c.p.Procedure(act.Procedure)
		if !ok {
			c.wrong.add(act.At, "procedure: %q; expected one of %s", act.Procedure, strings.Join(keys(c.p.Procedures), ", "))
			continue
		}
		for _, key := range sorted(act.Answers) {
			c.expect(proc.Known(key), act.At, "answers: procedure %s has no field %q", act.Procedure, key)
			c.dates(act.At, act.Answers[key]...)
		}
	}
}

// dates tells {placeholders} of the script that no day fills.
func (c *checker) dates(at Pos, texts ...string) {
	known := tourDates(time.Time{})
	for _, text := range texts {
		for _, hole := range holeForm.FindAllStringSubmatch(text, -1) {
			_, ok := known[hole[1]]
			c.expect(ok, at, "nothing fills {%s}; expected one of %s", hole[1], strings.Join(sorted(known), ", "))
		}
	}
}

func keys(procedures []*Procedure) []string {
	var all []string
	for _, one := range procedures {
		all = append(all, one.Key)
	}
	return all
}

func (b Registered) mistake(seen map[string]bool) string {
	if _, err := field.ParseNIPC(b.NIPC); err != nil {
		return fmt.Sprintf("%s is not a valid number: its check digit does not match", b.NIPC)
	}
	if seen[b.NIPC] {
		return b.NIPC + " stands twice"
	}
	if !slices.Contains([]string{Eligible, Conditional, NotEligible}, b.Class) {
		return fmt.Sprintf("class %q; expected eligible, conditional or not", b.Class)
	}
	if strings.TrimSpace(b.Name) == "" {
		return "expected a name"
	}
	return ""
}

// ForVisitor and ForPerson say who may file a procedure.
const (
	ForVisitor = "visitor"
	ForPerson  = "person"
)

// States lists the states of a case, in the engine's words; a portal gives each its own label.
func States() []string {
	return []string{"draft", "submitted", "proven", "in-review", "waiting", "refusal-intended", "heard", "approved", "refused", "withdrawn", "deserted", "lapsed"}
}

// ApprovedInPart names, among the statuses, an approved case of which a part was left out.
const ApprovedInPart = "approved-in-part"

func (c *checker) says(at Pos, key string) {
	_, own := c.p.Messages[key]
	_, shared := i18n.Word(key)
	c.expect(own || shared, at, "message %q has no words; add it to messages", key)
}

func knownRoles() []string {
	var all []string
	for _, r := range actor.Roles() {
		all = append(all, string(r))
	}
	return all
}
