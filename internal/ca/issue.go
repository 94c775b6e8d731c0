package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// draft is a certificate on its way, between the steps.
type draft struct {
	order  issuance.Order
	under  *under // the mandate; nil where the order itself was approved
	from   *issuer
	record Certificate
	linted issuance.Linted
}

// LintError says that the lints refused a certificate: the order is held, and the report says why.
type LintError struct{ Report issuance.Report }

// Error names the first finding.
func (e *LintError) Error() string {
	if len(e.Report.Findings) == 0 {
		return "ca: the lints refuse the certificate"
	}
	return "ca: the lints refuse the certificate: " + e.Report.Findings[0].Lint
}

// Unwrap says which error of package issuance this is.
func (e *LintError) Unwrap() error { return issuance.ErrLint }

// Issue issues the certificate of an order, once: asked again with the same id it gives the same certificate. The
// package's comment tells the steps.
//
// It refuses with Forbidden what not enough people approved, what no case stands behind, and whose identity is not
// proven, with Conflict what is
// being issued by somebody else at this moment, with Invalid a key that was used before (E-CSR-04), and with a
// [LintError] what lints badly.
func (s *CA) Issue(ctx context.Context, by actor.Actor, r Request) (Certificate, error) {
	if err := mayRun(by, r.Portal); err != nil {
		return Certificate{}, err
	}
	if r.Portal == "" || r.Case == "" { // what no case stands behind is our own, and goes another way
		return Certificate{}, fault.New(fault.Forbidden, "ca.not-approved")
	}
	c, err := s.issue(ctx, by, r, "")
	if err != nil {
		return Certificate{}, fmt.Errorf("issue order %s: %w", r.ID, err)
	}
	return c, nil
}

// issue takes the steps. The issuer's name is given for our own keys only; the profile says the rest.
func (s *CA) issue(ctx context.Context, by actor.Actor, r Request, from string) (Certificate, error) {
	d, err := s.read(r)
	if err != nil {
		return Certificate{}, err
	}
	if d.under == nil {
		if done, found, err := s.before(ctx, d); found || err != nil {
			return done, err
		}
	}
	if err := s.prepare(ctx, from, &d); err != nil {
		return s.orBefore(ctx, d, err)
	}
	defer s.begin(d.record.Serial)()
	if err := s.intend(ctx, by, r, &d); err != nil {
		return s.orBefore(ctx, d, err)
	}
	s.c.Crash(pointIntent)
	// What is intended is brought to its end, whether or not whoever asked still waits: else each hung-up caller would
	// leave a lost certificate behind.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer cancel()
	der, err := s.sign(ctx, d)
	if err != nil {
		return Certificate{}, errors.Join(err, s.lose(ctx, d.record))
	}
	s.c.Crash(pointSigned)
	c, err := s.record(ctx, by, d, der)
	if err == nil {
		s.c.Crash(pointRecorded)
	}
	return c, err
}

// endWithin is how long the steps behind an intent may take; a signature takes milliseconds, on a slow module seconds.
const endWithin = time.Minute

// read begins step 2: the order is readable, and its key is sound.
func (s *CA) read(r Request) (d draft, err error) {
	if r.ID == "" {
		return d, errors.New("ca: an order without an id")
	}
	if d.order, d.under, err = s.orderOf(r); err != nil {
		return d, err
	}
	digest, err := d.order.Digest()
	if err != nil {
		return d, err
	}
	key, err := d.order.Key()
	if err != nil {
		return d, err
	}
	d.record = Certificate{
		Order: r.ID, Portal: r.Portal, Case: r.Case, Holder: r.Holder, Profile: d.order.Profile, Digest: string(digest), Key: key.Fingerprint(),
	}
	if d.under != nil {
		d.record.Mandate = d.under.digest
	}
	return d, nil
}

// before finds the certificate that an order has already.
func (s *CA) before(ctx context.Context, d draft) (done Certificate, found bool, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		done, err = byOrder(ctx, tx, d.record.Order)
		return err
	})
	switch {
	case db.None(err):
		return Certificate{}, false, nil
	case err != nil:
		return Certificate{}, false, err
	case done.Digest != d.record.Digest:
		return Certificate{}, true, fault.New(fault.Conflict, "ca.other-order")
	case done.State == Intended:
		return Certificate{}, true, fault.New(fault.Conflict, "ca.under-way")
	}
	return done, true, nil
}

// orBefore is what whoever is refused gets: the certificate, if the order has one already. Under a mandate nearly every
// order is new, so that is asked only here; that an order has one certificate, the intent's row sees to.
func (s *CA) orBefore(ctx context.Context, d draft, refusal error) (Certificate, error) {
	if d.under == nil {
		return Certificate{}, refusal
	}
	done, found, err := s.before(ctx, d)
	if !found && err == nil {
		err = refusal
	}
	return done, err
}

