// Package config reads the settings: one documented struct, one file, environment over it, defaults under it.
//
// Every setting knows where its value came from. An unknown key is refused with its nearest neighbour named; a secret
// may stand in a file of its own (CHANCELA_…_FILE) and is never printed. Only this package and the wiring ask
// whether the instance is one for evaluation. Start reading at [Settings], then [Read].
package config

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"chancela/internal/nearest"
)

// Settings are all settings. In the file a setting stands under its table; in the environment it is
// CHANCELA_TABLE_KEY in capitals, and CHANCELA_TABLE_KEY_FILE names a file that holds the value.
type Settings struct {
	Server   Server   `toml:"server"`
	Database Database `toml:"database"`
	Mail     Mail     `toml:"mail"`
	SMS      SMS      `toml:"sms"`
	Keys     Keys     `toml:"keys"`
	TLS      TLS      `toml:"tls"`
	Signer   Signer   `toml:"signer"`

	Stamps      Stamps      `toml:"stamps"`
	Publication Publication `toml:"publication"`
	Qualified   Qualified   `toml:"qualified"`
	Status      Status      `toml:"status"`
}

// Server says where the program listens and what it is called.
type Server struct {
	Role       string   `toml:"role" doc:"all, or status for a process that only answers: OCSP, lists, issuers and its health, on a database that others write"`
	Mode       string   `toml:"mode" doc:"evaluation or production; an evaluation instance listens on loopback only and sends nothing"`
	Listen     string   `toml:"listen" doc:"address of the pages, host:port"`
	PublicURL  string   `toml:"public_url" doc:"address by which people reach the pages; links in mails are made from it"`
	PKIListen  string   `toml:"pki_listen" doc:"plain-HTTP address for OCSP, CRL and issuers; empty for none of its own"`
	PKIURL     string   `toml:"pki_url" doc:"plain-HTTP address that certificates name for OCSP, CRL and issuers"`
	OpsListen  string   `toml:"operations_listen" doc:"address of metrics and health, for machines of the operator; empty for none"`
	DocsOrigin string   `toml:"evidence_origin" doc:"origin that hands out documents apart from the pages; empty for the same"`
	Data       string   `toml:"data" doc:"directory of the embedded database, documents, keys and outbox"`
	Portals    string   `toml:"portals" doc:"directory of portals added to, or in place of, the embedded ones"`
	Proxies    []string `toml:"trusted_proxies" doc:"networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8"`
}

// Database says where the database is.
type Database struct {
	URL      string `toml:"url" secret:"true" doc:"sqlite:PATH or postgres://…; empty for SQLite in the data directory"`
	MaxConns int    `toml:"max_conns" doc:"most connections at a time; on PostgreSQL the queue has three more"`
}

// Mail says how mail leaves.
type Mail struct {
	Host     string `toml:"host" doc:"SMTP server; empty writes mail to the outbox folder (evaluation only)"`
	Port     int    `toml:"port" doc:"587 for STARTTLS, 465 for TLS"`
	TLS      string `toml:"tls" doc:"starttls, tls, or none (loopback only)"`
	User     string `toml:"user" doc:"user name at the server; empty for none"`
	Password string `toml:"password" secret:"true" doc:"password at the server"`
	From     string `toml:"from" doc:"address that mail comes from"`
	Operator string `toml:"operator" doc:"address that is told when what was issued does not agree with the record; empty for the log and the check alone"`
}

// SMS says how short messages leave.
type SMS struct {
	Gateway string `toml:"gateway" doc:"outbox, or empty for no SMS: codes then go by e-mail only"`
}

