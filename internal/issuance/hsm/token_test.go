//go:build pkcs11

package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/issuance/hsm"
	"chancela/internal/issuance/hsm/hsmtest"
)

// These tests use a real token; those of policy_test.go try what a real one cannot be asked to do.

func open(t *testing.T, k *hsmtest.Token, change ...func(*hsm.Config)) *hsm.Module {
	t.Helper()
	c := hsm.Config{Library: k.Library, Token: hsmtest.Label, PIN: hsmtest.PIN, LoginPause: time.Nanosecond, Retry: time.Nanosecond, Log: slog.New(slog.DiscardHandler)}
	for _, one := range change {
		one(&c)
	}
	m, err := hsm.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func newKey(t *testing.T, m *hsm.Module, name string, a issuance.Algorithm) issuance.Signer {
	t.Helper()
	key, err := m.Make(t.Context(), name, a)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signs has a key sign a digest, and verifies what it gave.
func signs(key issuance.Signer, h crypto.Hash) error {
	digest := make([]byte, h.Size())
	_, _ = rand.Read(digest)
	signature, err := key.Sign(rand.Reader, digest, h)
	if err != nil {
		return err
	}
	good := false
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(public, digest, signature)
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(public, h, digest, signature) == nil
	}
	if !good {
		return errors.New("the signature does not verify")
	}
	return nil
}

func same(a, b crypto.PublicKey) bool {
	return a.(interface{ Equal(crypto.PublicKey) bool }).Equal(b)
}

func TestTokenMakesKeysThatStayInIt(t *testing.T) {
	k := hsmtest.New(t)
	m := open(t, k)
	made := map[string]issuance.Signer{}
	for _, a := range []issuance.Algorithm{issuance.ECP256, issuance.ECP384, issuance.ECP521, issuance.RSA3072, issuance.RSA4096} {
		name := "chave-" + string(a)
		key := newKey(t, m, name, a)
		made[name] = key
		if key.Algorithm() != a {
			t.Errorf("%s came as %s", a, key.Algorithm())
		}
		if _, err := issuance.CheckKey(key.Public()); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			if err := signs(key, h); err != nil {
				t.Errorf("%s over %s: %v", a, h, err)
			}
		}
		if again := newKey(t, m, name, a); !same(again.Public(), key.Public()) {
			t.Errorf("%s was made twice", a)
		}
	}
	if h := m.Test(t.Context()); h.Err != nil || h.Keys != len(made) {
		t.Errorf("self-test: %+v", h)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := signs(made["chave-ec-p256"], crypto.SHA256); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a closed module: %v", err)
	}
	again := open(t, k) // as a process that starts anew
	for name, key := range made {
		found, err := again.Open(t.Context(), name)
		if err != nil || !same(found.Public(), key.Public()) {
			t.Errorf("%s after a restart: %v", name, err)
		}
	}
	says := k.Says(t, "--login", "--pin", hsmtest.PIN, "--list-objects", "--type", "privkey")
	if n := strings.Count(says, "sensitive, always sensitive, never extractable, local"); n != len(made) {
		t.Errorf("%d of %d keys stay in the token:\n%s", n, len(made), says)
	}
	if strings.Contains(says, "decrypt") || strings.Contains(says, "unwrap") {
		t.Errorf("a key may do more than sign:\n%s", says)
	}
}

func TestTokenWithoutTheKeySaysSo(t *testing.T) {
	m := open(t, hsmtest.New(t))
	if _, err := m.Open(t.Context(), "nenhuma"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "Emissora", "a b", "../a", strings.Repeat("a", 101)} {
		if _, err := m.Make(t.Context(), bad, issuance.ECP256); err == nil || fault.Is(err, fault.Unavailable) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
	if _, err := m.Make(t.Context(), "outra", "dsa"); err == nil || fault.Is(err, fault.Unavailable) {
		t.Errorf("an unknown algorithm: %v", err)
	}
}

func TestTokenTakenAwayIsTakenUpAgain(t *testing.T) {
	k := hsmtest.New(t)
	m := open(t, k)
	key := newKey(t, m, "emissora", issuance.ECP256)
	for range 3 {
		back := k.Away(t)
		if err := key.(*hsm.Key).Ready(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("ready without the token, before anybody has noticed: %v", err)
		}
		if err := signs(key, crypto.SHA256); !fault.Is(err, fault.Unavailable) {
			t.Errorf("without the token: %v", err)
		}
		if _, err := m.Open(t.Context(), "outra"); !fault.Is(err, fault.Unavailable) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("looking for a key without the token: %v", err)
		}
		if _, err := m.Make(t.Context(), "outra", issuance.ECP256); !fault.Is(err, fault.Unavailable) {
			t.Errorf("making a key without the token: %v", err)
		}
		if h := m.Test(t.Context()); !fault.Is(h.Err, fault.Unavailable) {
			t.Errorf("self-test without the token: %+v", h)
		}
		back()
		if err := signs(key, crypto.SHA256); err != nil {
			t.Errorf("the token is back: %v", err)
		}
		if h := m.Test(t.Context()); h.Err != nil || h.Keys != 1 {
			t.Errorf("self-test with the token back: %+v", h)
		}
	}
	if k.PINTried(t) {
		t.Error("a wrong PIN was given on the way")
	}
}

