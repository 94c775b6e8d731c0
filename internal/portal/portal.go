// Package portal loads, checks and versions the definitions of portals, and holds what an approval hands over.
//
// A portal is data: a directory with its texts, look, procedures, mails, register and the script that the tour
// plays. No Go file knows the name of a portal, a procedure or a field of one; the engine finds a field by the
// role that the definition gives it ([Role]). Everything is read strictly: a mistake names file, line and what was
// expected, and all mistakes are told at once. This package must never open a database but for the versions of
// procedures (store.go), and must never know what an outcome does: see [Outcome]. Start reading at [Portal], then
// [Procedure], then [Grant].
package portal

import (
	"chancela/internal/i18n"
)

// Text is a text in both languages.
type Text = i18n.Text

// Portal is one body's front desk.
type Portal struct {
	At       Pos    `yaml:"-"`
	Name     string `yaml:"-"` // the directory's name, the first part of its addresses
	Title    Text   `yaml:"title"`
	Subtitle Text   `yaml:"subtitle"`
	Body     Body   `yaml:"body"`
	Look     Look   `yaml:"look"`
	// Labels of the sign-in card and the buttons that lead on, in the founding documents' words.
	SignIn SignIn     `yaml:"sign-in"`
	Menu   []MenuItem `yaml:"menu"`
	Footer []MenuItem `yaml:"footer"`
	// Contacts are shown on their page and in every mail's closing.
	Contacts []Contact `yaml:"contacts"`
	// Values fill {placeholders} of pages and texts of this portal, such as {contact.email}.
	Values map[string]Text `yaml:"values"`
	// Entry is the procedure that NOVO ACESSO opens.
	Entry string `yaml:"entry"`
	// Powers are what a person may be granted, one by one.
	Powers []Power `yaml:"powers"`
	Rules  Rules   `yaml:"rules"`
	// Messages replace or add to the program's words for this portal, by key.
	Messages map[string]Text `yaml:"messages"`
	// Statuses name the states of cases in this portal's words, by the engine's state.
	Statuses map[string]Text `yaml:"statuses"`
	Reasons  []Reason        `yaml:"reasons"`
	Verify   Verify          `yaml:"verify"`

	Pages      []Page       `yaml:"-"` // pages/*.md
	Minutas    []Page       `yaml:"-"` // minutas/*.md
	Procedures []*Procedure `yaml:"-"` // procedures/*.yaml, by key
	Mails      Mails        `yaml:"-"` // mails.yaml
	Register   []Registered `yaml:"-"` // register.csv
	Tour       *Tour        `yaml:"-"` // tour.yaml
	Digest     string       `yaml:"-"` // of all the files together
	Unset      []string     `yaml:"-"` // what the body has yet to fill in: contacts that are place-holders
}

// Body is the legal person whose portal this is.
type Body struct {
	Name    Text   `yaml:"name"`
	Short   string `yaml:"short"`
	NIPC    string `yaml:"nipc"` // empty if not known: then nothing can be sealed in its name
	Address string `yaml:"address"`
	// Law is the legal basis printed on what the body issues.
	Law Text `yaml:"law"`
}

// Look is what differs in a portal's appearance; the rest is the design system's.
type Look struct {
	Primary string `yaml:"primary"` // #rrggbb, at least 4.5:1 against white (WCAG 2.2, 1.4.3)
	Dark    string `yaml:"dark"`
	Mark    string `yaml:"mark"` // letters shown where a logo may be put
}

// SignIn is the words of the sign-in card.
type SignIn struct {
	Title     Text `yaml:"title"`
	User      Text `yaml:"user"`
	UserHint  Text `yaml:"user-hint"`
	Password  Text `yaml:"password"`
	Enter     Text `yaml:"enter"`
	NewAccess Text `yaml:"new-access"`
	Recover   Text `yaml:"recover"`
	// Recovery is the heading and text of the page that Recover leads to.
	Recovery     Text `yaml:"recovery"`
	RecoveryText Text `yaml:"recovery-text"`
	Note         Text `yaml:"note"`     // stands on the card: later ways in
	FirstCode    Text `yaml:"code"`     // heading of the page that asks for the code of the first sign-in
	Browsers     Text `yaml:"browsers"` // the line about browsers
}

// MenuItem leads to a page of the portal.
type MenuItem struct {
	At    Pos  `yaml:"-"`
	Label Text `yaml:"label"`
	// To is a page's slug, or one of: home, access, verify, follow, contacts, minutas.
	To string `yaml:"to"`
}

// Contact is one way to reach the body.
type Contact struct {
	At    Pos    `yaml:"-"`
	Kind  string `yaml:"kind"` // address, mail, phone, fax, site, social, hours, person
	Label Text   `yaml:"label"`
	Value Text   `yaml:"value"`
	Link  string `yaml:"link"` // mailto:, tel:, https:
}

// Power is something that a person may be granted, for a body or for themselves.
type Power struct {
	At    Pos    `yaml:"-"`
	Key   string `yaml:"key"`
	Label Text   `yaml:"label"`
	// Opens are the procedures that this power lets a signed-in person file.
	Opens []string `yaml:"opens"`
	// Follows says what becomes of the certificates that were ordered by this power once it ends for its holder: revoke,
	// or leave (if left out), since they are the body's and go on without the person. When the body ends, none is left.
	Follows string `yaml:"follows"`
	// Manages says that whoever has this power answers for the people of the body: they may say of others there that
	// they left, and are told of it.
	Manages bool `yaml:"manages"`
	// StampsPerMonth is how many time stamps the programs of a body may ask for in a month, by this power; 0 for none.
	StampsPerMonth int64 `yaml:"stamps-per-month"`
	// Revokes are the procedures whose certificates, of the same body, the person with this power answers for: they may
	// suspend and revoke them, and are told what becomes of them.
	Revokes []string `yaml:"revokes"`
}

