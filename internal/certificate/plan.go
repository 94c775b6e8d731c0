package certificate

import (
	"context"
	"crypto/rsa"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// params are the parameters of the outcome.
type params struct {
	// Profile is the kind of certificate: a key of package issuance.
	Profile string `yaml:"profile"`
	// Product is what people call it.
	Product portal.Text `yaml:"product"`
	// Power is the one that the applicant must have, running, for the body.
	Power string `yaml:"power"`
	// MinDays is how long the right behind it must still last (30 if absent): nothing is issued for less.
	MinDays int `yaml:"min-days"`
	// MaxDays shortens the profile's term, counted from the day of the first approval; 0 for the profile's.
	MaxDays int `yaml:"max-days"`
	// Names says whose name of the body is certified: "register" for that of the register of bodies as it is now,
	// "answers" (the default) for that of the case, which must be the one by which the power was granted.
	Names string `yaml:"names"`
	// Identifier is what tells persons apart in the subject: "civil" (the default) for the civil identification number
	// (IDCPT-…), "tax" for the tax number (TINPT-…) where the form's field of that role asks for it. ETSI EN 319 412-1
	// §5.1.3; a national person number (PNO) does not exist in Portugal (Constitution, article 35(5)).
	Identifier string `yaml:"identifier"`
	// Renewal says how such a certificate is renewed; absent for not at all: its holder orders another.
	Renewal *renewalRule `yaml:"renewal"`
	// Most is how many certificates one mandate may be for; 0 for as many as there can be. Of mandates alone.
	Most int `yaml:"most"`
}

// The words that the parameters may hold.
const (
	fromRegister = "register"
	fromAnswers  = "answers"
	byCivil      = "civil"
	byTax        = "tax"
)

const leastDays = 30

// What stands in the way of an order and its applicant can mend.
const (
	requestDiffers = "certificate.request-differs"
	otherPerson    = "certificate.other-person"
	// A seal's or an application's name is one in its body, and a seal's is nobody's own.
	sealTaken        = "E-SEL-01"
	applicationTaken = "E-APL-01"
	wrongKeepers     = "E-SEL-02"
)

func paramsOf(proc *portal.Procedure) (params, portal.Mistakes) {
	with := params{MinDays: leastDays, Names: fromAnswers, Identifier: byCivil}
	wrong := proc.Outcome.Params.Into(&with)
	return with, wrong
}

// plan is what a grant would order, with what stands in its way.
type plan struct {
	grant    portal.Grant
	with     params
	profile  issuance.Profile
	known    account.Known
	power    account.Power
	nipc     string
	body     string
	values   map[issuance.Attribute]string
	dns      []string
	emails   []string
	key      issuance.Key
	request  issuance.SignedRequest
	renews   *earlier // what the order takes the place of; nil for nothing
	until    time.Time
	order    issuance.Order
	der      []byte
	digest   string
	issuer   string
	said     []string // the statements that the certificate would make
	report   issuance.Report
	outside  []string // domains that the register does not know as the body's
	problems []string
}

func (p *plan) problem(key string) {
	if !slices.Contains(p.problems, key) {
		p.problems = append(p.problems, key)
	}
}

// refuse takes a refusal of package issuance as problems of the plan; what is no refusal is a fault of ours.
func (p *plan) refuse(err error) error {
	refused, ok := fault.As(err)
	if !ok {
		return err
	}
	if len(refused.Fields) == 0 {
		p.problem(refused.Key)
	}
	for _, f := range refused.Fields {
		p.problem(f.Key)
	}
	return nil
}

// plan makes the order of a grant. It is the same for the same answers, powers and first day of approval, so that two
// officers approve the same bytes.
func (s *Service) plan(ctx context.Context, tx *db.Tx, g portal.Grant) (*plan, error) {
	p, err := s.draw(ctx, tx, g)
	if err != nil || len(p.problems) > 0 {
		return p, err
	}
	if err := s.planOrder(ctx, p); err != nil {
		return nil, fmt.Errorf("plan the certificate of case %s: %w", g.Case, err)
	}
	return p, nil
}

// draw finds what is to stand in the order, and whether the applicant may have it.
func (s *Service) draw(ctx context.Context, tx *db.Tx, g portal.Grant) (*plan, error) {
	return s.drawBy(ctx, tx, g, s.planPower, s.planBody, s.planKey, s.planTerm, planSubject, s.planName, s.planKeepers, s.planRenewal)
}

func (s *Service) drawBy(ctx context.Context, tx *db.Tx, g portal.Grant, steps ...func(context.Context, *db.Tx, *plan) error) (*plan, error) {
	with, wrong := paramsOf(g.Procedure)
	if len(wrong) > 0 {
		return nil, wrong
	}
	p := &plan{grant: g, with: with, values: map[issuance.Attribute]string{issuance.Country: "PT"}}
	var err error
	if p.profile, err = issuance.ProfileOf(with.Profile); err != nil {
		return nil, err
	}
	for _, step := range steps {
		if err := step(ctx, tx, p); err != nil {
			return nil, fmt.Errorf("plan the certificate of case %s: %w", g.Case, err)
		}
	}
	return p, nil
}

// planPower finds the power that the applicant orders by, and the body it is for.
func (s *Service) planPower(ctx context.Context, tx *db.Tx, p *plan) error {
	var err error
	p.known, err = s.c.Accounts.Known(ctx, tx, p.grant.Portal.Name, p.grant.Person, p.grant.Account)
	if fault.Is(err, fault.NotFound) || p.grant.Person == "" {
		p.problem("certificate.no-power")
		return nil
	}
	if err != nil {
		return err
	}
	asked := firstOf(p.grant.First(portal.BodyPick), p.grant.First(portal.BodyNumber))
	for _, power := range p.known.Powers {
		if power.Key == p.with.Power && power.Runs(p.grant.At) && (asked == "" || power.BodyNIPC == asked) {
			p.power, p.nipc = power, power.BodyNIPC
			return nil
		}
	}
	p.problem("certificate.no-power")
	return nil
}

// planBody finds what the body is called, and whether it may still have certificates.
func (s *Service) planBody(ctx context.Context, tx *db.Tx, p *plan) error {
	if p.nipc == "" {
		if len(p.problems) == 0 {
			p.problem("certificate.no-body")
		}
		return nil
	}
	body, listed, err := s.c.Accounts.Registered(ctx, tx, p.grant.Portal.Name, p.nipc)
	if err != nil {
		return err
	}
	// A seal speaks for the body itself: what is conditional, or in no register, is not enough.
	if listed && body.Class == portal.NotEligible || p.profile.Key == issuance.SealSoftware && (!listed || body.Class != portal.Eligible) {
		p.problem("certificate.body-not-eligible")
	}
	p.body = p.power.BodyName
	if p.with.Names == fromRegister && listed {
		p.body = body.Name
	}
	typed := p.grant.First(portal.BodyName)
	if p.with.Names == fromAnswers && typed != "" {
		if field.Fold(typed) != field.Fold(p.power.BodyName) {
			p.problem("certificate.body-differs")
		}
		p.body = typed
	}
	for _, name := range p.grant.All(portal.DNSNames) {
		if !covered(name, body.Domains) {
			p.outside = append(p.outside, name)
		}
	}
	return nil
}

// covered says whether a domain is one of a body's or below one.
func covered(name string, domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool {
		d = strings.TrimPrefix(strings.ToLower(d), "*.")
		return name == d || strings.HasSuffix(name, "."+d)
	})
}

