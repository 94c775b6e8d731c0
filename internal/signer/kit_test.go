package signer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/signer"
)

const base = "http://localhost:8080/pki"

// pair is a founded room behind its door, and a process without keys on the same database.
type pair struct {
	*catest.Instance
	signer.Remote

	address string
	log     *bytes.Buffer
}

// each runs a test on each engine, through a real socket.
func each(t *testing.T, test func(t *testing.T, p *pair)) {
	t.Helper()
	catest.Each(t, base, func(t *testing.T, i *catest.Instance) {
		p := &pair{Instance: i, address: "unix:" + filepath.Join(t.TempDir(), "s"), log: &bytes.Buffer{}}
		open(t, p.address, i)
		p.Remote = remote(t, i.DB, p.address)
		if err := p.Remote.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, p)
	})
}

// open opens a room's door until the function it gives is called.
func open(t *testing.T, address string, room signer.Room) (shut func()) {
	t.Helper()
	l, err := signer.Listen(t.Context(), signer.ListenConfig{Address: address, Users: []int{uid()}, Group: -1, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, l, room)
}

func serve(t *testing.T, l net.Listener, room signer.Room) (shut func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	door := signer.NewServer(signer.Config{Room: room, Health: func(context.Context) signer.Health { return signer.Health{Replica: "um"} }, Log: quiet()})
	go func() {
		defer close(done)
		_ = signer.Serve(ctx, l, door, quiet())
	}()
	shut = func() { cancel(); <-done }
	t.Cleanup(shut)
	return shut
}

// remote is a process without keys.
func remote(t *testing.T, d *db.DB, addresses ...string) signer.Remote {
	t.Helper()
	line, err := signer.NewLine(signer.LineConfig{Addresses: addresses, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	record, err := ca.OpenRecord(ca.Config{DB: d, Base: base, Log: quiet()}, line.Publish)
	if err != nil {
		t.Fatal(err)
	}
	return signer.Remote{Record: record, Line: line}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

var machine = actor.Machine(catest.Portal)

// approve has officers approve bytes on a case.
func (p *pair) approve(t *testing.T, caseID, subject string, people ...string) {
	t.Helper()
	for _, person := range people {
		err := p.DB.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := decision.Record(t.Context(), tx, catest.Officer(person), decision.Entry{
				Portal: catest.Portal, Case: caseID, Revision: "r1", Subject: subject, Verdict: decision.Approve,
			})
			return err
		})
		if err != nil && !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
	}
}

// website is an order that nobody approved yet.
func website(t *testing.T, names ...string) (der []byte, digest string) {
	t.Helper()
	return order(t, issuance.Website, map[issuance.Attribute]string{
		issuance.Country: "PT", issuance.Organization: "Município de Exemplo", issuance.OrganizationIdentifier: issuance.BodyIdentifier("590000004"),
	}, append(names, "www.exemplo.pt")...)
}

func order(t *testing.T, profile string, values map[issuance.Attribute]string, names ...string) (der []byte, digest string) {
	t.Helper()
	key, err := issuance.GenerateKey(issuance.ECP256)
	must(t, err)
	public, err := issuance.CheckKey(key.Public())
	must(t, err)
	made, err := issuance.ProfileOf(profile)
	must(t, err)
	subject, err := made.Name(values)
	must(t, err)
	o, err := made.Order(subject, names, nil, public, time.Time{})
	must(t, err)
	der, err = o.Encode()
	must(t, err)
	d, err := o.Digest()
	must(t, err)
	return der, string(d)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ordered is a website's order that two officers approved.
func (p *pair) ordered(t *testing.T, id string) ca.Request {
	t.Helper()
	der, digest := website(t)
	p.approve(t, "case-"+id, digest, "rui", "ivo")
	return ca.Request{ID: id, Portal: catest.Portal, Case: "case-" + id, Order: der, Quorum: 2, Holder: "ana"}
}

// say speaks the protocol by hand, as a process that was taken over can, and gives status and body.
func say(t *testing.T, address, path string, call any) (int, string) {
	t.Helper()
	body, ok := call.([]byte)
	if !ok {
		var err error
		body, err = json.Marshal(call)
		must(t, err)
	}
	return send(t, address, path, "application/json", bytes.NewReader(body), int64(len(body)))
}

func send(t *testing.T, address, path, kind string, body io.Reader, length int64) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://signer"+path, body)
	must(t, err)
	r.ContentLength = length
	r.Header.Set("Content-Type", kind)
	where := address[len("unix:"):]
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", where)
	}}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, string(said)
}
