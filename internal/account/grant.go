package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/calendar"
	"chancela/internal/db"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/portal"
)

// plan is what a grant would do: worked out alike for the officer who is asked and for the deed.
type plan struct {
	grant    portal.Grant
	with     access
	address  string
	key      string // the address in its canonical form
	name     string
	nipc     string
	bodyName string
	mark     string // of the civil number
	person   actor.PersonID
	known    bool    // the person is known here already
	account  Account // the account at the address; zero if there is none
	powers   []Power
	problems []string
}

// plan finds the person and what stands in the way. It changes nothing.
//
// A person is found by the same civil number, else by an address that they have proven here; never by one that
// nobody has proven, or whoever wrote down somebody's address first would share what is later granted to them.
func (a *Accounts) plan(ctx context.Context, tx *db.Tx, g portal.Grant) (*plan, error) {
	with, wrong := paramsOf(g.Procedure)
	if len(wrong) > 0 {
		return nil, fmt.Errorf("outcome of %s: %w", g.Procedure.Key, wrong)
	}
	p := &plan{grant: g, with: with, name: g.First(portal.ApplicantName), nipc: firstOf(g.First(portal.BodyPick), g.First(portal.BodyNumber))}
	if number := g.First(portal.CivilNumber); number != "" {
		p.mark = a.vault.Mark("civil", number)
	}
	if err := a.planAccount(ctx, tx, p); err != nil {
		return nil, err
	}
	if err := a.planPerson(ctx, tx, p); err != nil {
		return nil, err
	}
	if err := a.planPowers(ctx, tx, p); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *plan) problem(key string) {
	if !slices.Contains(p.problems, key) {
		p.problems = append(p.problems, key)
	}
}

// planAccount finds the account: the one that filed the case, else the one at the address.
func (a *Accounts) planAccount(ctx context.Context, tx *db.Tx, p *plan) error {
	var err error
	if p.grant.Account != "" {
		p.account, err = byID(ctx, tx, p.grant.Account)
		p.address, p.key = p.account.Address, p.account.AddressKey
	} else {
		err = p.findByAddress(ctx, tx)
	}
	if err != nil {
		return err
	}
	if p.account.ID != "" && !p.account.MayEnter() {
		p.problem("account.suspended")
	}
	return nil
}

func (p *plan) findByAddress(ctx context.Context, tx *db.Tx) error {
	typed := p.grant.First(portal.Address)
	key, ok := field.CanonicalEmail(typed)
	if !ok {
		p.problem("account.no-address")
		return nil
	}
	p.address, p.key = typed, key
	all, err := byAddress(ctx, tx, p.grant.Portal.Name, key)
	for _, one := range all {
		if one.Kind == Applicant {
			p.account = one
		}
	}
	return err
}

func (a *Accounts) planPerson(ctx context.Context, tx *db.Tx, p *plan) error {
	byAddress, atAddress, err := provenAt(ctx, tx, p.grant.Portal.Name, p.key, "")
	if err != nil {
		return err
	}
	if p.account.ID != "" {
		byAddress, atAddress = p.account.Person, true
	}
	byNumber, atNumber := actor.PersonID(""), false
	if p.mark != "" {
		if byNumber, atNumber, err = byCivil(ctx, tx, p.grant.Portal.Name, p.mark); err != nil {
			return err
		}
	}
	switch {
	case atAddress && atNumber && byAddress != byNumber:
		p.problem("account.other-person") // one mailbox, two human beings
	case atNumber:
		p.person, p.known = byNumber, true
	case atAddress:
		p.person, p.known = byAddress, true
		return a.otherNumber(ctx, tx, p)
	}
	return nil
}

// otherNumber tells a case whose civil number is not the one known of the person at its address.
func (a *Accounts) otherNumber(ctx context.Context, tx *db.Tx, p *plan) error {
	mark, err := civilMark(ctx, tx, p.person)
	if err != nil {
		return fmt.Errorf("person %s: %w", p.person, err)
	}
	if p.mark != "" && mark != "" && mark != p.mark {
		p.problem("account.other-person")
	}
	return nil
}

