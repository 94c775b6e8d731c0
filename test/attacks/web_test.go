package attacks_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"chancela/internal/app"
	"chancela/internal/apptest"
	"chancela/internal/db"
	"chancela/internal/tour"
	"chancela/portals"
)

func TestPagesAndForms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder(t)
		t.Run("A23 fields that a form does not ask for are refused by name", w.protectedFields(h))
		t.Run("C01 no form from elsewhere does anything", w.crossSite(h))
		t.Run("C01 reading does nothing", w.readingDoesNothing(h))
		t.Run("C03 what is somebody else's does not exist", w.othersThings(h))
		t.Run("C07 what people type is words everywhere", w.scripts)
		t.Run("C16 C25 nobody writes in the log", w.logged(h))
		t.Run("E08 one portal knows nothing of the other", w.acrossPortals(h))
	})
}

// example gives the answers of a procedure as the tour of its portal does.
func example(t *testing.T, portal, procedure string) (url.Values, map[string]apptest.File) {
	t.Helper()
	scripts, err := tour.Scripts(portals.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		for _, act := range script.Acts {
			if script.Portal != portal || act.Do != "file" || act.Procedure != procedure {
				continue
			}
			answers, files := url.Values{}, map[string]apptest.File{}
			for name, all := range act.Answers {
				answers[name] = slices.Clone(all)
			}
			for slot, kind := range act.Files {
				content := pdf("Documento inventado: " + slot)
				if strings.HasPrefix(kind, "key-request") {
					content = csr(t)
				}
				files[slot] = apptest.File{Name: slot + ".pdf", Content: content}
			}
			return answers, files
		}
	}
	t.Fatalf("no tour of %s files %s", portal, procedure)
	return nil, nil
}

// credencial are the answers of the yearly request of somebody's cooperative.
func (w *world) credencial(t *testing.T, h *holder) (url.Values, map[string]apptest.File) {
	t.Helper()
	answers, files := example(t, coop, "credencial")
	for _, locked := range []string{"denominacao", "nipc", "nome"} {
		answers.Del(locked)
	}
	return answers, files
}

func (w *world) protectedFields(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		more := url.Values{
			"role": {"officer"}, "roles": {"administrator"}, "kind": {"officer"}, "portal": {ca}, "state": {"approved"}, "estado": {"approved"}, "person": {"p"}, "account": {"a"},
			"verified": {"true"}, "number": {"CASES/2026/000001"}, "revision": {"0"}, "approvals": {"2"}, "due": {"2099-01-01"}, "address_key": {"x"}, "id": {"1"},
		}
		stranger, nipc := w.Person(t), w.nipc()
		email := "protegida." + strings.ToLower(db.NewID()[:8]) + "@inventada.exemplo.pt"
		values := access("Protegida Exemplo", email, nipc)
		for name, all := range more {
			values[name] = all
		}
		a := stranger.Post(t, "/"+coop+"/novo/acesso", values)
		if a.Status != http.StatusBadRequest {
			t.Errorf("unknown fields got %d", a.Status)
		}

		other := w.nipc()
		id := begin(t, h.Person, coop, "credencial")
		locked := url.Values{"nipc": {other}, "denominacao": {"Cooperativa Alheia, CRL"}, "nome": {"Outra Pessoa Alheia"}}
		for _, at := range []string{"/passo/1", "/guardar"} {
			if a := h.Post(t, "/"+coop+"/processos/"+id+at, locked); a.Status != http.StatusBadRequest {
				t.Errorf("locked fields at %s got %d", at, a.Status)
			}
		}
		page := h.Get(t, "/"+coop+"/processos/"+id+"/rever").Body
		for _, typed := range []string{other, "Cooperativa Alheia", "Outra Pessoa Alheia"} {
			if strings.Contains(page, typed) {
				t.Errorf("a locked field holds what was typed: %s", typed)
			}
		}
		if !strings.Contains(strings.ReplaceAll(page, "\u00a0", ""), "Inventada Pessoa") {
			t.Error("a locked field does not hold what is known")
		}
		a = h.Upload(t, "/"+coop+"/processos/"+id+"/passo/1", nil, map[string]apptest.File{"denominacao": {Name: "a.pdf", Content: pdf("x")}, "../../x": {Name: "a.pdf", Content: pdf("x")}})
		if a.Status == http.StatusSeeOther {
			t.Error("a document is taken where none is asked for")
		}
		invite := url.Values{"tecnico-nome": {"Eu Própria"}, "tecnico-endereco": {h.Email}, "tecnico-perfis": {"administrator", "decider"}}
		if a := h.Post(t, "/"+coop+"/tecnico/equipa", invite); a.Status != http.StatusNotFound {
			t.Errorf("an applicant invites officers: %d", a.Status)
		}
		if a := w.officer(t, coop, "Rita").Post(t, "/"+coop+"/tecnico/equipa", invite); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
			t.Errorf("an officer without that role invites officers: %d", a.Status)
		}
	}
}

