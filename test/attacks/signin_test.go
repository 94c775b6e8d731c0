package attacks_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/apptest"
)

const hour = time.Hour

func TestSigningIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder(t)
		t.Run("A08 a code is guessed at most ten times an hour over all sign-ins and networks", w.codesGuessed(h))
		t.Run("A09 one account whatever its spelling", w.spellings(h))
		t.Run("A10 a code opens one session", w.codeTwice(h))
		t.Run("A11 a code of one sign-in is nothing in another", w.codeElsewhere(h))
		t.Run("A12 asking for a code again has an end", w.resent(h))
		t.Run("A18 monstrous passwords are refused like wrong ones", w.monstrousPasswords(h))
		t.Run("A19 two hundred sign-ins at once are answered or told to come again", w.crowd(h))
		t.Run("A20 no secret from before is worth anything inside", w.fixation(h))
		t.Run("B11 after signing in one goes to a page of this portal", w.openRedirects(h))
	})
}

// another is the same person at another browser, in another network.
func (w *world) another(t *testing.T, h *holder) *apptest.Person {
	t.Helper()
	p := w.Person(t)
	p.Email, p.Password = h.Email, h.Password
	return p
}

// wrong is a code that is not the right one.
func wrong(code string) string {
	last := code[5]
	return code[:5] + string('0'+(last-'0'+1)%10)
}

func (w *world) codesGuessed(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		people := []*apptest.Person{w.another(t, h), w.another(t, h), w.another(t, h)}
		codes := make([]string, len(people))
		for i, p := range people {
			codes[i] = w.code(t, p, coop)
			w.secret("a sign-in", p.Cookie("e-"+coop))
		}
		guesses := apptest.AtOnce(t, 30, func(i int) (apptest.Answer, error) {
			return people[i%3].TryPost(t.Context(), "/"+coop+"/entrar/codigo", url.Values{apptest.CodeField: {wrong(codes[i%3])}, "enviado": {"mail"}})
		})
		for _, a := range guesses {
			if a.Status != http.StatusUnprocessableEntity {
				t.Errorf("a wrong guess got %d", a.Status)
			}
		}
		fresh := w.another(t, h)
		w.clock.pass(20 * time.Minute) // codes may be sent again; guesses may not be made
		code := w.code(t, fresh, coop)
		right, false1 := fresh.Confirm(t, coop, code), fresh.Confirm(t, coop, wrong(code))
		if right.Status != http.StatusUnprocessableEntity || fresh.Inside(t, coop) {
			t.Errorf("after thirty guesses the right code still opens: %d", right.Status)
		}
		same(t, "a guess beyond the budget and a wrong one", right, false1)
		w.clock.pass(2 * hour)
		w.enter(t, h.Person, coop)
	}
}

func (w *world) spellings(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		local, domain, _ := strings.Cut(h.Email, "@")
		spellings := []string{
			h.Email, strings.ToUpper(h.Email), " " + h.Email + " ", strings.ToUpper(local) + "@" + domain, local + "@" + strings.ToUpper(domain), "\t" + h.Email, h.Email + "\u00a0",
		}
		guesser := w.Person(t)
		for i := range 10 {
			if a := guesser.Enter(t, coop, spellings[i%len(spellings)], "uma frase errada, mas longa"); a.Status != http.StatusUnprocessableEntity {
				t.Fatalf("try %d got %d", i, a.Status)
			}
		}
		for _, spelling := range spellings {
			if a := guesser.Enter(t, coop, spelling, h.Password); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
				t.Errorf("spelled %q the count begins anew: %d", spelling, a.Status)
			}
		}
		capitals := w.another(t, h) // from elsewhere the holder comes in, however they write
		if a := capitals.Enter(t, coop, strings.ToUpper(h.Email), h.Password); a.Status != http.StatusSeeOther {
			t.Errorf("in capitals the user is another: %d", a.Status)
		}
		full := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r - 'a' + 'ａ'
			}
			return r
		}, local) + "@" + domain
		if a := guesser.Enter(t, coop, full, h.Password); a.Status == http.StatusSeeOther {
			t.Error("full-width letters give more tries")
		}
	}
}

