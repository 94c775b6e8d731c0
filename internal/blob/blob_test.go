package blob_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"filippo.io/age"

	"chancela/internal/blob"
)

func key(t testing.TB) *age.X25519Identity {
	t.Helper()
	k, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, path string, k *age.X25519Identity) *blob.Dir {
	t.Helper()
	d, err := blob.OpenDir(path, k)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t testing.TB, s blob.Store, content []byte) blob.Blob {
	t.Helper()
	b, err := s.Put(context.Background(), bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// files lists what lies on the disk beneath a folder.
func files(t testing.TB, path string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsPutIsOpened(t *testing.T) {
	path := t.TempDir()
	s := open(t, path, key(t))
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 3 << 20} {
		content := random(size)
		b := put(t, s, content)
		sum := sha256.Sum256(content)
		if b.Digest() != hex.EncodeToString(sum[:]) || b.Size != int64(size) || !b.Name.Valid() {
			t.Fatalf("%+v", b)
		}
		r, err := s.Open(t.Context(), b.Name)
		if err != nil {
			t.Fatal(err)
		}
		back, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(back, content) || r.Close() != nil {
			t.Fatalf("size %d came back as %d bytes: %v", size, len(back), err)
		}
	}
	for _, f := range files(t, path) {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f, info.Mode(), err)
		}
	}
}

func TestDocumentsAreEncryptedOnTheDisk(t *testing.T) {
	path := t.TempDir()
	s := open(t, path, key(t))
	put(t, s, []byte("canary: an invented secret of nobody"))
	for _, f := range files(t, path) {
		raw, err := os.ReadFile(f)
		if err != nil || bytes.Contains(raw, []byte("canary")) {
			t.Errorf("%s is in the clear (%v)", f, err)
		}
	}
	if _, err := blob.OpenDir(t.TempDir(), nil); err == nil {
		t.Error("a store without a key was opened")
	}
}

func TestErasingOneOfTwoEqualDocumentsKeepsTheOther(t *testing.T) {
	s := open(t, t.TempDir(), key(t))
	one, two := put(t, s, []byte("same")), put(t, s, []byte("same"))
	if one.Name == two.Name || one.Digest() != two.Digest() {
		t.Fatal(one, two)
	}
	if err := s.Delete(t.Context(), one.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), one.Name); !errors.Is(err, blob.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), one.Name); !errors.Is(err, blob.ErrNotFound) {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), two.Name)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	if err := s.Delete(t.Context(), one.Name); err != nil {
		t.Fatalf("deleted twice: %v", err)
	}
}

func TestNothingIsLeftOfWhatWasRefused(t *testing.T) {
	path := t.TempDir()
	s := open(t, path, key(t))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	cut := io.MultiReader(bytes.NewReader(random(100_000)), iotest.ErrReader(errors.New("the browser was closed")))
	for name, c := range map[string]struct {
		ctx  context.Context
		r    io.Reader
		want error
	}{
		"too large":    {t.Context(), bytes.NewReader(random(200_001)), blob.ErrTooLarge},
		"endless":      {t.Context(), rand.Reader, blob.ErrTooLarge},
		"cut off":      {t.Context(), cut, nil},
		"caller left":  {gone, bytes.NewReader(random(10)), context.Canceled},
		"cut at start": {t.Context(), iotest.ErrReader(io.ErrUnexpectedEOF), io.ErrUnexpectedEOF},
	} {
		_, err := s.Put(c.ctx, c.r, 200_000)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := files(t, path); len(left) != 0 {
		t.Fatalf("left on the disk: %v", left)
	}
	if _, err := s.Put(t.Context(), bytes.NewReader(random(200_000)), 200_000); err != nil {
		t.Fatalf("exactly the limit: %v", err)
	}
}

// F09: whatever happens to the file, not one wrong byte is handed out.
func TestARottenDocumentIsServedNever(t *testing.T) {
	path, k := t.TempDir(), key(t)
	s := open(t, path, k)
	b := put(t, s, random(100_000))
	file := files(t, path)[0]
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	forged := func(content string) []byte {
		var to bytes.Buffer
		w, err := age.Encrypt(&to, k.Recipient()) // whoever can write the disk knows the public half
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, content)
		_ = w.Close()
		return to.Bytes()
	}
	flipped := func(at int) []byte {
		bad := bytes.Clone(whole)
		bad[at] ^= 1
		return bad
	}
	for name, raw := range map[string][]byte{
		"a bit of the header": flipped(30), "a bit of the first chunk": flipped(5000), "a bit of the last chunk": flipped(len(whole) - 1),
		"cut": whole[:len(whole)-40_000], "empty": {}, "longer": append(bytes.Clone(whole), 0), "another document": forged("forged"),
	} {
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(t.Context(), b.Name); !errors.Is(err, blob.ErrRotten) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path, key(t)).Open(t.Context(), b.Name); !errors.Is(err, blob.ErrRotten) {
		t.Errorf("with another key: %v", err)
	}
}

