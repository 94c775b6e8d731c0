package issuance

import (
	"bufio"
	"bytes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"chancela/internal/fault"
)

// KeyList names keys that must never be certified, because others have them: published, stolen, or made by a generator
// with few outcomes. Its zero value names none.
//
// The program brings no list: an operator imports one. Keys of Debian's broken OpenSSL (CVE-2008-0166) can only be known
// by such a list, since they look as sound as any; Debian's own list names RSA keys of 512 to 4096 bits but none of 3072
// bits and none on curves, for which the longer form of a line is needed.
type KeyList struct {
	keys   map[[sha256.Size]byte]struct{}
	moduli map[[debianBytes]byte]struct{}
}

// debianBytes: Debian's lists keep the last half of a SHA-1, over "Modulus=", the modulus in capital hexadecimal digits
// and a line feed, as `openssl rsa -modulus | sha1sum` makes it.
const debianBytes = sha1.Size / 2

// MaxKeyList is the most bytes a list may have: a million keys.
const MaxKeyList = 64 << 20

// maxKeyLine bounds a line, comments too.
const maxKeyLine = 1 << 10

// ParseKeyList reads a list, one key a line, in hexadecimal: 64 digits are the SHA-256 of a SubjectPublicKeyInfo
// ([Key.Fingerprint]), 20 digits are Debian's form of an RSA key. Empty lines and those that begin with # are passed
// over; anything else is an error that names its line, so that no list is in force in part.
func ParseKeyList(from io.Reader) (KeyList, error) {
	l := KeyList{keys: map[[sha256.Size]byte]struct{}{}, moduli: map[[debianBytes]byte]struct{}{}}
	limited := &io.LimitedReader{R: from, N: MaxKeyList + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, maxKeyLine), maxKeyLine)
	n := 0
	for lines.Scan() {
		n++
		if err := l.add(bytes.TrimSpace(lines.Bytes())); err != nil {
			return KeyList{}, fmt.Errorf("issuance: list of keys, line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return KeyList{}, fmt.Errorf("issuance: list of keys, after line %d: %w", n, err)
	}
	if limited.N <= 0 {
		return KeyList{}, fmt.Errorf("issuance: a list of keys has at most %d bytes", MaxKeyList)
	}
	return l, nil
}

func (l KeyList) add(line []byte) error {
	if len(line) == 0 || line[0] == '#' {
		return nil
	}
	switch len(line) {
	case hex.EncodedLen(sha256.Size):
		var key [sha256.Size]byte
		if _, err := hex.Decode(key[:], line); err != nil {
			return errors.New("not hexadecimal")
		}
		l.keys[key] = struct{}{}
	case hex.EncodedLen(debianBytes):
		var modulus [debianBytes]byte
		if _, err := hex.Decode(modulus[:], line); err != nil {
			return errors.New("not hexadecimal")
		}
		l.moduli[modulus] = struct{}{}
	default:
		return fmt.Errorf("%d characters; expected 64 or 20 hexadecimal digits", len(line))
	}
	return nil
}

// Len says how many keys the list names.
func (l KeyList) Len() int { return len(l.keys) + len(l.moduli) }

// Has says whether the list names a key.
func (l KeyList) Has(key Key) bool {
	if _, ok := l.keys[sha256.Sum256(key.DER)]; ok {
		return true
	}
	public, ok := key.Public.(*rsa.PublicKey)
	if !ok {
		return false
	}
	_, ok = l.moduli[debianForm(public)]
	return ok
}

func debianForm(public *rsa.PublicKey) (short [debianBytes]byte) {
	sum := sha1.Sum(fmt.Appendf(nil, "Modulus=%X\n", public.N))
	copy(short[:], sum[sha1.Size-debianBytes:])
	return short
}

// Refuse refuses a key that the list names (fault Invalid, "issuance.key-known").
func (l KeyList) Refuse(key Key) error {
	if l.Has(key) {
		return fault.New(fault.Invalid, "issuance.key-known")
	}
	return nil
}
