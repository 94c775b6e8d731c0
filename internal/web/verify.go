package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/internal/status"
	"chancela/internal/web/ui"
)

// The names of the verification's questions.
const (
	verifyCode = "codigo"
	verifyDay  = "em"
	verifyBody = "numero"
	verifyIn   = "portal"
)

type verifyPage struct {
	Frame    ui.Frame
	Problems []ui.Problem
	Text     string
	Action   string
	Code     ui.Input
	Day      ui.Input
	Button   ui.Button
	Bodies   []bodyForm
	Found    []ui.Card
	Searched string    // what is said above what a body has
	Stop     []ui.Link // where what was issued is stopped, and problems are reported
}

// bodyForm asks by the number of a body, in a portal that allows it.
type bodyForm struct {
	Title  string
	Portal string
	Number ui.Input
	Button ui.Button
}

// verify asks for a code, or for the number of a body; a code leads on to its own address.
func (s *Server) verify(v *visit) error {
	query := v.r.URL.Query()
	day, at, wrong := v.dayAsked()
	if wrong != nil {
		return v.showVerify(http.StatusUnprocessableEntity, wrong, nil)
	}
	if code := clipped(strings.TrimSpace(query.Get(verifyCode)), 200); code != "" {
		to := url.URL{Path: "/verificar/" + strings.ReplaceAll(code, "/", "")}
		if day != "" {
			to.RawQuery = url.Values{verifyDay: {day}}.Encode()
		}
		v.redirect(to.String())
		return nil
	}
	if query.Has(verifyBody) {
		return v.verifyBody(query.Get(verifyIn), query.Get(verifyBody), at)
	}
	if query.Has(verifyCode) {
		return v.showVerify(http.StatusUnprocessableEntity, []fault.Field{{Name: verifyCode, Key: "web.verify.no-code"}}, nil)
	}
	return v.showVerify(http.StatusOK, nil, nil)
}

// dayAsked reads the day that is asked about: its last moment, or now for today and for none. A machine may give the
// moment itself (RFC 3339).
func (v *visit) dayAsked() (typed string, at time.Time, problems []fault.Field) {
	typed = clipped(strings.TrimSpace(v.r.URL.Query().Get(verifyDay)), 40)
	if typed == "" {
		return "", time.Time{}, nil
	}
	now := v.s.now()
	if exact, err := time.Parse(time.RFC3339, typed); err == nil {
		if exact.After(now) {
			return typed, time.Time{}, []fault.Field{{Name: verifyDay, Key: "web.verify.future"}}
		}
		return typed, exact, nil
	}
	iso, err := field.ParseDate(typed)
	if err != nil {
		return typed, time.Time{}, []fault.Field{{Name: verifyDay, Key: "web.verify.bad-day"}}
	}
	switch today := field.Today(now); {
	case iso > today:
		return typed, time.Time{}, []fault.Field{{Name: verifyDay, Key: "web.verify.future"}}
	case iso == today:
		return typed, time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, iso, i18n.Lisbon())
	if err != nil {
		return typed, time.Time{}, []fault.Field{{Name: verifyDay, Key: "web.verify.bad-day"}}
	}
	return typed, day.AddDate(0, 0, 1).Add(-time.Second), nil
}

func (v *visit) showVerify(code int, problems []fault.Field, also func(*verifyPage)) error {
	query := v.r.URL.Query()
	p := verifyPage{Frame: v.frame(v.say("web.verify")), Text: v.say("web.verify.text"), Action: "/verificar"}
	p.Frame.Trail, p.Frame.Failed = v.trail(), len(problems) > 0
	told := v.tell(problems, map[string]string{verifyCode: verifyCode, verifyDay: verifyDay, verifyBody: verifyBody})
	p.Problems = told.summary
	p.Code = ui.Input{
		Field: told.field(verifyCode, v.say("web.verify.code"), v.say("web.verify.code.hint")), Value: clipped(query.Get(verifyCode), 200),
		Width: ui.Medium, Autocomplete: "off", InputMode: "text",
	}
	p.Day = ui.Input{Field: told.field(verifyDay, v.say("web.verify.day"), ""), Value: clipped(query.Get(verifyDay), 40), Kind: ui.Date}
	p.Day.Optional = true
	p.Button = ui.Button{Text: v.say("web.verify.button")}
	for _, one := range v.s.Portals.Portals {
		if one.Verify.ByBody {
			p.Bodies = append(p.Bodies, v.bodyForm(one, told))
		}
	}
	p.Stop = v.stopsOf("")
	if also != nil {
		also(&p)
	}
	v.w.Header().Set("X-Robots-Tag", "noindex")
	return v.show(code, verifyView(p))
}

