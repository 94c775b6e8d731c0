package issuance

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/crypto/argon2"
)

// Cost is what it takes to turn a passphrase into a file's key (argon2id, RFC 9106).
type Cost struct {
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
}

// CostPerson is for passphrases that people choose: RFC 9106 §4, second recommended option.
func CostPerson() Cost { return Cost{Time: 3, Memory: 64 << 10, Threads: 4} }

// CostRandom is for passphrases of 128 random bits and more, which nobody can guess: OWASP's least.
func CostRandom() Cost { return Cost{Time: 2, Memory: 19 << 10, Threads: 1} }

// sane bounds what a file may ask of us before its passphrase was seen to be right.
func (c Cost) sane() bool {
	return c.Time >= 1 && c.Time <= 20 && c.Memory >= 8<<10 && c.Memory <= 1<<20 && c.Threads >= 1 && c.Threads <= 16
}

const (
	keyFormat   = "chancela-key-1"
	maxKeyFile  = 64 << 10
	saltSize    = 16
	fileKeySize = 32 // AES-256
)

// keyFile is the form of an encrypted key file: JSON, so that an operator sees what it is.
//
// The private key is PKCS#8, sealed by AES-256-GCM under argon2id(passphrase, salt); everything else in the file is
// bound to it as additional data, so that neither the public key nor the cost can be exchanged.
type keyFile struct {
	Format    string    `json:"format"`
	Algorithm Algorithm `json:"algorithm"`
	Public    []byte    `json:"public"` // SubjectPublicKeyInfo, DER
	Cost      Cost      `json:"argon2id"`
	Salt      []byte    `json:"salt"`
	Nonce     []byte    `json:"nonce"`
	Sealed    []byte    `json:"sealed"`
}

// ErrPassphrase is returned when a key file does not open: the passphrase is wrong or the file was changed.
var ErrPassphrase = errors.New("issuance: the passphrase does not open this key file")

// bound gives what the seal binds: the file without what the seal itself makes.
func (f keyFile) bound() ([]byte, error) {
	f.Sealed = nil
	return json.Marshal(f)
}

// Passphrase opens and seals key files. To stretch it costs by far the most of that, and is done once for each salt:
// the files that one passphrase seals share theirs, and differ in their nonces, so that a process pays once for all.
type Passphrase struct {
	secret []byte
	cost   Cost

	mu        sync.Mutex
	salt      []byte // of what was stretched first at this cost; new files take it too
	stretched map[stretch][]byte
}

// stretch is what a file's key follows from, beside the passphrase.
type stretch struct {
	salt [saltSize]byte
	cost Cost
}

// mostStretched bounds the keys that are kept: files that were sealed elsewhere have salts of their own.
const mostStretched = 100

// NewPassphrase takes a passphrase, and what it shall cost to try one on the files that it seals.
func NewPassphrase(secret []byte, cost Cost) *Passphrase {
	return &Passphrase{secret: secret, cost: cost, stretched: map[stretch][]byte{}}
}

// at gives the cipher of the files of a salt and a cost.
func (p *Passphrase) at(salt []byte, cost Cost) (cipher.AEAD, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	which := stretch{[saltSize]byte(salt), cost}
	key, ok := p.stretched[which]
	if !ok {
		key = argon2.IDKey(p.secret, salt, cost.Time, cost.Memory, cost.Threads, fileKeySize)
		if len(p.stretched) < mostStretched {
			p.stretched[which] = key
		}
		if p.salt == nil && cost == p.cost {
			p.salt = salt
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// newSalt is the salt of a file that is about to be sealed.
func (p *Passphrase) newSalt() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.salt != nil {
		return p.salt, nil
	}
	salt := make([]byte, saltSize)
	_, err := rand.Read(salt)
	return salt, err
}

// SealKey writes a private key as an encrypted key file.
func SealKey(key crypto.Signer, passphrase *Passphrase) ([]byte, error) {
	if len(passphrase.secret) < 15 { // the least of any secret in this program that a person may choose
		return nil, errors.New("issuance: a key file's passphrase has at least 15 bytes")
	}
	if !passphrase.cost.sane() {
		return nil, errors.New("issuance: that cost is out of bounds")
	}
	algorithm, err := AlgorithmOf(key.Public())
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("issuance: encode key: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("issuance: encode key: %w", err)
	}
	defer clear(private)
	f := keyFile{Format: keyFormat, Algorithm: algorithm, Public: public, Cost: passphrase.cost}
	if f.Salt, err = passphrase.newSalt(); err != nil {
		return nil, err
	}
	aead, err := passphrase.at(f.Salt, f.Cost)
	if err != nil {
		return nil, err
	}
	f.Nonce = make([]byte, aead.NonceSize())
	if _, err := rand.Read(f.Nonce); err != nil {
		return nil, err
	}
	bound, err := f.bound()
	if err != nil {
		return nil, err
	}
	f.Sealed = aead.Seal(nil, f.Nonce, private, bound)
	return json.MarshalIndent(f, "", "  ")
}

// OpenKey reads an encrypted key file. A wrong passphrase and a changed file are both [ErrPassphrase].
func OpenKey(data []byte, passphrase *Passphrase) (Signer, error) {
	f, err := parseKeyFile(data)
	if err != nil {
		return nil, err
	}
	aead, err := passphrase.at(f.Salt, f.Cost)
	if err != nil {
		return nil, err
	}
	bound, err := f.bound()
	if err != nil {
		return nil, err
	}
	private, err := aead.Open(nil, f.Nonce, f.Sealed, bound)
	if err != nil {
		return nil, ErrPassphrase
	}
	defer clear(private)
	parsed, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("issuance: key file: %w", err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("issuance: key file: not a signing key")
	}
	signer, err := NewSigner(key)
	if err != nil {
		return nil, err
	}
	if public, err := x509.MarshalPKIXPublicKey(key.Public()); err != nil || !bytes.Equal(public, f.Public) || signer.Algorithm() != f.Algorithm {
		return nil, errors.New("issuance: key file: the public key is not the private one's")
	}
	return signer, nil
}

func parseKeyFile(data []byte) (keyFile, error) {
	var f keyFile
	if len(data) > maxKeyFile {
		return f, errors.New("issuance: key file: too large")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return f, fmt.Errorf("issuance: key file: %w", err)
	}
	if f.Format != keyFormat || !f.Cost.sane() || len(f.Salt) != saltSize || len(f.Nonce) != 12 {
		return f, errors.New("issuance: key file: not of a form we write")
	}
	return f, nil
}
