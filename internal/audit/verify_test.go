package audit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/i18n"
)

func keeper(t *testing.T, d *db.DB, dir string) *Keeper {
	t.Helper()
	k, err := OpenKeeper(d, Config{Dir: dir, Name: "balcao.example/audit", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func sign(t *testing.T, k *Keeper) Checkpoint {
	t.Helper()
	c, err := k.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func check(t *testing.T, d *db.DB, k *Keeper) Report {
	t.Helper()
	r, err := Check(t.Context(), d, filepath.Dir(k.file.Name()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tamper changes the database as somebody with its password would.
func tamper(t *testing.T, d *db.DB, statements ...string) {
	t.Helper()
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(t.Context(), s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rehash computes the chain anew from an entry on, as somebody would who knows how we do it.
func rehash(t *testing.T, d *db.DB, from int64) {
	t.Helper()
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		rows, err := after(t.Context(), tx, from-1, 1000)
		if err != nil {
			return err
		}
		last := beginning
		err = tx.Row(t.Context(), `SELECT hash FROM audit_entry WHERE seq < $1 ORDER BY seq DESC LIMIT 1`, from).Scan(&last)
		if err != nil && !db.None(err) {
			return err
		}
		for _, r := range rows {
			r.text[colPrev] = last
			last = r.digest()
			if _, err := tx.Exec(t.Context(), `UPDATE audit_entry SET prev = $1, hash = $2 WHERE seq = $3`, r.text[colPrev], last, r.seq); err != nil {
				return err
			}
		}
		_, err = tx.Exec(t.Context(), `UPDATE audit_head SET hash = $1, seq = (SELECT MAX(seq) FROM audit_entry) WHERE id = 1`, last)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mustFind wants a finding of a key that names an entry.
func mustFind(t *testing.T, r Report, key string, seq int64) {
	t.Helper()
	var all []string
	for _, f := range r.Findings {
		if f.Key == key && f.Seq == seq {
			for _, lang := range i18n.Langs() {
				said := f.Say(lang)
				if strings.ContainsAny(said, "{}[]") || seq != 0 && !strings.Contains(said, number(seq)) {
					t.Errorf("says %q, which does not name %d", said, seq)
				}
			}
			return
		}
		all = append(all, f.Say(i18n.EN))
	}
	t.Errorf("no %s at %d among %q", key, seq, all)
}

const insertCopy = `INSERT INTO audit_entry (seq, at, portal, kind, person, account, session, roles, strength, opened, address, verb, object, details, prev, hash)
	SELECT 11, at, portal, kind, person, account, session, roles, strength, opened, address, verb, object, details, prev, hash FROM audit_entry WHERE seq = 10`

func TestVerifyFindsEveryTampering(t *testing.T) {
	type find struct {
		key string
		seq int64
	}
	cases := map[string]struct {
		how  []string
		redo int64 // compute the chain anew from here
		want []find
	}{
		"a changed object":         {[]string{`UPDATE audit_entry SET object = 'case/c9' WHERE seq = 4`}, 0, []find{{"audit.changed", 4}}},
		"a changed person":         {[]string{`UPDATE audit_entry SET person = 'p2' WHERE seq = 4`}, 0, []find{{"audit.changed", 4}}},
		"a changed strength":       {[]string{`UPDATE audit_entry SET strength = 4 WHERE seq = 4`}, 0, []find{{"audit.changed", 4}}},
		"a changed time":           {[]string{`UPDATE audit_entry SET at = 'yesterday' WHERE seq = 10`}, 0, []find{{"audit.changed", 10}}},
		"a changed hash":           {[]string{`UPDATE audit_entry SET hash = 'x' WHERE seq = 4`}, 0, []find{{"audit.changed", 4}, {"audit.unchained", 5}}},
		"a deleted entry":          {[]string{`DELETE FROM audit_entry WHERE seq = 4`}, 0, []find{{"audit.removed", 4}}},
		"the first deleted":        {[]string{`DELETE FROM audit_entry WHERE seq = 1`}, 0, []find{{"audit.removed", 1}}},
		"deleted and chained anew": {[]string{`DELETE FROM audit_entry WHERE seq = 4`}, 5, []find{{"audit.removed", 4}}},
		"deleted and renumbered": {[]string{
			`DELETE FROM audit_entry WHERE seq = 4`, `UPDATE audit_entry SET seq = seq + 100 WHERE seq > 4`, `UPDATE audit_entry SET seq = seq - 101 WHERE seq > 100`,
		}, 4, []find{{"audit.rewritten", 8}, {"audit.cut", 10}}},
		"inserted at the end":   {[]string{insertCopy}, 0, []find{{"audit.changed", 11}, {"audit.head", 11}}},
		"inserted before all":   {[]string{strings.Replace(insertCopy, "11", "0", 1)}, 0, []find{{"audit.inserted", 0}}},
		"two swapped":           {[]string{`UPDATE audit_entry SET seq = 99 WHERE seq = 3`, `UPDATE audit_entry SET seq = 3 WHERE seq = 4`, `UPDATE audit_entry SET seq = 4 WHERE seq = 99`}, 0, []find{{"audit.changed", 3}, {"audit.changed", 4}}},
		"two swapped, chained":  {[]string{`UPDATE audit_entry SET seq = 99 WHERE seq = 6`, `UPDATE audit_entry SET seq = 6 WHERE seq = 7`, `UPDATE audit_entry SET seq = 7 WHERE seq = 99`, `UPDATE audit_entry SET verb = 'a.b' WHERE seq = 7`}, 6, []find{{"audit.rewritten", 8}}},
		"changed and rehashed":  {[]string{`UPDATE audit_entry SET person = 'p2' WHERE seq = 6`}, 6, []find{{"audit.rewritten", 8}, {"audit.rewritten", 10}}},
		"the last changed":      {[]string{`UPDATE audit_entry SET person = 'p2' WHERE seq = 10`}, 10, []find{{"audit.rewritten", 10}}},
		"a cut tail":            {[]string{`DELETE FROM audit_entry WHERE seq > 8`}, 0, []find{{"audit.cut", 9}, {"audit.head", 8}}},
		"a cut tail, head set":  {[]string{`DELETE FROM audit_entry WHERE seq > 8`}, 8, []find{{"audit.cut", 9}}},
		"all gone":              {[]string{`DELETE FROM audit_entry`, `UPDATE audit_head SET seq = 0, hash = '` + beginning + `'`}, 0, []find{{"audit.cut", 1}}},
		"the head moved":        {[]string{`UPDATE audit_head SET seq = 12`}, 0, []find{{"audit.head", 10}}},
		"the head gone":         {[]string{`DELETE FROM audit_head`}, 0, []find{{"audit.head", 10}}},
		"a forged copy":         {[]string{`UPDATE audit_checkpoint SET note = 'x' WHERE seq = 8`}, 0, []find{{"audit.copy-forged", 8}}},
		"a copy under a number": {[]string{`UPDATE audit_checkpoint SET seq = 9 WHERE seq = 8`}, 0, []find{{"audit.copy-forged", 9}}},
	}
	each(t, func(t *testing.T, d *db.DB) {
		k := threeCheckpoints(t, d)
		if r := check(t, d, k); !r.Sound() || r.Head != 10 || r.Signed != 10 || r.Checkpoints != 4 {
			t.Fatalf("before: %+v", r)
		}
		restore := keep(t, d)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				defer restore()
				tamper(t, d, c.how...)
				if c.redo > 0 {
					rehash(t, d, c.redo)
				}
				r := check(t, d, k)
				for _, f := range c.want {
					mustFind(t, r, f.key, f.seq)
				}
			})
		}
		if r := check(t, d, k); !r.Sound() {
			t.Fatalf("after all was put back: %+v", r)
		}
	})
}

// keep copies the record, so that one database serves for many ways of tampering.
func keep(t *testing.T, d *db.DB) (restore func()) {
	t.Helper()
	tables := []string{"audit_entry", "audit_head", "audit_checkpoint"}
	for _, table := range tables {
		tamper(t, d, "CREATE TABLE kept_"+table+" AS SELECT * FROM "+table)
	}
	return func() {
		for _, table := range tables {
			tamper(t, d, "DELETE FROM "+table, "INSERT INTO "+table+" SELECT * FROM kept_"+table)
		}
	}
}

// threeCheckpoints makes ten entries, signed at 5, 8 and 10.
func threeCheckpoints(t *testing.T, d *db.DB) *Keeper {
	t.Helper()
	k := keeper(t, d, t.TempDir())
	for _, n := range []int{5, 3, 2} {
		deeds(t, d, n)
		sign(t, k)
	}
	return k
}

func TestVerifyFindsAMissingCutOrForgedCheckpointFile(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		k := threeCheckpoints(t, d)
		path := k.file.Name()
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.SplitAfter(string(whole), "\n\n") // text, signature, text, signature, …
		for name, c := range map[string]struct {
			file string
			key  string
			seq  int64
		}{
			"missing":                {"-", "audit.checkpoints-missing", 10},
			"empty":                  {"", "audit.checkpoints-missing", 10},
			"cut":                    {strings.Join(notes[:6], ""), "audit.checkpoints-cut", 10},
			"torn":                   {string(whole[:len(whole)-1]), "audit.checkpoints-cut", 10},
			"another number":         {strings.Replace(string(whole), "\n8\n", "\n9\n", 1), "audit.checkpoint-forged", 0},
			"another origin":         {strings.Replace(string(whole), "balcao", "falcao", 1), "audit.checkpoint-forged", 0},
			"another's signature":    {notes[2] + notes[5], "audit.checkpoint-forged", 0},
			"no notes at all":        {strings.Repeat("x", 10000), "audit.checkpoint-forged", 0},
			"a note that never ends": {strings.Repeat("x\n", 10000), "audit.checkpoint-forged", 0},
		} {
			if c.file == "-" {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, []byte(c.file), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Log(name)
			mustFind(t, check(t, d, k), c.key, c.seq)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := check(t, d, k); !r.Sound() {
			t.Errorf("the right file: %+v", r)
		}
	})
}

func TestVerifyToleratesCheckpointsOutOfOrderAndARecordThatGrows(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		k := threeCheckpoints(t, d)
		whole, err := os.ReadFile(k.file.Name())
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.SplitAfter(string(whole), "\n\n")
		mixed := strings.Join(append(notes[6:8:8], notes[2:6]...), "")
		r, err := Verify(t.Context(), d, k.Verifier(), strings.NewReader(mixed))
		if err != nil || !r.Sound() || r.Signed != 10 {
			t.Errorf("out of order: %+v, %v", r, err)
		}
		grows := growing{from: bytes.NewReader(whole), more: func() []byte {
			deeds(t, d, 2)
			return []byte(sign(t, k).Note + "\n")
		}}
		r, err = Verify(t.Context(), d, k.Verifier(), &grows)
		if err != nil || !r.Sound() {
			t.Errorf("grown meanwhile: %+v, %v", r, err)
		}
	})
}

// growing is a checkpoint file that gets another checkpoint when its end is reached.
type growing struct {
	from *bytes.Reader
	more func() []byte
}

func (g *growing) Read(p []byte) (int, error) {
	if g.from.Len() == 0 && g.more != nil {
		g.from, g.more = bytes.NewReader(g.more()), nil
	}
	return g.from.Read(p)
}

func TestTheKeeperSignsNothingOnTopOfAChangedRecord(t *testing.T) {
	ways := map[string]func(t *testing.T, d *db.DB){
		"cut and grown again": func(t *testing.T, d *db.DB) {
			tamper(t, d, `DELETE FROM audit_entry WHERE seq > 8`)
			rehash(t, d, 8)
			deeds(t, d, 4)
		},
		"cut": func(t *testing.T, d *db.DB) {
			tamper(t, d, `DELETE FROM audit_entry WHERE seq > 8`)
			rehash(t, d, 8)
		},
		"the new entries changed": func(t *testing.T, d *db.DB) {
			deeds(t, d, 2)
			tamper(t, d, `UPDATE audit_entry SET person = 'p2' WHERE seq = 11`)
		},
		"the signed entry changed in its place": func(t *testing.T, d *db.DB) {
			tamper(t, d, `UPDATE audit_entry SET person = 'p2', hash = 'x' WHERE seq = 10`)
		},
		"rewritten": func(t *testing.T, d *db.DB) {
			tamper(t, d, `UPDATE audit_entry SET person = 'p2' WHERE seq = 3`)
			rehash(t, d, 3)
		},
	}
	each(t, func(t *testing.T, d *db.DB) {
		k := threeCheckpoints(t, d)
		restore := keep(t, d)
		for name, how := range ways {
			t.Run(name, func(t *testing.T) {
				defer restore()
				how(t, d)
				c, err := k.Sign(t.Context())
				if !errors.Is(err, ErrBroken) || !errors.Is(k.Health(), ErrBroken) || c.Seq != 10 {
					t.Fatalf("signed %d, %v; health %v", c.Seq, err, k.Health())
				}
				if r := check(t, d, k); r.Sound() {
					t.Error("Verify found nothing")
				}
			})
		}
		if c, err := k.Sign(t.Context()); err != nil || k.Health() != nil || c.Seq != 10 {
			t.Errorf("after all was put back: %d, %v", c.Seq, err)
		}
	})
}

func TestTheKeeperGoesOnAfterARestart(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		k := keeper(t, d, dir)
		deeds(t, d, 3)
		first := sign(t, k)
		if again := sign(t, k); again != first {
			t.Errorf("signed twice: %+v", again)
		}
		if _, err := k.file.WriteString("balcao.example/audit\n9"); err != nil { // the power fails here
			t.Fatal(err)
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if r := check(t, d, k); !r.Sound() || !r.Torn {
			t.Errorf("torn: %+v", r)
		}
		k = keeper(t, d, dir)
		if k.last != first {
			t.Fatalf("went on from %+v", k.last)
		}
		deeds(t, d, 700) // more than a page
		sign(t, k)
		if r := check(t, d, k); !r.Sound() || r.Torn || r.Signed != 703 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTheKeeperSignsAtEachTickAndAtTheEnd(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		k := keeper(t, d, t.TempDir())
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ticks, ended := make(chan time.Time), make(chan struct{})
		go func() { defer close(ended); k.run(ctx, ticks) }()
		deeds(t, d, 1)
		ticks <- noon()
		ticks <- noon() // taken once the first tick's work is done
		if r := check(t, d, k); r.Signed != 1 {
			t.Errorf("after a tick: %+v", r)
		}
		deeds(t, d, 1)
		stop()
		<-ended
		if r := check(t, d, k); !r.Sound() || r.Signed != 2 {
			t.Errorf("after the end: %+v", r)
		}
	})
}

func TestTheFolderIsRefusedWithoutItsKeyOrWithAnothers(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		k := keeper(t, d, dir)
		info, err := os.Stat(filepath.Join(dir, keyFile))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode of the key: %v, %v", info, err)
		}
		open := func() error {
			again, err := OpenKeeper(d, Config{Dir: dir, Name: "balcao.example/audit"})
			if err == nil {
				_ = again.Close()
			}
			return err
		}
		public, err := os.ReadFile(filepath.Join(dir, publicFile))
		if v, bad := note.NewVerifier(strings.TrimSpace(string(public))); err != nil || bad != nil || keyID(v) != keyID(k.Verifier()) {
			t.Errorf("public key: %v %v", err, bad)
		}
		if err := os.Chmod(filepath.Join(dir, keyFile), 0o644); err != nil {
			t.Fatal(err)
		}
		if open() == nil {
			t.Error("a key that all may read was taken")
		}
		if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
			t.Fatal(err)
		}
		if open() == nil {
			t.Error("a new key was made over old checkpoints")
		}
		if err := os.Rename(filepath.Join(dir, checkpointFile), filepath.Join(dir, "away")); err != nil {
			t.Fatal(err)
		}
		if err := open(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, checkpointFile)); err != nil {
			t.Fatal(err)
		}
		if open() == nil {
			t.Error("another key's checkpoints were taken")
		}
		if _, err := OpenKeeper(d, Config{Dir: t.TempDir(), Name: "with spaces"}); err == nil {
			t.Error("a name with spaces was taken")
		}
	})
}

