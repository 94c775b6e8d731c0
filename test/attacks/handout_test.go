package attacks_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"chancela/internal/apptest"
	"chancela/internal/db"
)

func TestDocumentsFromAnOriginOfTheirOwn(t *testing.T) {
	eachApart(t, func(t *testing.T, w *world) {
		h := w.holder(t)
		made := w.credential(t, h)
		t.Run("C08 a document comes inert and from elsewhere", w.handedOutElsewhere(h, made))
		t.Run("C03 a ticket gives its bearer nothing that the asker may not have", w.ticketsOfOthers(h, made))
		t.Run("C03 a ticket ends after seconds and opens exactly as it was made", w.ticketsEnd(h, made))
		t.Run("C03 the origin of documents knows nobody and serves nothing else", w.originKnowsNobody(h, made))
	})
}

// papers are the addresses of a document, and who may have it there.
func (w *world) papers(t *testing.T, h *holder, made thing) map[string]*apptest.Person {
	t.Helper()
	at := "/processos/" + made.caseID + "/documentos/" + made.document
	return map[string]*apptest.Person{"/" + coop + at: h.Person, "/" + coop + "/tecnico" + at: w.officer(t, coop, "Rita")}
}

// ticket has somebody led on from the address of a document, and gives the whole address that they were led to.
func (w *world) ticket(t *testing.T, who *apptest.Person, at string) string {
	t.Helper()
	led := who.Get(t, at)
	to := led.Location()
	if led.Status != http.StatusSeeOther || !strings.HasPrefix(to, w.elsewhere()+"/documento/") {
		t.Fatalf("%s is not led on: %d %q", at, led.Status, to)
	}
	w.secret("a ticket", last(to))
	return to
}

// elsewhere is the origin of documents.
func (w *world) elsewhere() string { return "http://" + w.Listening() }

func (w *world) handedOutElsewhere(h *holder, made thing) func(*testing.T) {
	return func(t *testing.T) {
		for at, who := range w.papers(t, h, made) {
			led := who.Get(t, at)
			if strings.Contains(led.Body, "%PDF") || led.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: the pages' own origin gave it, or lets the ticket be kept: %q", at, led.Header)
			}
			for _, secret := range []string{made.caseID, made.document, h.Email, h.Name, who.Email} {
				if strings.Contains(led.Location(), secret) || strings.Contains(led.Location(), url.PathEscape(secret)) {
					t.Errorf("%s: the ticket tells %q", at, secret)
				}
			}
			a := w.Person(t).Get(t, w.ticket(t, who, at), func(r *http.Request) { r.Header.Set("Accept", "text/html") })
			if a.Status != http.StatusOK || !strings.HasPrefix(a.Body, "%PDF-") {
				t.Fatalf("%s got %d", at, a.Status)
			}
			inert(t, at, a)
		}
	}
}

// inert asks that whatever a browser is given, it shows and runs nothing of it.
func inert(t *testing.T, at string, a apptest.Answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-store, private",
		"Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
	} {
		if a.Header.Get(name) != want {
			t.Errorf("%s: %s is %q", at, name, a.Header.Get(name))
		}
	}
	if !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment;") {
		t.Errorf("%s is shown: %s", at, a.Header.Get("Content-Disposition"))
	}
	if set := a.Header.Values("Set-Cookie"); len(set) > 0 {
		t.Errorf("%s sets cookies: %q", at, set)
	}
}

func (w *world) ticketsOfOthers(h *holder, made thing) func(*testing.T) {
	return func(t *testing.T) {
		thief, outsider := w.holder(t), w.officer(t, ca, "Teresa")
		gone := w.holder(t)
		goneThing := w.credential(t, gone)
		for name, one := range map[string]struct {
			who    *apptest.Person
			portal string
		}{
			"a stranger": {w.Person(t), coop}, "another holder": {thief.Person, coop}, "an officer of the other portal": {outsider, ca},
		} {
			for _, place := range []string{"/processos/", "/tecnico/processos/"} {
				theirs := one.who.Get(t, "/"+one.portal+place+made.caseID+"/documentos/"+made.document)
				nobodys := one.who.Get(t, "/"+one.portal+place+db.NewID()+"/documentos/"+db.NewID())
				if theirs.Status != nobodys.Status {
					t.Errorf("%s at %s: %d, and %d for what does not exist", name, place, theirs.Status, nobodys.Status)
				}
				if theirs.Status != http.StatusSeeOther || !strings.HasPrefix(theirs.Location(), w.elsewhere()) {
					continue // not even led on
				}
				a, b := w.Person(t).Get(t, theirs.Location()), w.Person(t).Get(t, nobodys.Location())
				if a.Status != http.StatusNotFound || a.Status != b.Status || a.Body != b.Body {
					t.Errorf("%s's ticket at %s got %d %q, and %d %q for what does not exist", name, place, a.Status, a.Body, b.Status, b.Body)
				}
			}
		}
		// A document of one case under the id of another, by somebody who may have both.
		crossed := gone.Get(t, "/"+coop+"/processos/"+goneThing.caseID+"/documentos/"+made.document)
		if a := w.Person(t).Get(t, crossed.Location()); a.Status != http.StatusNotFound || strings.Contains(a.Body, "%PDF") {
			t.Errorf("another case's document got %d", a.Status)
		}
		// Who has left is a stranger again: no new ticket of theirs opens anything.
		at := "/" + coop + "/processos/" + goneThing.caseID + "/documentos/" + goneThing.document
		if a := w.Person(t).Get(t, w.ticket(t, gone.Person, at)); a.Status != http.StatusOK {
			t.Fatalf("a holder's own ticket got %d", a.Status)
		}
		done(t, gone.Post(t, "/"+coop+"/sair", nil))
		if led := gone.Get(t, at); led.Status == http.StatusSeeOther && strings.HasPrefix(led.Location(), w.elsewhere()) {
			if a := w.Person(t).Get(t, led.Location()); a.Status != http.StatusNotFound {
				t.Errorf("the ticket of an ended session got %d", a.Status)
			}
		}
	}
}

