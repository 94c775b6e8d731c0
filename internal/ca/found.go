package ca

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// own is one of our own keys as it shall be.
type own struct {
	slot    string
	purpose string
	portal  string
	issuer  string // name of the authority that certifies it
	profile string
	values  map[issuance.Attribute]string
	// renew is how long before its end the next generation is made; zero for never: an authority's successor is a
	// decision of people, with a ceremony of its own.
	renew time.Duration
	// numbered puts the generation behind the common name.
	numbered  bool
	algorithm issuance.Algorithm
}

const (
	renewResponder = 30 * 24 * time.Hour // of 90 days: attack line "delegated responder expired"
	renewSeal      = 60 * 24 * time.Hour // of three years
	renewUnit      = 30 * 24 * time.Hour // of the year in which its key signs
)

// Found makes what is missing of the hierarchy: keys, ceremonies, certificates, first lists; and it renews what ends
// soon. It is idempotent, and after a crash it goes on where it was: each step is on record before the next.
//
// Where this instance has taken on a ceremony's hierarchy ([CA.Adopt]), that one's plan is in force, whatever plan is
// given: then no root and no issuing authority is made here, only what stands below them.
//
// All of it goes the way of every certificate ([CA.Issue]); the approvals are ceremonies of the plan's minutes.
func (s *CA) Found(ctx context.Context, by actor.Actor, p Plan) error {
	if err := mayRun(by, ""); err != nil {
		return err
	}
	s.mu.Lock()
	s.plan = &p // what a module that is away keeps from being founded now, CA.Work founds later
	s.mu.Unlock()
	p, err := s.inForce(ctx, p)
	if err != nil {
		return err
	}
	if p.Algorithm == "" {
		p.Algorithm = issuance.ECP256
	}
	if p.Root.Name == "" && len(p.Authorities) == 0 { // every authority is offline, and nothing is made below them here
		return s.refreshLists(ctx)
	}
	if p.Minutes == "" || len(p.Authorities) == 0 && (p.Root.Name == "" || p.Issuing.Name == "" || p.Root.Name == p.Issuing.Name) {
		return errors.New("ca: a plan has minutes, and two authorities of different names")
	}
	for _, one := range s.own(p) {
		if one.issuer == "" && len(s.endings()) > 0 { // whoever certified it has ended, and nobody followed
			continue
		}
		if s.awaitsListing(one) {
			continue
		}
		if err := s.foundOne(ctx, by, p, one); err != nil {
			return fmt.Errorf("found %s: %w", one.slot, err)
		}
		if err := s.Load(ctx); err != nil {
			return err
		}
	}
	return s.refreshLists(ctx)
}

// own lists the keys of a plan, each behind the one that certifies it.
func (s *CA) own(p Plan) []own {
	var all []own
	if p.Root.Name != "" {
		all = append(all,
			own{slot: p.Root.Name, purpose: purposeRoot, issuer: p.Root.Name, profile: issuance.RootCA, values: p.Root.values(), algorithm: p.Root.Algorithm},
			own{slot: p.Issuing.Name, purpose: purposeIssuing, issuer: p.Root.Name, profile: issuance.IssuingCA, values: p.Issuing.values(), algorithm: p.Issuing.Algorithm})
	}
	for _, a := range p.online(s) {
		all = append(all, own{
			slot: a.Name + responderSuffix, purpose: purposeResponder, issuer: a.Name, profile: issuance.OCSPResponder, renew: renewResponder,
			values: map[issuance.Attribute]string{issuance.Country: "PT", issuance.Organization: a.Organization, issuance.CommonName: a.Responder},
		})
	}
	return append(all, p.below(s)...)
}

// awaitsListing says whether a key of ours, such as a body's seal, is certified only once the trusted list proves its
// issuer.
func (s *CA) awaitsListing(o own) bool {
	from, known := s.known(o.issuer)
	p, err := issuance.ProfileOf(o.profile)
	return known && err == nil && s.listed(from, p) != nil
}

