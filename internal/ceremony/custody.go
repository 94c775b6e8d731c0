package ceremony

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"
	"golang.org/x/crypto/argon2"

	"chancela/internal/issuance"
)

// custody says who keeps a share of what opens the keys, and how many are needed. It holds no secret: a commitment to
// the secret, by which a share shows whether it is of it.
type custody struct {
	Format     string   `json:"format"`
	ID         string   `json:"id"` // of this sharing: shares of another are told apart
	Needed     int      `json:"needed"`
	Holders    []holder `json:"holders"`
	Commitment [][]byte `json:"commitment"` // of the secret's polynomial (Feldman), in ristretto255
}

type holder struct {
	Name  string `json:"name"`
	Index int    `json:"index"` // of the share, from 1
	File  string `json:"file"`
}

// share is a custodian's file: a point of the secret's polynomial, sealed by AES-256-GCM under argon2id(passphrase).
// Everything else in it is bound by the seal.
type share struct {
	Format string        `json:"format"`
	ID     string        `json:"id"`
	Name   string        `json:"name"`
	Index  int           `json:"index"`
	Cost   issuance.Cost `json:"argon2id"`
	Salt   []byte        `json:"salt"`
	Nonce  []byte        `json:"nonce"`
	Sealed []byte        `json:"sealed"`
}

const (
	custodyFormat = "chancela-custody-1"
	shareFormat   = "chancela-share-1"
	pinFormat     = "chancela-pin-1"
	leastPhrase   = 15 // bytes of a custodian's passphrase, as of any secret here that a person may choose
)

// secret opens the keys. It is a scalar, of which each purpose's key is derived.
type secret struct{ scalar group.Scalar }

func newSecret() secret { return secret{group.Ristretto255.RandomNonZeroScalar(rand.Reader)} }

// key derives the key of one purpose.
func (s secret) key(purpose string) ([]byte, error) {
	raw, err := s.scalar.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, raw, nil, "chancela ceremony "+purpose, 32)
}

// passphrase is what opens the key files, in a form that an instance's settings can hold.
func (s secret) passphrase() ([]byte, error) {
	key, err := s.key("key files")
	return []byte(hex.EncodeToString(key)), err
}

// split shares the secret among holders, so that any needed of them recover it and fewer know nothing of it.
func (s secret) split(needed int, names []string) (custody, []secretsharing.Share, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return custody{}, nil, err
	}
	sharing := secretsharing.New(rand.Reader, uint(needed-1), s.scalar)
	c := custody{Format: custodyFormat, ID: hex.EncodeToString(id), Needed: needed}
	for _, element := range sharing.CommitSecret() {
		raw, err := element.MarshalBinaryCompress()
		if err != nil {
			return c, nil, err
		}
		c.Commitment = append(c.Commitment, raw)
	}
	for i, name := range names {
		c.Holders = append(c.Holders, holder{Name: name, Index: i + 1, File: fileName(name) + ".share.json"})
	}
	return c, sharing.Share(uint(len(names))), nil
}

// errWrongShare says that what a custodian brought opens nothing here.
var errWrongShare = errors.New("ceremony: that passphrase does not open this custodian's share, or the share is not of these keys")

// sealShare puts a share under its custodian's passphrase.
func sealShare(c custody, h holder, s secretsharing.Share, phrase string, cost issuance.Cost) ([]byte, error) {
	value, err := s.Value.MarshalBinary()
	if err != nil {
		return nil, err
	}
	defer clear(value)
	f := share{Format: shareFormat, ID: c.ID, Name: h.Name, Index: h.Index, Cost: cost, Salt: make([]byte, 16), Nonce: make([]byte, 12)}
	_, _ = rand.Read(f.Salt)
	_, _ = rand.Read(f.Nonce)
	aead, bound, err := f.cipher(phrase)
	if err != nil {
		return nil, err
	}
	f.Sealed = aead.Seal(nil, f.Nonce, value, bound)
	return json.MarshalIndent(f, "", "  ")
}