// planKey reads the request: its key is used, and its names must not say anything else than the case.
func (s *Service) planKey(ctx context.Context, tx *db.Tx, p *plan) error {
	var err error
	if p.request, err = issuance.OpenRequest([]byte(p.grant.First(portal.KeyRequest))); err != nil {
		return p.refuse(err)
	}
	request, err := issuance.ParseRequest(p.request.Request)
	if err != nil {
		return p.refuse(err)
	}
	p.key = request.Key
	if err := s.c.KnownKeys.Refuse(p.key); err != nil {
		return p.refuse(err)
	}
	used, err := s.c.CA.KeyUsed(ctx, tx, p.key.Fingerprint(), "")
	if err != nil {
		return err
	}
	if !used {
		if used, err = keyOrdered(ctx, tx, p.key.Fingerprint(), p.grant.Case); err != nil {
			return err
		}
	}
	if used {
		p.problem("E-CSR-04")
	}
	return nil
}

// planTerm caps the certificate by the end of the right behind it, and refuses what would end too soon.
func (s *Service) planTerm(ctx context.Context, tx *db.Tx, p *plan) error {
	ends := []time.Time{p.power.Until}
	if day, err := time.ParseInLocation(time.DateOnly, p.grant.First(portal.Until), i18n.Lisbon()); err == nil {
		ends = append(ends, day.AddDate(0, 0, 1).Add(-time.Second)) // the function's last day counts
	}
	first, err := firstApproval(ctx, tx, p.grant)
	if err != nil {
		return err
	}
	if p.with.MaxDays > 0 {
		day := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, first.Location())
		if end := day.AddDate(0, 0, p.with.MaxDays); end.Before(day.AddDate(p.profile.Validity.Years, 0, p.profile.Validity.Days)) {
			ends = append(ends, end)
		}
	}
	for _, end := range ends {
		if !end.IsZero() && (p.until.IsZero() || end.Before(p.until)) {
			p.until = end
		}
	}
	if !p.until.IsZero() && p.until.Before(p.grant.At.AddDate(0, 0, p.with.MinDays)) {
		p.problem("certificate.too-short")
	}
	return nil
}