func FuzzNotes(f *testing.F) {
	private, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), "x/audit")
	if err != nil {
		f.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		f.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		f.Fatal(err)
	}
	c, err := seal(signer, 3, beginning)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Note + "\n")
	f.Add(c.Note + "\n" + c.Note)
	f.Add("\n\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		in := readNotes(strings.NewReader(text))
		for range len(text) + 1 {
			one, err := in.next()
			if err != nil {
				return
			}
			if got, err := unseal(verifier, one); err == nil && (got.Seq != 3 || got.Hash != beginning) {
				t.Fatalf("took %+v, which nobody signed", got)
			}
		}
		t.Fatal("reads more notes than there are bytes")
	})
}

// F06: a second sync of what could not be synced would say that all is well, so a restart has to begin anew.
func TestACheckpointThatTheDiskDidNotConfirmIsTheLast(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t), nil)
	dir := t.TempDir()
	k := keeper(t, d, dir)
	deeds(t, d, 1)
	last := sign(t, k)
	sound := k.file
	unsyncable, err := os.OpenFile(os.DevNull, os.O_RDWR, 0) // takes everything and cannot be synced
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unsyncable.Close() }()
	k.file = unsyncable
	deeds(t, d, 1)
	if _, err := k.Sign(t.Context()); err == nil {
		t.Fatal("a checkpoint was confirmed by nobody, and stands")
	}
	k.file = sound
	if c, err := k.Sign(t.Context()); err == nil || k.Health() == nil || c != last {
		t.Errorf("it was tried again: %v %v", c.Seq, err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if c := sign(t, keeper(t, d, dir)); c.Seq != last.Seq+1 {
		t.Errorf("after a restart the checkpoint is %d, want %d", c.Seq, last.Seq+1)
	}
}
