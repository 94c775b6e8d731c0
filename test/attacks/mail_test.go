package attacks_test

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rawMails are the mails as they left, with their headers.
func (w *world) rawMails(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.Data, "outbox", "mail", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = raw
	}
	if len(all) == 0 {
		t.Fatal("nothing was mailed")
	}
	return all
}

// htmlMails looks at the HTML half of every mail.
func (w *world) htmlMails(t *testing.T, look func(part string)) {
	t.Helper()
	seen := 0
	for name, raw := range w.rawMails(t) {
		m, err := mail.ReadMessage(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		parts := multipart.NewReader(m.Body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil {
				break
			}
			if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
				continue
			}
			var body io.Reader = part
			if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
				body = quotedprintable.NewReader(part)
			}
			text, err := io.ReadAll(body)
			if err != nil {
				t.Fatal(err)
			}
			seen++
			look(string(text))
		}
	}
	if seen == 0 {
		t.Error("no mail has an HTML half: there was nothing to look at")
	}
}
