package signer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"chancela/internal/ca"
	"chancela/internal/signer"
)

// FuzzCalls sends whatever there is to each address. Nothing panics; what is taken is exactly what our program writes,
// and everything else never reaches the room.
func FuzzCalls(f *testing.F) {
	paths := []string{"/1/issue", "/1/seal", "/1/answer", "/1/stamp", "/1/list", "/1/health"}
	for i, call := range []any{
		issueCall{ca.Request{ID: "one", Portal: "p", Case: "c", Order: []byte{1, 2}, Quorum: 2, Holder: "ana", Identity: true}},
		sealCall{ca.SealRequest{Portal: "p", Subject: "s", Quorum: 1, Digest: bytes.Repeat([]byte{7}, 32)}},
		struct {
			Issuer  string
			Request []byte
			At      time.Time
		}{"emissora-teste", []byte{0x30, 0}, time.Unix(1e9, 0).UTC()},
		struct{ Request []byte }{[]byte{0x30, 0}},
		struct{ Issuer string }{"emissora-teste"},
		struct{}{},
	} {
		body, err := json.Marshal(call)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), body)
		f.Add(uint8(i), body[:len(body)/2])
		f.Add(uint8(i), append(body, body...))
	}
	f.Fuzz(func(t *testing.T, at uint8, body []byte) {
		room := &broken{}
		door := signer.NewServer(signer.Config{Room: room, Health: func(context.Context) signer.Health { return signer.Health{} }, Log: quiet()})
		path := paths[int(at)%len(paths)]
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		taken := room.calls.Load() > 0
		if taken && w.Code != http.StatusOK || w.Code >= 500 {
			t.Errorf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
		if taken && bytes.ContainsAny(body, "\n\t") {
			t.Errorf("%s took what is not written by us: %q", path, body)
		}
	})
}
