package certificate

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// MandateOutcome is the outcome "mandate" of a procedure: what is approved is that a program of the body has so many
// certificates of exactly these names issued until a day, each for a key that it proves.
//
// Service is set by the wiring, as in [Outcome].
type MandateOutcome struct{ Service *Service }

var (
	_ portal.Outcome    = (*MandateOutcome)(nil)
	_ portal.Foreteller = (*MandateOutcome)(nil)
	_ portal.Rehearser  = (*MandateOutcome)(nil)
)

// mandatedProfiles are those that may be issued without anybody's being there; package issuance refuses the rest too.
func mandatedProfiles() []string { return []string{issuance.Application, issuance.Website} }

// longestMandate bounds how long one approval lets certificates be issued, in days: who approved must look again
// (ETSI EN 319 411-1, REG-6.3.1-00D).
const longestMandate = 825

// Check reads the parameters and tells every mistake.
func (o *MandateOutcome) Check(p *portal.Portal, proc *portal.Procedure) portal.Mistakes {
	with, wrong := paramsOf(proc)
	expect := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, portal.Mistake{Pos: proc.Outcome.At, What: what})
		}
	}
	expect(slices.Contains(mandatedProfiles(), with.Profile), "profile: \""+with.Profile+"\"; expected one of "+strings.Join(mandatedProfiles(), ", "))
	expect(with.Product.PT != "" && with.Product.EN != "", "product: expected its name in both languages")
	_, known := p.Power(with.Power)
	expect(known, "power: \""+with.Power+"\" is no power of this portal")
	expect(with.MinDays >= 1 && with.MinDays <= 365, "min-days: expected 1 to 365")
	expect(with.MaxDays >= with.MinDays && with.MaxDays <= longestMandate, "max-days: expected min-days to "+strconv.Itoa(longestMandate))
	expect(slices.Contains([]string{fromRegister, fromAnswers}, with.Names), "names: \""+with.Names+"\"; expected register or answers")
	expect(with.Most >= 0 && with.Most <= issuance.MostUnderMandate, "most: expected 1 to "+strconv.Itoa(issuance.MostUnderMandate)+", or nothing")
	expect(proc.For == string(actor.Person), "outcome mandate needs for: person: its holder comes back for the token")
	expect(proc.Decide.Approvals >= 2, "outcome mandate needs decide.approvals of at least 2")
	expect(!proc.Decide.Identity, "outcome mandate is nobody's identity: decide.identity is for persons")
	roles := []portal.Role{portal.HowMany}
	if with.Profile == issuance.Website {
		roles = append(roles, portal.DNSNames)
	} else {
		roles = append(roles, portal.ShownName)
	}
	for _, role := range roles {
		_, ok := proc.WithRole(role)
		expect(ok, "outcome mandate of profile "+with.Profile+" needs a field with the role "+string(role))
	}
	return wrong
}

// tooMany is what a mandate for no number of certificates, or for too many, is refused for.
const tooMany = "certificate.mandate-most"

// mandatePlan is what a grant would approve: the plan of an order without its key, with how many and until when.
type mandatePlan struct {
	*plan
	most    int
	before  time.Time
	mandate issuance.Mandate
	trial   portal.Trial
}

// planMandate makes the mandate of a grant: the same for the same answers, powers and first day of approval.
func (s *Service) planMandate(ctx context.Context, tx *db.Tx, g portal.Grant) (*mandatePlan, error) {
	base, err := s.drawBy(ctx, tx, g, s.planPower, s.planBody, planSubject, s.planName)
	if err != nil {
		return nil, err
	}
	p := &mandatePlan{plan: base}
	if err := s.planBounds(ctx, tx, p); err != nil {
		return nil, err
	}
	if err := s.planUnique(ctx, tx, p); err != nil || len(p.problems) > 0 {
		return p, err
	}
	subject, err := p.profile.Name(p.values)
	if err != nil {
		return p, p.refuse(err)
	}
	if p.mandate, err = p.profile.Mandate(subject, p.dns, p.emails, p.until, p.most, p.before); err != nil {
		return p, p.refuse(err)
	}
	if p.der, err = p.mandate.Encode(); err != nil {
		return nil, err
	}
	digest, err := p.mandate.Digest()
	if err != nil {
		return nil, err
	}
	p.digest = string(digest)
	return p, s.tryMandate(ctx, p)
}

