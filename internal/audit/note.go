package audit

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is the head of the record as it was signed.
type Checkpoint struct {
	Seq  int64
	Hash string // hexadecimal
	Note string // as golang.org/x/mod/sumdb/note writes it: origin, number, hash in base64; then the signature
}

const longestNote = 4096 // bytes; ours have about 200

var errNote = errors.New("not a checkpoint of this record")

func seal(signer note.Signer, seq int64, hash string) (Checkpoint, error) {
	raw, err := hex.DecodeString(hash)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("hash of entry %d: %w", seq, err)
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), seq, base64.StdEncoding.EncodeToString(raw))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign the head: %w", err)
	}
	return Checkpoint{Seq: seq, Hash: hash, Note: string(signed)}, nil
}

// unseal checks the signature and reads what was signed, in the one way in which it is written.
func unseal(verifier note.Verifier, signed string) (Checkpoint, error) {
	if len(signed) > longestNote {
		return Checkpoint{}, errNote
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", errNote, err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return Checkpoint{}, errNote
	}
	seq, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || seq < 0 || strconv.FormatInt(seq, 10) != lines[1] {
		return Checkpoint{}, errNote
	}
	hash, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(hash) != len(beginning)/2 {
		return Checkpoint{}, errNote
	}
	return Checkpoint{Seq: seq, Hash: hex.EncodeToString(hash), Note: signed}, nil
}

// keyID names a key in the database.
func keyID(v note.Verifier) string { return fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash()) }

// errTorn tells that the file ends inside a checkpoint: the power failed while it was written, or it is being written.
var errTorn = errors.New("the last checkpoint is incomplete")

// notes reads a checkpoint file: notes, each with an empty line behind it. It reads one after the other and
// keeps none.
type notes struct{ in *bufio.Reader }

func readNotes(from io.Reader) *notes { return &notes{bufio.NewReader(from)} }

// next gives the next note; io.EOF at the end, errTorn at an incomplete end, errNote at what is no note at all, after
// which nothing more can be read.
func (n *notes) next() (string, error) {
	var all strings.Builder
	empty := 0
	for {
		line, err := n.in.ReadSlice('\n')
		all.Write(line)
		switch {
		case errors.Is(err, io.EOF) && all.Len() == 0:
			return "", io.EOF
		case errors.Is(err, io.EOF):
			return "", errTorn
		case errors.Is(err, bufio.ErrBufferFull) || all.Len() > longestNote:
			return "", errNote
		case err != nil:
			return "", err
		}
		if len(line) > 1 {
			continue
		}
		if empty++; empty == 2 { // the first stands between text and signature
			return strings.TrimSuffix(all.String(), "\n"), nil
		}
	}
}