// begin starts a draft as somebody who is signed in, and gives its id.
func begin(t *testing.T, p *apptest.Person, portal, procedure string) string {
	t.Helper()
	a := p.Post(t, "/"+portal+"/novo/"+procedure, nil)
	found := regexp.MustCompile(`/processos/([^/]+)/`).FindStringSubmatch(a.Location())
	if found == nil {
		t.Fatalf("no draft begins: %d %s", a.Status, a.Text(t))
	}
	return found[1]
}

// addresses are the patterns of the face with one method, with every wildcard filled in.
func addresses(method, portal string, values map[string]string) []string {
	var all []string
	for _, pattern := range app.Routes() {
		path, ok := strings.CutPrefix(pattern, method+" ")
		if !ok {
			continue
		}
		path = strings.ReplaceAll(strings.ReplaceAll(path, "{$}", ""), "{portal}", portal)
		for name, value := range values {
			path = strings.ReplaceAll(path, "{"+name+"}", value)
		}
		all = append(all, regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(path, "1"))
	}
	return all
}

func (w *world) crossSite(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		officer := w.officer(t, coop, "Rita")
		p := w.proven(t)
		w.Settled(t)
		attacks := map[string]func(*http.Request){
			"another site": func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				r.Header.Set("Origin", "https://evil.example")
			},
			"a sibling":      func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			"an old browser": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
			"a sandbox":      func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
			"a like name":    func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", w.URL+".evil.example") },
			"another port":   func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://localhost:1") },
			"a broken Referer too": func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				r.Header.Set("Referer", w.URL+"/")
			},
		}
		values := map[string]string{"id": p.id, "procedure": "credencial", "move": "assumir", "step": "1"}
		posts := addresses(http.MethodPost, coop, values)
		if len(posts) < 20 {
			t.Fatalf("only %d addresses take forms", len(posts))
		}
		before := w.entries(t)
		for what, attack := range attacks {
			for _, at := range posts {
				for _, who := range []*apptest.Person{officer, h.Person} {
					if a := who.Post(t, at, url.Values{"revisao": {"x"}, apptest.UserField: {h.Email}, apptest.PasswordField: {h.Password}}, attack); a.Status != http.StatusForbidden {
						t.Errorf("a form of %s at %s got %d", what, at, a.Status)
					}
				}
			}
		}
		// Nor does what is no form, or no POST, do what a form does.
		at := "/" + coop + "/tecnico/processos/" + p.id + "/assumir"
		for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, "TRACE", "PROPFIND"} {
			if a := officer.Do(t, method, at, "", nil); a.Status != http.StatusMethodNotAllowed && a.Status != http.StatusNotFound {
				t.Errorf("%s got %d", method, a.Status)
			}
		}
		for _, a := range []apptest.Answer{
			officer.Get(t, at+"?_method=POST"), officer.Get(t, at, func(r *http.Request) { r.Header.Set("X-HTTP-Method-Override", "POST") }),
			officer.Do(t, http.MethodHead, at, "", nil),
		} {
			if a.Status == http.StatusSeeOther || a.Status == http.StatusOK {
				t.Errorf("reading with another method's name got %d", a.Status)
			}
		}
		if now := w.entries(t); now != before {
			t.Errorf("%d deeds were done", now-before)
		}
		stranger := w.Person(t)
		for _, kind := range []string{"text/plain", "application/json", "application/xml", ""} {
			body := `{"utilizador":"` + h.Email + `","palavra-chave":"` + h.Password + `","x":"="}`
			if a := stranger.Do(t, http.MethodPost, "/"+coop+"/entrar", kind, strings.NewReader(body)); a.Status == http.StatusSeeOther || stranger.Cookie("e-"+coop) != "" {
				t.Errorf("%q is read as a form: %d", kind, a.Status)
			}
		}
		done(t, officer.Move(t, coop, p.id, "assumir", nil)) // while the form itself does it
	}
}

