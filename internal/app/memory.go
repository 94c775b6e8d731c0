package app

import (
	"context"
	"runtime/debug"
	"time"
)

// The tables of the register and of the answers' signatures hold no pointers and are never garbage. The collector would
// yet let as much garbage gather as they are large, since it counts what lives: beside a million of certificates 125 MB
// for nothing. So it is told to leave as much room as it would without them.
const (
	// perCertificate is what the tables take: some 40 bytes of the register (package ca), some 83 of a signature (status).
	perCertificate = 125
	// elseAlive is about what lives beside them.
	elseAlive = 48 << 20
)

// garbageFor is how much garbage may gather, in hundredths of what lives, beside so many certificates.
func garbageFor(certificates int) int {
	return max(20, 100*elseAlive/(elseAlive+perCertificate*certificates))
}

// boundGarbage keeps that up with the number of certificates, until ctx ends.
func boundGarbage(ctx context.Context, certificates func() int) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	now := 100
	for {
		// Small changes are not worth the stop that each setting is.
		if next := garbageFor(certificates()); next < now-5 || next > now+5 {
			now = next
			debug.SetGCPercent(now)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