// Keys say where keys are.
type Keys struct {
	Dir        string `toml:"dir" doc:"directory of key files; empty for keys/ in the data directory"`
	Known      string `toml:"known" doc:"file that lists keys which others have and nobody is certified for, one a line; empty for none"`
	Passphrase string `toml:"passphrase" secret:"true" doc:"opens the encrypted key files; empty takes the one kept beside them (evaluation only)"`
	Algorithm  string `toml:"algorithm" doc:"of the keys that an evaluation instance makes by itself: ec-p256, ec-p384, ec-p521, rsa-3072 or rsa-4096; empty is ec-p256. Elsewhere a ceremony's script says it"`
	Library    string `toml:"pkcs11_library" doc:"PKCS#11 library of a hardware module that holds the signing keys; empty for key files"`
	Token      string `toml:"pkcs11_token" doc:"label of the module's token"`
	Serial     string `toml:"pkcs11_serial" doc:"serial number of the token, where several have that label"`
	PIN        string `toml:"pkcs11_pin" secret:"true" doc:"PIN of the token's user; one that is refused is not tried again before a restart"`
	Sessions   int    `toml:"pkcs11_sessions" doc:"most signatures of the module under way at a time; 0 for as many as there are cores"`

	Signer            []string `toml:"signer" doc:"addresses of signers, which have the keys in place of this process: unix:/PATH or tls:HOST:PORT, asked in this order; empty for keys in this process"`
	SignerPeer        string   `toml:"signer_peer" doc:"PEM file of the certificates that signers show, for a tls: address"`
	SignerCertificate string   `toml:"signer_certificate" doc:"PEM file of the certificate that is shown to signers, for a tls: address"`
	SignerKey         string   `toml:"signer_key" doc:"PEM file of its key"`
}

// Signer says where the verb signer listens, and who may come. No other verb uses it.
type Signer struct {
	Listen      string   `toml:"listen" doc:"where the signer listens: unix:/PATH or tls:HOST:PORT; empty for signer.sock in its data directory"`
	Users       []string `toml:"users" doc:"users, by name or number, whose processes may ask through the socket; empty for the signer's own"`
	Group       string   `toml:"group" doc:"group that may open the socket; empty for none"`
	Certificate string   `toml:"certificate" doc:"PEM file of the certificate that the signer shows, for a tls: address"`
	Key         string   `toml:"key" doc:"PEM file of its key"`
	Clients     []string `toml:"clients" doc:"PEM files of the certificates that may ask, for a tls: address"`
}

// Stamps says who gets time stamps.
type Stamps struct {
	Ask string `toml:"ask" doc:"who may ask for time stamps: all, bodies (programs of bodies whose power gives them, by name and secret) or nobody; empty is all in an evaluation instance, and bodies otherwise"`
}

// Status says how what was issued is answered for.
type Status struct {
	ListSize int `toml:"list_size" doc:"certificates that one revocation list is for; an authority that issues more begins another, and each certificate says which; 0 for one list"`
}

// Publication says what the certification authority publishes of itself.
type Publication struct {
	Samples string `toml:"samples" doc:"whether an evaluation instance issues test certificates for the world to fetch: yes or no; empty is yes"`
	Contact string `toml:"contact" doc:"where the practice statement sends those who want to write to the operator; empty for nowhere"`
}

// Qualified declares that the authorities of this instance issue qualified certificates, and says where the proof is.
// Nothing is claimed by a declaration alone.
type Qualified struct {
	List    string `toml:"trusted_list" doc:"file of the national trusted list (ETSI TS 119 612, XML), kept fresh by the operator; empty for an instance that is not qualified, and whose authorities carry TESTE"`
	Signers string `toml:"trusted_list_signers" doc:"PEM file of the certificates that may sign the trusted list"`
	Address string `toml:"trusted_list_url" doc:"https address of the trusted list, as published"`
	Arc     string `toml:"policy_arc" doc:"the operator's own arc for certificate policies, such as 1.3.6.1.4.1.N.1; no example's"`
	PDSEN   string `toml:"disclosure_en" doc:"https address of the PKI disclosure statement in English"`
	PDSPT   string `toml:"disclosure_pt" doc:"https address of the PKI disclosure statement in Portuguese; empty for none"`
}