func (w *world) codeTwice(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		p := w.another(t, h)
		code := w.code(t, p, coop)
		form := func(typed string) url.Values { return url.Values{apptest.CodeField: {typed}, "enviado": {"mail"}} }
		spaced := code[:3] + " " + code[3:]
		challenge := p.Cookie("e-" + coop)
		browsers := make([]*apptest.Person, 4)
		for i := range browsers {
			browsers[i] = w.Person(t)
			browsers[i].SetCookie("e-"+coop, challenge)
		}
		answers := apptest.AtOnce(t, len(browsers), func(i int) (apptest.Answer, error) {
			return browsers[i].TryPost(t.Context(), "/"+coop+"/entrar/codigo", form([]string{code, spaced}[i%2]))
		})
		inside := 0
		for i := range answers {
			if browsers[i].Inside(t, coop) {
				inside++
			}
		}
		if inside != 1 {
			t.Errorf("one code opened %d sessions", inside)
		}
		for _, typed := range []string{code, spaced, " " + code} {
			again := w.Person(t)
			again.SetCookie("e-"+coop, challenge)
			if a := again.Post(t, "/"+coop+"/entrar/codigo", form(typed)); a.Status == http.StatusSeeOther || again.Inside(t, coop) {
				t.Errorf("the code opens again as %q", typed)
			}
		}
	}
}

func (w *world) codeElsewhere(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		victim, attacker := w.another(t, h), w.another(t, h)
		other := w.code(t, attacker, coop)
		code := w.code(t, victim, coop)
		if other == code {
			t.Skip("by chance both codes are the same") // one in a million
		}
		if a := attacker.Confirm(t, coop, code); a.Status == http.StatusSeeOther || attacker.Inside(t, coop) {
			t.Errorf("the code of another sign-in opens: %d", a.Status)
		}
		stranger := w.Person(t)
		if a := stranger.Confirm(t, coop, code); a.Status == http.StatusSeeOther || stranger.Inside(t, coop) {
			t.Errorf("a code without a sign-in opens: %d", a.Status)
		}
		if a := stranger.Confirm(t, ca, code); a.Status == http.StatusSeeOther {
			t.Errorf("a code opens the other portal: %d", a.Status)
		}
	}
}

func (w *world) resent(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		w.Settled(t)
		before := len(w.Mails(t, h.Email))
		allowed := 0
		for range 3 { // a new sign-in is no new budget
			p := w.another(t, h)
			done(t, p.Enter(t, coop, h.Email, h.Password))
			for range 3 {
				switch a := p.Send(t, coop); a.Status {
				case http.StatusSeeOther:
					allowed++
				case http.StatusTooManyRequests:
					if a.Header.Get("Retry-After") == "" {
						t.Error("nothing says when to come again")
					}
				default:
					t.Fatalf("asking for a code got %d", a.Status)
				}
			}
			if p.Post(t, "/"+coop+"/entrar/canal", url.Values{apptest.ChannelField: {"pigeon"}}).Status == http.StatusSeeOther {
				t.Error("a code goes by a way that nobody chose")
			}
		}
		w.Settled(t)
		if sent := len(w.Mails(t, h.Email)) - before; allowed != 3 || sent > 3 {
			t.Errorf("%d codes could be asked for, and %d were sent; three are allowed in 15 minutes", allowed, sent)
		}
	}
}

func (w *world) monstrousPasswords(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		plain := w.Person(t).Enter(t, coop, h.Email, "uma frase errada, mas longa")
		for what, password := range map[string]string{
			"a mebibyte": strings.Repeat("a", 1<<20), "combining marks": "a" + strings.Repeat("\u0301", 100_000), "NUL behind": h.Password + "\x00",
			"NUL within": h.Password[:10] + "\x00" + h.Password[10:], "cut after 72 bytes": (h.Password + strings.Repeat("x", 200))[:100], "empty": "",
			"one letter more": h.Password + "x", "one less": h.Password[:len(h.Password)-1], "in capitals": strings.ToUpper(h.Password),
		} {
			p := w.Person(t)
			a := p.Enter(t, coop, h.Email, password)
			same(t, what, plain, a)
		}
		if a := w.Person(t).Enter(t, coop, h.Email, strings.Repeat("a", 3<<20)); a.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("three mebibytes got %d", a.Status)
		}
	}
}

func (w *world) crowd(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		people := make([]*apptest.Person, 200)
		for i := range people {
			people[i] = w.Person(t)
		}
		answers := apptest.AtOnce(t, len(people), func(i int) (apptest.Answer, error) {
			return people[i].TryPost(t.Context(), "/"+coop+"/entrar", url.Values{apptest.UserField: {fmt.Sprintf("ninguem%d@inventada.exemplo.pt", i)}, apptest.PasswordField: {"uma frase errada, mas longa"}})
		})
		got := map[int]int{}
		for _, a := range answers {
			got[a.Status]++
		}
		for status := range got {
			if !slices.Contains([]int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}, status) {
				t.Errorf("%d of the crowd got %d", got[status], status)
			}
		}
		w.enter(t, h.Person, coop) // and then an honest person comes in
	}
}

