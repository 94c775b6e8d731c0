package app

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"chancela/internal/durable"
)

// instanceSecret is the one secret of an instance that all replicas share, in a file outside the database. Links,
// codes, locked values and marks follow from it: whoever has the database alone has none of them.
type instanceSecret [32]byte

// openSecret reads the secret, or makes it at the first start. It belongs in the backup, apart from the database.
func openSecret(path string) (instanceSecret, error) {
	var s instanceSecret
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := rand.Read(s[:]); err != nil {
			return s, err
		}
		err = durable.Create(path, []byte(hex.EncodeToString(s[:])+"\n"))
		if !errors.Is(err, fs.ErrExist) {
			return s, err
		}
		text, err = os.ReadFile(path) // another process was first
	}
	if err != nil {
		return s, fmt.Errorf("secret of the instance: %w", err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != len(s) {
		return s, fmt.Errorf("secret of the instance: %s does not hold 32 bytes in hexadecimal", path)
	}
	copy(s[:], raw)
	return s, nil
}

// key derives the key of one purpose.
func (s instanceSecret) key(purpose string) [32]byte {
	var key [32]byte
	derived, err := hkdf.Key(sha256.New, s[:], nil, "chancela "+purpose, len(key))
	if err != nil {
		panic(err) // only for lengths that no hash can give
	}
	copy(key[:], derived)
	return key
}
