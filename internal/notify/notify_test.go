package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/queue"
)

const secret = "https://portal.example.invalid/ligacao/canary-0123456789"

// way is a way out that remembers, and refuses as it is told.
type way struct {
	mu      sync.Mutex
	answers []error // the first ones; then nil
	letters []Letter
	texts   []Text
	tried   chan struct{}
}

func newWay(answers ...error) *way { return &way{answers: answers, tried: make(chan struct{}, 100)} }

func (w *way) answer() error {
	defer func() { w.tried <- struct{}{} }()
	if len(w.answers) == 0 {
		return nil
	}
	err := w.answers[0]
	w.answers = w.answers[1:]
	return err
}

func (w *way) SendMail(_ context.Context, l Letter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.letters = append(w.letters, l)
	return w.answer()
}

func (w *way) SendSMS(_ context.Context, t Text) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, t)
	return w.answer()
}

func made(t *testing.T, d *db.DB, mail MailSender, sms SMSSender) (*Service, *queue.Queue) {
	t.Helper()
	q, err := queue.New(d, queue.Config{Poll: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Backoff: func(int) time.Duration { return time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := New(d, q, Config{Mail: mail, SMS: sms, MarkKey: []byte("key of a test"), Reveal: reveal})
	if err != nil {
		t.Fatal(err)
	}
	return s, q
}

func reveal(_ context.Context, ref string) (string, error) {
	switch ref {
	case "link/1":
		return secret, nil
	case "code/1":
		return "314159", nil
	case "long/1":
		return strings.Repeat("9", 161), nil
	}
	return "", fault.New(fault.Expired, "fault.expired")
}

func start(t *testing.T, q *queue.Queue) {
	t.Helper()
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func letter() Mail {
	return Mail{Portal: "one", Case: "c1", Kind: "E01", FromName: "Portal Cliente de Ensaio", To: "ana@exemplo.invalid",
		Lang: i18n.PT, Subject: "Pedido de acesso n.º 1: confirme o endereço", Text: "Abra a ligação: {link}.\n\nNão responda.",
		Reveals: []Reveal{{"link", "link/1"}}}
}

func send(t *testing.T, s *Service, m Mail) {
	t.Helper()
	if err := s.db.InTx(t.Context(), func(tx *db.Tx) error { return s.Send(t.Context(), tx, m) }); err != nil {
		t.Fatal(err)
	}
}

func sendSMS(t *testing.T, s *Service, m SMS) {
	t.Helper()
	if err := s.db.InTx(t.Context(), func(tx *db.Tx) error { return s.SendSMS(t.Context(), tx, m) }); err != nil {
		t.Fatal(err)
	}
}

func deliveries(t *testing.T, s *Service) (all []Delivery) {
	t.Helper()
	err := s.db.Look(t.Context(), func(tx *db.Tx) (err error) {
		all, err = OfCase(t.Context(), tx, "c1")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// until asks again and again until it holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		}
	}
}

func becomes(t *testing.T, s *Service, state State) Delivery {
	t.Helper()
	until(t, "the message is "+string(state), func() bool {
		all := deliveries(t, s)
		return len(all) == 1 && all[0].State == state
	})
	return deliveries(t, s)[0]
}

func TestAMailIsSentExactlyIfItsDeedHappened(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		out := newWay()
		s, q := made(t, d, out, out)
		refusal := errors.New("no")
		err := d.InTx(t.Context(), func(tx *db.Tx) error { return errors.Join(s.Send(t.Context(), tx, letter()), refusal) })
		if !errors.Is(err, refusal) || len(deliveries(t, s)) != 0 {
			t.Fatal(err)
		}
		send(t, s, letter())
		if d := deliveries(t, s); len(d) != 1 || d[0].State != Queued || d[0].Queued.IsZero() {
			t.Fatalf("%+v", d)
		}
		start(t, q)
		got := becomes(t, s, Sent)
		if got.Tries != 1 || got.Sent.IsZero() || got.Reason != "" || got.Kind != "E01" || got.Channel != ByMail {
			t.Errorf("%+v", got)
		}
		if len(out.letters) != 1 || !strings.Contains(out.letters[0].Text, secret) || out.letters[0].ID != got.ID {
			t.Errorf("%+v", out.letters)
		}
	})
}

// C25: the database holds neither the secret of a waiting message nor, once it is gone, its words and address.
func TestNoSecretStandsInTheDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		out := newWay(&Failure{Word: deferred, Code: "451"})
		s, q := made(t, d, out, out)
		send(t, s, letter())
		sendSMS(t, s, SMS{Portal: "one", Case: "c1", Kind: "S01", To: "+351912345678", Text: "Codigo: {code}. Valido 10 min. Nao o partilhe.", Reveals: []Reveal{{"code", "code/1"}}})
		start(t, q)
		until(t, "both are sent", func() bool {
			all := deliveries(t, s)
			return len(all) == 2 && all[0].State == Sent && all[1].State == Sent
		})
		var rows []string
		err := d.Look(t.Context(), func(tx *db.Tx) (err error) {
			rows, err = db.Collect(t.Context(), tx, func(scan func(...any) error) (string, error) {
				var a, b string
				err := scan(&a, &b)
				return a + b, err
			}, `SELECT CAST(args AS TEXT), COALESCE(CAST(errors AS TEXT), '') FROM river_job`)
			return err
		})
		if err != nil || len(rows) == 0 {
			t.Fatal(rows, err)
		}
		for _, row := range rows {
			if strings.Contains(row, "canary") || strings.Contains(row, "314159") {
				t.Errorf("a secret in the queue: %s", row)
			}
		}
		if out.texts[0].Text != "Codigo: 314159. Valido 10 min. Nao o partilhe." {
			t.Error(out.texts)
		}
	})
}

