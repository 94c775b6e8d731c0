package ca

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// issuer is an authority of ours as it works: its certificate, the name of its key, its responder.
type issuer struct {
	name        string
	key         string
	root        bool
	authority   *issuance.Issuer
	certificate []byte
	subject     []byte // its name and its issuer's, DER
	above       []byte
	serial      Serial
	responders  []responder // those that are good, the newest first
	// forms are of these, by generation.
	forms      map[uint8]*issuance.AnswerForm
	generation uint8
	urls       issuance.URLs
	offline    bool
	state      State
	profiles   []string
	made       time.Time
	ends       time.Time
	ended      *ended // nil unless people ended it
}

// shut says whether its key signs nothing any more.
func (i *issuer) shut() bool { return i.ended != nil && !i.ended.shut.IsZero() }

// responder is one generation of an issuer's responder, and the name of its key.
type responder struct {
	*issuance.Responder
	key string
}

// The purposes of our own keys.
const (
	purposeRoot      = "root"
	purposeIssuing   = "issuing"
	purposeResponder = "responder"
	purposeSeal      = "seal"
	purposeStamp     = "stamp"
)

// urls are the addresses that an authority's certificates carry.
func (s *Record) urls(name string) issuance.URLs {
	return issuance.URLs{
		CAIssuers: s.c.Base + "/ca/" + name + ".cer", OCSP: s.c.Base + "/ocsp", CRL: s.c.Base + "/crl/" + name + ".crl", CPS: s.c.CPS,
	}
}

// Load reads the hierarchy from the record. A process that founds nothing (another replica, one that only answers)
// calls it at its start; [CA.Work] does it again, to see what others renewed.
func (s *Record) Load(ctx context.Context) error {
	var keys []ownKey
	var over []ended
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		if over, err = endings(ctx, tx); err != nil {
			return err
		}
		keys, err = ownKeys(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("load the hierarchy: %w", err)
	}
	issuers := map[string]*issuer{}
	for _, k := range keys {
		// One that was revoked issues no more, and still answers for what it issued.
		if (k.purpose == purposeRoot || k.purpose == purposeIssuing) && (k.state == Issued || k.state == Revoked) {
			if issuers[k.name], err = s.open(k); err != nil {
				return fmt.Errorf("load authority %s: %w", k.name, err)
			}
		}
	}
	markEnded(issuers, over)
	for _, k := range keys { // in the order of generations: the newest that has begun stays
		from := issuers[k.issuer]
		if k.purpose != purposeResponder || k.state != Issued || from == nil || len(from.responders) > 0 && k.notBefore.After(s.c.DB.Now()) {
			continue // an offline authority's responders are made ahead, one for each quarter to come
		}
		one, err := issuance.NewResponder(k.der, from.authority)
		if err != nil {
			return fmt.Errorf("load responder %s: %w", k.name, err)
		}
		from.responders = append([]responder{{one, k.name}}, from.responders...)
		from.generation = uint8((k.generation-1)%255) + 1 // 0 means the newest
		if from.forms[from.generation], err = one.Form(); err != nil {
			return fmt.Errorf("load responder %s: %w", k.name, err)
		}
	}
	unit, err := unitOf(keys, issuers)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuers, s.stamper = issuers, unit
	return nil
}

func markEnded(issuers map[string]*issuer, over []ended) {
	for _, e := range over {
		if one := issuers[e.Authority]; one != nil {
			one.ended = &e
		}
	}
}

// unitOf finds the time-stamping unit in force: the newest that is certified and not revoked.
func unitOf(keys []ownKey, issuers map[string]*issuer) (by stamper, err error) {
	for _, k := range keys { // in the order of generations
		from := issuers[k.issuer]
		if k.purpose != purposeStamp || k.state != Issued || from == nil {
			continue
		}
		if by.unit, err = issuance.NewStampUnit(k.der, from.authority); err != nil {
			return by, fmt.Errorf("load time-stamping unit %s: %w", k.name, err)
		}
		by.key, by.serial = k.name, k.serial
	}
	return by, nil
}

func (s *Record) open(k ownKey) (*issuer, error) {
	urls := s.urls(k.name)
	authority, err := issuance.NewIssuer(k.der, urls, s.c.Trust)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(k.der)
	if err != nil {
		return nil, err
	}
	return &issuer{
		name: k.name, key: k.name, root: k.purpose == purposeRoot, forms: map[uint8]*issuance.AnswerForm{}, authority: authority, certificate: k.der,
		subject: cert.RawSubject, above: cert.RawIssuer, serial: k.serial, urls: urls,
		offline: k.offline, state: k.state, profiles: k.profiles, made: k.made, ends: k.notAfter,
	}, nil
}

func (s *Record) known(name string) (*issuer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.issuers[name]
	return one, ok
}

// signer opens a key once and keeps it.
func (s *CA) signer(ctx context.Context, name string) (issuance.Signer, error) {
	s.mu.Lock()
	kept, ok := s.signers[name]
	s.mu.Unlock()
	if ok {
		return kept, nil
	}
	opened, err := s.c.Keys.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signers[name] = opened
	return opened, nil
}

// ready says whether a key could sign now; it is asked before an intent is recorded, so that a module that is away
// leaves no row of lost certificates behind. It promises nothing: what is away a moment later is lost as ever.
func (s *CA) ready(ctx context.Context, name string) error {
	signer, err := s.signer(ctx, name)
	if err != nil {
		return err
	}
	if far, ok := signer.(interface{ Ready(context.Context) error }); ok {
		return far.Ready(ctx)
	}
	return nil
}

