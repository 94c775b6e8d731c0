package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
)

// Finding is one thing that is wrong with the record.
type Finding struct {
	Seq  int64  // the entry where it shows
	Key  string // of the message
	Args fault.Args
}

// Say tells a finding in a language.
func (f Finding) Say(lang i18n.Lang) string { return i18n.Say(lang, f.Key, f.Args) }

// Report is what [Verify] found.
type Report struct {
	Entries     int64 // entries read
	Head        int64 // the last entry's number
	Signed      int64 // the last entry that a good checkpoint covers; those behind it are only chained
	Checkpoints int64 // good checkpoints in the file
	Torn        bool  // the file ends inside a checkpoint: it is being written, or the power failed
	Findings    []Finding
	More        int // findings beyond those listed
}

// Sound says whether nothing is wrong.
func (r Report) Sound() bool { return len(r.Findings) == 0 }

// mostFindings bounds the report: a chain that was computed anew differs at every checkpoint.
const mostFindings = 100

func (r *Report) found(seq int64, key string, pairs ...string) {
	if len(r.Findings) >= mostFindings {
		r.More++
		return
	}
	pairs = append(pairs, "seq", number(seq))
	r.Findings = append(r.Findings, Finding{Seq: seq, Key: key, Args: fault.Pairs(pairs...)})
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// Check verifies the record against the files of a Keeper's folder.
func Check(ctx context.Context, d *db.DB, dir string) (Report, error) {
	_, verifier, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		return Report{}, fmt.Errorf("audit key: %w", err)
	}
	file, err := os.Open(filepath.Join(dir, checkpointFile))
	if errors.Is(err, os.ErrNotExist) {
		return Verify(ctx, d, verifier, strings.NewReader(""))
	}
	if err != nil {
		return Report{}, fmt.Errorf("audit checkpoints: %w", err)
	}
	defer func() { _ = file.Close() }()
	return Verify(ctx, d, verifier, file)
}

// Verify reads the whole record, entry by entry, with the checkpoints that were kept outside the database and the
// copies inside it, and reports whatever was changed, deleted, inserted, put in another order, computed anew or cut
// off. It needs the same memory for any length, and the program may go on meanwhile. An error means that it could not
// look; what it found is in the report.
func Verify(ctx context.Context, d *db.DB, verifier note.Verifier, checkpoints io.Reader) (Report, error) {
	var w walk
	err := d.Look(ctx, func(tx *db.Tx) error {
		w = walk{ctx: ctx, tx: tx, at: row{hash: beginning}}
		file := &marks{next: fileNotes(&w.report, verifier, checkpoints)}
		copies := &marks{next: tableNotes(ctx, tx, &w.report, verifier)}
		return w.all(file, copies)
	})
	if err != nil {
		return Report{}, fmt.Errorf("verify the record: %w", err)
	}
	if w.ahead.Seq == 0 {
		return w.report, nil
	}
	// Checkpoints ahead of what we saw: entries written since we began, or a tail that was cut.
	err = d.Look(ctx, func(tx *db.Tx) error {
		hash, err := hashOf(ctx, tx, w.ahead.Seq)
		if err != nil && !db.None(err) {
			return err
		}
		if hash != w.ahead.Hash {
			w.report.found(w.at.seq+1, "audit.cut", "to", number(w.ahead.Seq))
		}
		return nil
	})
	return w.report, err
}

// marks is a stream of checkpoints, with the one that comes next.
type marks struct {
	next  func() (Checkpoint, bool, error)
	peek  Checkpoint
	good  int64 // up to here the record is as it was signed
	most  int64 // the greatest number seen
	count int64
	ended bool
}

func (m *marks) advance() error {
	var more bool
	var err error
	m.peek, more, err = m.next()
	m.ended = !more
	if more {
		m.most = max(m.most, m.peek.Seq)
		m.count++
	}
	return err
}

// walk goes through the record once.
type walk struct {
	ctx    context.Context
	tx     *db.Tx
	at     row // the entry before
	ahead  Checkpoint
	report Report
}

func (w *walk) all(file, copies *marks) error {
	for _, m := range []*marks{file, copies} {
		if err := errors.Join(m.advance(), w.meet(m)); err != nil { // the checkpoint of the empty record
			return err
		}
	}
	if err := w.entries(file, copies); err != nil {
		return err
	}
	if err := w.head(); err != nil {
		return err
	}
	for _, m := range []*marks{file, copies} {
		if err := w.rest(m); err != nil {
			return err
		}
	}
	w.report.Head, w.report.Signed, w.report.Checkpoints = w.at.seq, file.good, file.count
	switch {
	case file.count == 0 && (w.at.seq > 0 || copies.count > 0):
		w.report.found(w.at.seq, "audit.checkpoints-missing")
	case copies.most > file.most:
		w.report.found(copies.most, "audit.checkpoints-cut", "from", number(file.most+1))
	}
	return nil
}

