package certificate

import (
	"context"
	"strings"
	"time"

	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

var _ portal.Rehearser = (*Outcome)(nil)

// Rehearse says whether what is asked would pass as it stands, which rules stop it, and what the certificate would
// say, by the code that issues it: nothing is signed by a key of ours, and nothing is kept.
func (o *Outcome) Rehearse(ctx context.Context, tx *db.Tx, g portal.Grant) (portal.Trial, error) {
	s := o.Service
	p, err := s.draw(ctx, tx, g)
	if err != nil {
		return portal.Trial{}, err
	}
	made := false
	if len(p.values) > 0 && p.key.Public != nil { // what is known is tried, though something else stands in the way
		if made, err = p.makeOrder(); err != nil {
			return portal.Trial{}, err
		}
	}
	trial := portal.Trial{}
	if made {
		if trial, err = s.tryOrder(ctx, p); err != nil {
			return portal.Trial{}, err
		}
	}
	trial.Stops = append(stopsOf(p.problems), trial.Stops...)
	return trial, nil
}

func (s *Service) tryOrder(ctx context.Context, p *plan) (portal.Trial, error) {
	der, err := p.order.Encode()
	if err != nil {
		return portal.Trial{}, err
	}
	t, err := s.c.CA.Try(ctx, der)
	if err != nil {
		return portal.Trial{}, p.refuse(err)
	}
	return trialOf(t)
}

// stopsOf are the problems of a plan as rules that stop it.
func stopsOf(problems []string) []portal.Stop {
	var stops []portal.Stop
	for _, key := range problems {
		if key != heldLint { // the findings say it one by one
			stops = append(stops, portal.Stop{Rule: key, Says: key})
		}
	}
	return stops
}

// trialOf writes a tried certificate as text, and what the lints found.
func trialOf(t ca.Trial) (portal.Trial, error) {
	trial := portal.Trial{Made: true, Passed: t.Report.Passed}
	for _, f := range t.Report.Findings {
		trial.Stops = append(trial.Stops, portal.Stop{Rule: f.Lint, Cites: f.Cites, Detail: f.Detail})
	}
	d, err := issuance.Describe(t.DER)
	if err != nil {
		return portal.Trial{}, err
	}
	for _, part := range partsOf(d.Subject) {
		trial.Text = append(trial.Text, portal.Line{Label: part.Label, Value: part.Value})
	}
	moment := func(at time.Time) string { return at.In(i18n.Lisbon()).Format("2006-01-02 15:04:05 -07:00") }
	for _, line := range []portal.Line{
		{Label: "certificate.line.dns", Value: strings.Join(d.DNSNames, ", ")},
		{Label: "certificate.line.email", Value: strings.Join(d.Emails, ", ")},
		{Label: "certificate.line.issuer", Value: t.Issuer},
		{Label: "certificate.line.from", Value: moment(d.NotBefore)},
		{Label: "certificate.line.to", Value: moment(d.NotAfter)},
		{Label: "certificate.line.key", Value: d.Key},
		{Label: "certificate.line.usage", Value: strings.Join(append(append([]string{}, d.KeyUsage...), d.Extended...), ", ")},
		{Label: "certificate.line.policies", Value: strings.Join(d.Policies, ", ")},
		{Label: "certificate.line.ocsp", Value: strings.Join(d.OCSP, ", ")},
		{Label: "certificate.line.crl", Value: strings.Join(d.CRL, ", ")},
	} {
		if line.Value != "" {
			trial.Text = append(trial.Text, line)
		}
	}
	return trial, nil
}
