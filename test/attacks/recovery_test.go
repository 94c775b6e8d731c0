package attacks_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chancela/internal/apptest"
	"chancela/internal/db"
)

// refused says whether an address opens nothing: it is unknown, or no longer good.
func refused(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

func asked(email, nipc string) url.Values {
	return url.Values{"recuperar-endereco": {email}, "recuperar-nipc": {nipc}}
}

func newPassword(p string) url.Values {
	return url.Values{apptest.NewField: {p}, apptest.AgainField: {p}}
}

func TestRecoveryAndItsLinks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder(t)
		t.Run("A01 links come from the configured address whatever a request says", w.linksFromConfiguredAddress(h))
		t.Run("A04 a link opens only what it was made for", w.linksCrossed(h))
		t.Run("A05 a link opens exactly as it was made", w.linksMangled(h))
		t.Run("A06 looking at a link changes nothing and its secret leaves the address", w.linksLookedAt)
		t.Run("A07 older links and everything before a new password are dead", w.linksGrownOld(h))
		t.Run("A02 A03 of many who use a link one wins and all sessions end", w.linkRaced(h))
		t.Run("A16 recovery, following and invitation tell nobody apart", w.askingTellsNothing(h))
	})
}

func (w *world) linksFromConfiguredAddress(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		before := len(w.Mails(t, h.Email))
		foreign := func(r *http.Request) { r.Host = "evil.example" }
		if a := w.Person(t).Post(t, "/"+coop+"/recuperar", asked(h.Email, h.nipc), foreign); a.Status != http.StatusMisdirectedRequest {
			t.Errorf("a foreign host got %d", a.Status)
		}
		for _, host := range []string{"evil.example:80", "localhost", "localhost:1", "localhost.evil.example", "127.0.0.1", "[::1]", "LOCALHOST.", "localhost:80@evil.example"} {
			if a := w.Person(t).Get(t, "/"+coop+"/", func(r *http.Request) { r.Host = host }); a.Status != http.StatusMisdirectedRequest && a.Status != http.StatusBadRequest {
				t.Errorf("host %q got %d", host, a.Status)
			}
		}
		w.Settled(t)
		if now := len(w.Mails(t, h.Email)); now != before {
			t.Errorf("%d mails came of requests to a foreign host", now-before)
		}
		lies := func(r *http.Request) {
			r.Header.Set("X-Forwarded-Host", "evil.example")
			r.Header.Set("Forwarded", `for=1.2.3.4;host=evil.example;proto=https`)
			r.Header.Set("X-Forwarded-Proto", "https")
			r.Header.Set("X-Host", "evil.example")
			r.Header.Set("X-Original-URL", "/evil")
		}
		w.PutAside(t, h.Email)
		done(t, w.Person(t).Post(t, "/"+coop+"/recuperar", asked(h.Email, h.nipc), lies))
		w.secret("a recovery", last(w.Mail(t, h.Email, apptest.Link("/recuperar/"))))
		mail := w.Mails(t, h.Email)[0]
		if strings.Contains(mail.Text, "evil.example") || !strings.Contains(mail.Text, w.URL+"/"+coop+"/recuperar/") {
			t.Errorf("the mail's link is not from the configured address:\n%s", mail.Text)
		}
		w.clock.pass(2 * hour) // its budget of mails is whole again for what follows
		w.enter(t, h.Person, coop)
	}
}

// paths are the addresses of the links of mails.
func paths(portal string) []string {
	var all []string
	for _, kind := range []string{"confirmar", "retomar", "acompanhar", "definir", "tecnico/convite", "recuperar"} {
		all = append(all, "/"+portal+"/"+kind+"/")
	}
	return all
}

func (w *world) linksCrossed(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		p := w.applicant(t)
		proof := w.Mail(t, p.Email, apptest.Link("/confirmar/"))
		q, invitation := w.invited(t)
		follow := w.Mail(t, q.Email, apptest.Link("/acompanhar/"))
		officer := path(t, w.Officer(t, coop, "cruzada@inventada.exemplo.pt", "Cruzada Exemplo", "decider"))
		links := []string{proof, invitation, follow, w.recovery(t, h), officer}
		stranger := w.Person(t)
		for _, made := range links {
			w.secret("a link", last(made))
			for _, at := range append(paths(coop), paths(ca)...) {
				if strings.HasPrefix(made, at) {
					continue
				}
				if a := stranger.Get(t, at+last(made)); !refused(a.Status) {
					t.Errorf("%s… opens %s: %d", made[:len(made)-len(last(made))], at, a.Status)
				}
				var form url.Values // of the page there: what asks for nothing takes nothing
				if !slices.Contains([]string{"/confirmar/", "/retomar/", "/acompanhar/"}, strings.TrimPrefix(strings.TrimPrefix(at, "/"+coop), "/"+ca)) {
					form = newPassword("uma frase longa de quem cruza ligações")
				}
				if a := stranger.Post(t, at+last(made), form); !refused(a.Status) {
					t.Errorf("%s… is taken at %s: %d", made[:len(made)-len(last(made))], at, a.Status)
				}
			}
			if a := stranger.Get(t, made); a.Status != http.StatusOK {
				t.Errorf("%s… does not open its own page any more: %d", made[:len(made)-len(last(made))], a.Status)
			}
		}
		for _, cookie := range []string{"s-", "e-", "c-"} { // nor is a secret of a link one of a cookie
			for _, made := range links {
				stranger.SetCookie(cookie+coop, last(made))
				if stranger.Inside(t, coop) {
					t.Errorf("a link's secret is a session")
				}
			}
		}
	}
}