// planBounds finds how many and until when: never past the power's end, nor longer than the procedure's days.
func (s *Service) planBounds(ctx context.Context, tx *db.Tx, p *mandatePlan) error {
	p.until = p.power.Until
	var err error
	if p.most, err = strconv.Atoi(p.grant.First(portal.HowMany)); err != nil || p.most < 1 || p.most > p.mostOf() {
		p.problem(tooMany)
	}
	first, err := firstApproval(ctx, tx, p.grant)
	if err != nil {
		return err
	}
	day := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, first.Location())
	p.before = day.AddDate(0, 0, p.with.MaxDays)
	ends := []time.Time{p.power.Until}
	if asked, err := time.ParseInLocation(time.DateOnly, p.grant.First(portal.Until), i18n.Lisbon()); err == nil {
		ends = append(ends, asked.AddDate(0, 0, 1)) // the day asked for counts
	}
	for _, end := range ends {
		if !end.IsZero() && end.Before(p.before) {
			p.before = end
		}
	}
	if p.before.Before(p.grant.At.AddDate(0, 0, p.with.MinDays)) {
		p.problem("certificate.too-short")
	}
	return nil
}

// planUnique refuses a second running mandate of the body for an application of one name: nobody could tell which of
// the two a certificate is of.
func (s *Service) planUnique(ctx context.Context, tx *db.Tx, p *mandatePlan) error {
	name := p.values[issuance.CommonName]
	if name == "" || p.nipc == "" {
		return nil
	}
	running, err := runningOf(ctx, tx, p.grant.Portal.Name, p.nipc, p.grant.Case)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(running, func(other string) bool { return field.Fold(other) == field.Fold(name) }) {
		p.problem(applicationTaken)
	}
	return nil
}

// tryMandate makes and lints a certificate as a program would get it, for a key that is thrown away.
func (s *Service) tryMandate(ctx context.Context, p *mandatePlan) error {
	key, err := throwawayKey()
	if err != nil {
		return err
	}
	o, err := p.mandate.Order(key)
	if err != nil {
		return p.refuse(err)
	}
	der, err := o.Encode()
	if err != nil {
		return err
	}
	t, err := s.c.CA.Try(ctx, der)
	if err != nil {
		return p.refuse(err)
	}
	p.issuer, p.report = t.Issuer, t.Report
	if !t.Report.Clean() {
		p.problem(heldLint)
	}
	p.trial, err = trialOf(t)
	return err
}

// throwawayKey is a key whose private half nobody keeps, for what only shows what a certificate would be.
func throwawayKey() (issuance.Key, error) {
	key, err := issuance.GenerateKey(issuance.ECP256)
	if err != nil {
		return issuance.Key{}, err
	}
	return issuance.CheckKey(key.Public())
}

// Foretell tells what an approval would be refused for and the applicant can mend, while the form is theirs.
func (o *MandateOutcome) Foretell(ctx context.Context, tx *db.Tx, g portal.Grant) ([]fault.Field, error) {
	if g.First(portal.HowMany) == "" {
		return nil, nil
	}
	p, err := o.Service.planMandate(ctx, tx, g)
	if err != nil {
		return nil, err
	}
	mendable := map[string]portal.Role{tooMany: portal.HowMany, applicationTaken: portal.ShownName, "certificate.too-short": portal.Until}
	var told []fault.Field
	for _, key := range p.problems {
		if f, asked := g.Procedure.WithRole(mendable[key]); asked && mendable[key] != "" {
			told = append(told, fault.Field{Name: f.Key, Key: key, Args: fault.Pairs("max", strconv.Itoa(p.mostOf()))})
		}
	}
	return told, nil
}