func (w *world) readingDoesNothing(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		officer, p := w.officer(t, coop, "Rita"), w.proven(t)
		id := begin(t, h.Person, coop, "credencial")
		done(t, w.Person(t).Post(t, "/"+coop+"/recuperar", asked("ninguem@inventada.exemplo.pt", h.nipc)))
		w.Settled(t)
		before := w.entries(t)
		for _, values := range []map[string]string{{"id": p.id, "procedure": "credencial", "step": "1"}, {"id": id, "procedure": "acesso", "step": "2"}} {
			for _, at := range addresses(http.MethodGet, coop, values) {
				for _, who := range []*apptest.Person{officer, h.Person, w.Person(t)} {
					if a := who.Get(t, at); a.Status >= 500 {
						t.Errorf("GET %s got %d", at, a.Status)
					}
				}
			}
		}
		if now := w.entries(t); now != before {
			t.Errorf("reading did %d deeds", now-before)
		}
	}
}

func (w *world) othersThings(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		mine := w.credential(t, h)
		thief, stranger, outsider := w.holder(t), w.Person(t), w.officer(t, ca, "Teresa")
		follower := w.proven(t) // a visitor who may see one case, by its link
		unknown := map[string]string{"id": db.NewID(), "document": db.NewID()}
		seen := map[string]bool{}
		places := map[string][]string{"processos/": {mine.caseID, h.id}, "credenciais/": {mine.id}, "certificados/": {mine.id}}
		for portal, who := range map[string][]*apptest.Person{coop: {thief.Person, follower.Person, stranger}, ca: {outsider}} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				for _, more := range []map[string]string{
					{"step": "1", "move": "assumir", "file": "certificado.pem", "code": "poderes"}, {"step": "2", "move": "revogar", "file": "pdf", "code": "x"},
				} {
					for place, ids := range places {
						for _, id := range ids {
							theirs, nobodys := merged(more, map[string]string{"id": id, "document": mine.document}), merged(more, unknown)
							one, other := addresses(method, portal, theirs), addresses(method, portal, nobodys)
							for i, at := range one {
								if strings.Contains(at, place) && at != other[i] && !seen[method+at] {
									seen[method+at] = true
									w.looksUnknown(t, method, at, other[i], who, id, unknown["id"], mine.document, unknown["document"], h.nipc)
								}
							}
						}
					}
				}
			}
		}
		if a := h.Get(t, "/"+coop+"/processos/"+mine.caseID+"/documentos/"+mine.document); a.Status != http.StatusOK {
			t.Errorf("its owner does not get it: %d", a.Status)
		}
		if a := h.Get(t, "/"+coop+"/credenciais/"+mine.id); a.Status != http.StatusOK {
			t.Errorf("its owner does not see it: %d", a.Status)
		}
	}
}

// looksUnknown asks that somebody else's thing and one that does not exist look alike to people.
func (w *world) looksUnknown(t *testing.T, method, at, nowhere string, who []*apptest.Person, typed ...string) {
	t.Helper()
	for _, p := range who {
		a, b := p.Do(t, method, at, "", nil), p.Do(t, method, nowhere, "", nil)
		same(t, method+" "+at, a, b, typed...)
		if a.Status == http.StatusOK || a.Status >= 500 {
			t.Errorf("%s %s got %d", method, at, a.Status)
		}
	}
}

func merged(all ...map[string]string) map[string]string {
	m := map[string]string{}
	for _, one := range all {
		for name, value := range one {
			m[name] = value
		}
	}
	return m
}

// thing is a credencial with what led to it.
type thing struct{ caseID, id, document, code string }

// credential has a cooperative's credencial issued.
func (w *world) credential(t *testing.T, h *holder) thing {
	t.Helper()
	answers, files := w.credencial(t, h)
	made := thing{caseID: h.File(t, coop, "credencial", answers, files)}
	w.approve(t, coop, made.caseID, "Rita")
	w.Mail(t, h.Email, apptest.Link("/credenciais"))
	made.id = find(t, h.Get(t, "/"+coop+"/area").Body, `/credenciais/([0-9a-z]+)`)
	made.code = find(t, h.Get(t, "/"+coop+"/credenciais/"+made.id).Body, `/verificar/([0-9A-Z-]+)`)
	made.document = find(t, h.Get(t, "/"+coop+"/processos/"+made.caseID).Body, `/documentos/([0-9a-z]+)`)
	return made
}

func find(t *testing.T, body, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("nothing on the page is like %s:\n%s", pattern, body)
	}
	return found[1]
}

