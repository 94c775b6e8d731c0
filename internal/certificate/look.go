package certificate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// visible finds an order for those who may see it: its holder, whoever answers for the body, and the officers of its
// portal. To everybody else it does not exist.
func (s *Service) visible(ctx context.Context, tx *db.Tx, by actor.Actor, find func() (row, error)) (row, error) {
	r, err := find()
	if db.None(err) {
		return row{}, fault.New(fault.NotFound, "fault.not-found")
	}
	if err != nil {
		return row{}, err
	}
	if by.Kind == actor.Officer && by.MayIn(r.Portal, actor.SeeCases) == nil {
		return r, nil
	}
	if by.Kind == actor.Person && by.Person != "" && by.MayIn(r.Portal, actor.SeeOwn) == nil {
		if by.Person == r.Holder {
			return r, nil
		}
		r.right = ca.OfBody
		if answers, err := s.answers(ctx, tx, by, r); err != nil || answers {
			return r, err
		}
	}
	return row{}, fault.New(fault.NotFound, "fault.not-found")
}

// answeringPowers are the powers whose holders answer for certificates of the order's procedure, at its body.
func (s *Service) answeringPowers(r row) (keys []string) {
	p, ok := s.c.Portals.Portal(r.Portal)
	if !ok {
		return nil
	}
	for _, power := range p.Powers {
		if slices.Contains(power.Revokes, r.Procedure) {
			keys = append(keys, power.Key)
		}
	}
	return keys
}

// answers says whether a person answers for an order's certificate: by a power in force, for the same body.
func (s *Service) answers(ctx context.Context, tx *db.Tx, by actor.Actor, r row) (bool, error) {
	keys := s.answeringPowers(r)
	if r.BodyNIPC == "" || r.serial == "" || len(keys) == 0 {
		return false, nil
	}
	known, err := s.c.Accounts.Known(ctx, tx, r.Portal, by.Person, by.Account)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return slices.ContainsFunc(known.Powers, func(power account.Power) bool {
		return power.Runs(tx.Now()) && power.BodyNIPC == r.BodyNIPC && slices.Contains(keys, power.Key)
	}), err
}

// with fills in what the certificate says.
func (o *Order) with(c ca.Certificate, now time.Time) {
	o.Serial, o.NotBefore, o.NotAfter, o.OfPerson = c.Serial.String(), c.NotBefore, c.NotAfter, c.MayBeSuspended()
	o.DueAt, o.DueReason = c.DueAt, int(c.DueReason)
	switch {
	case c.IsRevoked():
		o.Standing, o.RevokedAt, o.Reason = Revoked, c.RevokedAt, int(c.Reason)
	case c.State == ca.Suspended:
		o.Standing, o.RevokedAt, o.HeldUntil = Suspended, c.RevokedAt, c.HeldUntil
	case now.After(c.NotAfter):
		o.Standing = Expired
	default:
		o.Standing = Active
	}
}