func (w *world) fixation(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		planted := strings.Repeat("A", 43)
		p := w.another(t, h)
		for _, name := range []string{"s-", "e-", "c-"} {
			p.SetCookie(name+coop, planted)
		}
		code := w.code(t, p, coop)
		challenge := p.Cookie("e-" + coop)
		if challenge == planted || challenge == "" {
			t.Error("a planted cookie names the sign-in")
		}
		for _, name := range []string{"s-", "c-"} { // A13: the first step opens nothing
			thief := w.Person(t)
			thief.SetCookie(name+coop, challenge)
			if thief.Inside(t, coop) {
				t.Error("the password alone is a session")
			}
		}
		done(t, p.Confirm(t, coop, code))
		session := p.Cookie("s-" + coop)
		if session == planted || session == challenge || len(session) < 22 {
			t.Error("the session has a secret from before")
		}
		thief := w.Person(t)
		for _, old := range []string{planted, challenge} {
			thief.SetCookie("s-"+coop, old)
			if thief.Inside(t, coop) {
				t.Error("a secret from before is a session")
			}
		}
		present, next := h.Password, "outra frase longa e inventada, "+apptest.Random()
		a := p.Post(t, "/"+coop+"/conta/palavra-passe", url.Values{"palavra-passe-atual": {present}, apptest.NewField: {next}, apptest.AgainField: {next}})
		done(t, a)
		h.Password = next
		w.secret("a password", present, next)
		thief.SetCookie("s-"+coop, session)
		if thief.Inside(t, coop) || !p.Inside(t, coop) {
			t.Error("the old secret outlives the change of password, or the session does not")
		}
		session = p.Cookie("s-" + coop)
		done(t, p.Post(t, "/"+coop+"/sair", nil))
		thief.SetCookie("s-"+coop, session)
		if thief.Inside(t, coop) {
			t.Error("the session outlives its end")
		}
		for _, c := range a.Header.Values("Set-Cookie") {
			if !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
				t.Errorf("a cookie can be read or sent from elsewhere: %s", strings.SplitN(c, "=", 2)[0])
			}
		}
	}
}

// elsewhere are addresses that lead out of this portal.
func elsewhere() []string {
	return []string{
		"https://evil.example/", "//evil.example/", `/\evil.example/`, `\\evil.example`, "/\t/evil.example", "\t//evil.example", "/%09/evil.example", "javascript:alert(1)",
		"data:text/html,x", "http:evil.example", "///evil.example", "/" + coop + "//../../evil", "/" + coop + "/\r\nLocation: https://evil.example", "/" + ca + "/area",
		"/" + coop + ".evil.example/", "evil.example", "/" + coop + `/\..\evil`, "@evil.example", "/" + coop + "/../" + ca + "/",
	}
}

// leadsAway says whether a browser would leave the portal.
func (w *world) leadsAway(t *testing.T, location string) bool {
	t.Helper()
	base, _ := url.Parse(w.URL + "/" + coop + "/")
	to, err := base.Parse(location)
	if err != nil || strings.ContainsAny(location, "\r\n\t\\") {
		return true
	}
	return to.Host != base.Host || to.Scheme != base.Scheme || strings.HasPrefix(location, "//")
}

func (w *world) openRedirects(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		w.clock.pass(2 * hour)
		for _, next := range elsewhere() {
			p := w.another(t, h)
			a := p.Post(t, "/"+coop+"/entrar", url.Values{apptest.UserField: {h.Email}, apptest.PasswordField: {h.Password}, "seguinte": {next}})
			if a.Status != http.StatusSeeOther || w.leadsAway(t, a.Location()) {
				t.Errorf("%q: the password leads to %d %q", next, a.Status, a.Location())
			}
			if to, _ := url.Parse(a.Location()); to.Query().Get("seguinte") != "" {
				onwards := p.Get(t, a.Location()).Value(t, "seguinte")
				if w.leadsAway(t, onwards) || !strings.HasPrefix(onwards, "/"+coop+"/") {
					t.Errorf("%q goes along as %q", next, onwards)
				}
			}
		}
		w.clock.pass(hour)
		p := w.another(t, h)
		for _, next := range elsewhere() {
			if a := p.Get(t, "/"+coop+"/?lang=en&seguinte="+url.QueryEscape(next)); w.leadsAway(t, a.Location()) {
				t.Errorf("%q: the language leads to %q", next, a.Location())
			}
		}
		code := w.code(t, p, coop)
		a := p.Post(t, "/"+coop+"/entrar/codigo", url.Values{apptest.CodeField: {code}, "seguinte": {"//evil.example/"}})
		if a.Status != http.StatusSeeOther || w.leadsAway(t, a.Location()) {
			t.Errorf("the code leads to %d %q", a.Status, a.Location())
		}
	}
}
