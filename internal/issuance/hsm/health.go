package hsm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"chancela/internal/issuance"
)

// Health is what the last self-test found.
type Health struct {
	At   time.Time // zero before the first
	Keys int       // how many signed
	Err  error     // nil if all did, and their signatures verify
}

// errSelfTest is why a module is not used whose test signature was bad.
var errSelfTest = errors.New("its test signature does not verify")

// sound refuses the use of a module that gave a bad signature, until a self-test is good.
func (m *Module) sound() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.faulty != nil {
		return m.away(m.faulty)
	}
	return nil
}

// Health gives the last self-test's finding.
func (m *Module) Health() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.health
}

// Test has every key that is in use here sign something random, and verifies it with the public key; without a key in
// use it only asks the token whether it is there.
func (m *Module) Test(ctx context.Context) Health {
	m.mu.Lock()
	keys := slices.Collect(maps.Values(m.keys))
	m.mu.Unlock()
	err := m.with(ctx, func(_ *link, s session) error { return s.alive() })
	signed := 0
	for _, k := range keys {
		if err != nil {
			break
		}
		if err = k.test(ctx); err == nil {
			signed++
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.health
	m.health = Health{At: time.Now(), Keys: signed, Err: err}
	switch {
	case err == nil:
		m.faulty = nil
	case errors.Is(err, errSelfTest): // any other error found nothing, neither good nor bad
		m.faulty = err
	}
	switch {
	case err != nil && before.Err == nil:
		m.c.Log.Error("hsm: the self-test failed; nothing is signed until it is good", "token", m.c.Token, "error", err)
	case err == nil && before.Err != nil:
		m.c.Log.Info("hsm: the self-test is good again", "token", m.c.Token)
	}
	return m.health
}

// test signs what nobody else could mean: a random digest.
func (k *Key) test(ctx context.Context) error {
	h := hashOf(k.algorithm)
	digest := make([]byte, h.Size())
	if _, err := rand.Read(digest); err != nil {
		return err
	}
	signature, err := k.sign(ctx, digest, h)
	if err != nil {
		return err
	}
	good := false
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(public, digest, signature)
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(public, h, digest, signature) == nil
	}
	if !good {
		return fmt.Errorf("key %s: %w", k.name, errSelfTest)
	}
	return nil
}

func hashOf(a issuance.Algorithm) crypto.Hash {
	switch a {
	case issuance.ECP384:
		return crypto.SHA384
	case issuance.ECP521:
		return crypto.SHA512
	}
	return crypto.SHA256
}

// Run tests the module every [Config.Every], and more often while it is away, until ctx ends.
func (m *Module) Run(ctx context.Context) error {
	for {
		pause := m.c.Every
		if h := m.Test(ctx); h.Err != nil {
			pause = min(pause, m.c.LoginPause)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}
