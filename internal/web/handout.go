package web

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/casefile"
	"chancela/internal/evidence"
	"chancela/internal/fault"
)

// Handout says that documents are handed out from an origin of their own: whatever a browser makes of one, it is not
// in the place where people are signed in. The zero value hands them out beside the pages, as attachments.
type Handout struct {
	Origin *url.URL
	// Lock and Unlock seal a ticket so that only this program makes and reads it; package vault does.
	Lock   func(place, value string) string
	Unlock func(place, locked string) (string, error)
}

// ticket lets whoever was led to the other origin have one document, for some seconds; no cookie goes there.
type ticket struct {
	By       actor.Actor
	Case     casefile.ID
	Document evidence.ID
	Until    time.Time
}

const (
	handoutPath  = "/documento/"
	ticketPlace  = "handout"
	ticketLasts  = 15 * time.Second // for as long a role that was taken away since still reads one document
	longestGiven = 4096
)

// leadToHandout sends the reader on with a ticket. May they have it is asked when it is used, by what they are then
// known as: the ticket names the actor, and the room asks as it does everywhere.
func (v *visit) leadToHandout(id casefile.ID, document evidence.ID) error {
	t := ticket{By: v.by, Case: id, Document: document, Until: v.s.now().Add(ticketLasts)}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	sealed := v.s.Handout.Lock(ticketPlace, string(text))
	v.w.Header().Set("Cache-Control", "no-store")
	http.Redirect(v.w, v.r, v.s.Handout.Origin.String()+handoutPath+url.PathEscape(sealed), http.StatusSeeOther)
	return nil
}

// handsOut answers on the origin of documents, where there is nothing but them.
func (s *Server) handsOut(w http.ResponseWriter, r *http.Request) {
	v := &visit{w: w, r: r, s: s, lang: langOf(r)}
	t, err := s.given(r)
	if err != nil {
		http.Error(w, v.say("fault.not-found"), http.StatusNotFound)
		return
	}
	v.by = t.By
	if err := v.sendDocument(t.Case, t.Document); err != nil {
		status := http.StatusInternalServerError
		if e, ok := fault.As(err); ok {
			status = statusOf[e.Kind]
		} else {
			s.Log.Error("a document could not be handed out", slog.Any("error", err))
		}
		http.Error(w, http.StatusText(status), status)
	}
}

// given reads the ticket of a request.
func (s *Server) given(r *http.Request) (t ticket, err error) {
	sealed, ok := strings.CutPrefix(r.URL.Path, handoutPath)
	if !ok || len(sealed) > longestGiven || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return t, fault.New(fault.NotFound, "fault.not-found")
	}
	text, err := s.Handout.Unlock(ticketPlace, sealed)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return t, err
	}
	if s.now().After(t.Until) {
		return t, fault.New(fault.Expired, "link.expired")
	}
	return t, nil
}
