package ca

import (
	"context"
	"crypto/x509"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// EarlierKey is the way in which an identity was proven that was taken from an earlier proof ([CA.ReuseIdentity]).
const EarlierKey = "earlier-key"

// The bounds of this room itself, whatever a portal's definition says: how long after a person was identified, and for
// how many certificates, that proof may stand. ETSI EN 319 411-1, REG-6.3.1-00D and -00E ask for both limits.
const (
	LongestReuse = 6 * 366 * 24 * time.Hour
	MostReuses   = 10
)

// Reuse asks that the subject of an order be held for identified because the key of a certificate they hold signed the
// order's request (ETSI EN 319 411-1, REG-6.3.6-02: the earlier certificate may authenticate it, and must be valid).
type Reuse struct {
	Portal  string
	Case    string
	Order   []byte // the new order, as it was approved
	Holder  actor.PersonID
	Earlier Serial        // whose key signed
	Signed  []byte        // the request with the signature around it
	Within  time.Duration // how long ago an officer may have identified the subject
	Times   int           // for how many certificates that may have been, this one among them
}

// ReuseIdentity is the step that records an order's subject as identified by an earlier proof, if everything holds; it
// says whether it did. If not, the ordinary proof is asked for, which is no error.
//
// This room looks for itself: the earlier certificate is one of ours, in force at this moment and the same holder's; it
// names the same subject as far as a person is named; its key signed a request for exactly the key of the order; and
// the officer's record behind it all is neither too old nor used too often.
func (s *Record) ReuseIdentity(ctx context.Context, tx *db.Tx, r Reuse) (bool, error) {
	order, err := issuance.ParseOrder(r.Order)
	if err != nil {
		return false, err
	}
	earlier, err := s.BySerial(ctx, tx, r.Earlier)
	if err != nil {
		return false, err
	}
	certificate, ok := r.signedBy(order, earlier, tx.Now())
	if !ok {
		return false, nil
	}
	if same, err := sameSubject(order, certificate); err != nil || !same {
		return false, err
	}
	digest, err := order.Digest()
	if err != nil {
		return false, err
	}
	origin, used, found, err := originOf(ctx, tx, earlier)
	if err != nil || !found || !r.within(origin, used, tx.Now()) {
		return false, err
	}
	added, err := insertReuse(ctx, tx, r, string(digest), origin, used+1)
	if err != nil || !added {
		return false, err // another renewal took this place at the same moment
	}
	by := actor.Machine(r.Portal)
	added, err = insertIdentity(ctx, tx, by, Identity{Portal: r.Portal, Case: r.Case, Digest: string(digest), How: EarlierKey, Words: r.Earlier.String()})
	if err != nil {
		return false, err
	}
	if !added {
		return false, fault.New(fault.Conflict, "ca.identity-already")
	}
	return true, audit.Write(ctx, tx, by, "identity.reuse", "case/"+r.Case, audit.With("digest", string(digest)), audit.With("certificate", string(r.Earlier)),
		audit.With("origin", "case/"+origin.Case))
}

// signedBy says whether the key of a certificate that this holder may still use signed a request for the order's key.
func (r Reuse) signedBy(order issuance.Order, earlier Certificate, now time.Time) (*x509.Certificate, bool) {
	if earlier.Portal != r.Portal || earlier.Holder == "" || earlier.Holder != r.Holder || !earlier.IsGood(now) {
		return nil, false
	}
	certificate, err := x509.ParseCertificate(earlier.DER)
	if err != nil {
		return nil, false
	}
	sent, err := issuance.OpenRequest(r.Signed)
	if err != nil || !sent.SignedBy(certificate.PublicKey) {
		return nil, false
	}
	request, err := issuance.ParseRequest(sent.Request)
	if err != nil {
		return nil, false
	}
	key, err := issuance.ReadKey(order.PublicKey)
	return certificate, err == nil && key.Fingerprint() == request.Key.Fingerprint()
}

// sameSubject says whether the person of an order is called as in an earlier certificate. A changed name is proven with
// the document that says so (ETSI EN 319 411-1, REG-6.3.7-01B).
func sameSubject(order issuance.Order, earlier *x509.Certificate) (bool, error) {
	before, err := issuance.ParseName(earlier.RawSubject)
	if err != nil {
		return false, err
	}
	for _, part := range []issuance.Attribute{issuance.GivenName, issuance.Surname, issuance.SerialNumber} {
		if order.Subject.Value(part) != before.Value(part) {
			return false, nil
		}
	}
	return true, nil
}

func (r Reuse) within(origin Identity, used int, now time.Time) bool {
	return now.Sub(origin.At) <= min(r.Within, LongestReuse) && used+1 < min(r.Times, MostReuses+1)
}
