// Package blob keeps documents: evidence, sealed PDFs. They never go in the database.
//
// A document is stored once, never changed, and named by its content: the SHA-256 of what was put in, then a part
// of its own, so that the same document in two cases is stored twice and erasing one cannot take the other away.
// What is read is checked against the name before the first byte is handed out: a rotten or exchanged document is
// served never. A Store is not asked who may read; the rooms above do that. Start reading at [Store].
package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"
)

// Name is where a document is stored: the hexadecimal SHA-256 of its content, "-", and a random part.
type Name string

var names = regexp.MustCompile(`^[0-9a-f]{64}-[a-z2-7]{26}$`)

// Digest is the SHA-256 of the document, in hexadecimal.
func (n Name) Digest() string {
	digest, _, _ := strings.Cut(string(n), "-")
	return digest
}

// Valid says whether this can be a name at all; a store touches nothing by another.
func (n Name) Valid() bool { return names.MatchString(string(n)) }

func named(sum [sha256.Size]byte) Name {
	return Name(hex.EncodeToString(sum[:]) + "-" + strings.ToLower(rand.Text()))
}

// Blob is a stored document.
type Blob struct {
	Name Name
	Size int64     // in bytes: of the content from Put, of what lies on the disk from Stat and List
	At   time.Time // when it was stored
}

// Digest is the SHA-256 of the document, in hexadecimal.
func (b Blob) Digest() string { return b.Name.Digest() }

// Store keeps documents.
type Store interface {
	// Put stores what r gives, at most limit bytes, and returns when a power cut can no longer take it away.
	// [ErrTooLarge] beyond the limit. Whatever the error, nothing is left behind.
	Put(ctx context.Context, r io.Reader, limit int64) (Blob, error)
	// Open gives a document whose content matches its name: [ErrNotFound], [ErrRotten] otherwise.
	Open(ctx context.Context, name Name) (io.ReadCloser, error)
	// Stat says whether a document is there, without checking its content.
	Stat(ctx context.Context, name Name) (Blob, error)
	// Delete removes a document; one that is not there is no error.
	Delete(ctx context.Context, name Name) error
	// List calls yield with every document, in no order, until it returns false.
	List(ctx context.Context, yield func(Blob) bool) error
}

// What a store may answer.
var (
	ErrTooLarge = errors.New("document is larger than its limit")
	ErrNotFound = errors.New("no such document")
	ErrRotten   = errors.New("document does not match its digest")
)