// cipher gives what seals the share, and what the seal binds.
func (f share) cipher(phrase string) (cipher.AEAD, []byte, error) {
	f.Sealed = nil
	bound, err := json.Marshal(f)
	if err != nil {
		return nil, nil, err
	}
	key := argon2.IDKey([]byte(phrase), f.Salt, f.Cost.Time, f.Cost.Memory, f.Cost.Threads, 32)
	defer clear(key)
	aead, err := gcm(key)
	return aead, bound, err
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// openShare opens a custodian's file and holds what is in it against the commitment.
func openShare(c custody, h holder, data []byte, phrase string) (secretsharing.Share, error) {
	var s secretsharing.Share
	f, err := parseShare(data)
	if err != nil {
		return s, err
	}
	if f.ID != c.ID || f.Name != h.Name || f.Index != h.Index {
		return s, errWrongShare
	}
	aead, bound, err := f.cipher(phrase)
	if err != nil {
		return s, err
	}
	value, err := aead.Open(nil, f.Nonce, f.Sealed, bound)
	if err != nil {
		return s, errWrongShare
	}
	defer clear(value)
	s.ID, s.Value = group.Ristretto255.NewScalar(), group.Ristretto255.NewScalar()
	s.ID.SetUint64(uint64(f.Index))
	if err := s.Value.UnmarshalBinary(value); err != nil {
		return s, errWrongShare
	}
	commitment, err := c.commitment()
	if err != nil {
		return s, err
	}
	if !secretsharing.Verify(uint(c.Needed-1), s, commitment) {
		return s, errWrongShare
	}
	return s, nil
}

func parseShare(data []byte) (share, error) {
	var f share
	if err := strictly(data, &f); err != nil {
		return f, fmt.Errorf("share: %w", err)
	}
	sane := f.Cost.Time >= 1 && f.Cost.Time <= 20 && f.Cost.Memory >= 8<<10 && f.Cost.Memory <= 1<<20 && f.Cost.Threads >= 1 && f.Cost.Threads <= 16
	if f.Format != shareFormat || !sane || len(f.Salt) != 16 || len(f.Nonce) != 12 || f.Index < 1 || f.Index > 255 {
		return f, errors.New("share: not of a form we write")
	}
	return f, nil
}

func strictly(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func (c custody) commitment() (secretsharing.SecretCommitment, error) {
	var all secretsharing.SecretCommitment
	for _, raw := range c.Commitment {
		e := group.Ristretto255.NewElement()
		if err := e.UnmarshalBinary(raw); err != nil {
			return nil, fmt.Errorf("custody: %w", err)
		}
		all = append(all, e)
	}
	return all, nil
}

// recover joins shares of different custodians, enough of them.
func (c custody) recover(shares []secretsharing.Share) (secret, error) {
	if len(shares) < c.Needed { // fewer would give a wrong secret, or none
		return secret{}, fmt.Errorf("ceremony: %d of %d custodians are needed, and %d opened their shares", c.Needed, len(c.Holders), len(shares))
	}
	scalar, err := secretsharing.Recover(uint(c.Needed-1), shares)
	if err != nil {
		return secret{}, err
	}
	commitment, err := c.commitment()
	if err != nil {
		return secret{}, err
	}
	if len(commitment) == 0 || !group.Ristretto255.NewElement().MulGen(scalar).IsEqual(commitment[0]) {
		return secret{}, errWrongShare
	}
	return secret{scalar}, nil
}

// custody reads who keeps the shares; false before they were made.
func (d *Dir) custody() (custody, bool, error) {
	var c custody
	if !isThere(d.at(custodyFile)) {
		return c, false, nil
	}
	data, err := readFile(d.at(custodyFile))
	if err == nil {
		err = strictly(data, &c)
	}
	if err == nil && (c.Format != custodyFormat || c.Needed < 2 || c.Needed > len(c.Holders) || len(c.Commitment) != c.Needed) {
		err = errors.New("not of a form we write")
	}
	if err != nil {
		return c, false, fmt.Errorf("%s: %w", custodyFile, err)
	}
	made, ok := d.record.last(didCustody, "")
	if !ok || made.Facts["sha256"] != sha(data) {
		return c, ok, fmt.Errorf("%s is not the one on record", custodyFile)
	}
	return c, true, nil
}

// shareOf finds a custodian's share in the places where shares are; false where it is in none.
func (d *Dir) shareOf(h holder) (data []byte, found bool, err error) {
	for _, dir := range append(slices.Clone(d.o.Shares), d.at(sharesDir)) {
		if path := filepath.Join(dir, h.File); isThere(path) {
			data, err = readFile(path)
			return data, true, err
		}
	}
	return nil, false, nil
}

// sealedPIN is a token's PIN under the secret.
type sealedPIN struct {
	Format string `json:"format"`
	Token  string `json:"token"`
	Nonce  []byte `json:"nonce"`
	Sealed []byte `json:"sealed"`
}

func (s secret) sealPIN(token, pin string) ([]byte, error) {
	key, err := s.key("token pin")
	if err != nil {
		return nil, err
	}
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	f := sealedPIN{Format: pinFormat, Token: token, Nonce: make([]byte, aead.NonceSize())}
	_, _ = rand.Read(f.Nonce)
	f.Sealed = aead.Seal(nil, f.Nonce, []byte(pin), []byte(pinFormat+" "+token))
	return json.MarshalIndent(f, "", "  ")
}

func (s secret) openPIN(data []byte) (string, error) {
	var f sealedPIN
	if err := strictly(data, &f); err != nil || f.Format != pinFormat || len(f.Nonce) != 12 {
		return "", errors.New("ceremony: the sealed PIN is not of a form we write")
	}
	key, err := s.key("token pin")
	if err != nil {
		return "", err
	}
	aead, err := gcm(key)
	if err != nil {
		return "", err
	}
	pin, err := aead.Open(nil, f.Nonce, f.Sealed, []byte(pinFormat+" "+f.Token))
	if err != nil {
		return "", errors.New("ceremony: the sealed PIN is not of these keys")
	}
	return string(pin), nil
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
