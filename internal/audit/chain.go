package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/db"
)

// beginning is the hash that the first entry follows.
const beginning = "0000000000000000000000000000000000000000000000000000000000000000"

// scheme names the encoding below; another encoding needs another name, so that no two can be confused.
const scheme = "chancela audit entry 1"

// row is an entry as it is stored: text, so that a value which somebody put there can be hashed and shown to differ
// even where it could not be read as a time or a number.
type row struct {
	seq  int64
	text [columns]string
	hash string
}

// The columns between seq and hash, in the order in which they are hashed.
const (
	colAt = iota
	colPortal
	colKind
	colPerson
	colAccount
	colSession
	colRoles
	colStrength
	colOpened
	colAddress
	colVerb
	colObject
	colDetails
	colPrev
	columns
)

func rowOf(by actor.Actor, verb, object, details string) row {
	var r row
	r.text = [columns]string{
		colPortal: by.Portal, colKind: string(by.Kind), colPerson: string(by.Person), colAccount: string(by.Account),
		colSession: by.Session, colRoles: join(by.Roles), colStrength: strconv.Itoa(int(by.Strength)), colOpened: by.Case,
		colAddress: by.Address, colVerb: verb, colObject: object, colDetails: details,
	}
	return r
}

func join(roles []actor.Role) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// digest hashes every column, each behind its length, so that no two different rows are encoded alike.
func (r row) digest() string {
	size := len(scheme) + 16
	for _, s := range r.text {
		size += 8 + len(s)
	}
	coded := make([]byte, 0, size)
	put := func(s string) {
		coded = binary.BigEndian.AppendUint64(coded, uint64(len(s)))
		coded = append(coded, s...)
	}
	put(scheme)
	coded = binary.BigEndian.AppendUint64(coded, uint64(r.seq))
	for _, s := range r.text {
		put(s)
	}
	sum := sha256.Sum256(coded)
	return hex.EncodeToString(sum[:])
}

func (r row) entry() (Entry, error) {
	when, err := db.ParseTime(r.text[colAt])
	if err != nil {
		return Entry{}, err
	}
	level, err := strconv.Atoi(r.text[colStrength])
	if err != nil {
		return Entry{}, fmt.Errorf("strength: %w", err)
	}
	e := Entry{
		Seq: r.seq, At: when, Portal: r.text[colPortal], Kind: actor.Kind(r.text[colKind]), Hash: r.hash,
		Person: actor.PersonID(r.text[colPerson]), Account: actor.AccountID(r.text[colAccount]), Session: r.text[colSession],
		Strength: actor.Strength(level), Opened: r.text[colOpened], Address: r.text[colAddress],
		Verb: r.text[colVerb], Object: r.text[colObject],
	}
	for name := range strings.SplitSeq(r.text[colRoles], ",") {
		if name != "" {
			e.Roles = append(e.Roles, actor.Role(name))
		}
	}
	if err := json.Unmarshal([]byte(r.text[colDetails]), &e.Details); err != nil {
		return Entry{}, fmt.Errorf("details: %w", err)
	}
	return e, nil
}
