package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	_ "modernc.org/sqlite"
)

// shown is how many of the certificates openssl is shown.
const shown = 25

// check holds what was answered against the database: every certificate is there as it was answered, with the entry of
// its intent and that of its issue, and there is no other. A sample is verified by openssl.
func (r *result) check(ctx context.Context, data, dir string, answers [][]byte) error {
	recorded, err := recordedOf(ctx, filepath.Join(data, "chancela.db"))
	if err != nil {
		return err
	}
	for i, chain := range answers {
		block, above := pem.Decode(chain)
		if block == nil {
			return errors.New("an answer is no PEM")
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		serial := hex.EncodeToString(leaf.SerialNumber.Bytes())
		if kept, ok := recorded[serial]; !ok || !bytes.Equal(kept, leaf.Raw) {
			r.Mismatches++
			continue
		}
		delete(recorded, serial)
		r.Recorded++
		if i%(len(answers)/shown+1) == 0 {
			if err := verify(ctx, dir, pem.EncodeToMemory(block), above); err != nil {
				return err
			}
			r.OpenSSL++
		}
	}
	r.Mismatches += len(recorded)
	if r.Mismatches > 0 {
		return fmt.Errorf("%d certificates are not as they were answered, or were never answered", r.Mismatches)
	}
	return nil
}

// recordedOf are the certificates under mandates, by their serial numbers, of which both entries are on record.
func recordedOf(ctx context.Context, path string) (map[string][]byte, error) {
	d, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	rows, err := d.QueryContext(ctx, `SELECT serial, der FROM ca_certificate c WHERE mandate <> '' AND state = 'issued'
		AND (SELECT COUNT(*) FROM audit_entry WHERE object = 'certificate/' || c.serial AND verb = 'certificate.intend') = 1
		AND (SELECT COUNT(*) FROM audit_entry WHERE object = 'certificate/' || c.serial AND verb = 'certificate.issue') = 1`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[string][]byte{}
	for rows.Next() {
		var serial string
		var der []byte
		if err := rows.Scan(&serial, &der); err != nil {
			return nil, err
		}
		all[serial] = der
	}
	return all, rows.Err()
}

// verify has openssl build the chain: the certificate, the authorities that came with it, the last of them trusted.
func verify(ctx context.Context, dir string, leaf, above []byte) error {
	issuer, root := pem.Decode(above)
	if issuer == nil {
		return errors.New("the chain has no issuer")
	}
	for name, text := range map[string][]byte{"leaf.pem": leaf, "issuer.pem": pem.EncodeToMemory(issuer), "root.pem": root} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	out, err := exec.CommandContext(ctx, "openssl", "verify", "-x509_strict", "-CAfile", at("root.pem"), "-untrusted", at("issuer.pem"), at("leaf.pem")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("openssl: %w: %s", err, out)
	}
	return nil
}