// mostOf is how many certificates a mandate of the procedure may be for.
func (p *mandatePlan) mostOf() int {
	if p.with.Most > 0 {
		return p.with.Most
	}
	return issuance.MostUnderMandate
}

// Propose says exactly what would be approved. Its digest is the mandate's.
func (o *MandateOutcome) Propose(ctx context.Context, tx *db.Tx, g portal.Grant) (portal.Proposal, error) {
	p, err := o.Service.planMandate(ctx, tx, g)
	if err != nil {
		return portal.Proposal{}, err
	}
	return portal.Proposal{Digest: p.digest, Lines: p.lines(), Problems: p.problems}, nil
}

// lines are what the officer reads before approving.
func (p *mandatePlan) lines() []portal.Line {
	if p.digest == "" {
		return nil
	}
	say := func(key string, args ...string) string {
		return p.grant.Portal.Say(i18n.PT, key, fault.Pairs(args...))
	}
	lines := []portal.Line{{Label: say("certificate.line.product"), Value: p.with.Product.PT}}
	for _, part := range partsOf(p.mandate.Subject) {
		lines = append(lines, portal.Line{Label: say(part.Label), Value: part.Value})
	}
	for _, one := range []struct{ label, value string }{
		{"certificate.line.dns", strings.Join(p.mandate.DNSNames, ", ")},
		{"certificate.line.outside", strings.Join(p.outside, ", ")},
		{"certificate.line.most", strconv.Itoa(p.most)},
		{"certificate.line.before", i18n.Moment(i18n.PT, p.before)},
		{"certificate.line.keys", say("certificate.mandate.keys")},
		{"certificate.line.profile", p.profile.Key + " " + p.profile.Product + ", v" + strconv.Itoa(p.profile.Version)},
		{"certificate.line.term", p.term(say)},
		{"certificate.line.issuer", p.issuer},
		{"certificate.line.lint", say("certificate.lint.passed", "n", strconv.Itoa(p.report.Passed), "found", strconv.Itoa(len(p.report.Findings)))},
		{"certificate.line.digest", p.digest},
	} {
		if one.value != "" {
			lines = append(lines, portal.Line{Label: say(one.label), Value: one.value})
		}
	}
	return lines
}

// Rehearse shows the certificate as a program would get it.
func (o *MandateOutcome) Rehearse(ctx context.Context, tx *db.Tx, g portal.Grant) (portal.Trial, error) {
	p, err := o.Service.planMandate(ctx, tx, g)
	if err != nil {
		return portal.Trial{}, err
	}
	p.trial.Stops = append(stopsOf(p.problems), p.trial.Stops...)
	return p.trial, nil
}

// Grant records the mandate in the approval's own transaction. There is no token yet: whoever may use it makes one.
func (o *MandateOutcome) Grant(ctx context.Context, tx *db.Tx, by actor.Actor, g portal.Grant) error {
	p, err := o.Service.planMandate(ctx, tx, g)
	if err != nil {
		return err
	}
	if len(p.problems) > 0 {
		return fault.New(fault.Conflict, p.problems[0])
	}
	id := MandateID(db.NewID())
	if err := insertMandate(ctx, tx, id, p); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "mandate.make", id.object(), audit.With("case", g.Case), audit.With("digest", p.digest))
}

// named is whom the certificates speak for, in a word.
func (p *mandatePlan) named() string {
	switch {
	case p.mandate.Subject.Value(issuance.CommonName) != "":
		return p.mandate.Subject.Value(issuance.CommonName)
	case len(p.mandate.DNSNames) > 0:
		return p.mandate.DNSNames[0]
	}
	return p.body
}
