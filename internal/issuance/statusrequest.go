package issuance

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"net/url"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds of an OCSP request. An honest one for one certificate has some 70 to 120 bytes.
const (
	MaxStatusRequest = 16 << 10
	maxAsked         = 100
	maxNonce         = 32 // RFC 9654 §2.1: 1 to 32 octets in requests that must be answered
)

// ErrMalformed is returned for an OCSP request that is to be answered with [AnswerMalformed].
var ErrMalformed = errors.New("issuance: malformed OCSP request")

// CertID names one certificate as an OCSP request does (RFC 6960 §4.1.1).
type CertID struct {
	Serial *big.Int

	hash      asn1.ObjectIdentifier
	name, key []byte
	raw       []byte // as asked; an answer repeats it byte for byte
	null      bool   // the hash has NULL for parameters, as nearly always
}

// Raw gives the identifier as it was asked. An answer repeats it, so a kept answer fits only requests with the same.
func (id CertID) Raw() []byte { return bytes.Clone(id.raw) }

// StatusRequest is what somebody asks a responder.
type StatusRequest struct {
	Asked []CertID // one or more
	Nonce []byte   // 1 to 32 octets; nil if none was sent
}

var (
	oidSHA1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidNonce  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidCutoff = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}
	oidBasic  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
)

// Is says whether a request means this issuer, by SHA-1 or SHA-256 of its name and key. Other hashes mean no issuer.
func (i *Issuer) Is(id CertID) bool {
	switch {
	case id.hash.Equal(oidSHA1):
		return bytes.Equal(id.name, i.sha1.name) && bytes.Equal(id.key, i.sha1.key)
	case id.hash.Equal(oidSHA256):
		return bytes.Equal(id.name, i.sha256.name) && bytes.Equal(id.key, i.sha256.key)
	}
	return false
}

// tag gives a context-specific constructed tag.
func tag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// ParseStatusRequest reads an OCSP request (DER, at most [MaxStatusRequest] bytes). A signature on it is tolerated and
// not looked at (EN 319 412-2, GEN-4.4.1-7). Everything wrong is [ErrMalformed]: bytes too many, no or too many
// certificates, a nonce that is empty, longer than 32 octets or sent twice, a critical extension we do not know.
func ParseStatusRequest(der []byte) (StatusRequest, error) {
	in := cryptobyte.String(der)
	var whole, tbs, list, extensions cryptobyte.String
	var signed, more, named bool
	var signature, name cryptobyte.String
	if len(der) > MaxStatusRequest || !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !in.Empty() ||
		!whole.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!whole.ReadOptionalASN1(&signature, &signed, tag(0)) || !whole.Empty() ||
		!readVersion(&tbs) ||
		!tbs.ReadOptionalASN1(&name, &named, tag(1)) ||
		!tbs.ReadASN1(&list, cbasn1.SEQUENCE) ||
		!tbs.ReadOptionalASN1(&extensions, &more, tag(2)) || !tbs.Empty() {
		return StatusRequest{}, ErrMalformed
	}
	var r StatusRequest
	for !list.Empty() {
		id, ok := readAsked(&list)
		if !ok || len(r.Asked) == maxAsked {
			return StatusRequest{}, ErrMalformed
		}
		r.Asked = append(r.Asked, id)
	}
	ok := true
	if more {
		r.Nonce, ok = readNonce(extensions)
	}
	if !ok || len(r.Asked) == 0 {
		return StatusRequest{}, ErrMalformed
	}
	return r, nil
}

// readVersion takes an explicit version, which can only be v1 (0).
func readVersion(tbs *cryptobyte.String) bool {
	var version cryptobyte.String
	var given bool
	if !tbs.ReadOptionalASN1(&version, &given, tag(0)) {
		return false
	}
	if !given {
		return true
	}
	n := -1
	return version.ReadASN1Integer(&n) && n == 0 && version.Empty()
}