// Rules are the terms and texts of administrative procedure that are the body's to set.
// References of ecce-content §9: CPA = Código do Procedimento Administrativo.
type Rules struct {
	Number          string `yaml:"number"`           // form of a case's number: {portal} {year} {seq}
	DecideDays      int    `yaml:"decide-days"`      // working days to decide (CPA 128.º)
	ElementsDays    int    `yaml:"elements-days"`    // working days to bring elements (CPA 108.º)
	ElementsSuspend bool   `yaml:"elements-suspend"` // whether asking for elements stops the clock
	HearingDays     int    `yaml:"hearing-days"`     // working days to be heard, never under 10 (CPA 122.º)
	// CaseMB is what all documents of one case may hold together, in megabytes; 40 if left out.
	CaseMB           int          `yaml:"case-mb"`
	StandstillMonths int          `yaml:"standstill-months"` // after which a case may be declared deserted (CPA 132.º)
	Silence          Text         `yaml:"silence"`           // effect of silence (CPA 129.º, 130.º)
	Remedies         Text         `yaml:"remedies"`          // remedies block of an unfavourable act (CPA 184.º–199.º)
	Director         Officeholder `yaml:"director"`          // person directing the procedure (CPA 55.º)
	Decider          Officeholder `yaml:"decider"`           // office in whose name decisions are made
	Endings          Endings      `yaml:"endings"`           // what follows when a power or a body ends; none, and nothing is ended here
	Holidays         []string     `yaml:"holidays"`          // municipal holidays, MM-DD; the national ones are the program's
	Suspension       Suspension   `yaml:"suspension"`        // of certificates
}

// Endings name the grounds (of those for: revoke) for which certificates are revoked that follow an ending.
type Endings struct {
	Power string `yaml:"power"` // a power ended: its term came, its holder left, or it was taken away
	Body  string `yaml:"body"`  // the body ended
}

// What may become of a power's certificates.
const (
	FollowsRevoke = "revoke"
	FollowsLeave  = "leave"
)

// Suspension says for how long a person's certificate may be suspended, and what then becomes of it.
type Suspension struct {
	// Days is how long a suspension lasts at most: 1 to 120; 30 if left out.
	Days int `yaml:"days"`
	// WarnDays is how long before its end people are told that it comes; 5 if left out.
	WarnDays int `yaml:"warn-days"`
	// Then says what it ends in if nobody decides before: reinstate (if left out), or revoke, which the terms that
	// holders accept must say.
	Then string `yaml:"then"`
}

// What a suspension may end in by itself.
const (
	ThenReinstate = "reinstate"
	ThenRevoke    = "revoke"
)

// Officeholder is a name and an office printed with acts.
type Officeholder struct {
	Office     Text   `yaml:"office"`
	Contact    string `yaml:"contact"`
	Delegation string `yaml:"delegation"` // act, date, publication; empty for own competence (CPA 44.º–48.º)
}

// Reason is a typed ground of an unfavourable act.
type Reason struct {
	At   Pos    `yaml:"-"`
	Code string `yaml:"code"`
	// For says what it may be used in: refuse, desert, revoke.
	For  string `yaml:"for"`
	Text Text   `yaml:"text"`
	Law  string `yaml:"law"`
	// CRL is the revocation reason of RFC 5280, 5.3.1, for grounds of revocation.
	CRL int `yaml:"crl"`
}

// Verify says what the public verification of this portal answers to.
type Verify struct {
	ByBody bool            `yaml:"by-body"` // also by the body's number
	Texts  map[string]Text `yaml:"texts"`
}

// Registered is a body in the register of eligible bodies.
type Registered struct {
	NIPC, Name, Acronym, Kind, Class string
	Domains                          []string
}

// Page is an information page, written in Markdown, one file a language.
type Page struct {
	Slug  string
	Title Text   // the first heading
	Body  Text   // Markdown after it
	At    [2]Pos // of the Portuguese and the English file
}

// Procedure finds a procedure by its key.
func (p *Portal) Procedure(key string) (*Procedure, bool) {
	for _, one := range p.Procedures {
		if one.Key == key {
			return one, true
		}
	}
	return nil, false
}

// Page finds an information page by its slug.
func (p *Portal) Page(slug string) (Page, bool) {
	for _, one := range p.Pages {
		if one.Slug == slug {
			return one, true
		}
	}
	return Page{}, false
}

// Power finds a power by its key.
func (p *Portal) Power(key string) (Power, bool) {
	for _, one := range p.Powers {
		if one.Key == key {
			return one, true
		}
	}
	return Power{}, false
}

// Reason finds a ground by its code.
func (p *Portal) Reason(code string) (Reason, bool) {
	for _, one := range p.Reasons {
		if one.Code == code {
			return one, true
		}
	}
	return Reason{}, false
}

// Say gives a message in this portal's words, or the program's where it has none of its own.
func (p *Portal) Say(lang i18n.Lang, key string, args i18n.Args) string {
	if own, ok := p.Messages[key]; ok {
		return i18n.Fill(p.fill(own.In(lang), lang), args)
	}
	return p.fill(i18n.Say(lang, key, args), lang)
}

// Fill puts the portal's own values in a text's {placeholders}.
func (p *Portal) Fill(text Text, lang i18n.Lang) string { return p.fill(text.In(lang), lang) }

func (p *Portal) fill(text string, lang i18n.Lang) string {
	args := make(i18n.Args, len(p.Values))
	for name, value := range p.Values {
		args[name] = value.In(lang)
	}
	return i18n.Fill(text, args)
}