// Mine are the signed-in person's orders and certificates, newest first.
func (s *Service) Mine(ctx context.Context, by actor.Actor) ([]Order, error) {
	if err := by.MayIn(by.Portal, actor.SeeOwn); err != nil {
		return nil, err
	}
	if by.Kind != actor.Person || by.Person == "" {
		return nil, nil
	}
	var orders []Order
	err := s.c.DB.Look(ctx, func(tx *db.Tx) error {
		rows, err := ofPerson(ctx, tx, by.Portal, by.Person)
		if err != nil {
			return err
		}
		certificates, err := s.c.CA.OfHolder(ctx, tx, by.Portal, by.Person)
		if err != nil {
			return err
		}
		bySerial := make(map[string]ca.Certificate, len(certificates))
		for _, c := range certificates {
			bySerial[string(c.Serial)] = c
		}
		for _, r := range rows {
			if c, ok := bySerial[r.serial]; ok {
				r.with(c, tx.Now())
			}
			orders = append(orders, r.Order)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("certificates of person %s: %w", by.Person, err)
	}
	return orders, nil
}

// OfBodies are the certificates for which the signed-in person answers, and whose holder they are not; newest first.
func (s *Service) OfBodies(ctx context.Context, by actor.Actor) (orders []Order, err error) {
	if by.Kind != actor.Person || by.Person == "" {
		return nil, nil
	}
	if err := by.MayIn(by.Portal, actor.SeeOwn); err != nil {
		return nil, err
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		known, err := s.c.Accounts.Known(ctx, tx, by.Portal, by.Person, by.Account)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, power := range known.Powers {
			if seen[power.BodyNIPC] {
				continue
			}
			seen[power.BodyNIPC] = true
			some, err := s.heldBy(ctx, tx, by, power.BodyNIPC)
			if err != nil {
				return err
			}
			orders = append(orders, some...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("certificates that person %s answers for: %w", by.Person, err)
	}
	return orders, nil
}

func (s *Service) heldBy(ctx context.Context, tx *db.Tx, by actor.Actor, nipc string) (orders []Order, err error) {
	rows, err := issuedFor(ctx, tx, by.Portal, nipc)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Holder == by.Person {
			continue
		}
		answers, err := s.answers(ctx, tx, by, r)
		if err != nil {
			return nil, err
		}
		if !answers {
			continue
		}
		c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
		if err != nil {
			return nil, err
		}
		r.with(c, tx.Now())
		orders = append(orders, r.Order)
	}
	return orders, nil
}

// Held are the suspended certificates of the portal, those first whose suspension ends first; for officers.
func (s *Service) Held(ctx context.Context, by actor.Actor) (orders []Order, err error) {
	if err := by.MayIn(by.Portal, actor.SeeCases); err != nil {
		return nil, err
	}
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		held, err := s.c.CA.HeldIn(ctx, tx, by.Portal)
		if err != nil {
			return err
		}
		for _, c := range held {
			r, err := bySerial(ctx, tx, string(c.Serial))
			if db.None(err) {
				continue
			}
			if err != nil {
				return err
			}
			r.with(c, tx.Now())
			orders = append(orders, r.Order)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("suspended certificates: %w", err)
	}
	return orders, nil
}

// Awaiting are the orders of the portal whose subject's identity is yet to be recorded, oldest first; for officers.
func (s *Service) Awaiting(ctx context.Context, by actor.Actor) ([]Order, error) {
	if err := by.MayIn(by.Portal, actor.SeeCases); err != nil {
		return nil, err
	}
	var orders []Order
	err := s.c.DB.Look(ctx, func(tx *db.Tx) error {
		rows, err := awaiting(ctx, tx, by.Portal)
		for _, r := range rows {
			orders = append(orders, r.Order)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("orders awaiting identity: %w", err)
	}
	return orders, nil
}

// Of shows one with its chain of custody: case, approvals, identity, lint, certificate.
func (s *Service) Of(ctx context.Context, by actor.Actor, id ID) (v View, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		r, err := s.visible(ctx, tx, by, func() (row, error) { return byID(ctx, tx, id) })
		if err != nil {
			return err
		}
		v, err = s.view(ctx, tx, by, r)
		return err
	})
	if err != nil {
		return View{}, fmt.Errorf("order %s: %w", id, err)
	}
	return v, nil
}

// OfCase shows a case's order to the same people; false if the case has none, or none for them.
func (s *Service) OfCase(ctx context.Context, by actor.Actor, caseID string) (v View, found bool, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		r, err := s.visible(ctx, tx, by, func() (row, error) { return byCase(ctx, tx, caseID) })
		if err != nil {
			return err
		}
		v, err = s.view(ctx, tx, by, r)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return View{}, false, nil
	}
	if err != nil {
		return View{}, false, fmt.Errorf("order of case %s: %w", caseID, err)
	}
	return v, true, nil
}

func (s *Service) view(ctx context.Context, tx *db.Tx, by actor.Actor, r row) (View, error) {
	v := View{Order: r.Order, Digest: r.digest, Own: by.Kind == actor.Person && r.right == ca.Own}
	order, err := issuance.ParseOrder(r.der)
	if err != nil {
		return v, err
	}
	v.Details = append(partsOf(order.Subject), alternatives(order)...)
	if err := s.custody(ctx, tx, r, &v); err != nil {
		return v, err
	}
	if r.serial == "" {
		return v, s.explain(ctx, r, &v)
	}
	c, err := s.c.CA.BySerial(ctx, tx, ca.Serial(r.serial))
	if err != nil {
		return v, err
	}
	v.with(c, tx.Now())
	if err := v.describe(c); err != nil {
		return v, err
	}
	v.Lint = lintOf(c.Report)
	if s.renewalRule(r) != nil {
		next, renewed, err := renewedBy(ctx, tx, r.ID)
		if err != nil {
			return v, err
		}
		v.MayRenew = renewed || v.Standing == Active
		if renewed && v.Standing != Active {
			v.Next = next.order
		}
	}
	v.MayCancel = !c.DueAt.IsZero() && (by.Kind == actor.Officer || by.Person != "" && by.Person == c.DueBy)
	if v.Holds, err = s.holdsOf(ctx, tx, c); err != nil {
		return v, err
	}
	if c.IsRevoked() {
		v.Revocation = &Ended{At: c.RevokedAt, Reason: int(c.Reason), Words: c.Words}
		v.Revocation.Name, err = s.c.Accounts.PersonName(ctx, tx, c.RevokedBy)
	}
	return v, err
}

func (s *Service) holdsOf(ctx context.Context, tx *db.Tx, c ca.Certificate) (all []Hold, err error) {
	found, err := s.c.CA.HoldsOf(ctx, tx, c.Serial)
	for _, h := range found {
		one := Hold{From: h.From, Until: h.Until, Words: h.Words, EndedAt: h.EndedAt, Revoked: h.Ended == ca.ThenRevoke, EndWords: h.EndWord}
		if one.Name, err = s.c.Accounts.PersonName(ctx, tx, h.By); err != nil {
			return nil, err
		}
		if one.EndedName, err = s.c.Accounts.PersonName(ctx, tx, h.EndedBy); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, err
}

// explain adds what the lints say of an order that is held for them.
func (s *Service) explain(ctx context.Context, r row, v *View) error {
	if r.Held != heldLint {
		return nil
	}
	_, report, err := s.c.CA.Preview(ctx, r.der)
	v.Lint = lintOf(report)
	return err
}

// custody adds who approved exactly this order, and how the subject's identity was proven.
func (s *Service) custody(ctx context.Context, tx *db.Tx, r row, v *View) error {
	approvals, err := decision.ApproversOf(ctx, tx, r.Portal, r.digest)
	if err != nil {
		return err
	}
	for _, e := range approvals {
		name, err := s.c.Accounts.PersonName(ctx, tx, e.Person)
		if err != nil {
			return err
		}
		v.Approvals = append(v.Approvals, Approval{ID: string(e.ID), Name: name, Office: e.Office, Delegation: e.Delegation, At: e.At})
	}
	identity, found, err := s.c.CA.IdentityOf(ctx, tx, r.Portal, r.Case, r.digest)
	if err != nil || !found {
		return err
	}
	v.Identity = &Proof{How: How(identity.How), Words: identity.Words, At: identity.At}
	v.Identity.Name, err = s.c.Accounts.PersonName(ctx, tx, identity.By)
	return err
}

func alternatives(o issuance.Order) []Part {
	var parts []Part
	for _, name := range o.DNSNames {
		parts = append(parts, Part{Label: "certificate.line.dns", Value: name})
	}
	for _, address := range o.Emails {
		parts = append(parts, Part{Label: "certificate.line.email", Value: address})
	}
	return parts
}

func (v *View) describe(c ca.Certificate) error {
	d, err := issuance.Describe(c.DER)
	if err != nil {
		return err
	}
	v.Key, v.Fingerprint, v.Issuer, v.Policies = d.Key, d.Fingerprint, d.Issuer.Value(issuance.CommonName), d.Policies
	v.Usage = append(append([]string{}, d.KeyUsage...), d.Extended...)
	v.OCSP, v.CRL, v.CAIssuers = one(d.OCSP), one(d.CRL), one(d.CAIssuers)
	return nil
}

func one(addresses []string) string {
	if len(addresses) == 0 {
		return ""
	}
	return addresses[0]
}

func lintOf(r issuance.Report) Lint {
	lint := Lint{Passed: r.Passed}
	for _, f := range r.Findings {
		lint.Findings = append(lint.Findings, Part{Label: f.Lint, Value: f.Detail + " (" + f.Cites + ")"})
	}
	return lint
}

// Download gives the certificate as a file, to the same people as [Service.Of].
func (s *Service) Download(ctx context.Context, by actor.Actor, id ID, f Format) (File, error) {
	var c ca.Certificate
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		_, c, err = s.issued(ctx, tx, by, id)
		return err
	})
	if err != nil {
		return File{}, fmt.Errorf("download of order %s: %w", id, err)
	}
	name := "certificado-" + string(c.Serial)
	switch f {
	case PEM:
		return File{Name: name + ".pem", Type: "application/x-pem-file", Data: issuance.PEM(c.DER)}, nil
	case DER:
		return File{Name: name + ".cer", Type: "application/pkix-cert", Data: c.DER}, nil // RFC 2585 §4.1
	case Chain:
		above, err := s.c.CA.ChainOf(c)
		if err != nil {
			return File{}, err
		}
		return File{Name: name + "-cadeia.pem", Type: "application/x-pem-file", Data: issuance.PEM(append([][]byte{c.DER}, above...)...)}, nil
	}
	return File{}, fault.New(fault.NotFound, "fault.not-found")
}
