package ceremony

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"chancela/internal/durable"
)

// entry is one line of the record. Each holds the digest of the one before, so that none can be changed, left out or
// put between without its being seen; the last digest stands in the minutes that people sign.
type entry struct {
	N        int               `json:"n"`
	At       time.Time         `json:"at"`
	Ceremony string            `json:"ceremony"`
	Step     int               `json:"step"` // from 1
	What     string            `json:"what"`
	Subject  string            `json:"subject,omitempty"`
	Facts    map[string]string `json:"facts,omitempty"`
	People   []string          `json:"people,omitempty"`
	Files    []fileDigest      `json:"files,omitempty"`
	Prev     string            `json:"prev"`
	Hash     string            `json:"hash,omitempty"`
}

type fileDigest struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// What an entry says was done.
const (
	didBegin    = "begin"    // the script was fixed
	didCustody  = "custody"  // shares were made
	didActivate = "activate" // custodians opened the keys
	didKey      = "key"
	didRequest  = "request"
	didIntend   = "intend" // a serial number or a list's number is about to be signed
	didLose     = "lose"   // it may have been signed, and nobody has it
	didIssue    = "issue"
	didTake     = "take"
	didRevoke   = "revoke"
	didList     = "list"
	didTakeList = "take-list"
	didStep     = "step"    // a step was confirmed and done
	didFail     = "fail"    // a step was tried and refused
	didCompare  = "compare" // what came in was compared with the other side's minutes
	didEnd      = "end"     // an authority was ended
	didDestroy  = "destroy" // its key was destroyed
	didClose    = "close"   // the minutes were printed
)

// record is the file and what stands in it.
type record struct {
	path    string
	entries []entry
	broken  error // why nothing more is added; nil if it may be
}

// openRecord reads the record. A last line that a crash cut off is taken away: it was never acknowledged.
func openRecord(path string) (*record, error) {
	r := &record{path: path}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	for line := range bytes.Lines(data[:whole]) {
		var e entry
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&e); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(r.entries)+1, err)
		}
		if again, err := e.digest(); err != nil || e.N != len(r.entries)+1 || e.Prev != r.head() || e.Hash != again {
			return nil, fmt.Errorf("%s, line %d: the record was changed; it does not follow from the line before", path, len(r.entries)+1)
		}
		r.entries = append(r.entries, e)
	}
	if whole < len(data) {
		if err := os.Truncate(path, int64(whole)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// head is the digest of the last entry; "" for none.
func (r *record) head() string {
	if len(r.entries) == 0 {
		return ""
	}
	return r.entries[len(r.entries)-1].Hash
}

func (e entry) digest() (string, error) {
	e.Hash = ""
	data, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// add puts an entry on the disk. Behind one that may be half there nothing more is added: who starts the command again
// goes on from what is.
func (r *record) add(e entry) error {
	if r.broken == nil {
		r.broken = r.append(e)
	}
	return r.broken
}

func (r *record) append(e entry) error {
	e.N, e.Prev = len(r.entries)+1, r.head()
	e.At = e.At.UTC().Truncate(time.Second)
	var err error
	if e.Hash, err = e.digest(); err != nil {
		return err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	fresh := !isThere(r.path)
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if fresh {
		if err := durable.Settle(r.path); err != nil {
			return err
		}
	}
	r.entries = append(r.entries, e)
	return nil
}

// of lists the entries of a kind, of all ceremonies.
func (r *record) of(what string) []entry {
	var all []entry
	for _, e := range r.entries {
		if e.What == what {
			all = append(all, e)
		}
	}
	return all
}

// begun gives the digest of the script that a ceremony began with.
func (r *record) begun(ceremony string) (string, bool) {
	for _, e := range r.of(didBegin) {
		if e.Ceremony == ceremony {
			return e.Facts["script"], true
		}
	}
	return "", false
}

func (r *record) closed(ceremony string) bool {
	for _, e := range r.of(didClose) {
		if e.Ceremony == ceremony {
			return true
		}
	}
	return false
}

// done says whether a step was confirmed and done.
func (r *record) done(ceremony string, step int) bool {
	for _, e := range r.entries {
		if e.Ceremony == ceremony && e.Step == step && (e.What == didStep || e.What == didClose) {
			return true
		}
	}
	return false
}

// last finds the newest entry of a kind about a subject.
func (r *record) last(what, subject string) (entry, bool) {
	for i := len(r.entries) - 1; i >= 0; i-- {
		if r.entries[i].What == what && r.entries[i].Subject == subject {
			return r.entries[i], true
		}
	}
	return entry{}, false
}