func (w *world) ticketsEnd(h *holder, made thing) func(*testing.T) {
	return func(t *testing.T) {
		at := "/" + coop + "/processos/" + made.caseID + "/documentos/" + made.document
		bearer := w.Person(t)
		good := w.ticket(t, h.Person, at)
		sealed := last(good)
		before := good[:len(good)-len(sealed)]
		for what, changed := range map[string]string{
			"cut off": sealed[:len(sealed)-1], "longer": sealed + "A", "padded": sealed + "=", "in capitals": strings.ToUpper(sealed), "without its beginning": sealed[1:],
			"with another letter in the middle": sealed[:len(sealed)/2] + other(sealed[len(sealed)/2]) + sealed[len(sealed)/2+1:], "with another first letter": other(sealed[0]) + sealed[1:],
			"spaced": "%20" + sealed, "twice": sealed + "/" + sealed, "empty": "", "endless": strings.Repeat("A", 5000), "of somebody's session": url.PathEscape(h.Cookie("s-" + coop)),
		} {
			if a := bearer.Get(t, before+changed); a.Status != http.StatusNotFound {
				t.Errorf("a ticket %s got %d", what, a.Status)
			}
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			if a := bearer.Do(t, method, good, "", nil); a.Status != http.StatusNotFound {
				t.Errorf("%s of a ticket got %d", method, a.Status)
			}
		}
		w.clock.pass(14 * time.Second)
		if a := bearer.Get(t, good); a.Status != http.StatusOK {
			t.Errorf("within its time a ticket got %d", a.Status)
		}
		w.clock.pass(2 * time.Second)
		if a := bearer.Get(t, good); a.Status != http.StatusNotFound || strings.Contains(a.Body, "%PDF") {
			t.Errorf("after its time a ticket got %d", a.Status)
		}
		if a := bearer.Get(t, w.ticket(t, h.Person, at)); a.Status != http.StatusOK {
			t.Errorf("a new one got %d", a.Status)
		}
	}
}

// other is another letter than this one.
func other(b byte) string {
	if b == 'x' {
		return "y"
	}
	return "x"
}

func (w *world) originKnowsNobody(h *holder, made thing) func(*testing.T) {
	return func(t *testing.T) {
		officer := w.officer(t, coop, "Rita")
		for _, who := range []*apptest.Person{h.Person, officer} {
			if got := who.Cookie("s-" + coop); got == "" {
				t.Fatal("nobody is signed in")
			}
			secret := who.Cookie("s-" + coop)
			carried := func(r *http.Request) {
				for _, name := range []string{"s-" + coop, "__Host-s-" + coop} {
					r.AddCookie(&http.Cookie{Name: name, Value: secret})
				}
			}
			values := map[string]string{"id": made.caseID, "document": made.document, "procedure": "credencial", "step": "1", "file": "pdf"}
			for _, at := range append(addresses(http.MethodGet, coop, values), "/", "/healthz", "/avaliacao", "/pki/", "/static/chancela.css") {
				a := who.Get(t, w.elsewhere()+at, carried)
				if a.Status != http.StatusNotFound || len(a.Header.Values("Set-Cookie")) > 0 || a.Location() != "" {
					t.Errorf("GET %s of the origin of documents got %d, %q", at, a.Status, a.Header)
				}
			}
			for _, at := range addresses(http.MethodPost, coop, values) {
				a := who.Post(t, w.elsewhere()+at, url.Values{apptest.UserField: {h.Email}, apptest.PasswordField: {h.Password}}, carried, func(r *http.Request) {
					r.Header.Set("Origin", w.elsewhere())
				})
				if a.Status != http.StatusNotFound || len(a.Header.Values("Set-Cookie")) > 0 {
					t.Errorf("POST %s of the origin of documents got %d", at, a.Status)
				}
			}
			if !who.Inside(t, coop) {
				t.Error("the session ended of it")
			}
		}
		// Nor does the pages' origin take a ticket, nor a form that comes from where documents are.
		at := "/" + coop + "/processos/" + made.caseID + "/documentos/" + made.document
		if a := h.Get(t, "/documento/"+last(w.ticket(t, h.Person, at))); a.Status != http.StatusNotFound || strings.Contains(a.Body, "%PDF") {
			t.Errorf("a ticket at the pages' origin got %d", a.Status)
		}
		a := h.Post(t, "/"+coop+"/sair", nil, func(r *http.Request) {
			r.Header.Set("Origin", w.elsewhere())
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		})
		if a.Status != http.StatusForbidden || !h.Inside(t, coop) {
			t.Errorf("a form of the documents' origin got %d", a.Status)
		}
	}
}