func (w *world) linksMangled(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		link := w.recovery(t, h)
		secret := last(link)
		at := strings.TrimSuffix(link, secret)
		stranger := w.Person(t)
		for what, other := range map[string]string{
			"truncated": secret[:len(secret)-1], "cut in front": secret[1:], "padded": secret + "=", "longer": secret + "A", "doubled": secret + secret,
			"in capitals": strings.ToUpper(secret), "in small letters": strings.ToLower(secret), "of another alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(secret) + "+",
			"with a space": secret + "%20", "with a line break": secret + "%0a", "with NUL": secret + "%00", "half": secret[:len(secret)/2],
			"with other last bits": twin(secret), "empty": "%20", "with a parameter": secret + ";a=b", "with a dot": secret + ".",
		} {
			if other == secret {
				continue
			}
			if a := stranger.Get(t, at+other); !refused(a.Status) && a.Status != http.StatusBadRequest {
				t.Errorf("%s it opens: %d", what, a.Status)
			}
			if a := stranger.Post(t, at+other, newPassword("uma frase longa de quem adivinha ligações")); !refused(a.Status) && a.Status != http.StatusBadRequest {
				t.Errorf("%s it is taken: %d", what, a.Status)
			}
		}
		if a := stranger.Get(t, link); a.Status != http.StatusOK {
			t.Errorf("as it was made it does not open any more: %d", a.Status)
		}
	}
}

// twin is another text that a careless reader of base64 takes for the same bytes.
func twin(secret string) string {
	raw, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil {
		return secret + "x"
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, r := range alphabet {
		other := secret[:len(secret)-1] + string(r)
		if again, err := base64.RawURLEncoding.DecodeString(other); err == nil && other != secret && string(again) == string(raw) {
			return other
		}
	}
	return secret + "x"
}

func (w *world) linksLookedAt(t *testing.T) {
	h := w.applicant(t)
	link := w.Mail(t, h.Email, apptest.Link("/confirmar/"))
	w.secret("a proof link", last(link))
	scanner := w.Person(t)
	before := w.entries(t)
	for range 3 {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := scanner.Do(t, method, link, "", nil)
			if a.Status != http.StatusOK || a.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(a.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s: %d, Referrer-Policy %q, Cache-Control %q", method, a.Status, a.Header.Get("Referrer-Policy"), a.Header.Get("Cache-Control"))
			}
			if len(a.Header.Values("Set-Cookie")) > 0 {
				t.Error("looking sets a cookie")
			}
		}
	}
	if now := w.entries(t); now != before {
		t.Errorf("looking did %d deeds", now-before)
	}
	a := h.Post(t, link, nil)
	done(t, a)
	if strings.Contains(a.Location(), last(link)) || strings.Contains(h.Get(t, a.Location()).Body, last(link)) {
		t.Error("the secret stands in the address or page that follows")
	}
	if again := scanner.Post(t, link, nil); !refused(again.Status) {
		t.Errorf("the link proves twice: %d", again.Status)
	}
}

// entries is how many deeds are on record.
func (w *world) entries(t *testing.T) (n int) {
	t.Helper()
	err := w.DB.Look(t.Context(), func(tx *db.Tx) error { return tx.Row(t.Context(), `SELECT count(*) FROM audit_entry`).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) linksGrownOld(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		w.enter(t, h.Person, coop)
		first := w.recovery(t, h)
		second := w.recovery(t, h)
		if a := w.Person(t).Get(t, first); !refused(a.Status) {
			t.Errorf("the older link still opens: %d", a.Status)
		}
		underway := w.Person(t)
		underway.Email, underway.Password = h.Email, h.Password
		code := w.code(t, underway, coop)
		third := w.recovery(t, h)
		if a := w.Person(t).Get(t, second); !refused(a.Status) {
			t.Errorf("the older link still opens: %d", a.Status)
		}
		old := h.Password
		h.Password = ""
		w.Person(t).Post(t, third, newPassword("curta")) // refused, and uses nothing up
		h.Define(t, third)
		w.secret("a password", old, h.Password)
		if a := underway.Confirm(t, coop, code); a.Status == http.StatusSeeOther || underway.Inside(t, coop) {
			t.Errorf("a sign-in from before the new password goes on: %d", a.Status)
		}
		if a := w.Person(t).Enter(t, coop, h.Email, old); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("the old password got %d", a.Status)
		}
		w.clock.pass(hour)
		w.enter(t, h.Person, coop)
	}
}