func TestAServersAnswerDecidesWhatBecomesOfAMail(t *testing.T) {
	for name, c := range map[string]struct {
		answers []error
		state   State
		tries   int64
		reason  string
		parked  int
	}{
		"refused for now, then taken": {[]error{&Failure{Word: deferred, Code: "451 4.7.1"}, errors.New("reset"), nil}, Sent, 3, "", 0},
		"refused for good":            {[]error{&Failure{Word: bounced, Code: "550 5.1.1", ForGood: true}}, Failed, 1, "bounced 550 5.1.1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				out := newWay(c.answers...)
				s, q := made(t, d, out, out)
				send(t, s, letter())
				start(t, q)
				got := becomes(t, s, c.state)
				if got.Tries != c.tries || got.Reason != c.reason || got.Failed.IsZero() == (c.state == Failed) {
					t.Errorf("%+v", got)
				}
				until(t, "the queue parks what failed", func() bool {
					all, err := q.Parked(t.Context(), 10)
					return err == nil && len(all) == c.parked
				})
				var seen []Delivery
				err := d.Look(t.Context(), func(tx *db.Tx) (err error) {
					seen, err = Failures(t.Context(), tx, "one", 10)
					return err
				})
				if err != nil || len(seen) != c.parked {
					t.Errorf("failures seen: %+v %v", seen, err)
				}
				for _, l := range out.letters {
					if l.ID != got.ID {
						t.Error("a try had another Message-ID")
					}
				}
			})
		})
	}
}

func TestTheLastTryThatFailsIsSeen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		later := &Failure{Word: deferred, Code: "451"}
		out := newWay(later, later)
		s, _ := made(t, d, out, out)
		send(t, s, letter())
		p := mailPayload{Delivery: deliveries(t, s)[0].ID, Queued: time.Now(), Mail: letter()}
		for try, want := range []Delivery{{State: Queued, Reason: "deferred 451"}, {State: Failed, Reason: "out-of-tries 451"}} {
			err := s.mail(t.Context(), queue.Job{ID: 1, Try: try + 1, Last: try == 1}, p)
			got := deliveries(t, s)[0]
			if !errors.Is(err, later) || got.State != want.State || got.Reason != want.Reason || got.Tries != int64(try+1) {
				t.Errorf("try %d: %v %+v", try+1, err, got)
			}
		}
	})
}

func TestAMessageWorthNothingAnyMoreIsNotSent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		late, dead := letter(), letter()
		late.Until = time.Now().Add(-time.Minute)
		dead.Reveals = []Reveal{{"link", "link/used"}}
		for _, m := range []Mail{late, dead} {
			m.Case = "c1"
			out := newWay()
			s, q := made(t, d, out, out)
			send(t, s, m)
			start(t, q)
			if got := becomes(t, s, Failed); got.Reason != "expired" || len(out.letters) != 0 {
				t.Errorf("%+v", got)
			}
			if parked, err := q.Parked(t.Context(), 10); err != nil || len(parked) != 0 {
				t.Error(parked, err)
			}
			if err := d.InTx(t.Context(), func(tx *db.Tx) error { return ForgetCase(t.Context(), tx, "c1") }); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// E06, F21: a job that runs again after it succeeded sends nothing; one of an erased case neither.
func TestAJobRunTwiceSendsOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		out := newWay()
		s, _ := made(t, d, out, out)
		send(t, s, letter())
		p := mailPayload{Delivery: deliveries(t, s)[0].ID, Queued: time.Now(), Mail: letter()}
		for range 3 {
			if err := s.mail(t.Context(), queue.Job{ID: 1, Try: 1}, p); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.InTx(t.Context(), func(tx *db.Tx) error { return ForgetCase(t.Context(), tx, "c1") }); err != nil {
			t.Fatal(err)
		}
		p.Delivery = "erased"
		if err := s.mail(t.Context(), queue.Job{ID: 2, Try: 1}, p); err != nil {
			t.Fatal(err)
		}
		if len(out.letters) != 1 || len(deliveries(t, s)) != 0 {
			t.Fatalf("sent %d times", len(out.letters))
		}
	})
}

