package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// The limit program is the least that issues certificates durably: it reads a request, verifies it, makes and signs a
// certificate, appends it to a file, and answers when it is on the disk. Those that wait share one fdatasync.

func startLimit(ctx context.Context, file string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return begin(target{path: "/", status: http.StatusCreated}, func(address string) *exec.Cmd {
		return exec.CommandContext(ctx, self, "limit", address, file)
	})
}

// kept is a certificate that waits to be on the disk.
type kept struct {
	der  []byte
	done chan error
}

func serveLimit(address, path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	parent := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Limite"}, SubjectKeyId: []byte{1}}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	waiting := make(chan kept, 64)
	go keep(file, waiting)
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // the limit is what is least
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		der, err := certify(body, parent, key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		one := kept{der, make(chan error, 1)}
		waiting <- one
		if err := <-one.done; err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}))
}

func certify(body []byte, parent *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	block, _ := pem.Decode(body)
	if block == nil {
		return nil, errors.New("no PEM")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := request.CheckSignature(); err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Aplicação de medir"}, NotBefore: now, NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, parent, request.PublicKey, key)
}

// keep appends what waits and syncs it, all at once.
func keep(file *os.File, waiting <-chan kept) {
	for first := range waiting {
		all, bytes := []kept{first}, first.der
		for more := true; more; {
			select {
			case next := <-waiting:
				all, bytes = append(all, next), append(bytes, next.der...)
			default:
				more = false
			}
		}
		_, err := file.Write(bytes)
		if err == nil {
			err = syscall.Fdatasync(int(file.Fd()))
		}
		if err != nil {
			err = fmt.Errorf("keep: %w", err)
		}
		for _, one := range all {
			one.done <- err
		}
	}
}