func (v *visit) bodyForm(one *portal.Portal, told told) bodyForm {
	return bodyForm{
		Title: v.say("web.verify.by-body", "portal", one.Title.In(v.lang)), Portal: one.Name,
		Number: ui.Input{Field: told.field(verifyBody, "NIPC", v.say("web.verify.body.hint")), Value: clipped(v.r.URL.Query().Get(verifyBody), 40), Kind: ui.Number, Width: ui.Short},
		Button: ui.Button{Text: v.say("web.verify.button"), Look: ui.Secondary},
	}
}

// stopsOf leads to where a portal's certificates are stopped without signing in, and to where problems with one are
// reported; of every portal that issues any, for "".
func (v *visit) stopsOf(name string) (links []ui.Link) {
	for _, one := range v.s.Portals.Portals {
		if name != "" && one.Name != name || !certifies(one) {
			continue
		}
		title := " — " + one.Title.In(v.lang)
		links = append(links, ui.Link{Text: v.say("web.stop") + title, Href: "/" + one.Name + "/revogar"}, ui.Link{Text: v.say("web.report") + title, Href: "/" + one.Name + "/comunicar-problema"})
	}
	return links
}

func certifies(p *portal.Portal) bool {
	return slices.ContainsFunc(p.Procedures, func(proc *portal.Procedure) bool { return proc.Outcome.Kind == ofCertificates })
}

// verifyBody shows what a body holds, in a portal that lets anyone ask.
func (v *visit) verifyBody(name, typed string, at time.Time) error {
	clean, found := field.Check(field.Rule{Kind: field.NIPC}, []string{clipped(typed, 40)}, v.s.now())
	if len(found) > 0 {
		return v.showVerify(http.StatusUnprocessableEntity, []fault.Field{{Name: verifyBody, Key: found[0].Key, Args: found[0].Args}}, nil)
	}
	return v.showBody(name, clean[0], at)
}

func (v *visit) showBody(name, nipc string, at time.Time) error {
	found, err := v.s.Status.OfBody(v.r.Context(), v.by, name, nipc, at)
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.sendAnswers(found)
	}
	return v.showVerify(http.StatusOK, nil, func(p *verifyPage) {
		p.Searched = v.say("web.verify.none-of-body")
		if len(found) > 0 {
			p.Searched = v.say("web.verify.of-body")
		}
		for _, a := range found {
			p.Found = append(p.Found, ui.Card{
				Kicker: a.Issuer, Title: a.Title.In(v.lang), State: v.standing(a), Text: v.sentence(a, v.lang),
			})
		}
	})
}

type verifiedPage struct {
	Frame   ui.Frame
	Notice  ui.Notice
	Facts   []ui.Fact
	Compare string
	Digest  string
	Day     ui.Input
	Action  string
	Button  ui.Button
	Again   ui.Link
	Stop    []ui.Link
}

// verified says in plain words how what has the code stands. A wrong code and an unknown one get the same page (D20).
func (s *Server) verified(v *visit) error {
	_, at, wrong := v.dayAsked()
	if wrong != nil {
		at = time.Time{}
	}
	code := clipped(v.r.PathValue("code"), 200)
	a, err := s.Status.Verify(v.r.Context(), v.by, code, at)
	if err != nil {
		return err
	}
	v.w.Header().Set("X-Robots-Tag", "noindex")
	v.w.Header().Set("Vary", "Accept, Accept-Language, Cookie")
	found := http.StatusOK
	if a.State == status.NotFound {
		found = http.StatusNotFound
	}
	if v.wantsJSON() {
		return v.sendJSON(found, v.answerOf(a))
	}
	return v.show(found, verifiedView(v.verifiedPage(a, code, wrong)))
}

func (v *visit) verifiedPage(a status.Answer, code string, wrong []fault.Field) verifiedPage {
	title := v.headline(a)
	p := verifiedPage{Frame: v.frame(title), Action: "/verificar/" + url.PathEscape(code), Again: ui.Link{Text: v.say("web.verify.again"), Href: "/verificar"}}
	p.Frame.Trail = v.trail(ui.Link{Text: v.say("web.verify"), Href: "/verificar"})
	p.Notice = ui.Notice{Tone: v.standing(a).Tone, Text: v.sentence(a, v.lang)}
	if a.State == status.NotFound {
		return p
	}
	p.Frame.Kicker, p.Frame.State = a.Issuer, v.standing(a)
	told := v.tell(wrong, map[string]string{verifyDay: verifyDay})
	p.Day = ui.Input{Field: told.field(verifyDay, v.say("web.verify.on-day"), ""), Value: clipped(v.r.URL.Query().Get(verifyDay), 40), Kind: ui.Date}
	p.Button = ui.Button{Text: v.say("web.verify.button"), Look: ui.Secondary}
	if a.Kind == certificateKind {
		p.Stop = v.stopsOf(a.Portal)
	}
	p.Facts, p.Digest, p.Compare = v.factsOf(a), a.Digest, v.verifyText(a, v.lang, "ver.compare", "web.verify.compare")
	return p
}