func (w *world) linkRaced(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		w.enter(t, h.Person, coop)
		link := w.recovery(t, h)
		tries := make([]string, 6)
		people := make([]*apptest.Person, len(tries))
		for i := range tries {
			tries[i], people[i] = "uma frase longa de quem chega ao mesmo tempo "+apptest.Random(), w.Person(t)
		}
		w.secret("a password", tries...)
		answers := apptest.AtOnce(t, len(tries), func(i int) (apptest.Answer, error) {
			return people[i].TryPost(t.Context(), link, newPassword(tries[i]))
		})
		won := 0
		for _, a := range answers {
			switch {
			case a.Status == http.StatusSeeOther:
				won++
			case !refused(a.Status) && a.Status != http.StatusServiceUnavailable:
				t.Errorf("who did not win got %d", a.Status)
			}
		}
		if won != 1 {
			t.Errorf("%d of %d won", won, len(tries))
		}
		if h.Inside(t, coop) {
			t.Error("a session outlived the recovery")
		}
		for _, p := range people { // A02: a mailbox opens no session by itself
			if p.Inside(t, coop) {
				t.Error("who recovers is inside without the second step")
			}
		}
		opens := 0
		for _, password := range tries {
			if a := w.Person(t).Enter(t, coop, h.Email, password); a.Status == http.StatusSeeOther {
				h.Password = password
				opens++
			}
		}
		if opens != 1 {
			t.Errorf("%d passwords open the account", opens)
		}
		w.Settled(t)
		told := false
		for _, mail := range w.Mails(t, h.Email) {
			told = told || strings.Contains(strings.ToLower(mail.Subject), "palavra") && apptest.Link("/recuperar/")(mail) == ""
		}
		if !told {
			t.Error("nobody was told that the password was changed")
		}
	}
}

// sessionLeft is how many seconds a session still has; pages say it to their script.
var sessionLeft = regexp.MustCompile(`data-session-left="[0-9]+"`)

// same compares two answers of which only what was typed may differ.
func same(t *testing.T, what string, a, b apptest.Answer, typed ...string) {
	t.Helper()
	blank := func(s string) string {
		s = sessionLeft.ReplaceAllString(s, "")
		for _, one := range typed {
			s = strings.ReplaceAll(s, one, "…")
		}
		return s
	}
	if a.Status != b.Status {
		t.Errorf("%s: %d %q and %d %q", what, a.Status, a.Location(), b.Status, b.Location())
		return
	}
	if blank(a.Body) != blank(b.Body) {
		t.Errorf("%s: the pages differ:\n%s\n\n%s", what, blank(a.Text(t)), blank(b.Text(t)))
	}
	for name := range a.Header {
		if name != "Date" && name != "Content-Length" && name != "Set-Cookie" && blank(a.Header.Get(name)) != blank(b.Header.Get(name)) {
			t.Errorf("%s: %s is %q and %q", what, name, a.Header.Get(name), b.Header.Get(name))
		}
	}
	if len(a.Header) != len(b.Header) {
		t.Errorf("%s: the headers differ: %v and %v", what, a.Header, b.Header)
	}
}

func (w *world) askingTellsNothing(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		unknown := "ninguem." + strings.ToLower(db.NewID()[:8]) + "@inventada.exemplo.pt"
		officer := w.officer(t, coop, "Rita")
		q, _ := w.invited(t)
		for what, pair := range map[string][2]url.Values{
			"recuperar": {asked(h.Email, h.nipc), asked(unknown, h.nipc)}, "recuperar ": {asked(h.Email, h.nipc), asked(h.Email, w.nipc())},
			"recuperar  ": {asked(officer.Email, h.nipc), asked("not an address", "x")},
			"convite":     {{"convite-endereco": {q.Email}}, {"convite-endereco": {unknown}}},
			"acompanhar":  {{"numero": {"CASES/2026/1"}, "endereco": {h.Email}}, {"numero": {"CASES/2026/99999"}, "endereco": {unknown}}},
		} {
			at := "/" + coop + "/" + strings.TrimSpace(what)
			p := w.Person(t)
			one, other := p.Post(t, at, pair[0]), p.Post(t, at, pair[1])
			same(t, what, one, other)
			if len(one.Header.Values("Set-Cookie")) != len(other.Header.Values("Set-Cookie")) {
				t.Errorf("%s: a cookie tells", what)
			}
			same(t, what+", then", p.Get(t, one.Location()), p.Get(t, other.Location()))
		}
		one, other := w.Person(t).Enter(t, coop, h.Email, "uma frase errada, mas longa"), w.Person(t).Enter(t, coop, unknown, "uma frase errada, mas longa")
		same(t, "sign-in", one, other, h.Email, unknown)
		one = w.Person(t).Enter(t, coop, q.Email, "uma frase errada, mas longa")
		same(t, "sign-in of an invited person", one, other, q.Email, unknown)
	}
}
