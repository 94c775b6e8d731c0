package issuance

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Entries are what a revocation list says, encoded, one behind the other. Each is linted when it is added, once, so
// that a list of a million entries and one more costs the one, and the joining, hashing and signing of the rest.
//
// They only grow: where an entry is taken away, or said otherwise, whoever keeps them begins anew. They are not safe for
// use by several at once; lists that were prepared of them stay as they are.
type Entries struct {
	der    []byte
	count  int
	latest time.Time // of the revocations
	ends   []int     // where the last few end, for the lints of the whole list
	seed   maphash.Seed
	seen   map[uint64]struct{} // hashes of serial numbers: what is not here is not among them
}

// sampled is how many of the newest entries are linted with the whole list, over what each was linted with alone.
const sampled = 1000

// NewEntries makes an empty set.
func NewEntries() *Entries { return &Entries{seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}} }

// Len is how many there are.
func (e *Entries) Len() int { return e.count }

// Latest is the time of the latest revocation, zero for none: no list of them is older.
func (e *Entries) Latest() time.Time { return e.latest }

// errTwice says that a certificate would be on a list twice.
var errTwice = errors.New("issuance: that certificate is on the list already")

// Add adds an entry by [Revocation.Entry] if it is one that a list may hold (RFC 5280 §5.3), and its certificate is
// not among them.
func (e *Entries) Add(entry []byte) error {
	r, err := ParseEntry(entry)
	if err != nil {
		return err
	}
	number := r.Serial.Bytes()
	if e.Has(number) {
		return fmt.Errorf("%w: %x", errTwice, number)
	}
	e.seen[maphash.Bytes(e.seed, number)] = struct{}{}
	e.der = append(e.der, entry...)
	e.count++
	e.ends = append(e.ends, len(e.der))
	if len(e.ends) > 2*sampled {
		e.ends = append(e.ends[:0], e.ends[len(e.ends)-sampled-1:]...)
	}
	if r.At.After(e.latest) {
		e.latest = r.At
	}
	return nil
}

// Has says whether a certificate is among them, by the bytes of its serial number.
func (e *Entries) Has(serial []byte) bool {
	if _, maybe := e.seen[maphash.Bytes(e.seed, serial)]; !maybe {
		return false
	}
	in, want := cryptobyte.String(e.der), new(big.Int).SetBytes(serial)
	for !in.Empty() { // two numbers of one hash are rarer than any other reason to come here
		var one cryptobyte.String
		n := new(big.Int)
		if !in.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1Integer(n) || n.Cmp(want) == 0 {
			return true
		}
	}
	return false
}

// newest are the bytes of the newest entries, for the lints of a whole list.
func (e *Entries) newest() []byte {
	if e.count <= sampled {
		return e.der
	}
	return e.der[e.ends[len(e.ends)-sampled-1]:]
}

// ParseEntry reads a list's entry strictly: bytes that [Revocation.Entry] would not write the same are refused.
func ParseEntry(der []byte) (Revocation, error) {
	wrong := errors.New("issuance: not an entry of a list")
	in := cryptobyte.String(der)
	var one, extensions cryptobyte.String
	r := Revocation{Serial: new(big.Int)}
	if !in.ReadASN1(&one, cbasn1.SEQUENCE) || !in.Empty() || !one.ReadASN1Integer(r.Serial) {
		return Revocation{}, wrong
	}
	if one.PeekASN1Tag(cbasn1.UTCTime) && !one.ReadASN1UTCTime(&r.At) || r.At.IsZero() && !one.ReadASN1GeneralizedTime(&r.At) {
		return Revocation{}, wrong
	}
	if !one.Empty() {
		var extension, value cryptobyte.String
		var code int
		id := oidReason
		if !one.ReadASN1(&extensions, cbasn1.SEQUENCE) || !one.Empty() || !extensions.ReadASN1(&extension, cbasn1.SEQUENCE) ||
			!extensions.Empty() || !extension.ReadASN1ObjectIdentifier(&id) || !id.Equal(oidReason) ||
			!extension.ReadASN1(&value, cbasn1.OCTET_STRING) || !extension.Empty() || !value.ReadASN1Enum(&code) || !value.Empty() {
			return Revocation{}, wrong
		}
		r.Reason = Reason(code)
	}
	again, err := r.Entry()
	if err != nil || !bytes.Equal(again, der) || r.Serial.BitLen() > 159 { // RFC 5280 §4.1.2.2: at most 20 octets
		return Revocation{}, wrong
	}
	return r, nil
}
