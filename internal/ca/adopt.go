package ca

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// Founding is what a ceremony made, as an instance takes it on.
type Founding struct {
	Ceremony string // its name
	Digest   string // of its record at its end, SHA-256 in hexadecimal: an instance takes a ceremony once
	Minutes  string // who, when, what, with digests; they stand in the decisions for good
	Address  string // that its certificates carry for lists, issuers and status: this instance's
	Made     []Made // an authority before what it issued
	Lists    [][]byte
	// Plan is what the instance makes by itself below what was founded: responders, a unit of time stamps, seals.
	Plan Plan
}

// Made is one certificate of a ceremony.
type Made struct {
	Name        string // of its key, and of an authority in addresses
	Slot        string // the key's place, where there are several generations; Name if empty
	Generation  int64  // from 1; 1 if zero
	Issuer      string // name of the authority that issued it; its own for a root
	Offline     bool   // the key is not where this instance's keys are
	Profiles    []string
	Order       []byte // as [issuance.Order.Encode] wrote it: what the ceremony approved
	Certificate []byte // DER
}

// taken is what was made, once it was judged.
type taken struct {
	Made
	order  issuance.Order
	record Certificate
	hash   string // of the to-be-signed bytes
}

// Adopt takes on what a ceremony made, whole or not at all. Each certificate is judged by the lints that it would have
// had to pass here, against the order that the ceremony approved and its issuer's key; each key that is not offline is
// opened and compared. What is on record already stays as it is, so that a later ceremony may bring along what it stands
// on; the same ceremony again changes nothing.
func (s *CA) Adopt(ctx context.Context, by actor.Actor, f Founding) error {
	if err := mayRun(by, ""); err != nil {
		return err
	}
	if f.Ceremony == "" || f.Digest == "" || f.Minutes == "" {
		return errors.New("ca: a ceremony has a name, a record and minutes")
	}
	if f.Address != s.c.Base {
		return fmt.Errorf("adopt ceremony %s: its certificates name %s; this instance answers at %s", f.Ceremony, f.Address, s.c.Base)
	}
	if err := s.Load(ctx); err != nil {
		return err
	}
	all, err := s.judge(ctx, f)
	if err != nil {
		return fmt.Errorf("adopt ceremony %s: %w", f.Ceremony, err)
	}
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		added, err := insertCeremony(ctx, tx, f)
		if err != nil || !added {
			return err
		}
		for _, one := range all {
			if err := one.keep(ctx, tx, by, f.Minutes); err != nil {
				return fmt.Errorf("%s: %w", one.Name, err)
			}
		}
		return audit.Write(ctx, tx, by, "ceremony.adopt", "ceremony/"+f.Digest)
	})
	if err != nil {
		return fmt.Errorf("adopt ceremony %s: %w", f.Ceremony, err)
	}
	if err := s.Load(ctx); err != nil {
		return err
	}
	for _, der := range f.Lists {
		if err := s.TakeList(ctx, by, der); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}

