// Package vault keeps single sensitive values, such as a civil identification number, from whoever reads the
// database: they are stored encrypted, and compared by a keyed digest.
//
// Its key stands in a file outside the database. It must never be asked for a value that is going to a page, a
// message, a log or an export in full: those show what field.Show gives. Start reading at [Vault].
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Vault encrypts and marks values.
type Vault struct {
	aead cipher.AEAD
	mark []byte
}

// KeySize is the size of a vault's key in bytes.
const KeySize = 32

// New makes a vault from its key.
func New(key []byte) (*Vault, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("vault key has %d bytes; expected %d", len(key), KeySize)
	}
	sealing, err := hkdf.Key(sha256.New, key, nil, "chancela vault encryption", 32)
	if err != nil {
		return nil, err
	}
	marking, err := hkdf.Key(sha256.New, key, nil, "chancela vault marks", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Vault{aead: aead, mark: marking}, nil
}

// prefix tells an encrypted value, and by which way, so that the way can change.
const prefix = "v1:"

// Lock encrypts a value. place says where it stands (table, row, column): moved elsewhere it does not open.
func (v *Vault) Lock(place, value string) string {
	nonce := make([]byte, v.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails: crypto/rand stops the program instead
	return prefix + base64.RawStdEncoding.EncodeToString(v.aead.Seal(nonce, nonce, []byte(value), []byte(place)))
}

var errLocked = errors.New("a stored value does not open: wrong key, or it was changed or moved")

// Unlock decrypts a value that Lock made for the same place.
func (v *Vault) Unlock(place, locked string) (string, error) {
	text, ok := strings.CutPrefix(locked, prefix)
	if !ok {
		return "", errLocked
	}
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(data) < v.aead.NonceSize() {
		return "", errLocked
	}
	n := v.aead.NonceSize()
	plain, err := v.aead.Open(nil, data[:n], data[n:], []byte(place))
	if err != nil {
		return "", errLocked
	}
	return string(plain), nil
}

// Mark gives a keyed digest of a value, by which two of the same kind are found to be equal.
func (v *Vault) Mark(kind, value string) string {
	mac := hmac.New(sha256.New, v.mark)
	fmt.Fprintf(mac, "%d:%s%s", len(kind), kind, value)
	return hex.EncodeToString(mac.Sum(nil))
}
