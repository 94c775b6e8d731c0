package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/notify"
)

// watchOwn tells the operator of our own keys, certificates and lists that end soon or have ended: once when it comes to
// be so, and each week while it lasts, by the log, and by mail where the settings name an address.
func (a *App) watchOwn(ctx context.Context) error {
	all, err := a.Record.Watched(ctx)
	if err != nil {
		return err
	}
	all = append(all, a.watchedListing()...)
	var told []ca.Watched
	err = a.DB.InTx(ctx, func(tx *db.Tx) error {
		told = nil
		for _, w := range all {
			if w.At(tx.Now()) == ca.Fine {
				continue
			}
			first, err := a.Record.WarnOnce(ctx, tx, w)
			if err != nil {
				return err
			}
			if first {
				told = append(told, w)
			}
		}
		return a.mailOwn(ctx, tx, told)
	})
	for _, w := range told {
		a.o.Log.WarnContext(ctx, "a key, certificate or list of ours ends", "kind", w.Kind, "name", w.Name, "level", string(w.At(a.DB.Now())), "days", w.Days(a.DB.Now()))
	}
	return err
}

// mailOwn writes to the operator, in both languages.
func (a *App) mailOwn(ctx context.Context, tx *db.Tx, told []ca.Watched) error {
	to := a.o.Settings.Mail.Operator
	if to == "" || len(told) == 0 {
		return nil
	}
	args := i18n.Args{"count": strconv.Itoa(len(told))}
	var text strings.Builder
	for _, lang := range i18n.Langs() {
		fmt.Fprintf(&text, "%s\n\n", i18n.Say(lang, "watch.lead", args))
		for _, w := range told {
			fmt.Fprintf(&text, "- %s: %s\n", w.Name, i18n.Say(lang, "watch."+string(w.At(tx.Now())), i18n.Args{"days": strconv.Itoa(w.Days(tx.Now())), "day": i18n.Date(lang, w.Ends)}))
		}
		text.WriteString("\n")
	}
	return a.Notify.Send(ctx, tx, notify.Mail{Kind: "watch", FromName: "Chancela", To: to, Lang: i18n.PT, Subject: i18n.Say(i18n.PT, "watch.subject", args), Text: text.String()})
}

// checkOwn says which of our own keys, certificates and lists end soon.
func (a *App) checkOwn(ctx context.Context) Checked {
	one := Checked{What: "own keys", Says: "none ends soon"}
	all, err := a.Record.Watched(ctx)
	if err != nil {
		return Checked{What: one.What, Says: err.Error(), Wrong: true}
	}
	var bad []string
	for _, w := range append(all, a.watchedListing()...) {
		if level := w.At(a.DB.Now()); level != ca.Fine {
			bad = append(bad, fmt.Sprintf("%s %s: %d days left, until %s", w.Kind, w.Name, w.Days(a.DB.Now()), w.Ends.UTC().Format(time.DateOnly)))
		}
	}
	if len(bad) > 0 {
		one.Says, one.Wrong = strings.Join(bad, "; "), true
	}
	return one
}

// measureOwn writes how long each of ours is still good, in Prometheus' text form.
func measureOwn(ctx context.Context, out io.Writer, record *ca.Record, now time.Time) error {
	all, err := record.Watched(ctx)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, "# HELP chancela_own_left_seconds How long a key, certificate or list of ours is still good.\n# TYPE chancela_own_left_seconds gauge\n")
	for _, w := range all {
		_, failed := fmt.Fprintf(out, "chancela_own_left_seconds{kind=%q,name=%q,level=%q} %d\n", w.Kind, w.Name, string(w.At(now)), int64(w.Ends.Sub(now)/time.Second))
		err = errors.Join(err, failed)
	}
	behind := 0
	if record.Fresh() != nil {
		behind = 1
	}
	_, failed := fmt.Fprintf(out, "# HELP chancela_register_behind Whether answers come from memory because the database does not answer.\n# TYPE chancela_register_behind gauge\nchancela_register_behind %d\n", behind)
	_, sized := fmt.Fprintf(out, "# HELP chancela_register_certificates How many certificates are answered for from memory.\n# TYPE chancela_register_certificates gauge\nchancela_register_certificates %d\n", record.Size())
	failed = errors.Join(failed, sized)
	return errors.Join(err, failed)
}