// responderSuffix stands behind an authority's name in that of its responder's keys.
const responderSuffix = "-ocsp"

// online lists the authorities of a plan that have their responders from the program: those whose keys are here, as long
// as they last.
func (p Plan) online(s *CA) []AuthorityPlan {
	var all []AuthorityPlan
	if p.Root.Name != "" {
		all = append(all, p.Root, p.Issuing)
	}
	for _, a := range p.Authorities {
		if one, ok := s.known(a.Name); ok && !one.offline && !one.shut() && s.c.DB.Now().Before(one.ends) {
			all = append(all, a)
		}
	}
	return all
}

// below lists what the issuing authorities certify for the instance itself: the unit of time stamps, and seals.
func (p Plan) below(s *CA) []own {
	issuer := func(profile string) string {
		if from, known := s.known(p.Issuing.Name); p.Issuing.Name != "" && (!known || from.ended == nil) {
			return p.Issuing.Name
		}
		return s.issuing(profile)
	}
	var all []own
	if p.Unit.Name != "" {
		values := map[issuance.Attribute]string{
			issuance.Country: "PT", issuance.Organization: p.Unit.Organization, issuance.CommonName: p.Unit.CommonName,
		}
		if p.Unit.NIPC != "" {
			values[issuance.OrganizationIdentifier] = issuance.BodyIdentifier(p.Unit.NIPC)
		}
		all = append(all, own{
			slot: p.Unit.Name, purpose: purposeStamp, issuer: issuer(issuance.TimeStamping), profile: issuance.TimeStamping, renew: renewUnit, values: values, numbered: true,
		})
	}
	for _, seal := range p.Seals {
		all = append(all, own{
			slot: "seal-" + seal.Portal, purpose: purposeSeal, portal: seal.Portal, issuer: issuer(issuance.SealSoftware), profile: issuance.SealSoftware, renew: renewSeal,
			values: map[issuance.Attribute]string{
				issuance.Country: "PT", issuance.Organization: seal.Body, issuance.OrganizationIdentifier: issuance.BodyIdentifier(seal.NIPC),
				issuance.CommonName: seal.CommonName,
			},
		})
	}
	return all
}

func (a AuthorityPlan) values() map[issuance.Attribute]string {
	return map[issuance.Attribute]string{
		issuance.Country: "PT", issuance.Organization: a.Organization, issuance.Unit: a.Unit, issuance.CommonName: a.CommonName,
	}
}

// foundOne brings one slot to a certified key that lasts.
func (s *CA) foundOne(ctx context.Context, by actor.Actor, p Plan, o own) error {
	generation, lasting, err := s.generation(ctx, o)
	if err != nil || lasting {
		return err
	}
	key, err := s.ownKey(ctx, p, o, generation)
	if err != nil {
		return err
	}
	in := by
	in.Portal = o.portal
	if key, err = s.hold(ctx, in, key, p.Minutes); err != nil {
		return err
	}
	c, err := s.issue(ctx, in, Request{ID: key.orderID, Portal: o.portal, Order: key.order}, o.issuer)
	if err != nil {
		return err
	}
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		certified, err := certifyKey(ctx, tx, key.name, c.Serial)
		if err != nil || !certified {
			return err
		}
		return audit.Write(ctx, tx, in, "key.certify", "key/"+key.name, audit.With("certificate", string(c.Serial)))
	})
}

// generation says which generation of a slot is to be made, or that the present one lasts.
func (s *CA) generation(ctx context.Context, o own) (next int64, lasting bool, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		keys, err := ownKeys(ctx, tx)
		if err != nil {
			return err
		}
		next = 1
		for _, k := range keys {
			if k.slot != o.slot {
				continue
			}
			if k.serial == "" { // begun, and not ended
				next = k.generation
				continue
			}
			next = k.generation + 1
			lasting = k.state == Issued && tx.Now().Add(o.renew).Before(k.ends())
			if from, known := s.known(k.issuer); k.state == Revoked && o.purpose == purposeSeal && (!known || from.ended == nil) {
				lasting = true // whoever revoked a body's seal did not ask for another: that is for people
			}
		}
		if o.renew == 0 && next > 1 && !lasting {
			return fmt.Errorf("ca: authority %s has ended or was revoked; its successor is a new plan", o.slot)
		}
		return nil
	})
	return next, lasting, err
}

