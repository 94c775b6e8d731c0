package status

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// SignSome signs ahead what is due from a place on.
func (s *Service) SignSome(ctx context.Context, place uint32) uint32 { return s.signSome(ctx, place) }

// CompareSignatures keeps and finds signatures at random, and compares with a map.
func CompareSignatures(t *testing.T, steps int) {
	t.Helper()
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 2))
	type key struct {
		of    planeOf
		place uint32
	}
	model, s := map[key]made{}, newSignatures()
	for range steps {
		k := key{planeOf{[]string{"a", "b"}[dice.IntN(2)], dice.IntN(2) == 1}, uint32(1 + dice.IntN(3*perPiece))}
		if dice.IntN(2) == 0 {
			m := made{at: time.Unix(int64(dice.Uint32()), 0).UTC(), turn: uint8(dice.IntN(256)), generation: uint8(1 + dice.IntN(255)), signature: make([]byte, 60+dice.IntN(13))}
			m.signature[0], m.signature[len(m.signature)-1] = byte(dice.IntN(256)), byte(dice.IntN(256))
			model[k] = m
			s.keep(k.of, k.place, m, 72)
		}
		want, there := model[k]
		got, ok := s.find(k.of, k.place, nil)
		if ok != there || ok && (!got.at.Equal(want.at) || got.turn != want.turn || got.generation != want.generation || !bytes.Equal(got.signature, want.signature)) {
			t.Fatalf("seed %d: %+v is %+v, want %+v", seed, k, got, want)
		}
	}
}
