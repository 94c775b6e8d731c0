package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"chancela/internal/durable"
)

// Outbox is the way out of an evaluation instance: folders mail (*.eml) and sms (*.json) that a page shows.
// A try that is repeated writes over its own file.
type Outbox struct {
	dir  string
	from From

	mu   sync.Mutex
	seen map[string]Received // mails that were read: one never says anything else
}

// mostSeen bounds the memory of what was read: some 10 MB.
const mostSeen = 4096

const (
	mailFolder, mailSuffix = "mail", ".eml"
	smsFolder, smsSuffix   = "sms", ".json"
)

// OpenOutbox opens, or makes, the folders.
func OpenOutbox(dir string, from From) (*Outbox, error) {
	for _, folder := range []string{mailFolder, smsFolder} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
	}
	return &Outbox{dir: dir, from: from, seen: map[string]Received{}}, nil
}

// SendMail writes the letter as a file.
func (o *Outbox) SendMail(_ context.Context, l Letter) error {
	message, err := o.from.message(l)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := message.WriteTo(&b); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return o.write(mailFolder, fileName(l.At, l.ID)+mailSuffix, b.Bytes())
}

// note is an SMS as it lies in the outbox.
type note struct {
	To   string    `json:"to"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// SendSMS writes the text as a file.
func (o *Outbox) SendSMS(_ context.Context, t Text) error {
	data, err := json.Marshal(note{To: t.To, Text: t.Text, At: t.At.UTC()})
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return o.write(smsFolder, fileName(t.At, t.ID)+smsSuffix, append(data, '\n'))
}

// fileName sorts by time, and is the same at every try.
func fileName(at time.Time, id string) string {
	return at.UTC().Format("20060102T150405.000000Z") + "-" + id
}

var fileNames = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[a-z0-9]{1,64}$`)

func (o *Outbox) write(folder, name string, data []byte) error {
	if err := durable.Replace(filepath.Join(o.dir, folder, name), data); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}

// Received is a mail as the mailbox page shows it.
type Received struct {
	File    string // its name in the outbox, without ending; see [Outbox.Letter]
	At      time.Time
	From    string
	To      string
	Subject string
	Text    string
}

// ReceivedSMS is an SMS as the mailbox page shows it.
type ReceivedSMS struct {
	At   time.Time
	To   string
	Text string
}

// Letters lists the latest mails, the newest first.
func (o *Outbox) Letters(most int) ([]Received, error) {
	files, err := o.latest(mailFolder, mailSuffix, most)
	if err != nil {
		return nil, err
	}
	all := make([]Received, 0, len(files))
	for _, file := range files {
		one, err := o.once(file)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// once reads a mail unless it was read before.
func (o *Outbox) once(file string) (Received, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.seen[file]; ok {
		return known, nil
	}
	one, _, err := o.Letter(file)
	if err != nil {
		return Received{}, err
	}
	if len(o.seen) >= mostSeen {
		clear(o.seen)
	}
	o.seen[file] = one
	return one, nil
}

// ErrNoLetter says that the outbox has no such mail.
var ErrNoLetter = errors.New("no such mail")

// Letter reads one mail: as it is shown, and whole as it would have been sent.
func (o *Outbox) Letter(file string) (Received, []byte, error) {
	if !fileNames.MatchString(file) {
		return Received{}, nil, ErrNoLetter
	}
	raw, err := os.ReadFile(filepath.Join(o.dir, mailFolder, file+mailSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return Received{}, nil, ErrNoLetter
	}
	if err != nil {
		return Received{}, nil, fmt.Errorf("outbox: %w", err)
	}
	shown, err := read(raw)
	shown.File = file
	if err != nil {
		return Received{}, nil, fmt.Errorf("outbox: %s: %w", file, err)
	}
	return shown, raw, nil
}

// Texts lists the latest SMS, the newest first.
func (o *Outbox) Texts(most int) ([]ReceivedSMS, error) {
	files, err := o.latest(smsFolder, smsSuffix, most)
	if err != nil {
		return nil, err
	}
	all := make([]ReceivedSMS, 0, len(files))
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(o.dir, smsFolder, file+smsSuffix))
		if err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
		var n note
		if err := json.Unmarshal(data, &n); err != nil {
			return nil, fmt.Errorf("outbox: %s: %w", file, err)
		}
		all = append(all, ReceivedSMS{At: n.At, To: n.To, Text: n.Text})
	}
	return all, nil
}

func (o *Outbox) latest(folder, suffix string, most int) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(o.dir, folder))
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	var files []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), suffix); ok && fileNames.MatchString(name) {
			files = append(files, name)
		}
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(b, a) })
	return files[:min(len(files), most)], nil
}

// read takes apart a mail of our own making.
func read(raw []byte) (Received, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Received{}, err
	}
	words := new(mime.WordDecoder)
	shown := Received{}
	for header, into := range map[string]*string{"From": &shown.From, "To": &shown.To, "Subject": &shown.Subject} {
		if *into, err = words.DecodeHeader(m.Header.Get(header)); err != nil {
			return Received{}, err
		}
	}
	if shown.At, err = m.Header.Date(); err != nil {
		return Received{}, err
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return Received{}, err
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for {
		// Raw, so that the encoding is undone here and only here.
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return Received{}, errors.New("no plain text in it")
		}
		if err != nil {
			return Received{}, err
		}
		if kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind == "text/plain" {
			text, err := io.ReadAll(quotedprintable.NewReader(part))
			shown.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
			return shown, err
		}
	}
}
