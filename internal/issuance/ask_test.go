package issuance_test

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"

	"chancela/internal/issuance"
)

// TestWhatIsAskedIsHandedOnAsItWasRead holds for whatever our parsers admit: what is written again is read as the same.
func TestWhatIsAskedIsHandedOnAsItWasRead(t *testing.T) {
	imprint := append([]byte{0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20}, bytes.Repeat([]byte{7}, 32)...)
	imprint[1] = byte(len(imprint) - 2)
	type asked struct {
		Version int
		Imprint asn1.RawValue
		Policy  asn1.ObjectIdentifier `asn1:"optional"`
		Nonce   *big.Int              `asn1:"optional"`
		Chain   bool                  `asn1:"optional"`
	}
	for name, a := range map[string]asked{
		"bare":  {},
		"whole": {Policy: asn1.ObjectIdentifier{1, 2, 3}, Nonce: big.NewInt(-7), Chain: true},
		"nonce": {Nonce: new(big.Int).Lsh(big.NewInt(1), 100)},
	} {
		a.Version, a.Imprint = 1, asn1.RawValue{FullBytes: imprint}
		der, err := asn1.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		read, err := issuance.ParseStampRequest(der)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := read.Encode()
		if err != nil || !bytes.Equal(again, der) {
			t.Errorf("%s: %x is handed on as %x: %v", name, der, again, err)
		}
	}
}
