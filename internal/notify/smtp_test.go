package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/i18n"
)

// server is a mail server that misbehaves as it is told.
type server struct {
	onMail, onRcpt, onData func(*smtp.Conn) error
	password               string

	mu    sync.Mutex
	taken []string // whole mails, as they came
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{s, c}, nil }

type session struct {
	*server
	conn *smtp.Conn
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) Mail(string, *smtp.MailOptions) error { return s.asTold(s.onMail) }

func (s *session) Rcpt(string, *smtp.RcptOptions) error { return s.asTold(s.onRcpt) }

func (s *session) Data(r io.Reader) error {
	whole, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.taken = append(s.taken, string(whole))
	s.mu.Unlock()
	return s.asTold(s.onData)
}

func (s *session) asTold(do func(*smtp.Conn) error) error {
	if do == nil {
		return nil
	}
	return do(s.conn)
}

func (s *session) AuthMechanisms() []string {
	if s.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "portal" || password != s.password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no such user portal"}
		}
		return nil
	}), nil
}

func (s *server) mails() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.taken...)
}

// serve starts the server on loopback and gives its port.
func serve(t *testing.T, s *server, secured *tls.Config, implicit bool) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	srv := smtp.NewServer(s)
	srv.Domain, srv.AllowInsecureAuth, srv.ErrorLog = "mail.exemplo.invalid", true, silent{}
	if implicit {
		l = tls.NewListener(l, secured)
	} else {
		srv.TLSConfig = secured
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return port
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// certified makes a test authority and a certificate for this machine.
func certified(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "TESTE"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: root.NotBefore, NotAfter: root.NotAfter}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := x509.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: key}}}, pool
}

func sender(t *testing.T, c SMTPConfig) *SMTP {
	t.Helper()
	c.Host, c.From = "127.0.0.1", ours
	if c.Security == "" {
		c.Security = Plain
	}
	s, err := NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func leaving() Letter {
	return Letter{ID: "abc123", At: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), FromName: "Portal Cliente de Ensaio", To: "ana@exemplo.invalid",
		ReplyTo: "ajuda@exemplo.invalid", Lang: i18n.PT, Subject: "Ligação n.º 1", Text: "Olá.\n.\n..\nFim.", links: nil}
}

func answer(code int, enhanced smtp.EnhancedCode) func(*smtp.Conn) error {
	return func(*smtp.Conn) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "about ana@exemplo.invalid: canary"}
	}
}

func cut(c *smtp.Conn) error {
	_ = c.Conn().Close()
	return errors.New("cut")
}

func TestAServersAnswerIsReadRightly(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	silence := func(*smtp.Conn) error { <-hang; return nil }
	for name, c := range map[string]struct {
		server *server
		want   Failure
	}{
		"recipient refused for now":  {&server{onRcpt: answer(451, smtp.EnhancedCode{4, 7, 1})}, Failure{Word: deferred, Code: "451 4.7.1"}},
		"recipient unknown":          {&server{onRcpt: answer(550, smtp.EnhancedCode{5, 1, 1})}, Failure{Word: bounced, Code: "550 5.1.1", ForGood: true}},
		"sender refused":             {&server{onMail: answer(553, smtp.EnhancedCode{5, 1, 8})}, Failure{Word: misset, Code: "553 5.1.8"}},
		"text refused":               {&server{onData: answer(554, smtp.EnhancedCode{5, 7, 1})}, Failure{Word: bounced, Code: "554 5.7.1", ForGood: true}},
		"a server's own error":       {&server{onData: answer(500, smtp.EnhancedCode{5, 3, 0})}, Failure{Word: misset, Code: "500 5.3.0"}},
		"text refused for now":       {&server{onData: answer(452, smtp.EnhancedCode{4, 2, 2})}, Failure{Word: deferred, Code: "452 4.2.2"}},
		"cut off at the recipient":   {&server{onRcpt: cut}, Failure{Word: unreachable}},
		"cut off after the text":     {&server{onData: cut}, Failure{Word: unreachable}},
		"no answer to the recipient": {&server{onRcpt: silence}, Failure{Word: unreachable}},
		"no answer after the text":   {&server{onData: silence}, Failure{Word: unreachable}},
	} {
		s := sender(t, SMTPConfig{Port: serve(t, c.server, nil, false), Timeout: 300 * time.Millisecond})
		failure, told := errors.AsType[*Failure](s.SendMail(t.Context(), leaving()))
		if !told || *failure != c.want {
			t.Errorf("%s: %+v, want %+v", name, failure, c.want)
		}
		if told && (strings.Contains(failure.Error(), "canary") || strings.Contains(failure.Error(), "ana@")) {
			t.Errorf("%s: the server's own words are kept: %v", name, failure)
		}
	}
}

func TestNoServerAndNoWordAtAllAreTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port // listens, and never says a word
	s := sender(t, SMTPConfig{Port: port, Timeout: 200 * time.Millisecond})
	if f, told := errors.AsType[*Failure](s.SendMail(t.Context(), leaving())); !told || f.Word != unreachable || f.ForGood {
		t.Errorf("mute: %+v", f)
	}
	_ = l.Close()
	if f, told := errors.AsType[*Failure](s.SendMail(t.Context(), leaving())); !told || f.Word != unreachable || f.ForGood {
		t.Errorf("closed: %+v", f)
	}
}

// A server that takes the mail and then hangs up has the mail: it must not get it twice.
func TestAMailThatWasTakenIsSentEvenIfTheServerThenHangsUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		lines := bufio.NewScanner(c)
		say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
		say("220 mail.exemplo.invalid")
		inText := false
		for lines.Scan() {
			switch line := lines.Text(); {
			case inText && line == ".":
				say("250 taken")
				return // and cuts
			case inText:
			case line == "DATA":
				inText = true
				say("354 go on")
			default:
				say("250 yes")
			}
		}
	}()
	s := sender(t, SMTPConfig{Port: l.Addr().(*net.TCPAddr).Port, Timeout: 5 * time.Second})
	if err := s.SendMail(t.Context(), leaving()); err != nil {
		t.Fatalf("a mail that was taken would be sent again: %v", err)
	}
}

// F15: cut off after DATA, the mail is sent again, and the copy is recognisable.
func TestAMailCutOffAfterItsTextIsNotLost(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		cuts := 0
		srv := &server{onData: func(c *smtp.Conn) error {
			if cuts++; cuts == 1 {
				return cut(c)
			}
			return nil
		}}
		s, q := made(t, d, sender(t, SMTPConfig{Port: serve(t, srv, nil, false), Timeout: 5 * time.Second}), newWay())
		send(t, s, letter())
		start(t, q)
		got := becomes(t, s, Sent)
		mails := srv.mails()
		if len(mails) != 2 || got.Tries != 2 {
			t.Fatalf("%d copies, %d tries", len(mails), got.Tries)
		}
		if id := header(t, mails[0], "Message-ID"); id != header(t, mails[1], "Message-ID") || id != "<"+got.ID+"@exemplo.invalid>" {
			t.Error(id)
		}
	})
}

func header(t *testing.T, whole, name string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header.Get(name)
}

