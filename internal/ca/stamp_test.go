package ca_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/issuance"
)

// ask has openssl make a time-stamp request about a document, and gives it read.
func ask(t *testing.T, args ...string) (path string, r issuance.StampRequest) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "asked.tsq")
	args = append([]string{"ts", "-query", "-data", file(t, "document", []byte("ata de exemplo")), "-sha256", "-out", path}, args...)
	if said, err := openssl(t, args...); err != nil {
		t.Fatal(said)
	}
	der, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = issuance.ParseStampRequest(der); err != nil {
		t.Fatal(err)
	}
	return path, r
}

// judged has openssl judge a stamp by the root alone.
func (i *instance) judged(t *testing.T, query string, reply []byte) (string, error) {
	t.Helper()
	root := i.Authorities()[0].Certificate
	return openssl(t, "ts", "-verify", "-queryfile", query, "-in", file(t, "given.tsr", reply), "-CAfile", file(t, "root.pem", issuance.PEM(root)))
}

func TestTheFoundedUnitStampsAndOpenSSLVerifies(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		query, r := ask(t, "-cert")
		reply, err := i.Stamp(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if said, err := i.judged(t, query, reply); err != nil || !strings.Contains(said, "Verification: OK") {
			t.Errorf("%v\n%s", err, said)
		}
		reply[len(reply)/2] ^= 1
		if said, err := i.judged(t, query, reply); err == nil {
			t.Errorf("openssl accepts an altered stamp\n%s", said)
		}
		i.start(t) // another process: it loads the unit, and founds nothing
		if reply, err = i.Stamp(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if said, err := i.judged(t, query, reply); err != nil {
			t.Error(said)
		}
	})
}

// stampable says whether a stamp is given now; every refusal must be for want of a clock.
func (i *instance) stampable(t *testing.T) bool {
	t.Helper()
	_, r := ask(t)
	_, err := i.Stamp(t.Context(), r)
	if err != nil && !errors.Is(err, issuance.TimeNotAvailable) {
		t.Fatal(err)
	}
	return err == nil
}

func TestAClockThatJumpsStopsTheStamps(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		i.clock.pass(48 * time.Hour) // so that the unit was certified long ago
		for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour, 2 * time.Second, -2 * time.Second, time.Second, -time.Second} {
			i.clock.jump(jump)
			if i.stampable(t) {
				t.Errorf("stamps are given after a jump of %s", jump)
			}
			i.clock.jump(-jump)
			if !i.stampable(t) {
				t.Errorf("no stamps are given after a jump of %s was undone", jump)
			}
		}
		for range 100 { // a drift of two seconds a minute, and nobody who vouches for the clock
			i.clock.pass(time.Second)
			i.clock.jump(time.Second / 30)
			if err := i.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if i.stampable(t) {
			t.Error("stamps are given by a clock that drifted by three seconds")
		}
	})
}

func TestAClockSetBackWhileNothingRanStopsTheStamps(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		i.clock.pass(time.Hour) // so that the unit was certified long ago
		if !i.stampable(t) {
			t.Fatal("no stamps are given")
		}
		i.clock.jump(-time.Minute)
		i.start(t)
		if i.stampable(t) {
			t.Error("a stamp before one that was given already")
		}
		i.clock.pass(time.Minute)
		if !i.stampable(t) {
			t.Error("no stamps when the clock is past what was stamped")
		}
	})
}

func TestTheTimeServiceIsAskedAndItsCorrectionsAreTaken(t *testing.T) {
	off, failure := time.Millisecond, error(nil)
	each(t, func(t *testing.T, i *instance) {
		off, failure = time.Millisecond, nil
		i.reference = func() (time.Duration, error) { return off, failure }
		i.start(t)
		if !i.stampable(t) {
			t.Fatal("no stamps are given")
		}
		if off = time.Second; i.stampable(t) {
			t.Error("stamps by a clock that may be off by more than they say")
		}
		off, failure = 0, errors.New("no time service")
		if i.stampable(t) {
			t.Error("stamps by a clock that nobody disciplines")
		}
		i.clock.jump(time.Minute) // the time service corrects it, and then vouches for it
		failure = nil
		if i.stampable(t) {
			t.Error("stamps right behind a jump")
		}
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !i.stampable(t) {
			t.Error("no stamps though the time service vouches for the clock")
		}
	})
}

// TestAUnitIsRolledBeforeItsKeyEnds: a year's key has its successor a month before, and the old stamps stay good.
func TestAUnitIsRolledBeforeItsKeyEnds(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		unit := func() string {
			_, r := ask(t, "-cert")
			reply, err := i.Stamp(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			return string(reply)
		}
		const first, second = "TSU TESTE 1", "TSU TESTE 2"
		if !strings.Contains(unit(), first) {
			t.Fatal("the first unit does not stamp")
		}
		work := func() {
			if err := i.Found(t.Context(), machine, plan()); err != nil {
				t.Fatal(err)
			}
		}
		i.clock.pass(300 * 24 * time.Hour)
		work()
		if !strings.Contains(unit(), first) {
			t.Error("rolled too soon")
		}
		i.clock.pass(40 * 24 * time.Hour)
		work()
		if !strings.Contains(unit(), second) {
			t.Error("not rolled")
		}
	})
}

func TestARevokedUnitStampsNoMore(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		if !i.stampable(t) {
			t.Fatal("no stamps are given")
		}
		var serial ca.Serial
		err := i.db.Look(t.Context(), func(tx *db.Tx) error {
			c, _, err := i.ByOrder(t.Context(), tx, "key/tsu-teste-1")
			serial = c.Serial
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := i.Revoke(t.Context(), actor.Machine(""), ca.Revocation{Serial: serial, Reason: issuance.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		i.clock.pass(time.Second)
		_, r := ask(t)
		if _, err := i.Stamp(t.Context(), r); err == nil {
			t.Error("a revoked unit stamps")
		}
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !i.stampable(t) {
			t.Error("no other unit took its place")
		}
	})
}

func TestManyAtOnceGetStampsOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		_, r := ask(t)
		var all sync.Map
		var group sync.WaitGroup
		for range 64 {
			group.Go(func() {
				reply, err := i.Stamp(t.Context(), r)
				if err != nil {
					t.Error(err)
					return
				}
				if _, twice := all.LoadOrStore(string(reply), true); twice {
					t.Error("one stamp twice")
				}
			})
		}
		group.Wait()
	})
}

// TestTheKernelSaysHowFarItsClockMayBeOff, or that nobody disciplines it: either is an answer.
func TestTheKernelSaysHowFarItsClockMayBeOff(t *testing.T) {
	off, err := ca.KernelClock()
	if err == nil && (off < 0 || off > 16*time.Second) { // NTP_PHASE_LIMIT
		t.Errorf("off by %s", off)
	}
	t.Logf("off by %s, %v", off, err)
}