// issuerOf finds who issues an order: the one named (for our own keys), else the authority that issues to holders.
func (s *Record) issuerOf(_ context.Context, o issuance.Order, from string) (*issuer, error) {
	profile, err := issuance.ProfileOf(o.Profile)
	if err != nil {
		return nil, err
	}
	if profile.IssuedBy == issuance.BySelf && from != "" {
		authority, err := issuance.SelfIssuer(o, s.urls(from), s.c.Trust)
		return &issuer{name: from, key: from, root: true, authority: authority}, err
	}
	if from == "" {
		from = s.issuing(profile.Key)
	}
	if from == "" && len(s.endings()) > 0 {
		return nil, fault.New(fault.Conflict, "ca.ended")
	}
	if from == "" || profile.IssuedBy == issuance.BySelf {
		return nil, fault.New(fault.Unavailable, "ca.no-hierarchy")
	}
	one, ok := s.known(from)
	if !ok {
		return nil, fault.New(fault.Unavailable, "ca.no-hierarchy")
	}
	if one.ended != nil && (profile.Key != issuance.OCSPResponder || one.shut()) {
		return nil, fault.New(fault.Conflict, "ca.ended")
	}
	if one.offline || one.state != Issued {
		return nil, fault.New(fault.Unavailable, "ca.offline")
	}
	return one, s.listed(one, profile)
}

// listed refuses, Unavailable, what an authority issues while the trusted list does not say that it may: a declaration
// alone lets it certify its responders and units of time stamps, and nothing for a holder. An authority that would not say
// TESTE and is not listed would be taken for one that is.
func (s *Record) listed(from *issuer, p issuance.Profile) error {
	if !s.c.Trust.IsQualified() || p.Authority || p.Key == issuance.OCSPResponder || p.Key == issuance.TimeStamping {
		return nil
	}
	if s.c.Listed == nil {
		return fault.New(fault.Unavailable, "ca.not-listed")
	}
	if err := s.c.Listed(from.certificate, p.QualifiedFor()); err != nil {
		return errors.Join(fault.New(fault.Unavailable, "ca.not-listed"), err)
	}
	return nil
}

// issuing is the name of the authority that issues certificates of a profile: of those that are online and in force,
// one that is for that profile goes before one that is for whatever is left, and a newer one before an older one.
func (s *Record) issuing(profile string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var best *issuer
	for _, one := range s.issuers {
		if !one.issues(profile, s.c.DB.Now()) {
			continue
		}
		if best == nil || one.before(best) {
			best = one
		}
	}
	if best == nil {
		return ""
	}
	return best.name
}

// issues says whether a certificate of that profile could come from this authority now.
func (i *issuer) issues(profile string, now time.Time) bool {
	return !i.root && !i.offline && i.ended == nil && i.state == Issued && now.Before(i.ends) && (len(i.profiles) == 0 || slices.Contains(i.profiles, profile))
}

// before says whether an authority is taken where either would do.
func (i *issuer) before(other *issuer) bool {
	if (len(i.profiles) > 0) != (len(other.profiles) > 0) {
		return len(i.profiles) > 0
	}
	return cmp.Or(i.made.Compare(other.made), strings.Compare(i.name, other.name)) > 0
}

// Authorities are our issuers, the roots first, in the order in which they came to be.
func (s *Record) Authorities() []Authority {
	inForce := map[string]bool{}
	for _, p := range issuance.Profiles() {
		inForce[s.issuing(p.Key)] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Authority
	for _, one := range slices.SortedFunc(maps.Values(s.issuers), inOrder) {
		a := Authority{
			Name: one.name, Root: one.root, Certificate: bytes.Clone(one.certificate), Serial: one.serial,
			CAIssuers: one.urls.CAIssuers, CRL: one.urls.CRL, OCSP: one.urls.OCSP, CPS: one.urls.CPS,
			Offline: one.offline, State: one.state, Ended: one.ended != nil, Issues: inForce[one.name], Profiles: one.profiles,
		}
		if d, err := issuance.Describe(one.certificate); err == nil {
			a.Subject, a.Fingerprint, a.NotBefore, a.NotAfter = d.Subject.String(), d.Fingerprint, d.NotBefore, d.NotAfter
		}
		if len(one.responders) > 0 {
			a.ResponderEnd = one.responders[0].Ends()
		}
		all = append(all, a)
	}
	return all
}

// inOrder puts roots before what stands below them, and the older before the newer.
func inOrder(a, b *issuer) int {
	if a.root != b.root {
		if a.root {
			return -1
		}
		return 1
	}
	return cmp.Or(a.made.Compare(b.made), strings.Compare(a.name, b.name))
}

// ChainOf gives the certificates above one of ours: its issuer's first, the root's last.
func (s *Record) ChainOf(c Certificate) ([][]byte, error) {
	var chain [][]byte
	name := c.Issuer
	for range 4 { // deeper than any hierarchy of ours
		one, ok := s.known(name)
		if !ok {
			return nil, fault.New(fault.Unavailable, "ca.no-hierarchy")
		}
		chain = append(chain, bytes.Clone(one.certificate))
		if one.root {
			return chain, nil
		}
		if name = s.named(one.above); name == "" {
			return nil, fault.New(fault.Unavailable, "ca.no-hierarchy")
		}
	}
	return nil, fault.New(fault.Unavailable, "ca.no-hierarchy")
}

// named finds the authority with that subject (DER).
func (s *Record) named(subject []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.issuers {
		if bytes.Equal(one.subject, subject) {
			return name
		}
	}
	return ""
}