// prepare is the rest of step 2, and step 3: the issuer is ours, its key could sign, and what it shall sign is linted.
func (s *CA) prepare(ctx context.Context, from string, d *draft) (err error) {
	if d.from, err = s.issuerOf(ctx, d.order, from); err != nil {
		return err
	}
	d.record.Issuer = d.from.name
	if d.record.List, err = s.listFor(ctx, d.from); err != nil {
		return err
	}
	if err := s.build(d); err != nil {
		return err
	}
	s.c.Crash(pointLinted)
	if err := s.ready(ctx, d.from.key); err != nil {
		return err
	}
	return s.openList(ctx, d.from, d.record.List)
}

// build is step 3: a new serial number, and the lints.
func (s *Record) build(d *draft) error {
	serial, err := issuance.NewSerial()
	if err != nil {
		return err
	}
	authority := d.from.authority
	if d.record.List != d.from.name {
		if authority, err = authority.WithList(s.listURL(d.record.List)); err != nil {
			return err
		}
	}
	unsigned, err := issuance.Prepare(d.order, authority, serial, s.c.DB.Now())
	if err != nil {
		return err
	}
	var report issuance.Report
	d.linted, report, err = s.linter.Lint(unsigned)
	if errors.Is(err, issuance.ErrLint) {
		return &LintError{Report: report}
	}
	d.record.Serial, d.record.Report = SerialOf(serial), report
	return err
}

// Trial is what an order would become if it were issued now.
type Trial struct {
	Issuer string // common name of the authority
	Report issuance.Report
	DER    []byte // the certificate, signed with a throw-away key: it is good for being read, and for nothing else
}

// Try makes and lints an order's certificate by the code that issues it. No key of ours is used, and nothing is kept.
// What keeps it from being made is the error; what the lints found is in the report.
func (s *Record) Try(ctx context.Context, order []byte) (Trial, error) {
	o, err := issuance.ParseOrder(order)
	if err != nil {
		return Trial{}, err
	}
	from, err := s.issuerOf(ctx, o, "")
	if err != nil {
		return Trial{}, err
	}
	name, err := from.authority.Subject()
	if err != nil {
		return Trial{}, err
	}
	serial, err := issuance.NewSerial()
	if err != nil {
		return Trial{}, err
	}
	unsigned, err := issuance.Prepare(o, from.authority, serial, s.c.DB.Now())
	if err != nil {
		return Trial{}, err
	}
	t := Trial{Issuer: name.Value(issuance.CommonName)}
	t.DER, t.Report, err = s.linter.Try(unsigned)
	return t, err
}

// Preview says what the lints would say of an order if it were issued now, and by whom, as [CA.Try] does.
func (s *Record) Preview(ctx context.Context, order []byte) (issuer string, report issuance.Report, err error) {
	t, err := s.Try(ctx, order)
	return t.Issuer, t.Report, err
}

// Says gives the statements of quality that a certificate of an order would make here.
func (s *Record) Says(o issuance.Order) []issuance.Statement { return s.c.Trust.Says(o) }

// intend is steps 1 and 4 in one transaction: as long as it runs, nobody can void the approvals it was given.
func (s *CA) intend(ctx context.Context, by actor.Actor, r Request, d *draft) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		var err error
		if d.record.Approvals, err = s.approved(ctx, tx, r, d); err != nil {
			return err
		}
		if err := identityProven(ctx, tx, r, d); err != nil {
			return err
		}
		ended, err := endedFor(ctx, tx, d)
		if err != nil {
			return err
		}
		if ended {
			return fault.New(fault.Conflict, "ca.ended")
		}
		used, err := keyUsed(ctx, tx, d.record.Key, r.ID)
		if err != nil {
			return err
		}
		if used {
			return fault.New(fault.Invalid, "E-CSR-04")
		}
		if d.under != nil {
			if err := d.under.take(ctx, tx, r.Portal, r.Case); err != nil {
				return err
			}
		}
		if err := insertIntent(ctx, tx, d.record, d.linted.Hash(), s.c.Replica); err != nil {
			return err
		}
		details := []audit.Detail{audit.With("order", r.ID), audit.With("digest", d.record.Digest), audit.With("tbs", d.linted.Hash())}
		if d.under != nil {
			details = append(details, audit.With("mandate", d.under.digest), audit.With("token", r.Token))
		}
		return audit.Write(ctx, tx, by, "certificate.intend", d.record.object(), details...)
	})
	if db.Taken(err) { // somebody else intends the same order, or another with the same key, at this moment
		return fault.New(fault.Conflict, "ca.under-way")
	}
	return err
}

