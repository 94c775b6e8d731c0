package issuance

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestKeyFilesOpenWithTheirPassphraseAlone(t *testing.T) {
	passphrase := []byte("uma frase só de ensaio")
	for _, a := range []Algorithm{ECP256, ECP521, RSA3072} {
		key := must2(makeKey(a))(t)
		data := must2(SealKey(key, passphrase, CostRandom()))(t)
		signer := must2(OpenKey(data, passphrase))(t)
		if signer.Algorithm() != a || !sameKey(signer.Public(), key.Public()) {
			t.Errorf("%s came back as %s", a, signer.Algorithm())
		}
		if _, err := OpenKey(data, []byte("outra frase de ensaio")); !errors.Is(err, ErrPassphrase) {
			t.Errorf("another passphrase: %v", err)
		}
		if again := must2(SealKey(key, passphrase, CostRandom()))(t); bytes.Equal(again, data) {
			t.Error("sealed twice the same")
		}
	}
}

func TestAChangedKeyFileDoesNotOpen(t *testing.T) {
	passphrase := []byte("uma frase só de ensaio")
	data := must2(SealKey(must2(GenerateKey(ECP256))(t), passphrase, CostRandom()))(t)
	_, otherKey := newKey(t, ECP256)
	for name, change := range map[string]func(f *keyFile){
		"public key": func(f *keyFile) { f.Public = otherKey.DER },
		"algorithm":  func(f *keyFile) { f.Algorithm = ECP384 },
		"cost":       func(f *keyFile) { f.Cost.Time++ },
		"salt":       func(f *keyFile) { f.Salt[0] ^= 1 },
		"nonce":      func(f *keyFile) { f.Nonce[0] ^= 1 },
		"sealed":     func(f *keyFile) { f.Sealed[0] ^= 1 },
		"format":     func(f *keyFile) { f.Format = "x" },
		"huge cost":  func(f *keyFile) { f.Cost.Memory = 1 << 30 },
		"short salt": func(f *keyFile) { f.Salt = nil },
	} {
		var f keyFile
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		change(&f)
		if _, err := OpenKey(must2(json.Marshal(f))(t), passphrase); err == nil {
			t.Errorf("%s changed, and it opened", name)
		}
	}
	for _, bad := range []string{"", "{}", strings.Replace(string(data), "{", `{"x":1,`, 1), strings.Repeat(" ", maxKeyFile+1)} {
		if _, err := OpenKey([]byte(bad), passphrase); err == nil {
			t.Errorf("%.20q opened", bad)
		}
	}
	if _, err := SealKey(must2(GenerateKey(ECP256))(t), []byte("curta"), CostRandom()); err == nil {
		t.Error("a short passphrase sealed a key")
	}
	if _, err := SealKey(must2(GenerateKey(ECP256))(t), passphrase, Cost{}); err == nil {
		t.Error("no cost sealed a key")
	}
}

func TestThePrivateKeyIsNotInTheFile(t *testing.T) {
	key := must2(GenerateKey(ECP256))(t)
	data := must2(SealKey(key, []byte("uma frase só de ensaio"), CostRandom()))(t)
	if strings.Contains(string(data), "PRIVATE") || !json.Valid(data) {
		t.Errorf("%s", data)
	}
}

func FuzzOpenKeyRefuses(f *testing.F) {
	f.Add([]byte(`{"format":"chancela-key-1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := parseKeyFile(data); err == nil && len(data) > maxKeyFile {
			t.Error("too large and read")
		}
	})
}
