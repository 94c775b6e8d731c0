package credential

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/credential/sheet"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Outcome is the outcome "credential" of a procedure: what was approved is printed and sealed.
//
// Definitions are checked before a database is open, so Service is set by the wiring after they are loaded.
type Outcome struct{ Service *Service }

var _ portal.Outcome = (*Outcome)(nil)

// plan is what a grant would do: worked out alike for the officer who is asked and for the deed.
type plan struct {
	with     params
	content  Content
	until    time.Time
	problems []string
}

func planOf(g portal.Grant, now time.Time) (plan, error) {
	with, wrong := paramsOf(g.Procedure)
	if len(wrong) > 0 {
		return plan{}, fmt.Errorf("outcome of %s: %w", g.Procedure.Key, wrong)
	}
	p := plan{with: with, content: contentOf(g, with)}
	var counted bool
	p.until, counted = with.until(p.content.Year)
	problem := func(stands bool, key string) {
		if stands {
			p.problems = append(p.problems, key)
		}
	}
	problem(g.Portal.Body.NIPC == "", "credential.problem.no-seal")
	problem(!counted, "credential.problem.no-year")
	problem(counted && !now.Before(p.until), "credential.problem.past")
	problem(with.Renews && p.content.BodyNIPC == "", "credential.problem.no-body")
	problem(p.content.unprintable(), "credential.problem.unprintable")
	return p, nil
}

// Propose says exactly what would be printed and sealed, and what stands in the way.
func (o *Outcome) Propose(ctx context.Context, tx *db.Tx, g portal.Grant) (portal.Proposal, error) {
	p, err := planOf(g, tx.Now())
	if err != nil {
		return portal.Proposal{}, err
	}
	_, digest, err := p.content.encode()
	if err != nil {
		return portal.Proposal{}, err
	}
	proposal := portal.Proposal{Digest: digest, Lines: p.lines(g.Portal), Problems: p.problems}
	if !p.with.Renews {
		return proposal, nil
	}
	earlier, err := earlierOf(ctx, tx, p.content)
	if err != nil {
		return portal.Proposal{}, fmt.Errorf("propose credential of case %s: %w", g.Case, err)
	}
	for _, one := range earlier {
		proposal.Lines = append(proposal.Lines, portal.Line{Label: g.Portal.Say(i18n.PT, "credential.replaces", nil), Value: one.number})
	}
	return proposal, nil
}

// lines are what the officer reads before approving, in the language of the acts: every word of the case and the
// portal that will be printed.
func (p plan) lines(of *portal.Portal) []portal.Line {
	say := func(key string) string { return of.Say(i18n.PT, key, nil) }
	lines := []portal.Line{{Label: say("credential.document"), Value: p.content.Title.PT}}
	for _, f := range p.content.Facts {
		lines = append(lines, portal.Line{Label: f.Label.PT, Value: f.Value.PT})
	}
	lines = append(lines, portal.Line{Label: say("credential.statement"), Value: p.content.Statement.PT})
	if p.content.Purpose.PT != "" {
		lines = append(lines, portal.Line{Label: say("credential.purpose"), Value: p.content.Purpose.PT})
	}
	if p.content.Basis.PT != "" {
		lines = append(lines, portal.Line{Label: say("credential.basis"), Value: p.content.Basis.PT})
	}
	if p.content.Until != "" {
		lines = append(lines, portal.Line{Label: say("credential.until"), Value: i18n.Date(i18n.PT, p.until)})
	}
	return append(lines, portal.Line{Label: say("credential.issuer"), Value: p.content.Issuer.Name.PT})
}

