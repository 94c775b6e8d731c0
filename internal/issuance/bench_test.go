package issuance

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"testing"
	"time"
)

func BenchmarkIssueWebsite(b *testing.B) {
	h := newHierarchy(b, ECP256, moment, Trust{})
	_, key := newKey(b, ECP256)
	o := order(b, Website, bodyValues(""), []string{"www.exemplo.pt"}, nil, key)
	b.ReportAllocs()
	for b.Loop() {
		h.issue(b, o, h.issuing, h.issuingKey)
	}
}

func BenchmarkAnswerStatus(b *testing.B) {
	h := newHierarchy(b, ECP256, moment, Trust{})
	request := asking{ids: [][]byte{idOf(b, h, h.responderCert, crypto.SHA1)}, version: -1}.der(b)
	register := map[string]SingleStatus{serialIn(b, h.responderCert).String(): {Standing: Good}}
	b.ReportAllocs()
	for b.Loop() {
		h.answer(b, request, register)
	}
}

func BenchmarkList10000(b *testing.B) {
	h := newHierarchy(b, ECP256, moment, Trust{})
	var all []byte
	for i := range 10_000 {
		all = append(all, entries(b, Revocation{serialOf(int64(i)), moment, Superseded})...)
	}
	l := List{Number: serialOf(1), ThisUpdate: moment, NextUpdate: moment.Add(24 * time.Hour), Entries: all}
	b.ReportAllocs()
	for b.Loop() {
		h.list(b, l)
	}
}

// The three of a list of a million entries and one more, each in a process of its own (bench/list): ours, the standard
// library's, and the least that does it, which joins, hashes and signs.

const million = 1_000_000

func millionEntries(b *testing.B) (*hierarchy, *Entries) {
	b.Helper()
	h, e := newHierarchy(b, ECP256, moment, Trust{}), NewEntries()
	for i := range million {
		if err := e.Add(entries(b, Revocation{serialOf(int64(i + 1)), moment, Superseded})); err != nil {
			b.Fatal(err)
		}
	}
	return h, e
}

func BenchmarkMillionOurs(b *testing.B) {
	h, e := millionEntries(b)
	next := int64(million)
	b.ReportAllocs()
	for b.Loop() {
		next++
		if err := e.Add(entries(b, Revocation{serialOf(next), moment, Superseded})); err != nil {
			b.Fatal(err)
		}
		h.list(b, List{Number: serialOf(1), ThisUpdate: moment, NextUpdate: moment.Add(24 * time.Hour), Linted: e})
	}
}

func BenchmarkMillionLibrary(b *testing.B) {
	h := newHierarchy(b, ECP256, moment, Trust{})
	list := x509.RevocationList{Number: serialOf(1), ThisUpdate: moment, NextUpdate: moment.Add(24 * time.Hour)}
	for i := range million {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serialOf(int64(i + 1)), RevocationTime: moment, ReasonCode: int(Superseded)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x509.CreateRevocationList(rand.Reader, &list, h.issuing.certificate, h.issuingKey); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMillionLimit(b *testing.B) {
	h, e := millionEntries(b)
	b.ReportAllocs()
	for b.Loop() {
		whole := append(make([]byte, 0, len(e.der)+600), e.der...)
		sum := sha256.Sum256(whole)
		if _, err := h.issuingKey.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}
