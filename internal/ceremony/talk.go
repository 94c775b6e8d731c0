package ceremony

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"chancela/internal/i18n"
)

// Talk is the conversation with those who are there: lines out, answers in.
type Talk struct {
	in   *bufio.Reader
	out  io.Writer
	lang i18n.Lang
	file interface{ Fd() uintptr } // the terminal; nil where answers come from elsewhere
}

// NewTalk talks over in and out. Where in is a terminal, passphrases are not shown.
func NewTalk(in io.Reader, out io.Writer, lang i18n.Lang) *Talk {
	t := &Talk{in: bufio.NewReader(in), out: out, lang: lang}
	if f, ok := in.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		t.file = f
	}
	return t
}

// errSilent says that nobody answers any more.
var errSilent = errors.New("ceremony: nobody answers; start the same command again to go on")

func (t *Talk) words(key string, pairs ...string) string {
	args := i18n.Args{}
	for i := 0; i+1 < len(pairs); i += 2 {
		args[pairs[i]] = pairs[i+1]
	}
	return i18n.Say(t.lang, "ceremony."+key, args)
}

// say prints a line; where nobody reads any more there is nobody to tell.
func (t *Talk) say(key string, pairs ...string) { t.line(t.words(key, pairs...)) }

func (t *Talk) line(text string) { _, _ = fmt.Fprintln(t.out, text) }

// ask puts a question and gives the answer.
func (t *Talk) ask(key string, pairs ...string) (string, error) {
	_, _ = fmt.Fprint(t.out, t.words(key, pairs...)+" ")
	return t.read()
}

// hidden asks for something that is not shown.
func (t *Talk) hidden(key string, pairs ...string) (string, error) {
	if t.file == nil {
		return t.ask(key, pairs...)
	}
	_, _ = fmt.Fprint(t.out, t.words(key, pairs...)+" ")
	raw, err := term.ReadPassword(int(t.file.Fd()))
	t.line("")
	if err != nil {
		return "", errSilent
	}
	return string(raw), nil
}

// mostAnswer bounds a line.
const mostAnswer = 4096

func (t *Talk) read() (string, error) {
	line, err := t.in.ReadString('\n')
	if err != nil && line == "" {
		t.line("")
		return "", errSilent
	}
	line = strings.TrimRight(line, "\r\n")
	if len(line) > mostAnswer || !utf8.ValidString(line) {
		return "", errors.New("ceremony: that answer is too long, or not text")
	}
	return line, nil
}

// tries is how often somebody may mistype before the ceremony stops.
const tries = 3

// sameName compares a name as it was typed with the script's.
func sameName(typed, name string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(typed), " "), name) && typed != ""
}

// confirm has somebody type their name.
func (t *Talk) confirm(p Person) error {
	for range tries {
		typed, err := t.ask("confirm", "name", p.Name, "role", t.words("role."+p.Role))
		if err != nil {
			return err
		}
		if sameName(typed, p.Name) {
			return nil
		}
		t.say("confirm.other", "name", p.Name)
	}
	return fmt.Errorf("ceremony: %s did not confirm; nothing of this step was done", p.Name)
}
