package signer_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/signer"
)

func uid() int { return os.Getuid() }

func certID(t *testing.T, p *pair, c ca.Certificate) issuance.CertID {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.DER)
	must(t, err)
	above, err := x509.ParseCertificate(p.Chain(t, c)[0])
	must(t, err)
	der, err := ocsp.CreateRequest(leaf, above, nil)
	must(t, err)
	question, err := issuance.ParseStatusRequest(der)
	must(t, err)
	return question.Asked[0]
}

// TestAProcessWithoutKeysDoesAllThatTheRoomDoes goes once through everything that crosses the line.
func TestAProcessWithoutKeysDoesAllThatTheRoomDoes(t *testing.T) {
	each(t, func(t *testing.T, p *pair) {
		found(t, p)
		must(t, p.Remote.Load(t.Context()))
		must(t, p.CA.CatchUp(t.Context())) // the room has everything in memory, which a revocation here does not change
		r := p.ordered(t, "one")
		c, err := p.Remote.Issue(t.Context(), machine, r)
		must(t, err)
		again, err := p.Remote.Issue(t.Context(), machine, r)
		if err != nil || again.Serial != c.Serial || !bytes.Equal(again.DER, c.DER) {
			t.Errorf("asked twice: %v, %v", again.Serial, err)
		}
		var kept ca.Certificate
		must(t, p.DB.Look(t.Context(), func(tx *db.Tx) (err error) {
			kept, err = p.Remote.BySerial(t.Context(), tx, c.Serial)
			return err
		}))
		if kept.State != ca.Issued || !bytes.Equal(kept.DER, c.DER) || len(kept.Approvals) != 2 {
			t.Errorf("the record has %+v", kept)
		}
		if _, report, err := p.Remote.Preview(t.Context(), r.Order); err != nil || !report.Clean() {
			t.Errorf("preview: %+v %v", report, err)
		}
		id := certID(t, p, c)
		if der := p.answered(t, c, id); der.Status != ocsp.Good {
			t.Errorf("%+v", der)
		}
		before, _, err := p.Remote.ListNumber(t.Context(), c.Issuer)
		must(t, err)
		must(t, p.Remote.Revoke(t.Context(), catest.Officer("rui"), ca.Revocation{Serial: c.Serial, Reason: issuance.KeyCompromise}))
		if der := p.answered(t, c, id); der.Status != ocsp.Revoked {
			t.Errorf("%+v", der)
		}
		if after, _, err := p.Remote.ListNumber(t.Context(), c.Issuer); err != nil || after <= before {
			t.Errorf("revoking here made no list there: %d, %d, %v", before, after, err)
		}
		p.approve(t, "case-seal", "assunto", "rui")
		signature, err := p.Remote.Seal(t.Context(), machine, ca.SealRequest{Portal: catest.Portal, Subject: "assunto", Quorum: 1, Digest: bytes.Repeat([]byte{1}, 32)})
		if err != nil || len(signature.Value) == 0 || len(signature.Chain) != 2 {
			t.Errorf("%d bytes, chain of %d: %v", len(signature.Value), len(signature.Chain), err)
		}
		h, err := p.Remote.Health(t.Context())
		if err != nil || h.Replica != "um" {
			t.Errorf("%+v %v", h, err)
		}
	})
}

// answered asks as the room of status does, and reads what was signed.
func (p *pair) answered(t *testing.T, c ca.Certificate, id issuance.CertID) *ocsp.Response {
	t.Helper()
	standing, revocation, err := p.Remote.Standing(t.Context(), c.Issuer, c.Serial)
	must(t, err)
	der, err := p.Remote.Answer(t.Context(), c.Issuer, []issuance.SingleStatus{{ID: id, Standing: standing, Revocation: revocation}}, []byte("12345678"))
	must(t, err)
	above, err := x509.ParseCertificate(p.Chain(t, c)[0])
	must(t, err)
	read, err := ocsp.ParseResponse(der, above)
	must(t, err)
	return read
}

// broken is a room that fails as it is told.
type broken struct {
	err   error
	calls atomic.Int64
	begun chan struct{}
	hold  chan struct{} // waited for until the caller hangs up
}

func (b *broken) fail(ctx context.Context) error {
	b.calls.Add(1)
	if b.hold != nil {
		close(b.begun)
		<-ctx.Done()
		close(b.hold)
	}
	return b.err
}

func (b *broken) Issue(ctx context.Context, _ actor.Actor, _ ca.Request) (ca.Certificate, error) {
	return ca.Certificate{}, b.fail(ctx)
}

func (b *broken) Seal(ctx context.Context, _ actor.Actor, _ ca.SealRequest) (ca.Signature, error) {
	return ca.Signature{}, b.fail(ctx)
}

func (b *broken) AnswerAsked(ctx context.Context, _ string, _ []issuance.CertID, _ []byte, _ time.Time) ([]byte, []issuance.SingleStatus, error) {
	return nil, nil, b.fail(ctx)
}

func (b *broken) Stamp(ctx context.Context, _ issuance.StampRequest) ([]byte, error) {
	return nil, b.fail(ctx)
}

func (b *broken) Publish(ctx context.Context, _ string) error { return b.fail(ctx) }

func lineTo(t *testing.T, addresses ...string) *signer.Line {
	t.Helper()
	line, err := signer.NewLine(signer.LineConfig{Addresses: addresses, Log: quiet()})
	must(t, err)
	t.Cleanup(func() { _ = line.Close() })
	return line
}