// Payloads that become an element called x-canary, or an attribute, wherever somebody forgot to encode.
const (
	element = `<x-canary>`
	broken  = `"'><x-canary onerror=alert(1)></title></textarea></script><x-canary>`
)

// harmless asks that a page has no element or attribute of the payloads.
func harmless(t *testing.T, what, page string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "x-canary" {
			t.Errorf("%s: what was typed became an element", what)
			return
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || (a.Key == "href" || a.Key == "action" || a.Key == "src") && strings.Contains(strings.ToLower(a.Val), "javascript:") {
				t.Errorf("%s: an attribute runs: %s=%q", what, a.Key, a.Val)
			}
		}
	}
}

func (w *world) scripts(t *testing.T) {
	officer := w.officer(t, coop, "Rita")
	p := w.Person(t)
	nipc := w.nipc()
	email := "escrita." + strings.ToLower(db.NewID()[:8]) + "@inventada.exemplo.pt"
	values := access("Escrita "+broken, email, nipc)
	values.Set("denominacao", "Cooperativa "+broken+", CRL")
	values.Set("funcao", "outra")
	values.Set("funcao_outra", broken)
	a := p.Post(t, "/"+coop+"/novo/acesso", values)
	harmless(t, "the form shown again", a.Body)
	if a.Status == http.StatusUnprocessableEntity && !strings.Contains(a.Body, "x-canary") {
		t.Error("what was typed is not kept")
	}
	values.Set("nome", "Escrita Exemplo") // a name has no such letters; a body's may
	values.Set("denominacao", "Cooperativa "+element+" & Filhas, CRL")
	values.Set("funcao_outra", "função "+element)
	id := p.File(t, coop, "acesso", values, nil)
	for _, page := range []string{"/recibo", ""} {
		harmless(t, "receipt and case", p.Get(t, "/"+coop+"/processos/"+id+page).Body)
	}
	done(t, p.Post(t, w.Mail(t, email, apptest.Link("/confirmar/")), nil))
	for _, page := range []string{"/tecnico/", "/tecnico/?procura=" + url.QueryEscape(broken), "/tecnico/processos/" + id, "/tecnico/auditoria?objeto=" + url.QueryEscape(broken) + "&ato=" + url.QueryEscape(broken)} {
		a := officer.Get(t, "/"+coop+page)
		harmless(t, page, a.Body)
		if a.Status != http.StatusOK {
			t.Errorf("%s got %d", page, a.Status)
		}
	}
	done(t, officer.Move(t, coop, id, "assumir", nil))
	done(t, officer.Move(t, coop, id, "nota", url.Values{"nota.words": {broken}}))
	done(t, officer.Move(t, coop, id, "elementos", url.Values{"elementos.ask.poderes": {"1"}, "elementos.reason.poderes": {"Falta o documento " + broken}}))
	file := apptest.File{Name: `<x-canary onerror=alert(1)>'&quot;.pdf`, Content: pdf(broken)}
	a = p.Upload(t, "/"+coop+"/processos/"+id+"/responder", url.Values{"mensagem": {broken}}, map[string]apptest.File{"poderes": file})
	done(t, a)
	for _, one := range []apptest.Answer{
		officer.Get(t, "/"+coop+"/tecnico/processos/"+id), p.Get(t, "/"+coop+"/processos/"+id), p.Get(t, "/"+coop+"/processos/"+id+"/recibo"),
	} {
		if !strings.Contains(one.Body, "x-canary") {
			t.Errorf("the page does not show what was typed: %d", one.Status)
		}
		harmless(t, "the case", one.Body)
	}
	for _, page := range []string{"/verificar/" + url.PathEscape(broken), "/verificar?codigo=" + url.QueryEscape(broken), "/" + url.PathEscape(broken), "/" + coop + "/" + url.PathEscape(broken), "/verificar?dia=" + url.QueryEscape(broken)} {
		harmless(t, page, p.Get(t, page).Body)
	}
	w.Settled(t)
	for _, mail := range w.Mails(t, email) { // mails are shown by a page too, and have an HTML half
		harmless(t, "the mailbox", p.Get(t, "/avaliacao/"+mail.File).Body)
	}
	w.htmlMails(t, func(part string) { harmless(t, "a mail", part) })
}

