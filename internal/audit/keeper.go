package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"chancela/internal/db"
	"chancela/internal/durable"
)

// Config says where a Keeper keeps what the database must not hold.
type Config struct {
	// Dir is a folder that whoever runs the database cannot write: it gets the key, its public half and the
	// checkpoints. It is made if it is not there. Required.
	Dir string
	// Name is the origin that the checkpoints carry, such as "balcao.example/audit"; without spaces and plus signs.
	// Only the first start uses it: afterwards it is the key's. Required.
	Name string
	// Log gets a line when signing begins to fail and when it works again; slog.Default if nil.
	Log *slog.Logger
}

// The files in the folder.
const (
	keyFile        = "audit.key"         // the private key; mode 0600
	publicFile     = "audit.pub"         // the public key, for auditors to take away
	checkpointFile = "audit.checkpoints" // every checkpoint, appended
)

const (
	tick       = time.Second // how often the head is signed, if it moved: what a cut can hide at most
	lastChance = 5 * time.Second
	page       = 500 // rows read at a time
)

// ErrBroken tells that the record was changed behind the program's back since the last checkpoint. The Keeper signs
// nothing on top of it: [Verify] says what was changed.
var ErrBroken = errors.New("the audit record does not follow its last checkpoint")

// Keeper signs the head of the record with a key that the database does not hold. One process keeps a folder.
type Keeper struct {
	db       *db.DB
	signer   note.Signer
	verifier note.Verifier
	log      *slog.Logger

	mu     sync.Mutex // guards what follows
	file   *os.File
	last   Checkpoint
	broken error // why nothing more is appended; nil if it may be
	health error
}

// OpenKeeper opens the folder, and makes key and file at the first start. It refuses a folder whose key is lost while
// its checkpoints are there, and checkpoints that the key did not sign.
func OpenKeeper(d *db.DB, c Config) (*Keeper, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("audit folder: %w", err)
	}
	signer, verifier, err := openKey(c.Dir, c.Name)
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	k := &Keeper{db: d, signer: signer, verifier: verifier, log: c.Log}
	if err := k.openFile(filepath.Join(c.Dir, checkpointFile)); err != nil {
		return nil, fmt.Errorf("audit checkpoints: %w", err)
	}
	return k, nil
}

// openFile finds the last checkpoint and takes away what a power failure left half-written behind it. A new file
// begins with the checkpoint of the empty record, so that an empty file is never a good one.
func (k *Keeper) openFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	k.file = file
	whole, last, err := lastNote(file)
	if err == nil {
		err = file.Truncate(whole)
	}
	if err == nil && whole > 0 {
		k.last, err = unseal(k.verifier, last)
	} else if err == nil {
		err = k.begin(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	return nil
}

func (k *Keeper) begin(dir string) error {
	first, err := seal(k.signer, 0, beginning)
	if err != nil {
		return err
	}
	if err := k.append(first); err != nil {
		return err
	}
	k.last = first
	return durable.Settle(filepath.Join(dir, checkpointFile))
}

// append writes a checkpoint so that it outlives a power failure. What a full disk cut short is taken back and tried
// again; behind one that the disk did not confirm nothing more is appended, since a second sync would say that all is
// well. The next start goes on.
func (k *Keeper) append(c Checkpoint) error {
	if k.broken != nil {
		return k.broken
	}
	before, err := k.file.Stat()
	if err != nil {
		return err
	}
	if _, err := k.file.WriteString(c.Note + "\n"); err != nil {
		k.broken = k.file.Truncate(before.Size()) // nil if it is as it was
		return fmt.Errorf("append checkpoint %d: %w", c.Seq, errors.Join(err, k.broken))
	}
	if err := k.file.Sync(); err != nil {
		k.broken = fmt.Errorf("append checkpoint %d; none is signed until the program is started again: %w", c.Seq, err)
	}
	return k.broken
}

// Verifier is the public half of the key.
func (k *Keeper) Verifier() note.Verifier { return k.verifier }

// Run signs the head each second if it moved, and once more when the context ends.
func (k *Keeper) Run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	k.run(ctx, ticker.C)
}

func (k *Keeper) run(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ticks:
			_, _ = k.Sign(ctx) // logged, and seen by Health
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastChance)
			defer cancel()
			_, _ = k.Sign(last)
			return
		}
	}
}

// Sign signs the head, if it moved since the last checkpoint, after it has checked that the entries in between
// follow that checkpoint: ErrBroken if not. The file has the checkpoint before the table, and the disk before both.
func (k *Keeper) Sign(ctx context.Context) (Checkpoint, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.sign(ctx)
	if (err == nil) != (k.health == nil) {
		if err != nil {
			k.log.ErrorContext(ctx, "audit checkpoints stopped", "seq", k.last.Seq, "error", err)
		} else {
			k.log.InfoContext(ctx, "audit checkpoints go on", "seq", k.last.Seq)
		}
	}
	k.health = err
	return k.last, err
}

func (k *Keeper) sign(ctx context.Context) error {
	var seq int64
	var hash string
	err := k.db.Look(ctx, func(tx *db.Tx) (err error) {
		seq, hash, err = head(ctx, tx)
		if err != nil {
			return err
		}
		return k.follows(ctx, tx, seq, hash)
	})
	if err != nil || seq == k.last.Seq {
		return err
	}
	next, err := seal(k.signer, seq, hash)
	if err != nil {
		return err
	}
	if err := k.append(next); err != nil {
		return err
	}
	k.last = next
	return k.db.InTx(ctx, func(tx *db.Tx) error { return copyCheckpoint(ctx, tx, keyID(k.verifier), next) })
}

// follows walks from the last checkpoint to the head.
func (k *Keeper) follows(ctx context.Context, tx *db.Tx, seq int64, hash string) error {
	have, err := hashOf(ctx, tx, k.last.Seq)
	if err != nil && !db.None(err) {
		return err
	}
	if have != k.last.Hash {
		return fmt.Errorf("%w: entry %d is not the one that was signed", ErrBroken, k.last.Seq)
	}
	before := row{seq: k.last.Seq, hash: k.last.Hash}
	for before.seq < seq {
		rows, err := after(ctx, tx, before.seq, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.seq != before.seq+1 || r.text[colPrev] != before.hash || r.digest() != r.hash {
				return fmt.Errorf("%w: at entry %d", ErrBroken, before.seq+1)
			}
			before = r
		}
		if len(rows) == 0 {
			break
		}
	}
	if before.seq != seq || before.hash != hash {
		return fmt.Errorf("%w: the head is %d, the last entry %d", ErrBroken, seq, before.seq)
	}
	return nil
}

// Health is nil while checkpoints are made, and says why if not.
func (k *Keeper) Health() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.health
}

// Close closes the file; [Keeper.Run] must have returned.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.file.Close()
}
