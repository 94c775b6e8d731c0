package issuance

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // the hashes that imprints may be of must be linked in
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bounds of a time-stamp request. An honest one has some 60 to 120 bytes; a request without bounds has stopped others'
// services (CVE-2025-66564).
const (
	MaxStampRequest = 4 << 10
	maxStampNonce   = 64 // octets; clients send 8 to 32
)

// StampRequest is what somebody asks a time-stamping unit (RFC 3161 §2.4.1).
type StampRequest struct {
	Hash   crypto.Hash           // of the imprint
	Digest []byte                // as long as the hash makes them
	Policy asn1.ObjectIdentifier // that the asker wants; nil for any
	Nonce  *big.Int              // nil for none
	Chain  bool                  // certReq: the unit's certificate shall come with the stamp

	imprint []byte // as asked: a stamp repeats it byte for byte
}

// StampFailure is a reason for giving no stamp: a bit of PKIFailureInfo (RFC 3161 §2.4.2).
type StampFailure int

// All of them that the protocol knows.
const (
	BadAlg              StampFailure = 0  // a hash that is not known, or not trusted
	BadRequest          StampFailure = 2  // not permitted or not supported
	BadDataFormat       StampFailure = 5  // cannot be read
	TimeNotAvailable    StampFailure = 14 // our clock is not to be trusted now
	UnacceptedPolicy    StampFailure = 15
	UnacceptedExtension StampFailure = 16
	AddInfoNotAvailable StampFailure = 17 // the certificates asked for cannot be given
	SystemFailure       StampFailure = 25
)

// Error says it in the protocol's word. The text also goes to whoever asked.
func (f StampFailure) Error() string {
	switch f {
	case BadAlg:
		return "badAlg: the imprint is not of SHA-256, SHA-384 or SHA-512"
	case BadRequest:
		return "badRequest: not permitted or not supported"
	case BadDataFormat:
		return "badDataFormat: the request cannot be read"
	case TimeNotAvailable:
		return "timeNotAvailable: the clock is not to be relied on now"
	case UnacceptedPolicy:
		return "unacceptedPolicy: no stamps are given under that policy"
	case UnacceptedExtension:
		return "unacceptedExtension: the request has an extension that is not known here"
	case AddInfoNotAvailable:
		return "addInfoNotAvailable: the certificates asked for cannot be given"
	}
	return "systemFailure: the service is broken"
}

// StampFailures lists every reason.
func StampFailures() []StampFailure {
	return []StampFailure{
		BadAlg, BadRequest, BadDataFormat, TimeNotAvailable, UnacceptedPolicy, UnacceptedExtension, AddInfoNotAvailable, SystemFailure,
	}
}

// RefuseStamp is the answer that gives no stamp, DER of a TimeStampResp; it is not signed. What is none of ours is
// [SystemFailure], and its words are not told.
func RefuseStamp(why error) []byte {
	failure, ok := errors.AsType[StampFailure](why)
	if !ok {
		failure = SystemFailure
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // PKIStatusInfo
			b.AddASN1Int64(2) // rejection
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(failure.Error())) })
			})
			b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) { // a named bit list ends with its last bit that is set
				bits := make([]byte, int(failure)/8+1)
				bits[len(bits)-1] = 0x80 >> (failure % 8)
				b.AddUint8(uint8(7 - failure%8))
				b.AddBytes(bits)
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		panic(err) // constants above
	}
	return der
}

// ParseStampRequest reads a time-stamp request (DER, at most [MaxStampRequest] bytes). Everything wrong is a
// [StampFailure].
func ParseStampRequest(der []byte) (StampRequest, error) {
	in := cryptobyte.String(der)
	var whole, extensions cryptobyte.String
	var more bool
	version := new(big.Int)
	if len(der) > MaxStampRequest || !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !in.Empty() || !whole.ReadASN1Integer(version) {
		return StampRequest{}, BadDataFormat
	}
	if version.Cmp(big.NewInt(1)) != 0 {
		return StampRequest{}, BadRequest
	}
	r, err := readImprint(&whole)
	if err != nil {
		return StampRequest{}, err
	}
	if !r.readWishes(&whole) || !whole.ReadOptionalASN1(&extensions, &more, tag(0)) || !whole.Empty() {
		return StampRequest{}, BadDataFormat
	}
	if !more {
		return r, nil
	}
	if !readExtensions(extensions) {
		return StampRequest{}, BadDataFormat
	}
	// RFC 3161 §2.4.1: what is not recognised is refused, critical or not; and EN 319 422 §5.1 asks none to be known.
	return StampRequest{}, UnacceptedExtension
}

// readWishes reads what stands between imprint and extensions.
func (r *StampRequest) readWishes(whole *cryptobyte.String) bool {
	if whole.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && !whole.ReadASN1ObjectIdentifier(&r.Policy) {
		return false
	}
	if whole.PeekASN1Tag(cbasn1.INTEGER) {
		r.Nonce = new(big.Int)
		if !whole.ReadASN1Integer(r.Nonce) || r.Nonce.BitLen() >= 8*maxStampNonce {
			return false
		}
	}
	if whole.PeekASN1Tag(cbasn1.BOOLEAN) { // FALSE written out is no DER, and harmless
		return whole.ReadASN1Boolean(&r.Chain)
	}
	return true
}

// readImprint reads the MessageImprint: a hash that we trust (ETSI TS 119 312 §5), and a digest of its length.
func readImprint(in *cryptobyte.String) (StampRequest, error) {
	var r StampRequest
	var raw, whole, algorithm, parameters, digest cryptobyte.String
	var id asn1.ObjectIdentifier
	var anyTag cbasn1.Tag
	if !in.ReadASN1Element(&raw, cbasn1.SEQUENCE) {
		return r, BadDataFormat
	}
	r.imprint = bytes.Clone(raw)
	if !raw.ReadASN1(&whole, cbasn1.SEQUENCE) || !whole.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&id) || !whole.ReadASN1(&digest, cbasn1.OCTET_STRING) || !whole.Empty() {
		return r, BadDataFormat
	}
	if r.Hash = imprintHash(id); r.Hash == 0 {
		return r, BadAlg
	}
	if !algorithm.Empty() && (!algorithm.ReadAnyASN1(&parameters, &anyTag) || anyTag != cbasn1.NULL || !parameters.Empty() || !algorithm.Empty()) {
		return r, BadAlg // RFC 5754 §2: absent or NULL
	}
	if len(digest) != r.Hash.Size() {
		return r, BadDataFormat
	}
	r.Digest = bytes.Clone(digest)
	return r, nil
}

// imprintHash gives the hash of an imprint's algorithm; 0 for one that is not accepted.
func imprintHash(id asn1.ObjectIdentifier) crypto.Hash {
	switch {
	case id.Equal(oidSHA256):
		return crypto.SHA256
	case id.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}):
		return crypto.SHA384
	case id.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}):
		return crypto.SHA512
	}
	return 0
}

// readExtensions says whether the content of an implicitly tagged Extensions can be read at all.
func readExtensions(in cryptobyte.String) bool {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(in) })
	der, err := b.Bytes()
	return err == nil && eachExtension(der, func(asn1.ObjectIdentifier, bool, cryptobyte.String) bool { return true })
}
