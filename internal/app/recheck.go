package app

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/notify"
	"chancela/internal/recheck"
)

// settled is how long a process that has just started waits before it begins a night: by then it serves.
const settled = 15 * time.Minute

func (a *App) openRecheck() (err error) {
	a.Recheck, err = recheck.New(recheck.Config{
		DB: a.DB, Queue: a.Queue, Authorities: a.Record.Authorities, Base: a.pkiBase(), Trust: a.trust, Tell: a.tellFindings, Log: a.o.Log,
	})
	return err
}

// nights begins the nightly re-check when its hour comes.
func (a *App) nights(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(settled):
	}
	return a.every(20*time.Minute, func(ctx context.Context) error { return a.Recheck.Begin(ctx, actor.Machine("")) })(ctx)
}

// mostTold bounds a mail: whoever reads it runs the check for the rest.
const mostTold = 50

// tellFindings writes to the operator, in both languages.
func (a *App) tellFindings(ctx context.Context, tx *db.Tx, n recheck.Night, found []recheck.Finding) error {
	to := a.o.Settings.Mail.Operator
	if to == "" {
		return nil
	}
	args := i18n.Args{"day": n.Day, "count": strconv.Itoa(len(found))}
	var text strings.Builder
	for _, lang := range i18n.Langs() {
		fmt.Fprintf(&text, "%s\n\n", i18n.Say(lang, "recheck.lead", args))
		for _, f := range found[:min(len(found), mostTold)] {
			fmt.Fprintf(&text, "- %s %s: %s\n", f.Issuer, f.Serial, i18n.Say(lang, "recheck.kind."+string(f.Kind), nil))
		}
		text.WriteString("\n")
	}
	return a.Notify.Send(ctx, tx, notify.Mail{Kind: "recheck", FromName: "Chancela", To: to, Lang: i18n.PT, Subject: i18n.Say(i18n.PT, "recheck.subject", args), Text: text.String()})
}

// latest is how old the last night may be before its absence is a finding of its own.
const latest = 50 * time.Hour

// checkNights says what the last nightly re-check found, and whether there was one.
func (a *App) checkNights(ctx context.Context) Checked {
	one := Checked{What: "re-check"}
	n, found, ok, err := a.Recheck.Last(ctx)
	switch {
	case err != nil:
		one.Says, one.Wrong = err.Error(), true
	case !ok:
		one.Says = "no night has been yet"
	case len(found) > 0:
		one.Wrong = true
		one.Says = fmt.Sprintf("the night of %s read %d certificates; %d things do not agree:", n.Day, n.Read, len(found))
		for _, f := range found[:min(len(found), mostTold)] {
			one.Says += fmt.Sprintf(" %s %s: %s (%s);", f.Issuer, f.Serial, i18n.Say(i18n.EN, "recheck.kind."+string(f.Kind), nil), f.Detail)
		}
	case a.DB.Now().Sub(n.BeganAt) > latest:
		one.Says, one.Wrong = "the last night was "+n.Day, true
	case n.EndedAt.IsZero():
		one.Says = fmt.Sprintf("the night of %s goes on; %d read", n.Day, n.Read)
	default:
		one.Says = fmt.Sprintf("the night of %s read %d certificates, and all agrees", n.Day, n.Read)
	}
	return one
}
