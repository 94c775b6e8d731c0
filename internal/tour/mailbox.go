package tour

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// letter is a mail that has come.
type letter struct {
	file      string
	to        string
	subject   string
	messageID string
	text      string
}

// mailbox reads the outbox of the instance as a person reads their mail: only what is addressed to them, the newest
// first. What was opened already is put aside.
type mailbox struct {
	dir    string
	opened map[string]bool
	wait   time.Duration // how long to wait for a mail
	// ended is closed when the instance is gone: no mail comes then.
	ended func() <-chan struct{}
}

// mostMail bounds a mail: ours are a few kilobytes.
const mostMail = 1 << 20

var errNoMail = errors.New("no such mail came")

// await waits until somebody has an unopened mail in which something is found, and puts that mail aside.
func (m *mailbox) await(ctx context.Context, to, what string, find func(letter) string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, m.wait, errNoMail)
	defer cancel()
	for {
		found, err := m.look(to, find)
		if err != nil || found != "" {
			return found, err
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s, to %s: %w", what, to, context.Cause(ctx))
		case <-m.ended():
			return "", fmt.Errorf("%w: %s, to %s", errLost, what, to)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (m *mailbox) look(to string, find func(letter) string) (string, error) {
	letters, err := readLetters(m.dir)
	if err != nil {
		return "", err
	}
	for _, l := range letters {
		if m.opened[l.file] || !strings.EqualFold(l.to, to) {
			continue
		}
		if found := find(l); found != "" {
			m.opened[l.file] = true
			return found, nil
		}
	}
	return "", nil
}

// putAside lets go of the mails that somebody has: what comes next is new.
func (m *mailbox) putAside(to string) error {
	_, err := m.look(to, func(l letter) string {
		m.opened[l.file] = true
		return ""
	})
	return err
}

// readLetters reads all mails, the newest first: their names begin with the time.
func readLetters(dir string) ([]letter, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	slices.Reverse(entries)
	var all []letter
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".eml") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		l, err := readLetter(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		l.file = e.Name()
		all = append(all, l)
	}
	return all, nil
}

// readLetter takes a mail apart.
func readLetter(raw []byte) (letter, error) {
	if len(raw) > mostMail {
		return letter{}, errors.New("the mail is too large")
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return letter{}, err
	}
	to, err := mail.ParseAddress(m.Header.Get("To"))
	if err != nil {
		return letter{}, fmt.Errorf("To: %w", err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return letter{}, fmt.Errorf("Subject: %w", err)
	}
	l := letter{to: to.Address, subject: subject, messageID: m.Header.Get("Message-ID")}
	l.text, err = plainText(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	return l, err
}

// plainText finds the plain words of a mail, whole or in its parts.
func plainText(contentType, encoding string, body io.Reader) (string, error) {
	kind, parameters, err := mime.ParseMediaType(orElse(contentType, "text/plain"))
	if err != nil {
		return "", fmt.Errorf("Content-Type: %w", err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		if strings.EqualFold(encoding, "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		text, err := io.ReadAll(body)
		return strings.ReplaceAll(string(text), "\r\n", "\n"), err
	}
	parts := multipart.NewReader(body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return "", fmt.Errorf("no plain text in the mail: %w", err)
		}
		if kind := mediaType(part.Header.Get("Content-Type")); kind == "text/plain" {
			return plainText(kind, part.Header.Get("Content-Transfer-Encoding"), part)
		}
	}
}

var (
	addresses = regexp.MustCompile(`https?://[^\s<>"'«»]+`)
	codes     = regexp.MustCompile(`(?:^|[^0-9A-Za-z/.-])([0-9]{6})(?:[^0-9A-Za-z/-]|$)`)
)

// linkTo finds in a mail the link whose path goes through a place, such as /confirmar/.
func linkTo(place string) func(letter) string {
	return func(l letter) string {
		for _, found := range addresses.FindAllString(l.text, -1) {
			found = strings.TrimRight(found, ".,;:!?)]")
			if u, err := url.Parse(found); err == nil && strings.Contains(u.Path, place) {
				return found
			}
		}
		return ""
	}
}

// codeIn finds in a mail the six digits of a confirmation.
func codeIn(l letter) string {
	if found := codes.FindStringSubmatch(l.text); found != nil {
		return found[1]
	}
	return ""
}

// Doubled lists what the instance mailed twice: the same words to the same address, or two mails of one Message-ID.
// Codes and single-use links differ each time, so that a mail sent anew because somebody asked anew is none of these.
func Doubled(c *Child) ([]string, error) {
	letters, err := readLetters(filepath.Join(c.Data, "outbox", "mail"))
	if err != nil {
		return nil, err
	}
	seen, ids := map[string]bool{}, map[string]bool{}
	var doubled []string
	for _, l := range letters {
		words := l.to + "\n" + l.subject + "\n" + l.text
		if seen[words] || ids[l.messageID] {
			doubled = append(doubled, fmt.Sprintf("%s, to %s: %q", l.file, l.to, l.subject))
		}
		seen[words], ids[l.messageID] = true, true
	}
	return doubled, nil
}
