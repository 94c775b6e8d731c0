package issuance

import (
	"crypto"
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