// certificateKind is what the room of status calls a certificate.
const certificateKind = "certificate"

func (v *visit) factsOf(a status.Answer) []ui.Fact {
	facts := []ui.Fact{{Label: v.say("web.verify.what"), Text: a.Title.In(v.lang)}, {Label: v.say("web.issuer"), Text: a.Issuer}}
	for _, line := range a.Facts {
		facts = append(facts, ui.Fact{Label: line.Label.In(v.lang), Text: line.Value.In(v.lang)})
	}
	if !a.IssuedAt.IsZero() {
		facts = append(facts, ui.Fact{Label: v.say("web.issued"), Text: v.day(a.IssuedAt)})
	}
	if !a.Until.IsZero() {
		facts = append(facts, ui.Fact{Label: v.say("web.until"), Text: v.day(a.Until)})
	}
	if a.By != "" {
		facts = append(facts, ui.Fact{Label: v.say("web.credential.replaced-by"), Text: a.By})
	}
	if !a.Reason.IsZero() {
		facts = append(facts, ui.Fact{Label: v.say("web.reason"), Text: a.Reason.In(v.lang)})
	}
	for _, span := range a.Suspensions {
		text := v.say("web.verify.span.running", "from", v.moment(span.From))
		if !span.Until.IsZero() {
			text = v.say("web.from-until", "from", v.moment(span.From), "until", v.moment(span.Until))
		}
		facts = append(facts, ui.Fact{Label: v.say("web.verify.suspension"), Text: text})
	}
	if !a.RevokedAt.IsZero() {
		facts = append(facts, ui.Fact{Label: v.say("web.certificate.revoked-at"), Text: v.moment(a.RevokedAt)})
	}
	if a.ListNumber > 0 {
		facts = append(facts, ui.Fact{Label: v.say("web.verify.list"), Text: strconv.FormatInt(a.ListNumber, 10)})
	}
	if a.Code != "" {
		facts = append(facts, ui.Fact{Label: v.say("web.verify.code"), Body: ui.Typed(a.Code)})
	}
	return append(facts, ui.Fact{Label: v.say("web.verify.asked"), Text: v.moment(v.s.now())})
}

// portalTexts are the keys under which a portal may say an answer's headline in its own words.
var portalTexts = map[status.State]string{
	status.Valid: "ver.valida", status.Lapsed: "ver.caducada", status.Suspended: "ver.suspensa", status.Revoked: "ver.revogada",
	status.Replaced: "ver.substituida", status.NotFound: "ver.nao",
}

// headline says the state in a few words: the portal's own, or the program's by the kind of thing.
func (v *visit) headline(a status.Answer) string {
	if a.State == status.NotFound {
		return v.say("web.verify.not-found")
	}
	return v.verifyText(a, v.lang, portalTexts[a.State], "web.verify."+a.Kind+"."+string(a.State))
}

// sentenceOf ends the keys under which a portal may say the whole sentence in its own words; they begin as the headlines' do.
const sentenceOf = ".texto"

// verifyText is a text of the verification in the words of the portal that issued, or else the program's.
func (v *visit) verifyText(a status.Answer, lang i18n.Lang, own, otherwise string) string {
	values := v.verifyValues(a, lang)
	if p, ok := v.s.Portals.Portal(a.Portal); ok {
		if text := p.Fill(p.Verify.Texts[own], lang); text != "" && tellable(text, values) {
			return i18n.Fill(text, values)
		}
	}
	return i18n.Say(lang, otherwise, values)
}

// tellable says whether the answer has all that a text names: a portal may keep the body to itself.
func tellable(text string, values i18n.Args) bool {
	for name, value := range values {
		if value == "" && strings.Contains(text, "{"+name+"}") {
			return false
		}
	}
	return true
}

// verifyValues fill the texts of an answer; those of the answer that nobody is told are empty.
func (v *visit) verifyValues(a status.Answer, lang i18n.Lang) i18n.Args {
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return i18n.Date(lang, t)
	}
	at := a.At
	if at.IsZero() {
		at = v.s.now()
	}
	return i18n.Args{
		"date": i18n.Date(lang, at), "time": i18n.Clock(lang, at), "from": day(a.From), "until": day(a.Until), "since": day(a.Since), "by": a.By,
		"issuer": a.Issuer, "number": a.Number, "body": a.Body, string(portal.BodyNumber): field.Show(field.NIPC, lang, a.NIPC),
	}
}

