package ceremony

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAWholeCeremonyIsAcceptedByStrangersInEveryAlgorithm holds one for each pair of algorithms, and has openssl judge.
func TestAWholeCeremonyIsAcceptedByStrangersInEveryAlgorithm(t *testing.T) {
	for _, pair := range [][2]string{{"rsa-4096", "rsa-3072"}, {"ec-p384", "ec-p256"}, {"ec-p521", "ec-p521"}, {"ec-p256", "ec-p384"}} {
		t.Run(pair[0]+" "+pair[1], func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cofre")
			scripted(t, dir, "fundacao", "whole", "algorithm: rsa-4096 #", "algorithm: "+pair[0]+" #", "algorithm: ec-p384\n", "algorithm: "+pair[1]+"\n")
			said := mustHold(t, dir, "fundacao", Options{}, willing(nil))
			out := filepath.Join(dir, outDir)
			root, issuing := filepath.Join(out, "raiz-exemplo.pem"), filepath.Join(out, "emissora-exemplo.pem")
			mustVerify(t, root, nil, root)
			mustVerify(t, root, nil, issuing)
			for _, n := range []string{"1", "2", "3", "4"} {
				responder := filepath.Join(out, "raiz-exemplo-ocsp-"+n+".pem")
				text := mustTool(t, "openssl", "x509", "-in", responder, "-noout", "-text", "-startdate")
				if !strings.Contains(text, "OCSP Signing") || !strings.Contains(text, "OCSP No Check") {
					t.Error(text)
				}
			}
			mustVerify(t, root, nil, filepath.Join(out, "raiz-exemplo-ocsp-1.pem"))
			list := mustTool(t, "openssl", "crl", "-inform", "DER", "-in", filepath.Join(out, "raiz-exemplo.crl"), "-CAfile", root, "-noout", "-text")
			if !strings.Contains(list, "verify OK") || !strings.Contains(list, "No Revoked Certificates") {
				t.Error(list)
			}
			text := mustTool(t, "openssl", "x509", "-in", issuing, "-noout", "-text")
			for _, want := range []string{"CA:TRUE, pathlen:0", "http://pki.exemplo.pt/pki/crl/raiz-exemplo.crl", "http://pki.exemplo.pt/pki/ca/raiz-exemplo.cer", "http://pki.exemplo.pt/pki/ocsp"} {
				if !strings.Contains(text, want) {
					t.Errorf("the issuing authority's certificate lacks %q", want)
				}
			}
			minutes(t, dir, "fundacao", said)
		})
	}
}

