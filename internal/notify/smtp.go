package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Security is how the connection to a mail server is protected.
type Security string

// The ways of protection.
const (
	StartTLS Security = "starttls" // required: a server that lacks it is not used
	TLS      Security = "tls"      // from the first byte
	Plain    Security = "plain"    // on loopback only
)

// SMTPConfig says how to reach a mail server.
type SMTPConfig struct {
	Host     string
	Port     int      // 587 for starttls, 465 for tls, 25 for plain if zero
	Security Security // starttls if empty
	User     string   // no authentication if empty
	Password string
	From     From
	Roots    *x509.CertPool // whom to believe about the server; the system's if nil
	Timeout  time.Duration  // for one mail, from dialling to the end; 30 s if zero
}

// SMTP sends mail through a server.
type SMTP struct {
	from    From
	options []gomail.Option
	host    string
}

// NewSMTP checks the settings; it does not reach for the server.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	if c.Host == "" || !bare(c.From.Address) {
		return nil, errors.New("mail needs a server and the address it comes from")
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	options := []gomail.Option{
		gomail.WithTimeout(c.Timeout),
		gomail.WithHELO(domain(c.From.Address)),
		gomail.WithTLSConfig(&tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}),
	}
	port := c.Port
	switch c.Security {
	case StartTLS, "":
		options, port = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory)), or(port, 587)
	case TLS:
		options, port = append(options, gomail.WithSSL()), or(port, 465)
	case Plain:
		if !loopback(c.Host) {
			return nil, errors.New("mail without TLS is for a server on this machine only")
		}
		options, port = append(options, gomail.WithTLSPolicy(gomail.NoTLS)), or(port, 25)
	default:
		return nil, fmt.Errorf("protection %q is not known: starttls, tls or plain", c.Security)
	}
	options = append(options, gomail.WithPort(port))
	if c.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(c.User), gomail.WithPassword(c.Password))
	}
	if _, err := gomail.NewClient(c.Host, options...); err != nil {
		return nil, fmt.Errorf("mail settings: %w", err)
	}
	return &SMTP{from: c.From, options: options, host: c.Host}, nil
}

func or(value, otherwise int) int {
	if value == 0 {
		return otherwise
	}
	return value
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// SendMail hands one letter to the server, over a connection of its own.
func (s *SMTP) SendMail(ctx context.Context, l Letter) error {
	message, err := s.from.message(l)
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail settings: %w", err)
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return dialFailure(err)
	}
	defer func() { _ = client.CloseWithSMTPClient(connection) }()
	err = client.SendWithSMTPClient(connection, message)
	if message.IsDelivered() {
		return nil // the server has it; that it then hung up is no reason to send it twice
	}
	return sendFailure(err)
}

// dialFailure: nothing that happens before the letter is offered says anything about the letter.
func dialFailure(err error) error {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	// That a server offers no STARTTLS is told by go-mail in words only.
	if untrusted || noTLS || strings.Contains(err.Error(), "STARTTLS") {
		return &Failure{Word: insecure}
	}
	if _, away := errors.AsType[net.Error](err); away {
		return &Failure{Word: unreachable}
	}
	return &Failure{Word: misset, Code: codeAtStart(err)}
}

// codeAtStart gives the server's code where an error begins with one.
func codeAtStart(err error) string {
	text := err.Error()
	if len(text) >= 3 && text[0] >= '4' && text[0] <= '5' && digits(text[1:3]) {
		return text[:3]
	}
	return ""
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// noMailbox is the first of the codes that refuse a recipient or a text (550 to 556); those from 500 to 504 and 53x
// say that the two servers do not understand one another (RFC 5321, 4.2.3), which is no fault of the letter.
const noMailbox = 550

// sendFailure: only a refusal of the recipient or the text is for good. One of the sender is a setting of ours, and
// no answer at all may mean that the server has the letter: it is tried again, with the same Message-ID.
func sendFailure(err error) error {
	failed, told := errors.AsType[*gomail.SendError](err)
	if !told || failed.ErrorCode() == 0 {
		return &Failure{Word: unreachable}
	}
	code := strings.TrimSpace(fmt.Sprintf("%d %s", failed.ErrorCode(), failed.EnhancedStatusCode()))
	switch {
	case failed.ErrorCode() < 500:
		return &Failure{Word: deferred, Code: code}
	case failed.ErrorCode() < noMailbox:
		return &Failure{Word: misset, Code: code}
	case failed.Reason == gomail.ErrSMTPRcptTo, failed.Reason == gomail.ErrSMTPData, failed.Reason == gomail.ErrSMTPDataClose:
		return &Failure{Word: bounced, Code: code, ForGood: true}
	}
	return &Failure{Word: misset, Code: code}
}
