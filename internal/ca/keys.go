package ca

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"chancela/internal/durable"
	"chancela/internal/issuance"
)

// Keys holds our private keys: in files here, in a hardware module in package issuance/hsm. An error that is
// Unavailable means that they cannot be reached now: nothing is signed until they can, and nothing is lost.
type Keys interface {
	// Make makes the key of that name, if there is none, durably, and gives it; asked again it gives the same.
	Make(ctx context.Context, name string, a issuance.Algorithm) (issuance.Signer, error)
	// Open gives the key of that name. An error that is [fs.ErrNotExist] means that there is none. A Signer that has a
	// method Ready(context.Context) error is asked by it, before anything is recorded, whether it could sign now.
	Open(ctx context.Context, name string) (issuance.Signer, error)
	// Destroy destroys the key of that name for good, as far as this store has it; false if there was none.
	Destroy(ctx context.Context, name string) (bool, error)
}

// FileKeys keeps each key in an encrypted file of a folder that nobody else may read.
type FileKeys struct {
	Dir        string
	Passphrase *issuance.Passphrase
}

var _ Keys = FileKeys{}

var keyName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (k FileKeys) path(name string) (string, error) {
	if len(name) > 100 || !keyName.MatchString(name) {
		return "", fmt.Errorf("ca: %q is no name of a key: lower-case letters, digits and hyphens", name)
	}
	return filepath.Join(k.Dir, name+".key.json"), nil
}

// Open reads and decrypts a key's file.
func (k FileKeys) Open(_ context.Context, name string) (issuance.Signer, error) {
	path, err := k.path(name)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ca: key %s: %w", name, err)
	}
	signer, err := issuance.OpenKey(data, k.Passphrase)
	if err != nil {
		return nil, fmt.Errorf("ca: key %s: %w", name, err)
	}
	return signer, nil
}

// Make makes a key and its file. The file appears whole or not at all, and is on the disk before anything is certified
// for it; an existing one is never written over.
func (k FileKeys) Make(ctx context.Context, name string, a issuance.Algorithm) (issuance.Signer, error) {
	path, err := k.path(name)
	if err != nil {
		return nil, err
	}
	if signer, err := k.Open(ctx, name); err == nil {
		return signer, durable.Settle(path) // whoever made it may have been killed before its folder was synced
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := issuance.GenerateKey(a)
	if err != nil {
		return nil, err
	}
	data, err := issuance.SealKey(key, k.Passphrase)
	if err != nil {
		return nil, err
	}
	if err := durable.Create(path, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("ca: key %s: %w", name, err)
	}
	return k.Open(ctx, name) // what is on the disk counts: another process may have been first
}

// Destroy removes a key's file. Copies that were made of it elsewhere are for those who have them, and so is what a disk
// keeps of a removed file: it is encrypted, and opens by the passphrase alone.
func (k FileKeys) Destroy(_ context.Context, name string) (bool, error) {
	path, err := k.path(name)
	if err != nil {
		return false, err
	}
	err = os.Remove(path)
	gone := errors.Is(err, fs.ErrNotExist)
	if err == nil || gone {
		if _, stat := os.Stat(k.Dir); gone && errors.Is(stat, fs.ErrNotExist) {
			return false, nil
		}
		err = durable.Settle(path) // one that was removed before may come back by a power cut
	}
	if err != nil {
		return false, fmt.Errorf("ca: key %s: %w", name, err)
	}
	return !gone, nil
}