// minutes are read by a stranger's program and held against the files.
func minutes(t *testing.T, dir, name, said string) {
	t.Helper()
	pdf := filepath.Join(dir, minutesName(name))
	text := mustTool(t, "pdftotext", "-layout", pdf, "-")
	flat := strings.Join(strings.Fields(text), " ")
	for _, want := range []string{
		"Ata da cerimónia de chaves", "Minutes of the key ceremony", "Entidade de Exemplo", "Ana Exemplo", "Bruno Exemplo", "Eva Exemplo", "Filipe Exemplo",
		"Assinaturas · Signatures", "Data e assinatura", "ensaio", "0000000", "Custódios precisos", "CN=Emissora de Exemplo TESTE",
		digestOf(t, filepath.Join(dir, outDir, "raiz-exemplo.pem"), "CERTIFICATE"), digestOf(t, filepath.Join(dir, outDir, "emissora-exemplo.pem"), "CERTIFICATE"),
		digestOf(t, filepath.Join(dir, outDir, "raiz-exemplo.crl"), "X509 CRL"),
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("the minutes lack %q", want)
		}
	}
	if !strings.Contains(said, minutesName(name)) {
		t.Error("nobody was told where the minutes are")
	}
	mustTool(t, "qpdf", "--check", pdf)
	d := openAt(t, dir, Options{})
	again, err := d.Minutes(name)
	printed, _ := os.ReadFile(pdf)
	if err != nil || !bytes.Equal(again, printed) {
		t.Errorf("the minutes are printed otherwise the second time: %v", err)
	}
	if states, err := d.Status(); err != nil || len(states) != 1 || !states[0].Closed || states[0].Done != states[0].Steps {
		t.Errorf("%+v %v", states, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if strings.Contains(flat, "frase de ensaio") || strings.Contains(said, "PRIVATE") {
		t.Error("a secret stands in the minutes")
	}
}

// apart makes the two sides of a hierarchy whose root is offline.
func apart(t *testing.T) (rootDir, issuingDir string) {
	t.Helper()
	top := t.TempDir()
	rootDir, issuingDir = filepath.Join(top, "raiz"), filepath.Join(top, "emissora")
	scripted(t, rootDir, "raiz", "root", quick...)
	scripted(t, issuingDir, "emissora", "issuing", quick...)
	return rootDir, issuingDir
}

func ahead(ending string) []string {
	var all []string
	for _, n := range []string{"1", "2", "3", "4"} {
		all = append(all, "raiz-exemplo-ocsp-"+n+ending)
	}
	return all
}

func waits(t *testing.T, err error, file string) {
	t.Helper()
	w, ok := errors.AsType[*Waiting](err)
	if !ok || filepath.Base(w.File) != file {
		t.Fatalf("%v; wanted to wait for %s", err, file)
	}
}

func TestAnOfflineRootCertifiesByFilesThatAreCarried(t *testing.T) {
	rootDir, issuingDir := apart(t)
	digests := map[string]string{}
	_, err := hold(t, rootDir, "raiz", Options{}, willing(digests))
	waits(t, err, "emissora-exemplo.request.pem")
	_, err = hold(t, issuingDir, "emissora", Options{}, willing(digests))
	waits(t, err, "raiz-exemplo.pem")
	requests := append(ahead(".request.pem"), "emissora-exemplo.request.pem")
	carry(t, issuingDir, rootDir, requests...)
	for _, name := range requests {
		digests[name] = digestOf(t, filepath.Join(issuingDir, outDir, name), "CERTIFICATE REQUEST")
	}
	mustHold(t, rootDir, "raiz", Options{}, willing(digests))
	carry(t, rootDir, issuingDir, append(ahead(".pem"), "raiz-exemplo.pem", "emissora-exemplo.pem", "raiz-exemplo.crl")...)
	digests["raiz-exemplo.pem"] = digestOf(t, filepath.Join(rootDir, outDir, "raiz-exemplo.pem"), "CERTIFICATE")
	said := mustHold(t, issuingDir, "emissora", Options{}, willing(digests))
	if !strings.Contains(said, "primeiros 16 algarismos") {
		t.Error("nobody compared the root's certificate with the other side's minutes")
	}
	mustVerify(t, filepath.Join(rootDir, outDir, "raiz-exemplo.pem"), nil, filepath.Join(issuingDir, outDir, "emissora-exemplo.pem"))
	if entries, _ := os.ReadDir(filepath.Join(issuingDir, keysDir)); len(entries) != 5 {
		t.Errorf("%d keys on the issuing side", len(entries))
	}
	if entries, _ := os.ReadDir(filepath.Join(rootDir, keysDir)); len(entries) != 1 {
		t.Errorf("%d keys on the root's side", len(entries))
	}
}

// TestWhatComesInIsRefusedIfItWasTamperedWith: requests and certificates that somebody exchanged on the way.
func TestWhatComesInIsRefusedIfItWasTamperedWith(t *testing.T) {
	rootDir, issuingDir := apart(t)
	digests := map[string]string{}
	_, _ = hold(t, rootDir, "raiz", Options{}, willing(digests))
	_, _ = hold(t, issuingDir, "emissora", Options{}, willing(digests))
	requests := append(ahead(".request.pem"), "emissora-exemplo.request.pem")
	for _, name := range requests {
		digests[name] = digestOf(t, filepath.Join(issuingDir, outDir, name), "CERTIFICATE REQUEST")
	}
	in := filepath.Join(rootDir, inDir, "emissora-exemplo.request.pem")
	for name, tamper := range map[string]func(data []byte) []byte{
		"E-CSR-0": func(data []byte) []byte { return bytes.Replace(data, data[200:204], []byte("AAAA"), 1) }, // a broken proof, or nothing readable
		"not what the other side's minutes say": func([]byte) []byte { // another's key under the same name
			other := filepath.Join(t.TempDir(), "outra")
			scripted(t, other, "emissora", "issuing", quick...)
			_, _ = hold(t, other, "emissora", Options{}, willing(nil))
			data, err := os.ReadFile(filepath.Join(other, outDir, "emissora-exemplo.request.pem"))
			if err != nil {
				t.Fatal(err)
			}
			return data
		},
		"it asks for": func([]byte) []byte { // another's name
			data, err := os.ReadFile(filepath.Join(issuingDir, outDir, "raiz-exemplo-ocsp-1.request.pem"))
			if err != nil {
				t.Fatal(err)
			}
			return data
		},
	} {
		data, err := os.ReadFile(filepath.Join(issuingDir, outDir, "emissora-exemplo.request.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in, tamper(data), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := hold(t, rootDir, "raiz", Options{}, willing(digests))
		refusedWith(t, said, err, name)
	}
	carry(t, issuingDir, rootDir, requests...)
	mustHold(t, rootDir, "raiz", Options{}, willing(digests))
	tamperedCertificates(t, rootDir, issuingDir, digests)
}

func tamperedCertificates(t *testing.T, rootDir, issuingDir string, digests map[string]string) {
	t.Helper()
	digests["raiz-exemplo.pem"] = digestOf(t, filepath.Join(rootDir, outDir, "raiz-exemplo.pem"), "CERTIFICATE")
	carry(t, rootDir, issuingDir, append(ahead(".pem"), "emissora-exemplo.pem", "raiz-exemplo.crl")...)
	another := filepath.Join(t.TempDir(), "outra-raiz")
	scripted(t, another, "raiz", "root", quick...)
	_, _ = hold(t, another, "raiz", Options{}, willing(nil))
	carry(t, another, issuingDir, "raiz-exemplo.pem") // another root of the same name
	said, err := hold(t, issuingDir, "emissora", Options{}, willing(digests))
	refusedWith(t, said, err, "not what the other side's minutes say")
	carry(t, rootDir, issuingDir, "raiz-exemplo.pem")
	swap := filepath.Join(issuingDir, inDir, "emissora-exemplo.pem")
	root, err := os.ReadFile(filepath.Join(rootDir, outDir, "raiz-exemplo.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(swap, root, 0o600); err != nil { // a certificate of another key
		t.Fatal(err)
	}
	said, err = hold(t, issuingDir, "emissora", Options{}, willing(digests))
	refusedWith(t, said, err, "another key")
	carry(t, rootDir, issuingDir, "emissora-exemplo.pem")
	said = mustHold(t, issuingDir, "emissora", Options{}, willing(digests))
	text := mustTool(t, "pdftotext", filepath.Join(issuingDir, minutesName("emissora")), "-")
	if !strings.Contains(text, "Tentado e recusado") {
		t.Errorf("the minutes do not tell what was tried and refused\n%s", said)
	}
}

func TestTooFewCustodiansAndWrongSharesOpenNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cofre")
	scripted(t, dir, "fundacao", "whole", quick...)
	usual := willing(nil)
	but := func(answers map[string]string) func(string) (string, bool) {
		return func(question string) (string, bool) {
			for name, answer := range answers {
				if strings.HasPrefix(question, name+",") && strings.Contains(question, "presente") {
					return answer, true
				}
			}
			return usual(question)
		}
	}
	said, err := hold(t, dir, "fundacao", Options{}, but(map[string]string{"Bruno Exemplo": "", "Carla Exemplo": ""}))
	refusedWith(t, said, err, "the keys stay shut")
	said, err = hold(t, dir, "fundacao", Options{}, but(map[string]string{"Bruno Exemplo": "frase que não é a sua", "Carla Exemplo": ""}))
	refusedWith(t, said, err, "the keys stay shut")
	if isThere(filepath.Join(dir, keysDir)) {
		t.Error("a key was made, and too few opened")
	}
	one, two := filepath.Join(dir, sharesDir, "bruno-exemplo.share.json"), filepath.Join(dir, sharesDir, "carla-exemplo.share.json")
	held, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(two)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{other, bytes.Replace(held, []byte(`"index": 1`), []byte(`"index": 2`), 1), held[:len(held)/2]} {
		if err := os.WriteFile(one, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := hold(t, dir, "fundacao", Options{}, but(map[string]string{"Carla Exemplo": ""}))
		if err == nil {
			t.Fatal("a share that was changed opened the keys")
		}
	}
	if err := os.WriteFile(one, held, 0o600); err != nil {
		t.Fatal(err)
	}
	said = mustHold(t, dir, "fundacao", Options{}, but(map[string]string{"Carla Exemplo": ""})) // the other two are enough
	if !strings.Contains(said, "Carla Exemplo não está presente") {
		t.Error(said)
	}
}

func TestSharesOfAnotherPlaceAreFoundWhereTheyAre(t *testing.T) {
	dir, stick := filepath.Join(t.TempDir(), "cofre"), t.TempDir()
	scripted(t, dir, "fundacao", "whole", quick...)
	moved := false
	o := Options{Shares: []string{stick}, Crash: func(point string) {
		if point == "ceremony.2.done" { // custodians take their files with them
			moved = os.Rename(filepath.Join(dir, sharesDir, "bruno-exemplo.share.json"), filepath.Join(stick, "bruno-exemplo.share.json")) == nil
		}
	}}
	said := mustHold(t, dir, "fundacao", o, willing(nil))
	if !moved || !strings.Contains(said, "A quota de Bruno Exemplo abriu") {
		t.Error(said)
	}
}

func TestNobodyGoesOnBehindAStepThatIsNotConfirmed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cofre")
	scripted(t, dir, "fundacao", "whole", quick...)
	said, err := hold(t, dir, "fundacao", Options{}, func(question string) (string, bool) {
		if strings.HasPrefix(question, "Filipe Exemplo") {
			return "Outra Pessoa", true
		}
		return willing(nil)(question)
	})
	refusedWith(t, said, err, "Filipe Exemplo did not confirm")
	if isThere(filepath.Join(dir, recordFile)) {
		t.Error("there is a record of what nobody confirmed")
	}
}

func TestAScriptOrARecordThatWasChangedIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cofre")
	scripted(t, dir, "fundacao", "whole", quick...)
	mustHold(t, dir, "fundacao", Options{}, willing(nil))
	script, record := filepath.Join(dir, "fundacao.yaml"), filepath.Join(dir, recordFile)
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, append(text, "# depois\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	d := openAt(t, dir, Options{})
	if _, err := d.Script("fundacao"); err == nil || !strings.Contains(err.Error(), "was changed since") {
		t.Error(err)
	}
	if err := errors.Join(d.Close(), os.WriteFile(script, text, 0o600)); err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.SplitAfter(lines, []byte("\n"))
	for name, bad := range map[string][]byte{
		"a line changed": bytes.Replace(lines, []byte("Eva Exemplo"), []byte("Eva Exempla"), 1),
		"a line gone":    bytes.Join(append(append([][]byte{}, all[:5]...), all[6:]...), nil),
		"two exchanged":  bytes.Join(append(append([][]byte{}, all[:4]...), append([][]byte{all[5], all[4]}, all[6:]...)...), nil),
	} {
		if err := os.WriteFile(record, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := Open(dir, Options{}); err == nil {
			t.Errorf("%s: opened", name)
			_ = d.Close()
		}
	}
	cut := append(append([]byte{}, lines...), `{"n":99,"at":"20`...) // what a power cut leaves
	if err := os.WriteFile(record, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	d = openAt(t, dir, Options{})
	if now, _ := os.ReadFile(record); !bytes.Equal(now, lines) || !d.record.closed("fundacao") {
		t.Error("a line that was cut off is still there, or more is gone")
	}
	if _, err := Open(dir, Options{}); err == nil {
		t.Error("two hold a ceremony in one place")
	}
	_ = d.Close()
}

func TestEveryMistakeOfAScriptIsToldWithItsLine(t *testing.T) {
	whole, err := templates.ReadFile("templates/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(whole), "NAME", "x", 1)
	if _, err := ParseScript("x.yaml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	for change, want := range map[[2]string]string{
		{"algorithm: rsa-4096 #", "algorithm: rsa-2048 #"}:                `algorithm "rsa-2048" is not admitted`, // D22
		{"algorithm: ec-p384\n", "algorithm: sha1\n"}:                     `"sha1" is not admitted`,
		{"algorithm: ec-p256 #", "algorithm: ed25519 #"}:                  `"ed25519" is not admitted`,
		{"needed: 2", "needed: 1"}:                                        "at least two",
		{"needed: 2", "needed: 4"}:                                        "needed is 4 of 3",
		{"needed: 2", "neded: 2"}:                                         `did you mean "needed"?`,
		{"Eva Exemplo, role: witness", "Ana Exemplo, role: witness"}:      "is there twice",
		{"Eva Exemplo, role: witness", "Eva Exemplo, role: custodian"}:    "at least one administrator, one witness",
		{"http://pki", "https://pki"}:                                     "not a plain http address",
		{"years: 24", "years: 99"}:                                        "years is 99; from 1 to 24",
		{"Raiz de Exemplo TESTE\n    alg", "Raiz de Exemplo\n    alg"}:    "lacks TESTE",
		{"{do: convene}", "{do: custody}"}:                                "the steps begin with convene",
		{"{do: key, of: raiz-exemplo}", "{do: kei, of: raiz-exemplo}"}:    "expected one of convene",
		{"{do: key, of: raiz-exemplo}", "{do: key}"}:                      "of names what it is done to",
		{"store: files", "store: floppy"}:                                 "expected files or pkcs11",
		{"issuer: raiz-exemplo\n", "issuer: \"\"\n"}:                      "issuer is the root",
		{"days: 300", "days: 400"}:                                        "at most 365",
		{"name: emissora-exemplo", "name: raiz-exemplo"}:                  "two authorities",
		{"    online: true", "    online: true\n    profiles: [root-ca]"}: "none that an issuing authority issues",
	} {
		bad := strings.Replace(text, change[0], change[1], 1)
		if bad == text {
			t.Fatalf("%q is not in the script: this test has nothing to look for", change[0])
		}
		_, err := ParseScript("x.yaml", []byte(bad))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.yaml:") {
			t.Errorf("%v: %v; wanted %q", change, err, want)
		}
	}
}

func FuzzParseScript(f *testing.F) {
	for _, kind := range Kinds() {
		text, err := templates.ReadFile("templates/" + kind + scriptEnd)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		if s, err := ParseScript("x.yaml", data); err == nil {
			_ = s.whole()
		}
	})
}

func FuzzParseShare(f *testing.F) {
	f.Add([]byte(`{"format":"chancela-share-1","id":"00","name":"x","index":1,"argon2id":{"time":1,"memory_kib":8192,"threads":1},"salt":"AAAAAAAAAAAAAAAAAAAAAA==","nonce":"AAAAAAAAAAAAAAAA","sealed":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := parseShare(data); err == nil && (s.Index < 1 || len(s.Salt) != 16) {
			t.Errorf("%+v", s)
		}
	})
}