func TestErrorsCrossTheLineAsWhatTheyAre(t *testing.T) {
	room := &broken{}
	address := "unix:" + filepath.Join(t.TempDir(), "s")
	open(t, address, room)
	line := lineTo(t, address)
	issue := func(err error) error {
		room.err = fmt.Errorf("issue order one: %w", err)
		_, got := line.Issue(t.Context(), machine, ca.Request{Portal: catest.Portal})
		return got
	}
	for _, kind := range []fault.Kind{fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict, fault.Expired, fault.Throttled, fault.Unavailable, fault.TooLarge, fault.Malformed} {
		want := &fault.Error{Kind: kind, Key: "ca.lost", Args: fault.Args{"a": "ã"}, Fields: []fault.Field{{Name: "f", Key: "k"}}, Retry: 3 * time.Second}
		if got, ok := fault.As(issue(want)); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s came as %+v", kind, got)
		}
	}
	lint := &ca.LintError{Report: issuance.Report{Passed: 7, Findings: []issuance.Finding{{Lint: "e_exemplo"}}}}
	if got, ok := errors.AsType[*ca.LintError](issue(lint)); !ok || !reflect.DeepEqual(got, lint) || !errors.Is(got, issuance.ErrLint) {
		t.Errorf("a lint's refusal came as %v", got)
	}
	for _, failure := range issuance.StampFailures() {
		if got, ok := errors.AsType[issuance.StampFailure](issue(failure)); !ok || got != failure {
			t.Errorf("%v came as %v", failure, got)
		}
	}
	ours := issue(errors.New("/etc/segredo não abre"))
	if _, told := fault.As(ours); told || ours == nil || strings.Contains(ours.Error(), "segredo") || !strings.Contains(ours.Error(), "reference") {
		t.Errorf("a fault of ours came as %v", ours)
	}
}

func TestHangingUpEndsTheCallThere(t *testing.T) {
	for name, context_ := range map[string]func() (context.Context, context.CancelFunc){
		"cancelled": func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) },
		"too late": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 50*time.Millisecond)
		},
	} {
		room := &broken{err: context.Canceled, begun: make(chan struct{}), hold: make(chan struct{})}
		address := "unix:" + filepath.Join(t.TempDir(), "s")
		open(t, address, room)
		line := lineTo(t, address)
		ctx, cancel := context_()
		if name == "cancelled" {
			go func() { <-room.begun; cancel() }()
		}
		_, err := line.Issue(ctx, machine, ca.Request{Portal: catest.Portal})
		if !errors.Is(err, ctx.Err()) || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		<-room.hold // the room was told: else this test does not end
		cancel()
	}
}

func TestASignerThatIsAwayIsFoundAgainByTheNextCall(t *testing.T) {
	address := "unix:" + filepath.Join(t.TempDir(), "s")
	line := lineTo(t, address)
	for range 3 {
		if err := line.Publish(t.Context(), "x"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("before there is one: %v", err)
		}
		shut := open(t, address, &broken{})
		for range 2 {
			if err := line.Publish(t.Context(), "x"); err != nil {
				t.Errorf("it is there: %v", err)
			}
		}
		shut()
	}
}

func TestAnotherSignerTakesOverWhenOneIsAway(t *testing.T) {
	one, two := &broken{}, &broken{}
	first, second := "unix:"+filepath.Join(t.TempDir(), "s"), "unix:"+filepath.Join(t.TempDir(), "s")
	shut := open(t, first, one)
	open(t, second, two)
	line := lineTo(t, first, second)
	for range 3 {
		must(t, line.Publish(t.Context(), "x"))
	}
	if one.calls.Load() != 3 || two.calls.Load() != 0 {
		t.Errorf("%d and %d calls", one.calls.Load(), two.calls.Load())
	}
	shut()
	for range 3 {
		must(t, line.Publish(t.Context(), "x"))
	}
	if two.calls.Load() != 3 {
		t.Errorf("%d calls of the other", two.calls.Load())
	}
}

func TestTooManyCallsAtOnceAreToldToComeAgain(t *testing.T) {
	room := &broken{begun: make(chan struct{}), hold: make(chan struct{})}
	address := "unix:" + filepath.Join(t.TempDir(), "s")
	l, err := signer.Listen(t.Context(), signer.ListenConfig{Address: address, Users: []int{uid()}, Group: -1, Log: quiet()})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_ = signer.Serve(ctx, l, signer.NewServer(signer.Config{Room: room, AtOnce: 1, Log: quiet()}), quiet())
	}()
	line := lineTo(t, address)
	hanging, hangUp := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = line.Publish(hanging, "x") }()
	<-room.begun
	if err := line.Publish(t.Context(), "x"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	hangUp()
	<-done
}

// TestACertificateCrossesTheLineWhole fails when a field is added that JSON would lose.
func TestACertificateCrossesTheLineWhole(t *testing.T) {
	for _, one := range []any{ca.Certificate{}, ca.Request{}, ca.SealRequest{}, ca.Signature{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(one)) {
			if !field.IsExported() || field.Tag.Get("json") == "-" || slices.Contains([]reflect.Kind{reflect.Func, reflect.Chan, reflect.Interface}, field.Type.Kind()) {
				t.Errorf("%T.%s does not cross", one, field.Name)
			}
		}
	}
}