// Declared says whether the operator declares the instance qualified.
func (q Qualified) Declared() bool { return q.List != "" }

// check wants the whole of a declaration, or none.
func (q Qualified) check(mode string) []error {
	if !q.Declared() {
		if q != (Qualified{}) {
			return []error{errors.New("qualified.trusted_list is empty: an instance is declared qualified with the list that proves it, or not at all")}
		}
		return nil
	}
	var wrong []error
	for key, value := range map[string]string{"trusted_list_signers": q.Signers, "trusted_list_url": q.Address, "policy_arc": q.Arc, "disclosure_en": q.PDSEN} {
		if value == "" {
			wrong = append(wrong, fmt.Errorf("qualified.trusted_list wants qualified.%s", key))
		}
	}
	if mode == Evaluation {
		wrong = append(wrong, errors.New("qualified.trusted_list: an evaluation instance is never qualified"))
	}
	return wrong
}

// TLS says with which certificate the pages are served.
type TLS struct {
	Certificate string `toml:"certificate" doc:"PEM file of the certificate and its chain; empty for plain HTTP behind a proxy"`
	Key         string `toml:"key" doc:"PEM file of its key"`
}

// Evaluation and Production are the modes.
const (
	Evaluation = "evaluation"
	Production = "production"
)

// WholeRole and StatusRole are what a process does.
const (
	WholeRole  = "all"
	StatusRole = "status"
)

// The answers to who may ask for time stamps.
const (
	AskAll    = "all"
	AskBodies = "bodies"
	AskNobody = "nobody"
)

// Defaults are what holds if nothing else is said: an evaluation instance on loopback.
func Defaults() Settings {
	return Settings{
		Server:   Server{Role: WholeRole, Mode: Evaluation, Listen: "127.0.0.1:8080", Data: "./chancela-data"},
		Database: Database{MaxConns: 8},
		Mail:     Mail{Port: 587, TLS: "starttls", From: "portal@localhost.localdomain"},
		SMS:      SMS{Gateway: "outbox"},
		Status:   Status{ListSize: 50_000},
	}
}

// Value is one setting in force, for the config verb.
type Value struct {
	Key, Value, Source, Doc string
}

// Source is where settings come from.
type Source struct {
	File    string            // "" for none
	Env     func() []string   // os.Environ
	Flags   map[string]string // key → value, over all else
	ReadAll func(string) ([]byte, error)
	// ForSigner says that they are the signer's, which needs other ones than a process that serves pages.
	ForSigner bool
}

// Read gathers the settings and says of each where it came from. All mistakes are told at once.
func Read(from Source) (Settings, []Value, error) {
	s := Defaults()
	sources := map[string]string{}
	var wrong []error
	if from.File != "" {
		wrong = append(wrong, s.readFile(from, sources)...)
	}
	wrong = append(wrong, s.readEnv(from, sources)...)
	for key, value := range from.Flags {
		if err := s.set(key, value); err != nil {
			wrong = append(wrong, err)
		}
		sources[key] = "command line"
	}
	if from.ForSigner {
		wrong = append(wrong, s.checkSigner()...)
	} else {
		wrong = append(wrong, s.check()...)
	}
	return s, s.values(sources), errors.Join(wrong...)
}

func (s *Settings) readFile(from Source, sources map[string]string) []error {
	data, err := from.ReadAll(from.File)
	if err != nil {
		return []error{fmt.Errorf("settings: %w", err)}
	}
	meta, err := toml.NewDecoder(bytes.NewReader(data)).Decode(s)
	if err != nil {
		return []error{fmt.Errorf("%s: %w", from.File, err)}
	}
	var wrong []error
	for _, key := range meta.Undecoded() {
		wrong = append(wrong, fmt.Errorf("%s: %q is not a setting; %s", from.File, key.String(), hint(key.String())))
	}
	for _, key := range meta.Keys() {
		sources[key.String()] = from.File
	}
	return wrong
}

