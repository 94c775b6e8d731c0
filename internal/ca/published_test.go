package ca_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/issuance"
)

// TestARestoredOlderCopyTakesNothingBack goes on after a copy was made, then comes back with the copy: what was
// published since is put back from what was kept outside the database, and no number is given twice.
func TestARestoredOlderCopyTakesNothingBack(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	path, copied := filepath.Join(dir, "a.db"), filepath.Join(dir, "copy.db")
	i := &instance{keys: keysIn(t.TempDir()), clock: &clock{at: time.Now().Truncate(time.Second)}, published: outside}
	i.db = dbtest.Open(t, "sqlite:"+path, i.clock.now)
	i.start(t)
	found(t, i)
	before, kept := i.issue(t, "before"), i.issue(t, "kept")
	err := i.db.InTx(t.Context(), func(tx *db.Tx) error { return nil })
	if err == nil {
		err = i.db.Close()
	}
	data, read := os.ReadFile(path)
	if err != nil || read != nil || os.WriteFile(copied, data, 0o600) != nil {
		t.Fatal(err, read)
	}

	i.db = dbtest.Open(t, "sqlite:"+path, i.clock.now)
	i.start(t)
	i.clock.pass(time.Minute)
	after := i.issue(t, "after")
	for _, c := range []ca.Certificate{before, after} {
		if err := i.Revoke(t.Context(), officer("ana", actor.Decider), ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
	}
	_, last := i.listed(t, before.Issuer, before.Serial)
	at := i.find(t, before.Serial).RevokedAt

	i.db = dbtest.Open(t, "sqlite:"+copied, i.clock.now)
	i.start(t)
	if standing, _, err := i.Standing(t.Context(), before.Issuer, before.Serial); err != nil || standing != issuance.Good {
		t.Fatalf("the copy is not older: %s %v", standing, err)
	}
	i.clock.pass(time.Minute)
	got, err := i.Recover(t.Context(), machine)
	if err != nil || got.Lists != 1 || got.Revoked != 1 || got.Unknown != 1 {
		t.Fatalf("%+v: %v", got, err)
	}
	for _, c := range []ca.Certificate{before, after} {
		if standing, _, err := i.Standing(t.Context(), c.Issuer, c.Serial); err != nil || standing != issuance.Revoked {
			t.Errorf("%s stands %s: %v", c.Serial, standing, err)
		}
		if on, number := i.listed(t, c.Issuer, c.Serial); !on || number <= last {
			t.Errorf("%s on list %d: %t; %d was published", c.Serial, number, on, last)
		}
	}
	if again := i.find(t, before.Serial); !again.RevokedAt.Equal(at.Truncate(time.Second)) || again.Reason != issuance.KeyCompromise {
		t.Errorf("revoked again at %s for %d", again.RevokedAt, again.Reason)
	}
	if standing, _, err := i.Standing(t.Context(), kept.Issuer, kept.Serial); err != nil || standing != issuance.Good {
		t.Errorf("what was never revoked stands %s: %v", standing, err)
	}
	if got, err := i.Recover(t.Context(), machine); err != nil || got != (ca.Recovered{}) {
		t.Errorf("once more: %+v: %v", got, err)
	}
	if next := i.issue(t, "next"); next.Serial == after.Serial || next.Serial == before.Serial {
		t.Error("a serial number was given twice")
	}
	if err := os.WriteFile(filepath.Join(outside, "forged.crl"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Recover(t.Context(), machine); err == nil {
		t.Error("a file that is no list was passed over in silence")
	}
}
