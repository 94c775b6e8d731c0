package signer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chancela/internal/fault"
	"chancela/internal/signer"
)

func TestOnlyThoseUsersProcessesGetThroughWhomTheKernelNames(t *testing.T) {
	address := "unix:" + filepath.Join(t.TempDir(), "s")
	l, err := signer.Listen(t.Context(), signer.ListenConfig{Address: address, Users: []int{uid() + 1}, Group: -1, Log: quiet()})
	must(t, err)
	room := &broken{}
	serve(t, l, room)
	if err := lineTo(t, address).Publish(t.Context(), "x"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a stranger: %v", err)
	}
	if room.calls.Load() != 0 {
		t.Error("the stranger's call reached the room")
	}
}

func TestTheSocketIsOpenForItsUserAndGroupOnly(t *testing.T) {
	for group, want := range map[int]os.FileMode{-1: 0o600, os.Getgid(): 0o660} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := signer.Listen(t.Context(), signer.ListenConfig{Address: "unix:" + path, Users: []int{uid()}, Group: group, Log: quiet()})
		must(t, err)
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != want || l.Addr().String() != path {
			t.Errorf("group %d: %s at %s", group, info.Mode(), l.Addr())
		}
		must(t, l.Close())
	}
}

func TestASocketThatAKilledSignerLeftIsTakenAwayAndALiveOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	c := signer.ListenConfig{Address: "unix:" + path, Users: []int{uid()}, Group: -1, Log: quiet()}
	first, err := signer.Listen(t.Context(), c)
	must(t, err)
	if _, err := signer.Listen(t.Context(), c); err == nil || !strings.Contains(err.Error(), "another process answers") {
		t.Errorf("a live one: %v", err)
	}
	must(t, first.Close())
	killed, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	must(t, err)
	killed.SetUnlinkOnClose(false)
	must(t, killed.Close())
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("this test has nothing to look for: %v", err)
	}
	second, err := signer.Listen(t.Context(), c)
	must(t, err)
	must(t, second.Close())
	must(t, os.WriteFile(path, []byte("dados"), 0o600))
	if _, err := signer.Listen(t.Context(), c); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file of somebody's: %v", err)
	}
}

func TestAFolderThatEverybodyWritesIsNoPlaceForTheSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "aberta")
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.Chmod(dir, 0o777))
	_, err := signer.Listen(t.Context(), signer.ListenConfig{Address: "unix:" + filepath.Join(dir, "s"), Users: []int{uid()}, Group: -1, Log: quiet()})
	if err == nil || !strings.Contains(err.Error(), "everybody can write") {
		t.Errorf("%v", err)
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	for _, address := range []string{"", "unix:", "unix:relative", "/run/s", "http://localhost:1", "tls:localhost", "tcp:localhost:1", "unix:/" + strings.Repeat("a", 107)} {
		if _, err := signer.Listen(t.Context(), signer.ListenConfig{Address: address}); err == nil {
			t.Errorf("listened at %q", address)
		}
		if _, err := signer.NewLine(signer.LineConfig{Addresses: []string{address}}); err == nil {
			t.Errorf("a line to %q", address)
		}
	}
	if _, err := signer.NewLine(signer.LineConfig{}); err == nil {
		t.Error("a line to nowhere")
	}
}

// identity is a certificate of its own and its key, as files.
func identity(t *testing.T, name string, until time.Time) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	must(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	must(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	return certificate, key
}

func TestOverTLSEachSideKnowsTheOthersVeryCertificate(t *testing.T) {
	later := time.Now().Add(time.Hour)
	signerCert, signerKey := identity(t, "assinatura", later)
	webCert, webKey := identity(t, "balcao", later)
	sameName, sameNameKey := identity(t, "balcao", later)
	ended, endedKey := identity(t, "balcao", time.Now().Add(-time.Hour))
	room := &broken{}
	l, err := signer.Listen(t.Context(), signer.ListenConfig{
		Address: "tls:127.0.0.1:0", TLS: signer.TLS{Certificate: signerCert, Key: signerKey, Peers: []string{webCert, ended}}, Log: quiet(),
	})
	must(t, err)
	serve(t, l, room)
	to := func(with signer.TLS) error {
		line, err := signer.NewLine(signer.LineConfig{Addresses: []string{"tls:" + l.Addr().String()}, TLS: with, Log: quiet()})
		must(t, err)
		defer func() { _ = line.Close() }()
		return line.Publish(t.Context(), "x")
	}
	if err := to(signer.TLS{Certificate: webCert, Key: webKey, Peers: []string{signerCert}}); err != nil {
		t.Errorf("the one that is known: %v", err)
	}
	before := room.calls.Load()
	for name, with := range map[string]signer.TLS{
		"another of the same name": {Certificate: sameName, Key: sameNameKey, Peers: []string{signerCert}},
		"one that has ended":       {Certificate: ended, Key: endedKey, Peers: []string{signerCert}},
		"the signer is another":    {Certificate: webCert, Key: webKey, Peers: []string{sameName}},
	} {
		if err := to(with); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bare, err := new(tls.Dialer).Dial("tcp", l.Addr().String())
	if err == nil {
		_ = bare.Close()
		t.Error("a client that shows nothing and knows nobody was let in")
	}
	plain, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	must(t, err)
	_, err = plain.Write([]byte("POST /1/list HTTP/1.1\r\nHost: signer\r\n\r\n"))
	must(t, err)
	_ = plain.Close()
	if room.calls.Load() != before {
		t.Error("a stranger's call reached the room")
	}
	if _, err := signer.NewLine(signer.LineConfig{Addresses: []string{"tls:localhost:1"}, TLS: signer.TLS{Certificate: webCert, Key: webKey}}); err == nil {
		t.Error("a line over TLS that knows nobody")
	}
}