// judge reads and judges all that was made, in its order: what issued something stands before it, here or on record.
func (s *CA) judge(ctx context.Context, f Founding) ([]taken, error) {
	authorities := map[string]*issuance.Issuer{}
	for _, a := range s.Authorities() {
		if one, ok := s.known(a.Name); ok {
			authorities[a.Name] = one.authority
		}
	}
	var all []taken
	for _, m := range f.Made {
		one, err := s.judgeOne(ctx, m, authorities)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		if isAuthority(one.order.Profile) {
			if authorities[m.Name], err = issuance.NewIssuer(m.Certificate, s.urls(m.Name), s.c.Trust); err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// isAuthority says whether a profile makes an issuer; a cross-certificate makes none, but another way to one.
func isAuthority(profile string) bool {
	return profile == issuance.RootCA || profile == issuance.IssuingCA
}

func (s *CA) judgeOne(ctx context.Context, m Made, authorities map[string]*issuance.Issuer) (taken, error) {
	one := taken{Made: m}
	if _, err := (FileKeys{}).path(m.Name); err != nil {
		return one, err
	}
	if one.Slot == "" {
		one.Slot = m.Name
	}
	one.Generation = max(one.Generation, 1)
	var err error
	if one.order, err = issuance.ParseOrder(m.Order); err != nil {
		return one, err
	}
	if !isOwn(one.order.Profile) || one.order.Profile == issuance.SealSoftware || one.order.Profile == issuance.TimeStamping {
		return one, fmt.Errorf("a ceremony founds no %s", one.order.Profile)
	}
	issuer := authorities[m.Issuer]
	if one.order.Profile == issuance.RootCA {
		if issuer, err = issuance.SelfIssuer(one.order, s.urls(m.Name), s.c.Trust); err != nil {
			return one, err
		}
	}
	if issuer == nil {
		return one, fmt.Errorf("its issuer %s is neither here nor on record", m.Issuer)
	}
	report, err := s.accepted(ctx, one, issuer)
	if err != nil {
		return one, err
	}
	if one.record, one.hash, err = recordOf(one, report); err != nil {
		return one, err
	}
	if m.Offline || one.order.Profile == issuance.CrossCA {
		return one, nil
	}
	return one, s.openKey(ctx, ownKey{name: m.Name, digest: one.record.Key})
}

// accepted judges a certificate, unless it is on record: what was judged then may have ended since.
func (s *CA) accepted(ctx context.Context, one taken, issuer *issuance.Issuer) (report issuance.Report, err error) {
	cert, err := x509.ParseCertificate(one.Certificate)
	if err != nil {
		return report, err
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		held, err := bySerial(ctx, tx, SerialOf(cert.SerialNumber))
		if err == nil && bytes.Equal(held.DER, one.Certificate) {
			report = held.Report
		}
		if db.None(err) {
			return nil
		}
		return err
	})
	if err != nil || report.Passed > 0 {
		return report, err
	}
	return s.linter.Accept(one.Certificate, one.order, issuer, s.c.DB.Now())
}

// recordOf is the certificate as the record has it.
func recordOf(one taken, report issuance.Report) (Certificate, string, error) {
	cert, err := x509.ParseCertificate(one.Certificate)
	if err != nil {
		return Certificate{}, "", err
	}
	digest, err := one.order.Digest()
	if err != nil {
		return Certificate{}, "", err
	}
	key, err := issuance.ReadKey(one.order.PublicKey)
	if err != nil {
		return Certificate{}, "", err
	}
	id := orderOfKey + one.Name
	if one.order.Profile == issuance.CrossCA {
		id = orderOfCross + one.Name
	}
	tbs := sha256.Sum256(cert.RawTBSCertificate)
	return Certificate{
		Serial: SerialOf(cert.SerialNumber), Issuer: one.Issuer, List: one.Issuer, Order: id, Profile: one.order.Profile, Digest: string(digest), Key: key.Fingerprint(),
		Report: report, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, DER: bytes.Clone(one.Certificate),
	}, hex.EncodeToString(tbs[:]), nil
}

// The ids of orders that no case made.
const (
	orderOfKey   = "key/"
	orderOfCross = "cross/"
)

// keep puts one certificate on record, with the ceremony's approval of its order, unless it is there.
func (one taken) keep(ctx context.Context, tx *db.Tx, by actor.Actor, minutes string) error {
	held, err := bySerial(ctx, tx, one.record.Serial)
	switch {
	case err == nil && bytes.Equal(held.DER, one.record.DER):
		return nil
	case err == nil:
		return fault.New(fault.Conflict, "ca.other-order")
	case !db.None(err):
		return err
	}
	if err := decision.RecordCeremony(ctx, tx, by, "", one.record.Digest, minutes); err != nil {
		return err
	}
	ids, err := decision.Enough(ctx, tx, "", one.record.Digest, 1)
	if err != nil {
		return err
	}
	for _, id := range ids {
		one.record.Approvals = append(one.record.Approvals, string(id))
	}
	if err := insertTaken(ctx, tx, one.record, one.hash); err != nil {
		return err
	}
	if err := audit.Write(ctx, tx, by, "certificate.adopt", one.record.object(), audit.With("digest", one.record.Digest), audit.With("issuer", one.Issuer)); err != nil {
		return err
	}
	if one.order.Profile == issuance.CrossCA {
		return nil
	}
	return one.keepKey(ctx, tx)
}

func (one taken) keepKey(ctx context.Context, tx *db.Tx) error {
	purpose := map[string]string{
		issuance.RootCA: purposeRoot, issuance.IssuingCA: purposeIssuing, issuance.OCSPResponder: purposeResponder,
	}[one.order.Profile]
	added, err := insertKey(ctx, tx, ownKey{
		name: one.Name, slot: one.Slot, generation: one.Generation, purpose: purpose, issuer: one.Issuer, orderID: one.record.Order,
		order: one.Order, digest: one.record.Key, offline: one.Offline, profiles: one.Profiles,
	})
	if err == nil && !added {
		err = fault.New(fault.Conflict, "ca.other-order")
	}
	if err != nil {
		return err
	}
	_, err = certifyKey(ctx, tx, one.Name, one.record.Serial)
	return err
}

// adopted is the plan of the ceremonies that this instance has taken on; false if there was none.
func (s *CA) adopted(ctx context.Context) (plan Plan, found bool, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		plans, err := ceremonyPlans(ctx, tx)
		for _, one := range plans { // in their order
			found = true
			plan = one.over(plan)
		}
		return err
	})
	return plan, found, err
}

// inForce is the plan by which this instance founds what is missing: what it was given, or what ceremonies say over it.
// Authorities that it founded by itself before are kept, with their responders.
func (s *CA) inForce(ctx context.Context, given Plan) (Plan, error) {
	plan, found, err := s.adopted(ctx)
	if err != nil || !found {
		return given, err
	}
	kept := Plan{Algorithm: given.Algorithm, Unit: given.Unit, Seals: given.Seals, Authorities: given.Authorities}
	for _, a := range []AuthorityPlan{given.Root, given.Issuing} {
		if _, known := s.known(a.Name); known {
			kept.Authorities = append(kept.Authorities, a)
		}
	}
	return plan.over(kept), nil
}

// over puts a later plan over an earlier one: what it names counts, what it does not stays.
func (p Plan) over(earlier Plan) Plan {
	kept := slices.DeleteFunc(slices.Clone(earlier.Authorities), func(a AuthorityPlan) bool {
		return slices.ContainsFunc(p.Authorities, func(b AuthorityPlan) bool { return a.Name == b.Name })
	})
	p.Authorities = append(kept, p.Authorities...)
	p.Algorithm = cmp.Or(p.Algorithm, earlier.Algorithm)
	if p.Unit.Name == "" {
		p.Unit = earlier.Unit
	}
	if len(p.Seals) == 0 {
		p.Seals = earlier.Seals
	}
	return p
}
