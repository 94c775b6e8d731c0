package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/gob"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ocsp"

	"chancela/bench/child"
	"chancela/bench/known"
	"chancela/bench/load"
)

// hierarchy is the references' own: an authority and its responder, P-256 as ours.
type hierarchy struct {
	issuer, responder *x509.Certificate
	key               *ecdsa.PrivateKey // the responder's
}

func newHierarchy(dir string) (*hierarchy, error) {
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	h := &hierarchy{}
	if h.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Referência TESTE"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if h.issuer, err = certify(ca, ca, &authority.PublicKey, authority); err != nil {
		return nil, err
	}
	responder := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "OCSP da Referência TESTE"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
	}
	if h.responder, err = certify(responder, h.issuer, &h.key.PublicKey, authority); err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(h.key)
	if err != nil {
		return nil, err
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: h.issuer.Raw}, "responder.pem": {Type: "CERTIFICATE", Bytes: h.responder.Raw}, "responder.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func certify(template, parent *x509.Certificate, key, by any) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// startOpenssl starts openssl's responder on an index of as many certificates. It signs each answer anew, in one
// process.
func startOpenssl(ctx context.Context, dir string, h *hierarchy, some []known.Certificate, n int) (*child.Child, error) {
	index := filepath.Join(dir, "index.txt")
	file, err := os.Create(index)
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriter(file)
	ends, since := time.Now().AddDate(1, 0, 0).UTC().Format("060102150405Z"), time.Now().UTC().Format("060102150405Z")
	line := func(c known.Certificate) {
		if c.Revoked {
			fmt.Fprintf(out, "R\t%s\t%s,superseded\t%X\tunknown\t/CN=exemplo\n", ends, since, c.Serial)
		} else {
			fmt.Fprintf(out, "V\t%s\t\t%X\tunknown\t/CN=exemplo\n", ends, c.Serial)
		}
	}
	for _, c := range some {
		line(c)
	}
	raw := make([]byte, 16)
	for range n - len(some) { // those that nobody asks about need only be as many
		_, _ = rand.Read(raw)
		raw[0] = raw[0]&0x3f | 0x40
		line(known.Certificate{Serial: new(big.Int).SetBytes(raw)})
	}
	if err := errors.Join(out.Flush(), file.Close(), os.WriteFile(index+".attr", []byte("unique_subject = no\n"), 0o600)); err != nil {
		return nil, err
	}
	probe, err := questions(h.issuer.Raw, "", some[:1], post)
	if err != nil {
		return nil, err
	}
	return child.Start(ctx, 2*time.Minute, func(address string) *exec.Cmd {
		_, port, _ := strings.Cut(address, ":")
		return exec.CommandContext(ctx, "openssl", "ocsp", "-index", index, "-port", port, "-CA", filepath.Join(dir, "ca.pem"),
			"-rsigner", filepath.Join(dir, "responder.pem"), "-rkey", filepath.Join(dir, "responder.key"), "-ndays", "1", "-ignore_err")
	}, answersOf(probe[0]))
}

// answersOf says whether a responder answers a question.
func answersOf(request []byte) func(context.Context, string) bool {
	return func(_ context.Context, address string) bool {
		a := &load.Asker{Address: address}
		defer a.Close()
		_, err := a.Ask(request)
		return err == nil
	}
}

// prepared is what the limit program is given: answers by serial number.
type prepared map[string][]byte

// startLimit starts the least that does the job, in a process of its own: net/http, the library that the
// program parses with, a map, and an answer that was written before.
func startLimit(ctx context.Context, dir string, h *hierarchy, some []known.Certificate) (*child.Child, error) {
	all := prepared{}
	now := time.Now()
	for _, c := range some {
		r := ocsp.Response{Status: ocsp.Good, SerialNumber: c.Serial, ThisUpdate: now, NextUpdate: now.Add(time.Hour), Certificate: h.responder}
		if c.Revoked {
			r.Status, r.RevokedAt, r.RevocationReason = ocsp.Revoked, now, ocsp.Superseded
		}
		der, err := ocsp.CreateResponse(h.issuer, h.responder, r, h.key)
		if err != nil {
			return nil, err
		}
		all[string(c.Serial.Bytes())] = der
	}
	name := filepath.Join(dir, "prepared")
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(gob.NewEncoder(file).Encode(all), file.Close()); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return child.Start(ctx, time.Minute, func(address string) *exec.Cmd { return exec.CommandContext(ctx, self, "limit", address, name) }, known.Ready)
}

// limit is that program.
func limit(address, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	var all prepared
	if err := errors.Join(gob.NewDecoder(file).Decode(&all), file.Close()); err != nil {
		return err
	}
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // the limit is what is least
		if r.URL.Path == "/readyz" {
			return
		}
		var der []byte
		var err error
		if r.Method == http.MethodPost {
			der, err = io.ReadAll(r.Body)
		} else {
			var text string
			if text, err = url.PathUnescape(r.URL.EscapedPath()[1:]); err == nil {
				der, err = base64.StdEncoding.DecodeString(text)
			}
		}
		serial, ok := serialOf(der)
		if err != nil || !ok {
			http.Error(w, "no question", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/ocsp-response")
		_, _ = w.Write(all[string(serial)])
	}))
}

// serialOf reads the number that an OCSP request asks about, and no more of it than lies before that.
func serialOf(der []byte) (serial []byte, ok bool) {
	in := cryptobyte.String(der)
	var request, tbs, list, one, id cryptobyte.String
	ok = in.ReadASN1(&request, cbasn1.SEQUENCE) && request.ReadASN1(&tbs, cbasn1.SEQUENCE) && tbs.ReadASN1(&list, cbasn1.SEQUENCE) &&
		list.ReadASN1(&one, cbasn1.SEQUENCE) && one.ReadASN1(&id, cbasn1.SEQUENCE) &&
		id.SkipASN1(cbasn1.SEQUENCE) && id.SkipASN1(cbasn1.OCTET_STRING) && id.SkipASN1(cbasn1.OCTET_STRING) && id.ReadASN1Integer(&serial)
	return serial, ok
}

// signing is how many P-256 signatures the standard library makes in a second on one core.
func signing(span time.Duration) (float64, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256([]byte("chancela"))
	n, begin := 0, time.Now()
	for ; time.Since(begin) < span; n++ {
		if _, err := key.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}
