package ca

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chancela/internal/db"
	"chancela/internal/issuance"
)

// Cross is a cross-certificate: one of our roots, certified by another (RFC 5280 §3.2).
type Cross struct {
	Name        string // in addresses
	Issuer      string // name of the authority that certifies
	Subject     string
	Certificate []byte // DER
	Serial      Serial
	State       State
	NotBefore   time.Time
	NotAfter    time.Time
	Fingerprint string // SHA-256
	Address     string // where it is
}

// Crosses are our cross-certificates, the newest last.
func (s *Record) Crosses(ctx context.Context) ([]Cross, error) {
	var found []Certificate
	err := s.c.DB.Look(ctx, func(tx *db.Tx) (err error) {
		found, err = crosses(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cross-certificates: %w", err)
	}
	var all []Cross
	for _, c := range found {
		d, err := issuance.Describe(c.DER)
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(c.Order, orderOfCross)
		all = append(all, Cross{
			Name: name, Issuer: c.Issuer, Subject: d.Subject.String(), Certificate: c.DER, Serial: c.Serial, State: c.State,
			NotBefore: c.NotBefore, NotAfter: c.NotAfter, Fingerprint: d.Fingerprint, Address: s.urls(name).CAIssuers,
		})
	}
	return all, nil
}
