package ca

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// SampleState is what a sample shows.
type SampleState string

// The states of samples: of each profile there is one of each.
const (
	SampleValid   SampleState = "valid"
	SampleRevoked SampleState = "revoked"
	SampleExpired SampleState = "expired"
)

// Sample is a test certificate that the world may fetch.
type Sample struct {
	Profile string
	State   SampleState
	Certificate
}

const (
	// expires is how long the sample that shall expire is good for.
	expires = 5 * time.Minute
	// renewSample is how long before its end a valid sample gets a successor.
	renewSample = 30 * 24 * time.Hour
)

// MakeSamples issues the samples that are missing, one of each state of each profile that may have some, and carries
// out what makes them what they show: one is revoked, one is left to expire. It is idempotent, and after a crash it
// goes on where it was.
//
// They go the way of every certificate; the approval is a ceremony of these minutes, which [CA.Issue] takes for an
// order only if it is exactly a sample's: nothing in it can be anybody's. Their private keys are forgotten at once.
func (s *CA) MakeSamples(ctx context.Context, by actor.Actor, minutes string) error {
	if err := mayRun(by, ""); err != nil {
		return err
	}
	if minutes == "" {
		return errors.New("ca: samples are approved by a ceremony that has minutes")
	}
	seen := map[string]bool{}
	for _, p := range issuance.Profiles() {
		p, err := issuance.ProfileOf(p.Key)
		if err != nil {
			return err
		}
		if seen[p.Key] || !p.HasSamples() {
			continue
		}
		seen[p.Key] = true
		for _, state := range []SampleState{SampleValid, SampleRevoked, SampleExpired} {
			if err := s.makeSample(ctx, by, p, state, minutes); err != nil && !fault.Is(err, fault.Conflict) { // another replica is at it
				return fmt.Errorf("sample %s-%s: %w", p.Key, state, err)
			}
		}
	}
	return nil
}

// sampleRow is a sample on record, certified or not yet.
type sampleRow struct {
	profile    string
	state      SampleState
	generation int64
	orderID    string
	order      []byte
}

func (s *CA) makeSample(ctx context.Context, by actor.Actor, p issuance.Profile, state SampleState, minutes string) error {
	row, c, err := s.lastSample(ctx, p.Key, state)
	if err != nil {
		return err
	}
	if row.generation == 0 || c.Serial != "" && s.isSpent(c, state) || c.Serial == "" && s.isLate(row) {
		row, err = s.holdSample(ctx, by, p, state, row.generation+1, minutes)
		if err != nil {
			return err
		}
		c = Certificate{}
	}
	if c.Serial == "" {
		if c, err = s.issue(ctx, by, Request{ID: row.orderID, Order: row.order}, ""); err != nil {
			return err
		}
	}
	if state == SampleRevoked && c.State == Issued {
		return s.Revoke(ctx, by, Revocation{Serial: c.Serial, Reason: issuance.CessationOfOperation, Words: minutes})
	}
	return nil
}

// isSpent says whether a sample no longer shows what it shall.
func (s *CA) isSpent(c Certificate, state SampleState) bool {
	now := s.c.DB.Now()
	switch state {
	case SampleValid:
		return c.State != Issued || c.NotAfter.Before(now.Add(renewSample))
	case SampleRevoked:
		return c.NotAfter.Before(now.Add(renewSample))
	}
	return false // what has expired stays so
}

// isLate says whether the order of a sample that was never issued asks for an end that is past or near.
func (s *CA) isLate(row sampleRow) bool {
	o, err := issuance.ParseOrder(row.order)
	return err != nil || !o.Validity.Until.IsZero() && o.Validity.Until.Before(s.c.DB.Now().Add(time.Minute))
}

// holdSample makes a key, puts the order that a ceremony approves on record, and forgets the key.
func (s *CA) holdSample(ctx context.Context, by actor.Actor, p issuance.Profile, state SampleState, generation int64, minutes string) (sampleRow, error) {
	key, err := issuance.GenerateKey(issuance.ECP256)
	if err != nil {
		return sampleRow{}, err
	}
	public, err := issuance.CheckKey(key.Public())
	if err != nil {
		return sampleRow{}, err
	}
	var until time.Time
	if state == SampleExpired {
		until = s.c.DB.Now().Add(expires)
	}
	order, err := issuance.SampleOrder(p, public, until)
	if err != nil {
		return sampleRow{}, err
	}
	digest, err := order.Digest()
	if err != nil {
		return sampleRow{}, err
	}
	row := sampleRow{profile: p.Key, state: state, generation: generation, orderID: "sample-" + p.Key + "-" + string(state) + "-" + strconv.FormatInt(generation, 10)}
	if row.order, err = order.Encode(); err != nil {
		return sampleRow{}, err
	}
	return row, s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		added, err := insertSample(ctx, tx, row)
		if err != nil {
			return err
		}
		if !added {
			return fault.New(fault.Conflict, "ca.under-way")
		}
		if err := decision.RecordCeremony(ctx, tx, by, "", string(digest), minutes); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "sample.ceremony", "sample/"+row.orderID, audit.With("digest", string(digest)))
	})
}

// lastSample is the newest generation with its certificate; a generation of 0 says that there is none.
func (s *Record) lastSample(ctx context.Context, profile string, state SampleState) (row sampleRow, c Certificate, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		if row, err = sampleOf(ctx, tx, profile, state); db.None(err) {
			return nil
		} else if err != nil {
			return err
		}
		c, err = byOrder(ctx, tx, row.orderID)
		if db.None(err) || err == nil && c.State == Intended {
			c, err = Certificate{}, nil
		}
		return err
	})
	return row, c, err
}

// Samples are the test certificates that show what they shall at this moment.
func (s *Record) Samples(ctx context.Context) ([]Sample, error) {
	var all []Sample
	err := s.c.DB.Look(ctx, func(tx *db.Tx) error {
		rows, err := samples(ctx, tx)
		for _, row := range rows {
			c, err := byOrder(ctx, tx, row.orderID)
			if db.None(err) {
				continue
			}
			if err != nil {
				return err
			}
			if now := tx.Now(); row.state == SampleValid && c.IsGood(now) || row.state == SampleRevoked && c.IsRevoked() || row.state == SampleExpired && c.State == Issued && now.After(c.NotAfter) {
				all = append(all, Sample{row.profile, row.state, c})
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("samples: %w", err)
	}
	return all, nil
}