func TestMailGoesOverTLSOnly(t *testing.T) {
	secured, roots := certified(t)
	_, strangers := certified(t)
	for name, c := range map[string]struct {
		server   *tls.Config
		implicit bool
		config   SMTPConfig
		want     string // the failure's word, or "" if it is sent
	}{
		"STARTTLS":                           {secured, false, SMTPConfig{Security: StartTLS, Roots: roots}, ""},
		"TLS from the first byte":            {secured, true, SMTPConfig{Security: TLS, Roots: roots}, ""},
		"STARTTLS of an unknown authority":   {secured, false, SMTPConfig{Security: StartTLS, Roots: strangers}, insecure},
		"TLS of an unknown authority":        {secured, true, SMTPConfig{Security: TLS, Roots: strangers}, insecure},
		"a server that has no STARTTLS":      {nil, false, SMTPConfig{Security: StartTLS, Roots: roots}, insecure},
		"a server that has no TLS":           {nil, true, SMTPConfig{Security: TLS, Roots: roots}, insecure},
		"a certificate of another machine's": {otherName(), false, SMTPConfig{Security: StartTLS, Roots: roots}, insecure},
	} {
		srv := &server{}
		c.config.Port, c.config.Timeout = serve(t, srv, c.server, c.implicit && c.server != nil), 5*time.Second
		err := sender(t, c.config).SendMail(t.Context(), leaving())
		failure, told := errors.AsType[*Failure](err)
		if c.want == "" && err != nil || c.want != "" && (!told || failure.Word != c.want || failure.ForGood) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if sent := len(srv.mails()); (sent == 1) != (c.want == "") {
			t.Errorf("%s: %d mails came through", name, sent)
		}
	}
	for _, c := range []SMTPConfig{{Host: "mail.exemplo.invalid", Security: Plain, From: ours}, {Host: "192.0.2.1", Security: Plain, From: ours},
		{Host: "mail.exemplo.invalid", Security: "none", From: ours}, {From: ours}, {Host: "mail.exemplo.invalid"}} {
		if _, err := NewSMTP(c); err == nil {
			t.Errorf("settings were taken: %+v", c)
		}
	}
}

// otherName is a server with a certificate for another name, signed by itself.
func otherName() *tls.Config {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	self := &x509.Certificate{SerialNumber: big.NewInt(3), DNSNames: []string{"other.exemplo.invalid"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, _ := x509.CreateCertificate(rand.Reader, self, self, key.Public(), key)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestAWrongPasswordIsAMatterOfSettingsNotOfTheMail(t *testing.T) {
	secured, roots := certified(t)
	srv := &server{password: "right"}
	port := serve(t, srv, secured, false)
	config := SMTPConfig{Port: port, Security: StartTLS, Roots: roots, User: "portal", Password: "wrong", Timeout: 5 * time.Second}
	if f, told := errors.AsType[*Failure](sender(t, config).SendMail(t.Context(), leaving())); !told || f.Word != misset || f.ForGood {
		t.Errorf("%+v", f)
	}
	config.Password = "right"
	if err := sender(t, config).SendMail(t.Context(), leaving()); err != nil || len(srv.mails()) != 1 {
		t.Error(err)
	}
}

// A second server, by other people: Debian's aiosmtpd keeps what it takes in a Maildir.
func TestAnotherServerTakesTheMailWhole(t *testing.T) {
	port := freePort(t)
	dir := filepath.Join(t.TempDir(), "box") // made by the server
	ctx, cancel := context.WithCancel(t.Context())
	child := exec.CommandContext(ctx, "/usr/bin/python3", "-m", "aiosmtpd", "-n", "-l", "127.0.0.1:"+strconv.Itoa(port), "-c", "aiosmtpd.handlers.Mailbox", dir)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = child.Wait() })
	until(t, "aiosmtpd listens (Debian package python3-aiosmtpd)", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	if err := sender(t, SMTPConfig{Port: port}).SendMail(t.Context(), leaving()); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "new", "*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(raw)
	if err != nil || got.Text != leaving().Text || got.Subject != leaving().Subject || !got.At.Equal(leaving().At) {
		t.Errorf("%+v %v\n%s", got, err, raw)
	}
	for name, want := range map[string]string{"Message-ID": "<abc123@exemplo.invalid>", "Auto-Submitted": "auto-generated",
		"Reply-To": "<ajuda@exemplo.invalid>", "X-MailFrom": "portal@exemplo.invalid", "X-RcptTo": "ana@exemplo.invalid", "Content-Language": "pt-PT"} {
		if value := header(t, string(raw), name); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