// C14, 1.3.11: no name, subject or address begins another header.
func TestHeadersCannotBeInjected(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		out := newWay()
		s, _ := made(t, d, out, out)
		for name, spoil := range map[string]func(*Mail){
			"line feed in the subject":     func(m *Mail) { m.Subject = "a\nBcc: all@exemplo.invalid" },
			"return in the subject":        func(m *Mail) { m.Subject = "a\rBcc: all@exemplo.invalid" },
			"NUL in the subject":           func(m *Mail) { m.Subject = "a\x00b" },
			"next line in the subject":     func(m *Mail) { m.Subject = "a\u0085b" },
			"line separator in the name":   func(m *Mail) { m.FromName = "a\u2028b" },
			"line feed in the name":        func(m *Mail) { m.FromName = "a\r\nBcc: all@exemplo.invalid" },
			"line feed in the address":     func(m *Mail) { m.To = "ana@exemplo.invalid\r\nBcc: all@exemplo.invalid" },
			"two addresses":                func(m *Mail) { m.To = "ana@exemplo.invalid, rui@exemplo.invalid" },
			"a name in the address":        func(m *Mail) { m.To = "Ana <ana@exemplo.invalid>" },
			"no address":                   func(m *Mail) { m.To = "" },
			"a comment in the address":     func(m *Mail) { m.To = "ana@exemplo.invalid (x)" },
			"an address without its place": func(m *Mail) { m.To = "ana" },
			"a spoilt reply address":       func(m *Mail) { m.ReplyTo = "x@y.invalid\nCc: z" },
			"no words":                     func(m *Mail) { m.Text = "" },
		} {
			m := letter()
			spoil(&m)
			if err := d.InTx(t.Context(), func(tx *db.Tx) error { return s.Send(t.Context(), tx, m) }); err == nil {
				t.Errorf("%s: taken", name)
			} else if strings.Contains(err.Error(), "invalid") {
				t.Errorf("%s: the error tells the address: %v", name, err)
			}
		}
		if len(deliveries(t, s)) != 0 {
			t.Error("a refused mail was noted")
		}
	})
}

func TestAnSMSIsShortPlainAndToATelephone(t *testing.T) {
	good := SMS{To: "+351912345678", Text: "Codigo: {code}. Valido 10 min. Nao o partilhe."}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []SMS{
		{To: "912345678", Text: "x"}, {To: "+351 912345678", Text: "x"}, {To: "+351912345678\n", Text: "x"}, {To: good.To, Text: ""},
		{To: good.To, Text: "Código"}, {To: good.To, Text: strings.Repeat("a", 161)}, {To: good.To, Text: "a\nb"}, {To: good.To, Text: "a€"},
		{To: good.To, Text: "[a]"}, {To: good.To, Text: "a~b"}, {To: good.To, Text: "a`b"},
	} {
		if bad.check() == nil {
			t.Errorf("taken: %+v", bad)
		}
	}
	if plainSMS(strings.Repeat("a", 160)) != nil {
		t.Error("160 characters were refused")
	}
}

func TestAnSMSThatItsSecretMakesTooLongFailsForGood(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		out := newWay()
		s, q := made(t, d, out, out)
		sendSMS(t, s, SMS{Portal: "one", Case: "c1", To: "+351912345678", Text: "{code}", Reveals: []Reveal{{"code", "long/1"}}})
		start(t, q)
		if got := becomes(t, s, Failed); got.Reason != "malformed" || len(out.texts) != 0 {
			t.Errorf("%+v", got)
		}
	})
}

var ours = From{Address: "portal@exemplo.invalid", Origins: []string{"https://portal.example.invalid"}}

