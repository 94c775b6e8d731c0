package app

import (
	"chancela/internal/account"
	"chancela/internal/certificate"
	"chancela/internal/credential"
	"chancela/internal/portal"
	"chancela/internal/web"
)

// outcomes are what an approval can make. Definitions are checked by them before a database is open; the rooms are
// set in them once they are.
type outcomes struct {
	access      *account.Access
	certificate *certificate.Outcome
	mandate     *certificate.MandateOutcome
	credential  *credential.Outcome
}

func newOutcomes() outcomes {
	return outcomes{access: &account.Access{}, certificate: &certificate.Outcome{}, mandate: &certificate.MandateOutcome{}, credential: &credential.Outcome{}}
}

// outcomeSealed is the kind of outcome that the seal of a portal's body seals.
const outcomeSealed = "credential"

// all names the outcomes by the kinds that definitions give.
func (o outcomes) all() portal.Outcomes {
	return portal.Outcomes{"account": o.access, "certificate": o.certificate, "mandate": o.mandate, outcomeSealed: o.credential, "record": record{}}
}

// Outcomes are the kinds of outcome for the check of definitions, without an instance behind them.
func Outcomes() portal.Outcomes { return newOutcomes().all() }

// Routes lists every address of the face, as METHOD PATTERN.
func Routes() []string { return web.Routes() }
