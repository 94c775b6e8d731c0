package issuance

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
)

// serialBits of randomness: twice the 64 that are asked for, and positive in 16 octets (RFC 5280 §4.1.2.2: at most 20).
const serialBits = 127

// NewSerial draws a serial number: 127 random bits, never zero.
func NewSerial() (*big.Int, error) { return drawSerial(randomBits) }

func drawSerial(draw func(bits int) (*big.Int, error)) (*big.Int, error) {
	for range 8 {
		n, err := draw(serialBits)
		if err != nil {
			return nil, fmt.Errorf("issuance: draw serial: %w", err)
		}
		if n.BitLen() > 64 { // a generator that gives less is broken, and a serial must not tell how
			return n, nil
		}
	}
	return nil, errors.New("issuance: the random source gives small numbers only")
}

func randomBits(bits int) (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
}
