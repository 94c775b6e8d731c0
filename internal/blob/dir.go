package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"chancela/internal/durable"
)

// Dir is a Store in a directory of one machine. Every document is encrypted at rest in the age format
// (age-encryption.org/v1, X25519), which the age tool can open with the same identity when all else is lost.
type Dir struct {
	path string
	key  *age.X25519Identity
}

// Two letters of the digest make the folder, so that no folder grows beyond what a file system likes.
const (
	tempFolder = "tmp"
	suffix     = ".age"
	// abandoned is the age at which a temporary file belongs to no upload that is still under way.
	abandoned = time.Hour
)

// OpenDir opens, or makes, a directory of documents encrypted to the identity ([OpenKey]), and sweeps away what
// uploads cut off by a crash have left there.
func OpenDir(path string, key *age.X25519Identity) (*Dir, error) {
	if key == nil {
		return nil, errors.New("documents need a key: none is stored in the clear")
	}
	if err := os.MkdirAll(filepath.Join(path, tempFolder), 0o700); err != nil {
		return nil, fmt.Errorf("folder of documents: %w", err)
	}
	d := &Dir{path: path, key: key}
	return d, d.Sweep(context.Background(), time.Now())
}

// Put stores a document. A crash at any point leaves a temporary file at most, which [Dir.Sweep] removes.
func (d *Dir) Put(ctx context.Context, r io.Reader, limit int64) (Blob, error) {
	temp, err := os.CreateTemp(filepath.Join(d.path, tempFolder), "put-*")
	if err != nil {
		return Blob{}, fmt.Errorf("store document: %w", err)
	}
	defer func() {
		_ = temp.Close()           // closed already if all went well
		_ = os.Remove(temp.Name()) // renamed already if all went well
	}()
	sum, size, err := d.encrypt(ctx, temp, r, limit)
	if err != nil {
		return Blob{}, err
	}
	b := Blob{Name: named(sum), Size: size, At: time.Now().UTC()}
	if err := d.keep(temp, b.Name); err != nil {
		return Blob{}, fmt.Errorf("store document: %w", err)
	}
	return b, nil
}

func (d *Dir) encrypt(ctx context.Context, temp io.Writer, r io.Reader, limit int64) (sum [sha256.Size]byte, size int64, err error) {
	sealed, err := age.Encrypt(temp, d.key.Recipient())
	if err != nil {
		return sum, 0, fmt.Errorf("store document: %w", err)
	}
	digest := sha256.New()
	size, err = io.Copy(io.MultiWriter(digest, sealed), io.LimitReader(patient{ctx, r}, limit+1))
	if err != nil {
		return sum, 0, fmt.Errorf("receive document: %w", err)
	}
	if size > limit {
		return sum, 0, ErrTooLarge
	}
	if err := sealed.Close(); err != nil {
		return sum, 0, fmt.Errorf("store document: %w", err)
	}
	return [sha256.Size]byte(digest.Sum(nil)), size, nil
}

// keep makes the document durable under its name: content first, then the name, then the folder that holds it.
func (d *Dir) keep(temp *os.File, name Name) error {
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	if err := durable.Folder(filepath.Dir(d.file(name))); err != nil {
		return err
	}
	err := durable.Move(temp.Name(), d.file(name))
	if err != nil {
		_ = os.Remove(d.file(name)) // the caller is told that nothing was stored
	}
	return err
}

func (d *Dir) file(name Name) string {
	return filepath.Join(d.path, string(name[:2]), string(name)+suffix)
}

// Open reads the document through once to check it, and once more for the caller; the second reading is checked
// too, in case the disk changes its mind.
func (d *Dir) Open(ctx context.Context, name Name) (io.ReadCloser, error) {
	if !name.Valid() {
		return nil, ErrNotFound
	}
	file, err := os.Open(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open document: %w", err)
	}
	checked, err := d.checked(ctx, file, name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return checked, nil
}

func (d *Dir) checked(ctx context.Context, file *os.File, name Name) (*reading, error) {
	first, err := d.reading(ctx, file, name)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, first); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("open document: %w", err)
	}
	return d.reading(ctx, file, name)
}

