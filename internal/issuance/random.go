package issuance

import (
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"math/big"
)

func randomBits(bits int) (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
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
