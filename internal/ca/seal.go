package ca

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
)

// mostSeals bounds how often one approval may be sealed: once, and again after crashes. Whoever took over the room
// that asks cannot seal without end under one approval.
const mostSeals = 16

// SealOf is the certificate in force of a portal's seal with its chain, issuer first; what is sealed is prepared with
// it. It is Unavailable where the portal's body has no seal that is good now.
func (s *Record) SealOf(ctx context.Context, portal string) (certificate []byte, chain [][]byte, err error) {
	c, _, err := s.sealInForce(ctx, portal)
	if err != nil {
		return nil, nil, err
	}
	chain, err = s.ChainOf(c)
	return c.DER, chain, err
}

// sealInForce finds the newest seal of a portal that is good now, and the name of its key.
func (s *Record) sealInForce(ctx context.Context, portal string) (c Certificate, key string, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		keys, err := ownKeys(ctx, tx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.purpose != purposeSeal || k.portal != portal || k.state != Issued || tx.Now().After(k.notAfter) {
				continue
			}
			key = k.name
			if c, err = bySerial(ctx, tx, k.serial); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c, "", fmt.Errorf("seal of %s: %w", portal, err)
	}
	if key == "" {
		return c, "", fault.New(fault.Unavailable, "ca.no-seal")
	}
	return c, key, nil
}

// Seal signs prepared bytes with the seal of a portal's body, if enough different people approved exactly that
// subject. Each use is on record before the key is.
func (s *CA) Seal(ctx context.Context, by actor.Actor, r SealRequest) (Signature, error) {
	if err := mayRun(by, r.Portal); err != nil {
		return Signature{}, err
	}
	c, key, err := s.sealInForce(ctx, r.Portal)
	if err != nil {
		return Signature{}, err
	}
	chain, err := s.ChainOf(c)
	if err != nil {
		return Signature{}, err
	}
	hash, err := hashOf(r.Digest)
	if err != nil {
		return Signature{}, err
	}
	if err := s.ready(ctx, key); err != nil {
		return Signature{}, fmt.Errorf("seal for %s: %w", r.Subject, err)
	}
	if err := s.intendSeal(ctx, by, r, c); err != nil {
		return Signature{}, fmt.Errorf("seal for %s: %w", r.Subject, err)
	}
	s.c.Crash(pointSealIntent)
	value, err := s.signSeal(ctx, key, c, r.Digest, hash)
	if err != nil {
		return Signature{}, fmt.Errorf("seal for %s: %w", r.Subject, err)
	}
	s.c.Crash(pointSealed)
	return Signature{Value: value, Certificate: c.DER, Chain: chain}, nil
}

func hashOf(digest []byte) (crypto.Hash, error) {
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		if len(digest) == h.Size() {
			return h, nil
		}
	}
	return 0, fmt.Errorf("ca: a digest of %d bytes is none that a seal signs", len(digest))
}

// sealApprovals is how many people approve what a portal's seal seals, at the least.
func (s *CA) sealApprovals(portal string) int {
	if n, named := s.c.SealApprovals[portal]; named {
		return max(n, 1)
	}
	return s.c.Approvals
}

// intendSeal reads the approvals and records what will be signed. A ceremony approves keys, never what they seal.
func (s *CA) intendSeal(ctx context.Context, by actor.Actor, r SealRequest, c Certificate) error {
	return s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		ids, err := decision.Enough(ctx, tx, r.Portal, r.Subject, max(r.Quorum, s.sealApprovals(r.Portal)))
		if err != nil {
			return err
		}
		approvals, err := heldBy(ctx, tx, ids, false, "")
		if err != nil {
			return err
		}
		n, err := sealsOf(ctx, tx, r.Portal, r.Subject)
		if err != nil {
			return err
		}
		if n >= mostSeals {
			return fault.New(fault.Conflict, "ca.too-many-seals")
		}
		digest := hex.EncodeToString(r.Digest)
		if err := insertSeal(ctx, tx, db.NewID(), r, digest, c.Serial, approvals); err != nil {
			return err
		}
		return audit.Write(ctx, tx, by, "seal.sign", c.object(), audit.With("subject", r.Subject), audit.With("digest", digest))
	})
}

// signSeal signs, and verifies with the certificate's key before anything is released.
func (s *CA) signSeal(ctx context.Context, key string, c Certificate, digest []byte, hash crypto.Hash) ([]byte, error) {
	signer, err := s.signer(ctx, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, err
	}
	value, err := signer.Sign(rand.Reader, digest, hash)
	if err != nil {
		return nil, fmt.Errorf("ca: seal: %w", err)
	}
	good := false
	switch public := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(public, digest, value)
	case *rsa.PublicKey:
		good = rsa.VerifyPKCS1v15(public, hash, digest, value) == nil
	}
	if !good {
		return nil, errors.New("ca: the seal's key gave a signature that does not verify")
	}
	return value, nil
}
