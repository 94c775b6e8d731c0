package portal

import (
	"strings"

	"chancela/internal/i18n"
)

// Event is something that people are told of.
type Event string

// The events, and the values that a mail about one may hold beside the common ones (see [Common]).
const (
	DraftSaved          Event = "draft.saved"              // link until
	DraftLapsing        Event = "draft.lapsing"            // link until
	CaseSubmitted       Event = "case.submitted"           // link: receipt and address proof in one
	CaseUnproven        Event = "case.unproven"            // link: reminder
	CaseProven          Event = "case.proven"              // term until silence link
	CaseToReview        Event = "case.to-review"           // to officers: until link
	ElementsAsked       Event = "case.elements"            // list until days link
	CaseAnswered        Event = "case.answered"            // reply or statement filed
	HearingBegun        Event = "case.hearing"             // scope reasons until days link
	CaseApproved        Event = "case.approved"            // author office delegation
	CaseApprovedInPart  Event = "case.approved-in-part"    // author office delegation granted refused reasons remedies link
	CaseRefused         Event = "case.refused"             // author office delegation reasons remedies link
	CaseWithdrawn       Event = "case.withdrawn"           //
	CaseStandstill      Event = "case.standstill"          // months list
	CaseDeserted        Event = "case.deserted"            // author reasons remedies
	CaseFollow          Event = "case.follow"              // link
	AccountInvited      Event = "account.invited"          // approved: link author office delegation purposes
	AccountReinvited    Event = "account.reinvited"        // link
	AccountCode         Event = "account.code"             // code
	AccountRecovery     Event = "account.recovery"         // link
	PasswordChanged     Event = "account.password-changed" // link
	PowersChanged       Event = "account.powers"           // purposes until
	PowersEnded         Event = "account.powers-ended"     // purposes list until: to the person, and to whoever answers for the body's people
	EndingProposed      Event = "account.ending-proposed"  // to officers: list until link
	OfficerInvited      Event = "officer.invited"          // link role
	CertificateIssued   Event = "certificate.issued"       // product link until
	CertificateActive   Event = "certificate.active"       // product until
	CertificateRevoked  Event = "certificate.revoked"      // product serial reason requester
	CertificateDeclined Event = "certificate.declined"     // product serial
	CertificateEnding   Event = "certificate.ending"       // near its end: product serial until days; link to renew it
	CertificateExpired  Event = "certificate.expired"      // product serial until
	CredentialIssued    Event = "credential.issued"        // credential until code year link
	CredentialSuspended Event = "credential.suspended"     // credential
	CredentialRevoked   Event = "credential.revoked"       // credential
	CredentialEnding    Event = "credential.ending"        // near its end: credential until days next-year
	CredentialLapsed    Event = "credential.lapsed"        // credential until

	CertificateCode        Event = "certificate.code"        // to the holder: product serial code until link
	CertificateSuspended   Event = "certificate.suspended"   // product serial until then reason requester
	CertificateReinstated  Event = "certificate.reinstated"  // product serial reason requester
	CertificateHoldEnding  Event = "certificate.hold-ending" // to officers too: product serial until then link
	CertificateScheduled   Event = "certificate.scheduled"   // product serial until reason requester
	CertificateUnscheduled Event = "certificate.unscheduled" // product serial until requester
	ProblemReceived        Event = "problem.received"        // to whoever reported: until
	ProblemAnswered        Event = "problem.answered"        // to whoever reported: answer
	ProblemToReview        Event = "problem.to-review"       // to officers: until link
)

