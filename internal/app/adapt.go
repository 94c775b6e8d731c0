package app

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"chancela/internal/credential"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/link"
	"chancela/internal/notify"
	"chancela/internal/status"
	"chancela/internal/web"
)

// verifiable lets the world ask about credentials: the two rooms stand on one floor and know nothing of each other.
type verifiable struct{ s *credential.Service }

// Lookup finds a credential by its code.
func (v verifiable) Lookup(ctx context.Context, code string, at time.Time) (status.Answer, bool, error) {
	a, found, err := v.s.Lookup(ctx, code, at)
	return answer(a), found, err
}

// LookupBody finds what a body has.
func (v verifiable) LookupBody(ctx context.Context, portal, nipc string, at time.Time) ([]status.Answer, error) {
	found, err := v.s.LookupBody(ctx, portal, nipc, at)
	all := make([]status.Answer, len(found))
	for i, a := range found {
		all[i] = answer(a)
	}
	return all, err
}

func answer(a credential.Answer) status.Answer {
	out := status.Answer{
		State: status.State(a.State), Kind: "credential", Code: a.Code, Portal: a.Portal, Title: a.Title, Issuer: a.Issuer.PT, At: a.At,
		IssuedAt: a.IssuedAt, From: a.IssuedAt, Until: a.Until, Since: a.Since, By: a.ReplacedBy, Digest: a.Digest,
		Number: a.Number, Body: a.Body, NIPC: a.BodyNIPC,
	}
	if a.Number != "" {
		out.Facts = append(out.Facts, status.Line{Label: word("credential.number"), Value: i18n.Text{PT: a.Number, EN: a.Number}})
	}
	for _, f := range a.Facts {
		out.Facts = append(out.Facts, status.Line{Label: f.Label, Value: f.Value})
	}
	return out
}

func word(key string) i18n.Text {
	text, _ := i18n.Word(key)
	return text
}

// paths tells package letter where the links of mails lead.
func paths() map[link.Kind]string {
	all := map[link.Kind]string{}
	for kind, path := range web.Paths() {
		all[link.Kind(kind)] = path
	}
	return all
}

// mailbox lets the face show what an evaluation instance has sent.
type mailbox struct{ outbox *notify.Outbox }

// Letters are the latest mails.
func (m mailbox) Letters(most int) ([]web.Letter, error) {
	found, err := m.outbox.Letters(most)
	all := make([]web.Letter, len(found))
	for i, one := range found {
		all[i] = web.Letter(one)
	}
	return all, err
}

// Letter is one of them.
func (m mailbox) Letter(file string) (web.Letter, error) {
	found, _, err := m.outbox.Letter(file)
	if errors.Is(err, notify.ErrNoLetter) || errors.Is(err, fs.ErrNotExist) {
		return web.Letter{}, fault.New(fault.NotFound, "fault.not-found")
	}
	return web.Letter(found), err
}

// Texts are the latest short messages.
func (m mailbox) Texts(most int) ([]web.SMS, error) {
	found, err := m.outbox.Texts(most)
	all := make([]web.SMS, len(found))
	for i, one := range found {
		all[i] = web.SMS(one)
	}
	return all, err
}
