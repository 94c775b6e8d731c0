package app

import "testing"

func TestTheCollectorLeavesTheSameRoomWhateverTheRegisterHolds(t *testing.T) {
	for certificates, want := range map[int]int{0: 100, 10_000: 97, 100_000: 80, 1_000_000: 28, 10_000_000: 20} {
		if got := garbageFor(certificates); got < want-2 || got > want+2 {
			t.Errorf("beside %d certificates: %d", certificates, got)
		}
	}
}
