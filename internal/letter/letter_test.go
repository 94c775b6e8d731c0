package letter_test

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/notify"
	"chancela/internal/portal"
	"chancela/internal/queue"
)

type kit struct {
	*letter.Letters
	t      *testing.T
	d      *db.DB
	links  *link.Links
	queue  *queue.Queue
	outbox *notify.Outbox
	left   chan struct{}
}

// sender puts messages in the outbox and says that it did.
type sender struct {
	*notify.Outbox
	left chan struct{}
}

func (s sender) SendMail(ctx context.Context, l notify.Letter) error {
	err := s.Outbox.SendMail(ctx, l)
	s.left <- struct{}{}
	return err
}

func (s sender) SendSMS(ctx context.Context, x notify.Text) error {
	err := s.Outbox.SendSMS(ctx, x)
	s.left <- struct{}{}
	return err
}

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := &kit{t: t, d: d, links: link.New(link.Key{1}), left: make(chan struct{}, 100)}
		var err error
		k.outbox, err = notify.OpenOutbox(t.TempDir(), notify.From{Address: "portal@exemplo.pt", Origins: []string{"https://portal.exemplo.pt"}})
		must(t, err)
		k.queue, err = queue.New(d, queue.Config{Poll: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		must(t, k.queue.Migrate(t.Context()))
		out := sender{k.outbox, k.left}
		service, err := notify.New(d, k.queue, notify.Config{Mail: out, SMS: out, Reveal: letter.Reveal(k.links, d)})
		must(t, err)
		k.Letters = letter.New(letter.Config{Links: k.links, Notify: service, Base: "https://portal.exemplo.pt", Paths: map[link.Kind]string{link.Proof: "confirmar", link.Follow: "acompanhar"}})
		test(t, k)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func desk() *portal.Portal {
	text := func(pt, en string) i18n.Text { return i18n.Text{PT: pt, EN: en} }
	return &portal.Portal{Name: "one", Title: text("Portal de teste", "Test portal"), Mails: portal.Mails{
		From: "Portal", Opening: text("Caro {name},", "Dear {name},"), Closing: text("Fim.", "End."),
		Mails: map[string]portal.Mail{
			"M1": {On: portal.CaseSubmitted, Subject: text("Pedido {number}", "Request {number}"), Text: text("De {body}: {link}", "Of {body}: {link}")},
			"M2": {On: portal.AccountCode, Subject: text("Código", "Code"), Text: text("Código: {code}", "Code: {code}")},
		},
		SMS: map[string]portal.SMS{"S1": {On: portal.AccountCode, Text: text("Codigo: {code}", "Code: {code}")}},
	}}
}

func (k *kit) sends(l letter.Letter) {
	k.t.Helper()
	must(k.t, k.d.InTx(k.t.Context(), func(tx *db.Tx) error { return k.Send(k.t.Context(), tx, l) }))
}

func (k *kit) delivered(n int) {
	k.t.Helper()
	must(k.t, k.queue.Start(k.t.Context()))
	k.t.Cleanup(func() { _ = k.queue.Stop(context.Background()) })
	for range n {
		select {
		case <-k.left:
		case <-time.After(30 * time.Second):
			k.t.Fatal("a message did not leave")
		}
	}
}

func (k *kit) mail() notify.Received {
	k.t.Helper()
	k.delivered(1)
	all, err := k.outbox.Letters(10)
	if must(k.t, err); len(all) != 1 {
		k.t.Fatalf("%d mails", len(all))
	}
	return all[0]
}

// queued is all that the database holds of queued messages.
func (k *kit) queued() (text string) {
	k.t.Helper()
	must(k.t, k.d.Look(k.t.Context(), func(tx *db.Tx) error {
		query := `SELECT args FROM river_job`
		if k.d.Engine() == db.Postgres {
			query = `SELECT args::text FROM river_job`
		}
		all, err := db.Collect(k.t.Context(), tx, func(scan func(...any) error) (string, error) {
			var one string
			return one, scan(&one)
		}, query)
		text = strings.Join(all, "\n")
		return err
	}))
	return text
}

var secretForm = regexp.MustCompile(`/one/confirmar/([a-z2-7]{52})\b`)

func TestALettersLinkIsMadeWithItAndIsInNoQueue(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		expires := k.d.Now().Add(time.Hour)
		k.sends(letter.Letter{
			Portal: desk(), Event: portal.CaseSubmitted, About: "case/a", To: letter.To{Name: "Ana Exemplo", Address: "ana@exemplo.pt", Lang: i18n.EN},
			Values: i18n.Args{"number": "ONE/1", "body": "Município"}, Link: letter.Link{Kind: link.Proof, Subject: "a", Expires: expires},
		})
		queued := k.queued()
		mail := k.mail()
		if mail.Subject != "Request ONE/1" || !strings.HasPrefix(mail.Text, "Dear Ana Exemplo,\n\nOf Município: https://portal.exemplo.pt/one/confirmar/") || !strings.Contains(mail.To, "ana@exemplo.pt") {
			t.Errorf("%s to %s: %s", mail.Subject, mail.To, mail.Text)
		}
		found := secretForm.FindStringSubmatch(mail.Text)
		if found == nil {
			t.Fatalf("no secret in %s", mail.Text)
		}
		if strings.Contains(queued, found[1]) || !strings.Contains(queued, "{link}") {
			t.Errorf("the queue holds the secret, or not the place for it: %s", queued)
		}
		must(t, k.d.Look(t.Context(), func(tx *db.Tx) error {
			opened, err := k.links.Peek(t.Context(), tx, link.Proof, "one", found[1])
			if err != nil || opened.Subject != "a" || !opened.Expires.Equal(expires) {
				t.Errorf("it opens %+v, %v", opened, err)
			}
			return nil
		}))
		// A mail whose link is dead by now is not sent: it is worth nothing from the same moment on.
		if want := `"Until":"` + expires.Format(time.RFC3339Nano) + `"`; !strings.Contains(strings.ReplaceAll(queued, " ", ""), want) {
			t.Errorf("until is not %s: %s", want, queued)
		}
	})
}

