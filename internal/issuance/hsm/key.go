package hsm

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"regexp"
	"time"

	"chancela/internal/issuance"
)

// Key is a private key on the token. It outlives the login by which it was found: the next use finds it again.
type Key struct {
	module    *Module
	name      string
	public    crypto.PublicKey
	algorithm issuance.Algorithm
}

var _ issuance.Signer = (*Key)(nil)

// Public gives the public half.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Algorithm says what the key signs with.
func (k *Key) Algorithm() issuance.Algorithm { return k.algorithm }

// Ready says whether the key could sign now; it is Unavailable while the token is away. Whoever is about to record
// that it will sign asks this first.
func (k *Key) Ready(ctx context.Context) error {
	if err := k.module.sound(); err != nil {
		return err
	}
	return k.module.with(ctx, func(l *link, s session) error {
		o, err := k.find(l, s)
		if err != nil {
			return err
		}
		return s.holds(o)
	})
}

// Sign signs a digest on the token. The random source is the token's own.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := k.module.sound(); err != nil {
		return nil, err
	}
	return k.sign(context.Background(), digest, opts)
}

func (k *Key) sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	if _, pss := opts.(*rsa.PSSOptions); pss || len(digest) != opts.HashFunc().Size() {
		return nil, errors.New("hsm: a key signs a digest of its hash's size, and RSA by PKCS#1 v1.5")
	}
	err = k.module.with(ctx, func(l *link, s session) error {
		o, err := k.find(l, s)
		if err == nil {
			signature, err = s.sign(o, digest, opts.HashFunc())
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", k.name, err)
	}
	return signature, nil
}

// find gives the key's handle of this login. What stands under its label now must still be the same key.
func (k *Key) find(l *link, s session) (object, error) {
	if o, ok := l.known(k.name); ok {
		return o, nil
	}
	o, err := one(s, k.name)
	if errors.Is(err, fs.ErrNotExist) { // it was there: a token without it is not the one we know
		return o, fmt.Errorf("%w: another token is in its place", errGone)
	}
	if err != nil {
		return o, err
	}
	if known, ok := k.public.(interface{ Equal(crypto.PublicKey) bool }); !ok || !known.Equal(o.public) {
		return o, errors.New("the token holds another key under that label now")
	}
	l.remember(k.name, o)
	return o, nil
}

// one finds the key of a label, if it is one and as it must be.
func one(s session, name string) (object, error) {
	found, err := s.find(name)
	if err != nil {
		return object{}, err
	}
	switch {
	case len(found) == 0:
		return object{}, fmt.Errorf("%w: %w", errHarmless, fs.ErrNotExist)
	case len(found) > 1:
		return object{}, fmt.Errorf("%w: %d keys have the label %s on the token; remove what is too much", errHarmless, len(found), name)
	case found[0].public == nil:
		return object{}, fmt.Errorf("%w: the key %s has no public half on the token", errHarmless, name)
	case !found[0].guarded:
		return object{}, fmt.Errorf("%w: the key %s can be taken out of the token", errHarmless, name)
	}
	return found[0], nil
}

var keyName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Open gives the key of that name, which is its label on the token. An error that is [fs.ErrNotExist] means that the
// token answers and has none; one that is Unavailable, that it does not answer.
func (m *Module) Open(ctx context.Context, name string) (issuance.Signer, error) {
	if len(name) > 100 || !keyName.MatchString(name) {
		return nil, fmt.Errorf("hsm: %q is no name of a key: lower-case letters, digits and hyphens", name)
	}
	m.mu.Lock()
	known := m.keys[name]
	m.mu.Unlock()
	if known != nil {
		return known, nil
	}
	var o object
	err := m.with(ctx, func(l *link, s session) (err error) {
		if o, err = one(s, name); err == nil {
			l.remember(name, o)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	algorithm, err := issuance.AlgorithmOf(o.public)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys[name] == nil {
		m.keys[name] = &Key{module: m, name: name, public: o.public, algorithm: algorithm}
	}
	return m.keys[name], nil
}

// Make makes the key of that name on the token, if there is none, and gives it.
//
// A token takes two keys of one label without a word, so of two processes that make one at the same moment each looks
// again behind itself: whoever finds another key beside their own destroys their own, which nobody has certified, and
// begins anew. A crash in between leaves two, and [Module.Open] says so.
func (m *Module) Make(ctx context.Context, name string, a issuance.Algorithm) (issuance.Signer, error) {
	for range mostRaces {
		key, err := m.Open(ctx, name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return key, err
		}
		id := make([]byte, 16)
		if _, err := rand.Read(id); err != nil {
			return nil, err
		}
		alone, err := m.generate(ctx, name, id, a)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", name, err)
		}
		if !alone {
			await(ctx)
		}
	}
	return nil, fmt.Errorf("key %s: others keep making it at the same moment", name)
}

const mostRaces = 5

// Destroy destroys the key of that name on the token for good, both halves, and each of them where a crash had left
// several; false if there was none.
func (m *Module) Destroy(ctx context.Context, name string) (destroyed bool, err error) {
	if !keyName.MatchString(name) {
		return false, fmt.Errorf("hsm: %q is no name of a key", name)
	}
	err = m.with(ctx, func(l *link, s session) error {
		found, err := s.find(name)
		for _, o := range found {
			if err == nil {
				destroyed, err = true, s.destroy(o)
			}
		}
		l.forget(name)
		return err
	})
	m.mu.Lock()
	delete(m.keys, name)
	m.mu.Unlock()
	if err != nil {
		return destroyed, fmt.Errorf("key %s: %w", name, err)
	}
	return destroyed, nil
}

// await pauses for a moment of random length, so that two who race do not meet again.
func await(ctx context.Context) {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(time.Second)))
	if err != nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(n.Int64())):
	}
}

// generate makes a key pair, and takes it back unless it is the only one of its label.
func (m *Module) generate(ctx context.Context, name string, id []byte, a issuance.Algorithm) (alone bool, err error) {
	err = m.with(ctx, func(_ *link, s session) error {
		found, err := s.find(name)
		if err != nil || len(found) > 0 { // by a first try of ours, whose answer was lost, or by somebody else
			return err
		}
		if err := s.make(name, id, a); err != nil {
			return err
		}
		if found, err = s.find(name); err != nil || len(found) == 1 {
			alone = len(found) == 1
			return err
		}
		for _, o := range found {
			if string(o.id) == string(id) {
				return s.destroy(o)
			}
		}
		return nil
	})
	return alone, err
}