// Grant draws number and code and records the intent, in the approval's own transaction: the loop prints and seals
// afterwards. What was approved twice is issued once.
func (o *Outcome) Grant(ctx context.Context, tx *db.Tx, by actor.Actor, g portal.Grant) error {
	p, err := planOf(g, tx.Now())
	if err != nil {
		return err
	}
	if len(p.problems) > 0 {
		return fault.New(fault.Conflict, p.problems[0])
	}
	r, err := o.Service.intend(ctx, tx, g, p)
	if err != nil {
		return fmt.Errorf("grant credential of case %s: %w", g.Case, err)
	}
	added, err := insert(ctx, tx, r)
	if err != nil {
		return fmt.Errorf("grant credential of case %s: %w", g.Case, err)
	}
	if !added {
		return fault.New(fault.Conflict, "credential.already")
	}
	tx.After(o.Service.rouse)
	return audit.Write(ctx, tx, by, "credential.grant", r.object(), audit.With("case", g.Case), audit.With("number", r.number), audit.With("subject", r.subject))
}

// intend makes the row of what was approved, with what comes to it now.
func (s *Service) intend(ctx context.Context, tx *db.Tx, g portal.Grant, p plan) (*row, error) {
	content, subject, err := p.content.encode()
	if err != nil {
		return nil, err
	}
	r := &row{
		id: ID(db.NewID()), portal: g.Portal.Name, procedure: g.Procedure.Key, caseID: g.Case, caseNumber: g.Number, person: g.Person,
		account: g.Account, applicant: g.First(portal.ApplicantName), address: g.First(portal.Address), lang: g.Lang, body: p.content.Body,
		nipc: p.content.BodyNIPC, year: p.content.Year, renews: p.with.Renews, subject: subject, quorum: int64(g.Procedure.Decide.Approvals),
		approvals: g.Approvals, content: string(content), state: Issuing, version: 1, approvedAt: tx.Now(), since: tx.Now(), until: p.until,
	}
	if r.decided, err = s.decidedBy(ctx, tx, g); err != nil {
		return nil, err
	}
	if r.code, err = field.NewCode(rand.Reader); err != nil {
		return nil, err
	}
	year := tx.Now().In(i18n.Lisbon()).Year()
	last, err := nextNumber(ctx, tx, r.portal, year) // locks: whoever counts editions below sees all before
	if err != nil {
		return nil, err
	}
	if r.edition, err = editions(ctx, tx, r); err != nil {
		return nil, err
	}
	r.edition++
	r.number = i18n.Fill(p.with.Number, i18n.Args{"year": fmt.Sprint(year), "seq": fmt.Sprintf("%06d", last)})
	return r, nil
}

// decided is who decided, as the paper shows it (CPA, art. 151.º: author, office, delegation).
type decided struct {
	Names      []string
	Office     string
	Delegation string
}

// decidedBy names those whose approvals carry the grant.
func (s *Service) decidedBy(ctx context.Context, tx *db.Tx, g portal.Grant) (decided, error) {
	var d decided
	for _, id := range g.Approvals {
		e, err := decision.Find(ctx, tx, decision.ID(id))
		if err != nil {
			return d, err
		}
		name, err := s.c.People.PersonName(ctx, tx, e.Person)
		if err != nil {
			return d, err
		}
		if sheet.Printable(name) != nil { // refused here, or it would hold up the printing for good
			return d, fault.New(fault.Conflict, "credential.problem.unprintable-name")
		}
		if name != "" && !slices.Contains(d.Names, name) {
			d.Names = append(d.Names, name)
		}
		d.Office, d.Delegation = firstOf(d.Office, e.Office), firstOf(d.Delegation, e.Delegation)
	}
	if sheet.Printable(d.Office+d.Delegation) != nil {
		return d, fault.New(fault.Conflict, "credential.problem.unprintable-name")
	}
	return d, nil
}

func (d decided) encode() (string, error) {
	text, err := json.Marshal(d)
	return string(text), err
}

// signature is the line of the paper.
func (d decided) signature() sheet.Decision {
	var lines []string
	for _, text := range []string{d.Office, d.Delegation} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	return sheet.Decision{Name: strings.Join(d.Names, "; "), Lines: lines}
}