func (a *Accounts) planPowers(ctx context.Context, tx *db.Tx, p *plan) error {
	now := tx.Now()
	from, until := now, time.Time{}
	if day, ok := dayOf(p.grant.First(portal.Since)); ok && day.After(now) {
		from = day
	}
	if day, ok := dayOf(p.grant.First(portal.Until)); ok {
		until = day.AddDate(0, 0, 1).Add(-time.Microsecond) // to the end of the day
		if !until.After(now) {
			p.problem("account.term-ended")
		}
	}
	if p.nipc != "" {
		body, ok, err := bodyNow(ctx, tx, p.grant.Portal.Name, p.nipc)
		if err != nil {
			return err
		}
		if p.bodyName = p.grant.First(portal.BodyName); ok && (body.Listed || p.bodyName == "") {
			p.bodyName = body.Name
		}
	}
	for _, key := range p.keys() {
		power := Power{
			Key: key, BodyNIPC: p.nipc, BodyName: p.bodyName, Case: p.grant.Case, From: from, Until: until,
			Position: p.shown(portal.Position), Unit: p.shown(portal.Unit), Locality: p.shown(portal.Locality),
		}
		if months := p.with.Confirm.Months; months > 0 && until.IsZero() {
			power.ConfirmBy = from.AddDate(0, months, 0)
		}
		p.powers = append(p.powers, power)
		if err := p.taken(ctx, tx, key); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) taken(ctx context.Context, tx *db.Tx, key string) error {
	if !p.sole() {
		return nil
	}
	other, err := soleHolder(ctx, tx, p.grant.Portal.Name, key, p.nipc, p.person, tx.Now())
	if other {
		p.problem("account.body-taken")
	}
	return err
}

// sole says whether the body has one responsible person only.
func (p *plan) sole() bool { return p.with.OnePerBody && p.nipc != "" }

// keys are the powers to grant, each once, of those that the portal knows.
func (p *plan) keys() []string {
	keys := slices.Clone(p.with.Powers)
	if p.with.PowersAsked {
		keys = append(keys, p.grant.All(portal.Purposes)...)
	}
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(key string) bool {
		_, ok := p.grant.Portal.Power(key)
		return !ok
	})
}

// shown is an answer as people read it: the label of an option, the text otherwise.
func (p *plan) shown(role portal.Role) string {
	for _, f := range p.grant.Procedure.Fields() {
		value := p.grant.Answers.One(f.Key)
		if f.Role != role || value == "" {
			continue
		}
		for _, option := range f.Options {
			if option.Key == value {
				return option.Label.In(i18n.PT)
			}
		}
		return value
	}
	return ""
}

func dayOf(answer string) (time.Time, bool) {
	day, err := time.ParseInLocation(time.DateOnly, answer, i18n.Lisbon())
	return day, err == nil
}

// lines are what the officer reads before approving, in the language of the acts.
func (p *plan) lines() []portal.Line {
	say := func(key string) string { return p.grant.Portal.Say(i18n.PT, key, nil) }
	person := p.name
	if p.known {
		person += " (" + say("account.known") + ")"
	}
	lines := []portal.Line{{Label: say("account.person"), Value: person}, {Label: say("account.user"), Value: p.address}}
	if p.nipc != "" {
		lines = append(lines, portal.Line{Label: say("account.body"), Value: strings.TrimSpace(p.bodyName + ", " + field.Show(field.NIPC, i18n.PT, p.nipc))})
	}
	for _, power := range p.powers {
		lines = append(lines, portal.Line{Label: say("account.power"), Value: p.purpose(power, i18n.PT)})
	}
	return lines
}

// purpose says a power and its time in a language.
func (p *plan) purpose(power Power, lang i18n.Lang) string {
	defined, _ := p.grant.Portal.Power(power.Key)
	args := i18n.Args{"power": p.grant.Portal.Fill(defined.Label, lang), "from": i18n.Date(lang, power.From), "until": i18n.Date(lang, power.end())}
	if power.end().IsZero() {
		return p.grant.Portal.Say(lang, "account.power-from", args)
	}
	return p.grant.Portal.Say(lang, "account.power-between", args)
}

// end is when the power ceases if nobody does anything.
func (p Power) end() time.Time {
	if p.Until.IsZero() {
		return p.ConfirmBy
	}
	return p.Until
}

// admit does what the plan says: person, account, powers, letter, record.
func (a *Accounts) admit(ctx context.Context, tx *db.Tx, by actor.Actor, p *plan) error {
	if err := a.admitPerson(ctx, tx, p); err != nil {
		return err
	}
	if err := a.admitAccount(ctx, tx, p); err != nil {
		return err
	}
	version := int64(0)
	if p.nipc != "" {
		body, err := called(ctx, tx, p.grant.Portal.Name, p.nipc, p.bodyName)
		if err != nil {
			return err
		}
		version = body.Version
	}
	for i := range p.powers {
		power := &p.powers[i]
		power.ID, power.Account = db.NewID(), p.account.ID
		if err := makeWay(ctx, tx, p.grant.Portal.Name, p.person, power.Key, p.nipc); err != nil {
			return err
		}
		if err := insertPower(ctx, tx, p.grant.Portal.Name, p.person, *power, version, p.sole()); err != nil {
			return err
		}
	}
	if err := a.announce(ctx, tx, p); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "account.grant", p.account.Object(), audit.With("case", p.grant.Case),
		audit.With("person", string(p.person)), audit.With("powers", strings.Join(p.keys(), ",")))
}