func TestALinkMadeAlreadyIsNotMadeAgain(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		expires := k.d.Now().Add(time.Hour)
		var ref link.Ref
		must(t, k.d.InTx(t.Context(), func(tx *db.Tx) (err error) {
			if ref, err = k.links.Make(t.Context(), tx, link.Proof, "one", "a", expires); err != nil {
				return err
			}
			return k.Send(t.Context(), tx, letter.Letter{Portal: desk(), Event: portal.CaseSubmitted, To: letter.To{Name: "Ana", Address: "ana@exemplo.pt", Lang: i18n.PT}, Link: letter.Link{Kind: link.Proof, Subject: "a", Expires: expires}, Made: ref})
		}))
		secret, err := k.links.Reveal(t.Context(), k.d, ref)
		must(t, err)
		if mail := k.mail(); !strings.Contains(mail.Text, k.Address("one", link.Proof, secret)) {
			t.Errorf("%s lacks the link that there was", mail.Text)
		}
	})
}

func TestWhatPeopleTypeIsNoPlaceholder(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.sends(letter.Letter{
			Portal: desk(), Event: portal.CaseSubmitted, To: letter.To{Name: "Ana {link} {code}", Address: "ana@exemplo.pt", Lang: i18n.PT},
			Values: i18n.Args{"number": "{link}", "body": "{link}{name}"}, Link: letter.Link{Kind: link.Proof, Subject: "a", Expires: k.d.Now().Add(time.Hour)},
		})
		mail := k.mail()
		if n := len(secretForm.FindAllString(mail.Text, -1)); n != 1 || !strings.HasPrefix(mail.Text, "Caro Ana (link) (code),") || mail.Subject != "Pedido (link)" || strings.Count(mail.Text, "(link)") != 2 {
			t.Errorf("%s: %s", mail.Subject, mail.Text)
		}
	})
}

func TestACodeGoesByMailOrSMSAndIsInNoQueue(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		var ref link.Ref
		must(t, k.d.InTx(t.Context(), func(tx *db.Tx) (err error) {
			if ref, err = k.links.MakeCode(t.Context(), tx, link.SignIn, "one", "a", "challenge"); err != nil {
				return err
			}
			to := letter.To{Name: "Ana", Address: "ana@exemplo.pt", Mobile: "+351912345678", Lang: i18n.PT}
			for _, sms := range []bool{false, true} {
				if err := k.Send(t.Context(), tx, letter.Letter{Portal: desk(), Event: portal.AccountCode, To: to, Code: ref, Until: tx.Now().Add(link.CodeLife), BySMS: sms}); err != nil {
					return err
				}
			}
			return nil
		}))
		code, err := k.links.RevealCode(t.Context(), k.d, ref)
		must(t, err)
		if queued := k.queued(); strings.Contains(queued, code) {
			t.Errorf("the queue holds the code: %s", queued)
		}
		k.delivered(2)
		mails, err := k.outbox.Letters(2)
		must(t, err)
		texts, err := k.outbox.Texts(2)
		must(t, err)
		if len(mails) != 1 || !strings.Contains(mails[0].Text, "Código: "+code) || strings.Contains(mails[0].Subject, code) {
			t.Errorf("mails %+v", mails)
		}
		if len(texts) != 1 || texts[0].Text != "Codigo: "+code || texts[0].To != "+351912345678" {
			t.Errorf("texts %+v", texts)
		}
	})
}

func TestNobodyIsToldWhereThereAreNoWordsOrNoAddress(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		to := letter.To{Name: "Ana", Address: "ana@exemplo.pt", Lang: i18n.PT}
		k.sends(letter.Letter{Portal: desk(), Event: portal.CaseWithdrawn, To: to})
		k.sends(letter.Letter{Portal: desk(), Event: portal.CaseSubmitted, To: letter.To{Name: "Ana", Lang: i18n.PT}})
		k.sends(letter.Letter{Portal: desk(), Event: portal.AccountCode, To: to, BySMS: true})
		if queued := k.queued(); queued != "" {
			t.Errorf("queued %s", queued)
		}
	})
}

func TestARolledBackDeedSendsNothing(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		err := k.d.InTx(t.Context(), func(tx *db.Tx) error {
			must(t, k.Send(t.Context(), tx, letter.Letter{Portal: desk(), Event: portal.CaseSubmitted, To: letter.To{Name: "Ana", Address: "ana@exemplo.pt", Lang: i18n.PT}}))
			return fault.New(fault.Conflict, "case.not-now")
		})
		if !fault.Is(err, fault.Conflict) || k.queued() != "" {
			t.Errorf("%v; queued %s", err, k.queued())
		}
	})
}

func TestRevealKnowsOnlyItsOwnReferences(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		reveal := letter.Reveal(k.links, k.d)
		for _, ref := range []string{"", "link:", "code:", "link:aaaaaaaaaaaaaaaaaaaaaaaaaa", "other:a", "a"} {
			if secret, err := reveal(t.Context(), ref); secret != "" || !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Expired) {
				t.Errorf("%q gives %q, %v", ref, secret, err)
			}
		}
	})
}
