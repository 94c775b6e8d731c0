package certificate

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// Outcome is the outcome "certificate" of a procedure: what was approved is ordered.
//
// Definitions are checked before a database is open, so Service is set by the wiring after they are loaded.
type Outcome struct{ Service *Service }

var _ portal.Outcome = (*Outcome)(nil)

// holderProfiles are those that a case may order with a request of its own. P1 and P4 are not among them: they promise
// that the key is in a QSCD, and a request proves nothing of the kind ([issuance.NeedsDevice]).
func holderProfiles() []string {
	return []string{
		issuance.PersonSignatureSoftware, issuance.PersonAuthentication, issuance.PersonEncryption, issuance.SealSoftware,
		issuance.Website, issuance.QWAC, issuance.Application,
	}
}

// identified are the profiles whose orders wait for the record of an officer that identity was proven: of persons, and of
// whoever acts for a legal person in what is qualified on an instance that may say so (Reg. (EU) 910/2014, article 24(1);
// ETSI EN 319 411-1, REG-6.2.2-20).
func identified(profile string) bool {
	return issuance.OfPerson(profile) || profile == issuance.SealSoftware || profile == issuance.QWAC
}

// Check reads the parameters and tells every mistake.
func (o *Outcome) Check(p *portal.Portal, proc *portal.Procedure) portal.Mistakes {
	with, wrong := paramsOf(proc)
	expect := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, portal.Mistake{Pos: proc.Outcome.At, What: what})
		}
	}
	expect(slices.Contains(holderProfiles(), with.Profile), "profile: \""+with.Profile+"\"; expected one of "+strings.Join(holderProfiles(), ", "))
	expect(with.Product.PT != "" && with.Product.EN != "", "product: expected its name in both languages")
	_, known := p.Power(with.Power)
	expect(known, "power: \""+with.Power+"\" is no power of this portal")
	expect(with.MinDays >= 1 && with.MinDays <= 365, "min-days: expected 1 to 365")
	expect(with.MaxDays == 0 || with.MaxDays >= with.MinDays && with.MaxDays <= 3653, "max-days: expected min-days to 3653, or nothing")
	expect(slices.Contains([]string{fromRegister, fromAnswers}, with.Names), "names: \""+with.Names+"\"; expected register or answers")
	expect(slices.Contains([]string{byCivil, byTax}, with.Identifier), "identifier: \""+with.Identifier+"\"; expected civil or tax")
	with.Renewal.check(expect)
	expect(with.Most == 0, "most: is of the outcome mandate")
	expect(proc.For == string(actor.Person), "outcome certificate needs for: person: its holder comes back for it")
	// Two people, since one alone who is deceived or bought must not be enough: ETSI EN 319 411-1, REG-6.3.1.
	expect(proc.Decide.Approvals >= 2, "outcome certificate needs decide.approvals of at least 2")
	for _, role := range o.roles(with) {
		_, ok := proc.WithRole(role)
		expect(ok, "outcome certificate of profile "+with.Profile+" needs a field with the role "+string(role))
	}
	expect(!identified(with.Profile) || proc.Decide.Identity, "a certificate of profile "+with.Profile+" needs decide.identity: true")
	return wrong
}

func (o *Outcome) roles(with params) []portal.Role {
	roles := []portal.Role{portal.KeyRequest}
	switch with.Profile {
	case issuance.PersonSignatureSoftware, issuance.PersonAuthentication, issuance.PersonEncryption:
		roles = append(roles, portal.GivenNames, portal.Surnames, portal.CivilNumber)
	case issuance.SealSoftware, issuance.Application:
		roles = append(roles, portal.ShownName)
	case issuance.Website:
		roles = append(roles, portal.DNSNames)
	case issuance.QWAC:
		roles = append(roles, portal.DNSNames, portal.Locality)
	}
	return roles
}

var _ portal.Foreteller = (*Outcome)(nil)

// Foretell holds key and names of the request, and the holder's names, against the case before it is filed: none of
// these would ever be approved.
func (o *Outcome) Foretell(ctx context.Context, tx *db.Tx, g portal.Grant) ([]fault.Field, error) {
	if g.First(portal.KeyRequest) == "" {
		return nil, nil
	}
	p, err := o.Service.draw(ctx, tx, g)
	if err != nil {
		return nil, err
	}
	if len(p.problems) == 0 {
		if _, err := p.makeOrder(); err != nil {
			return nil, err
		}
	}
	mendable := map[string]portal.Role{
		requestDiffers: portal.KeyRequest, "E-CSR-01": portal.KeyRequest, "E-CSR-02": portal.KeyRequest, "E-CSR-03": portal.KeyRequest,
		"E-CSR-04": portal.KeyRequest, "E-CSR-05": portal.KeyRequest, otherPerson: portal.GivenNames, "E-NOM-02": portal.ShownName,
		sealTaken: portal.ShownName, applicationTaken: portal.ShownName, wrongKeepers: portal.KeeperSubstitute,
		tooEarly: portal.KeyRequest, notRenewable: portal.KeyRequest, renewedAlready: portal.KeyRequest, otherKey: portal.KeyRequest,
	}
	p.foretellRenewal()
	var told []fault.Field
	for _, key := range p.problems {
		if f, asked := g.Procedure.WithRole(mendable[key]); asked && mendable[key] != "" {
			told = append(told, fault.Field{Name: f.Key, Key: key, Args: fault.Pairs("tipos", issuance.AdmittedKeys)})
		}
	}
	return told, nil
}

