//go:build pkcs11

package ceremony

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/issuance/hsm"
	"chancela/internal/issuance/hsm/hsmtest"
)

// TestTokenHoldsTheKeysOfACeremony: keys are made in SoftHSM, its PIN is opened by custodians only, and an instance signs
// with the same token.
func TestTokenHoldsTheKeysOfACeremony(t *testing.T) {
	k := hsmtest.New(t)
	dir := filepath.Join(t.TempDir(), "cofre")
	scripted(t, dir, "fundacao", "whole", append([]string{"store: files #", "{store: pkcs11, pkcs11_library: " + k.Library + ", pkcs11_token: " + hsmtest.Label + "} #",
		"keys:\n", "keys: ", "responders_ahead: 4", "responders_ahead: 1", "algorithm: ec-p256 #", "algorithm: rsa-3072 #"}, quick...)...)
	text, err := os.ReadFile(filepath.Join(dir, "fundacao.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fundacao.yaml"), []byte(strings.Replace(string(text), "keys:   {store", "keys: {store", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	usual := willing(nil)
	answers := func(pin string) func(string) (string, bool) {
		return func(question string) (string, bool) {
			if strings.HasPrefix(question, "PIN") {
				return pin, true
			}
			return usual(question)
		}
	}
	said, err := hold(t, dir, "fundacao", Options{}, answers("um PIN que não é"))
	refusedWith(t, said, err, "the token does not open")
	hold2 := mustHold(t, dir, "fundacao", Options{}, answers(hsmtest.PIN))
	if strings.Contains(hold2, "wrong") {
		t.Error(hold2)
	}
	out := filepath.Join(dir, outDir)
	mustVerify(t, filepath.Join(out, "raiz-exemplo.pem"), nil, filepath.Join(out, "emissora-exemplo.pem"))
	if entries, _ := os.ReadDir(filepath.Join(dir, keysDir)); len(entries) != 0 {
		t.Error("a key is in a file")
	}
	for _, file := range []string{pinFile, custodyFile, recordFile} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || strings.Contains(string(data), hsmtest.PIN) {
			t.Errorf("%s: %v, or it holds the PIN", file, err)
		}
	}
	d := openAt(t, dir, Options{})
	p := &people{answers: usual}
	pin, err := d.Activate(NewTalk(p, p, i18n.PT))
	if err != nil || string(pin) != hsmtest.PIN {
		t.Fatalf("custodians open %q: %v", pin, err)
	}
	f, keys, err := d.Founding()
	if err != nil || len(keys) != 0 {
		t.Fatalf("%d key files, %v", len(keys), err)
	}
	_ = d.Close()
	now := time.Now()
	dbtest.EachAt(t, func() time.Time { return now }, func(t *testing.T, d *db.DB) {
		m, err := hsm.New(hsm.Config{Library: k.Library, Token: hsmtest.Label, PIN: string(pin), LoginPause: time.Nanosecond, Retry: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		i := &instance{db: d, now: &now}
		if i.CA, err = ca.New(ca.Config{DB: d, Keys: m, Base: address, Replica: "one"}); err != nil {
			t.Fatal(err)
		}
		if err := i.Adopt(t.Context(), actor.Machine(""), f); err != nil {
			t.Fatal(err)
		}
		if err := i.Found(t.Context(), actor.Machine(""), ca.Plan{}); err != nil {
			t.Fatal(err)
		}
		c := i.issue(t, "one", issuance.Website)
		root, between, leaf := i.chain(t, c)
		mustVerify(t, root, []string{between}, leaf)
		if got := i.status(t, c); got != "good" {
			t.Error(got)
		}
	})
}
