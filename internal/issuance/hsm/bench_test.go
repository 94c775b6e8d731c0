//go:build pkcs11

package hsm_test

import (
	"crypto"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/miekg/pkcs11"

	"chancela/internal/issuance"
	"chancela/internal/issuance/hsm"
	"chancela/internal/issuance/hsm/hsmtest"
)

// BenchmarkSign has a token sign digests by its own library, with a session for each core, and by ours, which eight ask
// at once. bench/token runs it and records what came of it.
func BenchmarkSign(b *testing.B) {
	for _, a := range []issuance.Algorithm{issuance.ECP256, issuance.RSA3072} {
		b.Run(fmt.Sprintf("library/%s", a), func(b *testing.B) { byLibrary(b, a) })
		b.Run(fmt.Sprintf("ours/%s", a), func(b *testing.B) { byOurs(b, a) })
	}
}

// worked is the processors' time that this process has used, in nanoseconds: what a busy machine does not change.
func worked(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// share splits b.N among so many.
func share(b *testing.B, many int, sign func(who int, digest []byte) error) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	before := worked(b)
	for who := range many {
		all.Go(func() {
			digest := make([]byte, 32)
			_, _ = rand.Read(digest)
			for next.Add(1) <= int64(b.N) {
				if err := sign(who, digest); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric((worked(b)-before)/float64(b.N), "cpu-ns/op")
}

func module(b *testing.B, k *hsmtest.Token) *hsm.Module {
	b.Helper()
	m, err := hsm.New(hsm.Config{Library: k.Library, Token: hsmtest.Label, PIN: hsmtest.PIN, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func byOurs(b *testing.B, a issuance.Algorithm) {
	m := module(b, hsmtest.New(b))
	defer func() { _ = m.Close() }()
	key, err := m.Make(b.Context(), "emissora", a)
	if err != nil {
		b.Fatal(err)
	}
	share(b, 8, func(_ int, digest []byte) error {
		_, err := key.Sign(rand.Reader, digest, crypto.SHA256)
		return err
	})
}

func byLibrary(b *testing.B, a issuance.Algorithm) {
	k := hsmtest.New(b)
	m := module(b, k)
	if _, err := m.Make(b.Context(), "emissora", a); err != nil {
		b.Fatal(err)
	}
	if err := m.Close(); err != nil {
		b.Fatal(err)
	}
	c := pkcs11.New(k.Library)
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	must(c.Initialize())
	defer func() { _ = c.Finalize() }()
	slots, err := c.GetSlotList(true)
	must(err)
	sessions := make([]pkcs11.SessionHandle, runtime.NumCPU())
	for i := range sessions {
		sessions[i], err = c.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION)
		must(err)
	}
	must(c.Login(sessions[0], pkcs11.CKU_USER, hsmtest.PIN))
	must(c.FindObjectsInit(sessions[0], []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)}))
	keys, _, err := c.FindObjects(sessions[0], 1)
	must(err)
	must(c.FindObjectsFinal(sessions[0]))
	// What PKCS#1 v1.5 signs is a digest with its name before it: 19 bytes for SHA-256 (RFC 8017 §9.2).
	mechanism, before := uint(pkcs11.CKM_ECDSA), 0
	if a == issuance.RSA3072 {
		mechanism, before = pkcs11.CKM_RSA_PKCS, 19
	}
	share(b, len(sessions), func(who int, digest []byte) error {
		if err := c.SignInit(sessions[who], []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, keys[0]); err != nil {
			return err
		}
		_, err := c.Sign(sessions[who], append(make([]byte, before, before+len(digest)), digest...))
		return err
	})
}
