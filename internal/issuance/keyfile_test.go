package issuance

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestKeyFilesOpenWithTheirPassphraseAlone(t *testing.T) {
	passphrase := NewPassphrase([]byte("uma frase só de ensaio"), CostRandom())
	for _, a := range []Algorithm{ECP256, ECP521, RSA3072} {
		key := must2(makeKey(a))(t)
		data := must2(SealKey(key, passphrase))(t)
		signer := must2(OpenKey(data, passphrase))(t)
		if signer.Algorithm() != a || !sameKey(signer.Public(), key.Public()) {
			t.Errorf("%s came back as %s", a, signer.Algorithm())
		}
		if _, err := OpenKey(data, NewPassphrase([]byte("outra frase de ensaio"), CostRandom())); !errors.Is(err, ErrPassphrase) {
			t.Errorf("another passphrase: %v", err)
		}
		if again := must2(SealKey(key, passphrase))(t); bytes.Equal(again, data) {
			t.Error("sealed twice the same")
		}
	}
}

func TestAChangedKeyFileDoesNotOpen(t *testing.T) {
	passphrase := NewPassphrase([]byte("uma frase só de ensaio"), CostRandom())
	data := must2(SealKey(must2(GenerateKey(ECP256))(t), passphrase))(t)
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
	if _, err := SealKey(must2(GenerateKey(ECP256))(t), NewPassphrase([]byte("curta"), CostRandom())); err == nil {
		t.Error("a short passphrase sealed a key")
	}
	if _, err := SealKey(must2(GenerateKey(ECP256))(t), NewPassphrase([]byte("uma frase só de ensaio"), Cost{})); err == nil {
		t.Error("no cost sealed a key")
	}
}

// TestFilesOfOnePassphraseShareTheirSalt so that a process stretches it once, in whatever order it seals and opens.
func TestFilesOfOnePassphraseShareTheirSalt(t *testing.T) {
	secret := []byte("uma frase só de ensaio")
	parse := func(data []byte) keyFile { return must2(parseKeyFile(data))(t) }
	first := NewPassphrase(secret, CostRandom())
	one := must2(SealKey(must2(GenerateKey(ECP256))(t), first))(t)
	two := must2(SealKey(must2(GenerateKey(ECP256))(t), first))(t)
	later := NewPassphrase(secret, CostRandom())
	must2(OpenKey(one, later))(t)
	three := must2(SealKey(must2(GenerateKey(ECP256))(t), later))(t)
	must2(OpenKey(two, later))(t)
	must2(OpenKey(three, first))(t)
	if len(first.stretched) != 1 || len(later.stretched) != 1 {
		t.Errorf("stretched %d and %d times", len(first.stretched), len(later.stretched))
	}
	if bytes.Equal(parse(one).Nonce, parse(two).Nonce) || bytes.Equal(parse(one).Nonce, parse(three).Nonce) {
		t.Error("two files have one nonce under one key")
	}
	dearer := NewPassphrase(secret, Cost{Time: 3, Memory: 19 << 10, Threads: 1})
	must2(OpenKey(one, dearer))(t)
	if bytes.Equal(parse(must2(SealKey(must2(GenerateKey(ECP256))(t), dearer))(t)).Salt, parse(one).Salt) {
		t.Error("what costs otherwise has the same salt")
	}
}

func TestThePrivateKeyIsNotInTheFile(t *testing.T) {
	key := must2(GenerateKey(ECP256))(t)
	data := must2(SealKey(key, NewPassphrase([]byte("uma frase só de ensaio"), CostRandom())))(t)
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