func TestADocumentExchangedWhileItIsReadEndsInAnError(t *testing.T) {
	path, k := t.TempDir(), key(t)
	s := open(t, path, k)
	b := put(t, s, random(300_000))
	r, err := s.Open(t.Context(), b.Name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(files(t, path)[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.WriteAt([]byte("rot"), 250_000)
	_ = file.Close()
	if _, err := io.ReadAll(r); !errors.Is(err, blob.ErrRotten) {
		t.Fatal(err)
	}
	_ = r.Close()
}

func TestNoNameLeadsOutOfTheFolder(t *testing.T) {
	s := open(t, t.TempDir(), key(t))
	for _, name := range []blob.Name{"", "x", "../../etc/passwd", blob.Name(strings.Repeat("a", 64)), blob.Name("../" + strings.Repeat("a", 61) + "-" + strings.Repeat("a", 26))} {
		if _, err := s.Open(t.Context(), name); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("open %q: %v", name, err)
		}
		if _, err := s.Stat(t.Context(), name); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("stat %q: %v", name, err)
		}
		if err := s.Delete(t.Context(), name); err != nil {
			t.Errorf("delete %q: %v", name, err)
		}
	}
}

func TestListGivesEveryDocumentUntilToldToStop(t *testing.T) {
	s := open(t, t.TempDir(), key(t))
	want := map[blob.Name]bool{}
	for range 5 {
		want[put(t, s, random(10)).Name] = true
	}
	n := 0
	if err := s.List(t.Context(), func(b blob.Blob) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	err := s.List(t.Context(), func(b blob.Blob) bool { delete(want, b.Name); return true })
	if err != nil || len(want) != 0 {
		t.Fatal(want, err)
	}
}

func TestSweepTakesOldTemporaryFilesOnly(t *testing.T) {
	path := t.TempDir()
	s := open(t, path, key(t))
	kept := put(t, s, []byte("kept"))
	crashed := filepath.Join(path, "tmp", "put-crashed")
	if err := os.WriteFile(crashed, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context(), time.Now().Add(30*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(crashed); err != nil {
		t.Fatal("an upload that may be under way was swept away")
	}
	if err := s.Sweep(t.Context(), time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left := files(t, path); len(left) != 1 || !strings.Contains(left[0], string(kept.Name)) {
		t.Fatal(left)
	}
}

func TestTheKeyIsMadeOnceAndReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "documents.key")
	first, err := blob.OpenKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := blob.OpenKey(path)
	if err != nil || again.String() != first.String() {
		t.Fatal("another key", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	if left := files(t, filepath.Dir(path)); len(left) != 1 {
		t.Fatal(left)
	}
	if err := os.WriteFile(path, []byte("AGE-SECRET-KEY-1BROKEN"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.OpenKey(path); err == nil || strings.Contains(err.Error(), "BROKEN") {
		t.Fatalf("a broken key: %v", err)
	}
}
