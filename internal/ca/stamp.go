package ca

import (
	"context"
	"errors"
	"fmt"

	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// stamper is the time-stamping unit in force and the name of its key.
type stamper struct {
	unit   *issuance.StampUnit
	key    string
	serial Serial
}

// Stamp signs a time stamp of what was asked, DER of a TimeStampResp, by the unit in force. An error that holds an
// [issuance.StampFailure] says which refusal is due; any other is a fault of ours.
//
// Its serial number is random, as a certificate's: 127 bits, so that none repeats over crashes, restored copies and
// replicas, and nothing needs to be on record. What is on record, before the stamp, is the second.
func (s *CA) Stamp(ctx context.Context, r issuance.StampRequest) ([]byte, error) {
	s.mu.Lock()
	by := s.stamper
	s.mu.Unlock()
	if by.unit == nil {
		return nil, fault.New(fault.Unavailable, "ca.no-stamps")
	}
	at, err := s.time.now()
	if err == nil {
		err = s.mark(ctx, by, at)
	}
	if err != nil {
		s.tellClock(ctx, err)
		return nil, fmt.Errorf("stamp: %w", err)
	}
	s.tellClock(ctx, nil)
	serial, err := issuance.NewSerial()
	if err != nil {
		return nil, err
	}
	unsigned, err := issuance.PrepareStamp(r, by.unit, serial, at)
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	linted, _, err := s.linter.Lint(unsigned)
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	signer, err := s.signer(ctx, by.key)
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	der, err := issuance.Sign(signer, linted)
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	return der, s.stillTrue(ctx)
}

// stillTrue asks the clock again when the stamp is made: if it jumped meanwhile, nobody can say on which side of the
// jump the time was read, and the stamp is not released.
func (s *CA) stillTrue(ctx context.Context) error {
	_, err := s.time.now()
	if err != nil {
		s.tellClock(ctx, err)
		return fmt.Errorf("stamp: %w", err)
	}
	return nil
}

// tellClock tells the operator once that the clock fails, and once that it is good again.
func (s *CA) tellClock(ctx context.Context, err error) {
	failing := errors.Is(err, issuance.TimeNotAvailable)
	switch {
	case s.time.told(failing):
	case failing:
		s.c.Log.ErrorContext(ctx, "ca: no time stamps are given", "error", err)
	default:
		s.c.Log.InfoContext(ctx, "ca: time stamps are given again")
	}
}
