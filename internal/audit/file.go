package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"chancela/internal/durable"
)

// openKey reads the key of a folder, or makes it at the first start.
func openKey(dir, name string) (note.Signer, note.Verifier, error) {
	path := filepath.Join(dir, keyFile)
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(dir, name); err != nil {
			return nil, nil, err
		}
	}
	return readKey(path)
}

func makeKey(dir, name string) error {
	if _, err := os.Stat(filepath.Join(dir, checkpointFile)); err == nil {
		return fmt.Errorf("%s is gone while its checkpoints are there: put it back from the backup", keyFile)
	}
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	if _, err := note.NewSigner(private); err != nil { // a name with spaces makes a key that cannot be read
		return fmt.Errorf("name %q: %w", name, err)
	}
	if err := durable.Replace(filepath.Join(dir, publicFile), []byte(public+"\n")); err != nil {
		return err
	}
	return durable.Replace(filepath.Join(dir, keyFile), []byte(private+"\n"))
}

func readKey(path string) (note.Signer, note.Verifier, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, nil, fmt.Errorf("%s must be readable by its owner only (mode 0600)", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	private := strings.TrimSpace(string(data))
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	public, err := publicOf(signer.Name(), private)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	verifier, err := note.NewVerifier(public)
	return signer, verifier, err
}

// publicOf computes the public half rather than trust the file that holds it. A private key is written
// PRIVATE+KEY+name+hash+base64(algorithm, seed).
func publicOf(name, private string) (string, error) {
	parts := strings.SplitN(private, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", errors.New("not an Ed25519 key")
	}
	public, isKey := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	if !isKey {
		return "", errors.New("not an Ed25519 key")
	}
	return note.NewEd25519VerifierKey(name, public)
}

// lastNote finds the last whole note of a checkpoint file and where it ends. It reads no more than the file's end,
// however long the file is.
func lastNote(file *os.File) (whole int64, last string, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, "", err
	}
	from := max(0, info.Size()-3*longestNote)
	data := make([]byte, info.Size()-from)
	if _, err := io.ReadFull(io.NewSectionReader(file, from, info.Size()-from), data); err != nil {
		return 0, "", err
	}
	pieces := strings.Split(string(data), "\n\n") // text, signature, text, signature, …, and what is behind the last
	for i := len(pieces) - 2; i >= 1; i-- {
		if strings.HasPrefix(pieces[i], "— ") {
			behind := strings.Join(pieces[i+1:], "\n\n")
			return info.Size() - int64(len(behind)), pieces[i-1] + "\n\n" + pieces[i] + "\n", nil
		}
	}
	if info.Size() > longestNote {
		return 0, "", errNote
	}
	return 0, "", nil // empty, or the very first checkpoint was cut off
}
