package db

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"modernc.org/sqlite"

	"chancela/internal/fault"
)

// halt is why nothing is written any more. When the disk does not confirm what it was given, nobody knows what of it
// is there, and to ask again is of no use: the kernel forgets that it failed, and the next sync says that all is well.
// So from then on this process writes nothing. The next start reads what is there, and writes it anew (recoverSQLite).
type halt struct {
	log   *slog.Logger
	cause atomic.Pointer[error]
}

// why gives what a deed is refused with; nil while deeds are taken. Of a connection that only reads there is no halt.
func (h *halt) why() error {
	if h == nil {
		return nil
	}
	if cause := h.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// unconfirmed are SQLite's codes for a sync that failed: of a file (SQLITE_IOERR_FSYNC), of a folder
// (SQLITE_IOERR_DIR_FSYNC).
const unconfirmed, unconfirmedName = 1034, 1290

// heed looks at what a call gave, and halts all writing if the disk did not confirm it.
func (h *halt) heed(err error) error {
	lite, ok := errors.AsType[*sqlite.Error](err)
	if h == nil || !ok || lite.Code() != unconfirmed && lite.Code() != unconfirmedName {
		return err
	}
	cause := fmt.Errorf("%w: %w", fault.New(fault.Unavailable, "db.halted"), err)
	if h.cause.CompareAndSwap(nil, &cause) {
		h.log.Error("db: the disk did not confirm what was written; nothing more is written until the program is started again", "error", err)
	}
	return h.why()
}
