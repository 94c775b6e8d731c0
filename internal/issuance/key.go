package issuance

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"sync"

	"chancela/internal/fault"
)

// Key is a subject's public key that passed [CheckKey].
type Key struct {
	Public    crypto.PublicKey
	Algorithm Algorithm // "" for an RSA size between those of our own keys
	DER       []byte    // SubjectPublicKeyInfo
}

// Fingerprint is the SHA-256 of the SubjectPublicKeyInfo in hexadecimal: by it a caller finds a key used before.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256(k.DER)
	return hex.EncodeToString(sum[:])
}

// Size bounds of RSA moduli: 3072 gives the 128 bits of security that ASVS 5.0, 11.2.3 asks; above 4096 a key only
// costs those who verify.
const (
	minRSABits = 3072
	maxRSABits = 4096
)

// AdmittedKeys names the kinds of key a request may hold, for messages.
const AdmittedKeys = "EC P-256, P-384, P-521; RSA 3072–4096"

func weakKey() error { return fault.New(fault.Invalid, "E-CSR-03", "tipos", AdmittedKeys) }

// ReadKey reads and checks a SubjectPublicKeyInfo; a key that is weak or of another kind is refused with E-CSR-03.
func ReadKey(der []byte) (Key, error) {
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return Key{}, weakKey()
	}
	return CheckKey(public)
}

// CheckKey refuses public keys that are weak or of a kind we do not certify (E-CSR-03).
//
// What it finds: curves other than NIST's P-256, P-384, P-521 and points off them; RSA sizes outside 3072–4096; even or
// small exponents; moduli with small factors, with primes too close (Fermat) and with the ROCA fingerprint. Keys that
// only a list can know are [KeyList]'s.
func CheckKey(public crypto.PublicKey) (Key, error) {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if _, err := AlgorithmOf(key); err != nil {
			return Key{}, weakKey()
		}
		if _, err := key.ECDH(); err != nil { // the point is on the curve and not its zero
			return Key{}, weakKey()
		}
	case *rsa.PublicKey:
		if !soundRSA(key) {
			return Key{}, weakKey()
		}
	default:
		return Key{}, weakKey()
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("issuance: encode key: %w", err)
	}
	algorithm, _ := AlgorithmOf(public)
	return Key{Public: public, Algorithm: algorithm, DER: der}, nil
}

func soundRSA(key *rsa.PublicKey) bool {
	bits := key.N.BitLen()
	if bits < minRSABits || bits > maxRSABits || bits%8 != 0 { // Baseline Requirements §6.1.5: divisible by 8
		return false
	}
	if key.E <= 1<<16 || key.E%2 == 0 { // Baseline Requirements §6.1.6: odd, above 2^16
		return false
	}
	return !hasSmallFactor(key.N) && !isROCA(key.N) && !isFermatClose(key.N)
}

// smallPrimes is the product of the primes below 752, as the Baseline Requirements §6.1.6 ask ("no factors smaller than 752").
var smallPrimes = sync.OnceValue(func() *big.Int {
	product := big.NewInt(1)
	for n := int64(2); n < 752; n++ {
		if p := big.NewInt(n); p.ProbablyPrime(0) {
			product.Mul(product, p)
		}
	}
	return product
})

func hasSmallFactor(n *big.Int) bool {
	return new(big.Int).GCD(nil, nil, n, smallPrimes()).Cmp(big.NewInt(1)) != 0
}

// fermatRounds: primes that a sound generator makes are never found in so few (Böck 2023); Baseline Requirements §6.1.1.3.
const fermatRounds = 100

func isFermatClose(n *big.Int) bool {
	one := big.NewInt(1)
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) == 0 {
		return true
	}
	b, root := new(big.Int), new(big.Int)
	for range fermatRounds {
		a.Add(a, one)
		b.Mul(a, a).Sub(b, n)
		if root.Sqrt(b); root.Mul(root, root).Cmp(b) == 0 {
			return true
		}
	}
	return false
}

// rocaPrimes are those of the fingerprint of Nemec et al., "The Return of Coppersmith's Attack" (CCS 2017, §2.3.1) up to
// 167, the largest that every key size of the flawed library used.
var rocaPrimes = []int64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
	113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// isROCA says whether a modulus is, modulo each of the primes, a power of 65537: so the flawed library made its primes.
// A sound modulus is so with a chance below 2^-27.
func isROCA(n *big.Int) bool {
	rest := new(big.Int)
	for _, p := range rocaPrimes {
		r := rest.Mod(n, big.NewInt(p)).Int64()
		if !isPowerOf65537(r, p) {
			return false
		}
	}
	return true
}

func isPowerOf65537(r, p int64) bool {
	g := int64(65537) % p
	for x, i := int64(1), int64(0); i < p; i++ {
		if x == r {
			return true
		}
		x = x * g % p
	}
	return false
}

// sameKey compares keys; those of a kind that has no comparison of its own, by their encoding.
func sameKey(a, b crypto.PublicKey) bool {
	if key, ok := a.(interface{ Equal(crypto.PublicKey) bool }); ok {
		return key.Equal(b)
	}
	x, errX := x509.MarshalPKIXPublicKey(a)
	y, errY := x509.MarshalPKIXPublicKey(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// subjectKeyBits takes the BIT STRING's octets out of a SubjectPublicKeyInfo.
func subjectKeyBits(der []byte) ([]byte, error) {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, errors.New("issuance: not a SubjectPublicKeyInfo")
	}
	return info.Key.RightAlign(), nil
}
