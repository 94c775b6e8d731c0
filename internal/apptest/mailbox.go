package apptest

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/notify"
)

// patience is how long a mail may take: the queue sends it a moment after the deed.
const patience = 20 * time.Second

// Mails are those that came to somebody, the newest first.
func (a *App) Mails(t testing.TB, to string) []notify.Received {
	t.Helper()
	all, err := a.Outbox.Letters(1000)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(one notify.Received) bool { return !strings.EqualFold(bare(one.To), to) })
}

// bare is an address without the name before it.
func bare(to string) string {
	if _, rest, ok := strings.Cut(to, "<"); ok {
		return strings.TrimSuffix(rest, ">")
	}
	return to
}

// Mail waits for a mail to somebody that was not opened before and in which something is found, and opens it.
func (a *App) Mail(t testing.TB, to string, find func(notify.Received) string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, one := range a.Mails(t, to) {
			if found := find(one); found != "" && a.open(one.File) {
				return found
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no mail came to %s", to)
		case <-tick.C:
		}
	}
}

// open says whether a mail was closed until now.
func (a *App) open(file string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.opened[file] {
		return false
	}
	a.opened[file] = true
	return true
}

// PutAside opens all the mails that somebody has: what comes next is new.
func (a *App) PutAside(t testing.TB, to string) {
	t.Helper()
	for _, one := range a.Mails(t, to) {
		a.open(one.File)
	}
}

// Settled waits until every mail that deeds asked for has left.
func (a *App) Settled(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		waiting, err := a.Queue.Waiting(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if waiting.Due == 0 && waiting.Active == 0 {
			return
		}
		<-tick.C
	}
}

var (
	addresses = regexp.MustCompile(`https?://[^\s<>"'«»]+`)
	codes     = regexp.MustCompile(`(?:^|[^0-9A-Za-z/.-])([0-9]{6})(?:[^0-9A-Za-z/-]|$)`)
)

// Link finds in a mail the path of a link that goes through a place, such as /confirmar/.
func Link(place string) func(notify.Received) string {
	return func(one notify.Received) string {
		for _, found := range addresses.FindAllString(one.Text, -1) {
			if u, err := url.Parse(strings.TrimRight(found, ".,;:!?)]")); err == nil && strings.Contains(u.Path, place) {
				return u.Path
			}
		}
		return ""
	}
}

// Code finds in a mail the six digits of a confirmation.
func Code(one notify.Received) string {
	if found := codes.FindStringSubmatch(one.Text); found != nil {
		return found[1]
	}
	return ""
}

// Found finds a form in the text of a mail whose subject holds some words; "" is none.
func Found(subject string, form *regexp.Regexp, but ...string) func(notify.Received) string {
	return func(m notify.Received) string {
		found := form.FindString(m.Text)
		if !strings.Contains(m.Subject, subject) || slices.Contains(but, found) {
			return ""
		}
		return found
	}
}