// C07: what people typed is words in the HTML too, and only our own addresses are links.
func TestTheHTMLSaysTheSameWordsAndPointsNowhereElse(t *testing.T) {
	got := ours.html(Letter{Lang: i18n.PT, Subject: `<script>"`, links: []string{"https://other.example.invalid/told"},
		Text: "Exma. <b>Ana</b> & filhos https://evil.example.invalid/x,\nlinha\n\n" +
			"Abra https://portal.example.invalid/a?b=1&c=2. Ou (https://other.example.invalid/told).\nhttps://portal.example.invalid.evil.invalid/ javascript:alert(1) https://portal.example.invalid/\"onclick=x"})
	for _, want := range []string{
		`<html lang="pt-PT">`, `<title>&lt;script&gt;&#34;</title>`, "Exma. &lt;b&gt;Ana&lt;/b&gt; &amp; filhos https://evil.example.invalid/x,<br>\nlinha</p>",
		`<a href="https://portal.example.invalid/a?b=1&amp;c=2">https://portal.example.invalid/a?b=1&amp;c=2</a>. Ou`,
		`(<a href="https://other.example.invalid/told">`, `<a href="https://portal.example.invalid/">https://portal.example.invalid/</a>&#34;onclick=x`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s\n%s", want, got)
		}
	}
	if n := strings.Count(got, "<a "); n != 3 {
		t.Errorf("%d links, want 3\n%s", n, got)
	}
	for _, never := range []string{"<script", "<img", "src=", "<link", "url("} {
		if strings.Contains(got, never) {
			t.Errorf("has %s", never)
		}
	}
}

func TestTheOutboxShowsWhatWasSent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		box, err := OpenOutbox(dir, ours)
		if err != nil {
			t.Fatal(err)
		}
		s, q := made(t, d, box, box)
		send(t, s, letter())
		sendSMS(t, s, SMS{Portal: "one", Case: "c1", To: "+351912345678", Text: "Codigo: {code}.", Reveals: []Reveal{{"code", "code/1"}}})
		start(t, q)
		until(t, "both are sent", func() bool {
			all := deliveries(t, s)
			return len(all) == 2 && all[0].State == Sent && all[1].State == Sent
		})
		letters, err := box.Letters(10)
		if err != nil || len(letters) != 1 {
			t.Fatal(letters, err)
		}
		got := letters[0]
		if got.Subject != letter().Subject || got.Text != "Abra a ligação: "+secret+".\n\nNão responda." || got.To != "<ana@exemplo.invalid>" ||
			got.From != `"Portal Cliente de Ensaio" <portal@exemplo.invalid>` || got.At.IsZero() {
			t.Errorf("%+v", got)
		}
		_, raw, err := box.Letter(got.File)
		if err != nil || !bytes.Contains(raw, []byte("Auto-Submitted: auto-generated")) || !bytes.Contains(raw, []byte("@exemplo.invalid>\r\n")) {
			t.Errorf("%s %v", raw, err)
		}
		texts, err := box.Texts(10)
		if err != nil || len(texts) != 1 || texts[0].Text != "Codigo: 314159." || texts[0].To != "+351912345678" || texts[0].At.IsZero() {
			t.Fatal(texts, err)
		}
		found, _ := filepath.Glob(filepath.Join(dir, "sms", "*.json"))
		data, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		var shape map[string]any
		if err := json.Unmarshal(data, &shape); err != nil || len(shape) != 3 || shape["to"] == nil || shape["text"] == nil || shape["at"] == nil {
			t.Errorf("%s %v", data, err)
		}
	})
}

func TestATryRepeatedWritesOverItsOwnFile(t *testing.T) {
	dir := t.TempDir()
	box, err := OpenOutbox(dir, ours)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for i := range 3 {
		for range 2 {
			l := Letter{ID: fmt.Sprint("id", i), At: at.Add(time.Duration(i) * time.Second), FromName: "Ensaio", To: "ana@exemplo.invalid", Lang: i18n.EN, Subject: fmt.Sprint(i), Text: "x"}
			if err := box.SendMail(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "mail"))
	if err != nil || len(entries) != 3 {
		t.Fatal(entries, err)
	}
	letters, err := box.Letters(2)
	if err != nil || len(letters) != 2 || letters[0].Subject != "2" || letters[1].Subject != "1" {
		t.Fatalf("%+v %v", letters, err)
	}
	for _, name := range []string{"", "../../etc/passwd", "20260504T030201.000000Z-../x", "x"} {
		if _, _, err := box.Letter(name); !errors.Is(err, ErrNoLetter) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzHTML(f *testing.F) {
	f.Add("Abra https://portal.example.invalid/a.\n\n<b>")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			t.Skip("longer than any mail")
		}
		got := ours.html(Letter{Lang: i18n.PT, Text: text})
		body := got[strings.Index(got, "<body"):]
		for _, tag := range []string{"<p>", "</p>", "<br>", "</a>", "</body>", "</html>"} {
			body = strings.ReplaceAll(body, tag, "")
		}
		if strings.Count(body, "<") != 1+strings.Count(body, `<a href="https://portal.example.invalid`) {
			t.Errorf("%q became %s", text, got)
		}
	})
}
