package vault_test

import (
	"bytes"
	"strings"
	"testing"

	"chancela/internal/vault"
)

func open(t *testing.T, fill byte) *vault.Vault {
	t.Helper()
	v, err := vault.New(bytes.Repeat([]byte{fill}, vault.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAValueOpensOnlyAtItsPlaceAndWithItsKey(t *testing.T) {
	v := open(t, 1)
	locked := v.Lock("case/a", "00000000")
	if strings.Contains(locked, "00000000") {
		t.Fatal("stored in clear")
	}
	if got, err := v.Unlock("case/a", locked); err != nil || got != "00000000" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := v.Unlock("case/b", locked); err == nil {
		t.Error("a value moved to another row opened")
	}
	if _, err := open(t, 2).Unlock("case/a", locked); err == nil {
		t.Error("another key opened it")
	}
	changed := []byte(locked)
	changed[len(changed)-3] ^= 1
	if _, err := v.Unlock("case/a", string(changed)); err == nil {
		t.Error("a changed value opened")
	}
	if _, err := v.Unlock("case/a", "00000000"); err == nil {
		t.Error("a value in clear was taken for a locked one")
	}
}

func TestMarksAgreeForOneKindOnly(t *testing.T) {
	v := open(t, 1)
	mark := v.Mark("civil", "1")
	if mark != open(t, 1).Mark("civil", "1") || v.Mark("civil", "1") == v.Mark("passport", "1") || v.Mark("civil", "1") == open(t, 2).Mark("civil", "1") {
		t.Error("marks do not tell values, kinds and keys apart")
	}
}
