package signer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// TLS is what a side shows, and whom it speaks with.
type TLS struct {
	Certificate, Key string   // PEM files
	Peers            []string // PEM files of the very certificates that the other side may show
}

// errPeer is why a connection is not used whose other side is not the one that was named.
var errPeer = errors.New("signer: the other side is not one that the settings name")

// longestSocket is what the kernel takes (unix(7), sun_path without its ending zero).
const longestSocket = 107

// split reads an address.
func split(address string) (network, where string, err error) {
	network, where, ok := strings.Cut(address, ":")
	switch {
	case ok && network == "unix" && len(where) > longestSocket:
		return "", "", fmt.Errorf("signer: address %q: the path of a socket has at most %d bytes", address, longestSocket)
	case ok && network == "unix" && strings.HasPrefix(where, "/"):
		return "unix", where, nil
	case ok && network == "tls":
		if _, _, err := net.SplitHostPort(where); err == nil {
			return "tls", where, nil
		}
	}
	return "", "", fmt.Errorf("signer: address %q; expected unix:/PATH or tls:HOST:PORT", address)
}

// dialer reaches an address.
func dialer(address string, with TLS) (func(context.Context, string, string) (net.Conn, error), error) {
	network, where, err := split(address)
	if err != nil {
		return nil, err
	}
	plain := &net.Dialer{Timeout: 5 * time.Second}
	if network == "unix" {
		return func(ctx context.Context, _, _ string) (net.Conn, error) { return plain.DialContext(ctx, "unix", where) }, nil
	}
	c, err := with.config()
	if err != nil {
		return nil, err
	}
	secure := &tls.Dialer{NetDialer: plain, Config: c}
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return secure.DialContext(ctx, "tcp", where) }, nil
}

// config holds for both sides: TLS 1.3, and the other side's certificate is one of those named, to the byte, and within
// its dates. No authority vouches for it, so none can be deceived.
func (t TLS) config() (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
	if err != nil {
		return nil, fmt.Errorf("signer: own certificate: %w", err)
	}
	peers, err := t.peers()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert,
		InsecureSkipVerify: true, //nolint:gosec // no chain is looked at: VerifyConnection knows the very certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			now := time.Now()
			for _, one := range peers {
				if len(s.PeerCertificates) > 0 && bytes.Equal(s.PeerCertificates[0].Raw, one.Raw) && !now.Before(one.NotBefore) && !now.After(one.NotAfter) {
					return nil
				}
			}
			return errPeer
		},
	}, nil
}

func (t TLS) peers() ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, file := range t.Peers {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("signer: certificate of the other side: %w", err)
		}
		block, _ := pem.Decode(text)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("signer: %s holds no certificate (PEM)", file)
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("signer: %s: %w", file, err)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, errors.New("signer: no certificate of the other side is named")
	}
	return all, nil
}
