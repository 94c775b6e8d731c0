package attacks_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/apptest"
)

func TestDocumentsAndRawHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder(t)
		t.Run("C08 a document is handed out and never shown", w.handedOut(h))
		t.Run("C09 what is two things at once is refused", w.polyglots(h))
		t.Run("C12 what is too large or cut off leaves nothing", w.tooLarge(h))
		t.Run("C13 C14 names of files are words and no headers", w.fileNames(h))
		t.Run("C14 no name adds a header to a mail", w.mailHeaders)
		t.Run("C19 malformed requests are refused", w.malformed)
		t.Run("C19 every path has one spelling", w.spelledPaths(h))
		t.Run("B11 no request leads to another host", w.rawRedirects)
	})
}

// waiting is a case that waits for a document: its id, and an upload that answers it.
func (w *world) waiting(t *testing.T, h *holder) (draft, at string) {
	t.Helper()
	answers, _ := w.credencial(t, h)
	draft = begin(t, h.Person, coop, "credencial")
	at = "/" + coop + "/processos/" + draft + "/passo/1"
	for range 12 { // to the step that asks for documents
		page := h.Get(t, at)
		documents, words := page.Fields(t)
		if len(documents) > 0 {
			return draft, at
		}
		values := url.Values{"perguntas": {page.Value(t, "perguntas")}} // what it showed: the rest is asked for next
		for name, all := range answers {
			key, column, isColumn := strings.Cut(name, ".")
			for i, value := range all {
				cell := fmt.Sprintf("%s.%s.%d", key, column, i)
				switch {
				case isColumn && slices.Contains(words, name+".0"): // as many rows as there are
					values.Add(cell, value)
				case slices.Contains(words, name):
					values.Add(name, value)
				}
			}
		}
		a := h.Post(t, at, values)
		done(t, a)
		at = a.Location()
	}
	t.Fatal("no step asks for documents")
	return "", ""
}

// kept are the documents of all cases, as files.
func (w *world) kept(t *testing.T) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(w.Data, "documents"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return n
}

func (w *world) handedOut(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		made := w.credential(t, h)
		officer := w.officer(t, coop, "Rita")
		for at, who := range map[string]*apptest.Person{
			"/processos/" + made.caseID + "/documentos/" + made.document:         h.Person,
			"/tecnico/processos/" + made.caseID + "/documentos/" + made.document: officer,
			"/credenciais/" + made.id + "/pdf":                                   h.Person,
			"/tecnico/credenciais/" + made.id + "/pdf":                           officer,
		} {
			a := who.Get(t, "/"+coop+at, func(r *http.Request) { r.Header.Set("Accept", "text/html") })
			if a.Status != http.StatusOK || !strings.HasPrefix(a.Body, "%PDF-") {
				t.Errorf("%s got %d", at, a.Status)
			}
			inert(t, at, a)
		}
	}
}

