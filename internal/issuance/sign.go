package issuance

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Signer holds one private key, in a file, in memory or in a hardware module, and says what it signs with.
type Signer interface {
	crypto.Signer
	Algorithm() Algorithm
}

// keySigner is a Signer over any crypto.Signer.
type keySigner struct {
	crypto.Signer
	algorithm Algorithm
}

func (k keySigner) Algorithm() Algorithm { return k.algorithm }

// NewSigner makes a Signer of a key: one of [GenerateKey], of [OpenKey], or of a module's session.
func NewSigner(key crypto.Signer) (Signer, error) {
	algorithm, err := AlgorithmOf(key.Public())
	if err != nil {
		return nil, err
	}
	return keySigner{key, algorithm}, nil
}

// Linted is a one-time token: bytes that passed every lint, and whose key may sign them. Only [Linter] makes one; the
// zero value and a used one are refused by [Sign]. Copies share the one use.
type Linted struct{ token *token }

type token struct {
	used      atomic.Bool
	kind      kind
	tbs       []byte
	signer    crypto.PublicKey
	algorithm Algorithm
	serial    *big.Int
	from, to  time.Time
	chain     [][]byte
	stamp     *stamp
}

// Serial gives the certificate's serial number; nil for lists and answers.
func (l Linted) Serial() *big.Int {
	if l.token == nil || l.token.serial == nil {
		return nil
	}
	return new(big.Int).Set(l.token.serial)
}

// Span gives the first and the last second of a certificate; zero for lists and answers.
func (l Linted) Span() (from, to time.Time) {
	if l.token == nil {
		return from, to
	}
	return l.token.from, l.token.to
}

// Hash gives the SHA-256 of the to-be-signed bytes in hexadecimal: what the caller's intent records before [Sign].
func (l Linted) Hash() string {
	if l.token == nil {
		return ""
	}
	sum := sha256.Sum256(l.token.tbs)
	return hex.EncodeToString(sum[:])
}

// ErrUsed is returned by [Sign] for a token that was used before, even if that signature failed.
var ErrUsed = errors.New("issuance: this token was used already")

// ErrBadSignature is returned by [Sign] when the key gave a signature that does not verify: the module is faulty or is
// not the one it says. Nothing is released.
var ErrBadSignature = errors.New("issuance: the key gave a signature that does not verify")

// Sign signs linted bytes, once, with the key they were made for, and gives the whole certificate, list, OCSP
// response or time-stamp response in DER. The signature is verified, and the result read back and compared, before anything is released.
func Sign(s Signer, l Linted) ([]byte, error) {
	t := l.token
	if t == nil {
		return nil, errors.New("issuance: nothing was linted")
	}
	if s.Algorithm() != t.algorithm || !sameKey(s.Public(), t.signer) {
		return nil, errors.New("issuance: that key is not the one the linted bytes are for")
	}
	if !t.used.CompareAndSwap(false, true) {
		return nil, ErrUsed
	}
	scheme, err := t.algorithm.scheme()
	if err != nil {
		return nil, err
	}
	signature, err := signBytes(s, scheme, t.tbs)
	if err != nil {
		return nil, err
	}
	der, err := assemble(t, scheme, signature)
	if err != nil {
		return nil, err
	}
	if err := readBack(t, der); err != nil {
		return nil, err
	}
	return der, nil
}

// signBytes signs and verifies.
func signBytes(s crypto.Signer, scheme scheme, tbs []byte) ([]byte, error) {
	h := scheme.hash.New()
	h.Write(tbs)
	digest := h.Sum(nil)
	signature, err := s.Sign(rand.Reader, digest, scheme.hash)
	if err != nil {
		return nil, fmt.Errorf("issuance: sign: %w", err)
	}
	if !verifies(s.Public(), scheme, digest, signature) {
		return nil, ErrBadSignature
	}
	return signature, nil
}

func verifies(public crypto.PublicKey, scheme scheme, digest, signature []byte) bool {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, scheme.hash, digest, signature) == nil
	}
	return false
}

// assemble puts the signature beside the bytes it signs.
func assemble(t *token, scheme scheme, signature []byte) ([]byte, error) {
	if t.kind == aStamp {
		return t.stamp.response(t.tbs, signature)
	}
	if t.kind != anAnswer {
		return wrapSigned(t.tbs, scheme, signature, nil)
	}
	der, err := wrapSigned(t.tbs, scheme, signature, t.chain)
	if err != nil {
		return nil, err
	}
	return wrapAnswer(der)
}

// wrapSigned is SIGNED (X.509 §6.2.1): the bytes, the algorithm, the signature; behind them what an answer brings along.
func wrapSigned(tbs []byte, scheme scheme, signature []byte, chain [][]byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(tbs)+len(signature)+64))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(scheme.id)
		b.AddASN1BitString(signature)
		if len(chain) > 0 {
			addChain(b, chain)
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("issuance: assemble: %w", err)
	}
	return der, nil
}

// readBack parses what was made as strangers will, and checks that what is signed is what was linted, byte for byte.
func readBack(t *token, der []byte) error {
	var tbs []byte
	switch t.kind {
	case aCertificate:
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("issuance: read certificate back: %w", err)
		}
		tbs = cert.RawTBSCertificate
	default:
		var err error
		if tbs, err = signedPart(t.kind, der); err != nil {
			return err
		}
	}
	if !bytes.Equal(tbs, t.tbs) {
		return errors.New("issuance: what was signed is not what was linted")
	}
	return nil
}

// signedPart takes the to-be-signed bytes out of a list or an answer without reading what they say.
func signedPart(k kind, der []byte) ([]byte, error) {
	if k == aStamp {
		s, err := readStamp(der)
		return s.attributes, err
	}
	in := cryptobyte.String(der)
	if k == anAnswer {
		var err error
		if in, err = unwrapAnswer(der); err != nil {
			return nil, err
		}
	}
	var whole, tbs cryptobyte.String
	if !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !in.Empty() || !whole.ReadASN1Element(&tbs, cbasn1.SEQUENCE) {
		return nil, errors.New("issuance: what was made cannot be read back")
	}
	return tbs, nil
}

// throwaway gives an algorithm's throw-away keys to the linter: RSA ones take long to make, so one serves for a run.
type throwaway struct {
	key    crypto.Signer
	scheme scheme
}

func newThrowaway(a Algorithm) (throwaway, error) {
	s, err := a.scheme()
	if err != nil {
		return throwaway{}, err
	}
	key, err := GenerateKey(a)
	return throwaway{key, s}, err
}
