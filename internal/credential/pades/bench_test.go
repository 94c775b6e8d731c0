package pades_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"chancela/internal/credential/pades"
)

// BenchmarkSeal against BenchmarkSignature is what a seal costs over the one signature that it needs.
//
// Measured on two busy cores, run in turn: RSA-3072 1.0 of the bare signatures; P-256 0.3, for there the verification
// before release costs more than the signature itself, and the rest (hashing, CMS, the table) less than it.
func BenchmarkSeal(b *testing.B) {
	for _, k := range benchKeys(b) {
		b.Run(k.name, func(b *testing.B) {
			by, pdf := newAuthority(b).sealer(b, k.key), paper(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pades.Seal(pdf, by, how); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "seals/s")
		})
	}
}

// BenchmarkSignature is the limit: the bare signature of the same key.
func BenchmarkSignature(b *testing.B) {
	for _, k := range benchKeys(b) {
		b.Run(k.name, func(b *testing.B) {
			digest := make([]byte, crypto.SHA256.Size())
			for b.Loop() {
				if _, err := k.key.Sign(rand.Reader, digest, crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "signatures/s")
		})
	}
}

type benchKey struct {
	name string
	key  crypto.Signer
}

func benchKeys(b *testing.B) []benchKey {
	b.Helper()
	return []benchKey{{"P-256", ecKey(b, elliptic.P256())}, {"RSA-3072", rsaKey(b, 3072)}}
}