func hint(key string) string {
	var known []string
	for _, one := range settings() {
		known = append(known, one.key)
	}
	if near := nearest.Word(key, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "see: chancela config"
}

const prefix = "CHANCELA_"

func (s *Settings) readEnv(from Source, sources map[string]string) []error {
	var wrong []error
	names := map[string]string{}
	var known []string
	for _, one := range settings() {
		name := prefix + strings.ToUpper(strings.ReplaceAll(one.key, ".", "_"))
		names[name] = one.key
		known = append(known, name)
	}
	for _, pair := range from.Env() {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, prefix+"TEST_") {
			continue
		}
		key, ok := names[name]
		if file, isFile := strings.CutSuffix(name, "_FILE"); !ok && isFile {
			if key, ok = names[file]; ok {
				data, err := from.ReadAll(value)
				if err != nil {
					wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
					continue
				}
				value = strings.TrimRight(string(data), "\r\n")
			}
		}
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s is not a setting%s", name, meant(nearest.Word(name, known))))
			continue
		}
		if err := s.set(key, value); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
		}
		sources[key] = "environment"
	}
	return wrong
}

func meant(near string) string {
	if near == "" {
		return "; see: chancela config"
	}
	return "; did you mean " + near + "?"
}

type setting struct {
	key, doc string
	secret   bool
	index    []int
}

// settings lists every setting in the order of the struct.
func settings() []setting {
	var all []setting
	top := reflect.TypeFor[Settings]()
	for i := range top.NumField() {
		table := top.Field(i)
		for j := range table.Type.NumField() {
			f := table.Type.Field(j)
			all = append(all, setting{
				key: table.Tag.Get("toml") + "." + f.Tag.Get("toml"), doc: f.Tag.Get("doc"), secret: f.Tag.Get("secret") == "true", index: []int{i, j},
			})
		}
	}
	return all
}

func (s *Settings) set(key, value string) error {
	all := settings()
	at := slices.IndexFunc(all, func(one setting) bool { return one.key == key })
	if at < 0 {
		return fmt.Errorf("%q is not a setting; %s", key, hint(key))
	}
	field := reflect.ValueOf(s).Elem().FieldByIndex(all[at].index)
	switch field.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s: expected a whole number, not %q", key, value)
		}
		field.SetInt(int64(n))
	case reflect.Slice:
		field.Set(reflect.ValueOf(strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })))
	default:
		field.SetString(value)
	}
	return nil
}

func (s *Settings) values(sources map[string]string) []Value {
	var all []Value
	for _, one := range settings() {
		v := Value{Key: one.key, Source: sources[one.key], Doc: one.doc, Value: fmt.Sprint(reflect.ValueOf(s).Elem().FieldByIndex(one.index))}
		if one.secret && v.Value != "" {
			v.Value = "(secret)"
		}
		if v.Source == "" {
			v.Source = "default"
		}
		all = append(all, v)
	}
	return all
}

