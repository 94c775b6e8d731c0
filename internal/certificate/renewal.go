package certificate

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

// renewalRule says how a certificate of a procedure is renewed. A renewal always has a new key (re-key, ETSI EN
// 319 411-1, 6.3.7), is ordered by the same procedure, and is judged and decided as any order.
type renewalRule struct {
	// FromDays is how long before the end the same certificate may be ordered again; one that says something else may
	// be at any time.
	FromDays int `yaml:"from-days"`
	// Old says what becomes of the earlier certificate once the new one is accepted: "revoke" or "leave". One whose
	// words are not true any more is revoked in any case (ETSI EN 319 411-1, REV-6.3.9-02).
	Old string `yaml:"old"`
	// IdentityDays and IdentityTimes bound how long, and for how many certificates, one proof of identity stands where
	// the earlier key signs the request (ETSI EN 319 411-1, REG-6.3.1-00D and -00E). Zero days for never.
	IdentityDays  int `yaml:"identity-days"`
	IdentityTimes int `yaml:"identity-times"`
}

const (
	oldRevoked = "revoke"
	oldLeft    = "leave"
)

func (r *renewalRule) check(expect func(bool, string)) {
	if r == nil {
		return
	}
	expect(r.FromDays >= 1 && r.FromDays <= 365, "renewal.from-days: expected 1 to 365")
	expect(r.Old == oldRevoked || r.Old == oldLeft, "renewal.old: \""+r.Old+"\"; expected revoke or leave")
	expect(r.IdentityDays >= 0 && time.Duration(r.IdentityDays)*aDay <= ca.LongestReuse, "renewal.identity-days: expected 0 to 2196")
	expect(r.IdentityTimes >= 0 && r.IdentityTimes <= ca.MostReuses, "renewal.identity-times: expected 0 to 10")
}

const aDay = 24 * time.Hour

// What stands in the way of a renewal.
const (
	tooEarly       = "certificate.too-early"
	notRenewable   = "certificate.not-renewable"
	renewedAlready = "certificate.renewed-already"
	otherKey       = "certificate.other-key"
)

// earlier is the certificate that an order takes the place of.
type earlier struct {
	row     row
	record  ca.Certificate
	names   []string // what the new one says otherwise: attributes, or "SAN"
	reason  issuance.Reason
	good    bool // in force at this moment
	byOld   bool // its key signed the request
	reusing bool // the identity proven for it may stand for this order too
}

func (e *earlier) changed() bool { return len(e.names) > 0 }

// planRenewal finds what the order takes the place of: the certificate of the case that this one was begun from.
func (s *Service) planRenewal(ctx context.Context, tx *db.Tx, p *plan) error {
	if p.grant.Follows == "" {
		return nil
	}
	r, err := byCase(ctx, tx, p.grant.Follows)
	if db.None(err) || err == nil && (r.Portal != p.grant.Portal.Name || r.Holder != p.grant.Person || r.Profile != p.profile.Key || r.serial == "") {
		p.problem(notRenewable)
		return nil
	}
	if err != nil {
		return err
	}
	e := &earlier{row: r}
	if e.record, err = s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial)); err != nil {
		return err
	}
	if p.with.Renewal == nil {
		p.problem(notRenewable)
		return nil
	}
	p.renews, e.good = e, e.record.IsGood(tx.Now())
	if next, found, err := renewedBy(ctx, tx, r.ID); err != nil {
		return err
	} else if found && !p.isOrder(ctx, tx, next.order) {
		p.problem(renewedAlready)
	}
	if err := p.compareEarlier(); err != nil {
		return err
	}
	p.judgeRenewal(tx.Now())
	return p.judgeKey()
}

// isOrder says whether an order is this very case's: what was granted is not in its own way.
func (p *plan) isOrder(ctx context.Context, tx *db.Tx, id ID) bool {
	r, err := byID(ctx, tx, id)
	return err == nil && r.Case == p.grant.Case
}

// judgeRenewal says whether the time and the state of the earlier certificate allow it. One that ends or is revoked
// while officers are at work stands in nobody's way; but a key that was stolen, or a right that was withdrawn, does.
func (p *plan) judgeRenewal(now time.Time) {
	e := p.renews
	if e.record.IsRevoked() && (e.record.Reason == issuance.KeyCompromise || e.record.Reason == issuance.PrivilegeWithdrawn) {
		p.problem(notRenewable)
	}
	if !e.changed() && now.Before(e.opens(p.with.Renewal)) {
		p.problem(tooEarly)
	}
}

// opens is from when the same certificate may be ordered again.
func (e *earlier) opens(rule *renewalRule) time.Time {
	return e.record.NotAfter.AddDate(0, 0, -rule.FromDays)
}

// foretellRenewal tells, while the form is its applicant's, of a certificate that ended already: it is not renewed, it
// is ordered anew.
func (p *plan) foretellRenewal() {
	if p.renews != nil && !p.renews.good {
		p.problem(notRenewable)
	}
}

// judgeKey says whose key signed the message that the request came in. One that is not the earlier certificate's is a
// mistake that its sender wants to know of; no message at all is none.
func (p *plan) judgeKey() error {
	e := p.renews
	if !p.request.Signed() {
		return nil
	}
	certificate, err := x509.ParseCertificate(e.record.DER)
	if err != nil {
		return err
	}
	if e.byOld = p.request.SignedBy(certificate.PublicKey); !e.byOld {
		p.problem(otherKey)
	}
	rule := p.with.Renewal
	e.reusing = e.byOld && e.good && rule.IdentityDays > 0 && rule.IdentityTimes > 1 && !e.renamed()
	return nil
}

