package ca

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

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
}

// FileKeys keeps each key in an encrypted file of a folder that nobody else may read.
type FileKeys struct {
	Dir        string
	Passphrase []byte
	Cost       issuance.Cost
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
	if signer, err := k.Open(ctx, name); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return signer, err
	}
	path, err := k.path(name)
	if err != nil {
		return nil, err
	}
	key, err := issuance.GenerateKey(a)
	if err != nil {
		return nil, err
	}
	data, err := issuance.SealKey(key, k.Passphrase, k.Cost)
	if err != nil {
		return nil, err
	}
	if err := writeNew(path, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("ca: key %s: %w", name, err)
	}
	return k.Open(ctx, name) // what is on the disk counts: another process may have been first
}

// writeNew writes a file that must not be there yet: to a name of its own, to the disk, then linked to its place.
func writeNew(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Chmod(0o600), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name last through a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
