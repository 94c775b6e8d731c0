package mutants_test

import (
	"crypto"
	_ "crypto/sha1" // RFC 5019 §2.1.1: requests name their issuer by it
	"encoding/asn1"
	"fmt"
	"math/big"
	"testing"
)

// The hashes by which requests name an issuer.
const (
	sha1Hash   = crypto.SHA1
	sha256Hash = crypto.SHA256
)

// request is an OCSPRequest, as far as these tests change it (RFC 6960 §4.1.1).
type request struct {
	TBS struct {
		List       []asn1.RawValue
		Extensions []extension `asn1:"explicit,tag:2,optional"`
	}
}

type extension struct {
	ID    asn1.ObjectIdentifier
	Value []byte
}

func readRequest(t *testing.T, der []byte) (r request) {
	t.Helper()
	if _, err := asn1.Unmarshal(der, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// withNonce adds a nonce of 32 octets (RFC 9654 §2.1).
func withNonce(t *testing.T, der []byte) []byte {
	t.Helper()
	r := readRequest(t, der)
	r.TBS.Extensions = []extension{{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, must(asn1.Marshal(make([]byte, 32)))(t)}}
	return must(asn1.Marshal(r))(t)
}

// several asks about all of them in one.
func several(t *testing.T, all ...[]byte) []byte {
	t.Helper()
	var r request
	for _, der := range all {
		r.TBS.List = append(r.TBS.List, readRequest(t, der).TBS.List...)
	}
	return must(asn1.Marshal(r))(t)
}

// goodOfOthers reads an answer about several, and finds a good word about what was never issued.
func goodOfOthers(der []byte, issued map[string]bool) error {
	var outer struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type asn1.ObjectIdentifier
			DER  []byte
		} `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return fmt.Errorf("not an OCSPResponse: %w", err)
	}
	var basic struct {
		TBS struct {
			Responder asn1.RawValue
			At        asn1.RawValue
			Singles   []struct {
				ID struct {
					Hash   asn1.RawValue
					Name   []byte
					Key    []byte
					Serial *big.Int
				}
				Standing asn1.RawValue
				This     asn1.RawValue
				Next     asn1.RawValue   `asn1:"optional,explicit,tag:0"`
				More     []asn1.RawValue `asn1:"optional,explicit,tag:1"`
			}
			Extensions []asn1.RawValue `asn1:"optional,explicit,tag:1"`
		}
		Rest []asn1.RawValue `asn1:"-"`
	}
	var whole asn1.RawValue
	if _, err := asn1.Unmarshal(outer.Bytes.DER, &whole); err != nil {
		return fmt.Errorf("not a BasicOCSPResponse: %w", err)
	}
	if _, err := asn1.Unmarshal(whole.Bytes, &basic.TBS); err != nil {
		return fmt.Errorf("not a ResponseData: %w", err)
	}
	for _, one := range basic.TBS.Singles {
		if good := one.Standing.Tag == 0; good && !issued[one.ID.Serial.String()] {
			return fmt.Errorf("good of %s, which was never issued", one.ID.Serial)
		}
	}
	return nil
}
