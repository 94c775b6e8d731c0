package ca

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chancela/internal/issuance"
)

// Record is what the room keeps of its certificates, without any key: who issues, what was issued to whom, how it
// stands, which list is in force. A process that holds no key works with it, and asks the room that does for the rest.
//
// Revoking needs no key either: it is a change of the record, which every answer is read from. It is safe for use by
// several at once.
type Record struct {
	c      Config
	linter *issuance.Linter
	// announce has the list of an issuer made after a revocation.
	announce func(ctx context.Context, issuer string) error

	mu      sync.Mutex
	issuers map[string]*issuer
	stamper stamper // the time-stamping unit in force; without a unit there is none

	mandates issuance.Mandates
	register *register // how every certificate stands
	feed     feed
}

// OpenRecord opens the record alone. Of the settings it uses those of the record: neither keys nor approvals nor clocks.
// It is told how to have an issuer's list made, after a revocation, by the room that has the keys.
func OpenRecord(c Config, announce func(ctx context.Context, issuer string) error) (*Record, error) {
	c.Keys = nil
	r, err := openRecord(c)
	if err != nil {
		return nil, err
	}
	r.announce = func(ctx context.Context, issuer string) error {
		if err := announce(ctx, issuer); err != nil {
			return err
		}
		return r.CatchUp(ctx) // the list that was made elsewhere is the one in force here too, before the deed returns
	}
	return r, nil
}

func openRecord(c Config) (*Record, error) {
	linter, err := issuance.NewLinter()
	if err != nil {
		return nil, err
	}
	if c.Approvals == 0 {
		c.Approvals = 2
	}
	if c.ListLife == 0 {
		c.ListLife = 24 * time.Hour
	}
	if c.AnswerLife == 0 {
		c.AnswerLife = time.Hour
	}
	if c.Crash == nil {
		c.Crash = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Record{c: c, linter: linter, issuers: map[string]*issuer{}, register: newRegister()}, nil
}
