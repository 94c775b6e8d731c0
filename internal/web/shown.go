package web

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/casefile"
	"chancela/internal/evidence"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/internal/web/ui"
)

// day, moment and dayOr write times as people read them.
func (v *visit) day(t time.Time) string    { return i18n.Date(v.lang, t) }
func (v *visit) moment(t time.Time) string { return i18n.Moment(v.lang, t) }

func (v *visit) dayOr(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return v.day(t)
}

// fillings are values for a definition's {placeholders}.
type fillings i18n.Args

func (f fillings) fill(text string) string { return i18n.Fill(text, i18n.Args(f)) }

func (v *visit) receiptValues(view casefile.View) fillings {
	return fillings{
		"number": view.Number, "address": view.Address, "body": view.BodyName, "date": v.day(view.FiledAt), "time": i18n.Clock(v.lang, view.FiledAt),
		"year": view.First(portal.Exercise), "procedure": v.text(view.Procedure.Name),
	}
}

// state names a case's state in the portal's words, or the program's.
func (v *visit) state(c casefile.Case) string {
	state := string(c.State)
	if len(c.LeftOut) > 0 {
		state = portal.ApprovedInPart
	}
	if own, ok := v.portal.Statuses[state]; ok {
		return v.text(own)
	}
	return v.say("case.state." + state)
}

func (v *visit) pill(c casefile.Case) ui.Pill {
	tones := map[casefile.State]ui.Tone{
		casefile.Approved: ui.Success, casefile.Refused: ui.Danger, casefile.Waiting: ui.Warning, casefile.RefusalIntended: ui.Warning,
		casefile.Proven: ui.Info, casefile.InReview: ui.Info, casefile.Heard: ui.Info,
	}
	tone, ok := tones[c.State]
	if !ok {
		tone = ui.Neutral
	}
	return ui.Pill{Text: v.state(c), Tone: tone}
}

// next says what comes next and who must act, in words of the state.
func (v *visit) next(view casefile.View) ui.Notice {
	n := ui.Notice{Tone: ui.Info, Title: v.say("web.next")}
	until := view.DueAt
	switch view.State {
	case casefile.Waiting, casefile.RefusalIntended:
		n.Tone, until = ui.Warning, view.AnswerBy
	case casefile.Approved:
		n.Tone = ui.Success
	case casefile.Refused, casefile.Deserted:
		n.Tone = ui.Danger
	}
	if len(view.LeftOut) > 0 {
		n.Text = v.say("web.next.approved-in-part", "parts", view.PartNames(view.LeftOut, v.lang))
		return n
	}
	n.Text = v.say("web.next."+string(view.State), "until", v.dayOr(until), "address", view.Address)
	return n
}

// wait says how long cases of the kind take, or that too few were decided to say.
func (v *visit) wait(view casefile.View) string {
	if view.State.Decided() || view.State == casefile.Waiting {
		return ""
	}
	days, ok, err := v.s.Cases.Wait(v.r.Context(), v.portal, view.Procedure.Key)
	if err != nil || !ok {
		return v.say("web.wait.unknown")
	}
	switch days {
	case 0:
		return v.say("web.wait.none")
	case 1:
		return v.say("web.wait.one")
	}
	return v.say("web.wait", "n", strconv.Itoa(days))
}

// timeline shows what happened; names are told to officers only.
func (v *visit) timeline(view casefile.View, names map[actor.PersonID]string) []ui.Mark {
	var marks []ui.Mark
	for _, h := range view.Timeline {
		mark := ui.Mark{When: v.moment(h.At), Title: v.say("case.event." + h.Kind), Text: h.Words, By: v.say("web.by." + string(h.Actor))}
		if name := names[h.Person]; name != "" {
			mark.By = name
		}
		if h.Inside {
			mark.Tone = ui.Neutral
		}
		marks = append(marks, mark)
	}
	if !view.State.Decided() {
		marks = append(marks, ui.Mark{Title: v.state(view.Case), When: v.say("web.now"), Stage: ui.Now})
	}
	return marks
}

// openTo lists the procedures that the signed-in person holds a power for.
func (v *visit) openTo() []*portal.Procedure {
	known, err := v.s.Accounts.Mine(v.r.Context(), v.by)
	if err != nil {
		v.s.Log.Error("powers of a person", "error", err)
		return nil
	}
	var all []*portal.Procedure
	for _, proc := range v.portal.Procedures {
		if proc.For == portal.ForPerson && len(known.BodiesFor(v.portal, proc.Key, v.s.now())) > 0 {
			all = append(all, proc)
		}
	}
	return all
}

// document hands out a document of a case: always as an attachment, never rendered in this place (C08, C09).
func (s *Server) document(v *visit) error {
	id, document := casefile.ID(v.r.PathValue("id")), evidence.ID(v.r.PathValue("document"))
	if s.Handout.Origin != nil {
		return v.leadToHandout(id, document)
	}
	return v.sendDocument(id, document)
}

// sendDocument sends a document's bytes to whoever may have them.
func (v *visit) sendDocument(id casefile.ID, document evidence.ID) error {
	doc, content, err := v.s.Cases.Document(v.r.Context(), v.by, id, document)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	v.attachment(doc.FileName(), doc.Kind.MediaType())
	v.w.Header().Set("Content-Length", strconv.FormatInt(doc.Size, 10))
	_, _ = io.Copy(v.w, content) // cut off by the reader, or by a fault that the store has told
	return nil
}

// attachment sets the headers of a download (RFC 6266: a plain name, and the full one encoded as RFC 8187, 3.2.1 asks:
// "=" and ":", which an address may hold, may not stand in it).
func (v *visit) attachment(name, mediaType string) {
	plain := []byte(name)
	for i, b := range plain {
		if b < 0x20 || b > 0x7e || slices.Contains([]byte(`"\%;`), b) {
			plain[i] = '_'
		}
	}
	h := v.w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"; filename*=UTF-8''%s`, plain, strings.ReplaceAll(url.QueryEscape(name), "+", "%20")))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "no-store, private")
	h.Set("X-Content-Type-Options", "nosniff")
}

// errSignIn leads somebody who must be signed in to the sign-in card, and back afterwards.
var errSignIn = signInFirst{}

type signInFirst struct{}

// Error says why there is no page.
func (signInFirst) Error() string { return "sign in first" }

// errMoved leads on to where a thing is now.
type errMoved struct{ to string }

// Error says where it is.
func (e errMoved) Error() string { return "is at " + e.to }

// shownAt is the page on which a request was made: a form that was posted is shown at its own address, or at that of
// the page that it stands on, one step up.
func (s *Server) shownAt(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.URL.RequestURI()
	}
	to := *r.URL
	to.RawQuery = ""
	if _, pattern := s.within.Handler(&http.Request{Method: http.MethodGet, URL: &to, Host: r.Host}); pattern == "/" {
		to.Path = path.Dir(to.Path)
	}
	return to.Path
}

// led follows what is not an error but a way.
func (v *visit) led(err error) bool {
	switch e := err.(type) { //nolint:errorlint // these are never wrapped: a handler returns them itself
	case signInFirst:
		v.redirect(v.at() + "?" + url.Values{nextName: {v.s.shownAt(v.r)}}.Encode())
		return true
	case errMoved:
		if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead || v.r.Method == http.MethodPost {
			v.redirect(e.to)
			return true
		}
	}
	return false
}
