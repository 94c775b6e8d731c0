package ceremony

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chancela/internal/i18n"
	"chancela/internal/issuance"
)

// people sit at the other end of the conversation: they answer what was asked last. It is a terminal's two halves.
type people struct {
	said    bytes.Buffer
	answers func(question string) (string, bool)
}

func (p *people) Write(data []byte) (int, error) { return p.said.Write(data) }

func (p *people) Read(into []byte) (int, error) {
	lines := strings.Split(p.said.String(), "\n")
	answer, ok := p.answers(lines[len(lines)-1])
	if !ok {
		return 0, errors.New("nobody answers")
	}
	p.said.WriteString(answer + "\n")
	return copy(into, answer+"\n"), nil
}

// phraseOf is the passphrase that a custodian of these tests chose.
func phraseOf(name string) string { return "frase de ensaio de " + name }

// willing answers as everybody would: their names, their passphrases, and digests as the other side has them.
func willing(digests map[string]string) func(string) (string, bool) {
	return func(question string) (string, bool) {
		name, _, _ := strings.Cut(question, " (")
		if before, _, ok := strings.Cut(question, ", "); ok && strings.Contains(question, "frase-passe") || strings.Contains(question, "outra vez") {
			name = before
		}
		switch {
		case strings.Contains(question, "escreva o seu nome"):
			return name, true
		case strings.Contains(question, "frase-passe"), strings.Contains(question, "outra vez"):
			return phraseOf(name), true
		case strings.HasPrefix(question, "PIN"):
			return "123456", true
		case strings.Contains(question, "primeiros 16"):
			what, _, _ := strings.Cut(question, ". ")
			return digests[what][:min(16, len(digests[what]))], true
		}
		return "", false
	}
}

// least is the cheapest that a share's passphrase may cost: tests open many.
var least = issuance.Cost{Time: 1, Memory: 8 << 10, Threads: 1}

func openAt(t testing.TB, path string, o Options) *Dir {
	t.Helper()
	o.Cost = least
	if o.Version == "" {
		o.Version, o.Commit = "ensaio", "0000000"
	}
	d, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// hold runs a ceremony with people who answer, and gives what was said.
func hold(t testing.TB, path, name string, o Options, answers func(string) (string, bool)) (string, error) {
	t.Helper()
	d := openAt(t, path, o)
	p := &people{answers: answers}
	err := d.Run(t.Context(), NewTalk(p, p, i18n.PT), name)
	return p.said.String(), errors.Join(err, d.Close())
}

// scripted makes a directory with a script of a kind, changed by pairs of old and new text.
func scripted(t testing.TB, path, name, kind string, pairs ...string) {
	t.Helper()
	file, err := WriteNew(path, name, kind)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(pairs...).Replace(string(text))
	if len(pairs) > 0 && changed == string(text) {
		t.Fatal("the script has nothing to change: this test has nothing to look for")
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// quick is the script's algorithms exchanged for ones that cost no time.
var quick = []string{"algorithm: rsa-4096 #", "algorithm: ec-p384 #", "algorithm: rsa-4096\n", "algorithm: ec-p384\n"}

func mustHold(t testing.TB, path, name string, o Options, answers func(string) (string, bool)) string {
	t.Helper()
	said, err := hold(t, path, name, o, answers)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return said
}

// tool runs a stranger's program.
func tool(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	return string(out), err
}

func mustTool(t testing.TB, name string, args ...string) string {
	t.Helper()
	said, err := tool(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said)
	}
	return said
}

// verify has openssl judge a file's certificate by a trust store and certificates between.
func verify(t testing.TB, trusted string, between []string, leaf string) (string, error) {
	t.Helper()
	args := []string{"verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", trusted}
	for _, one := range between {
		args = append(args, "-untrusted", one)
	}
	return tool(t, "openssl", append(args, leaf)...)
}

func mustVerify(t testing.TB, trusted string, between []string, leaf string) {
	t.Helper()
	if said, err := verify(t, trusted, between, leaf); err != nil || !strings.Contains(said, ": OK") {
		t.Errorf("%s is not verified by %s through %v: %v\n%s", leaf, trusted, between, err, said)
	}
}

// carry copies a file from one machine's directory to another's, as a stick does.
func carry(t testing.TB, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(from, outDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, inDir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// digestOf is what a file's minutes say: the SHA-256 of its DER.
func digestOf(t testing.TB, path, label string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	der, err := oneBlock(data, label)
	if err != nil {
		t.Fatal(err)
	}
	return sha(der)
}

func refusedWith(t testing.TB, said string, err error, word string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), word) {
		t.Errorf("%v; wanted %q\n%s", err, word, said)
	}
}

func day(n int) time.Time { return time.Now().UTC().Truncate(time.Second).AddDate(0, 0, n) }