func TestTokenIsFoundWhateverItsSlot(t *testing.T) {
	k := hsmtest.New(t)
	k.Add(t, "outro")
	m := open(t, k)
	key := newKey(t, m, "emissora", issuance.ECP256)
	k.Add(t, "terceiro") // SoftHSM numbers slots anew when a token is added
	back := k.Away(t)
	_ = signs(key, crypto.SHA256)
	back()
	if err := signs(key, crypto.SHA256); err != nil {
		t.Error(err)
	}
	k.Add(t, hsmtest.Label)
	if _, err := open(t, k, func(c *hsm.Config) { c.Serial = "0" }).Open(t.Context(), "emissora"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a serial number that no token has: %v", err)
	}
}

func TestTokenOfALabelThatTwoHaveIsNotGuessed(t *testing.T) {
	k := hsmtest.New(t)
	k.Add(t, hsmtest.Label)
	if _, err := open(t, k).Open(t.Context(), "emissora"); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "serial") {
		t.Errorf("two tokens of one label: %v", err)
	}
}

func TestTokenWithTwoKeysOfALabelOrOneThatCanLeaveIsRefused(t *testing.T) {
	k := hsmtest.New(t)
	m := open(t, k)
	newKey(t, m, "emissora", issuance.ECP256)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	k.Says(t, "--login", "--pin", hsmtest.PIN, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "emissora", "--id", "77", "--sensitive")
	k.Says(t, "--login", "--pin", hsmtest.PIN, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "solta", "--id", "78", "--extractable")
	m = open(t, k)
	for name, want := range map[string]string{"emissora": "2 keys", "solta": "taken out"} {
		for _, ask := range []func() (issuance.Signer, error){
			func() (issuance.Signer, error) { return m.Open(t.Context(), name) },
			func() (issuance.Signer, error) { return m.Make(t.Context(), name, issuance.ECP256) },
		} {
			if _, err := ask(); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestTokenExchangedForAnotherSignsNothing(t *testing.T) {
	k := hsmtest.New(t)
	m := open(t, k)
	key := newKey(t, m, "emissora", issuance.ECP256)
	back := k.Away(t)
	k.Plug(t)
	k.Add(t, hsmtest.Label)
	if err := signs(key, crypto.SHA256); !fault.Is(err, fault.Unavailable) {
		t.Errorf("another token without the key: %v", err)
	}
	k.Says(t, "--login", "--pin", hsmtest.PIN, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "emissora", "--id", "77", "--sensitive")
	if err := signs(key, crypto.SHA256); err == nil {
		t.Error("another key of that label signed")
	}
	back()
	_ = signs(key, crypto.SHA256)
	if err := signs(key, crypto.SHA256); err != nil {
		t.Errorf("the right token is back: %v", err)
	}
}

func TestTokenGetsAWrongPINOnce(t *testing.T) {
	k := hsmtest.New(t)
	m := open(t, k, func(c *hsm.Config) { c.PIN = "0000-errado" })
	if _, err := m.Open(t.Context(), "emissora"); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "0000") {
		t.Errorf("%v", err)
	}
	if !k.PINTried(t) {
		t.Fatal("the token has seen no wrong PIN: this test has nothing to look for")
	}
	cautious := open(t, k, func(c *hsm.Config) { c.Cautious = true })
	_ = m.Close()
	if _, err := cautious.Open(t.Context(), "emissora"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a verb beside the server: %v", err)
	}
	_ = cautious.Close()
	k.Says(t, "--login", "--pin", hsmtest.PIN, "--list-objects") // the right one takes the mark away
	m = open(t, k, func(c *hsm.Config) { c.PIN = "0000-errado" })
	_, _ = m.Open(t.Context(), "emissora")
	k.Says(t, "--login", "--pin", hsmtest.PIN, "--list-objects")
	for range 5 {
		if h := m.Test(t.Context()); !fault.Is(h.Err, fault.Unavailable) {
			t.Errorf("%+v", h)
		}
	}
	if k.PINTried(t) {
		t.Error("a refused PIN was tried again")
	}
}

func TestTokenIsUsedByManyAtOnceThroughFewSessions(t *testing.T) {
	k := hsmtest.New(t)
	m := open(t, k, func(c *hsm.Config) { c.Sessions = 3 })
	key := newKey(t, m, "emissora", issuance.ECP256)
	run := func(wanted func(error) bool) {
		var all sync.WaitGroup
		for range 24 {
			all.Go(func() {
				for range 20 {
					if err := signs(key, crypto.SHA256); !wanted(err) {
						t.Errorf("%v", err)
					}
				}
			})
		}
		all.Wait()
	}
	run(func(err error) bool { return err == nil })
	back := k.Away(t)
	defer back()
	run(func(err error) bool { return fault.Is(err, fault.Unavailable) })
}

func TestTokenMadeAtOnceIsOneKey(t *testing.T) {
	m := open(t, hsmtest.New(t))
	keys := make([]issuance.Signer, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = m.Make(t.Context(), "emissora", issuance.ECP256); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		if key == nil || !same(key.Public(), keys[0].Public()) {
			t.Error("several keys were made")
		}
	}
}

func TestTokenLibraryThatIsNoneKeepsFromStarting(t *testing.T) {
	if _, err := hsm.New(hsm.Config{Library: "/nonexistent.so", Token: "x", PIN: "x"}); err == nil || !strings.Contains(err.Error(), "/nonexistent.so") {
		t.Errorf("%v", err)
	}
}
