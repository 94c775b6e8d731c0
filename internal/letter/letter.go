// Package letter writes what a portal says of an event and hands it to be sent: one step for every room that tells
// people something.
//
// It joins the portal's words (package portal), the secret of a link or code, which is never in the database
// (package link), and the queue of messages (package notify). It is the one room of its floor that stands on three
// others of it, so that no room above repeats this. It must never decide whom to tell. Start reading at [Letters.Send].
package letter

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/link"
	"chancela/internal/notify"
	"chancela/internal/portal"
)

// Config is what the room is wired to.
type Config struct {
	Links  *link.Links
	Notify *notify.Service
	// Base is the public address of the program without a slash at its end. Links are never made from what a
	// request says of its host.
	Base string
	// Paths are where a link of each kind leads within its portal, such as "confirmar".
	Paths map[link.Kind]string
}

// Letters writes and queues messages.
type Letters struct{ c Config }

// New opens the room.
func New(c Config) *Letters { return &Letters{c: c} }

// To is who a letter is for.
type To struct {
	Name    string
	Address string
	Mobile  string // E.164, for SMS
	Lang    i18n.Lang
}

// Link is a link that the letter carries; it is made with the letter, and voids those it takes the place of.
type Link struct {
	Kind    link.Kind
	Subject string
	Expires time.Time
}

// Letter is one message about an event.
type Letter struct {
	Portal    *portal.Portal
	Procedure *portal.Procedure // nil if it is about none
	Event     portal.Event
	To        To
	About     string // what it is about, such as case/ID, for the record of deliveries
	Values    i18n.Args
	Link      Link      // fills {link} with a secret address
	Made      link.Ref  // fills {link} with a link of kind Link.Kind that was made already
	Page      string    // fills {link} with the address of a page of the portal
	Code      link.Ref  // fills {code}
	Until     time.Time // after which it is worth nothing
	BySMS     bool
}

// The prefixes by which [Letters.Reveal] tells what a reference is.
const (
	linkRef = "link:"
	codeRef = "code:"
)

// Send is the step that writes the letter and queues it. Where the portal has no words for the event, nobody is told.
func (l *Letters) Send(ctx context.Context, tx *db.Tx, what Letter) error {
	values := i18n.Args{"portal": what.Portal.Title.In(what.To.Lang), "name": harmless(what.To.Name), "date": i18n.Date(what.To.Lang, tx.Now()), "time": i18n.Clock(what.To.Lang, tx.Now())}
	for name, value := range what.Values {
		values[name] = harmless(value)
	}
	reveals, err := l.secrets(ctx, tx, what, values)
	if err != nil {
		return fmt.Errorf("letter on %s: %w", what.Event, err)
	}
	if what.BySMS {
		return l.short(ctx, tx, what, values, reveals)
	}
	written, ok := what.Portal.Write(what.Event, what.Procedure, what.To.Lang, values)
	if !ok || what.To.Address == "" {
		return nil
	}
	return l.c.Notify.Send(ctx, tx, notify.Mail{
		Portal: what.Portal.Name, Case: what.About, Kind: written.ID, FromName: written.From, To: what.To.Address, Lang: what.To.Lang,
		Subject: written.Subject, Text: written.Text, Reveals: reveals, Until: what.until(),
	})
}

func (l *Letters) short(ctx context.Context, tx *db.Tx, what Letter, values i18n.Args, reveals []notify.Reveal) error {
	text, ok := what.Portal.Text(what.Event, what.To.Lang, values)
	if !ok || what.To.Mobile == "" {
		return nil
	}
	return l.c.Notify.SendSMS(ctx, tx, notify.SMS{Portal: what.Portal.Name, Case: what.About, Kind: string(what.Event), To: what.To.Mobile, Text: text, Reveals: reveals, Until: what.until()})
}

func (w Letter) until() time.Time {
	if w.Until.IsZero() {
		return w.Link.Expires
	}
	return w.Until
}

// secrets fills {link} and {code}: the address but for its secret, which is asked for when the message leaves.
func (l *Letters) secrets(ctx context.Context, tx *db.Tx, what Letter, values i18n.Args) ([]notify.Reveal, error) {
	var reveals []notify.Reveal
	within := l.c.Base + "/" + what.Portal.Name + "/"
	switch {
	case what.Made != "" || what.Link.Kind != "":
		ref := what.Made
		if ref == "" {
			var err error
			if ref, err = l.c.Links.Make(ctx, tx, what.Link.Kind, what.Portal.Name, what.Link.Subject, what.Link.Expires); err != nil {
				return nil, err
			}
		}
		values["link"] = within + l.c.Paths[what.Link.Kind] + "/{link}"
		reveals = append(reveals, notify.Reveal{Placeholder: "link", Ref: linkRef + string(ref)})
	case what.Page != "":
		values["link"] = within + strings.TrimPrefix(what.Page, "/")
	}
	if what.Code != "" {
		values["code"] = "{code}"
		reveals = append(reveals, notify.Reveal{Placeholder: "code", Ref: codeRef + string(what.Code)})
	}
	return reveals, nil
}

// Reveal makes the function by which package notify asks for secrets when a message leaves.
func Reveal(links *link.Links, d *db.DB) func(ctx context.Context, ref string) (string, error) {
	return func(ctx context.Context, ref string) (string, error) {
		if id, ok := strings.CutPrefix(ref, linkRef); ok {
			return links.Reveal(ctx, d, link.Ref(id))
		}
		if id, ok := strings.CutPrefix(ref, codeRef); ok {
			return links.RevealCode(ctx, d, link.Ref(id))
		}
		return "", fault.New(fault.NotFound, "link.unknown")
	}
}

// harmless keeps a value that somebody typed from being taken for a placeholder.
func harmless(value string) string {
	return strings.NewReplacer("{", "(", "}", ")").Replace(value)
}

// Address gives the whole address that a secret of a kind has, for the operator's terminal.
func (l *Letters) Address(portalName string, kind link.Kind, secret string) string {
	return l.c.Base + "/" + portalName + "/" + l.c.Paths[kind] + "/" + secret
}