func (a *Accounts) admitPerson(ctx context.Context, tx *db.Tx, p *plan) (err error) {
	number := p.grant.First(portal.CivilNumber)
	lock := func(place string) string { return a.vault.Lock(place, number) }
	if !p.known {
		p.person, err = insertPerson(ctx, tx, p.grant.Portal.Name, p.name, p.mark, lock)
		return err
	}
	if p.mark == "" {
		return nil
	}
	return markPerson(ctx, tx, p.person, p.mark, lock("person/"+string(p.person)))
}

// admitAccount makes the account where there is none. Its address was proven with the case.
func (a *Accounts) admitAccount(ctx context.Context, tx *db.Tx, p *plan) error {
	if p.account.ID != "" {
		return nil
	}
	g := p.grant
	p.account = Account{
		ID: actor.AccountID(db.NewID()), Portal: g.Portal.Name, Person: p.person, Kind: Applicant, State: Invited, Name: p.name,
		Address: p.address, AddressKey: p.key, Lang: g.Lang, CaseNumber: g.Number, MadeAt: tx.Now(), ProvenAt: tx.Now(),
		Telephone: g.First(portal.Telephone),
	}
	for _, number := range []string{g.First(portal.MobilePhone), p.account.Telephone} {
		if p.account.Mobile == "" && field.IsMobile(number) {
			p.account.Mobile = number
		}
	}
	if p.account.Lang == "" {
		p.account.Lang = i18n.PT
	}
	return insertAccount(ctx, tx, p.account)
}

// announce tells the person: the link to define a password to whoever never came in, the powers to whoever has, and
// the powers to every other address that the person has here, so that nobody gains under another's name unseen.
func (a *Accounts) announce(ctx context.Context, tx *db.Tx, p *plan) error {
	all, err := accountsOf(ctx, tx, p.person)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.ID != p.account.ID && one.State == Active && one.Kind == Applicant {
			if err := a.tellPowers(ctx, tx, p, one); err != nil {
				return err
			}
		}
	}
	if p.account.State == Active {
		return a.tellPowers(ctx, tx, p, p.account)
	}
	return a.letters.Send(ctx, tx, letter.Letter{
		Portal: p.grant.Portal, Procedure: p.grant.Procedure, Event: portal.AccountInvited, To: p.account.To(), About: p.account.Object(),
		Values: p.values(p.account.Lang), Link: invitation(p.grant.Portal, p.account, tx.Now()),
	})
}

func (a *Accounts) tellPowers(ctx context.Context, tx *db.Tx, p *plan, to Account) error {
	return a.letters.Send(ctx, tx, letter.Letter{
		Portal: p.grant.Portal, Procedure: p.grant.Procedure, Event: portal.PowersChanged, To: to.To(), About: to.Object(), Values: p.values(to.Lang),
	})
}

// values are those that the letters about a grant may hold.
func (p *plan) values(lang i18n.Lang) i18n.Args {
	g := p.grant
	decider := g.Portal.Rules.Decider
	purposes := make([]string, len(p.powers))
	until := g.Portal.Say(lang, "account.no-end", nil)
	for i, power := range p.powers {
		purposes[i] = p.purpose(power, lang)
		if !power.end().IsZero() {
			until = i18n.Date(lang, power.end())
		}
	}
	delegation := ""
	if decider.Delegation != "" {
		delegation = g.Portal.Say(lang, "account.delegation", i18n.Args{"act": decider.Delegation})
	}
	return i18n.Args{
		"number": g.Number, "body": p.bodyName, "procedure": g.Procedure.Name.In(lang), "year": g.First(portal.Exercise), "address": p.address,
		"author": g.Author, "office": decider.Office.In(lang), "delegation": delegation, "purposes": strings.Join(purposes, "; "), "until": until,
	}
}

// invitationDays are the working days that a link to define a password lasts (contract).
const invitationDays = 10

// invitation is the link by which the account's holder defines a password.
func invitation(p *portal.Portal, one Account, now time.Time) letter.Link {
	kind := link.Invitation
	if one.Kind == Officer {
		kind = link.OfficerInvitation
	}
	days := calendar.Days{Municipal: p.Rules.Holidays}
	return letter.Link{Kind: kind, Subject: string(one.ID), Expires: days.Add(now, invitationDays)}
}
