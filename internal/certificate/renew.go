package certificate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// Renewal is what the holder of a certificate can do towards another in its place.
type Renewal struct {
	Order
	// Opens is from when the same certificate may be ordered again; one that says something else may be at any time.
	Opens time.Time
	// Next is the order in its place, if there is one.
	Next ID
	// MayBegin says whether such an order can be begun.
	MayBegin bool
	// ByKey says whether the earlier key, signing the request, may stand for the proof of identity, and Revoked whether
	// the earlier certificate ends once the new one is accepted.
	ByKey, Revoked bool
	Steps          []Step
}

// MayRenew says whether the same certificate may be ordered again already.
func (r Renewal) MayRenew(now time.Time) bool { return r.MayBegin && !now.Before(r.Opens) }

// Step is a command that the holder types, with the key of what it is for.
type Step struct{ Says, Command string }

// Renewal says how the holder's certificate can be renewed, or what takes its place already.
func (s *Service) Renewal(ctx context.Context, by actor.Actor, id ID) (n Renewal, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		r, c, err := s.issued(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if by.Kind != actor.Person || by.Person != r.Holder {
			return fault.New(fault.NotFound, "fault.not-found")
		}
		n.Order = r.Order
		n.with(c, tx.Now())
		next, found, err := renewedBy(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		if found {
			n.Next = next.order
		}
		if rule := s.renewalRule(r); rule != nil {
			n.MayBegin = n.Standing == Active && !found
			n.Opens, n.Revoked = (&earlier{record: c}).opens(rule), rule.Old == oldRevoked
			n.ByKey = r.identity && rule.IdentityDays > 0 && rule.IdentityTimes > 1
			n.Steps = Steps(c.Serial)
		}
		return nil
	})
	if err != nil {
		return Renewal{}, fmt.Errorf("renewal of order %s: %w", id, err)
	}
	return n, nil
}

// renewalRule is the rule of an order's procedure as it is now; nil where it is not renewed.
func (s *Service) renewalRule(r row) *renewalRule {
	p, ok := s.c.Portals.Portal(r.Portal)
	if !ok {
		return nil
	}
	proc, ok := p.Procedure(r.Procedure)
	if !ok {
		return nil
	}
	with, wrong := paramsOf(proc)
	if len(wrong) > 0 || with.Profile != r.Profile {
		return nil
	}
	return with.Renewal
}

// Steps are the commands that make a new key, its request, and the request signed by the key of a certificate, with
// OpenSSL 3: as they stand here they are tried by the tests.
func Steps(serial ca.Serial) []Step {
	return []Step{
		{"certificate.step.key", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -out nova-chave.pem"},
		{"certificate.step.request", "openssl req -new -key nova-chave.pem -subj / -out pedido.pem"},
		{"certificate.step.sign", "openssl cms -sign -binary -nodetach -in pedido.pem -signer certificado-" + string(serial) +
			".pem -inkey chave-anterior.pem -outform PEM -out renovacao.pem"},
	}
}

func reasonText(r issuance.Reason) string { return strconv.Itoa(int(r)) }