// readAsked reads one Request of the list.
func readAsked(list *cryptobyte.String) (CertID, bool) {
	var request, extensions cryptobyte.String
	var more bool
	if !list.ReadASN1(&request, cbasn1.SEQUENCE) {
		return CertID{}, false
	}
	id, ok := readCertID(&request)
	if !ok || !request.ReadOptionalASN1(&extensions, &more, tag(0)) || !request.Empty() {
		return CertID{}, false
	}
	if more && !eachExtension(extensions, func(_ asn1.ObjectIdentifier, critical bool, _ cryptobyte.String) bool { return !critical }) {
		return CertID{}, false
	}
	return id, true
}

func readCertID(in *cryptobyte.String) (CertID, bool) {
	var whole, algorithm, name, key, parameters cryptobyte.String
	var anyTag cbasn1.Tag
	id := CertID{Serial: new(big.Int)}
	var raw cryptobyte.String
	if !in.ReadASN1Element(&raw, cbasn1.SEQUENCE) {
		return CertID{}, false
	}
	id.raw = bytes.Clone(raw)
	if !raw.ReadASN1(&whole, cbasn1.SEQUENCE) || !whole.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&id.hash) ||
		!whole.ReadASN1(&name, cbasn1.OCTET_STRING) || !whole.ReadASN1(&key, cbasn1.OCTET_STRING) ||
		!whole.ReadASN1Integer(id.Serial) || !whole.Empty() || len(name) > 64 || len(key) > 64 {
		return CertID{}, false
	}
	if !algorithm.Empty() && (!algorithm.ReadAnyASN1(&parameters, &anyTag) || anyTag != cbasn1.NULL || !algorithm.Empty()) {
		return CertID{}, false
	}
	id.null = len(parameters) == 0 && anyTag == cbasn1.NULL
	id.name, id.key = bytes.Clone(name), bytes.Clone(key)
	return id, true
}

// readNonce looks through the request's extensions: the nonce is kept, what is critical and unknown refused.
func readNonce(extensions cryptobyte.String) (nonce []byte, ok bool) {
	ok = eachExtension(extensions, func(id asn1.ObjectIdentifier, critical bool, value cryptobyte.String) bool {
		if !id.Equal(oidNonce) {
			return !critical
		}
		var octets cryptobyte.String
		if nonce != nil || !value.ReadASN1(&octets, cbasn1.OCTET_STRING) || !value.Empty() ||
			len(octets) < 1 || len(octets) > maxNonce {
			return false
		}
		nonce = bytes.Clone(octets)
		return true
	})
	return nonce, ok
}

// eachExtension reads an Extensions sequence and stops at the first that is broken or not wanted.
func eachExtension(in cryptobyte.String, want func(id asn1.ObjectIdentifier, critical bool, value cryptobyte.String) bool) bool {
	var list cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) || !in.Empty() || list.Empty() {
		return false
	}
	for !list.Empty() {
		var one, value cryptobyte.String
		var id asn1.ObjectIdentifier
		critical := false
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&id) {
			return false
		}
		if one.PeekASN1Tag(cbasn1.BOOLEAN) && !one.ReadASN1Boolean(&critical) {
			return false
		}
		if !one.ReadASN1(&value, cbasn1.OCTET_STRING) || !one.Empty() || !want(id, critical, value) {
			return false
		}
	}
	return true
}

// DecodeStatusPath takes the request out of a GET's path behind the responder's address: base64 of the DER, escaped or
// not (RFC 6960 appendix A.1). Base64 may hold "//" and "+", so the path must come uncleaned, as the client sent it
// (URL.EscapedPath or RequestURI). Everything wrong is [ErrMalformed].
func DecodeStatusPath(path string) ([]byte, error) {
	if len(path) > 3*base64.StdEncoding.EncodedLen(MaxStatusRequest) {
		return nil, ErrMalformed
	}
	text, err := url.PathUnescape(path)
	if err != nil {
		return nil, ErrMalformed
	}
	text = strings.TrimLeft(text, "/")        // a request begins with 0x30, in base64 "M": leading slashes are the client's
	text = strings.ReplaceAll(text, " ", "+") // what some proxies make of a plus sign
	text = strings.TrimRight(text, "=")       // padding is sometimes lost on the way
	der, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(der) == 0 || len(der) > MaxStatusRequest {
		return nil, ErrMalformed
	}
	return der, nil
}
