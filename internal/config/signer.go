package config

import (
	"errors"
	"fmt"
	"strings"
)

// checkKeys refuses contradictions about where the keys are.
func (s *Settings) checkKeys() []error {
	var wrong []error
	need := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	need(s.Keys.Library == "" || s.Keys.Token != "" && s.Keys.PIN != "", "keys.pkcs11_library wants keys.pkcs11_token, and keys.pkcs11_pin (or CHANCELA_KEYS_PKCS11_PIN_FILE)")
	need(s.Keys.Library != "" || s.Keys.Token == "" && s.Keys.Serial == "" && s.Keys.PIN == "", "keys.pkcs11_token, pkcs11_serial and pkcs11_pin want keys.pkcs11_library")
	need(s.Keys.Sessions >= 0, "keys.pkcs11_sessions is below 0")
	return wrong
}

// checkLine holds the settings of a process that asks a signer: it has no way to a key beside it.
func (s *Settings) checkLine() []error {
	k := s.Keys
	if len(k.Signer) == 0 {
		if k.SignerPeer+k.SignerCertificate+k.SignerKey != "" {
			return []error{errors.New("keys.signer_peer, signer_certificate and signer_key want keys.signer")}
		}
		return nil
	}
	var wrong []error
	for key, value := range map[string]string{
		"passphrase": k.Passphrase, "pkcs11_library": k.Library, "pkcs11_token": k.Token, "pkcs11_serial": k.Serial, "pkcs11_pin": k.PIN,
	} {
		if value != "" {
			wrong = append(wrong, fmt.Errorf("keys.signer and keys.%s are both set: the process that asks a signer has no way to a key; give it to the signer alone", key))
		}
	}
	overTLS := false
	for _, address := range k.Signer {
		wrong = append(wrong, signerAt("keys.signer", address)...)
		overTLS = overTLS || strings.HasPrefix(address, "tls:")
	}
	if overTLS && (k.SignerPeer == "" || k.SignerCertificate == "" || k.SignerKey == "") {
		wrong = append(wrong, errors.New("keys.signer over tls: wants keys.signer_peer, keys.signer_certificate and keys.signer_key"))
	}
	return append(wrong, s.checkEngine("keys.signer")...)
}

// checkSigner holds the settings of the verb signer.
func (s *Settings) checkSigner() []error {
	wrong := s.checkKeys()
	need := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	need(s.Server.Mode == Evaluation || s.Server.Mode == Production, fmt.Sprintf("server.mode is %q; expected evaluation or production", s.Server.Mode))
	need(s.Database.URL != "", "database.url is not set: a signer works on the database of the process that serves, sqlite:PATH or postgres://…")
	need(len(s.Keys.Signer) == 0, "keys.signer is set: a signer has the keys itself, and asks no other")
	if s.Signer.Listen != "" {
		wrong = append(wrong, signerAt("signer.listen", s.Signer.Listen)...)
	}
	if strings.HasPrefix(s.Signer.Listen, "tls:") {
		need(s.Signer.Certificate != "" && s.Signer.Key != "" && len(s.Signer.Clients) > 0, "signer.listen over tls: wants signer.certificate, signer.key and signer.clients")
	}
	if s.Server.Mode == Production {
		need(s.Keys.Passphrase != "" || s.Keys.Library != "", "  missing: keys.passphrase (or CHANCELA_KEYS_PASSPHRASE_FILE), which opens the keys, or keys.pkcs11_library of the module that holds them")
		need(strings.HasPrefix(s.Server.PKIURL, "http://"), "  missing: server.pki_url, the plain http:// address that certificates name (RFC 5280, 4.2.2.1): the same as of the process that serves")
	}
	return append(append(wrong, s.Qualified.check(s.Server.Mode)...), s.checkEngine("a signer")...)
}

// checkEngine wants PostgreSQL under a signer in production. Two processes on one SQLite file lose nothing; but both
// must be able to write the file and its folder, so they are one user's, and the kernel keeps nothing of one from the
// other: a signer of its own would only look like one.
func (s *Settings) checkEngine(what string) []error {
	if s.Server.Mode == Production && !strings.HasPrefix(s.Database.URL, "postgres") {
		return []error{errors.New(what + " wants PostgreSQL in production (database.url): two processes can share a SQLite file only as one user, from whom the keys would not be kept")}
	}
	return nil
}

// signerAt holds the address of a signer.
func signerAt(key, address string) []error {
	if path, ok := strings.CutPrefix(address, "unix:"); ok && strings.HasPrefix(path, "/") {
		return nil
	}
	if where, ok := strings.CutPrefix(address, "tls:"); ok && strings.Contains(where, ":") {
		return nil
	}
	return []error{fmt.Errorf("%s is %q; expected unix:/PATH or tls:HOST:PORT", key, address)}
}
