package tour

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

const proofMail = "From: =?UTF-8?q?T=C3=A9cnica?= <p@localhost>\r\nTo: \"Ana\" <ana@exemplo.pt>\r\nSubject: =?UTF-8?q?N=C3=BAmero_12?=\r\nMessage-ID: <m1@localhost>\r\n" +
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n" +
	"Liga=C3=A7=C3=A3o: http://localhost:80/p/confirmar/abc=\r\ndef.\r\nC=C3=B3digo: 012345. Processo 2026/000123, 590000012.\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b--\r\n"

func TestAMailIsReadAsItsReaderSeesIt(t *testing.T) {
	l, err := readLetter([]byte(proofMail))
	if err != nil {
		t.Fatal(err)
	}
	if l.to != "ana@exemplo.pt" || l.subject != "Número 12" || l.messageID != "<m1@localhost>" {
		t.Errorf("read as %+v", l)
	}
	if got := linkTo("/p/confirmar/")(l); got != "http://localhost:80/p/confirmar/abcdef" {
		t.Errorf("the link is %q", got)
	}
	if got := linkTo("/q/confirmar/")(l); got != "" {
		t.Errorf("a link of another portal was taken: %q", got)
	}
	if got := codeIn(l); got != "012345" {
		t.Errorf("the code is %q", got)
	}
}

func TestTheNewestUnopenedMailOfAPersonIsOpenedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for _, name := range []string{"20260101T000000.000000Z-a.eml", "20260102T000000.000000Z-b.eml", ".new-1"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(proofMail), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m := &mailbox{dir: dir, opened: map[string]bool{}, wait: time.Second, ended: func() <-chan struct{} { return nil }}
		name := func(l letter) string { return l.file }
		for _, want := range []string{"20260102T000000.000000Z-b.eml", "20260101T000000.000000Z-a.eml"} {
			if got, err := m.await(t.Context(), "ANA@exemplo.pt", "a mail", name); err != nil || got != want {
				t.Errorf("opened %q (%v), not %q", got, err, want)
			}
		}
		if _, err := m.await(t.Context(), "ana@exemplo.pt", "a mail", name); !errors.Is(err, errNoMail) {
			t.Errorf("a mail came twice: %v", err)
		}
	})
}

func FuzzReadLetter(f *testing.F) {
	f.Add([]byte(proofMail))
	f.Add([]byte("To: a@b\n\n123456"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := readLetter(raw)
		if err == nil && l.to == "" {
			t.Error("a mail to nobody was read")
		}
		linkTo("/x/")(l)
		codeIn(l)
	})
}
