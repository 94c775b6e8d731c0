// Package evidence keeps the documents that support a case.
//
// A document is believed only for what its bytes are: its kind is found in the content and checked strictly, a file
// that is two kinds at once is refused, a limit holds even against two uploads at once. Nothing is opened by a full
// parser here: a PDF is looked over by a bounded scan (pdf.go) that tells an officer of scripts, programs and files
// inside; whoever hands a document out does so as an attachment, with nosniff and a sandbox, so that it stays inert.
//
// The store of blobs must be this room's own: [Service.Sweep] deletes whatever has no row here. Which person may
// touch which case is not known here, so every deed takes a [May] of the caller's and refuses without one.
// Start reading at [Service.Add].
package evidence

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"chancela/internal/blob"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// Config is what the room stands on.
type Config struct {
	// Store keeps the documents; it is used for nothing else. Required.
	Store blob.Store
	// Scanner looks for malware; without one documents are marked as not scanned.
	Scanner Scanner
	// Log gets what an operator must see; slog.Default() if nil.
	Log *slog.Logger
}

// Scanner looks for malware in a document.
type Scanner interface {
	// Scan says whether the document is clean; an error means that nobody knows, and the document is held.
	Scan(ctx context.Context, r io.Reader) (clean bool, err error)
}

// May is asked inside the transaction whether the actor may do this to the case just now: is it theirs, is it open?
type May func(ctx context.Context, tx *db.Tx) error

func (m May) ask(ctx context.Context, tx *db.Tx) error {
	if m == nil {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return m(ctx, tx)
}

// Service does the deeds of this room.
type Service struct {
	db       *db.DB
	store    blob.Store
	scanner  Scanner
	log      *slog.Logger
	checking chan struct{} // bounds how many documents are in memory at once
}

// atOnce documents are checked at the same time; each is wholly in memory meanwhile.
const atOnce = 2

// New makes the room.
func New(d *db.DB, c Config) (*Service, error) {
	if c.Store == nil {
		return nil, errors.New("evidence needs a store of its own")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{db: d, store: c.Store, scanner: c.Scanner, log: c.Log, checking: make(chan struct{}, atOnce)}, nil
}

func deadCase(err error) error {
	if db.None(err) {
		return fault.New(fault.NotFound, "fault.not-found")
	}
	return err
}