// firstApproval is the day on which the first officer approved what is to be issued; today, if none has. The days of
// [params.MaxDays] count from it, so that the second officer approves the same end as the first.
func firstApproval(ctx context.Context, tx *db.Tx, g portal.Grant) (time.Time, error) {
	standing, err := decision.Standing(ctx, tx, g.Case, g.Revision)
	if err != nil {
		return time.Time{}, err
	}
	for _, e := range standing {
		if e.Verdict == decision.Approve {
			return e.At.In(i18n.Lisbon()), nil
		}
	}
	return g.At.In(i18n.Lisbon()), nil
}

// planSubject fills the subject from the case, for those attributes that the profile has.
func planSubject(_ context.Context, _ *db.Tx, p *plan) error {
	given, surnames := p.grant.First(portal.GivenNames), p.grant.First(portal.Surnames)
	if given == "" && surnames == "" {
		given, surnames = account.SplitName(p.known.Name)
	}
	shown := p.grant.First(portal.ShownName)
	if p.speaksForAPerson() {
		shown = firstOf(shown, strings.TrimSpace(given+" "+surnames))
	}
	values := map[issuance.Attribute]string{
		issuance.Organization: p.body, issuance.OrganizationIdentifier: issuance.BodyIdentifier(p.nipc), issuance.Unit: p.grant.First(portal.Unit),
		issuance.Title: p.grant.First(portal.Position), issuance.Locality: p.grant.First(portal.Locality), issuance.GivenName: given,
		issuance.Surname: surnames, issuance.CommonName: shown, issuance.SerialNumber: p.identifier(),
	}
	for _, rule := range p.profile.Subject {
		if value := oneLine(values[rule.Type]); value != "" {
			p.values[rule.Type] = value
		}
	}
	if p.speaksForAPerson() {
		p.checkPerson(given+" "+surnames, shown)
	}
	if p.profile.DNS != issuance.Absent {
		p.dns = p.grant.All(portal.DNSNames)
	}
	// Nobody types the address that a certificate names: it is that of the account, which its holder proved by a link.
	if p.profile.Email != issuance.Absent && isASCII(p.known.Address) {
		p.emails = []string{p.known.Address}
	}
	return nil
}

// planName refuses a seal or an application by a name that the body has already (but for the one that it takes the place of), and a seal by the name of the person who
// orders it: no certificate of a body speaks for somebody (Reg. (EU) 910/2014, article 3(24)).
func (s *Service) planName(ctx context.Context, tx *db.Tx, p *plan) error {
	refusal := map[string]string{issuance.SealSoftware: sealTaken, issuance.Application: applicationTaken}[p.profile.Key]
	name := p.values[issuance.CommonName]
	if refusal == "" || name == "" || p.nipc == "" {
		return nil
	}
	if p.profile.Key == issuance.SealSoftware && madeOf(name, p.known.Name) {
		p.problem(refusal)
	}
	rivals, err := ofBody(ctx, tx, p.grant.Portal.Name, p.nipc, p.profile.Key, p.grant.Case)
	if err != nil {
		return err
	}
	for _, r := range rivals {
		if field.Fold(r.Subject) != field.Fold(name) || r.Case == p.grant.Follows {
			continue
		}
		if live, err := s.live(ctx, tx, r); err != nil || live {
			p.problem(refusal)
			return err
		}
	}
	return nil
}

// planKeepers refuses a seal whose keeper or substitute is nobody of the body with access, or who are the same person.
func (s *Service) planKeepers(ctx context.Context, tx *db.Tx, p *plan) error {
	var found []actor.PersonID
	for _, role := range []portal.Role{portal.Keeper, portal.KeeperSubstitute} {
		address := p.grant.First(role)
		if address == "" {
			continue
		}
		person, err := s.c.Accounts.MemberAt(ctx, tx, p.grant.Portal.Name, address, p.nipc)
		if err != nil {
			return err
		}
		if person == "" || slices.Contains(found, person) {
			p.problem(wrongKeepers)
		}
		found = append(found, person)
	}
	return nil
}

// live says whether an order has, or may yet have, a certificate to be relied on.
func (s *Service) live(ctx context.Context, tx *db.Tx, r row) (bool, error) {
	if r.serial == "" {
		return r.State != Declined, nil
	}
	c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
	if err != nil {
		return false, err
	}
	r.with(c, tx.Now())
	return r.Standing == Active, nil
}

// madeOf says whether a text is made of words of another alone.
func madeOf(text, of string) bool {
	words := strings.Fields(field.Fold(of))
	return !slices.ContainsFunc(strings.Fields(field.Fold(text)), func(word string) bool { return !slices.Contains(words, word) })
}