// sentence says the state in a whole sentence, with the moment that it is true of.
func (v *visit) sentence(a status.Answer, lang i18n.Lang) string {
	return v.verifyText(a, lang, portalTexts[a.State]+sentenceOf, "web.verify.sentence."+string(a.State))
}

func (v *visit) standing(a status.Answer) ui.Pill {
	tones := map[status.State]ui.Tone{
		status.Valid: ui.Success, status.Lapsed: ui.Warning, status.Suspended: ui.Warning, status.Replaced: ui.Warning, status.NotYet: ui.Warning,
		status.Revoked: ui.Danger, status.NotFound: ui.Neutral,
	}
	return ui.Pill{Text: v.say("web.verify.state." + string(a.State)), Tone: tones[a.State]}
}

// answer is what machines get: the same facts, in both languages.
type answer struct {
	State      status.State `json:"state"`
	Text       *bilingual   `json:"text,omitempty"`
	Kind       string       `json:"kind,omitempty"`
	Number     string       `json:"number,omitempty"`
	Body       string       `json:"body,omitempty"`
	BodyNIPC   string       `json:"body_nipc,omitempty"`
	Code       string       `json:"code,omitempty"`
	Title      *bilingual   `json:"title,omitempty"`
	Issuer     string       `json:"issuer,omitempty"`
	At         *time.Time   `json:"at,omitempty"`
	IssuedAt   *time.Time   `json:"issued_at,omitempty"`
	ValidFrom  *time.Time   `json:"valid_from,omitempty"`
	ValidUntil *time.Time   `json:"valid_until,omitempty"`
	Since      *time.Time   `json:"since,omitempty"`
	Reason     *bilingual   `json:"reason,omitempty"`
	ReplacedBy string       `json:"replaced_by,omitempty"`
	SHA256     string       `json:"document_sha256,omitempty"`
	// RevokedAt is when it was revoked for good, whatever moment was asked about; Suspensions are the times up to now in
	// which it could not be relied on, the last without an end while it runs; ListNumber is that of the revocation list
	// in force on which it stands.
	RevokedAt   *time.Time   `json:"revoked_at,omitempty"`
	Suspensions []heldSpan   `json:"suspensions,omitempty"`
	ListNumber  int64        `json:"crl_number,omitempty"`
	Facts       []answerFact `json:"facts,omitempty"`
}

type heldSpan struct {
	From  *time.Time `json:"from"`
	Until *time.Time `json:"until,omitempty"`
}

type bilingual struct {
	PT string `json:"pt"`
	EN string `json:"en"`
}

type answerFact struct {
	Label bilingual `json:"label"`
	Value bilingual `json:"value"`
}

func (v *visit) answerOf(a status.Answer) answer {
	out := answer{
		State: a.State, Kind: a.Kind, Number: a.Number, Body: a.Body, BodyNIPC: a.NIPC, Code: a.Code, Title: inBoth(a.Title), Issuer: a.Issuer, At: moment(a.At), IssuedAt: moment(a.IssuedAt),
		ValidFrom: moment(a.From), ValidUntil: moment(a.Until), Since: moment(a.Since), Reason: inBoth(a.Reason), ReplacedBy: a.By, SHA256: a.Digest,
		RevokedAt: moment(a.RevokedAt), ListNumber: a.ListNumber,
	}
	for _, one := range a.Suspensions {
		out.Suspensions = append(out.Suspensions, heldSpan{From: moment(one.From), Until: moment(one.Until)})
	}
	if a.State != status.NotFound {
		out.Text = &bilingual{PT: v.sentence(a, i18n.PT), EN: v.sentence(a, i18n.EN)}
	}
	for _, line := range a.Facts {
		out.Facts = append(out.Facts, answerFact{Label: bilingual(line.Label), Value: bilingual(line.Value)})
	}
	return out
}

func inBoth(t i18n.Text) *bilingual {
	if t.IsZero() {
		return nil
	}
	both := bilingual(t)
	return &both
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (v *visit) sendAnswers(found []status.Answer) error {
	all := make([]answer, len(found))
	for i, a := range found {
		all[i] = v.answerOf(a)
	}
	return v.sendJSON(http.StatusOK, all)
}

func (v *visit) sendJSON(code int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.WriteHeader(code)
	_, _ = v.w.Write(append(body, '\n'))
	return nil
}
