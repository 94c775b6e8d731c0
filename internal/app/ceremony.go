package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/durable"
)

// errNotFounded is what serve says where there is nothing to serve with.
var errNotFounded = errors.New(`this instance has no certification hierarchy yet, and only an evaluation instance founds one by itself. Hold a ceremony and take it on:
  chancela ceremony new DIR        make a script, and change it
  chancela ceremony run DIR        hold the ceremony
  chancela ceremony activate DIR --into FILE
  chancela ceremony adopt DIR --config FILE
The operator's guide tells how, under "A key ceremony"`)

// OpenKeys opens the room that signs, with its keys, for a verb that has it take something on. A server or a signer may
// be running on the same instance.
func OpenKeys(ctx context.Context, o Options) (*App, error) {
	o.Beside = true
	a := newApp(o)
	for _, step := range []func(context.Context) error{a.openStores, a.openKeysRoom} {
		if err := step(ctx); err != nil { // definitions are not needed for it, and may still have place-holders
			return nil, errors.Join(err, a.Close())
		}
	}
	if a.CA == nil {
		return nil, errors.Join(errors.New("keys.signer is set: this process has no way to a key; give the signer's settings, and --signer"), a.Close())
	}
	return a, nil
}

// Adopt takes on what a ceremony made: its online keys' files, if keys are in files, and then everything else, judged
// anew.
func (a *App) Adopt(ctx context.Context, f ca.Founding, keys map[string][]byte) error {
	if a.Module == nil {
		for name, data := range keys {
			if err := a.putKey(name, data); err != nil {
				return fmt.Errorf("key %s: %w", name, err)
			}
		}
	}
	return a.CA.Adopt(ctx, actor.Machine(""), f)
}

// putKey puts a key's file beside the others, still encrypted. One that is there stays as it is.
func (a *App) putKey(name string, data []byte) error {
	path := filepath.Join(a.signingDir(), name+".key.json")
	held, err := os.ReadFile(path)
	if err == nil && bytes.Equal(held, data) {
		return durable.Settle(path)
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, errors.New("another key of that name is there"))
	}
	return durable.Create(path, data)
}

// TakeList takes on a revocation list of an offline authority.
func (a *App) TakeList(ctx context.Context, der []byte) error {
	return a.CA.TakeList(ctx, actor.Machine(""), der)
}

// EndAuthority ends an authority that is online, as far as that can be done now, and gives its last list (DER), or how
// many certificates are still to be revoked before there is one.
func (a *App) EndAuthority(ctx context.Context, e ca.AuthorityEnd) (list []byte, left int64, err error) {
	if left, err = a.CA.End(ctx, actor.Machine(""), e); err != nil || left > 0 {
		return nil, left, err
	}
	l, err := a.CA.LastList(ctx, e.Authority)
	return l.DER, 0, err
}

// signingDir is where key files are.
func (a *App) signingDir() string { return filepath.Join(a.keysDir(), "signing") }
