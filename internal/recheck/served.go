package recheck

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"chancela/internal/ca"

	"golang.org/x/crypto/ocsp"
)

// What is read here is read by other people's code, not by that which wrote it.

// list is a revocation list as it is served.
type list struct {
	parsed  *x509.RevocationList
	entries map[string]x509.RevocationListEntry // by serial number
	wrong   string                              // why it cannot be relied on; "" for a good one
}

// largest bounds what is read of an answer: a list of a million entries has some 40 MB.
const largest = 128 << 20

// errAway means that nothing answered, which may be different in a moment.
var errAway = errors.New("nothing answers there")

// fetch asks an address of ours.
func (r *reader) fetch(ctx context.Context, method, address string, body []byte, media string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if media != "" {
		request.Header.Set("Content-Type", media)
	}
	request.Header.Set("Cache-Control", "no-cache")
	answer, err := r.s.c.Client.Do(request)
	if err != nil {
		r.away = true
		return nil, fmt.Errorf("%w: %v", errAway, err) //nolint:errorlint // what it was is for the log, and nobody asks
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered with %d", answer.StatusCode)
	}
	return io.ReadAll(io.LimitReader(answer.Body, largest))
}

// listAt fetches a list once.
func (r *reader) listAt(ctx context.Context, above *x509.Certificate, address string) *list {
	if known, ok := r.lists[address]; ok {
		return known
	}
	l := &list{entries: map[string]x509.RevocationListEntry{}}
	r.lists[address] = l
	der, err := r.fetch(ctx, http.MethodGet, address, nil, "")
	if err == nil {
		l.parsed, err = x509.ParseRevocationList(der)
	}
	now := r.s.c.DB.Now()
	switch {
	case err != nil:
		l.wrong = err.Error()
		return l
	case l.parsed.CheckSignatureFrom(above) != nil:
		l.wrong = "it is not signed by its issuer"
	case now.After(l.parsed.NextUpdate) || l.parsed.ThisUpdate.After(now.Add(settles)):
		l.wrong = fmt.Sprintf("it is of %s to %s", l.parsed.ThisUpdate.UTC().Format(time.RFC3339), l.parsed.NextUpdate.UTC().Format(time.RFC3339))
	}
	for _, e := range l.parsed.RevokedCertificateEntries {
		l.entries[e.SerialNumber.String()] = e
	}
	return l
}

// readList holds a row against the list that it names.
func (r *reader) readList(ctx context.Context, one row, above *x509.Certificate, address string) {
	l := r.listAt(ctx, above, address)
	if l.wrong != "" {
		r.note(row{issuer: one.issuer}, BadList, "%s: %s", address, l.wrong)
		return
	}
	entry, on := l.entries[one.serial.Number().String()]
	switch {
	case one.state == ca.Issued && on:
		r.note(one, Listed, "revoked at %s, by list %s", entry.RevocationTime.UTC().Format(time.RFC3339), l.parsed.Number)
	case !ended(one.state) || r.s.c.DB.Now().Sub(one.revokedAt) < settles:
	case !on:
		r.note(one, NotListed, "%s since %s, and not on list %s", one.state, one.revokedAt.UTC().Format(time.RFC3339), l.parsed.Number)
	case !entry.RevocationTime.Equal(one.revokedAt.Truncate(time.Second)) || int64(entry.ReasonCode) != one.reason:
		r.note(one, NotListed, "on list %s for reason %d at %s, on record for %d at %s", l.parsed.Number, entry.ReasonCode,
			entry.RevocationTime.UTC().Format(time.RFC3339), one.reason, one.revokedAt.UTC().Format(time.RFC3339))
	}
}

func ended(s ca.State) bool { return s == ca.Revoked || s == ca.Lost || s == ca.Suspended }

// readAnswer asks the responder about a row.
func (r *reader) readAnswer(ctx context.Context, one row, above *x509.Certificate, address string) {
	said, err := r.ask(ctx, one, above, address)
	if err != nil {
		r.note(row{issuer: one.issuer}, BadAnswer, "%s: %v", address, err)
		return
	}
	now := r.s.c.DB.Now()
	switch {
	case said.SerialNumber.Cmp(one.serial.Number()) != 0:
		r.note(one, AnsweredOtherwise, "the answer is about %x", said.SerialNumber)
	case said.ThisUpdate.After(now.Add(settles)) || now.After(said.NextUpdate):
		r.note(one, AnsweredOtherwise, "the answer is of %s to %s", said.ThisUpdate.UTC().Format(time.RFC3339), said.NextUpdate.UTC().Format(time.RFC3339))
	case one.state == ca.Issued && said.Status != ocsp.Good, one.state != ca.Issued && said.Status != ocsp.Revoked:
		r.note(one, AnsweredOtherwise, "the row is %s, the answer %s", one.state, standing(said.Status))
	case ended(one.state) && (!said.RevokedAt.Equal(one.revokedAt.Truncate(time.Second)) || int64(said.RevocationReason) != one.reason):
		r.note(one, AnsweredOtherwise, "answered for reason %d at %s, on record for %d at %s", said.RevocationReason,
			said.RevokedAt.UTC().Format(time.RFC3339), one.reason, one.revokedAt.UTC().Format(time.RFC3339))
	}
}

// ask makes a request by the serial number alone: of what was lost there is no certificate.
func (r *reader) ask(ctx context.Context, one row, above *x509.Certificate, address string) (*ocsp.Response, error) {
	hash := crypto.SHA256
	request := ocsp.Request{HashAlgorithm: hash, SerialNumber: one.serial.Number(), IssuerNameHash: digest(hash, above.RawSubject), IssuerKeyHash: digest(hash, keyBits(above))}
	der, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	answer, err := r.fetch(ctx, http.MethodPost, address, der, "application/ocsp-request")
	if err != nil {
		return nil, err
	}
	return ocsp.ParseResponse(answer, above)
}

func digest(hash crypto.Hash, of []byte) []byte {
	h := hash.New()
	h.Write(of)
	return h.Sum(nil)
}

// keyBits are the bits of the issuer's key, over which RFC 6960 §4.1.1 takes the hash.
func keyBits(c *x509.Certificate) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Bits      asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	return info.Bits.RightAlign()
}

func standing(s int) string {
	switch s {
	case ocsp.Good:
		return "good"
	case ocsp.Revoked:
		return "revoked"
	}
	return "unknown"
}