// speaksForAPerson says whether the certificate is a human being's.
func (p *plan) speaksForAPerson() bool {
	return slices.ContainsFunc(p.profile.Subject, func(r issuance.SubjectRule) bool { return r.Type == issuance.GivenName })
}

// checkPerson refuses somebody else's name: all the names by which the account is known must be in the certificate,
// and the name shown must be made of the holder's names (ETSI EN 319 412-2, NAT-4.2.4-15).
func (p *plan) checkPerson(full, shown string) {
	if !madeOf(p.known.Name, full) {
		p.problem(otherPerson)
	}
	if !madeOf(shown, full) {
		p.problem("E-NOM-02")
	}
	if p.values[issuance.SerialNumber] == "" {
		p.problem("certificate.no-number")
	}
}

func (p *plan) identifier() string {
	number := p.grant.First(portal.CivilNumber)
	if number == "" {
		return ""
	}
	if p.with.Identifier == byTax {
		return "TINPT-" + number
	}
	return "IDCPT-" + number
}

// planOrder makes the order, and has it linted as if it were issued now.
func (s *Service) planOrder(ctx context.Context, p *plan) error {
	if made, err := p.makeOrder(); err != nil || !made {
		return err
	}
	var err error
	if p.der, err = p.order.Encode(); err != nil {
		return err
	}
	digest, err := p.order.Digest()
	if err != nil {
		return err
	}
	p.digest = string(digest)
	if p.issuer, p.report, err = s.c.CA.Preview(ctx, p.der); err != nil {
		return p.refuse(err)
	}
	for _, one := range s.c.CA.Says(p.order) {
		p.said = append(p.said, string(one))
	}
	if !p.report.Clean() {
		p.problem(heldLint)
	}
	return nil
}

// makeOrder makes the order and holds the request against it; it is not made of what no order can hold.
func (p *plan) makeOrder() (made bool, err error) {
	subject, err := p.profile.Name(p.values)
	if err != nil {
		return false, p.refuse(err)
	}
	if p.order, err = p.profile.Order(subject, p.dns, p.emails, p.key, p.until); err != nil {
		return false, p.refuse(err)
	}
	return true, p.compareRequest()
}

// compareRequest holds the names of the request, if it has any, against those of the order: whoever asks for other
// names than the case must be told, and never gets them.
func (p *plan) compareRequest() error {
	request, err := issuance.ParseRequest(p.request.Request)
	if err != nil {
		return p.refuse(err)
	}
	if request.Foreign {
		return p.refuse(fault.New(fault.Invalid, "E-CSR-01"))
	}
	if asksOtherwise(request, p.order) {
		p.problem(requestDiffers)
	}
	return nil
}

// asksOtherwise says whether a request asks for names that the order does not have.
func asksOtherwise(request issuance.Request, order issuance.Order) bool {
	if request.Foreign || request.Other || request.Authority || !allIn(request.DNSNames, order.DNSNames) || !allIn(request.Emails, order.Emails) {
		return true
	}
	return slices.ContainsFunc(request.Name, func(part issuance.Part) bool { return !agrees(part, order) })
}

// agrees says whether one attribute that the request asks for is what the order says. An attribute that the order does
// not have is passed over where it can mean nothing (a department that a tool filled in), but a name is not.
func agrees(asked issuance.Part, order issuance.Order) bool {
	if part := order.Subject.Value(asked.Type); part != "" {
		return field.Fold(part) == field.Fold(asked.Value)
	}
	switch asked.Type {
	case issuance.CommonName: // a website's name stands in the alternative names
		return slices.Contains(order.DNSNames, strings.ToLower(asked.Value))
	case issuance.GivenName, issuance.Surname, issuance.SerialNumber, issuance.OrganizationIdentifier, issuance.Title:
		return false
	}
	return true
}

func allIn(asked, order []string) bool {
	return !slices.ContainsFunc(asked, func(name string) bool {
		return !slices.ContainsFunc(order, func(one string) bool { return strings.EqualFold(one, name) })
	})
}

// subject is whom the certificate speaks for, in a word.
func (p *plan) subject() string {
	switch {
	case len(p.order.DNSNames) > 0:
		return p.order.DNSNames[0]
	case p.order.Subject.Value(issuance.CommonName) != "":
		return p.order.Subject.Value(issuance.CommonName)
	}
	return p.body
}

// keyText says what key it is, with its fingerprint's beginning, as the applicant's tools show it.
func (p *plan) keyText() string {
	text := strings.ToUpper(string(p.key.Algorithm))
	if key, ok := p.key.Public.(*rsa.PublicKey); ok {
		text = "RSA-" + strconv.Itoa(key.N.BitLen())
	}
	return text + ", SHA-256 " + p.key.Fingerprint()
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e || r <= ' ' })
}