func (w *world) logged(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		forged := "x\n" + `{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"forged-by-attacker"}` + "\r\n\x1b[31m"
		canary := "canario-" + apptest.Random()
		w.secret("what a stranger typed", canary)
		p := w.Person(t)
		p.Enter(t, coop, forged+canary, forged+canary)
		p.Get(t, "/"+coop+"/"+url.PathEscape(forged+canary))
		p.Get(t, "/verificar/"+url.PathEscape(canary+forged), func(r *http.Request) { r.Header.Set("User-Agent", canary); r.Header.Set("Referer", "http://x/"+canary) })
		p.Post(t, "/"+coop+"/recuperar", asked(canary+forged, canary))
		p.Do(t, http.MethodPost, "/"+coop+"/novo/acesso", "multipart/form-data; boundary="+canary, strings.NewReader("--"+canary+"\r\nbroken"))
		p.Do(t, "EVIL", "/"+coop+"/", "", nil)
		p.Do(t, canary+strings.Repeat("M", 20_000), "/"+coop+"/", "", nil) // a method is a word of the asker's own choice
		for _, line := range strings.Split(w.log.all(), "\n") {
			if strings.HasPrefix(line, `{"time":"2026-01-01`) || strings.Contains(line, "forged-by-attacker") {
				t.Errorf("C16: somebody wrote in the log: %s", line)
			}
		}
		w.enter(t, h.Person, coop)
		w.recordHoldsNoSecret(t)
	}
}

// recordHoldsNoSecret reads the record of deeds: it names people and things by their ids alone (C25).
func (w *world) recordHoldsNoSecret(t *testing.T) {
	t.Helper()
	var record bytes.Buffer
	err := w.DB.Look(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT portal, address, verb, object, details FROM audit_entry`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var columns [5]string
			if err := rows.Scan(&columns[0], &columns[1], &columns[2], &columns[3], &columns[4]); err != nil {
				return err
			}
			_, _ = io.WriteString(&record, strings.Join(columns[:], " ")+"\n")
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if record.Len() == 0 {
		t.Fatal("there is no record")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for secret, what := range w.secrets {
		if strings.Contains(record.String(), secret) {
			t.Errorf("C25: %s stands in the record of deeds: %q", what, secret)
		}
	}
}

func (w *world) acrossPortals(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		outsider, officer := w.officer(t, ca, "Teresa"), w.officer(t, coop, "Rita")
		number := find(t, officer.Get(t, "/"+coop+"/tecnico/processos/"+h.id).Body, `(CASES/[0-9]{4}/[0-9]+)`)
		for _, words := range []string{h.nipc, "Invenção", "Canário", number, h.Email, "%", "_", "'", "CASES", h.id} {
			a := outsider.Get(t, "/"+ca+"/tecnico/?procura="+url.QueryEscape(words))
			shown := strings.ReplaceAll(a.Body, html.EscapeString(words), "")
			if a.Status != http.StatusOK || strings.Contains(shown, h.id) || strings.Contains(shown, "CASES/") || strings.Contains(shown, "Invenção") {
				t.Errorf("a search for %q finds what is the other portal's: %d", words, a.Status)
			}
		}
		if a := officer.Get(t, "/"+coop+"/tecnico/?procura="+url.QueryEscape(h.nipc)+"&estado=decididos"); !strings.Contains(a.Body, h.id) {
			t.Error("nor does a search in its own portal find it: the test proves nothing")
		}
		for _, page := range []string{"/tecnico/", "/tecnico/?estado=decididos", "/tecnico/equipa", "/tecnico/auditoria", "/tecnico/auditoria?objeto=case/" + h.id} {
			shown := strings.ReplaceAll(outsider.Get(t, "/"+ca+page).Body, "case/"+h.id+`"`, "")
			for what, canary := range map[string]string{"a case": `processos/` + h.id, "an officer": officer.Email, "a person": h.Email, "a body": h.nipc} {
				if strings.Contains(shown, canary) {
					t.Errorf("%s shows %s of the other portal", page, what)
				}
			}
		}
		session := officer.Cookie("s-" + coop) // nor is a session of one portal one of the other
		p := w.Person(t)
		p.SetCookie("s-"+ca, session)
		if p.Inside(t, ca) {
			t.Error("a session of one portal opens the other")
		}
		if a := p.Get(t, "/"+ca+"/tecnico/"); a.Status == http.StatusOK {
			t.Error("an officer of one portal is one of the other")
		}
		same(t, "a user of the other portal", w.Person(t).Enter(t, ca, h.Email, h.Password), w.Person(t).Enter(t, ca, "ninguem@inventada.exemplo.pt", h.Password), h.Email, "ninguem@inventada.exemplo.pt")
	}
}
