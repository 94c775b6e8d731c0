package actor

import "slices"

// Role is what an officer is trusted with in one portal.
type Role string

// The roles of officers.
const (
	Director      Role = "director"      // responsável pela direção do procedimento: takes, asks, proposes
	Decider       Role = "decider"       // órgão competente: decides
	CardOperator  Role = "card-operator" // personalises and hands over cards
	Auditor       Role = "auditor"       // sees everything, changes nothing
	Administrator Role = "administrator" // invites officers, sees the health of the portal; decides nothing
)

// Roles lists the roles, for invitations and their checks.
func Roles() []Role { return []Role{Director, Decider, CardOperator, Auditor, Administrator} }

// Permission names something that may be done.
type Permission string

// The permissions. A new one brings its line in docs/decisions/permissions.md.
const (
	FileCase         Permission = "case.file"           // file a case that a visitor may file
	FileOrder        Permission = "case.file-signed-in" // file a case that asks for a signed-in person
	SeeOwn           Permission = "own.see"             // see one's own cases, powers, certificates, credentials
	ChangeOwn        Permission = "own.change"          // change one's own: answer, withdraw, accept, revoke
	SeeCases         Permission = "case.see"            // see the queue and any case of the portal
	WorkCase         Permission = "case.work"           // take, note, ask for elements, propose
	DecideCase       Permission = "case.decide"         // approve, intend to refuse, refuse
	ProveIdentity    Permission = "identity.record"     // record how a subject's identity was proven
	RevokeAny        Permission = "certificate.revoke"  // revoke or reinstate anybody's certificate, with reasons
	SuspendAny       Permission = "certificate.suspend" // suspend anybody's certificate, with reasons
	AnswerProblem    Permission = "problem.answer"      // answer what strangers report about certificates
	JudgeCredential  Permission = "credential.judge"    // suspend, revoke, replace a credential
	EndPowers        Permission = "power.end"           // end powers, with the certificates that follow
	UseMandate       Permission = "mandate.use"         // have certificates issued under a mandate, see and revoke them
	InviteOfficer    Permission = "officer.invite"
	SeeAudit         Permission = "audit.see"
	RunTheProgram    Permission = "program.run"   // ceremonies, loops, the operator's verbs
	ManageOwnAccount Permission = "account.own"   // one's own ways in and sessions
	ManageCallers    Permission = "caller.manage" // make and end accesses of a body's programs to time stamps
)

// rule says which kinds and roles a permission admits, and how strongly signed in they must be.
type rule struct {
	kinds []Kind
	roles []Role // for officers; none means any officer
	least Strength
}

func (r rule) admits(a Actor) bool {
	if !slices.Contains(r.kinds, a.Kind) {
		return false
	}
	if a.Kind != Officer || len(r.roles) == 0 {
		return true
	}
	return slices.ContainsFunc(a.Roles, func(role Role) bool { return slices.Contains(r.roles, role) })
}

// policy is the whole table: who may do what. The System may do what only loops do, and nothing that is a decision.
var policy = map[Permission]rule{
	FileCase:         {kinds: []Kind{Visitor, Person}},
	FileOrder:        {kinds: []Kind{Person}, least: ByCode},
	SeeOwn:           {kinds: []Kind{Visitor, Person}},
	ChangeOwn:        {kinds: []Kind{Visitor, Person}},
	SeeCases:         {kinds: []Kind{Officer}, roles: []Role{Director, Decider, Auditor, CardOperator}, least: ByCode},
	WorkCase:         {kinds: []Kind{Officer}, roles: []Role{Director, Decider}, least: ByCode},
	DecideCase:       {kinds: []Kind{Officer}, roles: []Role{Decider}, least: ByCode},
	ProveIdentity:    {kinds: []Kind{Officer}, roles: []Role{Director, Decider, CardOperator}, least: ByCode},
	RevokeAny:        {kinds: []Kind{Officer}, roles: []Role{Decider}, least: ByCode},
	SuspendAny:       {kinds: []Kind{Officer}, roles: []Role{Director, Decider}, least: ByCode},
	AnswerProblem:    {kinds: []Kind{Officer}, roles: []Role{Director, Decider}, least: ByCode},
	JudgeCredential:  {kinds: []Kind{Officer}, roles: []Role{Decider}, least: ByCode},
	EndPowers:        {kinds: []Kind{Person, Officer}, roles: []Role{Decider}, least: ByCode},
	UseMandate:       {kinds: []Kind{Program}},
	InviteOfficer:    {kinds: []Kind{Officer, System}, roles: []Role{Administrator}, least: ByCode},
	SeeAudit:         {kinds: []Kind{Officer, System}, roles: []Role{Auditor, Administrator}, least: ByCode},
	RunTheProgram:    {kinds: []Kind{System}},
	ManageOwnAccount: {kinds: []Kind{Person, Officer}, least: ByCode},
	ManageCallers:    {kinds: []Kind{Person}, least: ByCode},
}