// Events lists the events, each with the placeholders that its mail may hold beside the common ones.
func Events() map[Event][]string {
	return map[Event][]string{
		DraftSaved: {"link", "until"}, DraftLapsing: {"link", "until"},
		CaseSubmitted: {"link"}, CaseUnproven: {"link"},
		CaseProven: {"term", "until", "silence", "director", "link"}, CaseToReview: {"until", "link"},
		ElementsAsked: {"list", "until", "days", "link"}, CaseAnswered: {},
		HearingBegun:       {"scope", "reasons", "until", "days", "link"},
		CaseApproved:       {"author", "office", "delegation"},
		CaseApprovedInPart: {"author", "office", "delegation", "granted", "refused", "reasons", "remedies", "link"},
		CaseRefused:        {"author", "office", "delegation", "reasons", "remedies", "link"},
		CaseWithdrawn:      {}, CaseStandstill: {"months", "list"}, CaseDeserted: {"author", "reasons", "remedies"},
		CaseFollow:     {"link"},
		AccountInvited: {"link", "author", "office", "delegation", "purposes", "address"}, AccountReinvited: {"link"},
		AccountCode: {"code"}, AccountRecovery: {"link"}, PasswordChanged: {"link"}, PowersChanged: {"purposes", "until"},
		PowersEnded: {"purposes", "list", "until"}, EndingProposed: {"list", "until", "link"},
		OfficerInvited:    {"link", "role"},
		CertificateIssued: {"product", "link", "until"}, CertificateActive: {"product", "until"},
		CertificateRevoked: {"product", "serial", "reason", "requester"}, CertificateDeclined: {"product", "serial"},
		CertificateEnding: {"product", "serial", "until", "days", "link"}, CertificateExpired: {"product", "serial", "until", "link"},
		CertificateCode: {"product", "serial", "code", "until", "link"}, CertificateSuspended: {"product", "serial", "until", "then", "reason", "requester"},
		CertificateReinstated: {"product", "serial", "reason", "requester"}, CertificateHoldEnding: {"product", "serial", "until", "then", "link"},
		CertificateScheduled: {"product", "serial", "until", "reason", "requester"}, CertificateUnscheduled: {"product", "serial", "until", "requester"},
		ProblemReceived: {"until"}, ProblemAnswered: {"answer"}, ProblemToReview: {"until", "link"},
		CredentialIssued: {"credential", "until", "code", "year", "link"}, CredentialSuspended: {"credential"}, CredentialRevoked: {"credential"},
		CredentialEnding: {"credential", "until", "days", "next-year"}, CredentialLapsed: {"credential", "until", "next-year"},
	}
}

// Common are the placeholders that every mail may hold: the case's number, the person's and the body's name, the
// procedure's word for such an asking, the portal's title, and the moment, as date and time.
func Common() []string {
	return []string{"number", "name", "body", "procedure", "portal", "date", "time", "year"}
}

// Mails are the messages of a portal.
type Mails struct {
	At      Pos             `yaml:"-"`
	From    string          `yaml:"from"`    // name of the sender
	Opening Text            `yaml:"opening"` // may hold {name}
	Closing Text            `yaml:"closing"` // may hold the portal's values
	Mails   map[string]Mail `yaml:"mails"`   // by the portal's own id, such as E01
	SMS     map[string]SMS  `yaml:"sms"`
}

// Mail is one message.
type Mail struct {
	At      Pos   `yaml:"-"`
	On      Event `yaml:"on"` // the event that it is the portal's usual mail for; empty if only procedures name it
	Subject Text  `yaml:"subject"`
	Text    Text  `yaml:"text"`
}

// SMS is one short message: plain GSM-7, at most 160 characters.
type SMS struct {
	At   Pos   `yaml:"-"`
	On   Event `yaml:"on"`
	Text Text  `yaml:"text"`
}

// Letter is a mail made up for a person; {link} and {code} still stand in it, and are filled by whoever sends.
type Letter struct {
	ID, From, Subject, Text string
}

// Write makes up the mail of an event. The procedure may be nil. It is false where the portal sends none.
func (p *Portal) Write(event Event, proc *Procedure, lang i18n.Lang, values i18n.Args) (Letter, bool) {
	id, mail, ok := p.mailFor(event, proc)
	if !ok {
		return Letter{}, false
	}
	text := strings.Join([]string{
		i18n.Fill(p.Mails.Opening.In(lang), values),
		i18n.Fill(p.fill(mail.Text.In(lang), lang), values),
		p.fill(i18n.Fill(p.Mails.Closing.In(lang), values), lang),
	}, "\n\n")
	return Letter{ID: id, From: p.Mails.From, Subject: oneLine(i18n.Fill(mail.Subject.In(lang), values)), Text: text}, true
}

func (p *Portal) mailFor(event Event, proc *Procedure) (string, Mail, bool) {
	if proc != nil {
		if id, own := proc.Mails[event]; own {
			mail, ok := p.Mails.Mails[id]
			return id, mail, ok
		}
	}
	for id, mail := range p.Mails.Mails {
		if mail.On == event {
			return id, mail, true
		}
	}
	return "", Mail{}, false
}

// Text makes up the short message of an event, in a language; false where the portal sends none.
func (p *Portal) Text(event Event, lang i18n.Lang, values i18n.Args) (string, bool) {
	for _, sms := range p.Mails.SMS {
		if sms.On == event {
			return i18n.Fill(sms.Text.In(lang), values), true
		}
	}
	return "", false
}

// oneLine keeps a value that somebody typed from adding a header to a mail.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
