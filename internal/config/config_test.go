package config_test

import (
	"errors"
	"strings"
	"testing"

	"chancela/internal/config"
)

func source(file string, env ...string) config.Source {
	return config.Source{
		File: "c.toml",
		Env:  func() []string { return env },
		ReadAll: func(name string) ([]byte, error) {
			switch name {
			case "c.toml":
				return []byte(file), nil
			case "/secret":
				return []byte("hush\n"), nil
			}
			return nil, errors.New("no such file")
		},
	}
}

func TestWithoutAnythingItIsAnEvaluationInstanceOnLoopback(t *testing.T) {
	s, values, err := config.Read(config.Source{Env: func() []string { return nil }})
	if err != nil || s.Server.Mode != config.Evaluation || s.Server.Listen != "127.0.0.1:8080" || s.Server.Data != "./chancela-data" {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, v := range values {
		if v.Doc == "" || v.Source != "default" {
			t.Errorf("%+v", v)
		}
	}
}

func TestTheEnvironmentStandsOverTheFileAndFlagsOverBoth(t *testing.T) {
	from := source("[server]\nlisten = \"127.0.0.1:1\"\ndata = \"a\"\nportals = \"p\"", "CHANCELA_SERVER_LISTEN=127.0.0.1:2", "CHANCELA_SERVER_DATA=b", "HOME=/")
	from.Flags = map[string]string{"server.listen": "127.0.0.1:3"}
	s, values, err := config.Read(from)
	if err != nil || s.Server.Listen != "127.0.0.1:3" || s.Server.Data != "b" || s.Server.Portals != "p" {
		t.Fatalf("%+v, %v", s.Server, err)
	}
	got := map[string]string{}
	for _, v := range values {
		got[v.Key] = v.Source
	}
	if got["server.listen"] != "command line" || got["server.data"] != "environment" || got["server.portals"] != "c.toml" {
		t.Fatal(got)
	}
}

func TestASecretComesFromAFileAndIsNeverPrinted(t *testing.T) {
	s, values, err := config.Read(source("", "CHANCELA_MAIL_PASSWORD_FILE=/secret"))
	if err != nil || s.Mail.Password != "hush" {
		t.Fatalf("%q, %v", s.Mail.Password, err)
	}
	for _, v := range values {
		if strings.Contains(v.Value, "hush") {
			t.Errorf("%s prints its secret", v.Key)
		}
	}
}

func TestAnUnknownKeyNamesItsNeighbour(t *testing.T) {
	for name, from := range map[string]config.Source{
		"file":        source("[server]\nlisen = \"x\""),
		"environment": source("", "CHANCELA_SERVER_LISEN=x"),
	} {
		_, _, err := config.Read(from)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "listen") || !strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPublicAddressWithoutRealMailKeysAndTLSIsRefusedWithTheList(t *testing.T) {
	for name, from := range map[string]config.Source{
		"another address": source("[server]\nlisten = \"0.0.0.0:80\""),
		"a public URL":    source("[server]\npublic_url = \"https://portal.exemplo.pt\""),
		"production":      source("[server]\nmode = \"production\""),
	} {
		_, _, err := config.Read(from)
		for _, missing := range []string{"mail.host", "keys.passphrase", "tls.certificate", "sms.gateway"} {
			if err == nil || !strings.Contains(err.Error(), missing) {
				t.Errorf("%s: %v does not name %s", name, err, missing)
			}
		}
	}
}

func TestAWholeProductionFileIsAccepted(t *testing.T) {
	_, _, err := config.Read(source(`
[server]
mode = "production"
listen = "0.0.0.0:443"
public_url = "https://portal.exemplo.pt"
pki_url = "http://pki.exemplo.pt"
[mail]
host = "smtp.exemplo.pt"
from = "portal@exemplo.pt"
[sms]
gateway = ""
[keys]
passphrase = "x"
[tls]
certificate = "c"
key = "k"
`))
	if err != nil {
		t.Fatal(err)
	}
}

func TestAHardwareModuleIsNamedWholeOrNotAtAll(t *testing.T) {
	whole := "[keys]\npkcs11_library = \"/l.so\"\npkcs11_token = \"t\"\npkcs11_sessions = 4"
	s, values, err := config.Read(source(whole, "CHANCELA_KEYS_PKCS11_PIN_FILE=/secret"))
	if err != nil || s.Keys.PIN != "hush" || s.Keys.Library != "/l.so" || s.Keys.Sessions != 4 {
		t.Fatalf("%+v, %v", s.Keys.Library, err)
	}
	for _, v := range values {
		if strings.Contains(v.Value, "hush") {
			t.Errorf("%s prints the PIN", v.Key)
		}
	}
	for name, file := range map[string]string{
		"no PIN":     whole,
		"no token":   "[keys]\npkcs11_library = \"/l.so\"\npkcs11_pin = \"1\"",
		"no library": "[keys]\npkcs11_token = \"t\"",
		"sessions":   "[keys]\npkcs11_sessions = -1",
	} {
		if _, _, err := config.Read(source(file)); err == nil || !strings.Contains(err.Error(), "pkcs11") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoAsksASignerHasNoWayToAKey(t *testing.T) {
	const line = "[keys]\nsigner = [\"unix:/run/chancela/signer.sock\"]\n"
	if _, _, err := config.Read(source(line)); err != nil {
		t.Errorf("keys.signer alone: %v", err)
	}
	for more, says := range map[string]string{
		"passphrase = \"frase\"": "keys.passphrase",
		"pkcs11_library = \"/usr/lib/x.so\"\npkcs11_token = \"t\"\npkcs11_pin = \"1234\"": "keys.pkcs11_pin",
		"pkcs11_token = \"t\"": "keys.pkcs11_token",
	} {
		_, _, err := config.Read(source(line + more))
		if err == nil || !strings.Contains(err.Error(), "both set") || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "1234") || strings.Contains(err.Error(), "frase") {
			t.Errorf("%s: %v", more, err)
		}
	}
	for name, text := range map[string]string{
		"relative":               "[keys]\nsigner = [\"unix:signer.sock\"]",
		"plain":                  "[keys]\nsigner = [\"http://signer:1\"]",
		"TLS without a peer":     "[keys]\nsigner = [\"tls:signer:8444\"]",
		"a peer without signers": "[keys]\nsigner_peer = \"/etc/x.pem\"",
	} {
		if _, _, err := config.Read(source(text)); err == nil || !strings.Contains(err.Error(), "keys.signer") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASignerInProductionWantsItsOwnSettingsAndPostgreSQL(t *testing.T) {
	forSigner := func(text string) error {
		from := source(text)
		from.ForSigner = true
		_, _, err := config.Read(from)
		return err
	}
	const good = "[server]\nmode = \"production\"\npki_url = \"http://pki.exemplo.pt\"\n[keys]\npassphrase = \"frase\"\n[database]\nurl = \"postgres://x\"\n"
	if err := forSigner(good); err != nil {
		t.Errorf("it needs neither mail nor pages: %v", err)
	}
	for name, c := range map[string]struct{ text, says string }{
		"nothing":           {"", "database.url"},
		"no keys":           {strings.Replace(good, "passphrase = \"frase\"", "", 1), "keys.passphrase"},
		"SQLite":            {strings.Replace(good, "postgres://x", "sqlite:/x.db", 1), "PostgreSQL"},
		"no address":        {strings.Replace(good, "pki_url = \"http://pki.exemplo.pt\"", "", 1), "pki_url"},
		"asks another":      {strings.Replace(good, "[keys]", "[keys]\nsigner = [\"unix:/s\"]", 1), "keys.signer"},
		"TLS without names": {good + "[signer]\nlisten = \"tls::8444\"\n", "signer.clients"},
		"no address at all": {good + "[signer]\nlisten = \"8444\"\n", "signer.listen"},
	} {
		if err := forSigner(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWeakAlgorithmsAreRefusedAtTheStart is attack line D22: no setting makes a key weaker than the least that there is.
func TestWeakAlgorithmsAreRefusedAtTheStart(t *testing.T) {
	for name, good := range map[string]bool{
		"": true, "ec-p256": true, "ec-p384": true, "ec-p521": true, "rsa-3072": true, "rsa-4096": true,
		"rsa-2048": false, "rsa-1024": false, "sha1": false, "ec-p192": false, "EC-P256": false, "md5": false,
	} {
		_, _, err := config.Read(config.Source{Env: func() []string { return []string{"CHANCELA_KEYS_ALGORITHM=" + name} }})
		if (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestADeclarationIsWholeOrThereIsNone(t *testing.T) {
	whole := config.Qualified{List: "/l.xml", Signers: "/s.pem", Address: "https://www.exemplo.pt/l.xml", Arc: "1.3.6.1.4.1.99999.1", PDSEN: "https://www.exemplo.pt/p.pdf"}
	for name, one := range map[string]struct {
		env  []string
		word string
	}{
		"no list":          {[]string{"CHANCELA_QUALIFIED_POLICY_ARC=" + whole.Arc}, "qualified.trusted_list is empty"},
		"a list alone":     {[]string{"CHANCELA_QUALIFIED_TRUSTED_LIST=" + whole.List}, "wants qualified.trusted_list_signers"},
		"in an evaluation": {[]string{"CHANCELA_QUALIFIED_TRUSTED_LIST=" + whole.List}, "never qualified"},
	} {
		_, _, err := config.Read(config.Source{Env: func() []string { return one.env }})
		if err == nil || !strings.Contains(err.Error(), one.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