// Propose says exactly what would be issued, and what stands in the way. Its digest is the order's.
func (o *Outcome) Propose(ctx context.Context, tx *db.Tx, g portal.Grant) (portal.Proposal, error) {
	p, err := o.Service.plan(ctx, tx, g)
	if err != nil {
		return portal.Proposal{}, err
	}
	return portal.Proposal{Digest: p.digest, Lines: p.lines(), Problems: p.problems}, nil
}

// lines are what the officer reads before approving, in the language of the acts: everything that the certificate
// will say and the order fixes.
func (p *plan) lines() []portal.Line {
	if p.digest == "" {
		return nil
	}
	say := func(key string, args ...string) string {
		return p.grant.Portal.Say(i18n.PT, key, fault.Pairs(args...))
	}
	lines := []portal.Line{{Label: say("certificate.line.product"), Value: p.with.Product.PT}}
	for _, part := range partsOf(p.order.Subject) {
		lines = append(lines, portal.Line{Label: say(part.Label), Value: part.Value})
	}
	add := func(label, value string) {
		if value != "" {
			lines = append(lines, portal.Line{Label: say(label), Value: value})
		}
	}
	add("certificate.line.dns", strings.Join(p.order.DNSNames, ", "))
	add("certificate.line.outside", strings.Join(p.outside, ", "))
	add("certificate.line.email", strings.Join(p.order.Emails, ", "))
	add("certificate.line.key", p.keyText())
	add("certificate.line.profile", p.profile.Key+" "+p.profile.Product+", v"+strconv.Itoa(p.profile.Version))
	add("certificate.line.term", p.term(say))
	add("certificate.line.issuer", p.issuer)
	add("certificate.line.usage", strings.Join(p.profile.Usage(p.key), ", "))
	add("certificate.line.statements", firstOf(strings.Join(p.said, ", "), say("certificate.statements.none")))
	add("certificate.line.identity", say("certificate.identity."+yesNo(p.grant.Procedure.Decide.Identity)))
	p.addRenewal(add, say)
	add("certificate.line.lint", say("certificate.lint.passed", "n", strconv.Itoa(p.report.Passed), "found", strconv.Itoa(len(p.report.Findings))))
	add("certificate.line.digest", p.digest)
	return lines
}

func (p *plan) term(say func(string, ...string) string) string {
	length := say("certificate.term.days", "n", strconv.Itoa(p.profile.Validity.Days))
	if p.profile.Validity.Years > 0 {
		length = say("certificate.term.years", "n", strconv.Itoa(p.profile.Validity.Years))
	}
	if p.until.IsZero() {
		return length
	}
	return length + ", " + say("certificate.term.until", "date", i18n.Date(i18n.PT, p.until))
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// partsOf shows a name attribute by attribute; the labels are message keys, sensitive numbers are masked.
func partsOf(name issuance.Name) []Part {
	var parts []Part
	for _, one := range name {
		value := one.Value
		if one.Type == issuance.SerialNumber {
			scheme, number, _ := strings.Cut(value, "-")
			value = scheme + "-" + field.Show(field.Civil, i18n.PT, number)
		}
		parts = append(parts, Part{Label: "certificate.attribute." + string(one.Type), Value: value})
	}
	return parts
}

// Grant records the order in the approval's own transaction. It is issued afterwards, by [Service.Work].
func (o *Outcome) Grant(ctx context.Context, tx *db.Tx, by actor.Actor, g portal.Grant) error {
	s := o.Service
	p, err := s.plan(ctx, tx, g)
	if err != nil {
		return err
	}
	if len(p.problems) > 0 {
		return fault.New(fault.Conflict, p.problems[0])
	}
	id := ID(db.NewID())
	state, err := s.identified(ctx, tx, p)
	if err != nil {
		return err
	}
	if err := insert(ctx, tx, id, p, state); db.Taken(err) {
		return fault.New(fault.Conflict, "E-CSR-04") // another case orders the same key at this moment
	} else if err != nil {
		return err
	}
	if err := p.takePlace(ctx, tx, id); err != nil {
		return err
	}
	tx.After(s.wake)
	return audit.Write(ctx, tx, by, "certificate.order", id.object(), audit.With("case", g.Case), audit.With("digest", p.digest))
}

// object names the order in the record of deeds.
func (id ID) object() string { return "order/" + string(id) }
