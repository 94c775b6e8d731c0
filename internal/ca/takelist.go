package ca

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// TakeList takes on a revocation list (DER) that an offline authority of ours made in a ceremony. It is judged by the
// lints that it would have had to pass here. A list that is older than the one in force is Conflict; one that has run
// out, or forgets what is on record as revoked, is refused.
//
// What the list revokes is revoked here too, so that OCSP says what the list says.
func (s *CA) TakeList(ctx context.Context, by actor.Actor, der []byte) error {
	if err := mayRun(by, ""); err != nil {
		return err
	}
	read, err := x509.ParseRevocationList(der)
	if err != nil {
		return fmt.Errorf("take list: %w", err)
	}
	from, known := s.known(s.named(read.RawIssuer))
	if !known || !from.offline {
		return fmt.Errorf("take list: it is of no offline authority on record")
	}
	list, _, err := s.linter.AcceptList(der, from.authority)
	if err != nil {
		return fmt.Errorf("take list of %s: %w", from.name, err)
	}
	if !list.NextUpdate.After(s.c.DB.Now()) || !list.Number.IsInt64() {
		return fmt.Errorf("take list of %s: it has run out, or its number is none of ours", from.name)
	}
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error { return s.takeList(ctx, tx, by, from, list, der) })
	if err != nil {
		return fmt.Errorf("take list of %s: %w", from.name, err)
	}
	return nil
}

func (s *CA) takeList(ctx context.Context, tx *db.Tx, by actor.Actor, from *issuer, list *x509.RevocationList, der []byte) error {
	l := List{
		Name: from.name, Issuer: from.name, Number: list.Number.Int64(), DER: bytes.Clone(der), ThisUpdate: list.ThisUpdate, NextUpdate: list.NextUpdate,
		Last: list.NextUpdate.Equal(issuance.NoNextUpdate()),
	}
	on := map[Serial]bool{}
	for _, e := range list.RevokedCertificateEntries {
		on[SerialOf(e.SerialNumber)] = true
		if err := s.revokeListed(ctx, tx, by, from.name, e); err != nil {
			return err
		}
	}
	revoked, err := revokedOf(ctx, tx, from.name)
	if err != nil {
		return err
	}
	for _, serial := range revoked {
		if !on[serial] {
			return fmt.Errorf("it forgets %s, which was revoked", serial)
		}
	}
	if err := s.takeEnd(ctx, tx, by, l); err != nil {
		return err
	}
	if l.changes, err = jumpTo(ctx, tx, from.name, l.Number); err != nil {
		return err
	}
	stored, err := insertList(ctx, tx, l)
	if err == nil && !stored {
		err = fault.New(fault.Conflict, "ca.older-list")
	}
	if err != nil {
		return err
	}
	tx.After(func() { s.feed.published(l) })
	return audit.Write(ctx, tx, by, "list.take", "list/"+from.name+"/"+strconv.FormatInt(l.Number, 10))
}

// takeEnd notes that an offline authority was ended, by its last list. What the list does not revoke must not be in force.
func (s *CA) takeEnd(ctx context.Context, tx *db.Tx, by actor.Actor, l List) error {
	already, err := isEnded(ctx, tx, l.Issuer)
	if err != nil || already == l.Last {
		return err
	}
	if already {
		return fault.New(fault.Conflict, "ca.ended")
	}
	if live, err := liveOf(ctx, tx, l.Issuer); err != nil || live > 0 {
		return errors.Join(err, fault.New(fault.Conflict, "ca.still-live"))
	}
	if _, err := insertEnd(ctx, tx, AuthorityEnd{Authority: l.Issuer, Words: "By the last list of its ceremony."}); err != nil {
		return err
	}
	return audit.Write(ctx, tx, by, "authority.end", "authority/"+l.Issuer)
}

// revokeListed revokes here what an offline authority's list says, if we know it.
func (s *CA) revokeListed(ctx context.Context, tx *db.Tx, by actor.Actor, issuer string, e x509.RevocationListEntry) error {
	c, err := bySerial(ctx, tx, SerialOf(e.SerialNumber))
	if db.None(err) || err == nil && (c.Issuer != issuer || c.State != Issued) {
		return nil
	}
	if err != nil {
		return err
	}
	c.RevokedAt, c.Reason = e.RevocationTime, issuance.Reason(e.ReasonCode)
	entry, err := entryOf(c)
	if err != nil {
		return err
	}
	if _, err := markRevoked(ctx, tx, c, Issued, Revoked, entry); err != nil {
		return err
	}
	if err := changed(ctx, tx, c); err != nil {
		return err
	}
	tx.After(func() {
		if err := s.turned(context.WithoutCancel(ctx), c); err != nil {
			s.c.Log.ErrorContext(ctx, "ca: the register was not read after a revocation", "issuer", c.Issuer, "error", err)
		}
	})
	return audit.Write(ctx, tx, by, "certificate.revoke", c.object(), audit.With("reason", strconv.Itoa(e.ReasonCode)))
}