// endedFor says whether the issuer certifies such a thing no more: an ended authority has responders alone, until its key
// is gone.
func endedFor(ctx context.Context, tx *db.Tx, d *draft) (bool, error) {
	if d.order.Profile == issuance.OCSPResponder {
		return isShut(ctx, tx, d.from.name)
	}
	return isEnded(ctx, tx, d.from.name)
}

// approved is step 1: exactly these bytes were approved, or those of the mandate that gives them, by enough different
// people, on the case it is asked for; or, for our own keys alone, by a ceremony.
func (s *CA) approved(ctx context.Context, tx *db.Tx, r Request, d *draft) ([]string, error) {
	if issuance.NeedsDevice(d.order.Profile) {
		// Whoever approved it: nothing here proves that the key is in a QSCD, and the certificate would say that it is.
		return nil, fault.New(fault.Forbidden, "ca.no-device")
	}
	own := r.Case == "" && (isOwn(d.order.Profile) || d.order.IsSample())
	if !own && isOwn(d.order.Profile) && d.order.Profile != issuance.SealSoftware { // no case makes an authority, whoever approved it
		return nil, fault.New(fault.Forbidden, "ca.not-approved")
	}
	quorum := max(r.Quorum, s.c.Approvals) // of a ceremony one approval is enough, whoever asks
	if r.Case != "" {
		subject := d.record.Digest
		if d.under != nil {
			subject = d.under.digest
		}
		ids, err := decision.EnoughOn(ctx, tx, r.Portal, r.Case, subject, quorum)
		return texts(ids), err
	}
	ids, err := decision.Enough(ctx, tx, r.Portal, d.record.Digest, quorum)
	if err != nil {
		return nil, err
	}
	return heldBy(ctx, tx, ids, own, r.Case)
}

func texts(ids []decision.ID) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}

// heldBy refuses approvals of another case, and a ceremony where none may approve.
func heldBy(ctx context.Context, tx *db.Tx, ids []decision.ID, ceremonyMay bool, caseID string) ([]string, error) {
	var approvals []string
	for _, id := range ids {
		e, err := decision.Find(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if e.Verdict.Ceremony() && !ceremonyMay || caseID != "" && e.Case != caseID {
			return nil, fault.New(fault.Forbidden, "ca.not-approved")
		}
		approvals = append(approvals, string(id))
	}
	return approvals, nil
}

// isOwn says whether a profile is of keys that a ceremony may approve. A seal may also be ordered by a case, as any
// holder's certificate.
func isOwn(profile string) bool {
	switch profile {
	case issuance.RootCA, issuance.IssuingCA, issuance.CrossCA, issuance.OCSPResponder, issuance.TimeStamping, issuance.SealSoftware:
		return true
	}
	return false
}

// identityProven refuses a person's certificate, and whatever else the request says so of, without the record of an
// officer (Reg. (EU) 910/2014, art. 24; EN 319 411-2, REG-6.2.2-02).
//
// A sample's subject is nobody, of whom nothing can be proven.
func identityProven(ctx context.Context, tx *db.Tx, r Request, d *draft) error {
	if !r.Identity && (!issuance.OfPerson(d.record.Profile) || d.order.IsSample()) {
		return nil
	}
	_, err := identityOf(ctx, tx, r.Portal, r.Case, d.record.Digest)
	if db.None(err) {
		return fault.New(fault.Forbidden, "ca.identity-missing")
	}
	return err
}

// sign is step 5.
func (s *CA) sign(ctx context.Context, d draft) ([]byte, error) {
	signer, err := s.signer(ctx, d.from.key)
	if err != nil {
		return nil, err
	}
	return issuance.Sign(signer, d.linted)
}

// record is step 6. If the intent was closed meanwhile (this process stood still for so long that another took it for
// dead), the certificate is revoked already, and is not released.
func (s *CA) record(ctx context.Context, by actor.Actor, d draft, der []byte) (Certificate, error) {
	c := d.record
	c.DER, c.State = der, Issued
	c.NotBefore, c.NotAfter = d.linted.Span() // what was signed is what was linted: [issuance.Sign] has read it back
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		c.IssuedAt = tx.Now()
		recorded, err := markIssued(ctx, tx, c)
		if err != nil {
			return err
		}
		if !recorded {
			return fault.New(fault.Conflict, "ca.lost")
		}
		return audit.Write(ctx, tx, by, "certificate.issue", c.object(), audit.With("order", c.Order), audit.With("issuer", c.Issuer))
	})
	if err != nil {
		return Certificate{}, err
	}
	s.enter(c, true)
	return c, nil
}

// object names the certificate in the record of deeds.
func (c Certificate) object() string { return "certificate/" + string(c.Serial) }