func (d *Dir) reading(ctx context.Context, file *os.File, name Name) (*reading, error) {
	plain, err := age.Decrypt(file, d.key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRotten, err)
	}
	return &reading{plain: patient{ctx, plain}, file: file, digest: sha256.New(), want: name.Digest()}, nil
}

// reading hands out a document and, at its end, says whether it was the one that was asked for.
type reading struct {
	plain  io.Reader
	file   *os.File
	digest hash.Hash
	want   string
}

// Read never ends well on a document that does not match.
func (r *reading) Read(p []byte) (int, error) {
	n, err := r.plain.Read(p)
	_, _ = r.digest.Write(p[:n])
	if err == nil {
		return n, nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return n, err
	}
	if !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("%w: %w", ErrRotten, err)
	}
	if hex.EncodeToString(r.digest.Sum(nil)) != r.want {
		return n, ErrRotten
	}
	return n, io.EOF
}

// Close closes the file beneath.
func (r *reading) Close() error { return r.file.Close() }

// patient stops reading when the one who asked has gone.
type patient struct {
	ctx context.Context
	io.Reader
}

// Read fails once the context has ended.
func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}

// Stat looks for a document. Its Size is that of the stored file, a little more than the content's.
func (d *Dir) Stat(_ context.Context, name Name) (Blob, error) {
	if !name.Valid() {
		return Blob{}, ErrNotFound
	}
	info, err := os.Stat(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return Blob{}, ErrNotFound
	}
	if err != nil {
		return Blob{}, fmt.Errorf("look for document: %w", err)
	}
	return Blob{Name: name, Size: info.Size(), At: info.ModTime()}, nil
}

// Delete removes a document for good. One that is gone already may be so since a try whose folder could not be synced.
func (d *Dir) Delete(_ context.Context, name Name) error {
	if !name.Valid() {
		return nil
	}
	err := os.Remove(d.file(name))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = durable.Settle(d.file(name))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // without its folder it was never there
		return fmt.Errorf("delete document: %w", err)
	}
	return nil
}

// List walks over all documents.
func (d *Dir) List(ctx context.Context, yield func(Blob) bool) error {
	stop := errors.New("enough")
	err := filepath.WalkDir(d.path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if entry.IsDir() {
			return nil
		}
		base, encrypted := strings.CutSuffix(entry.Name(), suffix)
		if name := Name(base); encrypted && name.Valid() {
			info, err := entry.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil // deleted meanwhile
			}
			if err != nil {
				return err
			}
			if !yield(Blob{Name: name, Size: info.Size(), At: info.ModTime()}) {
				return stop
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, stop) {
		return fmt.Errorf("list documents: %w", err)
	}
	return nil
}

// Sweep removes temporary files that no upload can still be writing.
func (d *Dir) Sweep(ctx context.Context, now time.Time) error {
	folder := filepath.Join(d.path, tempFolder)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("sweep documents: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || now.Sub(info.ModTime()) < abandoned {
			continue
		}
		if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sweep documents: %w", err)
		}
	}
	return ctx.Err()
}

// OpenKey reads the identity that documents are encrypted to, or makes it, readable by this user only.
// Without this file the documents are lost: it belongs in every backup, apart from them.
func OpenKey(path string) (*age.X25519Identity, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of documents: %w", err)
	}
	key, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("key of documents: %s is not an age identity", path)
	}
	return key, nil
}

func makeKey(path string) (*age.X25519Identity, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("key of documents: %w", err)
	}
	// Whole or not there, and the first of two makers wins.
	if err := durable.Create(path, []byte(key.String()+"\n")); errors.Is(err, fs.ErrExist) {
		return OpenKey(path)
	} else if err != nil {
		return nil, fmt.Errorf("key of documents: %w", err)
	}
	return key, nil
}