// renamed says whether the person is called otherwise: that is proven with the document that says so (ETSI EN
// 319 411-1, REG-6.3.7-01B).
func (e *earlier) renamed() bool {
	return slices.ContainsFunc(e.names, func(name string) bool {
		return slices.Contains([]string{string(issuance.GivenName), string(issuance.Surname), string(issuance.SerialNumber)}, name)
	})
}

// alternativeNames is what a change of domains or addresses is called.
const alternativeNames = "SAN"

// compareEarlier finds what the new certificate would say otherwise than the earlier one, and for which reason that one
// is then revoked (domain: change of function or body is affiliationChanged, anything else superseded).
func (p *plan) compareEarlier() error {
	before, err := issuance.ParseOrder(p.renews.row.der)
	if err != nil {
		return err
	}
	e := p.renews
	for _, rule := range p.profile.Subject {
		if p.values[rule.Type] != before.Subject.Value(rule.Type) {
			e.names = append(e.names, string(rule.Type))
		}
	}
	if !sameSet(p.dns, before.DNSNames) || !sameSet(p.emails, before.Emails) {
		e.names = append(e.names, alternativeNames)
	}
	e.reason = issuance.Superseded
	for _, of := range []issuance.Attribute{issuance.Organization, issuance.OrganizationIdentifier, issuance.Unit, issuance.Title} {
		if slices.Contains(e.names, string(of)) {
			e.reason = issuance.AffiliationChanged
		}
	}
	return nil
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// addRenewal says to the officer what the order takes the place of, and how it is proven.
func (p *plan) addRenewal(add func(label, value string), say func(string, ...string) string) {
	e := p.renews
	if e == nil {
		return
	}
	add("certificate.line.renews", say("certificate.renews", "serial", e.record.Serial.String(), "until", i18n.Date(i18n.PT, e.record.NotAfter), "number", e.row.Number))
	for _, name := range e.names {
		label := "certificate.attribute." + name
		if name == alternativeNames {
			label = "certificate.line.alternative"
		}
		add("certificate.line.changed", say(label))
	}
	switch {
	case e.reusing:
		add("certificate.line.proof", say("certificate.proof.earlier-key"))
	case p.grant.Procedure.Decide.Identity:
		add("certificate.line.proof", say("certificate.proof.ordinary"))
	}
	if p.endsEarlier() {
		add("certificate.line.old", say("certificate.old.revoked", "reason", say("certificate.reason."+reasonText(e.reason))))
	} else {
		add("certificate.line.old", say("certificate.old.left"))
	}
}

// endsEarlier says whether the earlier certificate is revoked once the new one is accepted.
func (p *plan) endsEarlier() bool { return p.renews.changed() || p.with.Renewal.Old == oldRevoked }

// identified says where a new order begins: it waits for an officer to record how the subject was identified, unless
// the earlier key stands for that.
func (s *Service) identified(ctx context.Context, tx *db.Tx, p *plan) (State, error) {
	if !p.grant.Procedure.Decide.Identity {
		return Issuing, nil
	}
	if p.renews == nil || !p.renews.reusing {
		return AwaitingIdentity, nil
	}
	reused, err := s.c.CA.ReuseIdentity(ctx, tx, ca.Reuse{
		Portal: p.grant.Portal.Name, Case: p.grant.Case, Order: p.der, Holder: p.grant.Person, Earlier: p.renews.record.Serial,
		Signed: []byte(p.grant.First(portal.KeyRequest)), Within: time.Duration(p.with.Renewal.IdentityDays) * aDay, Times: p.with.Renewal.IdentityTimes,
	})
	if err != nil || !reused {
		return AwaitingIdentity, err
	}
	return Issuing, nil
}

// takePlace records what the order takes the place of; of two that would at once, one does.
func (p *plan) takePlace(ctx context.Context, tx *db.Tx, id ID) error {
	if p.renews == nil {
		return nil
	}
	err := insertRenewal(ctx, tx, renewal{order: id, renews: p.renews.row.ID, changed: p.renews.changed(), ends: p.endsEarlier(), reason: int(p.renews.reason)})
	if db.Taken(err) {
		return fault.New(fault.Conflict, renewedAlready)
	}
	return err
}

// supersede ends the certificate that an accepted one takes the place of, where the rule says so.
func (s *Service) supersede(ctx context.Context, tx *db.Tx, by actor.Actor, id ID) error {
	n, found, err := renewalOf(ctx, tx, id)
	if err != nil || !found || !n.ends {
		return err
	}
	r, err := byID(ctx, tx, n.renews)
	if err != nil {
		return err
	}
	c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
	if err != nil || c.IsRevoked() || tx.Now().After(c.NotAfter) {
		return err
	}
	why := func(lang i18n.Lang) string {
		return i18n.Say(lang, "certificate.reason."+reasonText(issuance.Reason(n.reason)), nil)
	}
	if err := s.tellRevoked(ctx, tx, r, c, why, "certificate.by.renewal"); err != nil {
		return err
	}
	return s.c.CA.RevokeIn(ctx, tx, by, ca.Revocation{Serial: c.Serial, Reason: issuance.Reason(n.reason)})
}