func (w *world) polyglots(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		draft, at := w.waiting(t, h)
		script := "<html><script>alert(1)</script></html>"
		good := pdf("um documento inventado")
		before := w.kept(t)
		for what, content := range map[string][]byte{
			"HTML before the PDF": append([]byte(script), good...), "HTML alone": []byte(script), "SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`),
			"GIF with a script": []byte("GIF89a/*" + strings.Repeat(" ", 64) + "*/=1;alert(1)"), "a program": append([]byte("MZ"), good...), "PNG": []byte("\x89PNG\r\n\x1a\n" + script),
			"a ZIP behind the PDF": append(bytes.Clone(good), []byte("PK\x05\x06"+strings.Repeat("\x00", 18))...), "a ZIP": []byte("PK\x03\x04" + strings.Repeat("\x00", 64)),
			"nothing": nil, "words": []byte("%PDF"), "EICAR": []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`),
			"HTML behind the PDF": append(bytes.Clone(good), []byte("\n"+script)...), "XML": []byte(`<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>`),
		} {
			for _, kind := range []string{"application/pdf", "text/html"} {
				a := h.Upload(t, at, nil, map[string]apptest.File{"ata": {Name: "ata.pdf", Type: kind, Content: content}})
				if a.Status != http.StatusUnprocessableEntity {
					t.Errorf("%s, said to be %s, got %d", what, kind, a.Status)
				}
				if strings.Contains(h.Get(t, at).Body, "/retirar/") {
					t.Fatalf("%s, said to be %s, is kept", what, kind)
				}
			}
		}
		if now := w.kept(t); now != before {
			t.Errorf("%d files are left of what was refused", now-before)
		}
		h.Upload(t, at, nil, map[string]apptest.File{"ata": {Name: "ata.html", Type: "text/html", Content: good}})
		id := find(t, h.Get(t, at).Body, `/documentos/([0-9a-z]+)`)
		if a := h.Get(t, "/"+coop+"/processos/"+draft+"/documentos/"+id); a.Header.Get("Content-Type") != "application/pdf" || strings.Contains(a.Header.Get("Content-Disposition"), ".html\"") && !strings.Contains(a.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("a PDF called HTML is handed out as %q, %q", a.Header.Get("Content-Type"), a.Header.Get("Content-Disposition"))
		}
	}
}

// endless is a body of so many bytes whose length nobody tells.
func endless(head string, n int64) io.Reader {
	return io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, n))
}

type zeros struct{}

// Read gives spaces.
func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

const boundary = "fronteira"

func partHead(slot, name string) string {
	return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + slot + "\"; filename=\"" + name + "\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4\n"
}

func (w *world) tooLarge(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		draft, at := w.waiting(t, h)
		before := w.kept(t)
		eleven := append(pdf("onze megabytes"), bytes.Repeat([]byte(" "), 11<<20)...)
		if a := h.Upload(t, at, nil, map[string]apptest.File{"ata": {Name: "ata.pdf", Content: eleven}}); a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("eleven megabytes got %d", a.Status)
		}
		kind := "multipart/form-data; boundary=" + boundary
		for what, body := range map[string]io.Reader{
			"a document": endless(partHead("ata", "ata.pdf"), 66<<20), "a word": endless("--"+boundary+"\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n", 66<<20),
			"a header": endless("--"+boundary+"\r\nContent-Disposition: form-data; name=\"x\"; y=\"", 4<<20),
		} {
			r, err := h.TryBody(t.Context(), at, kind, body)
			if err == nil && r.Status != http.StatusRequestEntityTooLarge && r.Status != http.StatusUnprocessableEntity && r.Status != http.StatusBadRequest {
				t.Errorf("%s of sixty-six megabytes and no length got %d", what, r.Status)
			}
		}
		for _, cut := range []string{"at the beginning", "before its end"} {
			w.cutOff(t, h, at, cut == "before its end")
		}
		if a := h.Post(t, at, url.Values{"x": {strings.Repeat("y", 3<<20)}}); a.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("a form of three megabytes got %d", a.Status)
		}
		many := strings.Repeat("--"+boundary+"\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n", 20_000)
		if a := h.Do(t, http.MethodPost, at, kind, strings.NewReader(many)); a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusBadRequest {
			t.Errorf("twenty thousand parts got %d", a.Status)
		}
		w.eventually(t, "no file of a cut-off upload is left", func() bool { return w.kept(t) == before })
		if page := h.Get(t, "/"+coop+"/processos/"+draft+"/passo/1"); page.Status != http.StatusOK {
			t.Errorf("the draft is gone: %d", page.Status)
		}
	}
}

// cutOff begins an upload and hangs up.
func (w *world) cutOff(t *testing.T, h *holder, at string, late bool) {
	t.Helper()
	c := w.raw(t)
	body := partHead("ata", "ata.pdf") + strings.Repeat(" ", 3<<20)
	sent := body
	if !late {
		sent = body[:200]
	}
	_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nCookie: s-%s=%s\r\nOrigin: %s\r\nSec-Fetch-Site: same-origin\r\nContent-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n%s",
		at, strings.TrimPrefix(w.URL, "http://"), coop, h.Cookie("s-"+coop), w.URL, boundary, len(body)+100, sent)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what happens elsewhere a moment later.
func (w *world) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.NewTimer(20*time.Second)
	defer tick.Stop()
	defer late.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Errorf("not after 20 s: %s", what)
			return
		}
	}
}

func (w *world) fileNames(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		draft, at := w.waiting(t, h)
		slots := []string{"ata", "relatorio_gestao", "balanco", "parecer_fiscal"}
		names := []string{
			`../../../../etc/passwd.pdf`, `..\..\windows\x.pdf`, "\u202efdp.exe.pdf", "aspas\u201d\u0022.pdf", "ponto;e=virgula.pdf", strings.Repeat("n", 4000) + ".pdf", "=cmd|' /C calc'!A0.pdf",
			"linha\r\nSet-Cookie: evil=1\r\n\r\n.pdf", "nulo\x00.pdf", "<x-canary>.pdf", "%0d%0aSet-Cookie:evil=1.pdf", "çã – º.pdf", "", ".", "CON.pdf", "a\u0000\u0007\u009b.pdf",
		}
		for i, name := range names {
			slot := slots[i%len(slots)]
			escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
			h.Upload(t, at, nil, map[string]apptest.File{slot: {Name: escaped, Content: pdf(fmt.Sprintf("nome %d", i))}})
			page := h.Get(t, at)
			harmless(t, "the form", page.Body)
			for _, id := range documentsOf(page.Body) {
				a := h.Get(t, "/"+coop+"/processos/"+draft+"/documentos/"+id)
				shown := a.Header.Get("Content-Disposition")
				if a.Header.Get("Set-Cookie") != "" || strings.ContainsAny(shown, "\r\n\x00") || strings.Contains(shown, "..") || strings.Contains(shown, "/") || len(shown) > 2000 || strings.Contains(shown, "%E2%80%AE") {
					t.Errorf("%q is handed out as %q", name, shown)
				}
				done(t, h.Post(t, "/"+coop+"/processos/"+draft+"/retirar/"+id, nil))
			}
		}
		if _, err := os.Stat(filepath.Join(w.Data, "..", "passwd.pdf")); err == nil {
			t.Error("a file was written outside")
		}
	}
}

// documentsOf are the ids of the documents that a page links.
func documentsOf(body string) []string {
	var found []string
	for body != "" {
		at := strings.Index(body, "/documentos/")
		if at < 0 {
			return found
		}
		body = body[at+len("/documentos/"):]
		end := strings.IndexFunc(body, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
		if end > 0 {
			found = append(found, body[:end])
		}
	}
	return found
}

func (w *world) mailHeaders(t *testing.T) {
	p := w.Person(t)
	email := "cabecalho." + strings.ToLower(apptest.Random()[:6]) + "@inventada.exemplo.pt"
	email = strings.NewReplacer("_", "x", "-", "x").Replace(email)
	values := access("Cabeçalho Exemplo", email, w.nipc())
	for name, value := range map[string]string{
		"nome": "Cabeçalho Exemplo\r\nBcc: vitima@evil.example", "email": email + "\r\nBcc: vitima@evil.example", "denominacao": "Cooperativa\r\nBcc: vitima@evil.example\r\n\r\n<b>CRL",
		"telefone": "912345678\r\nBcc: vitima@evil.example",
	} {
		wrong := url.Values{}
		for n, v := range values {
			wrong[n] = v
		}
		wrong.Set(name, value)
		p.Post(t, "/"+coop+"/novo/acesso", wrong)
	}
	for _, two := range []string{email + ",vitima@evil.example", email + " <vitima@evil.example>", "vitima@evil.example@" + email, `"vitima@evil.example "@inventada.exemplo.pt`, email + "%0d%0aBcc:x@evil.example"} {
		wrong := url.Values{}
		for n, v := range values {
			wrong[n] = v
		}
		wrong.Set("email", two)
		if a := p.Post(t, "/"+coop+"/novo/acesso", wrong); a.Status == http.StatusSeeOther {
			t.Errorf("%q is taken for an address", two)
		}
	}
	w.Settled(t)
	for name, raw := range w.rawMails(t) {
		head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		for _, line := range strings.Split(string(head), "\r\n") {
			if strings.HasPrefix(strings.ToLower(line), "bcc") || strings.HasPrefix(strings.ToLower(line), "to:") && strings.Contains(line, "evil.example") {
				t.Errorf("%s: a header was added: %q", name, line)
			}
		}
	}
}

// raw opens a connection.
func (w *world) raw(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", w.Listening())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// say sends bytes and gives the answers that come until the connection ends.
func (w *world) say(t *testing.T, request string) []*http.Response {
	t.Helper()
	c := w.raw(t)
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	var answers []*http.Response
	for in := bufio.NewReader(c); ; {
		a, err := http.ReadResponse(in, nil)
		if err != nil {
			return answers
		}
		_, _ = io.Copy(io.Discard, a.Body)
		answers = append(answers, a)
	}
}

func (w *world) malformed(t *testing.T) {
	{
		host := "Host: " + strings.TrimPrefix(w.URL, "http://") + "\r\n"
		form := "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n"
		post := "POST /" + coop + "/recuperar HTTP/1.1\r\n" + host + form
		smuggled := "GET /smuggled HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"
		before := w.entries(t)
		for what, request := range map[string]string{
			"two lengths":              post + "Content-Length: 3\r\nContent-Length: 4\r\nConnection: close\r\n\r\na=b" + smuggled,
			"two lengths in one":       post + "Content-Length: 3, 4\r\nConnection: close\r\n\r\na=b" + smuggled,
			"a negative length":        post + "Content-Length: -1\r\nConnection: close\r\n\r\n" + smuggled,
			"a length with a sign":     post + "Content-Length: +3\r\nConnection: close\r\n\r\na=b",
			"two encodings":            post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nConnection: close\r\n\r\n0\r\n\r\n" + smuggled,
			"an unknown encoding":      post + "Transfer-Encoding: xchunked\r\nConnection: close\r\n\r\n0\r\n\r\n" + smuggled,
			"a space before the colon": post + "Content-Length : 3\r\nConnection: close\r\n\r\na=b" + smuggled,
			"a folded header":          "GET / HTTP/1.1\r\n X: y\r\n" + host + "Connection: close\r\n\r\n",
			"no host":                  "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
			"two hosts":                "GET / HTTP/1.1\r\n" + host + "Host: evil.example\r\nConnection: close\r\n\r\n",
			"a host with a path":       "GET / HTTP/1.1\r\nHost: localhost/evil\r\nConnection: close\r\n\r\n",
			"NUL in a header":          "GET / HTTP/1.1\r\n" + host + "X: a\x00b\r\nConnection: close\r\n\r\n",
			"a bad chunk":              post + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nffffffffffffffffff\r\na\r\n0\r\n\r\n",
			"no version":               "GET /\r\n" + host + "\r\n",
			"another version":          "GET / HTTP/3.7\r\n" + host + "Connection: close\r\n\r\n",
			"a foreign absolute form":  "GET http://evil.example/ HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n",
			"a tunnel":                 "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n",
			"huge headers":             "GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
		} {
			answers := w.say(t, request)
			for _, a := range answers {
				if a.StatusCode < 400 || a.StatusCode >= 500 && a.StatusCode != http.StatusNotImplemented && a.StatusCode != http.StatusHTTPVersionNotSupported {
					t.Errorf("%s got %d", what, a.StatusCode)
				}
			}
			if len(answers) > 1 {
				t.Errorf("%s is read as %d requests", what, len(answers))
			}
		}
		// Length and chunks together: RFC 9112 §6.3 lets a server read the chunks, if it then closes.
		both := w.say(t, post+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+smuggled)
		if len(both) > 1 {
			t.Errorf("length and chunks together are read as %d requests", len(both))
		}
		if now := w.entries(t); now != before {
			t.Errorf("malformed requests did %d deeds", now-before)
		}
	}
}

func (w *world) spelledPaths(h *holder) func(*testing.T) {
	return func(t *testing.T) {
		host := "Host: " + strings.TrimPrefix(w.URL, "http://") + "\r\nCookie: s-" + coop + "=" + h.Cookie("s-"+coop) + "\r\nConnection: close\r\n\r\n"
		area := w.say(t, "GET /"+coop+"/area HTTP/1.1\r\n"+host)
		if len(area) != 1 || area[0].StatusCode != http.StatusOK {
			t.Fatal("the plain path does not open")
		}
		for _, path := range []string{
			"//" + coop + "/area", "/" + coop + "//area", "/" + coop + "/./area", "/./" + coop + "/area", "/x/../" + coop + "/area", "/" + coop + "/%2e/area", "/%2e%2e/" + coop + "/area",
			"/" + coop + "/area/", "/" + coop + "/area;x=.css", "/" + coop + "/area.css", "/" + coop + "/AREA", "/" + strings.ToUpper(coop) + "/area", "/" + coop + "%2farea", "/" + coop + "/area%00",
			"/" + coop + `/\area`, "/" + coop + "/%5carea", "/" + coop + "/area%20", "/" + coop + "/area/x.css", "/" + coop + "/area%0a", "/" + coop + "/%252e/area", "/" + coop + "/area%3f", "/healthz/../" + coop + "/area",
		} {
			for _, a := range w.say(t, "GET "+path+" HTTP/1.1\r\n"+host) {
				if a.StatusCode == http.StatusOK || a.StatusCode >= 500 {
					t.Errorf("%s got %d", path, a.StatusCode)
				}
				if to := a.Header.Get("Location"); to != "" && (w.leadsAway(t, to) || !strings.HasPrefix(to, "/"+coop+"/") && !strings.HasPrefix(to, w.URL)) {
					t.Errorf("%s leads to %q", path, to)
				}
			}
		}
	}
}

func (w *world) rawRedirects(t *testing.T) {
	port := w.Listening()[strings.LastIndexByte(w.Listening(), ':'):]
	for _, host := range []string{"localhost" + port, "127.0.0.1" + port} {
		for _, target := range []string{
			"//evil.example/", "//evil.example/%2e%2e", "//evil.example", "/\\evil.example", "x:@evil.example/", "x:.evil.example/", "x://evil.example/", "http://127.0.0.1" + port + "//evil.example/",
			"/" + coop + "//evil.example/..", "/%0d%0aLocation:%20https://evil.example", "*", "//evil.example/?lang=en", "/" + coop + "/%2f%2fevil.example/?lang=en", "/@evil.example/?lang=en",
		} {
			for _, a := range w.say(t, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n") {
				if to := a.Header.Get("Location"); to != "" && w.leadsAway(t, to) {
					t.Errorf("%s at %s leads to %q", target, host, to)
				}
			}
		}
	}
}
