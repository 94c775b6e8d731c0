package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // by RFC 5019 §2.1.1 questions name their issuer by it
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/url"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"chancela/bench/known"
)

// kind is how a question is asked.
type kind string

const (
	get   kind = "GET"
	post  kind = "POST"
	nonce kind = "nonce" // POST, each to be signed
)

// questions are whole HTTP requests, as bytes, so that asking costs as little as can be.
func questions(issuer []byte, path string, all []known.Certificate, how kind) ([][]byte, error) {
	cert, err := x509.ParseCertificate(issuer)
	if err != nil {
		return nil, err
	}
	var key struct {
		Algorithm asn1.RawValue
		Bits      asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &key); err != nil {
		return nil, err
	}
	nameHash, keyHash := sha1.Sum(cert.RawSubject), sha1.Sum(key.Bits.RightAlign()) //nolint:gosec // as above
	out := make([][]byte, len(all))
	for i, one := range all {
		der, err := question(nameHash[:], keyHash[:], one.Serial, how == nonce)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if how == get {
			fmt.Fprintf(&b, "GET %s/%s HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", path, url.PathEscape(base64.StdEncoding.EncodeToString(der)))
		} else {
			fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n", orSlash(path), len(der))
			b.Write(der)
		}
		out[i] = b.Bytes()
	}
	return out, nil
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// question is an OCSP request for one certificate (RFC 6960 §4.1.1).
func question(nameHash, keyHash []byte, serial *big.Int, withNonce bool) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26})
							b.AddASN1NULL()
						})
						b.AddASN1OctetString(nameHash)
						b.AddASN1OctetString(keyHash)
						b.AddASN1BigInt(serial)
					})
				})
			})
			if withNonce {
				addNonce(b)
			}
		})
	})
	return b.Bytes()
}

// addNonce adds 32 octets that nobody asked with before (RFC 9654 §2.1).
func addNonce(b *cryptobyte.Builder) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh)
	b.AddASN1(cbasn1.Tag(2).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2})
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(fresh) })
			})
		})
	})
}
