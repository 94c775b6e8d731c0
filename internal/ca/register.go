package ca

import (
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"

	"chancela/internal/db"
	"chancela/internal/issuance"
)

// register holds how every certificate stands, in memory: 28 bytes each, and 4 to 11 more to find it. An answer about
// status then costs no query, and a million of certificates some 40 MB.
//
// It holds nothing that the record does not; the feed (feed.go) keeps it up with the record. What it does not hold is
// not unknown: that is for the record to say. It is safe for use by several at once.
type register struct {
	mu      sync.RWMutex
	rows    [][]row  // in pieces, so that growing copies nothing
	count   uint32   // rows in use
	table   []uint32 // open addressing: a row's number plus one, 0 for free
	issuers []string // by row.issuer
	counts  []int    // by row.issuer: how many there are of it
}

// row is one certificate.
type row struct {
	serial  [16]byte // ours have at most 127 bits
	since   uint32   // of a revocation: seconds since 1970
	ends    uint32   // its last second; 0 for one that was never recorded
	issuer  uint8
	reason  uint8
	revoked bool
	turn    uint8 // counts its changes: what was signed under another turn is not true any more
}

const piece = 4096

// Known is what is known of a certificate at a moment.
type Known struct {
	Standing   issuance.Standing
	Revocation issuance.Revocation
	Ends       time.Time // its last second; zero for what was never recorded
	// Place is where the register has it, from 1 on; 0 for what it does not have. Turn changes when its standing does.
	Place uint32
	Turn  uint8
	// AsOf is when this was known to be so.
	AsOf time.Time
}

func newRegister() *register { return &register{} }

// keyOf is a serial number as the register has it; false for one that is none of ours.
func keyOf(serial []byte) (key [16]byte, ok bool) {
	if len(serial) == 0 || len(serial) > len(key) {
		return key, false
	}
	copy(key[len(key)-len(serial):], serial)
	return key, true
}

// slot is where in the table a key is looked for first. Serial numbers are random; whoever asks for others cannot put
// them in.
func (r *register) slot(key [16]byte) uint32 {
	const odd = 0x9e3779b97f4a7c15
	h := (binary.LittleEndian.Uint64(key[:8])*odd ^ binary.LittleEndian.Uint64(key[8:])) * odd
	return uint32(h>>32) & uint32(len(r.table)-1)
}

// at gives a row by its number plus one, as the table has it.
func (r *register) at(n uint32) *row { return &r.rows[(n-1)/piece][(n-1)%piece] }

// seek finds a key's place in the table: the row's number plus one, and where it stands or would.
func (r *register) seek(key [16]byte) (n, slot uint32) {
	for slot = r.slot(key); ; slot = (slot + 1) & uint32(len(r.table)-1) {
		if n = r.table[slot]; n == 0 || r.at(n).serial == key {
			return n, slot
		}
	}
}

// find says how a certificate of an issuer stands; false if it is not here.
func (r *register) find(issuer string, serial []byte) (k Known, ok bool) {
	key, ok := keyOf(serial)
	if !ok {
		return k, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.table) == 0 {
		return k, false
	}
	n, _ := r.seek(key)
	if n == 0 || r.issuers[r.at(n).issuer] != issuer {
		return k, false
	}
	return r.at(n).known(n), true
}

// known is what a row says, but for the serial number of a revocation, which whoever asks has.
func (one *row) known(n uint32) Known {
	k := Known{Standing: issuance.Good, Place: n, Turn: one.turn}
	if one.ends != 0 {
		k.Ends = time.Unix(int64(one.ends), 0).UTC()
	}
	if one.revoked {
		k.Standing = issuance.Revoked
		k.Revocation = issuance.Revocation{At: time.Unix(int64(one.since), 0).UTC(), Reason: issuance.Reason(one.reason)}
	}
	return k
}

// Registered is a certificate of the register.
type Registered struct {
	Known
	Issuer string
	Serial []byte // big-endian, without zeros in front
}

// nth gives a row by its place.
func (r *register) nth(place uint32) (Registered, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if place == 0 || place > r.count {
		return Registered{}, false
	}
	one := r.at(place)
	serial := one.serial[:]
	for len(serial) > 0 && serial[0] == 0 {
		serial = serial[1:]
	}
	return Registered{one.known(place), r.issuers[one.issuer], append([]byte(nil), serial...)}, true
}

// of is how many certificates of an issuer there are.
func (r *register) of(issuer string) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i, name := range r.issuers {
		if name == issuer {
			return r.counts[i]
		}
	}
	return 0
}

// grow makes the table so large that a third of it stays free.
func (r *register) grow(expected int) {
	size := max(len(r.table), 1024)
	for expected*3 > size*2 {
		size *= 2
	}
	if size == len(r.table) {
		return
	}
	r.table = make([]uint32, size)
	for n := uint32(1); n <= r.count; n++ {
		_, slot := r.seek(r.at(n).serial)
		r.table[slot] = n
	}
}

// put records how a certificate stands. With unless it is left as it is if it is here already: whoever looked it up
// in the record may have seen it before a change that the feed has brought meanwhile.
func (r *register) put(from registered, unless bool) error {
	one, ok, err := from.row()
	if err != nil || !ok {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.grow(int(r.count) + 1)
	one.issuer = r.issuerNumber(from.issuer)
	n, slot := r.seek(one.serial)
	switch {
	case n == 0:
		if r.count%piece == 0 {
			r.rows = append(r.rows, make([]row, piece))
		}
		r.count++
		*r.at(r.count), r.table[slot] = one, r.count
		r.counts[one.issuer]++
	case !unless:
		old := r.at(n)
		one.turn = old.turn
		if *old != one {
			one.turn++
			*old = one
		}
	}
	return nil
}

func (r *register) issuerNumber(name string) uint8 {
	for i, one := range r.issuers {
		if one == name {
			return uint8(i)
		}
	}
	r.issuers, r.counts = append(r.issuers, name), append(r.counts, 0) // authorities of one instance: a handful, far from 256
	return uint8(len(r.issuers) - 1)
}

// row makes a row of what the record says; false for an intent, and for a serial number that is too long for the
// register: the record is asked for those.
func (r registered) row() (one row, ok bool, err error) {
	var serial [20]byte
	n := 0
	if len(r.serial) <= 2*len(serial) {
		if n, err = hex.Decode(serial[:], []byte(r.serial)); err != nil {
			return one, false, err
		}
	}
	if one.serial, ok = keyOf(serial[:n]); !ok || r.state == Intended {
		return one, false, nil
	}
	if one.ends, err = seconds(r.ends); err != nil {
		return one, false, err
	}
	if one.revoked = r.state != Issued; one.revoked { // whatever is not in force is not good
		one.reason = uint8(r.reason)
		one.since, err = seconds(r.revokedAt)
	}
	return one, true, err
}

// seconds reads a stored time as seconds since 1970, without the library's parser: a million are read at a start.
func seconds(stored string) (uint32, error) {
	if stored == "" {
		return 0, nil
	}
	two := func(at int) int { return int(stored[at]-'0')*10 + int(stored[at+1]-'0') }
	if len(stored) < len("2006-01-02T15:04:05") || stored[10] != 'T' || stored[4] != '-' || stored[13] != ':' {
		t, err := db.ParseTime(stored)
		return uint32(t.Unix()), err
	}
	t := time.Date(two(0)*100+two(2), time.Month(two(5)), two(8), two(11), two(14), two(17), 0, time.UTC).Unix()
	return uint32(min(max(t, 0), 1<<32-1)), nil
}
