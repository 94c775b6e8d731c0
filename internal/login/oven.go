package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"chancela/internal/fault"
)

// The cost of a hash: argon2id with 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet; ASVS 11.4.2).
const (
	memoryKiB = 19456
	passes    = 2
	lanes     = 1
	saltSize  = 16
	hashSize  = 32
)

// hashed is a password's hash with all that is needed to compare with it.
type hashed struct {
	memory uint32
	passes uint32
	lanes  uint8
	salt   []byte
	sum    []byte
}

// phc writes the hash in the PHC string format.
func (h hashed) phc() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes, enc.EncodeToString(h.salt), enc.EncodeToString(h.sum))
}

var errHash = errors.New("a stored password is not in the form of argon2id")

// parsePHC reads a hash that phc wrote. Its costs are bounded: a changed row must not make the program use up its
// memory.
func parsePHC(s string) (hashed, error) {
	var h hashed
	parts := strings.Split(s, "$")
	if len(s) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, errHash
	}
	var saltErr, sumErr error
	h.salt, saltErr = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	h.sum, sumErr = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if saltErr != nil || sumErr != nil || len(h.salt) < 8 || len(h.sum) != hashSize || h.memory < 8 || h.memory > 1<<18 || h.passes < 1 || h.passes > 16 || h.lanes < 1 || h.lanes > 8 {
		return hashed{}, errHash
	}
	if h.phc() != s {
		return hashed{}, errHash
	}
	return h, nil
}

// sameOven says whether one computation serves both: the same costs and salt.
func (h hashed) sameOven(other hashed) bool {
	return h.memory == other.memory && h.passes == other.passes && h.lanes == other.lanes && string(h.salt) == string(other.salt)
}

// oven computes hashes, a few at a time: each takes 19 MiB, and two hundred sign-ins at once must not take them all
// (A19). Those who wait are few too; the rest are told to come again.
type oven struct {
	slots   chan struct{}
	waiting chan struct{}
	baked   atomic.Int64 // how many were computed, for the tests that count instead of timing
}

// mostWaiting is how many may wait for a free slot: some seconds of work.
const mostWaiting = 128

func newOven() *oven {
	n := runtime.NumCPU()
	return &oven{slots: make(chan struct{}, n), waiting: make(chan struct{}, n+mostWaiting)}
}

// bake computes the hash of a password with the salt and costs of h.
func (o *oven) bake(ctx context.Context, password string, h hashed) ([]byte, error) {
	select {
	case o.waiting <- struct{}{}:
		defer func() { <-o.waiting }()
	default:
		return nil, busy()
	}
	select {
	case o.slots <- struct{}{}:
		defer func() { <-o.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	o.baked.Add(1)
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, hashSize), nil
}

func busy() error {
	return &fault.Error{Kind: fault.Unavailable, Key: "fault.unavailable", Retry: 5 * time.Second}
}

// hash makes the hash of a new password; salt is that of another account at the same address, if there is one.
func (o *oven) hash(ctx context.Context, password string, like hashed) (hashed, error) {
	h := hashed{memory: memoryKiB, passes: passes, lanes: lanes, salt: like.salt}
	if !h.sameOven(like) {
		h.salt = make([]byte, saltSize)
		_, _ = rand.Read(h.salt) // never fails: crypto/rand stops the program instead
	}
	sum, err := o.bake(ctx, password, h)
	h.sum = sum
	return h, err
}

// nobody is a hash that no password has: its sum is random. Comparing with it costs what any other does (A17).
func (o *oven) nobody() hashed {
	h := hashed{memory: memoryKiB, passes: passes, lanes: lanes, salt: make([]byte, saltSize), sum: make([]byte, hashSize)}
	_, _ = rand.Read(h.salt)
	_, _ = rand.Read(h.sum)
	return h
}

// equal compares in constant time.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
