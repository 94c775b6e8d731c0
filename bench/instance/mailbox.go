package instance

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// mailbox reads the outbox of an instance for evaluation; each mail once.
type mailbox struct {
	dir  string
	read map[string]bool
	came map[string][]string // texts by address, the newest last
}

func newMailbox(dir string) *mailbox {
	return &mailbox{dir: dir, read: map[string]bool{}, came: map[string][]string{}}
}

// mailedWithin is how long a mail may take on a busy machine.
const mailedWithin = 2 * time.Minute

var (
	links = regexp.MustCompile(`https?://[^\s<>"]+`)
	codes = regexp.MustCompile(`(?:^|[^0-9A-Za-z/.-])([0-9]{6})(?:[^0-9A-Za-z/-]|$)`)
)

// link waits for the newest mail to an address with a link through a place, and gives the link's path.
func (m *mailbox) link(to, place string) (string, error) {
	return m.await(to, place, func(text string) string {
		for _, one := range links.FindAllString(text, -1) {
			if at, err := url.Parse(strings.TrimRight(one, ".,;:!?)]")); err == nil && strings.Contains(at.Path, place) {
				return at.Path
			}
		}
		return ""
	})
}

// code waits for a mail to an address with the six digits of a confirmation.
func (m *mailbox) code(to string) (string, error) {
	return m.await(to, "a code", func(text string) string {
		if found := codes.FindStringSubmatch(text); found != nil {
			return found[1]
		}
		return ""
	})
}

func (m *mailbox) await(to, what string, find func(string) string) (string, error) {
	for begin := time.Now(); time.Since(begin) < mailedWithin; <-time.After(20 * time.Millisecond) {
		if _, err := m.look(); err != nil {
			return "", err
		}
		for i := len(m.came[to]) - 1; i >= 0; i-- {
			if found := find(m.came[to][i]); found != "" {
				return found, nil
			}
		}
	}
	return "", fmt.Errorf("no mail with %s came to %s", what, to)
}

// settle waits until no mail has come for a second.
func (m *mailbox) settle() error {
	for last := time.Now(); time.Since(last) < time.Second; <-time.After(50 * time.Millisecond) {
		n, err := m.look()
		if err != nil {
			return err
		}
		if n > 0 {
			last = time.Now()
		}
	}
	return nil
}

// look reads what has come, and says how many.
func (m *mailbox) look() (n int, err error) {
	entries, err := os.ReadDir(m.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	for _, e := range entries { // their names begin with the time
		if m.read[e.Name()] || !strings.HasSuffix(e.Name(), ".eml") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		to, text, err := readMail(filepath.Join(m.dir, e.Name()))
		if err != nil {
			return n, fmt.Errorf("%s: %w", e.Name(), err)
		}
		m.read[e.Name()], m.came[to] = true, append(m.came[to], text)
		n++
	}
	return n, nil
}

func readMail(name string) (to, text string, err error) {
	file, err := os.Open(name)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = file.Close() }()
	m, err := mail.ReadMessage(file)
	if err != nil {
		return "", "", err
	}
	address, err := mail.ParseAddress(m.Header.Get("To"))
	if err != nil {
		return "", "", err
	}
	text, err = plain(m)
	return address.Address, text, err
}

// plain is the part of a mail for those who read no HTML; it comes first.
func plain(m *mail.Message) (string, error) {
	kind, with, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	body := m.Body
	if strings.HasPrefix(kind, "multipart/") {
		part, err := multipart.NewReader(m.Body, with["boundary"]).NextPart() // decodes quoted-printable
		if err != nil {
			return "", err
		}
		body = part
	} else if strings.EqualFold(m.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		body = quotedprintable.NewReader(m.Body)
	}
	text, err := io.ReadAll(body)
	return string(text), err
}