func (w *walk) entries(streams ...*marks) error {
	for cursor := int64(math.MinInt64); ; {
		rows, err := after(w.ctx, w.tx, cursor, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			w.entry(r)
			for _, m := range streams {
				if err := w.meet(m); err != nil {
					return err
				}
			}
		}
		if len(rows) < page || rows[len(rows)-1].seq <= cursor {
			return nil
		}
		cursor = rows[len(rows)-1].seq
	}
}

// entry judges one entry by itself and by the one before.
func (w *walk) entry(r row) {
	w.report.Entries++
	if r.seq <= w.at.seq {
		w.report.found(r.seq, "audit.inserted")
		return
	}
	if gap := r.seq - w.at.seq - 1; gap > 0 {
		w.report.found(w.at.seq+1, "audit.removed", "to", number(r.seq-1))
	} else if r.text[colPrev] != w.at.hash {
		w.report.found(r.seq, "audit.unchained")
	}
	if r.digest() != r.hash {
		w.report.found(r.seq, "audit.changed")
	}
	w.at = r
}

// meet compares the checkpoints up to the present entry with the record.
func (w *walk) meet(m *marks) error {
	for !m.ended && m.peek.Seq <= w.at.seq {
		hash := w.at.hash
		if m.peek.Seq < w.at.seq { // its entry is missing, or the file is not in order
			var err error
			if hash, err = hashOf(w.ctx, w.tx, m.peek.Seq); err != nil && !db.None(err) {
				return err
			}
		}
		if hash == m.peek.Hash {
			m.good = max(m.good, m.peek.Seq)
		} else {
			w.report.found(m.peek.Seq, "audit.rewritten", "from", number(m.good+1))
		}
		if err := m.advance(); err != nil {
			return err
		}
	}
	return nil
}

// head judges the row that says where the record ends.
func (w *walk) head() error {
	seq, hash, err := head(w.ctx, w.tx)
	if db.None(err) {
		seq, err = -1, nil
	}
	if err != nil {
		return err
	}
	if seq != w.at.seq || hash != w.at.hash {
		w.report.found(w.at.seq, "audit.head", "head", number(seq))
	}
	return nil
}

// rest takes the checkpoints behind the last entry.
func (w *walk) rest(m *marks) error {
	for !m.ended {
		if m.peek.Seq > w.ahead.Seq {
			w.ahead = m.peek
		}
		if m.peek.Seq <= w.at.seq {
			if err := w.meet(m); err != nil {
				return err
			}
			continue
		}
		if err := m.advance(); err != nil {
			return err
		}
	}
	return nil
}

// fileNotes reads the checkpoints of the file; one that is forged is reported and passed over.
func fileNotes(report *Report, verifier note.Verifier, from io.Reader) func() (Checkpoint, bool, error) {
	in, count := readNotes(from), int64(0)
	return func() (Checkpoint, bool, error) {
		for {
			text, err := in.next()
			count++
			switch {
			case errors.Is(err, io.EOF):
				return Checkpoint{}, false, nil
			case errors.Is(err, errTorn):
				report.Torn = true
				return Checkpoint{}, false, nil
			case errors.Is(err, errNote):
				report.found(0, "audit.checkpoint-forged", "place", number(count))
				return Checkpoint{}, false, nil
			case err != nil:
				return Checkpoint{}, false, fmt.Errorf("read the checkpoints: %w", err)
			}
			c, err := unseal(verifier, text)
			if err == nil {
				return c, true, nil
			}
			report.found(0, "audit.checkpoint-forged", "place", number(count))
		}
	}
}

// tableNotes reads the copies in the table, page by page.
func tableNotes(ctx context.Context, tx *db.Tx, report *Report, verifier note.Verifier) func() (Checkpoint, bool, error) {
	var waiting []copied
	cursor := int64(math.MinInt64)
	return func() (Checkpoint, bool, error) {
		for {
			if len(waiting) == 0 {
				var err error
				if waiting, err = copiesAfter(ctx, tx, keyID(verifier), cursor, page); err != nil || len(waiting) == 0 {
					return Checkpoint{}, false, err
				}
			}
			next := waiting[0]
			waiting, cursor = waiting[1:], next.seq
			if c, err := unseal(verifier, next.note); err == nil && c.Seq == next.seq {
				return c, true, nil
			}
			report.found(next.seq, "audit.copy-forged")
		}
	}
}