// check refuses settings that contradict one another; a public instance must have all that one needs.
func (s *Settings) check() []error {
	wrong := append(s.checkKeys(), s.checkLine()...)
	need := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	need(s.Server.Mode == Evaluation || s.Server.Mode == Production, fmt.Sprintf("server.mode is %q; expected evaluation or production", s.Server.Mode))
	need(slices.Contains([]string{"starttls", "tls", "none"}, s.Mail.TLS), fmt.Sprintf("mail.tls is %q; expected starttls, tls or none", s.Mail.TLS))
	need(slices.Contains([]string{"", "ec-p256", "ec-p384", "ec-p521", "rsa-3072", "rsa-4096"}, s.Keys.Algorithm), fmt.Sprintf("keys.algorithm is %q; expected ec-p256, ec-p384, ec-p521, rsa-3072 or rsa-4096", s.Keys.Algorithm))
	need(slices.Contains([]string{"", AskAll, AskBodies, AskNobody}, s.Stamps.Ask), fmt.Sprintf("stamps.ask is %q; expected all, bodies or nobody", s.Stamps.Ask))
	wrong = append(wrong, s.Qualified.check(s.Server.Mode)...)
	need(s.Status.ListSize >= 0, "status.list_size is below 0")
	need(s.Server.Role == WholeRole || s.Server.Role == StatusRole, fmt.Sprintf("server.role is %q; expected all or status", s.Server.Role))
	need(slices.Contains([]string{"", "yes", "no"}, s.Publication.Samples), fmt.Sprintf("publication.samples is %q; expected yes or no", s.Publication.Samples))
	need(s.Publication.Samples != "yes" || s.Server.Mode == Evaluation, "publication.samples: a public instance issues nothing without people; its test certificates are for a ceremony")
	host, _, err := net.SplitHostPort(s.Server.Listen)
	need(err == nil, fmt.Sprintf("server.listen is %q; expected host:port", s.Server.Listen))
	if s.Server.Role == StatusRole && s.Server.Mode != Evaluation {
		return append(wrong, s.missingForStatus()...)
	}
	if s.Server.Mode != Evaluation {
		return append(wrong, s.missing()...)
	}
	if !loopback(host) || s.Server.PublicURL != "" {
		wrong = append(wrong, errors.New("an evaluation instance listens on loopback only and has no public address; set server.mode = \"production\" and:"))
		wrong = append(wrong, s.missing()...)
	}
	return wrong
}

// missing lists what a public instance lacks.
func (s *Settings) missing() []error {
	var wrong []error
	need := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New("  missing: "+what))
		}
	}
	address, err := url.Parse(s.Server.PublicURL)
	need(err == nil && address.Scheme == "https" && address.Host != "" && strings.Trim(address.Path, "/") == "", "server.public_url, an https:// address without a path")
	need(s.Mail.Host != "", "mail.host, a real mail server")
	need(!strings.HasSuffix(s.Mail.From, "localdomain"), "mail.from, an address of the body's")
	need(s.Keys.Passphrase != "" || s.Keys.Library != "" || len(s.Keys.Signer) > 0, "keys.passphrase (or CHANCELA_KEYS_PASSPHRASE_FILE), which opens the keys, keys.pkcs11_library of the module that holds them, or keys.signer of the process that has them")
	need((s.TLS.Certificate == "") == (s.TLS.Key == ""), "tls.certificate and tls.key, both or neither")
	need(s.TLS.Certificate != "" || len(s.Server.Proxies) > 0, "tls.certificate and tls.key, or server.trusted_proxies of the proxy that has TLS")
	need(s.SMS.Gateway != "outbox", "sms.gateway: the outbox is for evaluation; empty for no SMS")
	need(strings.HasPrefix(s.Server.PKIURL, "http://"), "server.pki_url, the plain http:// address that certificates name (RFC 5280, 4.2.2.1)")
	return wrong
}

// missingForStatus lists what a public process that only answers lacks: it sends nothing and has no pages.
func (s *Settings) missingForStatus() []error {
	var wrong []error
	need := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New("  missing: "+what))
		}
	}
	need(s.Database.URL != "", "database.url of the instance that it answers for")
	need(s.Keys.Passphrase != "" || s.Keys.Library != "", "keys.passphrase (or CHANCELA_KEYS_PASSPHRASE_FILE), which opens the responders' keys, or keys.pkcs11_library of the module that holds them")
	need(strings.HasPrefix(s.Server.PKIURL, "http://"), "server.pki_url, the plain http:// address that certificates name (RFC 5280, 4.2.2.1)")
	return wrong
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// FromFiles reads real files.
func FromFiles(name string) ([]byte, error) {
	const most = 1 << 20
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, most)
	}
	return os.ReadFile(name)
}
