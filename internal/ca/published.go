package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/durable"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// A database that was restored from an older copy has forgotten revocations and list numbers that the world has seen.
// So the last list of each name is kept as a file outside the database too, written before the list goes out, and held
// against the record at each start ([CA.Recover]): what the world was told is never taken back.

// keepOutside writes a list's file. The list goes out though the file cannot be written: one that is late harms more.
func (s *CA) keepOutside(ctx context.Context, l List) {
	if s.c.Published == "" {
		return
	}
	if err := durable.Replace(filepath.Join(s.c.Published, l.Name+".crl"), l.DER); err != nil {
		s.c.Log.ErrorContext(ctx, "ca: a list could not be kept outside the database", "list", l.Name, "error", err)
	}
}

// Recovered is what the record had forgotten.
type Recovered struct {
	Lists   int // whose number was behind
	Revoked int // certificates that the record had as good
	Unknown int // serial numbers that it did not have at all
}

// Recover holds the lists that were kept outside the database against the record. Where the record is behind one, it is
// an older copy: its numbers go on behind the published one, certificates that were revoked are revoked again as the
// list has them, and those it does not know are closed as lost, so that none is ever good. It is done at each start,
// before anything is signed, and told to the operator.
func (s *CA) Recover(ctx context.Context, by actor.Actor) (all Recovered, err error) {
	if err := mayRun(by, ""); err != nil || s.c.Published == "" {
		return all, err
	}
	files, err := filepath.Glob(filepath.Join(s.c.Published, "*.crl"))
	if err != nil {
		return all, err
	}
	var errs []error
	for _, file := range files {
		if err := s.recoverList(ctx, by, file, &all); err != nil {
			errs = append(errs, fmt.Errorf("recover %s: %w", filepath.Base(file), err))
		}
	}
	if all.Lists > 0 {
		s.c.Log.ErrorContext(ctx, "ca: the database is older than what was published; what it had forgotten was put back, and whatever was issued since that copy and not revoked is unknown to it",
			"lists", all.Lists, "revoked", all.Revoked, "unknown", all.Unknown)
	}
	return all, errors.Join(errs...)
}

func (s *CA) recoverList(ctx context.Context, by actor.Actor, file string, all *Recovered) error {
	list, issuer, err := s.readPublished(file)
	if err != nil {
		return err
	}
	name, number := strings.TrimSuffix(filepath.Base(file), ".crl"), list.Number.Int64()
	one := Recovered{Lists: 1}
	var again []Certificate
	err = s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		one, again = Recovered{Lists: 1}, nil
		head, err := headNumber(ctx, tx, name)
		if err != nil || head >= number {
			one.Lists = 0
			return err
		}
		if err := raiseHead(ctx, tx, name, issuer.name, number); err != nil {
			return err
		}
		for _, e := range list.RevokedCertificateEntries {
			c, unknown, err := s.recoverEntry(ctx, tx, issuer.name, name, e)
			if err != nil {
				return err
			}
			if c.Serial == "" {
				continue
			}
			again = append(again, c)
			if unknown {
				one.Unknown++
			} else {
				one.Revoked++
			}
		}
		tx.After(func() {
			for _, c := range again {
				s.afterRevoking(context.WithoutCancel(ctx), c)
			}
		})
		return audit.Write(ctx, tx, by, "list.recover", "list/"+name+"/"+strconv.FormatInt(number, 10),
			audit.With("behind", strconv.FormatInt(head, 10)), audit.With("revoked", strconv.Itoa(one.Revoked)), audit.With("unknown", strconv.Itoa(one.Unknown)))
	})
	if err != nil {
		return err
	}
	all.Lists += one.Lists
	all.Revoked += one.Revoked
	all.Unknown += one.Unknown
	return nil
}

// readPublished reads a list that was kept outside the database; it is taken only with its issuer's signature.
func (s *CA) readPublished(file string) (*x509.RevocationList, *issuer, error) {
	der, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, nil, err
	}
	from, known := s.known(s.named(list.RawIssuer))
	if !known {
		return nil, nil, errors.New("its issuer is none of ours")
	}
	cert, err := x509.ParseCertificate(from.certificate)
	if err != nil {
		return nil, nil, err
	}
	if err := list.CheckSignatureFrom(cert); err != nil || list.Number == nil || !list.Number.IsInt64() {
		return nil, nil, errors.Join(errors.New("it is not the issuer's list"), err)
	}
	return list, from, nil
}

// recoverEntry revokes what an entry says, if the record does not; a certificate without a serial number says that it
// did.
func (s *CA) recoverEntry(ctx context.Context, tx *db.Tx, issuer, list string, e x509.RevocationListEntry) (Certificate, bool, error) {
	serial := SerialOf(e.SerialNumber)
	c, err := s.BySerial(ctx, tx, serial)
	unknown := fault.Is(err, fault.NotFound)
	verb, from, to := "certificate.revoke", Issued, Revoked
	switch {
	case unknown:
		// What was issued since that copy and revoked: nothing else is known of it, and nobody approved it any more.
		c = Certificate{Serial: serial, Issuer: issuer, Order: "unknown-" + string(serial), Key: "unknown-" + string(serial), List: list}
		if err := insertIntent(ctx, tx, c, "unknown-"+string(serial), s.c.Replica); err != nil {
			return c, true, err
		}
		verb, from, to = "certificate.lose", Intended, Lost
	case err != nil:
		return c, false, err
	case c.State != Issued:
		return Certificate{}, false, nil
	}
	c.State, c.RevokedAt, c.Reason = to, e.RevocationTime, issuance.Reason(e.ReasonCode)
	if c.Reason == issuance.CertificateHold {
		c.Reason = issuance.Unspecified // of the hold nothing else is known; it fails closed
	}
	entry, err := entryOf(c)
	if err != nil {
		return c, unknown, err
	}
	done, err := markRevoked(ctx, tx, c, from, to, entry)
	if err != nil || !done {
		return Certificate{}, unknown, err
	}
	if err := changed(ctx, tx, c); err != nil {
		return c, unknown, err
	}
	return c, unknown, audit.Write(ctx, tx, actor.Machine(c.Portal), verb, c.object(), audit.With("list", list))
}