// ends is when a key's successor must be there: the end of its certificate, or of its own time where it has one.
func (k ownKey) ends() time.Time {
	if profile, err := issuance.ProfileOf(k.profile); err == nil {
		if end := profile.KeyEnd(k.notBefore); !end.IsZero() {
			return end
		}
	}
	return k.notAfter
}

// ownKey makes the key of a generation, and the order that a ceremony approves.
func (s *CA) ownKey(ctx context.Context, p Plan, o own, generation int64) (ownKey, error) {
	name := o.slot
	if o.renew > 0 {
		name += "-" + strconv.FormatInt(generation, 10)
	}
	signer, err := s.c.Keys.Make(ctx, name, cmp.Or(o.algorithm, p.Algorithm))
	if err != nil {
		return ownKey{}, err
	}
	s.c.Crash(pointKey)
	public, err := issuance.CheckKey(signer.Public())
	if err != nil {
		return ownKey{}, err
	}
	profile, err := issuance.ProfileOf(o.profile)
	if err != nil {
		return ownKey{}, err
	}
	values := maps.Clone(o.values)
	if o.numbered {
		values[issuance.CommonName] += " " + strconv.FormatInt(generation, 10)
	}
	subject, err := profile.Name(values)
	if err != nil {
		return ownKey{}, err
	}
	order, err := profile.Order(subject, nil, nil, public, time.Time{})
	if err != nil {
		return ownKey{}, err
	}
	der, err := order.Encode()
	if err != nil {
		return ownKey{}, err
	}
	return ownKey{
		name: name, slot: o.slot, generation: generation, purpose: o.purpose, portal: o.portal, issuer: o.issuer,
		orderID: orderOfKey + name, order: der, digest: public.Fingerprint(),
	}, nil
}

// hold records the ceremony of a key. If one was held before a crash, that one counts, with the order it approved.
func (s *CA) hold(ctx context.Context, by actor.Actor, key ownKey, minutes string) (ownKey, error) {
	order, err := issuance.ParseOrder(key.order)
	if err != nil {
		return key, err
	}
	digest, err := order.Digest()
	if err != nil {
		return key, err
	}
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		added, err := insertKey(ctx, tx, key)
		if err != nil || !added {
			return err
		}
		if err := decision.RecordCeremony(ctx, tx, by, key.portal, string(digest), minutes); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "key.ceremony", "key/"+key.name, audit.With("digest", string(digest)), audit.With("key", key.digest))
	})
	if err != nil {
		return key, err
	}
	var held ownKey
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		keys, err := ownKeys(ctx, tx)
		for _, k := range keys {
			if k.name == key.name {
				held = k
			}
		}
		return err
	})
	if err == nil && held.digest != key.digest {
		err = fmt.Errorf("ca: the key store's key %s is not the one on record", key.name)
	}
	return held, err
}

// Work does once what [CA.Run] does: closes what was left behind, revokes what is due, renews what ends soon, makes
// the lists that are due. What fails does not keep the rest from being done.
func (s *CA) Work(ctx context.Context) error {
	errs := []error{s.Reconcile(ctx), s.Load(ctx), s.carryOut(ctx), s.endDue(ctx)}
	s.forgetShut()
	s.time.settle()
	s.mu.Lock()
	plan := s.plan
	s.mu.Unlock()
	if plan != nil {
		err := s.Found(ctx, actor.Machine(""), *plan)
		if fault.Is(err, fault.Conflict) { // another replica is at it
			err = nil
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, s.refreshLists(ctx))...)
}
